"""An operator gives tokens in the admin, and sees none."""

import pytest
from django.urls import reverse

from pixelfed.models import MastodonAccount

pytestmark = pytest.mark.django_db

SECRET = "a-very-secret-token"


@pytest.fixture
def account(user):
    return MastodonAccount.objects.create(
        user=user,
        instance_url="https://pixelfed.social/",
        username="ana",
        access_token=SECRET,
        state="reconnect",
        state_reason="pixelfed.social no longer accepts PostFlow's access.",
    )


def fields(account, **values) -> dict[str, str]:
    return {
        "user": account.user_id,
        "instance_url": account.instance_url,
        "username": account.username,
        "software": "",
        "remote_id": "",
        "display_name": "",
        "avatar_url": "",
        "state": account.state,
        "state_reason": account.state_reason,
        "new_token": "",
        **values,
    }


def test_a_token_is_encrypted_at_rest_and_shown_nowhere(admin_client, account) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM pixelfed_mastodonaccount")
        assert SECRET not in cursor.fetchone()[0]
    for address in (
        reverse("admin:pixelfed_mastodonaccount_changelist"),
        reverse("admin:pixelfed_mastodonaccount_change", args=[account.pk]),
    ):
        assert SECRET not in admin_client.get(address).content.decode()


def test_a_new_token_reconnects_and_an_empty_one_keeps_the_old(admin_client, account) -> None:
    address = reverse("admin:pixelfed_mastodonaccount_change", args=[account.pk])
    assert admin_client.post(address, fields(account)).status_code == 302
    account.refresh_from_db()
    assert (account.access_token, account.state) == (SECRET, "reconnect")
    assert admin_client.post(address, fields(account, new_token="renewed")).status_code == 302
    account.refresh_from_db()
    assert (account.access_token, account.state, account.state_reason) == ("renewed", "active", "")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"new_token": ""}, "An account needs a token."),
        ({"new_token": "t", "instance_url": "https://127.0.0.1"}, "inside a private network"),
        ({"new_token": "t", "instance_url": "https://x@pixelfed.social"}, "without a user name"),
        ({"new_token": "t", "instance_url": "https://pixelfed.social/ana"}, "without anything behind it"),
    ],
)
def test_what_cannot_work_is_refused_in_words(admin_client, account, values, sentence) -> None:
    page = admin_client.post(
        reverse("admin:pixelfed_mastodonaccount_add"), fields(account, username="bea", **values)
    )
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert MastodonAccount.objects.count() == 1


def test_a_handle_is_kept_without_its_instance(admin_client, account) -> None:
    values = fields(account, username=" @bea@pixelfed.social", new_token="t", state="active", state_reason="")
    assert admin_client.post(reverse("admin:pixelfed_mastodonaccount_add"), values).status_code == 302
    assert str(MastodonAccount.objects.latest("pk")) == "@bea@pixelfed.social"


def test_the_address_is_kept_in_one_form(account) -> None:
    assert account.instance_url == "https://pixelfed.social"
    assert str(account) == "@ana@pixelfed.social"


def test_accounts_are_pixelfed_by_their_software_and_by_name_only_where_that_is_unknown(
    account, user
) -> None:
    for number, (url, software) in enumerate(
        [
            ("https://pxlmo.com", "pixelfed"),
            ("https://pixelfed.de", "mastodon"),
            ("https://mastodon.social", ""),
        ]
    ):
        MastodonAccount.objects.create(
            user=user, instance_url=url, software=software, username=f"a{number}", access_token="t"
        )
    hosts = set(MastodonAccount.objects.pixelfed().values_list("instance_url", flat=True))
    assert hosts == {"https://pixelfed.social", "https://pxlmo.com"}
