"""A run of the catalogue against an assignment, in a few sandboxes side by side."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from autograder.audit.attacks.catalogue import AttackOutcome, AttackReport, load_catalogue
from autograder.audit.attacks.honeypot import Honeypot
from autograder.audit.attacks.runner import AttackRunner
from autograder.course import Course
from autograder.errors import AutograderError, MachineryError
from autograder.isolation import capabilities

__all__ = ["catalogue_folder", "run_attacks"]

Progress = Callable[[AttackOutcome], object]
_FEW = 10


def catalogue_folder() -> Path:
    """Return the folder of the package's own catalogue."""
    return Path(__file__).resolve().parent / "attempts"


def run_attacks(
    course: Course,
    name: str,
    *,
    catalogue: Path | None = None,
    names: Sequence[str] | None = None,
    lanes: int = 2,
    without: Sequence[str] = (),
    progress: Progress | None = None,
) -> AttackReport:
    """Try every attack on the assignment ``name``, each followed by an honest submission in the same sandbox.

    Everything happens in a copy of the assignment, in temporary folders; the course itself is only read.

    Args:
        course: whose assignment.
        name: such as ``01-convolution``.
        catalogue: the folder of the attacks; default the package's.
        names: only these attacks.
        lanes: the most sandboxes side by side.
        without: layers of the sandbox to take away, to see whether the others hold.
        progress: called with each outcome.

    Raises:
        AutograderError: there is no such attack or assignment.
        MachineryError: a sandbox could not be made.
    """
    folder = (catalogue or catalogue_folder()).resolve()
    wanted = [attack.name for attack in load_catalogue(folder, names)]
    outcomes: dict[str, AttackOutcome] = {}
    # Spawned: a lane forks graders, so it must be a process that has run nothing yet.
    context, settings = multiprocessing.get_context("spawn"), (str(course.root), name, str(folder), tuple(without))
    # A lane takes longer to open than a few attacks take.
    with ProcessPoolExecutor(max(1, min(lanes, len(wanted) // _FEW)), context, _open_lane, settings) as pool:
        for future in as_completed([pool.submit(_attempt, each) for each in wanted]):
            outcome = future.result()
            outcomes[outcome.name] = outcome
            if progress:
                progress(outcome)
    return AttackReport(name, tuple(without), tuple(outcomes[each] for each in wanted))


_lane: AttackRunner | None = None
_attacks_folder = Path()
_failure = ""


def _open_lane(root: str, name: str, folder: str, without: tuple[str, ...]) -> None:
    """Lay out the scene and start the sandbox, in a new process."""
    global _lane, _attacks_folder, _failure
    import torch

    torch.set_num_threads(1)
    _attacks_folder = Path(folder)
    capabilities.probe_layers = _doctor_without(without)
    try:
        scene = Honeypot(Course.find(root), name)
        multiprocessing.util.Finalize(None, scene.close, exitpriority=1)
        _lane = AttackRunner(scene, frozenset(without))
        multiprocessing.util.Finalize(None, _lane.close, exitpriority=2)
        _check_solution(name, _lane)
    except AutograderError as error:  # an initializer's exception would come out without its text
        _failure = str(error)


def _attempt(name: str) -> AttackOutcome:
    if _lane is None or _failure:
        raise MachineryError(_failure or "the sandbox for attacks did not start. Run `autograder doctor`.")
    (attack,) = load_catalogue(_attacks_folder, [name])
    return _lane.attempt(attack)


def _check_solution(name: str, lane: AttackRunner) -> None:
    full = sum(check.max_points for check in lane.usual.checks)
    if lane.usual.points != full:
        raise MachineryError(
            f"The solution of {name} earns {lane.usual.points:g} of {full:g} points before any attack. "
            f"Correct that first: autograder audit {name}"
        )


def _doctor_without(layers: Sequence[str]) -> Callable[[], list[capabilities.LayerReport]]:
    """Return a doctor that reports the machine as if it lacked ``layers``."""
    present = capabilities.probe_layers

    def doctor() -> list[capabilities.LayerReport]:
        return [
            capabilities.LayerReport(r.name, r.available and r.name not in layers, r.purpose, r.detail, r.remedy)
            for r in present()
        ]

    return doctor
