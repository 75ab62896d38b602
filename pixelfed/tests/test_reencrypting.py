"""Changing the keys that tokens are encrypted with: no token is lost, none is told."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from pixelfed import reencrypting
from pixelfed.models import ConnectAttempt, InstanceApp, MastodonAccount

pytestmark = pytest.mark.django_db

SECRETS = {"an-access", "a-refresh", "a-secret", "a-verifier"}


@pytest.fixture
def use_keys(settings):
    """Set the keys as a start of the process would."""

    def use(*, salts: list[str], secret: str = "first", fallbacks: tuple[str, ...] = ()) -> None:
        settings.SALT_KEY, settings.SECRET_KEY = salts, secret
        settings.SECRET_KEY_FALLBACKS = list(fallbacks)
        for model, name in reencrypting.encrypted_fields():
            for kept in ("keys", "f"):
                vars(model._meta.get_field(name)).pop(kept, None)

    yield use
    for model, name in reencrypting.encrypted_fields():
        for kept in ("keys", "f"):
            vars(model._meta.get_field(name)).pop(kept, None)


@pytest.fixture
def stored(user, use_keys) -> None:
    use_keys(salts=["old"])
    app = InstanceApp.objects.create(
        instance_url="https://a.example",
        redirect_uri="https://p.example",
        client_id="1",
        client_secret="a-secret",
    )
    MastodonAccount.objects.create(
        user=user, instance_url="https://a.example", username="ana", access_token="an-access",
        refresh_token="a-refresh", app=app,
    )  # fmt: skip
    ConnectAttempt.objects.create(
        user=user, app=app, state_digest="s", session_digest="s", verifier="a-verifier"
    )


def readable() -> set[str]:
    return {
        value
        for model, name in reencrypting.encrypted_fields()
        for value in model._default_manager.values_list(name, flat=True)
        if value in SECRETS
    }


def run() -> str:
    out = io.StringIO()
    call_command("reencrypt_tokens", stdout=out)
    return out.getvalue()


def test_every_encrypted_column_is_known() -> None:
    assert {f"{model.__name__}.{name}" for model, name in reencrypting.encrypted_fields()} == {
        "MastodonAccount.access_token",
        "MastodonAccount.refresh_token",
        "InstanceApp.client_secret",
        "ConnectAttempt.verifier",
    }


def test_after_it_the_old_salt_can_go(stored, use_keys) -> None:
    use_keys(salts=["new"])
    assert readable() == set()
    use_keys(salts=["new", "old"])
    assert readable() == SECRETS
    assert "4 rewritten, 0 had the first key" in run()
    assert "0 rewritten, 4 had the first key" in run()
    use_keys(salts=["new"])
    assert readable() == SECRETS
    use_keys(salts=["old"])
    assert readable() == set()


def test_after_it_the_old_secret_key_can_go(stored, use_keys) -> None:
    use_keys(salts=["old"], secret="second")
    assert readable() == set()
    use_keys(salts=["old"], secret="second", fallbacks=("first",))
    assert readable() == SECRETS
    run()
    use_keys(salts=["old"], secret="second")
    assert readable() == SECRETS


def test_a_token_that_is_renewed_meanwhile_is_not_overwritten(stored, use_keys, monkeypatch) -> None:
    use_keys(salts=["new", "old"])
    real = reencrypting._open

    def renew_meanwhile(key, text):
        plain = real(key, text)
        if plain == "an-access":
            MastodonAccount.objects.update(access_token="renewed")
        return plain

    monkeypatch.setattr(reencrypting, "_open", renew_meanwhile)
    assert "3 rewritten, 0 had the first key already, 1 changed" in run()
    use_keys(salts=["new"])
    assert MastodonAccount.objects.get().access_token == "renewed"


def test_what_no_key_opens_is_named_and_left_and_no_secret_is_told(stored, use_keys) -> None:
    use_keys(salts=["lost"])
    out = io.StringIO()
    with pytest.raises(CommandError, match="Not readable: 4"):
        call_command("reencrypt_tokens", stdout=out)
    account = MastodonAccount.objects.get()
    assert f"No key opens account {account.pk}: access token." in out.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM pixelfed_mastodonaccount")
        (ciphertext,) = cursor.fetchone()
    assert ciphertext not in out.getvalue()
    assert not any(secret in out.getvalue() for secret in SECRETS)
    use_keys(salts=["old"])
    assert readable() == SECRETS


def test_its_statements_do_not_grow_with_what_has_the_first_key(
    stored, user, use_keys, django_assert_num_queries
) -> None:
    use_keys(salts=["new", "old"])
    run()
    for number in range(20):
        MastodonAccount.objects.create(
            user=user, instance_url="https://a.example", username=f"a{number}", access_token="t"
        )
    with django_assert_num_queries(4):
        run()
