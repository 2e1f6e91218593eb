"""An object of a student's process as a test of an adopted course sees it: a stand-in that asks for what is wanted.

The rules of what is asked, and what is believed, stand in `autograder.grading.asked_objects`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from autograder.isolation.failures import OpaqueValue
from autograder.isolation.proxies import Handle, handle_owner, remote

__all__ = ["AskedObject"]

_ASKED_DUNDERS = ("__name__", "__doc__", "__qualname__", "__dict__", "__module__", "__annotations__")
_KINDS = {
    int(kind): kind
    for kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    )
}
_PARAMETERS = """
import inspect as _inspect
[
    (_each.name, int(_each.kind), [] if _each.default is _each.empty else [_each.default])
    for _each in _inspect.signature(_value).parameters.values()
]
"""


class Inspector(Protocol):
    """What looks at objects of the student's process, as `autograder.grading.asked_objects.Asking` is one."""

    asked: set[str]

    def ask(self, source: str, **data: Any) -> Any:
        """Return what the grader's own ``source`` gives among the student's names."""

    def received(self, value: Any, *, made: bool = False) -> Any:
        """Return a test's view of a value that came from the student's process."""

    def sent(self, value: Any, seen: dict[int, Any] | None = None) -> Any:
        """Return the data that travels to the student's process for a value of a test's."""

    def call(self, function: Handle, args: tuple[Any, ...], keywords: dict[str, Any], *, made: bool = False) -> Any:
        """Call the student's function."""

    def truth(self, source: str, **data: Any) -> bool:
        """Return a yes or no that the student's process gives about its own objects."""


