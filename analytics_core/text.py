"""Text of what other servers send: HTML becomes plain text, and nothing that a database refuses stays in."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

# Far above any caption. Parsing nested HTML takes time by its length squared.
MAX_LENGTH = 50_000

# No "<" within: a body full of them would be searched to its end from each.
_BREAK = re.compile(r"<br\b[^<>]*>[ \t]*\r?\n?", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</p\s*>\s*(?=<p\b)", re.IGNORECASE)
_BLOCK_END = re.compile(r"</(?:p|div|li|blockquote|pre|ul|ol|h[1-6])\s*>", re.IGNORECASE)
# PostgreSQL stores no NUL; the other control characters are never meant for people.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def plain_text(value: object, *, max_length: int | None = None) -> str:
    """Return a string without control characters, cut to `max_length` characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return _CONTROL.sub("", value).strip()[:max_length]


def html_to_text(value: object) -> str:
    """Return what a person reads in this HTML: line breaks and entities resolved, tags gone.

    Plain text passes unchanged: older servers send captions without tags (api-facts A.2), with their
    line breaks as they are. What is longer than MAX_LENGTH is cut.
    """
    text = plain_text(value, max_length=MAX_LENGTH)
    if "<" in text:
        text = _BREAK.sub("\n", text)
        text = _PARAGRAPH.sub("\n\n", text)
        text = _BLOCK_END.sub("\n", text)
        text = nh3.clean(text, tags=set(), clean_content_tags={"script", "style"})
    text = html.unescape(text).replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n")
    return plain_text("\n".join(line.rstrip() for line in text.split("\n")))


def fold(text: str) -> str:
    """Return text as a search compares it: without regard to case, width or how letters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
