"""A visit to an account: what is asked, what is stored, what is never believed."""

from datetime import datetime, timedelta

import pytest

from analytics_core import platforms
from analytics_core.fetcher import AccountBusy
from analytics_core.models import AccountCount, AccountState, HostState, Notice, Precision
from analytics_core.platforms import CommentRecord, NotificationRecord, PersonRecord
from tests.tiny.models import TinyComment, TinyLike, TinyPost
from tests.tiny.platform import TinySource

from .conftest import HOUR, NOON

pytestmark = pytest.mark.django_db


def like_of(person: str, post_id: str = "100") -> TinyLike:
    return TinyLike.objects.get(post__tiny_id=post_id, account_id=person)


def notification(
    number: int, kind: str, person: str, post_id: str, happened_at: datetime
) -> NotificationRecord:
    return NotificationRecord(
        remote_id=str(number),
        happened_at=happened_at,
        kind=kind,
        person=PersonRecord(remote_id=person, username=person),
        post_id=post_id,
    )


def comment(comment_id: str, *, answers: str, text: str = "Lovely") -> CommentRecord:
    return CommentRecord(
        remote_id=comment_id,
        person=PersonRecord(remote_id="bob", username="bob"),
        content=text,
        commented_at=NOON - timedelta(days=3),
        in_reply_to_id=answers,
    )


class TestWhatIsAsked:
    def test_an_idle_visit_costs_one_request(self, visit, instance) -> None:
        for number in range(100, 130):
            instance.add_post(str(number), likes=3)
        visit()
        instance.asked.clear()
        stats = visit()
        assert instance.asked == [("posts", "")]
        assert stats["requests"] == 1
        assert stats["posts_processed"] == 0

    def test_only_the_kind_that_moved_is_listed(self, visit, instance) -> None:
        instance.add_post("100", likes=3)
        instance.add_post("101", likes=3)
        visit()
        instance.asked.clear()
        instance.likes["101"].append("newcomer")
        visit()
        assert [ask for ask in instance.asked if ask[0] not in ("posts", "notifications")] == [
            ("likers", "101")
        ]

    def test_a_new_post_that_nobody_has_noticed_costs_no_listing(self, visit, instance) -> None:
        instance.add_post("100")
        visit()
        assert {what for what, _ in instance.asked} == {"profile", "posts"}
        assert TinyPost.objects.get().engagement_summary.total_engagement == 0

    def test_daily_audits_read_every_list_within_a_week_though_no_counter_moves(
        self, visit, audit, instance, clock
    ) -> None:
        for number in range(100, 130):
            instance.add_post(str(number), likes=1)
        instance.add_post("200")
        visit()
        assert audit()["requests"] == 0, "all has just been read"
        instance.asked.clear()
        costs = []
        for _ in range(7):
            clock.shift(timedelta(days=1))
            costs.append(audit()["requests"])
        assert {about for _, about in instance.asked} == {str(number) for number in range(100, 130)}
        assert max(costs) == 7, "a fifth of the lists a day, and one"

    def test_an_audit_finds_somebody_who_left_while_somebody_came(
        self, visit, audit, instance, clock
    ) -> None:
        instance.add_post("100", likes=3)
        visit()
        clock.shift(timedelta(days=1))
        instance.likes["100"] = ["fan0", "fan1", "newcomer"]
        assert visit()["total_new_likes"] == 0
        audit()
        assert like_of("newcomer").precision == Precision.WINDOW
        assert like_of("fan2").missed_at is not None
        visit()
        assert like_of("fan2").ended_at is not None

    def test_an_audit_that_fails_leaves_the_next_visit_when_it_is(
        self, visit, audit, instance, clock
    ) -> None:
        for number in range(100, 110):
            instance.add_post(str(number), likes=1)
        visit()
        clock.shift(timedelta(days=1))
        due_at = AccountState.objects.get().next_due_at
        instance.failures["likers"] = [platforms.TryLater("broken") for _ in range(2)]
        assert audit()["errors"] == 2
        state = AccountState.objects.get()
        assert (state.next_due_at, state.failures_count, state.lease_token) == (due_at, 0, "")

    def test_the_whole_history_is_listed_on_the_first_visit(self, visit, instance) -> None:
        for number in range(1000, 1170):
            instance.add_post(str(number))
        stats = visit()
        assert TinyPost.objects.count() == stats["posts_created"] == 170
        assert AccountState.objects.get().history_is_complete

    def test_a_visit_that_runs_out_of_budget_goes_on_where_it_was(self, visit, instance, monkeypatch) -> None:
        monkeypatch.setattr("analytics_core.fetcher.REQUEST_BUDGET", 8)
        for number in range(1000, 1300):
            instance.add_post(str(number), likes=1 if number % 30 == 0 else 0)
        assert visit()["work_left"]
        assert TinyPost.objects.count() == 280
        while True:
            stats = visit()
            assert stats["requests"] <= 8
            if not stats["work_left"]:
                break
        assert TinyPost.objects.count() == 300
        assert TinyLike.objects.current().count() == 10

    def test_old_posts_are_swept_so_that_their_counters_move_too(self, visit, instance) -> None:
        for number in range(1000, 1100):
            instance.add_post(str(number))
        visit()
        instance.likes["1003"].append("latecomer")
        most = max(visit()["requests"] for _ in range(25))
        assert like_of("latecomer", "1003").precision == Precision.WINDOW
        # The newest page, at most two of the sweep, and here a notification page and one listing.
        assert most <= 5

    def test_more_new_posts_than_a_page_are_all_found(self, visit, instance) -> None:
        for number in range(1000, 1010):
            instance.add_post(str(number))
        visit()
        for number in range(2000, 2090):
            instance.add_post(str(number))
        visit()
        assert TinyPost.objects.count() == 100


