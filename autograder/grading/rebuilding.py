"""Objects as data, and data as objects: the source that asks for an object's fields, and the use of the answer."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import importlib
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.grading.tables import is_table, take_over_table
from autograder.isolation.proxies import Handle

__all__ = [
    "FIELDS",
    "LIBRARY",
    "MEMBER",
    "MOST_OBJECTS",
    "REF",
    "STANDARD",
    "fields_of",
    "has_handle",
    "home_of",
    "put_fields",
    "take_over",
]

LIBRARY = "__import__('operator').attrgetter(_path)(__import__('importlib').import_module(_module))"
MOST_OBJECTS = 5000
REF = "\0ref"
MEMBER = "\0member"
"""The field in which a member of a given enumeration has its name."""
FIELDS = f"""
def _flat(_root, _names, _most, _sent):
    _table, _todo, _kept = {{}}, [_root], [_root]
    def _part(_value):
        if type(_value).__name__ in _names and not isinstance(_value, type):
            if id(_value) not in _table and len(_table) < _most:
                _table[id(_value)] = None
                _todo.append(_value)
                _kept.append(_value)
            return ({REF!r}, id(_value))
        if type(_value) in (list, tuple, set, frozenset):
            return type(_value)([_part(_item) for _item in _value])
        if type(_value) is dict:
            return {{_key: _part(_item) for _key, _item in _value.items()}}
        return _value
    while _todo:
        _object = _todo.pop()
        if hasattr(type(_object), "__members__"):
            _table[id(_object)] = (type(_object).__name__, {{{MEMBER!r}: _object.name}})
            continue
        _fields = dict(getattr(_object, "__dict__", {{}}))
        for _kind in type(_object).__mro__:
            _slots = _kind.__dict__.get("__slots__", ())
            for _slot in (_slots,) if isinstance(_slots, str) else _slots:
                if hasattr(_object, _slot):
                    _fields[_slot] = getattr(_object, _slot)
        _table[id(_object)] = (type(_object).__name__, {{_key: _part(_item) for _key, _item in _fields.items()}})
    return id(_root), _table, [id(_each) for _each in _sent]
_flat(_root, _names, _most, _sent)
"""
_MOST_DIGITS = 5000


def _decimal(text: str) -> decimal.Decimal:
    """Return the number that ``text`` writes; one of millions of digits would take a test minutes to compute with."""
    number = decimal.Decimal(text[:_MOST_DIGITS])
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"a number of more than {_MOST_DIGITS} digits")
    return number


# Objects of the standard library that are data under another name: how to ask for it, and how to make them here.
STANDARD: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "OrderedDict": ("list(_value.items())", collections.OrderedDict),
    "defaultdict": ("list(_value.items())", dict),
    "Counter": ("list(_value.items())", lambda items: collections.Counter(dict(items))),
    "deque": ("list(_value)", collections.deque),
    "dict_keys": ("list(_value)", lambda items: dict.fromkeys(items).keys()),
    "dict_values": ("list(_value)", list),
    "Decimal": ("str(_value)", _decimal),
    "Fraction": ("(_value.numerator, _value.denominator)", lambda pair: fractions.Fraction(*pair)),
    "date": ("_value.isoformat()", datetime.date.fromisoformat),
    "datetime": ("_value.isoformat()", datetime.datetime.fromisoformat),
    "Timestamp": ("_value.isoformat()", lambda text: importlib.import_module("pandas").Timestamp(text)),
    "Timedelta": ("_value.isoformat()", lambda text: importlib.import_module("pandas").Timedelta(text)),
    "timedelta": ("(_value.days, _value.seconds, _value.microseconds)", lambda parts: datetime.timedelta(*parts)),
}


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of an object, those in slots included."""
    fields = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, slot):
                fields[slot] = getattr(value, slot)
    return fields


def home_of(value: Any) -> dict[str, str]:
    """Return the module and name of a library's function or class, of which every process has its own; else nothing."""
    if not callable(value) or getattr(value, "__module__", None) == "__main__":
        return {}
    owner = getattr(value, "__objclass__", None)
    module = str(getattr(owner or value, "__module__", None) or "builtins")
    path = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
    try:
        found = operator.attrgetter(path)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError, TypeError):
        return {}
    return {"_module": module, "_path": path} if found is value else {}


def has_handle(value: Any) -> bool:
    """Return whether an object of the student's is in a value."""
    if type(value) is Handle:
        return True
    if type(value) in (list, tuple, set, frozenset):
        return any(map(has_handle, value))
    return type(value) is dict and any(map(has_handle, value.values()))


def put_fields(value: Any, fields: Mapping[str, Any]) -> None:
    """Give an object these fields. A field with the name of a method would stand in that method's place."""
    for key, item in fields.items():
        if key.startswith("__") or callable(getattr(type(value), key, None)):
            continue
        if hasattr(value, "__dict__") and key not in getattr(type(value), "__slots__", ()):
            vars(value)[key] = item
        else:
            object.__setattr__(value, key, item)


def take_over(own: Any, changed: Any) -> None:
    """Make an argument what the student's function made of it."""
    if type(own) is not type(changed):
        return
    if type(own) is list:
        own[:] = changed
    elif type(own) in (dict, set):
        own.clear()
        own.update(changed)
    elif type(own) is np.ndarray and own.shape == changed.shape and own.dtype == changed.dtype and own.flags.writeable:
        own[...] = changed
    elif is_table(own):
        take_over_table(own, changed)
