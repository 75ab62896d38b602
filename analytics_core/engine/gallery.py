"""Gets the small pictures of posts: which are due, who fetches one, and what becomes of a failure.

A claim is a conditional update that counts as a failure until the picture is there. So two workers never ask
for the same one, a killed worker's is asked for again after a while, and one that kills workers is given up.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.utils import timezone
from django.utils.crypto import salted_hmac

from analytics_core.engine import hosts, thumbnails
from analytics_core.engine.thumbnails import NotAPicture, Thumbnail
from analytics_core.models import MediaType
from analytics_core.platforms import Blocked, Platform
from core import http, stopping

logger = logging.getLogger(__name__)

# One task's bounds.
AT_ONCE = 60
RUN_SECONDS = 4 * 60
MAX_BYTES = 20 * 1024 * 1024
# How long after each failure in a row it is tried again; after one more it is given up.
RETRY_AFTER = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 168))
# After so many failures of hosts in a row the rest is left for the next visit.
HOST_FAILURES = 2
# Nothing else may reach a header of ours: a space or semicolon would write policy.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
ACCEPT = "image/avif,image/webp,image/jpeg,image/png,image/gif"
NEEDED = (
    "account", "media_type", "media_url", "thumbnail_url",
    "picture", "picture_source", "picture_due_at", "picture_failures_count",
)  # fmt: skip


class NotFetched(Exception):
    """A picture could not be had. The text says why, for the operator."""


class HostInTrouble(NotFetched):
    """Its host gave no answer, or an error of its own: the next picture there will hardly do better."""


def has_due(platform: Platform, account: Any) -> bool:
    """Tell whether pictures of an account's posts are to be fetched now."""
    return _due(platform, account).exists()


def fetch_due(
    platform: Platform, account: Any, *, at_most: int = AT_ONCE, seconds: float = RUN_SECONDS
) -> dict[str, Any]:
    """Fetch the pictures of an account's posts that are due, newest posts first.

    A failure of the other side is counted and ends nothing; a host that asks for a pause, or is down, does.

    Returns:
        fetched, failed (how many), message (the last failure in words, "" if none), and work_left: whether
        the bounds ended it before the work did.
    """
    stats: dict[str, Any] = {"fetched": 0, "failed": 0, "message": "", "work_left": False}
    ends_at = time.monotonic() + seconds
    troubles_count = 0
    with http.open_session() as session:
        for post in _due(platform, account).order_by("-posted_at").only(*NEEDED)[:at_most]:
            if troubles_count == HOST_FAILURES or time.monotonic() > ends_at or stopping.is_asked():
                break
            try:
                stats["fetched"] += fetch_picture(session, post)
                troubles_count = 0
            except NotFetched as error:
                stats["failed"] += 1
                stats["message"] = str(error)
                troubles_count = troubles_count + 1 if isinstance(error, HostInTrouble) else 0
            except Blocked as error:
                stats["message"] = str(error)
                troubles_count = HOST_FAILURES
            except stopping.Stopped:
                break
    stats["work_left"] = troubles_count < HOST_FAILURES and has_due(platform, account)
    logger.info("%s account %s: pictures: %s", platform.name, account.pk, stats)
    return stats


def fetch_picture(session: http.Session, post: Any) -> bool:
    """Fetch and keep one post's picture. Returns False where there is none, or another worker has it.

    Raises:
        NotFetched: it could not be had; that is noted with the post.
        Blocked: its host asks for a pause; the picture is due as before.
    """
    addresses = sources(post)
    if not addresses:
        _own(post).update(picture_due_at=None, picture_problem="")
        return False
    if post.picture_failures_count > len(RETRY_AFTER):
        # The last try never ended: whoever made it was killed, perhaps by the picture itself.
        _own(post).update(picture_due_at=None, picture_problem="Given up: no try came to an end.")
        return False
    # The preview first; where that fails, the picture itself is tried in turn.
    address = addresses[post.picture_failures_count % len(addresses)]
    before = _fields(post)
    if not _claim(post, source=source_key(post)):
        return False
    try:
        _keep(post, download(session, address))
    except NotFetched as error:
        _fail(post, error)
        raise
    except BaseException:
        # No fault of the picture: a pause, our storage, a worker that has to stop.
        _own(post).update(**before)
        raise
    return True


def note_addresses(model: type[Any], posts: Iterable[Any]) -> None:
    """Make pictures due whose address is another one now, or that have one now."""
    changed = [post.pk for post in posts if _has_moved(post)]
    if changed:
        model.objects.filter(pk__in=changed).update(picture_due_at=timezone.now(), picture_failures_count=0)


def delete_file_with(model: type[Any]) -> None:
    """Delete a post's picture whenever a post of this model is deleted, by itself or with its account."""
    post_delete.connect(_delete_file_of, sender=model, dispatch_uid=f"{__name__}.{model._meta.label}")


def _due(platform: Platform, account: Any) -> QuerySet[Any]:
    return platform.post_model.objects.filter(account=account, picture_due_at__lte=timezone.now())


def _has_moved(post: Any) -> bool:
    key = source_key(post)
    # One that was never asked for is due as it is.
    return bool(key) and key != post.picture_source and bool(post.picture_source or not post.picture_due_at)


def _own(post: Any) -> QuerySet[Any]:
    """The post's row, as long as nobody else has claimed it or made it due anew."""
    return type(post).objects.filter(pk=post.pk, picture_due_at=post.picture_due_at)


