"""The tools that generated photographs are painted with: gradients, noise, haze, ridges, light, film."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

type Colour = tuple[int, int, int]
type Size = tuple[int, int]
type Stops = Sequence[tuple[float, Colour]]

BILINEAR = Image.Resampling.BILINEAR
BICUBIC = Image.Resampling.BICUBIC


@dataclass(frozen=True)
class Palette:
    """The light of one hour: the sky from top to horizon, the sun's colour, and what lies in shade."""

    name: str
    top: Colour
    middle: Colour
    horizon: Colour
    light: Colour
    shade: Colour

    @property
    def brightness(self) -> float:
        """How light the horizon is, from 0 to 1."""
        return sum(self.horizon) / 765


PALETTES = {
    palette.name: palette
    for palette in (
        Palette("dawn", (84, 112, 156), (186, 160, 178), (252, 214, 184), (255, 240, 214), (38, 42, 62)),
        Palette("golden", (104, 134, 164), (226, 192, 146), (255, 222, 158), (255, 246, 222), (54, 40, 32)),
        Palette("ember", (40, 42, 78), (156, 72, 76), (250, 152, 80), (255, 226, 164), (16, 14, 22)),
        Palette("blue", (16, 28, 62), (48, 78, 128), (142, 152, 182), (255, 206, 150), (9, 13, 26)),
        Palette("overcast", (146, 156, 164), (182, 190, 194), (216, 218, 216), (240, 240, 236), (50, 56, 58)),
        Palette("mist", (190, 200, 204), (208, 214, 214), (228, 228, 222), (250, 246, 236), (66, 78, 80)),
        Palette("teal", (28, 70, 90), (98, 146, 150), (226, 220, 194), (255, 244, 214), (16, 32, 38)),
        Palette("violet", (54, 48, 100), (140, 106, 158), (242, 188, 182), (255, 226, 206), (24, 20, 42)),
        Palette("winter", (126, 160, 198), (190, 208, 226), (240, 236, 232), (255, 250, 240), (52, 64, 84)),
        Palette("night", (5, 9, 22), (11, 21, 46), (32, 46, 74), (214, 224, 244), (3, 5, 10)),
        Palette("storm", (42, 48, 58), (90, 98, 106), (186, 182, 170), (226, 222, 206), (22, 26, 30)),
        Palette("noon", (62, 118, 178), (132, 176, 212), (206, 222, 228), (255, 252, 240), (40, 52, 44)),
    )
}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two; `share` 0 is the first, 1 the second."""
    share = min(1.0, max(0.0, share))
    return (
        round(first[0] + (second[0] - first[0]) * share),
        round(first[1] + (second[1] - first[1]) * share),
        round(first[2] + (second[2] - first[2]) * share),
    )


def gradient(size: Size, stops: Stops) -> Image.Image:
    """Return a vertical gradient; stops are (place from 0 to 1, colour), in order."""
    rows = 256
    strip = Image.new("RGB", (1, rows))
    pixels = []
    for row in range(rows):
        place = row / (rows - 1)
        below = max((stop for stop in stops if stop[0] <= place), default=stops[0], key=lambda stop: stop[0])
        above = min((stop for stop in stops if stop[0] >= place), default=stops[-1], key=lambda stop: stop[0])
        span = above[0] - below[0]
        share = (place - below[0]) / span if span else 0.0
        pixels.append(mix(below[1], above[1], share * share * (3 - 2 * share)))
    strip.putdata(pixels)
    return strip.resize((1, size[1]), BICUBIC).resize(size, Image.Resampling.NEAREST)


def ramp(size: Size, stops: Sequence[tuple[float, int]]) -> Image.Image:
    """Return a vertical gradient of greys, for use as a mask."""
    return gradient(size, [(place, (grey, grey, grey)) for place, grey in stops]).convert("L")


def noise(rng: Random, size: Size, cells: Size, octaves: int = 4) -> Image.Image:
    """Return soft grey noise around 128: `cells` patches in each direction, finer ones laid over them."""
    half = (max(2, size[0] // 2), max(2, size[1] // 2))
    total = Image.new("L", half, 128)
    for octave in range(octaves):
        across = max(2, min(half[0], cells[0] << octave))
        down = max(2, min(half[1], cells[1] << octave))
        layer = Image.frombytes("L", (across, down), rng.randbytes(across * down)).resize(half, BICUBIC)
        total = Image.blend(total, layer, (1.0, 0.38)[octave] if octave < 2 else 0.24)
    return total.resize(size, BILINEAR)


def levels(image: Image.Image, low: int, high: int, top: int = 255) -> Image.Image:
    """Stretch greys so that `low` becomes 0 and `high` becomes `top`."""
    span = max(1, high - low)
    return image.point([max(0, min(top, round((grey - low) * top / span))) for grey in range(256)])


def glow(size: Size, centre: tuple[float, float], radius: float, power: float = 1.0) -> Image.Image:
    """Return a mask of light around a point; `centre` and `radius` are pixels."""
    span = max(2, round(radius * 2))
    disc = ImageChops.invert(Image.radial_gradient("L")).point(
        [round(255 * max(0.0, (grey / 255 - 0.0)) ** (2.2 * power)) for grey in range(256)]
    )
    mask = Image.new("L", size, 0)
    mask.paste(disc.resize((span, span), BILINEAR), (round(centre[0] - radius), round(centre[1] - radius)))
    return mask


def add_light(picture: Image.Image, mask: Image.Image, colour: Colour, strength: float = 1.0) -> Image.Image:
    """Return the picture with coloured light laid over it where the mask is bright."""
    light = Image.merge(
        "RGB",
        [mask.point([round(grey * part / 255 * strength) for grey in range(256)]) for part in colour],
    )
    return ImageChops.screen(picture, light)


def paint(
    picture: Image.Image, colour: Colour | Image.Image, mask: Image.Image, strength: float = 1.0
) -> None:
    """Put a colour or another picture onto `picture` where the mask is bright."""
    if strength < 1.0:
        mask = mask.point([round(grey * strength) for grey in range(256)])
    picture.paste(colour, (0, 0, *picture.size), mask)


def sky(rng: Random, size: Size, palette: Palette, horizon: float, clouds: float = 0.5) -> Image.Image:
    """Return a sky down to `horizon` (share of the height), with streaked clouds lit from below."""
    width, height = size
    stops = [
        (0.0, palette.top),
        (horizon * 0.55, palette.middle),
        (horizon, palette.horizon),
        (1.0, palette.horizon),
    ]
    picture = gradient(size, stops)
    if clouds <= 0:
        return picture
    band = round(height * horizon)
    flat = noise(rng, (width, band), (rng.randint(2, 3), rng.randint(4, 7)), 6)
    # Clouds overhead are broad, those far off lie close together.
    inset = width * 0.34
    corners = (inset, 0, 0, band, width, band, width - inset, 0)
    shape = flat.transform((width, band), Image.Transform.QUAD, corners, BICUBIC)
    thick = levels(shape, round(150 - 34 * clouds), 226)
    thick = ImageChops.multiply(thick, ramp((width, band), [(0, 255), (0.75, 215), (1, 70)]))
    edge = levels(shape, round(146 - 34 * clouds), 170)
    whole = Image.new("L", size, 0)
    lit = mix(palette.light, palette.horizon, 0.45)
    grey = mix(palette.middle, palette.top, 0.45)
    whole.paste(edge, (0, 0))
    bright = gradient(size, [(0, mix(palette.middle, lit, 0.3)), (horizon * 0.8, lit), (1, lit)])
    paint(picture, bright, ImageChops.multiply(whole, ramp(size, [(0, 170), (horizon, 110), (1, 0)])), 0.62)
    whole.paste(thick, (0, 0))
    under = gradient(
        size, [(0, grey), (horizon * 0.85, mix(grey, palette.horizon, 0.55)), (1, palette.horizon)]
    )
    paint(picture, under, whole, 0.3 + 0.5 * clouds)
    return picture


def sun(
    picture: Image.Image, palette: Palette, centre: tuple[float, float], *, disc: float = 0.0
) -> Image.Image:
    """Return the picture with the glow of a sun at `centre` (pixels); `disc` is its radius, 0 hides it."""
    size = picture.size
    reach = max(size)
    warm = mix(palette.horizon, palette.light, 0.4)
    picture = add_light(picture, glow(size, centre, reach * 0.7, 1.0), warm, 0.5)
    picture = add_light(picture, glow(size, centre, reach * 0.22, 1.1), palette.light, 0.75)
    if disc:
        mask = Image.new("L", size, 0)
        x, y = centre
        ImageDraw.Draw(mask).ellipse((x - disc, y - disc, x + disc, y + disc), fill=255)
        paint(picture, mix(palette.light, (255, 255, 255), 0.6), mask.filter(ImageFilter.GaussianBlur(1.6)))
    return picture


def ridge(rng: Random, width: int, roughness: float, detail: int = 9) -> list[float]:
    """Return a jagged line of `width` heights between 0 and 1, by halving and shifting."""
    points = [rng.random(), rng.random()]
    swing = 0.5
    for _ in range(detail):
        finer = []
        for left, right in zip(points, points[1:], strict=False):
            finer += [left, (left + right) / 2 + rng.uniform(-swing, swing)]
        points = [*finer, points[-1]]
        swing *= roughness
    low, high = min(points), max(points)
    points = [(point - low) / (high - low) for point in points]
    step = (len(points) - 1) / max(1, width - 1)
    line = []
    for x in range(width):
        place = x * step
        left = min(int(place), len(points) - 2)
        line.append(points[left] + (points[left + 1] - points[left]) * (place - left))
    return line


def waves(rng: Random, width: int, bumps: float) -> list[float]:
    """Return a smooth line of `width` heights between 0 and 1, as hills and dunes have."""
    parts = [
        (rng.uniform(0.5, 1.2) * bumps * factor, rng.uniform(0, 6.3), 1 / factor) for factor in (1, 1.9, 3.1)
    ]
    line = [
        sum(weight * math.sin(2 * math.pi * speed * x / width + start) for speed, start, weight in parts)
        for x in range(width)
    ]
    low, high = min(line), max(line)
    return [(value - low) / (high - low) for value in line]


def below(size: Size, line: Sequence[float], blur: float = 0.7) -> Image.Image:
    """Return a mask of everything below a line given in pixels from the top."""
    width, height = size
    mask = Image.new("L", size, 0)
    outline = [(x, line[min(x, len(line) - 1)]) for x in range(0, width, 2)]
    ImageDraw.Draw(mask).polygon([(0, height), *outline, (width, line[-1]), (width, height)], fill=255)
    return mask.filter(ImageFilter.BoxBlur(blur)) if blur else mask


def relief(rng: Random, size: Size, cells: Size, strength: float = 1.0) -> Image.Image:
    """Return the light and shade of a rough surface lit from the upper left, around 128."""
    ground = noise(rng, size, cells, 5).filter(ImageFilter.GaussianBlur(1.2))
    shifted = ImageChops.offset(ground, 7, 5)
    return ImageChops.subtract(ground, shifted, 1 / (1.5 * strength), 128)


def reflect(
    rng: Random, picture: Image.Image, waterline: int, *, calm: float = 0.7, tint: Colour = (20, 40, 60)
) -> Image.Image:
    """Return the picture with everything below `waterline` turned into water that mirrors what is above."""
    width, height = picture.size
    depth = height - waterline
    source = picture.crop((0, max(0, waterline - depth), width, waterline))
    mirror = source.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((width, depth), BILINEAR)
    squeezed = mirror.resize((width, max(2, round(depth * (0.08 + 0.5 * calm)))), BILINEAR)
    mirror = squeezed.resize((width, depth), BILINEAR)
    ripple = noise(rng, (2, depth), (2, max(3, depth // 7)), 2).resize((1, depth)).tobytes()
    water = Image.new("RGB", (width, depth))
    row = 0
    while row < depth:
        thick = max(1, round(1 + 5 * row / depth))
        swing = (1 - calm) * (4 + 40 * row / depth)
        shift = round((ripple[row] - 128) / 128 * swing)
        strip = mirror.crop((0, row, width, min(depth, row + thick)))
        water.paste(ImageChops.offset(strip, shift, 0), (0, row))
        row += thick
    water = water.filter(ImageFilter.GaussianBlur(1.1))
    surface = water_surface(rng, (width, depth))
    light = levels(surface, 150, 240, round(60 + 70 * (1 - calm)))
    dark = levels(ImageChops.invert(surface), 150, 240, round(40 + 60 * (1 - calm)))
    paint(water, tint, ramp((width, depth), [(0, 20), (1, 120)]))
    paint(water, mix(tint, (0, 0, 0), 0.5), dark)
    water = ImageChops.screen(water, Image.merge("RGB", [light.point([g // 4 for g in range(256)])] * 3))
    result = picture.copy()
    result.paste(water, (0, waterline))
    return result


def water_surface(rng: Random, size: Size) -> Image.Image:
    """Return a field of ripples in perspective: fine and flat far away, broad in front."""
    width, height = size
    ground = noise(rng, (384, 384), (14, 70), 3)
    surface = Image.new("L", size)
    row, place = 0, 0.0
    while row < height:
        nearness = row / height
        thick = max(1, round(1 + 9 * nearness))
        span = round(384 * (0.95 - 0.6 * nearness))
        left = (384 - span) // 2
        top = int(place) % 380
        strip = ground.resize((width, thick), BILINEAR, box=(left, top, left + span, min(384, top + 2.0)))
        surface.paste(strip, (0, row))
        row += thick
        place += 1.6
    return surface.filter(ImageFilter.GaussianBlur(0.8))


def glitter(
    rng: Random, picture: Image.Image, palette: Palette, x: float, waterline: int, strength: float = 1.0
) -> Image.Image:
    """Return the picture with the sun's path on the water below `waterline`."""
    width, height = picture.size
    depth = height - waterline
    path = Image.new("L", (width, depth), 0)
    narrow, broad = width * 0.018, width * 0.10
    ImageDraw.Draw(path).polygon(
        [(x - narrow, 0), (x + narrow, 0), (x + broad, depth), (x - broad, depth)], fill=255
    )
    path = path.filter(ImageFilter.GaussianBlur(width / 34))
    sparks = levels(water_surface(rng, (width, depth)), 128, 178)
    mask = Image.new("L", picture.size, 0)
    mask.paste(ImageChops.multiply(path, sparks), (0, waterline))
    return add_light(picture, mask, mix(palette.horizon, palette.light, 0.65), strength)


