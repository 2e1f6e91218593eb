"""Archives that students pack themselves: only their notebooks are looked at, within limits on everything."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.errors import UnreadableSubmission
from autograder.submission.notebook_reader import MAX_BYTES

__all__ = ["InnerArchive", "archive_kind"]

_KINDS = {
    ".zip": "ZIP", ".rar": "RAR", ".7z": "7-Zip", ".tar": "TAR", ".gz": "GZIP", ".tgz": "TAR",
    ".bz2": "BZIP2", ".xz": "XZ"
}  # fmt: skip
_NOTEBOOK_ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")
_MOST_ENTRIES = 2000
_LARGEST_DIRECTORY = 512 * 1024
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_TAIL = 66_000


def archive_kind(name: str) -> str:
    """Return the kind of archive that the file ``name`` is by its ending, such as ZIP; empty if it is not one."""
    return _KINDS.get(PurePosixPath(name).suffix.lower(), "")


@dataclass(frozen=True)
class InnerArchive:
    """A ZIP archive within a download.

    Attributes:
        notebooks: its entries that are named as notebooks are.
        others: the number of other files.
        remark: a remark for the person who collects; may be empty.
        load: returns the archive's own bytes.
    """

    notebooks: tuple[zipfile.ZipInfo, ...]
    others: int
    remark: str
    load: Callable[[], bytes]

    @classmethod
    def of(cls, load: Callable[[], bytes]) -> InnerArchive:
        """Return the archive whose bytes ``load`` gives.

        Raises:
            UnreadableSubmission: it is damaged, or larger or deeper than any honest one.
        """
        data = load()
        _check_directory(data)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir() and _counts(entry.filename)]
        except Exception as error:  # BadZipFile, UnicodeDecodeError, struct.error, ...: the archive is at fault.
            raise UnreadableSubmission(f"it is a damaged ZIP archive ({str(error)[:80]})") from error
        if len(entries) > _MOST_ENTRIES:
            raise UnreadableSubmission(f"it is a ZIP archive of {len(entries)} files; {_MOST_ENTRIES} are allowed")
        notebooks = tuple(entry for entry in entries if entry.filename.lower().endswith(_NOTEBOOK_ENDINGS))
        if sum(entry.file_size for entry in notebooks) > MAX_BYTES:
            raise UnreadableSubmission(f"its notebooks unpack to more than {MAX_BYTES >> 20} MiB")
        nested = any(archive_kind(entry.filename) for entry in entries)
        remark = "it holds another archive, which is not unpacked: ask for the notebook itself" if nested else ""
        return cls(notebooks, len(entries) - len(notebooks), remark, load)

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """Return the bytes of one of its entries.

        Raises:
            UnreadableSubmission: it is larger than its directory claims, and than is allowed.
        """
        with zipfile.ZipFile(io.BytesIO(self.load())) as archive, archive.open(entry) as stream:
            content = stream.read(MAX_BYTES + 1)  # The size in the directory is only a claim.
        if len(content) > MAX_BYTES:
            raise UnreadableSubmission(f"it is larger than {MAX_BYTES >> 20} MiB")
        return content


def _check_directory(data: bytes) -> None:
    """Refuse an archive whose directory is too large to be read into memory, before it is read."""
    tail = data[-_TAIL:]
    place = tail.find(_END)
    if place < 0:
        raise UnreadableSubmission("it is a damaged ZIP archive (its end is missing)")
    while place >= 0:
        if int.from_bytes(tail[place + 12 : place + 16], "little") > _LARGEST_DIRECTORY:
            raise UnreadableSubmission("it is a ZIP archive of too many files")
        place = tail.find(_END, place + 1)
    if _END_64 in tail:
        raise UnreadableSubmission("it is a ZIP archive of a kind that is meant for more than 4 GiB")


def _counts(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not {"__MACOSX", ".ipynb_checkpoints"} & set(parts) and parts[-1] not in _OF_PROGRAMS


_OF_PROGRAMS = {".DS_Store", "Thumbs.db", "__zip_filename__", ".OTTER_LOG"}
