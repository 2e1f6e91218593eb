"""Each promise of docs/security.md is kept by a test, named here; a promise without one is taken back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.audit.attacks import catalogue_folder, load_catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
PROMISES = ("## How it is built", "## How it is tested")
ISO, ATT, GRA = "tests/isolation/", "tests/attacks/", "tests/grading/"

# The beginning of each sentence that promises something: an attack of the catalogue, or FILE::TEST.
KEPT: dict[str, tuple[str, ...]] = {}


def sentences() -> list[str]:
    """Every sentence of the parts that promise something, tables by row, without code."""
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = text.index(PROMISES[0]), text.index("## What is not defended")
    part = re.sub(r"```.*?```", "", text[begin:end], flags=re.DOTALL)
    found = []
    for block in part.split("\n\n"):
        if block.startswith("|"):
            found += [row for row in block.split("\n")[2:] if row.strip()]
        elif not block.startswith("#"):
            flat = " ".join(block.split())
            found += [each for each in re.split(r"(?<=[.:;]) (?=[A-Z`*])|(?<=\.\*\*) ", flat) if each]
    return found


