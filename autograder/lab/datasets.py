"""The images and datasets that ship with the course; data/README.md gives their origin and licences.

If the environment variable AUTOGRADER_DATA names a folder, files are looked for there and nowhere else. Otherwise they
are looked for in data/course of the repository, and in a folder data/course or data beside the notebook or above it.
Digits and pictures of clothing are stored in MNIST's idx format for arrays of unsigned bytes, packed by xz.
"""

from __future__ import annotations

import lzma
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FASHION_CLASSES",
    "BadIdx",
    "DataMissing",
    "Examples",
    "FashionExamples",
    "fashion",
    "lecture_image",
    "lecture_kernel",
    "photograph",
    "read_idx",
    "snapshot",
    "zip_digits",
]

# ---- MNIST's file format

MAGIC = b"\0\0\x08"  # two zero bytes, then the code for unsigned bytes; the number of axes follows


class BadIdx(ValueError):
    """A file that is not an xz-packed idx file of unsigned bytes, or is cut short."""


def read_idx(path: Path, count: int | None = None) -> NDArray[np.uint8]:
    """Return the array in the file, or its first ``count`` items; only as much is unpacked as is asked for.

    Raises:
        BadIdx: if the file is damaged or of another kind.
    """
    try:
        with lzma.open(path) as file:
            shape = _shape(file.read(4), file)
            wanted = (shape[0] if count is None else min(count, shape[0]), *shape[1:])
            raw = file.read(math.prod(wanted))
            return np.frombuffer(raw, np.uint8).reshape(wanted).copy()
    except (lzma.LZMAError, EOFError, ValueError) as problem:
        raise BadIdx(f"{path.name} is damaged ({problem}); restore it with `git checkout data`") from None


def _shape(start: bytes, file: lzma.LZMAFile) -> tuple[int, ...]:
    if start[:3] != MAGIC or len(start) < 4:
        raise BadIdx("it does not begin as an idx file of unsigned bytes does")
    return tuple(np.frombuffer(file.read(4 * start[3]), ">u4").tolist())


# ---- the course's data

VARIABLE = "AUTOGRADER_DATA"

SNAPSHOTS = ("fashionnet", "lenet1989", "lenet1989_runs", "zipnet")

FASHION_CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
"""The classes of Fashion-MNIST that the labels 0 to 9 stand for."""


class DataMissing(FileNotFoundError):
    """A file of the course's data that is in none of the places where it is looked for."""


class Examples(NamedTuple):
    """Digits with their labels: ``images, labels = zip_digits()``."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64]


class FashionExamples(NamedTuple):
    """Pieces of clothing with their labels: ``images, labels = fashion()``."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def lecture_image() -> NDArray[np.float64]:
    """Return the lecture's binary image: shape (5, 5), values 0.0 and 1.0."""
    return np.loadtxt(_find("lecture-5x5.txt"), dtype=np.float64)


def lecture_kernel() -> NDArray[np.float64]:
    """Return the lecture's kernel: shape (3, 3), ones on both diagonals, so every flip leaves it as it is."""
    return np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])


def photograph(name: str = "camera") -> NDArray[np.float64]:
    """Return a grey photograph with values in [0, 1], 0 black.

    Args:
        name: "camera" (256, 256), "cat" (200, 300) or "bricks" (256, 256), each of shape (height, width).

    Raises:
        ValueError: if there is no photograph of that name.
    """
    from matplotlib.image import imread

    if name not in ("camera", "cat", "bricks"):
        raise ValueError(f'name must be "camera", "cat" or "bricks", not {name!r}')
    levels = np.rint(imread(_find(f"{name}.png")) * 255)
    return np.asarray(levels, dtype=np.float64) / 255


def zip_digits(part: str = "train", count: int | None = None) -> Examples:
    """Return handwritten digits in the format of the zip-code data of 1989, resampled from MNIST.

    Args:
        part: "train" (7,291 digits) or "test" (2,007 other digits, by other writers).
        count: the number of them, from the first; all if not given.

    Returns:
        images: float64 (count, 1, 16, 16) in [0, 1]: 0 is paper, 1 is ink.
        labels: int64 (count,), 0 to 9.

    Raises:
        ValueError: if ``part`` is neither, or ``count`` is not from 1 to all there are.
    """
    images, labels = _pair("zip", part, ("train", "test"), count)
    return Examples(images.astype(np.float64) / 255, labels)


def fashion(part: str = "train", count: int | None = None) -> FashionExamples:
    """Return Fashion-MNIST: grey pictures of clothing in the ten classes of ``FASHION_CLASSES``.

    Args:
        part: "train" (20,000 pictures) or "validation" (2,000 others).
        count: the number of them, from the first; all if not given. A multiple of ten is balanced.

    Returns:
        images: float32 (count, 1, 28, 28) in [0, 1]: 0 is background.
        labels: int64 (count,), 0 to 9.

    Raises:
        ValueError: if ``part`` is neither, or ``count`` is not from 1 to all there are.
    """
    images, labels = _pair("fashion", part, ("train", "validation"), count)
    return FashionExamples(images.astype(np.float32) / np.float32(255), labels)


def snapshot(name: str) -> dict[str, NDArray[Any]]:
    """Return the numbers of a network that was trained beforehand, so that nobody has to wait for the training.

    Args:
        name: "lenet1989", from assignment 04: its eight parameters, and "errors", shape (passes, 2), the shares of
            training and test digits that were wrong after each pass.
            "lenet1989_runs": the same network trained with each of "seeds", with "squared" error and with
            cross-"entropy", shape (seeds, 3): the shares of wrong training digits, of wrong test digits, and of
            those rejected for 1 %.
            "zipnet", for assignment 06: its six parameters as they were at several times of the training, each with a
            leading axis for the times; "passes", the number made by then; and "errors", shape (times, 2).
            "fashionnet", for the same assignment: a network of eight parameters for the pictures of clothes, stored
            likewise, as float16; its second errors are those on the validation pictures.

    Raises:
        ValueError: if there is no snapshot of that name.
    """
    if name not in SNAPSHOTS:
        raise ValueError(f"name must be one of {', '.join(SNAPSHOTS)}, not {name!r}")
    with np.load(_find(f"{name}.npz"), allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def _pair(
    name: str, part: str, parts: tuple[str, str], count: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (N, 1, H, W) as bytes, and labels (N,)."""
    if part not in parts:
        raise ValueError(f'part must be "{parts[0]}" or "{parts[1]}", not {part!r}')
    labels = read_idx(_find(f"{name}-{part}-labels.idx.xz")).astype(np.int64)
    if count is not None and not 1 <= count <= len(labels):
        raise ValueError(f"count must be from 1 to {len(labels):,}, not {count}")
    images = read_idx(_find(f"{name}-{part}-images.idx.xz"), count)
    return images[:, None], labels[:count]


def _find(name: str) -> Path:
    """Return the path of a file of the course's data."""
    tried = list(_folders())
    for folder in tried:
        if (folder / name).is_file():
            return folder / name
    places = "\n".join(f"  {folder}" for folder in tried)
    raise DataMissing(
        f"{name} was not found. Looked in\n{places}\n"
        f"Copy the course's folder data/course beside the notebook, or set {VARIABLE} to where it is."
    )


def _folders() -> Iterator[Path]:
    """Yield the folders to look in: only the one that the environment names, if it names one."""
    if named := os.environ.get(VARIABLE):
        yield Path(named)
        return
    yield Path(__file__).resolve().parents[2] / "data" / "course"
    here = Path.cwd()
    for folder in (here, *here.parents[:3]):
        yield folder / "data" / "course"
        yield folder / "data"
