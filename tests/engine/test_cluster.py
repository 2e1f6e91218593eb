"""A Dask cluster gives the results that local workers give, byte for byte, also when it loses a worker."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from autograder.authoring.assignment import Assignment
from autograder.engine.api import ClusterError, ClusterWorkers, grade_class
from autograder.engine.executor import Executor, LocalWorkers, RetryingExecutor
from autograder.engine.grader import StoredResult
from autograder.engine.progress import Silent
from autograder.engine.worker import Bundle, Job, Options, Reply
from autograder.service.attempts import AttemptStore
from autograder.service.grading_loop import GradingLoop
from autograder.submission.alignment import align
from autograder.submission.model import Submission

if TYPE_CHECKING:
    from tests.conftest import Cluster
    from tests.engine.conftest import Class

NAME = "00-two-functions"
VARIANTS = ["return x + x", "return 2 * x", "return x", "raise ValueError(x)", "while x: pass"]


@pytest.fixture(scope="module")
def cluster(make_cluster: Callable[[Path], Cluster], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = make_cluster(tmp_path_factory.mktemp("dask"))
    yield running
    running.close()


def submissions(assignment: Assignment, count: int) -> list[Submission]:
    found = []
    for number in range(count):
        notebook = json.loads(assignment.release)
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double":
                cell["source"] = f"# {number}\ndef double(x):\n    {VARIANTS[number % len(VARIANTS)]}\n"
        found.append(align(notebook, assignment))
    return found


def results(mapper: Executor, bundle: Bundle, work: list[Submission], after_first: object = None) -> list[bytes]:
    jobs = RetryingExecutor(mapper)
    for number, submission in enumerate(work):
        jobs.submit(Job(number, bundle.digest, submission), bundle)
    found: dict[int, Reply] = {}
    while len(jobs):
        for reply in jobs.completed(1.0):
            assert reply.number not in found
            found[reply.number] = reply
            if len(found) == 1 and callable(after_first):
                after_first()
    assert not any(reply.failure for reply in found.values())
    graded = [msgspec.json.decode(found[number].result, type=StoredResult) for number in range(len(work))]
    return [each.result.content() for each in graded]


def test_a_cluster_that_loses_a_worker_gives_what_local_workers_give(a_class: Class, cluster: Cluster) -> None:
    (a_class.root / "course.toml").write_text(
        'id = "small"\nfixed_secret = "small"\n[grading]\ncheck_seconds = 1\ncell_seconds = 2\n'
    )
    bundle = Bundle.of(type(a_class.course).find(a_class.root), a_class.assignment)
    work = submissions(a_class.assignment, 15)
    with LocalWorkers(1) as local:
        expected = results(local, bundle, work)
    assert len(set(expected)) >= len(VARIANTS)
    distant = ClusterWorkers(cluster.address, Options())
    try:
        assert results(distant, bundle, work, cluster.kill_a_worker) == expected
    finally:
        distant.close()


def test_what_is_handed_in_to_the_service_is_graded_through_a_scheduler(a_class: Class, cluster: Cluster) -> None:
    course, store = a_class.course, AttemptStore(a_class.course.results / "service.db")
    content = a_class.hand_in("ada").read_bytes()
    shutil.rmtree(a_class.root / "submitted")
    store.hand_in("ada", NAME, content, file="two_functions.ipynb", at=dt.datetime.now(dt.UTC))
    loop = GradingLoop(course, store, partial(ClusterWorkers, cluster.address, Options()), active=1)
    loop.start()
    deadline = time.monotonic() + 120
    while store.waiting() or store.duties():
        assert time.monotonic() < deadline, loop.failure or loop.troubles()
        time.sleep(0.1)
    loop.stop()
    assert a_class.totals() == {"ada": 4}


def test_a_class_is_graded_through_a_scheduler(a_class: Class, cluster: Cluster) -> None:
    for student in ("ada", "bob"):
        a_class.hand_in(student)
    report = grade_class(a_class.course, NAME, scheduler=cluster.address, progress=Silent())
    assert report.exit_code == 0
    assert a_class.totals() == {"ada": 4, "bob": 4}


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.engine.api._CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1 .*dask scheduler"):
        ClusterWorkers("tcp://127.0.0.1:1", Options())
