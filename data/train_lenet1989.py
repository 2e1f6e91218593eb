"""Train the network of assignment 04 and store it, so that nobody has to wait for it.

python data/train_lenet1989.py            train with the fixed seed and write course/lenet1989.npz
python data/train_lenet1989.py --check    train again and compare with what is committed
python data/train_lenet1989.py --runs     train with five seeds and both losses, and write course/lenet1989_runs.npz

It runs the assignment's own solution, so the numbers are those of its training cell. One training takes about a minute
and a half on one core, and --runs ten times as long. Another processor or another numpy may round otherwise, and
167,693 steps magnify it: the check therefore asks for equal errors within half a percentage point, and says so if the
numbers are not the same to the last bit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.lab import progress, snapshot, zip_digits

DATA = Path(__file__).resolve().parent
FILE = DATA / "course" / "lenet1989.npz"
RUNS = DATA / "course" / "lenet1989_runs.npz"
SUMS = DATA / "SHA256SUMS"
SEED, PASSES, LEARNING_RATE = 1, 23, 0.03
SEEDS = (1, 2, 3, 4, 5)
LEARNING_RATES = {"squared": LEARNING_RATE, "entropy": 0.01}

Arrays = dict[str, NDArray[Any]]
Loss = Callable[[Arrays, Any, Any], tuple[float, Arrays]]


def main() -> int:
    """Train, then write or compare; the exit code is 1 if the comparison fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    parser.add_argument("--runs", action="store_true", help="train with several seeds and both losses")
    wanted, given = parser.parse_args(), solved()
    if wanted.runs:
        store(RUNS, runs(given))
        return 0
    trained = train(given, squared_loss(given), SEED, LEARNING_RATE)
    if wanted.check:
        return compare(trained, snapshot("lenet1989"))
    store(FILE, trained)
    return 0


def solved() -> SimpleNamespace:
    """What the solved notebook defines: its given cells and its exercises, without checks and figures."""
    assignment = load_assignment(Course.find(DATA), "04-backprop")
    names: dict[str, Any] = {}
    for cell in assignment.cells:
        if cell.kind in ("given", "exercise"):
            exec(compile(cell.source, cell.grade_id, "exec"), names)  # our own notebook
    return SimpleNamespace(**names)


def squared_loss(given: SimpleNamespace) -> Loss:
    """The notebook's lenet_loss."""

    def loss_and_gradients(parameters: Arrays, image: Any, target: Any) -> tuple[float, Arrays]:
        net = given.LeNet1989(parameters)
        loss, grad = given.squared_error(net.forward(image), target)
        return loss, net.backward(grad)

    return loss_and_gradients


def entropy_loss(given: SimpleNamespace) -> Loss:
    """The notebook's entropy_loss: the last tanh is undone before the softmax."""

    def loss_and_gradients(parameters: Arrays, image: Any, target: Any) -> tuple[float, Arrays]:
        net = given.LeNet1989(parameters)
        outputs = net.forward(image).clip(-1 + 1e-12, 1 - 1e-12)
        loss, grad = given.softmax_cross_entropy(np.arctanh(outputs), target.argmax(axis=1))
        return loss, net.backward(grad / (1 - outputs**2))

    return loss_and_gradients


def digits() -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Training and test digits from -1 to 1, each with their labels."""
    parts = {part: zip_digits(part) for part in ("train", "test")}
    return {part: (2 * images - 1, labels) for part, (images, labels) in parts.items()}


def train(given: SimpleNamespace, loss: Loss, seed: int, learning_rate: float) -> Arrays:
    """The trained parameters, and under "errors" the shares of wrong digits after each pass, (PASSES, 2)."""
    parts = digits()

    def errors(parameters: Arrays) -> list[float]:
        net = given.LeNet1989(parameters)
        return [float(np.mean(net.forward(x).argmax(axis=1) != labels)) for x, labels in parts.values()]

    parameters, rng, history = given.initial_parameters(seed), np.random.default_rng(seed), []
    images, labels = parts["train"]
    for _ in progress(range(PASSES), f"training with seed {seed}"):
        order = rng.permutation(len(images))
        parameters, _ = given.sgd_epoch(parameters, loss, images, given.to_targets(labels), order, learning_rate)
        history.append(errors(parameters))
    return {**parameters, "errors": np.array(history)}


def runs(given: SimpleNamespace) -> Arrays:
    """For each loss an array (seeds, 3): shares of wrong training digits, wrong test digits, and rejected for 1 %."""
    images, labels = digits()["test"]

    def outcome(loss: Loss, seed: int, learning_rate: float) -> list[float]:
        trained = train(given, loss, seed, learning_rate)
        wrong = trained.pop("errors")[-1]
        _, rejected = given.reject_curve(given.LeNet1989(trained).forward(images), labels, [0.01])
        return [*wrong, float(rejected[0])]

    losses = {"squared": squared_loss(given), "entropy": entropy_loss(given)}
    found = {name: [outcome(loss, seed, LEARNING_RATES[name]) for seed in SEEDS] for name, loss in losses.items()}
    return {"seeds": np.array(SEEDS)} | {name: np.array(rows) for name, rows in found.items()}


def store(file: Path, arrays: Arrays) -> None:
    """Write the arrays, and enter the file's checksum in the list."""
    np.savez(file, allow_pickle=False, **arrays)
    record(file)


def compare(trained: Arrays, stored: Arrays) -> int:
    """Say how far the new training is from the stored one."""
    same = all(np.array_equal(trained[name], stored[name]) for name in stored)
    gap = float(np.abs(trained["errors"][-1] - stored["errors"][-1]).max())
    print("the same to the last bit" if same else f"not the same bits; the errors differ by {100 * gap:.2f} %")
    return 0 if gap <= 0.005 else 1


def record(file: Path) -> None:
    """Enter the file's checksum in the list, in the order of names."""
    pairs = (line.split("  ") for line in SUMS.read_text().splitlines())
    lines = {name: digest for digest, name in pairs}
    lines[f"course/{file.name}"] = hashlib.sha256(file.read_bytes()).hexdigest()
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items())))


if __name__ == "__main__":
    sys.exit(main())
