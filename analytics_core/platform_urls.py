"""Addresses of the platforms that bring no pages of their own, each below its name.

Apart from `urls`, so that their names stand in no namespace but the platform's.
"""

from django.urls import include, path

from analytics_core import platforms
from analytics_core.pages import platform_pages

urlpatterns = [
    path(f"{platform.name}/", include((platform_pages.addresses(platform), platform.url_namespace)))
    for platform in platforms.all_platforms()
    if not platform.has_own_pages
]
