"""A sandbox instance: a small HTTP server that answers like a real Pixelfed 0.11.13 was recorded to answer.

For the first run, for tests and for benchmarks; never for production. It keeps everything in memory and needs
neither Django nor a database.

A world of one's own:

    world = World.empty()
    marta = world.add_person("marta")
    posts = world.add_posts(marta, 60, likes=90)
    with SandboxServer(world) as server:
        client = PixelfedAPIClient(server.url, server.token_for(marta))
        ...
        world.unlike(posts[0], world.person("fan0001"))
        server.faults.add("rate_limit", "*/favourited_by*", times=2, retry_after="seconds", seconds=30)
        assert server.requests[-1].path == "/api/v1/notifications"

The world of the recordings, at the end or before the likes, shares and the post that were taken back:

    world = load_recorded_scenario("tests/recordings/pixelfed-0.11.13", stage="before")
    ana = world.person("ana")

Other manners: `SandboxServer(world, dialect=MASTODON)` pages by ids and answers 401; `PIXELFED_2026` has
proper status codes. Several servers with worlds of their own run side by side.

The believable photographer who lives on with the clock is `demo_world(seed=1)`; `manage.py run_sandbox`
serves her, and `/_sandbox` steers a sandbox from another process (see `control`).
"""

from pixelfed.sandbox.demo import DemoWorld, demo_world
from pixelfed.sandbox.entities import MASTODON, PIXELFED, PIXELFED_2026, Dialect, Media, Person, Status
from pixelfed.sandbox.faults import Fault
from pixelfed.sandbox.scenario import RecordedWorld, load_recorded_scenario
from pixelfed.sandbox.server import SandboxServer, SeenRequest
from pixelfed.sandbox.world import World

__all__ = [
    "MASTODON",
    "PIXELFED",
    "PIXELFED_2026",
    "DemoWorld",
    "Dialect",
    "Fault",
    "Media",
    "Person",
    "RecordedWorld",
    "SandboxServer",
    "SeenRequest",
    "Status",
    "World",
    "demo_world",
    "load_recorded_scenario",
]
