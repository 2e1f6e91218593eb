"""Feed the codec of the wire what a fuzzer makes up, guided by what it reaches. Run by test_codec_fuzz.py.

Whatever comes in, decoding gives data or a ProtocolError, within time and memory, and what is data survives the way
back. Any other exception ends the process with a report.
"""

import sys
from pathlib import Path

import atheris
import numpy as np
import torch

with atheris.instrument_imports(include=["autograder.isolation"]):
    from autograder.isolation.codec import Codec, ProtocolError, Unsendable

MOST = 1 << 20


def export(value):
    raise Unsendable("no handles here")


def resolve(code, payload):
    if code == 20 and len(payload) < 200:
        return
    raise ProtocolError("no handles here")


CODEC = Codec(export, resolve, MOST)
SEEDS = [
    None, True, -(2**70), 0.5, "text", b"bytes", [1, [2, (3,)]], {"a": {1, 2}}, slice(1, 2), range(3), 1j,
    np.arange(6.0).reshape(2, 3), np.zeros((0, 4), "u1"), np.float32(1.5), torch.ones(2, 3), torch.tensor(1),
]  # fmt: skip


def decode(data):
    try:
        value = CODEC.decode(data)
    except ProtocolError:
        return
    try:
        again = CODEC.decode(CODEC.encode(value))
    except Unsendable:
        return
    if type(again) is not type(value):
        raise AssertionError(f"{type(value)} came back as {type(again)}")


if __name__ == "__main__":
    folder = sys.argv.pop(1)
    for number, seed in enumerate(SEEDS):
        Path(folder, str(number)).write_bytes(CODEC.encode([number, seed]))
    atheris.Setup([sys.argv[0], folder, *sys.argv[1:]], decode)
    atheris.Fuzz()
