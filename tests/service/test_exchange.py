"""nbgrader's exchange: collected by itself, from whom it is and when it came, and feedback where it is fetched."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbgrader.utils import notebook_hash

from autograder.errors import UnreadableSubmission
from autograder.service.access import Access
from autograder.service.exchange import _opened
from autograder.service.web import Site

NAME = "00-two-functions"
ME = getpass.getuser()
Until = Callable[..., None]
SECRET = "c0ffee" * 20


def submitted(served: Any, student: str, content: bytes, when: str = "2026-03-01 10:00:00.000000 UTC") -> Path:
    """A folder as `nbgrader submit` makes it."""
    folder = served.root / "exchange" / "small" / "inbound" / f"{student}+{NAME}+{when}+Zm9vYmFy"
    folder.mkdir(parents=True)
    (folder / "two_functions.ipynb").write_bytes(content)
    (folder / "timestamp.txt").write_text(when)
    (folder / "submission_secret.txt").write_text(SECRET)
    return folder


def loop_of(served: Any, settings: str = "") -> Any:
    served.configure(f'[serve]\nexchange = "exchange"\n{settings}')
    loop = served.loop()
    Site(served.store, loop, Access(served.course, served.store))
    return loop


def run(loop: Any, holds: Callable[[], object], until: Until) -> None:
    loop.start()
    try:
        until(holds)
    finally:
        loop.stop()


def page_of(served: Any) -> Path:
    name = notebook_hash(secret=SECRET, notebook_id="two_functions")
    return Path(served.root / "exchange" / "small" / "feedback" / f"{name}.html")


def test_what_is_submitted_is_graded_and_its_feedback_is_where_it_is_fetched(served: Any, until: Until) -> None:
    submitted(served, ME, served.notebook())
    run(loop_of(served), page_of(served).exists, until)
    (taken,) = served.store.of_student(ME)
    assert (taken.source, taken.points) == ("exchange", 4)
    assert "Two functions" in page_of(served).read_text()
    folder = page_of(served).parent
    assert folder.stat().st_mode & 0o777 == 0o711  # Whoever does not know a name cannot list them.


def test_a_folder_of_somebody_else_is_not_believed(served: Any, until: Until) -> None:
    folder = submitted(served, "ada", served.notebook())
    loop = loop_of(served)
    run(loop, loop.troubles, until)
    assert not served.store.of_student("ada")
    assert f"belongs to the account {ME}" in loop.troubles()["", folder.name]


def test_where_all_share_an_account_the_folders_name_counts(served: Any, until: Until) -> None:
    submitted(served, "ada", served.notebook())
    run(loop_of(served, "check_owner = false\n"), lambda: served.store.of_student("ada"), until)


def test_the_time_is_the_file_systems_and_not_the_students(served: Any, until: Until) -> None:
    folder = submitted(served, ME, served.notebook())
    long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()
    os.utime(folder / "two_functions.ipynb", (long_ago, long_ago))
    os.utime(folder, (long_ago, long_ago))
    began = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    run(loop_of(served), lambda: served.store.of_student(ME), until)
    (taken,) = served.store.of_student(ME)
    assert abs(taken.at - began) < dt.timedelta(minutes=1)


def test_a_folder_is_taken_in_once(served: Any, until: Until) -> None:
    submitted(served, ME, served.notebook())
    for _ in range(2):
        run(loop_of(served), page_of(served).exists, until)
    assert len(served.store.of_student(ME)) == 1


def test_a_folder_that_is_not_whole_yet_is_left_alone(served: Any, until: Until) -> None:
    folder = submitted(served, ME, served.notebook())
    (folder / "submission_secret.txt").unlink()
    loop = loop_of(served)
    run(loop, lambda: loop.exchange._looked > 0, until)
    assert not served.store.of_student(ME)
    assert not loop.troubles()


def test_a_link_in_the_exchange_is_not_followed(served: Any, until: Until) -> None:
    folder = submitted(served, ME, b"")
    (folder / "two_functions.ipynb").unlink()
    (folder / "two_functions.ipynb").symlink_to(served.root / "course.toml")
    loop = loop_of(served)
    run(loop, loop.troubles, until)
    assert not served.store.of_student(ME)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who can give a folder to somebody else")
def test_neither_is_a_file_of_mine_in_a_folder_of_somebody_else(served: Any, until: Until) -> None:
    """Whoever owns the folder can put another file there between two looks at it."""
    folder = submitted(served, ME, served.notebook())
    os.chown(folder, 65534, 65534)
    loop = loop_of(served)
    run(loop, loop.troubles, until)
    assert not served.store.of_student(ME)


def test_a_link_that_is_exchanged_for_a_file_does_not_lend_its_owner(served: Any) -> None:
    """What is looked at is what is read: both come from one descriptor."""
    path = submitted(served, ME, served.notebook()) / "two_functions.ipynb"
    before = path.stat()
    content, (_, state) = _opened(path)
    assert (content, state.st_ino) == (served.notebook(), before.st_ino)
    path.unlink()
    path.symlink_to(served.root / "course.toml")
    with pytest.raises(UnreadableSubmission, match="symbolic link"):
        _opened(path)


def test_a_folder_whose_name_is_not_text_is_shown_to_staff_as_text(served: Any, until: Until) -> None:
    good = submitted(served, ME, served.notebook())
    bad = Path(os.fsdecode(os.fsencode(good.parent) + f"/{ME}+{NAME}+".encode() + b"\xff\x1b[2J\n"))
    bad.mkdir()
    for each in good.iterdir():
        (bad / each.name).write_bytes(each.read_bytes())
    loop = loop_of(served)
    run(loop, lambda: loop.troubles() and served.store.of_student(ME), until)
    for (_, name), reason in loop.troubles().items():
        assert name.isprintable()
        assert reason.isprintable()


@pytest.mark.slow
def test_nbgraders_own_submit_and_fetch_feedback_meet_the_service(served: Any, until: Until, tmp_path: Path) -> None:
    work = tmp_path / "students"
    (work / NAME).mkdir(parents=True)
    (work / NAME / "two_functions.ipynb").write_bytes(served.notebook())
    outbound = served.root / "exchange" / "small" / "outbound" / NAME
    outbound.mkdir(parents=True)
    (outbound / "two_functions.ipynb").write_bytes(served.notebook())
    (served.root / "exchange" / "small" / "inbound").mkdir()
    (served.root / "exchange").chmod(0o777)

    def nbgrader(command: str) -> None:
        flags = [f"--Exchange.root={served.root / 'exchange'}", f"--Exchange.cache={tmp_path / 'cache'}"]
        words = [sys.executable, "-m", "nbgrader", command, NAME, "--course", "small", *flags]
        done = subprocess.run(words, cwd=work, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr

    nbgrader("submit")
    feedback = served.root / "exchange" / "small" / "feedback"
    run(loop_of(served), lambda: list(feedback.glob("*.html")), until)
    nbgrader("fetch_feedback")
    (page,) = (work / NAME / "feedback").rglob("*.html")
    assert "4 <small>of 4" in page.read_text()
