"""Write the tables of docs/security.md from runs of the catalogue.

Run it with ``python -m autograder.audit.attacks.tables docs/security.md``: it takes several minutes, since the attacks
on the machine run again with each layer of the sandbox taken away.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from autograder.audit.attacks.attack_report import AttackOutcome, AttackReport
from autograder.audit.attacks.campaign import catalogue_folder, run_attacks
from autograder.audit.attacks.catalogue import AttackClass, load_catalogue
from autograder.course import Course
from autograder.errors import AutograderError

__all__ = ["BEGIN", "END", "REMOVALS", "main", "render_tables", "replace_tables"]

BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
REMOVALS = {"bubblewrap": ("bubblewrap", "user"), "Landlock": ("landlock",), "seccomp": ("seccomp",)}
"""Layers to take away, by what the table calls it. Without bubblewrap, root has no other user to become."""
ON_THE_MACHINE = ("reading", "resources", "system")
"""Classes that a layer of the sandbox stops; the others are stopped by how grading is built."""


def render_tables(whole: AttackReport, partial: Sequence[AttackReport]) -> str:
    """The tables as Markdown: a summary, what each layer alone stops, and every attack.

    Args:
        whole: a run with every layer.
        partial: one run for each entry of :data:`REMOVALS`, in order.
    """
    parts = [_summary(whole, partial), _alone(partial), _every(whole)]
    return f"{BEGIN}\n" + "\n\n".join(parts) + f"\n{END}"


def replace_tables(document: str, tables: str) -> str:
    """``document`` with its tables replaced.

    Raises:
        AutograderError: the document has no place for them.
    """
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise AutograderError(f"The document has no lines {BEGIN} and {END}. Put them where the tables belong.")
    return head + tables + tail


def _summary(whole: AttackReport, partial: Sequence[AttackReport]) -> str:
    lines = ["| class | attacks | stopped with every layer | " + " | ".join(f"without {name}" for name in REMOVALS)]
    lines = [lines[0] + " |", "|---|---" + "|---" * (1 + len(REMOVALS)) + "|"]
    for kind in get_args(AttackClass):
        cells = [_stopped(report, kind) for report in (whole, *partial)]
        count = sum(outcome.kind == kind for outcome in whole.outcomes)
        lines.append(f"| {kind} | {count} | " + " | ".join(cells) + " |")
    controls = f"{whole.controls_full_marks} of {whole.honest_controls}"
    said = (
        f"Of {len(whole.outcomes)} attacks on {whole.assignment}, {len(whole.succeeded)} succeeded with every layer; "
    )
    return "\n".join(
        [
            said + f"{controls} honest submissions right after them had full marks and the same outputs as ever.",
            "",
            *lines,
        ]
    )


def _stopped(report: AttackReport, kind: str) -> str:
    of_kind = [outcome for outcome in report.outcomes if outcome.kind == kind]
    return f"{sum(not outcome.breaches for outcome in of_kind)} of {len(of_kind)}" if of_kind else "not run"


def _alone(partial: Sequence[AttackReport]) -> str:
    lines = ["| layer taken away | attack that then gets through | how it shows |", "|---|---|---|"]
    for name, report in zip(REMOVALS, partial, strict=True):
        lines += [f"| {name} | {each.name} | {_cell(each.breaches[0])} |" for each in report.succeeded]
        if not report.succeeded:
            lines.append(f"| {name} | none | |")
    return "\n".join(lines)


def _every(whole: AttackReport) -> str:
    lines = ["| class | attack | what it tries | what is meant to stop it | result |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(_row(outcome) for outcome in whole.outcomes)])


def _row(outcome: AttackOutcome) -> str:
    result = "got through" if outcome.breaches else "file refused" if outcome.refused else "stopped"
    cells = (outcome.kind, outcome.name, outcome.tries, outcome.stopped_by, result)
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")[:160]


def main() -> None:
    """Run everything and write the tables."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/security.md from runs of the catalogue.")
    parser.add_argument("document", type=Path)
    parser.add_argument("--assignment", default="01-convolution")
    chosen = parser.parse_args()
    course = Course.find()
    on_machine = [attack.name for attack in load_catalogue(catalogue_folder()) if attack.kind in ON_THE_MACHINE]
    whole = run_attacks(course, chosen.assignment)
    partial = [run_attacks(course, chosen.assignment, names=on_machine, without=away) for away in REMOVALS.values()]
    text = chosen.document.read_text(encoding="utf-8")
    chosen.document.write_text(replace_tables(text, render_tables(whole, partial)), encoding="utf-8")


if __name__ == "__main__":
    main()
