"""The handing out of a kit: as a folder, as a ZIP, or as a branch of the course's Git repository."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from autograder.atomic_files import write_atomically
from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.handout.git_branch import commit_to_branch
from autograder.handout.kit import Files, kit_files, write_folder
from autograder.handout.proof import kit_leaks

__all__ = ["give_out", "zipped"]

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the ZIP: the same kit has the same bytes."""
_SHOWN = 10


def give_out(
    course: Course,
    names: Sequence[str] | None = None,
    *,
    output: Path | None = None,
    branch: str = "",
    everything: bool = False,
    now: dt.datetime | None = None,
) -> list[str]:
    """Make the kit, search it for what must not be in it, and write it. Return lines to show about it.

    Args:
        names: the names of the assignments; default those that are open by now.
        output: a ZIP or a folder; default ``handout/ID.zip``.
        branch: a branch of the course's Git repository, to commit it to instead.
        everything: True to take assignments that open later, too.
        now: the time that counts as now; default the present moment.

    Raises:
        AuthoringError: nothing to hand out, something in it gives an answer away, or it cannot be written there.
    """
    if branch and output is not None:
        raise AuthoringError("A kit is written to --output or to --branch. Give one of the two.")
    known = [load_assignment(course, name) for name in course.assignments()]
    chosen, remarks = _chosen(course, known, names or (), everything, now or dt.datetime.now(dt.UTC))
    made = kit_files(course, chosen)
    _refuse_leaks(kit_leaks(course, known, made))
    size = sum(map(len, made.values()))
    listed = ", ".join(each.name for each in chosen)
    if branch:
        where = commit_to_branch(course.root, branch, made, f"Hand out {listed}")
    else:
        where = str(_write(course, made, output or course.root / "handout" / f"{course.id}.zip"))
    return [
        *remarks,
        f"In it: {listed}; {len(made)} files, {size / 1e6:.1f} MB unpacked. No answer stands in it.",
        where,
    ]


def _chosen(
    course: Course, known: Sequence[Assignment], names: Sequence[str], everything: bool, now: dt.datetime
) -> tuple[list[Assignment], list[str]]:
    by_name = {each.name: each for each in known}
    strangers = [name for name in names if name not in by_name]
    if strangers:
        listed = ", ".join(by_name) or "none"
        raise AuthoringError(f"There is no assignment '{strangers[0]}' in {course.source}. There are: {listed}.")
    opens = {name: course.settings(name).opens for name in by_name}
    later = {name: moment for name, moment in opens.items() if moment is not None and moment > now}
    if names:
        chosen = [each for each in known if each.name in names]
        early = [each.name for each in chosen if each.name in later]
        return chosen, [
            f"{name} opens on {later[name]:%Y-%m-%d %H:%M} UTC; it is in the kit by name." for name in early
        ]
    chosen = [each for each in known if everything or each.name not in later]
    if not chosen:
        raise AuthoringError(f"No assignment of {course.source} is open yet. Name one, or write --all.")
    left = [f"Left out: {name}, which opens on {later[name]:%Y-%m-%d %H:%M} UTC." for name in later if not everything]
    return chosen, left


def _refuse_leaks(leaks: Sequence[str]) -> None:
    if leaks:
        more = f" And {len(leaks) - _SHOWN} more." if len(leaks) > _SHOWN else ""
        raise AuthoringError(
            f"Nothing was handed out, because it would give answers away: {' '.join(leaks[:_SHOWN])}{more}"
        )


def _write(course: Course, made: Files, output: Path) -> Path:
    if output.suffix.lower() == ".zip":
        if output.is_dir():
            raise AuthoringError(f"{output} is a folder. Name a file that ends in .zip, or another folder.")
        write_atomically(output, zipped(made, course.id), mode=0o644)
        return output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise AuthoringError(f"{output} is not an empty folder, and a kit replaces nobody's files. Name another one.")
    write_folder(made, output)
    return output


def zipped(made: Files, top: str) -> bytes:
    """Return the kit as a ZIP in which everything lies in the folder ``top``; the same bytes for the same kit."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in made.items():
            entry = zipfile.ZipInfo(f"{top}/{name}", _LONG_AGO)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content, compresslevel=9)
    return buffer.getvalue()
