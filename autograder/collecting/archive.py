"""The files in a folder or a ZIP archive, as they came; nothing is unpacked to the disk."""

from __future__ import annotations

import datetime as dt
import io
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from autograder.errors import CourseError, UnreadableSubmission
from autograder.submission.notebook_reader import MAX_BYTES

__all__ = ["DownloadedFile", "read_downloads", "time_zone"]

_JUNK_FOLDERS = {"__MACOSX", ".ipynb_checkpoints"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_MOST_FILES = 100_000


@dataclass(frozen=True)
class DownloadedFile:
    """One file.

    Attributes:
        path: where it lay, with ``/``; a file within an inner archive lies below that archive's name.
        content: its bytes; empty if they could not be had.
        at: when it was last changed, as the archive says.
        fault: why its bytes could not be had; empty if they could.
    """

    path: str
    content: bytes
    at: dt.datetime | None = None
    fault: str = ""


def time_zone(name: str) -> dt.tzinfo:
    """The time zone called ``name``. Raises CourseError if there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(f"'{name}' is no time zone. Write one such as Europe/London or UTC.") from error


def read_downloads(source: Path, zone: dt.tzinfo = dt.UTC) -> Iterator[DownloadedFile]:
    """Every file in ``source``, a folder, a ZIP archive or a single file; litter of operating systems left out.

    Args:
        source: what was downloaded.
        zone: in which archives tell the time: they do not say.

    Raises:
        UnreadableSubmission: there is no such thing, or the archive is damaged.
    """
    if source.is_dir():
        yield from _from_folder(source)
    elif source.is_file() and zipfile.is_zipfile(source):
        yield from _from_zip(source, source.name, zone)
    elif source.is_file() and source.suffix.lower() == ".zip":
        raise UnreadableSubmission(f"{source} is no whole ZIP archive: its end is missing. Download it again.")
    elif source.is_file():
        yield _from_file(source, source.name)
    else:
        raise UnreadableSubmission(f"{source} does not exist. Name the folder or the ZIP that you downloaded.")


def _from_folder(folder: Path) -> Iterator[DownloadedFile]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield DownloadedFile(name, b"", fault="it is a symbolic link, which is not followed")
        elif path.is_file() and not _is_junk(name):
            yield from _unpacked(_from_file(path, name), dt.UTC)


def _from_file(path: Path, name: str) -> DownloadedFile:
    status = path.stat()
    if status.st_size > MAX_BYTES:
        return DownloadedFile(name, b"", fault=f"it is larger than {MAX_BYTES >> 20} MiB")
    return DownloadedFile(name, path.read_bytes(), dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))


def _from_zip(archive: Path | io.BytesIO, name: str, zone: dt.tzinfo, depth: int = 0) -> Iterator[DownloadedFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir() and not _is_junk(entry.filename)]
            if len(entries) > _MOST_FILES:
                raise UnreadableSubmission(f"{name} holds {len(entries)} files. Split it, and collect the parts.")
            for entry in entries:
                yield from _unpacked(_from_entry(opened, entry, zone), zone, depth)
    except zipfile.BadZipFile as error:
        raise UnreadableSubmission(f"{name} is a damaged ZIP archive ({error}). Download it again.") from error
    except UnicodeDecodeError as error:  # One name that is not what the archive says it is; Python then reads none.
        raise UnreadableSubmission(
            f"{name} holds a file whose name is not UTF-8, as it should be. Unpack it and collect the folder."
        ) from error


def _from_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, zone: dt.tzinfo) -> DownloadedFile:
    path, at = _name_of(entry), _time_of(entry, zone)
    if stat.S_ISLNK(entry.external_attr >> 16):
        return DownloadedFile(path, b"", at, "it is a symbolic link, which is not followed")
    if entry.file_size > MAX_BYTES:
        return DownloadedFile(path, b"", at, f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        with archive.open(entry) as stream:
            content = stream.read(MAX_BYTES + 1)  # The size in the directory is only a claim.
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        return DownloadedFile(path, b"", at, f"it cannot be unpacked ({error})")
    if len(content) > MAX_BYTES:
        return DownloadedFile(path, b"", at, f"it is larger than {MAX_BYTES >> 20} MiB")
    return DownloadedFile(path, content, at)


def _unpacked(delivered: DownloadedFile, zone: dt.tzinfo, depth: int = 0) -> Iterator[DownloadedFile]:
    """The file, or what is in it if a student has packed a notebook into an archive of their own."""
    if depth or not delivered.path.lower().endswith(".zip") or delivered.fault:
        yield delivered
        return
    try:
        inner = list(_from_zip(io.BytesIO(delivered.content), delivered.path, zone, depth + 1))
    except UnreadableSubmission:
        yield delivered
        return
    # The archive's own name says whose it is; what lies deeper in it does not.
    parent, stem = PurePosixPath(delivered.path).parent, PurePosixPath(delivered.path).stem
    for each in inner:
        path = (parent / f"{stem}--{PurePosixPath(each.path).name}").as_posix()
        yield DownloadedFile(path, each.content, delivered.at, each.fault)


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's name. macOS writes UTF-8 without saying so, and what says nothing is read as the code page of DOS."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _time_of(entry: zipfile.ZipInfo, zone: dt.tzinfo) -> dt.datetime | None:
    try:
        return dt.datetime(*entry.date_time, tzinfo=zone).astimezone(dt.UTC)
    except ValueError:
        return None


def _is_junk(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(_JUNK_FOLDERS.intersection(parts)) or (bool(parts) and parts[-1] in _JUNK_FILES)
