"""Enter the three reference entries under several secrets, and print what they come to.

    python -m autograder.bench.reference_entries --secrets 3

Each secret is another recipe, another order of the pictures and another seed of the training. The entries run as a
student's do, in the sandbox and under the same rules; the thresholds of the challenge's points are set by this table.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from autograder.challenge.competition import Competition, hidden_test
from autograder.challenge.entries import CompetitionEntry
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess
from autograder.lab import fashion
from autograder.secrets import Secret

__all__ = ["MeasuredReference", "enter", "main", "read_references", "render_scores"]

SHARED = "shared"
_CELL = re.compile(r"^# %% (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class MeasuredReference:
    """A reference entry under one secret.

    Attributes:
        cpu_seconds: processor time of the process that trained, then of the one that answered.
    """

    name: str
    entry: CompetitionEntry
    cpu_seconds: tuple[float, ...]


def read_references(path: Path) -> dict[str, str]:
    """Return each entry's name and whole code, in order.

    Raises:
        AuthoringError: the file has no cell called ``shared``, or no other.
    """
    parts = _CELL.split(path.read_text(encoding="utf-8"))[1:]
    cells = dict(zip(parts[::2], parts[1::2], strict=True))
    shared = cells.pop(SHARED, None)
    if shared is None or not cells:
        raise AuthoringError(f"{path} needs a cell '# %% {SHARED}' and an entry after it. Add them.")
    return {name: shared + code for name, code in cells.items()}


def enter(name: str, code: str, sandbox: Sandbox, secret: Secret, hidden_data: Path) -> MeasuredReference:
    """Train and ask one entry, as grading does.

    Raises:
        MachineryError: the sandbox failed, or the hidden pictures are not there.
    """
    workers: list[StudentProcess] = []
    given = fashion("train")
    competition = Competition(
        partial(_start, sandbox, code, workers),
        hidden_test(secret, hidden_data),
        np.rint(given.images * 255).astype(np.uint8),
        given.labels,
        len(code),
    )
    entry = competition.enter()
    return MeasuredReference(name, entry, tuple(worker.close().cpu_seconds for worker in workers))


def _start(sandbox: Sandbox, code: str, workers: list[StudentProcess], limits: Limits) -> StudentProcess:
    worker = sandbox.spawn(limits)
    workers.append(worker)
    worker.run_cell(code)
    return worker


def render_scores(measured: Sequence[MeasuredReference]) -> Iterator[str]:
    """Yield the table's lines, in Markdown: for each entry its mean over the secrets and the standard deviation."""
    yield "| entry | numbers | training, s CPU | public half right | private half right |"
    yield "|---|---|---|---|---|"
    for name in dict.fromkeys(one.name for one in measured):
        runs = [one for one in measured if one.name == name]
        if reason := next((run.entry.reason for run in runs if not run.entry.valid), ""):
            yield f"| {name} | no score: {reason} | | | |"
            continue
        seconds = statistics.mean(run.cpu_seconds[0] for run in runs)
        public = _spread(runs, lambda entry: entry.public_right / entry.public_images)
        private = _spread(runs, lambda entry: entry.private_right / entry.private_images)
        yield f"| {name} | {runs[0].entry.weights:,} | {seconds:.1f} | {public} | {private} |"


def _spread(runs: Sequence[MeasuredReference], share: Callable[[CompetitionEntry], float]) -> str:
    shares = [100 * share(run.entry) for run in runs]
    deviation = f" ± {statistics.stdev(shares):.2f}" if len(shares) > 1 else ""
    return f"{statistics.mean(shares):.2f}{deviation} %"


def main(arguments: Sequence[str] | None = None) -> None:
    """Enter every reference under so many secrets, one after another, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m autograder.bench.reference_entries", description=__doc__)
    parser.add_argument("--secrets", type=int, default=3, help="how many secrets (default: 3)")
    parser.add_argument("--assignment", default="07-challenge", help="folder of references.py (default: 07-challenge)")
    chosen = parser.parse_args(arguments)
    course = Course.find()
    references = read_references(course.source / chosen.assignment / "references.py")
    measured = []
    with Sandbox.start() as sandbox:
        for number in range(1, chosen.secrets + 1):
            for name, code in references.items():
                secret = Secret.fixed(f"reference {number}")
                measured.append(enter(name, code, sandbox, secret, course.hidden_data))
                print(f"secret {number}, {name}: {_counted(measured[-1])}", flush=True)  # noqa: T201
    print("\n".join(["", *render_scores(measured)]))  # noqa: T201


def _counted(measured: MeasuredReference) -> str:
    entry = measured.entry
    if not entry.valid:
        return f"no score: {entry.reason}"
    public, private = entry.public_right, entry.private_right
    return f"{public} of {entry.public_images} public, {private} of {entry.private_images} private"


if __name__ == "__main__":
    main()
