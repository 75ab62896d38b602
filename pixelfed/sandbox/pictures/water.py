"""Scenes of water and of the night sky."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pixelfed.sandbox.pictures.brushes import (
    Palette,
    SceneMaker,
    Size,
    add_light,
    below,
    glitter,
    glow,
    gradient,
    haze,
    levels,
    mix,
    noise,
    paint,
    ramp,
    reflect,
    relief,
    ridge,
    sky,
    sun,
    water_surface,
    waves,
)
from pixelfed.sandbox.pictures.terrain import pines, ranges, sun_place


def seaside(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """The open sea with the sun's path on it and a headland or rocks in front."""
    width, tall = size
    horizon = rng.uniform(0.46, 0.58)
    line = round(tall * horizon)
    picture = sky(rng, size, palette, horizon, rng.uniform(0.5, 1.0))
    place = sun_place(rng, size, horizon, 0.02, 0.1)
    picture = sun(picture, palette, place, disc=tall * 0.018)
    far = mix(palette.horizon, palette.shade, 0.45)
    if rng.random() < 0.6:
        edge = ridge(rng, width, 0.5)
        coast = [line - tall * 0.05 * value * max(0.0, 1 - x / width * 1.6) for x, value in enumerate(edge)]
        paint(picture, far, below(size, coast))
    picture = reflect(rng, picture, line, calm=0.35, tint=mix(palette.shade, palette.middle, 0.3))
    picture = glitter(rng, picture, palette, place[0], line, 0.95)
    haze(picture, palette.horizon, [(0, 0), (horizon - 0.05, 0), (horizon, 70), (horizon + 0.06, 0), (1, 0)])
    return _rocks(rng, picture, palette)


def _rocks(rng: Random, picture: Image.Image, palette: Palette) -> Image.Image:
    """Put dark rocks into the lower corner, with a wet rim of light."""
    size = picture.size
    width, tall = size
    left = rng.random() < 0.5
    heights = ridge(rng, width, 0.58)
    line = []
    for x, value in enumerate(heights):
        near = 1 - x / width if left else x / width
        line.append(tall * (1.02 - 0.2 * max(0.0, near * 1.6 - 0.62) * (0.55 + 0.6 * value)))
    mask = below(size, line)
    stone = Image.merge("RGB", [relief(rng, size, (22, 16), 1.5)] * 3)
    body = ImageChops.overlay(Image.new("RGB", size, mix(palette.shade, palette.middle, 0.16)), stone)
    paint(picture, body, mask)
    rim = ImageChops.subtract(mask, ImageChops.offset(mask, 0, 3)).filter(ImageFilter.GaussianBlur(1))
    return add_light(picture, rim, mix(palette.horizon, palette.light, 0.5), 0.35)


