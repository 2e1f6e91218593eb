"""A cell of a notebook fetches tools and data in Google Colab, and does nothing anywhere else."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.authoring.build import colab_cell, with_colab_cell
from autograder.authoring.source_cells import SourceCell
from autograder.course import Course

ROOT = Path(__file__).parents[2]
COURSE = Course.find(ROOT)
COLAB = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
USE = "\nimport autograder.lab\nprint(autograder.lab.__file__, autograder.lab.lecture_image().shape)\n"


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter in which the repository's own package cannot be found."""
    hide = f"import sys\nsys.path[:] = [p for p in sys.path if p != {str(ROOT)!r}]\nsys.meta_path = [\n"
    hide += "    f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    return subprocess.run(
        [sys.executable, "-P", "-c", hide + code], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An archive as GitHub makes it: everything below one folder, and more in it than students should get."""
    path = tmp_path / "main.zip"
    files = [ROOT / "autograder" / "__init__.py", ROOT / "data" / "course" / "lecture-5x5.txt"]
    files += sorted((ROOT / "autograder" / "lab").glob("*.*"))
    with zipfile.ZipFile(path, "w") as made:
        for file in files:
            made.write(file, f"course-main/{file.relative_to(ROOT).as_posix()}")
        made.writestr("course-main/solutions/01/one.py", "answers")
    return path.as_uri()


def test_anywhere_else_it_does_nothing(tmp_path: Path) -> None:
    done = run(colab_cell("https://example.org/none.zip").source, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_in_colab_it_fetches_tools_and_data_and_nothing_more(tmp_path: Path, archive: str) -> None:
    done = run(COLAB + colab_cell(archive).source + USE, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "course" / "course-main"))
    assert done.stdout.strip().endswith("(5, 5)")
    assert not list((tmp_path / "course").rglob("solutions"))


CELLS = [
    SourceCell("prose", "markdown", "# Title"),
    SourceCell("prose", "markdown", "Run this cell first."),
    SourceCell("given", "code", "import numpy"),
]


def test_it_stands_before_the_first_code_and_after_the_title() -> None:
    address = "https://example.org/course.zip"
    assert with_colab_cell(CELLS, address) == [*CELLS[:2], colab_cell(address), CELLS[2]]


def test_without_an_address_there_is_no_such_cell() -> None:
    assert with_colab_cell(CELLS, "") == CELLS


@pytest.mark.parametrize("path", sorted(COURSE.release.glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_a_released_notebook_begins_with_its_title(path: Path) -> None:
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown"
    assert "".join(first["source"]).startswith("# ")


def test_the_archive_that_the_docs_make_is_enough(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "authors.md").read_text(encoding="utf-8")
    (command,) = [line for line in page.splitlines() if line.startswith("git archive")]
    made = tmp_path / "colab.zip"
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *command.split()[1:]]
    git[git.index("colab.zip")] = str(made)
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository's history")
    subprocess.run(git, check=True, timeout=60)
    done = run(COLAB + colab_cell(made.as_uri()).source + USE, tmp_path)
    assert done.stdout.strip().endswith("(5, 5)"), done.stderr
