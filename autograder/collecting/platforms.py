"""The platform that a download is from, decided once, from its root: folders, names, the platform's own manifest.

Names that students choose lie deeper, or behind the first part of a name, and decide nothing.
"""

from __future__ import annotations

import datetime as dt
import os.path
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.collecting.archive import Download
from autograder.collecting.enclosed_lists import MANIFEST, read_manifest, told_by_worksheet
from autograder.collecting.submitters import NAMINGS, Naming, Submitter, pattern_sender
from autograder.errors import CourseError
from autograder.gradebook.stamps import TIMESTAMP
from autograder.roster import Roster

__all__ = ["PLATFORMS", "Reading", "read_download"]

PLATFORMS = ("gradescope", *(each.platform for each in NAMINGS), "github", "folders")
_MOST_WRAPPERS = 3
_EXPORT = re.compile(r"\w+_export")
_SUBMISSION = re.compile(r"submission_\d+/")
_NEUTRAL = {"submitted", "submissions", "submission", "download", "downloads", "inbound", "collected", "students"}


@dataclass(frozen=True)
class Reading:
    """The way to read a download.

    Attributes:
        platform: its short name, such as canvas.
        title: its name for people.
        prefix: the folders around everything, which tell nothing, with ``/``; may be empty.
        remark: a remark on the decision for people; may be empty.
    """

    platform: str
    title: str
    prefix: str = ""
    remark: str = ""
    naming: Naming | None = None
    manifest: Mapping[str, tuple[Submitter, ...]] = field(default_factory=dict)
    slug: str = ""
    zone: dt.tzinfo = dt.UTC
    titles: Collection[str] = ()
    worksheet: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def senders(self, path: str) -> tuple[Submitter, ...]:
        """Return those who handed in the file at ``path``: one, several on Gradescope, none if nothing tells."""
        if path.startswith("/") or ".." in PurePosixPath(path).parts:  # Nobody's archive has such names by accident.
            return ()
        inner = path.removeprefix(self.prefix)
        top, _, rest = inner.partition("/")
        if self.platform == "gradescope":
            return self.manifest.get(top, ()) if rest else ()
        if self.naming is not None:
            found = self.naming.entry.match(inner)
            return (self._completed(self.naming.read(found, self.zone), inner),) if found else ()
        return self._of_folder(top, rest)

    def stamp_of(self, path: str) -> str:
        """Return the path of the platform's time stamp for the file at ``path``: nbgrader's own tree has one."""
        parts = path.removeprefix(self.prefix).split("/")
        return f"{self.prefix}{parts[0]}/{parts[1]}/{TIMESTAMP}" if self.platform == "tree" and len(parts) > 2 else ""

    def is_platforms(self, path: str) -> bool:
        """Return whether the platform itself added the file at ``path``."""
        inner = path.removeprefix(self.prefix)
        if self.platform == "tree":
            return path == self.stamp_of(path)
        if self.platform == "nbgrader":
            return inner.count("/") == 1 and inner.endswith(f"/{TIMESTAMP}")  # Its folder's name tells the same.
        if self.platform == "gradescope":
            return inner == MANIFEST
        if self.platform == "blackboard":
            return bool(re.fullmatch(r"[^/]*_attempt_[\d-]{19}\.txt", inner))
        return bool(self.naming and self.naming.own and self.naming.own.fullmatch(inner))

    def _of_folder(self, top: str, rest: str) -> tuple[Submitter, ...]:
        if not rest:  # A file of its own at the root, called after a student.
            stem = top.partition("--")[0] if "--" in top else PurePosixPath(top).stem
            return (Submitter(self.platform, stem, (("id", stem), ("email", stem)), by_file_name=True),)
        if self.platform == "github":
            login = top.removeprefix(self.slug)
            return (Submitter("github", login, (("github", login), ("id", login)), fallback=login),)
        assignment = PurePosixPath(rest).parts[0] if "/" in rest else ""
        return (Submitter(self.platform, top, (("any", top),), fallback=top, assignment=assignment),)

    def _completed(self, sender: Submitter, path: str) -> Submitter:
        if self.platform == "moodle":
            return told_by_worksheet(sender, self.worksheet, self.zone)
        return self._titled(sender, path)

    def _titled(self, sender: Submitter, path: str) -> Submitter:
        """Return the sender with the whole of a name on Blackboard that has an underscore in it."""
        title = next((each for each in sorted(self.titles, key=len) if path.startswith(f"{each}_")), "")
        if self.platform != "blackboard" or not title:
            return sender
        user = path[len(title) + 1 :].partition("_attempt_")[0]
        return Submitter("blackboard", user, (("id", user), ("sid", user)), fallback=user, at=sender.at,
                      zoneless=sender.zoneless, fault=sender.fault)  # fmt: skip


