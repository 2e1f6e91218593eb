"""Framed messages over one stream socket, with a deadline and a cap on size.

A frame is an 8-byte little-endian length and that many bytes. Plain reads and writes are used, since the
filter of the untrusted side knows no other socket call.
"""

from __future__ import annotations

import os
import select
import struct
import time

from autograder.isolation.leaves import ProtocolError

__all__ = ["Channel", "ChannelClosed", "DeadlinePassed"]

_LENGTH = struct.Struct("<Q")
_CHUNK = 1 << 20


class ChannelClosed(ConnectionError):
    """The other side is gone."""


class DeadlinePassed(TimeoutError):
    """The other side did not answer, or did not read, in time."""


class Channel:
    """One end of a connection. The descriptor is owned: `close` closes it.

    Args:
        descriptor: a connected stream socket.
        max_bytes: the largest frame to accept.
        total_bytes: what all frames together may hold; None for no limit.
    """

    def __init__(self, descriptor: int, max_bytes: int, total_bytes: int | None = None) -> None:
        self.descriptor = descriptor
        self._max_bytes = max_bytes
        self._left = total_bytes
        os.set_blocking(descriptor, False)

    def send(self, message: bytes, deadline: float | None = None) -> None:
        """Send one frame before `deadline`, on the monotonic clock. Raises ChannelClosed, DeadlinePassed."""
        length = _LENGTH.pack(len(message))
        # A small message goes out in one write; a large one is not copied for it.
        for part in (length + message,) if len(message) < _CHUNK else (length, message):
            self._write(memoryview(part), deadline)

    def receive(self, deadline: float | None = None) -> bytes:
        """The next frame. Raises ProtocolError if it is too large, ChannelClosed, DeadlinePassed."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > self._max_bytes:
            raise ProtocolError(f"a message of {length} bytes; the limit is {self._max_bytes}")
        if self._left is not None:
            self._left -= length + _LENGTH.size
            if self._left < 0:
                raise ProtocolError("more bytes than one worker may send in its life")
        return bytes(self._read(length, deadline))

    def _write(self, view: memoryview, deadline: float | None) -> None:
        while view:
            try:
                view = view[os.write(self.descriptor, view[:_CHUNK]) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)
            except OSError as error:
                raise ChannelClosed(str(error)) from None

    def _read(self, length: int, deadline: float | None) -> bytearray:
        # Grown as bytes arrive: a length alone must not cost memory.
        data = bytearray()
        while len(data) < length:
            try:
                chunk = os.read(self.descriptor, min(_CHUNK, length - len(data)))
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
                continue
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if not chunk:
                raise ChannelClosed("the other side closed the connection")
            data += chunk
            if deadline is not None and time.monotonic() > deadline:
                raise DeadlinePassed("a message that took too long to arrive")
        return data

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self.descriptor, event)
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not poll.poll(None if left is None else left * 1000 + 1):
            raise DeadlinePassed("no answer in time")

    def close(self) -> None:
        """Close the descriptor; a second time is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
