"""Forgetting a person over a real socket: the instance goes on naming them, PostFlow does not."""

import pytest
from django.apps import apps
from django.core.management import call_command

from analytics_core import platforms, tasks
from analytics_core.engine import people
from analytics_pixelfed.models import PixelfedLike, PixelfedPost
from pixelfed.sandbox import World

pytestmark = pytest.mark.django_db(transaction=True)


def everything() -> str:
    return "\n".join(str(list(model._default_manager.values_list())) for model in apps.get_models())


def test_reading_again_brings_no_name_back_and_every_counter_stays(serve, user) -> None:
    world = World.empty()
    ana = world.add_person("ana")
    posts = world.add_posts(ana, 3, likes=2)
    bob = world.add_person("bobolink")
    for post in posts:
        world.like(post, bob)
    world.comment(posts[0], bob, "Words of a bobolink")
    _, account = serve(world)
    assert tasks.fetch_account.func("pixelfed", account.pk)["errors"] == 0
    assert "bobolink" in everything()
    (held,) = people.find("bobolink", "", user=user)
    assert (held.likes, held.comments) == (3, 1)
    people.forget(held, user=user)
    world.like(world.add_posts(ana, 1)[0], bob)
    fetcher = platforms.get("pixelfed").fetcher
    for _ in range(3):
        account.refresh_from_db()
        assert fetcher(account).run()["errors"] == 0
        assert fetcher(account).fetch_recent_posts_engagement()["errors"] == 0
    assert "bobolink" not in everything()
    assert PixelfedLike.objects.current().filter(username="").count() == 4
    for post in PixelfedPost.objects.all():
        assert (post.total_likes, post.total_comments) == (
            post.likes_server_count,
            post.comments_server_count,
        )
    call_command("rebuild_daily_totals", check=True)
