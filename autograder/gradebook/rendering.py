"""Cells as HTML for a page of feedback: the course's text as the notebook shows it, a student's made harmless."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import latex2mathml.converter
import nh3
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from autograder.gradebook.sanitising import (
    Album,
    Picture,
    as_plain_text,
    clean_html,
    modest,
    safe_outputs,
)
from autograder.submission.model import SubmissionCell
from autograder.submission.pictures import embedded_pictures, put_in_place
from autograder.terminal import without_controls

__all__ = ["code_html", "course_html", "outputs_html", "student_html"]

_LEXER, _FORMATTER = PythonLexer(), HtmlFormatter(nowrap=True)  # made once: it takes as long as colouring a cell
_LONGEST = 20_000
"""The most characters of one cell that are coloured or rendered; no honest cell comes near."""
_LONGEST_FORMULA = 500
_TEXT_TAGS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote",
              "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "sub", "sup", "del", "span", "div"}  # fmt: skip
_MATH_TAGS = {"math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "msub", "msup", "msubsup", "munder", "mover",
              "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
              "menclose", "mmultiscripts", "mprescripts"}  # fmt: skip
_MATH_ATTRIBUTES = {
    "math": {"display"}, "mi": {"mathvariant"}, "mo": {"stretchy", "fence", "form", "minsize", "maxsize", "separator"},
    "mspace": {"width"}, "mtable": {"columnalign", "rowspacing", "columnspacing"}, "mtd": {"columnalign"},
    "mfrac": {"linethickness"}, "mstyle": {"displaystyle", "scriptlevel", "mathvariant"}, "menclose": {"notation"},
}  # fmt: skip
_ALIGNED = {"td": {"align"}, "th": {"align"}}


class _Mathematical(IPythonRenderer):
    """Markdown with its formulas as MathML; one that cannot be read stands as it was typed."""

    def inline_math(self, body: str) -> str:
        """Render a formula within a line."""
        return self._formula(body, "inline", super().inline_math(body))

    def block_math(self, body: str) -> str:
        """Render a formula of its own."""
        return self._formula(body, "block", super().block_math(body))

    def latex_environment(self, name: str, body: str) -> str:
        """Render an environment such as ``align``."""
        typed = super().latex_environment(name, body)
        return self._formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block", typed)

    def _formula(self, body: str, display: str, typed: str) -> str:
        if len(body) > _LONGEST_FORMULA:
            return typed
        try:
            return latex2mathml.converter.convert(body.strip(), display=display)
        except Exception:  # It fails in many ways on what is not LaTeX.
            return typed


@lru_cache(maxsize=1024)  # The course's own cells are the same on every page.
def course_html(source: str) -> Markup:
    """Return the course's own markdown as the notebook shows it: it is trusted, so that hints fold and links work."""
    renderer = _Mathematical(escape=False, exclude_anchor_links=True)
    rendered = MarkdownWithMath(renderer=renderer).render(source)
    return Markup(
        nh3.clean(
            rendered,
            tags=_TEXT_TAGS | _MATH_TAGS | {"a", "details", "summary", "b", "i", "kbd"},
            attributes={**_ALIGNED, **_MATH_ATTRIBUTES, "a": {"href"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer",
        )
    )


def student_html(cell: SubmissionCell, album: Album) -> Markup:
    """Return a student's text cell as HTML: nothing in it can run, load or link, and its pictures are checked ones."""
    marked, found = embedded_pictures(cell.source, cell.attachments)
    pictures = [(each.name, album.embedded(each)) for each in found]
    text = as_plain_text(marked)
    if len(marked) > _LONGEST or cell.kind == "note":  # A note follows no plan of ours: shown as it was typed.
        body = str(Markup('<pre class="typed">{}</pre>').format(text))
    else:
        body = _rendered(text)
    return Markup(put_in_place(body, lambda number: _shown(*pictures[number]) if number < len(pictures) else ""))


def _rendered(text: str) -> str:
    try:
        rendered = MarkdownWithMath(renderer=_Mathematical(escape=True, exclude_anchor_links=True)).render(text)
    except Exception:  # A text that the renderer cannot take is shown as it was typed.
        return str(Markup('<pre class="typed">{}</pre>').format(text))
    attributes = {**_ALIGNED, **_MATH_ATTRIBUTES}
    tags = _TEXT_TAGS | _MATH_TAGS
    return without_controls(
        nh3.clean(rendered, tags=tags, attributes=attributes, attribute_filter=modest, link_rel=None)
    )


def _shown(name: str, picture: Picture | str) -> str:
    plain = as_plain_text(name, 100)
    if isinstance(picture, str):
        said = as_plain_text(picture, 300)
        return str(Markup('<span class="missing">Picture “{}” is not shown: {}.</span>').format(plain, said))
    return str(Markup('<img alt="Picture in your answer: {}" src="{}">').format(plain, picture.url))


def code_html(source: str) -> Markup:
    """Return Python code, coloured."""
    if len(source) > _LONGEST:  # Colouring it could take minutes.
        return Markup('<pre tabindex="0">{}</pre>').format(as_plain_text(source))
    return _coloured(source)


@lru_cache(maxsize=1024)
def _coloured(source: str) -> Markup:
    return Markup('<pre class="code" tabindex="0">{}</pre>').format(
        Markup(highlight(as_plain_text(source), _LEXER, _FORMATTER))
    )


def outputs_html(outputs: list[dict[str, Any]], album: Album) -> tuple[Markup, ...]:
    """Return a cell's outputs, as far as they may be shown."""
    return tuple(filter(None, (_output(output) for output in safe_outputs(outputs, album))))


def _output(output: dict[str, Any]) -> Markup:
    kind = output["output_type"]
    if kind == "stream":
        return Markup('<pre class="{}" tabindex="0">{}</pre>').format(output["name"], output["text"])
    if kind == "error":
        return Markup('<pre class="error" tabindex="0">{}: {}</pre>').format(output["ename"], output["evalue"])
    data = output["data"]
    for form in ("image/png", "image/jpeg"):
        if form in data:
            return Markup('<img alt="A figure that your code drew" src="data:{};base64,{}">').format(form, data[form])
    if "text/html" in data:
        return Markup('<div class="html" tabindex="0">{}</div>').format(Markup(clean_html(data["text/html"])))
    return Markup('<pre tabindex="0">{}</pre>').format(data.get("text/plain", ""))
