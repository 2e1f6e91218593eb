"""The student's kit: its files, and the ways to hand them out.

The files are made in memory: the same bytes for the same course, whenever they are made. A kit is handed out as a
folder, as a ZIP, or as a branch of the course's Git repository. It is committed by Git's plumbing, so that neither the
working copy nor the index is touched.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.files import write_atomically
from autograder.grading.visible_naming import visible_naming
from autograder.handout.student_part import constraints, kit_leaks, module_files, pins, project_file
from autograder.lab.recognition import TABLE
from autograder.selfcheck.newer import KIT_FILE, released_marks
from autograder.settings import GradingSettings

__all__ = ["Files", "commit_to_branch", "give_out", "kit_files", "write_folder", "zipped"]

Files = dict[str, bytes]
"""Contents by path below the kit's root, with forward slashes, in order."""

_TABLE = "autograder/lab/" + TABLE.name
_NOT_DATA = ("__pycache__", "Thumbs.db")


def kit_files(course: Course, assignments: Sequence[Assignment]) -> Files:
    """Return all files of the kit for ``assignments``: notebooks, tools, data, and how to start.

    Raises:
        AuthoringError: a cell of an assignment does not run, or a link leads out of the data folder.
    """
    notebooks = {_path(each): each.release.encode() for each in assignments}
    made: Files = {
        **notebooks,
        **module_files(),
        **_data(course),
        **_licences(course),
        **{name: text.encode() for name, text in _texts(course, assignments).items()},
        KIT_FILE: _json(_kit_description(assignments, notebooks)),
        _TABLE: _json(_wrong_values(assignments)),
    }
    return dict(sorted(made.items()))


def _path(assignment: Assignment) -> str:
    return f"notebooks/{assignment.name}/{assignment.notebook}.ipynb"


def _data(course: Course) -> Files:
    """Return the course's data, under ``data/course`` wherever the course keeps it; without hidden files and backups.

    Raises:
        AuthoringError: there is a link to a file elsewhere, such as students.csv, that nobody meant to give away.
    """
    made: Files = {}
    for path in sorted(course.data.rglob("*")):
        name = path.relative_to(course.data)
        if not path.is_file() or any(_stays(part) for part in name.parts):
            continue
        if not path.resolve().is_relative_to(course.data.resolve()):
            raise AuthoringError(
                f"{path} is a link to {path.resolve()}, outside the data folder, and the kit would contain that file. "
                "Put the file itself in its place, or remove the link."
            )
        made[f"data/course/{name.as_posix()}"] = path.read_bytes()
    return made


def _stays(name: str) -> bool:
    return name in _NOT_DATA or name.startswith(".") or name.endswith("~")


def _licences(course: Course) -> Files:
    named = ("LICENSE", "LICENSE-text", "data/README.md")
    return {name: (course.root / name).read_bytes() for name in named if (course.root / name).is_file()}


def _texts(course: Course, assignments: Sequence[Assignment]) -> dict[str, str]:
    title = course.config.title or course.id
    first = _path(assignments[0]) if assignments else "notebooks/"
    listed = "\n".join(f"| `{_path(each)}` | {each.title} |" for each in assignments)
    readme = _template("kit-readme.md.txt").replace("@TITLE@", title).replace("@FIRST@", first)
    return {
        ".gitignore": _template("gitignore.txt"),
        "README.md": readme.replace("@NOTEBOOKS@", listed),
        "start.py": _template("start.py.txt"),
        "course.toml": _course_file(course),
        "pyproject.toml": project_file(),
        "requirements.txt": "--constraint constraints.txt\n" + "".join(f"{pin}\n" for pin in pins()),
        "constraints.txt": "".join(f"{pin}\n" for pin in constraints()),
        "environment.yml": _environment(course),
    }


def _template(name: str) -> str:
    return files("autograder.handout").joinpath("templates", name).read_text(encoding="utf-8")


def _course_file(course: Course) -> str:
    """Return the file that ``autograder check`` reads: the grader's limits, and nothing else of the course's file."""
    limits = course.config.grading.limits()
    usual = GradingSettings()
    differing = {key: value for key, value in msgspec.to_builtins(limits).items() if value != getattr(usual, key)}
    lines = [f"id = {json.dumps(course.id)}", f"title = {json.dumps(course.config.title, ensure_ascii=False)}"]
    if differing:
        lines += ["", "[grading]", *(f"{key} = {json.dumps(value)}" for key, value in differing.items())]
    return "# What `autograder check` reads: the limits that the grader keeps to.\n" + "\n".join(lines) + "\n"


