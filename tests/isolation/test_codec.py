"""What is encoded comes back the same; what nobody encoded is refused, and never anything worse."""

from __future__ import annotations

import contextlib
import math
import struct
import time
from collections import Counter, OrderedDict, namedtuple
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from autograder.isolation.codec import MAX_DEPTH, MAX_KEYS, MAX_NODES, MAX_RANGE, Codec, ProtocolError, Tag, Unsendable
from autograder.isolation.leaves import Ext, Leaf, handle
from autograder.isolation.limits import Allowance


def refuse(*_: object) -> Any:
    raise Unsendable("not data")


def unknown(code: int, _: bytes) -> Any:
    raise ProtocolError(f"code {code}")


CODEC = Codec(refuse, unknown, max_bytes=1 << 22)
NUMBERS = npst.scalar_dtypes().filter(lambda dtype: dtype.kind in "biufc" and dtype.itemsize <= 16)
ARRAYS = npst.arrays(NUMBERS, npst.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=4))
KEYS = st.integers() | st.text(max_size=5) | st.booleans() | st.none() | st.tuples(st.integers(), st.text(max_size=3))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.just(...)
    | st.builds(slice, st.none() | st.integers(), st.none() | st.integers(), st.none() | st.integers())
    | st.builds(range, st.integers(-(10**5), 10**5), st.integers(-9, 9), st.integers(1, 3) | st.just(-(2**70)))
    | NUMBERS
)
DATA = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("shape", [(1 << 28, 0), (0, 1 << 28, 3), (0, *[1 << 28] * 5)])
def test_an_empty_array_of_endless_rows_does_not_travel(shape: tuple[int, ...]) -> None:
    """Nothing is sent for them, and going through them takes minutes and all memory."""
    numbers = struct.pack(f"<B7s{len(shape)}Q", len(shape), b"float32", *shape)
    for message in (Ext(4, b"\3" + numbers.replace(b"float32", b"<f4")), Ext(6, b"\0\7" + numbers)):
        with pytest.raises(ProtocolError, match="more rows than anybody"):
            CODEC.decode(msgpack.packb(message))
    for array in (np.empty(shape[:2], "u1"), torch.empty(shape[:2])):
        with pytest.raises(Unsendable):
            CODEC.encode(array)


def test_a_range_weighs_what_its_numbers_would_and_an_endless_one_does_not_travel() -> None:
    """A few bytes are sent for it; written out, as a comparison does, it takes all memory."""
    longest = range(0, 3 * MAX_RANGE, 3)
    assert CODEC.decode(CODEC.encode(longest)) == longest
    for endless in (range(MAX_RANGE + 1), range(0, -(1 << 70), -1)):
        with pytest.raises(Unsendable, match="a range of more"):
            CODEC.encode(endless)
        with pytest.raises(ProtocolError, match="too many numbers"):
            CODEC.decode(msgpack.packb([int(Tag.RANGE), 0, 1 << 50, 1]))
    with pytest.raises(ProtocolError, match="may make the grader hold"):
        Codec(refuse, unknown, 1 << 20, Allowance(256 << 20)).decode(CODEC.encode([longest] * 5))


