"""The alignment of a student's work with the released skeleton, and the choice among several notebooks.

The skeleton decides which cells there are, in which order, with which marks. From the file come only the solutions, the
written answers and the student's own cells; each own cell stays behind the cell it followed.

Among several notebooks in a student's folder, the submission is chosen by the work in them, not by name.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from autograder.authoring.assignment import Assignment, AssignmentCell
from autograder.errors import UnreadableSubmission
from autograder.submission.finding import doubts, match_cells
from autograder.submission.matching import Catalogue, Matching, garbled_code, is_blank, is_of, released_text, rightful
from autograder.submission.model import CellKind, Submission, SubmissionCell
from autograder.submission.notebook_reader import RawNotebook, load
from autograder.submission.raw_cells import StudentCell, read_student_cells
from autograder.submission.repairs import borrowed_names, explain

__all__ = ["align", "beside", "choose", "load_submission", "submission_key", "work_in"]

# ---- the alignment

_STUDENT_KINDS = ("exercise", "answer")
_START = ""  # The place before the first cell of the skeleton.


def load_submission(path: Path, assignment: Assignment, others: Callable[[], Catalogue] = dict) -> Submission:
    """Read the file at ``path`` and align it with ``assignment``.

    Raises:
        UnreadableSubmission: it cannot be graded; the message tells why and what to do.
    """
    return align(load(path), assignment, others)


def align(notebook: Mapping[str, Any], assignment: Assignment, others: Callable[[], Catalogue] = dict) -> Submission:
    """Return the submission that ``notebook`` amounts to: the released skeleton with the student's work in it.

    Args:
        notebook: the notebook that ``read_submission`` returned, or a notebook made in memory.
        assignment: the assignment that it answers.
        others: a function that gives the marks of the course's assignments, so that another one's notebook is named.

    Raises:
        UnreadableSubmission: it is not a notebook of the assignment, or part of the student's work is damaged.
    """
    origin = notebook.origin if isinstance(notebook, RawNotebook) else "the notebook"
    cells, repairs = read_student_cells(notebook, origin)
    matching = match_cells(cells, assignment)
    _refuse_strangers(cells, matching, assignment, others, origin)
    if isinstance(notebook, RawNotebook):
        _refuse_damaged_work(notebook, matching, assignment)
        repairs = [*notebook.repairs, *repairs]
    aligned = tuple(_layout(matching, assignment))
    looks = doubts(cells, matching, assignment)
    explained = explain(cells, matching, assignment)
    borrowed = borrowed_names(aligned, assignment)
    return Submission(aligned, (*repairs, *explained, *borrowed, *looks), submission_key(aligned), looks)


def submission_key(cells: Sequence[SubmissionCell]) -> str:
    """Return a hash of the student's code and where it stands: 32 hexadecimal digits."""
    code, before = [], _START
    for cell in cells:
        if cell.is_student_code:
            code.append([before, cell.cell_id, cell.source.rstrip()])
        elif cell.kind not in ("note", "prose", "answer"):
            before = cell.cell_id
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:32]


def work_in(submission: Submission, assignment: Assignment) -> dict[str, str]:
    """Return the student's text, by the grade id of the cell that it stands in; nothing for what was left blank."""
    released = {cell.cell_id: cell for cell in assignment.cells}
    return {
        cell.grade_id: cell.source.strip()
        for cell in submission.cells
        if cell.kind in _STUDENT_KINDS
        and not is_blank(StudentCell(0, cell.cell_type, cell.source), released[cell.cell_id])
    }


