"""Addresses of the pages about a user's own data."""

from django.urls import path

from analytics_core.pages import data_views as views

app_name = "data"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("export/", views.export, name="export"),
    path("export/<str:export_id>/", views.download, name="download"),
    path("person/", views.person, name="person"),
    path("delete/", views.delete, name="delete"),
]
