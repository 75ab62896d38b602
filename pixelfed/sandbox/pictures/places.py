"""Scenes of towns: a skyline, a harbour, a wet street at night."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pixelfed.sandbox.pictures.brushes import (
    Colour,
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
    ridge,
    sky,
    sun,
)

WARM: tuple[Colour, ...] = ((255, 204, 132), (255, 184, 104), (255, 226, 176), (236, 240, 255))
STREET_LIGHTS: tuple[Colour, ...] = (
    (255, 176, 92),
    (255, 120, 84),
    (120, 190, 255),
    (255, 226, 170),
    (240, 80, 90),
)


def city(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A skyline at the blue hour, windows lit, mirrored in the river."""
    width, tall = size
    line = round(tall * rng.uniform(0.6, 0.68))
    picture = sky(rng, size, palette, line / tall, rng.uniform(0.4, 0.9))
    picture = add_light(
        picture, glow(size, (width * rng.uniform(0.3, 0.7), line), width * 0.6), palette.light, 0.35
    )
    for share in (0.0, 0.5, 1.0):
        houses = Image.new("L", size, 0)
        lamps = Image.new("L", size, 0)
        draw, lit = ImageDraw.Draw(houses), ImageDraw.Draw(lamps)
        x = -10.0
        profile = ridge(rng, 64, 0.7, 6)
        while x < width:
            wide = width * rng.uniform(0.018, 0.05) * (0.7 + 0.6 * share)
            rise = profile[min(63, max(0, int(x / width * 63)))]
            high = tall * (0.06 + 0.3 * rise**1.7 * (1 - 0.42 * share) + 0.03 * rng.random())
            top = line - high
            draw.rectangle((x, top, x + wide, line), fill=255)
            if rng.random() < 0.3:
                draw.rectangle((x + wide * 0.3, top - high * 0.07, x + wide * 0.7, top), fill=255)
            if rng.random() < 0.12 and high > tall * 0.2:
                draw.line((x + wide / 2, top - high * 0.22, x + wide / 2, top), fill=255, width=2)
            if share > 0.2:
                _windows(rng, lit, x, top, wide, line, share)
            x += wide * rng.uniform(0.8, 1.0)
        air = mix(palette.horizon, palette.middle, 0.45)
        body = gradient(
            size,
            [
                (0, mix(air, palette.shade, 0.35 + 0.55 * share)),
                (line / tall, mix(air, palette.shade, 0.2 + 0.6 * share)),
                (1, palette.shade),
            ],
        )
        paint(picture, body, houses.filter(ImageFilter.GaussianBlur(0.6)))
        colour = rng.choice(WARM[:3])
        picture = add_light(picture, lamps, colour, 0.95)
        picture = add_light(
            picture,
            lamps.filter(ImageFilter.GaussianBlur(5)).point([min(255, g * 2) for g in range(256)]),
            colour,
            0.5,
        )
    picture = add_light(
        picture, ramp(size, [(0, 0), (line / tall - 0.09, 0), (line / tall, 120), (1, 0)]), palette.light, 0.4
    )
    return reflect(rng, picture, line, calm=0.42, tint=mix(palette.shade, palette.top, 0.5))


def _windows(
    rng: Random, draw: ImageDraw.ImageDraw, x: float, top: float, wide: float, line: float, share: float
) -> None:
    """Light some windows of one house, floor by floor."""
    step = 5 + 3 * share
    busy = rng.uniform(0.12, 0.5)
    y = top + step
    while y < line - 3:
        floor = busy * rng.uniform(0.3, 1.6)
        column = x + 3
        while column < x + wide - 4:
            if rng.random() < floor:
                draw.rectangle((column, y, column + step * 0.36, y + step * 0.3), fill=rng.randint(110, 255))
            column += step * 0.8
        y += step