class TestCounts:
    def test_followers_are_counted_once_a_day(self, visit, instance, clock) -> None:
        instance.add_post("100")
        for _ in range(30):
            visit()
        counts = list(AccountCount.objects.order_by("counted_on"))
        assert [str(count.counted_on) for count in counts] == ["2026-03-10", "2026-03-11"]
        assert (counts[0].followers_count, counts[0].following_count, counts[0].posts_count) == (7, None, 1)
        assert [what for what, _ in instance.asked].count("profile") == 2


class TestTimes:
    def test_importing_an_old_account_dates_nothing_to_today(self, visit, instance) -> None:
        instance.add_post("100", likes=50)
        visit()
        post = TinyPost.objects.get()
        assert post.likes_count == 50
        assert set(TinyLike.objects.values_list("precision", flat=True)) == {Precision.UNKNOWN}
        assert post.get_recent_engagement(hours=48) == {"likes": 0, "comments": 0, "shares": 0, "total": 0}

    def test_a_like_that_was_not_there_before_fell_between_the_two_visits(self, visit, instance) -> None:
        instance.add_post("100", likes=1)
        visit()
        instance.likes["100"].insert(0, "late")
        visit()
        row = like_of("late")
        assert (row.precision, row.not_before_at, row.liked_at) == (Precision.WINDOW, NOON, NOON + HOUR)

    def test_a_window_of_more_than_a_day_is_not_dated(self, visit, instance, clock) -> None:
        instance.add_post("100", likes=1)
        visit()
        clock.shift(timedelta(days=30))
        instance.likes["100"].insert(0, "late")
        visit()
        assert like_of("late").precision == Precision.WINDOW
        assert TinyPost.objects.get().get_recent_engagement(hours=24)["likes"] == 0

    def test_a_notification_tells_the_exact_time(self, visit, instance) -> None:
        liked_at = NOON - timedelta(days=9)
        instance.add_post("100", likes=2)
        instance.notifications.append(notification(7, "likes", "fan0", "100", liked_at))
        visit()
        assert (like_of("fan0").precision, like_of("fan0").liked_at) == (Precision.EXACT, liked_at)
        assert like_of("fan1").precision == Precision.UNKNOWN
        assert not Notice.objects.exists()

    def test_a_notification_that_comes_late_still_corrects_the_time(self, visit, instance) -> None:
        instance.add_post("100", likes=1)
        visit()
        instance.likes["100"].append("late")
        visit()
        liked_at = NOON + timedelta(minutes=17)
        instance.notifications.append(notification(7, "likes", "late", "100", liked_at))
        instance.likes["100"].append("later")
        visit()
        assert (like_of("late").precision, like_of("late").liked_at) == (Precision.EXACT, liked_at)

    def test_a_notification_of_a_like_that_was_taken_back_makes_no_like(self, visit, instance) -> None:
        instance.add_post("100", likes=1)
        instance.notifications.append(notification(7, "likes", "fickle", "100", NOON - HOUR))
        visit()
        assert not TinyLike.objects.filter(account_id="fickle").exists()
        assert not Notice.objects.exists()

    def test_the_time_of_an_earlier_like_is_not_taken_for_the_later_one(self, visit, instance) -> None:
        instance.add_post("100", likes=2)
        visit()
        # Its like came after the first visit; the notification tells of one long before.
        instance.likes["100"].append("fickle")
        instance.notifications.append(notification(7, "likes", "fickle", "100", NOON - timedelta(days=5)))
        visit()
        assert like_of("fickle").precision == Precision.WINDOW

    def test_notifications_are_asked_for_since_the_last_one_seen(self, visit, instance) -> None:
        instance.add_post("100", likes=1)
        instance.notifications.append(notification(41, "likes", "fan0", "100", NOON - HOUR))
        visit()
        instance.likes["100"].append("new")
        visit()
        assert [about for what, about in instance.asked if what == "notifications"] == ["", "41"]


