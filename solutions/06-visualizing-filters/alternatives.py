"""Independent correct answers to 06-visualizing-filters, by other routes than the solutions. The grader reads this file
as text."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.authoring.answers import alternative

# tile_filters


@alternative(of="tile_filters", route="plain loops over every weight")
def tiles_by_loops(w, columns):
    if len(np.shape(w)) != 4:
        raise ValueError("w must have four axes")
    if columns < 1:
        raise ValueError("columns must be at least 1")
    filters, channels, kh, kw = w.shape
    rows = (filters + columns - 1) // columns
    out = [[[1.0] * (columns * kw + columns - 1) for _ in range(rows * kh + rows - 1)] for _ in range(channels)]
    for f in range(filters):
        m = max(abs(float(value)) for value in w[f].ravel())
        for c in range(channels):
            for i in range(kh):
                for j in range(kw):
                    grey = 0.5 if m == 0 else (1 + float(w[f, c, i, j]) / m) / 2
                    out[c][f // columns * (kh + 1) + i][f % columns * (kw + 1) + j] = grey
    return np.array(out)


@alternative(of="tile_filters", route="pad, reshape and transpose, without a loop")
def tiles_by_axes(w, columns):
    if w.ndim != 4:
        raise ValueError("w")
    if columns <= 0:
        raise ValueError("columns")
    filters, channels, kh, kw = w.shape
    largest = np.abs(w).max(axis=(1, 2, 3), keepdims=True)
    grey = 0.5 + 0.5 * np.divide(w, largest, np.zeros(w.shape), where=largest > 0)
    spare = -filters % columns
    grey = np.pad(grey, ((0, spare), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    grey = grey.reshape(-1, columns, channels, kh + 1, kw + 1).transpose(2, 0, 3, 1, 4)
    return grey.reshape(channels, -1, columns * (kw + 1))[:, :-1, :-1]


@alternative(of="tile_filters", route="torch, in float32, a view of a larger picture")
def tiles_by_torch(w, columns):
    if np.ndim(w) != 4 or columns < 1:
        raise ValueError("w or columns")
    tensor = torch.tensor(w, dtype=torch.float32)
    filters, channels, kh, kw = tensor.shape
    rows = int(np.ceil(filters / columns))
    picture = torch.full((channels, rows * (kh + 1), columns * (kw + 1)), 1.0)
    for f in range(filters):
        m = tensor[f].abs().amax()
        tile = tensor[f] / m if m > 0 else tensor[f]
        top, left = f // columns * (kh + 1), f % columns * (kw + 1)
        picture[:, top : top + kh, left : left + kw] = tile / 2 + 0.5
    return picture[:, :-1, :-1]


# evolution


@alternative(of="evolution", route="loops and numpy's dot")
def evolution_by_loops(snapshots):
    if np.ndim(snapshots) != 5:
        raise ValueError("snapshots must have five axes")
    result = np.zeros(snapshots.shape[:2])
    for t in range(snapshots.shape[0]):
        for f in range(snapshots.shape[1]):
            a, b = snapshots[t, f].ravel(), snapshots[-1, f].ravel()
            result[t, f] = np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b))
    return result


@alternative(of="evolution", route="einsum")
def evolution_by_einsum(snapshots):
    if snapshots.ndim != 5:
        raise ValueError("snapshots")
    products = np.einsum("tfcij,fcij->tf", snapshots, snapshots[-1])
    lengths = np.sqrt(np.einsum("tfcij,tfcij->tf", snapshots, snapshots))
    return products / lengths / lengths[-1]


@alternative(of="evolution", route="torch's cosine_similarity, in Fortran order")
def evolution_by_torch(snapshots):
    if snapshots.ndim != 5:
        raise ValueError("snapshots")
    past = torch.from_numpy(np.array(snapshots, dtype=float)).flatten(2)
    return np.asfortranarray(torch.cosine_similarity(past, past[-1].expand_as(past), dim=2).numpy())


# feature_maps


@alternative(of="feature_maps", route="a hook as a context, and a try that always cleans up")
def maps_by_context(model, x, layer):
    names = [name for name, _ in model.named_modules() if name]
    if layer not in names:
        raise ValueError(f"layer {layer}")
    kept = {}

    def keep(module, inputs, output):
        kept["maps"] = output.detach().clone()

    before = model.training
    with model.get_submodule(layer).register_forward_hook(keep), torch.no_grad():
        try:
            model.eval()(x)
        finally:
            model.train(before)
    return kept["maps"]


@alternative(of="feature_maps", route="a copy of the network, in which nothing has to be put back")
def maps_of_a_copy(model, x, layer):
    twin, kept = copy.deepcopy(model).eval(), []
    if layer == "" or layer not in dict(twin.named_modules()):
        raise ValueError("layer")
    twin.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output.detach().clone()))
    with torch.no_grad():
        twin(x.clone())
    return kept[-1]


@alternative(of="feature_maps", route="an exception that stops the network behind the layer")
def maps_by_stopping(model, x, layer):
    class Enough(Exception):
        pass

    def stop(module, inputs, output):
        raise Enough(output.detach().clone())

    target = dict(model.named_modules()).get(layer) if layer else None
    if target is None:
        raise ValueError("layer")
    before, hook = model.training, target.register_forward_hook(stop)
    try:
        model.eval()
        model(x)
    except Enough as enough:
        return enough.args[0]
    finally:
        hook.remove()
        model.train(before)


@alternative(of="feature_maps", route="get_submodule; the name is looked up in named_modules as it is")
def maps_by_submodule(model, x, layer):
    if layer not in dict(model.named_modules()):
        raise ValueError("layer")
    was_training, kept = model.training, {}
    handle = model.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.update(map=out.detach().clone()))
    model.eval()
    model(x)
    handle.remove()
    model.train(was_training)
    return kept["map"]


# relu_backward


@alternative(of="relu_backward", route="a table of masks and torch.where")
def relu_by_table(rule, grad, activation):
    masks = {
        "gradient": lambda: activation > 0,
        "deconvnet": lambda: grad > 0,
        "guided": lambda: (activation > 0) & (grad > 0),
    }
    if rule not in masks:
        raise ValueError("rule")
    if tuple(grad.shape) != tuple(activation.shape):
        raise ValueError("grad")
    return torch.where(masks[rule](), grad, torch.zeros_like(grad))


@alternative(of="relu_backward", route="clamp, and the sign of the activation")
def relu_by_clamp(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    if grad.shape != activation.shape:
        raise ValueError("grad")
    if rule == "gradient":
        return grad * activation.sign()
    rectified = grad.clamp(min=0)
    return rectified if rule == "deconvnet" else rectified * activation.sign()


@alternative(of="relu_backward", route="numpy, element by element")
def relu_by_loops(rule, grad, activation):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    g, a = grad.detach().numpy(), activation.detach().numpy()
    if g.shape != a.shape:
        raise ValueError("grad")
    out = np.zeros(g.shape)
    for place in np.ndindex(*g.shape):
        on = rule == "deconvnet" or a[place] > 0
        if on and (rule == "gradient" or g[place] > 0):
            out[place] = g[place]
    return torch.from_numpy(out)


# strongest


@alternative(of="strongest", route="loops over pictures, rows and columns")
def strongest_by_loops(maps, channel):
    if channel < 0 or channel >= maps.shape[1]:
        raise ValueError("channel")
    alone = torch.zeros_like(maps)
    for n in range(maps.shape[0]):
        best = (0, 0)
        for i in range(maps.shape[2]):
            for j in range(maps.shape[3]):
                if maps[n, channel, i, j] > maps[n, channel, best[0], best[1]]:
                    best = (i, j)
        alone[n, channel, best[0], best[1]] = maps[n, channel, best[0], best[1]]
    return alone


@alternative(of="strongest", route="a one-hot mask")
def strongest_by_one_hot(maps, channel):
    if channel not in range(maps.shape[1]):
        raise ValueError("channel")
    n, c, h, w = maps.shape
    place = F.one_hot(maps[:, channel].reshape(n, -1).argmax(dim=1), h * w).reshape(n, 1, h, w)
    which = (torch.arange(c) == channel).reshape(1, c, 1, 1)
    return maps * (place * which)


@alternative(of="strongest", route="numpy's put_along_axis, in Fortran order")
def strongest_by_numpy(maps, channel):
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    values = maps.detach().numpy()
    flat = values[:, channel].reshape(len(values), -1)
    alone = np.zeros_like(flat)
    first = flat.argmax(axis=1)[:, None]
    np.put_along_axis(alone, first, np.take_along_axis(flat, first, axis=1), axis=1)
    out = np.zeros(values.shape, dtype=values.dtype, order="F")
    out[:, channel] = alone.reshape(values[:, channel].shape)
    return torch.from_numpy(out)


# deconvnet


@alternative(of="deconvnet", route="conv_transpose2d with output_padding, unpooling by scatter")
def deconvnet_by_transposing(model, layer, channel, x, rule="deconvnet"):
    if rule not in ("gradient", "deconvnet", "guided"):
        raise ValueError("rule")
    steps = record(model, layer, x)
    y = strongest(steps[-1].after, channel)
    for step in steps[::-1]:
        module = step.module
        if isinstance(module, nn.ReLU):
            y = relu_backward(rule, y, step.after)
        elif isinstance(module, nn.MaxPool2d):
            flat = torch.zeros_like(step.before).flatten(2)
            y = flat.scatter(2, step.switches.flatten(2), y.flatten(2)).reshape(step.before.shape)
        else:
            spare = [
                size - ((out - 1) * stride - 2 * padding + kernel)
                for size, out, stride, padding, kernel in zip(
                    step.before.shape[2:], y.shape[2:], module.stride, module.padding, module.kernel_size
                )
            ]
            # A remainder as large as the stride cannot be an output_padding: frame the result instead.
            y = F.conv_transpose2d(y, module.weight, None, module.stride, 0)
            (above, beside), (height, width) = module.padding, step.before.shape[2:]
            y = F.pad(y, (0, max(spare[1] + beside, 0), 0, max(spare[0] + above, 0)))
            y = y[:, :, above : above + height, beside : beside + width]
    return y.detach()


@alternative(of="deconvnet", route="stamps, one unit at a time, in numpy")
def deconvnet_by_stamps(model, layer, channel, x, rule="deconvnet"):
    relu_backward(rule, torch.zeros(1), torch.zeros(1))
    steps = record(model, layer, x)
    y = strongest(steps[-1].after, channel).detach().numpy()
    while steps:
        module, before, after, switches = steps.pop()
        if isinstance(module, nn.ReLU):
            y = np.asarray(relu_backward(rule, torch.from_numpy(y), after))
            continue
        below = np.zeros(tuple(before.shape))
        if isinstance(module, nn.MaxPool2d):
            for n, c, i, j in np.argwhere(y):
                row, column = divmod(int(switches[n, c, i, j]), before.shape[3])
                below[n, c, row, column] = y[n, c, i, j]
        else:
            (down, across), (above, beside) = module.stride, module.padding
            w = module.weight.detach().numpy()
            framed = np.pad(below, ((0, 0), (0, 0), (above, above), (beside, beside)))
            for n, f, i, j in np.argwhere(y):
                top, left = i * down, j * across
                framed[n, :, top : top + w.shape[2], left : left + w.shape[3]] += y[n, f, i, j] * w[f]
            below = framed[:, :, above : above + below.shape[2], beside : beside + below.shape[3]]
        y = below.copy()
    return y


@alternative(of="deconvnet", route="autograd, with ReLUs whose way back is another")
def deconvnet_by_autograd(model, layer, channel, x, rule="deconvnet"):
    relu_backward(rule, torch.zeros(1), torch.zeros(1))

    class Rectify(torch.autograd.Function):
        @staticmethod
        def forward(context, maps):
            context.save_for_backward(maps.clamp(min=0))
            return maps.clamp(min=0)

        @staticmethod
        def backward(context, grad):
            return torch.as_tensor(relu_backward(rule, grad, context.saved_tensors[0]))

    if layer not in dict(model.named_children()):
        raise ValueError("layer")
    leaf = x.detach().clone().requires_grad_()
    maps = leaf
    for name, module in model.named_children():
        maps = Rectify.apply(maps) if isinstance(module, nn.ReLU) else module(maps)
        if name == layer:
            break
    alone = torch.as_tensor(strongest(maps.detach(), channel)).to(maps.dtype)
    return torch.autograd.grad(maps, leaf, alone)[0]


# top_patches


@alternative(of="top_patches", route="sorted() on pairs, patches filled pixel by pixel")
def patches_by_loops(model, layer, channel, images, k):
    if k < 1 or k > len(images):
        raise ValueError("k")
    size, step, start = receptive_field(model, layer)
    maps = np.asarray(feature_maps(model, images, layer))
    if channel < 0 or channel >= maps.shape[1]:
        raise ValueError("channel")
    order = sorted(range(len(images)), key=lambda n: -maps[n, channel].max())[:k]
    patches = np.zeros((k, images.shape[1], *size))
    for rank, n in enumerate(order):
        row, column = np.unravel_index(maps[n, channel].argmax(), maps.shape[2:])
        for i in range(size[0]):
            for j in range(size[1]):
                r, c = start[0] + row * step[0] + i, start[1] + column * step[1] + j
                if 0 <= r < images.shape[2] and 0 <= c < images.shape[3]:
                    patches[rank, :, i, j] = images[n, :, r, c].numpy()
    return patches, np.array(order)


@alternative(of="top_patches", route="every unit's patch at once, by unfold, on record instead of hooks")
def patches_by_unfold(model, layer, channel, images, k):
    if not 1 <= k <= images.shape[0]:
        raise ValueError("k")
    maps = record(model, layer, images)[-1].after
    if not 0 <= channel < maps.shape[1]:
        raise ValueError("channel")
    (height, width), (down, across), (top, left) = receptive_field(model, layer)
    rows, columns = maps.shape[2:]
    bottom = (rows - 1) * down + top + height - images.shape[2]
    right = (columns - 1) * across + left + width - images.shape[3]
    framed = F.pad(images, (-left, right, -top, bottom))
    views = framed.unfold(2, height, down).unfold(3, width, across)
    flat = maps[:, channel].reshape(len(images), -1).numpy()
    winners = np.argsort(-flat.max(axis=1), kind="stable")[:k]
    places = [divmod(int(flat[n].argmax()), columns) for n in winners]
    return torch.stack([views[n, :, i, j] for n, (i, j) in zip(winners.tolist(), places)]), winners.tolist()


@alternative(of="top_patches", route="slices that are cut at the border, then framed; winners as a list; float32")
def patches_by_cutting(model, layer, channel, images, k):
    if not 0 < k <= len(images):
        raise ValueError("k")
    size, step, start = receptive_field(model, layer)
    answers = torch.as_tensor(feature_maps(model, images, layer))
    if channel not in range(answers.shape[1]):
        raise ValueError("channel")
    answers = answers[:, channel]
    peaks = answers.flatten(1).max(dim=1).values
    winners = sorted(range(len(images)), key=lambda n: (-float(peaks[n]), n))[:k]
    patches = []
    for n in winners:
        row, column = divmod(int(answers[n].argmax()), answers.shape[2])
        top, left = start[0] + row * step[0], start[1] + column * step[1]
        patch = torch.zeros((images.shape[1], *size), dtype=torch.float32)
        i0, j0 = max(-top, 0), max(-left, 0)
        i1, j1 = min(size[0], images.shape[2] - top), min(size[1], images.shape[3] - left)
        patch[:, i0:i1, j0:j1] = images[n, :, top + i0 : top + i1, left + j0 : left + j1].float()
        patches.append(patch)
    return torch.stack(patches), winners


# occlusion


@alternative(of="occlusion", route="one picture at a time, softmax by hand, an array")
def occlusion_by_loops(model, x, label, size, stride, value=0.5):
    for side, length in zip(size, x.shape[1:]):
        if side < 1 or side > length:
            raise ValueError("size")
    if stride[0] < 1 or stride[1] < 1:
        raise ValueError("stride")
    before, heat = model.training, []
    model.eval()
    for top in range(0, x.shape[1] - size[0] + 1, stride[0]):
        row = []
        for left in range(0, x.shape[2] - size[1] + 1, stride[1]):
            covered = x.clone()
            covered[:, top : top + size[0], left : left + size[1]] = value
            z = model(covered[None]).detach().numpy()[0]
            row.append(float(np.exp(z[label] - z.max()) / np.exp(z - z.max()).sum()))
        heat.append(row)
    model.train(before)
    return heat


@alternative(of="occlusion", route="masks by broadcasting")
def occlusion_by_masks(model, x, label, size, stride, value=0.5):
    if min(size) < 1 or size[0] > x.shape[1] or size[1] > x.shape[2]:
        raise ValueError("size")
    if min(stride) < 1:
        raise ValueError("stride")
    tops = torch.arange(0, x.shape[1] - size[0] + 1, stride[0])[:, None]
    lefts = torch.arange(0, x.shape[2] - size[1] + 1, stride[1])[:, None]
    i, j = torch.arange(x.shape[1])[None], torch.arange(x.shape[2])[None]
    rows, columns = (tops <= i) & (i < tops + size[0]), (lefts <= j) & (j < lefts + size[1])
    mask = rows[:, None, None, :, None] & columns[None, :, None, None, :]
    batch = torch.where(mask, value, x).flatten(0, 1)
    before = model.training
    with torch.inference_mode():
        p = F.log_softmax(model.eval()(batch), dim=1).exp()[:, label].clone()
    model.train(before)
    return p.reshape(len(tops), len(lefts))


@alternative(of="occlusion", route="a copy of the network, so that there is no mode to put back; a generator of pictures")
def occlusion_on_a_copy(model, x, label, size, stride, value=0.5):
    if not (1 <= size[0] <= x.shape[1] and 1 <= size[1] <= x.shape[2]):
        raise ValueError("size")
    if any(step < 1 for step in stride):
        raise ValueError("stride")
    rows, columns = ((n - s) // t + 1 for n, s, t in zip(x.shape[1:], size, stride))

    def covered(place):
        top, left = place // columns * stride[0], place % columns * stride[1]
        square = torch.zeros(x.shape[1:], dtype=x.dtype)
        square[top : top + size[0], left : left + size[1]] = 1
        return x * (1 - square) + square * value

    twin = copy.deepcopy(model).eval()
    z = twin(torch.stack([covered(place) for place in range(rows * columns)]))
    return (z.exp() / z.exp().sum(dim=1, keepdim=True))[:, label].reshape(rows, columns).detach().numpy()


# mystery_report


@alternative(of="mystery_report", route="counting one picture at a time")
def report_by_counting(model, images, labels, distortions):
    if len(images) != len(labels):
        raise ValueError("labels")
    if "clean" in distortions:
        raise ValueError("distortions")
    before = model.training
    model.eval()
    report = {}
    for name in ["clean", *distortions]:
        batch = images if name == "clean" else distortions[name](images)
        right = 0
        for n in range(len(batch)):
            z = model(batch[n : n + 1])[0].tolist()
            right += z.index(max(z)) == int(labels[n])
        report[name] = right / len(images)
    model.train(before)
    return report


@alternative(of="mystery_report", route="a copy of the network, numpy's mean, clean last")
def report_on_a_copy(model, images, labels, distortions):
    if images.shape[0] != labels.shape[0]:
        raise ValueError("labels")
    if "clean" in distortions:
        raise ValueError("distortions")
    twin = copy.deepcopy(model).eval()
    share = lambda batch: np.mean(twin(batch).detach().numpy().argmax(axis=1) == labels.numpy())
    report = {name: share(change(images.clone())) for name, change in distortions.items()}
    report["clean"] = share(images)
    return report


@alternative(of="mystery_report", route="all distortions as one batch, shares as tensors")
def report_in_one_batch(model, images, labels, distortions):
    if len(images) != len(labels):
        raise ValueError("labels")
    if "clean" in distortions.keys():
        raise ValueError("distortions")
    before = model.training
    with torch.no_grad():
        answers = model.eval()(torch.cat([images, *(change(images) for change in distortions.values())]))
    model.train(before)
    right = (answers.max(dim=1).indices.reshape(-1, len(images)) == labels).float().mean(dim=1)
    return dict(zip(["clean", *distortions], right))


# augment_batch


@alternative(of="augment_batch", route="one picture at a time")
def augment_by_loops(images, rng):
    if len(images.shape) != 4:
        raise ValueError("images")
    changes, result = draw_changes(images.shape, rng), torch.empty_like(images)
    for n in range(len(images)):
        picture = shifted(images[n : n + 1], int(changes.down[n]), int(changes.right[n]))
        if changes.negative[n]:
            picture = negative(picture)
        result[n] = picture[0] + changes.noise[n]
    return result


@alternative(of="augment_batch", route="indices into framed pictures, without a loop")
def augment_by_index(images, rng):
    if images.ndim != 4:
        raise ValueError("images")
    changes = draw_changes(images.shape, rng)
    count, channels, height, width = images.shape
    rows = torch.arange(height) - torch.from_numpy(changes.down)[:, None]
    columns = torch.arange(width) - torch.from_numpy(changes.right)[:, None]
    framed = F.pad(images, (9, 9, 9, 9))
    n = torch.arange(count)[:, None, None]
    moved = framed.permute(0, 2, 3, 1)[n, rows[:, :, None] + 9, columns[:, None, :] + 9].permute(0, 3, 1, 2)
    sign = torch.from_numpy(changes.negative).double().reshape(-1, 1, 1, 1)
    return sign + (1 - 2 * sign) * moved + changes.noise


@alternative(of="augment_batch", route="shift matrices, in numpy")
def augment_by_matrices(images, rng):
    if images.ndim != 4:
        raise ValueError("images")
    changes, pictures = draw_changes(images.shape, rng), []
    for n, picture in enumerate(images.numpy()):
        height, width = picture.shape[1:]
        moved = np.eye(height, k=-int(changes.down[n])) @ picture @ np.eye(width, k=int(changes.right[n]))
        pictures.append((1 - moved if changes.negative[n] else moved) + changes.noise[n].numpy())
    return torch.from_numpy(np.stack(pictures))


# repair


@alternative(of="repair", route="Adam written out by hand")
def repair_by_hand(model, images, labels, steps, learning_rate, seed):
    if len(images) != len(labels):
        raise ValueError("labels")
    if steps < 1:
        raise ValueError("steps")
    rng = np.random.default_rng(seed)
    twin = copy.deepcopy(model)
    twin.train()
    weights = list(twin.parameters())
    first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    for t in range(1, steps + 1):
        chosen = torch.from_numpy(rng.integers(len(images), size=64))
        batch = torch.as_tensor(augment_batch(images[chosen], rng))
        grads = torch.autograd.grad(F.cross_entropy(twin(batch), labels[chosen]), weights)
        with torch.no_grad():
            for w, g, m, v in zip(weights, grads, first, second):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).add_(g * g, alpha=0.001)
                w -= learning_rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    twin.eval()
    return twin


@alternative(of="repair", route="log-softmax and the mean of the chosen entries")
def repair_by_log_softmax(model, images, labels, steps, learning_rate, seed):
    if images.shape[0] != labels.shape[0]:
        raise ValueError("labels")
    if not steps >= 1:
        raise ValueError("steps")
    twin, generator = copy.deepcopy(model), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(twin.parameters(), learning_rate)
    for _ in range(steps):
        twin.train()
        chosen = generator.integers(len(images), size=64).tolist()
        scores = twin(torch.as_tensor(augment_batch(images[chosen], generator)))
        loss = -scores.log_softmax(dim=1)[torch.arange(64), labels[chosen]].mean()
        twin.zero_grad()
        loss.backward()
        optimizer.step()
    return twin.eval()


@alternative(of="repair", route="torch's own loss and optimizer objects, one group of parameters for each layer")
def repair_by_objects(model, images, labels, steps, learning_rate, seed):
    if len(labels) != len(images):
        raise ValueError("labels")
    if steps <= 0:
        raise ValueError("steps")
    rng, criterion = np.random.default_rng(seed), nn.CrossEntropyLoss()
    repaired = copy.deepcopy(model).train(True)
    groups = [{"params": list(part.parameters())} for part in repaired.children() if list(part.parameters())]
    optimizer = torch.optim.Adam(groups, lr=learning_rate, foreach=False)
    done = 0
    while done < steps:
        which = rng.integers(0, len(images), 64)
        optimizer.zero_grad(set_to_none=False)
        criterion(repaired(augment_batch(images[which], rng)), labels[which]).backward()
        optimizer.step()
        done += 1
    return repaired.train(False)
