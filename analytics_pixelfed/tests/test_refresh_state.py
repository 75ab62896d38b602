"""What a person, a script and a page without script are told of a reading that they asked for."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core.engine import hosts, states
from analytics_core.models import AccountState, Refresh
from analytics_core.platforms import get as get_platform
from analytics_core.tests.builders import build_post
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.models import MastodonAccount
from pixelfed.sandbox import World
from postflow.models import CustomUser
from tests.concurrency import at_once

pytestmark = pytest.mark.django_db

REFRESH = "/analytics/pixelfed/refresh/"
HTMX = {"HX-Request": "true", "HX-Target": "refresh"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def pressed(signed_in, account):
    """A press of Refresh by the signed-in user: its id."""
    return signed_in.post(REFRESH).json()["task_id"]


def press(client, **data) -> str:
    """Press again, as if a minute had passed."""
    Refresh.objects.update(asked_at=timezone.now() - timedelta(seconds=61))
    return client.post(REFRESH, data).json()["task_id"]


def part(client, refresh_id, **headers) -> str:
    """The part of the page that HTMX asks for again and again."""
    response = client.get(f"{REFRESH}{refresh_id}/", headers={**HTMX, **headers})
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def end(task_id, **result) -> None:
    DBTaskResult.objects.filter(pk=task_id).update(status="SUCCESSFUL", return_value=result)


def begin(task_id, account, *progress) -> None:
    DBTaskResult.objects.filter(pk=task_id).update(status="RUNNING")
    platform = get_platform("pixelfed")
    states.claim_lease(states.state_of(platform, account))
    if progress:
        states.ProgressWriter(platform, account)(*progress)


class TestThePart:
    def test_it_waits_then_reads_then_tells_what_is_new(self, signed_in, account, pressed) -> None:
        html = part(signed_in, pressed)
        assert "Waiting for its turn." in words(html)
        assert f'hx-get="{REFRESH}{pressed}/" hx-trigger="every 2s"' in html
        begin(pressed, account, "engagement", 12, 40)
        html = part(signed_in, pressed)
        assert "Reading 12 of 40 posts." in words(html)
        assert '<progress class="refresh-progress" max="40" value="12"' in html
        assert "every 2s" in html
        end(pressed, total_new_likes=3, total_new_comments=1, total_new_shares=0, posts_created=0, errors=0)
        html = part(signed_in, pressed)
        assert "3 new likes, 1 comment. Show what is new" in words(html)
        assert "hx-trigger" not in html
        assert "<progress" not in html

    def test_a_voice_is_told_the_end_and_not_each_step(self, signed_in, account, pressed) -> None:
        begin(pressed, account, "engagement", 12, 40)
        assert 'data-announce=""' in part(signed_in, pressed)
        end(pressed, total_new_likes=1, errors=0)
        assert 'data-announce="1 new like."' in part(signed_in, pressed)

    def test_it_cannot_be_pressed_while_it_reads(self, signed_in, pressed) -> None:
        assert re.search(r"<button[^>]* disabled", part(signed_in, pressed))
        end(pressed, errors=0)
        html = part(signed_in, pressed)
        assert not re.search(r"<button[^>]* disabled", html)
        assert "Nothing new." in words(html)
        assert "Show what is new" not in html

    @pytest.mark.parametrize(
        ("result", "said"),
        [
            ({"posts_created": 1, "total_new_likes": 1, "errors": 0}, "1 new post, 1 like."),
            ({"new_likes": 0, "new_comments": 2, "new_shares": 1, "errors": 0}, "2 new comments, 1 share."),
            ({"total_new_likes": 1200, "work_left": True, "errors": 0}, "1,200 new likes. The rest is"),
            ({"new_likes": 0, "errors": 1, "message": "a.example is down."}, "a.example is down."),
            (
                {"new_likes": 2, "errors": 1, "message": "a.example did not answer."},
                "2 new likes. Not everything could be read. a.example did not answer.",
            ),
            (
                {"put_off": True, "errors": 0, "message": "one.example did not answer."},
                "one.example did not answer. PostFlow tries again by itself in a few minutes.",
            ),
            ({"skipped": "busy"}, "It was being read already, and that reading has ended. Show what is new"),
            ({"skipped": "no such post any more"}, "PostFlow does not have this post any more."),
            ({"skipped": "disconnected, paused or so"}, "The account was paused or disconnected meanwhile."),
        ],
    )  # fmt: skip
    def test_each_end_has_its_words(self, signed_in, pressed, result, said) -> None:
        end(pressed, **result)
        html = part(signed_in, pressed)
        assert said in words(html)
        assert "hx-trigger" not in html

    def test_an_account_that_is_being_read_already_is_watched_to_its_end(
        self, signed_in, account, pressed
    ) -> None:
        begin(pressed, account, "posts", 40, 1160)
        end(pressed, skipped="busy")
        html = part(signed_in, pressed)
        assert "It is being read already. Listing 40 of 1,160 posts." in words(html)
        assert "every 2s" in html

    def test_a_fault_of_ours_tells_nothing_of_its_inside(self, signed_in, pressed) -> None:
        DBTaskResult.objects.update(status="FAILED", traceback="password=secret")
        html = part(signed_in, pressed)
        assert "PostFlow failed on this." in words(html)
        assert "secret" not in html

    def test_a_long_wait_says_what_may_be_wrong(self, signed_in, pressed) -> None:
        Refresh.objects.update(asked_at=timezone.now() - timedelta(seconds=40))
        assert "or PostFlow's worker is not running" in words(part(signed_in, pressed)).replace("&#x27;", "'")

    @pytest.mark.parametrize("status", ["READY", "RUNNING"])
    def test_nobody_asks_for_ever_after_a_worker_that_died(self, signed_in, pressed, status) -> None:
        DBTaskResult.objects.update(status=status)
        Refresh.objects.update(asked_at=timezone.now() - timedelta(minutes=16))
        html = part(signed_in, pressed)
        assert "hx-trigger" not in html
        assert '">Look again</a>' in html

    def test_a_result_that_was_tidied_away_is_not_called_nothing_new(self, signed_in, pressed) -> None:
        DBTaskResult.objects.all().delete()
        html = part(signed_in, pressed)
        assert "What came of it is not known any more." in words(html)
        assert "hx-trigger" not in html

    def test_what_is_new_is_shown_on_the_page_that_asked(self, signed_in, account, pressed) -> None:
        end(pressed, total_new_likes=1, errors=0)
        here = f"http://testserver/analytics/pixelfed/?days=7&refresh={pressed}"
        html = part(signed_in, pressed, **{"HX-Current-URL": here})
        assert 'href="/analytics/pixelfed/?days=7"' in html

    @pytest.mark.parametrize(
        "here", ["https://evil.example/", "http://testserver//evil.example/", "javascript:alert(1)", ""]
    )
    def test_no_link_leads_elsewhere(self, signed_in, pressed, here) -> None:
        end(pressed, total_new_likes=1, errors=0)
        html = part(signed_in, pressed, **{"HX-Current-URL": here})
        assert 'href="/analytics/pixelfed/"' in html
        assert "evil" not in html

    def test_a_message_of_another_server_is_text(self, signed_in, pressed) -> None:
        end(pressed, errors=1, message="<script>alert(1)</script>")
        assert "<script>" not in part(signed_in, pressed)

    def test_several_accounts_are_one_state(self, signed_in, user, account) -> None:
        second = MastodonAccount.objects.create(
            user=user, instance_url="https://pixelfed.example", username="mono", access_token="t"
        )
        pressed = signed_in.post(REFRESH).json()["task_id"]
        first_id, second_id = (
            next(key for key, pk in Refresh.objects.get().account_ids.items() if pk == own.pk)
            for own in (account, second)
        )
        end(first_id, total_new_likes=2, errors=0)
        begin(second_id, second, "engagement", 5, 10)
        assert "1 of 2 accounts read. Reading 5 of 10 posts." in words(part(signed_in, pressed))
        end(second_id, total_new_likes=0, errors=1, message="pixelfed.example is down.")
        assert "2 new likes. pixelfed.example is down." in words(part(signed_in, pressed))

    def test_queries_do_not_grow_with_the_accounts(
        self, signed_in, user, account, django_assert_num_queries
    ) -> None:
        pressed = signed_in.post(REFRESH).json()["task_id"]
        with django_assert_num_queries(5):
            part(signed_in, pressed)
        for number in range(9):
            MastodonAccount.objects.create(
                user=user,
                instance_url="https://pixelfed.example",
                username=f"ana{number}",
                access_token="t",
            )
        pressed = press(signed_in)
        with django_assert_num_queries(5):
            part(signed_in, pressed)


class TestWhoIsTold:
    @pytest.mark.parametrize("headers", [HTMX, BROWSER, {}])
    def test_the_reading_of_somebody_else_is_not_found(self, client, pressed, headers) -> None:
        client.force_login(CustomUser.objects.create_user(email="ben@example.org"))
        assert client.get(f"{REFRESH}{pressed}/", headers=headers).status_code == 404

    def test_on_a_page_the_reading_of_somebody_else_is_as_if_it_were_not_there(self, client, pressed) -> None:
        other = CustomUser.objects.create_user(email="ben@example.org")
        account = MastodonAccount.objects.create(
            user=other, instance_url="https://pixelfed.social", username="ben", access_token="t"
        )
        client.force_login(other)
        page = get_platform("pixelfed").post_detail_url(build_post("pixelfed", account).pk)
        assert "Waiting" not in client.get(page, {"refresh": pressed}).content.decode()

    @pytest.mark.parametrize("junk", ["nothing", "%00", "1" * 5000, "00000000-0000-0000-0000-000000000000"])
    def test_what_nobody_asked_for_is_not_found(self, signed_in, account, junk) -> None:
        assert signed_in.get(f"{REFRESH}{junk}/").status_code == 404
        page = get_platform("pixelfed").post_detail_url(build_post("pixelfed", account).pk)
        assert signed_in.get(f"{page}?refresh={junk}").status_code == 200

    def test_a_visitor_is_asked_to_sign_in(self, client, pressed) -> None:
        client.logout()
        assert "/accounts/sign-in/" in client.get(f"{REFRESH}{pressed}/").headers["Location"]

    def test_a_script_is_told_in_numbers(self, signed_in, account, pressed) -> None:
        begin(pressed, account, "engagement", 12, 40)
        told = signed_in.get(reverse("analytics_pixelfed:refresh_state", args=[pressed])).json()
        assert told == {
            "status": "running",
            "message": "Reading 12 of 40 posts.",
            "is_over": False,
            "done": 12,
            "total": 40,
            "new": {"posts": 0, "likes": 0, "comments": 0, "shares": 0},
        }
        end(pressed, total_new_likes=3, errors=0)
        told = signed_in.get(f"{REFRESH}{pressed}/").json()
        assert (told["status"], told["is_over"], told["new"]["likes"]) == ("done", True, 3)

    def test_without_script_the_page_shows_the_state_and_a_link_to_look_again(
        self, signed_in, account
    ) -> None:
        post = build_post("pixelfed", account)
        page = get_platform("pixelfed").post_detail_url(post.pk)
        address = signed_in.post(REFRESH, {"post_id": post.pk}, headers=BROWSER).headers["Location"]
        html = signed_in.get(address).content.decode()
        assert "Waiting for its turn." in words(html)
        assert f'<a href="{address}" class="without-script">Look again</a>' in html
        end(Refresh.objects.get().pk, new_likes=1, errors=0)
        html = signed_in.get(address).content.decode()
        assert "1 new like." in words(html)
        assert f'<a href="{page}">Show what is new</a>' in html

    def test_a_browser_that_opens_the_state_itself_gets_the_page_it_belongs_to(
        self, signed_in, account, pressed
    ) -> None:
        response = signed_in.get(f"{REFRESH}{pressed}/", headers=BROWSER)
        assert response.headers["Location"] == f"/analytics/pixelfed/?refresh={pressed}"

    def test_a_photo_does_not_show_the_reading_of_another(self, signed_in, account) -> None:
        first, second = build_post("pixelfed", account), build_post("pixelfed", account)
        pressed = signed_in.post(REFRESH, {"post_id": first.pk}).json()["task_id"]
        pages = [get_platform("pixelfed").post_detail_url(post.pk) for post in (first, second)]
        shown = ["Waiting" in signed_in.get(page, {"refresh": pressed}).content.decode() for page in pages]
        assert shown == [True, False]


class TestTheMinute:
    def test_it_is_over_after_sixty_seconds(self, signed_in, account, pressed) -> None:
        Refresh.objects.update(asked_at=timezone.now() - timedelta(seconds=57))
        response = signed_in.post(REFRESH)
        assert (response.status_code, response.json()["retry_after"]) == (429, 3)
        Refresh.objects.update(asked_at=timezone.now() - timedelta(seconds=60))
        assert signed_in.post(REFRESH).status_code == 200

    def test_no_process_keeps_it_to_itself(self, signed_in, pressed) -> None:
        assert signed_in.post(REFRESH).status_code == 429
        Refresh.objects.all().delete()
        assert signed_in.post(REFRESH).status_code == 200

    def test_a_post_and_an_account_share_it(self, signed_in, account, pressed) -> None:
        assert signed_in.post(REFRESH, {"post_id": build_post("pixelfed", account).pk}).status_code == 429

    def test_another_person_has_one_of_their_own(self, client, pressed) -> None:
        other = CustomUser.objects.create_user(email="ben@example.org")
        MastodonAccount.objects.create(
            user=other, instance_url="https://pixelfed.social", username="ben", access_token="t"
        )
        client.force_login(other)
        assert client.post(REFRESH).status_code == 200
        assert client.post(REFRESH).status_code == 429

    def test_presses_of_long_ago_are_forgotten(self, signed_in, pressed) -> None:
        Refresh.objects.update(asked_at=timezone.now() - timedelta(days=2))
        signed_in.post(REFRESH)
        assert Refresh.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_database")
def test_of_two_presses_at_the_same_moment_one_counts(user) -> None:
    MastodonAccount.objects.create(
        user=user, instance_url="https://pixelfed.social", username="ana", access_token="t"
    )

    def press_once() -> int:
        browser = Client()
        browser.force_login(user)
        return browser.post(REFRESH).status_code

    assert sorted(at_once(press_once, press_once, press_once)) == [200, 429, 429]
    assert (DBTaskResult.objects.count(), Refresh.objects.count()) == (1, 1)


class TestWithASandbox:
    """The worker reads a real socket; the state is what a person sees."""

    @pytest.fixture
    def world(self) -> World:
        world = World.empty()
        world.add_posts(world.add_person("ana"), 3, likes=2)
        return world

    def read_once(self, serve, world):
        server, account = serve(world)
        PixelfedAnalyticsFetcher(account).run()
        return server, account

    def questions(self, server) -> int:
        return sum(request.path.startswith("/api/") for request in server.requests)

    def work(self) -> None:
        call_command("db_worker", batch=True, verbosity=0)

    def test_a_like_that_arrives_is_told(self, serve, world, signed_in) -> None:
        self.read_once(serve, world)
        ana, fan = world.person("ana"), world.add_person("new")
        world.like(next(iter(world.listed_posts(ana, ana))), fan)
        pressed = press(signed_in)
        self.work()
        assert "1 new like. Show what is new" in words(part(signed_in, pressed))

    def test_a_dead_token_says_so_and_the_next_press_asks_to_reconnect(self, serve, world, signed_in) -> None:
        _, account = self.read_once(serve, world)
        MastodonAccount.objects.update(access_token="revoked")
        pressed = press(signed_in)
        self.work()
        assert "no longer accepts PostFlow's access." in words(part(signed_in, pressed)).replace(
            "&#x27;", "'"
        )
        Refresh.objects.all().delete()
        message = signed_in.post(REFRESH).json()["message"]
        assert message.startswith("Connect the account again first.")
        assert "no longer accepts" in message

    def test_a_host_that_asked_for_a_pause_is_left_alone_and_the_reason_is_told(
        self, serve, world, signed_in
    ) -> None:
        server, account = self.read_once(serve, world)
        hosts.block(account.host, seconds=600, message="It asks for a pause.")
        asked_before = self.questions(server)
        pressed = press(signed_in)
        self.work()
        assert f"{account.host} is left alone until" in words(part(signed_in, pressed))
        assert self.questions(server) == asked_before

    def test_a_paused_account_is_not_read(self, signed_in, account) -> None:
        MastodonAccount.objects.update(state="paused", state_reason="You asked for it.")
        response = signed_in.post(REFRESH)
        assert (response.status_code, response.json()["message"]) == (
            400,
            "The account is paused. You asked for it.",
        )

    def test_an_account_that_is_read_meanwhile_is_not_read_twice(self, serve, world, signed_in) -> None:
        _, account = self.read_once(serve, world)
        token = states.claim_lease(states.state_of(get_platform("pixelfed"), account))
        pressed = press(signed_in)
        self.work()
        assert "It is being read already." in words(part(signed_in, pressed))
        states.release_lease(AccountState.objects.get(), token)
        assert "that reading has ended. Show what is new" in words(part(signed_in, pressed))
