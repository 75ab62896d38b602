"""The commands by which a self-hoster reads accounts (US-6.1, US-6.2)."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.utils import timezone

from analytics_core.models import AccountState
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(name: str, *, out: io.StringIO | None = None, **options) -> tuple[str, str]:
    out, err = out or io.StringIO(), io.StringIO()
    call_command(name, stdout=out, stderr=err, no_color=True, **options)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def world() -> World:
    world = World.empty()
    ana = world.add_person("ana")
    world.add_posts(ana, 12, likes=2)
    return world


@pytest.fixture
def account(serve, world) -> MastodonAccount:
    return serve(world)[1]


def test_nothing_of_an_older_analytics_is_there() -> None:
    assert "fetch_analytics" not in get_commands()


def test_posts_are_synced_and_summed_up(account) -> None:
    out, err = run("sync_pixelfed_posts", all=True)
    assert f"✓ {account}: Synced 12 posts, 12 of them new" in out
    assert "1 account read, no errors." in out
    assert err == ""
    assert PixelfedPost.objects.count() == 12
    assert not PixelfedLike.objects.exists()


def test_options_bound_what_is_read(account) -> None:
    out, _ = run("sync_pixelfed_posts", account_id=account.pk, limit=3, max_posts=5)
    assert "Synced 5 posts" in out


def test_engagement_of_an_accounts_recent_posts_is_fetched(account) -> None:
    run("sync_pixelfed_posts", all=True)
    out, _ = run("fetch_pixelfed_engagement", account_id=account.pk, hours=24 * 3650)
    assert "12 posts, 24 new likes, 0 new comments, 0 new shares" in out
    assert PixelfedLike.objects.current().count() == 24
    out, _ = run("fetch_pixelfed_engagement", all=True, hours=24 * 3650, max_posts=3)
    assert "3 posts, 0 new likes" in out


def test_engagement_of_one_post_is_fetched(account) -> None:
    run("sync_pixelfed_posts", all=True)
    post = PixelfedPost.objects.first()
    out, _ = run("fetch_pixelfed_engagement", post_id=post.pk)
    assert f"Fetched 2 engagements of post {post.pk}" in out


def test_a_log_gets_plain_lines_and_a_terminal_a_bar(account) -> None:
    run("sync_pixelfed_posts", all=True)
    out, _ = run("fetch_pixelfed_engagement", all=True, hours=24 * 3650)
    assert f"{account}: engagement 10 of 12\n" in out
    assert "\r" not in out
    assert "\x1b" not in out
    terminal, _ = run("fetch_pixelfed_engagement", out=Terminal(), all=True, hours=24 * 3650)
    assert f"\r\x1b[K{account}: engagement 6 of 12 [###############...............]" in terminal


def test_one_failing_account_does_not_stop_the_next_and_ends_in_an_error(serve, world, account, user) -> None:
    broken, other = serve(_world_of("bea"), "bea")
    broken.faults.add("dead_token")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="2 accounts read, 1 error.") as failure:
        call_command("sync_pixelfed_posts", all=True, stdout=out, stderr=err, no_color=True)
    assert failure.value.returncode == 1
    assert "Synced 12 posts" in out.getvalue()
    assert f"⚠ {other}: {other.host} no longer accepts PostFlow's access." in err.getvalue()


def _world_of(name: str) -> World:
    world = World.empty()
    world.add_person(name)
    return world


def test_accounts_that_may_not_be_read_are_named_and_left_out(account) -> None:
    account.state = MastodonAccount.State.PAUSED
    account.save()
    out, _ = run("sync_pixelfed_posts", all=True)
    assert f"- {account}: left out, paused" in out
    assert "nothing to read" in out


def test_a_busy_account_is_an_error_in_words(account) -> None:
    AccountState.objects.create(
        platform="pixelfed",
        account_id=account.pk,
        lease_token="another",
        lease_until_at=timezone.now() + timedelta(minutes=5),
    )
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 error"):
        call_command("sync_pixelfed_posts", all=True, stdout=io.StringIO(), stderr=err)
    assert "is being read by another run" in err.getvalue()
    assert not PixelfedPost.objects.exists()


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("sync_pixelfed_posts", {}, "exactly one of --account-id, --all"),
        ("sync_pixelfed_posts", {"all": True, "account_id": 1}, "exactly one of"),
        ("sync_pixelfed_posts", {"all": True, "limit": 0}, "--limit has to be 1 or more, not 0"),
        ("sync_pixelfed_posts", {"all": True, "max_posts": -3}, "--max-posts has to be 1 or more"),
        (
            "sync_pixelfed_posts",
            {"account_id": 987},
            "There is no account 987. Known: .*none is connected yet",
        ),
        ("fetch_pixelfed_engagement", {}, "exactly one of --post-id, --account-id, --all"),
        ("fetch_pixelfed_engagement", {"post_id": 987}, "There is no post 987"),
        ("fetch_pixelfed_engagement", {"all": True, "hours": 0}, "--hours has to be 1 or more"),
        ("fetch_pixelfed_engagement", {"all": True, "hours": 10**12}, "--hours has to be 1000000 or less"),
        ("sync_pixelfed_posts", {"all": True, "max_posts": 10**9}, "--max-posts has to be 1000000 or less"),
    ],
)
def test_bad_use_gets_a_sentence(name, options, sentence, db) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(name, **options)


def test_an_unknown_account_is_answered_with_the_known_ones(account) -> None:
    with pytest.raises(CommandError, match=rf"Known: {account.pk} \(@ana@127.0.0.1:\d+\)"):
        run("sync_pixelfed_posts", account_id=account.pk + 1)


def test_a_failed_account_is_not_also_called_a_success(serve) -> None:
    server, account = serve(_world_of("bea"), "bea")
    server.faults.add("status", status=502)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 account read, 1 error"):
        call_command("sync_pixelfed_posts", all=True, stdout=out, stderr=io.StringIO(), no_color=True)
    assert "✓" not in out.getvalue()


def test_an_account_that_can_be_read_again_waits_no_more(account) -> None:
    account.state, account.state_reason = "reconnect", "refused"
    account.save()
    run("sync_pixelfed_posts", account_id=account.pk)
    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("active", "")


def test_an_account_that_was_not_asked_or_did_not_answer_still_waits(serve) -> None:
    server, account = serve(_world_of("bea"), "bea")
    account.state, account.state_reason = "reconnect", "refused"
    account.save()
    # It has no posts, so nothing is asked.
    run("fetch_pixelfed_engagement", account_id=account.pk)
    server.faults.add("status", status=502)
    with pytest.raises(CommandError):
        run("sync_pixelfed_posts", account_id=account.pk)
    account.refresh_from_db()
    assert account.state == "reconnect"


def test_connections_end_with_every_visit(serve, world, account) -> None:
    fetcher = PixelfedAnalyticsFetcher(account)
    fetcher.sync_account_posts()
    fetcher.fetch_recent_posts_engagement(hours=24 * 3650)
    assert fetcher.client.requests_count > 0
    assert fetcher.client._session is None


def test_a_token_that_cannot_be_decrypted_is_not_sent_and_blames_nobody_else(serve, world, account) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE pixelfed_mastodonaccount SET access_token = %s", ["gAAAAABof-another-key"])
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 error"):
        call_command("sync_pixelfed_posts", all=True, stdout=io.StringIO(), stderr=err)
    assert "has to check SECRET_KEY and SALT_KEY" in err.getvalue()
    account.refresh_from_db()
    assert account.state == "active"
    assert not PixelfedPost.objects.exists()


def test_an_address_that_cannot_be_one_fails_only_its_account(account, user) -> None:
    MastodonAccount.objects.create(
        user=user, instance_url="ftp://pixelfed.social", username="x", access_token="t", software="pixelfed"
    )
    err = io.StringIO()
    with pytest.raises(CommandError, match="2 accounts read, 1 error"):
        call_command("sync_pixelfed_posts", all=True, stdout=io.StringIO(), stderr=err)
    assert PixelfedPost.objects.count() == 12
