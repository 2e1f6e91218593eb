"""Independent correct answers to 04-backprop, by other routes than the solutions. The grader reads this file as text."""

import numpy as np

from autograder.authoring.answers import alternative

# affine_backward


@alternative(of="affine_backward", route="plain loops over every product")
def affine_by_loops(grad, cache):
    x, w = cache
    (n, d), k = x.shape, len(w)
    if grad.shape != (n, k):
        raise ValueError(f"grad {grad.shape}")
    dx, dw, db = np.zeros((n, d)), np.zeros((k, d)), np.zeros(k)
    for example in range(n):
        for unit in range(k):
            g = grad[example, unit]
            db[unit] += g
            for i in range(d):
                dx[example, i] += g * w[unit, i]
                dw[unit, i] += g * x[example, i]
    return dx, dw, db


@alternative(of="affine_backward", route="einsum, and a list instead of a tuple")
def affine_by_einsum(grad, cache):
    x, w = cache
    if np.shape(grad) != (x.shape[0], w.shape[0]):
        raise ValueError("grad does not have the output's shape")
    return np.einsum("nk,kd->nd", grad, w), np.einsum("nk,nd->kd", grad, x), np.einsum("nk->k", grad)


@alternative(of="affine_backward", route="torch's own derivative")
def affine_by_autograd(grad, cache):
    import torch

    x, w = (torch.tensor(array, requires_grad=True) for array in cache)
    b = torch.zeros(len(w), dtype=torch.float64, requires_grad=True)
    y = x @ w.T + b
    if y.shape != grad.shape:
        raise ValueError("grad")
    return tuple(part.numpy() for part in torch.autograd.grad(y, (x, w, b), torch.tensor(grad)))


# activation_backward


@alternative(of="activation_backward", route="a dictionary of derivatives, hyperbolic cosines")
def activation_by_table(name, grad, x):
    if name not in ("tanh", "sigmoid", "leaky") or np.shape(grad) != np.shape(x):
        raise ValueError("name or grad")
    with np.errstate(all="ignore"):
        slopes = {
            "tanh": lambda: 1 / np.cosh(x) ** 2,
            "sigmoid": lambda: 0.25 / np.cosh(x / 2) ** 2,
            "leaky": lambda: 0.1 + 0.9 * (x > 0),
        }
        return slopes[name]() * grad


@alternative(of="activation_backward", route="torch's own derivative")
def activation_by_autograd(name, grad, x):
    import torch

    functions = {"tanh": torch.tanh, "sigmoid": torch.sigmoid}
    functions["leaky"] = lambda x: torch.nn.functional.leaky_relu(x, 0.1)
    if name not in functions:
        raise ValueError(f"unknown name {name}")
    if grad.shape != x.shape:
        raise ValueError("grad")
    point = torch.tensor(x, requires_grad=True)
    functions[name](point).backward(torch.tensor(grad))
    return point.grad.numpy()


@alternative(of="activation_backward", route="number by number, with the sigmoid split at zero")
def activation_by_numbers(name, grad, x):
    import math

    def slope(value):
        if name == "tanh":
            return 1 - math.tanh(value) ** 2
        if name == "leaky":
            return 1.0 if value > 0 else 0.1
        e = math.exp(-abs(value))
        return e / (1 + e) ** 2

    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    if grad.shape != x.shape:
        raise ValueError("grad")
    return np.array([g * slope(v) for g, v in zip(grad.ravel(), x.ravel(), strict=True)]).reshape(x.shape)


# conv_backward


@alternative(of="conv_backward", route="loops over every output pixel, image and filter")
def conv_by_loops(grad, cache):
    x, w, (down, across), (top, left) = cache
    (images, _, height, width), (filters, _, kh, kw) = x.shape, w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    rows, columns = (padded.shape[2] - kh) // down + 1, (padded.shape[3] - kw) // across + 1
    if grad.shape != (images, filters, rows, columns):
        raise ValueError("grad has a wrong shape")
    dpadded, dw, db = np.zeros(padded.shape), np.zeros(w.shape), np.zeros(filters)
    for n in range(images):
        for f in range(filters):
            for i in range(rows):
                for j in range(columns):
                    g = grad[n, f, i, j]
                    here = np.s_[n, :, i * down : i * down + kh, j * across : j * across + kw]
                    dpadded[here] += g * w[f]
                    dw[f] += g * padded[here]
                    db[f] += g
    return dpadded[:, :, top : top + height, left : left + width], dw, db


