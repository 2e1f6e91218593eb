"""Every listed layer is rebuilt as it was; nothing else can be named."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autograder.isolation.modules import ATTRIBUTES, describe, rebuild

SAMPLES: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv1d(2, 4, 3, padding="same"), (1, 2, 8)),
    (nn.Conv2d(2, 4, (3, 5), stride=2, padding=(1, 2), groups=2, bias=False, padding_mode="reflect"), (1, 2, 9, 9)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1), (1, 2, 4, 4)),
    (nn.Linear(4, 3), (2, 4)),
    (nn.MaxPool1d(2), (1, 1, 8)),
    (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (1, 1, 8, 8)),
    (nn.AvgPool1d(2), (1, 1, 8)),
    (nn.AvgPool2d(2, count_include_pad=False), (1, 1, 8, 8)),
    (nn.AdaptiveAvgPool2d((1, 2)), (1, 1, 8, 8)),
    (nn.BatchNorm1d(3, momentum=0.3), (4, 3)),
    (nn.BatchNorm2d(3, affine=False), (2, 3, 4, 4)),
    (nn.LayerNorm((4, 4)), (2, 4, 4)),
    (nn.GroupNorm(2, 4), (2, 4, 3)),
    (nn.Flatten(0), (2, 3)),
    (nn.Unflatten(1, (2, 3)), (2, 6)),
    (nn.Dropout(0.3), (3,)),
    (nn.Dropout2d(0.3), (1, 2, 2, 2)),
    (nn.ReLU(), (3,)),
    (nn.LeakyReLU(0.2), (3,)),
    (nn.ELU(0.5), (3,)),
    (nn.Softmax(1), (2, 3)),
    (nn.LogSoftmax(1), (2, 3)),
    (nn.Upsample(scale_factor=2, mode="nearest"), (1, 1, 4, 4)),
    (nn.Identity(), (3,)),
    (nn.GELU(), (3,)),
    (nn.Sigmoid(), (3,)),
    (nn.Softplus(), (3,)),
    (nn.Tanh(), (3,)),
]


def test_every_listed_layer_has_a_sample() -> None:
    assert {type(module) for module, _ in SAMPLES} == set(ATTRIBUTES)


@pytest.mark.parametrize(("module", "shape"), SAMPLES, ids=[type(module).__name__ for module, _ in SAMPLES])
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_is_rebuilt_as_it_was(module: nn.Module, shape: tuple[int, ...], training: bool) -> None:
    module.train(training)
    twin = rebuild(describe(module))
    x = torch.randn(shape)
    torch.manual_seed(5)
    expected = module(x)
    torch.manual_seed(5)
    module.load_state_dict(twin.state_dict())
    assert torch.equal(twin(x), expected)
    assert type(twin) is type(module)
    assert twin.training == training


def test_networks_nest_and_keep_their_names() -> None:
    inner = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    network = nn.Sequential()
    network.add_module("body", inner)
    network.add_module("head", nn.Linear(3, 1))
    twin = rebuild(describe(network))
    assert list(twin.state_dict()) == list(network.state_dict())
    x = torch.randn(4, 2)
    assert torch.equal(twin(x), network(x))


def test_half_precision_survives() -> None:
    assert next(rebuild(describe(nn.Linear(2, 2).to(torch.bfloat16))).parameters()).dtype == torch.bfloat16


class Own(nn.Linear):
    """A subclass is another class."""


@pytest.mark.parametrize("module", [Own(2, 2), nn.RNN(2, 2), nn.ModuleList()], ids=["subclass", "RNN", "list"])
def test_other_modules_cannot_be_described(module: nn.Module) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        describe(module)


def test_other_names_cannot_be_rebuilt() -> None:
    with pytest.raises(KeyError):
        rebuild(["Module", {}, {}, {}, True])
