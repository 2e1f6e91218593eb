"""From nbgrader's gradebook to published boards."""

import datetime as dt
import io
import json
import os
import warnings

import numpy as np
import pytest
from nbgrader.api import Gradebook
from rich.console import Console
from sqlalchemy.exc import SAWarning

from autograder.course import Course
from autograder.errors import GradebookError, LeaderboardError
from autograder.leaderboard.board import hundredths, scale_for
from autograder.leaderboard.boards import ChallengeResult, append_result, pack
from autograder.leaderboard.command import watch
from autograder.leaderboard.history import replay_board
from autograder.leaderboard.publishing import board_of, find_unknown_students, log_of, publish_boards

LATE = dt.datetime(2026, 11, 21)  # noqa: DTZ001 - the gradebook keeps UTC without a zone


def reconfigured(course, text):
    path = course.root / "course.toml"
    path.write_text(path.read_text() + text)
    return Course.find(course.root)


def scores(board):
    return {row.entry.entrant: board.points(row.entry.score) for row in board.standings}


def quiet():
    return Console(file=io.StringIO(), width=100)


def test_a_board_is_made_from_the_gradebook(course, hand_in, enrol):
    hand_in("ada", 28.5, 3)
    hand_in("bob", 28.5, 2.5)
    hand_in("eve", 20, 1)
    enrol("dan")
    board = board_of(course, "01-convolution")
    assert scores(board) == {"ada": "31.50", "bob": "31.00", "eve": "21.00"}
    assert [row.award.name for row in board.standings] == ["automatic A+", "grade bump", "grade bump"]
    assert [(row.entry.entrant, row.entry.status) for row in board.apart] == [("dan", "missing")]
    assert board.maximum is not None
    assert board.points(board.maximum) == "33.00"


def test_announcements_stand_on_the_page_as_text(course, hand_in):
    hand_in("ada", 28.5, 3)
    path = course.root / "course.toml"
    path.write_text('announcements = ["No class on <Friday>."]\n' + path.read_text())
    publish_boards(Course.find(course.root), "01-convolution", ("html",), console=quiet())
    page = (course.root / "leaderboard" / "01-convolution.html").read_text()
    assert "<li>No class on &lt;Friday&gt;.</li>" in page


def test_a_failure_of_the_grader_is_not_a_zero(course, hand_in):
    hand_in("ada", None, 3)
    board = board_of(course, "01-convolution")
    assert [(row.entry.entrant, row.entry.status) for row in board.apart] == [("ada", "not graded")]


def test_a_file_that_the_grader_could_not_finish_is_not_missing(course, hand_in):
    hand_in("ada", 20)
    for student in ("ada", "bob"):
        folder = course.submitted / student / "01-convolution"
        folder.mkdir(parents=True)
        (folder / "notebook.ipynb").write_text("not a notebook")
    board = board_of(course, "01-convolution")
    assert scores(board) == {"ada": "20.00"}
    assert [(row.entry.entrant, row.entry.status) for row in board.apart] == [("bob", "not graded")]


def test_an_open_written_answer_is_marked_or_set_apart(course, hand_in):
    hand_in("ada", 28, None)
    assert board_of(course, "01-convolution").standings[0].badges == ("provisional",)
    course = reconfigured(course, '\n[leaderboard]\nunfinished = "apart"\n')
    assert [row.entry.status for row in board_of(course, "01-convolution").apart] == ["not graded"]


def test_a_late_penalty_is_taken_off_as_nbgrader_does(course, hand_in):
    hand_in("ada", 10, 0, at=LATE, penalty=1.65)
    hand_in("bob", 1, 0, at=LATE, penalty=5)
    board = board_of(course, "01-convolution")
    assert scores(board) == {"ada": "8.35", "bob": "0.00"}
    assert board.standings[0].badges == ("late",)


@pytest.mark.parametrize(
    ("rule", "ranked", "award"), [("ranked", 1, True), ("no prize", 1, False), ("apart", 0, False)]
)
def test_late_work_follows_the_courses_rule(course, hand_in, rule, ranked, award):
    hand_in("ada", 10, 0, at=LATE)
    board = board_of(reconfigured(course, f'\n[leaderboard]\nlate = "{rule}"\n'), "01-convolution")
    assert len(board.standings) == ranked
    assert any(row.award for row in board.standings) == award


