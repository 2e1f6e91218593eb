"""Arrays made of numbers in any form, and the other arrays that a contract check puts in their place.

Numbers, tensors and nested lists become one numpy array. For a contract check, an argument is then exchanged for the
same values in another layout in memory, as slices, transpositions and files give them, or for values of another type:
each in every place of the call, with the argument's name for messages.
"""

from __future__ import annotations

import inspect
import numbers
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LAYOUTS",
    "Laid",
    "NotNumeric",
    "Position",
    "Retyped",
    "every_place",
    "is_array",
    "is_real",
    "joined",
    "laid",
    "laid_out",
    "loaded_torch",
    "name_of",
    "parameters_of",
    "place_of",
    "replaced",
    "retyped",
    "shown",
    "to_array",
    "value_at",
]


# ---- arrays of anything like one


class NotNumeric(TypeError):
    """A value that is neither a number nor a regular array of numbers; its text describes the value."""


def to_array(value: object) -> NDArray[Any]:
    """Return the value as an array of bool, int, float or complex.

    Integers of any size are accepted; those past 64 bits become float64. Tensors are detached from
    their graph. Lists and tuples may hold anything that is accepted alone, all of one shape.

    Raises:
        NotNumeric: for None, text, objects, and lists whose rows differ in length.
    """
    if isinstance(value, np.ndarray | np.generic):
        return _numeric(np.asarray(value))
    if isinstance(value, numbers.Number):
        return _numeric(np.asarray(value))
    if isinstance(value, list | tuple):
        return _stacked(value)
    if _is_tensor(value):
        return _numeric(_of_tensor(value))
    raise NotNumeric("None" if value is None else f"a value of type {type(value).__name__}")


_PLAIN = {bool, int, float}