class AskedObject:
    """An object of the student's, as a test sees it.

    Args:
        asking: the exchange with its process.
        handle: the object.
        made: whether it is a class that an exercise asks for, or was made from one by the test itself.
    """

    __slots__ = ("_asking", "_handle", "_made")
    _asking: Inspector
    _handle: Handle
    _made: bool

    def __init__(self, asking: Inspector, handle: Handle, made: bool) -> None:
        object.__setattr__(self, "_asking", asking)
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_made", made)

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Call the object. Raises StudentError with what the student's code raised."""
        return self._asking.call(self._handle, args, keywords, made=self._made)

    def __getattr__(self, name: str) -> Any:
        if name == "__signature__":
            return self._signature()
        if name.startswith("__") and name.endswith("__") and name not in _ASKED_DUNDERS:
            raise AttributeError(name)
        self._note()
        return self._asking.received(handle_owner(self._handle).ask("getattr", self._handle, name))

    def __setattr__(self, name: str, value: Any) -> None:
        self._note()
        handle_owner(self._handle).ask("setattr", self._handle, name, (self._asking.sent(value),))

    def __getitem__(self, index: Any) -> Any:
        self._note()
        return self._asking.received(self._handle[self._asking.sent(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._note()
        self._handle[self._asking.sent(index)] = self._asking.sent(value)

    def __delitem__(self, index: Any) -> None:
        self._note()
        self._asking.ask("_value.__delitem__(_index)", _value=self._handle, _index=self._asking.sent(index))

    def __len__(self) -> int:
        self._note()
        return len(self._handle)

    def __iter__(self) -> Iterator[Any]:
        self._note()
        return (self._asking.received(item) for item in self._handle)

    def __next__(self) -> Any:
        self._note()
        return self._asking.received(next(self._handle))

    def __repr__(self) -> str:
        return self._text("repr") if self._made else repr(self._handle)

    def __str__(self) -> str:
        return self._text("str")

    def __bool__(self) -> bool:
        return self._judged("bool(_value)", _value=self)

    def __contains__(self, item: Any) -> bool:
        return self._judged("bool(_item in _value)", _value=self, _item=item)

    def __instancecheck__(self, value: Any) -> bool:
        self._note()
        return type(value) is AskedObject and self._asking.truth("isinstance(_value, _kind)", _value=value, _kind=self)

    def __dir__(self) -> list[str]:
        self._note()
        names = self._asking.ask("[str(_name) for _name in dir(_value)]", _value=self._handle)
        if type(names) is not list:
            raise OpaqueValue(f"{self._handle!r} has no list of names")
        return names

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __hash__(self) -> int:
        return int(self._number("hash"))

    def __enter__(self) -> Any:
        self._note()
        return self._asking.received(self._asking.ask("_value.__enter__()", _value=self._handle), made=self._made)

    def __exit__(self, *_: object) -> None:
        self._asking.ask("_value.__exit__(None, None, None)", _value=self._handle)

    def _signature(self) -> inspect.Signature:
        """Return the names, kinds and defaults of the parameters that the object says it has."""
        self._note()
        try:
            rows = self._asking.received(self._asking.ask(_PARAMETERS, _value=self._handle))
            parameters = [
                inspect.Parameter(name, _KINDS[kind], default=default[0] if default else inspect.Parameter.empty)
                for name, kind, default in rows
            ]
            return inspect.Signature(parameters)
        except (TypeError, ValueError, LookupError) as error:
            raise AttributeError("__signature__") from error

    def _note(self) -> None:
        self._asking.asked.add("objects of the student's")

    def _text(self, how: str) -> str:
        self._note()
        text = self._asking.ask(f"{how}(_value)", _value=self._handle)
        if type(text) is not str:
            raise OpaqueValue(f"{self._handle!r} has no text")
        return text

    def _number(self, how: str) -> Any:
        self._note()
        number = self._asking.ask(f"{how}(_value)", _value=self._handle)
        if type(number) not in (int, float):
            raise OpaqueValue(f"{self._handle!r} is not a number")
        return number

    def _judged(self, source: str, **data: Any) -> bool:
        """Return an answer of the student's process, where the object is what the test is about."""
        self._note()
        if not any(type(each) is AskedObject and each._made for each in data.values()):
            raise OpaqueValue(f"{self._handle!r} is not data: a number, an array, a string, a list or a dictionary")
        return self._asking.truth(source, **data)


def _comparison(sign: str) -> Callable[[AskedObject, Any], bool]:
    def compare(self: AskedObject, other: Any) -> bool:
        if other is None and sign in ("==", "!="):
            return sign == "!="
        if type(other) is AskedObject and _same_name(self, other):
            return sign in ("==", "<=", ">=")
        return self._judged(f"bool(_value {sign} _other)", _value=self, _other=other)

    return compare


def _same_name(one: AskedObject, other: AskedObject) -> bool:
    """Return whether both are the same thing, reached by one name of the notebook: then no question is needed."""
    first, second = remote(one._handle), remote(other._handle)
    return one._handle is other._handle or (
        first is not None and second is not None and isinstance(first.target, str) and first.target == second.target
    )


def _operator(name: str, *, reflected: bool = False) -> Callable[[AskedObject, Any], Any]:
    def operate(self: AskedObject, other: Any) -> Any:
        self._note()
        sent = self._asking.sent(other)
        operands = (sent, self._handle) if reflected else (self._handle, sent)
        source = f"__import__('operator').{name}(_one, _other)"
        result = self._asking.ask(source, _one=operands[0], _other=operands[1])
        both = self._made or (type(other) is AskedObject and other._made)
        return self._asking.received(result, made=both)

    return operate


def _unary(name: str) -> Callable[[AskedObject], Any]:
    def operate(self: AskedObject) -> Any:
        self._note()
        result = self._asking.ask(f"__import__('operator').{name}(_one)", _one=self._handle)
        return self._asking.received(result, made=self._made)

    return operate


for _name, _sign in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(AskedObject, f"__{_name}__", _comparison(_sign))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    _word = f"{_name}_" if _name in ("and", "or") else _name
    setattr(AskedObject, f"__{_name}__", _operator(_word))
    setattr(AskedObject, f"__r{_name}__", _operator(_word, reflected=True))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(AskedObject, f"__{_name}__", _unary(_name))
AskedObject.__array_ufunc__ = None  # type: ignore[attr-defined]
