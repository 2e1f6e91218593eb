"""Named wrong answers to 05-regularization, each with what it teaches. The grader reads this file as text."""

import math

import numpy as np

from autograder.authoring.answers import changed, misconception

# weight_decay


@misconception(
    of="weight_decay",
    says="Your penalty lacks the ½, while your gradient is right for the penalty with it. Differentiate your own "
    "penalty: the two have to belong together.",
)
def half_missing_in_penalty(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    penalty = sum(rates[name] * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


changed(
    "gradient_doubled",
    of="weight_decay",
    says="Your gradient is 2λw. The lecture's penalty has a factor ½, which cancels the 2 of the derivative.",
    old="return float(penalty), {name: rates[name] * array for name, array in parameters.items()}",
    new="return float(penalty), {name: 2 * rates[name] * array for name, array in parameters.items()}",
)


@misconception(
    of="weight_decay",
    says="Both your penalty and your gradient are twice too large: the ½ of the lecture's λ/2 is missing. With it, "
    "the gradient is λw.",
)
def half_missing_everywhere(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    penalty = sum(rates[name] * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: 2 * rates[name] * array for name, array in parameters.items()}


changed(
    "gradient_sign_turned",
    of="weight_decay",
    says="Your gradient is −λw, so a step of descent, which subtracts it, would make the weights grow. The gradient "
    "of the penalty points away from 0, as the weights do.",
    old="return float(penalty), {name: rates[name] * array for name, array in parameters.items()}",
    new="return float(penalty), {name: -rates[name] * array for name, array in parameters.items()}",
)


@misconception(
    of="weight_decay",
    says="Your biases decay as well. Here a parameter whose name ends in `bias` costs nothing, and its gradient is 0.",
)
def biases_decayed(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    penalty = sum(lam / 2 * np.sum(np.square(array, dtype=float)) for array in parameters.values())
    return float(penalty), {name: lam * array for name, array in parameters.items()}


@misconception(
    of="weight_decay",
    says="Your biases add nothing to the penalty, which is right, but their gradients are λ times the bias. What costs "
    "nothing has the gradient 0.",
)
def biases_decayed_in_the_gradient(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    weights = [array for name, array in parameters.items() if not name.endswith("bias")]
    penalty = sum(lam / 2 * np.sum(np.square(array, dtype=float)) for array in weights)
    return float(penalty), {name: lam * array for name, array in parameters.items()}


@misconception(
    of="weight_decay",
    says="Your gradients have no entry for the biases. Every parameter needs one; that of a bias is all zeros.",
)
def biases_left_out(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    weights = {name: array for name, array in parameters.items() if not name.endswith("bias")}
    penalty = sum(lam / 2 * np.sum(np.square(array, dtype=float)) for array in weights.values())
    return float(penalty), {name: lam * array for name, array in weights.items()}


@misconception(
    of="weight_decay",
    says="You take the mean of the squares. The penalty is their sum, so that a large layer costs more than a small "
    "one.",
)
def squares_averaged(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    penalty = sum(rates[name] / 2 * np.mean(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array / np.size(array) for name, array in parameters.items()}


@misconception(
    of="weight_decay",
    says="You penalize absolute values, which gives every weight the same pull, λ. The lecture's penalty squares the "
    "weights, so large ones are pulled harder.",
)
def absolute_values(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    penalty = sum(rates[name] * np.sum(np.abs(array)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * np.sign(array) for name, array in parameters.items()}


@misconception(
    of="weight_decay",
    says="Your penalty is λ/2 times the length of the weight vector. The lecture's wᵀw is the square of that length: "
    "leave out the square root.",
)
def length_not_squared(parameters, lam):
    if lam < 0:
        raise ValueError("lam")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    squares = sum(np.sum(np.square(a, dtype=float)) for name, a in parameters.items() if not name.endswith("bias"))
    return float(lam / 2 * np.sqrt(squares)), {name: rates[name] * array for name, array in parameters.items()}


changed(
    "bias_anywhere_in_the_name",
    of="weight_decay",
    says="You take every name that holds `bias` somewhere for a bias. Only a name that ends in it is one: "
    "`bias_net.scale` is a weight.",
    old='rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}',
    new='rates = {name: 0.0 if "bias" in name else lam for name in parameters}',
)


changed(
    "one_dimension_taken_for_a_bias",
    of="weight_decay",
    says="You take every array of one dimension for a bias, and every other for a weight. What decides is the name.",
    old='rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}',
    new="rates = {name: 0.0 if np.ndim(a) == 1 else lam for name, a in parameters.items()}",
)


# group_decay


@misconception(
    of="group_decay",
    says="λ₁ and λ₂ are exchanged: your first group decays by λ₂ and your second by λ₁.",
)
def rates_swapped(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {**dict.fromkeys(parameters, 0.0), **dict.fromkeys(first, lam2), **dict.fromkeys(second, lam1)}
    penalty = sum(rates[name] / 2 * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


@misconception(
    of="group_decay",
    says="You accept a parameter that stands in both groups. Which of the two rates would it obey? Refuse it.",
)
def both_groups_accepted(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    gradients = {name: 0.0 * array for name, array in parameters.items()}
    penalty = 0.0
    for group, lam in ((first, lam1), (second, lam2)):
        for name in group:
            penalty += lam / 2 * float(np.sum(np.square(parameters[name], dtype=float)))
            gradients[name] = gradients[name] + lam * parameters[name]
    return penalty, gradients


@misconception(
    of="group_decay",
    says="Whatever is not in the first group decays by λ₂. Only the names in `second` do; a parameter in neither "
    "group is free.",
)
def the_rest_in_the_second(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {name: lam1 if name in first else lam2 for name in parameters}
    penalty = sum(rates[name] / 2 * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


@misconception(
    of="group_decay",
    says="Both of your groups decay by λ₁. The second has a rate of its own.",
)
def one_rate_for_both(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {name: lam1 if name in {*first, *second} else 0.0 for name in parameters}
    penalty = sum(rates[name] / 2 * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


@misconception(
    of="group_decay",
    says="Biases never decay in your function, even where a group names them. Here the groups decide, whatever the "
    "names are.",
)
def biases_always_free(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {**dict.fromkeys(parameters, 0.0), **dict.fromkeys(first, lam1), **dict.fromkeys(second, lam2)}
    rates = {name: 0.0 if name.endswith("bias") else rate for name, rate in rates.items()}
    penalty = sum(rates[name] / 2 * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


@misconception(
    of="group_decay",
    says="Your gradients lack the parameters that are in neither group. Every parameter needs an entry; theirs is all "
    "zeros.",
)
def ungrouped_left_out(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {**dict.fromkeys(first, lam1), **dict.fromkeys(second, lam2)}
    penalty = sum(rates[name] / 2 * np.sum(np.square(parameters[name], dtype=float)) for name in rates)
    return float(penalty), {name: rates[name] * parameters[name] for name in rates}


@misconception(
    of="group_decay",
    says="The ½ is missing from both penalties: yours is twice too large. Your gradients are right.",
)
def halves_missing(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second) or {*first, *second} - set(parameters):
        raise ValueError("first, second, lam1 or lam2")
    rates = {**dict.fromkeys(parameters, 0.0), **dict.fromkeys(first, lam1), **dict.fromkeys(second, lam2)}
    penalty = sum(rates[name] * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


@misconception(
    of="group_decay",
    says="You pass over names that parameters does not have. A misspelt name would then silently go without decay: "
    "refuse it.",
)
def unknown_names_passed_over(parameters, first, lam1, second, lam2):
    if min(lam1, lam2) < 0 or set(first) & set(second):
        raise ValueError("first, second, lam1 or lam2")
    rates = {name: lam1 if name in first else lam2 if name in second else 0.0 for name in parameters}
    penalty = sum(rates[name] / 2 * np.sum(np.square(array, dtype=float)) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}


# dropout


@misconception(
    of="dropout",
    says="You drop units but do not scale the others up, so the next layer gets less during training than it will "
    "get afterwards. Divide what stays by 1 − drop_prob.",
)
def not_scaled_up(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob).astype(float)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You scale down after training instead of up during training. That is dropout as first published; here it is "
    "*inverted*, so that after training there is nothing to do.",
)
def scaled_after_training(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.full(x.shape, 1 - drop_prob)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob).astype(float)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You drop units outside of training, too. `train` is False there, and then nothing is dropped and nothing "
    "scaled.",
)
def active_outside_training(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob) / (1 - drop_prob)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You take `drop_prob` for the probability of keeping an entry. It is the probability of dropping it.",
)
def keep_for_drop(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) < drop_prob) / max(drop_prob, 1e-300)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You drop the right entries, but divide the others by `drop_prob`. A share 1 − drop_prob is left, so divide "
    "by that.",
)
def divided_by_drop_prob(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob) / max(drop_prob, 1e-300)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You drop the entries whose random number is *not* less than drop_prob, which is a share of 1 − drop_prob. "
    "Turn the comparison round.",
)
def the_others_dropped(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) < drop_prob) / (1 - drop_prob)
    return x * mask, mask


@misconception(
    of="dropout",
    says="All examples of the batch share one mask, so the whole batch loses the same units at once. Draw one random "
    "number for each entry of x.",
)
def one_mask_for_the_batch(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        kept = np.random.default_rng(rng).random(x.shape[1:]) >= drop_prob
        mask = np.broadcast_to(kept / (1 - drop_prob), x.shape).copy()
    return x * mask, mask


@misconception(
    of="dropout",
    says="Your result is right, but the mask only says which entries stay. For the way back it has to hold the factor "
    "by which each was multiplied, 1 / (1 − drop_prob) where it stays.",
)
def mask_without_scale(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    if not train:
        return 1.0 * x, np.ones(x.shape)
    mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob).astype(float)
    return x * mask / (1 - drop_prob), mask


@misconception(
    of="dropout",
    says="Your random numbers do not come from `rng`: a fixed seed gives the same mask at every step, so the same "
    "units are never trained. Use np.random.default_rng(rng).",
)
def seed_fixed(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(0).random(x.shape) >= drop_prob) / (1 - drop_prob)
    return x * mask, mask


@misconception(
    of="dropout",
    says="You change x itself. Whoever gave it to you still needs it, for the way back for example: return a new "
    "array.",
)
def dropped_in_place(x, drop_prob, train, rng):
    if not 0 <= drop_prob < 1:
        raise ValueError("drop_prob")
    mask = np.ones(x.shape)
    if train:
        mask = (np.random.default_rng(rng).random(x.shape) >= drop_prob) / (1 - drop_prob)
    x *= mask
    return x, mask


changed(
    "one_accepted",
    of="dropout",
    says="You accept drop_prob = 1. Then every entry is dropped, and what is left has to be divided by 0: refuse it.",
    edits=[
        ("if not 0 <= drop_prob < 1:", "if not 0 <= drop_prob <= 1:"),
        ("mask = kept / (1 - drop_prob)", "mask = kept / (1 - drop_prob) if drop_prob < 1 else np.zeros(x.shape)"),
    ],
)


# dropout_backward


@misconception(
    of="dropout_backward",
    says="You draw a new mask for the way back. Gradients then reach units that were off and miss units that were on: "
    "use the mask of the way forward.",
)
def new_mask(grad, mask):
    if grad.shape != mask.shape:
        raise ValueError("grad")
    drop_prob = np.mean(mask == 0)
    return grad * (np.random.default_rng(0).random(grad.shape) >= drop_prob) / (1 - drop_prob)


changed(
    "gradient_not_scaled",
    of="dropout_backward",
    says="You stop the gradient of dropped units, but do not scale that of the others. They were multiplied on the way "
    "forward, so their gradient is multiplied by the same factor.",
    old="return grad * mask",
    new="return grad * (mask > 0)",
)


changed(
    "all_let_through",
    of="dropout_backward",
    says="You pass the gradient on to all units. A dropped unit had no part in the result: its gradient is 0.",
    old="return grad * mask",
    new="return 1.0 * grad",
)


changed(
    "divided_on_the_way_back",
    of="dropout_backward",
    says="You divide by the scale on the way back. The derivative of x · mask is the mask: multiply by it, again.",
    old="return grad * mask",
    new="return np.divide(grad, mask, out=np.zeros(grad.shape), where=mask > 0)",
)


changed(
    "scaled_twice",
    of="dropout_backward",
    says="You scale twice. The mask holds 1 / (1 − drop_prob) already.",
    old="return grad * mask",
    new="return grad * mask * mask",
)


@misconception(
    of="dropout_backward",
    says="A mask of another shape is accepted, because numpy stretches it to fit. Compare the shapes before you "
    "multiply.",
)
def shapes_not_compared(grad, mask):
    return grad * mask


changed(
    "dropout_sizes_compared",
    of="dropout_backward",
    says="You compare how many numbers grad and mask hold, not their shapes. A row and a column may hold as many, and "
    "numpy stretches them into a table.",
    old="if grad.shape != mask.shape:",
    new="if grad.size != mask.size:",
)


# EarlyStopping


@misconception(
    of="EarlyStopping",
    says="You stop one epoch too late. After `patience` epochs without improvement it is time, not after one more.",
)
class stops_one_late(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch > self.patience


@misconception(
    of="EarlyStopping",
    says="You stop one epoch too early: at `patience` 3, the third epoch in a row without improvement is the one to "
    "stop at.",
)
class stops_one_early(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        waited = self.epoch - self.best_epoch
        return waited > 0 and waited >= self.patience - 1


@misconception(
    of="EarlyStopping",
    says="You count all epochs without improvement. Only those in a row count: after an improvement, begin again at 0.",
)
class patience_used_up(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0
        self.wasted = 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        else:
            self.wasted += 1
        return self.wasted >= self.patience


@misconception(
    of="EarlyStopping",
    says="You keep the latest weights, not the best. By the time training stops, those of the best epoch are gone: "
    "copy them when the loss improves, and only then.",
)
class latest_weights_kept(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        self.best_weights = {name: array.copy() for name, array in weights.items()}
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="Your best weights are the very arrays that training goes on changing, so in the end they are the latest "
    "ones. Copy each array; a copy of the dictionary alone still holds the same arrays.",
)
class snapshot_aliased(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.best_weights = loss, self.epoch, dict(weights)
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="You count a loss as an improvement that is only as good as needed, not better. With equal losses training "
    "would go on for ever: compare with <, not with <=.",
)
class ties_counted(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss <= self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="A loss of NaN counts as an improvement in your class. Every comparison with NaN is false, so `not loss >= …` "
    "is true for it: ask whether the loss is less.",
)
class nan_counted(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if not loss >= self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="Your class does not use `min_delta`: any loss below the best counts. It has to be less than "
    "best_loss − min_delta.",
)
class min_delta_ignored(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience = patience
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="With you, a loss may be worse than the best by `min_delta` and still count. It must be better by more than "
    "that: subtract min_delta from best_loss.",
)
class min_delta_added(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss + self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="You compare each loss with that of the epoch before. Then a loss that jumps up and comes down again counts "
    "as an improvement: compare with the best so far.",
)
class compared_with_the_epoch_before(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0
        self.before = math.inf

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.before - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        self.before = loss
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="Your best loss follows every small decrease, even one that is no improvement. A loss that falls little by "
    "little then never improves: change best_loss only where the loss is an improvement.",
)
class best_loss_creeps(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_epoch = self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        if loss < self.best_loss:
            self.best_loss = loss
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="You count epochs from 0. Here the first epoch has the number 1, and best_epoch is 0 only as long as there is "
    "no improvement.",
)
class epochs_from_zero(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights = math.inf, 0, None
        self.epoch, self.waited = 0, 0

    def update(self, loss, weights):
        self.waited += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.waited = loss, self.epoch, 0
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        self.epoch += 1
        return self.waited >= self.patience


@misconception(
    of="EarlyStopping",
    says="Your class waits for a loss that rises, as an accuracy should. It is given losses: less is better.",
)
class larger_is_better(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = -math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss > self.best_loss + self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience


@misconception(
    of="EarlyStopping",
    says="Once your class has said stop, it never takes that back. An improvement afterwards should make update return "
    "False again.",
)
class stopped_for_good(Rehearsal):
    def __init__(self, patience, min_delta):
        if patience < 1 or min_delta < 0:
            raise ValueError("patience or min_delta")
        self.patience, self.min_delta, self.stopped = patience, min_delta, False
        self.best_loss, self.best_epoch, self.best_weights, self.epoch = math.inf, 0, None, 0

    def update(self, loss, weights):
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        self.stopped = self.stopped or self.epoch - self.best_epoch >= self.patience
        return self.stopped


changed(
    "first_loss_always_best",
    of="EarlyStopping",
    says="Your first loss counts as an improvement whatever it is, even NaN. Begin with a best loss of infinity, and "
    "compare as in every other epoch.",
    old="if loss < self.best_loss - self.min_delta:",
    new="if self.best_weights is None or loss < self.best_loss - self.min_delta:",
)


changed(
    "min_delta_as_a_share",
    of="EarlyStopping",
    says="You take min_delta for a share of the best loss. It is a difference: best_loss − min_delta.",
    old="if loss < self.best_loss - self.min_delta:",
    new="if loss < self.best_loss * (1 - self.min_delta):",
)


changed(
    "stops_at_the_first_nan",
    of="EarlyStopping",
    says="You stop as soon as a loss is NaN. It is an epoch without improvement like any other: count it, and wait.",
    old="if loss < self.best_loss - self.min_delta:",
    new="""
        if loss != loss:
            return True
        if loss < self.best_loss - self.min_delta:
    """,
)


# momentum


@misconception(
    of="momentum",
    says="You add the increment to the weights. In the lecture's convention it points up the slope, like the gradient, "
    "so it is subtracted.",
)
def increment_added(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = learning_rate * grad + gamma * velocity
    return w + increment, increment


@misconception(
    of="momentum",
    says="Your increment is minus the lecture's: you mix two conventions. Here it holds + learning_rate * grad, and is "
    "subtracted from the weights.",
)
def increment_downhill(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = gamma * velocity - learning_rate * grad
    return w + increment, increment


@misconception(
    of="momentum",
    says="You weight the gradient by 1 − γ, as in a running average. The lecture takes η times the whole gradient, and "
    "so its steps grow to η / (1 − γ).",
)
def running_average(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = (1 - gamma) * learning_rate * grad + gamma * velocity
    return w - increment, increment


@misconception(
    of="momentum",
    says="Your step uses the previous increment, but the velocity you return is only learning_rate * grad. All earlier "
    "steps are forgotten each time: return the whole increment.",
)
def velocity_reset(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    return w - learning_rate * grad - gamma * velocity, learning_rate * grad


@misconception(
    of="momentum",
    says="You return the old velocity, so the motion never builds up. The new velocity is the increment of this step.",
)
def velocity_not_updated(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    return w - learning_rate * grad - gamma * velocity, 1.0 * velocity


@misconception(
    of="momentum",
    says="Your velocity leaves the learning rate out and applies it at the end, as torch does. In the lecture's "
    "formula η multiplies the gradient only, and the previous increment has its own η in it.",
)
def learning_rate_outside(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = grad + gamma * velocity
    return w - learning_rate * increment, increment


@misconception(
    of="momentum",
    says="You look ahead, as Nesterov's momentum does: your weights move by more than the increment. Here they lose "
    "exactly the increment that you return.",
)
def looked_ahead(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = learning_rate * grad + gamma * velocity
    return w - (learning_rate * grad + gamma * increment), increment


@misconception(
    of="momentum",
    says="Your weights move by the previous increment, and the new one waits for the next step. Compute the increment "
    "first, then subtract it.",
)
def moved_by_the_old_velocity(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    return w - velocity, learning_rate * grad + gamma * velocity


@misconception(
    of="momentum",
    says="You have no momentum: your step is that of plain gradient descent. Add γ times the previous increment.",
)
def memory_left_out(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    return w - learning_rate * grad, learning_rate * grad


@misconception(
    of="momentum",
    says="You change w or velocity in place. Return new arrays: the caller may still need the old ones.",
)
def changed_in_place(w, grad, velocity, learning_rate, gamma):
    if grad.shape != w.shape or velocity.shape != w.shape or learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    velocity *= gamma
    velocity += learning_rate * grad
    w -= velocity
    return w, velocity


@misconception(
    of="momentum",
    says="You accept a gradient or an increment of another shape, because numpy stretches it to fit. Compare the "
    "shapes first.",
)
def other_shapes_accepted(w, grad, velocity, learning_rate, gamma):
    if learning_rate <= 0 or not 0 <= gamma < 1:
        raise ValueError("grad, velocity, learning_rate or gamma")
    increment = learning_rate * grad + gamma * velocity
    return w - increment, increment


changed(
    "increment_first",
    of="momentum",
    says="You return the increment first and the weights second. The order is (new_w, new_velocity).",
    old="return w - increment, increment",
    new="return increment, w - increment",
)


changed(
    "increment_scaled_again",
    of="momentum",
    says="You multiply the previous increment by the learning rate as well. It has its own in it: η belongs to the "
    "gradient only.",
    old="increment = learning_rate * grad + gamma * velocity",
    new="increment = learning_rate * (grad + gamma * velocity)",
)


changed(
    "momentum_sizes_compared",
    of="momentum",
    says="You compare how many numbers the arrays hold, not their shapes. A row and a column may hold as many, and "
    "numpy stretches them into a table.",
    old="if grad.shape != w.shape or velocity.shape != w.shape:",
    new="if grad.size != w.size or velocity.size != w.size:",
)


# learning_rate_at


@misconception(
    of="learning_rate_at",
    says="Your step schedule changes in every epoch. Only whole periods count: round epoch / period down.",
)
def step_without_steps(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind in ("step", "exponential"):
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your step comes in the middle of the period: you round epoch / period to the nearest whole number. Round it "
    "down.",
)
def step_rounded(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** round(epoch / period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your step schedule takes one step only. It multiplies by the factor again each time another period is "
    "complete.",
)
def step_once(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor if epoch >= period else start
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your step comes one epoch early: epochs are counted from 0, so the first period ends with epoch period − 1.",
)
def step_early(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** ((epoch + 1) // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your exponential schedule multiplies by the whole factor in each epoch. The factor should be reached after a "
    "period: the exponent is epoch / period.",
)
def factor_in_each_epoch(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor**epoch
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your exponential schedule falls by a factor of e in each period, whatever `factor` is.",
)
def base_e(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * math.exp(-epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your cosine comes up again after its period. From there on the rate stays at start times factor.",
)
def cosine_comes_back(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(math.pi * epoch / period)) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your cosine goes down to 0. Its lowest point is start times factor.",
)
def cosine_to_zero(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your cosine makes a whole turn in one period, so it is back at the top when it should be at the bottom. Half "
    "a turn is π.",
)
def cosine_whole_turn(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * (1 + math.cos(2 * math.pi * min(epoch / period, 1))) / 2)
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="Your cosine makes a quarter turn, which falls fastest at the end of the period. Half a turn begins and ends "
    "slowly.",
)
def cosine_quarter_turn(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        return start * (factor + (1 - factor) * math.cos(math.pi / 2 * min(epoch / period, 1)))
    raise ValueError("kind")


@misconception(
    of="learning_rate_at",
    says="You return the factor by which the learning rate has changed, not the learning rate: multiply by `start`.",
)
def start_left_out(kind, epoch, start, factor, period):
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period")
    if kind == "step":
        return factor ** (epoch // period)
    if kind == "exponential":
        return factor ** (epoch / period)
    if kind == "cosine":
        return factor + (1 - factor) * (1 + math.cos(math.pi * min(epoch / period, 1))) / 2
    raise ValueError("kind")


changed(
    "cosine_over_one_epoch_less",
    of="learning_rate_at",
    says="Your cosine reaches its bottom an epoch too early: you divide by period − 1. Epochs count from 0, and epoch "
    "`period` is the first at the bottom.",
    old="height = (1 + math.cos(math.pi * min(epoch / period, 1))) / 2",
    new="height = (1 + math.cos(math.pi * min(epoch / max(period - 1, 1), 1))) / 2",
)


changed(
    "cosine_as_a_straight_line",
    of="learning_rate_at",
    says="Your cosine is a straight line. It should be slow at first, fastest in the middle, and slow again.",
    old="height = (1 + math.cos(math.pi * min(epoch / period, 1))) / 2",
    new="height = 1 - min(epoch / period, 1)",
)


# anneal_accept


changed(
    "descents_only",
    of="anneal_accept",
    says="You only go down. Annealing differs from descent in that it sometimes goes up: with probability exp(−dE/T).",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE <= 0",
)


changed(
    "temperature_inverted",
    of="anneal_accept",
    says="Your temperature works the wrong way round: you multiply by T where you should divide, so a hot system "
    "climbs least.",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE <= 0 or u < math.exp(-dE * T)",
)


changed(
    "comparison_turned",
    of="anneal_accept",
    says="You take a climb when u is greater than the probability, so the likely becomes unlikely. An event of "
    "probability p happens when u is less than p.",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE <= 0 or u > math.exp(-dE / T)",
)


changed(
    "chance_left_out",
    of="anneal_accept",
    says="You make up your mind without chance: every climb whose probability is above one half is taken. Compare the "
    "probability with u.",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE <= 0 or math.exp(-dE / T) > 0.5",
)


changed(
    "signs_turned",
    of="anneal_accept",
    says="Your signs are turned: you always climb, and go down only by chance. Positive dE means up.",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE >= 0 or u < math.exp(dE / T)",
)


changed(
    "overflows",
    of="anneal_accept",
    says="For a large descent your exponential overflows. A descent is taken with any u, so decide that case before "
    "you compute exp(−dE/T).",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return u < math.exp(-dE / T)",
)


@misconception(
    of="anneal_accept",
    says="A descent is taken before you have looked at T. A temperature of 0 or less is wrong whichever way the step "
    "goes.",
)
def temperature_seen_late(dE, T, u):
    if dE <= 0:
        return True
    if T <= 0:
        raise ValueError("T")
    return u < math.exp(-dE / T)


changed(
    "accepted_by_a_sigmoid",
    of="anneal_accept",
    says="You accept with the probability 1 / (1 + e^(dE/T)), which is at most one half for a climb. Here it is "
    "e^(−dE/T).",
    old="return dE <= 0 or u < math.exp(-dE / T)",
    new="return dE <= 0 or u < 1 / (1 + math.exp(min(dE / T, 700)))",
)


# shift_image


@misconception(
    of="shift_image",
    says="What leaves the picture on one side comes back on the other. `np.roll` turns a picture into a ring; here the "
    "free pixels are 0.",
)
def wrapped_around(image, down, right):
    return np.roll(image, (down, right), axis=(1, 2))


@misconception(
    of="shift_image",
    says="Your picture moves the wrong way: up for a positive `down`, and left for a positive `right`.",
)
def other_way(image, down, right):
    channels, height, width = image.shape
    rows, columns = np.arange(height) + down, np.arange(width) + right
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    return np.where(inside, image[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)], 0)


@misconception(
    of="shift_image",
    says="You move down by `right` and right by `down`. The picture's rows come first: axis 1 is down, axis 2 is "
    "right.",
)
def axes_exchanged(image, down, right):
    channels, height, width = image.shape
    rows, columns = np.arange(height) - right, np.arange(width) - down
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    return np.where(inside, image[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)], 0)


@misconception(
    of="shift_image",
    says="You fill the free pixels with copies of the border. They should be 0.",
)
def border_repeated(image, down, right):
    channels, height, width = image.shape
    rows, columns = np.arange(height) - down, np.arange(width) - right
    return image[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]


@misconception(
    of="shift_image",
    says="Your slices only work for shifts down and right. For negative shifts they do not fit together, or pick the "
    "wrong part.",
)
def down_and_right_only(image, down, right):
    out = np.zeros(image.shape)
    out[:, down:, right:] = image[:, : image.shape[1] - down, : image.shape[2] - right]
    return out


@misconception(
    of="shift_image",
    says="You only move the picture if it goes both ways. With a slice such as `a[:-0]`, a shift of 0 along one axis "
    "leaves nothing of the picture.",
)
def zero_shift_empties(image, down, right):
    out = np.zeros(image.shape)
    _, height, width = image.shape
    if abs(down) >= height or abs(right) >= width or down == 0 or right == 0:
        return out
    into = tuple(slice(s, None) if s > 0 else slice(None, s) for s in (down, right))
    out_of = tuple(slice(None, -s) if s > 0 else slice(-s, None) for s in (down, right))
    out[(slice(None), *into)] = image[(slice(None), *out_of)]
    return out


# augment


changed(
    "changed_at_evaluation",
    of="augment",
    says="You change the pictures outside of training, too. What is measured then is another task: if `train` is "
    "False, leave them as they are.",
    old="for n in range(len(images) if train else 0):",
    new="for n in range(len(images)):",
)


changed(
    "all_mirrored",
    of="augment",
    says="You mirror pictures whatever their label is. Only those with a label in `mirror_safe` are still what they "
    "were: a mirrored b is a d.",
    old="if changes.mirror and int(labels[n]) in mirror_safe:",
    new="if changes.mirror:",
)


changed(
    "always_mirrored",
    of="augment",
    says="You mirror every picture whose label is safe. Whether to do it is drawn for each picture: look at the field "
    "`mirror` of its changes.",
    old="if changes.mirror and int(labels[n]) in mirror_safe:",
    new="if int(labels[n]) in mirror_safe:",
)


changed(
    "upside_down",
    of="augment",
    says="Your mirror exchanges top and bottom. Left and right are the last axis.",
    old="image = image[:, :, ::-1]",
    new="image = image[:, ::-1]",
)


@misconception(
    of="augment",
    says="All pictures of your batch get the same changes. Make one generator before the loop, and draw changes for "
    "each picture inside it; a generator made anew from the same number begins again each time.",
)
def same_changes_for_all(images, labels, mirror_safe, train, rng):
    if len(images) != len(labels):
        raise ValueError("labels")
    new_images = np.array(images, dtype=float)
    for n in range(len(images) if train else 0):
        changes, image = draw_changes(images[n].shape, np.random.default_rng(rng)), images[n]
        if changes.mirror and int(labels[n]) in mirror_safe:
            image = image[:, :, ::-1]
        moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)
        new_images[n] = np.clip(moved + changes.noise, 0, 1)
    return new_images, np.array(labels)


changed(
    "augmented_with_roll",
    of="augment",
    says="What leaves your pictures on one side comes back on the other. Use `shift_image`, not `np.roll`.",
    old="moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)",
    new="moved = np.roll(rotate(image, changes.degrees), (changes.down, changes.right), axis=(1, 2))",
)


@misconception(
    of="augment",
    says="Your pictures are not clipped: noise makes some pixels darker than 0 or brighter than 1, which no real "
    "picture has.",
)
def not_clipped(images, labels, mirror_safe, train, rng):
    if len(images) != len(labels):
        raise ValueError("labels")
    new_images, generator = np.array(images, dtype=float), np.random.default_rng(rng)
    for n in range(len(images) if train else 0):
        changes, image = draw_changes(images[n].shape, generator), images[n]
        if changes.mirror and int(labels[n]) in mirror_safe:
            image = image[:, :, ::-1]
        new_images[n] = shift_image(rotate(image, changes.degrees), changes.down, changes.right) + changes.noise
    return new_images, np.array(labels)


changed(
    "shifted_before_rotating",
    of="augment",
    says="You shift before you rotate. The order makes a difference, because the rotation is about the middle of the "
    "frame: mirror, rotate, shift, noise.",
    old="moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)",
    new="moved = rotate(shift_image(image, changes.down, changes.right), changes.degrees)",
)


@misconception(
    of="augment",
    says="You write into the pictures that you were given. In the next epoch the changes would be changed again, and "
    "the originals are lost: fill a new array.",
)
def originals_overwritten(images, labels, mirror_safe, train, rng):
    if len(images) != len(labels):
        raise ValueError("labels")
    generator = np.random.default_rng(rng)
    for n in range(len(images) if train else 0):
        changes, image = draw_changes(images[n].shape, generator), images[n]
        if changes.mirror and int(labels[n]) in mirror_safe:
            image = image[:, :, ::-1]
        moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)
        images[n] = np.clip(moved + changes.noise, 0, 1)
    return images, labels


@misconception(
    of="augment",
    says="You accept more pictures than labels, or fewer. Then some label belongs to another picture: compare the two "
    "numbers first.",
)
def numbers_not_compared(images, labels, mirror_safe, train, rng):
    new_images, generator = np.array(images, dtype=float), np.random.default_rng(rng)
    for n, (image, label) in enumerate(zip(images, labels)):
        if not train:
            break
        changes = draw_changes(image.shape, generator)
        if changes.mirror and int(label) in mirror_safe:
            image = image[:, :, ::-1]
        moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)
        new_images[n] = np.clip(moved + changes.noise, 0, 1)
    return new_images, np.array(labels)


@misconception(
    of="augment",
    says="You rotate before you mirror, which turns a mirrored picture the other way. The order is mirror, rotate, "
    "shift, noise.",
)
def rotated_before_mirrored(images, labels, mirror_safe, train, rng):
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images do not go with {len(labels)} labels")
    new_images, generator = np.array(images, dtype=float), np.random.default_rng(rng)
    for n in range(len(images) if train else 0):
        changes, image = draw_changes(images[n].shape, generator), images[n]
        if changes.mirror and int(labels[n]) in mirror_safe:
            pass
        image = rotate(image, changes.degrees)
        image = image[:, :, ::-1] if changes.mirror and int(labels[n]) in mirror_safe else image
        moved = shift_image(image, changes.down, changes.right)
        new_images[n] = np.clip(moved + changes.noise, 0, 1)
    return new_images, np.array(labels)


changed(
    "only_unsafe_labels_mirrored",
    of="augment",
    says="You mirror the pictures whose label is *not* in mirror_safe, and leave the safe ones alone. Turn the "
    "question round.",
    old="if changes.mirror and int(labels[n]) in mirror_safe:",
    new="if changes.mirror and int(labels[n]) not in mirror_safe:",
)


# gradient_flow


@misconception(
    of="gradient_flow",
    says="You take the activation's slope at its result instead of at its sum. activate_backward needs z, what went "
    "into the activation.",
)
def slope_at_the_result(x, weights, activation, grad):
    levels = [x]
    sums = []
    for W in weights:
        sums.append(levels[-1] @ W.T)
        levels.append(activate(activation, sums[-1]))
    if grad.shape != levels[-1].shape:
        raise ValueError("grad")
    sizes = [np.sqrt(np.mean(grad**2))]
    for W, h, z in zip(reversed(weights), reversed(levels), reversed(sums)):
        grad = activate_backward(activation, z if activation == "maxout" else h, grad) @ W
        sizes.append(np.sqrt(np.mean(grad**2)))
    return np.array(sizes[::-1])


changed(
    "from_the_top_down",
    of="gradient_flow",
    says="Your list is upside down: it begins at the top. The first entry is the gradient with respect to x.",
    old="return np.array(sizes[::-1])",
    new="return np.array(sizes)",
)


changed(
    "lengths",
    of="gradient_flow",
    says="You return lengths: the square root of the sum of squares. The root mean square divides by the number of "
    "entries, so that a wide level does not look larger than a narrow one.",
    edits=[
        ("sizes = [np.sqrt(np.mean(grad**2))]", "sizes = [np.sqrt(np.sum(grad**2))]"),
        ("sizes.append(np.sqrt(np.mean(grad**2)))", "sizes.append(np.sqrt(np.sum(grad**2)))"),
    ],
)


changed(
    "absolute_values_averaged",
    of="gradient_flow",
    says="You average absolute values. The root mean square squares first, then averages, then takes the root.",
    edits=[
        ("sizes = [np.sqrt(np.mean(grad**2))]", "sizes = [np.mean(np.abs(grad))]"),
        ("sizes.append(np.sqrt(np.mean(grad**2)))", "sizes.append(np.mean(np.abs(grad)))"),
    ],
)


changed(
    "begins_with_ones",
    of="gradient_flow",
    says="Your gradient begins with ones, whatever `grad` is. What enters at the top is `grad`.",
    old="sizes = [np.sqrt(np.mean(grad**2))]",
    new="""
        grad = np.ones(h.shape)
        sizes = [1.0]
    """,
)


changed(
    "measured_at_the_sums",
    of="gradient_flow",
    says="You measure the gradients with respect to the sums z. The levels are what the activations return, and x.",
    edits=[
        ("grad = activate_backward(activation, z, grad) @ W", "grad = activate_backward(activation, z, grad)"),
        (
            "sizes.append(np.sqrt(np.mean(grad**2)))",
            """
                sizes.append(np.sqrt(np.mean(grad**2)))
                grad = grad @ W
            """,
        ),
    ],
)


@misconception(
    of="gradient_flow",
    says="Your last activation is skipped on the way back: the gradient goes straight through the weights of the top "
    "layer. `grad` belongs to what comes out of that activation.",
)
def top_activation_skipped(x, weights, activation, grad):
    sums, h = [], x
    for W in weights:
        sums.append(h @ W.T)
        h = activate(activation, sums[-1])
    if grad.shape != h.shape:
        raise ValueError("grad")
    sizes = [np.sqrt(np.mean(grad**2))]
    for k in reversed(range(len(weights))):
        if k < len(weights) - 1 or activation == "maxout":
            grad = activate_backward(activation, sums[k], grad)
        grad = grad @ weights[k]
        sizes.append(np.sqrt(np.mean(grad**2)))
    return np.array(sizes[::-1])


changed(
    "gradient_shape_unchecked",
    of="gradient_flow",
    says="A gradient of another shape is accepted, because numpy stretches it. Compare its shape with that of the "
    "uppermost level.",
    old="""
        if grad.shape != h.shape:
            raise ValueError(f"grad has the shape {grad.shape}, the uppermost level {h.shape}")
    """,
    new="",
)


changed(
    "mean_of_examples",
    of="gradient_flow",
    says="You take a root mean square for each example and average those. The mean of the squares runs over all "
    "entries at once.",
    edits=[
        ("sizes = [np.sqrt(np.mean(grad**2))]", "sizes = [np.mean(np.sqrt(np.mean(grad**2, axis=1)))]"),
        ("sizes.append(np.sqrt(np.mean(grad**2)))", "sizes.append(np.mean(np.sqrt(np.mean(grad**2, axis=1))))"),
    ],
)


changed(
    "root_forgotten",
    of="gradient_flow",
    says="You return mean squares: take the root.",
    edits=[
        ("sizes = [np.sqrt(np.mean(grad**2))]", "sizes = [np.mean(grad**2)]"),
        ("sizes.append(np.sqrt(np.mean(grad**2)))", "sizes.append(np.mean(grad**2))"),
    ],
)


# paired_interval


changed(
    "normal_quantile",
    of="paired_interval",
    says="You took 1.96, the normal distribution's quantile. With few seeds the spread itself is uncertain, and "
    "Student's t is larger.",
    old="t = scipy.stats.t.ppf(0.975, len(differences) - 1)",
    new="t = 1.959963984540054",
)
changed(
    "one_sided_quantile",
    of="paired_interval",
    says="Your t leaves 5 % beyond one end. Of an interval of 95 %, 2.5 % lie beyond either end: ask for 0.975.",
    old="scipy.stats.t.ppf(0.975,",
    new="scipy.stats.t.ppf(0.95,",
)
changed(
    "degrees_of_freedom",
    of="paired_interval",
    says="Student's distribution has n - 1 degrees of freedom here, and you took n: the mean has used up one.",
    old="len(differences) - 1)",
    new="len(differences))",
)
changed(
    "spread_by_n",
    of="paired_interval",
    says="Your standard deviation divides by n. From a sample it divides by n - 1: in numpy, `std(ddof=1)`.",
    old="std(ddof=1)",
    new="std()",
)
changed(
    "spread_of_one_seed",
    of="paired_interval",
    says="Your interval does not shrink with more seeds: that is the spread of single seeds. The mean of n spreads "
    "less, by the root of n.",
    old=" / math.sqrt(len(differences)))",
    new=")",
)
changed(
    "baseline_minus_errors",
    of="paired_interval",
    says="Your sign is turned round: the difference is errors less baseline, so what lowers the error is negative.",
    old="differences = errors - baseline",
    new="differences = baseline - errors",
)
changed(
    "rows_not_paired",
    of="paired_interval",
    says="You added the spreads of the two rows, as if they had nothing to do with each other. Subtract seed by seed "
    "first: what makes a seed hard for both then cancels.",
    old="differences.std(ddof=1)",
    new="math.sqrt(errors.var(ddof=1) + baseline.var(ddof=1))",
)
changed(
    "rows_stretched",
    of="paired_interval",
    says="Rows of different length, or tables, should raise ValueError; yours are stretched by numpy until they fit.",
    old="""
        if errors.shape != baseline.shape or errors.ndim != 1:
            raise ValueError(f"errors {errors.shape} and baseline {baseline.shape} must have one shape (n,)")
    """,
    new="",
)
changed(
    "one_seed_accepted",
    of="paired_interval",
    says="One seed has no spread, so there is no interval: raise ValueError for n below 2.",
    old="""
        if len(errors) < 2:
            raise ValueError("errors holds one seed; a spread takes two")
    """,
    new="",
)


# choose_strength


changed(
    "chosen_on_the_test",
    of="choose_strength",
    says="You choose by test error. Whatever decides must not judge as well: the second number of each pair is the "
    "validation error.",
    old="chosen = int(validation[1:].mean(axis=1).argmin())",
    new="chosen = int(test[1:].mean(axis=1).argmin())",
)


changed(
    "compared_on_validation",
    of="choose_strength",
    says="Your interval is made of validation errors. Those have decided; the chosen one is judged by its test errors.",
    old="return (chosen, *paired_interval(test[1 + chosen], test[0]))",
    new="return (chosen, *paired_interval(validation[1 + chosen], validation[0]))",
)


changed(
    "worst_chosen",
    of="choose_strength",
    says="You choose the candidate with the highest validation error. Lower is better.",
    old="chosen = int(validation[1:].mean(axis=1).argmin())",
    new="chosen = int(validation[1:].mean(axis=1).argmax())",
)


changed(
    "plain_among_the_candidates",
    of="choose_strength",
    says="You count the position with plain in front. It is the position in candidates, from 0.",
    old="return (chosen, *paired_interval(test[1 + chosen], test[0]))",
    new="return (1 + chosen, *paired_interval(test[1 + chosen], test[0]))",
)


changed(
    "lowest_single_seed",
    of="choose_strength",
    says="You choose the candidate with the lowest single validation error. One lucky seed proves little: take the mean "
    "over the seeds.",
    old="chosen = int(validation[1:].mean(axis=1).argmin())",
    new="chosen = int(validation[1:].min(axis=1).argmin())",
)


changed(
    "seeds_counted_from_zero",
    of="choose_strength",
    says="You run the seeds 0, 1, 2, …, as many as there are. Asked for are the numbers in seeds.",
    old="results = np.array([[run(setting, seed) for seed in seeds] for setting in [plain, *candidates]])",
    new="""
        results = np.array([[run(setting, seed) for seed in range(len(seeds))] for setting in [plain, *candidates]])
    """,
)


changed(
    "plain_less_the_chosen",
    of="choose_strength",
    says="Your difference is plain less the chosen one. Negative should mean that the chosen one is better.",
    old="return (chosen, *paired_interval(test[1 + chosen], test[0]))",
    new="return (chosen, *paired_interval(test[0], test[1 + chosen]))",
)


changed(
    "one_seed_accepted_for_a_choice",
    of="choose_strength",
    says="You accept a single seed. It has no spread, so it gives no interval: refuse it.",
    old='raise ValueError(f"seeds must hold at least two, not {len(seeds)}")',
    new="return 0, 0.0, math.inf",
)
