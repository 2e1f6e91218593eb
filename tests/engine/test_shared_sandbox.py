"""Workers share one warm sandbox where it keeps them apart, and have their own where it cannot."""

from __future__ import annotations

import pytest

from autograder.engine.worker import Options, connect_worker, launch_sandbox, wait_until_warm
from autograder.errors import LayerMissing
from autograder.isolation.sandbox import Sandbox


@pytest.mark.slow
def test_a_warm_sandbox_has_a_line_for_each_worker() -> None:
    sandbox = wait_until_warm(launch_sandbox(Options()))
    assert sandbox is not None
    with sandbox:
        one, two = connect_worker(sandbox), connect_worker(sandbox)
        assert one is not None
        assert two is not None
        with one, two, one.spawn() as here, two.spawn() as there:
            assert here.run_source("1 + 1") == there.run_source("2") == 2


@pytest.mark.slow
def test_a_sandbox_that_cannot_keep_workers_apart_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "shareable", False)
    sandbox = launch_sandbox(Options())
    assert sandbox is not None
    assert wait_until_warm(sandbox) is None
    assert not sandbox.alive


def test_where_none_can_be_started_each_worker_says_why_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Sandbox:
        raise LayerMissing("Landlock is missing")

    monkeypatch.setattr(Sandbox, "launch", refuse)
    assert launch_sandbox(Options()) is None
    assert wait_until_warm(None) is None
    assert connect_worker(None) is None
