"""The button that reads an account or a post now."""

import re

import pytest
from django.test import Client
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.tests.builders import build_post
from pixelfed.models import MastodonAccount

from .shown import page_of, words

pytestmark = pytest.mark.django_db

REFRESH = "/analytics/pixelfed/refresh/"
WAITING = "Waiting for its turn."
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def enqueued(monkeypatch):
    """What was queued, without queueing it."""
    calls = []

    class Spy:
        def __init__(self, name: str) -> None:
            self.name = name

        def using(self, *, priority: int):
            assert priority > tasks.PRIORITY_HOURLY, "a person waits for it"
            return self

        def enqueue(self, *args):
            calls.append((self.name, *args))
            return type("Result", (), {"id": f"task-{len(calls)}"})()

    for name in ("fetch_account", "fetch_post"):
        monkeypatch.setattr(tasks, name, Spy(name))
    return calls


def test_only_posting_is_allowed(signed_in) -> None:
    assert signed_in.get(REFRESH).status_code == 405


def test_a_visitor_is_asked_to_sign_in(client, enqueued) -> None:
    assert "/accounts/sign-in/" in client.post(REFRESH).headers["Location"]
    assert enqueued == []


def test_a_request_from_another_site_is_refused(account, enqueued) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(account.user)
    assert client.post(REFRESH).status_code == 403
    assert enqueued == []


def test_it_reads_the_persons_own_accounts(signed_in, account, others_post, enqueued) -> None:
    response = signed_in.post(REFRESH)
    assert response.json() == {
        "status": "success",
        "message": "Analytics refresh started",
        "task_id": "task-1",
    }
    assert enqueued == [("fetch_account", "pixelfed", account.pk)]


@pytest.mark.parametrize("in_query", [True, False])
def test_it_reads_one_post(signed_in, account, enqueued, in_query) -> None:
    post = build_post("pixelfed", account)
    if in_query:
        response = signed_in.post(f"{REFRESH}?post_id={post.pk}")
    else:
        response = signed_in.post(REFRESH, {"post_id": post.pk})
    assert response.status_code == 200
    assert enqueued == [("fetch_post", "pixelfed", post.pk)]


def test_the_post_of_somebody_else_is_not_found(signed_in, others_post, enqueued) -> None:
    assert signed_in.post(REFRESH, {"post_id": others_post.pk}).status_code == 404
    assert enqueued == []


@pytest.mark.parametrize("post_id", ["abc", "-1", "0", "1.5", "\x00", "9" * 30, "9" * 10_000])
def test_a_post_id_that_is_none_is_refused_with_a_message(signed_in, enqueued, post_id) -> None:
    response = signed_in.post(REFRESH, {"post_id": post_id})
    assert response.status_code == 400
    assert response.json() == {"status": "error", "message": "There is no such post."}
    assert enqueued == []


def test_once_a_minute_is_enough(signed_in, enqueued) -> None:
    signed_in.post(REFRESH)
    response = signed_in.post(REFRESH)
    assert response.status_code == 429
    assert 1 <= response.json()["retry_after"] <= 60
    assert response.headers["Retry-After"] == str(response.json()["retry_after"])
    assert len(enqueued) == 1


def test_a_mistake_does_not_use_up_the_minute(signed_in, others_post, enqueued) -> None:
    signed_in.post(REFRESH, {"post_id": "abc"})
    signed_in.post(REFRESH, {"post_id": others_post.pk})
    assert signed_in.post(REFRESH).status_code == 200


def test_people_do_not_wait_for_each_other(signed_in, client, others_post, enqueued) -> None:
    signed_in.post(REFRESH)
    client.force_login(others_post.account.user)
    assert client.post(REFRESH).status_code == 200


def test_with_nothing_connected_it_says_so(client, user, enqueued) -> None:
    client.force_login(user)
    response = client.post(REFRESH)
    assert (response.status_code, response.json()["message"]) == (
        400,
        "No Pixelfed account is connected.",
    )


@pytest.mark.parametrize("with_post", [True, False])
def test_an_account_to_reconnect_is_not_read(signed_in, account, enqueued, with_post) -> None:
    post = build_post("pixelfed", account)
    MastodonAccount.objects.update(state="reconnect")
    response = signed_in.post(REFRESH, {"post_id": post.pk} if with_post else {})
    assert (response.status_code, response.json()["message"]) == (400, "Connect the account again first.")
    assert enqueued == []


def test_an_error_tells_nothing_of_its_inside_and_frees_the_minute(signed_in, monkeypatch, enqueued) -> None:
    def broken(*args):
        raise RuntimeError("password=secret")

    with monkeypatch.context() as patch:
        patch.setattr(tasks.fetch_account, "enqueue", broken)
        response = signed_in.post(REFRESH)
    assert response.status_code == 503
    assert "secret" not in response.content.decode()
    assert signed_in.post(REFRESH).status_code == 200


def test_the_task_is_really_queued(signed_in, account) -> None:
    task_id = signed_in.post(REFRESH).json()["task_id"]
    assert DBTaskResult.objects.get(id=task_id).args_kwargs["args"] == ["pixelfed", account.pk]


def test_htmx_gets_the_button_with_the_state(signed_in, account) -> None:
    post = build_post("pixelfed", account)
    headers = {"HX-Request": "true", "HX-Target": "refresh"}
    response = signed_in.post(REFRESH, {"post_id": post.pk}, headers=headers)
    html = response.content.decode()
    assert html.strip().startswith('<form id="refresh"')
    assert f'data-announce="{WAITING}"' in html
    assert 'hx-disabled-elt="find button"' in html
    assert f'name="post_id" value="{post.pk}"' in html
    again = signed_in.post(REFRESH, {"post_id": post.pk}, headers=headers)
    assert again.status_code == 429
    assert re.search(r"You refreshed a moment ago. Try again in \d+ seconds?.", again.content.decode())
    assert WAITING not in again.content.decode()


def test_a_plain_form_goes_back_to_its_page_which_shows_the_state(signed_in, account) -> None:
    post = build_post("pixelfed", account)
    response = signed_in.post(REFRESH, {"post_id": post.pk}, headers=BROWSER, follow=True)
    address = f"{page_of(post)}?refresh={DBTaskResult.objects.get().pk}"
    assert response.redirect_chain == [(address, 302)]
    assert f"{WAITING} Look again" in words(response)
    assert f'href="{address}"' in response.content.decode()


def test_to_be_early_is_no_mistake(signed_in, account, enqueued) -> None:
    for levels in ([], ["info"]):
        response = signed_in.post(REFRESH, headers=BROWSER, follow=True)
        assert re.findall(r'class="notice notice-(\w+)"', response.content.decode()) == levels


@pytest.mark.parametrize(
    ("came_from", "query"),
    [
        ("http://testserver/analytics/pixelfed/?days=7&sort=-likes", "?days=7&sort=-likes"),
        ("http://testserver/analytics/pixelfed/?days=7&refresh=an-older-one", "?days=7"),
        ("http://testserver/analytics/pixelfed/", ""),
        ("http://testserver/analytics/?days=7", ""),
        ("https://evil.example/analytics/pixelfed/?days=7", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_a_plain_form_goes_back_to_what_was_chosen_there(signed_in, enqueued, came_from, query) -> None:
    response = signed_in.post(REFRESH, headers={**BROWSER, "Referer": came_from})
    address = f"/analytics/pixelfed/{query}"
    assert response.headers["Location"] == f"{address}{'&' if query else '?'}refresh=task-1"
