"""Write the tables of docs/adopting.md: sample courses graded by nbgrader and here, and what attacks come to.

With ``--speed``, time a class instead: that table differs from run to run, the others do not. What the page has no
marks for is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.adopting.beside_nbgrader import compare_with_nbgrader, race

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "adopting.md"
COURSES = ("quickstart", "numbers", "objects", "texts", "frames", "springs")


def main() -> None:
    """Adopt each course in a folder of its own, compare, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("courses", nargs="*", metavar="COURSE", help=f"of {', '.join(COURSES)} (default: all)")
    parser.add_argument("--attacks", action="store_true", help="only the attacks")
    parser.add_argument("--speed", type=int, metavar="STUDENTS", help="only time a class of this size")
    chosen = parser.parse_args()
    if unknown := set(chosen.courses) - set(COURSES):
        parser.error(f"there is no sample course called {', '.join(sorted(unknown))}")
    tests = _tests("conftest")
    with tempfile.TemporaryDirectory(prefix="adopting-") as name:
        samples = tests.SampleCourses(Path(name))
        try:
            if chosen.speed:
                write("speed", speed(samples, Path(name), chosen.speed, chosen.courses or COURSES))
            for course in () if chosen.speed or chosen.attacks else chosen.courses or COURSES:
                write(course, section(samples, course, Path(name)))
            if chosen.attacks or not (chosen.speed or chosen.courses):
                write("attacks", _tests("test_forging").attack_table(samples.grade, samples.adopted))
        finally:
            samples.close()


def section(samples: Any, course: str, folder: Path) -> str:
    """Return the table of one course, under its name."""
    own, place = samples.adopted(course), folder / f"{course}-compared"
    place.mkdir()
    compared = compare_with_nbgrader(own.course, place)
    return "\n".join([f"**{course}.** {own.report.headline}", "", *compared.table()])


def speed(samples: Any, folder: Path, students: int, courses: Sequence[str]) -> str:
    """Return the table of times. Both graders of one row work in the same run, one after the other."""
    rows = ["| course | students | nbgrader | here | ratio |", "|---|---|---|---|---|"]
    for course in courses:
        place = folder / f"{course}-timed"
        place.mkdir()
        found = race(samples.adopted(course).course, place, students)
        ratio = found.theirs / found.ours
        rows.append(f"| {course} | {students} | {found.theirs:.1f} s | {found.ours:.1f} s | {ratio:.1f} |")
    load = f"{os.getloadavg()[0]:.1f} processes ran on {os.cpu_count()} cores, these included."
    return "\n".join([*rows, "", f"One process each, starting included; on the average of the last minute {load}"])


def write(what: str, content: str) -> None:
    """Put ``content`` between the page's two marks for ``what``; print it if there are none."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {what} -->", f"<!-- end of {what} -->"
    made, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", text, flags=re.DOTALL)
    if not count:
        print(content)
    PAGE.write_text(made, encoding="utf-8")


def _tests(name: str) -> ModuleType:
    """Return a module of the tests, which have the sample courses and the attacks."""
    spec = importlib.util.spec_from_file_location(f"adopting_{name}", ROOT / "tests" / "adopting" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
