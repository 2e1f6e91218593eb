"""Attacks on readers by single characters: unseen ones, ones that turn text around, ones that a terminal obeys."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack

SEEN_AS_TEXT = "such characters are removed from all that is shown"
UNSEEN = "full\u200b marks\u2060\ufeff" + "".join(chr(0xE0000 + ord(letter)) for letter in "this is right")
PILE = "a" + "\u0301\u0336\u20dd" * 600
ENTITIES = "&#x202e;33 fo 33&#8297; &rlm;&lrm; &#x200b;&#xfeff;&#x2060; a" + "&#x301;" * 300


def in_answers_and_outputs(target: Target, text: str) -> Target:
    """Write the text into every answer and a note, and show it as text, as HTML and as an error."""
    return target.write_text(text).append(
        f"from IPython.display import HTML, display\ntext = {text!r}\nprint(text)\ndisplay(HTML('<p>' + text + '</p>'), text)\nraise ValueError(text)"
    )


@attack("people", tries="turns text around by entities, which become characters late", stopped_by=SEEN_AS_TEXT)
def controls_as_entities(target: Target) -> Target:
    return in_answers_and_outputs(target, ENTITIES)


@attack("people", tries="hides words in characters that nobody sees", stopped_by=SEEN_AS_TEXT)
def unseen_words(target: Target) -> Target:
    return in_answers_and_outputs(target, UNSEEN)


@attack("people", tries="piles marks on a letter until they cover the lines around it", stopped_by=SEEN_AS_TEXT)
def piled_up_marks(target: Target) -> Target:
    return in_answers_and_outputs(target, PILE)


@attack(
    "people",
    tries="covers a page by formulas: negative and enormous spaces and brackets",
    stopped_by="lengths in a formula are modest, or left out",
)
def formulas_that_cover_others(target: Target) -> Target:
    text = r"$\hspace{-90em}\kern-90em\mspace{-900mu} 33 \text{ of } 33$ $\hspace{900em} x$ $\left( \rule{90em}{90em} \right.$"
    return target.write_text(text)


@attack(
    "people",
    tries="shows a table whose cells span sixty thousand rows each",
    stopped_by="a cell spans at most ninety-nine",
)
def cells_of_sixty_thousand_rows(target: Target) -> Target:
    return target.append(
        "from IPython.display import HTML, display\ndisplay(HTML('<table>' + '<tr>' + '<td rowspan=65534 colspan=1000>x</td>' * 300 + '</tr></table>'))"
    )


@attack(
    "people",
    tries="returns text that a terminal would obey, for checks that quote it",
    stopped_by="messages are plain text",
)
def results_that_a_terminal_obeys(target: Target) -> Target:
    return target.answer_all(
        "import numpy\nTEXT = '\\x1b]0;33 of 33\\x07\\x1b[2J\\u202e33 fo 33\\ud800'\n"
        "def NAME(*args, **kwargs):\n    return [TEXT, numpy.str_(TEXT), numpy.array([TEXT]), {TEXT: TEXT}][len(args) % 4]"
    )
