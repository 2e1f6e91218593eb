"""The process that decodes pictures: it imports Pillow once, then forks one confined child per picture.

It is driven over its standard input and output. A request is a length and the file's bytes; an answer is a kind
(``P`` a PNG, ``J`` a JPEG, ``R`` a refusal in words), a length and the bytes. What a child writes is passed on only
when the child has ended, so that no child can write another one's answer.
"""

from __future__ import annotations

import io
import json
import os
import select
import signal
import struct
import sys
import time
from typing import Any

from autograder.redrawing import COSTLY, redrawn

__all__ = ["main"]

HEADER = struct.Struct("!cQ")
LENGTH = struct.Struct("!Q")
MAX_ANSWER = 12 << 20
_SECONDS = 30.0


def main() -> None:
    """Read the settings, confine this process, and answer until the input ends."""
    settings = json.loads(_read(sys.stdin.buffer, _read_length(sys.stdin.buffer)))
    from autograder.isolation.guest import kernel
    from autograder.isolation.guest.lockdown import Confinement

    if settings["user"]:
        kernel.drop_user(settings["user"])
    if settings["privileged"]:
        kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    kernel.forbid_dumps()
    confinement = Confinement(
        landlock_abi=settings["landlock_abi"],
        program=bytes.fromhex(settings["program"]),
        readable=tuple(settings["readable"]),
        data=(),
        processes=0,
        separate=False,
        folder_bytes=0,
        process_files={},
    )
    _warm_up()
    sys.stdout.buffer.write(LENGTH.pack(os.getpid()))
    sys.stdout.buffer.flush()
    while (size := _read_length(sys.stdin.buffer)) is not None:
        _answer(_in_a_child(_read(sys.stdin.buffer, size), confinement, settings["folder"]))


def _warm_up() -> None:
    """Import every module that decoding and encoding need, while files may still be read."""
    from PIL import Image

    for form in ("PNG", "JPEG"):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8)).save(stream, form)
        redrawn(stream.getvalue())


def _read_length(stream: Any) -> Any:
    head = stream.read(LENGTH.size)
    return LENGTH.unpack(head)[0] if len(head) == LENGTH.size else None


def _read(stream: Any, size: int) -> bytes:
    content: bytes = stream.read(size)
    if len(content) < size:
        raise SystemExit(1)
    return content


def _answer(message: bytes) -> None:
    kind, content = message[:1], message[1:]
    sys.stdout.buffer.write(HEADER.pack(kind, len(content)) + content)
    sys.stdout.buffer.flush()


def _in_a_child(content: bytes, confinement: Any, folder: str) -> bytes:
    reader, writer = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        _decode(content, confinement, folder, parent, writer)
    os.close(writer)
    message = _gathered(reader)
    os.close(reader)
    if message is None:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.waitstatus_to_exitcode(status) == 71:
        return b"M" + (message or b"")
    return message if message and status == 0 and message[:1] in b"PJR" else b"R" + COSTLY.encode()


def _decode(content: bytes, confinement: Any, folder: str, parent: int, writer: int) -> None:
    """Decode the picture in the confined child. Never returns."""
    from autograder.isolation.guest.lockdown import lock_down
    from autograder.isolation.limits import MIB, Limits

    try:
        os.close(0)
        os.close(1)
        try:
            lock_down(confinement, Limits(cpu_seconds=10, memory_bytes=768 * MIB, file_bytes=0), folder, parent)
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:500])
            os._exit(71)
        kind, made = redrawn(content)
        with os.fdopen(writer, "wb") as stream:
            stream.write(kind + made)
        os._exit(0)
    finally:
        os._exit(70)


def _gathered(reader: int) -> bytes | None:
    """Return everything that a child writes; None if that is too much or takes too long."""
    parts: list[bytes] = []
    size, deadline = 0, time.monotonic() + _SECONDS
    while (left := deadline - time.monotonic()) > 0 and size <= MAX_ANSWER:
        if select.select([reader], [], [], left)[0]:
            part = os.read(reader, 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
    return None
