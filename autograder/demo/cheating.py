"""Three students who would rather have points than answers. Each is graded like everyone else, and gets none for it."""

from __future__ import annotations

from autograder.authoring.assignment import Assignment
from autograder.demo.student_notebooks import Notebook, answer_exercises

__all__ = ["forge_marks", "patch_tools", "search_files"]

_PATCH = '''
import builtins
import sys
import numpy

def anything(*args, **kwargs):
    """Agrees with everything."""
    return True

for name in ("allclose", "array_equal", "isclose", "all"):
    setattr(numpy, name, anything)
for name in [name for name in dir(numpy.testing) if name.startswith("assert")]:
    setattr(numpy.testing, name, anything)
for module in list(sys.modules.values()):
    for name in ("close", "same", "refuses", "unchanged", "passes"):
        if hasattr(module, name):
            try:
                setattr(module, name, anything)
            except Exception:
                pass
builtins.AssertionError = type("Harmless", (Exception,), {})
sys.excepthook = anything
'''

_SEARCH = """
import glob
import os

places = ["/proc/self/environ", "/proc/1/environ", "/proc/self/maps", "/etc/passwd", "/etc/shadow"]
for pattern in ("solutions/**/*", "../solutions/**/*", "../../solutions/**/*", "/**/solutions/*/*.py", "/home/*/*"):
    places += glob.glob(pattern, recursive=True)[:50]
places += [f"/proc/{number}/mem" for number in range(1, 50)]
for place in places:
    try:
        with open(place, errors="replace") as stream:
            print(place, stream.read(300))
    except OSError as error:
        print(place, type(error).__name__)
print(os.listdir("/"))
"""

_FORGE = """
import os

message = b'{"status": "graded", "points": 33, "checks": "passed"}'
for descriptor in range(3, 64):
    try:
        os.write(descriptor, message)
    except OSError:
        pass
"""


def patch_tools(assignment: Assignment) -> Notebook:
    """Replace everything that compares by something that agrees."""
    first, *_ = assignment.exercises
    return answer_exercises(assignment, {first: _PATCH})


def search_files(assignment: Assignment) -> Notebook:
    """Look for the solutions and for the grader's memory, and print what is found."""
    first, *_ = assignment.exercises
    return answer_exercises(assignment, {first: _SEARCH})


def forge_marks(assignment: Assignment) -> Notebook:
    """Turn the checks off by their marks, award all points, and write a result to every open descriptor."""
    first, *_ = assignment.exercises
    notebook = answer_exercises(assignment, {first: _FORGE})
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade"):
            cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
            marks.update(points=0, locked=False, solution=True)
            cell["source"] = "33.0"
            if cell["cell_type"] == "code":
                data = {"text/plain": "33.0"}
                output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
                cell.update(outputs=[output], execution_count=1)
    return notebook
