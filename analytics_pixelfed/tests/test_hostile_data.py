"""What no honest server sends, through the whole engine."""

from __future__ import annotations

import pytest

from analytics_pixelfed.models import PixelfedComment, PixelfedLike, PixelfedPost
from analytics_pixelfed.services import PixelfedAnalyticsFetcher
from analytics_pixelfed.tests.visiting import NOON, visit_of
from pixelfed.sandbox import World

pytestmark = pytest.mark.django_db


class TestHostileData:
    """What no honest server sends, through the whole engine: what makes sense is kept, the rest left out."""

    @pytest.fixture
    def house(self, serve, clock):
        world = World.empty(clock=lambda: NOON.timestamp())
        ana = world.add_person("ana", at=NOON.timestamp() - 9e6)
        fans = world.add_people(3)
        posts = [
            world.add_post(ana, f"Photo {number}", at=NOON.timestamp() - 8e6 + number) for number in range(3)
        ]
        for post in posts:
            for fan in fans:
                world.like(post, fan)
        for post in posts:
            world.comment(post, fans[0], "Honest")
        server, account = serve(world)
        client = PixelfedAnalyticsFetcher(account).client
        return server, account, [str(post.id) for post in posts], client

    def tell(self, server, path: str, value) -> None:
        server.faults.add("wrong_type", path, value=value)

    def test_odd_posts_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/accounts/{server.world.person('ana').id}/statuses?limit=40")
        odd = dict(good[0])
        long_url = "https://photos.example/" + "x" * 900
        self.tell(
            server,
            "*/accounts/*/statuses*",
            [
                odd | {"id": "900000000000000001", "content": "a\0b \U0001f600 \u202eright to left"},
                odd | {"id": "900000000000000002", "content": "<p>" + "long " * 20_000 + "</p>"},
                odd | {"id": "900000000000000003", "favourites_count": 2**63, "replies_count": -1},
                odd | {"id": "900000000000000004", "url": long_url, "uri": long_url},
                odd | {"id": "900000000000000005", "media_attachments": [{"url": long_url, "type": "image"}]},
                odd | {"id": "900000000000000006", "created_at": "0000-00-00T00:00:00Z"},
                odd | {"id": "../../etc"},
                odd | {"id": 10**200},
                odd | {"id": "900000000000000008", "media_attachments": "none"},
                odd
                | {
                    "id": "900000000000000007",
                    "sensitive": "perhaps",
                    "visibility": ["public"],
                    "account": 7,
                },
                None,
                [],
                7,
                *good,
                *good,
            ],
        )
        stats = visit_of(account)
        known = set(PixelfedPost.objects.values_list("pixelfed_post_id", flat=True))
        assert known == {*ids, *(f"90000000000000000{number}" for number in (1, 2, 3, 4, 7))}
        assert stats["posts_created"] == len(known)
        assert stats["skipped"] >= 5
        by_id = {post.pixelfed_post_id: post for post in PixelfedPost.objects.all()}
        assert by_id["900000000000000001"].caption == "ab \U0001f600 \u202eright to left"
        assert 49_900 < len(by_id["900000000000000002"].caption) <= 50_000
        assert by_id["900000000000000003"].likes_server_count is None
        assert by_id["900000000000000004"].post_url == ""
        assert PixelfedLike.objects.count() == 9

    def test_odd_people_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/statuses/{ids[0]}/favourited_by")
        self.tell(
            server,
            f"*/statuses/{ids[0]}/favourited_by*",
            [
                *good,
                *good,
                {"id": "1"},
                {"id": 2, "username": None, "acct": ["x"], "display_name": {"a": 1}},
                {
                    "id": "3",
                    "acct": "x\0y@" + "z" * 400,
                    "display_name": "\0" * 9 + " \u05e9\u05dc\u05d5\u05dd",
                },
                {"id": True},
                {"id": "4 or 1=1"},
                {},
                None,
                "fan",
            ],
        )
        visit_of(account)
        likes = {like.account_id: like for like in PixelfedLike.objects.filter(post__pixelfed_post_id=ids[0])}
        assert set(likes) == {*(item["id"] for item in good), "1", "2", "3"}
        assert (likes["1"].username, likes["2"].username) == ("1", "2")
        assert likes["3"].username == ("xy@" + "z" * 400)[:255]
        assert likes["3"].display_name == "\u05e9\u05dc\u05d5\u05dd"
        assert PixelfedLike.objects.exclude(post__pixelfed_post_id=ids[0]).count() == 6
        # A list with odd items in it ends nobody.
        server.faults.clear()
        self.tell(server, f"*/statuses/{ids[0]}/favourited_by*", [None])
        for _ in range(3):
            PixelfedPost.objects.update(likes_read_count=None)
            visit_of(account)
        assert not PixelfedLike.objects.exclude(ended_at=None, missed_at=None).exists()

    def test_odd_comments_beside_good_ones(self, house) -> None:
        server, account, ids, client = house
        good = client._make_request(f"/v1/statuses/{ids[0]}/context")["descendants"][0]
        writer = {"id": "5", "username": ""}
        everywhere = good | {"id": "777", "in_reply_to_id": "of nobody we know", "account": writer}
        for post_id in ids[:2]:
            self.tell(
                server,
                f"*/statuses/{post_id}/context",
                {
                    "ancestors": None,
                    "descendants": [
                        everywhere | {"content": f"Under {post_id}"},
                        everywhere,
                        good | {"id": "778", "content": "x" * 100_000, "in_reply_to_id": "779"},
                        good
                        | {"id": "779", "content": None, "in_reply_to_id": "778", "replies_count": "many"},
                        good | {"id": post_id, "content": "The post itself"},
                        good | {"id": "780", "created_at": None},
                        good | {"id": "781", "account": None},
                        good | {"id": None},
                        "comment",
                    ],
                },
            )
        PixelfedAnalyticsFetcher(account).sync_account_posts()
        PixelfedPost.objects.update(comments_read_count=None)
        visit_of(account)
        for post_id in ids[:2]:
            found = PixelfedComment.objects.filter(post__pixelfed_post_id=post_id)
            assert set(found.exclude(content="Honest").values_list("comment_id", flat=True)) == {
                "777",
                "778",
                "779",
            }
            assert found.get(comment_id="777").content == f"Under {post_id}"
            assert found.get(comment_id="777").username == "5"
        assert PixelfedLike.objects.count() == 9
