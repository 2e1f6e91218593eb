"""Requests of a notebook to the shell, and not to Python: the grader and ``autograder check`` run none, and report it.

Shell lines, installs and unknown magics must not take the code beside them along: what is defined below
``%pip install`` in the same cell is defined all the same.
"""

from __future__ import annotations

import ast
import codeop
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.utils.text import SList

__all__ = ["Harmless", "name_syntax_errors", "refuse_input"]

# Each starts another program, or is written in another language.
_PROGRAMS = frozenset([
    "!", "!!", "sx", "system", "sc", "pip", "conda", "mamba", "micromamba", "uv", "bash", "sh", "zsh", "script",
    "cmd", "powershell", "perl", "ruby", "pypy", "python", "python2", "python3", "html", "javascript", "js", "svg",
    "latex", "R", "cython", "fortran", "sql",
])  # fmt: skip
# What they ask for exists on a student's computer, perhaps; where it does not, nothing else is lost.
_OPTIONAL = frozenset([
    "load_ext", "reload_ext", "unload_ext", "matplotlib", "pylab", "gui", "config", "autoreload", "cd",
])  # fmt: skip


class Harmless:
    """A base for a shell class, before IPython's own: shell lines and unknown magics do nothing but report it."""

    def system(self, cmd: str) -> None:
        """Do not run ``!command``."""
        self.say_not_run(f"!{cmd}")

    system_raw = system_piped = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Do not run ``name = !command``: return a result that shows nothing."""
        self.say_not_run(f"!{cmd}")
        return SList() if split else ""

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run ``%name line``."""
        shell: Any = self
        if magic_name in _PROGRAMS or shell.find_line_magic(magic_name) is None:
            return self.say_not_run(f"%{magic_name} {line}")
        with self._going_on(f"%{magic_name} {line}", magic_name in _OPTIONAL):
            run: Callable[..., Any] = super().run_line_magic  # type: ignore[misc]
            return run(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """Run ``%%name line`` above a cell. Below an unknown magic, Python still runs."""
        shell: Any = self
        if magic_name in _PROGRAMS:
            return self.say_not_run(f"%%{magic_name} {line}")
        if shell.find_cell_magic(magic_name) is None:
            self.say_not_run(f"%%{magic_name} {line}")
            return self._run_below(cell)
        with self._going_on(f"%%{magic_name} {line}", False):
            run: Callable[..., Any] = super().run_cell_magic  # type: ignore[misc]
            return run(magic_name, line, cell)

    @contextmanager
    def _going_on(self, what: str, optional: bool) -> Iterator[None]:
        """Skip a magic that is used wrongly, or asks for what is not here; raise an error of its code."""
        try:
            yield
        except UsageError:
            self.say_not_run(what)
        except Exception:
            if not optional:
                raise
            self.say_not_run(what)

    def say_not_run(self, what: str) -> None:
        """Name among the cell's outputs what was left out."""
        about = "no shell commands, installs, other programs or unknown magics here; the code beside it runs"
        sys.stdout.write(f"Not run: {what.strip()[:200]} ({about})\n")

    def _run_below(self, cell: str) -> None:
        shell: Any = self
        source = shell.transform_cell(cell)
        try:
            ast.parse(source)
        except (SyntaxError, ValueError):
            return
        exec(compile(source, "<cell>", "exec"), shell.user_ns)


def name_syntax_errors(shell: Any) -> None:
    """Let Python report what is wrong with a cell that does not parse.

    IPython compiles for a prompt, where a bracket may still be closed: it reports only "incomplete input".
    """
    shell.compile.flags &= ~getattr(codeop, "PyCF_ALLOW_INCOMPLETE_INPUT", 0)


def refuse_input(*_: object, **__: object) -> str:
    """Stand in for ``input``. Raises EOFError, with what to do."""
    raise EOFError("input() waits for a person, and nobody is there while you are graded: put a value in its place")
