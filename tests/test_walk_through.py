"""The walk-through for authors, followed to the letter, ends with a clean audit."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.audit.course_audit import run_audit
from autograder.authoring.assignment import load_assignment
from autograder.authoring.build import build_assignment
from autograder.authoring.skeleton import new_assignment
from autograder.course import Course

PAGE = (Path(__file__).parents[1] / "docs" / "authors.md").read_text(encoding="utf-8")
NAME = "09-differences"


def test_following_it_ends_with_a_clean_audit(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "walk"\nfixed_secret = "walk"\n')
    (tmp_path / "data" / "course").mkdir(parents=True)
    course = Course.find(tmp_path)
    topic, misconceptions, alternatives = new_assignment(course, NAME, "Sums and differences")
    exercise, mistake, others = re.findall(r"```python\n(.*?)```", PAGE.split("## Walk-through")[1], re.DOTALL)
    before, answer, after = topic.read_text().partition("# %% [markdown] answer=")
    topic.write_text((before + exercise + answer + after).replace("points=15", "points=10"))
    misconceptions.write_text(f"{misconceptions.read_text()}\n\n{mistake}")
    alternatives.write_text(f"{alternatives.read_text()}\n\n{others}")
    build_assignment(course, NAME)
    assert list(load_assignment(course, NAME).exercises) == ["running_total", "largest_jump"]
    assert run_audit(course, [NAME], workers=1, as_json=True) == 0