def read_download(
    download: Download,
    roster: Roster,
    assignments: Mapping[str, str],
    *,
    present: Collection[str] = (),
    zone: dt.tzinfo = dt.UTC,
    platform: str = "",
    pattern: str = "",
) -> Reading:
    """Decide how to read a download.

    Args:
        download: the download.
        roster: the members of the class; may be empty.
        assignments: the names of the released notebooks, by assignment.
        present: the students who have handed in something before.
        zone: the zone of times without one.
        platform: one of :data:`PLATFORMS`, to set it instead.
        pattern: a regular expression with named groups that is matched with every path.

    Raises:
        CourseError: there is no such platform, or the pattern is wrong.
        UnreadableSubmission: the platform's manifest is damaged.
    """
    if pattern:
        return Reading("pattern", "files by --pattern", naming=_pattern(pattern), zone=zone)
    if platform and platform not in PLATFORMS:
        raise CourseError(f"'{platform}' is not a known platform. Use one of {', '.join(PLATFORMS)}.")
    return _Decision(download, roster, assignments, present, zone, platform).made()


def _pattern(text: str) -> Naming:
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise CourseError(f"--pattern '{text}' is not a regular expression: {error}.") from error
    if not {"student", "student_id", "email", "sid", "number", "name", "first_name"} & compiled.groupindex.keys():
        raise CourseError(
            f"--pattern '{text}' does not name the student: it needs a group such as (?P<student>...). "
            "Others are email, sid, number, name, first_name, last_name, group, late, assignment, timestamp."
        )
    return Naming("pattern", "files by --pattern", compiled, pattern_sender)


