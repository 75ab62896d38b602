"""What several scenes have in common: where the sun stands, ranges of mountains, trees."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pixelfed.sandbox.pictures.brushes import (
    Colour,
    Palette,
    Size,
    below,
    gradient,
    levels,
    mix,
    paint,
    relief,
    ridge,
    waves,
)


def sun_place(
    rng: Random, size: Size, horizon: float, low: float = 0.05, high: float = 0.16
) -> tuple[float, float]:
    """Return where the sun stands: off the middle, a little above the horizon."""
    across = rng.choice((rng.uniform(0.2, 0.38), rng.uniform(0.62, 0.8)))
    return size[0] * across, size[1] * (horizon - rng.uniform(low, high))


def ranges(
    rng: Random,
    picture: Image.Image,
    palette: Palette,
    *,
    first: float,
    last: float,
    count: int,
    rough: float,
    height: float,
    rocky: bool = True,
    snow: bool = False,
) -> Image.Image:
    """Paint mountains one behind the other; the farther, the paler (aerial perspective)."""
    size = picture.size
    width, tall = size
    for number in range(count):
        share = number / max(1, count - 1)
        base = tall * (first + (last - first) * share**1.2)
        swing = tall * height * (1.0 - 0.35 * share)
        line = [base - swing * value for value in ridge(rng, width, rough)]
        mask = below(size, line)
        air = mix(palette.horizon, palette.middle, 0.25 + 0.3 * share)
        colour = mix(air, palette.shade, 0.16 + 0.8 * share**1.15)
        layer = gradient(
            size,
            [
                (0, colour),
                (max(0.02, base / tall - height), colour),
                (min(0.99, base / tall + 0.1), mix(colour, air, 0.55)),
                (1, air),
            ],
        )
        if rocky and share > 0.15:
            texture = relief(rng, size, (4, 5), 0.1 + 0.27 * share)
            layer = ImageChops.soft_light(layer, Image.merge("RGB", [texture] * 3))
        if snow and share < 0.85:
            caps = levels(relief(rng, size, (4, 5), 0.6), 104, 160)
            top = [value + swing * 0.5 for value in line]
            caps = ImageChops.multiply(caps, ImageChops.invert(below(size, top, blur=tall * 0.045)))
            caps = caps.filter(ImageFilter.GaussianBlur(1.3))
            paint(layer, mix((255, 255, 255), palette.horizon, 0.2 + 0.4 * (1 - share)), caps, 0.55)
        paint(picture, layer, mask)
    return picture


def pines(
    rng: Random,
    picture: Image.Image,
    palette: Palette,
    *,
    ground: float,
    tallest: float,
    count: int,
    flat: bool = False,
    colour: Colour | None = None,
    soft: float = 0.6,
) -> Image.Image:
    """Stand a row of conifers on a line at `ground` (share of the height)."""
    size = picture.size
    width, tall = size
    line = waves(rng, width, 0.8)
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    swell = 0 if flat else tallest * 0.5
    floor = [tall * (ground - swell * value) for value in line]
    clumps = waves(rng, width, 2.4)
    for _ in range(count):
        x = rng.uniform(-0.02, 1.02) * width
        at = max(0, min(width - 1, int(x)))
        if clumps[at] < rng.random() * 0.7:
            continue
        high = tall * tallest * (0.35 + 0.65 * rng.random() ** 1.6) * (0.5 + 0.6 * clumps[at])
        pine(rng, draw, x, floor[at] + 3, high)
    mask = ImageChops.lighter(mask, below(size, floor, 0)) if not flat else mask
    shade = colour or mix(palette.shade, palette.middle, 0.05)
    paint(picture, shade, mask.filter(ImageFilter.GaussianBlur(soft)))
    return picture


def pine(rng: Random, draw: ImageDraw.ImageDraw, x: float, foot: float, high: float) -> None:
    """Draw one conifer as a mask: tiers that hang and narrow upwards, never quite even."""
    broad = high * rng.uniform(0.15, 0.22)
    tiers = max(4, int(high / 9))
    left, right = [(x, foot - high)], [(x, foot - high)]
    for tier in range(1, tiers + 1):
        share = tier / tiers
        y = foot - high * (1 - share * 0.94)
        left += [
            (x - broad * share * rng.uniform(0.75, 1.15), y),
            (x - broad * share * 0.52, y - high / tiers * 0.25),
        ]
        right += [
            (x + broad * share * rng.uniform(0.75, 1.15), y),
            (x + broad * share * 0.52, y - high / tiers * 0.25),
        ]
    draw.polygon(left + right[::-1], fill=255)
    draw.rectangle((x - high * 0.012, foot - high * 0.1, x + high * 0.012, foot), fill=255)


def branch(
    rng: Random,
    draw: ImageDraw.ImageDraw,
    start: tuple[float, float],
    angle: float,
    length: float,
    thick: float,
    depth: int,
) -> None:
    """Draw a branch and what grows on it."""
    x, y = start
    bend = rng.uniform(-0.14, 0.14)
    middle = (x + math.cos(angle) * length * 0.5, y + math.sin(angle) * length * 0.5)
    end = (
        middle[0] + math.cos(angle + bend) * length * 0.5,
        middle[1] + math.sin(angle + bend) * length * 0.5,
    )
    draw.line([start, middle, end], fill=255, width=max(1, round(thick)), joint="curve")
    if depth == 0 or length < 4:
        return
    for side in (-1, 1):
        if depth < 8 and rng.random() < 0.1:
            continue
        turn = side * rng.uniform(0.2, 0.56) + bend
        # Twigs hang and spread, they do not all strive upwards.
        turn += 0.06 * math.cos(angle)
        branch(rng, draw, end, angle + turn, length * rng.uniform(0.7, 0.88), thick * 0.66, depth - 1)