def test_withdrawn_excluded_and_named_students(course, hand_in):
    for student in ("ada", "bob", "tester"):
        hand_in(student, 10)
    text = '\n[leaderboard]\nexcluded = ["tester"]\nwithdrawn = {bob = "a private reason"}\nnames = {ada = "Ada L."}\n'
    publish_boards(reconfigured(course, text), "01-convolution", formats=("html", "json", "csv"), console=quiet())
    pages = [path.read_text() for path in (course.root / "leaderboard").iterdir()]
    assert len(pages) == 3
    assert all("Ada L." in page and "a private reason" not in page and "tester" not in page for page in pages)


def test_an_id_that_the_course_does_not_have_is_said_when_publishing(course, hand_in):
    hand_in("ada", 28)
    (course.root / "students.csv").write_text("id\neve\n")
    text = '\n[leaderboard]\nexcluded = ["tster"]\nwithdrawn = {bbo = "moved"}\nnames = {aad = "Countess", eve = "E"}\n'
    written = io.StringIO()
    screen = Console(file=written, width=200)
    board = publish_boards(reconfigured(course, text), "01-convolution", ("json",), console=screen)
    assert scores(board) == {"ada": "28.00"}
    *said, files = written.getvalue().splitlines()
    assert files.startswith("Written: ")
    assert [line.split(":")[0] for line in said] == [
        f"course.toml, [leaderboard] {key}" for key in ("excluded", "withdrawn", "names")
    ]
    assert ["'tster'" in said[0], "'bbo'" in said[1], "'aad'" in said[2]] == [True, True, True]


def test_points_given_by_a_person_are_added_and_marked(course, hand_in):
    hand_in("ada", 10)
    text = '\n[[leaderboard.adjustments]]\nstudent = "ada"\npoints = 1.5\nreason = "readme"\nboard = "01-convolution"\n'
    board = board_of(reconfigured(course, text), "01-convolution")
    assert (scores(board), board.standings[0].badges) == ({"ada": "11.50"}, ("adjusted",))


def test_an_optional_assignment_can_only_help(course, hand_in):
    for student, first, second in (("low", 20, 5), ("high", 20, 30), ("none", 20, None)):
        hand_in(student, first)
        if second is not None:
            hand_in(student, second, assignment="02-optional")
    board = board_of(course)
    assert scores(board) == {"high": "30.00", "low": "20.00", "none": "20.00"}
    assert board.maximum is not None
    assert board.points(board.maximum) == "33.00"
    added = board_of(reconfigured(course, '\n[leaderboard]\noptional = "adds"\n'))
    assert scores(added) == {"high": "50.00", "low": "25.00", "none": "20.00"}


def test_a_required_part_that_is_not_graded_takes_the_student_off_the_course_board(course, hand_in):
    hand_in("ada", None)
    hand_in("ada", 30, assignment="02-optional")
    assert "01-convolution" in board_of(course).apart[0].entry.reason


def test_a_missing_or_damaged_gradebook_is_named_and_left_alone(course):
    path = course.root / "gradebook.db"
    path.write_bytes(b"not a database, but long enough to look at" * 40)
    with pytest.raises(GradebookError, match="cannot be read"):
        board_of(course)
    assert path.read_bytes().startswith(b"not a database")
    path.unlink()
    with pytest.raises(GradebookError, match="There is no gradebook"):
        board_of(course)
    assert not path.exists()


def test_an_unknown_assignment_or_format_is_named(course):
    with pytest.raises(GradebookError, match=r"'09-none'.*It has: 01-convolution, 02-optional"):
        publish_boards(course, "09-none")
    with pytest.raises(LeaderboardError, match="pdf is not a format"):
        publish_boards(course, formats=["pdf"])


def test_publishing_logs_what_changed_and_tells_it(course, hand_in):
    hand_in("ada", 10)
    hand_in("bob", 9)
    publish_boards(course, "01-convolution", console=quiet())
    hand_in("bob", 11)
    screen = quiet()
    board = publish_boards(
        course, "01-convolution", formats=["terminal", "json"], console=screen, reason="regrade of check 1"
    )
    assert "2 → 1" in screen.file.getvalue()
    assert log_of(course, "01-convolution").records()[-1].reason == "regrade of check 1"
    published = json.loads((course.root / "leaderboard" / "01-convolution.json").read_text())
    assert published["log"] == replay_board(log_of(course, "01-convolution")).log == board.log


