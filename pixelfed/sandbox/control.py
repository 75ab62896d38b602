"""Steers a sandbox from another process: faults, changes of the world, what was asked so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pixelfed.sandbox.answers import Answer, Request
from pixelfed.sandbox.entities import Person, Status

if TYPE_CHECKING:
    from pixelfed.sandbox.server import SandboxServer


class Control:
    """Answers below `/_sandbox`; every body is a JSON object, every mistake a 400 with `error`.

    GET    /_sandbox           people and their posts, as far as a script needs them
    GET    /_sandbox/requests  what the server was asked
    DELETE /_sandbox/requests  forget it
    POST   /_sandbox/faults    {"kind": "hang", "path": "/api/*", "times": 2, ...options}
    DELETE /_sandbox/faults    end all faults
    POST   /_sandbox/do        {"action": "unlike", "status": "103...", "person": "fan001"}
    """

    def __init__(self, server: SandboxServer) -> None:
        """Steer `server`."""
        self.server = server

    def answer(self, request: Request) -> Answer:
        """Answer one request to the control address."""
        key = (request.method, request.path.removeprefix("/_sandbox").strip("/"))
        actions: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", ""): self._overview,
            ("GET", "requests"): lambda form: [dataclasses.asdict(seen) for seen in self.server.requests],
            ("DELETE", "requests"): lambda form: self.server.requests.clear(),
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): lambda form: self.server.faults.clear(),
            ("POST", "do"): self._do,
        }
        action = actions.get(key)
        if action is None:
            return Answer({"error": f"There is no {key[0]} /_sandbox/{key[1]}."}, 404)
        try:
            return Answer(action(dict(request.form())))
        except (KeyError, TypeError, ValueError) as mistake:
            return Answer({"error": str(mistake)}, 400)

    def _overview(self, form: dict[str, Any]) -> object:
        people = self.server.world.people.values()
        authors = [person for person in people if person.posts]
        return {
            "url": self.server.url,
            "people": len(people),
            "authors": [
                {
                    "id": str(person.id),
                    "username": person.username,
                    "posts": [str(post.id) for post in person.posts],
                }
                for person in authors
            ],
        }

    def _add_fault(self, form: dict[str, Any]) -> object:
        kind = str(form.pop("kind", ""))
        path = str(form.pop("path", "*"))
        return {"id": self.server.faults.add(kind, path, **form).id}

    def _do(self, form: dict[str, Any]) -> object:
        """Change the world; `action` names a method of World, the rest says on what."""
        world = self.server.world
        name = str(form.get("action", ""))
        known: dict[str, Callable[[], object]] = {
            "like": lambda: world.like(self._status(form), self._person(form)),
            "unlike": lambda: world.unlike(self._status(form), self._person(form)),
            "share": lambda: world.share(self._status(form), self._person(form)),
            "unshare": lambda: world.unshare(self._status(form), self._person(form)),
            "comment": lambda: world.comment(self._status(form), self._person(form), str(form["text"])),
            "delete_comment": lambda: world.delete_comment(self._status(form)),
            "delete_post": lambda: world.delete_post(self._status(form)),
            "archive_post": lambda: world.archive_post(self._status(form)),
            "unarchive_post": lambda: world.unarchive_post(self._status(form)),
            "edit_caption": lambda: world.edit_caption(self._status(form), str(form["text"])),
            "add_post": lambda: world.add_post(self._person(form), str(form.get("text", ""))),
            "suspend": lambda: world.suspend(self._person(form)),
            "remove": lambda: world.remove(self._person(form)),
            "revoke_tokens": lambda: world.revoke_tokens(self._person(form)),
            "cool_cache": lambda: world.cool_cache(self._person(form)),
        }
        if name not in known:
            raise ValueError(f"Unknown action {name!r}; known are {', '.join(known)}.")
        world.catch_up()
        result = known[name]()
        return {"done": name, "id": str(getattr(result, "id", "")) or None}

    def _person(self, form: dict[str, Any]) -> Person:
        name = str(form.get("person", ""))
        person = self.server.world.people_by_name.get(name)
        if person is None:
            raise ValueError(f"There is no person {name!r}.")
        return person

    def _status(self, form: dict[str, Any]) -> Status:
        key = str(form.get("status", ""))
        status = self.server.world.statuses.get(int(key)) if key.isdigit() else None
        if status is None:
            raise ValueError(f"There is no status {key!r}.")
        return status
