"""What a student runs works where grading does not: ``autograder check`` without the modules of Linux."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BLOCKED = (
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "syslog",
    "crypt",
    "pyseccomp",
    "nbgrader",
    "sqlalchemy",
)
UNIX_ONLY = ("fork", "setsid", "getuid", "geteuid", "killpg", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC")
OWN = ("autograder.isolation", "autograder.engine", "autograder.grading", "autograder.gradebook", "autograder.audit")

# As on Windows: the modules are gone before anything is imported, and so are the functions that only Unix has.
CHECK = f"""
import os, sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
for name in {UNIX_ONLY!r}:
    if hasattr(os, name):
        delattr(os, name)
from autograder.cli import app
try:
    app(["check", sys.argv[1], "--json"])
finally:
    print(*sorted(name for name in sys.modules if name.startswith("autograder.")), file=sys.stderr)
"""


CELLS = [
    ({"kind": "exercise", "exercise": "double"}, 0, "def double(x):\n    return 2 * x"),
    (
        {"kind": "check", "exercise": "double", "name": "one"},
        2,
        "from autograder.lab import close\nclose(double(1), 2)",
    ),
]


def test_checking_needs_no_module_of_linux_and_nothing_of_the_grader(tmp_path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "source": source,
            "metadata": {"autograder": own, "nbgrader": {"points": points}},
            "outputs": [],
            "execution_count": None,
        }
        for own, points, source in CELLS
    ]
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(path)], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    (double,) = json.loads(done.stdout)["exercises"]
    assert double["checks"] == [{"name": "one", "points": 2.0, "max_points": 2.0, "message": ""}]
    assert [name for name in done.stderr.split() if name.startswith(OWN)] == []
