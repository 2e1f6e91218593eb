"""A student's outputs and pictures, made safe to show.

Outputs that a student's code produced are shown to a person in a browser, so only what cannot run is kept of them. Each
picture that a student hands in or draws is decoded once, in isolation, and remembered for the whole course.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import nh3

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.files import write_atomically
from autograder.isolation.picture_process import PictureDesk
from autograder.redrawing import COSTLY
from autograder.submission.model import Attachment
from autograder.submission.pictures import Embedded, embedded_pictures, put_in_place
from autograder.terminal import harmless, without_controls

__all__ = [
    "MAX_OUTPUT_CHARACTERS",
    "Album",
    "OwnAlbum",
    "Picture",
    "Pictures",
    "as_plain_text",
    "clean_html",
    "modest",
    "safe_outputs",
    "with_attachments",
]

MAX_OUTPUT_CHARACTERS = 20_000
"""The most characters of text that are kept of one output."""

_MAX_OUTPUTS = 50
_MAX_IMAGE = 4 * 1024 * 1024
_MAX_PIXELS = 25_000_000
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_LENGTHS = {"colspan", "rowspan", "width", "minsize", "maxsize", "linethickness", "rowspacing", "columnspacing"}
_LENGTH = r"(-?0?\.\d{1,9}|\d{0,2}(\.\d{1,9})?)[a-z%]{0,3}"
_MODEST = re.compile(rf"{_LENGTH}( {_LENGTH}){{0,9}}")
_TAGS = {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "br", "b", "i", "em", "strong",
               "code", "pre", "ul", "ol", "li", "span", "div", "sub", "sup", "hr", "h1", "h2", "h3", "h4"}  # fmt: skip


def clean_html(html: str) -> str:
    """Return ``html`` with a short list of harmless tags and no attribute that can load, link or run anything."""
    spans = {"colspan", "rowspan"}
    cleaned: str = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"td": spans, "th": spans},
        attribute_filter=modest,
        url_schemes=set(),
        link_rel=None,
    )
    return without_controls(cleaned)  # What was written as an entity is a character now.


def modest(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value; None for a length below zero or beyond all use, by which one text covers others."""
    return None if name in _LENGTHS and not _MODEST.fullmatch(value) else value


def as_plain_text(text: Any, limit: int = MAX_OUTPUT_CHARACTERS) -> str:
    """Return ``text`` without escapes for a terminal and what `without_controls` removes, cut at ``limit``."""
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    if not isinstance(text, str):
        return ""
    encodable = str(text)[: 4 * limit].encode("utf-8", errors="replace").decode("utf-8")
    plain = harmless(encodable)
    return plain if len(plain) <= limit else plain[:limit] + "\n… (cut here)"


def safe_outputs(outputs: Any, album: Album | None = None) -> list[dict[str, Any]]:
    """Return what may be shown of ``outputs``: streams, errors, plain text, simple HTML, PNG and JPEG; valid nbformat.

    With an ``album`` every picture is exchanged for a checked one, or for words that tell why it is not shown.
    """
    if not isinstance(outputs, Sequence):
        return []
    made = [_safe_output(output, album) for output in outputs[:_MAX_OUTPUTS] if isinstance(output, dict)]
    return [output for output in made if output is not None]


def _safe_output(output: dict[str, Any], album: Album | None) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": as_plain_text(output.get("text"))}
    if kind == "error":
        return _safe_error(output)
    if kind in ("display_data", "execute_result"):
        safe: dict[str, Any] = {"output_type": kind, "metadata": {}, "data": _safe_data(output.get("data"), album)}
        if kind == "execute_result":
            count = output.get("execution_count")
            safe["execution_count"] = count if isinstance(count, int) and not isinstance(count, bool) else None
        return safe if safe["data"] else None
    return None


def _safe_error(output: dict[str, Any]) -> dict[str, Any]:
    lines = output.get("traceback")
    lines = lines[:100] if isinstance(lines, list) else []
    return {
        "output_type": "error",
        "ename": as_plain_text(output.get("ename"), 100) or "Error",
        "evalue": as_plain_text(output.get("evalue"), 2000),
        "traceback": [as_plain_text(line, 2000) for line in lines if isinstance(line, str)],
    }


def _safe_data(data: Any, album: Album | None) -> dict[str, str]:
    """Return of each kind of data only what cannot run: no script, SVG, LaTeX, Markdown or widget."""
    if not isinstance(data, dict):
        return {}
    safe = {}
    for kind, signature in _SIGNATURES.items():
        if image := _safe_image(data.get(kind), signature):
            safe.update(_redrawn(kind, image, album))
    if html := data.get("text/html"):
        cleaned = clean_html(as_plain_text(html))
        if cleaned.strip():
            safe["text/html"] = cleaned
    if (text := as_plain_text(data.get("text/plain"))) and "text/plain" not in safe:
        safe["text/plain"] = text
    return safe


def _redrawn(kind: str, image: str, album: Album | None) -> dict[str, str]:
    if album is None:
        return {kind: image}
    picture = album.picture(base64.b64decode(image))
    if isinstance(picture, str):
        return {"text/plain": f"[A figure is not shown: {picture}.]"}
    return {picture.kind: picture.text}


