"""Scenes of what was built: arches, a bridge, a staircase."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pixelfed.sandbox.pictures.brushes import (
    Palette,
    SceneMaker,
    Size,
    add_light,
    glow,
    gradient,
    levels,
    mix,
    noise,
    paint,
    ramp,
    reflect,
    sky,
)


def arches(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A vaulted passage with light at its end and light falling in from one side."""
    width, tall = size
    picture = Image.new("RGB", size, mix(palette.light, (255, 255, 255), 0.4))
    centre = (width * rng.uniform(0.44, 0.56), tall * rng.uniform(0.54, 0.6))
    count = rng.randint(7, 9)
    bright_side = rng.choice((-1, 1))
    stone = noise(rng, size, (10, 10), 5)
    for number in range(count):
        share = number / (count - 1)
        scale = 0.1 + 1.02 * share**1.7
        half, spring, foot = width * 0.46 * scale, tall * 0.32 * scale, tall * 0.62 * scale
        wall = Image.new("L", size, 255)
        hole = ImageDraw.Draw(wall)
        x, y = centre
        hole.rectangle((x - half, y - spring * 0.4, x + half, y + foot), fill=0)
        hole.ellipse((x - half, y - spring * 0.4 - half, x + half, y - spring * 0.4 + half), fill=0)
        depth = mix(palette.light, palette.shade, 0.3 + 0.68 * share)
        lit = mix(depth, palette.light, 0.42)
        sideways = gradient(
            (size[1], size[0]), [(0, lit), (0.45, depth), (1, mix(depth, palette.shade, 0.4))]
        )
        body = sideways.transpose(
            Image.Transpose.ROTATE_90 if bright_side < 0 else Image.Transpose.ROTATE_270
        ).resize(size)
        body = ImageChops.soft_light(body, Image.merge("RGB", [stone] * 3))
        paint(picture, body, wall.filter(ImageFilter.GaussianBlur(0.6 + 0.7 * share)))
        edge = ImageChops.subtract(wall, ImageChops.offset(wall, bright_side * max(2, round(7 * share)), 0))
        picture = add_light(picture, edge.filter(ImageFilter.GaussianBlur(1.4)), palette.light, 0.16)
    floor = Image.new("L", size, 0)
    x, y = centre
    ImageDraw.Draw(floor).polygon(
        [
            (x - width * 0.05, y + tall * 0.06),
            (x + width * 0.05, y + tall * 0.06),
            (x + width * 0.55, tall),
            (x - width * 0.55, tall),
        ],
        fill=255,
    )
    tiles = gradient(
        size,
        [(0, palette.light), (y / tall + 0.05, mix(palette.light, palette.middle, 0.3)), (1, palette.shade)],
    )
    paint(picture, tiles, floor.filter(ImageFilter.GaussianBlur(3)), 0.72)
    bars = Image.new("L", size, 0)
    draw = ImageDraw.Draw(bars)
    for number in range(7):
        near = (number / 7) ** 1.8
        top = y + tall * (0.08 + 0.42 * near)
        reach = width * (0.1 + 0.5 * near)
        draw.polygon(
            [
                (x, top),
                (x - bright_side * reach, top + tall * 0.01),
                (x - bright_side * reach, top + tall * (0.02 + 0.05 * near)),
                (x, top + tall * (0.012 + 0.04 * near)),
            ],
            fill=190,
        )
    picture = add_light(picture, bars.filter(ImageFilter.GaussianBlur(4)), palette.light, 0.3)
    picture = add_light(picture, glow(size, centre, width * 0.3), palette.light, 0.5)
    person = Image.new("L", size, 0)
    foot, high = y + tall * 0.1, tall * 0.085
    wide = high * 0.13
    draw = ImageDraw.Draw(person)
    draw.polygon(
        [
            (x - wide * 0.7, foot),
            (x - wide, foot - high * 0.8),
            (x + wide, foot - high * 0.8),
            (x + wide * 0.6, foot),
        ],
        fill=255,
    )
    draw.ellipse((x - wide * 0.6, foot - high, x + wide * 0.6, foot - high * 0.78), fill=255)
    paint(picture, palette.shade, person.filter(ImageFilter.GaussianBlur(0.8)))
    return picture


