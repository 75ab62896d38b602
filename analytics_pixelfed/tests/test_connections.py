"""The page of connected accounts, and what can be done there."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.apps import apps
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import platforms, tasks
from analytics_core.engine.forgetting import forget_account, forget_leftovers
from analytics_core.models import AccountCount, AccountState, Notice, SyncRun
from analytics_core.tests.builders import add, build_post, read
from analytics_pixelfed import connections as own
from analytics_pixelfed.models import PixelfedPost
from analytics_pixelfed.services import PixelfedSource
from pixelfed.models import InstanceApp, MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db

LIST = "/accounts/"
ACTIONS = ("sync", "pause", "resume", "disconnect")


@pytest.fixture
def other() -> CustomUser:
    return CustomUser.objects.create_user("bob@example.org", "a long sentence")


def make(user, username="ana", **values) -> MastodonAccount:
    defaults = {"instance_url": "https://pixelfed.social", "access_token": "t", "software": "pixelfed"}
    return MastodonAccount.objects.create(**{"user": user, "username": username, **defaults, **values})


def page(browser) -> str:
    response = browser.get(LIST)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def address(account, action) -> str:
    return f"{LIST}{account.pk}/{action}/"


def words(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


class TestThePage:
    def test_with_nothing_connected_it_says_the_one_next_step(self, browser) -> None:
        html = page(browser)
        assert "No account is connected yet" in html
        assert 'href="/accounts/connect/"' in html

    def test_an_account_shows_what_is_held_and_when_it_is_read(self, browser, user) -> None:
        account = make(user, display_name="Ana at sea")
        build_post("pixelfed", account, likes=3, comments=1)
        build_post("pixelfed", account, shares=2)
        read("pixelfed", account, next_due_at=timezone.now() + timedelta(minutes=20))
        html = page(browser)
        assert "Up to date" in html
        assert "2 posts with 6 likes, comments and shares" in html
        assert "Ana at sea" in html
        assert html.count("<time ") == 2

    def test_the_browser_loads_nothing_from_the_instance(self, browser, user) -> None:
        make(user, avatar_url="https://pixelfed.social/storage/avatar.jpg")
        response = browser.get(LIST)
        assert "avatar.jpg" not in response.content.decode()
        assert "pixelfed.social" not in response.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        ("account", "state", "expected"),
        [
            ({}, None, ["Waiting for its first reading", "nothing yet", "as soon as a worker is free"]),
            ({}, {"lease_until_at": 5, "last_success_at": None}, ["Being read now", "under way"]),
            ({}, {"last_success_at": -5}, ["Overdue"]),
            (
                {},
                {"failures_count": 2, "message": "It is in trouble."},
                ["The last reading failed", "It is in trouble."],
            ),
            (
                {},
                {"message": "One list was odd."},
                ["Up to date", "Something could not be read: One list was odd."],
            ),
            (
                {},
                {"history_is_complete": False, "server_posts_count": 1160},
                ["0 posts of 1,160", "older posts are still to come"],
            ),
            (
                {"state": "paused"},
                {"failures_count": 2, "message": "x."},
                ["Paused", "not planned", "Resume"],
            ),
            (
                {"state": "reconnect", "state_reason": "It no longer accepts PostFlow."},
                {},
                ["Has to be connected again", "It no longer accepts PostFlow.", "not planned"],
            ),
            ({"software": "mastodon"}, None, ["Not supported", "runs Mastodon"]),
            ({"software": "", "instance_url": "https://pixey.org"}, None, ["Waiting for its first reading"]),
            ({"token_expires_at": 24 * 9}, {}, ["access ends at", "Connect the account again before then"]),
        ],
    )
    def test_each_state_is_told_in_words_of_its_own(self, browser, user, account, state, expected) -> None:
        def moments(values):
            now = timezone.now()
            return {
                name: now + timedelta(hours=value) if name.endswith("_at") and value is not None else value
                for name, value in values.items()
            }

        row = make(user, **moments(account))
        if state is not None:
            read("pixelfed", row, **moments(state))
        html = page(browser)
        for each in expected:
            assert each in html

    def test_an_access_that_renews_itself_or_lasts_is_not_warned_of(self, browser, user) -> None:
        soon = timezone.now() + timedelta(days=9)
        make(user, token_expires_at=soon, token_renew_at=soon)
        make(user, "b", token_expires_at=timezone.now() + timedelta(days=300))
        assert "access ends" not in page(browser)

    def test_queries_do_not_grow_with_accounts_or_posts(
        self, browser, user, django_assert_num_queries
    ) -> None:
        # Session, user, accounts, states, posts, which of them are supported, what was asked for.
        with django_assert_num_queries(3):
            page(browser)
        read("pixelfed", make(user, "a"))
        with django_assert_num_queries(7):
            page(browser)
        for number in range(9):
            account = make(user, f"a{number}", instance_url=f"https://pixelfed{number}.example")
            read("pixelfed", account)
            for _ in range(3):
                build_post("pixelfed", account, likes=2)
            tasks.fetch_account.using(priority=tasks.PRIORITY_NOW).enqueue("pixelfed", account.pk)
        with django_assert_num_queries(7):
            page(browser)
        with django_assert_num_queries(7):
            part(browser, account)

    def test_other_peoples_accounts_are_not_there(self, browser, other) -> None:
        make(other, "bob")
        assert "@bob" not in page(browser)

    def test_names_are_foreign_text(self, browser, user) -> None:
        make(user, display_name="<script>alert(1)</script>")
        assert "<script>alert" not in page(browser)


def part(browser, account):
    return browser.get(address(account, "progress"), headers={"HX-Request": "true"})


def is_watched(response) -> bool:
    return 'hx-trigger="every 2s"' in response.content.decode()


class TestWhileItIsRead:
    def test_a_new_account_is_watched_until_its_history_is_there(self, browser, user) -> None:
        account = make(user)
        tasks.fetch_account.using(priority=tasks.PRIORITY_NOW).enqueue("pixelfed", account.pk)
        assert is_watched(browser.get(LIST))
        assert "It begins as soon as a worker is free." in part(browser, account).content.decode()
        DBTaskResult.objects.all().delete()
        now = timezone.now()
        read(
            "pixelfed",
            account,
            lease_until_at=now + timedelta(minutes=15),
            history_is_complete=False,
            last_attempt_at=now,
            progress_kind="posts",
            progress_done=80,
            progress_total=1160,
            progress_began_at=now - timedelta(seconds=30),
            progress_at=now,
        )
        html = part(browser, account).content.decode()
        assert "Listing 80 of 1,160 posts, about 7 minutes left." in html
        assert 'max="1160" value="80"' in html
        # Between two visits too.
        AccountState.objects.update(lease_until_at=None)
        assert is_watched(part(browser, account))
        AccountState.objects.update(history_is_complete=True)
        over = part(browser, account)
        assert not is_watched(over)
        assert f'data-announce="{account}: Up to date"' in over.content.decode()

    def test_a_reading_that_was_asked_for_is_watched_and_said_to_wait(self, browser, user) -> None:
        account = make(user)
        read("pixelfed", account, next_due_at=timezone.now() + timedelta(minutes=20))
        assert not is_watched(browser.get(LIST))
        browser.post(address(account, "sync"))
        assert is_watched(browser.get(LIST))
        html = part(browser, account).content.decode()
        assert "Waiting to be read" in html
        assert "<dd>as soon as a worker is free</dd>" in html
        DBTaskResult.objects.all().delete()
        assert not is_watched(part(browser, account))

    def test_without_a_worker_it_says_so_and_does_not_ask_for_ever(self, browser, user) -> None:
        account = make(user)
        with time_machine.travel(timezone.now() + own.WATCHED_FOR + timedelta(seconds=1)):
            response = part(browser, account)
            assert not is_watched(response)
            assert "worker is not running" in response.content.decode()

    @pytest.mark.parametrize("state", ["paused", "reconnect"])
    def test_what_is_not_read_any_more_asks_for_a_whole_page_with_its_buttons(
        self, browser, user, state
    ) -> None:
        assert part(browser, make(user, state=state)).headers["HX-Refresh"] == "true"

    def test_without_a_script_a_link_looks_again(self, browser, user) -> None:
        account = make(user)
        assert 'class="without-script">Look again</a>' in page(browser)
        assert browser.get(address(account, "progress")).headers["Location"] == LIST

    def test_other_peoples_are_not_there(self, browser, other) -> None:
        assert part(browser, make(other)).status_code == 404


class TestActions:
    @pytest.mark.parametrize("action", ACTIONS)
    def test_of_other_peoples_accounts_nothing_is_there(self, browser, other, action) -> None:
        account = make(other)
        assert browser.post(address(account, action)).status_code == 404
        assert browser.get(f"{LIST}{account.pk}/disconnect/").status_code == 404
        account.refresh_from_db()
        assert account.state == "active"
        assert not DBTaskResult.objects.exists()

    @pytest.mark.parametrize("action", ACTIONS)
    def test_they_need_a_sign_in_a_post_and_the_forms_own_token(self, client, user, action) -> None:
        account = make(user)
        where = address(account, action)
        assert client.post(where).headers["Location"].startswith("/accounts/sign-in/")
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(user)
        assert strict.post(where).status_code == 403
        if action != "disconnect":
            assert strict.get(where).status_code == 405
        assert list(MastodonAccount.objects.values_list("state", flat=True)) == ["active"]
        assert not DBTaskResult.objects.exists()

    def test_reading_now_goes_before_the_hourly_work_and_once_a_minute(self, browser, user) -> None:
        account = make(user)
        assert "has started" in words(browser.post(address(account, "sync"), follow=True))
        assert "asked for a moment ago" in words(browser.post(address(account, "sync"), follow=True))
        row = DBTaskResult.objects.get()
        assert (row.task_path, row.priority) == (tasks.fetch_account.module_path, tasks.PRIORITY_NOW)

    def test_the_minute_is_counted_in_the_database_that_all_processes_share(
        self, shared_database, user
    ) -> None:
        account = make(user)
        assert sorted(at_once(*[partial(own.start_visit, account)] * 3)) == [False, False, True]
        assert DBTaskResult.objects.count() == 1

    @pytest.mark.parametrize("state", ["paused", "reconnect"])
    def test_what_is_not_read_is_not_read_now_either(self, browser, user, state) -> None:
        response = browser.post(address(make(user, state=state), "sync"), follow=True)
        assert "resume or reconnect it first" in words(response)
        assert not DBTaskResult.objects.exists()

    def test_a_paused_account_rests_until_it_is_resumed(self, browser, user) -> None:
        account = make(user)
        browser.post(address(account, "pause"))
        assert not platforms.get("pixelfed").active_accounts().exists()
        assert "Paused" in page(browser)
        browser.post(address(account, "resume"))
        assert platforms.get("pixelfed").active_accounts().get() == account
        assert DBTaskResult.objects.count() == 1

    def test_neither_hides_that_an_account_has_to_be_connected_again(self, browser, user) -> None:
        account = make(user, state="reconnect")
        for action in ("pause", "resume"):
            browser.post(address(account, action))
        account.refresh_from_db()
        assert account.state == "reconnect"

    def test_a_refusal_of_the_token_before_does_not_stop_a_new_one(self, user) -> None:
        """A visit with the old token ends after its owner has connected the account again."""
        account = make(user, token_stored_at=timezone.now() - timedelta(days=300))
        MastodonAccount.objects.update(token_stored_at=timezone.now())
        platforms.get("pixelfed").ask_to_reconnect(account, message="No.")
        account.refresh_from_db()
        assert account.state == "active"
        platforms.get("pixelfed").ask_to_reconnect(account, message="No.")
        account.refresh_from_db()
        assert (account.state, account.state_reason) == ("reconnect", "No.")

    def test_a_visit_does_not_undo_a_pause(self, user) -> None:
        account, stale = make(user, state="paused"), MastodonAccount.objects.get()
        platforms.get("pixelfed").ask_to_reconnect(account, message="No.")
        stale.state = "reconnect"
        platforms.get("pixelfed").note_access(stale)
        account.refresh_from_db()
        assert account.state == "paused"


def fill(account) -> None:
    """Give an account a row of every kind there is."""
    for number in range(3):
        post = build_post("pixelfed", account, likes=2, comments=1, shares=1)
        add(post, "likes", ended_at=timezone.now())
        tasks.fetch_post.enqueue("pixelfed", post.pk)
        AccountCount.objects.create(
            platform="pixelfed", account_id=account.pk, counted_on=timezone.now() - timedelta(days=number)
        )
    read("pixelfed", account)
    Notice.objects.create(
        platform="pixelfed",
        account_id=account.pk,
        kind="likes",
        post_remote_id="1",
        person_id="2",
        happened_at=timezone.now(),
    )
    tasks.fetch_account.enqueue("pixelfed", account.pk)
    tasks.fetch_account.using(run_after=timezone.now() + timedelta(hours=1)).enqueue("pixelfed", account.pk)
    tasks.audit_account.enqueue("pixelfed", account.pk)


def rows() -> dict[str, list]:
    """Return every row of every table, but for who is signed in."""
    left_out = ("sessions.Session", DBTaskResult._meta.label)
    found = {
        model._meta.label: sorted(model._default_manager.values_list(), key=str)
        for model in apps.get_models()
        if model._meta.label not in left_out
    }
    found["tasks"] = sorted(str(row) for row in DBTaskResult.objects.values_list("task_path", "args_kwargs"))
    return found


class TestDisconnecting:
    def test_it_says_first_what_is_deleted_and_deletes_nothing_by_looking(self, browser, user) -> None:
        account = make(user)
        fill(account)
        html = " ".join(browser.get(address(account, "disconnect")).content.decode().split())
        for each in ("3</strong> posts", "9</strong> likes", "3</strong> comments", "3</strong> days"):
            assert each in html
        assert PixelfedPost.objects.count() == 3

    def test_nothing_of_it_is_left_in_any_table_and_everything_of_others(self, browser, user, other) -> None:
        same_elsewhere = make(other, remote_id="7")
        fill(same_elsewhere)
        fill(make(user, "second"))
        before = rows()
        account = make(user, remote_id="7")
        fill(account)
        assert rows() != before
        response = browser.post(address(account, "disconnect"), follow=True)
        assert "is disconnected and its data deleted." in words(response)
        assert rows() == before

    def test_the_instances_own_way_to_end_the_access_is_told(self, browser, user, monkeypatch) -> None:
        app = InstanceApp.objects.create(
            instance_url="https://pixelfed.social",
            redirect_uri="https://p.example",
            client_id="1",
            client_secret="s",
        )
        asked = []
        monkeypatch.setattr("pixelfed.oauth.revoke", lambda client, token: asked.append(token) or False)
        response = browser.post(address(make(user, app=app), "disconnect"), follow=True)
        assert asked == ["t"]
        assert "remove PostFlow there under Settings, Applications" in words(response)

    def test_a_server_that_takes_tokens_back_gets_it(self, browser, user, monkeypatch) -> None:
        app = InstanceApp.objects.create(
            instance_url="https://pixelfed.social",
            redirect_uri="https://p.example",
            client_id="1",
            client_secret="s",
        )
        monkeypatch.setattr("pixelfed.oauth.revoke", lambda client, token: True)
        response = browser.post(address(make(user, app=app), "disconnect"), follow=True)
        assert "Settings" not in words(response)

    def test_pressing_twice_is_no_error(self, browser, user) -> None:
        where = address(make(user), "disconnect")
        assert browser.post(where).status_code == 302
        assert browser.post(where).status_code == 404

    def test_the_hours_run_goes_on_without_it(self, user) -> None:
        account = make(user)
        run = SyncRun.objects.create(platform="pixelfed", accounts_due=1)
        tasks.fetch_account.enqueue("pixelfed", account.pk, run.pk)
        forget_account(platforms.get("pixelfed"), account)
        run.refresh_from_db()
        assert (run.accounts_processed, run.finished_at is not None) == (1, True)

    def test_deleted_with_its_user_or_in_the_admin_it_leaves_no_more(self, user, other) -> None:
        fill(make(other))
        before = rows()
        before.pop("tasks")
        user_row, gone = CustomUser.objects.create_user("gone@example.org", "a long sentence"), []
        for name in ("a", "b"):
            gone.append(make(user_row, name))
            fill(gone[-1])
        gone[0].delete()
        user_row.delete()
        after = rows()
        after.pop("tasks")
        assert after == before

    @pytest.mark.django_db(transaction=True)
    def test_a_visit_under_way_ends_by_itself_and_leaves_nothing(self, serve, monkeypatch) -> None:
        world = World.empty()
        world.add_posts(world.add_person("ana"), 3, likes=2)
        _, account = serve(world)
        platform, done = platforms.get("pixelfed"), []
        real = PixelfedSource.likers

        def disconnect_meanwhile(source, post_id):
            if not done:
                done.append(True)
                forget_account(platform, MastodonAccount.objects.get())
            return real(source, post_id)

        monkeypatch.setattr(PixelfedSource, "likers", disconnect_meanwhile)
        tasks.fetch_account.enqueue("pixelfed", account.pk)
        call_command("db_worker", batch=True, verbosity=0)
        assert done
        visit = DBTaskResult.objects.get(task_path=tasks.fetch_account.module_path)
        assert visit.status == "SUCCESSFUL", visit.traceback
        waiting = DBTaskResult.objects.get(task_path=tasks.forget_leftovers.module_path)
        assert waiting.run_after > timezone.now()
        AccountCount.objects.create(platform="pixelfed", account_id=account.pk, counted_on=timezone.now())
        tasks.forget_leftovers.func("pixelfed", account.pk)
        for model in (PixelfedPost, AccountState, AccountCount, Notice, MastodonAccount):
            assert not model.objects.exists()

    def test_leftovers_of_an_account_that_is_there_are_none(self, user) -> None:
        account = make(user)
        read("pixelfed", account)
        assert forget_leftovers(platforms.get("pixelfed"), account.pk) == 0
        assert AccountState.objects.exists()

    @pytest.mark.parametrize("posts", [2, 30])
    def test_its_statements_do_not_grow_with_what_is_held(
        self, user, posts, django_assert_max_num_queries
    ) -> None:
        account = make(user)
        for _ in range(posts):
            build_post("pixelfed", account, likes=2)
        with django_assert_max_num_queries(50):
            forget_account(platforms.get("pixelfed"), account)


def test_the_empty_dashboards_and_a_refused_account_lead_to_connecting(browser, user) -> None:
    for path in ("/analytics/", "/analytics/pixelfed/", "/analytics/comparison/"):
        assert 'href="/accounts/connect/"' in browser.get(path).content.decode()
    make(user, state="reconnect")
    html = browser.get("/analytics/").content.decode()
    assert 'href="/accounts/connect/?instance=https%3A%2F%2Fpixelfed.social"' in html
    assert 'href="/accounts/"' in html
