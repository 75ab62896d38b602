"""Addresses of the Pixelfed pages."""

from django.urls import path

from . import views

app_name = "analytics_pixelfed"

urlpatterns = [
    path("", views.pixelfed_dashboard, name="dashboard"),
    path("post/<int:post_id>/", views.post_detail, name="post_detail"),
    path("refresh/", views.refresh_analytics, name="refresh"),
    path("refresh/<str:refresh_id>/", views.refresh_state, name="refresh_state"),
]