def _fields(post: Any) -> dict[str, Any]:
    names = ("picture_due_at", "picture_failures_count", "picture_source")
    return {name: getattr(post, name) for name in names}


def _claim(post: Any, *, source: str) -> bool:
    """Make the post's picture ours until the retry time is over. Returns whether it is."""
    failures_count = post.picture_failures_count + 1
    retry_at = timezone.now() + RETRY_AFTER[min(failures_count, len(RETRY_AFTER)) - 1]
    claim = {
        "picture_due_at": retry_at,
        "picture_failures_count": failures_count,
        "picture_source": source,
    }
    if not _own(post).update(**claim):
        return False
    for name, value in claim.items():
        setattr(post, name, value)
    return True


def download(session: http.Session, address: str, *, long_side: int = thumbnails.LONG_SIDE) -> Thumbnail:
    """Fetch a picture and make it small, in pixels. The instance's token has no business here.

    Raises:
        NotFetched: there is none, or none that we show.
        Blocked: the host asks for a pause.
    """
    host = urlsplit(address).netloc.lower()
    turn = hosts.Turn()
    try:
        hosts.check(host)
        turn.wait(host)
        with stopping.breakable():
            answer = http.fetch(session, "GET", address, headers={"Accept": ACCEPT}, max_bytes=MAX_BYTES)
    except http.Unreachable as error:
        raise HostInTrouble(str(error)) from error
    except http.HTTPError as error:
        raise NotFetched(str(error)) from error
    finally:
        turn.end(host)
    _check_status(host, answer)
    try:
        thumbnails.check_type(answer.headers.get("Content-Type", ""))
        return thumbnails.make_thumbnail(answer.body, long_side=long_side)
    except NotAPicture as error:
        raise NotFetched(f"{host}: {error}") from error


def _check_status(host: str, answer: http.Answer) -> None:
    if answer.status == 200:
        return
    if answer.status in (429, 503):
        seconds = http.retry_after_seconds(answer.headers, now=timezone.now())
        if seconds is None and answer.status == 429:
            seconds = random.uniform(60, 90)
        if seconds is not None:
            message = f"{host} asks for a pause."
            hosts.block(host, seconds=seconds, message=message)
            raise Blocked(message, seconds=seconds)
    error = HostInTrouble if answer.status >= 500 else NotFetched
    raise error(f"{host} answered with status {answer.status}.")


def _keep(post: Any, thumbnail: Thumbnail) -> None:
    """Store the picture, then let the post have it, then delete the one before."""
    name = default_storage.save(_name(post), ContentFile(thumbnail.content))
    is_ours = _own(post).update(
        picture=name,
        picture_width=thumbnail.width,
        picture_height=thumbnail.height,
        picture_due_at=None,
        picture_failures_count=0,
        picture_problem="",
    )
    # The post may be gone meanwhile, or have another address: that is due again.
    unused = post.picture if is_ours else name
    if unused and not type(post).objects.filter(pk=post.pk, picture=unused).exists():
        delete_file(unused)


def _name(post: Any) -> str:
    """Return where to keep a post's picture: the same whenever it is fetched anew, and not to be guessed."""
    secret = salted_hmac(__name__, f"{post._meta.label} {post.pk} {post.picture_source}", algorithm="sha256")
    return f"thumbnails/{post.platform}/{post.account_id}/{secret.hexdigest()[:32]}.webp"


def _fail(post: Any, error: NotFetched) -> None:
    problem = str(error)
    changes: dict[str, Any] = {}
    if post.picture_failures_count > len(RETRY_AFTER):
        problem = f"Given up: {problem}"
        changes["picture_due_at"] = None
    logger.info("%s post %s has no picture: %s", post.platform, post.pk, problem)
    _own(post).update(picture_problem=problem[:300], **changes)


def _delete_file_of(sender: type[Any], instance: Any, **kwargs: Any) -> None:
    delete_file_later(instance.picture)


def delete_file_later(name: str) -> None:
    """Delete a stored picture, if there is one, but not before the row that named it is really gone."""
    if name:
        transaction.on_commit(partial(delete_file, name), robust=True)


def delete_file(name: str) -> None:
    """Delete a stored picture that nothing has any more; where that fails, some bytes too many stay."""
    try:
        default_storage.delete(name)
    # Which errors a storage raises is its own affair.
    except Exception as error:
        logger.warning("%s could not be deleted: %s", name, error)


def sources(post: Any) -> list[str]:
    """Return the addresses of a post's picture at its instance, smallest first; of a video, its preview's."""
    if post.media_type == MediaType.VIDEO:
        found = [post.thumbnail_url] if post.thumbnail_url != post.media_url else []
    else:
        found = [post.thumbnail_url, post.media_url]
    return [url for url in dict.fromkeys(found) if origin(url)]


def source_key(post: Any) -> str:
    """Return what tells whether a post's picture is another one now: its address without the query.

    Servers that sign addresses write another query into each answer; "" where there is no picture.
    """
    return next(iter(sources(post)), "").partition("?")[0]


def origin(url: str) -> str:
    """Return scheme, host and port of a web address; "" for anything that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    found = f"{parts.scheme}://{parts.netloc}".lower()
    return found if _ORIGIN.fullmatch(found) else ""
