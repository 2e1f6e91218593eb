"""A notebook's shell without a kernel: cells run as in Jupyter, outputs are collected as nbformat dicts."""

from __future__ import annotations

import ast
import base64
import builtins
import getpass
import io
import re
from typing import Any, ClassVar

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from autograder.magics import Harmless, name_syntax_errors, refuse_input

__all__ = ["CollectingShell", "Outputs", "Stream", "is_plain_python", "make_shell"]

MAX_OUTPUTS = 400
MAX_STREAM = 1 << 19
MAX_TRACEBACK_LINE = 4000

# Prompts, which IPython takes off in places also where Python reads a text; and backslashes, since Python may warn of
# one whenever it parses it.
_UNSURE = (">>>", "In [", "...:", "\\")
# Without these there is no magic, no shell command, no question and no call without brackets.
_SIGNS = re.compile(r"[%!?]|^\s*[,;/]", re.MULTILINE)
_MADE = TransformerManager()  # type: ignore[no-untyped-call]
_TRANSFORMS = _MADE.cleanup_transforms, _MADE.line_transforms, _MADE.token_transformers

Output = dict[str, Any]


class Outputs:
    """The outputs so far of the cell that is running. The receiver checks and caps them again."""

    items: ClassVar[list[Output]] = []

    @classmethod
    def add(cls, kind: str, **fields: object) -> None:
        """Append one output, unless there are too many already."""
        if len(cls.items) < MAX_OUTPUTS:
            cls.items.append({"output_type": kind, **fields})

    @classmethod
    def write(cls, name: str, text: str) -> None:
        """Append text to a stream; neighbouring writes to one stream become one output."""
        last = cls.items[-1] if cls.items else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["text"].append(text)
        else:
            cls.add("stream", name=name, text=[text])

    @classmethod
    def take(cls) -> list[Output]:
        """Return everything collected, and forget it."""
        taken, cls.items = cls.items, []
        for item in taken:
            if item["output_type"] == "stream":
                item["text"] = "".join(item["text"])
        return taken


class Stream(io.TextIOBase):
    """The standard output or error of the student's code."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._written = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The name of an encoding, for libraries that ask; text is kept as text."""
        return "utf-8"

    def writable(self) -> bool:
        """Return True, always."""
        return True

    def start_again(self) -> None:
        """Begin the allowance of a new cell."""
        self._written = 0

    def write(self, text: str) -> int:
        """Keep the text, up to the cap."""
        room = MAX_STREAM - self._written
        self._written += len(text)
        if room > 0:
            Outputs.write(self._name, str(text[:room]))
        return len(text)


class _Publisher(DisplayPublisher):
    def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
        Outputs.add("display_data", data=_jsonable(data), metadata={})

    def clear_output(self, wait: bool = False) -> None:
        Outputs.items.clear()


class _Hook(DisplayHook):
    def start_displayhook(self) -> None:
        """Do nothing: there is nothing to prepare."""

    def write_output_prompt(self) -> None:
        """Do nothing: a notebook shows the number itself."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.shell.execution_count if self.shell else None
        Outputs.add("execute_result", data=_jsonable(format_dict), metadata={}, execution_count=count)

    def finish_displayhook(self) -> None:
        """Do nothing: there is nothing to finish."""


class CollectingShell(Harmless, InteractiveShell):
    """IPython's shell, without history, shell commands or graphical windows."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [str(line)[:MAX_TRACEBACK_LINE] for line in stb]
        Outputs.add("error", ename=etype.__name__, evalue=str(evalue), traceback=lines)

    def transform_cell(self, raw_cell: str) -> str:
        """Return what a kernel would run for this cell: magics become calls, prompts are taken off.

        A cell without any of these is recognised by its signs or by Python's own parser, many times as fast as by
        IPython's reader, which goes token by token.
        """
        if self._as_made() and is_plain_python(raw_cell):
            return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
        transformed: str = super().transform_cell(raw_cell)  # type: ignore[no-untyped-call]
        return transformed

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **how: Any) -> bool:
        """Return whether the cell waits for something at its outermost level, which takes `await` or `async`."""
        if transformed_cell is not None and "await" not in transformed_cell and "async" not in transformed_cell:
            return False
        return super().should_run_async(raw_cell, transformed_cell=transformed_cell, **how)

    def _as_made(self) -> bool:
        """Return whether IPython has only the transformations that it came with."""
        manager = self.input_transformer_manager
        known = manager.cleanup_transforms, manager.line_transforms, manager.token_transformers
        return known == _TRANSFORMS and not self.input_transformers_post

    def init_history(self) -> None:
        """Set up no history: it would open a database."""
        self.history_manager = HistoryManager(shell=self, parent=self, enabled=False)

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there are no windows."""


def is_plain_python(cell: str) -> bool:
    """Return whether IPython surely leaves the cell alone; False for one line, which IPython may complete."""
    first, _, rest = cell.partition("\n")
    if first[:1].isspace() or not first or not rest.strip() or any(sign in cell for sign in _UNSURE):
        return False
    if not _SIGNS.search(cell):
        return True
    try:
        ast.parse(cell)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def make_shell() -> CollectingShell:
    """Return the shell with inline figures, ready to be forked."""
    CollectingShell.display_pub_class = _Publisher  # type: ignore[assignment]
    CollectingShell.displayhook_class = _Hook  # type: ignore[assignment]
    shell: CollectingShell = CollectingShell.instance(colors="nocolor")
    name_syntax_errors(shell)
    builtins.input = getpass.getpass = refuse_input
    shell.enable_matplotlib("inline")  # type: ignore[no-untyped-call]
    return shell


def _jsonable(data: Any) -> dict[str, Any]:
    return {
        str(kind): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in dict(data).items()
    }