def _environment(course: Course) -> str:
    listed = "".join(f"      - {pin}\n" for pin in pins())
    return (
        "# For conda: conda env create -f environment.yml\n"
        f"name: {course.id}\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
        f"      - --constraint constraints.txt\n{listed}      - --editable .\n"
    )


def _kit_description(assignments: Sequence[Assignment], notebooks: Mapping[str, bytes]) -> dict[str, Any]:
    """Return, for each notebook, its own hash, and the marks by which an older copy of it is told."""
    return {
        "notebooks": {
            _path(each): {
                "sha256": hashlib.sha256(notebooks[_path(each)]).hexdigest(),
                **msgspec.to_builtins(released_marks(json.loads(each.release))),
            }
            for each in assignments
        }
    }


def _wrong_values(assignments: Sequence[Assignment]) -> dict[str, str]:
    return {key: sealed for each in assignments for key, sealed in visible_naming(each).rows.items()}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


# ---- a folder or a branch


def write_folder(made: Files, folder: Path) -> None:
    """Write the kit below ``folder``, which is made if it is missing."""
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def commit_to_branch(root: Path, branch: str, made: Files, message: str) -> str:
    """Commit ``made``, and nothing else, on top of ``branch`` of the repository around ``root``. Return a line to show.

    Raises:
        AuthoringError: there is no repository, the name is not a branch's, or somebody works on that branch.
    """
    reference = f"refs/heads/{branch}"
    if branch.startswith("-") or _run(root, "check-ref-format", reference, check=False) is None:
        raise AuthoringError(f"'{branch}' is not a name for a branch. Give one such as students.")
    folder = _run(root, "rev-parse", "--absolute-git-dir", check=False)
    if folder is None:
        raise AuthoringError(f"{root} is not in a Git repository, so there is no branch. Use --output instead.")
    if f"branch {reference}" in (_run(root, "worktree", "list", "--porcelain") or "").splitlines():
        raise AuthoringError(
            f"The branch {branch} is checked out, and committing to it would change somebody's working copy. "
            f"Check out another one, or name another branch."
        )
    return _commit(root, Path(folder), reference, made, message)


def _commit(root: Path, git_folder: Path, reference: str, made: Files, message: str) -> str:
    tip = _run(root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", check=False)
    tree = _tree(root, git_folder, made)
    branch = reference.removeprefix("refs/heads/")
    if tip and _run(root, "rev-parse", f"{tip}^{{tree}}") == tree:
        return f"The branch {branch} already contains this kit: {tip[:12]}"
    parents = ["-p", tip] if tip else []
    commit = _run(root, "commit-tree", tree, *parents, "-m", message) or ""
    _run(root, "update-ref", "-m", "autograder handout", reference, commit, tip or "0" * len(commit))
    return f"Committed to the branch {branch}: {commit[:12]}. To give it out: git push REMOTE {branch}"


def _tree(root: Path, git_folder: Path, made: Files) -> str:
    """Return the name of a tree of the repository that holds just ``made``."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / "work"
        work.mkdir()
        write_folder(made, work)
        around = {
            "GIT_DIR": str(git_folder),
            "GIT_WORK_TREE": str(work),
            "GIT_INDEX_FILE": str(Path(temporary) / "index"),
        }
        # As they are: no ignored file is left out, and no line ending is changed.
        _run(
            work,
            "-c",
            "core.autocrlf=false",
            "-c",
            "core.safecrlf=false",
            "add",
            "--all",
            "--force",
            ".",
            around=around,
        )
        return _run(work, "write-tree", around=around) or ""


def _run(folder: Path, *arguments: str, check: bool = True, around: dict[str, str] | None = None) -> str | None:
    """Return the output of Git; None if it failed and that is not to be checked."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} if around else os.environ
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**kept, **(around or {})}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise AuthoringError(
            "Git is not installed, so there is no branch to commit to. Use --output instead."
        ) from None
    if done.returncode and check:
        raise AuthoringError(f"git {arguments[0]} failed: {done.stderr.strip() or 'no reason given'}")
    return None if done.returncode else done.stdout.strip()


# ---- the handing out

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
    if course.adopted:
        raise AuthoringError("An nbgrader course is handed out as before: nbgrader generate_assignment ASSIGNMENT")
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
        f"In it: {listed}; {len(made)} files, {size / 1e6:.1f} MB unpacked. It contains no answers.",
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
            f"{name} opens on {later[name]:%Y-%m-%d %H:%M} UTC; it is here because you named it." for name in early
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
        raise AuthoringError(f"{output} is not an empty folder, and a kit replaces no files. Name another one.")
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
