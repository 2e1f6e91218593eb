"""The line to the warm process: one question, one answer, each with its own number."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import time
from typing import Any

from autograder.errors import MachineryError

__all__ = ["Control"]

ANSWER_SECONDS = 30.0
_MAX_PACKET = 1 << 16


class Control:
    """The trusted end of the warm process's socket; owns it.

    Forked graders may share it one after another: an answer to somebody who died is known by its number and
    thrown away.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def set_up(self, settings: dict[str, Any]) -> None:
        """Send the settings; if the other side is gone already, `greet` notices."""
        with contextlib.suppress(OSError):
            self._line.send(json.dumps(settings).encode())

    def greet(self, seconds: float) -> dict[str, Any] | None:
        """Return the other side's greeting once it is warm; None if it is not warm within that time."""
        self._line.settimeout(seconds)
        with contextlib.suppress(OSError, ValueError):
            greeting: dict[str, Any] = json.loads(self._line.recv(_MAX_PACKET))
            return greeting
        return None

    @property
    def open(self) -> bool:
        """True while the other side is still there."""
        try:
            return self._line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        """Return the answer to one question, which may hand over a descriptor. Raises MachineryError."""
        number = secrets.randbits(63)
        packet = json.dumps({"id": number, **request}).encode()
        try:
            self._line.settimeout(ANSWER_SECONDS)
            socket.send_fds(self._line, [packet], [] if descriptor is None else [descriptor])
            reply = self._reply(number)
        except OSError as error:
            raise MachineryError(f"the sandbox is gone ({error}). Restart it and grade again.") from None
        if "error" in reply:
            raise MachineryError(f"the sandbox refused: {reply['error']}. Close workers that are done.")
        return reply

    def _reply(self, number: int) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            data = self._line.recv(_MAX_PACKET)
            if not data:
                raise ConnectionError("it has ended")
            reply: dict[str, Any] = json.loads(data)
            if reply.get("id") == number:
                return reply
        raise TimeoutError("it does not answer")

    def close(self) -> None:
        """Close the line; the warm process then ends."""
        self._line.close()
