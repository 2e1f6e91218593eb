"""The functions of the trusted side that a student's code may call: they run in a process of their own.

A check may hand a function to the student's code, which then decides what it is called with. So it is called neither
here, where hidden inputs and solutions lie, nor there, where it could be read: it travels, with the data that it
needs, to a third process. That one is confined as a student's is, runs none of a student's code, has limits of memory
and time, and knows nothing but the functions that were lent. A list that one of them appends to there is a copy.
"""

from __future__ import annotations

import builtins
import dis
import marshal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

import numpy as np

from autograder.errors import AuthoringError, MachineryError
from autograder.isolation.failures import StudentError, WorkerLost
from autograder.isolation.guest.borrowed import data_codec, is_plain, read_call
from autograder.isolation.limits import MIB, Allowance, Limits, StudentUsage
from autograder.isolation.proxies import Handle
from autograder.lab.arrays import loaded_torch

__all__ = ["LENT_BYTES", "Lender", "Lends", "Packed", "Refused", "Unlendable", "lendable", "packed"]

LENT_BYTES = 8 * MIB
"""The largest call of a lent function, in bytes on the wire."""

_CALL_SECONDS = 5.0
_LIMITS = Limits(
    cpu_seconds=600.0,
    wall_seconds=3600.0,
    memory_bytes=512 * MIB,
    message_bytes=16 * MIB,
    total_bytes=512 * MIB,
    call_seconds=_CALL_SECONDS,
    course_data=False,
    own_files=False,
)
_MODULES = ("autograder.lab", "math", "numpy", "scipy", "torch")
_VARIADIC = 0x04 | 0x08  # CO_VARARGS, CO_VARKEYWORDS


class Unlendable(AuthoringError):
    """A function handed over by a check that must not leave the grader; the message names it and a substitute."""


class Refused(Exception):
    """A call that is not answered; the text is the name of the builtin error that the student's code meets."""


def lendable(function: object) -> FunctionType:
    """Return ``function`` itself if it may be lent: written in Python, with a fixed list of parameters.

    Raises:
        Unlendable: names what is wrong, and what to lend instead.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    if type(function) is not FunctionType:
        raise Unlendable(
            f"`{name}` cannot be handed to a student's code: it takes more than its parameters show."
            f" Hand over a function of your own, such as `lambda x: {name}(x)`."
        )
    if (function.__module__ or "").split(".")[0] in ("numpy", "scipy", "torch"):
        raise Unlendable(
            f"`{name}` of {function.__module__} cannot be handed to a student's code bare."
            f" Hand over a function of your own, such as `lambda x: {name}(x)`."
        )
    if function.__code__.co_flags & _VARIADIC or function.__kwdefaults__:
        raise Unlendable(
            f"`{name}` cannot be handed to a student's code: it takes any number of arguments, or named ones."
            " Give it a fixed list of parameters."
        )
    return function


Answering = Callable[[memoryview, float], "bytes | memoryview"]
"""A function from a call as it came in, and a deadline, to the encoded result. Raises Refused."""


class Lends(Protocol):
    """A runner of the functions that a connection lends."""

    def lend(self, function: object) -> Answering:
        """Return what answers calls of ``function``. Raises Unlendable."""

    def close(self) -> float:
        """Close down, and return the processor time that was used, in seconds."""


class _OfStudent:
    """An object of the student's own that a lent function needs: it stays where it is, and is asked from there."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle

    def __call__(self) -> None:
        """Do nothing: it only has to be callable, so that it is lent."""


class _Back:
    """A lender, to the third process, of what a lent function needs of the student's, in place of a `Lender`."""

    def __init__(self) -> None:
        self._codec = data_codec(Allowance())

    def lend(self, function: object) -> Answering:
        """Return a function that asks the student's object. Raises Unlendable for anything else."""
        if type(function) is not _OfStudent:
            raise Unlendable(f"a {type(function).__name__} cannot be handed to a student's code.")
        codec = self._codec

        def ask(call: memoryview, deadline: float) -> bytes:
            try:
                arguments = read_call(codec, call)
            except TypeError:
                raise Refused("TypeError") from None
            try:
                return codec.encode(function.handle(*arguments))
            except WorkerLost:
                raise
            except StudentError as error:
                raise Refused(error.type_name) from None

        return ask

    def close(self) -> float:
        """Do nothing: there is no process to end."""
        return 0.0


