"""Comments and notifications of any shape."""

from datetime import UTC, datetime
from typing import Any

import pytest

from analytics_core.platforms import CommentRecord, NotificationRecord, PersonRecord
from analytics_pixelfed import parsing

from .statuses import refused


def comment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "5",
        "account_id": "7",
        "username": "bob@social.example",
        "display_name": "Bob",
        "content": "<p>Lovely &amp; calm</p>",
        "created_at": "2026-10-01T18:22:41.000Z",
        "in_reply_to_id": "1",
    } | changes


def test_a_comment_is_read():
    assert parsing.parse_comment(comment()) == CommentRecord(
        remote_id="5",
        person=PersonRecord(remote_id="7", username="bob@social.example", display_name="Bob"),
        content="Lovely & calm",
        commented_at=datetime(2026, 10, 1, 18, 22, 41, tzinfo=UTC),
        in_reply_to_id="1",
    )


@pytest.mark.parametrize(
    "changes", [{"account_id": ""}, {"account_id": None}, {"created_at": None}, {"id": ""}]
)
def test_a_comment_without_a_writer_a_time_or_an_id_is_odd(changes):
    assert refused(comment(**changes), parsing.parse_comment)


@pytest.mark.parametrize("parent", [None, "", [], {"id": "1"}, True, "../1"])
def test_a_comment_on_nothing_that_can_be_named_has_no_parent(parent):
    assert parsing.parse_comment(comment(in_reply_to_id=parent)).in_reply_to_id is None


def notification(**changes: Any) -> dict[str, Any]:
    return {
        "id": "88123",
        "type": "favourite",
        "created_at": "2026-10-01T18:22:41.000Z",
        "account": {"id": "7", "acct": "bob", "display_name": "Bob"},
        "status": {"id": "1"},
    } | changes


@pytest.mark.parametrize(("sent", "kind"), [("favourite", "likes"), ("reblog", "shares")])
def test_a_like_or_share_tells_who_when_and_of_which_post(sent, kind):
    assert parsing.parse_notification(notification(type=sent)) == NotificationRecord(
        remote_id="88123",
        happened_at=datetime(2026, 10, 1, 18, 22, 41, tzinfo=UTC),
        kind=kind,
        person=PersonRecord(remote_id="7", username="bob", display_name="Bob"),
        post_id="1",
    )


def test_a_mention_that_answers_something_is_a_comment_with_its_own_time_and_writer():
    status = {
        "id": "5",
        "in_reply_to_id": "1",
        "content": "Nice",
        "created_at": "2026-10-01T18:00:00Z",
        "account": {"id": "8", "username": "eve", "acct": "eve@far.example", "display_name": None},
    }
    record = parsing.parse_notification(notification(type="mention", status=status))
    assert record.kind == "comments"
    assert record.comment == CommentRecord(
        remote_id="5",
        person=PersonRecord(remote_id="8", username="eve@far.example"),
        content="Nice",
        commented_at=datetime(2026, 10, 1, 18, tzinfo=UTC),
        in_reply_to_id="1",
    )
    without_account = parsing.parse_notification(
        notification(type="mention", status=status | {"account": None})
    )
    assert without_account.person == PersonRecord(remote_id="7", username="bob", display_name="Bob")
    mention_only = notification(type="mention", status=status | {"in_reply_to_id": None})
    assert parsing.parse_notification(mention_only).kind == ""
    assert parsing.parse_notification(mention_only).comment is None


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "follow", "status": None},
        {"type": "poll"},
        {"type": "annual_report"},
        {"type": None},
        {"type": ["favourite"]},
        {"account": None},
        {"account": []},
        {"status": None},
        {"status": {}},
        {"status": "1"},
    ],
)
def test_other_notifications_count_as_seen_and_tell_nothing(changes):
    record = parsing.parse_notification(notification(**changes))
    assert (record.remote_id, record.kind, record.person, record.comment) == ("88123", "", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": None},
        {"account": {"acct": "bob"}},
        {"status": {"id": "../"}},
        {"type": "mention", "status": {"id": "5", "in_reply_to_id": "1"}},
    ],
)
def test_a_notification_with_holes_where_it_matters_is_odd(changes):
    assert refused(notification(**changes), parsing.parse_notification)
