"""The files in a download, and in the archives that students pack themselves.

The files of a folder or a ZIP archive are taken as they came; nothing is unpacked to the disk, and little is held in
memory. Names and sizes are read first; the bytes of a file are read when they are asked for, one file at a time.
Whatever is wrong with a file, or with an archive that a student packed, is that file's fault alone.

In an archive that a student packed, only the notebooks are looked at, within limits on everything.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from autograder.errors import UnreadableSubmission
from autograder.submission.notebook_reader import MAX_BYTES

__all__ = ["Download", "DownloadedFile", "InnerArchive", "archive_kind"]


# ---- archives that students pack themselves

_KINDS = {
    ".zip": "ZIP", ".rar": "RAR", ".7z": "7-Zip", ".tar": "TAR", ".gz": "GZIP", ".tgz": "TAR",
    ".bz2": "BZIP2", ".xz": "XZ"
}  # fmt: skip
_NOTEBOOK_ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")
_MOST_ENTRIES, _MOST_NOTEBOOKS = 2000, 50
_LARGEST_DIRECTORY = 512 * 1024
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_TAIL = 66_000
# Python unpacks the others without a bound on the memory, whatever size the archive claims.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


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
        if len(notebooks) > _MOST_NOTEBOOKS:
            raise UnreadableSubmission(
                f"it is a ZIP archive of {len(notebooks)} notebooks; the limit is {_MOST_NOTEBOOKS}"
            )
        if sum(entry.file_size for entry in notebooks) > MAX_BYTES:
            raise UnreadableSubmission(f"its notebooks unpack to more than {MAX_BYTES >> 20} MiB")
        nested = any(archive_kind(entry.filename) for entry in entries)
        remark = "it contains another archive, which is not unpacked: ask for the notebook itself" if nested else ""
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


# ---- the download

_JUNK_FOLDERS = {"__MACOSX", ".ipynb_checkpoints", ".git"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_MOST_FILES = 300_000
_MOST_BYTES = 32 * 1024**3
_ABSURD_RATIO, _RATIO_MATTERS_FROM = 400, 16 * 1024 * 1024


@dataclass(frozen=True)
class DownloadedFile:
    """A file of a download.

    Attributes:
        path: its path, with ``/``; a file within an archive of a student's lies below that archive's name.
        reader: returns its bytes.
        fault: the reason that its bytes cannot be had; empty if they could.
        reason: the reason that it cannot be a notebook, though its bytes can be had.
        beside: whether it is an archive whose notebooks are files of their own here.
    """

    path: str
    reader: Callable[[], bytes] = field(repr=False, compare=False)
    fault: str = ""
    reason: str = ""
    beside: bool = False

    def read(self) -> bytes:
        """Return its bytes.

        Raises:
            UnreadableSubmission: they cannot be had; the message is the reason.
        """
        if self.fault:
            raise UnreadableSubmission(self.fault)
        try:
            return self.reader()
        except UnreadableSubmission:
            raise
        except Exception as error:  # zlib, lzma, struct, OSError, ...: whatever a damaged file makes a library raise.
            raise UnreadableSubmission(f"it cannot be unpacked ({str(error)[:80] or type(error).__name__})") from error


class Download:
    """A download: a folder, a ZIP archive or a single file; litter of operating systems is left out.

    Attributes:
        name: its name, without the ending.
        files: every file in it.
    """

    def __init__(self, source: Path) -> None:
        """Open ``source``.

        Raises:
            UnreadableSubmission: there is no such thing, or the archive is damaged.
        """
        self.name = source.resolve().name if source.is_dir() else source.stem
        self._source, self._archive = source, None
        self._bytes = 0
        if source.is_dir():
            found = _folder_files(source)
        elif source.is_file() and zipfile.is_zipfile(source):
            self._archive = _opened(source)
            found = self._archive_files(self._archive)
        elif source.is_file() and source.suffix.lower() == ".zip":
            raise UnreadableSubmission(f"{source} is not a whole ZIP archive: its end is missing. Download it again.")
        elif source.is_file():
            found = iter([_disk_file(source, source.name)])
        else:
            raise UnreadableSubmission(f"{source} does not exist. Name the folder or the ZIP that you downloaded.")
        self.files = tuple(self._limited(found))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._archive is not None:
            self._archive.close()

    def _archive_files(self, archive: zipfile.ZipFile) -> Iterator[DownloadedFile]:
        for entry in archive.infolist():
            path = _name_of(entry)
            if not entry.is_dir() and not _is_junk(path):
                yield DownloadedFile(path, partial(self._entry_bytes, archive, entry), _fault_of(entry))

    def _entry_bytes(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        self._bytes += entry.file_size
        if self._bytes > _MOST_BYTES:
            raise UnreadableSubmission(f"all files together unpack to more than {_MOST_BYTES >> 30} GiB")
        return _bounded(archive, entry)

    def _limited(self, files: Iterator[DownloadedFile]) -> Iterator[DownloadedFile]:
        below: Counter[str] = Counter()
        for count, one in enumerate((one for each in files for one in _with_contents(each)), 1):
            below[PurePosixPath(one.path).parent.as_posix()] += 1
            if count > _MOST_FILES:
                folder, number = below.most_common(1)[0]
                raise UnreadableSubmission(
                    f"{self._source} contains more than {_MOST_FILES:,} files, {number:,} of them in {folder}."
                    " Unpack it, take that folder out, and collect the rest."
                )
            yield one


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except UnicodeDecodeError as error:  # One name that is not what the archive says it is; Python then reads none.
        raise UnreadableSubmission(
            f"{source} contains a file whose name is not UTF-8, as it should be. Unpack it and collect the folder."
        ) from error
    except Exception as error:  # Beside BadZipFile: whatever else its parser meets in a damaged directory.
        raise UnreadableSubmission(f"{source} is a damaged ZIP archive ({error}). Download it again.") from error


def _folder_files(folder: Path) -> Iterator[DownloadedFile]:
    for root, folders, names in os.walk(folder, followlinks=False):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in linked and name not in _JUNK_FOLDERS)
        for name in sorted([*names, *linked]):
            path = Path(root) / name
            # A name that is not UTF-8 can be shown, but neither written down nor compared.
            shown = os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace")
            if not _is_junk(shown):
                yield _disk_file(path, shown)


def _disk_file(path: Path, name: str) -> DownloadedFile:
    status = path.lstat()
    fault = ""
    if stat.S_ISLNK(status.st_mode):
        fault = "it is a symbolic link, which is not followed"
    elif not stat.S_ISREG(status.st_mode):
        fault = "it is not a file but a pipe, a socket or a device"
    elif status.st_size > MAX_BYTES:
        fault = _too_large()
    return DownloadedFile(name, partial(_disk_bytes, path), fault)


def _disk_bytes(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        return _no_more_than_allowed(stream.read(MAX_BYTES + 1))


def _fault_of(entry: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a symbolic link, which is not followed"
    if entry.flag_bits & 0x1:
        return "it is encrypted with a password"
    if entry.compress_type not in _METHODS:
        return "it is packed by a method that is rarely used (bzip2 or LZMA, for example): pack it as usual"
    if entry.file_size > MAX_BYTES:
        return _too_large()
    if entry.file_size > _RATIO_MATTERS_FROM and entry.file_size > _ABSURD_RATIO * max(1, entry.compress_size):
        return f"it unpacks to {entry.file_size / max(1, entry.compress_size):.0f} times its size, as no notebook does"
    return ""


def _bounded(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        return _no_more_than_allowed(stream.read(MAX_BYTES + 1))  # The size in the directory is only a claim.


def _no_more_than_allowed(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise UnreadableSubmission(_too_large())
    return content


def _too_large() -> str:
    return f"it is larger than {MAX_BYTES >> 20} MiB"


def _with_contents(delivered: DownloadedFile) -> Iterator[DownloadedFile]:
    """Yield the file, and before it the notebooks in it if a student has packed them into an archive."""
    kind = archive_kind(delivered.path)
    if not kind or delivered.fault:
        yield delivered
    elif kind != "ZIP":
        yield replace(delivered, reason=f"it is a {kind} archive, which is not unpacked here: unpack it yourself")
    else:
        yield from _zip_contents(delivered)


def _zip_contents(delivered: DownloadedFile) -> Iterator[DownloadedFile]:
    try:
        inner = InnerArchive.of(delivered.read)
    except UnreadableSubmission as error:
        yield replace(delivered, reason=str(error))
        return
    # The archive's own name says whose it is; what lies deeper in it does not.
    parent, stem = PurePosixPath(delivered.path).parent, PurePosixPath(delivered.path).stem
    for entry in inner.notebooks:
        path = (parent / f"{stem}--{PurePosixPath(entry.filename).name}").as_posix()
        yield DownloadedFile(path, partial(inner.read, entry), _fault_of(entry))
    if not inner.notebooks:
        yield replace(delivered, reason=inner.remark or "it is a ZIP archive without a notebook in it")
    elif inner.others:
        yield replace(delivered, beside=True)


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return the entry's name. macOS writes UTF-8 without its flag; other names without it are in DOS's code page."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _is_junk(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(_JUNK_FOLDERS.intersection(parts)) or (bool(parts) and parts[-1] in _JUNK_FILES)
