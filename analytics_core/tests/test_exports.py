"""Tables as files: nothing in them runs, and they hold what the page shows."""

import csv
import io
import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analytics_core import exports
from analytics_core.exports import Table

RISKY = ["=1+1", "+1", "-1+2", "@SUM(A1)", "\tx", "\r=1", "\n=1", " =1", "\u00a0=1", "\uff1d1+1", "\uff201"]


def csv_rows(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", RISKY)
def test_a_text_that_a_spreadsheet_would_run_is_kept_from_it(text) -> None:
    table = Table(columns=[text, "Likes"], rows=[[text, 3]])
    assert csv_rows(exports.respond(table, wanted="csv", name="x")) == [
        [f"'{text}", "Likes"],
        [f"'{text}", "3"],
    ]


@given(st.text())
def test_no_text_at_all_starts_a_formula(text) -> None:
    assert not str(exports.safe_cell(text)).lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "text", ['Fog, over the "harbour"', "a = b", "1-2", "<script>alert(1)</script>", "Ünïcode"]
)
def test_any_other_text_stays_as_it_is(text) -> None:
    table = Table(columns=["Photo"], rows=[[text]])
    assert csv_rows(exports.respond(table, wanted="csv", name="x")) == [["Photo"], [text]]


def test_numbers_stay_numbers_even_below_zero() -> None:
    table = Table(columns=["n"], rows=[[-3], [0.5], [4.0], [None]])
    assert csv_rows(exports.respond(table, wanted="csv", name="x"))[1:] == [["-3"], ["0.5"], ["4"], [""]]


def test_moments_carry_the_offset_of_the_readers_zone() -> None:
    moment = datetime(2026, 3, 1, 23, 30, 0, 5, tzinfo=UTC)
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        assert exports.plain(moment) == "2026-03-02T12:30:00+13:00"
        assert exports.plain(date(2026, 3, 1)) == "2026-03-01"


def test_json_has_the_same_rows_by_name_and_as_they_are() -> None:
    table = Table(columns=["Photo", "Likes"], rows=[["=1", 3], ["Fog", None]])
    response = exports.respond(table, wanted="json", name="x")
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == {
        "columns": ["Photo", "Likes"],
        "rows": [{"Photo": "=1", "Likes": 3}, {"Photo": "Fog", "Likes": None}],
    }


@pytest.mark.parametrize("wanted", exports.FORMATS)
def test_a_file_is_saved_and_never_shown(wanted, time_machine) -> None:
    time_machine.move_to("2026-03-01T12:00:00Z")
    response = exports.respond(Table(columns=["n"], rows=[]), wanted=wanted, name="postflow-timeline")
    expected = f'attachment; filename="postflow-timeline-2026-03-01.{wanted}"'
    assert response["Content-Disposition"] == expected


@pytest.mark.parametrize(
    ("query", "part", "wanted"),
    [
        ("format=csv", "", "csv"), ("format=json", "", "json"), ("format=CSV", "", ""), ("format=", "", ""),
        ("", "", ""), ("format=csv&part=likes", "", ""), ("format=csv", "likes", ""),
        ("format=csv&part=likes", "likes", "csv"),
    ],
)  # fmt: skip
def test_only_the_table_that_is_asked_for_is_given(query, part, wanted) -> None:
    assert exports.wanted(QueryDict(query), part=part) == wanted


def test_addresses_keep_the_choices_of_the_page() -> None:
    csv_url, json_url = exports.addresses("/a/", query={"days": "7", "q": "a&b"}, part="likes")
    assert csv_url == "/a/?days=7&q=a%26b&part=likes&format=csv"
    assert exports.wanted(QueryDict(json_url.partition("?")[2]), part="likes") == "json"
