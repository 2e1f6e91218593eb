"""The notebooks' package runs where grading does not, and brings nothing of the grader along."""

from __future__ import annotations

import subprocess
import sys

import pytest

import autograder.lab

BLOCKED = ("fcntl", "resource", "pwd", "grp", "termios", "pyseccomp")

# Blocking is done before anything is imported, as on a system without these modules.
IMPORT = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
import autograder.lab
for name in autograder.lab.__all__:  # what draws is only loaded when it is used
    getattr(autograder.lab, name)
print(*sorted(name for name in sys.modules if name.startswith(("autograder", "torch", "scipy", "ipywidgets"))))
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The names of modules that importing the lab brings in, in a fresh interpreter without Linux's own."""
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_it_imports_without_the_modules_of_linux(imported: set[str]) -> None:
    assert "autograder.lab.curves" in imported


def test_it_imports_nothing_else_of_the_package(imported: set[str]) -> None:
    ours = {name for name in imported if name.startswith("autograder")}
    assert {name for name in ours if not name.startswith("autograder.lab")} == {"autograder"}


def test_it_does_not_import_torch(imported: set[str]) -> None:
    assert not any(name.split(".")[0] in ("torch", "scipy", "ipywidgets") for name in imported)


def test_what_it_offers_is_documented() -> None:
    for name in autograder.lab.__all__:
        offered = getattr(autograder.lab, name)
        assert isinstance(offered, tuple) or offered.__doc__, f"{name} has no docstring"
