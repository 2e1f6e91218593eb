"""The comparison of a class's submissions, and the page on who resembles whom.

Submissions are compared with each other, with earlier terms and with the course's own answers. The page is for
the staff alone; it shows both texts side by side and marks what they share. Nothing else is needed to read it: it has
no script and no address outside itself, and whatever a student wrote is escaped text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.collecting.records import groups_of
from autograder.course import Course
from autograder.engine.discover import discover, settle
from autograder.engine.known_results import read_file
from autograder.errors import CourseError, UnreadableSubmission
from autograder.files import write_atomically
from autograder.gradebook.sanitising import as_plain_text
from autograder.similarity.comparing import EXPECTED, FEWEST, Likeness, Likenesses, PartLikeness, clusters, compare
from autograder.similarity.works import LONGEST, Handout, Part, Work
from autograder.submission.alignment import align
from autograder.submission.matching import catalogue_of
from autograder.submission.notebook_reader import read_submission

__all__ = ["ClassSimilarity", "compare_class", "similarity_page", "write_similarity"]

# ---- the comparison

_SERIAL = 24
"""The number of submissions up to which a second process would cost more than it saves."""


class ClassSimilarity(msgspec.Struct, frozen=True):
    """The outcome of a comparison: what was compared, and how similar it is.

    Attributes:
        assignment: the assignment that was handed in.
        works: the work of each student, by id; works of other terms and the references by their names.
        comparison: the likenesses between them.
        left_out: those who could not be compared, and why.
        groups: the number of groups that handed in together; their members are not compared with each other.
        earlier: the number of works of other terms.
    """

    assignment: Assignment
    works: dict[str, Work]
    comparison: Likenesses
    left_out: tuple[tuple[str, str], ...]
    groups: int
    earlier: int

    def lines(self) -> list[str]:
        """Return the report for the terminal."""
        above = self.comparison.above()
        older = f", with {self.earlier} of earlier terms" if self.earlier else ""
        counted = f"{len(above)} {'pair is' if len(above) == 1 else 'pairs are'}" if above else "no pair is"
        head = (
            f"{self.assignment.unit}: {self.comparison.compared} submissions compared with each other{older} and with "
            f"the course's own answers; {counted} more similar than chance explains."
        )
        named = [f"  {pair.first} and {pair.second}: {pair.parts[0].part}" for pair in above[:10]]
        return [head, *named, *(f"{name}: not compared. {reason}" for name, reason in self.left_out)]


def compare_class(course: Course, name: str, also: Sequence[Path] = (), workers: int = 2) -> ClassSimilarity:
    """Compare all submissions to the assignment ``name``. Nothing is run, and nothing is written.

    Args:
        course: the course of the class.
        name: the name of the assignment.
        also: folders with submissions of earlier terms.
        workers: processes that read notebooks.

    Raises:
        CourseError: nobody handed in, or a folder does not hold a notebook of the assignment.
        AuthoringError: there is no such assignment.
    """
    assignment = load_assignment(course, name)
    discovery = settle(
        discover(course, assignment.name, assignment.notebook), assignment, partial(catalogue_of, course)
    )
    files = [(each.student, each.path) for each in discovery.found]
    if not files:
        raise CourseError(
            f"Nobody has handed in {name}: {course.submitted} contains nothing for it. Collect it first: "
            "autograder collect DOWNLOAD"
        )
    older = [file for folder in also for file in _earlier(folder, assignment)]
    handout = Handout(assignment)
    found, unread = _works(handout, [*files, *older], workers)
    students = {student: found[student] for student, _ in files if student in found}
    earlier = {label: found[label] for label, _ in older if label in found}
    groups = set(groups_of(course, assignment.name).values())
    together = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
    comparison = compare(students, handout.references, earlier, together)
    compared = {each.student for each in discovery.found}  # Twins in case or Unicode form are, though grading warns.
    misplaced = ((each.student, each.reason) for each in discovery.misplaced if each.student not in compared)
    return ClassSimilarity(
        assignment,
        {**students, **earlier, **handout.references},
        comparison,
        tuple(sorted([*unread, *misplaced])),
        len(groups),
        len(earlier),
    )


def _earlier(folder: Path, assignment: Assignment) -> list[tuple[str, Path]]:
    """Return the submissions in a folder of another term, each by the folder's name and its own place."""
    root = folder.resolve()
    paths = sorted(
        path for path in root.rglob(f"{assignment.notebook}.ipynb") if ".ipynb_checkpoints" not in path.parts
    )
    if not paths:
        raise CourseError(
            f"{folder} contains no {assignment.notebook}.ipynb. Name the folder with the submissions of that term, "
            "such as its submitted/."
        )
    term = root.parent.name if root.name == "submitted" else root.name
    return [(f"{term}: {_whose(path.relative_to(root), assignment)}", path) for path in paths]


def _whose(path: Path, assignment: Assignment) -> str:
    parts = [part for part in path.parts[:-1] if part not in (assignment.name, "submitted")]
    return "/".join(parts) or path.stem


def _works(
    handout: Handout, files: Sequence[tuple[str, Path]], workers: int
) -> tuple[dict[str, Work], list[tuple[str, str]]]:
    """Return what everybody wrote, and who could not be read."""
    if len(files) <= _SERIAL or workers < 2:
        answers: Iterable[Work | str] = [_work(handout, path) for _, path in files]
    else:
        with ProcessPoolExecutor(workers, initializer=_remember, initargs=(handout.assignment,)) as pool:
            answers = list(pool.map(_remembered_work, [path for _, path in files], chunksize=8))
    named = list(zip((name for name, _ in files), answers, strict=True))
    works = {name: answer for name, answer in named if not isinstance(answer, str)}
    return works, [(name, answer) for name, answer in named if isinstance(answer, str)]


_handout: list[Handout] = []
"""The one assignment that a worker reads submissions to."""


def _remember(assignment: Assignment) -> None:
    _handout[:] = [Handout(assignment)]


def _remembered_work(path: Path) -> Work | str:
    return _work(_handout[0], path)


def _work(handout: Handout, path: Path) -> Work | str:
    """Return the work in a file, or why it cannot be read."""
    try:
        return handout.work(align(read_submission(read_file(path), str(path)), handout.assignment))
    except UnreadableSubmission as error:
        return str(error)
    except Exception as error:  # One file's trouble is never another's.
        return f"{path} cannot be read ({type(error).__name__}: {error}). Look at the file."


# ---- the page

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
    path = output or course.root / f"similarity-{found.assignment.unit.replace('/', '-')}.html"
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
    """Return the text of a part, with what is in the other one as well marked."""
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
