"""One warm sandbox for all tests of this folder, and a fresh worker for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as started:
        yield started


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[StudentProcess]:
    with sandbox.spawn(Limits(call_seconds=10)) as spawned:
        yield spawned
