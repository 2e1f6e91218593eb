"""Train the network of digits that assignment 06 looks into, and store it as it was at several times.

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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn
from train_lenet1989 import DATA, Arrays, compare, record

from autograder.lab import progress, snapshot, zip_digits

Examples = tuple[torch.Tensor, torch.Tensor]
"""Images, float32 of shape (N, 1, H, W), and their labels, shape (N,)."""


@dataclass(frozen=True)
class Training:
    """A network and how it is trained: stochastic gradient descent with momentum, its rate falling on a cosine.

    Attributes:
        name: of the snapshot, and of its file in course/.
        network: makes the network, with weights drawn from torch's generator.
        examples: the pictures to learn from, and others that tell how well.
        passes: over the pictures to learn from.
        kept: numbers of passes after which the network is kept, ascending, the last being all of them; fractions are
            rounded to a whole step.
        rate, momentum, decay: of the optimizer; rate is that of the first pass.
        batch: pictures in a step.
        precision: type of the numbers that are stored.
    """

    name: str
    network: Callable[[], nn.Sequential]
    examples: Callable[[], tuple[Examples, Examples]]
    passes: int
    kept: tuple[float, ...]
    rate: float = 0.05
    momentum: float = 0.9
    decay: float = 0.003
    batch: int = 64
    precision: str = "float32"


def network() -> nn.Sequential:
    """Two convolutions, each with ReLU and pooling, and one fully connected layer: 16 × 16 – 8 – 16 – 10."""
    return convolutional([(1, 8, 5), (8, 16, 5)], 256)


def convolutional(layers: list[tuple[int, int, int]], left: int) -> nn.Sequential:
    """Convolutions of (channels, filters, side), each with ReLU and 2×2 pooling, and a layer from ``left`` to ten."""
    net = nn.Sequential()
    for number, (channels, filters, side) in enumerate(layers, 1):
        net.add_module(f"conv{number}", nn.Conv2d(channels, filters, side, padding=side // 2))
        net.add_module(f"relu{number}", nn.ReLU())
        net.add_module(f"pool{number}", nn.MaxPool2d(2))
    net.add_module("flatten", nn.Flatten())
    net.add_module("output", nn.Linear(left, 10))
    return net


def digits() -> tuple[Examples, Examples]:
    """All training digits, and all test digits."""
    parts = (zip_digits("train"), zip_digits("test"))
    train, test = ((torch.tensor(images, dtype=torch.float32), torch.tensor(labels)) for images, labels in parts)
    return train, test


ZIPNET = Training("zipnet", network, digits, passes=20, kept=(0, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 20))


def run(training: Training, description: str) -> int:
    """Train, then write or compare, as the command line asks; the exit code is 1 if the comparison fails."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    check = parser.parse_args().check
    trained = train(training)
    if check:
        return compare(trained, snapshot(training.name))
    file = DATA / "course" / f"{training.name}.npz"
    np.savez_compressed(file, allow_pickle=False, **trained)
    record(file)
    return 0


def train(training: Training) -> Arrays:
    """Each parameter with a leading axis for the times; "passes"; "errors" (times, 2), shares of wrong answers."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    examples, net = training.examples(), training.network()
    images, labels = examples[0]
    optimizer = torch.optim.SGD(net.parameters(), training.rate, training.momentum, weight_decay=training.decay)
    a_pass = math.ceil(len(images) / training.batch)
    times = {round(passes * a_pass): passes for passes in training.kept}
    kept, steps = [_state(net, examples)], 0
    for done in progress(range(training.passes), "training"):
        for group in optimizer.param_groups:
            group["lr"] = training.rate * (1 + math.cos(math.pi * done / training.passes)) / 2
        for chosen in torch.randperm(len(images)).split(training.batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
            optimizer.step()
            steps += 1
            if steps in times:
                kept.append(_state(net, examples))
    stacked = {name: np.stack([each[name] for each in kept]) for name in kept[0]}
    stored = {name: array.astype(training.precision) for name, array in stacked.items() if name != "errors"}
    return {"passes": np.array([step / a_pass for step in times]), **stored, "errors": stacked["errors"]}


@torch.no_grad()
def _state(net: nn.Module, examples: tuple[Examples, Examples]) -> dict[str, Any]:
    """Copies of the parameters, and the shares of wrong answers about both parts of the examples."""
    errors = [_wrong(net, *part) for part in examples]
    return {**{name: value.numpy().copy() for name, value in net.state_dict().items()}, "errors": np.array(errors)}


def _wrong(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    answers = torch.cat([net(batch).argmax(dim=1) for batch in images.split(500)])
    return float((answers != labels).double().mean())


if __name__ == "__main__":
    sys.exit(run(ZIPNET, __doc__ or ""))
