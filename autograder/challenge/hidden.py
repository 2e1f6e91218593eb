"""The hidden test: Fashion-MNIST's test pictures, changed by a recipe that the course secret decides.

Anyone can find a copy of the original test set with its labels. So every picture is moved, turned, mirrored or
not, lit from one side and covered with grain; by how much is drawn for each picture from the secret, and so are the
order of the pictures and the half that each belongs to. The ranges below are the same for every course, so that points
mean the same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from autograder.errors import MachineryError
from autograder.lab.idx import read_idx
from autograder.secrets import Secret

__all__ = ["HiddenTest", "hidden_test", "rehearsal_test"]

_IMAGES, _LABELS = "fashion-test-images.idx.xz", "fashion-test-labels.idx.xz"
_TURN_DEGREES = 12.0
_SHIFT_PIXELS = 2.0
_SIZE = 0.08
_LIGHT = 0.3
_CONTRAST = 0.2
_GRAIN = 0.06


@dataclass(frozen=True)
class HiddenTest:
    """The pictures that no student's code sees before its training has ended, and what only the grader knows of them.

    Attributes:
        images: float32, shape (N, 1, H, W), in [0, 1], in the secret order.
        labels: int64, shape (N,).
        public: bool, shape (N,): whether the picture belongs to the public half.
        training_seed: the seed that every entry's ``train`` is given.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    public: NDArray[np.bool_]
    training_seed: int


def hidden_test(secret: Secret, folder: Path) -> HiddenTest:
    """Return the hidden test of the course with this secret, made once per process.

    Args:
        folder: the folder of the original test pictures; never shown to a sandbox.

    Raises:
        MachineryError: they are not there.
    """
    return _hidden_test(secret.key, folder)


def rehearsal_test(images: NDArray[np.floating], labels: NDArray[np.integer], seed: int) -> HiddenTest:
    """Return pictures that are not secret, changed by the same recipe with a seed that is not either; all are public.

    Args:
        images: shape (N, 1, H, W), values from 0 to 1.
        labels: shape (N,).
    """
    plain = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
    changed = _changed(plain, seed).numpy()
    return HiddenTest(changed, labels.astype(np.int64), np.ones(len(labels), dtype=bool), training_seed=seed)


@lru_cache(maxsize=2)
def _hidden_test(key: bytes, folder: Path) -> HiddenTest:
    secret = Secret(key)
    try:
        images, labels = read_idx(folder / _IMAGES), read_idx(folder / _LABELS)
    except OSError as error:
        raise MachineryError(f"The challenge's hidden pictures cannot be read: {error}. Set hidden_data.") from error
    order = np.random.default_rng(secret.seed("challenge", "order")).permutation(len(labels))
    half = np.zeros(len(labels), dtype=bool)
    half[: len(labels) // 2] = True
    public = np.random.default_rng(secret.seed("challenge", "halves")).permutation(half)
    plain = torch.from_numpy(images[order, None].astype(np.float32) / np.float32(255))
    changed = _changed(plain, secret.seed("challenge", "recipe"))
    training_seed = secret.seed("challenge", "training") % (1 << 31)
    return HiddenTest(changed.numpy(), labels[order].astype(np.int64), public, training_seed)


def _changed(images: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the pictures after the recipe: same shape, still in [0, 1]."""
    draw = torch.Generator().manual_seed(seed)
    count, _, height, width = images.shape
    light = _light(height, width, 2 * math.pi * float(torch.rand(1, generator=draw)))
    grid = functional.affine_grid(_placements(count, width, draw), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, align_corners=False)
    contrast = 1 + _CONTRAST * _between(count, draw).reshape(-1, 1, 1, 1)
    grain = _GRAIN * torch.randn(images.shape, generator=draw)
    return (moved * light * contrast + grain).clamp(0, 1)


def _placements(count: int, width: int, draw: torch.Generator) -> torch.Tensor:
    """Return each picture's turn, size, shift and perhaps mirror, for ``affine_grid``; shape (count, 2, 3)."""
    angle = math.radians(_TURN_DEGREES) * _between(count, draw)
    size = 1 + _SIZE * _between(count, draw)
    across, down = (2 * _SHIFT_PIXELS / width * _between(count, draw) for _ in range(2))
    mirror = torch.where(torch.rand(count, generator=draw) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) / size, torch.sin(angle) / size
    rows = torch.stack([mirror * cosine, -sine, across], 1), torch.stack([mirror * sine, cosine, down], 1)
    return torch.stack(rows, 1)


def _between(count: int, draw: torch.Generator) -> torch.Tensor:
    """Return ``count`` numbers drawn evenly from -1 to 1."""
    return 2 * torch.rand(count, generator=draw) - 1


def _light(height: int, width: int, direction: float) -> torch.Tensor:
    """Return light that is brighter on one side than on the other; shape (height, width), 1 in the middle."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return 1 + _LIGHT * (math.cos(direction) * columns + math.sin(direction) * rows)
