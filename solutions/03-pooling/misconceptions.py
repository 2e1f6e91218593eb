"""Named wrong answers to 03-pooling, each with what it teaches. The grader reads this file as text."""

import numpy as np

from autograder.authoring.answers import changed, misconception

# pool


@misconception(
    of="pool",
    says="Your windows are moved by their own size; `stride` is ignored. Window and stride are two different "
    "things: where the next window begins is decided by the stride alone.",
)
def stride_taken_as_window(x, window, stride, mode):
    output_shape(x.shape, window, stride)
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, window)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * window[0], j * window[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Each of your windows is as large as the stride; `window` only decides how many there are. Begin each "
    "window where the stride says, and make it as large as `window` says.",
)
def window_taken_from_stride(x, window, stride, mode):
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + stride[0], left : left + stride[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Your window lies on its side: its width is used for its height. The pair is (height, width), vertical "
    "first.",
)
def window_on_its_side(x, window, stride, mode):
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    window = (window[1], window[0])
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Your stride goes the wrong way round: the step across is used for the step down. The pair is (down, "
    "across).",
)
def stride_on_its_side(x, window, stride, mode):
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    stride = (stride[1], stride[0])
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Your result mixes the channels: each number is taken over all channels at once. Pooling treats every "
    "feature map by itself, so reduce over the two axes of the window only.",
)
def pooled_over_channels(x, window, stride, mode):
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]]
        out[:, :, i, j] = reduce(patch, axis=(1, 2, 3))[:, None]
    return out


@misconception(
    of="pool",
    says="Your maximum starts at 0, so a window of negative numbers gives 0. Start from −∞, or from the window's "
    "first number.",
)
def maximum_started_at_zero(x, window, stride, mode):
    reduce = {"max": lambda patch, axis: np.max(patch, axis=axis, initial=0.0), "average": np.mean, "sum": np.sum}.get(
        mode
    )
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Each of your outputs is the last pixel of its window, whatever the others hold. A line such as `out = "
    "pixel` inside the loop over the window overwrites what the loop has found so far.",
)
def last_of_the_window(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    top, left = window[0] - 1, window[1] - 1
    return x[:, :, top :: stride[0], left :: stride[1]][:, :, :rows, :columns].copy()


@misconception(
    of="pool",
    says="Each of your outputs is the first pixel of its window. That is a stride without pooling: every pixel of "
    "the window has to be looked at.",
)
def first_of_the_window(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    return x[:, :, :: stride[0], :: stride[1]][:, :, :rows, :columns].copy()


@misconception(
    of="pool",
    says="Your result has windows that stick out of the map. Only whole windows count: round down, not up.",
)
def windows_that_stick_out(x, window, stride, mode):
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}.get(mode)
    if reduce is None:
        raise ValueError("mode")
    output_shape(x.shape, window, stride)
    rows, columns = (-((side - size) // step) + 1 for size, side, step in zip(x.shape[2:], window, stride, strict=True))
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = min(i * stride[0], x.shape[2] - 1), min(j * stride[1], x.shape[3] - 1)
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="You divide the sum by the size of the stride. An average is divided by how many numbers went into it, "
    "which is the size of the window.",
)
def average_over_the_stride(x, window, stride, mode):
    area = stride[0] * stride[1]
    reduce = {
        "max": np.max,
        "average": lambda patch, axis: np.sum(patch, axis=axis) / area,
        "sum": np.sum,
    }.get(mode)
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Your maximum compares sizes without their sign. −3 is smaller than 1, although it is larger in "
    "magnitude.",
)
def largest_magnitude(x, window, stride, mode):
    reduce = {
        "max": lambda patch, axis: np.max(np.abs(patch), axis=axis),
        "average": np.mean,
        "sum": np.sum,
    }.get(mode)
    if reduce is None:
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="An unknown `mode` gives the average in your function. A name that is not known should be refused with a "
    "ValueError, or a slip such as 'Max' goes unnoticed.",
)
def any_other_mode_is_average(x, window, stride, mode):
    reduce = {"max": np.max, "sum": np.sum}.get(mode, np.mean)
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        out[:, :, i, j] = reduce(x[:, :, top : top + window[0], left : left + window[1]], axis=(2, 3))
    return out


