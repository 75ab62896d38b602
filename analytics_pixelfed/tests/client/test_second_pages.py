"""A second page that fails costs the whole list or a request, and never half of a list."""

import pytest

from analytics_pixelfed.pixelfed_client import PixelfedAPIError
from pixelfed.sandbox import World

from .answering import ids


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "html"},
        {"kind": "wrong_type"},
        {"kind": "rate_limit", "retry_after": "seconds"},
        {"kind": "dead_token"},
        {"kind": "broken_json"},
        {"kind": "cut"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_failure_on_the_second_page_brings_an_error_and_never_half_a_list(serve, fault):
    world = World.empty()
    ana = world.add_person("ana")
    (post,) = world.add_posts(ana, 1, likes=200)
    for fan in world.add_people(200):
        world.share(post, fan)
    server, client = serve(world)
    reads = {
        "*/favourited_by*": lambda: client.get_post_favourited_by(str(post.id)),
        "*/reblogged_by*": lambda: client.get_post_reblogged_by(str(post.id)),
        "*/notifications*": client.get_notifications,
    }
    for path, read in reads.items():
        server.faults.clear()
        server.faults.add(path=path, skip=1, **fault)
        with pytest.raises(PixelfedAPIError):
            read()


def test_a_passing_failure_on_the_second_page_costs_a_request_and_nobody(serve):
    world = World.empty()
    (post,) = world.add_posts(world.add_person("ana"), 1, likes=200)
    server, client = serve(world)
    server.faults.add("status", "*/favourited_by*", skip=1, times=1, status=502, html="nginx")
    server.faults.add("cut", "*/favourited_by*", skip=2, times=1)
    found = client.get_post_favourited_by(str(post.id))
    assert (len(set(ids(found))), found.is_complete) == (200, True)
    assert len(server.requests) == client.requests_count == 5
