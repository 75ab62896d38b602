"""What the chart's and the sparkline's templates need to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django import template

from analytics_core.charts import Chart

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 96, 24, 2


@register.filter
def chart_rows(chart: Chart) -> int:
    """Return how many bars stand below each other, up to 12: the frame has that height from the start."""
    return min(len(chart.labels) if len(chart.labels) > 1 else len(chart.series), 12)


@dataclass(slots=True, kw_only=True)
class Spark:
    """A sparkline as lists of points in its view box.

    Attributes:
        lines: a list of points for each stretch without a gap.
        dots: left upper corners of the values that stand alone between gaps.
        open_end: the way to the last value, where that is not whole yet.
    """

    lines: list[str] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
    open_end: str = ""
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT

    @property
    def has_line(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.lines or self.dots or self.open_end)


@register.simple_tag
def spark(values: Sequence[float | None], floor: str = "", unfinished: object = False) -> Spark:
    """Return the line of some values in time order; None leaves a gap.

    Args:
        floor: "own" puts the smallest value at the bottom; else zero is there.
        unfinished: whether the last value is not whole yet.
    """
    known = [value for value in values if value is not None]
    drawn = Spark()
    if len(known) < 2:
        return drawn
    low, high = min(0, *known), max(known)
    if floor == "own":
        # A level line stands in the middle: at the bottom it would look like zero.
        low, high = (min(known), high) if min(known) < high else (high - 1, high + 1)
    points = _points(values, low=low, high=high)
    if unfinished and len(points) > 1 and points[-1] and points[-2]:
        drawn.open_end = _join([points[-2], points[-1]])
        points = points[:-1]
    for stretch in _stretches(points):
        if len(stretch) > 1:
            drawn.lines.append(_join(stretch))
        elif _join(stretch) not in drawn.open_end.split(" ")[:1]:
            drawn.dots.append((stretch[0][0] - 1, stretch[0][1] - 1))
    return drawn


type Point = tuple[float, float]


def _points(values: Sequence[float | None], *, low: float, high: float) -> list[Point | None]:
    step = (SPARK_WIDTH - 2 * SPARK_EDGE) / max(len(values) - 1, 1)
    room = SPARK_HEIGHT - 2 * SPARK_EDGE
    span = high - low
    return [
        None
        if value is None
        else (
            round(SPARK_EDGE + index * step, 1),
            round(SPARK_HEIGHT - SPARK_EDGE - (room * (value - low) / span if span else 0.0), 1),
        )
        for index, value in enumerate(values)
    ]


def _stretches(points: Sequence[Point | None]) -> list[list[Point]]:
    stretches: list[list[Point]] = [[]]
    for point in points:
        if point:
            stretches[-1].append(point)
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]


def _join(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
