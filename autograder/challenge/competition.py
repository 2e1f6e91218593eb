"""The competition: its hidden test, and the run of one entry.

The hidden test consists of Fashion-MNIST's test pictures, changed by a recipe that the course secret decides. Anyone
can find a copy of the original test set with its labels. So every picture is moved, turned, mirrored or not, lit from
one side and covered with grain; by how much is drawn for each picture from the secret, and so are the order of the
pictures and the half that each belongs to. The ranges are the same for every course, so that points mean the same
everywhere.

An entry is trained in one process and asked in another, and its answers are counted here. Only the weights pass from
the one process to the other, as numbers that are counted on the way, under the names and in the shapes and the order of
a network that was never trained. The second process builds the network anew, so whatever the first one keeps elsewhere
is gone. Neither can read the course's data: what it may learn from, it is given. What either sends is a claim, and none
of it is believed but the ten numbers for each image, of which the largest is the answer.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from autograder.challenge.entries import RULES, CompetitionEntry, CompetitionRules, pack
from autograder.errors import MachineryError
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.limits import Limits
from autograder.isolation.proxies import Handle
from autograder.isolation.student_process import StudentProcess
from autograder.lab.datasets import read_idx
from autograder.secrets import Secret

__all__ = ["Competition", "HiddenTest", "Start", "hidden_test", "rehearsal_test"]


# ---- the hidden test

_IMAGES, _LABELS = "fashion-test-images.idx.xz", "fashion-test-labels.idx.xz"
_TURN_DEGREES = 12.0
_SHIFT_PIXELS = 2.0
_SIZE = 0.08
_LIGHT = 0.3
_CONTRAST = 0.2
_GRAIN = 0.06


@dataclass(frozen=True)
class HiddenTest:
    """The pictures that no student's code sees before its training has ended, and what only the grader knows of them.

    Attributes:
        images: float32, shape (N, 1, H, W), in [0, 1], in the secret order.
        labels: int64, shape (N,).
        public: bool, shape (N,): whether the picture belongs to the public half.
        training_seed: the seed that every entry's ``train`` is given.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    public: NDArray[np.bool_]
    training_seed: int


def hidden_test(secret: Secret, folder: Path) -> HiddenTest:
    """Return the hidden test of the course with this secret, made once per process.

    Args:
        folder: the folder of the original test pictures; never shown to a sandbox.

    Raises:
        MachineryError: they are not there.
    """
    return _hidden_test(secret.key, folder)


def rehearsal_test(images: NDArray[np.floating], labels: NDArray[np.integer], seed: int) -> HiddenTest:
    """Return pictures that are not secret, changed by the same recipe with a seed that is not either; all are public.

    Args:
        images: shape (N, 1, H, W), values from 0 to 1.
        labels: shape (N,).
    """
    plain = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
    changed = _changed(plain, seed).numpy()
    return HiddenTest(changed, labels.astype(np.int64), np.ones(len(labels), dtype=bool), training_seed=seed)


