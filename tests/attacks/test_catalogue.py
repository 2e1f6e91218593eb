"""Every attack of the catalogue fails, and honest work beside it is graded as ever."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest

from autograder.audit.attacks.campaign import catalogue_folder, run_attacks
from autograder.audit.attacks.catalogue import AttackClass, AttackOutcome, load_catalogue
from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_course
from autograder.course import Course
from autograder.errors import AutograderError, LayerMissing

ROOT = Path(__file__).resolve().parents[2]
NAME = "01-convolution"
Wrapping = Callable[[list[str]], list[str]]
REMOVALS = {"bubblewrap": ("bubblewrap", "user"), "Landlock": ("landlock",), "seccomp": ("seccomp",)}
"""Layers to take away, by what the document calls it. Without bubblewrap, root has no other user to become."""
SMALL = "00-two-functions"
DOCUMENT = ROOT / "docs" / "security.md"
SAMPLE = (
    "always_equal_objects", "patched_numpy", "deleted_checks", "score_in_the_gradebook", "files_by_path",
    "environments_of_processes", "printed_inputs", "memory_of_the_parent", "garbage", "thread_bomb", "disk_full",
    "tcp", "unix_sockets", "debugging", "files_everywhere", "html_script",
)  # fmt: skip


def told(outcomes: tuple[AttackOutcome, ...]) -> dict[str, tuple[str, ...]]:
    return {outcome.name: outcome.breaches for outcome in outcomes}


def tried(names: Sequence[str]) -> None:
    report = run_attacks(Course.find(ROOT), NAME, names=names)
    assert told(report.succeeded) == {}
    assert [outcome.name for outcome in report.outcomes if not outcome.control] == []
    assert report.controls_full_marks == report.honest_controls == len(names)


@pytest.mark.timeout(1500)
def test_no_attack_of_a_sample_succeeds_and_honest_submissions_beside_them_keep_their_full_marks() -> None:
    """Every ninth of the catalogue: all of it takes longer than the rest of the tests together."""
    tried([attack.name for attack in load_catalogue(catalogue_folder())][::9])


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_attack_at_all_succeeds() -> None:
    tried([attack.name for attack in load_catalogue(catalogue_folder())])


def test_the_catalogue_holds_every_class() -> None:
    attacks = load_catalogue(catalogue_folder())
    assert len(attacks) >= 230
    assert {attack.kind for attack in attacks} == set(get_args(AttackClass))
    assert all(attack.tries and attack.stopped_by for attack in attacks)
    assert len({attack.tries for attack in attacks}) == len(attacks)


def lay_out_small_course(root: Path) -> Course:
    """A course of one small assignment, which what a layer stops does not hang on: each attack takes a third there."""
    (root / "solutions" / SMALL).mkdir(parents=True)
    data = f'[directories]\ndata = "{ROOT}/data/course"\n'
    (root / "course.toml").write_text(f'id = "small"\nfixed_secret = "small"\n{data}')
    shutil.copy(ROOT / "tests" / "faults" / "sample" / "two_functions.py", root / "solutions" / SMALL)
    course = Course.find(root)
    build_course(course)
    return course


@pytest.mark.timeout(600)
@pytest.mark.parametrize("away", REMOVALS.values(), ids=REMOVALS)
def test_with_a_layer_missing_that_was_named_the_others_hold(away: tuple[str, ...], tmp_path: Path) -> None:
    report = run_attacks(lay_out_small_course(tmp_path), SMALL, names=SAMPLE, without=away)
    assert told(report.succeeded) == {}
    assert report.controls_full_marks == len(SAMPLE)


def test_with_a_layer_missing_that_was_not_named_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.audit.attacks import campaign
    from autograder.isolation import capabilities
    from autograder.isolation.sandbox import Sandbox

    for layer in ("bubblewrap", "user", "landlock", "seccomp", "rlimits"):
        with monkeypatch.context() as patch:
            patch.setattr(capabilities, "probe_layers", campaign._doctor_without([layer]))
            with pytest.raises(LayerMissing, match=f"'{layer}'"):
                Sandbox.start()


AS_A_USER = """
import sys
from autograder.audit.attacks.campaign import run_attacks
from autograder.course import Course
if __name__ == "__main__":
    report = run_attacks(Course.find(sys.argv[1]), sys.argv[2], names=sys.argv[3].split(","), lanes=1)
    print({each.name: each.breaches for each in report.succeeded}, report.controls_full_marks)
"""


@pytest.fixture
def users_course() -> Iterator[Path]:
    """What an ordinary user's course needs, where that user may read and write."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are shut to other users
        root = Path(name)
        root.chmod(0o755)
        lay_out_small_course(root)
        (root / "attack.py").write_text(AS_A_USER)
        (root / "temporary").mkdir()
        (root / "temporary").chmod(0o777)
        yield root


