"""The main program of a fork: it confines itself, reports that, and serves."""

from __future__ import annotations

import os
import random
from typing import Any

from autograder.isolation.channel import Channel, ChannelClosed
from autograder.isolation.codec import FAILED, MAX_BYTES, Codec, pack_frame
from autograder.isolation.guest.lockdown import Confinement, lock_down
from autograder.isolation.guest.preload import hide_torch
from autograder.isolation.guest.server import Server
from autograder.isolation.limits import Limits

__all__ = ["run"]

_DESCRIPTOR = 3


def run(confinement: Confinement, limits: Limits, folder: str, parent: int, shell: Any) -> None:
    """Serve one submission on descriptor 3. Never returns: the process ends here."""
    channel = Channel(_DESCRIPTOR, MAX_BYTES, patient=True)
    try:
        lock_down(confinement, limits, folder, parent)
    except BaseException as error:
        channel.send(_failure(f"{type(error).__name__}: {error}"))
        os._exit(71)
    try:
        if not limits.torch:
            hide_torch()
        random.seed(0)  # forking has seeded it from the clock
        Server(channel, shell).serve()
    except ChannelClosed:
        os._exit(0)
    finally:
        os._exit(72)


def _failure(text: str) -> bytes:
    def refuse(*_: object) -> Any:
        raise TypeError("only text is sent here")

    return pack_frame(FAILED, 0, Codec(refuse, refuse).encode(text))
