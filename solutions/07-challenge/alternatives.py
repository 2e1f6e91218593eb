"""Right answers to assignment 07 by other routes than the instructor's. Each must get full marks."""

import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.authoring.answers import alternative


# count_weights


@alternative(of="count_weights", route="a loop over the state, bytes through numpy")
def bytes_by_numpy(model):
    if not isinstance(model, torch.nn.Module):
        raise ValueError("model")
    total = 0
    for name in model.state_dict():
        total += model.state_dict()[name].detach().cpu().numpy().nbytes
    return (total + 3) // 4


@alternative(of="count_weights", route="parameters and buffers, half numbers added up")
def parameters_and_buffers(model):
    if not isinstance(model, nn.Module):
        raise ValueError(f"model: {model!r}")
    everything = [*model.parameters(), *model.buffers()]
    return math.ceil(sum(math.prod(one.shape) * one.itemsize / 4 for one in everything))


@alternative(of="count_weights", route="no isinstance; shapes and the number of bits of each type")
def bits_of_each_type(model):
    state = getattr(model, "state_dict", None)
    if state is None or not hasattr(model, "forward"):
        raise ValueError("model must be a module")
    bits = 0
    for value in state().values():
        info = torch.finfo(value.dtype) if value.dtype.is_floating_point else torch.iinfo(value.dtype)
        bits += info.bits * value.nelement()
    return -(-bits // 32)


# affordable_epochs


@alternative(of="affordable_epochs", route="whole-number division")
def by_floor_division(step_seconds, images, batch_size, budget, reserve):
    if not (step_seconds > 0 and images >= 1 and batch_size >= 1 and budget >= 0 and 0 <= reserve < 1):
        raise ValueError("step_seconds, images, batch_size, budget or reserve")
    steps = (images - 1) // batch_size + 1
    return int((budget - reserve * budget) // (steps * step_seconds))


@alternative(of="affordable_epochs", route="counting passes until the time is spent")
def by_counting(step_seconds, images, batch_size, budget, reserve):
    if step_seconds <= 0:
        raise ValueError("step_seconds")
    if min(images, batch_size) < 1:
        raise ValueError("images, batch_size")
    if budget < 0:
        raise ValueError("budget")
    if reserve < 0 or reserve >= 1:
        raise ValueError("reserve")
    steps = len(range(0, images, batch_size))
    passes = 0
    while (passes + 1) * steps * step_seconds <= budget * (1 - reserve):
        passes += 1
    return passes


@alternative(of="affordable_epochs", route="fractions, without rounding errors")
def by_fractions(step_seconds, images, batch_size, budget, reserve):
    from fractions import Fraction

    if step_seconds <= 0 or images < 1 or batch_size < 1 or budget < 0 or reserve < 0 or reserve >= 1:
        raise ValueError("an argument is out of range")
    left = (1 - Fraction(reserve)) * Fraction(budget)
    one_pass = math.ceil(Fraction(int(images), int(batch_size))) * Fraction(step_seconds)
    return left // one_pass


# accuracy_interval


@alternative(of="accuracy_interval", route="the roots of the quadratic, by numpy")
def by_roots(right, images, z):
    if images < 1 or right < 0 or right > images or z <= 0:
        raise ValueError("right, images or z")
    share = right / images
    low, high = sorted(np.real(np.roots([1 + z**2 / images, -(2 * share + z**2 / images), share**2])))
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


@alternative(of="accuracy_interval", route="bisection of the inequality on either side")
def by_bisection(right, images, z):
    if images < 1 or not 0 <= right <= images or not z > 0:
        raise ValueError("right, images or z")
    share = right / images

    def last_compatible(outside):
        inside = share
        for _ in range(200):
            middle = (inside + outside) / 2
            if (share - middle) ** 2 <= z**2 * middle * (1 - middle) / images:
                inside = middle
            else:
                outside = middle
        return inside

    return [0.0 if right == 0 else last_compatible(0.0), 1.0 if right == images else last_compatible(1.0)]


@alternative(of="accuracy_interval", route="Wilson's published form, as an array")
def by_published_form(right, images, z):
    if images < 1 or right < 0 or right > images or z <= 0:
        raise ValueError("right, images or z")
    p, square = right / images, z * z / images
    reach = np.sqrt(square * p * (1 - p) + square**2 / 4)
    return (p + square / 2 + np.array([-reach, reach])) / (1 + square)


# build_model


@alternative(of="build_model", route="pooling instead of strides, no bottleneck, fewer weights")
def pooling_network():
    layers, before = [], 1
    for after, size in ((16, 5), (32, 3), (64, 3)):
        stride = 2 if before == 1 else 1
        layers += [nn.Conv2d(before, after, size, stride, size // 2), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [] if before == 1 else [nn.MaxPool2d(2)]
        before = after
    return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(before * 9, 10))


@alternative(of="build_model", route="depthwise separable convolutions, a class of its own")
class SeparableNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 24, 5, 2, 2, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.blocks = nn.ModuleList(self.separable(*sizes) for sizes in ((24, 64, 2), (64, 128, 1), (128, 128, 2)))
        self.last = nn.Linear(128 * 4 * 4, 10)

    @staticmethod
    def separable(before, after, stride):
        return nn.Sequential(
            nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False), nn.BatchNorm2d(before), nn.ReLU(),
            nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
        )

    def forward(self, images):
        found = self.first(images)
        for block in self.blocks:
            found = block(found)
        return self.last(found.flatten(1))


@alternative(of="build_model", route="residual blocks, the mean over positions, a class inside the function")
def residual_network():
    class Residual(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.one = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.two = nn.BatchNorm2d(channels)

        def forward(self, images):
            return images + F.relu(self.two(self.one(images)))

    def shrink(before, after):
        return nn.Sequential(nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())

    return nn.Sequential(
        shrink(1, 24), shrink(24, 48), Residual(48), shrink(48, 80),
        nn.Flatten(), nn.Linear(80 * 16, 10),
    )


# train


@alternative(of="train", route="SGD with momentum and a cosine; shift, mirror and light drawn by numpy, orders too")
def momentum_and_cosine(model, images, labels, seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)

    def altered(pictures):
        n = len(pictures)
        angle, size = rng.uniform(-0.2, 0.2, n), rng.uniform(0.92, 1.08, n)
        matrix = np.zeros((n, 2, 3), dtype=np.float32)
        matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angle) * size
        matrix[:, 0, 1], matrix[:, 1, 0] = -np.sin(angle) * size, np.sin(angle) * size
        matrix[:, 0] *= rng.choice([-1, 1], n)[:, None]
        matrix[:, :, 2] = rng.uniform(-0.14, 0.14, (n, 2))
        grid = F.affine_grid(torch.from_numpy(matrix), [n, 1, 28, 28], align_corners=False)
        x = F.grid_sample(pictures, grid, align_corners=False).numpy()
        side = np.linspace(-1, 1, 28)
        slope = rng.uniform(-0.3, 0.3, (2, n, 1, 1, 1))
        x = x * (rng.uniform(0.8, 1.2, (n, 1, 1, 1)) + slope[0] * side + slope[1] * side[:, None])
        return torch.from_numpy((x + 0.05 * rng.standard_normal(x.shape)).astype(np.float32))

    passes, size, step = 3, 64, 0
    total = passes * -(-len(images) // size)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for _ in range(passes):
        model.train()
        order = rng.permutation(len(images))
        for first in range(0, len(order), size):
            for group in optimizer.param_groups:
                group["lr"] = 0.05 * 0.5 * (1 + math.cos(math.pi * step / total))
            batch = torch.from_numpy(order[first : first + size])
            model.zero_grad()
            F.cross_entropy(model(altered(images[batch])), labels[batch], label_smoothing=0.05).backward()
            optimizer.step()
            step += 1
    model.eval()


@alternative(of="train", route="whole pixels moved by slices, turns by shear, a generator of its own, Adam by steps")
def shifts_by_slices(model, images, labels, seed):
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)

    def uniform(count, reach):
        return reach * (2 * torch.rand(count, generator=draw) - 1)

    def altered(x):
        n = len(x)
        rows = torch.arange(28.0) - 13.5
        turn, down, right = uniform(n, 0.2), uniform(n, 2.5), uniform(n, 2.5)
        y = rows[None, :, None] + turn[:, None, None] * rows[None, None, :] + down[:, None, None]
        z = rows[None, None, :] - turn[:, None, None] * rows[None, :, None] + right[:, None, None]
        z = torch.where(torch.rand(n, 1, 1, generator=draw) < 0.5, z, -z)
        y, z = (y + 13.5).round().long() + 4, (z + 13.5).round().long() + 4
        inside = F.pad(x, (4, 4, 4, 4))[:, 0]
        x = inside[torch.arange(n)[:, None, None], y.clamp(0, 35), z.clamp(0, 35)][:, None]
        light = 1 + uniform(n, 0.2)[:, None, None]
        light = light + uniform(n, 0.3)[:, None, None] * rows / 14 + uniform(n, 0.3)[:, None, None] * rows[:, None] / 14
        return (x * light[:, None] + 0.05 * torch.randn(x.shape, generator=draw)).clamp_min(0)

    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    model.train()
    for factor in (1.0, 1.0, 0.4, 0.08):
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * factor
        for batch in torch.randperm(len(images), generator=draw).split(100):
            loss = nn.CrossEntropyLoss()(model(altered(images[batch])), labels[batch])
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()


@alternative(of="train", route="a DataLoader, every seed set, the mean of the last weights kept")
def averaged_weights(model, images, labels, seed):
    from torch.utils.data import DataLoader, TensorDataset

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)

    def altered(x):
        n = len(x)
        turn = torch.empty(n).uniform_(-0.22, 0.22)
        matrix = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(n, 2, 2)
        matrix = matrix * torch.empty(n, 1, 1).uniform_(0.92, 1.08)
        matrix[:, 0] *= torch.randint(2, (n, 1)) * 2 - 1
        move = torch.empty(n, 2, 1).uniform_(-0.15, 0.15)
        grid = F.affine_grid(torch.cat([matrix, move], 2), x.shape, align_corners=False)
        angle = torch.rand(n, 1, 1) * 2 * math.pi
        side = torch.linspace(-1, 1, 28)
        light = 1 + 0.3 * (angle.cos() * side + angle.sin() * side.view(28, 1))
        light = light * torch.empty(n, 1, 1).uniform_(0.8, 1.2)
        x = F.grid_sample(x, grid, align_corners=False) * light.unsqueeze(1)
        return x + 0.05 * torch.randn_like(x)

    loader = DataLoader(TensorDataset(images, labels), batch_size=100, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3 * len(loader))
    model.train()
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(altered(x)), y).backward()
            optimizer.step()
            schedule.step()
