"""Forgetting a person, and names that are too old to be kept: no name comes back and every number stays."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from analytics_core import tasks
from analytics_core.engine import hourly, people, recount
from analytics_core.models import KINDS, Export, Forgotten, Notice, Person, SyncRun
from analytics_core.platforms import CommentRecord, NotificationRecord, PersonRecord
from analytics_pixelfed.tasks import fetch_all_pixelfed_engagement
from tests.tiny.models import TinyAccount, TinyComment, TinyLike, TinyPost

pytestmark = pytest.mark.django_db

WORDS = ("bob", "Bob", "seventy-seven", "Lovely words")


def by(name: str) -> PersonRecord:
    return PersonRecord(remote_id=f"id-of-{name}", username=name, display_name=name.title())


def comment(number: int, name: str, text: str, **values) -> CommentRecord:
    return CommentRecord(
        remote_id=str(number),
        person=PersonRecord(remote_id=name, username=name, display_name=name.title()),
        content=text,
        commented_at=timezone.now() - timedelta(hours=number),
        **values,
    )


@pytest.fixture
def furnished(tiny, tiny_account):
    """Bob has liked, shared and commented; Cleo has too, and calls him by his name."""
    instance = tiny.instance
    for number in (1, 2):
        instance.add_post(str(number))
        instance.likes[str(number)] = ["bob", "cleo", "dora"]
        instance.shares[str(number)] = ["bob"]
    instance.comments["1"] = [comment(30, "bob", "Lovely words"), comment(20, "cleo", "So says @bob, too")]
    visit(tiny)
    # One is taken back: its row is ended, and names him all the same.
    instance.likes["2"].remove("bob")
    visit(tiny)
    visit(tiny)
    assert TinyLike.objects.filter(account_id="bob", ended_at__isnull=False).count() == 1
    Notice.objects.create(
        platform="tiny", account_id=tiny_account.pk, kind="likes", post_remote_id="9", person_id="bob",
        happened_at=timezone.now(),
    )  # fmt: skip
    return instance


def visit(tiny) -> None:
    result = tiny.fetcher(TinyAccount.objects.get(username="ana")).run()
    assert (result["errors"], result["message"]) == (0, "")


def everything() -> str:
    """Return every row of every table as text."""
    return "\n".join(
        str(list(model._default_manager.values_list()))
        for model in apps.get_models()
        if model._meta.label != "postflow.CustomUser"
    )


def totals() -> list:
    return [
        *TinyPost.objects.order_by("pk").values_list(*(f"total_{kind}" for kind in KINDS)),
        *(f"{kind} {model.objects.current().count()}" for kind, model in models().items()),
    ]


def models():
    from analytics_core import platforms

    return platforms.get("tiny").engagement_models


def check_days(tiny) -> None:
    call_command("rebuild_daily_totals", check=True)
    account = TinyAccount.objects.get(username="ana")
    assert recount.difference(tiny, account.pk) == ""


def forget(handle: str, user=None) -> None:
    (held,) = people.find(*people.read_handle(handle), user=user)
    people.forget(held, user=user)


class TestForgetting:
    def test_it_says_what_is_held(self, furnished, user) -> None:
        (held,) = people.find("bob", "", user=user)
        assert (held.handle, held.display_name) == ("bob@tiny.example", "Bob")
        assert (held.likes, held.comments, held.shares) == (2, 1, 2)

    @pytest.mark.parametrize("by_all", [True, False])
    def test_no_table_names_them_and_every_number_stays(self, tiny, furnished, user, by_all) -> None:
        assert all(word in everything() for word in ("bob", "Bob", "Lovely words"))
        before = totals()
        forget("@bob@tiny.example", user=None if by_all else user)
        assert not any(word in everything() for word in WORDS)
        assert totals() == before
        check_days(tiny)
        # The others keep their names and words.
        assert TinyLike.objects.filter(username="cleo", display_name="Cleo").count() == 2
        assert TinyComment.objects.get(username="cleo").content == "So says @…, too"

    def test_reading_again_brings_no_name_back(self, tiny, furnished, user) -> None:
        before = totals()
        forget("bob", user=user)
        for _ in range(3):
            tiny.fetcher(TinyAccount.objects.get()).fetch_recent_posts_engagement()
            assert totals() == before
            assert not any(word in everything() for word in WORDS)
        check_days(tiny)

    def test_what_they_do_later_counts_and_is_not_named_either(self, tiny, furnished, user) -> None:
        forget("bob", user=user)
        furnished.likes["2"].append("bob")
        furnished.add_post("3")
        furnished.likes["3"] = ["bob", "cleo"]
        furnished.comments["3"] = [comment(11, "bob", "Lovely words again")]
        now = timezone.now()
        told = PersonRecord(remote_id="bob", username="bob", display_name="Bob")
        furnished.notifications = [
            NotificationRecord(remote_id="7", happened_at=now, kind="likes", person=told, post_id="3"),
            NotificationRecord(
                remote_id="8", happened_at=now, kind="comments",
                comment=comment(14, "bob", "Lovely words by notice", in_reply_to_id="3"),
            ),
        ]  # fmt: skip
        visit(tiny)
        assert not any(word in everything() for word in WORDS)
        post = TinyPost.objects.get(tiny_id="3")
        assert (post.total_likes, post.total_comments) == (2, 2)
        # The notification gave the like its true time all the same.
        assert post.likes.get(username="").precision == "exact"
        assert TinyPost.objects.get(tiny_id="2").total_likes == 3
        check_days(tiny)

    def test_what_they_take_back_leaves_the_count(self, tiny, furnished, user) -> None:
        forget("bob", user=user)
        furnished.likes["1"].remove("bob")
        visit(tiny)
        visit(tiny)
        assert TinyPost.objects.get(tiny_id="1").total_likes == 2
        check_days(tiny)

    def test_another_name_of_the_same_person_goes_too(self, tiny, furnished, user) -> None:
        TinyLike.objects.filter(account_id="bob").update(username="robert", display_name="Robert")
        forget("bob", user=user)
        assert not TinyLike.objects.filter(username="robert").exists()

    def test_it_is_remembered_when_the_account_is_connected_anew(self, tiny, furnished, user) -> None:
        from analytics_core.engine.forgetting import forget_account

        forget("bob", user=user)
        forget_account(tiny, TinyAccount.objects.get())
        TinyAccount.objects.create(user=user, instance_url="https://tiny.example", username="ana")
        visit(tiny)
        assert TinyPost.objects.get(tiny_id="1").total_likes == 3
        assert not any(word in everything() for word in WORDS)

    def test_somebody_else_keeps_the_name_unless_all_are_meant(self, tiny, furnished, user) -> None:
        from postflow.models import CustomUser

        ben = CustomUser.objects.create_user(email="ben@example.org", password="b")
        other = TinyAccount.objects.create(user=ben, instance_url="https://tiny.example", username="ben")
        tiny.fetcher(other).run()
        forget("bob", user=user)
        assert not TinyLike.objects.filter(username="bob", post__account__user=user).exists()
        assert TinyLike.objects.filter(username="bob", post__account__user=ben).exists()
        assert Person.objects.filter(username="bob").exists()
        call_command("rebuild_daily_totals", check=True)
        call_command("forget_person", "@bob@tiny.example")
        assert not any(word in everything() for word in WORDS)
        call_command("rebuild_daily_totals", check=True)

    def test_a_file_that_was_built_before_goes_too(self, furnished, user) -> None:
        Export.objects.create(user=user, state="ready")
        forget("bob", user=user)
        assert not Export.objects.exists()

    def test_ones_own_account_is_nobody_to_forget(self, tiny, furnished, user) -> None:
        TinyAccount.objects.update(remote_id="cleo")
        assert people.find("cleo", "", user=user) == []

    def test_what_is_noted_is_no_name(self, furnished, user) -> None:
        forget("bob", user=user)
        assert Forgotten.objects.count() == 3
        assert "bob" not in json.dumps(list(Forgotten.objects.values_list("digest", flat=True)))

    def test_twice_is_no_error(self, tiny, furnished, user) -> None:
        (held,) = people.find("bob", "", user=user)
        assert people.forget(held, user=user) == 5
        assert people.forget(held, user=user) == 0
        assert people.find("bob", "", user=user) == []
        check_days(tiny)


class TestOldNames:
    def test_old_ones_lose_their_names_and_every_number_stays(self, tiny, furnished, tiny_account) -> None:
        before = totals()
        TinyLike.objects.filter(account_id="cleo").update(liked_at=timezone.now() - timedelta(days=400))
        TinyComment.objects.update(commented_at=timezone.now() - timedelta(days=400))
        call_command("rebuild_daily_totals")
        limit = timezone.now() - timedelta(days=365)
        assert people.cover_old(tiny, tiny_account, before=limit, at_most=3) == 3
        assert people.cover_old(tiny, tiny_account, before=limit, at_most=3) == 1
        assert people.cover_old(tiny, tiny_account, before=limit, at_most=3) == 0
        assert "cleo" not in everything()
        assert "Lovely words" not in everything()
        assert TinyLike.objects.filter(username="dora").exists()
        assert totals() == before
        check_days(tiny)

    def test_reading_again_brings_no_name_back_and_new_ones_are_named(
        self, tiny, furnished, tiny_account
    ) -> None:
        TinyLike.objects.update(liked_at=timezone.now() - timedelta(days=400))
        TinyComment.objects.update(commented_at=timezone.now() - timedelta(days=400))
        call_command("rebuild_daily_totals")
        before = totals()
        people.cover_old(tiny, tiny_account, before=timezone.now() - timedelta(days=365), at_most=99)
        tiny.fetcher(tiny_account).fetch_recent_posts_engagement()
        assert totals() == before
        assert "cleo" not in everything()
        furnished.add_post("3")
        furnished.likes["3"] = ["cleo"]
        visit(tiny)
        assert list(TinyLike.objects.filter(username="cleo").values_list("post__tiny_id", flat=True)) == ["3"]
        check_days(tiny)

    def test_the_photographers_own_words_stay(self, tiny, furnished, tiny_account) -> None:
        TinyAccount.objects.update(remote_id="cleo")
        tiny_account.refresh_from_db()
        TinyComment.objects.update(commented_at=timezone.now() - timedelta(days=400))
        call_command("rebuild_daily_totals")
        people.cover_old(tiny, tiny_account, before=timezone.now() - timedelta(days=365), at_most=99)
        assert {row.content for row in TinyComment.objects.all()} == {"", "So says @bob, too"}


class TestTheTask:
    @pytest.fixture
    def old(self, furnished, settings) -> None:
        settings.KEEP_ENGAGEMENT_DAYS = 365
        TinyLike.objects.update(liked_at=timezone.now() - timedelta(days=400))
        call_command("rebuild_daily_totals")

    def test_it_is_queued_once_a_day_where_names_are_not_kept_for_ever(self, tiny, settings) -> None:
        def hour() -> int:
            hourly.run_hour(tiny, fetch_all_pixelfed_engagement)
            return DBTaskResult.objects.filter(task_path=tasks.cover_old_names.module_path).count()

        assert hour() == 0
        SyncRun.objects.all().delete()
        settings.KEEP_ENGAGEMENT_DAYS = 365
        assert [hour(), hour()] == [1, 1]
        SyncRun.objects.update(started_at=timezone.now() - timedelta(days=1))
        assert hour() == 2

    def test_it_goes_on_until_none_is_left(self, tiny, old, monkeypatch) -> None:
        monkeypatch.setattr(tasks, "OLD_NAMES_AT_ONCE", 2)
        monkeypatch.setattr(tasks, "OLD_NAMES_AT_MOST", 4)
        before = totals()
        tasks.cover_old_names.enqueue("tiny")
        call_command("db_worker", batch=True, verbosity=0)
        done = DBTaskResult.objects.filter(task_path=tasks.cover_old_names.module_path).order_by(
            "enqueued_at"
        )
        assert [row.return_value for row in done] == [
            {"covered": 4, "work_left": True},
            {"covered": 2, "work_left": False},
        ]
        assert not TinyLike.objects.exclude(username="").exists()
        assert totals() == before
        check_days(tiny)

    def test_where_names_are_kept_for_ever_it_does_nothing(self, old, settings) -> None:
        settings.KEEP_ENGAGEMENT_DAYS = 0
        assert "skipped" in tasks.cover_old_names.func("tiny")
        assert TinyLike.objects.filter(username="cleo").exists()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("@Bob@Pixelfed.social", ("bob", "pixelfed.social")),
        ("bob@pixelfed.social", ("bob", "pixelfed.social")),
        (" @bob ", ("bob", "")),
        ("bob", ("bob", "")),
        ("https://pixelfed.social/bob", ("bob", "pixelfed.social")),
        ("https://mastodon.social/@bob", ("bob", "mastodon.social")),
        ("mastodon.social/users/bob/", ("bob", "mastodon.social")),
    ],
)
def test_a_handle_is_understood_as_people_write_it(typed, expected) -> None:
    assert people.read_handle(typed) == expected


@pytest.mark.parametrize(
    "typed", ["", "  ", "@", "two words", "a@b@c", "x" * 301, "https://", "a b@c.example"]
)
def test_what_is_no_handle_is_refused_in_words(typed) -> None:
    with pytest.raises(people.NoHandle, match="Type a handle"):
        people.read_handle(typed)
