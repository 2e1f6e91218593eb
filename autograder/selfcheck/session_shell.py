"""The shell of a checking session: it runs cells as the grader's does, without other programs or a network."""

from __future__ import annotations

import ast
import builtins
import contextlib
import getpass
import importlib
import sys
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.magics import Harmless, name_syntax_errors, refuse_input

__all__ = ["CheckingShell", "make_shell"]

_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork")
_HERE = ("localhost", "127.", "::1")


class _NamedCells(CachingCompiler):
    """A compiler that gives each cell's code its number in the notebook as a file name."""

    number = 0

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """Return the file name of a cell's code, such as ``<cell 7>``."""
        return f"<cell {self.number}>"


class CheckingShell(Harmless, InteractiveShell):
    """IPython's shell without a window, history, shell commands or installs."""

    compiler_class = _NamedCells
    compile: _NamedCells

    def init_check(self) -> None:
        """Begin before any cell of the course has run."""
        self.given: dict[str, Any] = {}
        self.left_out: list[str] = []

    def say_not_run(self, what: str) -> None:
        """Keep ``what`` for the report: what cells print goes nowhere."""
        self.left_out.append(what.strip()[:200])

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: there is none to enable, but ``%matplotlib`` asks for it."""

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the outcome of the cell or check that is asked for."""
        if asked["do"] == "warm":
            return _warmed(asked["modules"])
        self.compile.number = asked["number"]
        if asked["do"] == "check":
            return self._check(asked["source"])
        before = dict(self.user_ns) if asked["given"] else {}
        result = self.run_cell(asked["source"], store_history=False)  # type: ignore[no-untyped-call]
        if asked["given"]:
            known = self.user_ns.items()
            self.given.update({name: value for name, value in known if before.get(name, before) is not value})
        error = result.error_before_exec or result.error_in_exec
        left_out, self.left_out = self.left_out, []
        return {**({"ok": True} if error is None else _failed(error)), "left_out": left_out}

    def _check(self, source: str) -> dict[str, Any]:
        """Run a check with names of its own: a function of the student's does not see what a check defines."""
        names = {**self.user_ns, **self.given}
        from autograder.lab.recognition import CHECK, remember_check  # Slow to import; notebooks have it by now.

        remember_check(source)
        try:
            tree = ast.parse(source)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, CHECK, "exec"), names)
            value = _value(last, names, CHECK) if isinstance(last, ast.Expr) else None
        except BaseException as error:  # SystemExit and KeyboardInterrupt are a student's errors too.
            return _failed(error)
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        return {"ok": True, "value": number}


def _value(last: ast.Expr, names: dict[str, Any], file: str) -> object:
    return eval(compile(ast.Expression(last.value), file, "eval"), names)  # noqa: S307


def make_shell() -> CheckingShell:
    """Return a shell, ready to run cells; from now on this process does not start another one."""
    settings = Config()
    settings.HistoryManager.enabled = False
    shell: CheckingShell = CheckingShell.instance(config=settings)
    shell.init_check()
    name_syntax_errors(shell)
    builtins.input = getpass.getpass = refuse_input
    sys.addaudithook(_refuse)
    return shell


def _warmed(modules: list[str]) -> dict[str, Any]:
    for name in modules:
        with contextlib.suppress(Exception):  # The cell that imports it will show what is wrong.
            importlib.import_module(name)
    return {"ok": True}


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to start programs and to fetch anything, as when the work is graded."""
    if event in _PROGRAMS:
        raise PermissionError("no other program can be started, just as when your work is graded")
    if event in ("socket.connect", "socket.getaddrinfo"):
        where = arguments[1] if event == "socket.connect" else arguments
        host = str(where[0]) if isinstance(where, tuple) and where else ""
        if host and not host.startswith(_HERE):
            raise PermissionError("there is no network, just as when your work is graded")


def _failed(error: BaseException) -> dict[str, Any]:
    message = error.msg if isinstance(error, SyntaxError) else str(getattr(error, "told", error))
    return {"ok": False, "error": type(error).__name__, "message": message, "where": _where(error)}


def _where(error: BaseException) -> str:
    """Return the function, line and cell of the notebook's own where the error was raised; empty if unknown."""
    if isinstance(error, SyntaxError) and str(error.filename).startswith("<cell "):
        return _place("", error.lineno or 0, str(error.filename))
    found, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith("<cell "):
            name = "" if code.co_name == "<module>" else code.co_name
            found = _place(name, trace.tb_lineno, code.co_filename)
        trace = trace.tb_next
    return found


def _place(function: str, line: int, file: str) -> str:
    cell = file.strip("<>")
    in_cell = f"line {line} of {cell}" if cell != "cell 0" else f"line {line} of its cell"
    return f"{function}, {in_cell}" if function else in_cell
