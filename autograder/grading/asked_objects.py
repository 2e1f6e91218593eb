"""Objects of a student's process as the tests of an adopted course see them.

Such tests were written for one process. Numbers, texts, lists and arrays reach them as data. An object of a class that
the instructor gave is rebuilt here, from its fields and by the instructor's own class. Any other object stays where it
is, behind an `AskedObject`, which asks for what a test wants to know of it.

The answers of the student's process are claims about its own object. They are believed where the test is about the
object: one that the test itself made of a class that the exercise asks for. An object that merely came back is never
asked whether it equals something, contains it, or is true: that would be asking the student for the points.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograder.grading.rebuilding import (
    FIELDS,
    LIBRARY,
    MOST_OBJECTS,
    REF,
    STANDARD,
    fields_of,
    has_handle,
    home_of,
    put_fields,
    take_over,
)
from autograder.isolation.failures import OpaqueValue, StudentError
from autograder.isolation.proxies import Handle, handle_owner, remote
from autograder.isolation.student_process import StudentProcess

__all__ = ["AskedObject", "Asking"]

_ASKED_DUNDERS = ("__name__", "__doc__", "__qualname__", "__dict__", "__module__", "__annotations__")
_CALL = """
import contextlib as _contextlib, io as _io
_text = _io.StringIO()
with _contextlib.redirect_stdout(_text):
    _result = _function(*_args, **_keywords)
