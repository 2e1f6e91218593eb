"""Similarity: what is taken off, what makes no difference, what is usual accuses nobody, and a page that is safe."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from autograder.authoring.assignment import Assignment
from autograder.bench.invented_class import DISGUISES, ONE_FUNCTION, disguise
from autograder.bench.planted_copies import COPIES, LENGTHS, ONES
from autograder.course import Course
from autograder.demo.class_maker import answer_exercises, notebook_as_bytes
from autograder.errors import CourseError
from autograder.similarity.class_similarity import ClassSimilarity, compare_class, similarity_page, write_similarity
from autograder.similarity.comparing import Likeness, Tail, clusters, compare
from autograder.similarity.works import OWN_CELLS, Handout, Work, code_tokens, docstrings, prose_tokens

NAME = "02-feature-maps"
EVIL = "<script>document.title = 'broken'</script>"


def work(handout: Handout, answers: dict[str, str]) -> Work:
    return handout.work_of([(name, text) for name, text in answers.items() if name], {"answer": answers[""]})


def structure(source: str) -> list[int]:
    return [token.value for token in code_tokens(source)[0]]


def test_names_comments_layout_and_docstrings_make_no_difference_to_the_structure() -> None:
    one = 'def f(x):\n    """Twice."""\n    result = x * 2  # twice\n    return result\n'
    other = "def f(values):\n  # doubled\n  twice = (values\n     * 2)\n\n  return (twice)\n"
    assert structure(one) == structure(other)
    assert [token.value for token in code_tokens(one)[1]] != [token.value for token in code_tokens(other)[1]]


def test_characters_that_nobody_sees_make_no_difference_to_words() -> None:
    plain = prose_tokens("The kernel is flipped along both axes.")
    disguised = prose_tokens("The ker\u200bnel is fl\u2060ipp\u00aded along ｂｏｔｈ a\ufeffxes.")
    assert [each.value for each in disguised] == [each.value for each in plain]


def test_another_operation_or_another_attribute_does() -> None:
    assert structure("y = x * 2") != structure("y = x + 2")
    assert structure("y = x.sum()") != structure("y = x.mean()")
    assert structure("self.a = 1") == structure("self.b = 1")


@pytest.mark.parametrize(
    "source", ["def f(:\n  '''", "%matplotlib inline\n!ls", "x = '\udcff'", "", "\0" * 40, "(" * 5000]
)
def test_whatever_a_student_wrote_has_tokens(source: str) -> None:
    assert len(code_tokens(source)) == 2


def test_the_courses_own_docstrings_are_folded_and_a_students_are_not(handout: Handout, assignment: Assignment) -> None:
    solved = handout.references["the solution"][next(iter(assignment.exercises))].text
    assert '"""…"""' in solved
    own = 'def f(x):\n    """In my own words."""\n    return [n * 2 for n in range(x)]\n'
    assert handout.code(own).text == own
    assert docstrings(own) == {'"""In my own words."""'}


def test_what_was_handed_out_leaves_no_fingerprint(handout: Handout, assignment: Assignment) -> None:
    blank = [(cell.exercise, cell.release_source) for cell in assignment.cells if cell.kind == "exercise"]
    prose = {cell.grade_id: cell.release_source for cell in assignment.cells if cell.kind == "answer"}
    assert handout.work_of(blank, prose) == {}


def test_a_function_counts_for_its_exercise_wherever_it_stands(handout: Handout, assignment: Assignment) -> None:
    first, second = list(assignment.exercises)[:2]
    helper = "def little_helper(a, b, c):\n    total = a * b + c\n    return total - a // b + c % a\n"
    code = f"def {second}(x):\n    y = little_helper(x, x + 1, x + 2)\n    return [y * n for n in range(x)]\n"
    plot = "figure = draw(range(10), [n ** 2 for n in range(10)], title='mine', colour='red')\nshow(figure)\n"
    found = handout.work_of([(first, code), ("", helper), ("", plot)], {})
    assert "little_helper(a" in found[second].text
    assert "draw(" in found[OWN_CELLS].text
    assert first not in found


def test_twenty_thousand_helpers_take_no_time(handout: Handout, assignment: Assignment) -> None:
    """Each was looked for in all that the exercises hold: one notebook kept the whole comparison for minutes."""
    helpers = "".join(f"def helper_{n}():0\n" for n in range(20_000))
    answer = next(iter(assignment.exercises.values())).source + "x = 1  # filling\n" * 7000
    began = time.process_time()
    handout.work_of([(next(iter(assignment.exercises)), answer), *[("", helpers[n:]) for n in range(9)]], {})
    assert time.process_time() - began < 20


@pytest.mark.parametrize("run", [" \n" * 9000, "'%" + "0" * 18_000 + "'\n", "\t\n# ---" * 2500 + "\n"])
def test_endless_runs_of_blanks_signs_and_digits_take_no_time(run: str) -> None:
    """Over one such cell the lexer took 40 seconds; a notebook may have 25 of them."""
    started = time.process_time()
    tokens = structure(f"{run}x = y + 1\n")
    assert time.process_time() - started < 2
    assert tokens[-5:] == structure("x = y + 1\n")


def test_a_value_that_many_reach_is_no_surprise_and_one_far_beyond_is() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=5000), np.full(500, 3.0)])
    tail = Tail(values, scale=0.1)
    usual, far = tail.surprise(np.array([3.0, 12.0]))
    assert usual < 1.1
    assert far > 6


def test_what_everybody_writes_accuses_nobody(handout: Handout, assignment: Assignment) -> None:
    solved = handout.references["the solution"]
    found = compare({f"s{number}": solved for number in range(20)}, handout.references)
    assert found.above() == ()


def test_a_class_that_worked_alone_has_no_pair_above_the_threshold(
    handout: Handout, answers: list[dict[str, str]]
) -> None:
    found = compare({f"s{number}": work(handout, each) for number, each in enumerate(answers)}, handout.references)
    assert found.above() == ()
    assert len(found.pairs) == 12 * 11 / 2


@pytest.mark.parametrize("kind", [kind for kind in DISGUISES if "one" not in kind and "answer" not in kind])
def test_a_disguised_copy_leads_the_list(handout, answers, stranger, luck, kind) -> None:  # type: ignore[no-untyped-def]
    everybody = {f"s{number}": work(handout, each) for number, each in enumerate(answers)}
    everybody["copier"] = work(handout, disguise(answers[3], kind, stranger, luck))
    first = compare(everybody, handout.references).pairs[0]
    assert {first.first, first.second} == {"s3", "copier"}


def test_members_of_a_group_are_not_compared(handout: Handout, answers: list[dict[str, str]]) -> None:
    works = {"a": work(handout, answers[0]), "b": work(handout, answers[0]), "c": work(handout, answers[1])}
    found = compare(works, {}, together={frozenset("ab")})
    assert {frozenset((pair.first, pair.second)) for pair in found.pairs} == {frozenset("ac"), frozenset("bc")}


def test_pairs_that_meet_make_one_cluster() -> None:
    pairs = [Likeness(one, other, 0.0, ()) for one, other in ("ab", "bc", "xy")]
    assert clusters(pairs) == [("a", "b", "c")]
    assert clusters([]) == []


@pytest.fixture(scope="module")
def course(tmp_path_factory, assignment, answers):  # type: ignore[no-untyped-def]
    """Twelve students, a thirteenth who copied, one whose file is no notebook, and an earlier term."""
    root = tmp_path_factory.mktemp("class")
    source = Path(__file__).parents[2] / "solutions" / NAME
    shutil.copytree(source, root / "solutions" / NAME)
    (root / "course.toml").write_text('id = "cnn"\nfixed_secret = "cnn"\n')
    evil = {name: f"# {EVIL}\n{text}" for name, text in answers[2].items()}
    handed = {f"student{number:02}": each for number, each in enumerate(answers)} | {"evil": evil, "student02": evil}
    for student, each in [*handed.items(), ("../last-year/submitted/student07", answers[7])]:
        folder = root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        code = {name: text for name, text in each.items() if name}
        (folder / "feature_maps.ipynb").write_bytes(notebook_as_bytes(answer_exercises(assignment, code, each[""])))
    (root / "submitted" / "broken" / NAME).mkdir(parents=True)
    (root / "submitted" / "broken" / NAME / "feature_maps.ipynb").write_text("%PDF")
    return Course.find(root)


@pytest.fixture(scope="module")
def compared(course: Course) -> ClassSimilarity:
    return compare_class(course, NAME, [course.root / "last-year" / "submitted"])


def test_the_class_is_read_compared_and_reported(compared: ClassSimilarity) -> None:
    pairs = {frozenset((pair.first, pair.second)) for pair in compared.comparison.pairs[:2]}
    assert pairs == {frozenset(("evil", "student02")), frozenset(("student07", "last-year: student07"))}
    assert [name for name, _ in compared.left_out] == ["broken"]
    assert "13 submissions compared" in compared.lines()[0]
    assert "1 of earlier terms" in compared.lines()[0]


def test_the_similarity_page_stands_alone(compared: ClassSimilarity) -> None:
    page = similarity_page(compared)
    assert "<script" not in page
    assert "&lt;/script&gt;" in page  # in one piece, whatever is marked as shared
    assert "default-src 'none'" in page
    assert "What this page can and cannot tell" in page
    assert not re.search(r"""(?:src|href|action)=["'](?!#)|url\(|@import""", page)
    assert page.index("<mark>") > page.index("evil and student02")


