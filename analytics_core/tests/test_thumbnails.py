"""What comes out of whatever another server calls a picture."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from analytics_core.engine import thumbnails
from analytics_core.engine.thumbnails import NotAPicture, check_type, make_thumbnail

ORIENTATION, GPS = 0x0112, 0x8825


def encode(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def small(content: bytes) -> Image.Image:
    """Return what browsers would be shown."""
    made = make_thumbnail(content)
    picture = Image.open(io.BytesIO(made.content))
    assert picture.format == "WEBP"
    assert picture.size == (made.width, made.height)
    return picture


def two_halves(mode: str = "RGB", size: tuple[int, int] = (1200, 800)) -> Image.Image:
    """A picture that is red on the left and blue on the right."""
    picture = Image.new("RGB", size, "red")
    ImageDraw.Draw(picture).rectangle((size[0] // 2, 0, *size), fill="blue")
    return picture.convert(mode)


def is_near(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 24 for a, b in zip(colour, other, strict=False))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header promises a size and that holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


class TestAGoodPicture:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
    def test_becomes_a_small_one_whatever_its_format(self, kind) -> None:
        picture = small(encode(two_halves(), kind)).convert("RGB")
        assert picture.size == (640, 427)
        assert is_near(picture.getpixel((100, 200)), (255, 0, 0))
        assert is_near(picture.getpixel((540, 200)), (0, 0, 255))

    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            ((3000, 2000), (640, 427)),
            ((2000, 3000), (427, 640)),
            ((640, 640), (640, 640)),
            ((1, 10_000), (1, 640)),
            ((10_000, 1), (640, 1)),
            ((5, 3), (5, 3)),
        ],
    )
    def test_keeps_its_ratio_and_never_grows(self, size, expected) -> None:
        assert small(encode(Image.new("RGB", size, "green"))).size == expected

    def test_in_print_colours_looks_the_same(self) -> None:
        picture = small(encode(two_halves("CMYK"), "JPEG"))
        assert picture.mode == "RGB"
        assert is_near(picture.getpixel((100, 200)), (255, 0, 0))

    def test_with_a_palette_and_a_transparent_colour_stays_transparent(self) -> None:
        palette = Image.new("P", (900, 600), 1)
        palette.putpalette([0, 0, 0, 255, 0, 0])
        palette.paste(0, (0, 0, 450, 600))
        picture = small(encode(palette, "PNG", transparency=0))
        assert picture.mode == "RGBA"
        assert picture.getpixel((100, 200))[3] == 0
        assert is_near(picture.getpixel((540, 200)), (255, 0, 0, 255))

    def test_with_16_bits_of_grey_is_not_burnt_out(self) -> None:
        picture = small(encode(Image.new("I;16", (900, 600), 128 * 256)))
        assert is_near(picture.convert("RGB").getpixel((5, 5)), (128, 128, 128))

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA"])
    def test_of_any_other_mode_can_be_shown(self, mode) -> None:
        assert small(encode(two_halves(mode))).size == (640, 427)

    def test_that_moves_shows_its_first_frame(self) -> None:
        frames = [Image.new("RGB", (700, 700), colour) for colour in ("red", "green", "blue")]
        picture = small(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
        assert getattr(picture, "n_frames", 1) == 1
        assert is_near(picture.convert("RGB").getpixel((300, 300)), (255, 0, 0))

    def test_is_small_in_bytes(self) -> None:
        noise = Image.effect_noise((3000, 2000), 64).convert("RGB")
        assert len(make_thumbnail(encode(noise, "JPEG")).content) < 200_000


class TestWhatCameWithThePicture:
    @pytest.mark.parametrize(
        ("orientation", "red_at"),
        [(1, "left"), (2, "right"), (3, "right"), (6, "top"), (8, "bottom")],
    )
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_it_stands_as_its_camera_was_held(self, kind, orientation, red_at) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        picture = small(encode(two_halves(), kind, exif=exif)).convert("RGB")
        assert picture.size == ((427, 640) if red_at in ("top", "bottom") else (640, 427))
        width, height = picture.size
        points = {
            "left": (9, height // 2),
            "right": (width - 9, height // 2),
            "top": (width // 2, 9),
            "bottom": (width // 2, height - 9),
        }
        assert is_near(picture.getpixel(points[red_at]), (255, 0, 0))

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_place_camera_comments_and_profile_stay_behind(self, kind) -> None:
        exif = Image.Exif()
        exif[0x0110] = "Camera of Ana"
        exif.get_ifd(GPS)[1] = "N"
        exif.get_ifd(GPS)[2] = (57.0, 42.0, 3.25)
        options = {"exif": exif, "icc_profile": ImageCms.ImageCmsProfile(srgb()).tobytes()}
        if kind == "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_text("Comment", "At home")
            options["pnginfo"] = text
        else:
            options["xmp"] = b"<x:xmpmeta>At home</x:xmpmeta>"
        content = encode(two_halves(), kind, **options)
        assert b"Camera of Ana" in content
        made = make_thumbnail(content).content
        assert not any(word in made for word in (b"Camera", b"home", b"EXIF", b"XMP", b"ICCP", b"Exif"))
        assert not Image.open(io.BytesIO(made)).getexif()

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_colours_of_another_profile_become_those_of_browsers(self, mode) -> None:
        profile = swapped_profile()
        picture = small(encode(two_halves(mode), "PNG", icc_profile=profile)).convert("RGB")
        # In the profile of this test, red is what others call green.
        assert is_near(picture.getpixel((100, 200)), (0, 255, 0))

    @pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, b"x" * (2 * 1024 * 1024)])
    def test_a_broken_profile_is_left_out(self, profile) -> None:
        picture = small(encode(two_halves(), "JPEG", icc_profile=profile)).convert("RGB")
        assert is_near(picture.getpixel((100, 200)), (255, 0, 0))

    def test_a_profile_of_another_kind_of_colours_is_left_out(self) -> None:
        profile = ImageCms.ImageCmsProfile(srgb()).tobytes()
        assert small(encode(two_halves("L"), "PNG", icc_profile=profile)).size == (640, 427)

    @pytest.mark.parametrize("exif", [b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
    def test_broken_metadata_costs_nothing(self, exif) -> None:
        assert small(encode(two_halves(), "JPEG", exif=exif)).size == (640, 427)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "size", [(20_000, 20_000), (50_001, 1000), (65_500, 65_500), (2**31 - 1, 2**31 - 1)]
    )
    def test_a_bomb_before_it_is_unpacked(self, size, monkeypatch) -> None:
        monkeypatch.setattr(Image.Image, "load", unexpected)
        with pytest.raises(NotAPicture, match="more than 50,000,000 pixels"):
            make_thumbnail(png_of_size(*size))

    def test_a_moving_picture_that_promises_too_many_pixels(self) -> None:
        canvas = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + (struct.pack("<I", 16_382)[:3] * 2)
        still = encode(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
        frame = b"\0" * 12 + b"\x64\0\0\0" + still
        body = b"WEBP" + canvas + b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
        body += b"ANMF" + struct.pack("<I", len(frame)) + frame
        with pytest.raises(NotAPicture, match="pixels"):
            make_thumbnail(b"RIFF" + struct.pack("<I", len(body)) + body)

    @pytest.mark.parametrize("size", [(0, 0), (0, 10), (10, 0)])
    def test_one_without_pixels(self, size) -> None:
        with pytest.raises(NotAPicture):
            make_thumbnail(png_of_size(*size))

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_one_that_was_cut(self, kind, share) -> None:
        content = encode(Image.effect_noise((900, 600), 64).convert("RGB"), kind)
        with pytest.raises(NotAPicture):
            make_thumbnail(content[: int(len(content) * share)])

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0" * 5000,
            b"<!doctype html><title>Sign in</title>",
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            b"%PDF-1.7",
            b"GIF89a",
            b"\xff\xd8\xff\xe0",
            png_of_size(100, 100),
        ],
    )
    def test_what_is_no_picture(self, content) -> None:
        with pytest.raises(NotAPicture):
            make_thumbnail(content)

    @pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA"])
    def test_formats_that_no_instance_shows(self, kind) -> None:
        with pytest.raises(NotAPicture):
            make_thumbnail(encode(Image.new("RGB", (64, 64)), kind))

    @pytest.mark.parametrize(
        "declared",
        ["text/html", "text/html; charset=utf-8", "image/svg+xml", " IMAGE/SVG+XML ;x", "video/mp4", "json"],
    )
    def test_what_calls_itself_something_else(self, declared) -> None:
        with pytest.raises(NotAPicture):
            check_type(declared)

    @pytest.mark.parametrize("declared", ["image/jpeg", "Image/PNG; q=1", "", "application/octet-stream"])
    def test_but_not_what_says_picture_or_nothing(self, declared) -> None:
        check_type(declared)


def test_the_reason_holds_nothing_of_the_content() -> None:
    with pytest.raises(NotAPicture) as refused:
        make_thumbnail(b"secret " * 1000)
    assert "secret" not in str(refused.value)
    assert thumbnails.MAX_PIXELS < Image.MAX_IMAGE_PIXELS


def unexpected(*args, **kwargs):
    raise AssertionError("it was unpacked")


def srgb():
    return ImageCms.createProfile("sRGB")


def swapped_profile() -> bytes:
    """The sRGB profile with the primaries of red and green exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(srgb()).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for number in range(count):
        at = 132 + 12 * number
        name = bytes(profile[at : at + 4])
        if name in (b"rXYZ", b"gXYZ"):
            profile[at : at + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}[name]
    return bytes(profile)
