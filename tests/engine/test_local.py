"""Local workers answer every job once, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.engine.executor import LocalWorkers, RetryingExecutor
from autograder.engine.worker import Bundle, Job, Options, Reply
from autograder.errors import LayerMissing, MachineryError

JobMaker = Callable[[int, str], Job]
SCRIPTED = Options(grader="engine_standins:Scripted")


@pytest.fixture
def workers() -> Iterator[LocalWorkers]:
    with LocalWorkers(2, SCRIPTED) as pool:
        yield pool


def replies(workers: LocalWorkers | RetryingExecutor, count: int, seconds: float = 20) -> dict[int, Reply]:
    found: dict[int, Reply] = {}
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        for reply in workers.completed(0.5):
            assert reply.number not in found
            found[reply.number] = reply
    return found


def test_every_job_is_answered_once(workers: LocalWorkers, bundle: Bundle, job: JobMaker) -> None:
    for number in range(30):
        workers.submit(job(number, f"echo {number}"), bundle)
    assert {n: r.result for n, r in replies(workers, 30).items()} == {n: str(n).encode() for n in range(30)}
    assert workers.completed(0) == []


def test_each_job_has_a_process_of_its_own_in_two_workers(workers: LocalWorkers, bundle: Bundle, job: JobMaker) -> None:
    for number in range(8):
        workers.submit(job(number, "whoami" if number else "slow 0.3"), bundle)
    seen = [reply.result.split() for reply in replies(workers, 8).values() if reply.result != b"late"]
    assert len({child for child, _, _ in seen}) == 7
    assert len({worker for _, worker, _ in seen}) <= 2


def test_large_jobs_and_large_results_do_not_wait_for_each_other(
    workers: LocalWorkers, bundle: Bundle, job: JobMaker
) -> None:
    for number in range(6):
        workers.submit(job(number, "big 3000000" + " " * 3_000_000), bundle)
    assert {len(reply.result) for reply in replies(workers, 6).values()} == {3_000_000}


@pytest.mark.parametrize(
    ("script", "reason"),
    [("fail no room", "no room"), ("bug x", "KeyError"), ("die", "SIGKILL"), ("kill_worker", "worker process died")],
)
def test_a_failure_of_the_machinery_says_why_and_spares_the_rest(
    workers: LocalWorkers, bundle: Bundle, job: JobMaker, script: str, reason: str
) -> None:
    for number in range(10):
        workers.submit(job(number, script if number == 3 else "echo fine"), bundle)
    found = replies(workers, 10)
    assert reason in found[3].failure
    assert [found[number].result for number in range(10) if number != 3] == [b"fine"] * 9


def test_after_a_failure_the_next_submission_gets_a_new_sandbox(bundle: Bundle, job: JobMaker) -> None:
    with LocalWorkers(1, SCRIPTED) as pool:
        for number, script in enumerate(["whoami", "fail x", "whoami"]):
            pool.submit(job(number, script), bundle)
        found = replies(pool, 3)
    assert found[0].result.split()[2] == b"1"
    assert found[2].result.split()[2] == b"2"


def test_a_submission_that_failed_once_is_tried_again(
    workers: LocalWorkers, bundle: Bundle, job: JobMaker, tmp_path: Path
) -> None:
    retrying = RetryingExecutor(workers)
    retrying.submit(job(0, f"once {tmp_path / 'marker'}"), bundle)
    assert replies(retrying, 1)[0].result == b"recovered"


def test_a_submission_that_always_fails_is_given_up_after_three_attempts(
    workers: LocalWorkers, bundle: Bundle, job: JobMaker, tmp_path: Path
) -> None:
    retrying = RetryingExecutor(workers)
    retrying.submit(job(0, "kill_worker"), bundle)
    assert "worker process died" in replies(retrying, 1)[0].failure
    assert len(retrying) == 0


def test_a_missing_layer_stops_the_run_and_names_it(bundle: Bundle, job: JobMaker) -> None:
    with LocalWorkers(1, Options(grader="engine_standins:Unbuildable")) as pool:
        pool.submit(job(0, "echo x"), bundle)
        with pytest.raises(LayerMissing, match="Landlock"):
            replies(pool, 1)


def test_workers_that_never_start_stop_the_run(bundle: Bundle, job: JobMaker) -> None:
    with LocalWorkers(1, Options(grader="engine_standins:Hopeless")) as pool:
        pool.submit(job(0, "echo x"), bundle)
        with pytest.raises(MachineryError, match="doctor"):
            replies(pool, 1)


def test_closing_ends_all_processes_even_busy_ones(bundle: Bundle, job: JobMaker) -> None:
    pool = LocalWorkers(1, SCRIPTED)
    pool.submit(job(0, "whoami"), bundle)
    pool.submit(job(1, "slow 60"), bundle)
    worker = int(replies(pool, 1)[0].result.split()[1])
    time.sleep(0.2)
    pool.close()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{worker}").exists()


def test_workers_ignore_the_terminal_s_interrupt(bundle: Bundle, job: JobMaker) -> None:
    with LocalWorkers(1, SCRIPTED) as pool:
        pool.submit(job(0, "whoami"), bundle)
        worker = int(replies(pool, 1)[0].result.split()[1])
        os.kill(worker, signal.SIGINT)
        pool.submit(job(1, "whoami"), bundle)
        assert int(replies(pool, 1)[1].result.split()[1]) == worker