class Borrower(Protocol):
    """A process in which lent functions run: a `StudentProcess`, which this module need not know."""

    quiet: bool
    deadline: float | None

    def pass_on(self, number: int, oldest: int, description: list[Any] | None, call: memoryview) -> memoryview:
        """Pass on a call, unread, and return its answer."""

    def close(self) -> StudentUsage:
        """End the process, and return what it used."""


class Spawns(Protocol):
    """A maker of such processes: a `Sandbox`, which this module need not know."""

    def spawn(self, limits: Limits, *, lender: Lends | None = None) -> Borrower:
        """Return a new confined process."""


class Lender:
    """The process in which one submission's lent functions run; made when the first of them is called.

    Args:
        sandbox: the sandbox of the process.
        torch: whether torch is there; as for the student's process, since calls may hold its tensors.
    """

    def __init__(self, sandbox: Spawns, torch: bool = True) -> None:
        self._sandbox = sandbox
        self._limits = replace(_LIMITS, torch=torch)
        self._worker: Borrower | None = None
        self._spent = False
        self._count = 0
        self._lent: WeakValueDictionary[int, _Lent] = WeakValueDictionary()

    def lend(self, function: object) -> Answering:
        """Return what answers calls of ``function``. Raises Unlendable."""
        description = packed(lendable(function))
        self._count += 1
        lent = self._lent[self._count] = _Lent(self._count, description, self._called)
        return lent

    def _called(self, lent: _Lent, call: memoryview, deadline: float) -> memoryview:
        """Return the answer. Raises Refused for a call that failed, took too long or too much memory."""
        if self._spent:
            raise Refused("RuntimeError")
        if self._worker is None:
            self._worker = self._sandbox.spawn(self._limits, lender=_Back())
            self._worker.quiet = True
        self._worker.deadline = min(deadline, time.monotonic() + _CALL_SECONDS)
        news = lent.news()
        oldest = 0 if news is None else min(self._lent, default=0)
        try:
            return self._worker.pass_on(lent.number, oldest, news, call)
        except WorkerLost as lost:
            self._spent = True
            raise Refused("TimeoutError" if lost.reason == "timeout" else "MemoryError") from None
        except StudentError as error:
            raise Refused(error.type_name) from None
        finally:
            self._worker.deadline = None

    def close(self) -> float:
        """End the process. Return the processor time that it used, in seconds."""
        worker, self._worker, self._spent = self._worker, None, True
        if worker is None:
            return 0.0
        try:
            return worker.close().cpu_seconds
        except MachineryError:
            return 0.0


class _Lent:
    """A function that is lent."""

    def __init__(
        self, number: int, description: Packed, call: Callable[[_Lent, memoryview, float], memoryview]
    ) -> None:
        self.number = number
        self._description = description
        self._call = call
        self._known = False

    def news(self) -> list[Any] | None:
        """Return its description, once; each time if it asks the student's objects, lent for one question only."""
        if self._known and not self._description.asks:
            return None
        self._known = True
        return self._description.functions

    def __call__(self, call: memoryview, deadline: float) -> memoryview:
        return self._call(self, call, deadline)


def packed(function: FunctionType) -> Packed:
    """Return ``function`` and every function that it needs, in this order, as plain data for `guest.borrowed`.

    Each is [name, code, defaults, closure, globals]. What a function refers to is read now: later changes stay here.

    Raises:
        Unlendable: it needs something that cannot travel; the message names it.
    """
    packer = _Packer(function)
    return Packed(packer.functions, packer.asks)


class Packed(NamedTuple):
    """Functions as data, and whether they ask objects of the student's."""

    functions: list[Any]
    asks: bool


