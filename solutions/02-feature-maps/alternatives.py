"""Independent correct answers to assignment 02: other routes to the same results."""

import numpy as np

from autograder.authoring.answers import alternative


# output_size


@alternative(of="output_size", route="count the positions one can begin at, as the length of a range")
def length_of_a_range(n, kernel, stride=1, padding=0, ceil=False):
    if min(n, kernel, stride) < 1 or padding < 0:
        raise ValueError("n, kernel, stride or padding is too small")
    last = n + 2 * padding - kernel
    if last < 0:
        raise ValueError("kernel is too large")
    starts = range(0, last + 1, stride)
    return len(starts) + (1 if ceil and starts[-1] != last else 0)


@alternative(of="output_size", route="quotient and remainder")
def quotient_and_remainder(n, kernel, stride=1, padding=0, ceil=False):
    for argument, value, least in (("n", n, 1), ("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)):
        if value < least:
            raise ValueError(f"{argument} must be at least {least}")
    if kernel > n + 2 * padding:
        raise ValueError("kernel does not fit")
    steps, rest = divmod(n + 2 * padding - kernel, stride)
    if ceil and rest:
        steps += 1
    return 1 + steps


@alternative(of="output_size", route="exact fractions, rounded by the math module")
def exact_fractions(n, kernel, stride=1, padding=0, ceil=False):
    import math
    from fractions import Fraction

    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or n + 2 * padding < kernel:
        raise ValueError("n, kernel, stride or padding")
    return (math.ceil if ceil else math.floor)(Fraction(n + 2 * padding - kernel, stride)) + 1


@alternative(of="output_size", route="numpy's whole numbers, rounded up by negating twice")
def numpy_whole_numbers(n, kernel, stride=1, padding=0, ceil=False):
    if n <= 0 or kernel <= 0 or stride <= 0 or padding < 0 or kernel - n > 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    room = np.int64(n) + 2 * padding - kernel
    return -(-room // stride) + 1 if ceil else room // stride + 1


# pad2d


@alternative(of="pad2d", route="numpy.pad on a float64 copy")
def by_numpy_pad(x, padding, value=0.0):
    if x.ndim != 4:
        raise ValueError("x must have four axes")
    if np.min(padding) < 0:
        raise ValueError("padding must not be negative")
    return np.pad(x.astype(np.float64), [(0, 0), (0, 0), *padding], constant_values=value)


@alternative(of="pad2d", route="concatenate strips")
def by_strips(x, padding, value=0.0):
    if len(x.shape) != 4:
        raise ValueError("x must have four axes")
    (top, bottom), (left, right) = padding
    if top < 0 or bottom < 0 or left < 0 or right < 0:
        raise ValueError("padding must not be negative")
    N, C, H, W = x.shape
    rows = [np.full((N, C, height, W), float(value)) for height in (top, bottom)]
    tall = np.concatenate([rows[0], x, rows[1]], axis=2)
    columns = [np.full((N, C, tall.shape[2], width), float(value)) for width in (left, right)]
    return np.concatenate([columns[0], tall, columns[1]], axis=3)


@alternative(of="pad2d", route="torch.nn.functional.pad")
def by_torch_pad(x, padding, value=0.0):
    import torch

    (top, bottom), (left, right) = padding
    if x.ndim != 4 or any(side < 0 for pair in padding for side in pair):
        raise ValueError("x or padding")
    tensor = torch.as_tensor(np.array(x, dtype=float))
    return torch.nn.functional.pad(tensor, (left, right, top, bottom), value=float(value)).numpy()


@alternative(of="pad2d", route="pixel by pixel, a view in Fortran order as result")
def pixel_by_pixel(x, padding, value=0.0):
    if x.ndim != 4:
        raise ValueError("x")
    (top, bottom), (left, right) = padding
    if any(side < 0 for side in (top, bottom, left, right)):
        raise ValueError("padding")
    N, C, H, W = x.shape
    result = np.empty((W + left + right, H + top + bottom, C, N)).T
    result[...] = value
    for n, c, i, j in np.ndindex(x.shape):
        result[n, c, top + i, left + j] = x[n, c, i, j]
    return result


# conv_forward


@alternative(of="conv_forward", route="torch.nn.functional.conv2d")
def by_torch_conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    import torch

    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != w.shape[:1]:
        raise ValueError("x, w or b")
    if min(stride) < 1 or min(padding) < 0:
        raise ValueError("stride or padding")
    if w.shape[2] > x.shape[2] + 2 * padding[0] or w.shape[3] > x.shape[3] + 2 * padding[1]:
        raise ValueError("w is larger than the padded image")
    x, w, b = (torch.tensor(values, dtype=torch.float64) for values in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, tuple(stride), tuple(padding)).numpy()


@alternative(of="conv_forward", route="sliding windows and einsum")
def by_einsum(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (w.shape[0],):
        raise ValueError("x, w or b")
    for axis in (0, 1):
        output_size(x.shape[2 + axis], w.shape[2 + axis], stride[axis], padding[axis])
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1]]
    return np.einsum("ncijuv,fcuv->nfij", windows, w, optimize=True) + b[:, None, None]


@alternative(of="conv_forward", route="one shifted copy of the image for each kernel entry")
def by_shifted_images(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (sh, sw), (ph, pw), (kh, kw) = stride, padding, w.shape[2:]
    height = output_size(x.shape[2], kh, sh, ph)
    width = output_size(x.shape[3], kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.broadcast_to(b[:, None, None], (len(x), len(w), height, width)).astype(float)
    for u in range(kh):
        for v in range(kw):
            pixels = padded[:, :, u : u + (height - 1) * sh + 1 : sh, v : v + (width - 1) * sw + 1 : sw]
            y += np.tensordot(pixels, w[:, :, u, v], axes=(1, 1)).transpose(0, 3, 1, 2)
    return y


@alternative(of="conv_forward", route="scipy's correlation of all channels at once, thinned out afterwards")
def by_scipy(x, w, b, stride=(1, 1), padding=(0, 0)):
    from scipy.signal import correlate

    if x.ndim != 4 or w.ndim != 4:
        raise ValueError("x and w must have four axes")
    if x.shape[1] != w.shape[1]:
        raise ValueError("x and w must have as many channels")
    if b.shape != (len(w),):
        raise ValueError("b must have one entry for each filter")
    if min(stride) < 1 or min(padding) < 0:
        raise ValueError("stride must be positive and padding not negative")
    (ph, pw), (sh, sw) = padding, stride
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    if padded.shape[2] < w.shape[2] or padded.shape[3] < w.shape[3]:
        raise ValueError("w is larger than the padded image")
    maps = [[correlate(image, kernel, "valid", "direct")[0] for kernel in w.astype(float)] for image in padded]
    return (np.array(maps) + b[None, :, None, None])[:, :, ::sh, ::sw]


# im2col


@alternative(of="im2col", route="one patch after another, in a list")
def patch_after_patch(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    height, width = output_size(x.shape[2], kh, sh, ph), output_size(x.shape[3], kw, sw, pw)
    rows = []
    for image in padded:
        for i in range(0, height * sh, sh):
            for j in range(0, width * sw, sw):
                rows.append(image[:, i : i + kh, j : j + kw].ravel())
    return np.array(rows)


@alternative(of="im2col", route="numpy's sliding windows")
def by_sliding_windows(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or min(kernel_size) < 1 or min(stride) < 1 or min(padding) < 0:
        raise ValueError("x, kernel_size, stride or padding")
    padded = np.pad(x.astype(float), [(0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])])
    if kernel_size[0] > padded.shape[2] or kernel_size[1] > padded.shape[3]:
        raise ValueError("kernel_size")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel_size, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel_size[0] * kernel_size[1])


@alternative(of="im2col", route="an array of indices for every entry")
def by_indices(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    N, C, H, W = x.shape
    rows = sh * np.arange(output_size(H, kh, sh, ph))[:, None, None, None, None] + np.arange(kh)[:, None]
    columns = sw * np.arange(output_size(W, kw, sw, pw))[:, None, None, None] + np.arange(kw)
    channels = np.arange(C)[:, None, None]
    return padded[:, channels, rows, columns].reshape(-1, C * kh * kw)


@alternative(of="im2col", route="torch.nn.functional.unfold, its axes moved")
def by_torch_unfold(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    import torch

    if x.ndim != 4:
        raise ValueError("x must have four axes")
    for n, kernel, step, border in zip(x.shape[2:], kernel_size, stride, padding):
        output_size(n, kernel, step, border)
    tensor = torch.from_numpy(np.array(x, dtype=float))
    columns = torch.nn.functional.unfold(tensor, tuple(kernel_size), padding=tuple(padding), stride=tuple(stride))
    return columns.permute(0, 2, 1).flatten(0, 1).numpy()


# conv_matmul


@alternative(of="conv_matmul", route="kernels on the left of the product")
def kernels_on_the_left(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    height = output_size(x.shape[2], w.shape[2], stride[0], padding[0])
    width = output_size(x.shape[3], w.shape[3], stride[1], padding[1])
    patches = im2col(x, w.shape[2:], stride, padding)
    product = w.reshape(len(w), -1) @ patches.T + b[:, None]
    return product.reshape(len(w), len(x), height, width).swapaxes(0, 1)


@alternative(of="conv_matmul", route="one product for each image")
def image_by_image(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError("x and w do not fit")
    if b.ndim != 1 or b.size != w.shape[0]:
        raise ValueError("b does not fit")
    height = output_size(x.shape[2], w.shape[2], stride[0], padding[0])
    kernels = w.reshape(w.shape[0], -1)
    maps = [kernels @ im2col(image[None], w.shape[2:], stride, padding).T + b[:, None] for image in x]
    return np.stack(maps).reshape(x.shape[0], w.shape[0], height, -1)


@alternative(of="conv_matmul", route="tensordot over sliding windows")
def by_tensordot(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    if min(stride) < 1:
        raise ValueError("stride")
    padded = pad2d(x, ((padding[0], padding[0]), (padding[1], padding[1])))
    if padded.shape[2] < w.shape[2] or padded.shape[3] < w.shape[3]:
        raise ValueError("w")
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1]]
    return np.moveaxis(np.tensordot(windows, w, axes=((1, 4, 5), (1, 2, 3))) + b, 3, 1)


@alternative(of="conv_matmul", route="the bias as one more kernel entry, on a column of ones")
def bias_as_a_weight(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    patches = im2col(x, w.shape[2:], stride, padding)
    patches = np.hstack([patches, np.ones((len(patches), 1))])
    product = patches @ np.vstack([w.reshape(len(w), -1).T, b])
    height = output_size(x.shape[2], w.shape[2], stride[0], padding[0])
    return np.ascontiguousarray(np.rollaxis(product.reshape(len(x), height, -1, len(w)), 3, 1))


# activation


@alternative(of="activation", route="torch's functions")
def by_torch_functions(x, name, alpha=1.0, weights=None, biases=None):
    import torch

    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": lambda t: torch.nn.functional.leaky_relu(t, 0.1),
        "elu": lambda t: torch.nn.functional.elu(t, alpha),
    }
    tensor = torch.tensor(x, dtype=torch.float64)
    if name in functions:
        return functions[name](tensor).numpy()
    if name != "maxout":
        raise ValueError(f"name {name!r} is unknown")
    if weights is None or biases is None:
        raise ValueError("weights and biases are needed")
    lines = tensor @ torch.tensor(weights, dtype=torch.float64) + torch.tensor(biases)[:, None]
    return lines.amax(dim=0).numpy()


@alternative(of="activation", route="the sigmoid through tanh, everything else by masks")
def by_tanh_and_masks(x, name, alpha=1.0, weights=None, biases=None):
    x = np.array(x, dtype=float)
    negative = x < 0
    if name == "sigmoid":
        return (1 + np.tanh(x / 2)) / 2
    if name == "tanh":
        return np.sinh(np.clip(x, -300, 300)) / np.cosh(np.clip(x, -300, 300))
    if name == "relu":
        x[negative] = 0
        return x
    if name == "leaky_relu":
        x[negative] *= 0.1
        return x
    if name == "elu":
        x[negative] = alpha * (np.exp(x[negative]) - 1)
        return x
    if name == "maxout" and weights is not None and biases is not None:
        return np.stack([x @ w + b for w, b in zip(weights, biases)]).max(axis=0)
    raise ValueError("name, weights or biases")


@alternative(of="activation", route="scipy's expit, a dictionary of functions, maxima")
def by_scipy_and_maxima(x, name, alpha=1.0, weights=None, biases=None):
    from scipy.special import expit

    x = np.asarray(x).astype(np.float64)
    if name == "maxout":
        if weights is None or biases is None:
            raise ValueError("maxout needs weights and biases")
        best = x @ weights[0] + biases[0]
        for k in range(1, len(weights)):
            best = np.maximum(best, x @ weights[k] + biases[k])
        return best
    table = {
        "sigmoid": expit,
        "tanh": np.tanh,
        "relu": lambda v: v * (v > 0),
        "leaky_relu": lambda v: np.maximum(0.1 * v, v),
        "elu": lambda v: np.maximum(v, 0) + alpha * (np.exp(np.minimum(v, 0)) - 1),
    }
    if name not in table:
        raise ValueError(f"name {name!r}")
    return table[name](x)


@alternative(of="activation", route="number by number, in plain Python")
def number_by_number(x, name, alpha=1.0, weights=None, biases=None):
    import math

    def sigmoid(v):
        return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))

    scalar = {
        "sigmoid": sigmoid,
        "tanh": math.tanh,
        "relu": lambda v: max(0.0, v),
        "leaky_relu": lambda v: max(0.1 * v, v),
        "elu": lambda v: v if v >= 0 else alpha * math.expm1(v),
    }
    if name in scalar:
        return np.array([scalar[name](float(v)) for v in np.ravel(x)]).reshape(np.shape(x))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    (N, D), (K, _, M) = x.shape, weights.shape
    y = np.empty((N, M))
    for n in range(N):
        for m in range(M):
            y[n, m] = max(sum(x[n, d] * weights[k, d, m] for d in range(D)) + biases[k, m] for k in range(K))
    return y


# receptive_field


@alternative(of="receptive_field", route="from the top down: how many units of the layer below does a patch of units need")
def from_the_top_down(layers):
    if any(min(layer) < 1 for layer in layers):
        raise ValueError("layers must hold numbers of at least 1")

    def needed(units):
        for kernel, stride in reversed(list(layers)):
            units = (units - 1) * stride + kernel
        return units

    return needed(1), needed(2) - needed(1)


@alternative(of="receptive_field", route="a sum of products over the strides below")
def sum_of_products(layers):
    import math

    kernels, strides = [kernel for kernel, _ in layers], [stride for _, stride in layers]
    if min(kernels + strides, default=1) < 1:
        raise ValueError("layers")
    size = 1 + sum((kernel - 1) * math.prod(strides[:below]) for below, kernel in enumerate(kernels))
    return size, math.prod(strides)


@alternative(of="receptive_field", route="the interval of pixels that a unit covers, layer by layer, recursively")
def interval_of_pixels(layers):
    if not layers:
        return 1, 1
    kernel, stride = layers[-1]
    if kernel < 1 or stride < 1:
        raise ValueError("layers")
    size, jump = interval_of_pixels(layers[:-1])
    return size + jump * (kernel - 1), jump * stride


# zf_shapes


@alternative(of="zf_shapes", route="arithmetic without output_size, a dictionary comprehension")
def one_comprehension(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    if kernel > side or min(side, kernel, stride, window, pool_stride) < 1:
        raise ValueError("side, kernel, stride, window or pool_stride")

    def pooled(size, ceil):
        if window > size:
            raise ValueError("window")
        return -((window - size) // pool_stride) + 1 if ceil else (size - window) // pool_stride + 1

    maps = {padding: (side + 2 * padding - kernel) // stride + 1 for padding in range(kernel // 2 + 1)}
    return {(padding, ceil): (size, pooled(size, ceil)) for padding, size in maps.items() for ceil in (True, False)}


@alternative(of="zf_shapes", route="torch's layers, measured on an empty image")
def measured_with_torch(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    import torch

    if kernel > side or min(side, kernel, stride, window, pool_stride) < 1:
        raise ValueError("kernel is larger than the image, or an argument is below 1")
    shapes = {}
    for padding in range(kernel // 2 + 1):
        maps = torch.conv1d(torch.zeros(1, 1, side), torch.zeros(1, 1, kernel), stride=stride, padding=padding)
        if maps.shape[-1] < window:
            raise ValueError("window is larger than the map")
        for ceil in (False, True):
            pooled = torch.max_pool1d(maps, window, pool_stride, ceil_mode=ceil)
            shapes[padding, ceil] = maps.shape[-1], pooled.shape[-1]
    return shapes


@alternative(of="zf_shapes", route="all settings from itertools.product")
def product_of_settings(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    from itertools import product

    def both(padding, ceil):
        convolved = output_size(n=side, kernel=kernel, stride=stride, padding=padding)
        return convolved, output_size(n=convolved, kernel=window, stride=pool_stride, ceil=ceil)

    return {setting: both(*setting) for setting in product(range(0, kernel // 2 + 1), [False, True])}


# architecture_table


@alternative(of="architecture_table", route="one function for each kind of layer")
def one_function_per_kind(spec):
    def size(layer, shape, ceil):
        axes = zip(shape[1:], layer["kernel"], layer["stride"], layer["padding"])
        return tuple(output_size(n, k, s, p, ceil) for n, k, s, p in axes)

    def convolution(layer, shape):
        seen = shape[0] if layer["seen"] is None else layer["seen"]
        if seen > shape[0]:
            raise ValueError("seen")
        out = (layer["filters"], *size(layer, shape, False))
        units, fan_in = out[0] * out[1] * out[2], seen * layer["kernel"][0] * layer["kernel"][1]
        weights = fan_in * (layer["filters"] if layer["shared"] else units)
        return out, units, weights + {"none": 0, "filter": out[0], "unit": units}[layer["bias"]], units * fan_in

    def pooling(layer, shape):
        return (shape[0], *size(layer, shape, layer["ceil"])), 0, 0, 0

    def full(layer, shape):
        units, inputs = layer["units"], shape[0] * shape[1] * shape[2]
        return (units, 1, 1), units, units * inputs + (0 if layer["bias"] == "none" else units), units * inputs

    kinds = {"conv": convolution, "pool": pooling, "dense": full}
    table, shape = [], tuple(spec["input"])
    for layer in spec["layers"]:
        if layer["kind"] not in kinds:
            raise ValueError(f"kind {layer['kind']!r}")
        shape, units, parameters, work = kinds[layer["kind"]](layer, shape)
        table.append(dict(kind=layer["kind"], shape=shape, units=units, parameters=parameters, multiply_adds=work))
    return table


@alternative(of="architecture_table", route="a dense layer as a convolution whose kernel is the whole map")
def dense_as_convolution(spec):
    table, shape = [], list(spec["input"])
    for layer in spec["layers"]:
        kind = layer["kind"]
        if kind == "dense":
            layer = {"filters": layer["units"], "kernel": shape[1:], "stride": (1, 1), "padding": (0, 0), "seen": None,
                     "shared": True, "bias": layer["bias"]}
        elif kind not in ("conv", "pool"):
            raise ValueError("spec: unknown kind")
        for axis in (0, 1):
            n, k, s, p = (values[axis] for values in (shape[1:], layer["kernel"], layer["stride"], layer["padding"]))
            if min(n, k, s) < 1 or p < 0 or k > n + 2 * p:
                raise ValueError("spec: a layer does not fit")
            room = n + 2 * p - k
            shape = [*shape[: 1 + axis], (-(-room // s) if layer.get("ceil") else room // s) + 1, *shape[2 + axis :]]
        units = parameters = work = 0
        if kind != "pool":
            seen = layer["seen"] or shape[0]
            if seen > shape[0]:
                raise ValueError("spec: seen is too large")
            shape = [layer["filters"], *shape[1:]]
            units, reads = int(np.prod(shape, dtype=object)), seen * int(np.prod(layer["kernel"], dtype=object))
            work = units * reads
            parameters = (shape[0] if layer["shared"] else units) * reads
            if layer["bias"] != "none":
                parameters += shape[0] if layer["bias"] == "filter" else units
        table.append({"multiply_adds": work, "parameters": parameters, "units": units, "shape": tuple(shape), "kind": kind})
    return table


@alternative(of="architecture_table", route="shapes first, then costs from neighbouring shapes")
def shapes_first(spec):
    from math import prod

    shapes = [tuple(spec["input"])]
    for layer in spec["layers"]:
        if layer["kind"] not in {"conv", "pool", "dense"}:
            raise ValueError("spec")
        C, H, W = shapes[-1]
        if layer["kind"] == "dense":
            shapes.append((layer["units"], 1, 1))
            continue
        if (layer.get("seen") or 0) > C:
            raise ValueError("spec")
        sides = [
            output_size(n, layer["kernel"][axis], layer["stride"][axis], layer["padding"][axis], layer.get("ceil", False))
            for axis, n in enumerate((H, W))
        ]
        shapes.append((layer.get("filters", C), *sides))

    def row(layer, before, after):
        kind = layer["kind"]
        answer = {"kind": kind, "shape": after, "units": 0, "parameters": 0, "multiply_adds": 0}
        if kind == "pool":
            return answer
        units = prod(after)
        reads = prod(before) if kind == "dense" else prod(layer["kernel"]) * (layer["seen"] or before[0])
        different = units if kind == "dense" or not layer["shared"] else after[0]
        biases = dict(none=0, filter=after[0], unit=units)[layer["bias"]]
        return {**answer, "units": units, "parameters": different * reads + biases, "multiply_adds": units * reads}

    return [row(layer, *pair) for layer, pair in zip(spec["layers"], zip(shapes, shapes[1:]))]


# inception_cost


@alternative(of="inception_cost", route="architecture_table, branch by branch")
def branch_by_branch(spec):
    if min(*spec["input"], *(number for key, number in spec.items() if key != "input")) < 1:
        raise ValueError("spec must hold numbers of at least 1")
    def layer(filters, side):
        return conv(filters, side, padding=side // 2)

    def total(branches, passed_on):
        rows = [architecture_table({"input": spec["input"], "layers": branch}) for branch in branches]
        every = [row for branch in rows for row in branch]
        channels = passed_on + sum(branch[-1]["shape"][0] for branch in rows)
        return {"channels": channels, **{key: sum(r[key] for r in every) for key in ("parameters", "multiply_adds")}}

    first = [layer(spec["one"], 1)]
    three, five = [layer(spec["three"], 3)], [layer(spec["five"], 5)]
    reduced = [first, [layer(spec["reduce_three"], 1), *three], [layer(spec["reduce_five"], 1), *five], [layer(spec["pool"], 1)]]
    return {"reduced": total(reduced, 0), "naive": total([first, three, five], spec["input"][0])}


@alternative(of="inception_cost", route="written out as formulas")
def written_out(spec):
    if min(*spec["input"], *(number for key, number in spec.items() if key != "input")) < 1:
        raise ValueError("spec must hold numbers of at least 1")
    C, H, W = spec["input"]
    a, r, b, t, c, p = spec["one"], spec["reduce_three"], spec["three"], spec["reduce_five"], spec["five"], spec["pool"]
    reduced = C * (a + r + t + p) + 9 * r * b + 25 * t * c
    naive = C * (a + 9 * b + 25 * c)
    return {
        "naive": {"channels": a + b + c + C, "parameters": naive + a + b + c, "multiply_adds": naive * H * W},
        "reduced": {
            "channels": a + b + c + p,
            "parameters": reduced + a + r + b + t + c + p,
            "multiply_adds": reduced * H * W,
        },
    }


@alternative(of="inception_cost", route="torch's layers, their parameters counted")
def counted_by_torch(spec):
    if min(*spec["input"], *(number for key, number in spec.items() if key != "input")) < 1:
        raise ValueError("spec must hold numbers of at least 1")
    from torch.nn import Conv2d

    C, H, W = spec["input"]

    def cost(channels, *layers):
        weights = sum(layer.weight.numel() for layer in layers)
        biases = sum(layer.bias.numel() for layer in layers)
        return {"channels": channels, "parameters": weights + biases, "multiply_adds": weights * H * W}

    one, three, five = (Conv2d(C, spec[key], side) for key, side in (("one", 1), ("three", 3), ("five", 5)))
    small, tiny = Conv2d(C, spec["reduce_three"], 1), Conv2d(C, spec["reduce_five"], 1)
    after = [Conv2d(spec["reduce_three"], spec["three"], 3), Conv2d(spec["reduce_five"], spec["five"], 5)]
    stacked = spec["one"] + spec["three"] + spec["five"]
    reduced = cost(stacked + spec["pool"], one, small, tiny, *after, Conv2d(C, spec["pool"], 1))
    return {"reduced": reduced, "naive": cost(stacked + C, one, three, five)}
