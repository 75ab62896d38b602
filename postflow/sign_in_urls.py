"""Addresses of signing in and out, by the names that Django gives them."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from . import signing_in

urlpatterns = [
    path("sign-in/", signing_in.SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("password-reset/", signing_in.PasswordReset.as_view(), name="password_reset"),
    path("password-reset/sent/", signing_in.PasswordResetDone.as_view(), name="password_reset_done"),
    path(
        "password-reset/<uidb64>/<token>/",
        signing_in.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
]