def _refuse_strangers(
    cells: Sequence[StudentCell],
    matching: Matching,
    assignment: Assignment,
    others: Callable[[], Catalogue],
    origin: str,
) -> None:
    """Refuse a notebook of another assignment, or of none, without a zero: its student handed in the wrong file."""
    other = rightful(cells, assignment, others)
    again = f"Hand in the notebook of {assignment.name}."
    if other:
        raise UnreadableSubmission(f"{origin} is not a notebook of {assignment.name}: it is {other}. {again}")
    if not is_of(matching, assignment):
        raise UnreadableSubmission(
            f"{origin} is not a notebook of {assignment.name}: it has none of its exercises, checks or questions. "
            f"{again} If this is your work on it, paste it into a fresh copy."
        )


def _refuse_damaged_work(notebook: RawNotebook, matching: Matching, assignment: Assignment) -> None:
    """Refuse damaged work: better no grade than a grade for code that is not what the student wrote."""
    again = "Submit an undamaged copy."
    missing = [cell for cell in assignment.cells if cell.cell_id not in matching.chosen]
    work = [cell.exercise for cell in missing if cell.kind in _STUDENT_KINDS]
    if notebook.lost is not None and work:
        raise UnreadableSubmission(f"{notebook.origin} is damaged: your work on '{work[0]}' cannot be read. {again}")
    if notebook.lost is not None and notebook.lost > len(missing):
        raise UnreadableSubmission(f"{notebook.origin} is damaged: a cell of your own may be lost. {again}")
    code = [match.cell for match in matching.chosen.values()] + list(matching.own)
    for cell in code if notebook.garbled else []:
        if cell.cell_type == "code" and garbled_code(cell.source):
            raise UnreadableSubmission(f"{notebook.origin} is damaged: the code of {cell.label} is garbled. {again}")


def _layout(matching: Matching, assignment: Assignment) -> list[SubmissionCell]:
    """Return the skeleton's cells in its order, each between the student's own cells that stood around it."""
    before, after = _own_places(matching, assignment)
    ids: dict[str, int] = defaultdict(int)
    placed = [_own_cell(cell, ids) for cell in after[_START]]
    for released in assignment.cells:
        placed += [_own_cell(cell, ids) for cell in before[released.cell_id]]
        if (
            released.kind != "free" or released.cell_id in matching.chosen
        ):  # Its student may have removed or replaced it.
            placed.append(_skeleton_cell(released, matching))
        placed += [_own_cell(cell, ids) for cell in after[released.cell_id]]
    return placed


def _own_places(
    matching: Matching, assignment: Assignment
) -> tuple[Mapping[str, list[StudentCell]], Mapping[str, list[StudentCell]]]:
    """Return, for each cell of the skeleton, the student's cells to put before it and after it, in file order."""
    owners = matching.owners()
    own = {cell.number: cell for cell in (*matching.own, *_kept_copies(matching, assignment))}
    before: dict[str, list[StudentCell]] = defaultdict(list)
    after: dict[str, list[StudentCell]] = defaultdict(list)
    anchor = _START
    for number in sorted({*owners, *own}):
        anchor = owners.get(number, anchor)
        if number not in own:
            continue
        chosen = matching.chosen.get(anchor)
        earlier = chosen is not None and number < chosen.cell.number
        (before if earlier else after)[anchor].append(own[number])
    return before, after


def _kept_copies(matching: Matching, assignment: Assignment) -> list[StudentCell]:
    """Return the cells that carry another cell's name but text of the student's own."""
    kept = []
    merged = {match.cell.number for match in matching.chosen.values() if match.evidence == "merged"}
    for released in assignment.cells:
        copies = matching.copies.get(released.cell_id, ())
        kept += [cell for cell in copies if not is_blank(cell, released)]
        match = matching.chosen.get(released.cell_id)
        changed = match is not None and match.cell.text not in ("", released_text(released))
        if match and released.kind == "prose" and changed and match.cell.number not in merged:
            kept.append(match.cell)
    return kept


