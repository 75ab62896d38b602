"""Scenes of land: mountains, dunes, woods, hills and fields in the light of an hour."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pixelfed.sandbox.pictures.brushes import (
    Palette,
    SceneMaker,
    Size,
    add_light,
    below,
    glow,
    gradient,
    haze,
    levels,
    mix,
    noise,
    paint,
    ramp,
    relief,
    ridge,
    sky,
    sun,
    waves,
)
from pixelfed.sandbox.pictures.terrain import branch, pine, pines, ranges, sun_place


def mountains(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Ranges one behind the other in haze, with a low sun."""
    horizon = rng.uniform(0.5, 0.62)
    picture = sky(rng, size, palette, horizon, rng.uniform(0.3, 0.8))
    picture = sun(picture, palette, sun_place(rng, size, horizon, 0.08, 0.2), disc=0)
    return ranges(
        rng, picture, palette, first=horizon, last=1.02, count=rng.randint(4, 6), rough=0.53, height=0.24
    )


def peaks(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """High peaks with snow on them, dark woods in front."""
    horizon = rng.uniform(0.62, 0.7)
    picture = sky(rng, size, palette, horizon, rng.uniform(0.4, 0.9))
    picture = ranges(
        rng,
        picture,
        palette,
        first=horizon,
        last=0.86,
        count=3,
        rough=0.56,
        height=0.42,
        snow=True,
    )
    haze(picture, palette.horizon, [(0, 0), (0.6, 0), (0.82, 120), (1, 0)])
    return pines(rng, picture, palette, ground=0.93, tallest=0.16, count=70)


def dunes(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Dunes with a lit and a shaded side, and the wind's ripples in front."""
    horizon = rng.uniform(0.36, 0.46)
    picture = sky(rng, size, palette, horizon, 0.15)
    picture = sun(picture, palette, sun_place(rng, size, horizon, 0.03, 0.12))
    width, tall = size
    sand = mix(palette.light, (214, 146, 86), 0.62)
    dark = mix(palette.shade, (120, 62, 40), 0.45)
    count = 5
    for number in range(count):
        share = number / (count - 1)
        base = tall * (horizon + 0.03 + 0.5 * share**1.4)
        swing = tall * (0.07 + 0.16 * share)
        line = [base - swing * value for value in waves(rng, width, rng.uniform(0.5, 0.9))]
        mask = below(size, line, 0.9)
        air = palette.horizon
        lit = mix(mix(sand, air, 0.6), sand, share)
        shaded = mix(mix(dark, air, 0.6), dark, share)
        body = gradient(size, [(0, lit), (base / tall * 0.9, lit), (1, mix(lit, shaded, 0.7))])
        crest = [
            value + swing * (0.25 + 0.9 * abs(math.sin(x / width * 3.1 + number * 1.7)))
            for x, value in enumerate(line)
        ]
        slope = ImageChops.subtract(mask, below(size, crest, 1.0))
        side = noise(rng, size, (3, 2), 1).point([min(255, max(0, (grey - 104) * 6)) for grey in range(256)])
        paint(body, shaded, ImageChops.multiply(slope, side.filter(ImageFilter.GaussianBlur(6))), 0.9)
        if share > 0.7:
            grain = noise(rng, size, (14, 120), 2)
            ripples = ImageChops.subtract(grain, ImageChops.offset(grain, 0, 3), 1.1, 128)
            body = ImageChops.soft_light(body, Image.merge("RGB", [ripples] * 3))
        paint(picture, body, mask)
    return picture


def forest(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Rows of conifers that sink into fog."""
    picture = gradient(size, [(0, palette.middle), (0.5, palette.horizon), (1, palette.middle)])
    picture = add_light(
        picture,
        glow(size, (size[0] * rng.uniform(0.25, 0.75), size[1] * 0.25), max(size) * 0.6),
        palette.light,
        0.35,
    )
    rows = rng.randint(5, 6)
    drift = noise(rng, size, (3, 5), 4)
    for number in range(rows):
        share = number / (rows - 1)
        air = mix(palette.horizon, palette.middle, share * 0.4)
        colour = mix(air, palette.shade, 0.1 + 0.86 * share**1.5)
        pines(
            rng,
            picture,
            palette,
            ground=0.42 + 0.62 * share,
            tallest=0.15 + 0.3 * share,
            count=round(150 - 95 * share),
            colour=colour,
            soft=0.9 - 0.3 * share,
        )
        if share < 1:
            fog = ImageChops.multiply(
                levels(drift, 90, 190),
                ramp(size, [(0, 0), (0.3 + 0.45 * share, 20), (0.5 + 0.5 * share, 210), (1, 140)]),
            )
            paint(picture, mix(palette.horizon, palette.light, 0.25), fog, 0.8 - 0.25 * share)
            drift = ImageChops.offset(drift, size[0] // 3, size[1] // 7)
    return picture


def lone_tree(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """One bare tree on a rise, nothing else but weather."""
    width, tall = size
    horizon = rng.uniform(0.66, 0.76)
    picture = sky(rng, size, palette, horizon, 0.5)
    if palette.brightness > 0.5:
        picture = sun(picture, palette, sun_place(rng, size, horizon, 0.1, 0.3))
    line = [tall * (horizon + 0.03 - 0.06 * value) for value in waves(rng, width, 0.45)]
    snowy = palette.name in ("winter", "mist", "overcast")
    near = mix(palette.horizon, (255, 255, 255), 0.5) if snowy else mix(palette.shade, palette.middle, 0.12)
    far = mix(palette.horizon, palette.middle, 0.4)
    paint(picture, far, below(size, [value - tall * 0.035 for value in line], 2.0), 0.7)
    ground = gradient(
        size, [(0, near), (horizon, mix(near, palette.middle, 0.2)), (1, mix(near, palette.shade, 0.25))]
    )
    texture = noise(rng, size, (8, 60), 4)
    ground = ImageChops.soft_light(ground, Image.merge("RGB", [texture] * 3))
    paint(picture, ground, below(size, line, 1.2))
    x = width * rng.choice((rng.uniform(0.3, 0.42), rng.uniform(0.58, 0.7)))
    foot = line[int(x)] + tall * 0.012
    crown = Image.new("L", (width * 2, tall * 2), 0)
    branch(
        rng,
        ImageDraw.Draw(crown),
        (x * 2, foot * 2),
        -math.pi / 2,
        tall * rng.uniform(0.17, 0.21),
        tall * 0.026,
        10,
    )
    tree = crown.resize(size, Image.Resampling.BOX)
    shadow = mix(palette.shade, palette.middle, 0.08)
    paint(picture, shadow, tree.point([min(255, grey * 2) for grey in range(256)]))
    fall = ImageChops.offset(tree.transpose(Image.Transpose.FLIP_TOP_BOTTOM), 0, round(2 * foot) - tall)
    fall = fall.resize((width, tall)).filter(ImageFilter.GaussianBlur(5))
    fall = ImageChops.multiply(fall, below(size, line, 1))
    paint(picture, mix(near, palette.shade, 0.5), fall, 0.35)
    haze(picture, palette.horizon, [(0, 0), (horizon - 0.1, 10), (horizon + 0.02, 70), (1, 0)])
    return picture


def winter_hills(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Snow-covered hills with blue shade, a few dark trees, snow in the air."""
    width, tall = size
    horizon = 0.42
    picture = sky(rng, size, palette, horizon, 0.6)
    white = mix(palette.horizon, (255, 255, 255), 0.7)
    blue = mix(palette.top, palette.middle, 0.5)
    for number in range(4):
        share = number / 3
        base = tall * (horizon + 0.06 + 0.42 * share)
        line = [base - tall * (0.08 + 0.05 * share) * value for value in waves(rng, width, 0.6)]
        crest = min(line) / tall
        body = gradient(
            size,
            [
                (0, white),
                (crest, white),
                (min(0.97, crest + 0.2), mix(white, blue, 0.5)),
                (1, mix(white, blue, 0.8)),
            ],
        )
        drifts = relief(rng, size, (3, 6), 1.1)
        body = ImageChops.soft_light(body, Image.merge("RGB", [drifts] * 3))
        paint(picture, body, below(size, line, 1.4))
        trees = Image.new("L", size, 0)
        draw = ImageDraw.Draw(trees)
        groups = [rng.uniform(0.05, 0.95) for _ in range(3)]
        for _ in range(round(70 - 56 * share)):
            x = rng.gauss(rng.choice(groups), 0.07) * width
            if 0 < x < width:
                high = tall * (0.02 + 0.15 * share**1.3) * rng.uniform(0.5, 1.3)
                pine(rng, draw, x, line[int(x)] + 3 + high * rng.uniform(0, 0.5), high)
        colour = mix(mix(blue, white, 0.45), palette.shade, 0.35 + 0.6 * share)
        paint(picture, colour, trees.filter(ImageFilter.GaussianBlur(0.7)), 0.92)
        haze(
            picture,
            palette.horizon,
            [(0, 0), (base / tall - 0.02, 0), (min(1, base / tall + 0.1), 60), (1, 0)],
        )
    flakes = Image.new("L", size, 0)
    draw = ImageDraw.Draw(flakes)
    for _ in range(260):
        x, y, r = rng.uniform(0, width), rng.uniform(0, tall), rng.uniform(0.6, 2.6)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.randint(90, 220))
    paint(picture, (255, 255, 255), flakes.filter(ImageFilter.GaussianBlur(1.1)), 0.75)
    return picture


def field(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A field of grass against the light, sharp in the middle and soft in front."""
    width, tall = size
    horizon = rng.uniform(0.4, 0.52)
    picture = sky(rng, size, palette, horizon, 0.35)
    place = sun_place(rng, size, horizon, 0.02, 0.12)
    picture = sun(picture, palette, place, disc=tall * 0.02)
    far = [tall * horizon - tall * 0.035 * value for value in ridge(rng, width, 0.5)]
    paint(picture, mix(palette.horizon, palette.shade, 0.45), below(size, far, 2.5))
    warm = mix(palette.light, (196, 142, 62), 0.55)
    soil = gradient(
        size, [(0, warm), (horizon, mix(warm, palette.horizon, 0.3)), (1, mix(warm, palette.shade, 0.72))]
    )
    paint(picture, soil, below(size, [tall * (horizon + 0.015)] * width, 1.5))
    for step in range(7):
        share = step / 6
        layer = Image.new("L", size, 0)
        draw = ImageDraw.Draw(layer)
        foot = tall * (horizon + 0.06 + 0.62 * share)
        for _ in range(round(420 - 340 * share)):
            x = rng.uniform(-0.02, 1.02) * width
            high = tall * (0.035 + 0.3 * share) * rng.uniform(0.6, 1.15)
            lean = rng.gauss(0.12, 0.1) * high
            weight = max(1, round(1 + 2.6 * share))
            draw.line(
                [(x, foot), (x + lean * 0.4, foot - high * 0.6), (x + lean, foot - high)],
                fill=rng.randint(120, 235),
                width=weight,
            )
            draw.ellipse(
                (
                    x + lean - weight * 1.4,
                    foot - high - weight * 4,
                    x + lean + weight * 1.4,
                    foot - high + weight * 2,
                ),
                fill=220,
            )
        blur = 0.5 + 6.5 * max(0.0, share - 0.45) ** 1.3
        near = mix(mix(warm, palette.light, 0.35), palette.shade, 0.12 + 0.78 * share)
        paint(picture, near, layer.filter(ImageFilter.GaussianBlur(blur)), 0.95)
        edge = ImageChops.subtract(layer, ImageChops.offset(layer, 2, 2)).filter(
            ImageFilter.GaussianBlur(blur + 0.4)
        )
        picture = add_light(picture, edge, mix(warm, palette.light, 0.6), 0.5 * (1 - share) + 0.1)
    return add_light(picture, glow(size, place, width * 0.5), palette.light, 0.4)


def fog_hills(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Rolling hills above a sea of fog, trees on the crests."""
    width, tall = size
    horizon = rng.uniform(0.34, 0.42)
    picture = sky(rng, size, palette, horizon, 0.3)
    picture = sun(picture, palette, sun_place(rng, size, horizon, 0.04, 0.14), disc=tall * 0.02)
    for number in range(6):
        share = number / 5
        base = tall * (horizon + 0.06 + 0.5 * share)
        line = [base - tall * (0.06 + 0.09 * share) * value for value in waves(rng, width, 0.9 - 0.3 * share)]
        colour = mix(mix(palette.horizon, palette.light, 0.2), palette.shade, 0.12 + 0.72 * share**1.4)
        trees = Image.new("L", size, 0)
        draw = ImageDraw.Draw(trees)
        for _ in range(round(26 * (1.2 - share))):
            x = rng.uniform(0, width - 1)
            r = tall * (0.006 + 0.016 * share) * rng.uniform(0.6, 1.3)
            y = line[int(x)]
            for _ in range(7):
                dx, dy = rng.gauss(0, r * 0.6), rng.gauss(-r * 0.8, r * 0.4)
                draw.ellipse(
                    (x + dx - r * 0.55, y + dy - r * 0.5, x + dx + r * 0.55, y + dy + r * 0.5), fill=255
                )
            draw.line((x, y + 3, x, y - r), fill=255, width=max(1, int(r * 0.16)))
        mask = ImageChops.lighter(below(size, line, 0.8), trees.filter(ImageFilter.GaussianBlur(0.8)))
        body = gradient(
            size,
            [
                (0, colour),
                (min(0.98, base / tall), colour),
                (min(0.99, base / tall + 0.13), mix(colour, palette.horizon, 0.86)),
                (1, palette.horizon),
            ],
        )
        paint(picture, body, mask)
    drift = levels(noise(rng, size, (3, 8), 4), 110, 210)
    paint(
        picture,
        mix(palette.horizon, palette.light, 0.5),
        ImageChops.multiply(drift, ramp(size, [(0, 0), (horizon, 0), (0.75, 170), (1, 60)])),
        0.7,
    )
    return picture


LAND: dict[str, SceneMaker] = {
    "mountains": mountains,
    "peaks": peaks,
    "dunes": dunes,
    "forest": forest,
    "lone_tree": lone_tree,
    "winter_hills": winter_hills,
    "field": field,
    "fog_hills": fog_hills,
}