def harbour(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """Moored boats with their masts in still water, hills behind, the sun low."""
    width, tall = size
    line = round(tall * rng.uniform(0.52, 0.6))
    picture = sky(rng, size, palette, line / tall, rng.uniform(0.4, 0.8))
    place = (width * rng.uniform(0.25, 0.75), line - tall * rng.uniform(0.03, 0.09))
    picture = sun(picture, palette, place, disc=tall * 0.017)
    for share in (0.25, 0.5):
        hills = [line + 2 - tall * 0.1 * (1.2 - share) * value for value in ridge(rng, width, 0.48)]
        paint(picture, mix(palette.horizon, palette.shade, share), below(size, hills))
    boats = Image.new("L", size, 0)
    draw = ImageDraw.Draw(boats)
    for _ in range(rng.randint(5, 9)):
        x = rng.uniform(0.03, 0.97) * width
        near = rng.random() ** 1.5
        long = width * (0.035 + 0.075 * near)
        deck = line + 1
        hull = long * rng.uniform(0.13, 0.18)
        draw.polygon(
            [
                (x - long * 0.5, deck - hull),
                (x + long * 0.56, deck - hull * 1.25),
                (x + long * 0.4, deck),
                (x - long * 0.42, deck),
            ],
            fill=255,
        )
        cabin = long * 0.16
        if rng.random() < 0.7:
            draw.polygon(
                [
                    (x - cabin, deck - hull),
                    (x - cabin * 0.8, deck - hull * 1.9),
                    (x + cabin * 0.7, deck - hull * 1.9),
                    (x + cabin * 1.3, deck - hull),
                ],
                fill=255,
            )
        mast = x + long * rng.uniform(-0.05, 0.12)
        high = long * rng.uniform(1.3, 1.9)
        draw.line((mast, deck - hull, mast, deck - high), fill=255, width=max(2, round(long * 0.016)))
        draw.line(
            (mast, deck - hull * 1.7, x - long * 0.42, deck - hull * 1.6),
            fill=255,
            width=max(2, round(long * 0.022)),
        )
        for end in (x - long * 0.48, x + long * 0.54):
            draw.line((mast, deck - high, end, deck - hull), fill=130, width=1)
    paint(picture, mix(palette.shade, palette.middle, 0.1), boats.filter(ImageFilter.GaussianBlur(0.7)))
    picture = reflect(rng, picture, line, calm=0.6, tint=mix(palette.shade, palette.middle, 0.35))
    picture = glitter(rng, picture, palette, place[0], line, 0.6)
    haze(
        picture,
        palette.horizon,
        [(0, 0), (line / tall - 0.1, 0), (line / tall, 60), (line / tall + 0.05, 0), (1, 0)],
    )
    return picture


def wet_street(rng: Random, size: Size, palette: Palette) -> Image.Image:
    """A street at night after rain: lights out of focus, mirrored, somebody under an umbrella."""
    width, tall = size
    line = round(tall * rng.uniform(0.56, 0.64))
    dusk = mix(palette.middle, (196, 132, 88), 0.4)
    picture = gradient(size, [(0, palette.top), (line / tall, dusk), (1, palette.shade)])
    walls = Image.new("L", size, 0)
    draw = ImageDraw.Draw(walls)
    vanish = width * rng.uniform(0.38, 0.62)
    for side in (0, width):
        draw.polygon(
            [
                (side, -tall * 0.1),
                (vanish + (side - vanish) * 0.12, line - tall * 0.2),
                (vanish + (side - vanish) * 0.12, line),
                (side, line + tall * 0.1),
            ],
            fill=235,
        )
    paint(picture, mix(palette.shade, palette.middle, 0.18), walls.filter(ImageFilter.GaussianBlur(9)))
    for soft, count, largest in ((1.4, 46, 0.020), (2.4, 26, 0.034), (5.0, 9, 0.06)):
        for colour in rng.sample(STREET_LIGHTS, 4):
            discs = Image.new("L", size, 0)
            spot = ImageDraw.Draw(discs)
            for _ in range(count // 4 + 1):
                far = rng.random()
                x = vanish + (rng.random() - 0.5) * width * (0.2 + 0.9 * far)
                y = line - tall * (0.02 + 0.42 * far * rng.random())
                r = width * largest * (0.35 + 0.65 * far)
                spot.ellipse((x - r, y - r, x + r, y + r), fill=rng.randint(90, 190))
            picture = add_light(picture, discs.filter(ImageFilter.GaussianBlur(soft)), colour, 0.55)
    person = Image.new("L", size, 0)
    _walker(
        ImageDraw.Draw(person), vanish + width * rng.uniform(-0.12, 0.12), line + tall * 0.035, tall * 0.165
    )
    paint(picture, mix(palette.shade, (0, 0, 0), 0.4), person.filter(ImageFilter.GaussianBlur(1.5)))
    picture = reflect(
        rng, picture, line + round(tall * 0.036), calm=0.2, tint=mix(palette.shade, (0, 0, 0), 0.4)
    )
    stones = levels(noise(rng, size, (40, 60), 3), 120, 200)
    shine = ImageChops.multiply(stones, ramp(size, [(0, 0), (line / tall, 0), (1, 150)]))
    return add_light(picture, shine, (255, 190, 120), 0.22)


def _walker(draw: ImageDraw.ImageDraw, x: float, foot: float, high: float) -> None:
    """Draw a person with an umbrella as a mask."""
    wide = high * 0.11
    draw.polygon(
        [
            (x - wide * 0.75, foot),
            (x - wide, foot - high * 0.58),
            (x + wide, foot - high * 0.58),
            (x + wide * 0.55, foot),
        ],
        fill=255,
    )
    draw.ellipse((x - wide * 0.52, foot - high * 0.72, x + wide * 0.52, foot - high * 0.56), fill=255)
    draw.pieslice((x - wide * 3.1, foot - high, x + wide * 3.1, foot - high * 0.52), 180, 360, fill=255)
    draw.line((x + wide * 0.6, foot - high * 0.45, x + wide * 0.2, foot - high * 0.98), fill=255, width=3)


PLACES: dict[str, SceneMaker] = {
    "city": city,
    "harbour": harbour,
    "wet_street": wet_street,
}