@misconception(
    of="pool",
    says="Your maximum starts at a large negative number. There is always a map that lies below it. Start at −∞, or at "
    "the first pixel of the window.",
)
def maximum_started_at_a_million(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    rows, columns = output_shape(x.shape, window, stride)
    area = window[0] * window[1]
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]]
        if mode == "max":
            out[:, :, i, j] = np.max(patch, axis=(2, 3), initial=-1e6)
        else:
            out[:, :, i, j] = patch.sum(axis=(2, 3)) / (area if mode == "average" else 1)
    return out


# pool_padded


@misconception(
    of="pool_padded",
    says="Your padding wins the maximum: zeros are larger than every negative number. Pad with −∞ when the maximum "
    "is taken.",
)
def padded_with_zeros(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame)
    if mode == "average" and not count_include_pad:
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="Your padding is a large negative number, and still wins where the map holds even smaller ones. The one "
    "number that never wins is −np.inf.",
)
def padded_with_a_large_number(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame, constant_values=-1e9 if mode == "max" else 0.0)
    if mode == "average" and not count_include_pad:
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="You add pixels on one side only, at the top and at the left. `padding` pixels belong on each of the four "
    "sides.",
)
def padded_on_one_side(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], 0), (padding[1], 0))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average" and not count_include_pad:
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="Your padding goes the wrong way round: what belongs at the sides is added at top and bottom. The pair is "
    "(vertical, horizontal).",
)
def padding_on_its_side(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[1], padding[1]), (padding[0], padding[0]))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average" and not count_include_pad:
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="Your average always divides by the size of the window. With count_include_pad=False, divide by the "
    "number of real pixels in each window, which is smaller at the border.",
)
def padding_always_counted(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    return pool(np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0), window, stride, mode)