class TestTakenBack:
    def test_a_like_leaves_the_count_after_two_full_listings_and_comes_back_when_given_again(
        self, visit, instance
    ) -> None:
        instance.add_post("100", likes=3)
        visit()
        instance.likes["100"].remove("fan1")
        visit()
        post = TinyPost.objects.get()
        assert post.likes_count == 3
        assert like_of("fan1").missed_at == NOON + HOUR
        visit()
        post = TinyPost.objects.get()
        assert (post.likes_count, post.engagement_summary.total_likes) == (2, 2)
        assert like_of("fan1").ended_at == NOON + HOUR
        instance.likes["100"].insert(0, "fan1")
        visit()
        post = TinyPost.objects.get()
        assert (post.likes_count, post.engagement_summary.total_likes) == (3, 3)
        row = like_of("fan1")
        assert (row.ended_at, row.precision) == (None, Precision.WINDOW)

    def test_a_like_missing_from_one_listing_only_was_never_gone(self, visit, instance) -> None:
        instance.add_post("100", likes=3)
        visit()
        instance.likes["100"].remove("fan1")
        visit()
        instance.likes["100"].append("fan1")
        visit()
        visit()
        assert like_of("fan1").ended_at is None
        assert like_of("fan1").missed_at is None
        assert like_of("fan1").precision == Precision.UNKNOWN

    def test_an_incomplete_listing_ends_nobody(self, visit, instance, tiny, tiny_account) -> None:
        instance.add_post("100", likes=3)
        visit()
        instance.incomplete.add("100")
        instance.likes["100"] = ["fan0"]
        for _ in range(3):
            tiny.fetcher(tiny_account).fetch_post_engagement(TinyPost.objects.get())
        assert TinyPost.objects.get().likes_count == 3

    def test_an_empty_list_beside_a_large_counter_ends_nobody(
        self, visit, instance, tiny, tiny_account
    ) -> None:
        instance.add_post("100", likes=8)
        visit()
        instance.likes["100"] = []
        for _ in range(3):
            # The counter is the one of the visit before.
            tiny.fetcher(tiny_account).fetch_post_engagement(TinyPost.objects.get())
        assert TinyPost.objects.get().likes_count == 8

    def test_a_listing_that_fails_ends_nobody_and_is_read_again(self, visit, instance) -> None:
        instance.add_post("100", likes=3)
        visit()
        instance.likes["100"] = ["fan0"]
        instance.failures["likers"] = [platforms.TryLater("tiny.example did not answer.")]
        stats = visit()
        assert (stats["errors"], stats["message"]) == (1, "tiny.example did not answer.")
        assert not TinyLike.objects.exclude(missed_at=None).exists()
        visit()
        visit()
        assert TinyPost.objects.get().likes_count == 1

    def test_comments_end_and_change_with_their_list(self, visit, instance) -> None:
        instance.add_post("100")
        instance.comments["100"] = [comment("501", answers="100"), comment("502", answers="501")]
        visit()
        assert TinyPost.objects.get().comments_count == 2
        instance.comments["100"] = [comment("501", answers="100", text="Lovely light")]
        visit()
        visit()
        assert TinyPost.objects.get().comments_count == 1
        assert TinyComment.objects.current().get().content == "Lovely light"

    def test_a_comment_that_only_a_notification_shows_is_kept(self, visit, instance) -> None:
        instance.add_post("100")
        instance.comments["100"] = [comment("501", answers="100")]
        instance.incomplete.add("100")
        for number, parent in (("777", "100"), ("778", "777"), ("779", "not ours")):
            instance.notifications.append(
                NotificationRecord(
                    remote_id=number,
                    happened_at=NOON,
                    kind="comments",
                    comment=comment(number, answers=parent),
                )
            )
        visit()
        assert set(TinyComment.objects.current().values_list("comment_id", flat=True)) == {
            "501",
            "777",
            "778",
        }