def _safe_image(value: Any, signature: bytes) -> str | None:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str) or len(value) > _MAX_IMAGE:
        return None
    try:
        content = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(signature) or (signature == _SIGNATURES["image/png"] and not _modest_png(content)):
        return None
    return base64.b64encode(content).decode("ascii")


def _modest_png(content: bytes) -> bool:
    """Return whether a PNG's header names a size that a browser can show: a small file may unfold to gigabytes."""
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    return 0 < width * height <= _MAX_PIXELS


# ---- pictures

_MOST, _MOST_BYTES = 60, 20 << 20
_MOST_COSTLY = 2  # Each of them takes ten seconds, while everybody else's pages wait.
_VERSION = b"1"  # Another one where pictures are encoded in another way.
_MARKUP = re.compile(r"[\[\]()<>`*_\\$!|~&#]+")


class Picture(msgspec.Struct, frozen=True):
    """A picture that may be shown: our own encoding of its pixels, as PNG or JPEG."""

    kind: str
    content: bytes

    @property
    def text(self) -> str:
        """The content in base64."""
        return base64.b64encode(self.content).decode("ascii")

    @property
    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:{self.kind};base64,{self.text}"


class Pictures:
    """Checked copies of pictures, remembered by content in a folder. The process that makes them starts when needed.

    Args:
        folder: the folder of copies; made if it is not there.
        missing_ok: the layers of the sandbox that may be missing, by name.
    """

    def __init__(self, folder: Path, missing_ok: Sequence[str] = ()) -> None:
        self._folder = folder
        self._desk = PictureDesk(frozenset(missing_ok))

    @classmethod
    def of(cls, course: Course, missing_ok: Sequence[str] = ()) -> Pictures:
        """Return the pictures of ``course``."""
        return cls(course.results / "pictures", missing_ok)

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that decodes."""
        self._desk.close()

    def checked(self, content: bytes) -> Picture | str:
        """Return the picture to show for a file, or why it cannot be shown.

        Raises:
            MachineryError: it could not be decoded here.
            GradebookError: its copy cannot be kept.
        """
        path = self._folder / hashlib.sha256(_VERSION + content).hexdigest()[:40]
        try:
            kind, _, made = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            media, made = self._desk.redraw(content)
            kind = media.encode()
            write_atomically(path, kind + b"\n" + made)
        except OSError as error:
            raise GradebookError(f"{path} cannot be read: {error.strerror}. Remove it and run again.") from error
        return Picture(kind.decode(), made) if kind else made.decode(errors="replace")


class Album:
    """The pictures of one submission, within limits on their number and size.

    Args:
        pictures: the course's pictures; None shows none.
    """

    def __init__(self, pictures: Pictures | None) -> None:
        self._pictures = pictures
        self._left, self._bytes_left = _MOST, _MOST_BYTES
        self._costly = 0

    def picture(self, content: bytes) -> Picture | str:
        """Return the picture to show for a file, or why there is none."""
        if self._pictures is None:
            return "pictures are not shown here"
        if self._left <= 0 or len(content) > self._bytes_left:
            return f"only the first {_MOST} pictures are shown, with {_MOST_BYTES >> 20} MB in all"
        if self._costly >= _MOST_COSTLY:
            return "pictures before it took too much time or memory to decode"
        self._left -= 1
        self._bytes_left -= len(content)
        found = self._pictures.checked(content)
        self._costly += found == COSTLY
        return found

    def embedded(self, each: Embedded) -> Picture | str:
        """Return the picture to show for one that a text holds, or why there is none."""
        return each.problem or self.picture(each.content)


class OwnAlbum(Album):
    """An album for notebooks that were written here: their pictures were checked, and only the first bytes count."""

    def __init__(self) -> None:
        super().__init__(None)

    def picture(self, content: bytes) -> Picture | str:
        """Return the picture itself."""
        return Picture("image/png" if content.startswith(b"\x89PNG") else "image/jpeg", content)


def with_attachments(
    source: str,
    attachments: Sequence[Attachment],
    album: Album,
    harmless: Callable[[str], str] = lambda text: text,
) -> tuple[str, dict[str, dict[str, str]]]:
    """Return a text cell's source and attachments in which every picture is a checked one, or is named in its place.

    Args:
        source, attachments: those of the cell.
        album: the album that checks the pictures.
        harmless: a function that is applied to the text around them.
    """
    marked, found = embedded_pictures(source, attachments)
    marked = harmless(marked)
    kept: dict[str, dict[str, str]] = {}
    shown: dict[int, str] = {}
    for number, each in enumerate(found):
        picture, name = album.embedded(each), _plain(each.name)
        if isinstance(picture, Picture):
            file = f"picture-{number + 1}.{picture.kind.removeprefix('image/')}"
            kept[file] = {picture.kind: picture.text}
            shown[number] = f"![{name}](attachment:{file})"
        else:
            shown[number] = f"**Picture “{name}” is not shown: {_plain(picture)}.**"
    return put_in_place(marked, shown.__getitem__), kept


def _plain(text: str) -> str:
    """Return a student's words without what markdown would interpret."""
    return " ".join(_MARKUP.sub(" ", text).split()) or "picture"
