"""Independent correct answers to 05-regularization, by other routes than the solutions. The grader reads this file as
text."""

import math

import numpy as np

from autograder.authoring.answers import alternative

# weight_decay


@alternative(of="weight_decay", route="torch's gradient")
def decay_by_torch(parameters, lam):
    import torch

    if lam < 0:
        raise ValueError("lam is negative")
    leaves = {name: torch.tensor(np.asarray(a, dtype=float), requires_grad=True) for name, a in parameters.items()}
    penalty = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for name, leaf in leaves.items():
        penalty = penalty + (leaf * leaf).sum() * (0 if name[-4:] == "bias" else lam / 2)
    penalty.backward()
    return penalty.detach(), {name: leaf.grad for name, leaf in leaves.items()}


@alternative(of="weight_decay", route="one long vector of all weights, and its scalar product with itself")
def decay_by_one_vector(parameters, lam):
    if not lam >= 0:
        raise ValueError("lam must not be negative")
    vectors = [np.ravel(array) for name, array in parameters.items() if not name.endswith("bias")]
    w = np.concatenate([np.zeros(1), *vectors])
    gradients = {}
    for name in parameters:
        gradients[name] = np.zeros(parameters[name].shape) if name.endswith("bias") else parameters[name] * lam
    return lam * (w @ w) / 2, gradients


@alternative(of="weight_decay", route="loops over every single weight")
def decay_by_loops(parameters, lam):
    if lam < 0:
        raise ValueError(f"lam = {lam}")
    penalty, gradients = 0.0, {}
    for name, array in parameters.items():
        gradient = np.zeros_like(array, dtype=float)
        if name[-4:] != "bias":
            for place, value in np.ndenumerate(array):
                penalty += 0.5 * lam * float(value) ** 2
                gradient[place] = lam * float(value)
        gradients[name] = gradient
    return penalty, gradients


