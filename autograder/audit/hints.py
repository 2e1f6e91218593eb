"""Hints that point elsewhere: they have nothing to do with the mistake that brings them up.

No machine can tell whether a sentence is true of a program. It can tell that the hint has no word in common with the
misconception or with the wrong lines: such a hint is for a person to read, and to mend or remove.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from autograder.audit.report_card import Finding
from autograder.authoring.assignment import Assignment
from autograder.grading.visible_naming import visible_naming

__all__ = ["hint_findings"]

_STEM = 5
"""The number of letters of a word that count: ``round`` and ``rounded`` are one word."""
_NOTHING = frozenset(
    (
        *("about", "after", "again", "also", "and", "are", "before", "both", "but", "can", "does", "each", "every"),
        *("for", "from", "has", "have", "here", "how", "into", "its", "more", "must", "not", "one", "only", "other"),
        *("out", "over", "same", "should", "still", "than", "that", "the", "them", "then", "there", "these", "this"),
        *("those", "two", "what", "when", "where", "which", "with", "you", "your"),
    )
)


def hint_findings(assignment: Assignment) -> Iterator[Finding]:
    """Yield the hints that have no word in common with the misconception that fails there and is not named."""
    sentences = {each.slug: each for each in assignment.misconceptions}
    for hint in visible_naming(assignment).hints:
        answer = sentences[hint.misconception]
        exercise, source = assignment.answer_cell(answer)
        wrong = _changed(assignment.exercises[exercise].source, source)
        if not _words(hint.text) & _words(f"{answer.text} {answer.slug} {wrong}"):
            yield Finding("hint", hint.misconception, f"{hint.check} says: {hint.text}")


def _changed(right: str, wrong: str) -> str:
    """Return the words of the lines in which a wrong answer differs from the right one."""
    lines = difflib.ndiff(right.splitlines(), wrong.splitlines())
    return "\n".join(line[2:] for line in lines if line[:1] in "+-")


def _words(text: str) -> set[str]:
    found = re.findall(r"[a-z]+|\d+", text.replace("_", " ").lower())
    return {word[:_STEM] for word in found if len(word) > 2 and word not in _NOTHING}
