"""Handles on objects of the student's process, and the record of calls to them.

A handle can be called, indexed, iterated and asked for attributes; each goes over the wire and gives data or another
handle. It never answers a comparison, a truth value or a conversion to an array or number: the answer would be the
student's to give.

Calls to a student's code are recorded with their results, to be replayed against other implementations.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol

import numpy as np

from autograder.isolation.codec import Codec
from autograder.isolation.failures import OpaqueValue
from autograder.isolation.leaves import ProtocolError, read_handle
from autograder.lab.arrays import loaded_torch
from autograder.lab.calling import names_word

__all__ = [
    "Answered",
    "Asked",
    "Handle",
    "HandleOwner",
    "RecordedCall",
    "Remote",
    "call_with_arguments",
    "deep_copy",
    "handle_number",
    "handle_owner",
    "name_handle",
    "record_value",
    "remote",
]

_IMMUTABLE = {type(None), bool, int, float, complex, str, bytes}


def deep_copy(value: Any) -> Any:
    """Return a deep copy; of numbers, texts and arrays many times as fast as copy.deepcopy."""
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind is np.ndarray and not value.dtype.hasobject:
        return value.copy(order="K")
    return copy.deepcopy(value)


# ---- the record of calls


@dataclass(frozen=True, slots=True)
class Remote:
    """A stand-in for an object of the student's process: its name, or the number that its first mention gave it."""

    target: str | int


def _refuse(_: object) -> NoReturn:
    raise TypeError("this codec only reads")


_CALLS = {"call", "call_with_arguments", "inspected"}
_READER = Codec(_refuse, lambda _, payload: Remote(read_handle(payload)[0]))


class RecordedCall:
    """One question and its answer.

    It is copied only where somebody looks at it: of a question that went through, the bytes that were sent and received
    are kept, which nobody can change any more, and read when they are needed. Of most submissions they never are.

    Attributes:
        op: "call", "call_with_arguments", "inspected", "getattr", "setattr", "getitem", "setitem", "operator",
            "reflected_operator", "len", "iter" or "next".
        target: the object that was asked, as in `Remote.target`.
        detail: the name of the attribute or operator.
        args, kwargs: deep copies of what was sent; objects are `Remote`, functions stay themselves.
        result: data, a `Remote`, or for "call_with_arguments" (result, arguments after the call), for
            "inspected" also keyword arguments and what shares memory. For "next" it is the item, and None at the end.
        error: the name of the class that was raised, or "".
        case: the kind of input, as the check describes it.
    """

    __slots__ = (
        "_answer", "_args", "_kwargs", "_question", "_result", "case", "detail", "error", "op", "target",
    )  # fmt: skip

    def __init__(
        self,
        op: str,
        target: str | int,
        detail: str = "",
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        result: Any = None,
        error: str = "",
        case: str = "",
    ) -> None:
        self.op = op
        self.target = target
        self.detail = detail
        self.error = error
        self.case = case
        self._args = args
        self._kwargs = kwargs or {}
        self._result = result
        self._question: bytes | None = None
        self._answer: memoryview | None = None

    @classmethod
    def of(cls, target: Remote | None, op: str, detail: str, case: str) -> RecordedCall:
        """Return the record of a question that is about to be asked."""
        return cls(op, target.target if target else "", detail, case=case)

    def __repr__(self) -> str:
        return f"<{self.op} of {self.target!r} {self.detail} with {self.args!r}, {self.kwargs!r}>"

    def keep_question(self, question: bytes) -> None:
        """Keep a question that holds nothing but data, as `Connection.request` sends it, if it is a call."""
        if self.op in _CALLS:
            self._question = question

    @property
    def holds_question(self) -> bool:
        """True if the question is kept."""
        return self._question is not None

    def keep_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep these copies of what was sent: the question holds more than data."""
        self._args, self._kwargs = args, kwargs

    def keep_answer(self, answer: memoryview) -> None:
        """Keep an answer as it came."""
        self._answer = answer

    @property
    def args(self) -> tuple[Any, ...]:
        """What was sent, by position."""
        self._read_question()
        return self._args

    @property
    def kwargs(self) -> dict[str, Any]:
        """What was sent, by name."""
        self._read_question()
        return self._kwargs

    @property
    def result(self) -> Any:
        """What came back."""
        answer, self._answer = self._answer, None
        if answer is not None:
            value = _READER.decode(answer)
            self._result = value[1] if self.op == "next" and type(value) is tuple and len(value) == 2 else value
        return self._result

    @property
    def tells_arguments(self) -> bool:
        """True if the result is a tuple: what was returned, the arguments after the call, and perhaps more."""
        return self.op in ("call_with_arguments", "inspected")

    def _read_question(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            with suppress(ProtocolError):  # too much for the other side, too, which has ended of it
                _, _, _, self._args, named = _READER.decode(question)
                self._kwargs = named or {}


def record_value(value: Any, remote: Callable[[Any], Remote | None]) -> Any:
    """Return a deep copy in which objects of the student's process are replaced by `Remote`."""
    found = remote(value)
    if found is not None:
        return found
    kind = type(value)
    if kind is dict:
        return {record_value(key, remote): record_value(item, remote) for key, item in value.items()}
    if kind in (list, tuple, set, frozenset):
        return kind([record_value(item, remote) for item in value])
    if isinstance(value, np.ndarray | np.random.Generator):
        return deep_copy(value)
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if torch is not None and isinstance(value, torch.nn.Module):
        return deep_copy(value)
    return value


# ---- handles

MAX_ITEMS = 10_000
_REMOTE_DUNDERS = ("__name__", "__doc__", "__qualname__")