def test_the_page_is_for_its_writer_alone(course: Course, compared: ClassSimilarity) -> None:
    before = {path for path in course.root.rglob("*") if path.is_file()}
    path = write_similarity(course, compared)
    assert path.stat().st_mode & 0o077 == 0
    assert {path for path in course.root.rglob("*") if path.is_file()} - before == {path}


def test_a_folder_without_notebooks_and_an_empty_class_are_named(course: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"contains no feature_maps\.ipynb"):
        compare_class(course, NAME, [tmp_path])
    shutil.copytree(course.source, tmp_path / "solutions")
    (tmp_path / "course.toml").write_text('id = "cnn"\n')
    with pytest.raises(CourseError, match=f"Nobody has handed in {NAME}"):
        compare_class(Course.find(tmp_path), NAME)


def test_ids_that_differ_in_case_only_are_compared(course: Course, tmp_path: Path) -> None:
    """Grading reports them, for somebody to rename one; here they were listed as not compared."""
    shutil.copytree(course.source, tmp_path / "solutions")
    (tmp_path / "course.toml").write_text('id = "cnn"\n')
    for twin, student in (("Ada", "student01"), ("ada", "student04")):
        shutil.copytree(course.submitted / student, tmp_path / "submitted" / twin)
    compared = compare_class(Course.find(tmp_path), NAME)
    assert compared.left_out == ()
    assert "2 submissions compared" in compared.lines()[0]


def test_the_page_has_a_row_for_each_disguise_and_counts_all_that_are_planted() -> None:
    """`autograder similarity NAME --measure` plants these; what it found is on the page, out of so many."""
    page = (Path(__file__).parents[2] / "docs" / "similarity.md").read_text(encoding="utf-8")
    counted: dict[str, list[tuple[int, int]]] = {}
    for line in page.splitlines():
        label, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells and all(re.fullmatch(r"\d+ of \d+", cell) for cell in cells):
            counted[label] = [(int(one), int(of)) for one, of in (cell.split(" of ") for cell in cells)]
    singles = [kind for kind in counted if kind.startswith(ONE_FUNCTION)]
    assert singles == [f"{ONE_FUNCTION}, {which}" for which in LENGTHS]
    assert set(counted) == {*DISGUISES, *singles} - {ONE_FUNCTION}
    for kind in set(counted) - set(singles):
        assert [of for _, of in counted[kind]] == [COPIES] * 2
    assert [sum(pair) for pair in zip(*([of for _, of in counted[kind]] for kind in singles), strict=True)] == [
        COPIES * ONES
    ] * 2
