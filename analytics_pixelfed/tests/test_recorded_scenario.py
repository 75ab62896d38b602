"""The fetcher against the sandbox that holds the recorded scenario finds what its INDEX.md says."""

import json

import pytest

from analytics_core.models import AccountState, Precision
from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost, PixelfedShare
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from pixelfed.sandbox import load_recorded_scenario
from tests.recorded import RECORDINGS

pytestmark = pytest.mark.django_db

IDS = json.loads((RECORDINGS / "scenario.json").read_text())["statuses"]


def post_of(name: str) -> PixelfedPost:
    return PixelfedPost.objects.get(pixelfed_post_id=IDS[name])


def counts(name: str) -> tuple[int, int, int]:
    post = post_of(name)
    summary = post.engagement_summary
    assert (summary.total_likes, summary.total_comments, summary.total_shares) == (
        post.likes_count,
        post.comments_count,
        post.shares_count,
    )
    return post.likes_count, post.comments_count, post.shares_count


@pytest.fixture
def ana(serve):
    return serve(load_recorded_scenario(RECORDINGS))


@pytest.fixture
def visited(ana):
    server, account = ana
    stats = PixelfedAnalyticsFetcher(account).run()
    assert stats["errors"] == 0
    return server, account, stats


def test_every_number_of_the_scenario_is_found(visited) -> None:
    assert PixelfedPost.objects.count() == 57
    assert counts("P03_video40") == (40, 0, 0)
    assert counts("P04_80likes") == (80, 0, 0)
    assert counts("P02_album") == (5, 3, 0)
    assert counts("P10_unlike") == (9, 0, 0)
    assert counts("P11_unshare") == (0, 0, 5)
    assert counts("P12_comment_deleted") == (0, 2, 0)
    assert counts("P08_zero") == (0, 0, 0)
    quiet = json.loads((RECORDINGS / "scenario.json").read_text())["Q_likes"]
    for name, likers in quiet.items():
        if name not in ("Q58", "Q59"):  # liked and unliked by hand later in the recording
            assert post_of(name).likes_count == len(likers), name


def test_a_token_sees_27_comments_of_the_hit_and_notifications_bring_11_more(ana) -> None:
    _, account = ana
    fetcher = PixelfedAnalyticsFetcher(account)
    fetcher.sync_account_posts()
    hit = post_of("P01_hit")
    stats = fetcher.fetch_post_engagement(hit)
    assert (stats["new_likes"], stats["new_comments"], stats["new_shares"]) == (124, 27, 15)
    comments = PixelfedComment.objects.filter(post=hit)
    assert comments.filter(in_reply_to_id=hit.pixelfed_post_id).count() == 20
    below = comments.exclude(in_reply_to_id=hit.pixelfed_post_id)
    assert below.count() == 7
    # ana answered fan001, fan001 answered her, she answered again.
    known = set(comments.values_list("comment_id", flat=True))
    assert set(below.values_list("in_reply_to_id", flat=True)) <= known
    assert hit.comments_server_count == 32

    fetcher.run()
    assert comments.filter(in_reply_to_id=hit.pixelfed_post_id).count() == 31
    assert comments.count() == 38


def test_the_server_count_stands_beside_ours_where_they_differ(visited) -> None:
    gone = post_of("P14_gone_likers")
    assert (gone.likes_server_count, gone.likes_count) == (10, 9)
    server, account, _ = visited
    server.clear()
    PixelfedAnalyticsFetcher(account).run()
    assert len(server.requests) == 1, "a difference that stays is no reason to ask again"


def test_unlisted_followers_only_and_sensitive_posts_are_there(visited) -> None:
    assert post_of("P05_unlisted").visibility == "unlisted"
    assert post_of("P06_private").visibility == "private"
    assert post_of("P07_sensitive").is_sensitive
    assert counts("P05_unlisted") == counts("P06_private") == (2, 0, 0)


def test_kinds_of_media_are_told_apart(visited) -> None:
    assert (post_of("P01_hit").media_type, post_of("P01_hit").media_count) == ("image", 1)
    assert post_of("P01_hit").alt_text
    assert (post_of("P01_hit").media_width or 0) > 0
    assert (post_of("P02_album").media_type, post_of("P02_album").media_count) == ("carousel", 3)
    assert post_of("P03_video40").media_type == "video"


def test_all_but_the_forgotten_likes_have_exact_times(visited) -> None:
    exact = PixelfedLike.objects.filter(precision=Precision.EXACT).count()
    unknown = PixelfedLike.objects.filter(precision=Precision.UNKNOWN).count()
    assert (exact, unknown) == (331, 39)
    assert set(PixelfedShare.objects.values_list("precision", flat=True)) == {Precision.EXACT}
    first = PixelfedLike.objects.get(post=post_of("P04_80likes"), username="fan080")
    assert first.precision == Precision.EXACT
    assert first.liked_at < first.created_at


def test_what_was_taken_back_between_two_visits_ends(serve) -> None:
    world = load_recorded_scenario(RECORDINGS, stage="before")
    server, account = serve(world)
    PixelfedAnalyticsFetcher(account).run()
    assert counts("P10_unlike") == (10, 0, 0)
    assert counts("P11_unshare") == (0, 0, 6)
    assert counts("P13_deleted")[0] == 5

    liked, shared, deleted = (
        world.statuses[int(IDS[name])] for name in ("P10_unlike", "P11_unshare", "P13_deleted")
    )
    world.unlike(liked, world.person("fan004"))
    world.unshare(shared, world.person("fan002"))
    world.delete_post(deleted)
    for _ in range(2):
        # These posts are past the newest page, and it is not yet their turn in the day's sweep.
        assert PixelfedAnalyticsFetcher(account).sync_account_posts()["errors"] == 0
        assert PixelfedAnalyticsFetcher(account).run()["errors"] == 0

    assert counts("P10_unlike") == (9, 0, 0)
    ended = PixelfedLike.objects.get(post=post_of("P10_unlike"), ended_at__isnull=False)
    assert ended.username == "fan004"
    assert counts("P11_unshare") == (0, 0, 5)
    assert post_of("P13_deleted").missing_since_at is not None
    assert counts("P13_deleted")[0] == 5, "what it had stays"

    world.like(liked, world.person("fan004"))
    PixelfedAnalyticsFetcher(account).sync_account_posts()
    PixelfedAnalyticsFetcher(account).run()
    assert counts("P10_unlike") == (10, 0, 0)


def test_a_first_visit_and_an_idle_one_cost_few_requests(visited) -> None:
    server, account, stats = visited
    # 57 posts, 40 of them with something to read, 400 notifications.
    assert stats["requests"] == len(server.requests) == 77
    server.clear()
    stats = PixelfedAnalyticsFetcher(account).run()
    assert stats["requests"] == len(server.requests) == 1
    assert AccountState.objects.get().last_success_at is not None


@pytest.mark.parametrize("form", ["500", "302", "401"])
def test_a_dead_token_pauses_the_account_in_each_of_its_forms(ana, form) -> None:
    server, account = ana
    server.faults.add("dead_token", form=form)
    stats = PixelfedAnalyticsFetcher(account).run()
    account.refresh_from_db()
    assert (stats["errors"], account.state) == (1, "reconnect")
    assert account.state_reason == f"{account.host} no longer accepts PostFlow's access."
    assert {request.path for request in server.requests} == {"/api/v1/accounts/verify_credentials"}
    assert len(server.requests) == 2, "asked once, and once more to be sure"
