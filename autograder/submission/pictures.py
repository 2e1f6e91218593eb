"""The pictures in a text that a student wrote: their places, their kinds, and which of them cannot be shown.

A picture gets into a notebook as an attachment, as a data URL, or by an address, in markdown, by reference or as an
HTML tag. Only what the file itself holds can be shown: nothing is ever fetched.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from urllib.parse import unquote, unquote_to_bytes

import msgspec

from autograder.submission.model import Attachment

__all__ = ["JPEG", "MAX_PICTURE_BYTES", "PNG", "Embedded", "embedded_pictures", "put_in_place"]

PNG, JPEG = "image/png", "image/jpeg"
MAX_PICTURE_BYTES = 10 << 20
"""The most bytes in the file of one picture."""

_SIGNATURES = {b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG}
_FORBIDDEN = str.maketrans("", "", "\ue000\ue001\ue002")  # The signs that mark a place below.
_PLACE = re.compile("\ue000([0-9]{1,6})\ue001")
_DATA_URL = re.compile(r"data:([\w.+-]{0,40}/[\w.+-]{0,60})?(?:;[^,\s\"'()<>]{0,100})?,[^\s\"'()<>]*", re.IGNORECASE)
_ALT = r"((?:[^\[\]\\\n]|\\.|\[[^\[\]\n]{0,200}\]){0,500})"
_TARGET = r"(?:<([^<>\n]{0,2000})>|([^\s()<>]{1,2000}(?:\([^\s()]{0,200}\)[^\s()<>]{0,2000})?))"
_TITLE = r"(?:\s{1,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'|\([^()]{0,300}\)))?"
_PICTURE = re.compile(
    rf"(?P<code>(?P<ticks>(?<!`)`+(?!`))[^`]{{1,2000}}(?<!`)(?P=ticks)(?!`))"
    rf"|!\[{_ALT}\](?:\(\s{{0,9}}{_TARGET}{_TITLE}\s{{0,9}}\)|\[([^\[\]\n]{{0,200}})\]|(?![\[(]))"
    r"|(?P<tag><(?:img|image|embed|object)\b[^<>]{0,4000}>)",
    re.IGNORECASE,
)
_DEFINITION = re.compile(
    rf"^ {{0,3}}\[([^\[\]\n]{{1,200}})\]:[ \t]{{0,9}}\n?[ \t]{{0,9}}{_TARGET}{_TITLE}[ \t]*$", re.M
)
_DRAWING = re.compile(r"<(/?)svg\b(?(1)[^<>]{0,20}>)", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Embedded(msgspec.Struct, frozen=True):
    """A picture in a text.

    Attributes:
        name: its name in the text, for a message and as its alternative text.
        content: the file, which begins as a PNG or a JPEG does and has not been looked at further; or empty.
        problem: the reason for showing nothing, as the end of a sentence that begins with the picture; or empty.
    """

    name: str
    content: bytes = b""
    problem: str = ""


def embedded_pictures(source: str, attachments: Sequence[Attachment] = ()) -> tuple[str, list[Embedded]]:
    """Return ``source`` with a mark in place of each picture, and the pictures in order.

    :func:`put_in_place` exchanges the marks. What stands in code is left as it is.

    Args:
        source: markdown.
        attachments: those of the cell.
    """
    return _Scan(attachments).text(source.translate(_FORBIDDEN))


def put_in_place(text: str, shown: Callable[[int], str]) -> str:
    """Return ``text`` with ``shown(number)`` in place of each picture's mark."""
    return _PLACE.sub(lambda mark: shown(int(mark[1])), text)


