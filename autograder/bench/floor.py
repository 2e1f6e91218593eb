"""The floor: the same student and test cells in one bare Python process, with everything imported beforehand.

Run as ``python -m autograder.bench.floor FILE``; prints one JSON object.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main(path: str) -> None:
    """Execute every submission in ``path`` and print how long it took."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import matplotlib as mpl

    mpl.use("agg")
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    _execute(content, content["submissions"][0])  # Imports, and what is made once.
    wall, cpu = time.perf_counter(), time.process_time()
    executed = [_execute(content, code) for code in content["submissions"]]
    answer = {
        "submissions": len(executed),
        "cells_seconds": sum(seconds for _, seconds in executed),
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "failed_checks": sum(len(content["checks"]) - passed for passed, _ in executed),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


def _execute(content: dict[str, Any], code: dict[str, str]) -> tuple[int, float]:
    """Return how many checks pass, and the CPU seconds in the other cells."""
    from autograder.bench.plain import begin

    names: dict[str, Any] = {"__name__": "__main__"}
    passed, seconds = 0, 0.0
    for kind, name, source in content["cells"]:
        if kind == "check":
            scope = dict(names)
            begin(content["tools"], name, scope)
            passed += _run(source, scope)
        else:
            started = time.process_time()
            _run(code[name] if kind == "exercise" else source, names)
            seconds += time.process_time() - started
    return passed, seconds


def _run(source: str, names: dict[str, Any]) -> bool:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, "<cell>", "exec"), names)
    except Exception:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
