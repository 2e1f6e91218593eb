"""The measurement of `autograder similarity`: copies planted in a made-up class whose other members worked alone."""

from __future__ import annotations

import ast
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from autograder.authoring.assignment import Assignment
from autograder.bench.invented_class import DISGUISES, ONE_FUNCTION, Answers, InventedClass, disguise
from autograder.demo.class_maker import Notebook, answer_exercises, notebook_as_bytes
from autograder.similarity.comparing import EXPECTED, Likenesses, compare
from autograder.similarity.works import Handout, Work
from autograder.submission.alignment import align
from autograder.submission.notebook_reader import read_submission

__all__ = ["COPIES", "LENGTHS", "LONG", "ONES", "Detection", "measure_detection"]

LONG = 9
"""The number of statements from which on a copied function is called a long one."""
LENGTHS = (f"of {LONG} statements or more", "a shorter one")
COPIES, ONES = 5, 4
"""The number of copies that are planted of each kind, and of single functions for each copy of another kind."""
_MOST = 5000
"""The number of pairs among which the price of a lower threshold is looked for."""


class Detection(msgspec.Struct, frozen=True):
    """The pairs found among the planted copies of one class.

    Attributes:
        assignment: its name.
        students: the number of students, copiers included.
        found: for each disguise, the number of copies above the threshold, and of all.
        false_pairs: the number of pairs above the threshold that are not a copy.
        false_among_ten: the same among the ten least likely pairs.
        references_alike: the number of pairs of independent right answers above the threshold, and of all.
        price: the number of innocent pairs above a threshold that finds three quarters of the single functions; None
            if it is beyond what was ranked.
        coincidences: for each exercise, the number of innocent pairs that wrote the same, all names included.
        seconds: the time from the notebooks' bytes to the ranked pairs.
    """

    assignment: str
    students: int
    found: dict[str, tuple[int, int]]
    false_pairs: int
    false_among_ten: int
    references_alike: tuple[int, int]
    price: int | None
    coincidences: dict[str, int]
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
        price = f"more than {_MOST}" if self.price is None else self.price
        yield f"  innocent pairs above a threshold that finds three quarters of the single functions: {price}"
        same = [count for count in self.coincidences.values() if count]
        yield (
            f"  exercises in which two who worked alone wrote the same, names included: {len(same)} of "
            f"{len(self.coincidences)}, {sum(same)} pairs"
        )


def measure_detection(assignment: Assignment, students: int = 300, copies: int = COPIES, seed: int = 0) -> Detection:
    """Make a class of ``students``, plant ``copies`` of each disguise in it, and count what is found."""
    luck, invented = random.Random(seed), InventedClass(assignment, seed)
    planted: dict[frozenset[str], str] = {}
    answers: dict[str, Answers] = {}
    # Whether a single function is found depends on which it is, so that more of these are planted.
    pairs = [kind for kind in DISGUISES for _ in range(copies * (ONES if kind == ONE_FUNCTION else 1))]
    for number in range(students):
        if number % 2 and number // 2 < len(pairs):
            kind, source = pairs[number // 2], f"s{number - 1:03}"
            own = invented.student()
            answers[f"s{number:03}"] = copied = disguise(answers[source], kind, own, luck)
            planted[frozenset((source, f"s{number:03}"))] = _called(kind, own, copied)
        else:
            answers[f"s{number:03}"] = invented.student()
    contents = {name: notebook_as_bytes(_notebook(assignment, each)) for name, each in answers.items()}
    start = time.monotonic()
    handout = Handout(assignment)
    works = {name: handout.work(align(read_submission(each, name), assignment)) for name, each in contents.items()}
    compared = compare(works, handout.references, most=_MOST)
    seconds = time.monotonic() - start
    return _counted(assignment, students, planted, compared, _coincidences(assignment, works, planted), seconds)


def _called(kind: str, own: Answers, copied: Answers) -> str:
    """Return the kind of a copy; of a single function, also whether it is a long one."""
    if kind != ONE_FUNCTION:
        return kind
    changed = next((text for name, text in copied.items() if text != own[name]), "")
    statements = sum(isinstance(node, ast.stmt) and not _is_docstring(node) for node in ast.walk(ast.parse(changed)))
    return f"{kind}, {LENGTHS[statements < LONG]}"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _coincidences(
    assignment: Assignment, works: Mapping[str, Work], planted: Mapping[frozenset[str], str]
) -> dict[str, int]:
    copiers = frozenset().union(*planted)
    found = {}
    for name in assignment.exercises:
        parts = [work[name] for student, work in works.items() if student not in copiers and name in work]
        alike = Counter((frozenset(part.spans), frozenset(part.wording)) for part in parts)
        found[name] = sum(count * (count - 1) // 2 for count in alike.values())
    return found


def _price(ranked: list[frozenset[str]], planted: Mapping[frozenset[str], str]) -> int | None:
    """Return the number of innocent pairs before three quarters of the single functions are found."""
    singles = {pair for pair, kind in planted.items() if kind.startswith(ONE_FUNCTION)}
    places = [place for place, pair in enumerate(ranked) if pair in singles]
    wanted = math.ceil(0.75 * len(singles))
    return None if len(places) < wanted else sum(pair not in planted for pair in ranked[: places[wanted - 1]])


def _notebook(assignment: Assignment, answers: Answers) -> Notebook:
    code = {name: source for name, source in answers.items() if name}
    return answer_exercises(assignment, code, answers[""])


def _counted(
    assignment: Assignment,
    students: int,
    planted: dict[frozenset[str], str],
    compared: Likenesses,
    coincidences: dict[str, int],
    seconds: float,
) -> Detection:
    ranked = [frozenset((pair.first, pair.second)) for pair in compared.pairs]
    above, ten = ranked[: len(compared.above())], ranked[:10]
    kinds, references = list(planted.values()), compared.among_references
    found = {kind: sum(planted.get(pair) == kind for pair in above) for kind in dict.fromkeys(sorted(kinds))}
    return Detection(
        assignment.name,
        students,
        {kind: (count, kinds.count(kind)) for kind, count in found.items()},
        sum(pair not in planted for pair in above),
        sum(pair not in planted for pair in ten),
        (sum(pair.expected <= EXPECTED for pair in references), len(references)),
        _price(ranked, planted),
        coincidences,
        seconds,
    )
