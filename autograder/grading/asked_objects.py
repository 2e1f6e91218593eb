"""Objects of a student's process as the tests of an adopted course see them.

Such tests were written for one process. Numbers, texts, lists and arrays reach them as data. An object of a class that
the instructor gave is rebuilt here, from its fields and by the instructor's own class. Any other object stays where it
is, behind an `AskedObject`, which asks for what a test wants to know of it.

The answers of the student's process are claims about its own object. They are believed where the test is about the
object: one that the test itself made of a class that the exercise asks for. An object that merely came back is never
asked whether it equals something, contains it, or is true: that would be asking the student for the points.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.grading import tables
from autograder.grading.rebuilding import (
    FIELDS,
    LIBRARY,
    MEMBER,
    MOST_OBJECTS,
    REF,
    STANDARD,
    fields_of,
    has_handle,
    home_of,
    put_fields,
    take_over,
)
from autograder.grading.stand_in import AskedObject
from autograder.isolation.failures import OpaqueValue, StudentError
from autograder.isolation.proxies import Handle, handle_owner
from autograder.isolation.student_process import StudentProcess

__all__ = ["Asking"]

_CALL = """
import contextlib as _contextlib, io as _io
_text = _io.StringIO()
with _contextlib.redirect_stdout(_text):
    _result = _function(*_args, **_keywords)
(_result, _text.getvalue())
"""
_SEEDS = ("random.seed", "numpy.random.seed", "torch.manual_seed")
_TABLES = Path(tables.__file__).read_text(encoding="utf-8")


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
        self._sent: list[tuple[Any, Handle]] = []  # what went along with the call that is answered now

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
        if title in tables.KINDS and self._is_table(value):
            return self._table(value)
        if title in self.classes or title in STANDARD:
            is_class = self.ask("isinstance(_value, type)", _value=value)
            if is_class is False and title in self.classes:
                self.asked.add(f"objects of the given class {title}")
                return self._rebuilt(value)
            if is_class is False:
                return self._standard(value, title)
        return AskedObject(self, value, made)

    def _is_table(self, value: Handle) -> bool:
        return self.ask(f"{_TABLES}\nis_table(_value)", _value=value) is True

    def _table(self, value: Handle) -> Any:
        """Return a table of pandas made here from what the student's process tells of its own."""
        self.asked.add("tables")
        try:
            return tables.unpacked(self.received(self.ask(f"{_TABLES}\npacked(_value)", _value=value)))
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise OpaqueValue(f"{value!r} cannot be read as a table ({error})") from None

    def _standard(self, value: Handle, title: str) -> Any:
        source, make = STANDARD[title]
        try:
            return make(self.received(self.ask(source, _value=value)))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise OpaqueValue(f"{value!r} cannot be read as a {title} ({error})") from None

    def _rebuilt(self, value: Handle) -> Any:
        """Return an object of a given class, and all of given classes that it leads to, rebuilt from their fields."""
        sent = [handle for _, handle in self._sent]
        match self.ask(FIELDS, _root=value, _names=list(self.classes), _most=MOST_OBJECTS, _sent=sent):
            case (int(root), dict(table), list(ids)) if root in table and len(table) <= MOST_OBJECTS + 1:
                own = {number: value for number, (value, _) in zip(ids, self._sent, strict=False)}
                return self._assembled(root, table, own)
        raise OpaqueValue(f"{value!r} has no fields that can be read")

    def _assembled(self, root: int, table: Mapping[Any, Any], own: Mapping[Any, Any]) -> Any:
        """Return the object; one that a test handed over, and that came back, is the test's own again."""
        objects: dict[Any, Any] = {}
        for number, row in table.items():
            match row:
                case (str(name), dict(fields)) if name in self.classes:
                    kind = self.classes[name]
                    objects[number] = own[number] if type(own.get(number)) is kind else _new(kind, fields)
                case _:
                    raise OpaqueValue("an object of a given class that is none")
        for number, (_, fields) in table.items():
            rest = {str(key): self._part(item, objects) for key, item in fields.items() if key != MEMBER}
            put_fields(objects[number], rest)
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
        if tables.is_table(value):
            return self.ask(f"{_TABLES}\nunpacked(_data)", _data=self.sent(tables.packed(value), seen))
        home = home_of(value)
        return self.ask(LIBRARY, **home) if home else value

    def _made_there(self, value: Any, seen: dict[int, Any]) -> Any:
        if id(value) in seen:
            return seen[id(value)]
        if len(seen) > MOST_OBJECTS:
            raise OpaqueValue(f"more than {MOST_OBJECTS} objects cannot be handed over")
        name = type(value).__name__
        self.asked.add(f"objects of the given class {name}")
        if isinstance(value, enum.Enum):
            there = seen[id(value)] = self.ask(f"{name}[_name]", _name=value.name)
            return there
        there = seen[id(value)] = self.ask(f"object.__new__({name})")
        self._sent.append((value, there))
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
        self._sent = []
        sent, named = self.sent(args, seen), self.sent(keywords, seen)
        try:
            if self.prints:
                result = self._call_printing(function, sent, named)
            elif any(type(each) in (list, dict, set, np.ndarray) or tables.is_table(each) for each in args):
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

    @contextlib.contextmanager
    def seeding(self) -> Iterator[None]:
        """Seed the student's generators of random numbers as a test seeds its own meanwhile."""
        own = {}
        for path in _SEEDS:
            module, _, name = path.rpartition(".")
            if module.partition(".")[0] in sys.modules:
                importlib.import_module(module)  # numpy brings its part only when somebody asks for it.
                own[module, name] = getattr(sys.modules[module], name)
                setattr(sys.modules[module], name, self._both(module, name, own[module, name]))
        try:
            yield
        finally:
            for (module, name), function in own.items():
                setattr(sys.modules[module], name, function)

    def _both(self, module: str, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def seed(*args: Any, **keywords: Any) -> Any:
            self.asked.add("seeds of random numbers")
            source = f"{LIBRARY}(*_args, **_keywords); None"
            self.ask(source, _module=module, _path=name, _args=args, _keywords=keywords)
            return own(*args, **keywords)

        return seed

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


def _new(kind: type, fields: Mapping[Any, Any]) -> Any:
    """Return an object of a given class without its fields; of an enumeration, its member."""
    try:
        return kind[fields[MEMBER]] if issubclass(kind, enum.Enum) else object.__new__(kind)
    except (LookupError, TypeError) as error:
        raise OpaqueValue(f"an object of the given class {kind.__name__} that is none ({error})") from None
