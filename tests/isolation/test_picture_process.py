"""Pictures are decoded and encoded again in a locked process; what cannot be decoded is refused, alone."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from autograder.errors import LayerMissing
from autograder.isolation import capabilities
from autograder.isolation.picture_process import PictureDesk
from autograder.redrawing import redrawn

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8))


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def desk() -> Iterator[PictureDesk]:
    made = PictureDesk()
    yield made
    made.close()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_comes_out_as_a_plain_one(desk: PictureDesk, mode: str) -> None:
    picture = NOISE.convert(mode) if mode != "I;16" else Image.fromarray(np.full((40, 60), 30_000, dtype=np.uint16))
    kind, made = desk.redraw(encoded(picture))
    assert kind == "image/png"
    assert Image.open(io.BytesIO(made)).size == (60, 40)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_comes_out_as_a_plain_one(desk: PictureDesk, mode: str) -> None:
    kind, made = desk.redraw(encoded(NOISE.convert(mode), "JPEG"))
    assert (kind, Image.open(io.BytesIO(made)).mode in ("L", "RGB")) == ("image/jpeg", True)


def test_the_pixels_stay_and_nothing_else(desk: PictureDesk) -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "a secret message")
    _, made = desk.redraw(encoded(NOISE, pnginfo=words) + b"trailing secret")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(made))), np.asarray(NOISE))
    assert b"secret" not in made


def test_a_photograph_is_turned_upright_and_made_smaller(desk: PictureDesk) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the telephone on its side
    _, made = desk.redraw(encoded(Image.new("RGB", (4000, 3000), "red"), "JPEG", exif=exif))
    assert Image.open(io.BytesIO(made)).size == (1200, 1600)


def bomb() -> bytes:
    """A PNG of 178 megapixels in a few kilobytes."""
    return encoded(Image.new("1", (13_400, 13_400)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", b"damaged"),
        (b"GIF89a", b"damaged"),
        (encoded(NOISE, "GIF"), b"damaged"),
        (encoded(NOISE, "WEBP"), b"damaged"),
        (encoded(NOISE)[:2000], b"damaged"),
        (encoded(NOISE)[:50] + bytes(5000), b"damaged"),
        (encoded(NOISE, "JPEG")[:100], b"damaged"),
        (b"\x89PNG\r\n\x1a\n" + zlib.compress(bytes(1000)), b"damaged"),
        (bomb(), b"the limit is 50 million"),
    ],
)
def test_what_is_no_sound_picture_is_refused(desk: PictureDesk, content: bytes, reason: bytes) -> None:
    kind, said = desk.redraw(content)
    assert (kind, reason in said) == ("", True)
    assert desk.redraw(encoded(NOISE))[0] == "image/png", "the next one is decoded all the same"


def test_a_process_that_is_killed_is_started_again(desk: PictureDesk) -> None:
    desk.redraw(encoded(NOISE))
    assert desk._process is not None
    desk._process.kill()
    desk._process.wait()
    assert desk.redraw(encoded(NOISE))[0] == "image/png"


def test_nothing_is_decoded_without_its_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = capabilities.LayerReport("seccomp", False, "", "", "install it")
    monkeypatch.setattr(capabilities, "probe_layers", lambda: [missing])
    with pytest.raises(LayerMissing, match="seccomp"):
        PictureDesk().redraw(encoded(NOISE))


def test_a_decoder_that_goes_wild_is_stopped(desk: PictureDesk) -> None:
    """What a child writes is believed only if it is a whole answer of a known kind."""
    answer = redrawn(encoded(NOISE))
    assert answer[0] == b"P"
    assert redrawn(b"nonsense") == (b"R", b"it is damaged")
