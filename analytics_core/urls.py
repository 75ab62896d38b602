"""Addresses of the pages about all platforms."""

from django.urls import path

from analytics_core import views
from analytics_core.pages import picture_views

app_name = "analytics_core"

urlpatterns = [
    path("", views.unified_dashboard, name="unified_dashboard"),
    path("comparison/", views.platform_comparison, name="platform_comparison"),
    path("picture/<str:platform_name>/<int:post_id>/", picture_views.picture, name="picture"),
    path("status/", views.status, name="status"),
]
