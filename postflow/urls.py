"""Addresses of what people set for themselves."""

from django.urls import path

from . import views

app_name = "postflow"

urlpatterns = [
    path("settings/", views.settings_page, name="settings"),
    path("settings/appearance/", views.change_appearance, name="appearance"),
    path("news/close/", views.close_news, name="close_news"),
    path("favicon.ico", views.favicon, name="favicon"),
]
