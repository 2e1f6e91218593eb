"""The page on who resembles whom: for the staff alone, with both texts side by side and what they share marked.

It stands alone: without a script or an address outside itself, and whatever a student wrote is escaped text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from autograder.atomic_files import write_atomically
from autograder.course import Course
from autograder.gradebook.sanitising import as_plain_text
from autograder.similarity.class_similarity import ClassSimilarity
from autograder.similarity.comparing import EXPECTED, FEWEST, Likeness, PartLikeness, clusters
from autograder.similarity.normalising import LONGEST
from autograder.similarity.works import Part

__all__ = ["similarity_page", "write_similarity"]

_MOST_PAIRS, _MOST_PARTS = 40, 6
_NEXT = 5
"""The number of pairs below the threshold that are shown as well, so that a reader sees where it lies."""
_NOTABLE = 1.3
"""The surprise from which on a part is shown: one pair in twenty of the class is as alike."""


class ShownPart(msgspec.Struct, frozen=True):
    """One exercise or question of a pair, with both texts."""

    alike: PartLikeness
    first: Markup
    second: Markup


class ShownPair(msgspec.Struct, frozen=True):
    """One pair on the page."""

    number: int
    pair: Likeness
    parts: tuple[ShownPart, ...]
    same_person: bool

    @property
    def above(self) -> bool:
        """True if it is at least as unlikely as the threshold tells."""
        return self.pair.expected <= EXPECTED


def write_similarity(course: Course, found: ClassSimilarity, output: Path | None = None) -> Path:
    """Write the page, readable for this user alone; by default ``similarity-ASSIGNMENT.html`` beside course.toml.

    Raises:
        GradebookError: it cannot be written.
    """
    path = output or course.root / f"similarity-{found.assignment.name}.html"
    page = similarity_page(found, course.config.title or course.id)
    write_atomically(path, page.encode("utf-8", errors="replace"))
    return path


def similarity_page(found: ClassSimilarity, course_title: str = "") -> str:
    """Return the page as HTML text."""
    above = found.comparison.above()
    chosen = found.comparison.pairs[: min(len(above), _MOST_PAIRS) + _NEXT]
    like_solution = [each for each in found.comparison.with_solution if each.expected <= EXPECTED]
    return _template().render(
        course=course_title,
        found=found,
        today=dt.datetime.now(dt.UTC).date(),
        above=len(above),
        pairs=[_shown(number, pair, found) for number, pair in enumerate(chosen, 1)],
        clusters=clusters(above),
        like_solution=like_solution,
        threshold=EXPECTED,
        fewest=FEWEST,
        longest=LONGEST,
    )


def _shown(number: int, pair: Likeness, found: ClassSimilarity) -> ShownPair:
    notable = [each for each in pair.parts if each.surprise >= _NOTABLE] or list(pair.parts[:1])
    parts = tuple(_shown_part(each, pair, found) for each in notable[:_MOST_PARTS])
    return ShownPair(number, pair, parts, pair.second.endswith(f": {pair.first}"))


def _shown_part(alike: PartLikeness, pair: Likeness, found: ClassSimilarity) -> ShownPart:
    first, second = found.works[pair.first][alike.part], found.works[pair.second][alike.part]
    return ShownPart(alike, _marked(first, second), _marked(second, first))


def _marked(part: Part, other: Part) -> Markup:
    """Return the text of a part, with what stands in the other one as well marked."""
    shown, at = Markup(), 0
    structure = (span for value in part.spans.keys() & other.spans.keys() for span in part.spans[value])
    wording = (span for value in part.wording.keys() & other.wording.keys() for span in part.wording[value])
    for start, end in _merged(sorted([*structure, *wording])):
        shown += as_plain_text(part.text[at:start])
        shown += Markup("<mark>{}</mark>").format(as_plain_text(part.text[start:end]))
        at = end
    return shown + as_plain_text(part.text[at : at + LONGEST])


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = -1, -1
    for one, other in spans:
        if one > end:
            if end >= 0:
                yield start, end
            start = one
        end = max(end, other)
    if end >= 0:
        yield start, end


def _rarity(expected: float) -> str:
    """Return how many such pairs are expected, in words."""
    if expected >= 0.95:
        return f"about {expected:.0f} by chance"
    if expected >= 1e-6:
        return f"1 in {1 / expected:,.0f} classes"
    return "less than 1 in a million classes"


def _share_of_pairs(surprise: float) -> str:
    share = 10.0**-surprise
    if share >= 0.01:
        return f"{share:.0%} of the pairs"
    return f"1 pair in {1 / share:,.0f}" if share > 1e-6 else "less than 1 pair in a million"


def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("autograder.similarity")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"rarity": _rarity, "usual": _share_of_pairs, "plain": lambda text: as_plain_text(text, 200)}
    return environment.get_template("similarity.html.j2")