class Asked(NamedTuple):
    """A question whose answer no other question waits for.

    Attributes:
        op: "call" or "inspected".
        function: the function that is called.
        args, kwargs: its arguments.
        case: the kind of input, for the transcript.
        wants_text: whether somebody will ask what words an error has in its text.
    """

    op: str
    function: Handle
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    case: str
    wants_text: bool = False


class Answered(NamedTuple):
    """The answer to a question: what the function returned, or the error that it raised, and that one's text."""

    returned: Any
    error: Exception | None = None
    text: str = ""

    def value(self) -> Any:
        """Return what the function returned, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.returned

    def names(self, word: str) -> bool:
        """Return whether the error's text has this word in it."""
        return names_word(self.text, word)


class HandleOwner(Protocol):
    """The process in which a handle's object lives: a `StudentProcess`, which this module need not know.

    Attributes:
        case: the kind of input that is being tried, for the transcript.
        quiet: whether no text of the student's code is passed on.
    """

    case: str
    quiet: bool

    def ask(self, op: str, target: Handle, detail: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Perform one operation on the object."""

    def call_with_arguments(
        self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Call the object and return (result, the positional arguments as they are after the call)."""

    def inspect(self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Call it; return (result, arguments, keyword arguments, what the result shares memory with) after the call."""

    def ask_together(self, questions: Iterable[Asked]) -> Generator[Answered, None, None]:
        """Ask questions many at a time, and yield the answers in order."""

    def release(self, number: int) -> None:
        """Forget the object: nobody holds its handle any more."""

    @property
    def processor_seconds(self) -> float:
        """The processor time of the process so far, all of its threads together, in seconds."""


class Handle:
    """An object that stayed in the student's process. Made by `StudentProcess`, never directly."""

    __slots__ = ("__weakref__", "_handle_number", "_handle_target", "_handle_title", "_handle_worker")
    _handle_worker: HandleOwner
    _handle_number: int
    _handle_title: str
    _handle_target: str | int

    def __init__(self, worker: HandleOwner, number: int, title: str) -> None:
        object.__setattr__(self, "_handle_worker", worker)
        object.__setattr__(self, "_handle_number", number)
        object.__setattr__(self, "_handle_title", title)
        object.__setattr__(self, "_handle_target", number)

    def __del__(self) -> None:
        self._handle_worker.release(self._handle_number)

    def __repr__(self) -> str:
        return f"<student's {self._handle_title}>"

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the object. Raises StudentError with what the student's code raised."""
        return self._handle_worker.ask("call", self, args=args, kwargs=kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in _REMOTE_DUNDERS:
            raise AttributeError(name)
        return self._handle_worker.ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._handle_worker.ask("setattr", self, name, (value,))

    def __getitem__(self, index: Any) -> Any:
        return self._handle_worker.ask("getitem", self, args=(index,))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._handle_worker.ask("setitem", self, args=(index, value))

    def __len__(self) -> int:
        length = self._handle_worker.ask("len", self)
        if type(length) is not int or not 0 <= length < 1 << 31:
            raise OpaqueValue(f"{self!r} gave no proper length")
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._handle_worker.ask("iter", self)
        if not isinstance(iterator, Handle):
            raise OpaqueValue(f"{self!r} gave no iterator")
        for _ in range(MAX_ITEMS):
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item
        raise OpaqueValue(f"{self!r} did not stop after {MAX_ITEMS} items")

    def __next__(self) -> Any:
        step = self._handle_worker.ask("next", self)
        if type(step) is not tuple or len(step) != 2 or type(step[0]) is not bool:
            raise OpaqueValue(f"{self!r} is not an iterator")
        if not step[0]:
            raise StopIteration
        return step[1]

    def _handle_refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise OpaqueValue(f"{self!r} is not data: a number, an array, a string, a list, a tuple or a dictionary")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _handle_refuse
    __array__ = __float__ = __int__ = __index__ = __complex__ = _handle_refuse
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = _handle_refuse
    __hash__ = object.__hash__
    __array_ufunc__ = None  # numpy then leaves `array * handle` to the handle


def _operator(name: str) -> Callable[[Handle, Any], Any]:
    return lambda self, other: self._handle_worker.ask("operator", self, name, (other,))


def _reflected(name: str) -> Callable[[Handle, Any], Any]:
    return lambda self, other: self._handle_worker.ask("reflected_operator", self, name, (other,))


def _unary(name: str) -> Callable[[Handle], Any]:
    return lambda self: self._handle_worker.ask("operator", self, name)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Handle, f"__{_name}__", _operator(_name))
    setattr(Handle, f"__r{_name}__", _reflected(_name))
for _name in ("neg", "abs"):
    setattr(Handle, f"__{_name}__", _unary(_name))


def call_with_arguments(function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
    """Call a handle and return (result, the positional arguments as they are after the call).

    The arguments come back from the student's process: a claim, good for telling a student, never for points
    that honest code would not get.
    """
    return handle_owner(function).call_with_arguments(function, args, kwargs)


def handle_owner(handle: Handle) -> HandleOwner:
    """Return the process in which the object lives."""
    return handle._handle_worker


def handle_number(handle: Handle) -> int:
    """Return the object's number on the wire."""
    return handle._handle_number


def name_handle(handle: Handle, name: str) -> None:
    """Note that the handle was reached by a name of the notebook."""
    object.__setattr__(handle, "_handle_target", name)


def remote(value: Any) -> Remote | None:
    """Return what stands for a handle in a transcript; None for anything else."""
    return Remote(value._handle_target) if type(value) is Handle else None
