"""Addresses of the pages about connected accounts."""

from django.urls import path

from . import account_views as views

app_name = "accounts"

urlpatterns = [
    path("", views.connections, name="connections"),
    path("connect/", views.connect, name="connect"),
    path("connect/callback/", views.callback, name="callback"),
    path("connect/token/", views.connect_with_token, name="connect_with_token"),
    path("<int:account_id>/progress/", views.progress, name="progress"),
    path("<int:account_id>/picture/", views.picture, name="picture"),
    path("<int:account_id>/sync/", views.sync, name="sync"),
    path("<int:account_id>/pause/", views.pause, name="pause"),
    path("<int:account_id>/resume/", views.resume, name="resume"),
    path("<int:account_id>/disconnect/", views.disconnect, name="disconnect"),
]