@lru_cache(maxsize=2)
def _hidden_test(key: bytes, folder: Path) -> HiddenTest:
    secret = Secret(key)
    try:
        images, labels = read_idx(folder / _IMAGES), read_idx(folder / _LABELS)
    except OSError as error:
        raise MachineryError(f"The challenge's hidden pictures cannot be read: {error}. Set hidden_data.") from error
    order = np.random.default_rng(secret.seed("challenge", "order")).permutation(len(labels))
    half = np.zeros(len(labels), dtype=bool)
    half[: len(labels) // 2] = True
    public = np.random.default_rng(secret.seed("challenge", "halves")).permutation(half)
    plain = torch.from_numpy(images[order, None].astype(np.float32) / np.float32(255))
    changed = _changed(plain, secret.seed("challenge", "recipe"))
    training_seed = secret.seed("challenge", "training") % (1 << 31)
    return HiddenTest(changed.numpy(), labels[order].astype(np.int64), public, training_seed)


def _changed(images: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the pictures after the recipe: same shape, still in [0, 1]."""
    draw = torch.Generator().manual_seed(seed)
    count, _, height, width = images.shape
    light = _light(height, width, 2 * math.pi * float(torch.rand(1, generator=draw)))
    grid = functional.affine_grid(_placements(count, width, draw), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, align_corners=False)
    contrast = 1 + _CONTRAST * _between(count, draw).reshape(-1, 1, 1, 1)
    grain = _GRAIN * torch.randn(images.shape, generator=draw)
    return (moved * light * contrast + grain).clamp(0, 1)


def _placements(count: int, width: int, draw: torch.Generator) -> torch.Tensor:
    """Return each picture's turn, size, shift and perhaps mirror, for ``affine_grid``; shape (count, 2, 3)."""
    angle = math.radians(_TURN_DEGREES) * _between(count, draw)
    size = 1 + _SIZE * _between(count, draw)
    across, down = (2 * _SHIFT_PIXELS / width * _between(count, draw) for _ in range(2))
    mirror = torch.where(torch.rand(count, generator=draw) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) / size, torch.sin(angle) / size
    rows = torch.stack([mirror * cosine, -sine, across], 1), torch.stack([mirror * sine, cosine, down], 1)
    return torch.stack(rows, 1)


def _between(count: int, draw: torch.Generator) -> torch.Tensor:
    """Return ``count`` numbers drawn evenly from -1 to 1."""
    return 2 * torch.rand(count, generator=draw) - 1


def _light(height: int, width: int, direction: float) -> torch.Tensor:
    """Return light that is brighter on one side than on the other; shape (height, width), 1 in the middle."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return 1 + _LIGHT * (math.cos(direction) * columns + math.sin(direction) * rows)


# ---- the run of an entry

Start = Callable[[Limits], StudentProcess]
"""A function that makes a fresh process of the student's, with the notebook's cells run and nothing else."""

_CLASSES = 10
_MOST_ARRAYS = 1000

_BUILD = """
import torch
torch.manual_seed(seed)
build_model()
"""
_TRAIN = """
import numpy, random, torch
torch.manual_seed(seed); numpy.random.seed(seed); random.seed(seed)
train(model, torch.from_numpy(images).float().div_(255), torch.from_numpy(labels), seed)
None
"""
_WEIGHTS = "{name: value.detach().clone() for name, value in model.state_dict().items()}"
_LOAD = """
model.load_state_dict(weights)
model.eval()
None
"""
_ANSWER = """
import torch
with torch.no_grad():
    logits = model(torch.from_numpy(images))
logits.detach().float().numpy()
"""


class _Refused(Exception):
    """The breach of a rule by the entry; the text is the reason.

    Attributes:
        line: the line of its own code at which it stopped, where that may be told.
    """

    def __init__(self, reason: str, line: str = "") -> None:
        super().__init__(reason)
        self.line = line


class Competition:
    """The competition, as the grading of one submission sees it.

    Args:
        start: makes a fresh process of the student's.
        test: the hidden test.
        images: uint8, shape (N, 1, H, W), to learn from.
        labels: int64, shape (N,).
        source_characters: length of the submission's code, counted as `CompetitionRules` does.
        rules: the limits of an entry.
        line_of: the source of a line of the student's code, from the number of the cell that ran and its line there.

    Attributes:
        seconds: processor time of the process that trained and of the one that answered, as far as they came.
    """

    def __init__(
        self,
        start: Start,
        test: HiddenTest,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        source_characters: int,
        rules: CompetitionRules = RULES,
        line_of: Callable[[int, int], str] | None = None,
    ) -> None:
        self._start = start
        self._test = test
        self._images = images
        self._labels = labels
        self._source_characters = source_characters
        self._rules = rules
        self._line_of = line_of
        self.seconds = (0.0, 0.0)

    def enter(self) -> CompetitionEntry:
        """Train the entry and count its right answers; an entry that breaks a rule gets the reason and no score.

        Raises:
            MachineryError: the sandbox failed; the entry has neither score nor reason.
        """
        try:
            if self._source_characters > self._rules.source_characters:
                most = f"{self._rules.source_characters:,}"
                raise _Refused(
                    f"the notebook's code has {self._source_characters:,} characters (one beyond ASCII counts as two to"
                    f" four); {most} are allowed"
                )
            weights = self._trained()
            return self._counted(self._answers(weights), weights)
        except _Refused as refused:
            return CompetitionEntry(reason=str(refused), line=refused.line)

    def _trained(self) -> dict[str, torch.Tensor]:
        """Return the trained network's weights, checked and counted."""
        rules, seed = self._rules, self._test.training_seed
        with closing(self._process(rules.training_seconds)) as worker:
            worker.quiet = False  # nothing hidden is in there
            model = self._built(worker)
            self._ask(worker, "train", _TRAIN, model=model, images=self._images, labels=self._labels, seed=seed)
            self.seconds = (worker.processor_seconds, 0.0)
            return self._weighed(self._ask(worker, "the network's state_dict()", _WEIGHTS, model=model))

    def _built(self, worker: StudentProcess) -> Handle:
        """Return a new network of the entry's, in that process."""
        model = self._ask(worker, "build_model", _BUILD, seed=self._test.training_seed)
        if not isinstance(model, Handle):
            raise _Refused("build_model() must return a torch.nn.Module")
        return model

    def _weighed(self, weights: Any) -> dict[str, torch.Tensor]:
        if type(weights) is not dict or not all(type(name) is str for name in weights) or len(weights) > _MOST_ARRAYS:
            raise _Refused("the network's state_dict() must map names to tensors")
        if not all(isinstance(value, torch.Tensor) for value in weights.values()):
            raise _Refused("the network's state_dict() must hold tensors and nothing else")
        size = _bytes(weights)
        if size > self._rules.weight_bytes:
            found, most = f"{-(-size // 4):,}", f"{self._rules.weights:,}"
            raise _Refused(f"the trained network has {found} numbers of four bytes; {most} are allowed")
        return weights

    def _answers(self, weights: dict[str, torch.Tensor]) -> NDArray[np.int64]:
        """Return the class that the trained network takes each hidden image for; shape (N,)."""
        with closing(self._process(self._rules.answering_seconds)) as worker:
            model = self._built(worker)
            fresh = self._ask(worker, "a new network's state_dict()", _WEIGHTS, model=model)
            self._ask(worker, "loading the weights", _LOAD, model=model, weights=_in_form(weights, fresh))
            batches = np.split(self._test.images, range(self._rules.batch, len(self._test.images), self._rules.batch))
            answers = np.concatenate([self._answer(worker, model, batch) for batch in batches])
            self.seconds = (self.seconds[0], worker.processor_seconds)
            return answers

    def _answer(self, worker: StudentProcess, model: Handle, batch: NDArray[np.float32]) -> NDArray[np.int64]:
        logits = self._ask(worker, "the trained network", _ANSWER, model=model, images=batch)
        wanted = (len(batch), _CLASSES)
        if not isinstance(logits, np.ndarray) or logits.dtype != np.float32 or logits.shape != wanted:
            raise _Refused(f"the trained network must return logits of shape (images, {_CLASSES})")
        if not np.isfinite(logits).all():
            raise _Refused("the trained network returned a number that is infinite or not a number")
        answers: NDArray[np.int64] = logits.argmax(axis=1)
        return answers

    def _counted(self, answers: NDArray[np.int64], weights: dict[str, torch.Tensor]) -> CompetitionEntry:
        right, public = answers == self._test.labels, self._test.public
        return CompetitionEntry(
            weights=-(-_bytes(weights) // 4),
            public=(pack(right[public]),),
            private=(pack(right[~public]),),
            public_right=int(right[public].sum()),
            private_right=int(right[~public].sum()),
            public_images=int(public.sum()),
            private_images=int((~public).sum()),
        )

    def _process(self, seconds: float) -> StudentProcess:
        wall = self._rules.wall_factor * seconds
        limits = Limits(
            cpu_seconds=seconds,
            wall_seconds=wall,
            memory_bytes=self._rules.memory_mb << 20,
            call_seconds=wall,
            course_data=False,
        )
        worker = self._start(limits)
        worker.quiet = True
        return worker

    def _ask(self, worker: StudentProcess, what: str, source: str, **data: Any) -> Any:
        """Run the grader's source among the student's names; an error of the student's code is a reason."""
        try:
            return worker.run_source(source, **data)
        except WorkerLost as lost:
            budget = f"{self._rules.training_seconds:g} s to train, {self._rules.answering_seconds:g} s to answer"
            late = f"{what} used up the processor time ({budget})"
            raise _Refused(late if lost.reason == "timeout" else f"{what}: {lost.message}") from None
        except StudentError as error:
            raise _Refused(f"{what} raised {_public_name(error.type_name)}", self._line(worker)) from None

    def _line(self, worker: StudentProcess) -> str:
        """Return the line at which the code stopped; empty in the process that answers: it could tell of a picture."""
        if worker.quiet or self._line_of is None or worker.lost:
            return ""
        place = worker.place()
        return "" if place is None else self._line_of(*place)


def _public_name(error: str) -> str:
    """Return an error's name as it may stand on a public page: Python's own, never one that a student made up."""
    known = getattr(builtins, error, None)
    is_error = isinstance(known, type) and issubclass(known, Exception) and known is not Exception
    return error if is_error else "an error of the entry's own"


def _in_form(weights: dict[str, torch.Tensor], fresh: object) -> dict[str, torch.Tensor]:
    """Return the weights in the order of an untrained network, of whose names, shapes and types they must be.

    So only numbers that are counted pass from training to answering: no name, shape or order tells anything.
    """
    form = fresh if type(fresh) is dict else {}
    if not all(isinstance(value, torch.Tensor) for value in form.values()) or set(form) != set(weights):
        raise _Refused("the trained network's state_dict() must have the names that a newly built network's has")
    for name, value in form.items():
        if (value.shape, value.dtype) != (weights[name].shape, weights[name].dtype):
            raise _Refused("the trained network's arrays must have the shapes and types of a newly built network's")
    return {name: weights[name] for name in form}


def _bytes(weights: dict[str, torch.Tensor]) -> int:
    """Return the size of the weights; a number counts whether it is trained or not."""
    return sum(value.numel() * value.element_size() for value in weights.values())
