"""Framed messages over one stream socket, with a deadline and a cap on size.

A frame is an 8-byte little-endian length and that many bytes. Plain reads and writes are used, since the
filter of the untrusted side knows no other socket call, and few of them: most calls between the two processes are so
short that system calls are what they cost. So an end with deadlines does not poll before it reads: its reads come back
by themselves after a moment without data, and only then is the clock looked at.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable

from autograder.isolation.leaves import ProtocolError

__all__ = ["Channel", "ChannelClosed", "DeadlinePassed"]

_LENGTH = struct.Struct("<Q")
_CHUNK = 1 << 20
_USUAL = 1 << 16  # a small frame arrives with its length, in one read
_MOMENT = struct.pack("@ll", 0, 20_000)  # seconds and microseconds: how late a deadline can be noticed


class ChannelClosed(ConnectionError):
    """A connection whose other side is gone."""


class DeadlinePassed(TimeoutError):
    """A deadline that passed before the other side answered, or read."""


class Channel:
    """One end of a connection. The descriptor is owned: `close` closes it.

    Args:
        descriptor: a connected stream socket.
        max_bytes: the size of the largest frame to accept.
        total_bytes: the most that all frames together may hold; None for no limit.
        patient: whether this end waits for the other as long as it takes, and so takes no deadlines.
    """

    def __init__(
        self, descriptor: int, max_bytes: int, total_bytes: int | None = None, *, patient: bool = False
    ) -> None:
        self.descriptor = descriptor
        self._max_bytes = max_bytes
        self._left = total_bytes
        self._ahead = b""  # what was read beyond the frame before
        os.set_blocking(descriptor, True)
        if not patient:
            end = socket.socket(fileno=descriptor)
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _MOMENT)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _MOMENT)
            finally:
                end.detach()

    def send(self, message: bytes, deadline: float | None = None) -> None:
        """Send one frame before `deadline`, on the monotonic clock. Raises ChannelClosed, DeadlinePassed."""
        length = _LENGTH.pack(len(message))
        if len(message) < _CHUNK:  # A small message goes out in one write; a large one is not copied for it.
            self._write(length + message, deadline)
        else:
            self._write(length, deadline)
            self._write(message, deadline)

    def send_all(self, messages: Iterable[bytes], deadline: float | None = None) -> None:
        """Send small frames in one write. Raises as `send`."""
        self._write(b"".join(_LENGTH.pack(len(message)) + message for message in messages), deadline)

    def receive(self, deadline: float | None = None) -> bytes:
        """Return the next frame. Raises ProtocolError if it is too large, ChannelClosed, DeadlinePassed."""
        data, self._ahead = self._ahead or self._read(_USUAL, deadline), b""
        while len(data) < _LENGTH.size:
            data += self._read(_USUAL, deadline)
        (length,) = _LENGTH.unpack_from(data)
        if length > self._max_bytes:
            raise ProtocolError(f"a message of {length} bytes; the limit is {self._max_bytes}")
        if self._left is not None:
            self._left -= length + _LENGTH.size
            if self._left < 0:
                raise ProtocolError("more bytes than one worker may send in its life")
        end = _LENGTH.size + length
        if len(data) >= end:
            self._ahead = data[end:]
            return data[_LENGTH.size : end]
        return self._rest(data[_LENGTH.size :], length, deadline)

    def _rest(self, beginning: bytes, length: int, deadline: float | None) -> bytes:
        # Grown as bytes arrive: a length alone must not cost memory.
        data = bytearray(beginning)
        while len(data) < length:
            data += self._read(min(_CHUNK, length - len(data)), deadline)
            _in_time(deadline)
        return bytes(data)

    def _write(self, data: bytes, deadline: float | None) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.descriptor, view[:_CHUNK]) :]
            except BlockingIOError:
                pass
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if view:
                _in_time(deadline)

    def _read(self, most: int, deadline: float | None) -> bytes:
        """Read at least one byte."""
        while True:
            try:
                chunk = os.read(self.descriptor, most)
            except BlockingIOError:
                _in_time(deadline)
                continue
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if not chunk:
                raise ChannelClosed("the other side closed the connection")
            return chunk

    def close(self) -> None:
        """Close the descriptor; a second time is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise DeadlinePassed("no answer in time")
