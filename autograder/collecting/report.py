"""The report on a download, for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Collected", "Placed", "Unplaced", "printable"]

_OUTCOMES = ("new", "replaced", "unchanged", "older")


@dataclass(frozen=True)
class Placed:
    """The file of one student.

    Attributes:
        student: nbgrader's id.
        assignment: the assignment that it answers.
        origin: the file in the download.
        outcome: new, replaced, unchanged, or older (kept aside).
        remark: a remark for the person who collects; may be empty.
        group: all for whom it was handed in, if they are several.
        doubtful: whether a person has to decide.
    """

    student: str
    assignment: str
    origin: str
    outcome: str
    remark: str = ""
    group: tuple[str, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True)
class Unplaced:
    """A file that was not placed, with the reason and the path of a copy."""

    origin: str
    reason: str
    kept: Path | None = None


@dataclass(frozen=True)
class Collected:
    """The outcome of a download.

    Attributes:
        placed: the files that were placed, and earlier ones of the same students.
        unplaced: files that a person has to look at.
        beside: files that came with a notebook that was placed; they are kept aside.
        platform: the platform's name for people.
        remarks: remarks on the whole download.
    """

    placed: tuple[Placed, ...]
    unplaced: tuple[Unplaced, ...]
    beside: tuple[Unplaced, ...] = ()
    platform: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def needs_a_look(self) -> bool:
        """True if a person has something to decide."""
        return bool(self.unplaced) or any(each.doubtful for each in self.placed)

    def lines(self) -> list[str]:
        """Return the report."""
        if not self.placed and not self.unplaced and not self.beside:
            return ["The download holds no files. Download it again, or name another folder."]
        counts = Counter(each.outcome for each in self.placed)
        head = ", ".join(f"{counts[word]} {word}" for word in _OUTCOMES if counts[word]) or "nothing placed"
        lines = [f"Read as {self.platform}.", f"{head}; {len(self.unplaced)} not placed.", *self.remarks]
        lines += [f"{each.student}, {each.assignment}: {each.remark}" for each in self.placed if each.remark]
        lines += self._group_lines()
        if self.beside:
            names = ", ".join(printable(each.origin) for each in self.beside[:3])
            more = f" and {len(self.beside) - 3} more" if len(self.beside) > 3 else ""
            folder = next((f" in {each.kept.parent}" for each in self.beside if each.kept), "")
            lines.append(f"kept aside{folder}, because they came with a notebook: {names}{more}.")
        for stray in self.unplaced:
            kept = f" A copy is at {stray.kept}." if stray.kept else ""
            lines.append(f"not placed: {printable(stray.origin)}: {printable(stray.reason)}{kept}")
        return [printable(line) for line in lines]

    def _group_lines(self) -> list[str]:
        groups = {(each.assignment, each.group) for each in self.placed if each.group}
        return [f"{name}: handed in together: {', '.join(members)}" for name, members in sorted(groups)]


def printable(text: str) -> str:
    """Return ``text`` without signs that a terminal would obey: students choose the names of files."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)