class TestMissingPosts:
    def test_a_deleted_post_is_noted_and_keeps_what_it_had(self, visit, instance) -> None:
        for number in range(100, 105):
            instance.add_post(str(number), likes=5)
        visit()
        del instance.posts["102"]
        visit()
        post = TinyPost.objects.get(tiny_id="102")
        assert post.missing_since_at == NOON + HOUR
        assert post.likes_count == 5
        instance.asked.clear()
        visit()
        assert instance.asked == [("posts", "")]

    def test_an_archived_post_comes_back(self, visit, instance) -> None:
        for number in range(100, 105):
            instance.add_post(str(number))
        visit()
        archived = instance.posts.pop("102")
        visit()
        instance.posts["102"] = archived
        visit()
        assert TinyPost.objects.get(tiny_id="102").missing_since_at is None

    def test_a_post_that_lists_leave_out_but_that_exists_is_asked_for_once_a_day(
        self, visit, instance
    ) -> None:
        for number in range(100, 105):
            instance.add_post(str(number))
        visit()
        instance.hidden.add("102")
        instance.asked.clear()
        for _ in range(20):
            visit()
        assert instance.asked.count(("post", "102")) == 1
        assert TinyPost.objects.get(tiny_id="102").missing_since_at is None

    def test_deleted_posts_are_found_on_every_page_however_long_their_ids(self, visit, instance) -> None:
        for number in range(60, 180):
            instance.add_post(str(number))
        visit()
        gone = {"60", "61", "98", "99", "100", "101", "139", "140", "178", "179"}
        for number in gone:
            del instance.posts[number]
        for _ in range(26):
            visit()
        missing = TinyPost.objects.exclude(missing_since_at=None)
        assert set(missing.values_list("tiny_id", flat=True)) == gone

    def test_of_an_emptied_account_the_last_posts_are_found_behind_all_that_are_known_as_missing(
        self, visit, instance, tiny_account
    ) -> None:
        instance.add_post("1000")
        instance.add_post("5000")
        visit()
        TinyPost.objects.bulk_create(
            TinyPost(
                account=tiny_account,
                tiny_id=str(number),
                posted_at=NOON - timedelta(days=5000 - number),
                missing_since_at=NOON if number > 2001 else None,
            )
            for number in range(2000, 3200)
        )
        instance.asked.clear()
        visit()
        assert [post_id for what, post_id in instance.asked if what == "post"] == ["2001", "2000"]
        assert TinyPost.objects.filter(missing_since_at=None).count() == 2

    def test_a_post_deleted_between_listing_and_reading_is_missing(
        self, visit, instance, tiny, tiny_account
    ) -> None:
        instance.add_post("100", likes=5)
        visit()
        del instance.posts["100"]
        stats = tiny.fetcher(tiny_account).fetch_post_engagement(TinyPost.objects.get())
        assert stats["errors"] == 0
        assert stats["total_engagement"] == 5
        assert TinyPost.objects.get().missing_since_at is not None