@alternative(of="conv_backward", route="torch's own derivative")
def conv_by_autograd(grad, cache):
    import torch

    x, w = torch.tensor(cache[0], requires_grad=True), torch.tensor(cache[1], requires_grad=True)
    b = torch.zeros(len(w), dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.conv2d(x, w, b, tuple(cache[2]), tuple(cache[3]))
    if tuple(y.shape) != grad.shape:
        raise ValueError("grad")
    found = torch.autograd.grad(y, (x, w, b), torch.tensor(np.ascontiguousarray(grad)))
    return tuple(part.numpy() for part in found)


@alternative(of="conv_backward", route="dilated, turned and fully convolved; dw as a correlation with the dilated gradient")
def conv_by_dilation(grad, cache):
    x, w, stride, padding = cache
    out, _ = conv_forward(x, w, 0.0, stride, padding)  # noqa: F821
    if out.shape != grad.shape:
        raise ValueError("grad")
    (height, width), (kh, kw) = x.shape[2:], w.shape[2:]
    framed_height, framed_width = height + 2 * padding[0], width + 2 * padding[1]
    dilated = np.zeros((*grad.shape[:2], framed_height - kh + 1, framed_width - kw + 1))
    dilated[:, :, :: stride[0], :: stride[1]] = grad
    turned = np.flip(w, (2, 3)).swapaxes(0, 1)
    dx, _ = conv_forward(dilated, turned, 0.0, (1, 1), (kh - 1, kw - 1))  # noqa: F821
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    dw, _ = conv_forward(padded.swapaxes(0, 1), dilated.swapaxes(0, 1), 0.0, (1, 1), (0, 0))  # noqa: F821
    inner = dx[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    return inner, dw.swapaxes(0, 1), grad.sum((0, 2, 3))


@alternative(of="conv_backward", route="numbered pixels, gathered by np.add.at")
def conv_by_numbers(grad, cache):
    x, w, stride, padding = cache
    n, c, height, width = x.shape
    numbers = np.pad(np.arange(1, height * width + 1).reshape(1, 1, height, width),
                     ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    places = windows(numbers.astype(float), w.shape[2:], stride, (0, 0))[0, :, :, 0].astype(int)  # noqa: F821
    if grad.shape != (n, len(w), *places.shape[:2]):
        raise ValueError("grad")
    flat = np.concatenate([np.zeros((n, c, 1)), x.reshape(n, c, -1)], axis=2)
    dflat = np.zeros_like(flat)
    np.add.at(dflat, np.s_[:, :, places], np.einsum("nfij,fcuv->ncijuv", grad, w))
    dw = np.einsum("nfij,ncijuv->fcuv", grad, flat[:, :, places])
    return dflat[:, :, 1:].reshape(x.shape), dw, np.einsum("nfij->f", grad)


# as_convolution


@alternative(of="as_convolution", route="loops that place number after number")
def field_by_loops(grad, w, size, stride, padding):
    n, filters, rows, columns = grad.shape
    _, channels, kh, kw = w.shape
    for pad, side in zip(padding, (kh, kw), strict=True):
        if pad < 0 or pad >= side:
            raise ValueError(f"padding {padding}")
    field = np.zeros((n, filters, size[0] + kh - 1, size[1] + kw - 1))
    for i in range(rows):
        for j in range(columns):
            field[:, :, kh - 1 - padding[0] + i * stride[0], kw - 1 - padding[1] + j * stride[1]] = grad[:, :, i, j]
    kernels = np.empty((channels, filters, kh, kw))
    for u in range(kh):
        for v in range(kw):
            kernels[:, :, u, v] = w[:, :, kh - 1 - u, kw - 1 - v].T
    return field, kernels


@alternative(of="as_convolution", route="dilated by np.kron, framed by np.pad; views of the kernels")
def field_by_kron(grad, w, size, stride, padding):
    (kh, kw), (down, across) = w.shape[2:], padding
    if min(padding) < 0 or down >= kh or across >= kw:
        raise ValueError("padding")
    spike = np.zeros(stride)
    spike[0, 0] = 1
    dilated = np.kron(grad, spike)
    before = kh - 1 - down, kw - 1 - across
    after = [max(size[k] + w.shape[2 + k] - 1 - before[k] - dilated.shape[2 + k], 0) for k in (0, 1)]
    field = np.pad(dilated, ((0, 0), (0, 0), (before[0], after[0]), (before[1], after[1])))
    field = field[:, :, : size[0] + kh - 1, : size[1] + kw - 1]
    return field, np.rot90(w, 2, (2, 3)).swapaxes(0, 1)


@alternative(of="as_convolution", route="torch tensors")
def field_by_torch(grad, w, size, stride, padding):
    import torch

    kernels = torch.flip(torch.tensor(w), (2, 3)).transpose(0, 1)
    kh, kw = kernels.shape[2:]
    if not (0 <= padding[0] <= kh - 1 and 0 <= padding[1] <= kw - 1):
        raise ValueError("padding")
    field = torch.zeros(grad.shape[0], grad.shape[1], size[0] + kh - 1, size[1] + kw - 1, dtype=torch.float64)
    inner = field[:, :, kh - 1 - padding[0] :: stride[0], kw - 1 - padding[1] :: stride[1]]
    inner[:, :, : grad.shape[2], : grad.shape[3]] = torch.tensor(grad)
    return field, kernels


# gradient_check


@alternative(of="gradient_check", route="three random upstream gradients, a changed copy, numpy's bool")
def check_with_three(f, df, x):
    rng = np.random.default_rng(123)
    for _ in range(3):
        grad = rng.standard_normal(np.asarray(f(x)).shape)
        claimed = np.asarray(df(grad, x))
        if claimed.shape != x.shape or not np.isfinite(claimed).all():
            return False
        moved, measured = x.copy(), np.empty(x.size)
        for i in range(x.size):
            ends = []
            for h in (1e-5, -1e-5):
                moved.flat[i] = x.flat[i] + h
                ends.append((f(moved) * grad).sum())
            moved.flat[i] = x.flat[i]
            measured[i] = (ends[0] - ends[1]) / 2e-5
        gap, largest = np.linalg.norm(measured - claimed.ravel()), max(np.linalg.norm(measured), np.linalg.norm(claimed))
        if gap > 1e-4 * largest:
            return False
    return np.bool_(True)


@alternative(of="gradient_check", route="the whole matrix of derivatives first")
def check_by_jacobian(f, df, x):
    h = 1e-5
    columns = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = h
        step = step.reshape(x.shape)
        columns.append(np.ravel(np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * h))
    jacobian = np.stack(columns, axis=1)
    grad = np.random.default_rng(7).normal(size=np.shape(f(x)))
    measured, claimed = np.ravel(grad) @ jacobian, np.asarray(df(grad, x), dtype=float)
    if claimed.shape != x.shape or not np.isfinite(claimed).all():
        return False
    gap = np.sqrt(((claimed.ravel() - measured) ** 2).sum())
    size = max(np.sqrt((claimed**2).sum()), np.sqrt((measured**2).sum()))
    return size == 0 or bool(gap / size <= 1e-4)


@alternative(of="gradient_check", route="differences along random directions instead of single numbers")
def check_along_directions(f, df, x):
    rng = np.random.default_rng(5)
    grad = rng.normal(size=np.asarray(f(x)).shape)
    claimed = np.asarray(df(grad, x))
    if np.shape(claimed) != np.shape(x) or not np.all(np.isfinite(claimed)):
        return False
    directions = np.linalg.qr(rng.normal(size=(x.size, x.size)))[0]
    told, seen = [], []
    for direction in directions:
        step = 1e-5 * direction.reshape(x.shape)
        told.append(float((claimed * step).sum()) * 1e5)
        seen.append(float(((f(x + step) - f(x - step)) * grad).sum()) / 2e-5)
    gap = np.linalg.norm(np.subtract(told, seen))
    return bool(gap <= 1e-4 * max(np.linalg.norm(told), np.linalg.norm(seen)))


# Value


@alternative(of="Value", route="each operation leaves a function that hands its gradient on; a stack instead of recursion")
class ValueOfClosures(Arithmetic):  # noqa: F821
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0
        self.children, self.hand_on = (), lambda: None

    def combined(self, data, children, hand_on):
        result = type(self)(data)
        result.children, result.hand_on = children, lambda: hand_on(result.grad)
        return result

    def wrapped(self, other):
        return other if isinstance(other, type(self)) else type(self)(other)

    def __add__(self, other):
        other = self.wrapped(other)

        def hand_on(grad):
            self.grad += grad
            other.grad += grad

        return self.combined(self.data + other.data, (self, other), hand_on)

    def __mul__(self, other):
        other = self.wrapped(other)

        def hand_on(grad):
            self.grad += other.data * grad
            other.grad += self.data * grad

        return self.combined(self.data * other.data, (self, other), hand_on)

    def from_one(self, data, slope):
        def hand_on(grad):
            self.grad += slope * grad

        return self.combined(data, (self,), hand_on)

    def __pow__(self, exponent):
        return self.from_one(self.data**exponent, exponent * self.data ** (exponent - 1))

    def tanh(self):
        return self.from_one(np.tanh(self.data), 1 / np.cosh(self.data) ** 2)

    def exp(self):
        return self.from_one(np.exp(self.data), np.exp(self.data))

    def backward(self):
        stack, found = [self], {id(self): self}
        waiting = {id(self): 0}
        while stack:
            for child in stack.pop().children:
                waiting[id(child)] = waiting.get(id(child), 0) + 1
                if id(child) not in found:
                    found[id(child)] = child
                    stack.append(child)
        for value in found.values():
            value.grad = 0.0
        self.grad, ready = 1.0, [self]
        while ready:
            value = ready.pop()
            value.hand_on()
            for child in value.children:
                waiting[id(child)] -= 1
                if not waiting[id(child)]:
                    ready.append(child)


@alternative(of="Value", route="Values numbered as they are made; the highest number hands on first")
class ValueWithNumber(Arithmetic):  # noqa: F821
    made = 0

    def __init__(self, data, parents=(), slopes=()):
        self.data, self.grad, self.parents, self.slopes = float(data), 0.0, parents, slopes
        ValueWithNumber.made += 1
        self.number = ValueWithNumber.made

    def __add__(self, other):
        other = other if hasattr(other, "grad") else ValueWithNumber(other)
        return ValueWithNumber(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if hasattr(other, "grad") else ValueWithNumber(other)
        return ValueWithNumber(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent):
        return ValueWithNumber(self.data**exponent, (self,), (exponent * self.data ** (exponent - 1),))

    def tanh(self):
        return ValueWithNumber(np.tanh(self.data), (self,), (1 - np.tanh(self.data) ** 2,))

    def exp(self):
        return ValueWithNumber(np.exp(self.data), (self,), (np.exp(self.data),))

    def backward(self):
        graph, edge = {self.number: self}, [self]
        while edge:
            edge = [parent for value in edge for parent in value.parents if parent.number not in graph]
            graph |= {value.number: value for value in edge}
        for value in graph.values():
            value.grad = 0.0
        self.grad = 1.0
        for number in sorted(graph, reverse=True):
            for parent, slope in zip(graph[number].parents, graph[number].slopes, strict=True):
                parent.grad += slope * graph[number].grad


@alternative(of="Value", route="torch tensors of one number")
class ValueOfTensors(Arithmetic):  # noqa: F821
    def __init__(self, data, parents=()):
        import torch

        tensor = isinstance(data, torch.Tensor)
        self.tensor = data if tensor else torch.tensor(float(data), dtype=torch.float64, requires_grad=True)
        self.tensor.retain_grad()
        self.parents = parents

    @property
    def data(self):
        return self.tensor.item()

    @property
    def grad(self):
        return 0.0 if self.tensor.grad is None else self.tensor.grad.item()

    def __add__(self, other):
        other = other if isinstance(other, ValueOfTensors) else ValueOfTensors(other)
        return ValueOfTensors(self.tensor + other.tensor, (self, other))

    def __mul__(self, other):
        other = other if isinstance(other, ValueOfTensors) else ValueOfTensors(other)
        return ValueOfTensors(self.tensor * other.tensor, (self, other))

    def __pow__(self, exponent):
        return ValueOfTensors(self.tensor**exponent, (self,))

    def tanh(self):
        return ValueOfTensors(self.tensor.tanh(), (self,))

    def exp(self):
        return ValueOfTensors(self.tensor.exp(), (self,))

    def backward(self):
        stack, seen = [self], set()
        while stack:
            value = stack.pop()
            if id(value) not in seen:
                seen.add(id(value))
                value.tensor.grad = None
                stack += value.parents
        self.tensor.backward(retain_graph=True)


# BatchNorm


@alternative(of="BatchNorm", route="torch's own derivative")
class BatchNormByTorch:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        import torch

        if x.ndim != 2 or len(x) < 2 or x.shape[1] != len(self.gamma):
            raise ValueError("x")
        self.leaves = [torch.tensor(array, requires_grad=True) for array in (x, self.gamma, self.beta)]
        x, gamma, beta = self.leaves
        self.y = gamma * (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt() + beta
        return self.y.detach().numpy()

    def backward(self, grad):
        import torch

        if tuple(grad.shape) != tuple(self.y.shape):
            raise ValueError("grad")
        found = torch.autograd.grad(self.y, self.leaves, torch.tensor(grad), retain_graph=True)
        return tuple(part.numpy() for part in found)


@alternative(of="BatchNorm", route="every step of the way forward walked back")
class BatchNormStepByStep:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != len(self.gamma):
            raise ValueError("x")
        self.centred = x - np.mean(x, axis=0)
        self.variance = np.mean(self.centred**2, axis=0)
        self.inverse = 1 / np.sqrt(self.variance + 1e-5)
        return self.centred * self.inverse * self.gamma + self.beta

    def backward(self, grad):
        if grad.shape != self.centred.shape:
            raise ValueError("grad")
        n, d_normal = len(grad), grad * self.gamma
        d_variance = -0.5 * self.inverse**3 * (d_normal * self.centred).sum(axis=0)
        d_centred = d_normal * self.inverse + 2 / n * self.centred * d_variance
        dx = d_centred - d_centred.sum(axis=0) / n
        return dx, (grad * self.centred * self.inverse).sum(axis=0), np.ones(n) @ grad


@alternative(of="BatchNorm", route="the whole matrix of derivatives for each unit")
class BatchNormByMatrix:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta

    def forward(self, x):
        if x.ndim != 2 or len(x) < 2 or x.shape[1:] != self.gamma.shape:
            raise ValueError("x")
        self.spread = np.sqrt(x.var(axis=0) + 1e-5)
        self.hat = (x - x.mean(axis=0)) / self.spread
        return self.hat * self.gamma + self.beta

    def backward(self, grad):
        if grad.shape != self.hat.shape:
            raise ValueError("grad")
        n, dx = len(grad), np.zeros(grad.shape)
        for unit in range(grad.shape[1]):
            hat = self.hat[:, unit]
            matrix = (np.eye(n) - 1 / n - np.outer(hat, hat) / n) / self.spread[unit]
            dx[:, unit] = matrix @ grad[:, unit] * self.gamma[unit]
        return dx, np.einsum("nd,nd->d", grad, self.hat), np.einsum("nd->d", grad)


# squared_error


@alternative(of="squared_error", route="loops")
def squared_by_loops(outputs, targets):
    if np.shape(outputs) != np.shape(targets):
        raise ValueError("targets")
    n, k = outputs.shape
    loss, grad = 0.0, [[0.0] * k for _ in range(n)]
    for i in range(n):
        for j in range(k):
            gap = float(outputs[i, j]) - float(targets[i, j])
            loss += gap * gap / (n * k)
            grad[i][j] = 2 * gap / (n * k)
    return loss, grad


@alternative(of="squared_error", route="a scalar product, in Fortran order")
def squared_by_dot(outputs, targets):
    if outputs.shape != targets.shape:
        raise ValueError("targets")
    gap = np.asfortranarray(outputs - targets)
    flat = gap.ravel()
    return flat @ flat / flat.size, gap * (2 / flat.size)


@alternative(of="squared_error", route="torch's own derivative")
def squared_by_torch(outputs, targets):
    import torch

    if outputs.shape != targets.shape:
        raise ValueError("targets")
    point = torch.tensor(outputs, requires_grad=True)
    loss = torch.nn.functional.mse_loss(point, torch.tensor(targets))
    loss.backward()
    return loss.item(), point.grad


# softmax_cross_entropy


@alternative(of="softmax_cross_entropy", route="row by row, with Python's own mathematics")
def entropy_by_rows(logits, labels):
    import math

    n, k = logits.shape
    if len(labels) != n or any(not 0 <= label < k for label in labels):
        raise ValueError("labels")
    loss, grad = 0.0, np.zeros((n, k))
    for i, (row, label) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        top = max(row)
        total = sum(math.exp(z - top) for z in row)
        loss += (math.log(total) + top - row[label]) / n
        grad[i] = [math.exp(z - top) / total / n for z in row]
        grad[i, label] -= 1 / n
    return loss, grad


@alternative(of="softmax_cross_entropy", route="logaddexp and a fancy index")
def entropy_by_logaddexp(logits, labels):
    if labels.shape != (logits.shape[0],):
        raise ValueError("labels: their number")
    if np.any(labels < 0) or np.any(labels >= logits.shape[1]):
        raise ValueError("labels: out of range")
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    grad /= len(labels)
    return -np.mean(log_p[rows, labels]), grad


@alternative(of="softmax_cross_entropy", route="torch.nn.functional")
def entropy_by_torch(logits, labels):
    import torch

    if len(labels) != len(logits) or labels.min() < 0 or labels.max() > logits.shape[1] - 1:
        raise ValueError("labels")
    point = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(point, torch.tensor(labels))
    loss.backward()
    return float(loss), point.grad.numpy()


# initial_parameters


@alternative(of="initial_parameters", route="an old-style generator, array by array")
def parameters_by_old_generator(seed):
    state = np.random.RandomState(seed)

    def drawn(inputs, *shape):
        return (2 * state.rand(*shape) - 1) * 2.4 / np.sqrt(inputs)

    w2 = drawn(8 * 25, 12, 12, 5, 5)
    w2[~connected] = 0  # noqa: F821
    return {
        "w1": drawn(25, 12, 1, 5, 5), "b1": np.zeros((12, 8, 8)), "w2": w2, "b2": np.zeros((12, 4, 4)),
        "w3": drawn(192, 30, 192), "b3": np.zeros(30), "w4": drawn(30, 10, 30), "b4": np.zeros(10),
    }  # fmt: skip


@alternative(of="initial_parameters", route="only the weights that are connected are drawn, map by map")
def parameters_by_connection(seed):
    rng = np.random.default_rng([seed, 1989])
    w2 = np.zeros((12, 12, 5, 5))
    for target in range(12):
        for source in range(12):
            if connected[target, source]:  # noqa: F821
                w2[target, source] = rng.uniform(-1, 1, (5, 5)) * 2.4 * 200**-0.5
    weights = {"w1": ((12, 1, 5, 5), 25), "w3": ((30, 192), 192), "w4": ((10, 30), 30)}
    found = {name: rng.uniform(-1, 1, shape) * 2.4 * inputs**-0.5 for name, (shape, inputs) in weights.items()}
    found["w2"] = w2
    for name, shape in {"b4": 10, "b3": 30, "b2": (12, 4, 4), "b1": (12, 8, 8)}.items():
        found[name] = np.zeros(shape)
    return found


@alternative(of="initial_parameters", route="torch's generator")
def parameters_by_torch(seed):
    import torch

    source = torch.Generator().manual_seed(seed)
    shapes = {"w1": (12, 1, 5, 5), "w2": (12, 12, 5, 5), "w3": (30, 192), "w4": (10, 30)}
    found = {}
    for name, inputs in {"w1": 25, "w2": 200, "w3": 192, "w4": 30}.items():
        weights = torch.empty(shapes[name], dtype=torch.float64)
        found[name] = weights.uniform_(-2.4 / inputs**0.5, 2.4 / inputs**0.5, generator=source).numpy()
    found["w2"] = np.where(connected[:, :, None, None], found["w2"], 0.0)  # noqa: F821
    for name, shape in {"b1": (12, 8, 8), "b2": (12, 4, 4), "b3": (30,), "b4": (10,)}.items():
        found[name] = np.zeros(shape)
    return found


# LeNet1989


@alternative(of="LeNet1989", route="torch's own derivative")
class LeNetByTorch:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        import torch

        if images.ndim != 4 or images.shape[1:] != (1, 16, 16):
            raise ValueError("images")
        p = self.tensors = {name: torch.tensor(array, requires_grad=True) for name, array in self.parameters.items()}
        x = torch.tensor(images)
        for layer in "12":
            x = torch.nn.functional.pad(x, (2, 2, 2, 2), value=-1.0)
            x = torch.tanh(torch.nn.functional.conv2d(x, p["w" + layer], stride=2) + p["b" + layer])
        x = torch.tanh(x.flatten(1) @ p["w3"].T + p["b3"])
        self.outputs = torch.tanh(x @ p["w4"].T + p["b4"])
        return self.outputs.detach().numpy()

    def backward(self, grad):
        import torch

        found = torch.autograd.grad(self.outputs, list(self.tensors.values()), torch.tensor(grad))
        gradients = dict(zip(self.tensors, (part.numpy() for part in found), strict=True))
        gradients["w2"] = gradients["w2"] * connected[:, :, None, None]  # noqa: F821
        return gradients


@alternative(of="LeNet1989", route="every layer written out; the derivative of tanh from its output")
class LeNetWrittenOut:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        if images.shape != (len(images), 1, 16, 16):
            raise ValueError("images")
        p, self.x = self.parameters, images
        self.y1 = np.tanh(conv_forward(framed(images), p["w1"], 0.0, (2, 2), (0, 0))[0] + p["b1"])  # noqa: F821
        self.y2 = np.tanh(conv_forward(framed(self.y1), p["w2"], 0.0, (2, 2), (0, 0))[0] + p["b2"])  # noqa: F821
        self.y3 = np.tanh(self.y2.reshape(-1, 192) @ p["w3"].T + p["b3"])
        self.y4 = np.tanh(self.y3 @ p["w4"].T + p["b4"])
        return self.y4

    def backward(self, grad):
        p = self.parameters
        g4 = grad * (1 - self.y4**2)
        g3 = g4 @ p["w4"] * (1 - self.y3**2)
        g2 = (g3 @ p["w3"]).reshape(self.y2.shape) * (1 - self.y2**2)
        dx, dw2, _ = conv_backward(g2, (framed(self.y1), p["w2"], (2, 2), (0, 0)))  # noqa: F821
        g1 = dx[:, :, 2:18, 2:18][:, :, :8, :8] * (1 - self.y1**2)
        _, dw1, _ = conv_backward(g1, (framed(self.x), p["w1"], (2, 2), (0, 0)))  # noqa: F821
        dw2[~connected] = 0  # noqa: F821
        return {
            "w4": g4.T @ self.y3, "b4": g4.sum(0), "w3": g3.T @ self.y2.reshape(-1, 192), "b3": g3.sum(0),
            "w2": dw2, "b2": g2.sum(0), "w1": dw1, "b1": g1.sum(0),
        }  # fmt: skip


@alternative(of="LeNet1989", route="convolutions as products with the windows; padding counted as ones and subtracted")
class LeNetByWindows:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        if images.ndim != 4 or tuple(images.shape[1:]) != (1, 16, 16):
            raise ValueError("images have a wrong shape")
        maps, self.seen, self.maps = images, [], []
        for layer in "12":
            seen = windows(maps + 1.0, (5, 5), (2, 2), (2, 2)) - 1.0  # noqa: F821
            z = np.einsum("nijcuv,fcuv->nfij", seen, self.parameters["w" + layer]) + self.parameters["b" + layer]
            maps = np.tanh(z)
            self.seen.append(seen)
            self.maps.append(maps)
        self.vectors = [maps.reshape(len(maps), -1)]
        for layer in "34":
            z = self.vectors[-1] @ self.parameters["w" + layer].T + self.parameters["b" + layer]
            self.vectors.append(np.tanh(z))
        return self.vectors[-1].copy()

    def backward(self, grad):
        found, g = {}, grad
        for layer in (4, 3):
            g = g * (1 - self.vectors[layer - 2] ** 2)
            found[f"w{layer}"], found[f"b{layer}"] = g.T @ self.vectors[layer - 3], g.sum(axis=0)
            g = g @ self.parameters[f"w{layer}"]
        g = g.reshape(self.maps[1].shape) * (1 - self.maps[1] ** 2)
        found["b2"] = g.sum(axis=0)
        found["w2"] = np.einsum("nfij,nijcuv->fcuv", g, self.seen[1]) * connected[:, :, None, None]  # noqa: F821
        field = np.zeros((len(g), 12, 12, 12))
        for i, j in np.ndindex(4, 4):
            patch = np.einsum("nf,fcuv->ncuv", g[:, :, i, j], self.parameters["w2"])
            field[:, :, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5] += patch
        g = field[:, :, 2:10, 2:10] * (1 - self.maps[0] ** 2)
        found["b1"], found["w1"] = g.sum(axis=0), np.einsum("nfij,nijcuv->fcuv", g, self.seen[0])
        return found


# sgd_epoch


@alternative(of="sgd_epoch", route="copies that are changed in place")
def epoch_in_place(parameters, loss_and_gradients, images, targets, order, learning_rate):
    if not learning_rate > 0:
        raise ValueError("learning_rate")
    if not len(order):
        raise ValueError("order")
    own, total = {name: np.array(array, dtype=float) for name, array in parameters.items()}, 0.0
    for i in order:
        loss, gradients = loss_and_gradients(own, images[[i]], targets[[i]])
        total += loss
        for name in own:
            own[name] -= learning_rate * gradients[name]
    return own, total / len(order)


@alternative(of="sgd_epoch", route="examples sorted beforehand, a running mean")
def epoch_with_running_mean(parameters, loss_and_gradients, images, targets, order, learning_rate):
    order = np.asarray(order, dtype=int)
    if order.size == 0 or learning_rate <= 0:
        raise ValueError("order or learning_rate")
    mean, now = 0.0, dict(parameters)
    for count, (image, target) in enumerate(zip(images[order], targets[order], strict=True), 1):
        loss, gradients = loss_and_gradients(now, image[None], target[None])
        mean += (loss - mean) / count
        now = {name: now[name] + gradients[name] * -learning_rate for name in gradients}
    return now, mean


@alternative(of="sgd_epoch", route="functools.reduce")
def epoch_by_reduce(parameters, loss_and_gradients, images, targets, order, learning_rate):
    from functools import reduce

    if learning_rate <= 0:
        raise ValueError("learning_rate")
    order = list(order)
    if not order:
        raise ValueError("order")

    def step(state, i):
        now, losses = state
        loss, gradients = loss_and_gradients(now, images[np.newaxis, i], targets[np.newaxis, i])
        return {key: np.subtract(now[key], learning_rate * gradients[key]) for key in now}, [*losses, loss]

    last, losses = reduce(step, order, (parameters, []))
    return last, sum(losses) / len(losses)


# reject_curve


@alternative(of="reject_curve", route="sorted once, counted cumulatively")
def rejects_by_cumulation(outputs, labels, max_errors):
    labels = np.asarray(labels)
    if len(labels) != len(outputs):
        raise ValueError("labels")
    limits = np.asarray(max_errors, dtype=float)
    if ((limits < 0) | (limits > 1)).any():
        raise ValueError("max_errors")
    top = np.partition(outputs, -2, axis=1)
    sure = top[:, -1] - top[:, -2]
    falling = np.argsort(-sure)
    mistakes = np.cumsum(np.argmax(outputs, axis=1)[falling] != labels[falling])
    count = np.arange(1, len(labels) + 1)
    last_of_its_kind = np.append(np.diff(sure[falling]) != 0, True)
    thresholds, rejected = [], []
    for limit in limits:
        fits = np.flatnonzero((mistakes / count <= limit) & last_of_its_kind)
        thresholds.append(sure[falling][fits[-1]] if len(fits) else np.inf)
        rejected.append(1 - count[fits[-1]] / len(labels) if len(fits) else 1.0)
    return np.array(thresholds), np.array(rejected)


@alternative(of="reject_curve", route="loops over sorted thresholds, lists returned")
def rejects_by_loops(outputs, labels, max_errors):
    n = len(outputs)
    if len(labels) != n:
        raise ValueError("labels")
    rows = []
    for output, label in zip(outputs, labels, strict=True):
        order = sorted(range(len(output)), key=lambda k: output[k])
        rows.append((float(output[order[-1]] - output[order[-2]]), order[-1] != label))
    thresholds, rejected = [], []
    for limit in max_errors:
        if limit < 0 or limit > 1:
            raise ValueError("max_errors")
        answer = float("inf"), 1.0
        for threshold in sorted({confidence for confidence, _ in rows}):
            accepted = [wrong for confidence, wrong in rows if confidence >= threshold]
            if sum(accepted) <= limit * len(accepted):
                answer = threshold, 1 - len(accepted) / n
                break
        thresholds.append(answer[0])
        rejected.append(answer[1])
    return thresholds, rejected


@alternative(of="reject_curve", route="a table of all pairs of examples")
def rejects_by_table(outputs, labels, max_errors):
    if np.shape(labels) != (len(outputs),):
        raise ValueError("labels")
    if min(max_errors) < 0 or max(max_errors) > 1:
        raise ValueError("max_errors")
    answers = np.argmax(outputs, axis=1)
    others = outputs.copy()
    others[np.arange(len(outputs)), answers] = -np.inf
    sure = outputs.max(axis=1) - others.max(axis=1)
    accepted = sure[None, :] >= sure[:, None]
    error = (accepted & (answers != labels)[None, :]).sum(axis=1) / accepted.sum(axis=1)
    fits = error[:, None] <= np.asarray(max_errors)[None, :]
    thresholds = np.where(fits, sure[:, None], np.inf).min(axis=0)
    return thresholds, (sure[:, None] < thresholds[None, :]).mean(axis=0)
