"""A course's checked pictures: each that a student hands in or draws is decoded once, in isolation, and remembered."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from autograder.atomic_files import write_atomically
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.isolation.picture_process import PictureDesk
from autograder.submission.model import Attachment
from autograder.submission.pictures import Embedded, embedded_pictures, put_in_place

__all__ = ["Album", "OwnAlbum", "Picture", "Pictures", "with_attachments"]

_MOST, _MOST_BYTES = 60, 20 << 20
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

    def picture(self, content: bytes) -> Picture | str:
        """Return the picture to show for a file, or why there is none."""
        if self._pictures is None:
            return "pictures are not shown here"
        if self._left <= 0 or len(content) > self._bytes_left:
            return f"only the first {_MOST} pictures are shown, with {_MOST_BYTES >> 20} MB in all"
        self._left -= 1
        self._bytes_left -= len(content)
        return self._pictures.checked(content)

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
