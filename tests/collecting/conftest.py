"""A course with two assignments, and downloads for it."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder.collecting.collection import collect_downloads
from autograder.collecting.records import Collected
from autograder.course import Course

ROSTER = """id,first_name,last_name,email,lms_user_id,sid,group
ada,Ada,Lovelace,ada@x.org,4711,u0001,Team 1
bob,Bob,Müller,bob@x.org,4712,u0002,Team 1
eve,Eve Marie,O'Neil-Stone,eve@x.org,4715,u0005,Team 2
"""


class Intake:
    """Hands downloads to a course, and tells what is there afterwards."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "course"
        self._download = folder / "download.zip"
        for name, topic in (("01-convolution", "convolution"), ("03-pooling", "pooling")):
            self.release(name, topic, [f"{topic}-{number}" for number in range(4)])
        (self.root / "course.toml").write_text(
            'id = "c"\nfixed_secret = "c"\n[assignments.01-convolution]\ndue = 2026-03-02T12:00:00Z\n'
        )
        self.list_students(ROSTER)

    @property
    def course(self) -> Course:
        return Course.find(self.root)

    def release(self, assignment: str, topic: str, ids: list[str]) -> None:
        folder = self.root / "notebooks" / assignment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{topic}.ipynb").write_bytes(self.with_ids(ids))

    def list_students(self, text: str | None) -> None:
        path = self.root / "students.csv"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)

    @staticmethod
    def with_ids(ids: list[str], work: str = "") -> bytes:
        cells: list[dict[str, Any]] = [
            {"cell_type": "code", "source": work, "metadata": {"nbgrader": {"grade_id": name}}} for name in ids
        ]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()

    def notebook(self, work: str = "work", topic: str = "convolution") -> bytes:
        return self.with_ids([f"{topic}-{number}" for number in range(4)], work)

    def zipped(self, files: Mapping[str, bytes], at: tuple[int, ...] = (2026, 3, 12, 9, 0, 0)) -> Path:
        with zipfile.ZipFile(self._download, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name, at), content, zipfile.ZIP_DEFLATED)  # type: ignore[arg-type]
        return self._download

    def take(self, files: Mapping[str, bytes], **options: Any) -> Collected:
        return collect_downloads(self.course, self.zipped(files), **options)

    def work(self) -> dict[str, str]:
        """The first cell of everything that is there, by student; for another assignment by both names."""
        found = {}
        for path in sorted(self.course.submitted.rglob("*.ipynb")):
            student, assignment = path.parts[-3:-1]
            name = student if assignment == "01-convolution" else f"{student}/{assignment}"
            found[name] = json.loads(path.read_bytes())["cells"][0]["source"]
        return found

    def time(self, student: str, assignment: str = "01-convolution") -> str:
        """What is known of a time: the stamp to the minute, ``unknown``, or nothing."""
        folder = self.course.submitted / student / assignment
        stamp, lateness = folder / "timestamp.txt", folder / "lateness.txt"
        assert not (stamp.exists() and lateness.exists())
        if stamp.exists():
            text = stamp.read_text().strip().removesuffix(" UTC")
            return f"{dt.datetime.fromisoformat(text):%m-%d %H:%M}"
        return lateness.read_text().strip() if lateness.exists() else ""


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake(tmp_path)