def test_the_challenge_shows_its_public_half_until_the_freeze(course):
    own = np.arange(64) < 50
    one = ChallengeResult(
        entrant="ada",
        at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        public=(pack(own),),
        private=(pack(~own),),
        public_images=64,
        private_images=64,
    )
    append_result(course.results / "challenge.jsonl", one)
    assert publish_boards(course, "challenge", console=quiet()).standings[0].entry.score == 50
    frozen = publish_boards(course, "challenge", console=quiet(), freeze=True)
    assert (frozen.standings[0].entry.score, frozen.statistics.images) == (14, 64)
    assert publish_boards(course, "challenge", console=quiet()).standings[0].award.name == "automatic A+"


def test_the_watch_publishes_again_only_when_something_changed(course, hand_in):
    hand_in("ada", 10)
    looks = iter(range(6))

    def going():
        look = next(looks, None)
        if look == 3:
            hand_in("bob", 12)
        return look is not None

    assert watch(course, "01-convolution", ["html"], every=0, console=quiet(), going=going) == 2
    assert (course.root / "leaderboard" / "01-convolution.html").read_text().count('class="score"') == 2


def test_the_watch_waits_a_fault_out(course, hand_in):
    hand_in("ada", 10)
    toml = course.root / "course.toml"
    right = toml.read_text()
    looks = iter([right + "[leaderboard", None, right + "\n", None])

    def going():
        text = next(looks, "end")
        if text not in (None, "end"):
            toml.write_text(text)
        return text != "end"

    screen = quiet()
    assert watch(course, "01-convolution", ["html"], every=0, console=screen, going=going) == 1
    assert "course.toml cannot be read" in screen.file.getvalue()


@pytest.mark.parametrize(
    ("points", "scale"), [([1, 0.5], 2), ([0.25], 4), ([0.1], 10), ([0.05], 20), ([1.65, 0.01], 100)]
)
def test_a_board_uses_the_coarsest_units_that_are_exact(points, scale):
    assert scale_for(points) == scale


def test_binary_noise_does_not_split_a_tie():
    assert hundredths(0.1 + 0.2) == hundredths(0.3) == 30
    assert hundredths(-0.5) == -50


def test_the_scale_counts_every_assignment(course, hand_in):
    hand_in("ada", 10.25)
    assert board_of(course, "02-optional").scale == 2
    assert board_of(course).scale == 4


def test_a_log_cut_off_behind_a_published_page_stops_the_next_publication(course, hand_in):
    hand_in("ada", 10)
    publish_boards(course, "01-convolution", ["html"], console=quiet())
    log, page = log_of(course, "01-convolution").path, course.root / "leaderboard" / "01-convolution.html"
    before = page.read_bytes()
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(LeaderboardError, match=r"01-convolution\.html ends with: lines were cut off"):
        publish_boards(course, "01-convolution", ["html"], console=quiet())
    assert page.read_bytes() == before
    page.unlink()
    assert publish_boards(course, "01-convolution", ["html"], console=quiet())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[prizes]]\nrank = 4\naward = "x"\nboard = "01-konvolution"\n', r"\[\[prizes\]\] 3 \(x\): there is no board"),
        ('[[leaderboard.adjustments]]\nstudent = "adda"\npoints = 1\nreason = "x"\n', r"1 \(adda\): the course has no"),
        (
            '[[leaderboard.adjustments]]\nstudent = "ada"\npoints = 1\nreason = "x"\nboard = "cours"\n',
            r"1 \(ada\): there is no board 'cours'. Use one of 01-convolution, 02-optional, challenge, course",
        ),
    ],
)
def test_a_prize_or_an_adjustment_that_could_never_take_effect_is_refused(course, hand_in, text, message):
    hand_in("ada", 10)
    with pytest.raises(LeaderboardError, match=message):
        board_of(reconfigured(course, "\n" + text))


def test_the_reason_of_an_adjustment_is_in_the_log(course, hand_in):
    hand_in("ada", 10)
    text = (
        '\n[[leaderboard.adjustments]]\nstudent = "ada"\npoints = -1.5\nreason = "copied"\nboard = "01-convolution"\n'
    )
    publish_boards(reconfigured(course, text), "01-convolution", ["json"], console=quiet())
    last = log_of(course, "01-convolution").records()[-1]
    assert (last.kind, last.reason) == ("adjustment", "-1.5: copied")
    assert "copied" not in (course.root / "leaderboard" / "01-convolution.json").read_text()


