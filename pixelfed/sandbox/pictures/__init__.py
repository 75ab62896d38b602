"""Generated photographs and faces: the same seed always gives the same picture, made when first asked for."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from pixelfed.sandbox.entities import Media
from pixelfed.sandbox.pictures.brushes import (
    PALETTES,
    SceneMaker,
    add_light,
    finish,
    glow,
    gradient,
    mix,
    noise,
    paint,
)
from pixelfed.sandbox.pictures.buildings import BUILDINGS
from pixelfed.sandbox.pictures.land import LAND
from pixelfed.sandbox.pictures.places import PLACES
from pixelfed.sandbox.pictures.water import WATER_AND_NIGHT

SCENES: dict[str, SceneMaker] = LAND | WATER_AND_NIGHT | PLACES | BUILDINGS
PREVIEW_PIXELS = 640
FACE_PIXELS = 320
KEPT_IN_MEMORY = 400
# Painted smaller than shown: the film's grain hides it, and it halves the time.
CANVAS_SHARE = 0.66
QUALITY = 85


@dataclass(frozen=True)
class Scene:
    """What a photograph shows: a kind of scene, the light of an hour, and a seed for the rest."""

    kind: str
    palette: str
    seed: str
    mono: bool = False


def draw_scene(scene: Scene, width: int, height: int) -> Image.Image:
    """Return the photograph of a scene in pixels of the given size; KeyError for an unknown kind."""
    rng = Random(f"{scene.kind} {scene.palette} {scene.seed}")
    canvas = (round(width * CANVAS_SHARE), round(height * CANVAS_SHARE))
    picture = SCENES[scene.kind](rng, canvas, PALETTES[scene.palette])
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    return finish(rng, picture, mono=scene.mono)


def draw_face(seed: str) -> Image.Image:
    """Return a small abstract portrait: a head and shoulders of soft discs before a coloured wall."""
    rng = Random(f"face {seed}")
    size = (FACE_PIXELS, FACE_PIXELS)
    palette = PALETTES[rng.choice(sorted(PALETTES))]
    side = FACE_PIXELS
    picture = gradient(size, [(0, palette.top), (0.6, palette.middle), (1, palette.horizon)])
    picture = add_light(
        picture, glow(size, (side * rng.uniform(0.2, 0.8), side * 0.2), side * 0.8), palette.light, 0.5
    )
    tone = rng.random()
    skin = mix((94, 62, 48), (244, 206, 178), tone)
    cloth = mix(
        palette.shade, rng.choice(((150, 60, 50), (40, 90, 110), (200, 170, 90), (230, 226, 218))), 0.6
    )
    dark, light = ((30, 22, 20), (52, 36, 28), (110, 108, 110)), ((168, 122, 70), (120, 72, 44), (70, 46, 32))
    hair = rng.choice(dark if tone < 0.55 else dark + light)
    lean = side * rng.uniform(-0.04, 0.04)
    for box, colour in (
        ((0.27, 0.17, 0.73, 0.68), hair),
        ((0.14, 0.70, 0.86, 1.5), cloth),
        ((0.42, 0.55, 0.58, 0.80), mix(skin, palette.shade, 0.2)),
        ((0.32, 0.24, 0.68, 0.69), skin),
        ((0.29, 0.14, 0.71, 0.36), hair),
    ):
        mask = Image.new("L", size, 0)
        left, top, right, bottom = (side * value for value in box)
        ImageDraw.Draw(mask).ellipse((left + lean, top, right + lean, bottom), fill=255)
        paint(picture, colour, mask.filter(ImageFilter.GaussianBlur(side / 90)))
    shadow = noise(rng, size, (2, 2), 1)
    picture = add_light(picture, shadow, palette.light, 0.12)
    return finish(rng, picture, grain=0.7, vignette=0.25)


class Gallery:
    """Keeps what was drawn: the newest few hundred in memory, all of it in `folder` if there is one."""

    def __init__(self, folder: str | None = None) -> None:
        """Keep files in `folder`, which is made if it is missing; None keeps none."""
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._folder = Path(folder) if folder else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    def photo(self, media: Media, *, small: bool = False) -> bytes:
        """Return an attachment as JPEG: its own size, or 640 pixels on the long side if `small`."""
        width, height = media.width or 1200, media.height or 800
        scene = media.scene if isinstance(media.scene, Scene) else _scene_of(media)
        key = f"{scene} {width}x{height}"
        if small:
            return self._remember(f"{key} small", lambda: _shrink(self.photo(media)))
        return self._remember(key, lambda: _jpeg(draw_scene(scene, width, height)))

    def face(self, path: str) -> bytes:
        """Return the portrait that belongs to a path, as JPEG of 320 pixels."""
        return self._remember(f"face {path}", lambda: _jpeg(draw_face(path)))

    def _remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        file = self._folder / f"{name}.jpg" if self._folder else None
        if file is not None and file.exists():
            content = file.read_bytes()
        else:
            content = make()
            if file is not None:
                unfinished = file.with_suffix(f".{threading.get_ident()}")
                unfinished.write_bytes(content)
                unfinished.replace(file)
        with self._lock:
            self._kept[name] = content
            while len(self._kept) > KEPT_IN_MEMORY:
                self._kept.popitem(last=False)
        return content


def _scene_of(media: Media) -> Scene:
    """Return some scene for an attachment that says nothing about itself, as tests make them."""
    rng = Random(media.id)
    return Scene(rng.choice(sorted(SCENES)), rng.choice(sorted(PALETTES)), str(media.id))


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, progressive=True)
    return out.getvalue()


def _shrink(content: bytes) -> bytes:
    picture = Image.open(io.BytesIO(content))
    picture.draft("RGB", (PREVIEW_PIXELS, PREVIEW_PIXELS))
    picture.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS), Image.Resampling.LANCZOS)
    return _jpeg(picture)
