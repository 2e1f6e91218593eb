"""The tests that nbgrader's AUTOTEST lines stand for, made by nbgrader itself from the instructor's solution.

nbgrader makes them when it releases an assignment; the same ones are made here when a course is adopted, and kept.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.authoring.adopted import Adoption, autotests_path, code_digest, has_autotests
from autograder.authoring.instructors_notebook import read_instructors_notebook
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.files import write_atomically
from autograder.gradebook.lateness import nbgrader_configuration

__all__ = ["keep_autotests"]


def keep_autotests(course: Course, unit: str, adoption: Adoption) -> bool:
    """Write down the tests that AUTOTEST lines of a notebook stand for. Return whether it has any.

    The notebook's code, which is the instructor's, runs in a kernel, in a copy of the assignment's folder.

    Raises:
        AuthoringError: the notebook cannot be read, or nbgrader cannot make the tests; the message tells why.
    """
    folder, _, stem = unit.partition("/")
    path = course.source / folder / f"{stem}.ipynb"
    frame = [course.root / name if name else None for name in (adoption.header, adoption.footer)]
    notebook = read_instructors_notebook(path, adoption.markers, *frame)
    kept = autotests_path(course, unit)
    if not has_autotests(notebook, adoption.markers.autotest):
        kept.unlink(missing_ok=True)
        return False
    with tempfile.TemporaryDirectory(prefix="autotests-") as name:
        beside = Path(name) / folder
        shutil.copytree(path.parent, beside)
        made = _instantiated(notebook, beside, course.root, path)
    was = {cell["id"]: cell["source"] for cell in notebook["cells"]}
    tests = {cell["id"]: cell["source"] for cell in made["cells"] if cell["source"] != was[cell["id"]]}
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, json.dumps({"of": code_digest(notebook), "cells": tests}).encode())
    return True


def _instantiated(notebook: dict[str, Any], beside: Path, root: Path, path: Path) -> dict[str, Any]:
    """Return the notebook with tests in place of the lines, as nbgrader makes them."""
    import nbformat
    from nbgrader.preprocessors import InstantiateTests

    config = nbgrader_configuration(root)
    maker = InstantiateTests(config=config)
    own = beside / maker.autotest_filename
    if not own.is_file() and (root / maker.autotest_filename).is_file():
        shutil.copyfile(root / maker.autotest_filename, own)
    if not own.is_file():
        raise AuthoringError(
            f"{path} has {maker.autotest_delimiter} lines, but there is no {maker.autotest_filename}, neither beside it"
            f" nor in {root}. Put the file there that you release with."
        )
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, **notebook["metadata"]}
    node = nbformat.from_dict({**notebook, "metadata": metadata})  # type: ignore[no-untyped-call]
    try:
        with contextlib.redirect_stdout(io.StringIO()), _quiet_processes(), _ended_kernels():
            made, _ = maker.preprocess(node, {"metadata": {"path": str(beside)}})
    except Exception as error:
        raise AuthoringError(
            f"{path}: nbgrader cannot make the tests of its {maker.autotest_delimiter} lines ({_reason(error)}). Try"
            f" `nbgrader generate_assignment {path.parent.name}`, and correct what it names."
        ) from error
    answer: dict[str, Any] = json.loads(json.dumps(made))
    return answer


def _reason(error: Exception) -> str:
    """Return the error's name and text; an error in a cell, which nbgrader gives no text, by those of the cell."""
    if name := getattr(error, "ename", ""):
        return f"{name}: {getattr(error, 'evalue', '')}"
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _ended_kernels() -> Iterator[None]:
    """End what nbgrader starts meanwhile: it leaves its client's sockets open, and after an error the kernel too."""
    from nbgrader.preprocessors import instantiatetests

    start, started = instantiatetests.start_new_kernel, []

    def remembered(**options: Any) -> tuple[Any, Any]:
        started.append(start(**options))
        return started[-1]  # type: ignore[no-any-return]

    instantiatetests.start_new_kernel = remembered
    try:
        yield
    finally:
        instantiatetests.start_new_kernel = start
        for manager, client in started:
            client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def _quiet_processes() -> Iterator[None]:
    """Keep what processes that are started meanwhile write to standard error, such as a kernel's remarks, from it."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