class _Packer:
    def __init__(self, function: FunctionType) -> None:
        self.functions: list[Any] = []
        self.asks = False
        self._numbers: dict[int, int] = {}
        self._name = function.__name__
        self._add(function)

    def _add(self, function: FunctionType) -> int:
        if id(function) in self._numbers:
            return self._numbers[id(function)]
        number = self._numbers[id(function)] = len(self.functions)
        self.functions.append(None)
        code, attributes = function.__code__, _attributes(function.__code__)
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        self.functions[number] = [
            function.__name__,
            _dumped(code),
            [self._value("a default", value, attributes) for value in function.__defaults__ or ()],
            [self._value(name, cell.cell_contents, attributes) for name, cell in cells],
            dict(self._globals(function, attributes)),
        ]
        return number

    def _globals(self, function: FunctionType, attributes: frozenset[str]) -> Iterator[tuple[str, Any]]:
        for name in _globals_of(function.__code__):
            if name in function.__globals__:
                yield name, self._value(name, function.__globals__[name], attributes)

    def _value(self, name: str, value: object, attributes: frozenset[str]) -> list[Any]:
        if isinstance(value, ModuleType) and value.__name__.startswith(_MODULES):
            return ["module", value.__name__]
        if isinstance(value, SimpleNamespace):  # Of `solution`, only what this function uses.
            parts = {key: item for key, item in vars(value).items() if key in attributes}
            return ["names", {key: self._value(key, item, attributes) for key, item in parts.items()}]
        home = _home(value)
        if home:
            return ["import", *home]
        if type(value) is FunctionType:
            return ["function", self._add(value)]
        value = self._with_questions(value)
        if isinstance(value, (np.random.Generator, _OfStudent)) or _is_layer(value) or _is_data_or_kind(value):
            return ["data", value]
        raise Unlendable(
            f"`{self._name}` cannot be handed to a student's code: it needs `{name}`, a {type(value).__name__},"
            " which cannot leave the grader. Let it need nothing but numbers, arrays, layers and functions of yours."
        )

    def _with_questions(self, value: Any) -> Any:
        """Return the value with every object of the student's in it replaced by what asks it."""
        if type(value) is Handle:
            self.asks = True
            return _OfStudent(value)
        if type(value) in (list, tuple):
            return type(value)([self._with_questions(item) for item in value])
        if type(value) is dict:
            return {key: self._with_questions(item) for key, item in value.items()}
        return value


def _is_data_or_kind(value: object) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data_or_kind, value))
    if isinstance(value, dict):
        return all(_is_data_or_kind(key) and _is_data_or_kind(item) for key, item in value.items())
    torch = loaded_torch()
    kinds = (_OfStudent, np.dtype, slice, range, *([torch.dtype] if torch is not None else []))
    return is_plain(value) or isinstance(value, kinds)


def _is_layer(value: object) -> bool:
    torch = loaded_torch()
    return torch is not None and isinstance(value, torch.nn.Module)


def _home(value: object) -> tuple[str, str] | None:
    """Return (module, name) of a function or class that any process can import for itself, or None."""
    if not isinstance(value, type | FunctionType | BuiltinFunctionType | np.ufunc):
        return None
    name = getattr(value, "__name__", "")
    modules = (getattr(value, "__module__", None) or "", "numpy", "torch", "torch.nn.functional", "builtins")
    for module in modules:
        if module.startswith((*_MODULES, "builtins")) and getattr(_module(module), name, None) is value:
            return module, name
    return None


def _module(name: str) -> object:
    """Return the module; None for torch where nothing has loaded it, since then nothing comes from it."""
    import importlib

    if name.split(".")[0] == "torch" and loaded_torch() is None:
        return None
    return builtins if name == "builtins" else importlib.import_module(name)


def _loaded(code: CodeType) -> Iterator[str]:
    """Yield every global name that the code, or code within it, reads."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


@lru_cache(maxsize=1024)
def _globals_of(code: CodeType) -> tuple[str, ...]:
    return tuple(sorted(set(_loaded(code))))


@lru_cache(maxsize=1024)
def _dumped(code: CodeType) -> bytes:
    return marshal.dumps(code)


@lru_cache(maxsize=1024)
def _attributes(code: CodeType) -> frozenset[str]:
    """Return every attribute that the code, or code within it, may read."""
    inner = [_attributes(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)