def bridge(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A suspension bridge that goes off into fog over water."""
    width, tall = size
    line = round(tall * rng.uniform(0.66, 0.74))
    picture = sky(rng, size, palette, line / tall, 0.5)
    picture = add_light(
        picture, glow(size, (width * 0.75, line - tall * 0.2), width * 0.5), palette.light, 0.4
    )
    shape = Image.new("L", (width * 2, tall * 2), 0)
    draw = ImageDraw.Draw(shape)
    deck = (line - tall * 0.1) * 2
    towers = (0.2, 0.62, 0.86)
    tops = []
    for number, place in enumerate(towers):
        near = (1, 0.62, 0.42)[number]
        x, high, thick = place * width * 2, tall * 0.86 * near, width * 0.014 * near
        level = deck + tall * 0.02 * number
        tops.append((x, level - high))
        for leg in (-1.6, 1.6):
            draw.rectangle(
                (x + leg * thick - thick / 2, level - high, x + leg * thick + thick / 2, line * 2), fill=255
            )
        for bar in (0.02, 0.3, 0.62):
            draw.rectangle(
                (x - thick * 1.8, level - high * (1 - bar), x + thick * 1.8, level - high * (0.97 - bar)),
                fill=255,
            )
    draw.polygon(
        [
            (0, deck - 6),
            (width * 2, deck + tall * 0.05),
            (width * 2, deck + tall * 0.058),
            (0, deck + tall * 0.034),
        ],
        fill=255,
    )
    ends = [(-width * 0.35, deck - tall * 0.8), *tops, (width * 2.1, deck)]
    for left, right in zip(ends, ends[1:], strict=False):
        points = []
        for step in range(41):
            t = step / 40
            low = min(deck - 8, deck - 8) - (left[1] * (1 - t) + right[1] * t)
            sag = 4 * t * (1 - t) * low * 0.92
            x, y = left[0] + (right[0] - left[0]) * t, left[1] * (1 - t) + right[1] * t + sag
            points.append((x, y))
            if step % 2:
                draw.line((x, y, x, deck), fill=110, width=2)
        draw.line(points, fill=255, width=5)
    mask = shape.resize(size, Image.Resampling.BOX)
    fade = gradient(
        (tall, width), [(0, (255, 255, 255)), (0.55, (160, 160, 160)), (1, (24, 24, 24))]
    ).transpose(Image.Transpose.ROTATE_90)
    mask = ImageChops.multiply(mask, fade.resize(size).convert("L"))
    paint(picture, mix(palette.shade, palette.middle, 0.12), mask)
    picture = reflect(rng, picture, line, calm=0.45, tint=mix(palette.shade, palette.middle, 0.5))
    drift = levels(noise(rng, size, (3, 9), 4), 100, 200)
    fog = ImageChops.multiply(
        drift,
        ramp(size, [(0, 0), (line / tall - 0.35, 0), (line / tall, 235), (line / tall + 0.14, 40), (1, 0)]),
    )
    paint(picture, mix(palette.horizon, palette.light, 0.4), fog, 0.9)
    return picture


def stairs(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A spiral staircase seen from below or above, all curves and shade."""
    width, tall = size
    picture = gradient(size, [(0, palette.shade), (1, mix(palette.shade, palette.middle, 0.3))])
    x, y = width * rng.uniform(0.45, 0.55), tall * rng.uniform(0.42, 0.55)
    turns, steps = rng.uniform(2.2, 2.9), 92
    start, squash = rng.uniform(0, 6.28), rng.uniform(0.82, 0.96)
    reach = math.hypot(width, tall) * 0.62
    draw = ImageDraw.Draw(picture)
    for number in range(steps):
        share = number / steps
        outer = reach * (1 - share) ** 1.25 + reach * 0.05
        inner = outer * 0.56
        angle = start + turns * 2 * math.pi * share
        following = angle + turns * 2 * math.pi / steps * 1.04
        corners = [
            (x + math.cos(turn) * radius, y + math.sin(turn) * radius * squash)
            for turn, radius in ((angle, outer), (following, outer), (following, inner), (angle, inner))
        ]
        light = 0.5 + 0.5 * math.cos(angle - start - 0.8)
        shade = mix(palette.shade, palette.light, 0.1 + 0.62 * light**1.6 * (0.35 + 0.65 * share))
        draw.polygon(corners, fill=shade)
        draw.line([corners[0], corners[3]], fill=mix(shade, palette.shade, 0.55), width=3)
        rail = [
            (x + math.cos(turn) * inner, y + math.sin(turn) * inner * squash) for turn in (angle, following)
        ]
        draw.line(rail, fill=mix(palette.light, palette.middle, 0.25), width=max(3, round(11 * (1 - share))))
    picture = picture.filter(ImageFilter.GaussianBlur(1.1))
    return add_light(picture, glow(size, (x, y), reach * 0.28), palette.light, 0.95)


BUILDINGS: dict[str, SceneMaker] = {
    "arches": arches,
    "bridge": bridge,
    "stairs": stairs,
}
