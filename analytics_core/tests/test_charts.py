"""Charts: what is drawn, read out and written as a table is the same, and nothing in it is markup."""

import json
import re
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import timezone

from analytics_core.charts import Chart, Explanation, Mark, Series
from analytics_core.exports import plain
from analytics_core.templatetags.charts import spark

LISBON = ZoneInfo("Europe/Lisbon")
MARKUP = "</script><img src=x onerror=alert(1)>"


def chart(**values) -> Chart:
    return Chart(
        **{
            "id": "timeline",
            "kind": "bars",
            "labels": ["28 Mar", "29 Mar", "30 Mar"],
            "titles": ["Saturday 28 March 2026", "Sunday 29 March 2026", "Monday 30 March 2026"],
            "starts": [datetime(2026, 3, day, tzinfo=LISBON) for day in (28, 29, 30)],
            "series": [
                Series(name="Likes", kind="likes", values=[1204, None, 3]),
                Series(name="Shares", kind="shares", values=[0, 2, 1]),
            ],
            "sentence": "1,207 likes in 3 days.",
            "unfinished": 2,
            **values,
        }
    )


def html(found: Chart) -> str:
    template = engines["django"].from_string('{% include "components/chart.html" %}')
    return template.render({"chart": found})


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<script.*?</script>|<[^>]+>", " ", text, flags=re.DOTALL)).strip()


def drawn(text: str) -> dict:
    return json.loads(re.search(r'<script id="timeline-data"[^>]*>(.*?)</script>', text, re.DOTALL).group(1))