class _Decision:
    def __init__(
        self,
        download: Download,
        roster: Roster,
        assignments: Mapping[str, str],
        present: Collection[str],
        zone: dt.tzinfo,
        platform: str,
    ) -> None:
        self._download, self._roster, self._assignments = download, roster, assignments
        self._zone, self._wanted = zone, platform
        self._files = {each.path: each for each in download.files}
        self._present = present

    def made(self) -> Reading:
        paths = [path for path in self._files if not path.startswith("/") and ".." not in PurePosixPath(path).parts]
        prefix = ""
        for _ in range(_MOST_WRAPPERS + 1):
            inner = [path.removeprefix(prefix) for path in paths]
            reading = self._gradescope(prefix, inner) or self._named(prefix, inner) or self._github(prefix, inner)
            if reading is not None:
                return reading
            wrapper = _only_folder(inner)
            if not wrapper or not self._is_wrapper(wrapper, inner):
                return self._folders(prefix, inner)
            prefix += f"{wrapper}/"
        return self._folders(prefix, [path.removeprefix(prefix) for path in paths])

    def _gradescope(self, prefix: str, paths: Sequence[str]) -> Reading | None:
        if self._wanted not in ("", "gradescope") or MANIFEST not in paths:
            return None
        units = _units(path for path in paths if path != MANIFEST)
        if sum(bool(_SUBMISSION.match(path)) for path in units.values()) * 2 <= len(units):
            return None
        folder = prefix.rstrip("/").rpartition("/")[2]
        if folder and not _EXPORT.fullmatch(folder) and self._roster.knows(folder):
            return None  # A student's folder that looks like an export.
        content = self._files[prefix + MANIFEST].read()
        return Reading("gradescope", "Gradescope", prefix, manifest=read_manifest(content))

    def _named(self, prefix: str, paths: Sequence[str]) -> Reading | None:
        """Return the platform whose names most of the units at the root bear; more than half must."""
        best: tuple[float, Naming] | None = None
        for naming in NAMINGS:
            if self._wanted not in ("", naming.platform):
                continue
            units = _units(path for path in paths if not (naming.own and naming.own.fullmatch(path)))
            share = sum(bool(naming.entry.match(path)) for path in units.values()) / max(1, len(units))
            if share > 0.5 and (best is None or share > best[0]):
                best = share, naming
        if best is None:
            return None
        titles = _titles(paths, best[1]) if best[1].platform == "blackboard" else ()
        return Reading(best[1].platform, best[1].title, prefix, naming=best[1], zone=self._zone, titles=titles)

    def _github(self, prefix: str, paths: Sequence[str]) -> Reading | None:
        units = _units(paths)
        names = [unit.rstrip("/") for unit in units]
        if self._wanted not in ("", "github") or not units or not all(unit.endswith("/") for unit in units):
            return None
        shared = os.path.commonprefix(names)  # noqa: RUF071 - sign by sign: names, not paths.
        slugs = [f"{each}-" for pair in self._assignments.items() for each in pair]
        slug = next(
            (each for each in sorted(slugs, key=len, reverse=True) if shared.lower().startswith(each.lower())), ""
        )
        if not slug and len(names) > 1 and "-" in shared:
            cut = shared[: shared.rindex("-") + 1]
            slug = cut if any(self._roster.knows(name.removeprefix(cut)) for name in names) else ""
        logins = [name[len(slug) :] for name in names]
        known = not self._roster or any(self._roster.knows(login) for login in logins)
        if not slug or not known or _NEUTRAL & set(logins) or any(self._roster.knows(name) for name in names):
            return None
        return Reading("github", "GitHub Classroom", prefix, slug=shared[: len(slug)])

    def _is_wrapper(self, folder: str, paths: Sequence[str]) -> bool:
        """Return whether the one folder at the root is around all students' folders, as a computer packs it."""
        inner = {path.split("/")[1] for path in paths}
        plain = folder.lower()
        if plain in _NEUTRAL or _EXPORT.fullmatch(plain) or plain.startswith("multi_feedback"):
            return True
        if inner & set(self._assignments) or folder in self._present:
            return False  # STUDENT/ASSIGNMENT/NOTEBOOK, or a student who has handed in before.
        below = [path.partition("/")[2] for path in paths]
        named = all(map(_is_named, below))
        if self._roster:
            known = any(self._roster.knows(each) for each in inner)
            return not self._roster.knows(folder) and (known or self._is_laid_out(below))
        return named or plain == self._download.name.lower() or folder in self._assignments

    def _is_laid_out(self, paths: Sequence[str]) -> bool:
        """Return whether a platform's names stand at the root of ``paths``, or within the one folder there."""
        for _ in range(_MOST_WRAPPERS):
            if all(map(_is_named, paths)) or self._github("", paths) is not None:
                return True
            if not _only_folder(paths):
                return False
            paths = [path.partition("/")[2] for path in paths]
        return False

    def _folders(self, prefix: str, paths: Sequence[str]) -> Reading:
        tree = f"{self._download.name}/{prefix}".rstrip("/").rpartition("/")[2] == "submitted"
        deep = [path.split("/") for path in paths if path.count("/") >= 2]
        if tree and deep and sum(parts[1] in self._assignments for parts in deep) * 2 > len(deep):
            return Reading("tree", "nbgrader's submitted/", prefix)
        return Reading("folders", "folders of students", prefix)


def _is_named(path: str) -> bool:
    """Return whether a platform names files as ``path``."""
    return any(naming.entry.match(path) for naming in NAMINGS)


def _units(paths: Iterable[str]) -> dict[str, str]:
    """Return one path for each file and each folder at the root; folders end with ``/``."""
    found: dict[str, str] = {}
    for path in paths:
        top, slash, _ = path.partition("/")
        found.setdefault(top + slash, path)
    return found


def _only_folder(paths: Sequence[str]) -> str:
    tops = {path.partition("/")[0] for path in paths}
    return tops.pop() if len(tops) == 1 and all("/" in path for path in paths) else ""


def _titles(paths: Sequence[str], naming: Naming) -> list[str]:
    """Return the beginning of most names on Blackboard: the title of the assignment."""
    found = [match["title"] for path in paths if (match := naming.entry.match(path))]
    most = max(set(found), key=found.count, default="")
    return [most] if found.count(most) * 2 > len(found) else []