def _skeleton_cell(released: AssignmentCell, matching: Matching) -> SubmissionCell:
    match = matching.chosen.get(released.cell_id)
    own_text = match is not None and released.kind in (*_STUDENT_KINDS, "free")
    return SubmissionCell(
        kind=_kind(released),
        grade_id=released.grade_id,
        cell_id=released.cell_id,
        source=match.source if match and own_text else released.release_source,
        exercise=released.exercise,
        cell_type=_type(released.cell_type),
        attachments=match.cell.attachments if match and own_text and released.cell_type == "markdown" else (),
    )


def _own_cell(cell: StudentCell, ids: dict[str, int]) -> SubmissionCell:
    kind: CellKind = "extra" if cell.cell_type == "code" else "note"
    ids[kind] += 1
    # Not the file's own id: programs make a new one at each save, and results are stored by cell id.
    attachments = cell.attachments if kind == "note" else ()
    return SubmissionCell(kind, "", f"{kind}-{ids[kind]}", cell.source, "", _type(cell.cell_type), attachments)


def _kind(released: AssignmentCell) -> CellKind:
    kinds: dict[str, CellKind] = {
        "given": "given",
        "demo": "demo",
        "exercise": "exercise",
        "check": "check",
        "answer": "answer",
        "free": "free",
    }
    return kinds.get(released.kind, "prose")


def _type(cell_type: str) -> Literal["code", "markdown"]:
    return "code" if cell_type == "code" else "markdown"


# ---- the choice among several notebooks

_MOST = 20
Work = Mapping[str, str]


def beside(path: Path) -> tuple[Path, ...]:
    """Return the other notebooks in the folder of ``path`` and in the folders there, whatever they are called.

    None of what Jupyter and macOS keep for themselves.
    """
    entries = _entries(path.parent)
    inner = [each for entry in entries if entry.is_dir() and not entry.is_symlink() for each in _entries(entry)]
    return tuple(each for each in (*entries, *inner) if each != path and _may_be_notebook(each))


def _entries(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry for entry in found if not entry.name.startswith((".", "~", "__MACOSX"))]


def _may_be_notebook(path: Path) -> bool:
    """Return whether a file may be a notebook.

    Also ``work.ipynb.txt``, ``work.ipynb (1)`` and ``work.json``, as browsers and mail programs make them.
    """
    name = path.name.lower()
    return (".ipynb" in name or name.endswith(".json")) and not path.is_dir()


def choose(path: Path, assignment: Assignment, others: Callable[[], Catalogue]) -> tuple[Path, str]:
    """Return the notebook that counts, and why it is that one if it is not ``path``.

    A second notebook counts only if ``path``, the one of the right name, is as it was handed out.

    Raises:
        UnreadableSubmission: more than one holds work; a person has to decide.
    """
    original = _work(path, assignment, others)
    distinct: dict[Path, Work] = {}
    for each in beside(path)[:_MOST]:
        work = _work(each, assignment, others)
        if work and work != original and work not in distinct.values():
            distinct[each] = work
    if not distinct:
        return path, ""
    if original == {} and len(distinct) == 1:
        (chosen,) = distinct
        return chosen, f"{chosen.relative_to(path.parent)} was graded, since {path.name} beside it is blank."
    raise UnreadableSubmission(_undecided({path: original, **distinct}))


def _work(path: Path, assignment: Assignment, others: Callable[[], Catalogue]) -> Work | None:
    """Return the student's answers in a notebook, by cell; None if it cannot be read or is not of this assignment."""
    try:
        return work_in(load_submission(path, assignment, others), assignment)
    except (UnreadableSubmission, RecursionError, MemoryError):
        return None


def _undecided(held: Mapping[Path, Work | None]) -> str:
    folder = next(iter(held)).parent
    listed = ", ".join(
        f"{path.relative_to(folder)} ({'cannot be read' if work is None else f'{len(work)} answered'})"
        for path, work in held.items()
        if work != {}
    )
    return (
        f"{folder} contains more than one notebook that may be meant: {listed}. "
        "Keep the one that counts, move the others out of the folder and run again."
    )
