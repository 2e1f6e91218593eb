"""Frames arrive whole, or not at all and in time."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from autograder.isolation.channel import Channel, ChannelClosed, DeadlinePassed
from autograder.isolation.leaves import ProtocolError

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    channels = Channel(left.detach(), 1 << 24), Channel(right.detach(), 1 << 24)
    yield channels
    for channel in channels:
        channel.close()


def soon() -> float:
    return time.monotonic() + 0.1


@pytest.mark.parametrize("size", [0, 1, 7, 65536, (1 << 22) + 3])
def test_a_frame_of_any_size_arrives(pair: Pair, size: int) -> None:
    message = os.urandom(size)
    sender = threading.Thread(target=pair[0].send, args=(message,))
    sender.start()
    assert pair[1].receive(time.monotonic() + 5) == message
    sender.join()


def test_frames_stay_apart(pair: Pair) -> None:
    pair[0].send(b"one")
    pair[0].send(b"")
    pair[0].send(b"three")
    assert [pair[1].receive(soon()) for _ in range(3)] == [b"one", b"", b"three"]


def test_silence_ends_at_the_deadline(pair: Pair) -> None:
    with pytest.raises(DeadlinePassed):
        pair[1].receive(soon())


def test_half_a_frame_ends_at_the_deadline(pair: Pair) -> None:
    os.write(pair[0].descriptor, struct.pack("<Q", 100) + b"x" * 50)
    with pytest.raises(DeadlinePassed):
        pair[1].receive(soon())


def test_a_receiver_that_does_not_read_ends_at_the_deadline(pair: Pair) -> None:
    with pytest.raises(DeadlinePassed):
        pair[0].send(bytes(1 << 23), soon())


def test_a_receiver_that_reads_slowly_does_not_put_the_deadline_off(pair: Pair) -> None:
    def read_slowly() -> None:
        while len(os.read(pair[1].descriptor, 1 << 16)) > 1:
            time.sleep(0.005)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    started = time.monotonic()
    with pytest.raises(DeadlinePassed):
        pair[0].send(bytes(1 << 28), soon())
    assert time.monotonic() - started < 2
    pair[0].close()
    reader.join()


def test_a_frame_past_the_limit_is_refused_before_it_is_read(pair: Pair) -> None:
    os.write(pair[0].descriptor, struct.pack("<Q", 1 << 62))
    with pytest.raises(ProtocolError, match="limit"):
        pair[1].receive(soon())


def test_a_large_length_alone_costs_no_memory(pair: Pair) -> None:
    import tracemalloc

    os.write(pair[0].descriptor, struct.pack("<Q", 1 << 24) + b"x")
    tracemalloc.start()
    with pytest.raises(DeadlinePassed):
        pair[1].receive(soon())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_the_end_of_the_other_side_is_noticed(pair: Pair) -> None:
    pair[0].close()
    pair[0].close()  # a second time is harmless
    with pytest.raises(ChannelClosed):
        pair[1].receive(soon())
    with pytest.raises(ChannelClosed):
        pair[1].send(b"x", soon())


def test_the_total_is_bounded() -> None:
    left, right = socket.socketpair()
    sender, receiver = Channel(left.detach(), 100), Channel(right.detach(), 100, total_bytes=200)
    try:
        for _ in range(3):
            sender.send(bytes(80))
        assert len(receiver.receive(soon())) == len(receiver.receive(soon())) == 80
        with pytest.raises(ProtocolError, match="life"):
            receiver.receive(soon())
    finally:
        sender.close()
        receiver.close()
