"""From the instance to the page: everything in between is real (US-11.3)."""

import pytest
from django.core.management import call_command
from django.tasks import default_task_backend
from django.urls import reverse

from analytics_core.tasks import fetch_account, fetch_post
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.sandbox import World, demo_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    world = World.empty()
    ana = world.add_person("ana")
    posts = world.add_posts(ana, 3, likes=2)
    world.comment(posts[0], world.person("fan0001"), "What a light!")
    world.share(posts[0], world.person("fan0002"))
    return world


def test_a_sync_and_a_fetch_end_on_the_page(serve, world, client) -> None:
    _, account = serve(world)
    fetcher = PixelfedAnalyticsFetcher(account)
    assert fetcher.sync_account_posts(limit=40)["posts_created"] == 3
    post = PixelfedPost.objects.get(comments_server_count=1)
    stats = fetcher.fetch_post_engagement(post)
    assert (stats["new_likes"], stats["new_comments"], stats["new_shares"], stats["total_engagement"]) == (
        2,
        1,
        1,
        4,
    )

    client.force_login(account.user)
    page = client.get(reverse("analytics_pixelfed:dashboard"), {"days": "all"})
    assert page.status_code == 200
    detail = client.get(reverse("analytics_pixelfed:post_detail", args=[post.pk]))
    assert "What a light!" in detail.content.decode()
    assert "fan0002" in detail.content.decode()


def test_what_an_instance_tells_twice_is_written_once(serve) -> None:
    """Every column reads back as the instance told it: else each hour would write all posts anew."""
    world = demo_world()
    _, account = serve(world, world.photographer.username)
    fetcher = PixelfedAnalyticsFetcher(account)
    while fetcher.run()["work_left"]:
        pass
    before = list(PixelfedPost.objects.order_by("pk").values())

    listed = fetcher.sync_account_posts(max_posts=1000)

    assert listed["posts_synced"] == len(before) > 40
    assert list(PixelfedPost.objects.order_by("pk").values()) == before


def test_a_worker_reads_an_account_and_a_post(serve, world) -> None:
    _, account = serve(world)
    queued = fetch_account.enqueue("pixelfed", account.pk)
    call_command("db_worker", batch=True, verbosity=0)
    result = default_task_backend.get_result(queued.id)
    assert result.return_value["posts_created"] == 3
    assert PixelfedLike.objects.current().count() == 6

    post = PixelfedPost.objects.first()
    queued = fetch_post.enqueue("pixelfed", post.pk)
    call_command("db_worker", batch=True, verbosity=0)
    assert default_task_backend.get_result(queued.id).return_value["errors"] == 0


def test_work_that_is_left_is_queued_again_behind_the_rest(serve, world, monkeypatch) -> None:
    server, account = serve(world)
    monkeypatch.setattr("analytics_core.fetcher.REQUEST_BUDGET", 5)
    fetch_account.enqueue("pixelfed", account.pk)
    call_command("db_worker", batch=True, verbosity=0)
    assert PixelfedLike.objects.current().count() == 6
    from django_tasks_db.models import DBTaskResult

    visits = list(DBTaskResult.objects.order_by("enqueued_at").values_list("priority", "status"))
    assert len(visits) > 1
    assert {status for _, status in visits} == {"SUCCESSFUL"}
    assert visits[1][0] < visits[0][0]


def test_a_task_for_an_account_that_is_gone_or_paused_does_nothing(serve, world) -> None:
    server, account = serve(world)
    account.state = "paused"
    account.save()
    queued = [fetch_account.enqueue("pixelfed", account.pk), fetch_post.enqueue("pixelfed", 4711)]
    call_command("db_worker", batch=True, verbosity=0)
    assert all("skipped" in default_task_backend.get_result(one.id).return_value for one in queued)
    assert server.requests == []
