"""Makes a small picture of whatever another server sent for one, and refuses what is none.

The bytes are hostile until shown otherwise: what they are is decided by reading them, how large they are is
looked at before they are unpacked, and nothing but the pixels gets through.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageCms, ImageOps

LONG_SIDE = 640
# A camera's 45 megapixels pass. Unpacked, the largest take a worker 200 MB.
MAX_PIXELS = 50_000_000
MAX_PROFILE_BYTES = 1024 * 1024
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
QUALITY = 80
NO_TYPE = frozenset(("", "application/octet-stream", "binary/octet-stream"))
_SRGB = ImageCms.createProfile("sRGB")


class NotAPicture(Exception):
    """The bytes are no picture that we show. The text says why, in words for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small picture, as WebP in sRGB without metadata."""

    content: bytes = field(repr=False)
    width: int
    height: int


def check_type(content_type: str) -> None:
    """Raise NotAPicture if an answer says of itself that it is something else.

    A store that was told no type says "octet-stream", or nothing.
    """
    declared = content_type.partition(";")[0].strip().lower()
    if declared.startswith("image/svg"):
        raise NotAPicture("It is a drawing (SVG), which may hold a program.")
    if not declared.startswith("image/") and declared not in NO_TYPE:
        raise NotAPicture(f"It is no picture but {declared[:60]}.")


def make_thumbnail(content: bytes, *, long_side: int = LONG_SIDE) -> Thumbnail:
    """Return the small picture: the first frame, upright, in its natural ratio, never enlarged.

    Raises:
        NotAPicture: the bytes are none, or too many pixels, or broken.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a bomb that is not twice its own limit, and of odd metadata.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                _check_size(picture)
                return _shrunk(picture, long_side)
    except NotAPicture:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise NotAPicture(f"It has more than {MAX_PIXELS:,} pixels.") from error
    # Decoders fail in as many ways as there are broken files.
    except Exception as error:
        raise NotAPicture(f"It is broken, or no picture ({type(error).__name__}).") from error


def _check_size(picture: Image.Image) -> None:
    """Look at the size that the header tells, before anything is unpacked."""
    if min(picture.size) < 1:
        raise NotAPicture("It has no pixels.")
    if picture.width * picture.height > MAX_PIXELS:
        raise NotAPicture(f"It has more than {MAX_PIXELS:,} pixels.")


def _shrunk(picture: Image.Image, long_side: int) -> Thumbnail:
    profile = picture.info.get("icc_profile")
    # A JPEG can be read at an eighth of its size, which saves nearly all of the time and memory.
    picture.draft(None, (long_side, long_side))
    picture.load()
    small = _plain(picture)
    small.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    small = _in_srgb(_upright(small), profile)
    out = io.BytesIO()
    # Only what is named here is written: place, camera, comments and profile stay behind.
    small.save(out, "WEBP", quality=QUALITY, method=4)
    return Thumbnail(content=out.getvalue(), width=small.width, height=small.height)


def _plain(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be shrunk: palettes and 16 bits of grey cannot."""
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode in ("RGB", "L", "CMYK") else picture.convert("RGB")


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its camera was held."""
    try:
        return ImageOps.exif_transpose(picture)
    # Metadata breaks in as many ways as pictures do, and the picture is good without it.
    except Exception:
        return picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a picture's colours to those that a picture without a profile has."""
    has_alpha = picture.mode == "RGBA"
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        # One that is broken, or of another kind of colours, is left out.
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, _SRGB, outputMode="RGBA" if has_alpha else "RGB"
            )
            return converted or picture
    return picture if has_alpha else picture.convert("RGB")
