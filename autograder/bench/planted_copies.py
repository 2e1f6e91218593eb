"""The measurement of `autograder similarity`: copies planted in a made-up class whose other members worked alone."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.bench.invented_class import DISGUISES, Answers, InventedClass, disguise
from autograder.demo.student_notebooks import Notebook, answer_exercises, notebook_as_bytes
from autograder.similarity.comparing import EXPECTED, Likenesses, compare
from autograder.similarity.works import Handout
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

__all__ = ["Detection", "measure_detection"]


class Detection(msgspec.Struct, frozen=True):
    """The pairs found among the planted copies of one class.

    Attributes:
        assignment: its name.
        students: the number of students, copiers included.
        found: for each disguise, the number of copies above the threshold, and of all.
        false_pairs: the number of pairs above the threshold that are not a copy.
        false_among_ten: the same among the ten least likely pairs.
        references_alike: the number of pairs of independent right answers above the threshold, and of all.
        seconds: the time from the notebooks' bytes to the ranked pairs.
    """

    assignment: str
    students: int
    found: dict[str, tuple[int, int]]
    false_pairs: int
    false_among_ten: int
    references_alike: tuple[int, int]
    seconds: float

    @property
    def recall(self) -> float:
        """The share of the planted copies that was found."""
        return sum(one for one, _ in self.found.values()) / sum(of for _, of in self.found.values())

    @property
    def precision(self) -> float:
        """The share of copies among the pairs above the threshold."""
        right = sum(one for one, _ in self.found.values())
        return right / max(right + self.false_pairs, 1)

    def lines(self) -> Iterator[str]:
        """Yield the measurement for people."""
        yield (
            f"{self.assignment}: {self.students} students, recall {self.recall:.2f}, precision {self.precision:.2f}, "
            f"{self.false_among_ten} false among the first ten, {self.seconds:.0f} s."
        )
        for kind, (found, planted) in self.found.items():
            yield f"  {kind}: {found} of {planted}"
        alike, pairs = self.references_alike
        yield f"  independent right answers taken for copies: {alike} of {pairs} pairs"


def measure_detection(assignment: Assignment, students: int = 300, copies: int = 5, seed: int = 0) -> Detection:
    """Make a class of ``students``, plant ``copies`` of each disguise in it, and count what is found."""
    luck, invented = random.Random(seed), InventedClass(assignment, seed)
    planted: dict[frozenset[str], str] = {}
    answers: dict[str, Answers] = {}
    pairs = [kind for kind in DISGUISES for _ in range(copies)]
    for number in range(students):
        if number % 2 and number // 2 < len(pairs):
            kind, source = pairs[number // 2], f"s{number - 1:03}"
            answers[f"s{number:03}"] = disguise(answers[source], kind, invented.student(), luck)
            planted[frozenset((source, f"s{number:03}"))] = kind
        else:
            answers[f"s{number:03}"] = invented.student()
    contents = {name: notebook_as_bytes(_notebook(assignment, each)) for name, each in answers.items()}
    start = time.monotonic()
    handout = Handout(assignment)
    works = {name: handout.work(align(read_submission(each, name), assignment)) for name, each in contents.items()}
    compared = compare(works, handout.references)
    seconds = time.monotonic() - start
    return _counted(assignment, students, planted, compared, seconds)


def _notebook(assignment: Assignment, answers: Answers) -> Notebook:
    code = {name: source for name, source in answers.items() if name}
    return answer_exercises(assignment, code, answers[""])


def _counted(
    assignment: Assignment,
    students: int,
    planted: dict[frozenset[str], str],
    compared: Likenesses,
    seconds: float,
) -> Detection:
    above = [frozenset((pair.first, pair.second)) for pair in compared.above()]
    ten = [frozenset((pair.first, pair.second)) for pair in compared.pairs[:10]]
    kinds, references = list(planted.values()), compared.among_references
    found = {kind: sum(planted.get(pair) == kind for pair in above) for kind in DISGUISES}
    return Detection(
        assignment.name,
        students,
        {kind: (count, kinds.count(kind)) for kind, count in found.items()},
        sum(pair not in planted for pair in above),
        sum(pair not in planted for pair in ten),
        (sum(pair.expected <= EXPECTED for pair in references), len(references)),
        seconds,
    )
