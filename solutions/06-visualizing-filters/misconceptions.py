"""Named wrong answers to 06-visualizing-filters, each with what it teaches. The grader reads this file as text."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.authoring.answers import changed, misconception

# tile_filters


@misconception(
    of="tile_filters",
    says="All of your tiles share one contrast, that of the strongest filter, so weak filters come out grey. "
    "Divide each filter by its own largest absolute weight.",
)
def one_contrast_for_all(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    largest = np.abs(w).max() or 1.0
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        picture[:, top : top + height, left : left + width] = (1 + weights / largest) / 2
    return picture


@misconception(
    of="tile_filters",
    says="You stretch each filter from its smallest to its largest weight, so zero has another grey in every tile."
    " Divide by the largest absolute value instead: then mid-grey is zero everywhere.",
)
def stretched_from_smallest_to_largest(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        low, high = weights.min(), weights.max()
        tile = (weights - low) / (high - low) if high > low else 0.5
        picture[:, top : top + height, left : left + width] = tile
    return picture


@misconception(
    of="tile_filters",
    says="You divide by the largest weight with its sign. In a filter whose strongest weight is negative, values "
    "leave the range from 0 to 1. Take absolute values before you look for the largest.",
)
def largest_with_its_sign(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        picture[:, top : top + height, left : left + width] = (1 + weights / (weights.max() or 1.0)) / 2
    return picture


@misconception(
    of="tile_filters",
    says="Each channel of a filter has a contrast of its own in your picture, so a filter's colours change. The "
    "largest weight is to be taken over all channels of the filter.",
)
def contrast_per_channel(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        largest = np.abs(weights).max(axis=(1, 2), keepdims=True)
        largest[largest == 0] = 1.0
        picture[:, top : top + height, left : left + width] = (1 + weights / largest) / 2
    return picture


@misconception(
    of="tile_filters",
    says="A filter of zeros becomes NaN in your picture: 0 divided by 0. It should be mid-grey, so look out for it"
    " before you divide.",
)
def zeros_become_nan(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            picture[:, top : top + height, left : left + width] = (1 + weights / np.abs(weights).max()) / 2
    return picture


@misconception(
    of="tile_filters",
    says="Your tiles run down the columns first. Reading order fills a row of tiles, then the next row: the row is "
    "`number // columns`.",
)
def filled_column_by_column(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number % rows * (height + 1), number // rows * (width + 1)
        picture[:, top : top + height, left : left + width] = (1 + weights / (np.abs(weights).max() or 1.0)) / 2
    return picture


@misconception(
    of="tile_filters",
    says="Your filters lie on their side: rows and columns of each kernel are exchanged. A kernel of kh rows and kw "
    "columns makes a tile of kh rows and kw columns.",
)
def kernels_on_their_side(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, width, height = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        tile = (1 + weights / (np.abs(weights).max() or 1.0)) / 2
        picture[:, top : top + height, left : left + width] = tile.swapaxes(1, 2)
    return picture


@misconception(
    of="tile_filters",
    says="Free places and the lines between tiles are black in your picture. They should hold 1: begin with ones, "
    "not with zeros.",
)
def black_lines(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.zeros((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        picture[:, top : top + height, left : left + width] = (1 + weights / (np.abs(weights).max() or 1.0)) / 2
    return picture


@misconception(
    of="tile_filters",
    says="You scale the filters in place (`w /= …`), so the caller's weights are changed: the network is another "
    "one after you have looked at it. Make a new array.",
)
def weights_scaled_in_place(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    filters, channels, height, width = w.shape
    rows = -(-filters // columns)
    picture = np.ones((channels, rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, weights in enumerate(w):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        weights /= np.abs(weights).max() or 1.0
        picture[:, top : top + height, left : left + width] = (1 + weights) / 2
    return picture


# evolution


@misconception(
    of="evolution",
    says="You compare each time with the first. The question is how like its *final* form a filter was: compare "
    "with the last time, index -1.",
)
def compared_with_the_first(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(*snapshots.shape[:2], -1)
    v = v / np.linalg.norm(v, axis=2, keepdims=True)
    return (v * v[0]).sum(axis=2)


@misconception(
    of="evolution",
    says="You compare each time with the one after it. That says how much a filter is changing, not how near it is"
    " to its final form: compare with the last time.",
)
def compared_with_the_next(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(*snapshots.shape[:2], -1)
    v = v / np.linalg.norm(v, axis=2, keepdims=True)
    return (v * np.concatenate([v[1:], v[-1:]])).sum(axis=2)


@misconception(
    of="evolution",
    says="You treat the whole layer as one vector, so every filter gets the same number. Each filter is a vector "
    "of its own: only the last three axes belong together.",
)
def layer_as_one_vector(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(len(snapshots), -1)
    v = v / np.linalg.norm(v, axis=1, keepdims=True)
    return np.repeat((v * v[-1]).sum(axis=1)[:, None], snapshots.shape[1], axis=1)


@misconception(
    of="evolution",
    says="Your numbers are plain scalar products: a strong filter counts for more than a weak one. Divide by both "
    "lengths.",
)
def not_divided_by_lengths(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    return (snapshots * snapshots[-1]).sum(axis=(2, 3, 4))


@misconception(
    of="evolution",
    says="You divide by the length of the final filter only. A cosine divides by both lengths, the one then and "
    "the one in the end.",
)
def divided_by_one_length(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(*snapshots.shape[:2], -1)
    return (v * v[-1]).sum(axis=2) / (v[-1] ** 2).sum(axis=1)


@misconception(
    of="evolution",
    says="You subtract each filter's mean first, which makes it a correlation coefficient. The cosine takes the "
    "weights as they are.",
)
def means_subtracted(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(*snapshots.shape[:2], -1)
    v = v - v.mean(axis=2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        v = v / np.linalg.norm(v, axis=2, keepdims=True)
    return (v * v[-1]).sum(axis=2)


@misconception(
    of="evolution",
    says="You lose the sign: a filter that was the opposite of its final form gets 1 instead of −1. Do not take "
    "absolute values.",
)
def sign_lost(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots")
    v = snapshots.reshape(*snapshots.shape[:2], -1)
    v = v / np.linalg.norm(v, axis=2, keepdims=True)
    return np.abs((v * v[-1]).sum(axis=2))


# feature_maps


@misconception(
    of="feature_maps",
    says="The network stays in evaluation mode after your look inside. If it was being trained, it goes on without"
    " dropout, and nobody is told. Remember `model.training` and put it back.",
)
def left_in_evaluation_mode(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    hook = layers[layer].register_forward_hook(lambda m, i, output: found.append(output.detach().clone()))
    model.eval()
    model(x)
    hook.remove()
    return found[0]


@misconception(
    of="feature_maps",
    says="The network is always in training mode after your look inside. Put back the mode that it was in, "
    "whichever it was: `model.train(was_training)`.",
)
def left_in_training_mode(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    hook = layers[layer].register_forward_hook(lambda m, i, output: found.append(output.detach().clone()))
    model.eval()
    model(x)
    hook.remove()
    model.train()
    return found[0]


@misconception(
    of="feature_maps",
    says="You run the network in whichever mode it is. In training mode dropout and batch normalization change the"
    " maps. Call `model.eval()` first, and put the mode back afterwards.",
)
def run_in_any_mode(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    hook = layers[layer].register_forward_hook(lambda m, i, output: found.append(output.detach().clone()))
    model(x)
    hook.remove()
    return found[0]


@misconception(
    of="feature_maps",
    says="Your hook stays on the network. It is called in every later run and keeps maps alive that nobody needs. "
    "Keep what `register_forward_hook` returns, and call its `remove()`.",
)
def hook_left_behind(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    layers[layer].register_forward_hook(lambda m, i, output: found.append(output.detach().clone()))
    training = model.training
    model.eval()(x)
    model.train(training)
    return found[0]


@misconception(
    of="feature_maps",
    says="You return what went *into* the layer. A forward hook is given the inputs first and the output last.",
)
def input_of_the_layer(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    hook = layers[layer].register_forward_hook(lambda m, inputs, output: found.append(inputs[0].detach().clone()))
    training = model.training
    model.eval()(x)
    hook.remove()
    model.train(training)
    return found[0]


@misconception(
    of="feature_maps",
    says="You return the network's own answer, which is the last layer's output. The map in question is the one "
    "that the hook was given.",
)
def answer_of_the_network(model, x, layer):
    if not layer or layer not in dict(model.named_modules()):
        raise ValueError("layer")
    training = model.training
    with torch.no_grad():
        answer = model.eval()(x)
    model.train(training)
    return answer


@misconception(
    of="feature_maps",
    says="You keep the layer's output itself, and an in-place ReLU behind it writes over it. Keep a copy: "
    "`output.clone()`.",
)
def overwritten_by_the_next_layer(model, x, layer):
    layers, found = dict(model.named_modules()), []
    if not layer or layer not in layers:
        raise ValueError("layer")
    hook = layers[layer].register_forward_hook(lambda m, i, output: found.append(output.detach()))
    training = model.training
    model.eval()(x)
    hook.remove()
    model.train(training)
    return found[0]


@misconception(
    of="feature_maps",
    says="For a name that no layer has, you let another error through. The agreement is a ValueError that names "
    "`layer`, so look whether the name is there first.",
)
def unknown_name_not_refused(model, x, layer):
    found = []
    hook = model.get_submodule(layer).register_forward_hook(lambda m, i, output: found.append(output.detach().clone()))
    training = model.training
    model.eval()(x)
    hook.remove()
    model.train(training)
    return found[0]


# relu_backward


@misconception(
    of="relu_backward",
    says="Your deconvnet rule looks at the forward activation. Zeiler and Fergus rectify the *reconstruction*: "
    "what ReLU did on the way forward plays no part in it.",
)
def deconvnet_with_forward_mask(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    if rule == "gradient":
        return grad * (activation > 0)
    return grad.clamp(min=0) * (activation > 0)


@misconception(
    of="relu_backward",
    says="You have exchanged the gradient and the deconvnet rule. The gradient asks whether the unit was on, $a > "
    "0$; the deconvnet asks for the sign of what comes back, $g > 0$.",
)
def two_rules_exchanged(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    if rule == "guided":
        return grad.clamp(min=0) * (activation > 0)
    return grad.clamp(min=0) if rule == "gradient" else grad * (activation > 0)


@misconception(
    of="relu_backward",
    says="Your guided rule leaves the forward mask out, so it is the deconvnet rule. Guided takes both: $a > 0$ "
    "and $g > 0$.",
)
def guided_without_forward_mask(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    return grad * (activation > 0) if rule == "gradient" else grad.clamp(min=0)


@misconception(
    of="relu_backward",
    says="You test `activation >= 0`. What came out of ReLU is never negative, so that lets everything pass. A "
    "unit that is off has the activation 0: test for more than 0.",
)
def zero_counts_as_on(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    passing = grad if rule == "deconvnet" else grad * (activation >= 0)
    return passing if rule == "gradient" else passing.clamp(min=0)


@misconception(
    of="relu_backward",
    says="You pass the activation on where the rule lets something through. What is passed on is what comes from "
    "above, `grad`.",
)
def activation_passed_on(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    passing = torch.ones_like(grad)
    if rule != "deconvnet":
        passing = passing * (activation > 0)
    if rule != "gradient":
        passing = passing * (grad > 0)
    return activation * passing


@misconception(
    of="relu_backward",
    says="Your deconvnet rule takes the absolute value, so what was negative comes through as positive. It should "
    "become 0.",
)
def absolute_value(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    result = grad if rule == "deconvnet" else grad * (activation > 0)
    return result if rule == "gradient" else result.abs()


@misconception(
    of="relu_backward",
    says="You write into `grad` itself, so the caller's tensor is changed. `clamp_` and `mul_` work in place; make"
    " a new tensor.",
)
def written_in_place(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided") or grad.shape != activation.shape:
        raise ValueError("rule or grad")
    if rule != "deconvnet":
        grad[activation <= 0] = 0
    if rule != "gradient":
        grad.clamp_(min=0)
    return grad


@misconception(
    of="relu_backward",
    says="You let shapes that differ be broadcast. That they differ is a sign of a mistake: raise ValueError.",
)
def shapes_not_compared(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    result = grad if rule == "deconvnet" else grad * (activation > 0)
    return result if rule == "gradient" else result.clamp(min=0)


# strongest


@misconception(
    of="strongest",
    says="You keep the channel's whole map. Only its strongest unit is to be left, or the reconstruction mixes "
    "everything that the channel found.",
)
def whole_map_kept(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    alone[:, channel] = maps[:, channel]
    return alone


@misconception(
    of="strongest",
    says="The other channels are still there. Everything in the layer but one unit has to be zero, in all maps.",
)
def other_maps_kept(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = maps.clone()
    for n in range(len(maps)):
        place = maps[n, channel].argmax()
        value = maps[n, channel].flatten()[place].clone()
        alone[n, channel] = 0
        alone[n, channel].view(-1)[place] = value
    return alone


@misconception(
    of="strongest",
    says="You look for the strongest unit of the whole batch, so most pictures are left with nothing. Each picture"
    " keeps a unit of its own.",
)
def one_for_the_whole_batch(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    n, place = divmod(int(maps[:, channel].flatten().argmax()), maps.shape[2] * maps.shape[3])
    row, column = divmod(place, maps.shape[3])
    alone[n, channel, row, column] = maps[n, channel, row, column]
    return alone


@misconception(
    of="strongest",
    says="Where several units are equally strong you keep them all. Only the first in reading order counts: use "
    "`argmax`, not a comparison with the maximum.",
)
def all_equals_kept(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    chosen = maps[:, channel]
    alone[:, channel] = torch.where(chosen == chosen.amax(dim=(1, 2), keepdim=True), chosen, 0.0)
    return alone


@misconception(
    of="strongest",
    says="You put a 1 in the strongest unit's place. It should keep its value.",
)
def one_instead_of_the_value(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    for n in range(len(maps)):
        alone[n, channel].view(-1)[maps[n, channel].argmax()] = 1.0
    return alone


@misconception(
    of="strongest",
    says="You take the largest absolute value, so a strongly negative unit can win. Strongest means largest.",
)
def largest_absolute_value(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    for n in range(len(maps)):
        place = maps[n, channel].abs().argmax()
        alone[n, channel].view(-1)[place] = maps[n, channel].flatten()[place]
    return alone


@misconception(
    of="strongest",
    says="A negative channel is accepted and counted from the end. Channels run from 0 to C − 1; refuse everything"
    " else.",
)
def counted_from_the_end(maps, channel):
    if not channel < maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    for n in range(len(maps)):
        place = maps[n, channel].argmax()
        alone[n, channel].view(-1)[place] = maps[n, channel].flatten()[place]
    return alone


# deconvnet


changed(
    "kernels_not_transposed",
    of="deconvnet",
    says="You filter with the kernels as they are, not transposed. On the way back each value has to stamp its "
    "filter onto the map below, which is filtering with the *flipped* kernel.",
    old="y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)",
    new="""
        w = module.weight.detach().flip(2, 3)
        y = nn.grad.conv2d_input(before.shape, w, y, module.stride, module.padding)
    """,
)


changed(
    "always_the_forward_mask",
    of="deconvnet",
    says="You follow the chain rule through ReLU, whatever `rule` says: the mask of the way forward. The deconvnet"
    " rectifies the reconstruction instead. Pass `rule` on to relu_backward.",
    old="y = relu_backward(rule, y, after)",
    new='y = relu_backward("gradient", y, after)',
)


changed(
    "rule_ignored",
    of="deconvnet",
    says="You rectify always, whatever `rule` says. The argument decides how to go back through ReLU: pass it on to "
    "relu_backward.",
    old="y = relu_backward(rule, y, after)",
    new='y = relu_backward("deconvnet", y, after)',
)


@misconception(
    of="deconvnet",
    says="You skip ReLU on the way back. The deconvnet rectifies the reconstruction wherever ReLU stood on the way"
    " forward.",
)
def not_rectified(model, layer, channel, x, rule="deconvnet"):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    steps = record(model, layer, x)
    y = strongest(steps[-1].after, channel)
    for module, before, _after, switches in reversed(steps):
        if isinstance(module, nn.MaxPool2d):
            y = F.max_unpool2d(y, switches, module.kernel_size, module.stride, output_size=before.shape)
        elif isinstance(module, nn.Conv2d):
            y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)
    return y


changed(
    "picture_rectified",
    of="deconvnet",
    says="You rectify the finished picture as well, so everything negative is lost from it. Only where the network"
    " has a ReLU is the reconstruction rectified.",
    old="return y",
    new="return y.clamp(min=0)",
)


changed(
    "biases_subtracted",
    of="deconvnet",
    says="You add (or subtract) the bias on the way back. The way back filters with the transposed kernels only; "
    "the bias plays no part.",
    old="y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)",
    new="""
        if module.bias is not None:
            y = y - module.bias.detach().reshape(1, -1, 1, 1)
        y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)
    """,
)


changed(
    "whole_layer_sent_back",
    of="deconvnet",
    says="You send the whole layer back, all channels and all places. To see what *one* unit saw, all others have "
    "to be zero: begin with `strongest`.",
    old="y = strongest(steps[-1].after, channel)",
    new="""
        y = steps[-1].after
        if not 0 <= channel < y.shape[1]:
            raise ValueError("channel")
    """,
)


@misconception(
    of="deconvnet",
    says="You undo pooling by putting each value into the top left corner of its window. The switches say where it"
    " stood: use `F.max_unpool2d` with them.",
)
def unpooled_to_the_corner(model, layer, channel, x, rule="deconvnet"):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    steps = record(model, layer, x)
    y = strongest(steps[-1].after, channel)
    for module, before, after, _switches in reversed(steps):
        if isinstance(module, nn.MaxPool2d):
            stride = module.stride
            down, across = stride if isinstance(stride, tuple) else (stride, stride)
            back = torch.zeros_like(before)
            back[:, :, : y.shape[2] * down : down, : y.shape[3] * across : across] = y
            y = back
        elif isinstance(module, nn.ReLU):
            y = relu_backward(rule, y, after)
        else:
            y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)
    return y


@misconception(
    of="deconvnet",
    says="You undo pooling by spreading each value over its whole window. Only one pixel of the window had a part "
    "in the maximum, and its switch says which.",
)
def spread_over_the_window(model, layer, channel, x, rule="deconvnet"):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    steps = record(model, layer, x)
    y = strongest(steps[-1].after, channel)
    for module, before, after, _switches in reversed(steps):
        if isinstance(module, nn.MaxPool2d):
            sides = [each if isinstance(each, tuple) else (each, each) for each in (module.kernel_size, module.stride)]
            (height, width), (down, across) = sides
            back = torch.zeros_like(before)
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    top, left = i * down, j * across
                    back[:, :, top : top + height, left : left + width] = y[:, :, i : i + 1, j : j + 1]
            y = back
        elif isinstance(module, nn.ReLU):
            y = relu_backward(rule, y, after)
        else:
            y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)
    return y


changed(
    "began_with_one",
    of="deconvnet",
    says="You take the derivative of the unit, which begins with 1. The deconvnet begins with the unit's "
    "activation, so a strong answer gives a strong picture.",
    old="y = strongest(steps[-1].after, channel)",
    new="y = (strongest(steps[-1].after, channel) != 0).to(x.dtype)",
)


changed(
    "left_over_rows_lost",
    of="deconvnet",
    says="Where a stride does not divide, your reconstruction is too small: some rows or columns were left over on"
    " the way forward and have to come back as zeros. nn.grad.conv2d_input is told the shape, "
    "conv_transpose2d needs output_padding.",
    old="y = nn.grad.conv2d_input(before.shape, module.weight.detach(), y, module.stride, module.padding)",
    new="y = F.conv_transpose2d(y, module.weight.detach(), None, module.stride, module.padding)",
)


changed(
    "rule_checked_too_late",
    of="deconvnet",
    says="A rule that does not exist is refused only if there is a ReLU on the way. Check `rule` first.",
    old="""
        if rule not in ("gradient", "deconvnet", "guided"):
            raise ValueError(f"rule must be 'gradient', 'deconvnet' or 'guided', not {rule!r}")
    """,
    new="",
)


# top_patches


@misconception(
    of="top_patches",
    says="You leave out where the receptive field starts. With padding, the first unit sees rows and columns "
    "outside of the picture, so all of your patches lie too far down and to the right. Add start.",
)
def padding_forgotten(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, _start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), descending=True, stable=True)[:k]
    framed = F.pad(images, (width, width, height, height))
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top, left = height + row * step[0], width + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="You take a unit's row and column for pixels. Behind a stride or a pooling layer, neighbouring units are "
    "several pixels apart: multiply by step.",
)
def step_forgotten(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), _step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), descending=True, stable=True)[:k]
    framed = F.pad(images, (width, width, height, height))
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top, left = height + start[0] + row, width + start[1] + column
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="You push patches that stick out back into the picture. Then the unit's place is no longer in the patch's"
    " middle. What lies outside counts as 0.",
)
def pushed_into_the_picture(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), descending=True, stable=True)[:k]
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top = min(max(start[0] + row * step[0], 0), max(images.shape[2] - height, 0))
        left = min(max(start[1] + column * step[1], 0), max(images.shape[3] - width, 0))
        patches.append(images[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="You begin with the weakest. The strongest unit comes first: sort in descending order.",
)
def weakest_first(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), stable=True)[:k]
    framed = F.pad(images, (width, width, height, height))
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top, left = height + start[0] + row * step[0], width + start[1] + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="One picture can win several times with you, by neighbouring units that see nearly the same. Each picture"
    " takes part only with its strongest unit.",
)
def one_picture_several_times(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    framed = F.pad(images, (width, width, height, height))
    patches, winners = [], []
    for place in torch.argsort(maps[:, channel].flatten(), descending=True, stable=True)[:k].tolist():
        n, rest = divmod(place, maps.shape[2] * maps.shape[3])
        row, column = divmod(rest, maps.shape[3])
        top, left = height + start[0] + row * step[0], width + start[1] + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
        winners.append(n)
    return torch.stack(patches), torch.tensor(winners)


@misconception(
    of="top_patches",
    says="You rank the pictures by the channel's mean. A picture with many weak answers then beats one with a "
    "single strong one. Rank by the strongest unit.",
)
def ranked_by_the_mean(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.mean(dim=1), descending=True, stable=True)[:k]
    framed = F.pad(images, (width, width, height, height))
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top, left = height + start[0] + row * step[0], width + start[1] + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="You find the row and column of the strongest unit by the map's height. A place in a map that was made "
    "flat is row · width + column: divide by the width.",
)
def divided_by_the_height(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), descending=True, stable=True)[:k]
    framed = F.pad(images, (images.shape[3] * 9,) * 2 + (images.shape[2] * 99,) * 2)
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[2])
        top = images.shape[2] * 99 + start[0] + row * step[0]
        left = images.shape[3] * 9 + start[1] + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


@misconception(
    of="top_patches",
    says="Of two pictures with equally strong units you put the later one first. `torch.argsort(…, descending=True, "
    "stable=True)` leaves equals in their order; reversing an ascending order does not.",
)
def equals_in_reverse(model, layer, channel, images, k):
    if not 1 <= k <= len(images):
        raise ValueError("k")
    (height, width), step, start = receptive_field(model, layer)
    maps = feature_maps(model, images, layer)
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    flat = maps[:, channel].flatten(1)
    winners = torch.argsort(flat.amax(dim=1), stable=True).flip(0)[:k]
    framed = F.pad(images, (width, width, height, height))
    patches = []
    for n in winners.tolist():
        row, column = divmod(int(flat[n].argmax()), maps.shape[3])
        top, left = height + start[0] + row * step[0], width + start[1] + column * step[1]
        patches.append(framed[n, :, top : top + height, left : left + width])
    return torch.stack(patches), winners


# occlusion


@misconception(
    of="occlusion",
    says="You return the network's number for the label, not a probability. Take the softmax over all classes first.",
)
def number_before_the_softmax(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(model(covered[None])[0, label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="The squares stay: each place is covered in addition to those before it. Begin with a fresh copy of the "
    "picture for every place.",
)
def squares_stay(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat, covered = model.training, [], x.clone()
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You cover the caller's own picture. Afterwards it is spoiled. Work on a copy.",
)
def own_picture_covered(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat, original = model.training, [], x.clone()
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            x.copy_(original)
            x[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(x[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="Your square lies on its side: its width is used for its height. The pair is (height, width).",
)
def square_on_its_side(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    size = (size[1], size[0])
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="Your stride goes the wrong way round: the step across is used for the step down. The pair is (down, across).",
)
def steps_exchanged(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[1]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[0]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You cover with grey, whatever `value` says. The argument decides what the square holds.",
)
def always_grey(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = 0.5
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You cover the first channel only. The square hides all channels at its place.",
)
def first_channel_covered(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[0, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You return the probability of the network's own favourite. The question is about the label: when the "
    "network is sure of something else, the map must be dark.",
)
def favourite_instead_of_label(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0).max().detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You return what was lost, one minus the probability. Return the probability that is left.",
)
def what_was_lost(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    training, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(1 - float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    model.train(training)
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="The network stays in evaluation mode after your call. Remember `model.training` and put it back.",
)
def occluded_and_left_in_evaluation(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    heat = []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        heat.append([])
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            heat[-1].append(float(torch.softmax(model(covered[None])[0], 0)[label].detach()))
    return torch.tensor(heat, dtype=torch.float64)


@misconception(
    of="occlusion",
    says="You let the network answer in whichever mode it is in. In training mode batch normalization lets the covered "
    "pictures influence one another, and dropout guesses. Call `model.eval()` first, and put the mode back.",
)
def occluded_in_any_mode(model, x, label, size, stride, value=0.5):
    if any(not 1 <= side <= length for side, length in zip(size, x.shape[1:])) or min(stride) < 1:
        raise ValueError("size or stride")
    tops = range(0, x.shape[1] - size[0] + 1, stride[0])
    lefts = range(0, x.shape[2] - size[1] + 1, stride[1])
    covered = x.repeat(len(tops) * len(lefts), 1, 1, 1)
    for picture, (top, left) in zip(covered, [(top, left) for top in tops for left in lefts]):
        picture[:, top : top + size[0], left : left + size[1]] = value
    return torch.softmax(model(covered), dim=1)[:, label].detach().reshape(len(tops), len(lefts))


# mystery_report


@misconception(
    of="mystery_report",
    says="Your distortions pile up: each is applied to the result of the one before. Apply each to the original "
    "pictures.",
)
def distortions_pile_up(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    training = model.training
    model.eval()
    report = {"clean": float((model(images).argmax(1) == labels).double().mean())}
    for name, distort in distortions.items():
        images = distort(images)
        report[name] = float((model(images).argmax(1) == labels).double().mean())
    model.train(training)
    return report


@misconception(
    of="mystery_report",
    says="You return how many answers are right. The report holds shares from 0 to 1: divide by the number of "
    "pictures.",
)
def counts_instead_of_shares(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    training = model.training
    model.eval()
    report = {"clean": int((model(images).argmax(1) == labels).sum())}
    for name, distort in distortions.items():
        report[name] = int((model(distort(images)).argmax(1) == labels).sum())
    model.train(training)
    return report


@misconception(
    of="mystery_report",
    says="You report the share of errors. The report says how often the network is *right*.",
)
def share_of_errors(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    training = model.training
    model.eval()
    report = {"clean": float((model(images).argmax(1) != labels).double().mean())}
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) != labels).double().mean())
    model.train(training)
    return report


@misconception(
    of="mystery_report",
    says="You compare with the network's answers to the clean pictures. An answer that was wrong before and stays "
    "the same is not right: compare with the labels.",
)
def compared_with_clean_answers(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    training = model.training
    model.eval()
    before = model(images).argmax(1)
    report = {"clean": float((before == labels).double().mean())}
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) == before).double().mean())
    model.train(training)
    return report


@misconception(
    of="mystery_report",
    says='The report has no entry "clean". Without it nobody can tell what a distortion costs.',
)
def clean_left_out(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    training, report = model.training, {}
    model.eval()
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) == labels).double().mean())
    model.train(training)
    return report


@misconception(
    of="mystery_report",
    says="The network stays in evaluation mode after your report. Remember `model.training` and put it back.",
)
def reported_and_left_in_evaluation(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    model.eval()
    report = {"clean": float((model(images).argmax(1) == labels).double().mean())}
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) == labels).double().mean())
    return report


@misconception(
    of="mystery_report",
    says="You let the network answer in whichever mode it is in. In training mode dropout and batch normalization "
    "change its answers: call `model.eval()` first, and put the mode back.",
)
def reported_in_any_mode(model, images, labels, distortions):
    if len(images) != len(labels) or "clean" in distortions:
        raise ValueError("labels or distortions")
    report = {"clean": float((model(images).argmax(1) == labels).double().mean())}
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) == labels).double().mean())
    return report


@misconception(
    of="mystery_report",
    says="A distortion that is called clean overwrites the entry of the clean pictures. Refuse that name.",
)
def clean_overwritten(model, images, labels, distortions):
    if len(images) != len(labels):
        raise ValueError("labels")
    training = model.training
    model.eval()
    report = {"clean": float((model(images).argmax(1) == labels).double().mean())}
    for name, distort in distortions.items():
        report[name] = float((model(distort(images)).argmax(1) == labels).double().mean())
    model.train(training)
    return report


# augment_batch


@misconception(
    of="augment_batch",
    says="You turn a picture into its negative before you move it. What then enters the frame is 0, dark, where "
    "the paper of a negative is light. Move first.",
)
def negative_before_shift(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    turned = torch.from_numpy(changes.negative).reshape(-1, 1, 1, 1)
    images = torch.where(turned, 1 - images, images)
    moved = [shifted(images[n : n + 1], int(changes.down[n]), int(changes.right[n])) for n in range(len(images))]
    return torch.cat(moved) + changes.noise


@misconception(
    of="augment_batch",
    says="You add the noise before you make negatives, so its sign is reversed there. Add it last.",
)
def noise_before_negative(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    moved = [shifted(images[n : n + 1], int(changes.down[n]), int(changes.right[n])) for n in range(len(images))]
    moved = torch.cat(moved) + changes.noise
    return torch.where(torch.from_numpy(changes.negative).reshape(-1, 1, 1, 1), 1 - moved, moved)


@misconception(
    of="augment_batch",
    says="Your negative is the picture times −1. Ink is 1 and paper 0, so the negative is 1 minus the picture.",
)
def negative_by_sign(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    moved = [shifted(images[n : n + 1], int(changes.down[n]), int(changes.right[n])) for n in range(len(images))]
    moved = torch.cat(moved)
    return torch.where(torch.from_numpy(changes.negative).reshape(-1, 1, 1, 1), -moved, moved) + changes.noise


@misconception(
    of="augment_batch",
    says="What leaves your pictures on one side comes back on the other: that is what `roll` does. Use `shifted`.",
)
def shifted_around_the_edge(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    pairs = zip(changes.down.tolist(), changes.right.tolist())
    moved = torch.stack([image.roll(steps, (1, 2)) for image, steps in zip(images, pairs)])
    return torch.where(torch.from_numpy(changes.negative).reshape(-1, 1, 1, 1), 1 - moved, moved) + changes.noise


@misconception(
    of="augment_batch",
    says="All pictures of your batch are changed alike, by what was drawn for the first. Each picture n has its "
    "own down[n], right[n] and negative[n].",
)
def one_change_for_all(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    moved = shifted(images, int(changes.down[0]), int(changes.right[0]))
    return (1 - moved if changes.negative[0] else moved) + changes.noise


@misconception(
    of="augment_batch",
    says="You have exchanged down and right. `shifted` takes the vertical step first.",
)
def down_and_right_exchanged(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    moved = [shifted(images[n : n + 1], int(changes.right[n]), int(changes.down[n])) for n in range(len(images))]
    moved = torch.cat(moved)
    return torch.where(torch.from_numpy(changes.negative).reshape(-1, 1, 1, 1), 1 - moved, moved) + changes.noise


changed(
    "clipped_to_the_range",
    of="augment_batch",
    says="You clip the result to the range from 0 to 1, which cuts half of the noise off on white and black. "
    "Nothing is to be clipped.",
    old="return torch.where(turned, negative(moved), moved) + changes.noise",
    new="return (torch.where(turned, 1 - moved, moved) + changes.noise).clip(0, 1)",
)


@misconception(
    of="augment_batch",
    says="You write the new pictures over the old ones. Next time they are changed again, and soon the training "
    "set is gone. Make a new tensor.",
)
def training_set_overwritten(images, rng):
    if images.dim() != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    for n in range(len(images)):
        moved = shifted(images[n : n + 1].clone(), int(changes.down[n]), int(changes.right[n]))[0]
        images[n] = (1 - moved if changes.negative[n] else moved) + changes.noise[n]
    return images


# repair


@misconception(
    of="repair",
    says="Your gradients pile up: each step uses the sum of all gradients so far. Call the optimizer's `zero_grad` before "
    "`backward()`.",
)
def gradients_pile_up(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen]).backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="You train the network that you were given, not a copy. The original is lost, and with it the comparison."
    " Begin with `copy.deepcopy(model)`.",
)
def original_trained(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), model.train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="You return the network in training mode. Whoever uses it next gets batch normalization and dropout as in"
    " training. Call `eval()` at the end.",
)
def returned_in_training_mode(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired


@misconception(
    of="repair",
    says="You train in evaluation mode, so batch normalization stands still and dropout is off. Call `train()` on "
    "the copy before the first step.",
)
def trained_in_evaluation_mode(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).eval()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="You train on the pictures as they are. The network has seen those already; what it lacks are the changed"
    " ones. Pass each batch through augment_batch.",
)
def nothing_augmented(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="You make the generator anew in every step, so every step sees the same pictures with the same changes. "
    "Make it once, before the loop.",
)
def same_batch_every_time(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    repaired = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        rng = np.random.default_rng(seed)
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="You take a softmax before `F.cross_entropy`, which takes one itself. Two of them flatten the gradient, "
    "and the network learns slowly. Give it the network's numbers as they are.",
)
def two_softmaxes(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = F.cross_entropy(repaired(augment_batch(images[chosen], rng)).softmax(dim=1), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()


@misconception(
    of="repair",
    says="Your steps go up the gradient: the loss grows. Call `backward()` on the loss itself, not on its negative.",
)
def steps_uphill(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels) or steps < 1:
        raise ValueError("labels or steps")
    rng, repaired = np.random.default_rng(seed), copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(repaired.parameters(), lr=learning_rate)
    for _ in range(steps):
        chosen = rng.integers(len(images), size=64)
        loss = -F.cross_entropy(repaired(augment_batch(images[chosen], rng)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return repaired.eval()
