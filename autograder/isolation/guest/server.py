"""The server for the trusted process: it runs cells, fetches names, calls functions, and ends with the submission.

`run` is the main program of a fork: it confines itself, reports that, and serves.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import operator
import os
import random
import re
import sys
import traceback
from collections.abc import Callable
from types import FunctionType, ModuleType, TracebackType
from typing import Any

from autograder.isolation.channel import Channel, ChannelClosed
from autograder.isolation.codec import (
    ANSWER,
    CALLBACK,
    ERROR,
    FAILED,
    LENT,
    MAX_BYTES,
    NUMBER,
    OK,
    READY,
    REQUEST,
    Codec,
    pack_frame,
    unpack_frame,
)
from autograder.isolation.guest.borrowed import Borrowed, Room
from autograder.isolation.guest.lockdown import Confinement, lock_down
from autograder.isolation.guest.preload import hide_torch
from autograder.isolation.guest.shell import CollectingShell, Outputs, Stream
from autograder.isolation.leaves import Ext, Leaf, handle, read_handle
from autograder.isolation.limits import Limits
from autograder.lab.arrays import laid
from autograder.lab.calling import shared_places

__all__ = ["Server", "run"]

MAX_TEXT = 4000
MAX_ERRORS = 1000
_DESCRIPTOR = 3
_CELL = re.compile(r"<ipython-input-(\d+)-")
_DEFINITIONS = FunctionType, ModuleType, type

Function = Callable[..., object]


class Server:
    """The untrusted end of one connection."""

    def __init__(self, channel: Channel, shell: CollectingShell) -> None:
        self._channel = channel
        self._shell = shell
        self._codec = Codec(self._export, self._resolve)
        self._objects: dict[int, object] = {}
        self._borrowed = Borrowed()
        self._last = 0
        self._sequence = 0
        self._raised: BaseException | None = None
        self._errors: dict[int, tuple[object, str]] = {}
        self._inspected: object = None
        self._places: dict[str, dict[str, object]] = {}
        self._lent: set[int] = set()
        self._streams = (Stream("stdout"), Stream("stderr"))
        self._first_cell = int(shell.execution_count)

    def serve(self) -> None:
        """Answer until the other side closes the connection."""
        sys.stdout, sys.stderr = self._streams
        self._channel.send(pack_frame(READY, 0, self._codec.encode(None)))
        while True:
            kind, sequence, body = unpack_frame(self._channel.receive())
            if kind == LENT:
                self._answer_lent(sequence, body)
            else:
                self._answer(sequence, body)

    def _answer(self, sequence: int, body: memoryview) -> None:
        lent = set(self._lent)
        self._answer_decoded(sequence, self._codec.decode(body))
        self._lent = lent  # What this question brought is no longer there.

    def _answer_decoded(self, sequence: int, request: list[Any]) -> None:
        operation, released, *arguments = request
        for number in released or ():
            self._objects.pop(number, None)
        outer, self._sequence = self._sequence, sequence
        if operation not in ("account", "place", "text"):
            self._raised = None  # With it goes what its frames hold: the next call may need the memory.
        try:
            result = getattr(self, f"_do_{operation}")(*arguments)
            reply = pack_frame(OK, sequence, self._codec.encode(result))
        except BaseException as error:  # SystemExit and KeyboardInterrupt are a student's errors too
            self._raised = error
            self._note(sequence, error)
            reply = self._error(sequence, error)
        self._sequence = outer
        self._channel.send(reply)

    def _answer_lent(self, sequence: int, body: memoryview) -> None:
        """Call a function of the trusted side's for another process; nothing is kept of its error."""
        outer, self._sequence = self._sequence, sequence
        try:
            reply = pack_frame(OK, sequence, self._borrowed.answer(body, self._codec))
        except BaseException as error:
            reply = self._error(sequence, error)
        self._sequence = outer
        self._channel.send(reply)

    def _error(self, sequence: int, error: BaseException) -> bytes:
        names = [kind.__name__ for kind in type(error).__mro__][:20]
        return pack_frame(ERROR, sequence, self._codec.encode(names))

    # ---- what may be asked

    def _do_cell(self, source: str) -> object:
        Outputs.take()
        for stream in self._streams:
            stream.start_again()
        result = self._shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        error = result.error_before_exec or result.error_in_exec
        return (error is None, None if error is None else type(error).__name__, Outputs.take())

    def _do_account(self) -> object:
        """Return (message, traceback) of the last error, each cut to size; asked for only where somebody reads them."""
        error = self._raised
        if error is None:
            return "", ""
        try:
            text = str(error)[:MAX_TEXT]
            own = error.with_traceback(_beyond_this_file(error.__traceback__))
            trace = "".join(traceback.format_exception(own, limit=-8))[-2 * MAX_TEXT :]
        except BaseException:  # a student's __str__ may raise
            text, trace = "", ""
        return str(text), str(trace)

    def _do_text(self, question: int) -> object:
        """Return the text of the error with which a question was answered, cut to size; empty if it is not known."""
        return self._errors.get(question, (None, ""))[1]

    def _do_place(self, question: int) -> object:
        """Return (number of the cell from 0, line) where the error of a question left the student's code, or None."""
        return self._errors.get(question, (None, ""))[0]

    def _note(self, question: int, error: BaseException) -> None:
        """Keep what may be asked of an error later, when other questions were answered since: not the error itself."""
        if len(self._errors) >= MAX_ERRORS:
            self._errors.clear()
        try:
            text = str(error)[:MAX_TEXT]
        except BaseException:  # a student's __str__ may raise
            text = ""
        trace, place = error.__traceback__, None
        while trace is not None:
            found = _CELL.match(trace.tb_frame.f_code.co_filename)
            if found:
                place = int(found[1]) - self._first_cell, trace.tb_lineno
            trace = trace.tb_next
        self._errors[question] = place, text

    def _do_names(self, names: list[str], place: str) -> object:
        """Return the values of names. A value that is too much to send with the others is sent as a handle."""
        space, room = self._shell.user_ns, Room()
        if place:
            self._places[place] = {name: value for name, value in space.items() if isinstance(value, _DEFINITIONS)}
        return {name: self._data_or_handle(space[name], room) for name in names if name in space}

    def _do_return_to(self, place: str) -> None:
        self._shell.user_ns.update(self._places.get(place, {}))

    def _do_call(self, function: Function, arguments: tuple[object, ...], keywords: dict[str, Any] | None) -> object:
        return function(*arguments, **keywords or {})

    def _do_call_with_arguments(
        self, function: Function, arguments: tuple[object, ...], keywords: dict[str, Any] | None
    ) -> object:
        return function(*arguments, **keywords or {}), arguments

    def _do_inspected(
        self, function: Function, arguments: tuple[object, ...], keywords: dict[str, Any] | None
    ) -> object:
        """Call it, and return also the arguments as they are afterwards, and what the result shares memory with."""
        named = keywords or {}
        result = function(*arguments, **named)
        shared = shared_places(result, arguments, named, self._inspected)
        self._inspected = result
        return result, arguments, named, shared

    def _do_getattr(self, target: object, name: str) -> object:
        return getattr(target, name)

    def _do_setattr(self, target: object, name: str, value: object) -> None:
        setattr(target, name, value)

    def _do_getitem(self, target: Any, index: object) -> object:
        return target[index]

    def _do_setitem(self, target: Any, index: object, value: object) -> None:
        target[index] = value

    def _do_operator(self, name: str, *operands: object) -> object:
        return getattr(operator, name)(*operands)

    _do_reflected_operator = _do_operator

    def _do_len(self, target: Any) -> object:
        return len(target)

    def _do_iter(self, target: Any) -> object:
        return self._handle(iter(target))

    def _do_next(self, iterator: Any) -> object:
        try:
            return (True, next(iterator))
        except StopIteration:
            return (False, None)

    def _do_source(self, source: str, data: dict[str, object]) -> object:
        tree = ast.parse(source)
        scope = {**self._shell.user_ns, **data}
        last = tree.body.pop() if tree.body else ast.Pass()
        if not isinstance(last, ast.Expr):
            tree.body.append(last)
        exec(compile(tree, "<probe>", "exec"), scope)
        if not isinstance(last, ast.Expr):
            return None
        return eval(compile(ast.Expression(last.value), "<probe>", "eval"), scope)  # noqa: S307

    # ---- what is not data

    def _data_or_handle(self, value: object, room: Room) -> object:
        try:
            fits = room.takes(value)
            if fits and isinstance(value, list | tuple | dict | set | frozenset):
                self._codec.encode(value)
        except Exception:  # nested too deep, or in itself; or of a class that has its own way of being a container
            fits = False
        return value if fits else self._handle(value)

    def _handle(self, value: object) -> Ext:
        self._last += 1
        self._objects[self._last] = value
        try:
            name = getattr(value, "__name__", "")
        except Exception:  # a __getattr__ of the notebook's own
            name = ""
        own = name[:100] if isinstance(name, str) else ""
        return Ext(Leaf.HANDLE, handle(self._last, type(value).__name__[:100], own))

    def _export(self, value: object) -> Ext:
        return value if isinstance(value, Ext) else self._handle(value)

    def _resolve(self, code: int, payload: bytes) -> object:
        if code == Leaf.HANDLE:
            return self._objects[read_handle(payload)[0]]
        if code == Leaf.MODULE:
            from autograder.isolation.modules import rebuild  # loads torch

            return rebuild(self._codec.decode(payload))
        if code == Leaf.LAID:
            return laid(*self._codec.decode(payload))
        if code == Leaf.FUNCTION:
            return self._published(*self._codec.decode(payload))
        number, _, name = read_handle(payload)
        return self._callback(number, name)

    def _published(self, name: str, source: str, modules: dict[str, str]) -> object:
        """Return a function that is not secret, made here from its source among the notebook's names."""
        scope = {**self._shell.user_ns, **{key: importlib.import_module(value) for key, value in modules.items()}}
        if name == "<lambda>":
            return eval(compile(source, "<check>", "eval"), scope)  # noqa: S307
        exec(compile(source, "<check>", "exec"), scope)
        return scope[name]

    def _callback(self, number: int, name: str) -> Callable[..., object]:
        """Return a stand-in for a lent function; it answers while the call that brought it lasts."""

        self._lent.add(number)

        def function(*arguments: object, **keywords: object) -> object:
            if number not in self._lent:
                raise RuntimeError(f"`{name}` was handed to you for one call, and cannot be called after it")
            call = NUMBER.pack(number) + self._codec.encode([keywords or None, *arguments])
            self._channel.send(pack_frame(CALLBACK, self._sequence, call))
            while True:
                kind, sequence, body = unpack_frame(self._channel.receive())
                if kind == LENT:
                    self._answer_lent(sequence, body)
                    continue
                if kind == REQUEST:
                    self._answer(sequence, body)
                    continue
                value = self._codec.decode(body)
                if kind == ANSWER:
                    return value
                break
            raise getattr(builtins, value, RuntimeError)(f"the function you were given raised {value}")

        function.__name__ = function.__qualname__ = name
        return function


def run(confinement: Confinement, limits: Limits, folder: str, parent: int, shell: Any) -> None:
    """Serve one submission on descriptor 3. Never returns: the process ends here."""
    channel = Channel(_DESCRIPTOR, MAX_BYTES, patient=True)
    try:
        lock_down(confinement, limits, folder, parent)
    except BaseException as error:
        channel.send(_failure(f"{type(error).__name__}: {error}"))
        os._exit(71)
    try:
        if not limits.torch:
            hide_torch()
        random.seed(0)  # forking has seeded it from the clock
        Server(channel, shell).serve()
    except ChannelClosed:
        os._exit(0)
    finally:
        os._exit(72)


def _failure(text: str) -> bytes:
    def refuse(*_: object) -> Any:
        raise TypeError("only text is sent here")

    return pack_frame(FAILED, 0, Codec(refuse, refuse).encode(text))


def _beyond_this_file(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