def test_late_work_set_apart_takes_the_student_off_the_courses_board_too(course, hand_in):
    hand_in("ada", 10, 0, at=LATE)
    hand_in("bob", 10, 0)
    hand_in("bob", 30, 0, at=LATE, assignment="02-optional")
    board = board_of(reconfigured(course, '\n[leaderboard]\nlate = "apart"\n'))
    assert scores(board) == {"bob": "10.00"}
    assert [(row.entry.entrant, row.entry.status) for row in board.apart] == [("ada", "late")]
    assert "01-convolution" in board.apart[0].entry.reason


def test_extra_credit_counts_as_in_nbgrader(course, hand_in):
    hand_in("ada", 10, 0)
    with warnings.catch_warnings(), Gradebook(course.gradebook_url) as gradebook:
        warnings.simplefilter("ignore", SAWarning)
        gradebook.find_grade("check", "notebook", "01-convolution", "ada").extra_credit = 2.5
        gradebook.db.commit()
        assert gradebook.find_submission("01-convolution", "ada").score == 12.5
    assert scores(board_of(course, "01-convolution")) == {"ada": "12.50"}


@pytest.mark.parametrize("assignment", [None, "01-convolution"])
def test_a_gradebook_without_a_grade_gives_an_empty_board(course, enrol, assignment):
    board = publish_boards(course, assignment, console=quiet())
    assert (board.standings, board.apart) == ((), ())
    enrol("ada")
    assert [row.entry.status for row in publish_boards(course, assignment, console=quiet()).apart] == ["missing"]


def test_submissions_that_nobody_could_read_are_not_graded_and_not_lost(course):
    for student in ("grace", "=cmd()", "<script>", "Zoë 漢字", "e" * 128):
        folder = course.submitted / student / "01-convolution"
        folder.mkdir(parents=True)
        (folder / "notebook.ipynb").write_text("not a notebook")
    board = publish_boards(course, "01-convolution", ("html", "csv", "json", "terminal"), console=quiet())
    assert {row.entry.status for row in board.apart} == {"not graded"}
    assert len(board.apart) == 5
    for path in (course.root / "leaderboard").iterdir():
        assert not any(hidden in path.read_text() for hidden in ("=cmd", "<script>alert", "Zoë", "e" * 128, "grace"))


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff\xfe"), "a\nb", "a\x1b[31mb", "a\u202eb", "e" * 129])
def test_a_folder_whose_name_is_nobodys_stops_no_board_and_is_on_none(course, name):
    folder = course.submitted / name / "01-convolution"
    folder.mkdir(parents=True)
    (folder / "notebook.ipynb").write_text("{}")
    before = len(board_of(course, "01-convolution").apart)
    (course.submitted / "grace" / "01-convolution").mkdir(parents=True)
    (course.submitted / "grace" / "01-convolution" / "notebook.ipynb").write_text("{}")
    assert (before, len(board_of(course, "01-convolution").apart)) == (0, 1)
    assert find_unknown_students(course) == []


def test_whoever_withdrew_in_course_toml_leaves_both_halves_of_the_challenge(course):
    own = np.arange(64) < 50
    for name, hour in (("ada", 1), ("ada", 3), ("bob", 2)):
        one = ChallengeResult(
            entrant=name,
            at=dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC),
            public=(pack(own),),
            private=(pack(~own),),
            public_images=64,
            private_images=64,
        )
        append_result(course.results / "challenge.jsonl", one)
    course = reconfigured(course, '\n[leaderboard]\nwithdrawn = {ada = "asked"}\n')
    for freeze in (False, True):
        board = publish_boards(course, "challenge", console=quiet(), freeze=freeze)
        assert [row.entry.entrant for row in board.standings] == ["bob"]
        assert [(row.entry.entrant, row.entry.status) for row in board.apart] == [("ada", "withdrawn")]


def test_the_watch_refuses_an_unknown_format_at_once(course):
    with pytest.raises(LeaderboardError, match="pdf is not a format"):
        watch(course, formats=["pdf"], every=0)
