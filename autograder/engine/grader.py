"""The grader of a worker: :func:`autograder.grading.grade`, in a child, with a warm sandbox."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.engine.incremental import StoredResult, grade_with
from autograder.engine.messages import Bundle, Job, Options
from autograder.engine.shared_sandbox import sandbox_settings
from autograder.errors import MachineryError
from autograder.grading.adopted_check import with_files_beside
from autograder.grading.grade import grade_submission
from autograder.grading.lazy_entry import competes, outer_seconds
from autograder.grading.reference import beside_notebook, reference_for
from autograder.grading.result import Result
from autograder.grading.student_session import names_torch
from autograder.isolation.sandbox import Sandbox
from autograder.submission.model import Submission, SubmissionCell

__all__ = ["Grader", "solved"]


class Grader:
    """A grader of submissions in one sandbox.

    Args:
        options: the folders that the sandbox may read, and the layers that may be missing.
        sandbox: a line to a warm one, to be used first; default one of its own.
    """

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None:
        self._options = options
        self._lent = sandbox
        self._hidden = Path(options.hidden_data) if options.hidden_data else None
        self._sandbox: Sandbox | None = None
        self._seen: dict[str, int] = {}

    @staticmethod
    def preload() -> None:
        """Import what hidden tests usually import, once for all workers."""
        import matplotlib.pyplot  # noqa: F401 -- given cells do
        import scipy.signal  # noqa: F401

    def start(self) -> None:
        """Take the sandbox that was lent, or make one.

        Raises:
            LayerMissing: this machine lacks a layer of it.
        """
        self._sandbox, self._lent = self._lent, None
        if self._sandbox is None:
            self._sandbox = Sandbox.start(**sandbox_settings(self._options))

    def start_again(self) -> None:
        """Get a sandbox in which nothing from before is left."""
        if self._sandbox is None:
            self.start()
        else:
            self._sandbox.restart()

    def close(self) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def deadline(self, bundle: Bundle) -> float:
        """Return twice the submission's own time, for a result graded in two parts, plus some grace, in seconds."""
        return outer_seconds(bundle.assignment, bundle.settings, times=2)

    def _beside_notebook(self, assignment: Assignment) -> contextlib.AbstractContextManager[None]:
        """Work where the released notebook lies, so that its relative paths hold on the trusted side, too."""
        if assignment.adopted:
            return with_files_beside([Path(path) for path in self._options.readable], assignment)
        return beside_notebook(Path(self._options.notebooks) if self._options.notebooks else None, assignment)

    def prepare(self, bundle: Bundle, job: Job) -> None:
        """Do once, here, what every child would otherwise do for itself.

        The instructor's own cells run at the first submission. At the second one the instructor's own solution is
        graded, which fills every cache and makes every late import; a single submission is not made to wait for that.
        """
        if self._sandbox is not None and not self._sandbox.torch and names_torch(job.submission, bundle.assignment):
            self._sandbox.close()
            self._options = msgspec.structs.replace(self._options, torch=True)
            self._sandbox = Sandbox.start(**sandbox_settings(self._options))
        with self._beside_notebook(bundle.assignment):
            self._prepare(bundle)

    def _prepare(self, bundle: Bundle) -> None:
        seen = self._seen.get(bundle.digest, 0)
        self._seen[bundle.digest] = seen + 1
        if seen == 0:
            reference_for(bundle.assignment)
            _ = bundle.grader  # Kept with the bundle; every child would hash the sources again.
            if self._hidden is not None and competes(bundle.assignment):
                from autograder.challenge.hidden import hidden_test

                hidden_test(bundle.secret, self._hidden)
        elif seen == 1 and self._sandbox is not None:
            # Without the hidden pictures, so that it does not train an entry.
            with contextlib.suppress(Exception):  # If it fails, each submission's own grading will say why.
                grade_submission(
                    solved(bundle.assignment), bundle.assignment, self._sandbox, bundle.secret, bundle.settings
                )
                reference_for(bundle.assignment).get_ready()
            gc.collect()
            gc.freeze()

    def grade(self, bundle: Bundle, job: Job) -> bytes:
        """Return the encoded :class:`StoredResult`, in which the valid parts of an earlier one are kept."""
        sandbox, secret = self._sandbox, bundle.secret
        if sandbox is None:
            raise MachineryError("The sandbox is not running. Run the command again.")

        def from_scratch(submission: Submission, assignment: Assignment) -> Result:
            return grade_submission(submission, assignment, sandbox, secret, bundle.settings, self._hidden)

        earlier = msgspec.json.decode(job.earlier, type=StoredResult) if job.earlier else None
        with self._beside_notebook(bundle.assignment):
            graded = grade_with(earlier, job.submission, bundle.assignment, bundle.grader, from_scratch)
        return msgspec.json.encode(graded, order="deterministic")


def solved(assignment: Assignment) -> Submission:
    """Return the instructor's own answers as a submission."""
    cells = tuple(
        SubmissionCell(
            cell.kind,  # type: ignore[arg-type]
            cell.grade_id,
            cell.cell_id,
            cell.source if cell.kind in ("exercise", "free") else cell.release_source,
            cell.exercise,
            cell.cell_type,  # type: ignore[arg-type]
        )
        for cell in assignment.cells
    )
    return Submission(cells, (), "solved")
