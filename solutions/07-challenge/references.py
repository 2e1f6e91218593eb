"""Three entries that bracket the field; `python -m autograder.bench.reference_entries` enters them and prints a table.

The cell "shared" is put before each of the others, and the two together are a notebook's code. Students never get them.
"""

# %% shared
import math

import torch
import torch.nn.functional as F
from torch import nn


def between(*shape):
    return 2 * torch.rand(*shape) - 1


def altered(images):
    """Each picture turned, resized, moved, perhaps mirrored, lit and grained by its own amount."""
    n = len(images)
    turn, size, right, down = 0.21 * between(n), 1 + 0.08 * between(n), 0.15 * between(n), 0.15 * between(n)
    cosine, sine, mirror = torch.cos(turn) / size, torch.sin(turn) / size, torch.sign(between(n))
    rows = [torch.stack([mirror * cosine, -sine, right], 1), torch.stack([mirror * sine, cosine, down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, align_corners=False)
    side, slope = torch.linspace(-1, 1, 28), 0.3 * between(2, n, 1, 1)
    light = 1 + 0.2 * between(n, 1, 1) + slope[0] * side + slope[1] * side[:, None]
    return images * light[:, None] + 0.06 * torch.randn(images.shape)


def fit(model, images, labels, seed, passes, rate, change):
    """Batches of 100, AdamW, one cycle of the learning rate."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=passes * math.ceil(len(images) / 100))
    model.train()
    for _ in range(passes):
        for batch in torch.randperm(len(images)).split(100):
            loss = F.cross_entropy(model(change(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


# %% linear classifier
def build_model():
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


def train(model, images, labels, seed):
    fit(model, images, labels, seed, passes=4, rate=3e-3, change=lambda pictures: pictures)


# %% network in the style of 1989
def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, 2, 2), nn.Tanh(), nn.Conv2d(12, 12, 5, 2, 2), nn.Tanh(),
        nn.Flatten(), nn.Linear(12 * 7 * 7, 30), nn.Tanh(), nn.Linear(30, 10),
    )


def train(model, images, labels, seed):
    fit(model, images, labels, seed, passes=6, rate=3e-3, change=altered)


# %% strong small network
def build_model():
    def block(before, after, size, stride):
        convolution = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
        return [convolution, nn.BatchNorm2d(after), nn.ReLU()]

    return nn.Sequential(
        *block(1, 16, 5, 2), *block(16, 32, 3, 2), *block(32, 64, 3, 1), *block(64, 64, 3, 2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * 4 * 4, 10),
    )


def train(model, images, labels, seed):
    fit(model, images, labels, seed, passes=8, rate=8e-3, change=altered)
