"""The search for what could run, load or lead away in a page or in outputs: tags, attributes, addresses, forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Any

__all__ = ["unsafe_markup", "unsafe_outputs"]

_TAGS = {
    "script", "iframe", "frame", "object", "embed", "applet", "form", "input", "button", "textarea", "base", "link",
    "svg", "video", "audio", "source", "template", "portal", "marquee", "dialog", "noscript",
    "maction", "mglyph", "semantics", "annotation-xml",  # Of MathML; the rest of a formula is only drawn.
}  # fmt: skip
_ADDRESSES = {"href", "src", "srcset", "srcdoc", "action", "formaction", "xlink:href", "data", "poster", "background"}
_HARMLESS = re.compile(r"#|data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+$")
_KINDS = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg"}
_ESCAPED = {"text/markdown", "text/latex"}


class _Scan(HTMLParser):
    """A collector of what is not harmless. ``<style>`` and ``<meta>`` are the page's own: allowed in its head only."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_head = tag == "head" or (self._in_head and tag != "body")
        if tag in _TAGS or (tag in ("style", "meta") and not self._in_head):
            self.found.append(f"<{tag}>")
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append("<meta> that leads away")
        for name, value in values.items():
            if name.startswith("on") or name == "style":
                self.found.append(f"<{tag} {name}>")
            elif name in _ADDRESSES and not _HARMLESS.match(value.strip()):
                self.found.append(f'<{tag} {name}="{value[:40]}">')

    handle_startendtag = handle_starttag


def unsafe_markup(page: str) -> list[str]:
    """Return what in ``page``, HTML text, could run or load something or lead elsewhere; empty if nothing."""
    scan = _Scan()
    scan.feed(page)
    scan.close()
    return scan.found


def unsafe_outputs(outputs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what in a cell's outputs a notebook viewer could run or load."""
    for output in outputs:
        for kind, value in output.get("data", {}).items():
            if kind not in _KINDS:
                yield f"output of kind {kind}"
            elif kind == "text/html" or kind in _ESCAPED:
                yield from unsafe_markup(str(value))
            if kind in _ESCAPED and not str(value).startswith("<pre>"):
                yield f"{kind} that is rendered"
        if "\x1b" in str(output.get("text", "")):
            yield "terminal control characters"
