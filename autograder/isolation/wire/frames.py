"""What every message begins with: its kind, and the number of the question that it belongs to.

The rest, the body, is a value as :mod:`autograder.isolation.wire.codec` writes it::

    REQUEST   [operation, numbers of released handles or None, argument, ...]
    OK        the result
    ERROR     [name of the error's class, name of its first base, ...]
    CALLBACK  [number of the lent function, keyword arguments or None, argument, ...]
    ANSWER    what the lent function returned
    REFUSAL   name of the builtin error that it raised, or ""
    READY     None: the process is confined, and serves
    FAILED    text: it could not be confined
"""

from __future__ import annotations

import struct

from autograder.isolation.wire.encode import ProtocolError

__all__ = ["ANSWER", "CALLBACK", "ERROR", "FAILED", "OK", "READY", "REFUSAL", "REQUEST", "pack_frame", "unpack_frame"]

# Plain numbers: looking up a member of an enumeration takes longer than reading a whole head.
REQUEST, OK, ERROR, CALLBACK, ANSWER, REFUSAL, READY, FAILED = range(1, 9)

_HEAD = struct.Struct("<BQ")


def pack_frame(kind: int, sequence: int, body: bytes) -> bytes:
    """The message as it is sent."""
    return _HEAD.pack(kind, sequence) + body


def unpack_frame(message: bytes) -> tuple[int, int, memoryview]:
    """(kind, sequence, body) of a message, which may be any. Raises ProtocolError if it is too short."""
    if len(message) < _HEAD.size:
        raise ProtocolError("a message without a head")
    kind, sequence = _HEAD.unpack_from(message)
    return kind, sequence, memoryview(message)[_HEAD.size :]