class _Scan:
    """A walk over a text."""

    def __init__(self, attachments: Sequence[Attachment]) -> None:
        self._attachments: dict[str, Attachment] = {_name_key(each.name): each for each in attachments}
        self._urls: list[str] = []
        self._found: list[Embedded] = []
        self._defined: dict[str, str] = {}

    def text(self, source: str) -> tuple[str, list[Embedded]]:
        shortened = _DATA_URL.sub(self._shorten, source)
        parts = [(code, text) for code, text in _by_fences(shortened)]
        for code, text in parts:
            if not code:
                self._defined.update({_label(m[1]): m[2] or m[3] or "" for m in _DEFINITION.finditer(text)})
        marked = "".join(text if code else self._marked(text) for code, text in parts)
        return _stripped_of("\ue002", marked, self._urls), self._found

    def _shorten(self, url: re.Match[str]) -> str:
        self._urls.append(url[0])
        return f"\ue002{len(self._urls) - 1}\ue002"

    def _marked(self, text: str) -> str:
        without = _DEFINITION.sub(lambda m: "" if _is_own(m[2] or m[3] or "") else m[0], text)
        return _without_drawings(_PICTURE.sub(self._replaced, without), self._refused_drawing)

    def _replaced(self, found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        if found["tag"]:
            return self._tag(found[0])
        alt, target = found[3], found[4] or found[5]
        if target is None:
            target = self._defined.get(_label(found[6] or alt))
            if target is None:  # Markdown does not take it for a picture, either.
                return found[0]
        return self._mark(alt, target)

    def _tag(self, tag: str) -> str:
        attributes = _Attributes(tag).found
        target = attributes.get("src") or attributes.get("href") or attributes.get("data") or ""
        return self._mark(attributes.get("alt") or "", target)

    def _refused_drawing(self) -> str:
        self._found.append(Embedded("drawing", problem="it is an SVG drawing; only PNG and JPEG are shown"))
        return f"\ue000{len(self._found) - 1}\ue001"

    def _mark(self, alt: str, target: str) -> str:
        self._found.append(self._embedded(" ".join(alt.split())[:100], html.unescape(target).strip()))
        return f"\ue000{len(self._found) - 1}\ue001"

    def _embedded(self, alt: str, target: str) -> Embedded:
        if target.startswith("\ue002"):
            url = self._urls[int(target.strip("\ue002"))]
            head, _, body = url.partition(",")
            return _judged(alt or "picture", head[5:].split(";")[0].lower(), _decoded(body, ";base64" in head.lower()))
        scheme, _, rest = target.partition(":")
        if scheme.lower() == "attachment":
            name = rest[:100]
            attachment = self._attachments.get(_name_key(rest)) or self._attachments.get(_name_key(unquote(rest)))
            if attachment is None:
                return Embedded(alt or name, problem=f"the notebook does not hold the attachment '{name}'")
            return _judged(alt or name, attachment.kind.lower(), _decoded(attachment.data, True))
        if not target:
            return Embedded(alt or "picture", problem="it has no address")
        where = target[:100]
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
            return Embedded(alt or where, problem=f"it is on another server ({where}); nothing is fetched from there")
        return Embedded(alt or where, problem=f"it is a file beside the notebook ({where}), which was not handed in")


def _judged(name: str, claimed: str, content: bytes | None) -> Embedded:
    """Return what is known of a file by its first bytes; whatever it claims to be, those count."""
    if content is None:
        return Embedded(name, problem="it is damaged")
    if any(content.startswith(signature) for signature in _SIGNATURES):
        if len(content) > MAX_PICTURE_BYTES:
            size = f"{len(content) / 2**20:.0f} MB; the limit is {MAX_PICTURE_BYTES // 2**20} MB"
            return Embedded(name, problem=f"it has {size}")
        return Embedded(name, content)
    kind = _kind(claimed, content)
    if kind in ("PNG", "JPEG"):
        return Embedded(name, problem="it is damaged" if content else "it is empty")
    return Embedded(name, problem=f"it is {_article(kind)} {kind}; only PNG and JPEG are shown")


def _kind(claimed: str, content: bytes) -> str:
    start = content[:400].lstrip().lower()
    for sign, name in ((b"gif8", "GIF"), (b"<svg", "SVG drawing"), (b"<?xml", "SVG drawing"), (b"%pdf", "PDF"),
                       (b"bm", "BMP"), (b"ii*", "TIFF"), (b"mm\x00*", "TIFF")):  # fmt: skip
        if start.startswith(sign):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "HEIC or AVIF picture"
    named = claimed.removeprefix("image/").removesuffix("+xml").upper()[:20]
    return {"JPG": "JPEG", "PJPEG": "JPEG", "SVG": "SVG drawing"}.get(named, named) or "file of an unknown kind"


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEFHILMNORSX" else "a"


def _decoded(data: str, base64_encoded: bool) -> bytes | None:
    """Return the bytes of a URL's or attachment's text; None if they cannot be had."""
    if len(data) > 2 * MAX_PICTURE_BYTES:  # Longer than the longest that is shown: its start tells what it is.
        data = data[: 2 * MAX_PICTURE_BYTES]
    try:
        if not base64_encoded:
            return unquote_to_bytes(data)
        text = "".join(unquote(data).split() if "%" in data else data.split()).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _name_key(name: str) -> str:
    """Return one key for names that differ in Unicode's form only: macOS decomposes those of its file system."""
    return unicodedata.normalize("NFC", name.strip())


def _label(label: str) -> str:
    return " ".join(label.casefold().split())


def _is_own(target: str) -> bool:
    return target.startswith("\ue002") or target.lower().startswith("attachment:")


def _by_fences(text: str) -> list[tuple[bool, str]]:
    """Return the text in pieces: (whether it is a fenced block of code, its lines)."""
    pieces: list[tuple[bool, list[str]]] = [(False, [])]
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence = mark[1]
            pieces.append((True, []))
        pieces[-1][1].append(line)
        if fence and mark and line.strip() == mark[1] and len(pieces[-1][1]) > 1 and mark[1].startswith(fence):
            fence = ""
            pieces.append((False, []))
    return [(code, "".join(lines)) for code, lines in pieces]


def _without_drawings(text: str, refused: Callable[[], str]) -> str:
    """Return ``text`` with a mark in place of each ``<svg>…</svg>``."""
    parts, start, begin = [], 0, -1
    for tag in _DRAWING.finditer(text):
        if begin < 0 and not tag[1]:
            begin = tag.start()
        elif begin >= 0 and tag[1]:
            parts += [text[start:begin], refused()]
            start, begin = tag.end(), -1
    return "".join([*parts, text[start:]])


def _stripped_of(sign: str, text: str, urls: Sequence[str]) -> str:
    """Return ``text`` with what is left of data URLs, in code or in links, named instead of written out."""
    return re.sub(f"{sign}([0-9]+){sign}", lambda mark: f"{urls[int(mark[1])][:60]}…", text)


class _Attributes(HTMLParser):
    """The attributes of the first tag of a piece of HTML."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.found: Mapping[str, str | None] = {}
        self.feed(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what stands in the tag."""
        self.found = dict(attrs)
