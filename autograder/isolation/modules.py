"""torch layers as data: a class name from a short list, constructor arguments, state tensors.

The trusted side describes a network it wants a student's function to work on, the untrusted side rebuilds
it. Nothing but the layers listed here can be named, and descriptions travel in that direction only.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["describe", "rebuild"]

_CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
_TRANSPOSED = (*_CONVOLUTION[:5], "output_padding", "groups", "dilation", "padding_mode")
_MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
_MEAN_POOL = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")

ATTRIBUTES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Conv1d: _CONVOLUTION,
    nn.Conv2d: _CONVOLUTION,
    nn.ConvTranspose2d: _TRANSPOSED,
    nn.Linear: ("in_features", "out_features"),
    nn.MaxPool1d: _MAX_POOL,
    nn.MaxPool2d: _MAX_POOL,
    nn.AvgPool1d: _MEAN_POOL,
    nn.AvgPool2d: _MEAN_POOL,
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.BatchNorm1d: _NORM,
    nn.BatchNorm2d: _NORM,
    nn.LayerNorm: ("normalized_shape", "eps", "elementwise_affine"),
    nn.GroupNorm: ("num_groups", "num_channels", "eps", "affine"),
    nn.Flatten: ("start_dim", "end_dim"),
    nn.Unflatten: ("dim", "unflattened_size"),
    nn.Dropout: ("p", "inplace"),
    nn.Dropout2d: ("p", "inplace"),
    nn.ReLU: ("inplace",),
    nn.LeakyReLU: ("negative_slope", "inplace"),
    nn.ELU: ("alpha", "inplace"),
    nn.Softmax: ("dim",),
    nn.LogSoftmax: ("dim",),
    nn.Upsample: ("size", "scale_factor", "mode", "align_corners"),
    nn.Identity: (),
    nn.GELU: (),
    nn.Sigmoid: (),
    nn.Softplus: (),
    nn.Tanh: (),
}
_WITH_BIAS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
_BY_NAME = {kind.__name__: kind for kind in ATTRIBUTES}


def describe(module: nn.Module) -> list[Any]:
    """Return [class name, arguments, children, state, training] of a listed layer or a Sequential of them.

    Raises TypeError for any other module.
    """
    kind = type(module)
    if kind is nn.Sequential:
        children = {name: describe(child) for name, child in module.named_children()}
        return ["Sequential", {}, children, {}, module.training]
    if kind not in ATTRIBUTES:
        raise TypeError(f"a {kind.__name__} cannot be sent: use layers of torch.nn from {sorted(_BY_NAME)}")
    arguments = {name: getattr(module, name) for name in ATTRIBUTES[kind]}
    if kind in _WITH_BIAS:
        arguments["bias"] = module.bias is not None
    return [kind.__name__, arguments, {}, dict(module.state_dict()), module.training]


def rebuild(description: list[Any]) -> nn.Module:
    """Return the module of a description. Raises KeyError for a class that is not listed."""
    name, arguments, children, state, training = description
    if name == "Sequential":
        module: nn.Module = nn.Sequential()
        for key, child in children.items():
            module.add_module(key, rebuild(child))
    else:
        module = _BY_NAME[name](**arguments)
        tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
        dtype = next((value.dtype for value in tensors.values() if value.is_floating_point()), None)
        module = module.to(dtype) if dtype else module
        module.load_state_dict(tensors)
    return module.train(training)
