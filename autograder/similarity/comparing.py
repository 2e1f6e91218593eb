"""The surprise of a likeness: each pair beside what is usual among all pairs of the class, exercise by exercise."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from autograder.similarity.works import Part, Spans, Work

__all__ = ["EXPECTED", "FEWEST", "Likenesses", "Likeness", "PartLikeness", "Usual", "clusters", "compare"]

EXPECTED = 0.1
"""The default threshold: a class whose members worked alone shows such a pair in one term out of ten."""

FEWEST = 9
"""The number of submissions to a part below which nothing can be told of what is usual."""
_NOTHING = 30.0
"""The number of bits that tell nothing: some four fingerprints that nobody else has."""


class PartLikeness(NamedTuple):
    """The likeness of two texts for one exercise or question.

    Attributes:
        part: the exercise or question.
        share: the share of the shorter text's fingerprints that the other has too, 0 to 1.
        surprise: minus the decimal logarithm of the share of the class's pairs that are at least as alike.
        in_references: the share of what both have in common that the course's own right answers have as well.
    """

    part: str
    share: float
    surprise: float
    in_references: float


class Likeness(msgspec.Struct, frozen=True):
    """Two works that are alike.

    Attributes:
        first, second: the names of the two; the second may be from another term, or the solution.
        expected: the number of pairs this alike that a class of this size would show if everybody worked alone.
        parts: the parts from the most surprising to the least.
    """

    first: str
    second: str
    expected: float
    parts: tuple[PartLikeness, ...]


class Usual(msgspec.Struct, frozen=True):
    """The usual in one part: how many answered, and how alike the usual and the most alike pair are, 0 to 1."""

    part: str
    answered: int
    median: float
    high: float


class Likenesses(msgspec.Struct, frozen=True):
    """The likenesses of all that was compared.

    Attributes:
        pairs: the pairs of the class and with earlier terms, the least likely first.
        with_solution: the twenty most unlikely likenesses to the solution.
        among_references: pairs of independent right answers to one exercise: a likeness here is a false alarm.
        usual: the usual likeness, by part.
        compared: the number of works of the class.
    """

    pairs: tuple[Likeness, ...]
    with_solution: tuple[Likeness, ...]
    among_references: tuple[Likeness, ...]
    usual: tuple[Usual, ...]
    compared: int

    def above(self, expected: float = EXPECTED) -> tuple[Likeness, ...]:
        """Return the pairs that are at least as unlikely as the threshold tells."""
        return tuple(pair for pair in self.pairs if pair.expected <= expected)


class Tail:
    """The distribution of ``values``, beyond the largest ones too: how often a value is reached.

    The upper end is taken to fall off exponentially, as fast as it does between the tenth part and the hundredth, so
    that a few copies at the top do not make themselves usual.

    Args:
        values: one number for each pair.
        scale: a difference that means nothing.
    """

    def __init__(self, values: np.ndarray, scale: float) -> None:
        self._sorted = np.sort(values)
        beyond = max(3, len(values) // 100)
        self._known = len(values) > 0
        self._anchor, self._beta, self._log_anchor = math.inf, scale, 0.0
        if len(values) >= 10 * beyond + 6:
            high, low = self._sorted[-beyond], self._sorted[-10 * beyond]
            self._anchor, self._log_anchor = float(high), math.log10(len(values) / beyond)
            self._beta = max(float(high - low) / math.log(10), scale)

    def surprise(self, values: np.ndarray) -> np.ndarray:
        """Return minus the decimal logarithm of the share of pairs that reach each of ``values``."""
        if not self._known:
            return np.zeros_like(values)
        reached = len(self._sorted) - np.searchsorted(self._sorted, values, side="left")
        seen = -np.log10(np.maximum(reached, 1) / len(self._sorted))
        beyond = np.maximum(values - self._anchor, 0.0) if math.isfinite(self._anchor) else np.zeros_like(values)
        far = self._log_anchor + beyond / self._beta / math.log(10)
        return np.where(values > self._anchor, far, seen)


class _Matrices(NamedTuple):
    """The fields of :class:`PartLikeness` for one part, by works in rows and columns."""

    share: np.ndarray
    surprise: np.ndarray
    in_references: np.ndarray


class _Evidence:
    """The evidence on every two of the works: what they have in common, in each part and in all."""

    def __init__(self, everything: Mapping[str, Work], members: int, references: int) -> None:
        self.names, self.members = list(everything), members
        works = list(everything.values())
        parts = dict.fromkeys(chain.from_iterable(works[:members]))
        self.parts = {part: _matrices([work.get(part) for work in works], members, references) for part in parts}
        surprises = [each.surprise for each in self.parts.values()] or [np.zeros((len(works), len(works)))]
        summed, single = np.sum(surprises, axis=0), np.max(surprises, axis=0)
        upper = np.triu_indices(members, 1)
        # Either everything together is unlikely, or one part alone; a part has to be as many times less likely.
        total = Tail(summed[upper], scale=0.3).surprise(summed)
        evidence = np.maximum(total, single - math.log10(len(surprises)))
        self.expected = max(len(upper[0]), 1) * 10.0**-evidence

    def likeness(self, row: int, column: int) -> Likeness:
        """Return the likeness of two works, by their numbers."""
        alike = [
            PartLikeness(part, *(float(matrix[row, column]) for matrix in each))
            for part, each in self.parts.items()
            if each.share[row, column] > 0
        ]
        alike.sort(key=lambda each: (-each.surprise, each.part))
        return Likeness(self.names[row], self.names[column], float(self.expected[row, column]), tuple(alike))

    def ranked(self, rows: np.ndarray, columns: np.ndarray) -> Iterator[Likeness]:
        """Yield these pairs, the least likely first."""
        for at in np.argsort(self.expected[rows, columns], kind="stable"):
            yield self.likeness(int(rows[at]), int(columns[at]))


def compare(
    works: Mapping[str, Work],
    references: Mapping[str, Work],
    earlier: Mapping[str, Work] | None = None,
    together: Collection[frozenset[str]] = (),
    most: int = 500,
) -> Likenesses:
    """Compare every work with every other one.

    Args:
        works: the works of the class, by student.
        references: the course's own right answers; the first one is the solution, which everybody is compared with.
        earlier: works of other terms, by a name that tells which.
        together: pairs who handed in together, which are left out.
        most: the largest number of pairs to keep.
    """
    evidence = _Evidence({**works, **(earlier or {}), **references}, len(works), len(references))
    members, others = len(works), len(works) + len(earlier or {})
    rows, columns = np.triu_indices(others, 1)
    with_class = rows < members
    apart = (
        pair
        for pair in evidence.ranked(rows[with_class], columns[with_class])
        if frozenset((pair.first, pair.second)) not in together
    )
    everybody, last = np.arange(members), others + len(references)
    rows, columns = (others + each for each in np.triu_indices(last - others, 1))
    return Likenesses(
        tuple(islice(apart, most)),
        tuple(islice(evidence.ranked(everybody, np.full(members, others)), 20)) if references else (),
        tuple(pair for pair in evidence.ranked(rows, columns) if pair.parts),
        _usual(evidence.parts, members, works),
        members,
    )


def _usual(found: Mapping[str, _Matrices], members: int, works: Mapping[str, Work]) -> tuple[Usual, ...]:
    usual = []
    for part, each in found.items():
        answered = [number for number, work in enumerate(works.values()) if part in work]
        rows, columns = np.triu_indices(len(answered), 1)
        shares = each.share[:members, :members][np.ix_(answered, answered)][rows, columns]
        median, high = np.quantile(shares, [0.5, 0.99]) if len(shares) else (0.0, 0.0)
        usual.append(Usual(part, len(answered), float(median), float(high)))
    return tuple(usual)


def _matrices(texts: Sequence[Part | None], members: int, references: int) -> _Matrices:
    """Compare all texts of one part with each other, by structure and by wording; the more surprising counts."""
    structure = _incidence([text.spans if text else {} for text in texts])
    wording = _incidence([text.wording if text else {} for text in texts])
    common = (structure @ structure.T).toarray()
    sizes = np.diagonal(common)
    known = np.asarray(structure[len(texts) - references :].sum(axis=0) > 0, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num(common / np.minimum.outer(sizes, sizes))
        within = np.nan_to_num((csr_array(structure.multiply(known[np.newaxis, :])) @ structure.T).toarray() / common)
    surprise = np.maximum(_surprise(structure, members), _surprise(wording, members) - math.log10(2))
    return _Matrices(share, surprise, within)


def _surprise(incidence: csr_array, members: int) -> np.ndarray:
    """Return how surprising each likeness is; a rare fingerprint counts more than one that many have, in bits."""
    holders = incidence.sum(axis=0)
    weights = np.log2(max(incidence.shape[0], 2) / np.maximum(holders, 1))
    shared = (csr_array(incidence.multiply(weights[np.newaxis, :])) @ incidence.T).toarray()
    own = np.diagonal(shared)
    alike = np.log((shared + _NOTHING) / (np.add.outer(own, own) - 2 * shared + _NOTHING))
    answered = np.flatnonzero(incidence.sum(axis=1) > 0)
    within = answered[answered < members]
    rows, columns = np.triu_indices(len(within), 1)
    values = alike[np.ix_(within, within)][rows, columns]
    surprise = Tail(values if len(within) >= FEWEST else values[:0], scale=0.2).surprise(alike)
    has = np.zeros(incidence.shape[0], dtype=bool)
    has[answered] = True
    return np.where(np.outer(has, has), surprise, 0.0)


def _incidence(texts: Sequence[Spans]) -> csr_array:
    """Return one row for each text and one column for each fingerprint."""
    columns: dict[int, int] = {}
    rows, places = [], []
    for number, text in enumerate(texts):
        for value in text:
            rows.append(number)
            places.append(columns.setdefault(value, len(columns)))
    shape = (len(texts), max(len(columns), 1))
    return csr_array(coo_array((np.ones(len(rows)), (rows, places)), shape=shape))


def clusters(pairs: Sequence[Likeness]) -> list[tuple[str, ...]]:
    """Return the groups of three and more that ``pairs`` connect, the largest first."""
    names = sorted({name for pair in pairs for name in (pair.first, pair.second)})
    place = {name: number for number, name in enumerate(names)}
    edges = ([place[pair.first] for pair in pairs], [place[pair.second] for pair in pairs])
    if not names:
        return []
    _, labels = connected_components(coo_array((np.ones(len(pairs)), edges), shape=(len(names),) * 2), directed=False)
    groups = [tuple(name for name in names if labels[place[name]] == label) for label in sorted(set(labels))]
    return sorted((group for group in groups if len(group) > 2), key=lambda group: (-len(group), group))