@misconception(
    of="pool_padded",
    says="Your average never counts the padding. With count_include_pad=True, which is also the default, divide by "
    "the size of the window everywhere.",
)
def padding_never_counted(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average":
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="You have `count_include_pad` the wrong way round: True means that the added pixels count as numbers of "
    "the window, so the sum is divided by the window's full size.",
)
def counting_reversed(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average" and count_include_pad:
        return pool(framed, window, stride, "sum") / pool(np.pad(np.ones(x.shape), frame), window, stride, "sum")
    return pool(framed, window, stride, mode)


@misconception(
    of="pool_padded",
    says="You repeat the map's edge into the padding. The added pixels hold no information: they must not add to a "
    "sum.",
)
def edge_repeated(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window, strict=True)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    return pool(np.pad(x, frame, mode="edge"), window, stride, mode)


@misconception(
    of="pool_padded",
    says="You divided by the number of pixels that are not zero. A real pixel may be zero and counts all the same; "
    "what does not count is the padding. Pool a map of ones to find how many are real.",
)
def zeros_not_counted(x, window, stride, padding, mode, count_include_pad=True):
    if min(padding) < 0 or any(2 * pad > side for pad, side in zip(padding, window)):
        raise ValueError("padding")
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average" and not count_include_pad:
        counted = pool((framed != 0).astype(float), window, stride, "sum")
        return pool(framed, window, stride, "sum") / np.maximum(counted, 1)
    return pool(framed, window, stride, mode)


# average_kernel


@misconception(
    of="average_kernel",
    says="Your layer adds all channels into every output. Give each filter weights for its own channel, and zeros "
    "for the others.",
)
def channels_mixed(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.ones((channels, channels, *window)) / (window[0] * window[1])


@misconception(
    of="average_kernel",
    says="Your layer averages over the channels as well. Pooling leaves the channels apart: filter f has weights "
    "for channel f only.",
)
def averaged_over_channels(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.ones((channels, channels, *window)) / (channels * window[0] * window[1])


@misconception(
    of="average_kernel",
    says="These weights give the sum. For an average, the weights of one window have to add up to 1.",
)
def weights_of_the_sum(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.eye(channels)[:, :, None, None] * np.ones(window)


@misconception(
    of="average_kernel",
    says="You give one kernel for each channel, as a layer with groups would want it. A full layer has an axis for "
    "filters and one for channels: (channels, channels, height, width).",
)
def one_channel_for_each_filter(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.ones((channels, 1, *window)) / (window[0] * window[1])


@misconception(
    of="average_kernel",
    says="Your kernel lies on its side. The window's pair is (height, width), and the last two axes of the weights "
    "too.",
)
def kernel_on_its_side(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.eye(channels)[:, :, None, None] * np.ones((window[1], window[0])) / (window[0] * window[1])


@misconception(
    of="average_kernel",
    says="You divide by the height of the window twice, as if it were square. A window of height h and width w "
    "holds h · w pixels.",
)
def divided_by_a_square(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels or window")
    return np.eye(channels)[:, :, None, None] * np.ones(window) / window[0] ** 2


# relu


@misconception(
    of="relu",
    says="Your function changes the array it was given. Other parts of the network still need it, ReLU's own "
    "backward pass among them: work on a new array.",
)
def rectified_in_place(x):
    x[x < 0] = 0.0
    return x


@misconception(
    of="relu",
    says="You took the absolute value. ReLU does not turn negative values round, it replaces them by 0.",
)
def sign_dropped(x):
    return np.abs(x)


@misconception(
    of="relu",
    says="Negative values still come through, made smaller. That is the leaky ReLU of 02; the plain one lets "
    "nothing through.",
)
def leaks(x):
    return np.where(x > 0, x, 0.1 * x)


@misconception(
    of="relu",
    says="Your result only says where x is positive. ReLU keeps the positive value itself.",
)
def only_the_mask(x):
    return (x > 0).astype(float)


@misconception(
    of="relu",
    says="You keep the negative half. ReLU is max(0, x), not min(0, x).",
)
def negative_half_kept(x):
    return np.minimum(x, 0.0)


# maximum_network


@misconception(
    of="maximum_network",
    says="Your network is right for positive numbers only: ReLU(a) loses a when a is negative. Pass a through two "
    "units, ReLU(a) and ReLU(−a), whose difference is a.",
)
def first_number_rectified():
    return np.array([[1.0, 0.0], [-1.0, 1.0]]), np.array([1.0, 1.0])


@misconception(
    of="maximum_network",
    says="Your network computes the minimum. Which of ReLU(a − b) and ReLU(b − a) has to be added to a?",
)
def minimum_instead():
    return np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, -1.0]]), np.array([1.0, -1.0, -1.0])


@misconception(
    of="maximum_network",
    says="Your network computes by how much the two numbers differ. To get their maximum, add it, halved, to half "
    "of their sum.",
)
def difference_only():
    return np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([1.0, 1.0])


@misconception(
    of="maximum_network",
    says="Your network computes a + b + |a − b|, which is twice the maximum.",
)
def half_forgotten():
    return np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]), np.array([1.0, -1.0, 1.0, 1.0])


@misconception(
    of="maximum_network",
    says="Your network computes ReLU(a) + ReLU(b). Only one of the two numbers is to come through.",
)
def both_added():
    return np.eye(2), np.ones(2)


@misconception(
    of="maximum_network",
    says="Your network adds the difference the wrong way: it gives a + ReLU(a − b). What is to be added to a is "
    "what b has more.",
)
def wrong_difference():
    return np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, -1.0]]), np.array([1.0, -1.0, 1.0])


# relu_backward


changed(
    "mask_from_the_gradient",
    of="relu_backward",
    says="Your mask is taken from the gradient: you let its positive values through. What opens the gate is the "
    "sign of x, ReLU's input.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return np.where(grad > 0, grad, 0.0)",
)


changed(
    "both_must_be_positive",
    of="relu_backward",
    says="You let a gradient through only where it is positive as well. That is guided backpropagation, which you "
    "will meet in 06 for pictures; it is no gradient. Negative gradients pass like any other.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return np.where((x > 0) & (grad > 0), grad, 0.0)",
)


changed(
    "slope_one_at_zero",
    of="relu_backward",
    says="Your slope at exactly 0 is 1. It counts as 0 there, so compare with > and not with >=.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return np.where(x >= 0, grad, 0.0)",
)


changed(
    "slope_one_half_at_zero",
    of="relu_backward",
    says="Your slope at exactly 0 is one half. The exercise, like every framework, takes 0 there.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return grad * (np.sign(x) + 1) / 2",
)


changed(
    "slope_without_gradient",
    of="relu_backward",
    says="You return ReLU's slope and leave out the gradient from above. The chain rule multiplies the two.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return (x > 0).astype(float)",
)