def as_an_ordinary_user(wrapped: Wrapping, course: Path, names: Sequence[str]) -> str:
    """What attacks named ``names`` come to where an ordinary user grades: those that succeeded, and full controls."""
    script, joined = str(course / "attack.py"), ",".join(names)
    command = [sys.executable, "-B", script, str(course), SMALL, joined]
    temporary = str(course / "temporary")
    environment = {"PATH": os.environ["PATH"], "HOME": temporary, "PYTHONPATH": str(ROOT), "TMPDIR": temporary}
    done = subprocess.run(
        wrapped(command), capture_output=True, text=True, env=environment, cwd="/", timeout=1000, check=False
    )
    return done.stdout or done.stderr[-3000:]


needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or not (shutil.which("setpriv") and shutil.which("bwrap")),
    reason="needs root, who can become another user by setpriv, and bwrap; without root every test is such a test",
)


@needs_another_user
@pytest.mark.timeout(600)
def test_a_sample_fails_against_an_ordinary_users_grader_too(users_course: Path, as_ordinary_user: Wrapping) -> None:
    assert as_an_ordinary_user(as_ordinary_user, users_course, SAMPLE) == f"{{}} {len(SAMPLE)}\n"


@pytest.mark.soak
@needs_another_user
@pytest.mark.timeout(1200)
def test_the_whole_catalogue_fails_against_an_ordinary_users_grader(
    users_course: Path, as_ordinary_user: Wrapping
) -> None:
    names = [attack.name for attack in load_catalogue(catalogue_folder())]
    assert as_an_ordinary_user(as_ordinary_user, users_course, names) == f"{{}} {len(names)}\n"


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("layer", REMOVALS)
def test_with_a_layer_missing_nothing_gets_through_but_what_the_document_says(layer: str, tmp_path: Path) -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| .+ \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    said = {attack for away, attack in rows if away == layer} - {"none"}
    report = run_attacks(lay_out_small_course(tmp_path), SMALL, without=REMOVALS[layer])
    assert {outcome.name for outcome in report.succeeded} <= said, told(report.succeeded)
    assert report.controls_full_marks == len(report.outcomes)


def test_the_document_counts_the_catalogue_as_it_is() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| .+ \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    counted = Counter(attack.kind for attack in load_catalogue(catalogue_folder()))
    assert {kind: int(count) for kind, count in rows} == dict(counted)


def test_a_folder_without_attacks_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AutograderError, match="holds no attack"):
        load_catalogue(tmp_path)
    with pytest.raises(AutograderError, match="no attack 'nonsense'"):
        load_catalogue(catalogue_folder(), ["nonsense"])


OWN = """
from autograder.audit.attacks.catalogue import attack
@attack("forging", tries="hands in a right answer without having been asked to be honest", stopped_by="nothing")
def right_answers_of_a_thief(target):
    return target.answer_all(open({answers!r}).read())
@attack("people", tries="does nothing at all", stopped_by="nothing")
def nothing_at_all(target):
    return target
"""


@pytest.mark.timeout(600)
def test_an_attack_that_does_succeed_is_reported_and_fails_the_audit(tmp_path: Path) -> None:
    """Points that were not earned: the judgement must see them, or it would see nothing."""
    course = lay_out_small_course(tmp_path / "course")
    solved = "\n\n".join(cell.source for cell in load_assignment(course, SMALL).exercises.values())
    (tmp_path / "answers.py").write_text(solved)
    (tmp_path / "own.py").write_text(OWN.format(answers=str(tmp_path / "answers.py")))
    report = run_attacks(course, SMALL, catalogue=tmp_path)
    found = {outcome.name: outcome for outcome in report.outcomes}
    assert "points that were not earned" in found["right_answers_of_a_thief"].breaches[0]
    assert found["nothing_at_all"].breaches == ()


def test_the_command_reports_counts_for_programs(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        OWN.format(answers=os.devnull)
        .replace("nothing_at_all", "nothing_again")
        .replace("right_answers_of_a_thief", "no_answers")
    )
    lay_out_small_course(tmp_path / "course")
    command = [sys.executable, "-m", "autograder", "audit", SMALL, "--catalogue", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path / "course", timeout=280, check=False)
    card = json.loads(done.stdout)
    wanted = ("attacks", "succeeded", "honest_controls", "controls_full_marks")
    assert {key: card[key] for key in wanted} == dict(zip(wanted, (2, 0, 2, 2), strict=True)), done.stderr[-2000:]