def test_keys_count_by_the_effort_of_comparing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = {(n, n + 1): n for n in range(MAX_KEYS)}
    assert CODEC.decode(CODEC.encode(pairs)) == pairs
    for keys in (
        [(*range(200), n) for n in range(MAX_KEYS // 20)],
        [frozenset({(n,) * 30 for n in range(40)}) for _ in range(50)],
        [(1 << 13_000) + n for n in range(MAX_KEYS // 2)],
    ):
        with pytest.raises(Unsendable, match="more than 5,000 keys, or long ones"):
            CODEC.encode([{key: 0} for key in keys])
        with monkeypatch.context() as liar:
            liar.setattr(Codec, "_count_keys", lambda *_: None)
            message = CODEC.encode([{key: 0} for key in keys])
        with pytest.raises(ProtocolError, match="as long as many"):
            CODEC.decode(message)


class Hashed(list[int]):
    """A list with a hash, which what travels of it does not have."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 1


@pytest.mark.parametrize(
    "honest",
    [
        {Hashed(): 1}, {(Hashed(), 1)}, {np.ones(2).view(type("Keyed", (np.ndarray,), {"__hash__": lambda self: 1}))},
        set(range(6000)), dict.fromkeys(range(6000)), [{n} for n in range(6000)], [0] * MAX_NODES,
    ],
)  # fmt: skip
def test_nothing_is_written_that_its_reader_would_end_the_writer_for(honest: object) -> None:
    with pytest.raises(Unsendable):
        CODEC.encode(honest)


@pytest.mark.parametrize(
    "rare",
    [torch.complex32, torch.float8_e5m2, np.dtype("U300000"), np.array("x" * 300_000), np.array(b"x" * 300_000),
     np.zeros((1,) * 40), torch.zeros((1,) * 40), torch.zeros(2, device="meta"),
     torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)],
)  # fmt: skip
def test_a_rare_array_or_dtype_is_an_object_like_any_other(rare: object) -> None:
    exported = list[object]()

    def export(value: object) -> Ext:
        exported.append(value)
        return Ext(Leaf.HANDLE, handle(1))

    Codec(export, unknown).encode([rare])
    assert exported[0] is rare


def test_an_array_of_texts_cannot_take_more_room_than_its_message() -> None:
    header = struct.pack("<BB3sQ", 3, 1, b"<U0", 1 << 28)
    with pytest.raises(ProtocolError, match="without room"):
        CODEC.decode(msgpack.packb(Ext(4, header)))
    empty = CODEC.decode(msgpack.packb(Ext(4, struct.pack("<BB3sQ", 3, 1, b"<U0", 0))))
    assert empty.shape == (0,)


class Size(NamedTuple):
    height: int
    width: int


def test_a_named_tuple_arrives_as_a_tuple_wherever_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Size, "__module__", "__main__")
    assert CODEC.decode(CODEC.encode(Size(2, 3))) == (2, 3)
    assert type(CODEC.decode(CODEC.encode(Size(2, 3)))) is tuple


def alike(left: Any, right: Any) -> bool:
    """Same kinds, same values, NaN equal to NaN: an oracle of its own, by walking both."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        same = left.dtype == right.dtype and left.shape == right.shape
        return same and left.tobytes() == right.tobytes()
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, complex):
        return struct.pack("dd", left.real, left.imag) == struct.pack("dd", right.real, right.imag)
    return bool(left == right)


@settings(max_examples=300, deadline=None)
@given(DATA)
def test_data_comes_back_the_same(value: Any) -> None:
    assert alike(CODEC.decode(CODEC.encode(value)), value)


@pytest.mark.parametrize(
    "text", [np.str_(""), np.bytes_(b""), np.str_("é"), np.bytes_(b"a\0b"), np.array(["", "ab"])[0]]
)
def test_texts_of_numpy_come_back_the_same_also_empty_ones(text: np.generic) -> None:
    back = CODEC.decode(CODEC.encode(text))
    assert type(back) is type(text)
    assert back == text


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_are_data(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):  # any other error fails the test
        CODEC.decode(data)


@settings(max_examples=300, deadline=None)
@given(DATA, st.data())
def test_a_damaged_message_is_refused_or_is_data(value: Any, data: st.DataObject) -> None:
    message = bytearray(CODEC.encode(value))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        CODEC.decode(bytes(message))


@settings(max_examples=150, deadline=None)
@given(DATA)
def test_every_truncated_message_is_refused(value: Any) -> None:
    message = CODEC.encode(value)
    for length in range(len(message)):
        with pytest.raises(ProtocolError):
            CODEC.decode(message[:length])


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.complex64])
def test_tensors_keep_dtype_shape_and_gradient(dtype: torch.dtype, gradient: bool) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(dtype).requires_grad_(gradient)
    back = CODEC.decode(CODEC.encode(tensor))
    assert (back.dtype, back.requires_grad) == (dtype, gradient)
    assert torch.equal(back.detach(), tensor.detach())


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3),
        torch.zeros(0, 4),
        torch.ones(2, 2, dtype=torch.bool),
        torch.arange(5.0).reshape(1, 5)[:, 3],  # one element, and a stride of 5
    ],
)
def test_scalar_empty_and_boolean_tensors_travel(tensor: torch.Tensor) -> None:
    back = CODEC.decode(CODEC.encode(tensor))
    assert back.dtype == tensor.dtype
    assert back.shape == tensor.shape
    assert torch.equal(back, tensor)


def test_a_parameter_arrives_as_a_tensor() -> None:
    back = CODEC.decode(CODEC.encode(torch.nn.Parameter(torch.ones(2))))
    assert type(back) is torch.Tensor
    assert back.requires_grad


def test_strided_and_transposed_arrays_arrive_in_order() -> None:
    array = np.arange(24).reshape(4, 6)[::2, ::-1].T
    assert np.array_equal(CODEC.decode(CODEC.encode(array)), array)


@pytest.mark.parametrize("value", [np.float64(1.5), np.int8(-3), np.bool_(True), np.str_("é"), np.complex64(1j)])
def test_numpy_scalars_stay_numpy_scalars(value: np.generic) -> None:
    back = CODEC.decode(CODEC.encode(value))
    assert type(back) is type(value)
    assert back == value


@pytest.mark.parametrize("value", [np.float32, float, int, torch.float64, torch.bool, np.dtype("<i4")])
def test_types_that_serve_as_dtypes_travel(value: object) -> None:
    assert CODEC.decode(CODEC.encode(value)) == value


def test_subclasses_of_builtins_arrive_as_the_builtin() -> None:
    point = namedtuple("point", "x y")(1, 2)  # type: ignore[call-arg, arg-type]
    back = CODEC.decode(CODEC.encode([point, OrderedDict(a=1), Counter("aa"), torch.Size([2, 3]), bytearray(b"x")]))
    assert back == [(1, 2), {"a": 1}, {"a": 2}, (2, 3), b"x"]
    assert [type(item) for item in back] == [tuple, dict, dict, tuple, bytes]


def test_a_random_generator_arrives_in_the_same_state() -> None:
    rng = np.random.default_rng(7)
    rng.random(3)
    twin = CODEC.decode(CODEC.encode(rng))
    assert np.array_equal(twin.random(5), rng.random(5))


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), np.zeros(2, "M8[s]"), np.zeros(2, [("a", "f8")]), object(), len, torch.eye(2).to_sparse()],
    ids=["objects", "dates", "fields", "object", "function", "sparse"],
)
def test_what_is_not_data_cannot_be_sent(value: object) -> None:
    with pytest.raises(TypeError):
        CODEC.encode(value)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_depth_is_capped_when_sending() -> None:
    assert CODEC.decode(CODEC.encode(nested(MAX_DEPTH - 1))) == nested(MAX_DEPTH - 1)
    with pytest.raises(Unsendable, match="deeper"):
        CODEC.encode(nested(MAX_DEPTH + 1))


def test_a_recursive_list_cannot_be_sent() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(Unsendable, match="deeper"):
        CODEC.encode(loop)


def array_of(dtype: str, shape: list[int], raw: bytes) -> Ext:
    name = dtype.encode()
    header = struct.pack(f"<BB{len(name)}s{len(shape)}Q", len(name), len(shape), name, *shape)
    return Ext(Leaf.ARRAY, header + raw)


def chain(depth: int) -> bytes:
    return b"\x92\x00" * depth + b"\xc0"


LIES = {
    "an array of objects": msgpack.packb(array_of("|O", [1], b"A" * 8)),
    "an array of pointers": msgpack.packb(array_of("|O8", [1], b"A" * 8)),
    "an array with fields": msgpack.packb(array_of("f8,O", [1], b"A" * 16)),
    "an array of dates": msgpack.packb(array_of("<M8", [1], b"A" * 8)),
    "an array with a wrong size": msgpack.packb(array_of("<f8", [3], b"A" * 8)),
    "an array of 2**62 elements": msgpack.packb(array_of("<f8", [2**62, 4], b"A" * 8)),
    "an array of sides that overflow to zero": msgpack.packb(array_of("<f8", [2**32, 2**32], b"")),
    "an empty array of huge sides": msgpack.packb(array_of("<f8", [0, 2**62], b"")),
    "an array of 40 dimensions": msgpack.packb(array_of("<f8", [1] * 40, b"A" * 8)),
    "text of zero bytes an element": msgpack.packb(array_of("<U0", [2**40], b"")),
    "text of characters that do not exist": msgpack.packb(array_of("<U1", [1], b"\xff\xff\xff\x7f")),
    "an integer of a megabyte": msgpack.packb(Ext(Leaf.INTEGER, b"\x7f" * (1 << 20))),
    "an integer of no bytes": msgpack.packb(Ext(Leaf.INTEGER, b"")),
    "a tensor of integers with a gradient": msgpack.packb(Ext(Leaf.TENSOR, b"\1" + b"\5\1int64" + bytes(16))),
    "a tensor of an unknown dtype": msgpack.packb(Ext(Leaf.TENSOR, b"\0" + b"\6\1object" + bytes(16))),
    "a dtype of objects": msgpack.packb(Ext(Leaf.DTYPE, b"n|O8")),
    "a type that is not listed": msgpack.packb(Ext(Leaf.TYPE, b"builtins.eval")),
    "a handle nobody asked for": msgpack.packb(Ext(Leaf.HANDLE, b"[1, 2]")),
    "an unknown extension": msgpack.packb(Ext(99, b"")),
    "a timestamp": b"\xd6\xff\x00\x00\x00\x00",
    "a map": msgpack.packb({"a": 1}),
    "a list without a tag": msgpack.packb([]),
    "a list with a tag that is no number": msgpack.packb(["x", 1]),
    "a list with an unknown tag": msgpack.packb([77, 1]),
    "a set of lists": msgpack.packb([2, [0, 1]]),
    "a dictionary with a key and no value": msgpack.packb([4, 1]),
    "a dictionary with an array for a key": msgpack.packb([4, array_of("<f8", [1], bytes(8)), 1]),
    "a slice of two": msgpack.packb([5, 1, 2]),
    "a range of floats": msgpack.packb([6, 0.0, 1.0, 1.0]),
    "a range of step zero": msgpack.packb([6, 0, 1, 0]),
    "depth 65": chain(MAX_DEPTH + 1),
    "depth 100000": chain(100_000),
    "a list of four thousand million": b"\xdd\xff\xff\xff\xff",
    "two messages": msgpack.packb(1) + msgpack.packb(2),
    "more than a million items": msgpack.packb([0, *([[0]] * (MAX_NODES // 2))]),
    "more keys than are allowed": msgpack.packb([2, *range(MAX_KEYS + 1)]),
    "text that is not UTF-8": b"\xa2\xff\xff",
    "more than the limit": msgpack.packb(b"x" * (1 << 22)),
}


@pytest.mark.parametrize("message", LIES.values(), ids=LIES.keys())
def test_lies_are_refused(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        CODEC.decode(message)


def test_a_boolean_array_holds_only_zero_and_one() -> None:
    array = CODEC.decode(msgpack.packb(array_of("|b1", [3], b"\0\2\xff")))
    assert array.view(np.uint8).tolist() == [0, 1, 1]


def colliding_set(start: int, stop: int) -> list[Any]:
    modulus = (1 << 61) - 1  # Python's hash of an integer is its remainder by this
    numbers = (modulus * number for number in range(start, stop))
    return [2, *(Ext(Leaf.INTEGER, number.to_bytes(12, "little")) for number in numbers)]


def test_keys_whose_hashes_collide_cost_little() -> None:
    message = msgpack.packb(colliding_set(1, MAX_KEYS + 1))
    started = time.process_time()
    assert len(CODEC.decode(message)) == MAX_KEYS
    assert time.process_time() - started < 2


def test_keys_are_counted_over_the_whole_message() -> None:
    half = MAX_KEYS // 2
    with pytest.raises(ProtocolError, match="keys"):
        CODEC.decode(msgpack.packb([0, colliding_set(1, half + 2), colliding_set(1, half + 2)]))
