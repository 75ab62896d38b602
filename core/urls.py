"""Every address of PostFlow starts here."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.generic import RedirectView

admin.site.site_header = admin.site.site_title = "PostFlow"
admin.site.index_title = "Administration"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="analytics_core:unified_dashboard"), name="home"),
    path("accounts/sign-in/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("", include("postflow.urls")),
    path("accounts/", include("analytics_pixelfed.account_urls")),
    path("analytics/pixelfed/", include("analytics_pixelfed.urls")),
    path("analytics/", include("analytics_core.platform_urls")),
    path("analytics/", include("analytics_core.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "postflow.views.server_error"