class Tags(HTMLParser):
    """The elements of a page with their attributes, as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        self.found.append((tag, dict(attributes)))


class TestChart:
    def test_the_drawing_says_its_finding_to_those_who_do_not_see_it(self) -> None:
        canvas = re.search(r"<canvas[^>]*>", html(chart())).group()
        assert 'role="img"' in canvas
        assert 'tabindex="0"' in canvas
        assert 'aria-label="1,207 likes in 3 days."' in canvas

    def test_the_table_shows_every_number_gaps_as_not_known_and_what_is_not_over(self) -> None:
        table = words(re.search(r"<table>.*</table>", html(chart()), re.DOTALL).group())
        assert table == (
            "Day Likes Shares Saturday 28 March 2026 1,204 0 Sunday 29 March 2026 – not known 2 "
            "Monday 30 March 2026 so far 3 1"
        )

    def test_the_table_is_open_until_a_script_closes_it(self) -> None:
        assert '<details class="chart-table" open>' in html(chart())

    def test_the_script_gets_the_same_numbers(self) -> None:
        found = drawn(html(chart()))
        assert [series["values"] for series in found["series"]] == [[1204, None, 3], [0, 2, 1]]
        assert (found["kind"], found["unfinished"]) == ("bars", 2)

    def test_the_file_has_the_beginning_of_each_bucket_and_says_what_is_not_over(self) -> None:
        table = chart().table
        with timezone.override(LISBON):
            rows = [list(map(plain, row)) for row in table.rows]
        assert table.columns == ["Day", "Likes", "Shares", "So far"]
        assert rows == [
            ["2026-03-28T00:00:00+00:00", 1204, 0, ""],
            ["2026-03-29T00:00:00+00:00", None, 2, ""],
            ["2026-03-30T00:00:00+01:00", 3, 1, "yes"],
        ]

    def test_where_all_is_over_the_file_has_no_column_for_it(self) -> None:
        table = chart(unfinished=None, starts=(), titles=()).table
        assert table.columns == ["Day", "Likes", "Shares"]
        assert table.rows[0] == ["28 Mar", 1204, 0]

    def test_names_and_captions_are_text_wherever_they_stand(self) -> None:
        text = html(
            chart(
                title=MARKUP,
                sentence=MARKUP,
                labels=[MARKUP] * 3,
                titles=[MARKUP] * 3,
                label_name=MARKUP,
                note=MARKUP,
                series=[Series(name=MARKUP, kind="likes", values=[1, 2, 3])],
                marks=[Mark(index=0, address="/a/?x=1&y=2", title=MARKUP, thumbnail="/p.webp")],
                explanation=Explanation(paragraphs=[MARKUP]),
                csv_url="/?format=csv",
            )
        )
        assert drawn(text)["labels"] == [MARKUP] * 3
        tags = Tags(text)
        assert [attributes["src"] for tag, attributes in tags.found if tag == "img"] == ["/p.webp"]
        assert len([tag for tag, _ in tags.found if tag == "script"]) == 1
        names = {name for _, attributes in tags.found for name in attributes}
        assert not {name for name in names if name == "style" or name.startswith("on")}

    def test_photos_are_links_of_the_page(self) -> None:
        marks = [
            Mark(index=0, address="/post/1/", title="Fog", thumbnail="/p/1.webp", width=640, height=427),
            Mark(index=2, address="/post/2/", title="Tram"),
        ]
        text = html(chart(marks=marks, marks_left_out=1))
        assert re.search(
            r'<li data-index="0"><a href="/post/1/" title="Fog"><img src="/p/1.webp" alt="Fog" width', text
        )
        assert re.search(r'<li data-index="2"><a href="/post/2/"', text)
        assert "Tram" in words(text)
        assert "1 more photo posted in this time has no mark here." in words(text)

    def test_files_and_how_it_is_computed_stand_below(self) -> None:
        text = html(
            chart(csv_url="?format=csv", json_url="?format=json", explanation=Explanation(paragraphs=["So."]))
        )
        assert 'href="?format=csv"' in text
        assert 'href="?format=json"' in text
        assert "How is this computed? So." in words(text)

    def test_a_comparison_of_several_is_a_panel_for_each_kind(self) -> None:
        found = chart(kind="compare", labels=["Pixelfed", "Tiny"], titles=(), starts=(), unfinished=None)
        text = html(found)
        assert re.findall(r'data-panel="(\d)"', text) == ["0", "1"]
        assert 'aria-label="Likes. 1,207 likes in 3 days."' in text
        assert 'data-rows="2"' in text

    def test_a_comparison_of_one_is_one_panel_of_its_kinds(self) -> None:
        series = [Series(name=kind, kind=kind, values=[1]) for kind in ("likes", "comments", "shares")]
        text = html(
            chart(kind="compare", labels=["Pixelfed"], titles=(), starts=(), unfinished=None, series=series)
        )
        assert "data-panel" not in text
        assert 'data-rows="3"' in text

    def test_a_page_with_a_table_of_its_own_needs_no_second_one(self) -> None:
        text = html(chart(table_id="compared"))
        assert "Show as table" not in text
        assert "chart-foot" not in text


class TestSpark:
    @pytest.mark.parametrize("values", [[], [None, None], [5], [None, 5, None]])
    def test_less_than_two_values_are_no_line(self, values) -> None:
        assert not spark(values).has_line

    def test_a_gap_stays_a_gap_and_a_value_alone_is_a_dot(self) -> None:
        line = spark([1, 2, None, 3, None, 4, 5])
        assert len(line.lines) == 2
        assert len(line.dots) == 1

    def test_zero_is_at_the_bottom_unless_the_floor_is_its_own(self) -> None:
        assert spark([10, 20]).lines == ["2.0,12.0 94.0,2.0"]
        assert spark([10, 20], floor="own").lines == ["2.0,22.0 94.0,2.0"]
        assert spark([0, 0]).lines == ["2.0,22.0 94.0,22.0"]

    def test_a_level_that_does_not_move_is_no_zero(self) -> None:
        assert spark([7, 7], floor="own").lines == ["2.0,12.0 94.0,12.0"]

    def test_the_way_to_a_value_that_is_not_whole_yet_is_apart(self) -> None:
        line = spark([1, 2, 4], unfinished=True)
        assert line.lines == ["2.0,17.0 48.0,12.0"]
        assert line.open_end == "48.0,12.0 94.0,2.0"

    def test_after_a_gap_a_value_that_is_not_whole_yet_is_a_dot(self) -> None:
        line = spark([1, 2, None, 4], unfinished=True)
        assert (len(line.lines), len(line.dots), line.open_end) == (1, 1, "")

    def test_two_values_of_which_one_is_not_whole_yet_are_one_open_line(self) -> None:
        line = spark([1, 2], unfinished=True)
        assert (line.lines, line.dots) == ([], [])
        assert line.open_end == "2.0,12.0 94.0,2.0"

    def test_it_is_drawn_without_a_style_and_hidden_from_those_who_hear_the_number(self) -> None:
        template = engines["django"].from_string(
            '{% include "components/spark.html" with values=values kind="likes" unfinished=True %}'
        )
        text = template.render({"values": [1, 2, 3]})
        assert 'aria-hidden="true"' in text
        assert text.count("<polyline") == 2
        assert "style=" not in text
        assert template.render({"values": [1]}).strip() == ""
