"""Tables, series and indexes of pandas as plain data, and back; this source runs in the student's process, too.

What comes from there is a claim, like a list: nothing of the student's is run here, and kinds of columns that are not
known are refused. So that it can run there, this module imports nothing of this package, and pandas only where it is
needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["KINDS", "is_table", "packed", "take_over_table", "unpacked"]

KINDS = frozenset(
    {"DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "TimedeltaIndex", "CategoricalIndex"}
)
"""The names of the classes that travel."""
_COLUMN = re.compile(r"object|str|string|boolean|U?Int(8|16|32|64)|Float(32|64)")
_TIME = re.compile(r"(datetime|timedelta)64\[(s|ms|us|ns)\]")
_ZONED = re.compile(r"datetime64\[(s|ms|us|ns), ([\w/+:-]{1,40})\]")
_NONE = {"\0NA": "NA", "\0NaT": "NaT"}
_LONGEST = 10_000_000


def is_table(value: Any) -> bool:
    """Return whether ``value`` is one of pandas' own tables, series or indexes."""
    return type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ in KINDS


def packed(value: Any) -> tuple[Any, ...]:
    """Return a table, series or index as plain data."""
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.MultiIndex):
        codes = [np.asarray(each, dtype="int64") for each in value.codes]
        return "MultiIndex", [packed(level) for level in value.levels], codes, list(value.names)
    if isinstance(value, pd.RangeIndex):
        return "RangeIndex", value.start, value.stop, value.step, value.name
    if isinstance(value, pd.Index):
        return "Index", _packed_column(value), value.name, getattr(value, "freqstr", None)
    if isinstance(value, pd.Series):
        return "Series", packed(value.index), _packed_column(value), value.name
    columns = [_packed_column(value.iloc[:, number]) for number in range(value.shape[1])]
    return "DataFrame", packed(value.index), packed(value.columns), columns


def _packed_column(value: Any) -> tuple[Any, ...]:
    import numpy as np
    import pandas as pd

    kind = value.dtype
    if isinstance(kind, pd.CategoricalDtype):
        codes = value.cat.codes if isinstance(value, pd.Series) else value.codes
        return "category", np.asarray(codes, dtype="int64"), packed(kind.categories), bool(kind.ordered)
    if isinstance(kind, pd.DatetimeTZDtype):
        return str(kind), pd.DatetimeIndex(value).asi8
    if isinstance(kind, np.dtype) and kind.kind in "biufc":
        return str(kind), np.ascontiguousarray(value.to_numpy())
    if isinstance(kind, np.dtype) and kind.kind in "mM":
        return str(kind), np.ascontiguousarray(value.to_numpy()).view("int64")
    missing = {id(pd.NA): "\0NA", id(pd.NaT): "\0NaT"}
    return str(kind), [missing.get(id(item), item) for item in value.tolist()]


def unpacked(data: Any) -> Any:
    """Return the table, series or index that was packed as ``data``.

    Raises:
        ValueError, TypeError: it is not such data.
    """
    import pandas as pd

    if type(data) is not tuple or not data or type(data[0]) is not str:
        raise ValueError("a table that is not told as data")
    name, *parts = data
    make = _MAKERS.get(name)
    if make is None:
        raise ValueError(f"{name!r} is not a kind of table")
    made = make(pd, *parts)
    if len(made) > _LONGEST:
        raise ValueError(f"{len(made)} rows are too many")
    return made


def _range_index(pd: Any, start: int, stop: int, step: int, name: Any) -> Any:
    return pd.RangeIndex(start, stop, step, name=name)


def _multi_index(pd: Any, levels: list[Any], codes: list[Any], names: list[Any]) -> Any:
    return pd.MultiIndex([unpacked(level) for level in levels], codes, names=names)


def _index(pd: Any, column: tuple[Any, ...], name: Any, frequency: str | None) -> Any:
    values = _column(column)
    made = pd.Index(values, dtype=object if column[0] == "object" else None, name=name)
    if frequency is not None and isinstance(made, pd.DatetimeIndex | pd.TimedeltaIndex):
        made.freq = frequency
    return made


def _series(pd: Any, index: Any, column: tuple[Any, ...], name: Any) -> Any:
    values = _column(column)
    return pd.Series(values, index=unpacked(index), dtype=object if column[0] == "object" else None, name=name)


def _table(pd: Any, index: Any, columns: Any, content: list[Any]) -> Any:
    rows, names = unpacked(index), unpacked(columns)
    series = {number: _series(pd, index, column, None) for number, column in enumerate(content)}
    made = pd.DataFrame(series, index=rows)
    made.columns = names
    return made


_MAKERS: dict[str, Callable[..., Any]] = {
    "RangeIndex": _range_index,
    "MultiIndex": _multi_index,
    "Index": _index,
    "Series": _series,
    "DataFrame": _table,
}


def _column(data: tuple[Any, ...]) -> Any:
    import numpy as np
    import pandas as pd

    kind, values, *rest = data
    if kind == "category":
        return pd.Categorical.from_codes(values, unpacked(rest[0]), ordered=rest[1])
    if zoned := _ZONED.fullmatch(kind):
        return pd.DatetimeIndex(values.view(f"M8[{zoned[1]}]")).tz_localize("UTC").tz_convert(zoned[2])
    if _TIME.fullmatch(kind):
        return values.view(kind)
    if isinstance(values, np.ndarray):
        return values
    if not _COLUMN.fullmatch(kind):
        raise ValueError(f"a column of the kind {kind[:40]!r}")
    items = [getattr(pd, _NONE[item]) if isinstance(item, str) and item in _NONE else item for item in values]
    if kind != "object":
        return pd.array(items, dtype=kind)
    made = np.empty(len(items), dtype=object)
    for number, item in enumerate(items):  # An assignment of all at once would take equally long lists for rows.
        made[number] = item
    return made


def take_over_table(own: Any, changed: Any) -> None:
    """Make ``own`` what a function made of its copy ``changed``."""
    if type(own) is type(changed) and hasattr(own, "_mgr") and not (own.equals(changed) and _same_labels(own, changed)):
        object.__setattr__(own, "_mgr", changed._mgr)


def _same_labels(one: Any, other: Any) -> bool:
    same = one.index.equals(other.index)
    return bool(same and one.columns.equals(other.columns)) if hasattr(one, "columns") else bool(same)
