"""Train the network that assignment 06 looks into, and store it as it was after several passes.

python data/train_zipnet.py            train with the fixed seed and write course/zipnet.npz
python data/train_zipnet.py --check    train again and compare with what is committed

It takes about half a minute on one core. As with train_lenet1989.py, the check asks for equal errors within half a
percentage point, and says so if the numbers are not the same to the last bit.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn
from train_lenet1989 import DATA, Arrays, compare, record

from autograder.lab import progress, snapshot, zip_digits

FILE = DATA / "course" / "zipnet.npz"
SEED, PASSES, BATCH = 1, 20, 64
KEPT = (0, 1, 2, 4, 7, 12, 20)  # passes after which the network is kept
LEARNING_RATE, MOMENTUM, DECAY = 0.05, 0.9, 0.003

Digits = dict[str, tuple[torch.Tensor, torch.Tensor]]


def main() -> int:
    """Train, then write or compare; the exit code is 1 if the comparison fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    trained = train()
    if parser.parse_args().check:
        return compare(trained, snapshot("zipnet"))
    np.savez_compressed(FILE, allow_pickle=False, **trained)
    record(FILE)
    return 0


def network() -> nn.Sequential:
    """Two convolutions, each with ReLU and pooling, and one fully connected layer: 16 × 16 – 8 – 16 – 10."""
    net = nn.Sequential()
    for number, (channels, filters) in enumerate([(1, 8), (8, 16)], 1):
        net.add_module(f"conv{number}", nn.Conv2d(channels, filters, 5, padding=2))
        net.add_module(f"relu{number}", nn.ReLU())
        net.add_module(f"pool{number}", nn.MaxPool2d(2))
    net.add_module("flatten", nn.Flatten())
    net.add_module("output", nn.Linear(256, 10))
    return net


def train() -> Arrays:
    """Each parameter with a leading axis for the passes in KEPT; "passes"; "errors" (len(KEPT), 2)."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    digits: Digits = {}
    for part in ("train", "test"):
        images, labels = zip_digits(part)
        digits[part] = torch.tensor(images, dtype=torch.float32), torch.tensor(labels)
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=DECAY)
    kept = [_state(net, digits)]
    for done in progress(range(PASSES), "training"):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * done / PASSES)) / 2
        _one_pass(net, optimizer, *digits["train"])
        if done + 1 in KEPT:
            kept.append(_state(net, digits))
    return {"passes": np.array(KEPT), **{name: np.stack([each[name] for each in kept]) for name in kept[0]}}


def _one_pass(net: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    for chosen in torch.randperm(len(images)).split(BATCH):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
        optimizer.step()


@torch.no_grad()
def _state(net: nn.Module, digits: Digits) -> dict[str, Any]:
    """Copies of the parameters, and the shares of training and test digits that are wrong."""
    errors = [float((net(images).argmax(dim=1) != labels).double().mean()) for images, labels in digits.values()]
    return {**{name: value.numpy().copy() for name, value in net.state_dict().items()}, "errors": np.array(errors)}


if __name__ == "__main__":
    sys.exit(main())
