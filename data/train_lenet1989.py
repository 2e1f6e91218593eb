"""Train the network of assignment 04 and store it, so that nobody has to wait for it.

python data/train_lenet1989.py            train with the fixed seed and write course/lenet1989.npz
python data/train_lenet1989.py --check    train again and compare with what is committed

It runs the assignment's own solution, so the numbers are those of its training cell. That takes about a minute on one
core. Another processor or another numpy may round otherwise, and 167,693 steps magnify it: the check therefore asks for
equal errors within half a percentage point, and says so if the numbers are not the same to the last bit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
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
SUMS = DATA / "SHA256SUMS"
SEED, PASSES, LEARNING_RATE = 1, 23, 0.03

Arrays = dict[str, NDArray[Any]]


def main() -> int:
    """Train, then write or compare; the exit code is 1 if the comparison fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    trained = train(solved())
    if parser.parse_args().check:
        return compare(trained, snapshot("lenet1989"))
    np.savez(FILE, allow_pickle=False, **trained)
    record(FILE)
    return 0


def solved() -> SimpleNamespace:
    """What the solved notebook defines: its given cells and its exercises, without checks and figures."""
    assignment = load_assignment(Course.find(DATA), "04-backprop")
    names: dict[str, Any] = {}
    for cell in assignment.cells:
        if cell.kind in ("given", "exercise"):
            exec(compile(cell.source, cell.grade_id, "exec"), names)  # our own notebook
    return SimpleNamespace(**names)


def train(given: SimpleNamespace) -> Arrays:
    """The trained parameters, and under "errors" the shares of wrong digits after each pass, (PASSES, 2)."""

    def loss_and_gradients(parameters: Arrays, image: Any, target: Any) -> tuple[float, Arrays]:
        net = given.LeNet1989(parameters)
        loss, grad = given.squared_error(net.forward(image), target)
        return loss, net.backward(grad)

    parts = {part: zip_digits(part) for part in ("train", "test")}
    digits, labels = ({part: example[k] for part, example in parts.items()} for k in (0, 1))
    digits = {part: 2 * images - 1 for part, images in digits.items()}

    def errors(parameters: Arrays) -> list[float]:
        net = given.LeNet1989(parameters)
        return [float(np.mean(net.forward(digits[part]).argmax(axis=1) != labels[part])) for part in parts]

    parameters, rng, history = given.initial_parameters(SEED), np.random.default_rng(SEED), []
    data = digits["train"], given.to_targets(labels["train"])
    for _ in progress(range(PASSES), "training"):
        order = rng.permutation(len(data[0]))
        parameters, _ = given.sgd_epoch(parameters, loss_and_gradients, *data, order, LEARNING_RATE)
        history.append(errors(parameters))
    return {**parameters, "errors": np.array(history)}


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
