"""Pictures decoded and encoded again: in the sandbox for pages of feedback, and in `check` on one's own machine."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["COSTLY", "MAX_PIXELS", "MAX_SIDE", "redrawn"]

MAX_PIXELS = 50_000_000
MAX_SIDE = 1600
"""The longest side of a shown picture, in pixels; a larger picture is made smaller."""
COSTLY = "it takes too much time or memory to decode"
"""The reason for refusing a picture that its decoder did not finish."""
_QUALITY = 85


def redrawn(content: bytes) -> tuple[bytes, bytes]:
    """Return (kind, bytes) of a picture, decoded and encoded again; or ``R`` and the reason why that cannot be done.

    Nothing of the file is kept but its pixels: no metadata, profile, further frame or trailing bytes.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # Judged below, in words.
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                return b"R", f"it has {width} × {height} pixels; the limit is {MAX_PIXELS // 10**6} million".encode()
            is_jpeg = picture.format == "JPEG"
            picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # A JPEG is decoded at the size that is needed.
            picture.load()
            upright = ImageOps.exif_transpose(picture)
        plain = _in_plain_mode(upright, is_jpeg)
        plain.thumbnail((MAX_SIDE, MAX_SIDE))
        stream = io.BytesIO()
        clean = Image.frombytes(plain.mode, plain.size, plain.tobytes())
        clean.save(stream, "JPEG" if is_jpeg else "PNG", **({"quality": _QUALITY} if is_jpeg else {}))
    except MemoryError:
        return b"R", COSTLY.encode()
    except Exception:  # Pillow fails in many ways on damaged files; all of them mean the same here.
        return b"R", b"it is damaged"
    return (b"J" if is_jpeg else b"P"), stream.getvalue()


def _in_plain_mode(picture: Any, is_jpeg: bool) -> Any:
    if is_jpeg:
        return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    if picture.mode in ("L", "LA", "RGB", "RGBA"):
        return picture
    if picture.mode.startswith("I"):  # 16 bits a pixel: scaled to 8, where a conversion would cut off.
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    transparent = "transparency" in picture.info or "A" in picture.mode
    return picture.convert("L" if picture.mode == "1" else "RGBA" if transparent else "RGB")
