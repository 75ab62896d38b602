"""Every address of PostFlow starts here."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.site.site_header = admin.site.site_title = "PostFlow"
admin.site.index_title = "Administration"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="analytics_core:unified_dashboard"), name="home"),
    path("accounts/", include("postflow.sign_in_urls")),
    path("settings/data/", include("analytics_core.data_urls")),
    path("", include("postflow.urls")),
    path("accounts/", include("analytics_pixelfed.account_urls")),
    path("analytics/pixelfed/", include("analytics_pixelfed.urls")),
    path("analytics/", include("analytics_core.platform_urls")),
    path("analytics/", include("analytics_core.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("analytics_core.operations.urls")),
]

handler400 = "postflow.views.bad_request"
handler500 = "postflow.views.server_error"
