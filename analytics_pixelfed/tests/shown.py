"""A page of ours, as a person finds and reads it."""

import re
from typing import Any


def page_of(post: Any) -> str:
    return f"/analytics/pixelfed/post/{post.pk}/"


def words(response: Any) -> str:
    """The page as a person reads it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))