changed(
    "multiplied_by_the_value",
    of="relu_backward",
    says="You multiply by ReLU's value. The chain rule multiplies by its slope, which is 1 wherever x is positive.",
    old="return np.where(x > 0, grad, 0.0)",
    new="return grad * np.maximum(x, 0.0)",
)


@misconception(
    of="relu_backward",
    says="Your function writes into `grad`. Another layer may still need that array: write into a new one.",
)
def written_into_the_gradient(grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    grad[x <= 0] = 0.0
    return grad


@misconception(
    of="relu_backward",
    says="Where the shapes differ, numpy repeats the smaller array without a word. Compare the shapes first, and "
    "raise ValueError.",
)
def shapes_never_compared(grad, x):
    return grad * (x > 0)


@misconception(
    of="relu_backward",
    says="You turned the caller's x into a mask. Make the mask a new array: `x > 0` does.",
)
def input_made_a_mask(grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    x[x <= 0] = 0
    x[x > 0] = 1
    return grad * x


# sum_backward


changed(
    "sum_divided",
    of="sum_backward",
    says="You divide by the size of the window. In a sum every pixel counts in full; the division belongs to the "
    "average.",
    old="return dx",
    new="return dx / (window[0] * window[1])",
)


changed(
    "sum_overwritten",
    of="sum_backward",
    says="Where windows overlap, your last window overwrites the others. A pixel receives the sum of the gradients "
    "of all windows it lies in: use += and not =.",
    old="dx[:, :, top : top + window[0], left : left + window[1]] += grad[:, :, i : i + 1, j : j + 1]",
    new="dx[:, :, top : top + window[0], left : left + window[1]] = grad[:, :, i : i + 1, j : j + 1]",
)


changed(
    "sum_window_on_its_side",
    of="sum_backward",
    says="Your windows lie on their side. The pair is (height, width): the first number counts rows.",
    old="dx[:, :, top : top + window[0], left : left + window[1]] += grad[:, :, i : i + 1, j : j + 1]",
    new="dx[:, :, top : top + window[1], left : left + window[0]] += grad[:, :, i : i + 1, j : j + 1]",
)


changed(
    "sum_stride_ignored",
    of="sum_backward",
    says="Your windows are moved by their own size. In the backward pass too, window (i, j) begins at i · "
    "stride[0], j · stride[1].",
    old="top, left = i * stride[0], j * stride[1]",
    new="top, left = i * window[0], j * window[1]",
)


@misconception(
    of="sum_backward",
    says="Each gradient goes to one pixel, the first of its window. All pixels of the window took part in the sum, "
    "so all of them receive it.",
)
def sum_to_one_pixel(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(shape)
    dx[:, :, : rows * stride[0] : stride[0], : columns * stride[1] : stride[1]] = grad
    return dx


@misconception(
    of="sum_backward",
    says="You take the average over the windows that share a pixel. Their gradients add up, without any division.",
)
def averaged_over_windows(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    dx, count = np.zeros(shape), np.zeros(shape)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        dx[:, :, top : top + window[0], left : left + window[1]] += grad[:, :, i : i + 1, j : j + 1]
        count[:, :, top : top + window[0], left : left + window[1]] += 1
    return dx / np.maximum(count, 1)


# average_backward


@misconception(
    of="average_backward",
    says="You left out the division: these are the gradients of sum pooling. In an average of k numbers, each "
    "counts for 1 / k.",
)
def average_not_divided(grad, shape, window, stride):
    return sum_backward(grad, shape, window, stride)


@misconception(
    of="average_backward",
    says="You divide by the size of the stride. What went into each average is a window, so divide by the window's "
    "size.",
)
def divided_by_the_stride(grad, shape, window, stride):
    return sum_backward(grad, shape, window, stride) / (stride[0] * stride[1])


@misconception(
    of="average_backward",
    says="You divide by the number of windows. Divide by the number of pixels in one window.",
)
def divided_by_the_number_of_windows(grad, shape, window, stride):
    return sum_backward(grad, shape, window, stride) / (grad.shape[2] * grad.shape[3])


@misconception(
    of="average_backward",
    says="You divide by the number of windows in which a pixel lies. These gradients add up; the division is by "
    "the size of one window, the same for every pixel.",
)
def divided_by_the_overlap(grad, shape, window, stride):
    counts = sum_backward(np.ones(grad.shape), shape, window, stride)
    return sum_backward(grad, shape, window, stride) / np.maximum(counts, 1)


@misconception(
    of="average_backward",
    says="Where windows overlap, your last window overwrites the others. A pixel receives the sum of what all its "
    "windows send: use += and not =.",
)
def average_overwritten(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(shape)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = grad[:, :, i : i + 1, j : j + 1] / (window[0] * window[1])
        dx[:, :, top : top + window[0], left : left + window[1]] = share
    return dx


@misconception(
    of="average_backward",
    says="Your gradient is blown up by repeating each value, which is right only when windows neither overlap nor "
    "leave gaps. Add each window's share where that window stood.",
)
def blown_up(grad, shape, window, stride):
    if grad.shape != (shape[0], shape[1], *output_shape(shape, window, stride)):
        raise ValueError("grad")
    dx = np.zeros(shape)
    big = np.kron(grad, np.ones((1, 1, *window)))[:, :, : shape[2], : shape[3]] / (window[0] * window[1])
    dx[:, :, : big.shape[2], : big.shape[3]] = big
    return dx


@misconception(
    of="average_backward",
    says="You divided the caller's gradient in place. The layer above still holds that array. Write `grad / area`, "
    "which makes a new one.",
)
def gradient_divided_in_place(grad, shape, window, stride):
    grad /= window[0] * window[1]
    return sum_backward(grad, shape, window, stride)


# max_with_switches


@misconception(
    of="max_with_switches",
    says="Your switches count inside the window. They should say where the maximum stands in the whole map: add "
    "where the window begins, then use the width of the map.",
)
def place_in_the_window(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), patch.argmax(axis=2)
    return y, switches


@misconception(
    of="max_with_switches",
    says="Among equal pixels your last one wins. The first in reading order should: compare with > and not with "
    ">=.",
)
def last_maximum_wins(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        place = patch.shape[2] - 1 - patch[:, :, ::-1].argmax(axis=2)
        down, across = np.divmod(place, window[1])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), (top + down) * x.shape[3] + left + across
    return y, switches


@misconception(
    of="max_with_switches",
    says="Among equal pixels yours wins that stands first when reading down the columns. Reading order goes along "
    "the rows: top row first, left to right.",
)
def first_down_the_column(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].swapaxes(2, 3).reshape(*x.shape[:2], -1)
        across, down = np.divmod(patch.argmax(axis=2), window[0])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), (top + down) * x.shape[3] + left + across
    return y, switches


@misconception(
    of="max_with_switches",
    says="You multiply the row by the height of the map. One row further down is W pixels further on, not H.",
)
def height_for_width(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        down, across = np.divmod(patch.argmax(axis=2), window[1])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), (top + down) * x.shape[2] + left + across
    return y, switches


@misconception(
    of="max_with_switches",
    says="Your switches are numbered down the columns, column * H + row. They should be numbered along the rows.",
)
def numbered_down_the_columns(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        down, across = np.divmod(patch.argmax(axis=2), window[1])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), (left + across) * x.shape[2] + top + down
    return y, switches


@misconception(
    of="max_with_switches",
    says="Your switches go on counting from one map to the next. Each image and each channel has its own count, "
    "from 0.",
)
def numbered_through_the_batch(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    first = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) * x.shape[2] * x.shape[3]
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        down, across = np.divmod(patch.argmax(axis=2), window[1])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), first + (top + down) * x.shape[3] + left + across
    return y, switches


@misconception(
    of="max_with_switches",
    says="You split the place inside the window by the window's height. A row of the window is as long as the "
    "window is wide.",
)
def split_by_the_height(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        down, across = np.divmod(patch.argmax(axis=2), window[0])
        y[:, :, i, j], switches[:, :, i, j] = patch.max(axis=2), (top + down) * x.shape[3] + left + across
    return y, switches


changed(
    "windows_side_by_side",
    of="max_with_switches",
    says="Your switches place the windows side by side, as if they moved by their own size. Window (i, j) begins "
    "at i · stride[0], j · stride[1].",
    old="switches[:, :, i, j] = (top + down) * x.shape[3] + left + across",
    new="switches[:, :, i, j] = (i * window[0] + down) * x.shape[3] + j * window[1] + across",
)


@misconception(
    of="max_with_switches",
    says="Your search starts at a large negative number, so where all pixels lie below it none is found. Start at −∞, "
    "or at the first pixel of the window.",
)
def search_started_too_high(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.full((*x.shape[:2], rows, columns), -1e6)
    switches = np.zeros(y.shape, dtype=int)
    for down, across in np.ndindex(*window):
        i, j = down + stride[0] * np.arange(rows)[:, None], across + stride[1] * np.arange(columns)
        better = x[:, :, i, j] > y
        y = np.where(better, x[:, :, i, j], y)
        switches = np.where(better, i * x.shape[3] + j, switches)
    return y, switches


@misconception(
    of="max_with_switches",
    says="You looked each maximum up in the whole map. The same number may stand in another window, too; search in its "
    "own window only.",
)
def found_in_the_whole_map(x, window, stride):
    y = pool(x, window, stride, "max")
    switches = np.zeros(y.shape, dtype=int)
    for n, c, i, j in np.ndindex(y.shape):
        switches[n, c, i, j] = np.flatnonzero(x[n, c] == y[n, c, i, j])[0]
    return y, switches


# max_backward


@misconception(
    of="max_backward",
    says="Every pixel that equals the maximum receives the gradient in full, so it multiplies where pixels are "
    "equal. Only the first of them took part.",
)
def gradient_to_every_tie(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(rows, columns):
        area = np.s_[:, :, i * stride[0] : i * stride[0] + window[0], j * stride[1] : j * stride[1] + window[1]]
        winners = x[area] == x[area].max(axis=(2, 3), keepdims=True)
        dx[area] += winners * grad[:, :, i : i + 1, j : j + 1]
    return dx


@misconception(
    of="max_backward",
    says="You share the gradient among equal pixels. That is a possible convention, but not the one asked for: the "
    "first in reading order receives all of it.",
)
def gradient_shared_among_ties(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(rows, columns):
        area = np.s_[:, :, i * stride[0] : i * stride[0] + window[0], j * stride[1] : j * stride[1] + window[1]]
        winners = x[area] == x[area].max(axis=(2, 3), keepdims=True)
        dx[area] += winners / winners.sum(axis=(2, 3), keepdims=True) * grad[:, :, i : i + 1, j : j + 1]
    return dx


@misconception(
    of="max_backward",
    says="A pixel that won several windows keeps one of their gradients only. They have to be added: mind that "
    "`dx[places] += grad` adds once for each place, even if it is listed twice.",
)
def overlap_overwritten(grad, x, window, stride):
    y, switches = max_with_switches(x, window, stride)
    if grad.shape != y.shape:
        raise ValueError("grad")
    dx = np.zeros((*x.shape[:2], x.shape[2] * x.shape[3]))
    np.put_along_axis(dx, switches.reshape(*x.shape[:2], -1), grad.reshape(*x.shape[:2], -1), axis=2)
    return dx.reshape(x.shape)


changed(
    "gradient_to_the_last_tie",
    of="max_backward",
    on="back_by_loops",
    says="Among equal pixels the last one receives your gradient. It should be the first in reading order.",
    edits=[
        ("dx = np.zeros_like(x)", "dx = np.zeros(x.shape)"),
        (
            "down, across = np.unravel_index(np.argmax(patch), patch.shape)",
            "down, across = np.argwhere(patch == patch.max())[-1]",
        ),
    ],
)


@misconception(
    of="max_backward",
    says="You mark the winners and leave out the gradient from above. The chain rule multiplies by it.",
)
def winners_without_gradient(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride[0], j * stride[1]
        patch = x[n, c, top : top + window[0], left : left + window[1]]
        down, across = np.divmod(patch.argmax(), window[1])
        dx[n, c, top + down, left + across] += 1
    return dx


@misconception(
    of="max_backward",
    says="You multiply the gradient by the maximum. A maximum's slope for the pixel that won is 1, whatever its "
    "value.",
)
def multiplied_by_the_maximum(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride[0], j * stride[1]
        patch = x[n, c, top : top + window[0], left : left + window[1]]
        down, across = np.divmod(patch.argmax(), window[1])
        dx[n, c, top + down, left + across] += grad[n, c, i, j] * patch.max()
    return dx


@misconception(
    of="max_backward",
    says="Your gradient goes to every pixel of the window. Only the largest took part in the maximum.",
)
def gradient_to_the_whole_window(grad, x, window, stride):
    return sum_backward(grad, x.shape, window, stride)


@misconception(
    of="max_backward",
    says="You look for the winner in windows that are moved by their own size. In the backward pass too, window "
    "(i, j) begins at i · stride[0], j · stride[1].",
)
def stride_ignored_going_back(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * window[0], j * window[1]
        patch = x[n, c, top : top + window[0], left : left + window[1]]
        if patch.size:
            down, across = np.divmod(patch.argmax(), patch.shape[1])
            dx[n, c, top + down, left + across] += grad[n, c, i, j]
    return dx


# unpool


@misconception(
    of="unpool",
    says="Where windows overlap, you add a pixel's value once for each window that it won. A gradient adds up; a "
    "value is put back once.",
)
def values_added_up(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    x = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    for n, c, i, j in np.ndindex(y.shape):
        x[n, c, switches[n, c, i, j]] += y[n, c, i, j]
    return x.reshape(shape)


@misconception(
    of="unpool",
    says="You split a switch by the height of the map. A row of the map has W pixels, so divide by W.",
)
def split_by_the_map_height(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    x = np.zeros(shape)
    for n, c, i, j in np.ndindex(y.shape):
        row, column = np.divmod(switches[n, c, i, j], shape[2])
        x[n, c, row % shape[2], column % shape[3]] = y[n, c, i, j]
    return x


@misconception(
    of="unpool",
    says="You read the switches down the columns. They number the pixels along the rows: row * W + column.",
)
def read_down_the_columns(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    x = np.zeros(shape)
    for n, c, i, j in np.ndindex(y.shape):
        column, row = np.divmod(switches[n, c, i, j], shape[2])
        x[n, c, row, column] = y[n, c, i, j]
    return x


@misconception(
    of="unpool",
    says="You use the first map's switches for every map. Each image and each channel has its own.",
)
def switches_of_the_first_map(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    x = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    x[:, :, switches[0, 0].ravel()] = y.reshape(*y.shape[:2], -1)
    return x.reshape(shape)


@misconception(
    of="unpool",
    says="You count the switches through the whole batch, so every value lands in the first map. They count from 0 "
    "in each image and channel.",
)
def all_into_the_first_map(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    x = np.zeros(shape)
    x.reshape(-1)[switches.reshape(-1)] = y.reshape(-1)
    return x


@misconception(
    of="unpool",
    says="Your values are blown up into blocks, and the switches are not used. Each value belongs into one pixel.",
)
def blown_up_into_blocks(y, switches, shape):
    if switches.shape != y.shape or tuple(shape[:2]) != y.shape[:2]:
        raise ValueError("switches or shape")
    if switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    rows = np.minimum(np.arange(shape[2]) * y.shape[2] // shape[2], y.shape[2] - 1)
    columns = np.minimum(np.arange(shape[3]) * y.shape[3] // shape[3], y.shape[3] - 1)
    return y[:, :, rows][:, :, :, columns]


# shift_stability


changed(
    "wraps_around",
    of="shift_stability",
    says="Your shift wraps around: what leaves on one side comes in on the other. `shifted` moves zeros in.",
    old="return np.array([(still * directions(shifted(x, shift))).sum(axis=1).mean() for shift in shifts])",
    new="""
        return np.array([(still * directions(np.roll(x, shift, axis=(2, 3)))).sum(axis=1).mean() for shift in shifts])
    """,
)


@misconception(
    of="shift_stability",
    says="You compare the whole batch as one long vector, so bright images count for more. Compare each image with "
    "itself, then average over the images.",
)
def batch_as_one_vector(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")
    still = np.asarray(net(x)).ravel()
    result = []
    for shift in shifts:
        moved = np.asarray(net(shifted(x, shift))).ravel()
        result.append(still @ moved / (np.linalg.norm(still) * np.linalg.norm(moved)))
    return np.array(result)


@misconception(
    of="shift_stability",
    says="You compare the images, not the network's answers to them.",
)
def network_left_out(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")

    def directions(batch):
        rows = batch.reshape(len(batch), -1)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    return np.array([(directions(x) * directions(shifted(x, shift))).sum(axis=1).mean() for shift in shifts])


@misconception(
    of="shift_stability",
    says="You shift again what you have shifted before. Each shift starts from x itself.",
)
def shifts_pile_up(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")

    def directions(batch):
        answers = np.asarray(net(batch)).reshape(len(batch), -1)
        lengths = np.linalg.norm(answers, axis=1, keepdims=True)
        return answers / np.where(lengths > 0, lengths, 1.0)

    still, moved, result = directions(x), x, []
    for shift in shifts:
        moved = shifted(moved, shift)
        result.append((still * directions(moved)).sum(axis=1).mean())
    return np.array(result)


changed(
    "means_subtracted",
    of="shift_stability",
    says="You subtract the mean from each answer first, which gives the correlation coefficient. The cosine "
    "similarity takes the answers as they are.",
    old="return answers / np.linalg.norm(answers, axis=1, keepdims=True)",
    new="""
        answers = answers - answers.mean(axis=1, keepdims=True)
        return answers / np.maximum(np.linalg.norm(answers, axis=1, keepdims=True), 1e-300)
    """,
)


@misconception(
    of="shift_stability",
    says="You divide by one length, squared. The moved answer may be shorter than the unmoved one: divide by both "
    "lengths.",
)
def divided_by_one_length(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")
    still = np.asarray(net(x)).reshape(len(x), -1)
    result = []
    for shift in shifts:
        moved = np.asarray(net(shifted(x, shift))).reshape(len(x), -1)
        result.append(((still * moved).sum(axis=1) / (still**2).sum(axis=1)).mean())
    return np.array(result)


changed(
    "difference_instead",
    of="shift_stability",
    says="You measure the difference, 1 − similarity: 0 for an answer that stays. Stability is the similarity "
    "itself.",
    old="return np.array([(still * directions(shifted(x, shift))).sum(axis=1).mean() for shift in shifts])",
    new="""
        return np.array([1.0 - (still * directions(shifted(x, shift))).sum(axis=1).mean() for shift in shifts])
    """,
)


@misconception(
    of="shift_stability",
    says="Your shifts go the wrong way round: what should move down moves to the right. The pair is (down, right).",
)
def down_for_right(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")

    def directions(batch):
        answers = np.asarray(net(batch)).reshape(len(batch), -1)
        lengths = np.linalg.norm(answers, axis=1, keepdims=True)
        return answers / np.where(lengths > 0, lengths, 1.0)

    def move(down, right):
        sides = ((0, 0), (0, 0), (abs(right), abs(right)), (abs(down), abs(down)))
        rolled = np.roll(np.pad(x, sides), (right, down), axis=(2, 3))
        return rolled[:, :, abs(right) : abs(right) + x.shape[2], abs(down) : abs(down) + x.shape[3]]

    still = directions(x)
    return np.array([(still * directions(move(*shift))).sum(axis=1).mean() for shift in shifts])


@misconception(
    of="shift_stability",
    says="You moved the answer, not the picture. Whether the two come to the same is just what is to be measured: "
    "shift x, and let the network answer to that.",
)
def answer_moved(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")
    answer = np.asarray(net(x))
    still = answer.reshape(len(x), -1)
    found = []
    for shift in shifts:
        moved = (shifted(answer, shift) if answer.ndim == 4 else answer).reshape(len(x), -1)
        lengths = np.linalg.norm(still, axis=1) * np.maximum(np.linalg.norm(moved, axis=1), 1e-12)
        found.append(((still * moved).sum(axis=1) / lengths).mean())
    return np.array(found)


@misconception(
    of="shift_stability",
    says="You count on an answer with several numbers for each image. A network may give one number for each; make every "
    "answer one row, `reshape(N, -1)`, before you take lengths.",
)
def rows_taken_for_granted(net, x, shifts):
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError("shifts")
    still = np.asarray(net(x))
    axes = tuple(range(1, still.ndim)) or None
    found = []
    for shift in shifts:
        moved = np.asarray(net(shifted(x, shift)))
        lengths = np.sqrt((still**2).sum(axis=axes) * (moved**2).sum(axis=axes))
        found.append(np.mean((still * moved).sum(axis=axes) / lengths))
    return np.array(found)
