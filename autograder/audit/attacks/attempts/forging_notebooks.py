"""Attacks that try to be given points: by results that look like points, by edited notebooks and their metadata."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack


@attack(
    "forging", tries="ends cells and an added cell with a number of points", stopped_by="a grade is no cell's output"
)
def points_as_results(target: Target) -> Target:
    for cell in target.of_kind("exercise"):
        cell["source"] += "\n33.0"
    return target.append("30.0")


@attack("forging", tries="prints messages that look like full marks", stopped_by="a grade is no cell's output")
def printed_points(target: Target) -> Target:
    return target.append("print('All checks passed: 30 of 30 points')\n30.0")


@attack(
    "forging", tries="hands in outputs that already hold full points", stopped_by="outputs of the file are not read"
)
def outputs_in_the_file(target: Target) -> Target:
    for cell in target.of_kind("check"):
        data = {"text/plain": "9.0"}
        cell["outputs"] = [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}]
    return target


@attack("forging", tries="raises the points of every check in the metadata", stopped_by="marks come from the skeleton")
def raised_points(target: Target) -> Target:
    for cell in target.of_kind("check"):
        cell["metadata"]["nbgrader"]["points"] = 1000
        cell["source"] = "1000.0"
    return target


@attack("forging", tries="deletes every check", stopped_by="checks come from the skeleton")
def deleted_checks(target: Target) -> Target:
    target.notebook["cells"] = [cell for cell in target.cells if cell not in target.of_kind("check")]
    return target


@attack("forging", tries="adds a copy of each check that always passes", stopped_by="checks come from the skeleton")
def duplicated_checks(target: Target) -> Target:
    cells = []
    for cell in target.cells:
        cells.append(cell)
        if cell in target.of_kind("check"):
            cells.append({**target.copy(cell), "source": "None", "id": f"{cell['id']}-again"[:64]})
    target.notebook["cells"] = cells
    return target


@attack("forging", tries="replaces the source of every check", stopped_by="checks come from the skeleton")
def replaced_checks(target: Target) -> Target:
    for cell in target.of_kind("check"):
        cell["source"] = f"{cell['metadata']['nbgrader'].get('points', 1)}"
    return target


@attack("forging", tries="turns every check into text", stopped_by="checks come from the skeleton")
def retyped_checks(target: Target) -> Target:
    for cell in target.of_kind("check"):
        cell["cell_type"] = "markdown"
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    return target


@attack("forging", tries="moves every check before the code that it checks", stopped_by="order comes from the skeleton")
def moved_checks(target: Target) -> Target:
    checks = target.of_kind("check")
    target.notebook["cells"] = checks + [cell for cell in target.cells if cell not in checks]
    return target


@attack("forging", tries="tags every check to be skipped", stopped_by="tags are dropped")
def skipped_checks(target: Target) -> Target:
    for cell in target.of_kind("check"):
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    return target


@attack("forging", tries="marks every check as not graded, or as a solution", stopped_by="marks come from the skeleton")
def unmarked_checks(target: Target) -> Target:
    for number, cell in enumerate(target.of_kind("check")):
        cell["metadata"]["nbgrader"].update(grade=bool(number % 2), solution=True, locked=False)
        cell["source"] = "pass"
    return target


@attack("forging", tries="gives its own code the names of checks", stopped_by="checks come from the skeleton")
def swapped_names(target: Target) -> Target:
    checks = target.of_kind("check")
    for exercise, check in zip(target.of_kind("exercise"), checks, strict=False):
        exercise["metadata"]["nbgrader"], check["metadata"]["nbgrader"] = (
            check["metadata"]["nbgrader"], exercise["metadata"]["nbgrader"],
        )  # fmt: skip
    return target


@attack(
    "forging", tries="edits the locked cells that the checks rely on", stopped_by="given cells come from the skeleton"
)
def edited_given_cells(target: Target) -> Target:
    for cell in target.of_kind("given"):
        cell["source"] += "\nclose = refuses = lambda *a, **k: None"
    return target


@attack(
    "forging", tries="names another kernel and hostile notebook metadata", stopped_by="metadata come from the skeleton"
)
def another_kernel(target: Target) -> Target:
    target.notebook["metadata"] = {
        "kernelspec": {"name": "bash", "display_name": "bash", "language": "bash"},
        "autograder": {"repairs": "all"}, "celltoolbar": "Create Assignment", "execute": {"timeout": -1},
    }  # fmt: skip
    for cell in target.cells:
        cell["metadata"].setdefault("autograder", {})["kind"] = "given"
    return target


@attack(
    "forging",
    tries="plants a trigger in the gradebook that raises scores",
    stopped_by="bubblewrap and Landlock: no such file",
)
def trigger_in_the_gradebook(target: Target) -> Target:
    return target.first(
        f"import sqlite3\n_c = sqlite3.connect({target.traps.course + '/gradebook.db'!r})\n"
        "_c.execute('create trigger t after update on grade begin update grade set auto_score = 9 where id = new.id; end')\n"
        "_c.commit()"
    )


@attack(
    "forging", tries="writes a score by hand into the gradebook", stopped_by="bubblewrap and Landlock: no such file"
)
def score_in_the_gradebook(target: Target) -> Target:
    return target.first(
        f"import sqlite3, glob\nfor _f in [{target.traps.course + '/gradebook.db'!r}, *glob.glob('../../../*.db')]:\n"
        "    _c = sqlite3.connect(_f)\n    _c.execute('update grade set manual_score = 9, extra_credit = 9')\n    _c.commit()"
    )


@attack(
    "forging",
    tries="defines names of the checks in other letters that Python takes for the same",
    stopped_by="trusted names come first",
)
def names_in_other_letters(target: Target) -> Target:
    wide = {ord(letter): ord(letter) + 0xFEE0 for letter in "abcdefghijklmnopqrstuvwxyz"}
    names = [
        name.translate(wide) for name in ("close", "same", "refuses", "passes", "solution", "seed", "rng", "unchanged")
    ]
    return target.last("\n".join(f"{name} = lambda *a, **k: True" for name in names)).answer_all_lazily()


@attack(
    "forging",
    tries="hands in checks as given cells, and exercises as checks",
    stopped_by="kinds come from the released notebook",
)
def kinds_exchanged(target: Target) -> Target:
    for cell in target.cells:
        own = cell["metadata"].get("autograder", {})
        own["kind"] = {"check": "given", "exercise": "check", "given": "exercise"}.get(own.get("kind"), "demo")
        cell["metadata"].setdefault("nbgrader", {}).update(grade=False, solution=True, locked=False, task=True)
    return target


@attack(
    "forging",
    tries="defines given functions anew, which hidden parts let run in its process",
    stopped_by="given functions are made there anew, from the given cell",
)
def given_functions_of_its_own(target: Target) -> Target:
    return target.answer_all(
        "import numpy\ndef NAME(*args, **kwargs):\n    return args[0], numpy.ones(numpy.shape(args[0]))"
    ).first("kept_apart = lambda function, x, *args: x\ntwo_calls = lambda function, *args: (function(*args, 0),) * 2")
