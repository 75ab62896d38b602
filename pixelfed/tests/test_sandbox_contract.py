"""Replays what was recorded from a real Pixelfed 0.11.13 against the sandbox, over a real socket, in order.

Everything is compared for equality after the address of the server is put aside: status, content type, Link,
Location, rate limit headers and every value of the body. What may differ is listed in VALUES_MAY_DIFFER and
DIFFER_AS_KNOWN, what is not replayed in NOT_REPLAYED, each with its reason. Of HTML pages only status, type
and whether there is a body are compared: their text is nobody's contract.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pixelfed.sandbox import SandboxServer
from pixelfed.sandbox.scenario import RecordedWorld, load_recorded_scenario
from tests.recorded import RECORDINGS

RECORDED_ORIGIN = "http://127.0.0.1:58080"
COMPARED_HEADERS = ("Content-Type", "Link", "Allow", "Retry-After", "Access-Control-Allow-Origin")
PRESENCE_ONLY_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

SCRIPTED = "replayed step by step in test_sandbox_oauth.py, because each step needs what the last one gave"
OWN_IDS = "replayed in test_sandbox_writing.py, where the ids are the sandbox's own"
NOT_REPLAYED: dict[range | tuple[int, ...], str] = {
    range(7, 24): SCRIPTED,
    range(24, 38): OWN_IDS,
    (40,): "happened before the stage this test begins at; test_sandbox_writing.py deletes a comment",
    (65, 66, 67, 173): "the same answers as 062-064 and 161, which are replayed",
    range(235, 256): "needs the cookie of a browser session, which no client of ours has",
    (256, 350): "pages of the web interface for making posts and tokens",
    (277,): "the server's queue lags after a deletion; the sandbox has no queue",
    range(299, 302): "needs the cookie of a browser session",
    range(303, 312): SCRIPTED,
    (312, 313): "the same answers as 309 and 313's is that of 207",
    (324,): "a route of the web interface, recorded for its headers",
    range(333, 335): SCRIPTED,
    (349,): "a list the web interface shows",
    range(354, 362): "the middle of the list whose ends 353, 362 and 363 are replayed",
    (367,): SCRIPTED,
}

# What may have another value (never another type, and never another length), and why.
VALUES_MAY_DIFFER: list[tuple[range | tuple[int, ...], str, str]] = [
    (range(1, 5), r"\.(title|short_description|description)$|nodeName|covid\.(org|url)", "another site"),
    (range(79, 80), r"liked_by", "the cached first liker"),
    (range(265, 269), r"favourites_count", "counts lag behind the real server's queue"),
    (range(41, 300), r"media_attachments\[\d+\]\.(blurhash|preview_url)$", "pictures not worked on yet"),
    ((51,), r"^\$\[[34]\]\.", "the order in which a database finds names"),
    ((110, 112, 192), r"mentions\[\d+\]\.statuses_count$", "cached before the person posted"),
]
# Where even the type or the length is another one: exactly these, and nothing else.
DIFFER_AS_KNOWN: list[tuple[range | tuple[int, ...], str, str]] = [
    (
        range(41, 300),
        r"media_attachments\[\d+\]\.meta: type NoneType recorded, dict found$",
        "the real server had not worked on that picture yet",
    ),
    ((79,), r"\.orientation: type NoneType recorded, str found$", "that picture's size was not known yet"),
    (
        (293, 342, 353),
        r"^\$(\[3\]\.status)?\.tags: 0 items recorded, 1 found$",
        "the web composer stores no hashtags with a text post",
    ),
]

type Step = Callable[[RecordedWorld, SandboxServer], object]


def _rate_limited(**options: Any) -> Step:
    return lambda world, server: server.faults.add("rate_limit", times=1, **options)


def _failing(**options: Any) -> Step:
    return lambda world, server: server.faults.add("status", times=1, **options)


# What happened on the recorded server just before a request, other than by requests that are replayed.
BEFORE: dict[int, Step] = {
    228: lambda world, server: world.like_an_answer(),
    258: lambda world, server: world.add_text_post(),
    285: lambda world, server: setattr(world.person("ana"), "reported_statuses_count", 52),
    294: lambda world, server: world.like_text_post(),
    296: lambda world, server: world.set_clock(1795357154.0),
    314: lambda world, server: world.suspend(world.person("fan132")),
    316: lambda world, server: world.remove(world.person("fan131")),
    322: _rate_limited(error=""),
    323: _rate_limited(html=True),
    325: _rate_limited(error="Too Many Attempts."),
    326: _rate_limited(html=True, retry_after="seconds", reset="epoch"),
    327: _failing(status=503, error="Service Unavailable"),
    328: _failing(status=503, html=True, headers={"Retry-After": 60}),
    329: _failing(status=503, error="Service Unavailable"),
    331: _failing(status=502, html="nginx"),
    332: _rate_limited(html="nginx"),
    338: lambda world, server: world.add_late_comments(),
    352: lambda world, server: world.cool_cache(world.person("ana")),
}

# Who asked, and with which scopes, where it was not ana with `read`.
ASKED_BY: dict[int, tuple[str, str]] = {
    38: ("fan100", "write"),
    39: ("fan001", "write"),
    80: ("fan100", "read"),
    81: ("fan001", "read"),
    104: ("fan100", "read"),
    105: ("fan100", "read"),
    114: ("fan100", "read"),
    135: ("fan100", "read"),
    136: ("fan100", "read"),
    145: ("fan100", "read"),
    157: ("fan100", "read"),
    192: ("fan001", "read"),
    265: ("fan040", "write"),
    266: ("fan041", "write"),
    267: ("fan040", "write"),
    271: ("fan040", "write"),
    275: ("fan040", "read"),
    276: ("ana", "write"),
    283: ("ana", "write"),
    284: ("fan001", "write"),
    289: ("ana", "follow"),
    290: ("ana", "follow"),
    295: ("ana", "write"),
    296: ("ana", "write"),
    302: ("ana", "follow"),
    318: ("fan132", "read"),
    319: ("fan131", "read"),
    322: ("fan001", "write"),
    323: ("fan001", "write"),
    336: ("fan133", "write"),
    337: ("fan133", "write"),
    341: ("fan020", "read"),
}
BAD_TOKENS = {199: "bad", 207: "bad", 215: "bad", 200: "a.b.c", 208: "a.b.c", 216: "a.b.c", 309: "old"}


def number_of(name: str) -> int:
    return int(name[:3])


def listed(number: int, lists: Any) -> bool:
    return any(number in numbers for numbers in lists)


def recordings() -> list[Path]:
    return sorted(RECORDINGS.glob("[0-9][0-9][0-9]-*.json"))


def differences(expected: Any, found: Any, path: str = "$") -> Iterator[str]:
    """Yield where two JSON values differ: types, keys, lengths, and values."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if key not in found:
                yield f"{path}.{key}: missing"
            elif key not in expected:
                yield f"{path}.{key}: not in the recording"
            else:
                yield from differences(expected[key], found[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path}: {len(expected)} items recorded, {len(found)} found"
        for place, (left, right) in enumerate(zip(expected, found, strict=False)):
            yield from differences(left, right, f"{path}[{place}]")
    elif type(expected) is not type(found):
        yield f"{path}: type {type(expected).__name__} recorded, {type(found).__name__} found"
    elif expected != found:
        yield f"{path}: value {str(expected)[:90]!r} recorded, {str(found)[:90]!r} found"


def excused(number: int, difference: str) -> bool:
    if any(number in numbers and re.search(pattern, difference) for numbers, pattern, _ in DIFFER_AS_KNOWN):
        return True
    path, _, rest = difference.partition(": ")
    return rest.startswith("value ") and any(
        number in numbers and re.search(pattern, path) for numbers, pattern, _ in VALUES_MAY_DIFFER
    )


def neutral(value: Any, origin: str) -> Any:
    """Return a value with the recorded origin in place of the running server's."""
    return json.loads(json.dumps(value).replace(origin, RECORDED_ORIGIN))


def compare(number: int, recording: dict[str, Any], response: requests.Response, origin: str) -> list[str]:
    """Return everything in which an answer departs from the recorded one."""
    expected = recording["response"]
    wrong = []
    if response.status_code != expected["status"]:
        wrong.append(f"status {expected['status']} recorded, {response.status_code} found")
    headers = {name.lower(): value for name, value in expected["headers"].items()}
    for name in COMPARED_HEADERS:
        left = headers.get(name.lower())
        right = response.headers.get(name)
        right = right.replace(origin, RECORDED_ORIGIN) if right else right
        if name == "Retry-After" and left and right and left.isdigit() and right.isdigit():
            continue
        if left != right:
            wrong.append(f"{name}: {left!r} recorded, {right!r} found")
    for name in PRESENCE_ONLY_HEADERS:
        if (name.lower() in headers) != (name in response.headers):
            wrong.append(f"{name}: recorded {name.lower() in headers}, found {name in response.headers}")
    location = response.headers.get("Location", "").replace(origin, RECORDED_ORIGIN)
    if location != headers.get("location", ""):
        wrong.append(f"Location: {headers.get('location')!r} recorded, {location!r} found")
    if expected["body_kind"] == "json":
        try:
            body = neutral(response.json(), origin)
        except ValueError:
            return [*wrong, "no JSON found"]
        wrong += [diff for diff in differences(expected["body"], body) if not excused(number, diff)]
    elif bool(expected["body"]) != bool(response.content):
        wrong.append(f"a body of {len(expected['body'])} recorded, {len(response.content)} found")
    return wrong


def send(
    number: int, recording: dict[str, Any], world: RecordedWorld, server: SandboxServer
) -> requests.Response:
    """Send a recorded request again, with a token of whoever sent it."""
    request = recording["request"]
    headers = {name: value for name, value in request["headers"].items() if name != "Authorization"}
    if "Authorization" in request["headers"]:
        name, scopes = ASKED_BY.get(number, ("ana", "read"))
        token = BAD_TOKENS.get(number) or world.token_for(world.person(name), scopes)
        headers["Authorization"] = f"Bearer {token}"
        if number in (229, 230):
            headers["Authorization"] = f"Bearer {app_only_token(server)}"
    path = re.sub(r"^http://[^/]+", "", request["path"])
    url = server.url + path + (f"?{request['query']}" if request.get("query") else "")
    return requests.request(
        request["method"], url, headers=headers, json=request.get("body"), allow_redirects=False, timeout=10
    )


def app_only_token(server: SandboxServer) -> str:
    app = requests.post(
        f"{server.url}/api/v1/apps", data={"client_name": "A", "redirect_uris": "http://a.test/"}, timeout=10
    ).json()
    form = {"grant_type": "client_credentials", "scope": "read"} | {
        key: app[key] for key in ("client_id", "client_secret")
    }
    return str(requests.post(f"{server.url}/oauth/token", data=form, timeout=10).json()["access_token"])


def test_every_recorded_exchange_is_answered_as_the_real_server_did() -> None:
    world = load_recorded_scenario(RECORDINGS, stage="reading")
    wrong: dict[str, list[str]] = {}
    replayed = 0
    with SandboxServer(world) as server:
        for file in recordings():
            number = number_of(file.name)
            if listed(number, NOT_REPLAYED):
                continue
            recording = json.loads(file.read_text())
            if number in BEFORE:
                BEFORE[number](world, server)
            response = send(number, recording, world, server)
            found = compare(number, recording, response, server.url)
            replayed += 1
            if found:
                wrong[file.name] = found[:8]
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
    assert replayed > 240


def test_every_recording_is_replayed_or_excused() -> None:
    present = {number_of(file.name) for file in recordings()}
    excuses = {number for numbers in NOT_REPLAYED for number in numbers}
    never_recorded = {27, 28, 257, 259, 260, 261, 262} - present
    missing = set(range(1, 368)) - present - excuses - never_recorded
    assert not missing


def test_replaying_ends_in_the_same_world_as_loading_the_final_stage() -> None:
    final = load_recorded_scenario(RECORDINGS)
    counts = {name: (p.likes_count, p.shares_count, p.replies_count) for name, p in final.posts.items()}
    assert counts["P01_hit"] == (124, 15, 32)
    assert counts["P03_video40"] == (40, 0, 0)
    assert counts["P04_80likes"] == (80, 0, 0)
    assert counts["P10_unlike"] == (9, 0, 0)
    assert counts["P11_unshare"] == (0, 5, 0)
    assert counts["P12_comment_deleted"] == (0, 0, 2)
    assert counts["P14_gone_likers"] == (10, 0, 0)
    assert len(final.posts["P14_gone_likers"].likes) == 9
    assert final.posts["P13_deleted"].deleted


def test_the_stage_before_still_has_what_was_taken_back() -> None:
    world = load_recorded_scenario(RECORDINGS, stage="before")
    posts = world.posts
    assert world.person("fan004").id in posts["P10_unlike"].like_of
    assert (posts["P10_unlike"].likes_count, posts["P11_unshare"].shares_count) == (10, 6)
    assert posts["P12_comment_deleted"].replies_count == 3
    assert not posts["P13_deleted"].deleted
    world.play_until("final")
    assert world.person("fan004").id not in posts["P10_unlike"].like_of
    assert posts["P10_unlike"].likes[-1].person is world.person("fan003")


@pytest.mark.parametrize(
    ("expected", "found", "says"),
    [
        ({"a": 1}, {}, "missing"),
        ({}, {"a": 1}, "not in the recording"),
        ({"a": None}, {"a": 1}, "type NoneType recorded"),
        ([1, 2], [1], "2 items recorded, 1 found"),
        ({"a": "x"}, {"a": "y"}, "value 'x' recorded"),
        ({"a": 1}, {"a": True}, "type int recorded, bool found"),
    ],
)
def test_the_comparison_notices(expected: object, found: object, says: str) -> None:
    assert says in " ".join(differences(expected, found))
