"""HTML of other servers becomes what a person reads, and nothing that a database refuses."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_core.text import MAX_LENGTH, html_to_text, plain_text
from tests.recorded import answered


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("", ""),
        ("Harbour", "Harbour"),
        ("  Harbour\n", "Harbour"),
        ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("Fish & chips", "Fish & chips"),
        ("Fish &amp; chips", "Fish & chips"),
        ('bold & "quotes" 日本語 😀', 'bold & "quotes" 日本語 😀'),
        ("&lt;b&gt; &#39;x&#x27; &eacute;&hellip;", "<b> 'x' é…"),
        ("a&nbsp;b\u00a0c", "a b c"),
        ("one<br>two", "one\ntwo"),
        ("one<br />\ntwo", "one\ntwo"),
        ("one<BR/> \r\ntwo<br class='x'>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one</p>\n<p>two<br />three</p>", "one\n\ntwo\nthree"),
        ("<p>one</p >  <p class='x'>two</p>", "one\n\ntwo"),
        ("<ul><li>one</li><li>two</li></ul>three", "one\ntwo\n\nthree"),
        ("<blockquote>quoted</blockquote>said", "quoted\nsaid"),
        ("<b>bold</b> <i>and</i> <u>more</u>", "bold and more"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("<SCRIPT\n>alert(1)</SCRIPT >text", "text"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("&amp;lt;b&amp;gt; <i>x</i>", "&lt;b&gt; x"),
        ('<img src=x onerror="alert(1)">seen', "seen"),
        ("<!-- hidden -->seen", "seen"),
        ("I <3 this, 2 < 3", "I <3 this, 2 < 3"),
        ("<a href='javascript:alert(1)'>link</a>", "link"),
        ("<b>never closed", "never closed"),
        ("a\0b\x07c\x1bd\x7fe", "abcde"),
        ("a&#0;b&#7;c", "a\ufffdbc"),
        ("\ud800a\udfff", "a"),
        ("a  \nb\t\nc", "a\nb\nc"),
        ("<br", ""),
    ],
)
def test_html_reads_as_a_person_reads_it(sent, read):
    assert html_to_text(sent) == read


def test_links_of_both_servers_become_their_words():
    pixelfed = (
        'Harbour at dawn<br />\n<a href="https://photos.example/discover/tags/harbour?src=hash" '
        'title="#harbour" class="u-url hashtag" rel="external nofollow noopener">#harbour</a> '
        '<a class="u-url mention" href="https://photos.example/bob" target="_blank">@bob</a>'
    )
    mastodon = (
        '<p>Harbour at dawn<br />#<a href="https://social.example/tags/harbour" class="mention hashtag" '
        'rel="tag"><span>harbour</span></a> <span class="h-card"><a href="https://social.example/@bob" '
        'class="u-url mention">@<span>bob</span></a></span></p>'
    )
    assert html_to_text(pixelfed) == html_to_text(mastodon) == "Harbour at dawn\n#harbour @bob"


def test_a_recorded_caption_without_tags_keeps_its_lines():
    content = answered(100)["body"]["content"]
    assert "\n" in content
    assert (
        html_to_text(content)
        == content
        == ('Before the edit bold & "quotes" 日本語 😀\nsecond line https://example.test/a?b=c')
    )


@pytest.mark.parametrize("value", [None, True, 0, 7, 1.5, [], ["a"], {}, {"a": 1}, b"bytes"])
def test_what_is_no_string_is_no_text(value):
    assert html_to_text(value) == plain_text(value) == ""


def test_plain_text_keeps_html_as_it_is_and_cuts():
    assert plain_text(" <b>A&amp;B</b> ") == "<b>A&amp;B</b>"
    assert plain_text("line\nline\ttab") == "line\nline\ttab"
    assert plain_text("abcdef", max_length=3) == "abc"
    assert plain_text("\0" * 5 + "abc", max_length=3) == "abc"
    assert plain_text("ab", max_length=0) == ""


@pytest.mark.parametrize(
    "piece",
    ["<div>", "<br ", "<br>", "</p ", "</p>   ", "<table><b>", "<b><i></b>", "&", "&#", "<", "<a href=", "x"],
)
def test_five_megabytes_of_anything_cost_a_moment_and_stay_small(piece):
    sent = piece * (5_000_000 // len(piece))
    begun = time.perf_counter()
    read = html_to_text(sent)
    assert time.perf_counter() - begun < 3
    assert len(read) <= 2 * MAX_LENGTH


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.characters(categories=["Cc", "Cs", "Zs"]),
            st.sampled_from(
                ["<p>", "</p>", "<br />", "<b", "&amp;", "&#0;", "&#55296;", "<!--", "<script>", "]]>"]
            ),
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_comes_out_fit_for_a_database(sent):
    read = html_to_text(sent)
    read.encode()
    assert "\0" not in read
    assert read == read.strip()
    assert "\r" not in read
