"""Independent correct answers to 03-pooling, by other routes than the solutions. The grader reads this file as text."""

import numpy as np

from autograder.authoring.answers import alternative

# pool


@alternative(of="pool", route="plain loops over every number")
def pool_by_loops(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError(f"mode {mode}")
    (images, channels, height, width), (kh, kw), (sh, sw) = x.shape, window, stride
    if not 1 <= kh <= height or not 1 <= kw <= width:
        raise ValueError(f"window {window}")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride {stride}")
    out = []
    for n in range(images):
        maps = []
        for c in range(channels):
            rows = []
            for top in range(0, height - kh + 1, sh):
                row = []
                for left in range(0, width - kw + 1, sw):
                    numbers = [float(x[n, c, top + i, left + j]) for i in range(kh) for j in range(kw)]
                    total = sum(numbers)
                    row.append(max(numbers) if mode == "max" else total / len(numbers) if mode == "average" else total)
                rows.append(row)
            maps.append(rows)
        out.append(maps)
    return np.array(out)


@alternative(of="pool", route="sliding_window_view")
def pool_by_views(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode must be max, average or sum")
    output_shape(x.shape, window, stride)
    views = np.lib.stride_tricks.sliding_window_view(x, window, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return {"max": np.amax, "average": np.mean, "sum": np.sum}[mode](views, (-2, -1))


@alternative(of="pool", route="torch.nn.functional, in float32")
def pool_by_torch(x, window, stride, mode):
    import torch

    output_shape(x.shape, window, stride)
    tensor = torch.from_numpy(x.astype(np.float32))
    if mode == "max":
        return torch.nn.functional.max_pool2d(tensor, window, stride)
    if mode == "average":
        return torch.nn.functional.avg_pool2d(tensor, window, stride)
    if mode == "sum":
        return torch.nn.functional.avg_pool2d(tensor, window, stride, divisor_override=1)
    raise ValueError("mode")


@alternative(of="pool", route="one pass over the window's offsets instead of its positions, in Fortran order")
def pool_by_offsets(x, window, stride, mode):
    if mode not in ("max", "average", "sum"):
        raise ValueError(f"mode {mode}")
    rows, columns = output_shape(x.shape, window, stride)
    x, out = np.asarray(x, dtype=float), None
    for i in range(window[0]):
        for j in range(window[1]):
            part = x[
                :, :, i : i + (rows - 1) * stride[0] + 1 : stride[0], j : j + (columns - 1) * stride[1] + 1 : stride[1]
            ]
            if out is None:
                out = part.copy()
            else:
                out = np.maximum(out, part) if mode == "max" else out + part
    return np.asfortranarray(out / (window[0] * window[1]) if mode == "average" else out)


@alternative(of="pool", route="rows first, then columns")
def pool_one_axis_at_a_time(x, window, stride, mode):
    if mode not in {"max", "average", "sum"}:
        raise ValueError("unknown mode")
    rows, columns = output_shape(x.shape, window, stride)
    reduce = getattr(np, {"max": "max", "average": "mean", "sum": "sum"}[mode])
    down = np.stack([reduce(x[:, :, i * stride[0] : i * stride[0] + window[0]], axis=2) for i in range(rows)], axis=2)
    across = [reduce(down[..., j * stride[1] : j * stride[1] + window[1]], axis=-1) for j in range(columns)]
    return np.stack(across, axis=-1)


# pool_padded


@alternative(of="pool_padded", route="loops that cut each window to what lies inside the map")
def pool_inside_only(x, window, stride, padding, mode, count_include_pad=True):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    if min(padding) < 0 or padding[0] > window[0] // 2 or padding[1] > window[1] // 2:
        raise ValueError("padding")
    height, width = x.shape[2:]
    framed = (*x.shape[:2], height + 2 * padding[0], width + 2 * padding[1])
    out = np.zeros((*x.shape[:2], *output_shape(framed, window, stride)))
    for i, j in np.ndindex(out.shape[2:]):
        top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
        inside = x[:, :, max(top, 0) : min(top + window[0], height), max(left, 0) : min(left + window[1], width)]
        if mode == "max":
            out[:, :, i, j] = inside.max(axis=(2, 3))
            continue
        out[:, :, i, j] = inside.sum(axis=(2, 3))
        if mode == "average":
            out[:, :, i, j] /= window[0] * window[1] if count_include_pad else inside.shape[2] * inside.shape[3]
    return out


@alternative(of="pool_padded", route="torch.nn.functional")
def pool_padded_by_torch(x, window, stride, padding, mode, count_include_pad=True):
    import torch
    import torch.nn.functional as F

    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    if min(padding) < 0 or 2 * padding[0] > window[0] or 2 * padding[1] > window[1]:
        raise ValueError("padding")
    sides = (x.shape[0], x.shape[1], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
    output_shape(sides, window, stride)
    tensor = torch.tensor(x)
    if mode == "max":
        return F.max_pool2d(tensor, window, stride, padding).numpy()
    if mode == "sum":
        return F.avg_pool2d(tensor, window, stride, padding, divisor_override=1).numpy()
    return F.avg_pool2d(tensor, window, stride, padding, count_include_pad=count_include_pad).numpy()


@alternative(of="pool_padded", route="a frame of NaN, and numpy's functions that skip it")
def pool_padded_with_nan(x, window, stride, padding, mode, count_include_pad=True):
    if mode not in ("max", "average", "sum"):
        raise ValueError("mode")
    if any(not 0 <= pad <= side / 2 for pad, side in zip(padding, window)):
        raise ValueError("padding")
    framed = np.full((*x.shape[:2], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]), np.nan)
    framed[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]] = x
    rows, columns = output_shape(framed.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i in range(rows):
        for j in range(columns):
            patch = framed[:, :, i * stride[0] :, j * stride[1] :][:, :, : window[0], : window[1]]
            if mode == "max":
                out[:, :, i, j] = np.nanmax(patch, axis=(2, 3))
            elif mode == "average" and not count_include_pad:
                out[:, :, i, j] = np.nanmean(patch, axis=(2, 3))
            else:
                out[:, :, i, j] = np.nansum(patch, axis=(2, 3)) / (patch[0, 0].size if mode == "average" else 1)
    return out


# average_kernel


@alternative(of="average_kernel", route="loop over the channels")
def kernel_by_loop(channels, window):
    if channels <= 0:
        raise ValueError("channels")
    if window[0] <= 0 or window[1] <= 0:
        raise ValueError("window")
    w = np.zeros((channels, channels, window[0], window[1]))
    for c in range(channels):
        w[c, c] = 1.0 / (window[0] * window[1])
    return w


@alternative(of="average_kernel", route="einsum, in float32")
def kernel_by_einsum(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels and window must be at least 1")
    mean = np.full(window, 1.0 / np.prod(window), dtype=np.float32)
    return np.einsum("fc,ij->fcij", np.identity(channels, dtype=np.float32), mean)


@alternative(of="average_kernel", route="torch, as a broadcast view")
def kernel_by_torch(channels, window):
    import torch

    if channels < 1 or min(window) < 1:
        raise ValueError("channels and window must be at least 1")
    eye = torch.eye(channels, dtype=torch.float64) / (window[0] * window[1])
    return eye[:, :, None, None].expand(channels, channels, *window)


@alternative(of="average_kernel", route="asked of pooling itself: its response to every unit pixel")
def kernel_by_probing(channels, window):
    if channels < 1 or min(window) < 1:
        raise ValueError("channels and window must be at least 1")
    w = np.zeros((channels, channels, *window))
    for c, i, j in np.ndindex(channels, *window):
        unit = np.zeros((1, channels, *window))
        unit[0, c, i, j] = 1.0
        w[:, c, i, j] = unit.mean(axis=(2, 3))[0]
    return w


# relu


@alternative(of="relu", route="multiplied by a mask")
def relu_by_mask(x):
    return x * (x > 0)


@alternative(of="relu", route="half of x plus its magnitude")
def relu_by_magnitude(x):
    return 0.5 * (x + abs(x))


@alternative(of="relu", route="torch")
def relu_by_torch(x):
    import torch

    return torch.relu(torch.tensor(x))


@alternative(of="relu", route="a copy with its negative values overwritten")
def relu_on_a_copy(x):
    y = x.copy(order="F")
    y[y < 0] = 0
    return y


# maximum_network


@alternative(of="maximum_network", route="b + ReLU(a − b)")
def from_the_other_number():
    return np.array([[0, 1], [0, -1], [1, -1]]), np.array([1, -1, 1])


@alternative(of="maximum_network", route="half of the sum and half of the difference, four units")
def from_sum_and_difference():
    hidden = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    return hidden, np.array([0.5, -0.5, 0.5, 0.5])


@alternative(of="maximum_network", route="other scales, a unit that does nothing, and tensors")
def rescaled():
    import torch

    hidden = torch.tensor([[4.0, 0.0], [-0.5, 0.0], [-2.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    return hidden, torch.tensor([0.25, -2.0, 0.5, 7.0], dtype=torch.float64)


# relu_backward


@alternative(of="relu_backward", route="multiplied by a mask")
def gate_by_mask(grad, x):
    if np.shape(grad) != np.shape(x):
        raise ValueError("grad must have the shape of x")
    return grad * (x > 0)


@alternative(of="relu_backward", route="torch's autograd")
def gate_by_torch(grad, x):
    import torch

    if grad.shape != x.shape:
        raise ValueError("grad must have the shape of x")
    leaf = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(torch.relu(leaf), leaf, torch.tensor(grad))[0]


@alternative(of="relu_backward", route="element by element")
def gate_by_loop(grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad must have the shape of x")
    dx = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        if x[index] > 0:
            dx[index] = grad[index]
    return dx


@alternative(of="relu_backward", route="a copy with the closed places overwritten")
def gate_on_a_copy(grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad must have the shape of x")
    dx = np.array(grad, order="F")
    dx[x <= 0] = 0
    return dx


# sum_backward


@alternative(of="sum_backward", route="one pass over the window's offsets")
def sum_by_offsets(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (*shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(shape)
    for i, j in np.ndindex(*window):
        dx[:, :, i : i + rows * stride[0] : stride[0], j : j + columns * stride[1] : stride[1]][
            :, :, :rows, :columns
        ] += grad
    return dx


@alternative(of="sum_backward", route="matrices that say which pixel lies in which window")
def sum_by_matrices(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")

    def inside(count, size, side, step):
        begin = np.arange(count)[:, None] * step
        return ((np.arange(size) >= begin) & (np.arange(size) < begin + side)).astype(float)

    down, across = inside(rows, shape[2], window[0], stride[0]), inside(columns, shape[3], window[1], stride[1])
    return np.einsum("ncij,ih,jw->nchw", grad, down, across)


@alternative(of="sum_backward", route="torch's transposed convolution")
def sum_by_torch(grad, shape, window, stride):
    import torch

    rows, columns = output_shape(shape, window, stride)
    if tuple(grad.shape) != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    ones = torch.ones(shape[1], 1, *window, dtype=torch.float64)
    back = torch.nn.functional.conv_transpose2d(torch.tensor(grad), ones, stride=stride, groups=shape[1])
    dx = torch.zeros(shape, dtype=torch.float64)
    dx[:, :, : back.shape[2], : back.shape[3]] = back[:, :, : shape[2], : shape[3]]
    return dx


@alternative(of="sum_backward", route="pixel by pixel: gather from all windows that cover it")
def sum_by_gathering(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(shape)
    for h, w in np.ndindex(shape[2], shape[3]):
        for i, j in np.ndindex(rows, columns):
            if 0 <= h - i * stride[0] < window[0] and 0 <= w - j * stride[1] < window[1]:
                dx[:, :, h, w] += grad[:, :, i, j]
    return dx


# average_backward


@alternative(of="average_backward", route="a loop of its own")
def average_by_loop(grad, shape, window, stride):
    rows, columns = output_shape(shape, window, stride)
    if grad.shape != (shape[0], shape[1], rows, columns):
        raise ValueError("grad")
    dx = np.zeros(shape)
    for i in range(rows):
        for j in range(columns):
            share = np.full(window, 1 / np.prod(window))
            area = dx[:, :, i * stride[0] : i * stride[0] + window[0], j * stride[1] : j * stride[1] + window[1]]
            area += grad[:, :, i, j][:, :, None, None] * share
    return dx


@alternative(of="average_backward", route="torch's autograd, in float32")
def average_by_torch(grad, shape, window, stride):
    import torch

    if grad.shape != (shape[0], shape[1], *output_shape(shape, window, stride)):
        raise ValueError("grad")
    leaf = torch.zeros(*shape, requires_grad=True)
    torch.nn.functional.avg_pool2d(leaf, window, stride).backward(torch.tensor(grad, dtype=torch.float32))
    return leaf.grad


@alternative(of="average_backward", route="the divided gradient, sent back as a sum's")
def average_by_dividing_first(grad, shape, window, stride):
    return sum_backward(grad / window[0] / window[1], shape, window, stride)


# max_with_switches


@alternative(of="max_with_switches", route="plain loops over every number")
def switches_by_loops(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    y = np.full((*x.shape[:2], rows, columns), -np.inf)
    switches = np.zeros(y.shape, dtype=int)
    for n, c, i, j in np.ndindex(y.shape):
        for row in range(i * stride[0], i * stride[0] + window[0]):
            for column in range(j * stride[1], j * stride[1] + window[1]):
                if x[n, c, row, column] > y[n, c, i, j]:
                    y[n, c, i, j] = x[n, c, row, column]
                    switches[n, c, i, j] = row * x.shape[3] + column
    return y, switches


@alternative(of="max_with_switches", route="torch.nn.functional with return_indices, as a tuple of tensors")
def switches_by_torch(x, window, stride):
    import torch

    output_shape(x.shape, window, stride)
    return tuple(torch.nn.functional.max_pool2d(torch.tensor(x), window, stride, return_indices=True))


@alternative(of="max_with_switches", route="windows as views of the map and of a map of places; int32")
def switches_by_views(x, window, stride):
    output_shape(x.shape, window, stride)
    slide = np.lib.stride_tricks.sliding_window_view
    views = slide(x, window, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    numbers = np.arange(x.shape[2] * x.shape[3], dtype=np.int32).reshape(x.shape[2:])
    numbers = slide(numbers, window)[:: stride[0], :: stride[1]].reshape(*views.shape[2:4], -1)
    flat = views.reshape(*views.shape[:4], -1)
    best = flat.argmax(axis=-1)
    switches = np.take_along_axis(np.broadcast_to(numbers, flat.shape), best[..., None], axis=-1)[..., 0]
    return flat.max(axis=-1), switches


@alternative(of="max_with_switches", route="one pass over the window's offsets, keeping the best so far")
def switches_by_offsets(x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    begins = np.arange(rows)[:, None] * stride[0] * x.shape[3] + np.arange(columns) * stride[1]
    flat = x.reshape(*x.shape[:2], -1)
    y, switches = flat[:, :, begins].copy(), np.broadcast_to(begins, (*x.shape[:2], rows, columns)).copy()
    for i, j in np.ndindex(*window):
        places = begins + i * x.shape[3] + j
        better = flat[:, :, places] > y
        y = np.where(better, flat[:, :, places], y)
        switches = np.where(better, places, switches)
    return y, switches


# max_backward


@alternative(of="max_backward", route="loops, argmax and +=")
def back_by_loops(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride[0], j * stride[1]
        patch = x[n, c, top : top + window[0], left : left + window[1]]
        down, across = np.unravel_index(np.argmax(patch), patch.shape)
        dx[n, c, top + down, left + across] += grad[n, c, i, j]
    return dx


@alternative(of="max_backward", route="torch's autograd")
def back_by_torch(grad, x, window, stride):
    import torch

    if grad.shape != (*x.shape[:2], *output_shape(x.shape, window, stride)):
        raise ValueError("grad")
    leaf = torch.tensor(x, requires_grad=True)
    torch.nn.functional.max_pool2d(leaf, window, stride).backward(torch.tensor(grad))
    return leaf.grad.numpy()


@alternative(of="max_backward", route="bincount over switches numbered through the batch")
def back_by_bincount(grad, x, window, stride):
    y, switches = max_with_switches(x, window, stride)
    if grad.shape != np.shape(y):
        raise ValueError("grad")
    size = x.shape[2] * x.shape[3]
    first = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1, 1) * size
    places = (np.asarray(switches) + first).ravel()
    return np.bincount(places, weights=grad.ravel(), minlength=x.size).reshape(x.shape)


@alternative(of="max_backward", route="masks over the window's offsets, each window served once")
def back_by_masks(grad, x, window, stride):
    rows, columns = output_shape(x.shape, window, stride)
    if grad.shape != (*x.shape[:2], rows, columns):
        raise ValueError("grad")
    areas = [
        np.s_[:, :, i : i + (rows - 1) * stride[0] + 1 : stride[0], j : j + (columns - 1) * stride[1] + 1 : stride[1]]
        for i, j in np.ndindex(*window)
    ]
    y = np.maximum.reduce([x[area] for area in areas])
    dx, served = np.zeros(x.shape), np.zeros(grad.shape, dtype=bool)
    for area in areas:
        wins = (x[area] == y) & ~served
        dx[area] += wins * grad
        served |= wins
    return dx


# unpool


@alternative(of="unpool", route="loops and divmod")
def unpool_by_loops(y, switches, shape):
    if y.shape != switches.shape:
        raise ValueError("switches")
    if y.shape[0] != shape[0] or y.shape[1] != shape[1]:
        raise ValueError("shape")
    x = np.zeros(shape)
    for n, c, i, j in np.ndindex(y.shape):
        row, column = divmod(int(switches[n, c, i, j]), shape[3])
        if not 0 <= row < shape[2]:
            raise ValueError("switches")
        x[n, c, row, column] = y[n, c, i, j]
    return x


@alternative(of="unpool", route="torch's scatter, in float32")
def unpool_by_scatter(y, switches, shape):
    import torch

    if y.shape != switches.shape or switches.min() < 0 or switches.max() >= shape[2] * shape[3]:
        raise ValueError("switches")
    if y.shape[:2] != tuple(shape[:2]):
        raise ValueError("shape")
    flat = torch.zeros(shape[0], shape[1], shape[2] * shape[3])
    flat.scatter_(2, torch.tensor(switches).flatten(2), torch.tensor(y, dtype=torch.float32).flatten(2))
    return flat.view(*shape)


@alternative(of="unpool", route="one assignment to the flat batch, values in reverse order")
def unpool_at_once(y, switches, shape):
    size = shape[2] * shape[3]
    if y.shape != switches.shape or (switches < 0).any() or (switches >= size).any():
        raise ValueError("switches")
    if y.shape[:2] != tuple(shape[:2]):
        raise ValueError("shape")
    places = switches + np.arange(shape[0] * shape[1]).reshape(shape[0], shape[1], 1, 1) * size
    x = np.zeros(shape[0] * shape[1] * size)
    x[places.ravel()[::-1]] = y.ravel()[::-1]
    return x.reshape(shape)


# shift_stability


@alternative(of="shift_stability", route="image by image")
def stability_image_by_image(net, x, shifts):
    _, _, height, width = x.shape
    result = []
    for down, right in shifts:
        if abs(down) >= height or abs(right) >= width:
            raise ValueError(f"shifts: ({down}, {right})")
        cosines = []
        for n in range(len(x)):
            one = np.ravel(net(x[n : n + 1]))
            two = np.ravel(net(shifted(x[n : n + 1], (down, right))))
            cosines.append(one @ two / np.sqrt((one @ one) * (two @ two)))
        result.append(np.mean(cosines))
    return np.array(result)


@alternative(of="shift_stability", route="torch's cosine_similarity, all shifts in one batch")
def stability_by_torch(net, x, shifts):
    import torch

    if max(abs(down) for down, _ in shifts) >= x.shape[2] or max(abs(right) for _, right in shifts) >= x.shape[3]:
        raise ValueError("shifts")
    everything = np.concatenate([x, *(shifted(x, shift) for shift in shifts)])
    answers = torch.tensor(np.asarray(net(everything))).reshape(len(shifts) + 1, len(x), -1)
    return torch.cosine_similarity(answers[:1], answers[1:], dim=2).mean(dim=1)


@alternative(of="shift_stability", route="from the distance of unit vectors; its own shift by indexing")
def stability_by_distance(net, x, shifts):
    height, width = x.shape[2:]
    for down, right in shifts:
        if not (-height < down < height and -width < right < width):
            raise ValueError("shifts")
    frame = np.pad(x, ((0, 0), (0, 0), (height, height), (width, width)))

    def unit(batch):
        rows = np.array(net(batch)).reshape(len(x), -1)
        return (rows.T / np.sqrt(np.einsum("ni,ni->n", rows, rows))).T

    still, result = unit(x), np.empty(len(shifts))
    for k, (down, right) in enumerate(shifts):
        moved = frame[:, :, height - down : 2 * height - down, width - right : 2 * width - right]
        result[k] = np.mean(1 - ((unit(moved) - still) ** 2).sum(axis=1) / 2)
    return result