@alternative(of="weight_decay", route="squared norms, in Fortran order and long doubles")
def decay_by_norms(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    free = [name for name in parameters if name.endswith("bias")]
    norms = [np.linalg.norm(np.ravel(parameters[name])) for name in parameters if name not in free]
    gradients = {name: np.asfortranarray(np.longdouble(lam) * a).astype(float) for name, a in parameters.items()}
    gradients.update({name: np.zeros(np.shape(parameters[name]), dtype=np.float32) for name in free})
    return np.float64(lam / 2 * math.fsum(norm**2 for norm in norms)), gradients


# group_decay


@alternative(of="group_decay", route="torch's gradient")
def groups_by_torch(parameters, first, lam1, second, lam2):
    import torch

    if lam1 < 0 or lam2 < 0:
        raise ValueError("lam1 and lam2 must not be negative")
    for name in first:
        if name in second:
            raise ValueError(f"{name} is in both groups")
    for name in list(first) + list(second):
        if name not in parameters:
            raise ValueError(f"first or second: {name} is unknown")
    leaves = {name: torch.tensor(np.asarray(a, dtype=float), requires_grad=True) for name, a in parameters.items()}
    penalty = sum(0.0 * leaf.sum() for leaf in leaves.values())
    for name, leaf in leaves.items():
        if name in first:
            penalty = penalty + lam1 / 2 * leaf.pow(2).sum()
        elif name in second:
            penalty = penalty + lam2 / 2 * leaf.pow(2).sum()
    penalty.backward()
    return penalty.item(), {name: leaf.grad for name, leaf in leaves.items()}


@alternative(of="group_decay", route="weight_decay twice, under names that hold no bias")
def groups_by_weight_decay(parameters, first, lam1, second, lam2):
    if len(set(first) | set(second)) < len(set(first)) + len(set(second)):
        raise ValueError("first and second overlap")
    if not set(parameters).issuperset(set(first).union(second)):
        raise ValueError("first or second has an unknown name")
    total, gradients = 0.0, {name: np.zeros(np.shape(array)) for name, array in parameters.items()}
    for group, lam in ((first, lam1), (second, lam2)):
        penalty, parts = weight_decay({name + " ": parameters[name] for name in group}, lam)
        total += penalty
        gradients.update({name[:-1]: part for name, part in parts.items()})
    return total, gradients


@alternative(of="group_decay", route="one loop over the parameters")
def groups_by_one_loop(parameters, first, lam1, second, lam2):
    unknown = [name for name in [*first, *second] if name not in parameters]
    if unknown or lam1 < 0 or lam2 < 0:
        raise ValueError(f"first or second: {unknown}, {lam1}, {lam2}")
    penalty, gradients = 0, {}
    for name, array in parameters.items():
        if name in first and name in second:
            raise ValueError(f"first or second: {name}")
        lam = (name in first) * lam1 + (name in second) * lam2
        penalty = penalty + lam * np.vdot(array, array) / 2
        gradients[name] = array * lam
    return penalty, gradients


# dropout


@alternative(of="dropout", route="zeros written into a copy")
def dropout_by_writing(x, drop_prob, train, rng):
    if drop_prob < 0 or drop_prob >= 1:
        raise ValueError("drop_prob")
    if not train:
        return x.copy(), np.ones_like(x)
    rng = np.random.default_rng(rng)
    u = rng.random(x.shape)
    mask = np.full(x.shape, 1.0 / (1.0 - drop_prob))
    mask[u < drop_prob] = 0.0
    return x * mask, mask


@alternative(of="dropout", route="np.where, in single precision")
def dropout_by_where(x, drop_prob, train, rng):
    if not 0.0 <= drop_prob < 1.0:
        raise ValueError("drop_prob must be in [0, 1)")
    if train is False:
        return np.array(x), np.ones(x.shape, dtype=np.float32)
    u = np.random.default_rng(rng).random(x.shape)
    mask = np.where(u < drop_prob, np.float32(0), np.float32(1 / (1 - drop_prob)))
    return (x * mask).astype(np.float32), mask


@alternative(of="dropout", route="torch")
def dropout_by_torch(x, drop_prob, train, rng):
    import torch

    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    x = torch.tensor(x)
    mask = torch.ones(x.shape, dtype=torch.float64)
    if train:
        u = torch.from_numpy(np.random.default_rng(rng).random(tuple(x.shape)))
        mask = (u >= drop_prob).double() / (1 - drop_prob)
    return x * mask, mask


@alternative(of="dropout", route="a loop over the entries")
def dropout_by_loops(x, drop_prob, train, rng):
    if drop_prob < 0 or 1 <= drop_prob:
        raise ValueError("drop_prob")
    generator = np.random.default_rng(rng)
    mask = np.ones(x.size)
    for place in range(x.size if train else 0):
        mask[place] = 0 if generator.random() < drop_prob else 1 / (1 - drop_prob)
    mask = mask.reshape(x.shape)
    return x * mask, mask


# dropout_backward


@alternative(of="dropout_backward", route="a loop over the entries")
def backward_by_loops(grad, mask):
    if np.shape(grad) != np.shape(mask):
        raise ValueError("grad and mask")
    pairs = zip(np.ravel(grad), np.ravel(mask))
    return np.array([float(g) * float(m) for g, m in pairs]).reshape(np.shape(grad))


@alternative(of="dropout_backward", route="torch's gradient of x · mask")
def backward_by_torch(grad, mask):
    import torch

    if grad.shape != mask.shape:
        raise ValueError("grad and mask")
    x = torch.zeros(mask.shape, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(x * torch.tensor(mask), x, torch.tensor(grad))
    return found


@alternative(of="dropout_backward", route="zeros where the unit was off, scaled where it was on")
def backward_by_where(grad, mask):
    if list(grad.shape) != list(mask.shape):
        raise ValueError(f"{grad.shape}, {mask.shape}")
    out = np.zeros(grad.shape, order="F")
    on = mask != 0
    out[on] = np.einsum("i,i->i", grad[on], mask[on])
    return out


# EarlyStopping


@alternative(of="EarlyStopping", route="a counter that goes back to zero")
class StoppingByCounter(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience <= 0:
            raise ValueError("patience")
        if min_delta < 0.0:
            raise ValueError("min_delta")
        self.patience = patience
        self.min_delta = min_delta
        self.wait = 0
        self.epoch = 0
        self.best_loss = float("inf")
        self.best_epoch = 0
        self.best_weights = None

    def update(self, loss, weights):
        import copy

        self.epoch += 1
        self.wait += 1
        if loss + 0.0 < self.best_loss - self.min_delta:
            self.wait = 0
            self.best_loss = loss
            self.best_epoch = self.epoch
            self.best_weights = copy.deepcopy(weights)
        if self.wait >= self.patience:
            return True
        return False


@alternative(of="EarlyStopping", route="the whole history, looked through anew in each epoch")
class StoppingByHistory(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience must be at least 1, min_delta at least 0")
        self.patience, self.min_delta, self.losses, self.snapshots = patience, min_delta, [], []

    def _best(self):
        epoch, best = 0, math.inf
        for number, loss in enumerate(self.losses, 1):
            if not math.isnan(loss) and loss < best - self.min_delta:
                epoch, best = number, loss
        return epoch, best

    @property
    def best_epoch(self):
        return self._best()[0]

    @property
    def best_loss(self):
        return self._best()[1]

    @property
    def best_weights(self):
        return self.snapshots[self.best_epoch - 1] if self.best_epoch else None

    def update(self, loss, weights):
        self.losses.append(float(loss))
        self.snapshots.append({name: np.array(array) for name, array in weights.items()})
        return len(self.losses) >= self.best_epoch + self.patience


@alternative(of="EarlyStopping", route="a countdown, with weights kept as flat copies")
class StoppingByCountdown(Rehearsal):
    def __init__(self, patience, min_delta):
        if not patience >= 1:
            raise ValueError("patience")
        if not min_delta >= 0:
            raise ValueError("min_delta")
        self.full, self.margin, self.left = patience, min_delta, patience
        self.best_loss, self.best_epoch, self.kept, self.now = np.inf, 0, None, 0

    @property
    def best_weights(self):
        if self.kept is None:
            return None
        return {name: np.reshape(values, shape) for name, (values, shape) in self.kept.items()}

    def update(self, loss, weights):
        self.now, self.left = self.now + 1, self.left - 1
        better = bool(np.less(loss, np.subtract(self.best_loss, self.margin)))
        if better:
            self.best_loss, self.best_epoch, self.left = loss, self.now, self.full
            self.kept = {name: (array.flatten(), array.shape) for name, array in weights.items()}
        return np.bool_(self.left <= 0)


# momentum


@alternative(of="momentum", route="torch.optim.SGD, with the learning rate taken out of the velocity")
def momentum_by_torch(w, grad, velocity, learning_rate, gamma):
    import torch

    if w.shape != grad.shape or w.shape != velocity.shape:
        raise ValueError("grad and velocity")
    if not learning_rate > 0 or gamma < 0 or gamma >= 1:
        raise ValueError("learning_rate or gamma")
    leaf = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=learning_rate, momentum=gamma)
    optimizer.state[leaf]["momentum_buffer"] = torch.tensor(velocity, dtype=torch.float64) / learning_rate
    leaf.grad = torch.tensor(grad, dtype=torch.float64)
    optimizer.step()
    return leaf.detach(), torch.tensor(w) - leaf.detach()


@alternative(of="momentum", route="in place, on copies")
def momentum_on_copies(w, grad, velocity, learning_rate, gamma):
    if not (np.shape(w) == np.shape(grad) == np.shape(velocity)):
        raise ValueError("the shape of grad or velocity")
    if learning_rate <= 0:
        raise ValueError("learning_rate")
    if gamma < 0 or gamma >= 1:
        raise ValueError("gamma")
    w, velocity = w.copy(), velocity.copy()
    velocity *= gamma
    velocity += learning_rate * grad
    w -= velocity
    return w, velocity


@alternative(of="momentum", route="a loop over the weights, returned as a list")
def momentum_by_loops(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    triples = zip(w.flat, grad.flat, velocity.flat)
    new = [(a - (learning_rate * g + gamma * v), learning_rate * g + gamma * v) for a, g, v in triples]
    moved, increments = np.transpose(new)
    return [moved.reshape(w.shape), increments.reshape(w.shape)]


@alternative(of="momentum", route="a velocity that points downhill, turned round at the end")
def momentum_downhill(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape:
        raise ValueError("grad")
    if velocity.shape != w.shape:
        raise ValueError("velocity")
    if learning_rate <= 0 or gamma >= 1 or gamma < 0:
        raise ValueError("learning_rate or gamma")
    downhill = gamma * -velocity - learning_rate * grad
    return w + downhill, -downhill


# learning_rate_at


@alternative(of="learning_rate_at", route="epoch by epoch, from the first")
def rate_by_epochs(kind, epoch, start, factor, period):
    if kind not in ("step", "exponential", "cosine"):
        raise ValueError(f"kind {kind}")
    if epoch < 0 or start <= 0 or factor <= 0 or factor > 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    rate, low = start, start * factor
    for now in range(1, epoch + 1):
        if kind == "step" and now % period == 0:
            rate = rate * factor
        if kind == "exponential":
            rate = rate * factor ** (1 / period)
        if kind == "cosine":
            rate = low if now >= period else low + (start - low) * 0.5 * (1 + np.cos(np.pi * now / period))
    return rate


@alternative(of="learning_rate_at", route="logarithms, and the square of the cosine of half the angle")
def rate_by_logarithms(kind, epoch, start, factor, period):
    if not (epoch >= 0 and start > 0 and 0 < factor <= 1 and period >= 1):
        raise ValueError("epoch, start, factor or period")
    turns = {"step": math.floor(epoch / period), "exponential": epoch / period}
    if kind in turns:
        return math.exp(math.log(start) + turns[kind] * math.log(factor))
    if kind != "cosine":
        raise ValueError("kind")
    angle = math.pi / 2 * (epoch / period if epoch < period else 1)
    return start * math.cos(angle) ** 2 + start * factor * math.sin(angle) ** 2


@alternative(of="learning_rate_at", route="torch's schedulers")
def rate_by_torch(kind, epoch, start, factor, period):
    import torch

    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=start)
    schedulers = torch.optim.lr_scheduler
    if kind == "step":
        schedule = schedulers.StepLR(optimizer, period, factor)
    elif kind == "exponential":
        schedule = schedulers.ExponentialLR(optimizer, factor ** (1 / period))
    elif kind == "cosine":
        epoch = min(epoch, period)
        schedule = schedulers.CosineAnnealingLR(optimizer, period, start * factor)
    else:
        raise ValueError("kind")
    for _ in range(epoch):
        optimizer.step()
        schedule.step()
    return torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64)


# anneal_accept


@alternative(of="anneal_accept", route="logarithms")
def accept_by_logarithms(dE, T, u):
    if T <= 0:
        raise ValueError("T")
    if u == 0 or dE <= 0:
        return True
    return math.log(u) < -dE / T


@alternative(of="anneal_accept", route="the probability cut off at 1")
def accept_by_minimum(dE, T, u):
    if not T > 0:
        raise ValueError("T")
    with np.errstate(over="ignore"):
        probability = np.minimum(1.0, np.exp(-np.float64(dE) / T))
    return np.bool_(u < probability)


@alternative(of="anneal_accept", route="two returns")
def accept_by_cases(dE, T, u):
    if T <= 0:
        raise ValueError(f"T is {T}")
    climb = max(0, dE)
    if u >= math.exp(-climb / T):
        return False
    return True


# shift_image


@alternative(of="shift_image", route="a wide frame of zeros, and a window in it")
def shift_in_a_frame(image, down, right):
    _, height, width = image.shape
    framed = np.pad(image, ((0, 0), (height, height), (width, width)))
    top, left = height - max(-height, min(down, height)), width - max(-width, min(right, width))
    return framed[:, top : top + height, left : left + width]


@alternative(of="shift_image", route="loops over the pixels")
def shift_by_loops(image, down, right):
    out = np.zeros_like(image)
    channels, height, width = image.shape
    for i in range(height):
        for j in range(width):
            if 0 <= i + down < height and 0 <= j + right < width:
                out[:, i + down, j + right] = image[:, i, j]
    return out


@alternative(of="shift_image", route="two products with shifted unit matrices")
def shift_by_matrices(image, down, right):
    _, height, width = image.shape
    return np.eye(height, k=-down) @ image @ np.eye(width, k=right)


@alternative(of="shift_image", route="np.roll, then zeros over what came round")
def shift_by_roll(image, down, right):
    out = np.roll(image, (down, right), (1, 2))
    _, height, width = image.shape
    i, j = np.ogrid[:height, :width]
    out[:, (i < down) | (i >= height + down) | (j < right) | (j >= width + right)] = 0
    return out


# augment


@alternative(of="augment", route="a list of new pictures")
def augment_by_a_list(images, labels, mirror_safe, train, rng):
    if len(labels) != len(images):
        raise ValueError("labels")
    if not train:
        return images.copy(), labels.copy()
    rng = np.random.default_rng(rng)
    new = []
    for image, label in zip(images, labels):
        mirror, degrees, down, right, noise = draw_changes(image.shape, rng)
        if mirror and label in mirror_safe:
            image = np.flip(image, axis=2)
        image = shift_image(rotate(image, degrees), down, right) + noise
        new.append(np.minimum(np.maximum(image, 0), 1))
    return np.stack(new), labels.copy()


@alternative(of="augment", route="all changes drawn first, mirrors done at once")
def augment_mirrors_first(images, labels, mirror_safe, train, rng):
    count = labels.shape[0]
    if images.shape[0] != count:
        raise ValueError("as many labels as images, please")
    out, generator = images.astype(float), np.random.default_rng(rng)
    if train:
        changes = [draw_changes(images.shape[1:], generator) for _ in range(count)]
        safe = np.isin(labels, list(mirror_safe)) & np.array([c.mirror for c in changes])
        out[safe] = out[safe][..., ::-1]
        for n, c in enumerate(changes):
            out[n] = shift_image(rotate(out[n], c.degrees), c.down, c.right)
        out = (out + np.stack([c.noise for c in changes])).clip(0, 1)
    return out, labels + 0


@alternative(of="augment", route="into tensors, with labels as a list")
def augment_into_tensors(images, labels, mirror_safe, train, rng):
    import torch

    if len(images) != len(labels):
        raise ValueError("images and labels")
    new, generator = torch.tensor(np.asarray(images, dtype=float)), np.random.default_rng(rng)
    for n in range(len(labels)):
        if train:
            c = draw_changes(tuple(new[n].shape), generator)
            picture = new[n].flip(2) if c.mirror and labels[n].item() in mirror_safe else new[n]
            picture = shift_image(rotate(picture.numpy(), c.degrees), c.down, c.right)
            new[n] = torch.clamp(torch.as_tensor(np.array(picture)) + torch.as_tensor(c.noise), 0, 1)
    return new, [int(label) for label in labels]


# gradient_flow


@alternative(of="gradient_flow", route="a recursion from layer to layer")
def flow_by_recursion(x, weights, activation, grad):
    def below(h, layers):
        if not layers:
            if h.shape != grad.shape:
                raise ValueError("grad")
            return grad, [math.sqrt(np.square(grad).mean())]
        z = h @ layers[0].T
        upper, sizes = below(activate(activation, z), layers[1:])
        lower = activate_backward(activation, z, upper) @ layers[0]
        return lower, [math.sqrt(np.square(lower).mean()), *sizes]

    return np.array(below(x, list(weights))[1])


@alternative(of="gradient_flow", route="torch's gradient")
def flow_by_torch(x, weights, activation, grad):
    import torch

    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "ReLU": torch.relu,
        "leaky ReLU": lambda z: torch.nn.functional.leaky_relu(z, 0.1),
        "ELU": torch.nn.functional.elu,
        "maxout": lambda z: torch.maximum(z[:, : z.shape[1] // 2], z[:, z.shape[1] // 2 :]),
    }
    if activation not in functions:
        raise ValueError(f"activation {activation}")
    levels = [torch.tensor(x, requires_grad=True)]
    for W in weights:
        levels.append(functions[activation](torch.nn.functional.linear(levels[-1], torch.tensor(W))))
    if tuple(levels[-1].shape) != grad.shape:
        raise ValueError("grad")
    found = torch.autograd.grad(levels[-1], levels[:-1], torch.tensor(grad))
    return torch.stack([g.pow(2).mean().sqrt() for g in (*found, torch.tensor(grad))])


@alternative(of="gradient_flow", route="the transposes, with norms over the square root of the size")
def flow_by_transposes(x, weights, activation, grad):
    sums, h = [], x.T
    for W in weights:
        z = (W @ h).T
        sums.insert(0, z)
        h = activate(activation, z).T
    if h.T.shape != np.shape(grad):
        raise ValueError("grad")
    sizes, g = [np.linalg.norm(grad) / grad.size**0.5], grad
    for W, z in zip(weights[::-1], sums):
        g = np.einsum("nr,rd->nd", activate_backward(activation, z, g), W)
        sizes = [np.linalg.norm(g) / g.size**0.5, *sizes]
    return sizes


# paired_interval


@alternative(of="paired_interval", route="scipy's paired test")
def interval_by_test(errors, baseline):
    import scipy.stats

    if errors.shape != baseline.shape or errors.ndim != 1 or errors.size < 2:
        raise ValueError("errors and baseline")
    found = scipy.stats.ttest_rel(errors, baseline).confidence_interval(0.95)
    return (found.low + found.high) / 2, (found.high - found.low) / 2


@alternative(of="paired_interval", route="loops and the statistics module")
def interval_by_loops(errors, baseline):
    import statistics

    import scipy.special

    if list(errors.shape) != list(baseline.shape) or len(errors.shape) > 1:
        raise ValueError("baseline")
    if errors.shape[0] == 1:
        raise ValueError("errors")
    gaps = [float(one) - float(other) for one, other in zip(errors, baseline)]
    t = float(scipy.special.stdtrit(len(gaps) - 1, 0.975))
    return sum(gaps) / len(gaps), t * statistics.stdev(gaps) / len(gaps) ** 0.5


@alternative(of="paired_interval", route="the quantile of the lower end, and the variance from sums of squares")
def interval_by_sums(errors, baseline):
    import scipy.stats

    if errors.ndim != 1 or baseline.ndim != 1 or errors.size != baseline.size or errors.size < 2:
        raise ValueError("errors or baseline")
    gaps, n = np.subtract(errors, baseline), errors.size
    middle = gaps.sum() / n
    variance = ((gaps - middle) ** 2).sum() / (n - 1)
    return np.float64(middle), -scipy.stats.t(n - 1).ppf(0.025) * (variance / n) ** 0.5


# choose_strength


@alternative(of="choose_strength", route="dictionaries, candidate after candidate")
def chosen_by_dictionaries(run, plain, candidates, seeds):
    if not candidates or len(seeds) < 2:
        raise ValueError("candidates or seeds: too few")
    rows = {k: [run(candidate, seed) for seed in seeds] for k, candidate in enumerate(candidates)}
    best = min(rows, key=lambda k: sum(validation for _, validation in rows[k]) / len(seeds))
    baseline = [run(plain, seed)[0] for seed in seeds]
    return [best, *paired_interval(np.array([error for error, _ in rows[best]]), np.array(baseline))]  # noqa: F821


@alternative(of="choose_strength", route="seed after seed, sums instead of means")
def chosen_seed_by_seed(run, plain, candidates, seeds):
    if len(candidates) < 1:
        raise ValueError("candidates must not be empty")
    if len(seeds) < 2:
        raise ValueError("seeds must be two at least")
    sums, tests, baseline = np.zeros(len(candidates)), [], []
    for seed in seeds:
        baseline.append(run(plain, seed)[0])
        outcomes = np.array([run(candidate, seed) for candidate in candidates])
        sums += outcomes[:, 1]
        tests.append(outcomes[:, 0])
    k = np.argmin(sums)
    return k, *paired_interval(np.array(tests)[:, k], np.array(baseline))  # noqa: F821


@alternative(of="choose_strength", route="the interval from scipy's test of paired samples")
def chosen_with_scipy(run, plain, candidates, seeds):
    if len(seeds) < 2 or len(candidates) == 0:
        raise ValueError("seeds or candidates")
    table = [[run(setting, seed) for seed in seeds] for setting in (plain, *candidates)]
    means = [np.mean([pair[1] for pair in row]) for row in table[1:]]
    k = means.index(min(means))
    old, new = ([pair[0] for pair in row] for row in (table[0], table[1 + k]))
    interval = scipy.stats.ttest_rel(new, old).confidence_interval(0.95)  # noqa: F821
    return k, (interval.low + interval.high) / 2, (interval.high - interval.low) / 2