class TestFailures:
    def test_a_refused_token_pauses_the_account_and_says_so(self, visit, instance, tiny_account) -> None:
        instance.add_post("100")
        visit()
        refusal = platforms.ReconnectNeeded("tiny.example no longer accepts PostFlow's access.")
        instance.failures["posts"] = instance.failures["profile"] = [refusal, refusal]
        assert visit()["errors"] == 1
        tiny_account.refresh_from_db()
        assert tiny_account.state == "reconnect"
        assert AccountState.objects.get().message == "tiny.example no longer accepts PostFlow's access."

    def test_one_refused_question_does_not_pause_an_account_whose_token_works(
        self, visit, instance, tiny_account
    ) -> None:
        instance.add_post("100", likes=1)
        instance.add_post("101", likes=1)
        instance.failures["likers"] = [platforms.ReconnectNeeded("refused")]
        stats = visit()
        tiny_account.refresh_from_db()
        assert (tiny_account.state, stats["errors"], stats["total_new_likes"]) == ("active", 1, 1)

    def test_a_throttled_host_is_left_alone_by_all_its_accounts(
        self, visit, instance, tiny_account, tiny
    ) -> None:
        instance.add_post("100", likes=1)
        instance.failures["posts"] = [platforms.Blocked("tiny.example asks for a pause.", seconds=5400)]
        visit()
        assert HostState.objects.get().blocked_until_at == NOON + timedelta(seconds=5400)
        other = type(tiny_account).objects.create(
            user=tiny_account.user, instance_url="https://tiny.example", username="bea"
        )
        instance.asked.clear()
        stats = tiny.fetcher(other).run()
        assert (stats["errors"], instance.asked) == (1, [])
        assert "left alone until 13:30: tiny.example asks for a pause." in stats["message"]
        state = AccountState.objects.get(account_id=other.pk)
        assert (state.message, f"{state.next_due_at:%H:%M}") == ("tiny.example asks for a pause.", "13:30")

    def test_one_bad_post_does_not_stop_the_rest(self, visit, instance) -> None:
        for number in range(100, 105):
            instance.add_post(str(number), likes=1)
        instance.failures["likers"] = [platforms.WrongAnswer("nonsense")]
        stats = visit()
        assert (stats["errors"], stats["posts_processed"], stats["total_new_likes"]) == (1, 5, 4)

    def test_a_dead_host_is_given_up_after_two_failures_in_a_row(self, visit, instance) -> None:
        for number in range(100, 140):
            instance.add_post(str(number), likes=1)
        instance.failures["likers"] = [platforms.TryLater("down") for _ in range(40)]
        visit()
        assert sum(1 for what, _ in instance.asked if what == "likers") == 2

    def test_without_notifications_likes_are_still_counted(self, visit, instance) -> None:
        instance.add_post("100", likes=4)
        instance.failures["notifications"] = [platforms.WrongAnswer("not allowed")]
        stats = visit()
        assert (stats["errors"], stats["total_new_likes"]) == (1, 4)
        assert AccountState.objects.get().seen_notification_id == ""

    def test_the_longer_it_fails_the_longer_the_wait(self, visit, instance, clock) -> None:
        clock.move_to(NOON + timedelta(minutes=5))
        instance.failures["posts"] = [platforms.TryLater("down") for _ in range(6)]
        tries = []
        for _ in range(6):
            visit()
            state = AccountState.objects.get()
            tries.append(state.next_due_at.hour)
            assert state.failing_since_at == NOON + timedelta(minutes=5)
            # The hourly run finds it a few minutes after the full hour.
            clock.move_to(state.next_due_at + timedelta(minutes=4))
        assert tries == [13, 14, 16, 20, 2, 8]
        visit()
        state = AccountState.objects.get()
        assert (state.failures_count, state.message, state.failing_since_at) == (0, "", None)
        assert HostState.objects.get().failures_count == 0


class TestLease:
    def test_an_account_is_read_by_one_run_at_a_time(self, tiny, tiny_account, clock, monkeypatch) -> None:
        class Nosy(TinySource):
            def profile(self):
                with pytest.raises(AccountBusy):
                    tiny.fetcher(tiny_account).run()
                return super().profile()

        monkeypatch.setattr("tests.tiny.platform.TinySource", Nosy)
        assert tiny.fetcher(tiny_account).run()["errors"] == 0
        assert [what for what, _ in tiny.instance.asked] == ["profile", "posts"]

    def test_the_account_of_a_killed_run_is_free_again_after_a_while(self, tiny, tiny_account, clock) -> None:
        AccountState.objects.create(
            platform="tiny",
            account_id=tiny_account.pk,
            lease_token="of a dead worker",
            lease_until_at=NOON + timedelta(minutes=10),
        )
        with pytest.raises(AccountBusy):
            tiny.fetcher(tiny_account).run()
        clock.shift(timedelta(minutes=11))
        assert tiny.fetcher(tiny_account).run()["errors"] == 0
        assert AccountState.objects.get().lease_until_at is None

    def test_a_bug_of_ours_frees_the_account_too(self, tiny, tiny_account, instance, clock) -> None:
        instance.failures["posts"] = [RuntimeError("a bug")]
        with pytest.raises(RuntimeError):
            tiny.fetcher(tiny_account).run()
        assert AccountState.objects.get().lease_until_at is None
