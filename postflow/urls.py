"""Addresses of what people set for themselves."""

from django.urls import path

from . import account_views, signing_up, views

app_name = "postflow"

urlpatterns = [
    path("settings/", views.settings_page, name="settings"),
    path("accounts/sign-up/", signing_up.sign_up, name="sign_up"),
    path("settings/account/", account_views.account_page, name="account"),
    path("settings/account/password/", account_views.change_password, name="change_password"),
    path("settings/account/address/", account_views.change_address, name="change_address"),
    path("settings/account/address/<token>/", account_views.confirm_address, name="confirm_address"),
    path("settings/account/devices/", account_views.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("settings/appearance/", views.change_appearance, name="appearance"),
    path("news/close/", views.close_news, name="close_news"),
    path("favicon.ico", views.favicon, name="favicon"),
]
