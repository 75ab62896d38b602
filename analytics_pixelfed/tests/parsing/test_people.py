"""People of any shape, and the own account."""

import pytest

from analytics_core.platforms import ProfileRecord
from analytics_pixelfed import parsing

from .statuses import recorded


def test_people_from_elsewhere_keep_their_host_and_nameless_ones_their_id():
    people = [
        {"id": "1", "username": "bob", "acct": "bob@social.example", "display_name": "Bob"},
        {"id": "2", "username": "eve"},
        {"id": "3", "acct": None, "username": None, "display_name": None},
        {"id": 4, "acct": "\0", "username": 7, "display_name": "E\0ve " * 99},
    ]
    records = parsing.parse_each(people, parsing.parse_person).items
    assert [record.username for record in records] == ["bob@social.example", "eve", "3", "4"]
    assert [record.display_name[:6] for record in records] == ["Bob", "", "", "Eve Ev"]
    assert len(records[3].display_name) <= 200
    assert len(parsing.parse_person({"id": "1", "acct": "a" * 999}).username) == 255


def test_the_own_account_is_read():
    profile = parsing.parse_profile(recorded(42))
    assert (profile.remote_id, profile.username, profile.display_name) == (
        "1030119999953145857",
        "ana",
        "Ana Author",
    )
    assert profile.avatar_url.endswith("/storage/avatars/default.jpg")
    assert isinstance(profile.posts_count, int)


@pytest.mark.parametrize("item", [{}, None, [], {"id": None}, {"id": {"a": 1}}, {"id": "../"}, {"id": ["1"]}])
def test_an_account_without_an_id_has_none(item):
    assert parsing.parse_profile(item) == ProfileRecord(remote_id="", username="")
