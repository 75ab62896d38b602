"""Who may see what: every address of PostFlow, as nobody, as somebody else and as the owner.

A new address fails the first test until it stands in `ADDRESSES`. What hangs on an address's query, such as a
table as CSV, is found by following every link of the owner's pages.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from analytics_core.models import Export, Refresh
from analytics_core.tests.builders import add, build_post, counted_once, read
from pixelfed.models import MastodonAccount
from postflow import mailing
from postflow.models import CustomUser
from postflow.news import LATEST

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/sign-in/"
# It stands in everything of Ana's, and nobody else may ever be sent it.
SECRET = "anas-secret"


@dataclass(frozen=True)
class Address:
    """Who may see it: `open` (everybody), `own` (each their own), `object` (its owner alone), `staff`,
    `token` (nobody without one; to them there is no such page)."""

    who: str
    args: Callable[[Any], list[Any]] = lambda world: []
    method: str = "get"
    data: Callable[[Any], dict[str, Any]] = lambda world: {}


def passwords(world: Any) -> dict[str, Any]:
    new = "a longer sentence"
    return {"old_password": "a", "new_password1": new, "new_password2": new}


def address_link(world: Any) -> list[Any]:
    CustomUser.objects.filter(pk=world.ana.pk).update(new_email=f"{SECRET}@example.org")
    return [mailing.address_token(CustomUser.objects.get(pk=world.ana.pk))]


ADDRESSES = {
    "home": Address("open"),
    "login": Address("open"),
    "logout": Address("open", method="post"),
    "password_reset": Address("open"),
    "password_reset_done": Address("open"),
    "password_reset_confirm": Address("open", lambda world: ["MQ", "no-such-link"]),
    "postflow:sign_up": Address("open"),
    "postflow:account": Address("own"),
    "postflow:change_password": Address("own", method="post", data=passwords),
    "postflow:change_address": Address("own", method="post", data=lambda world: {"take_back": "1"}),
    "postflow:confirm_address": Address("object", address_link),
    "postflow:sign_out_elsewhere": Address("own", method="post"),
    "postflow:favicon": Address("open"),
    "postflow:settings": Address("own"),
    "postflow:appearance": Address("own", method="post", data=lambda world: {"theme": "dark"}),
    "data:overview": Address("own"),
    "data:export": Address("own", method="post"),
    "data:download": Address("object", lambda world: [world.export.pk]),
    "data:person": Address("own"),
    "data:delete": Address("own"),
    "postflow:close_news": Address("own", method="post", data=lambda world: {"news": LATEST}),
    "accounts:connections": Address("own"),
    "accounts:connect": Address("own"),
    "accounts:connect_with_token": Address("own"),
    "accounts:callback": Address("own"),
    "accounts:progress": Address("object", lambda world: [world.post.account_id]),
    "accounts:picture": Address("object", lambda world: [world.post.account_id]),
    "accounts:sync": Address("object", lambda world: [world.post.account_id], method="post"),
    "accounts:pause": Address("object", lambda world: [world.post.account_id], method="post"),
    "accounts:resume": Address("object", lambda world: [world.post.account_id], method="post"),
    "accounts:disconnect": Address("object", lambda world: [world.post.account_id]),
    "operations:healthz": Address("open"),
    "operations:readyz": Address("open"),
    "operations:metrics": Address("token"),
    "analytics_core:unified_dashboard": Address("own"),
    "analytics_core:platform_comparison": Address("own"),
    "analytics_core:picture": Address("object", lambda world: ["pixelfed", world.post.pk]),
    "analytics_core:status": Address("staff"),
    "analytics_pixelfed:dashboard": Address("own"),
    "analytics_pixelfed:post_detail": Address("object", lambda world: [world.post.pk]),
    "analytics_pixelfed:refresh": Address(
        "object", method="post", data=lambda world: {"post_id": world.post.pk}
    ),
    "analytics_pixelfed:refresh_state": Address("object", lambda world: [world.refresh.pk]),
}
PAGES = [
    name
    for name, address in ADDRESSES.items()
    if address.method == "get"
    and name not in ("home", "postflow:favicon", "accounts:callback")
    and not name.startswith("operations:")
]


def every_pattern(
    resolver: URLResolver | None = None, namespace: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name or entry.pattern}", entry
        else:
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from every_pattern(entry, inner)


class World:
    """Ana with a post, people, a picture and a reading under way; Ben with a post of his own; an operator."""

    def __init__(self) -> None:
        make = CustomUser.objects.create_user
        self.ana = make(email="ana@example.org", password="a")
        self.ben = make(email="ben@example.org", password="b")
        self.operator = CustomUser.objects.create_superuser(email="operator@example.org", password="o")
        with counted_once():
            self.post = self.furnish(self.ana, SECRET)
            self.furnish(self.ben, "bens")
        an_hour_ago = timezone.now() - timedelta(hours=1)
        self.refresh = Refresh.objects.create(
            pk="of-a-task", user=self.ana, platform="pixelfed", post_id=self.post.pk, asked_at=an_hour_ago
        )
        self.export = Export.objects.create(
            user=self.ana,
            state=Export.State.READY,
            expires_at=timezone.now() + timedelta(hours=1),
            file=default_storage.save("exports/of-ana.zip", ContentFile(SECRET.encode())),
        )

    def furnish(self, user: CustomUser, word: str) -> Any:
        account = MastodonAccount.objects.create(
            user=user,
            instance_url=f"https://{word}.example",
            username=word,
            access_token="t",
            software="pixelfed",
        )
        read("pixelfed", account)
        post = build_post("pixelfed", account, caption=word, alt_text=word)
        for _ in range(21):
            add(post, "likes", username=f"{word}-fan")
        add(post, "comments", username=f"{word}-fan", content=word)
        add(post, "shares", username=f"{word}-fan")
        post.refresh_engagement_summary()
        post.picture = default_storage.save(f"pictures/{user.pk}.webp", ContentFile(word.encode()))
        post.picture_width, post.picture_height = 3, 2
        post.save()
        MastodonAccount.objects.filter(pk=account.pk).update(avatar=post.picture)
        return post


@pytest.fixture
def world(settings, tmp_path) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    return World()


def browse(user: CustomUser | None) -> Client:
    client = Client()
    if user:
        # Signing out elsewhere, one of the addresses, makes what the world holds of a person old.
        client.force_login(CustomUser.objects.get(pk=user.pk))
    return client


def ask(name: str, world: World, user: CustomUser | None, **headers: str) -> Any:
    address = ADDRESSES[name]
    client = browse(user)
    where = reverse(name, args=address.args(world))
    response = getattr(client, address.method)(where, address.data(world), headers=headers)
    if response.streaming:
        # Read to its end a file is closed.
        response.streaming_content = [b"".join(response)]
    return response


def body(response: Any) -> str:
    content = b"".join(response) if response.streaming else response.content
    return content.decode(errors="replace") + str(response.headers)


def test_every_address_is_listed() -> None:
    ours = {name for name, _ in every_pattern() if not name.startswith("admin:")}
    assert ours == set(ADDRESSES)


def test_nobody_is_asked_to_sign_in(world) -> None:
    for name, address in ADDRESSES.items():
        response = ask(name, world, None)
        assert SECRET not in body(response), name
        if address.who == "token":
            assert response.status_code == 404, name
        elif address.who != "open":
            assert response.headers["Location"].startswith(f"{SIGN_IN}?next="), name


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}, {"Accept": "application/json"}])
def test_somebody_else_sees_nothing_of_anas(world, headers) -> None:
    for name, address in ADDRESSES.items():
        response = ask(name, world, world.ben, **headers)
        assert SECRET not in body(response), name
        assert response.status_code == 404 or address.who in ("open", "own"), name


def test_those_who_may_are_let_in(world, settings) -> None:
    # Or else the tests above would pass for an address that is wrong.
    for name, address in ADDRESSES.items():
        if address.who == "token":
            settings.METRICS_TOKEN = "a long enough token"
        headers = {"Authorization": "Bearer a long enough token"} if address.who == "token" else {}
        response = ask(name, world, world.operator if address.who == "staff" else world.ana, **headers)
        assert response.status_code in (200, 302), name
        assert not response.headers.get("Location", "").startswith(f"{SIGN_IN}?next="), name


def test_an_operator_sees_no_more_of_anas_pages_than_anybody(world) -> None:
    for name, address in ADDRESSES.items():
        response = ask(name, world, world.operator)
        assert SECRET not in body(response), name
        assert response.status_code == 404 or address.who != "object", name


def admin_addresses() -> Iterator[tuple[str, str]]:
    for name, entry in every_pattern():
        # The last of them takes what no other one took.
        if not name.startswith("admin:") or entry.name is None:
            continue
        groups = len(entry.pattern.converters) or entry.pattern.regex.groups
        yield name, reverse(name, args=["pixelfed" if name == "admin:app_list" else "1"] * groups)


@pytest.mark.parametrize("who", [None, "ben"])
def test_the_admin_is_closed_to_all_but_staff(world, who) -> None:
    client = browse(getattr(world, who) if who else None)
    addresses = list(admin_addresses())
    assert len(addresses) > 40
    for name, address in addresses:
        response = client.get(address)
        assert SECRET not in body(response), address
        if name not in ("admin:login", "admin:logout"):
            assert response.headers["Location"].startswith("/admin/login/?next="), address


class TestForms:
    """Nothing is changed for a form that another site has sent, not even by an address that reads only."""

    def browse(self, user: CustomUser | None) -> Client:
        client = Client(enforce_csrf_checks=True)
        if user:
            client.force_login(CustomUser.objects.get(pk=user.pk))
        return client

    def test_without_its_token_no_form_is_taken(self, world) -> None:
        for name, address in ADDRESSES.items():
            where = reverse(name, args=address.args(world))
            # What monitors read is answered before anything else, and takes no form at all.
            refused = 405 if name.startswith("operations:") else 403
            for user in (None, world.ana, world.operator):
                assert self.browse(user).post(where, address.data(world)).status_code == refused, name
        for _, where in admin_addresses():
            assert self.browse(world.operator).post(where).status_code == 403, where

    def test_with_its_token_it_is(self, world) -> None:
        forms = {name: address for name, address in ADDRESSES.items() if address.method == "post"}
        assert len(forms) >= 8
        for name, address in forms.items():
            client = self.browse(world.ana)
            client.get("/settings/")
            token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
            where = reverse(name, args=address.args(world))
            assert client.post(where, address.data(world) | token).status_code in (200, 302), name


def links(html: str, base: str) -> set[str]:
    found = re.findall(r'\s(?:href|src|action|hx-get|data-[\w-]*url)="([^"]*)"', html)
    ours = {urljoin(base, unescape(link)).partition("#")[0] for link in found}
    return {link for link in ours if link.startswith("/") and not link.startswith(("/static/", "/admin/"))}


def test_no_link_of_anas_pages_shows_others_anything(world) -> None:
    ana, ben, nobody = browse(world.ana), browse(world.ben), browse(None)
    names = [name for name in PAGES if ADDRESSES[name].who != "staff"]
    to_do = [reverse(name, args=ADDRESSES[name].args(world)) for name in names]
    seen = {kind(address) for address in to_do}
    shown = set()
    while to_do:
        address = to_do.pop()
        response = ana.get(address)
        if SECRET in body(response):
            shown.add(address)
        assert response.status_code < 500, address
        # An address that holds the word itself tells nothing that was not known.
        if SECRET not in address:
            assert SECRET not in body(nobody.get(address)), address
            assert SECRET not in body(ben.get(address)), address
        for link in sorted(links(body(response), address)):
            if kind(link) not in seen:
                seen.add(kind(link))
                to_do.append(link)
    # The walk went somewhere, and found the files.
    assert len(shown) >= 5
    assert any("format=csv" in address for address in shown)
    assert any("format=json" in address for address in shown)


def kind(address: str) -> tuple[str, frozenset[str]]:
    """Tell addresses apart by their path, the names in their query, and what decides which view answers."""
    parts = urlsplit(address)
    pairs = [pair.partition("=") for pair in parts.query.split("&")]
    return parts.path, frozenset(
        f"{name}={value}" if name in ("format", "part") else name for name, _, value in pairs
    )


def anas_pages(world: World) -> Iterator[tuple[str, Any]]:
    for name in PAGES:
        response = ask(name, world, world.operator if ADDRESSES[name].who == "staff" else world.ana)
        yield name, response


class TestContentPolicy:
    """The policy that browsers enforce, in development and tests too."""

    def check(self, name: str, response: Any, *, pictures: str = "") -> None:
        header = response.headers["Content-Security-Policy"]
        parts = (part.strip().partition(" ") for part in header.split(";"))
        policy = {part: set(rest.split()) for part, _, rest in parts}
        assert policy["script-src"] == policy["style-src"] == policy["default-src"] == {"'self'"}, name
        assert policy["img-src"] == {"'self'", "data:", *pictures.split()}, name
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}, name
        # Browsers hold the redirect after a form against this too, and connecting leads to any instance.
        anywhere = {"https:"} if name.startswith("accounts:connect") and "https:" in header else set()
        assert policy["form-action"] == {"'self'", *anywhere}, name
        assert "unsafe" not in header, name

    def test_it_is_on_every_page(self, world) -> None:
        for name, response in anas_pages(world):
            is_post = name == "analytics_pixelfed:post_detail"
            self.check(name, response, pictures=f"https://{SECRET}.example" if is_post else "")

    def test_it_is_on_pages_of_errors(self, world) -> None:
        self.check("404", browse(world.ana).get("/nowhere/"))
        self.check("403", Client(enforce_csrf_checks=True).post(SIGN_IN, {}))

    def test_nothing_on_a_page_is_inline(self, world) -> None:
        for name, response in anas_pages(world):
            html = body(response)
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html), name
            scripts = re.findall(r"<script[^>]*>", html)
            assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts), name

    def test_links_out_tell_nobody_where_from(self, world) -> None:
        out = 0
        for name, response in anas_pages(world):
            for tag in re.findall(r"<a\s[^>]*>", body(response)):
                scheme = urlsplit(unescape(re.search(r'href="([^"]*)"', tag)[1])).scheme
                assert scheme in ("", "http", "https"), (name, tag)
                assert not scheme or 'rel="noopener noreferrer"' in tag, (name, tag)
                out += bool(scheme)
        assert out

    @pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "ftp://a.example/"])
    def test_an_address_that_is_no_web_page_is_no_link(self, world, address) -> None:
        world.post.post_url = world.post.media_url = world.post.thumbnail_url = address
        world.post.save()
        for name, response in anas_pages(world):
            assert f'="{address}' not in body(response), name
