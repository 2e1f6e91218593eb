"""Write the tables of docs/adopting.md: nbgrader's example and the sample courses, graded by nbgrader and here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.adopting.adoption import adopt_course
from autograder.adopting.beside_nbgrader import SideBySide, compare_with_nbgrader
from autograder.course import Course

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "adopting.md"
COURSES = ("numbers", "objects", "texts")


def main() -> None:
    """Adopt each course in a folder of its own, compare, and write the page."""
    parts = []
    with tempfile.TemporaryDirectory(prefix="adopting-") as name:
        folder = Path(name)
        nbgrader = Path(sys.executable).parent / "nbgrader"
        subprocess.run([nbgrader, "quickstart", "quickstart"], cwd=folder, check=True, capture_output=True)
        for course in COURSES:
            shutil.copytree(ROOT / "tests" / "adopting" / "courses" / course, folder / course)
        for course in ("quickstart", *COURSES):
            report = adopt_course(folder / course)
            (folder / f"{course}-compared").mkdir()
            compared = compare_with_nbgrader(Course.find(folder / course), folder / f"{course}-compared")
            parts.append(section(course, report.headline, compared))
    text = PAGE.read_text(encoding="utf-8")
    table = "<!-- table -->\n\n" + "\n\n".join(parts) + "\n\n<!-- end of table -->"
    PAGE.write_text(re.sub(r"<!-- table -->.*?<!-- end of table -->", lambda _: table, text, flags=re.DOTALL), "utf-8")


def section(course: str, headline: str, compared: SideBySide) -> str:
    """The table of one course, under its name."""
    return "\n".join([f"**{course}.** {headline}", "", *compared.lines()])


if __name__ == "__main__":
    main()
