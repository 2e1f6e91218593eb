"""Handles on objects of the student's process, as the trusted process sees them.

A handle can be called, indexed, iterated and asked for attributes; each goes over the wire and gives data or
another handle. It never answers a comparison, a truth value or a conversion to an array or number: the
answer would be the student's to give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

from autograder.isolation.call_log import Remote
from autograder.isolation.failures import OpaqueValue

__all__ = ["Handle", "HandleOwner", "call_with_arguments", "handle_number", "handle_owner", "name_handle", "remote"]

MAX_ITEMS = 10_000
_REMOTE_DUNDERS = ("__name__", "__doc__", "__qualname__")


class HandleOwner(Protocol):
    """The process in which a handle's object lives: a `StudentProcess`, which this module need not know.

    Attributes:
        case: the kind of input that is being tried, for the transcript.
    """

    case: str

    def ask(self, op: str, target: Handle, detail: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Perform one operation on the object."""

    def call_with_arguments(
        self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Call the object and return (result, the positional arguments as they are after the call)."""

    def inspect(self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Call it; return (result, arguments, keyword arguments, what the result shares memory with) after the call."""

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
