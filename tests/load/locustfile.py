"""Photographers, for locust: each signs in, then reads pages with time to think between them."""

from __future__ import annotations

import json
import os
import random
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task

from tests.load import visits

# The load of a run: tests/load/session.py sets them.
READERS, REQUESTS = int(os.environ["LOAD_READERS"]), int(os.environ["LOAD_REQUESTS"])
ACCOUNTS, PASSWORD = os.environ["LOAD_EMAILS"].split(","), os.environ["LOAD_PASSWORD"]
RESULT = Path(os.environ["LOAD_RESULT"])
LEAST, MOST = (float(seconds) for seconds in os.environ["LOAD_THINK"].split("-"))

numbers = count()
done = count(1)
wrong: list[str] = []


class Reader(FastHttpUser):
    """Somebody who looks at their own photos."""

    wait_time = between(LEAST, MOST)

    def on_start(self) -> None:
        """Sign in once, as people do in the morning."""
        self.posts: list[str] = []
        self.seen: set[str] = set()
        self.client.get(visits.SIGN_IN, name="sign-in page")
        token = next(cookie.value for cookie in self.client.cookiejar if cookie.name == "csrftoken")
        number = next(numbers)
        form = {"username": ACCOUNTS[number % len(ACCOUNTS)], "password": PASSWORD}
        headers = {
            "X-CSRFToken": token,
            "Referer": f"{self.host}{visits.SIGN_IN}",
            "X-Forwarded-For": f"198.51.{number // 250}.{number % 250}",
        }
        with self.client.post(
            visits.SIGN_IN,
            form,
            headers=headers,
            allow_redirects=False,
            name="signing in",
            catch_response=True,
        ) as answer:
            if answer.status_code != 302:
                answer.failure(f"not signed in: {answer.status_code}")
        self.show(visits.PAGES[0])

    @task
    def read(self) -> None:
        """Look at one more page."""
        self.show(random.choices(visits.PAGES, [page.weight for page in visits.PAGES])[0])

    def show(self, page: visits.Page) -> None:
        """Ask for a page and for what a browser gets behind it."""
        path = page.path.replace("{post}", random.choice(self.posts) if self.posts else "/analytics/")
        text = self.ask(
            page.name if self.posts or "{post}" not in page.path else "overview", path, page.headers
        )
        for name, address in visits.people_of(text):
            self.ask(name, address, visits.part_headers("people"))
        for address in visits.pictures_of(text):
            if address not in self.seen:
                self.seen.add(address)
                self.client.get(address, name="picture")
        self.posts = visits.posts_of(text) or self.posts

    def ask(self, name: str, path: str, headers: dict[str, str]) -> str:
        """Get something of the signed-in reader's; being sent to the sign-in page is a failure."""
        with self.client.get(
            path, headers=headers, allow_redirects=False, name=name, catch_response=True
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} for {path}")
            return answer.text or ""


@events.request.add_listener
def stop_at_the_end(name: str, exception: Any, **kwargs: Any) -> None:
    """End once enough pages were read; pictures are not counted."""
    if exception is not None:
        wrong.append(f"{name}: {exception}")
    if name != "picture" and next(done) == REQUESTS:
        # Not from here: this is one of those that are ended.
        gevent.spawn(environment.runner.quit)


@events.init.add_listener
def remember(environment: Any, **kwargs: Any) -> None:
    """Keep hold of what runs everything."""
    globals()["environment"] = environment


environment: Any = None


@events.quitting.add_listener
def write(environment: Any, **kwargs: Any) -> None:
    """Write what was measured, in milliseconds."""
    stats = environment.stats
    pages = [
        {
            "name": entry.name,
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            **{f"p{part}": entry.get_response_time_percentile(part / 100) for part in (50, 95, 99)},
            "most": entry.max_response_time,
            "bytes": round(entry.avg_content_length),
        }
        for entry in stats.entries.values()
    ]
    seconds = (stats.total.last_request_timestamp or 0) - stats.total.start_time
    RESULT.write_text(json.dumps({"pages": pages, "seconds": seconds, "wrong": wrong[:50]}))
