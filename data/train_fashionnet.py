"""Train the network of clothes that assignment 06 looks into, and store it as it was at several times.

python data/train_fashionnet.py            train with the fixed seed and write course/fashionnet.npz
python data/train_fashionnet.py --check    train again and compare with what is committed

It takes about four minutes on one core. The check is that of train_zipnet.py.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn
from train_zipnet import Examples, Training, convolutional, run

from autograder.lab import fashion


def network() -> nn.Sequential:
    """Three convolutions, each with ReLU and pooling, and one fully connected layer: 28 × 28 – 24 – 32 – 48 – 10."""
    return convolutional([(1, 24, 7), (24, 32, 5), (32, 48, 3)], 48 * 3 * 3)


def clothes() -> tuple[Examples, Examples]:
    """The course's 20,000 pictures to learn from, and the 2,000 for validation."""
    parts = (fashion("train"), fashion("validation"))
    train, validation = ((torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return train, validation


FASHIONNET = Training(
    "fashionnet", network, clothes, passes=15, kept=(0, 0.05, 0.25, 1, 4, 15), decay=0.002, precision="float16"
)

if __name__ == "__main__":
    sys.exit(run(FASHIONNET, __doc__ or ""))
