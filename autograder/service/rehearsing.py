"""The program that rehearses one entry for the service: ``python -m autograder.service.rehearsing COURSE NOTEBOOK``.

It prints what the grader would say, as a JSON list of lines, and ends when its input does: with the service.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from autograder.course import Course
from autograder.errors import UnreadableSubmission
from autograder.practice.rehearsal import rehearsal_lines, rehearse_entry

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Rehearse a notebook and print the outcome.

    Args:
        arguments: the course's folder, the notebook's path, and layers of the sandbox that may be missing.
    """
    threading.Thread(target=_end_with_input, daemon=True).start()
    root, path, *missing_ok = arguments
    try:
        found = rehearse_entry(Path(path), course=Course.find(root), missing_ok=frozenset(missing_ok))
        lines = rehearsal_lines(found)
    except UnreadableSubmission as error:
        lines = [str(error)]
    sys.stdout.write(json.dumps(lines))


def _end_with_input() -> None:
    while os.read(0, 1 << 10):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