def haze(picture: Image.Image, colour: Colour, stops: Sequence[tuple[float, int]]) -> None:
    """Lay haze over the picture; stops are (place from top, opacity 0-255)."""
    paint(picture, colour, ramp(picture.size, stops))


def finish(
    rng: Random, picture: Image.Image, *, mono: bool = False, grain: float = 1.0, vignette: float = 0.32
) -> Image.Image:
    """Return the picture as film gives it: tone curve, vignette, grain, black and white if wished."""
    size = picture.size
    if mono:
        grey = picture.convert("L")
        toned = [grey.point(_curve(lift, 1.28)) for lift in (9, 9, 11)]
        picture = Image.merge("RGB", toned)
    else:
        picture = picture.point([*_curve(6, 1.1), *_curve(6, 1.1), *_curve(9, 1.06)])
    shade = Image.radial_gradient("L").resize(size, BICUBIC)
    shade = shade.point([round(255 * (1 - vignette * (grey / 255) ** 2.4)) for grey in range(256)])
    picture = ImageChops.multiply(picture, Image.merge("RGB", [shade] * 3))
    cells = (size[0] * 7 // 8, size[1] * 7 // 8)
    specks = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1])).resize(size, BILINEAR)
    spread = 0.075 * grain * (1.5 if mono else 1.0)
    specks = specks.point([round(128 + (grey - 128) * spread) for grey in range(256)])
    film = Image.merge("RGB", [specks] * 3)
    return ImageChops.add(picture, film, 1, -128)


def _curve(lift: int, contrast: float) -> list[int]:
    """Return a soft S-curve that lifts the blacks a little, as scans of film do."""

    def bend(value: float) -> float:
        smooth = value * value * (3 - 2 * value)
        return value + (smooth - value) * (contrast - 1) * 2.4

    return [round(lift + (250 - lift) * min(1.0, max(0.0, bend(grey / 255)))) for grey in range(256)]


type SceneMaker = Callable[[Random, Size, Palette], Image.Image]