def _stacked(values: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    if not values:
        return np.zeros(0)
    if _PLAIN.issuperset(map(type, values)):  # The usual case, known in a fraction of the time.
        plain = np.asarray(values)
        if plain.dtype.kind in "biuf":  # and not too large for 64 bits
            return plain
    rows = [to_array(value) for value in values]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise NotNumeric(f"a {type(values).__name__} of {len(values)} parts that differ in shape")
    return np.stack(rows)


def loaded_torch() -> Any:
    """Return the torch module; None before anything has loaded it, when nothing is a tensor. Loading takes a second."""
    return sys.modules.get("torch")


def is_array(value: object) -> bool:
    """Return whether the value is a numpy array or a tensor."""
    return isinstance(value, np.ndarray) or _is_tensor(value)


def _is_tensor(value: object) -> bool:
    torch = loaded_torch()
    return torch is not None and isinstance(value, torch.Tensor)


def _of_tensor(value: Any) -> NDArray[Any]:
    plain = value.detach().cpu().resolve_conj().resolve_neg()
    try:
        return np.asarray(plain.numpy())
    except TypeError:  # numpy has no bfloat16
        return np.asarray(plain.float().numpy())


def _numeric(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind in "biufc":
        return array
    if array.dtype.kind == "O" and all(isinstance(item, numbers.Real) for item in array.flat):
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise NotNumeric("a whole number that is larger than any float") from None
    raise NotNumeric(f"an array of dtype {array.dtype}")


# ---- layouts in memory

LAYOUTS = ("non-contiguous", "Fortran order", "reversed", "read-only")


def laid(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """Return a new array with the values of ``array`` in this layout.

    ``non-contiguous``: every second entry of a wider array; ``Fortran order``: columns first; ``reversed``: negative
    strides along every axis; ``read-only``: cannot be assigned to. An array without axes can only be read-only.

    Raises:
        ValueError: ``layout`` is not one of `LAYOUTS`.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif layout == "Fortran order":
        array = array.copy(order="F")
    elif layout == "reversed":
        backwards = (slice(None, None, -1),) * array.ndim
        array = np.ascontiguousarray(array[backwards])[backwards] if array.ndim else array.copy()
    else:
        array = _every_second(array) if array.ndim else array.copy()
    return array


def _every_second(array: NDArray[Any]) -> NDArray[Any]:
    wide = np.repeat(array, 2, axis=-1)
    wide[..., 1::2] = 0
    return wide[..., ::2]


class Laid:
    """An array on its way to a function; it gets its layout where the function runs.

    Attributes:
        array: the values.
        layout: one of `LAYOUTS`.
    """

    __slots__ = ("array", "layout")

    def __init__(self, array: NDArray[Any], layout: str) -> None:
        self.array = array
        self.layout = layout

    def __deepcopy__(self, memo: object) -> NDArray[Any]:
        """Return the array in its layout: a copy is what the function gets."""
        return laid(self.array, self.layout)


# ---- calls with other arguments

Position = int | str
"""The place of an argument: its number, or its keyword."""


class Retyped(NamedTuple):
    """Arguments of other types, and the same numbers in the types that a reference gets.

    Attributes:
        kind: the type's name.
        text: the arguments that have it, in words.
        given, plain: positional and keyword arguments, in other types and for the reference.
    """

    kind: str
    text: str
    given: tuple[tuple[Any, ...], dict[str, Any]]
    plain: tuple[tuple[Any, ...], dict[str, Any]]


def retyped(
    args: tuple[Any, ...], kwargs: dict[str, Any], places: Sequence[tuple[Position, str]], types: Sequence[str]
) -> Iterator[Retyped]:
    """Yield the arguments with each type in each place, then in all of them together."""
    together = [list(places)] if len(places) > 1 else []
    for kind in types:
        for chosen in [*([place] for place in places), *together]:
            given = plain = args, kwargs
            fitting = [(place, name) for place, name in chosen if _takes(value_at(args, kwargs, place), kind)]
            for place, _ in fitting:
                value, same = _as_type(value_at(args, kwargs, place), kind)
                given, plain = replaced(*given, place, value), replaced(*plain, place, same)
            if len(fitting) == len(chosen):
                yield Retyped(kind, f"{' and '.join(name for _, name in chosen)} as {kind}", given, plain)


def laid_out(
    args: tuple[Any, ...], kwargs: dict[str, Any], places: Sequence[tuple[Position, str]], layouts: Sequence[str]
) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Yield the arguments with each layout in each place of an array, with a description."""
    for layout in layouts:
        for place, name in places:
            value = value_at(args, kwargs, place)
            if isinstance(value, np.ndarray):
                yield f"{name}: {layout}", *replaced(args, kwargs, place, Laid(value, layout))


def _takes(value: Any, kind: str) -> bool:
    """Return whether the value can be tried in this type: whole numbers stay whole."""
    return kind == "list" or np.asarray(value).dtype.kind == "f" or np.dtype(kind).kind in "iu"


def _as_type(value: Any, kind: str) -> tuple[Any, Any]:
    """Return the value in this type, and the same numbers in double precision (or 64 bits, if they were whole)."""
    array = np.asarray(value)
    wide = np.int64 if array.dtype.kind in "iu" else np.float64
    if kind == "list":
        return array.tolist(), array.astype(wide)
    changed = array > np.median(array) if kind == "bool" else _fitted(array, np.dtype(kind)).astype(kind)
    same = changed.astype(wide)
    return (changed, same) if isinstance(value, np.ndarray) else (changed[()], same[()].item())


def _fitted(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers that the type can hold, of which 8 and 16 bits are used in full."""
    if dtype.kind == "f" or not array.size:
        return array
    limits = np.iinfo(dtype)
    if np.all(array == np.rint(array)) and limits.min <= array.min() and array.max() <= limits.max:
        return array
    low, high = max(limits.min, -1000), min(limits.max, 1000)
    low, high = (limits.min, limits.max) if limits.bits <= 8 else (low, high)
    extent = max(array.max() - array.min(), 1e-300)
    stretched: NDArray[Any] = np.rint(low + (array - array.min()) / extent * (high - low))
    return stretched


def is_real(value: Any) -> bool:
    """Return whether the value is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def every_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[Position, Any]]:
    """Return every argument of a call, with its place."""
    return [*enumerate(args), *kwargs.items()]


def value_at(args: tuple[Any, ...], kwargs: dict[str, Any], place: Position) -> Any:
    """Return the argument at this place."""
    return args[place] if isinstance(place, int) else kwargs[place]


def replaced(
    args: tuple[Any, ...], kwargs: dict[str, Any], place: Position, value: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments, with another value in this place."""
    if isinstance(place, int):
        return (*args[:place], value, *args[place + 1 :]), kwargs
    return args, {**kwargs, place: value}


def place_of(argument: Position, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Position:
    """Return the place of an argument in this call.

    Raises:
        ValueError: the call has no such argument.
    """
    place = names.index(argument) if argument in names and argument not in kwargs else argument
    if (place in kwargs) if isinstance(place, str) else (0 <= place < len(args)):
        return place
    known = ", ".join([*names[: len(args)], *kwargs]) or f"positions 0 to {len(args) - 1}"
    raise ValueError(f"the call has no argument {argument!r}; it has {known}")


def name_of(place: Position, names: Sequence[str]) -> str:
    """Return an argument's name; empty if only its position is known."""
    if isinstance(place, str):
        return place
    return names[place] if place < len(names) else f"argument {place + 1}"


def shown(name: str) -> str:
    """Return the name as messages show it."""
    return name if name.startswith("argument ") else f"`{name}`"


def joined(*texts: str) -> str:
    """Return the texts that are not empty, with commas between them."""
    return ", ".join(filter(None, texts))


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's parameters, in order; none if it does not tell."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []
