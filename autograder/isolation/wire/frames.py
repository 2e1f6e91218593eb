"""The head of every message: its kind, and the number of the question that it belongs to.

The rest, the body, is a value as :mod:`autograder.isolation.wire.codec` writes it::

    REQUEST   [operation, numbers of released handles or None, argument, ...]
    OK        the result
    ERROR     [name of the error's class, name of its first base, ...]
    CALLBACK  the number of the lent function, and a call: [keyword arguments or None, argument, ...]
    ANSWER    what the lent function returned
    REFUSAL   name of the builtin error that it raised, or ""
    READY     None: the process is confined, and serves
    FAILED    text: it could not be confined
    LENT      to the process of lent functions: the number of one, perhaps what it is, and a call, as it came in

A call, and what a lent function returned, are passed on as they came: only the two ends read them.
"""

from __future__ import annotations

import struct

from autograder.isolation.wire.encode import ProtocolError

__all__ = [
    "ANSWER", "CALLBACK", "ERROR", "FAILED", "LENT", "NUMBER", "OK", "READY", "REFUSAL", "REQUEST",
    "pack_frame", "pack_lent", "unpack_frame", "unpack_lent",
]  # fmt: skip

# Plain numbers: looking up a member of an enumeration takes longer than reading a whole head.
REQUEST, OK, ERROR, CALLBACK, ANSWER, REFUSAL, READY, FAILED, LENT = range(1, 10)

_HEAD = struct.Struct("<BQ")
NUMBER = struct.Struct("<Q")
_LENT_HEAD = struct.Struct("<QQQ")


def pack_frame(kind: int, sequence: int, body: bytes | memoryview) -> bytes:
    """Return the message as it is sent."""
    return _HEAD.pack(kind, sequence) + body


def unpack_frame(message: bytes) -> tuple[int, int, memoryview]:
    """Return (kind, sequence, body) of a message, which may be any. Raises ProtocolError if it is too short."""
    if len(message) < _HEAD.size:
        raise ProtocolError("a message without a head")
    kind, sequence = _HEAD.unpack_from(message)
    return kind, sequence, memoryview(message)[_HEAD.size :]


def pack_lent(number: int, oldest: int, description: bytes, call: memoryview) -> bytes:
    """Return the body of a LENT message.

    Args:
        number: the number of the function.
        oldest: the smallest number that is still lent; what came before may be forgotten.
        description: the function, as `lending.packed` describes it; empty if it was sent before.
        call: the call as it came in.
    """
    return b"".join((_LENT_HEAD.pack(number, oldest, len(description)), description, call))


def unpack_lent(body: memoryview) -> tuple[int, int, memoryview, memoryview]:
    """Return (number, oldest, description, call) of a LENT message."""
    number, oldest, length = _LENT_HEAD.unpack_from(body)
    rest = body[_LENT_HEAD.size :]
    return number, oldest, rest[:length], rest[length:]
