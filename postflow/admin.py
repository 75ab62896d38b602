"""Users and planned posts in the admin."""

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm

from .models import CustomUser, ScheduledPost

# Nothing is written to them; the attempts, which stay, can be deleted to let somebody in again.
admin.site.unregister([AccessFailureLog, AccessLog])


class CustomUserCreationForm(AdminUserCreationForm):
    """Makes a user by e-mail address."""

    class Meta(AdminUserCreationForm.Meta):
        model = CustomUser
        fields = ("email",)
        field_classes = {}


class CustomUserChangeForm(UserChangeForm):
    """Edits a user."""

    class Meta(UserChangeForm.Meta):
        model = CustomUser
        field_classes = {}


@admin.register(CustomUser)
class CustomUserAdmin(UserAdmin):
    """Users, who sign in by e-mail."""

    form = CustomUserChangeForm
    add_form = CustomUserCreationForm
    list_display = ("email", "name", "time_zone", "is_staff", "is_active", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("name", "time_zone", "theme", "is_calm")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),
    )


@admin.register(ScheduledPost)
class ScheduledPostAdmin(admin.ModelAdmin):
    """Planned posts."""

    list_display = ("user", "scheduled_time", "pixelfed_post_id", "caption")
    search_fields = ("caption", "user__email", "pixelfed_post_id")
    list_select_related = ("user",)
    date_hierarchy = "scheduled_time"
