"""A notebook's shell without a kernel: cells run as in Jupyter, outputs are collected as nbformat dicts."""

from __future__ import annotations

import ast
import base64
import io
import re
from typing import Any, ClassVar

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

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
    """What the cell that is running has shown so far. The receiver checks and caps it again."""

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
        """Everything collected, which is then forgotten."""
        taken, cls.items = cls.items, []
        for item in taken:
            if item["output_type"] == "stream":
                item["text"] = "".join(item["text"])
        return taken


class Stream(io.TextIOBase):
    """Standard output or error of the student's code."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._written = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Text is kept as text; libraries ask."""
        return "utf-8"

    def writable(self) -> bool:
        """Always."""
        return True

    def start_again(self) -> None:
        """A new cell has its own allowance."""
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
        """Nothing to prepare."""

    def write_output_prompt(self) -> None:
        """A notebook shows the number itself."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.shell.execution_count if self.shell else None
        Outputs.add("execute_result", data=_jsonable(format_dict), metadata={}, execution_count=count)

    def finish_displayhook(self) -> None:
        """Nothing to finish."""


class CollectingShell(InteractiveShell):
    """IPython's shell, without history, shell commands or graphical windows."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [str(line)[:MAX_TRACEBACK_LINE] for line in stb]
        Outputs.add("error", ename=etype.__name__, evalue=str(evalue), traceback=lines)

    def system(self, cmd: str) -> None:
        """Shell commands have no place in a graded notebook."""
        raise PermissionError("shell commands (! and %%sh) are not run by the grader")

    getoutput = system  # type: ignore[assignment]

    def transform_cell(self, raw_cell: str) -> str:
        """What a kernel would run for this cell: magics become calls, prompts are taken off.

        A cell that holds nothing of the kind is told by its signs or by Python's own parser, many times as fast as by
        IPython's reader, token by token.
        """
        if self._as_made() and is_plain_python(raw_cell):
            return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
        transformed: str = super().transform_cell(raw_cell)  # type: ignore[no-untyped-call]
        return transformed

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **how: Any) -> bool:
        """Whether the cell waits for something at its outermost level, which takes one of these words."""
        if transformed_cell is not None and "await" not in transformed_cell and "async" not in transformed_cell:
            return False
        return super().should_run_async(raw_cell, transformed_cell=transformed_cell, **how)

    def _as_made(self) -> bool:
        """Whether nobody has given IPython transformations of his own."""
        manager = self.input_transformer_manager
        known = manager.cleanup_transforms, manager.line_transforms, manager.token_transformers
        return known == _TRANSFORMS and not self.input_transformers_post

    def init_history(self) -> None:
        """No history: it would open a database."""
        self.history_manager = HistoryManager(shell=self, parent=self, enabled=False)

    def enable_gui(self, gui: Any = None) -> None:
        """No windows."""


def is_plain_python(cell: str) -> bool:
    """Whether IPython would leave the cell alone; a cell of one line it may complete, so that is not said of one."""
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
    """The shell with inline figures, ready to be forked."""
    CollectingShell.display_pub_class = _Publisher  # type: ignore[assignment]
    CollectingShell.displayhook_class = _Hook  # type: ignore[assignment]
    shell: CollectingShell = CollectingShell.instance(colors="nocolor")
    shell.enable_matplotlib("inline")  # type: ignore[no-untyped-call]
    return shell


def _jsonable(data: Any) -> dict[str, Any]:
    return {
        str(kind): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in dict(data).items()
    }