(_result, _text.getvalue())
"""


class Asking:
    """The exchange between the tests of one submission and the student's process.

    Attributes:
        classes: the classes that the instructor gave, by name.
        asked: the questions that tests had to ask beyond calls that take and give data.
        prints: whether what calls print is to be printed here, where a test may look at it.
    """

    def __init__(self, classes: Mapping[str, type], process: Callable[[], StudentProcess]) -> None:
        self.classes = classes
        self.asked: set[str] = set()
        self.prints = False
        self._process = process

    # ---- from there

    def received(self, value: Any, *, made: bool = False) -> Any:
        """Return a test's view of a value that came from the student's process."""
        if type(value) is Handle:
            return self._received_object(value, made)
        if type(value) in (list, tuple, set, frozenset) and any(map(has_handle, value)):
            return type(value)([self.received(item) for item in value])
        if type(value) is dict and any(map(has_handle, value.values())):
            return {key: self.received(item) for key, item in value.items()}
        return value

    def _received_object(self, value: Handle, made: bool) -> Any:
        title = value._handle_title
        if title in self.classes or title in STANDARD:
            is_class = self.ask("isinstance(_value, type)", _value=value)
            if is_class is False and title in self.classes:
                self.asked.add(f"objects of the given class {title}")
                return self._rebuilt(value)
            if is_class is False:
                return self._standard(value, title)
        return AskedObject(self, value, made)

    def _standard(self, value: Handle, title: str) -> Any:
        source, make = STANDARD[title]
        try:
            return make(self.received(self.ask(source, _value=value)))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise OpaqueValue(f"{value!r} cannot be read as a {title} ({error})") from None

    def _rebuilt(self, value: Handle) -> Any:
        """Return an object of a given class, and all of given classes that it leads to, rebuilt from their fields."""
        match self.ask(FIELDS, _root=value, _names=list(self.classes), _most=MOST_OBJECTS):
            case (int(root), dict(table)) if root in table and len(table) <= MOST_OBJECTS + 1:
                return self._assembled(root, table)
        raise OpaqueValue(f"{value!r} has no fields that can be read")

    def _assembled(self, root: int, table: Mapping[Any, Any]) -> Any:
        objects: dict[Any, Any] = {}
        for number, row in table.items():
            match row:
                case (str(name), dict()) if name in self.classes:
                    objects[number] = object.__new__(self.classes[name])
                case _:
                    raise OpaqueValue("an object of a given class that is none")
        for number, (_, fields) in table.items():
            put_fields(objects[number], {str(key): self._part(item, objects) for key, item in fields.items()})
        return objects[root]

    def _part(self, value: Any, objects: Mapping[Any, Any]) -> Any:
        match value:
            case (str(mark), int(number)) if mark == REF and number in objects:
                return objects[number]
            case list() | set() | frozenset() | tuple():
                return type(value)([self._part(item, objects) for item in value])
            case dict():
                return {key: self._part(item, objects) for key, item in value.items()}
        return self.received(value)

    # ---- to there

    def sent(self, value: Any, seen: dict[int, Any] | None = None) -> Any:
        """Return the data that travels to the student's process for a value of a test's."""
        seen = {} if seen is None else seen
        kind = type(value)
        if kind is AskedObject:
            return value._handle
        if kind in (list, tuple, set, frozenset):
            return kind([self.sent(item, seen) for item in value])
        if kind is dict:
            return {self.sent(key, seen): self.sent(item, seen) for key, item in value.items()}
        if kind.__name__ in self.classes and self.classes[kind.__name__] is kind:
            return self._made_there(value, seen)
        if isinstance(value, type) and self.classes.get(value.__name__) is value:
            return self.ask(value.__name__)
        home = home_of(value)
        return self.ask(LIBRARY, **home) if home else value

    def _made_there(self, value: Any, seen: dict[int, Any]) -> Any:
        if id(value) in seen:
            return seen[id(value)]
        if len(seen) > MOST_OBJECTS:
            raise OpaqueValue(f"more than {MOST_OBJECTS} objects cannot be handed over")
        name = type(value).__name__
        self.asked.add(f"objects of the given class {name}")
        there = seen[id(value)] = self.ask(f"object.__new__({name})")
        fields = {key: self.sent(item, seen) for key, item in fields_of(value).items()}
        self.ask("[object.__setattr__(_object, _key, _item) for _key, _item in _fields.items()]; None",
                 _object=there, _fields=fields)  # fmt: skip
        return there

    def ask(self, source: str, **data: Any) -> Any:
        """Return what the grader's own ``source`` gives among the student's names: a claim."""
        return self._process().run_source(source, **data)

    def call(self, function: Handle, args: tuple[Any, ...], keywords: dict[str, Any], *, made: bool = False) -> Any:
        """Call the student's function. Changes that it made to its arguments are made here, too."""
        seen: dict[int, Any] = {}
        sent, named = self.sent(args, seen), self.sent(keywords, seen)
        try:
            if self.prints:
                result = self._call_printing(function, sent, named)
            elif any(type(each) in (list, dict, set, np.ndarray) for each in args):
                result, after = handle_owner(function).call_with_arguments(function, sent, named)
                for own, changed in zip(args, after, strict=False):
                    take_over(own, self.received(changed))
            else:
                result = function(*sent, **named)
        except StudentError as error:
            raise self._own_error(error) from error
        for each in args:
            if id(each) in seen and type(seen[id(each)]) is Handle and type(each) is not AskedObject:
                put_fields(each, fields_of(self._rebuilt(seen[id(each)])))
        return self.received(result, made=made)

    def _call_printing(self, function: Handle, args: Any, keywords: Any) -> Any:
        self.asked.add("what is printed")
        match self.ask(_CALL, _function=function, _args=args, _keywords=keywords):
            case (result, str(text)):
                sys.stdout.write(text)
                return result
        raise OpaqueValue("a call that gave nothing")

    def _own_error(self, error: StudentError) -> Exception:
        """Return an error of a class that the instructor gave as one of that class, so that a test can catch it."""
        given = self.classes.get(error.type_name)
        if given is None or not issubclass(given, Exception):
            return error
        made = given.__new__(given)
        made.args = (error.message,) if error.message else ()
        return made

    def truth(self, source: str, **data: Any) -> bool:
        """Return a yes or no that the student's process gives about its own objects."""
        answer = self.ask(source, **{key: self.sent(value) for key, value in data.items()})
        if type(answer) is not bool:
            raise OpaqueValue("an answer that is neither True nor False")
        return answer

    # ---- builtins that tests use of objects

    def builtins(self) -> dict[str, Any]:
        """Return the stand-ins for builtins that would look at the stand-in instead of the object."""
        return {"isinstance": self._isinstance, "issubclass": self._issubclass, "type": self._type,
                "callable": self._callable}  # fmt: skip

    def _isinstance(self, value: Any, kind: Any) -> bool:
        if isinstance(kind, tuple):
            return any(self._isinstance(value, each) for each in kind)
        if type(kind) is not AskedObject and kind == self._type:
            kind = type
        if type(value) is AskedObject and isinstance(kind, type):
            if self.classes.get(kind.__name__) is kind:
                return self.truth(f"isinstance(_value, {kind.__name__})", _value=value)
            if kind is object:
                return True
            raise OpaqueValue(f"{value!r} is not data, so whether it is a {kind.__name__} cannot be seen here")
        return isinstance(value, kind)

    def _issubclass(self, value: Any, kind: Any) -> bool:
        if type(value) is AskedObject:
            kind = kind if type(kind) is AskedObject else self.sent(kind)
            return self.truth("issubclass(_value, _kind)", _value=value, _kind=kind)
        return issubclass(value, kind)

    def _type(self, *args: Any) -> Any:
        if len(args) == 1 and type(args[0]) is AskedObject:
            return self.received(self.ask("type(_value)", _value=args[0]._handle), made=True)
        return type(*args)

    def _callable(self, value: Any) -> bool:
        return self.truth("callable(_value)", _value=value) if type(value) is AskedObject else callable(value)


class AskedObject:
    """An object of the student's, as a test sees it.

    Args:
        asking: the exchange with its process.
        handle: the object.
        made: whether it is a class that an exercise asks for, or was made from one by the test itself.
    """

    __slots__ = ("_asking", "_handle", "_made")
    _asking: Asking
    _handle: Handle
    _made: bool

    def __init__(self, asking: Asking, handle: Handle, made: bool) -> None:
        object.__setattr__(self, "_asking", asking)
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_made", made)

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Call the object. Raises StudentError with what the student's code raised."""
        return self._asking.call(self._handle, args, keywords, made=self._made)

    def __getattr__(self, name: str) -> Any:
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
