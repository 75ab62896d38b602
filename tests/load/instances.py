"""The hosts of a filled installation: sandboxes that hold each account's newest posts, some with new likes.

A post that nobody asks for is there with its counters only. Of some of the newest all likers are there, and
a few new ones: those the hourly run has to find, read and store.
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import Any

import django

POSTS, MOVED_AMONG, MOVED, NEW_LIKES = 40, 10, 2, 3


def main() -> None:
    """Serve until interrupted; arguments: the number of hosts, the first port."""
    django.setup()
    from tests.load.size import Size

    hosts, first_port = (int(argument) for argument in sys.argv[1:3])
    size = Size(hosts=hosts, first_port=first_port)
    with ExitStack() as stack:
        for host in range(hosts):
            stack.enter_context(_server(size, host))
        print("ready", flush=True)  # noqa: T201 the session waits for it
        while True:
            time.sleep(3600)


def _server(size: Any, host: int) -> Any:
    from pixelfed.models import MastodonAccount
    from pixelfed.sandbox import SandboxServer, World
    from tests.load.size import SECRET

    world = World(secret=SECRET)
    for account in MastodonAccount.objects.filter(instance_url=size.url(host)):
        owner = world.add_person(account.username, id=int(account.remote_id))
        _add_posts(world, account, owner)
    return SandboxServer(world, port=size.first_port + host)


def _add_posts(world: Any, account: Any, owner: Any) -> None:
    from analytics_pixelfed.models import PixelfedLike, PixelfedPost

    posts = list(PixelfedPost.objects.filter(account=account).order_by("-posted_at")[:POSTS])
    moved = random.Random(account.pk).sample(posts[:MOVED_AMONG], min(MOVED, len(posts)))
    likes = defaultdict(list)
    for like in PixelfedLike.objects.current().filter(post__in=moved).order_by("liked_at"):
        likes[like.post_id].append(like)
    owner.reported_statuses_count = len(posts)
    for post in posts:
        status = world.add_post(
            owner,
            post.caption,
            id=int(post.pixelfed_post_id),
            at=post.posted_at.timestamp(),
            media=[_media(world, owner, post)],
        )
        status.likes_drift, status.shares_drift = post.total_likes, post.total_shares
        # Only their number is told: nobody asks for comments that did not move.
        status.replies.extend(_answers(status, post.total_comments))
        for like in likes[post.pk]:
            world.like(status, _person(world, like), at=like.liked_at.timestamp())
            status.likes_drift -= 1
        for number in range(NEW_LIKES if post in moved else 0):
            world.like(status, world.add_person(f"new{time.time_ns()}_{number}"))


def _media(world: Any, owner: Any, post: Any) -> Any:
    """The picture at the address that is known: nobody has to fetch it anew."""
    path, preview_path = (
        address.removeprefix(post.instance_url) for address in (post.media_url, post.thumbnail_url)
    )
    return world.make_media(owner, path=path, preview_path=preview_path)


def _answers(status: Any, count: int) -> list[Any]:
    from pixelfed.sandbox.entities import Status

    return [
        Status(status.id * 100 + n, status.author, "Lovely", status.created_at, parent=status)
        for n in range(count)
    ]


def _person(world: Any, like: Any) -> Any:
    return world.people.get(int(like.account_id)) or world.add_person(
        like.username, display_name=like.display_name, id=int(like.account_id)
    )


if __name__ == "__main__":
    main()