def shore(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A long exposure: smooth water, a row of posts that runs out into it."""
    width, tall = size
    horizon = rng.uniform(0.38, 0.5)
    line = round(tall * horizon)
    picture = sky(rng, size, palette, horizon, 0.7)
    silk = gradient(
        size,
        [
            (0, palette.horizon),
            (horizon, palette.horizon),
            (horizon + 0.12, palette.middle),
            (1, palette.top),
        ],
    )
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, line, width, tall))
    paint(picture, silk, mask)
    veil = levels(noise(rng, (width, tall - line), (2, 14), 3), 120, 220, 150)
    whole = Image.new("L", size, 0)
    whole.paste(veil, (0, line))
    paint(picture, mix(palette.horizon, (255, 255, 255), 0.45), whole, 0.8)
    paint(
        picture,
        mix(palette.middle, palette.shade, 0.4),
        ramp(size, [(0, 0), (horizon - 0.012, 0), (horizon, 110), (horizon + 0.05, 0), (1, 0)]),
        0.5,
    )
    posts = Image.new("L", size, 0)
    mirror = Image.new("L", size, 0)
    draw, draw_mirror = ImageDraw.Draw(posts), ImageDraw.Draw(mirror)
    start, end = rng.uniform(0.1, 0.3), rng.uniform(0.52, 0.62)
    if rng.random() < 0.5:
        start, end = 1 - start, 1 - end
    count = rng.randint(9, 14)
    for number in range(count):
        near = 1 - (number / count) ** 0.55
        x = width * (end + (start - end) * near**1.5)
        foot = line + (tall - line) * (0.04 + 0.8 * near**1.7)
        high = tall * (0.016 + 0.15 * near**1.4) * rng.uniform(0.8, 1.15)
        thick = max(1.2, width * 0.011 * near**1.2)
        lean = rng.uniform(-0.05, 0.05) * high
        draw.polygon(
            [
                (x - thick, foot),
                (x - thick + lean, foot - high),
                (x + thick + lean, foot - high),
                (x + thick, foot),
            ],
            fill=255,
        )
        draw_mirror.polygon(
            [
                (x - thick, foot),
                (x + thick, foot),
                (x + thick - lean, foot + high * 0.8),
                (x - thick - lean, foot + high * 0.8),
            ],
            fill=150,
        )
    paint(picture, palette.shade, mirror.filter(ImageFilter.GaussianBlur(3.4)), 0.65)
    paint(picture, mix(palette.shade, palette.middle, 0.08), posts.filter(ImageFilter.GaussianBlur(0.7)))
    return picture


def lake(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Mountains mirrored in still water, mist along the far bank."""
    horizon = rng.uniform(0.5, 0.58)
    tall = size[1]
    line = round(tall * horizon)
    picture = sky(rng, size, palette, horizon, rng.uniform(0.5, 1.0))
    picture = sun(picture, palette, sun_place(rng, size, horizon, 0.12, 0.25))
    picture = ranges(
        rng,
        picture,
        palette,
        first=horizon * 0.92,
        last=horizon + 0.01,
        count=3,
        rough=0.54,
        height=0.3,
        snow=rng.random() < 0.5,
    )
    picture = pines(rng, picture, palette, ground=horizon, tallest=0.05, count=160, flat=True)
    picture = reflect(rng, picture, line, calm=0.88, tint=mix(palette.shade, palette.top, 0.4))
    haze(
        picture,
        mix(palette.horizon, (255, 255, 255), 0.2),
        [(0, 0), (horizon - 0.06, 0), (horizon, 150), (horizon + 0.05, 0), (1, 0)],
    )
    return picture


def open_sea(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Heavy sea under heavy weather, with one far sail or island."""
    width, tall = size
    horizon = rng.uniform(0.4, 0.5)
    line = round(tall * horizon)
    picture = sky(rng, size, palette, horizon, 1.0)
    far = rng.uniform(0.25, 0.75) * width
    veil = Image.new("L", size, 0)
    ImageDraw.Draw(veil).polygon(
        [
            (far - width * 0.05, 0),
            (far + width * 0.02, 0),
            (far + width * 0.16, line),
            (far - width * 0.1, line),
        ],
        fill=120,
    )
    picture = add_light(picture, veil.filter(ImageFilter.GaussianBlur(width / 30)), palette.light, 0.5)
    depth = tall - line
    ground = mix(palette.middle, palette.shade, 0.62)
    water = gradient(
        (width, depth),
        [(0, mix(ground, palette.horizon, 0.35)), (0.15, ground), (1, mix(ground, (0, 0, 0), 0.35))],
    )
    surface = water_surface(rng, (width, depth))
    swell = ImageChops.subtract(surface, ImageChops.offset(surface, 4, 7), 0.42, 128)
    water = ImageChops.overlay(water, Image.merge("RGB", [swell] * 3))
    crests = levels(ImageChops.multiply(swell, surface), 122, 200)
    paint(water, mix(palette.horizon, (255, 255, 255), 0.4), crests, 0.7)
    picture.paste(water, (0, line))
    picture = glitter(rng, picture, palette, far, line, 0.45)
    x, s = far + width * 0.03, tall * 0.012
    ImageDraw.Draw(picture).polygon(
        [(x, line - s * 2.4), (x + s * 0.9, line - s * 0.2), (x, line - s * 0.2)],
        fill=mix(palette.light, palette.middle, 0.2),
    )
    haze(picture, palette.horizon, [(0, 0), (horizon - 0.04, 10), (horizon, 90), (horizon + 0.07, 0), (1, 0)])
    return picture


def stars(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """The night sky with the Milky Way over a ridge, and one lit tent or hut."""
    width, tall = size
    picture = gradient(
        size, [(0, palette.top), (0.6, palette.middle), (0.86, palette.horizon), (1, palette.horizon)]
    )
    cloud = noise(rng, size, (5, 5), 6)
    band = Image.new("L", (width * 2, tall * 2), 0)
    ImageDraw.Draw(band).rectangle((0, tall * 0.82, width * 2, tall * 1.18), fill=255)
    tilt = rng.choice((-1, 1)) * rng.uniform(35, 65)
    band = (
        band.filter(ImageFilter.GaussianBlur(tall * 0.1))
        .rotate(tilt, Image.Resampling.BILINEAR)
        .crop((width // 2, tall // 2, width // 2 + width, tall // 2 + tall))
    )
    river = ImageChops.multiply(band, levels(cloud, 84, 200))
    picture = add_light(picture, river, (150, 160, 214), 0.62)
    picture = add_light(
        picture,
        ImageChops.multiply(river, levels(noise(rng, size, (9, 9), 5), 130, 220)),
        (255, 206, 176),
        0.4,
    )
    points = Image.new("L", size, 0)
    draw = ImageDraw.Draw(points)
    dense = band.tobytes()
    for _ in range(2600):
        x, y = rng.randrange(width), rng.randrange(tall)
        if rng.random() * 300 > 120 + dense[y * width + x]:
            continue
        bright = min(255, int(40 + 215 * rng.random() ** 3.2))
        draw.point((x, y), fill=bright)
        if bright > 225:
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=bright)
    picture = add_light(picture, points, (226, 232, 255), 1.0)
    picture = add_light(
        picture,
        points.filter(ImageFilter.GaussianBlur(2.2)).point([min(255, grey * 3) for grey in range(256)]),
        (170, 190, 255),
        0.5,
    )
    picture = add_light(
        picture, glow(size, (width * rng.uniform(0.2, 0.8), tall * 0.92), width * 0.5), (255, 176, 110), 0.28
    )
    line = [tall * (0.9 - 0.12 * value) for value in ridge(rng, width, 0.5)]
    paint(
        picture,
        mix(palette.shade, palette.middle, 0.35),
        below(size, [value - tall * 0.05 for value in line], 1.5),
    )
    paint(picture, palette.shade, below(size, line))
    picture = pines(rng, picture, palette, ground=0.99, tallest=0.14, count=60)
    hut = (width * rng.uniform(0.3, 0.7), tall * rng.uniform(0.935, 0.96))
    picture = add_light(picture, glow(size, hut, width * 0.055), (255, 178, 92), 0.9)
    draw = ImageDraw.Draw(picture)
    half = width * 0.009
    draw.polygon(
        [
            (hut[0] - half, hut[1] + half * 0.7),
            (hut[0], hut[1] - half * 0.8),
            (hut[0] + half, hut[1] + half * 0.7),
        ],
        fill=(255, 206, 130),
    )
    return picture


def aurora(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Northern lights over a dark wood or a frozen lake."""
    width, tall = size
    picture = gradient(size, [(0, (6, 10, 28)), (0.6, (10, 26, 48)), (1, (22, 48, 66))])
    points = Image.new("L", size, 0)
    draw = ImageDraw.Draw(points)
    for _ in range(700):
        draw.point((rng.randrange(width), rng.randrange(tall)), fill=int(60 + 195 * rng.random() ** 3))
    picture = add_light(picture, points, (220, 230, 255), 0.9)
    for _ in range(3):
        rays = Image.frombytes("L", (90, 1), rng.randbytes(90)).resize((width, 1), Image.Resampling.BICUBIC)
        rays = rays.resize((width, tall), Image.Resampling.NEAREST)
        shape = ramp(size, [(0, 0), (0.12, 22), (0.34, 110), (0.5, 240), (0.57, 120), (0.61, 0), (1, 0)])
        broad = noise(rng, size, (5, 1), 2)
        curtain = ImageChops.multiply(ImageChops.blend(rays, broad, 0.62), shape)
        path = waves(rng, width, rng.uniform(0.6, 1.2))
        moved = Image.new("L", size, 0)
        step = 6
        lift, swing = rng.uniform(-0.12, 0.08) * tall, rng.uniform(0.2, 0.36) * tall
        for x in range(0, width, step):
            strip = curtain.crop((x, 0, min(width, x + step), tall))
            moved.paste(strip, (x, round(lift + swing * (path[x] - 0.5))))
        moved = moved.filter(ImageFilter.GaussianBlur(5))
        picture = add_light(picture, moved, (64, 236, 150), rng.uniform(0.45, 0.75))
        crown = ImageChops.multiply(moved, ramp(size, [(0, 200), (0.26, 130), (0.42, 0), (1, 0)]))
        picture = add_light(picture, crown, (168, 70, 190), 0.45)
    if rng.random() < 0.5:
        picture = pines(rng, picture, palette, ground=0.98, tallest=0.3, count=80)
    else:
        line = [tall * (0.76 - 0.1 * value) for value in ridge(rng, width, 0.52)]
        paint(picture, (8, 14, 24), below(size, line))
        picture = reflect(rng, picture, round(tall * 0.76), calm=0.75, tint=(8, 22, 36))
    return picture


WATER_AND_NIGHT: dict[str, SceneMaker] = {
    "seaside": seaside,
    "shore": shore,
    "lake": lake,
    "open_sea": open_sea,
    "stars": stars,
    "aurora": aurora,
}
