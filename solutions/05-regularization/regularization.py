# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Regularization and optimization", minutes: 145, seconds: 180}
# ---

# %% [markdown]
# # 5. Regularization and optimization
#
# A network with enough weights can learn its training set by heart. Then it is right about every picture it has seen,
# and wrong about many that it has not. The lecture names a handful of remedies, and a handful of ways to get down the
# slope faster. Each of them is a few lines of code. In this assignment you write them all, and at the end you do what
# slides cannot: you measure which of them help, on one network and one set of pictures, and which you cannot tell from
# chance.
#
# **What you will build**
#
# 1. weight decay, and its form with two groups of weights,
# 2. dropout, there and back,
# 3. early stopping that keeps the best weights,
# 4. momentum, in the lecture's sign convention,
# 5. three schedules for the learning rate,
# 6. the rule by which simulated annealing sometimes goes uphill,
# 7. a data augmentation that never makes a label wrong,
# 8. a probe of what six activation functions do to gradients in a deep network,
# 9. and from all of these two tables, with error bars: one for clean labels, one for labels of which many are wrong;
#    and an experiment of your own, which chooses on validation data and is judged on others.
#
# **What you need.** numpy; the chain rule; training by gradient descent, from assignment 04. No code of yours from
# there: what this notebook needs of it is given.
#
# **How long it takes.** 130 to 160 minutes for you; about three minutes for your laptop, from top to bottom, most of
# it for the tables.

# %% [markdown]
# ## How this notebook works
#
# As before: replace `raise NotImplementedError()` by your code. The docstring is the whole agreement. Visible checks
# hold numbers that you can verify with a pencil. What a line beginning with `Hidden` announces runs when your work is
# graded, and asks for nothing beyond the docstring. Results may differ by 10⁻⁶ times the largest expected value (or 1,
# if that is larger).
#
# Arrays that your functions are given hold float64, or int64 if they are labels; none is empty. Your functions return new
# arrays and leave their arguments as they were. Wrong arguments raise `ValueError` with a message that names the
# argument.
#
# Some functions need chance. They take an argument `rng`, which is a numpy random generator or a whole number. The
# line `rng = np.random.default_rng(rng)` makes a generator of either: a generator stays what it is and goes on from
# where it stands, and a number seeds a new one, so that the same number gives the same results again.
#
# Cells that only show something are yours to change: try other numbers in them. Graders skip them.
#
# There are 33 points: 30 from checks, 3 for a written answer at the end.

# %% [markdown]
# Run this cell first. It brings in numpy, matplotlib, and the course's own tools for checks and figures. Torch comes
# in with the table, in section 9.

# %%
import math
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from autograder.lab import FASHION_CLASSES, close, fashion, progress, refuses
from autograder.lab import show_curves, show_grid, show_matrix, style

style()


def two_calls(function, *args):
    """Call function twice, as two steps of a training do, with one and the same generator as its last argument."""
    rng = np.random.default_rng(8)
    return function(*args, rng), function(*args, rng)


def kept_apart(function, x, *args):
    """x as it is when the first array that function(x, *args) returned has been overwritten."""
    function(x, *args)[0][...] = -5.0
    return x

# %% [markdown]
# ## 1. Weight decay
#
# Large weights let a network bend its answer sharply between two training pictures. So make them cost something. The
# lecture adds a penalty to the loss $E$:
#
# $$\tilde E(\mathbf w) = E(\mathbf w) + \frac{\lambda}{2}\, \mathbf w^T \mathbf w.$$
#
# What does the penalty add to the gradient? The ½ is there for that question: it cancels the 2 of the derivative, and
# $\lambda w$ is left. A step of gradient descent subtracts $\eta \lambda w$, so each weight loses the share
# $\eta\lambda$ of itself. That is why it is called decay.
#
# Biases are left alone. A bias moves an answer up or down; it bends nothing.
#
# The parameters of a network come as a dictionary from names to arrays. As in most libraries, the name of a bias ends
# in `bias`.
#
# *By hand.* The weights are 1, −2, 3, 0 and $\lambda = 0.1$. Their squares sum to 14, so the penalty is
# $0.05 \cdot 14 = 0.7$. The gradient is 0.1, −0.2, 0.3, 0. The bias adds nothing, and its gradient is 0.

# %%
small_layer = {"conv.weight": np.array([[1.0, -2.0], [3.0, 0.0]]), "conv.bias": np.array([5.0, -7.0])}

# %% exercise="weight_decay"
def weight_decay(parameters, lam):
    """The penalty lam / 2 times the sum of all squared weights, and its gradients.

    parameters  dictionary from names to arrays of any shape. A parameter whose name ends in "bias" is a bias and
                costs nothing; all others are weights.
    lam         the lecture's λ, 0 or more

    Returns a pair (penalty, gradients). penalty is a number. gradients is a dictionary with the same names as
    parameters: for each parameter the gradient of the penalty, an array of its shape. That of a bias is all zeros.
    Raises ValueError if lam is negative.
    """
    ### BEGIN SOLUTION
    if lam < 0:
        raise ValueError(f"lam must be 0 or more, not {lam}")
    rates = {name: 0.0 if name.endswith("bias") else lam for name in parameters}
    penalty = sum(rates[name] / 2 * np.sum(array**2) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="weight_decay" name="by-hand" points=0.5
penalty, gradients = weight_decay(small_layer, 0.1)
close(penalty, 0.7, case="the penalty", hint="half of λ, times the sum of the squares; the bias is no weight.")
close(gradients["conv.weight"], [[0.1, -0.2], [0.3, 0]], case="the gradient of the weights",
      hint="the ½ cancels the 2 of the derivative.")
close(gradients["conv.bias"], [0, 0], case="the gradient of the biases", hint="a bias costs nothing.")

# %% [markdown]
# Hidden: other networks, compared with the derivative that torch finds; no decay; wrong arguments.

# %% check="weight_decay" name="any-network" points=0.5
two_weights = {"a.weight": np.array([[1.0, 2.0]]), "b.weight": np.array([3.0])}
penalty, gradients = weight_decay(two_weights, 2.0)
close(penalty, 14, case="two layers", hint="λ/2 is 1, and the squares are 1, 4 and 9.")
close(gradients["a.weight"], [[2, 4]], case="two layers, the gradient of the first", hint="λ times each weight.")
# Hidden: several layers, arrays of one to four dimensions, several values of λ, λ = 0.
### BEGIN HIDDEN TESTS
import torch

def by_torch(parameters, lam):
    leaves = {name: torch.tensor(array, dtype=torch.float64, requires_grad=True) for name, array in parameters.items()}
    penalty = lam / 2 * sum((leaf**2).sum() for name, leaf in leaves.items() if not name.endswith("bias"))
    penalty.backward()
    return penalty.item(), {
        name: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for name, leaf in leaves.items()
    }

for lam in (0.03, 1.7, 0.0):
    parameters = {
        "conv1.weight": rng.normal(size=(3, 2, 4, 5)), "conv2.weight": rng.normal(size=(1, 3, 2, 2)),
        "scale": rng.normal(size=6), "dense.weight": rng.normal(size=(4, 7)),
    }
    case = "no decay" if lam == 0 else "several layers without biases"
    same(weight_decay, by_torch, parameters, lam, case=case)
unchanged(weight_decay, parameters, 0.3, case="the parameters")
### END HIDDEN TESTS

# %% check="weight_decay" name="biases" points=0.5
penalty, gradients = weight_decay({"bias": np.array([3.0]), "unbiased.weight": np.array([2.0, -4.0])}, 1.0)
close(penalty, 10, case="what is a bias?",
      hint="the name of a bias ends in bias; that it holds the word is not enough.")
close(gradients["unbiased.weight"], [2, -4], case="what is a bias? The gradient of the weights", hint="λ times w.")
close(gradients["bias"], [0], case="what is a bias? The gradient of the bias", hint="it costs nothing.")
# Hidden: weights and biases, in any order.
### BEGIN HIDDEN TESTS
parameters = {
    "dense.bias": rng.normal(size=4) + 2.0, "dense.weight": rng.normal(size=(4, 3)),
    "output.weight": rng.normal(size=(2, 4)), "output.bias": rng.normal(size=2) - 2.0, "bias": rng.normal(size=(5, 1)),
    "unbiased.weight": rng.normal(size=(2, 2)), "bias_net.scale": rng.normal(size=3),
    "head.Bias": rng.normal(size=2), "rebias": rng.normal(size=3), "bias.0": rng.normal(size=(1, 2)),
}
penalty, gradients = same(weight_decay, solution.weight_decay, parameters, 0.37, case="weights and biases")
names = ("dense.weight", "output.weight", "unbiased.weight", "bias_net.scale", "head.Bias", "bias.0")
weights = np.concatenate([parameters[name].ravel() for name in names])
close(penalty, 0.37 / 2 * weights @ weights, case="weights and biases, the penalty")
same(weight_decay, solution.weight_decay, {"a.bias": np.ones(3)}, 0.5, case="nothing but a bias")
### END HIDDEN TESTS

# %% [markdown]
# A negative λ would reward large weights:

# %% check="weight_decay" name="arguments" points=0.5
refuses(weight_decay, small_layer, -0.1, argument="lam", named=True, case="a negative rate of decay")
### BEGIN HIDDEN TESTS
refuses(weight_decay, {"a.bias": np.ones(2)}, -1e-6, argument="lam", case="a negative rate of decay, only biases")
for lam in (1.0, 0.0):
    fresh_result(weight_decay, small_layer, lam, case=f"λ = {lam:g}")
refuses_each(weight_decay, small_layer, 0.5, allowed={"lam": domain.number(least=0.0)}, reference=solution.weight_decay)
### END HIDDEN TESTS

# %% [markdown]
# > **Museum of real bugs.** Penalty and gradient belong together: $\lambda w^2$ with the gradient $\lambda w$ is a
# > pair that no λ makes right. Programs that only ever use the gradient do not notice. Programs that print the loss
# > print a number that nothing is descending on. A gradient check, as in 04, finds it at once.
#
# What does decay do to a minimum? Below is a loss of two weights whose minimum lies at (3, 2). Along the first weight
# it is flat, along the second it is steep.

# %%
minimum, curvatures = np.array([3.0, 2.0]), np.array([0.3, 3.0])


def valley(w):
    """A loss of two weights, w of shape (..., 2): flat along the first and steep along the second."""
    return np.sum(curvatures * (w - minimum) ** 2, axis=-1) / 2


def valley_gradient(w):
    """The gradient of valley at w, shape (2,)."""
    return curvatures * (w - minimum)


def draw_valley(ax, title):
    """Contours of valley."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 5, 80), np.linspace(-1, 4, 80)), axis=-1)
    ax.contour(grid[..., 0], grid[..., 1], valley(grid), levels=[0.05, 0.2, 0.6, 1.5, 3, 6, 10], colors="#999999")
    ax.set(xlabel="first weight", ylabel="second weight", title=title)

# %% [markdown]
# > **Predict, then run.** As λ grows, the minimum of loss plus penalty moves from (3, 2) towards (0, 0). Along a
# > straight line? If not, which weight gives way first?

# %% demo=True
ends = []
for lam in [0, 0.1, 0.3, 1, 3, 10, 100]:
    w = minimum.copy()
    for _ in range(300):
        w = w - 0.015 * (valley_gradient(w) + weight_decay({"w": w}, lam)[1]["w"])
    ends.append(w)
fig, ax = plt.subplots(figsize=(5.6, 4))
draw_valley(ax, "The minimum, for λ from 0 to 100: the flat direction gives way first")
ax.plot(*np.transpose(ends), marker="o");

# %% [markdown]
# Decay removes what the data hardly care about, and keeps what they insist on. That is the whole idea of
# regularization in one picture.

# %% [markdown]
# ### Two groups
#
# One λ need not suit all layers. The lecture gives one to each of two groups:
#
# $$\tilde E(\mathbf w) = E(\mathbf w) + \frac{\lambda_1}{2} \sum_{w \in \mathcal W_1} w^2
# + \frac{\lambda_2}{2} \sum_{w \in \mathcal W_2} w^2 .$$
#
# Now the groups decide, and names do not matter. A bias that stands in a group decays with it. What stands in no group
# is free.
#
# *By hand.* The first group holds the weights 1 and 2, with $\lambda_1 = 0.1$; the second holds the weight 3, with
# $\lambda_2 = 1$. The penalty is $0.05 \cdot 5 + 0.5 \cdot 9 = 4.75$. The gradients are (0.1, 0.2) and 3. A bias in
# neither group has the gradient 0.

# %%
two_layers = {"conv.weight": np.array([1.0, 2.0]), "dense.weight": np.array([[3.0]]), "dense.bias": np.array([4.0])}

# %% exercise="group_decay"
def group_decay(parameters, first, lam1, second, lam2):
    """The penalty lam1 / 2 · Σ w² over the first group plus lam2 / 2 · Σ w² over the second, and its gradients.

    parameters     dictionary from names to arrays of any shape
    first, second  lists of names: the parameters in each group, biases included if they are named; may be empty
    lam1, lam2     the lecture's λ₁ and λ₂, each 0 or more

    Returns a pair (penalty, gradients) as weight_decay does. gradients holds every name of parameters; the gradient
    of a parameter in neither group is all zeros.
    Raises ValueError if lam1 or lam2 is negative, if a name stands in both groups, or if a group holds a name that
    parameters does not have.
    """
    ### BEGIN SOLUTION
    if min(lam1, lam2) < 0:
        raise ValueError("lam1 and lam2 must be 0 or more")
    if set(first) & set(second):
        raise ValueError(f"first and second share {sorted(set(first) & set(second))}")
    if unknown := {*first, *second} - set(parameters):
        raise ValueError(f"first or second holds {sorted(unknown)}, which parameters does not have")
    rates = {**dict.fromkeys(parameters, 0.0), **dict.fromkeys(first, lam1), **dict.fromkeys(second, lam2)}
    penalty = sum(rates[name] / 2 * np.sum(array**2) for name, array in parameters.items())
    return float(penalty), {name: rates[name] * array for name, array in parameters.items()}
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="group_decay" name="by-hand" points=0.5
penalty, gradients = group_decay(two_layers, ["conv.weight"], 0.1, ["dense.weight"], 1.0)
close(penalty, 4.75, case="the penalty", hint="which λ belongs to which group, and what is in neither?")
close(gradients["conv.weight"], [0.1, 0.2], case="the first group", hint="λ₁ times each weight.")
close(gradients["dense.weight"], [[3]], case="the second group", hint="λ₂ times each weight.")
close(gradients["dense.bias"], [0], case="in neither group", hint="it has an entry, too: zeros.")

# %% [markdown]
# Hidden: other groups, and groups that make no sense.

# %% check="group_decay" name="groups" points=1
penalty, gradients = group_decay(two_layers, ["dense.bias"], 0.5, ["dense.weight"], 2.0)
close(penalty, 13, case="a bias in a group", hint="the groups decide, not the names: 0.25 · 16 + 1 · 9.")
close(gradients["dense.weight"], [[6]], case="a bias in a group, the other group", hint="its own λ.")
close(gradients["conv.weight"], [0, 0], case="a bias in a group, what is free", hint="an entry of zeros.")
# Hidden: several parameters in each group, biases in groups, empty groups, different λ.
### BEGIN HIDDEN TESTS
import torch

def by_torch(parameters, first, lam1, second, lam2):
    leaves = {name: torch.tensor(array, dtype=torch.float64, requires_grad=True) for name, array in parameters.items()}
    penalty = sum(0 * leaf.sum() for leaf in leaves.values())
    for group, lam in ((first, lam1), (second, lam2)):
        penalty = penalty + lam / 2 * sum((leaves[name] ** 2).sum() for name in group)
    penalty.backward()
    return penalty.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}

parameters = {
    "a.weight": rng.normal(size=(3, 2, 2, 4)), "a.bias": rng.normal(size=3), "b.weight": rng.normal(size=(5, 4)),
    "b.bias": rng.normal(size=5) + 2.0, "c.weight": rng.normal(size=(1, 5)), "c.bias": rng.normal(size=1) + 3.0,
}
for first, second, case in [
    (["c.weight", "a.weight"], ["b.weight"], "two layers in the first group"),
    (["a.weight"], ["b.weight", "b.bias"], "a bias in the second group"),
    (["b.bias", "c.bias"], ["a.weight", "c.weight"], "biases in the first group"),
    ([], ["b.weight", "c.bias"], "an empty first group"), (["a.bias"], [], "an empty second group"),
]:
    same(group_decay, by_torch, parameters, first, 0.4, second, 0.07, case=case)
same(group_decay, solution.group_decay, parameters, ["a.weight"], 0.0, ["b.weight"], 2.0, case="λ₁ = 0")
same(group_decay, solution.group_decay, parameters, ["a.weight"], 1.5, ["b.weight"], 0.0, case="λ₂ = 0")
unchanged(group_decay, parameters, ["a.weight"], 0.3, ["b.weight"], 0.2, case="the parameters")
### END HIDDEN TESTS

# %% [markdown]
# Which λ would a parameter obey that stands in both groups?

# %% check="group_decay" name="arguments" points=0.5
refuses(group_decay, two_layers, ["conv.weight"], 0.1, ["conv.weight"], 1.0,
        argument="second", case="in both groups")
refuses(group_decay, two_layers, ["conv.wieght"], 0.1, [], 1.0, argument="first", named=True, case="a misspelt name")
### BEGIN HIDDEN TESTS
refuses(group_decay, two_layers, ["dense.bias", "conv.weight"], 0.2, ["dense.weight", "dense.bias"], 0.2,
        argument="second", case="a bias in both groups, λ₁ = λ₂")
refuses(group_decay, two_layers, ["conv.weights"], 0.1, [], 0.3, argument="first", case="an unknown name, first group")
refuses(group_decay, two_layers, [], 0.1, ["dense.weight", "dens.bias"], 0.3, argument="second",
        case="an unknown name, second group")
refuses(group_decay, two_layers, ["conv.weight"], -0.1, ["dense.weight"], 0.2, argument="lam1", case="negative λ₁")
refuses(group_decay, two_layers, ["conv.weight"], 0.1, ["dense.weight"], -0.2, argument="lam2", case="negative λ₂")
same(group_decay, solution.group_decay, two_layers, ["conv.weight"], 0.3, [], 0.9, case="an empty second group")
refuses_each(group_decay, two_layers, ["conv.weight"], 0.5, ["dense.weight"], 0.25, reference=solution.group_decay, allowed={
    "lam1": domain.number(least=0.0), "lam2": domain.number(least=0.0),
    "first": domain.values(unknown=["nothing"], unknown_beside_a_known_one=["conv.weight", "conv"]),
    "second": domain.values(unknown=["nothing"], in_both=["conv.weight"], unknown_beside_a_known_one=["dense.weight", ""])})
fresh_result(group_decay, two_layers, ["conv.weight"], 1.0, ["dense.bias"], 1.0, case="λ₁ = λ₂ = 1")
refuses(group_decay, two_layers, [], -0.1, [], 0.2, argument="lam1", case="negative λ₁, both groups empty")
refuses(group_decay, two_layers, [], 0.1, [], -0.2, argument="lam2", case="negative λ₂, both groups empty")
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Dropout
#
# At each training step, **dropout** switches off some units at random. No unit can rely on one particular other being
# there, so what each learns has to be useful by itself. When training is over, all units work.
#
# But then the next layer gets more input than it was trained on. If every unit is dropped with probability $p$, a share
# $1 - p$ of them is left on average. The remedy is called **inverted dropout**: during training, divide the units that
# stay by $1 - p$. The average is then what it would be without dropout, and after training there is nothing to do.
#
# *By hand.* Six units hold 1 to 6. The seed 0 gives these six random numbers between 0 and 1:

# %%
units = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

# %% demo=True
np.random.default_rng(0).random((2, 3)).round(2)

# %% [markdown]
# With $p = 0.5$ those below 0.5 are dropped: three of the six. The others are divided by 0.5. From 1, 5 and 6 come 2,
# 10 and 12. With $p = 0.25$ only two are dropped, 3 and 4, and the others are multiplied by $4/3$.

# %% exercise="dropout"
def dropout(x, drop_prob, train, rng):
    """Inverted dropout: switch entries of x off at random, and scale the others up.

    x          array of any shape
    drop_prob  probability with which an entry is dropped, at least 0 and less than 1
    train      True during training; if False nothing is drawn, dropped or scaled, but drop_prob is checked as well
    rng        a numpy random Generator, or a whole number; np.random.default_rng(rng) makes a Generator of either

    In training, draw once, u = rng.random(x.shape). An entry is dropped if its entry of u is less than drop_prob.
    Returns a pair (y, mask) of new arrays of the shape of x: what is left of x, and the factor by which each entry
    was multiplied. On average over many draws, y is x. If train is False, every factor is 1.
    Raises ValueError if drop_prob is negative, or 1 or more.
    """
    ### BEGIN SOLUTION
    if not 0 <= drop_prob < 1:
        raise ValueError(f"drop_prob must be at least 0 and less than 1, not {drop_prob}")
    mask = np.ones(x.shape)
    if train:
        kept = np.random.default_rng(rng).random(x.shape) >= drop_prob
        mask = kept / (1 - drop_prob)
    return x * mask, mask
    ### END SOLUTION

# %% [markdown]
# The two examples above, and no training:

# %% check="dropout" name="by-hand" points=0.5
close(dropout(units, 0.5, True, 0)[0], [[2, 0, 0], [0, 10, 12]], case="half of the units dropped",
      hint="the random numbers are shown above: which units are dropped, and what becomes of the others?")
close(dropout(units, 0.25, True, 0)[1], [[4 / 3, 4 / 3, 0], [0, 4 / 3, 4 / 3]], case="the mask for p = 0.25",
      hint="the factor of each entry: 0, or one over what is left on average.")
close(dropout(units, 0.5, False, 0)[0], units, case="no training", hint="what does `train` decide?")

# %% [markdown]
# Hidden: other shapes and probabilities, what happens on average, evaluation, wrong arguments.

# %% check="dropout" name="any-shape" points=0.5
y, mask = dropout(np.array([1.0, 2.0, 3.0, 4.0]), 0.75, True, 1)  # the seed 1 gives 0.51, 0.95, 0.14 and 0.95
close(mask, [0, 4, 0, 4], case="four units, another seed, the mask",
      hint="one random number for each entry, from `rng`; a quarter is left on average.")
close(y, [0, 8, 0, 16], case="four units, another seed", hint="x times the mask.")
# Hidden: arrays of one to four dimensions, probabilities from 0 to nearly 1.
### BEGIN HIDDEN TESTS
for shape, drop_prob in [((7,), 0.3), ((5, 8), 0.7), ((3, 4, 5, 2), 0.2), ((2, 1, 6, 3), 0.9), ((4, 6), 0.0)]:
    x = rng.normal(size=shape)
    case = f"{len(shape)} dimensions, drop_prob {drop_prob}"
    y, mask = same(dropout, solution.dropout, x, drop_prob, True, int(rng.integers(10**9)), case=case)
    close(y, x * np.asarray(mask), case=f"{case}, y is x * mask")
### END HIDDEN TESTS

# %% check="dropout" name="on-average" points=0.5
# Hidden: how many entries are dropped and where, the mean of what is left, another seed.
### BEGIN HIDDEN TESTS
drawn = np.random.default_rng(23).random((2, 4))
for place in ((0, 1), (1, 2)):
    same(dropout, solution.dropout, rng.normal(size=(2, 4)), float(drawn[place]), True, 23,
         case="a random number that is just drop_prob")
seeds = [int(s) for s in rng.integers(10**9, size=2)]
images, width = 60, 200
for drop_prob in (0.2, 0.85):
    masks = [np.asarray(dropout(np.ones((images, width)), drop_prob, True, s)[1], dtype=float) for s in seeds]
    off = masks[0] == 0
    margin = 6 * np.sqrt(drop_prob * (1 - drop_prob) / off.size)
    passes(bool(abs(off.mean() - drop_prob) < margin), "The share of dropped entries should be about drop_prob.")
    passes(bool(abs(masks[0].mean() - 1) < margin / (1 - drop_prob)), "On average, the mask should be about 1.")
    passes(bool((off != off[0]).any()), "Each example of a batch should have a mask of its own.")
    passes(bool((off != off[:, :1]).any()), "Each unit should be dropped by its own chance.")
    passes(bool((masks[0] != masks[1]).any()), "Another seed should give another mask.")
### END HIDDEN TESTS

# %% check="dropout" name="generator" points=0.5
generator = np.random.default_rng(8)
generator.random(4)  # the first step has taken 0.33, 0.99, 0.32 and 0.79; the next four are 0.87, 0.39, 0.44 and 0.37
close(dropout(np.ones((2, 2)), 0.6, True, generator)[1], [[2.5, 0], [0, 0]], case="the second step",
      hint="np.random.default_rng(rng) takes a generator as it is, and goes on from where it stands.")
# Hidden: two steps with one and the same generator.
### BEGIN HIDDEN TESTS
x = rng.normal(size=(6, 7))
expected = two_calls(solution.dropout, x, 0.4, True)
same(lambda x: student.two_calls(dropout, x, 0.4, True), lambda _: expected, x, case="one generator, two steps",
     hint="np.random.default_rng(rng) leaves a generator what it is; each step takes up where the last one stopped.")
### END HIDDEN TESTS

# %% check="dropout" name="evaluation" points=0.5
x = np.array([[1.0, -2.0]])
y, mask = dropout(x, 0.75, False, 0)
close(y, [[1, -2]], case="no training, p = 0.75", hint="nothing dropped, nothing scaled.")
close(mask, [[1, 1]], case="no training, the mask", hint="nothing dropped, nothing scaled.")
close(kept_apart(dropout, x, 0.75, False, 0), [[1, -2]], case="x, once y is overwritten", hint="return a new array.")
# Hidden: outside of training, x stays what it is and the mask is 1, for every drop_prob that is allowed.
### BEGIN HIDDEN TESTS
for drop_prob in (0.0, 0.4, 0.99):
    x = rng.normal(size=(4, 3, 5))
    y, mask = same(dropout, solution.dropout, x, drop_prob, False, 5, case=f"no training, drop_prob {drop_prob}")
    close(mask, np.ones(x.shape), case="the mask outside of training")
    same(lambda x: student.kept_apart(dropout, x, 0.4, False, 5), lambda x: x, x, case="x, once y is overwritten",
         hint="y should be a new array; yours is x itself, so what is done to y is done to x.")
### END HIDDEN TESTS

# %% [markdown]
# With $p = 1$ nothing would be left to scale up:

# %% check="dropout" name="arguments" points=0.5
refuses(dropout, units, 1.0, True, 0, argument="drop_prob", named=True, case="drop_prob 1")
### BEGIN HIDDEN TESTS
for drop_prob in (-0.1, 1.5):
    refuses(dropout, units, drop_prob, True, 0, argument="drop_prob", case="drop_prob out of range")
refuses(dropout, units, 1.0, False, 0, argument="drop_prob", case="drop_prob 1, no training")
x = rng.normal(size=(3, 6))
for train in (True, False):
    unchanged(dropout, x, 0.4, train, 3, case=f"train is {train}")
case = "drop_prob just below 1"
same(dropout, solution.dropout, rng.normal(size=(40, 25)), 0.99, True, 11, case=case)
for train in (True, False):
    refuses_each(dropout, x, 0.4, train, 3, allowed={"drop_prob": domain.number(least=0.0, below=1.0)}, reference=solution.dropout)
    fresh_result(dropout, x, 0.4, train, 3, kind=tuple, case=f"train is {train}")
    fresh_result(dropout, x, 0.0, train, 3, case=f"drop_prob 0, train is {train}")
    for drop_prob in (0.0, 0.4):
        _, (*_, after) = called(dropout, x, drop_prob, train, np.random.default_rng(5))
        drawn = np.random.default_rng(5)
        if train:
            drawn.random(x.shape)
        passes(bool(after.random() == drawn.random()), "The generator should give one number for each entry in training, "
               "and none otherwise.", hint="draw u once, whatever drop_prob is, and only if train is True")
### END HIDDEN TESTS

# %% [markdown]
# ### The way back
#
# Forward, $y = x \cdot \text{mask}$. So backward, each gradient is multiplied by the same mask: a unit that was dropped
# is told nothing, and one that was scaled up is told more. "The same" is the point. That is why `dropout` returns its
# mask.
#
# *By hand.* The mask above was 2, 0, 0, 0, 2, 2. From the upstream gradient 1, 10, 100, 1000, 10⁴, 10⁵ come
# 2, 0, 0, 0, 2·10⁴, 2·10⁵.

# %% exercise="dropout_backward"
def dropout_backward(grad, mask):
    """The gradient of the loss with respect to the input of dropout.

    grad  gradient with respect to y, an array
    mask  the mask that dropout returned with y, of the same shape

    Returns an array of the same shape. Raises ValueError if grad and mask differ in shape.
    """
    ### BEGIN SOLUTION
    if grad.shape != mask.shape:
        raise ValueError(f"grad has the shape {grad.shape}, mask {mask.shape}")
    return grad * mask
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="dropout_backward" name="by-hand" points=0.5
mask = np.array([[2.0, 0, 0], [0, 2, 2]])
close(dropout_backward(np.array([[1.0, 10, 100], [1e3, 1e4, 1e5]]), mask), [[2, 0, 0], [0, 2e4, 2e5]],
      case="the way back", hint="what became of each entry on the way forward?")

# %% [markdown]
# Hidden: other masks, compared with torch; wrong arguments.

# %% check="dropout_backward" name="any-mask" points=0.5
close(dropout_backward(np.array([1.0, -3.0, 5.0, 7.0]), np.array([0.0, 4.0, 0.0, 4.0])), [0, -12, 0, 28],
      case="a mask for p = 0.75", hint="the same factor as on the way forward, from the same mask.")
# Hidden: random gradients and masks, compared with the derivative that torch finds.
### BEGIN HIDDEN TESTS
import torch

def by_torch(grad, mask):
    leaf = torch.zeros(grad.shape, dtype=torch.float64, requires_grad=True)
    (leaf * torch.from_numpy(mask)).backward(torch.from_numpy(grad))
    return leaf.grad.numpy()

for shape, drop_prob in [((6, 9), 0.3), ((2, 3, 4, 5), 0.75), ((11,), 0.0)]:
    mask = (rng.random(shape) >= drop_prob) / (1 - drop_prob)
    same(dropout_backward, by_torch, rng.normal(size=shape), mask, case=f"{len(shape)} dimensions, p = {drop_prob}")
unchanged(dropout_backward, rng.normal(size=(3, 4)), np.full((3, 4), 2.0))
### END HIDDEN TESTS

# %% check="dropout_backward" name="arguments" points=0.5
refuses(dropout_backward, np.ones((2, 3)), np.ones(3), argument="grad", case="a mask of one row")
refuses(dropout_backward, np.ones((1, 3)), np.ones((3, 1)), argument="grad", case="a row and a column")
# Hidden: gradients that do not fit the mask.
### BEGIN HIDDEN TESTS
same(dropout_backward, solution.dropout_backward, np.ones((2, 5)), np.full((2, 5), 1.25), case="nothing dropped")
refuses(dropout_backward, np.ones((2, 5)), np.ones(5), argument="grad", case="a mask of one row")
refuses(dropout_backward, np.ones((1, 5)), np.ones((4, 5)), argument="grad", case="a gradient of one row")
refuses(dropout_backward, np.ones((5, 2)), np.ones((2, 5)), argument="grad", case="a mask that is turned")
refuses(dropout_backward, np.ones((1, 4)), np.ones((4, 1)), argument="grad", case="a row and a column")
mask = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0]])
for other in (mask, 2 - mask, mask[::-1]):
    same(dropout_backward, solution.dropout_backward, rng.normal(size=(2, 3)), other, case="another mask of the same shape")
fresh_result(dropout_backward, rng.normal(size=(2, 3)), np.ones((2, 3)), case="nothing dropped")
fresh_result(dropout_backward, np.ones((2, 3)), mask, case="a gradient of ones")
refuses_each(dropout_backward, rng.normal(size=(2, 3)), mask, reference=solution.dropout_backward, allowed={
    "grad": domain.shape(), "mask": domain.shape()})
### END HIDDEN TESTS

# %% [markdown]
# What a network sees when its *input* is dropped. The first row is one picture with rising $p$, the second the same
# picture with $p = 0.5$ and five seeds. The last is the average over 100 seeds. Scaling up is what makes that average
# as bright as the original.

# %% demo=True
pictures, labels = fashion("train", 40)
bag = pictures[3].astype(float)
weaker = [dropout(bag, p, True, 1)[0] for p in (0, 0.1, 0.3, 0.5, 0.7, 0.9)]
drawn = [dropout(bag, 0.5, True, seed)[0] for seed in range(5)]
average = np.mean([dropout(bag, 0.5, True, seed)[0] for seed in range(100)], axis=0)
titles = [*(f"p = {p}" for p in (0, 0.1, 0.3, 0.5, 0.7, 0.9)), *(f"seed {s}" for s in range(5)), "mean of 100"]
show_grid([*weaker, *drawn, average], titles, columns=6, limits=(0, 2),
          title="The fewer are left, the brighter they are")

# %% [markdown]
# ## 3. Early stopping
#
# While a network trains, its loss on the training set falls and falls. Its loss on a **validation set**, which it is
# not trained on, falls at first and then rises: from there on it learns what is peculiar to the training set. So stop
# there, says the lecture. But the curve is rough, and one bad epoch means little. So one waits for a few epochs, the
# **patience**, before one gives up. By then the weights have moved on, and the best ones are gone unless somebody kept
# a copy.
#
# Your class does three things after each epoch: it decides whether the epoch was an improvement, it keeps a copy of the
# weights if so, and it says whether to stop.
#
# *By hand.* With patience 2 and `min_delta` 0.1, the validation losses are 1.0, 0.8, 0.75, 0.69, 0.8, 0.6, 0.4.
#
# | epoch | loss | improvement? | epochs without | stop? |
# |---|---|---|---|---|
# | 1 | 1.0 | yes, the first | 0 | no |
# | 2 | 0.8 | yes, less than 1.0 − 0.1 | 0 | no |
# | 3 | 0.75 | no: not less than 0.8 − 0.1 | 1 | no |
# | 4 | 0.69 | yes, less than 0.8 − 0.1 | 0 | no |
# | 5 | 0.8 | no | 1 | no |
# | 6 | 0.6 | no: 0.6 is not less than 0.69 − 0.1 | 2 | **yes** |
#
# Epoch 7 would have been the best of all. Early stopping does not know the future.
#
# The class below is given. Yours inherits from it, and so gets a method that plays through a whole training with losses
# made up beforehand. Note the `+=`: like a real optimizer, it changes the weights in place.

# %%
class Rehearsal:
    """A training that is only played, for a class with update, best_epoch, best_loss and best_weights."""

    def rehearse(self, losses):
        """Play one epoch for each validation loss, until update says stop.

        The weights count the epochs: they are 1 after the first, 2 after the second. Returns (epochs played,
        best_epoch, best_loss, best_weights).
        """
        weights, epoch = {"dense.weight": np.zeros(2)}, 0
        for epoch, loss in enumerate(losses, start=1):
            weights["dense.weight"] += 1
            if self.update(loss, weights):
                break
        return epoch, self.best_epoch, self.best_loss, self.best_weights

# %% exercise="EarlyStopping"
class EarlyStopping(Rehearsal):
    """Watches the validation loss, keeps a copy of the best weights, and says when to stop.

    patience   after how many epochs in a row without improvement to stop, a whole number, at least 1
    min_delta  a loss is an improvement if it is less than best_loss - min_delta; a number, at least 0.
               A loss equal to that, or NaN, is none.

    Attributes, none of which changes in an epoch without improvement:
    best_loss     the loss at the last improvement; infinity before the first
    best_epoch    the epoch of the last improvement, where the first epoch is 1; 0 before the first
    best_weights  a dictionary with copies of the weights after that epoch, which no later training changes;
                  None before the first improvement

    Raises ValueError if patience is less than 1 or min_delta is negative.
    """

    def __init__(self, patience, min_delta):
        ### BEGIN SOLUTION
        if patience < 1:
            raise ValueError(f"patience must be at least 1, not {patience}")
        if min_delta < 0:
            raise ValueError(f"min_delta must be at least 0, not {min_delta}")
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_weights = math.inf, 0, None
        self.epoch = 0
        ### END SOLUTION

    def update(self, loss, weights):
        """Take note of an epoch: its validation loss and the weights, a dictionary from names to arrays.

        Returns True if at least patience epochs have passed since the last improvement (or since the beginning, if
        there was none), else False. It may be called again after it has returned True, and goes on in the same way.
        """
        ### BEGIN SOLUTION
        self.epoch += 1
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, self.epoch
            self.best_weights = {name: array.copy() for name, array in weights.items()}
        return self.epoch - self.best_epoch >= self.patience
        ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: what to count</summary>
#
# Keep the number of the present epoch. How many epochs without improvement are there, if the last improvement was in
# `best_epoch`? As for NaN: every comparison with it is false. Write yours so that false means *no improvement*.
# </details>
#
# The example above. At the fourth epoch the weights are 4:

# %% check="EarlyStopping" name="by-hand" points=0.5
played, best_epoch, best_loss, best_weights = EarlyStopping(2, 0.1).rehearse([1.0, 0.8, 0.75, 0.69, 0.8, 0.6, 0.4])
close(played, 6, case="the epoch in which training stops", hint="go through the table above line by line.")
close([best_epoch, best_loss], [4, 0.69], case="the best epoch and its loss", hint="line 4 of the table above.")
close(best_weights["dense.weight"], [4, 4], case="the weights after the best epoch",
      hint="were they copied in that epoch, and only then? Training goes on changing its own arrays.")

# %% [markdown]
# Hidden: when to stop, what counts as an improvement, losses that are NaN, what happens to the weights, and wrong
# arguments.

# %% check="EarlyStopping" name="patience" points=0.5
played, best_epoch, best_loss, _ = EarlyStopping(3, 0.0).rehearse([3.0, 2.0, 2.5, 1.0, 1.5, 1.25, 2.0, 0.5])
close([played, best_epoch, best_loss], [7, 4, 1], case="patience 3",
      hint="epochs 5, 6 and 7 are no better than epoch 4; the bump at epoch 3 was made good.")
stopping = EarlyStopping(1, 0.0)
answers = [stopping.update(loss, {"w": np.zeros(1)}) for loss in (1.0, 2.0, 0.5)]
close(answers, [False, True, False], case="what update returns, also after it has said stop",
      hint="an improvement counts, whenever it comes.")
# Hidden: random losses, patience from 1 to 6; when training stops and which epoch was best.
### BEGIN HIDDEN TESTS
def stops(losses, patience):
    """By definition: the first epoch at whose end the last `patience` losses are no better than the best before."""
    for epoch in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:epoch])) + 1
        if epoch - best >= patience:
            break
    return epoch, best, float(losses[best - 1])

for patience in (1, 2, 3, 4, 6):
    losses = [float(loss) for loss in rng.permutation(24) / 8 + np.linspace(3, 0, 24)]
    played, best_epoch, best_loss, _ = EarlyStopping(patience, 0.0).rehearse(losses)
    close([played, best_epoch, best_loss], stops(losses, patience), case=f"patience {patience}")
    falling = sorted(losses, reverse=True)
    played, best_epoch, _, _ = EarlyStopping(patience, 0.0).rehearse(falling)
    close([played, best_epoch], [24, 24], case=f"patience {patience}, a loss that falls throughout")
stopping, weights = EarlyStopping(2, 0.0), {"w": np.zeros(2)}
answers = [stopping.update(loss, weights) for loss in (2.0, 3.0, 2.5, 2.25, 1.0, 4.0, 0.5, 0.25, 0.75)]
expected = [False, False, True, True, False, False, False, False, False]
same(lambda: answers, lambda: expected, case="what update returns, also after it has said stop")
### END HIDDEN TESTS

# %% check="EarlyStopping" name="improvement" points=1
close(EarlyStopping(2, 0.5).rehearse([2.0, 1.5, 1.25, 1.0])[:2], [4, 3], case="just min_delta, then a little more",
      hint="1.5 is not less than 2 - 0.5; 1.25 is; 1.0 is not less than 1.25 - 0.5.")
# Hidden: losses that fall by less than min_delta, by just as much, and little by little.
### BEGIN HIDDEN TESTS
for losses, patience, min_delta, expected, case in [
    ([1.0, 1.5, 1.25, 1.75, 0.25, 0.5], 3, 1.0, (4, 1, 1.0), "losses within min_delta above the best"),
    ([1.0, 1.0, 1.0, 0.5], 2, 0.0, (3, 1, 1.0), "equal losses"),
    ([1.0, 1.0 - 1e-9, 1.0 - 2e-9, 1.0 - 3e-9], 2, 0.0, (4, 4, 1.0), "a loss that falls by very little"),
    ([4.0, 3.5, 3.0, 2.5, 0.5], 3, 0.5, (5, 5, 0.5), "a loss less by just min_delta"),
    ([4.0, 3.5, 3.5, 3.5, 0.5], 3, 0.5, (4, 1, 4.0), "a loss less by just min_delta, then still"),
    ([8.0, 7.75, 7.5, 7.25, 6.75, 6.5, 6.25, 6.0], 4, 1.0, (8, 5, 6.75), "a loss that falls little by little"),
    ([2.0, 1.75, 1.5, 0.0], 2, 1.0, (3, 1, 2.0), "steps too small for min_delta"),
    ([-1.0, -1.25, -3.0, -3.5, -3.75], 2, 1.0, (5, 3, -3.0), "negative losses"),
]:
    played, best_epoch, best_loss, _ = EarlyStopping(patience, min_delta).rehearse(losses)
    close([played, best_epoch, best_loss], expected, case=case)
### END HIDDEN TESTS

# %% check="EarlyStopping" name="not-a-number" points=0.5
nan = float("nan")
close(EarlyStopping(2, 0.0).rehearse([3.0, nan, 2.0])[:2], [3, 3], case="NaN in between",
      hint="every comparison with NaN is false.")
played, best_epoch, best_loss, best_weights = EarlyStopping(2, 0.0).rehearse([nan, 2.0, nan, nan, 1.0])
close([played, best_epoch, best_loss], [4, 2, 2], case="NaN first and last",
      hint="NaN is no improvement, not even at first; write the comparison so that false means none.")
close(best_weights["dense.weight"], [2, 2], case="NaN first and last, the weights", hint="those of epoch 2.")
# Hidden: losses that are NaN or infinite, at the beginning, in between and at the end.
### BEGIN HIDDEN TESTS
inf = float("inf")
for losses, expected, case in [
    ([2.0, nan, nan, nan, 1.0], (4, 1, 2.0), "NaN after a number"),
    ([nan, 2.0, nan, 1.5, nan, nan, 1.75], (7, 4, 1.5), "NaN at the beginning and in between"),
    ([3.0, inf, 2.0, inf, inf, inf], (6, 3, 2.0), "an infinite loss"),
    ([inf, 3.0, inf, inf, inf], (5, 2, 3.0), "an infinite loss at the beginning"),
    ([2.0, -inf, 1.0, 0.5, -1.0], (5, 2, -inf), "a loss of minus infinity"),
]:
    played, best_epoch, best_loss, _ = EarlyStopping(3, 0.0).rehearse(losses)
    close([played, best_epoch, best_loss], expected, case=case)
played, best_epoch, _, best_weights = EarlyStopping(2, 0.0).rehearse([inf, inf, 1.0])
close([played, best_epoch], [2, 0], case="nothing but infinite losses")
passes(best_weights is None, "Before the first improvement, best_weights should be None.")
played, best_epoch, best_loss, best_weights = EarlyStopping(2, 0.0).rehearse([nan, nan, 1.0])
close([played, best_epoch, best_loss], [2, 0, inf], case="nothing but NaN")
passes(best_weights is None, "Before the first improvement, best_weights should be None.")
### END HIDDEN TESTS

# %% check="EarlyStopping" name="weights" points=1
kept = EarlyStopping(3, 0.0).rehearse([5.0, 4.0, 4.5, 4.25, 4.75])[3]
close(kept["dense.weight"], [2, 2], case="the weights of the second of five epochs",
      hint="copies of the arrays, made when the loss is lower than the best so far.")
# Hidden: the weights that are kept, while training goes on and changes its own.
### BEGIN HIDDEN TESTS
for losses, best in [([5.0, 4.0, 3.0, 3.5, 3.25, 3.75], 3), ([1.0, 2.0, 3.0, 4.0], 1), ([3.0, 2.0, 1.0], 3)]:
    *_, best_weights = EarlyStopping(3, 0.0).rehearse(losses)
    passes(isinstance(best_weights, dict) and list(best_weights) == ["dense.weight"],
           "best_weights should be a dictionary with the names of the weights.")
    close(best_weights["dense.weight"], [best, best], case="the weights after the best epoch",
          hint="does best_weights hold copies, or the arrays that training goes on changing?")
stopping = EarlyStopping(1, 0.0)
before = stopping.best_weights
weights = {"a.weight": rng.normal(size=(2, 3)), "b.bias": rng.normal(size=4)}
stopping.update(1.0, weights)
stopping.update(2.0, {name: array + 1 for name, array in weights.items()})
passes(before is None, "Before the first improvement, best_weights should be None.")
kept = stopping.best_weights
passes(isinstance(kept, dict), "best_weights should be a dictionary.")
same(lambda: kept, lambda: weights, case="weights of two shapes")
unchanged(EarlyStopping(1, 0.0).update, 1.0, weights)
### END HIDDEN TESTS

# %% [markdown]
# Somebody without patience never begins:

# %% check="EarlyStopping" name="arguments" points=0.5
refuses(EarlyStopping, 0, 0.1, argument="patience", named=True, case="no patience")
refuses(EarlyStopping, 3, -0.1, argument="min_delta", named=True, case="a negative min_delta")
### BEGIN HIDDEN TESTS
refuses(EarlyStopping, -2, 0.0, argument="patience", case="negative patience")
refuses(EarlyStopping, 1, -1e-9, argument="min_delta", case="min_delta just below 0")
close(EarlyStopping(1, 0.0).rehearse([3.0, 2.0, 2.0, 1.0])[:3], [3, 2, 2.0], case="patience 1")
for patience in (0, -1):
    for min_delta in (0.0, 0.5, -0.5):
        refuses(EarlyStopping, patience, min_delta, argument="patience", case="patience below 1")
for min_delta in (-1e-3, -1.0, -5):
    refuses(EarlyStopping, 2, min_delta, argument="min_delta", case="min_delta below 0")
### END HIDDEN TESTS

# %% [markdown]
# > **Museum of real bugs.** `best_weights = weights` keeps no copy but a second name for the same arrays. Training goes
# > on, and what was restored in the end is simply the last state. Nothing crashes, and the result is only a little
# > worse than it should be. A check that hands over fresh arrays in each epoch cannot see it. The method above, with
# > its `+=`, can.
#
# In section 9 early stopping meets a real network. Here are losses drawn to look like one. Where would you stop?

# %% demo=True
epochs = np.arange(1, 61)
training = 1.8 * np.exp(-epochs / 12)
validation = 1.6 * np.exp(-epochs / 9) + 0.4 + 0.008 * epochs + 0.03 * np.random.default_rng(4).normal(size=60)
ends = {patience: EarlyStopping(patience, 0.0).rehearse(validation)[:2] for patience in (1, 3, 10)}
for patience, (played, best) in ends.items():
    print(f"patience {patience:2}: stops after epoch {played}, keeps the weights of epoch {best}")
fig, ax = plt.subplots()
show_curves({"training": training, "validation": validation}, ax, xlabel="epoch", ylabel="loss",
            title="Too little patience stops at the first bump")
for height, (patience, (played, best)) in zip((0.95, 0.85, 0.75), ends.items()):
    ax.axvline(played, color="#666666", linestyle=":")
    ax.plot(best, validation[best - 1], "o", color="#444444")
    ax.annotate(f"patience {patience} stops, keeps {best}", (played, height), xytext=(4, 0),
                xycoords=("data", "axes fraction"), textcoords="offset points", va="top", fontsize="small")

# %% [markdown]
# ## 4. Momentum
#
# Gradient descent forgets each step as soon as it is done. In a narrow valley the steep walls forbid large steps, and
# small ones creep along the flat floor. **Momentum** remembers. The lecture writes the increment of a weight, without
# and with it, as
#
# $$\Delta w = \eta\, \frac{\partial E}{\partial w} \qquad\qquad
# \Delta w^{t} = \eta\, \frac{\partial E}{\partial w} + \gamma\, \Delta w^{t-1} .$$
#
# The increment points *up* the slope, as the gradient does. So the weight *loses* it: $w \leftarrow w - \Delta w^{t}$.
# Others put the minus sign into the increment, or leave $\eta$ out of it. Those are different conventions for almost
# the same thing, and mixing two of them is a classical mistake.
#
# *By hand.* The weights are (1, 2), the gradient is (10, −20), the previous increment (1, 0), $\eta = 0.1$ and
# $\gamma = 0.5$. The new increment is $0.1 \cdot (10, -20) + 0.5 \cdot (1, 0) = (1.5, -2)$, and the weights become
# $(-0.5, 4)$.

# %% exercise="momentum"
def momentum(w, grad, velocity, learning_rate, gamma):
    """One step of gradient descent with momentum, in the lecture's convention.

    w              weights, array of any shape
    grad           gradient of the loss at w, of the same shape
    velocity       the increment Δw of the step before, of the same shape; zeros before the first step
    learning_rate  the lecture's η, greater than 0
    gamma          the momentum factor γ, at least 0 and less than 1

    Returns a pair of new arrays (new_w, new_velocity): the weights after the step, and the increment that they lost.
    Raises ValueError if grad or velocity does not have the shape of w, or if learning_rate or gamma is out of range.
    """
    ### BEGIN SOLUTION
    if grad.shape != w.shape or velocity.shape != w.shape:
        raise ValueError(f"grad {grad.shape} and velocity {velocity.shape} must have the shape of w, {w.shape}")
    if learning_rate <= 0:
        raise ValueError(f"learning_rate must be greater than 0, not {learning_rate}")
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be at least 0 and less than 1, not {gamma}")
    increment = learning_rate * grad + gamma * velocity
    return w - increment, increment
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="momentum" name="by-hand" points=0.5
new_w, new_velocity = momentum(np.array([1.0, 2.0]), np.array([10.0, -20.0]), np.array([1.0, 0.0]), 0.1, 0.5)
close(new_velocity, [1.5, -2], case="the increment", hint="η times the gradient plus γ times the previous increment.")
close(new_w, [-0.5, 4], case="the weights", hint="they lose the new increment.")

# %% [markdown]
# Hidden: other numbers, many steps in a row, wrong arguments.

# %% check="momentum" name="one-step" points=1
close(momentum(np.array([1.0]), np.array([2.0]), np.array([9.0]), 0.5, 0.0)[0], [0], case="γ = 0",
      hint="without memory: the weight less η times the gradient.")
new_w, new_velocity = momentum(np.array([2.0, -1.0]), np.array([4.0, 2.0]), np.array([1.0, -2.0]), 0.5, 0.25)
close(new_velocity, [2.25, 0.5], case="η = 0.5, γ = 0.25, the increment", hint="(2, 1) and a quarter of (1, -2).")
close(new_w, [-0.25, -1.5], case="η = 0.5, γ = 0.25, the weights", hint="they lose the new increment.")
# Hidden: arrays of one to four dimensions, several values of η and γ, γ = 0; the arguments stay as they were.
### BEGIN HIDDEN TESTS
for shape, learning_rate, gamma in [
    ((5,), 0.03, 0.9), ((3, 4), 2.0, 0.25), ((2, 3, 4, 5), 0.4, 0.0), ((1, 6), 0.7, 0.99), ((1,), 0.5, 0.5),
]:
    w, grad, velocity = (rng.normal(size=shape) for _ in range(3))
    case = f"{w.ndim} dimensions, η = {learning_rate}, γ = {gamma}"
    new_w, new_velocity = same(momentum, solution.momentum, w, grad, velocity, learning_rate, gamma, case=case)
    close(w - np.asarray(new_w), new_velocity, case=f"{case}, what w lost is the increment", tolerance=1e-5)
unchanged(momentum, *(rng.normal(size=(2, 3)) for _ in range(3)), 0.1, 0.9)
### END HIDDEN TESTS

# %% check="momentum" name="many-steps" points=0.5
w, velocity = momentum(np.zeros(1), np.ones(1), np.zeros(1), 1.0, 0.5)
w, velocity = momentum(np.asarray(w), np.ones(1), np.asarray(velocity), 1.0, 0.5)
close([w, velocity], [[-2.5], [1.5]], case="two steps of gradient 1", hint="the increments are 1 and 1 + 0.5.")
# Hidden: many steps down a bowl, compared with another account of the same motion; the first step from rest.
### BEGIN HIDDEN TESTS
first, velocity = rng.normal(size=4), np.zeros(4)
w, slopes = first, []
for step in range(1, 9):
    slopes.append(0.9 * w)
    new_w, new_velocity = momentum(w, slopes[-1], velocity, 0.2, 0.8)
    w, velocity = np.asarray(new_w), np.asarray(new_velocity)
    lost = sum(0.2 * (1 - 0.8 ** (step - k)) / (1 - 0.8) * slope for k, slope in enumerate(slopes))
    close(w, first - lost, case=f"step {step} from rest", tolerance=1e-5)
    increment = sum(0.2 * 0.8 ** (step - 1 - k) * slope for k, slope in enumerate(slopes))
    close(velocity, increment, case=f"the increment of step {step} from rest", tolerance=1e-5)
### END HIDDEN TESTS

# %% check="momentum" name="arguments" points=0.5
refuses(momentum, np.ones(2), np.ones(1), np.ones(2), 0.1, 0.9,
        argument="grad", named=True, case="a gradient of another shape")
refuses(momentum, np.ones(2), np.ones(2), np.ones(2), 0.1, 1.0, argument="gamma", named=True, case="γ = 1")
refuses(momentum, np.ones((1, 2)), np.ones((2, 1)), np.ones((1, 2)), 0.1, 0.9,
        argument="grad", named=True, case="a column")
# Hidden: shapes that do not fit, learning rates and momentum factors out of range.
### BEGIN HIDDEN TESTS
a, b = np.ones((2, 3)), np.ones((1, 3))
same(momentum, solution.momentum, 3 * a, a, a, 0.5, 0.25, case="the smallest example")
refuses(momentum, a, b, a, 0.1, 0.9, argument="grad", case="a gradient of another shape")
refuses(momentum, a, a, b, 0.1, 0.9, argument="velocity", case="an increment of another shape")
refuses(momentum, b, a, a, 0.1, 0.9, argument="grad", case="weights of another shape")
row, column = np.ones((1, 4)), np.ones((4, 1))
refuses(momentum, row, column, row, 0.1, 0.9, argument="grad", case="a column for a row")
refuses(momentum, row, row, column, 0.1, 0.9, argument="velocity", case="a column for a row")
for learning_rate in (0.0, -0.1):
    refuses(momentum, a, a, a, learning_rate, 0.9, argument="learning_rate", case="a learning rate of 0 or less")
for gamma in (1.0, -0.1, -0.9, 1.5):
    refuses(momentum, a, a, a, 0.1, gamma, argument="gamma", named=True, case="gamma out of range")
w, grad, velocity = (rng.normal(size=(2, 3)) for _ in range(3))
refuses_each(momentum, w, grad, velocity, 0.1, 0.5, reference=solution.momentum, allowed={
    "grad": domain.shape(), "velocity": domain.shape(), "learning_rate": domain.number(above=0.0),
    "gamma": domain.number(least=0.0, below=1.0)})
fresh_result(momentum, w, grad, velocity, 0.1, 0.0, case="γ = 0")
fresh_result(momentum, w, grad, velocity, 1.0, 0.5, case="η = 1")
fresh_result(momentum, w, grad, np.zeros((2, 3)), 1.0, 0.0, case="η = 1, γ = 0")
fresh_result(momentum, w, np.zeros((2, 3)), np.zeros((2, 3)), 0.5, 0.5, case="no gradient and no velocity")
### END HIDDEN TESTS

# %% [markdown]
# Now the valley of section 1. If every gradient were the same, the increments would add up to
# $\eta\,(1 + \gamma + \gamma^2 + \dots) = \eta / (1 - \gamma)$ times that gradient. With $\gamma = 0.8$ that is five
# times as far. Along the flat direction gradients do agree; across the valley they cancel.
#
# > **Predict, then run.** The same learning rate, the same number of steps. Which of the two paths overshoots the
# > minimum, and which is nearer at the end?

# %%
start, valley_steps = np.array([-0.6, 3.6]), 25


def draw_path(ax, path, title):
    """A path of weights over the contours of valley."""
    draw_valley(ax, title)
    ax.plot(*np.transpose(path), marker="o", markersize=3)
    ax.plot(*minimum, marker="*", markersize=14, color="black")

# %% demo=True
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8))
for ax, gamma in zip(axes, (0.0, 0.8)):
    w, velocity, path = start, np.zeros(2), [start]
    for _ in range(valley_steps):
        w, velocity = momentum(w, valley_gradient(w), velocity, 0.1, gamma)
        path.append(w)
    draw_path(ax, path, f"γ = {gamma}: loss {valley(w):.4f} after {valley_steps} steps")

# %% [markdown]
# Without momentum the path comes down the steep wall at once and then creeps along the floor. With momentum it swings
# across the floor several times, as a ball would, and in spite of the detour it is nearer.
#
# Today's favourite is **Adam** (Kingma and Ba, 2015). It remembers two averages for each weight: of the gradient, as
# momentum does, and of its square. The step is the one divided by the root of the other, so every weight moves by about
# $\eta$ however steep its direction is. At first both averages are too small, because they start from 0; the two
# divisions by $1 - \beta^t$ make up for that. It is given here. Change its learning rate, and the others'.

# %% demo=True
def adam(w, grad, memory, learning_rate, beta1=0.9, beta2=0.999):
    """One step of Adam; memory is the triple (step, average, average of squares) and begins as (0, 0, 0)."""
    step = memory[0] + 1
    average, squares = beta1 * memory[1] + (1 - beta1) * grad, beta2 * memory[2] + (1 - beta2) * grad**2
    move = learning_rate * average / (1 - beta1**step) / (np.sqrt(squares / (1 - beta2**step)) + 1e-8)
    return w - move, (step, average, squares)

fig, axes = plt.subplots(1, 3, figsize=(13, 3.8))
for ax, rate in zip(axes, (0.1, 0.3, 1.0)):
    w, memory, path = start, (0, np.zeros(2), np.zeros(2)), [start]
    for _ in range(valley_steps):
        w, memory = adam(w, valley_gradient(w), memory, rate)
        path.append(w)
    draw_path(ax, path, f"Adam, η = {rate}: loss {valley(w):.4f}")

# %% [markdown]
# Adam's first steps go at 45 degrees: both weights move by η, the steep one no farther than the flat one. Whether it
# beats momentum depends on η, as it does for real networks. What it saves is a learning rate for each direction.

# %% [markdown]
# ## 5. A learning rate that changes
#
# "Make η large at the beginning of learning and decrease it later", says the lecture. Large steps cover the distance,
# small ones find the place. Here are three common **schedules**. All begin at the same learning rate, and all have
# multiplied it by the same factor when one period has passed. They differ in how they get there:
#
# * **step** keeps the rate for a whole period, then multiplies it by the factor at once, and so on in each period;
# * **exponential** does the same little by little: in each epoch it multiplies by the same number, so that after one
#   period the factor has been reached, after two its square;
# * **cosine** follows half a turn of a cosine: slowly at first, fastest in the middle, slowly again. After one period
#   it stays where it is.
#
# *By hand.* Start at 0.8, with the factor ¼ and a period of 10 epochs. *Step* gives 0.8 at epoch 9, 0.2 at epoch 10,
# and 0.05 at epoch 25, where two periods are complete. *Exponential* gives $0.8 \cdot \sqrt{1/4} = 0.4$ at epoch 5.
# *Cosine* is half-way between 0.8 and 0.2 at epoch 5, that is 0.5, and stays at 0.2 from epoch 10.

# %% exercise="learning_rate_at"
def learning_rate_at(kind, epoch, start, factor, period):
    """The learning rate of one epoch, by a schedule.

    kind    "step": start times factor, once for each whole period that has passed;
            "exponential": start times factor to the power epoch / period;
            "cosine": from start at epoch 0 down to start * factor at epoch period, along the half turn of a cosine
            from its top to its bottom; after that, start * factor
    epoch   the number of the epoch, counted from 0
    start   the learning rate at epoch 0, greater than 0
    factor  greater than 0, at most 1
    period  number of epochs, at least 1

    Returns a number. Raises ValueError if kind is none of the three, or if epoch, start, factor or period is out of
    range.
    """
    ### BEGIN SOLUTION
    if epoch < 0 or start <= 0 or not 0 < factor <= 1 or period < 1:
        raise ValueError("epoch, start, factor or period is out of range")
    if kind == "step":
        return start * factor ** (epoch // period)
    if kind == "exponential":
        return start * factor ** (epoch / period)
    if kind == "cosine":
        height = (1 + math.cos(math.pi * min(epoch / period, 1))) / 2
        return start * (factor + (1 - factor) * height)
    raise ValueError(f'kind must be "step", "exponential" or "cosine", not {kind!r}')
    ### END SOLUTION

# %% [markdown]
# The examples above:

# %% check="learning_rate_at" name="by-hand" points=0.5
close([learning_rate_at("step", epoch, 0.8, 0.25, 10) for epoch in (0, 9, 10, 25)], [0.8, 0.8, 0.2, 0.05],
      case="step, epochs 0, 9, 10, 25", hint="how many whole periods have passed?")
close([learning_rate_at("exponential", epoch, 0.8, 0.25, 10) for epoch in (0, 5, 20)], [0.8, 0.4, 0.05],
      case="exponential, epochs 0, 5, 20", hint="the exponent is the number of periods, and need not be whole.")
close([learning_rate_at("cosine", epoch, 0.8, 0.25, 10) for epoch in (0, 5, 10, 20)], [0.8, 0.5, 0.2, 0.2],
      case="cosine, epochs 0, 5, 10, 20",
      hint="half a turn in one period, from the top down to start times factor; then flat.")

# %% [markdown]
# Hidden: other epochs, factors and periods for each schedule, and wrong arguments.

# %% check="learning_rate_at" name="step" points=0.5
close([learning_rate_at("step", epoch, 2.0, 0.5, 4) for epoch in (3, 4, 7, 8, 12)], [2, 1, 1, 0.5, 0.25],
      case="step, a period of 4 epochs", hint="the factor once for each whole period that has passed.")
# Hidden: the step schedule in many epochs.
### BEGIN HIDDEN TESTS
start, factor = float(rng.uniform(0.5, 3.0)), float(rng.uniform(0.2, 0.9))
rate = start
for epoch in range(13):
    rate = rate * factor if epoch and epoch % 5 == 0 else rate
    close(learning_rate_at("step", epoch, start, factor, 5), rate, case="step, a period of 5 epochs", tolerance=1e-7)
close(learning_rate_at("step", 6, start, factor, 1), start * factor**6, case="step, a period of one epoch")
close(learning_rate_at("step", 99, start, factor, 100), start, case="step, the first of 100 epochs")
close(learning_rate_at("step", 12, start, 1.0, 5), start, case="step, the factor 1")
### END HIDDEN TESTS

# %% check="learning_rate_at" name="exponential" points=0.5
close([learning_rate_at("exponential", epoch, 2.0, 0.25, 4) for epoch in (2, 4, 6)], [1, 0.5, 0.25],
      case="exponential, a period of 4 epochs", hint="half a period takes the root of the factor.")
# Hidden: the exponential schedule in many epochs.
### BEGIN HIDDEN TESTS
start, factor = float(rng.uniform(0.5, 3.0)), float(rng.uniform(0.2, 0.9))
for epoch in (0, 1, 2, 5, 7, 9, 14, 23):
    wanted = math.exp(math.log(start) + epoch * math.log(factor) / 7)
    close(learning_rate_at("exponential", epoch, start, factor, 7), wanted, case="exponential, a period of 7 epochs")
close(learning_rate_at("exponential", 3, start, factor, 1), start * factor**3, case="exponential, period 1")
close(learning_rate_at("exponential", 8, start, 1.0, 5), start, case="exponential, the factor 1")
### END HIDDEN TESTS

# %% check="learning_rate_at" name="cosine" points=1
close([learning_rate_at("cosine", epoch, 2.0, 0.5, 6) for epoch in (0, 2, 3, 4, 6, 12)], [2, 1.75, 1.5, 1.25, 1, 1],
      case="cosine, a period of 6 epochs",
      hint="the cosine of a third of the half turn is ½, so a quarter of the way down is gone; then it stays below.")
# Hidden: the cosine schedule in many epochs, within its period and after.
### BEGIN HIDDEN TESTS
start, factor = float(rng.uniform(0.5, 3.0)), float(rng.uniform(0.05, 0.5))
for epoch in range(10):
    half = math.pi * epoch / 18
    wanted = start * math.cos(half) ** 2 + start * factor * math.sin(half) ** 2
    close(learning_rate_at("cosine", epoch, start, factor, 9), wanted, case="cosine, a period of 9 epochs")
for epoch in (10, 13, 18, 27, 100):
    close(learning_rate_at("cosine", epoch, start, factor, 9), start * factor, case="cosine, after its period")
close(learning_rate_at("cosine", 3, start, 1.0, 7), start, case="cosine, the factor 1")
### END HIDDEN TESTS

# %% check="learning_rate_at" name="arguments" points=0.5
refuses(learning_rate_at, "linear", 3, 0.1, 0.5, 10, argument="kind", named=True, case="an unknown schedule")
refuses(learning_rate_at, "step", 3, 0.1, 1.5, 10, argument="factor", named=True, case="a factor above 1")
# Hidden: unknown schedules, and numbers out of range.
### BEGIN HIDDEN TESTS
for kind in ("linear", "", "Cosine"):
    refuses(learning_rate_at, kind, 3, 0.1, 0.5, 10, argument="kind", case="an unknown schedule")
for kind in ("step", "exponential", "cosine"):
    refuses(learning_rate_at, kind, -1, 0.1, 0.5, 10, argument="epoch", case=f"{kind}, a negative epoch")
    refuses(learning_rate_at, kind, 3, 0.0, 0.5, 10, argument="start", case=f"{kind}, start 0")
    refuses(learning_rate_at, kind, 3, 0.1, 0.0, 10, argument="factor", case=f"{kind}, the factor 0")
    refuses(learning_rate_at, kind, 3, 0.1, 1.5, 10, argument="factor", case=f"{kind}, a factor above 1")
    refuses(learning_rate_at, kind, 3, 0.1, 0.5, 0, argument="period", case=f"{kind}, a period of 0 epochs")
    same(learning_rate_at, solution.learning_rate_at, kind, 2, 0.7, 0.3, 5, case=kind)
for kind in ("step", "exponential", "cosine"):
    refuses_each(learning_rate_at, kind, 3, 0.7, 0.5, 10, reference=solution.learning_rate_at, allowed={
        "kind": domain.word("step", "exponential", "cosine"), "epoch": domain.whole(0, fractions=False),
        "start": domain.number(above=0.0), "factor": domain.number(above=0.0, most=1.0),
        "period": domain.whole(1, fractions=False)})
### END HIDDEN TESTS

# %% [markdown]
# All three start together and meet again at the end of the period:

# %% demo=True
epochs = np.arange(0, 31)
curves = {kind: [learning_rate_at(kind, epoch, 0.8, 0.25, 15) for epoch in epochs]
          for kind in ("step", "exponential", "cosine")}
fig, ax = plt.subplots()
show_curves(curves, ax, x=epochs, mark=15, mark_label="one period", xlabel="epoch", ylabel="learning rate",
            title="Three ways from 0.8 to 0.2")
ax.get_lines()[0].set_drawstyle("steps-post")

# %% [markdown]
# ## 6. Annealing: going uphill on purpose
#
# The lecture mentions a relative of such schedules, *simulated annealing*. Gradient descent ends in the first hollow it
# finds, however shallow. Hot metal does better: its atoms jump about, and as it cools, slowly, they settle where their
# energy is low.
#
# So propose a random step, and let $\Delta E$ be the change of the loss. A step that does not go up is always taken.
# One that goes up is taken with the probability
#
# $$e^{-\Delta E / T},$$
#
# where $T$ is the **temperature**. When it is high, almost everything is allowed. As it falls, high climbs become rare,
# then low ones as well.
#
# To decide, draw a random number $u$ between 0 and 1, and go if $u$ is less than that probability.
#
# *By hand.* For $\Delta E = 1$ the probability is $e^{-1} \approx 0.37$ at $T = 1$, and $e^{-1/2} \approx 0.61$ at
# $T = 2$. So with $u = 0.5$ the step is refused at $T = 1$ and taken at $T = 2$. A descent is taken with any $u$.

# %% exercise="anneal_accept"
def anneal_accept(dE, T, u):
    """Whether simulated annealing takes a step that changes the loss by dE.

    dE  the change of the loss, any number; positive if the step goes up
    T   the temperature, greater than 0
    u   a random number, at least 0 and less than 1

    Returns True if dE is 0 or negative, or if u is less than exp(-dE / T); otherwise False. No dE and no T are too
    large or too small for an answer.
    Raises ValueError if T is 0 or negative.
    """
    ### BEGIN SOLUTION
    if T <= 0:
        raise ValueError(f"T must be greater than 0, not {T}")
    return dE <= 0 or u < math.exp(-dE / T)
    ### END SOLUTION

# %% [markdown]
# The examples above:

# %% check="anneal_accept" name="by-hand" points=0.5
close(anneal_accept(1.0, 1.0, 0.5), False, case="a climb by 1, T = 1, u = 0.5", hint="the probability is about 0.37.")
close(anneal_accept(1.0, 2.0, 0.5), True, case="a climb by 1, T = 2, u = 0.5", hint="the probability is about 0.61.")
close(anneal_accept(-1.0, 2.0, 0.99), True, case="a descent", hint="it is taken whatever u is.")

# %% [markdown]
# Hidden: other numbers, very large and very small ones, wrong arguments.

# %% check="anneal_accept" name="rule" points=0.5
close([anneal_accept(2.0, 1.0, u) for u in (0.13, 0.14)], [True, False], case="a climb by 2, T = 1, u = 0.13 and 0.14",
      hint="the probability is 0.135.")
close([anneal_accept(0.5, 1.0, u) for u in (0.6, 0.61)], [True, False], case="a climb by ½, T = 1, u = 0.6 and 0.61",
      hint="the probability is 0.607; chance decides, not whether it is above one half.")
# Hidden: climbs and descents at many temperatures, with u just below and just above the probability.
### BEGIN HIDDEN TESTS
for dE in (0.2, 0.7, 1.5, 3.0):
    for T in (0.4, 1.3, 5.0):
        chance = math.e ** (-dE / T)
        same(anneal_accept, lambda *_: True, dE, T, chance * 0.99, case="a climb, u just below the probability")
        same(anneal_accept, lambda *_: False, dE, T, min(chance * 1.01, 0.9999), case="a climb, u just above")
same(anneal_accept, lambda *_: True, -float(rng.uniform(0.1, 2)), 0.7, 0.95, case="a descent, u almost 1")
same(anneal_accept, lambda *_: True, 0.0, 0.7, 0.999, case="neither up nor down")
same(anneal_accept, lambda *_: True, 2.0, 0.7, 0.0, case="a climb, u = 0")
### END HIDDEN TESTS

# %% check="anneal_accept" name="extremes" points=0.5
close(anneal_accept(-800.0, 1.0, 0.5), True, case="a large descent", hint="exp(800) is too large for a float.")
close(anneal_accept(5.0, 1e9, 0.99), True, case="a very high temperature", hint="the probability is almost 1.")
close(anneal_accept(1e6, 0.01, 0.001), False, case="an enormous climb", hint="the probability is almost 0.")
# Hidden: enormous descents, enormous climbs, temperatures near 0 and very high ones.
### BEGIN HIDDEN TESTS
for dE, T, u, expected, case in [
    (-1e6, 0.01, 0.5, True, "an enormous descent"), (-800.0, 1.0, 0.999, True, "a large descent"),
    (1e6, 0.01, 0.001, False, "an enormous climb"), (1e-9, 1e-12, 0.5, False, "a small climb, T almost 0"),
    (-1e-9, 1e-12, 0.5, True, "a small descent, T almost 0"), (5.0, 1e9, 0.99, True, "a very high temperature"),
    (2000.0, 1000.0, 0.13, True, "a large climb, a high temperature"),
    (2000.0, 1000.0, 0.14, False, "a large climb, a high temperature"),
    (2e-9, 1e-9, 0.13, True, "a small climb, T almost 0"), (2e-9, 1e-9, 0.14, False, "a small climb, T almost 0"),
    (1e200, 1e-200, 0.001, False, "an enormous climb"), (1e-200, 1e200, 0.999, True, "a very high temperature"),
    (-1e200, 1e-200, 0.999, True, "an enormous descent"), (1e300, 1e300, 0.36, True, "an enormous climb, T as large"),
]:
    same(anneal_accept, lambda *_, expected=expected: expected, dE, T, u, case=case)
### END HIDDEN TESTS

# %% check="anneal_accept" name="arguments" points=0.5
refuses(anneal_accept, -1.0, 0.0, 0.5, argument="T", named=True, case="a temperature of 0")
# Hidden: temperatures that are none.
### BEGIN HIDDEN TESTS
same(anneal_accept, solution.anneal_accept, 0.5, 1.0, 0.3, case="a climb")
for T in (0.0, -1.0):
    for dE in (1.0, -1.0, 0.0):
        refuses(anneal_accept, dE, T, 0.5, argument="T", case="a temperature of 0 or less")
for dE in (0.5, 0.0, -0.5):
    refuses_each(anneal_accept, dE, 1.0, 0.3, allowed={"T": domain.number(above=0.0)}, reference=solution.anneal_accept)
    fresh_result(anneal_accept, dE, 1.0, 0.3, kind=bool)
### END HIDDEN TESTS

# %% [markdown]
# A loss of one weight with many hollows. We start at −3, several hollows away from the lowest.

# %%
def bumpy(w):
    """A loss of one weight with several local minima."""
    return 0.15 * (w - 2) ** 2 + 1 - np.cos(5 * w) / 2


def temperature(step, steps, hottest):
    """From hottest towards 0, by the same factor at each step; a thousandth of hottest is left at the end."""
    return hottest * 0.001 ** (step / steps)

# %% [markdown]
# A crowd of walkers. Once they are cold from the beginning and only go down, once they start hot and cool. (About a
# second.)

# %% demo=True
def walk(hottest, steps, rng):
    """Where one walker stands after each step."""
    w, path = -3.0, []
    for step in range(steps):
        proposal = w + rng.normal(0, 0.3)
        if anneal_accept(bumpy(proposal) - bumpy(w), temperature(step, steps, hottest), rng.random()):
            w = proposal
        path.append(w)
    return path

# %% demo=True
rng, walkers = np.random.default_rng(5), 100
cold, hot = (np.array([walk(hottest, 400, rng) for _ in range(walkers)]) for hottest in (1e-6, 2.0))
fig, axes = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
line, hills = np.linspace(-4, 6, 500), (np.arange(-3, 6) - 0.5) * 2 * np.pi / 5
axes[0].plot(line, bumpy(line), color="black")
axes[0].set(ylabel="loss", title=f"A loss with many hollows, and in which of them {walkers} walkers end")
axes[1].hist([cold[:, -1], hot[:, -1]], bins=hills, label=["only down", "annealed"])
axes[1].set(xlabel="weight", ylabel="walkers")
axes[1].legend();

# %% [markdown]
# And on the way:

# %% demo=True
show_curves({"only down": bumpy(cold), "annealed": bumpy(hot)}, xlabel="step", ylabel="loss",
            title="Worse at first, better in the end (mean and range)")

# %% [markdown]
# The annealed walkers do worse at first, and end lower. The price is steps. A network has so many weights that a
# random proposal almost never goes down, which is why nobody trains networks in this way; but the lesson stays, to be
# restless early and calm late, and the schedules of section 5 are its heirs. So is the noise of small batches.

# %% [markdown]
# ## 7. More pictures from the same ones
#
# A shoe that is moved by two pixels is still a shoe. So make new training pictures from old ones: **augmentation**. The
# lecture names noise and spatial transformations. The rule behind it: change what must not matter, and nothing else.
#
# First, a shift. What leaves on one side must not come back on the other, because no camera does that. `np.roll` does.
#
# *By hand.* The picture holds 1 2 3 in its first row and 4 5 6 in its second. Shifted by one row down and one column
# to the left (that is, −1 to the right), its first row is empty, and its second holds 2 3 0.

# %% exercise="shift_image"
def shift_image(image, down, right):
    """Move a picture within its frame.

    image  array of shape (C, H, W)
    down   by how many rows to move it down, a whole number; up if negative
    right  by how many columns to move it right, a whole number; left if negative

    Returns a new array of the same shape. Pixels for which the picture has no value are 0; what leaves the frame is
    lost, all of it if the picture is moved as far as the frame is large, or farther.
    """
    ### BEGIN SOLUTION
    channels, height, width = image.shape
    rows, columns = np.arange(height) - down, np.arange(width) - right
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    moved = image[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]
    return np.where(inside, moved, 0)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: one rule for four directions</summary>
#
# Pixel $(i, j)$ of the result comes from pixel $(i - \text{down},\, j - \text{right})$ of the picture. When is there
# such a pixel? If you use slices instead, mind that `a[:-0]` is empty. A wide frame of zeros around the picture helps.
# </details>
#
# The example above, and the picture left in place:

# %% check="shift_image" name="by-hand" points=0.5
close(shift_image(np.array([[[1.0, 2, 3], [4, 5, 6]]]), 1, -1), [[[0, 0, 0], [2, 3, 0]]], case="down and left",
      hint="from which pixel of the picture does each pixel of the result come, and is there such a pixel?")
close(shift_image(np.array([[[1.0, 2, 3], [4, 5, 6]]]), 0, 0), [[[1, 2, 3], [4, 5, 6]]], case="no shift",
      hint="a[:-0] is empty: does your code treat a shift of 0 as it should?")
close(shift_image(np.array([[[1.0, 2, 3], [4, 5, 6]]]), 0, 5), [[[0, 0, 0], [0, 0, 0]]], case="farther than the frame",
      hint="five columns to the right, nothing of a picture of three columns is left.")

# %% [markdown]
# Hidden: other pictures, and shifts in every direction, of any size.

# %% check="shift_image" name="any-shift" points=0.5
close(shift_image(np.arange(8.0).reshape(2, 2, 2), -1, 1), [[[0, 2], [0, 0]], [[0, 6], [0, 0]]],
      case="two channels, up and to the right", hint="every channel moves alike.")
# Hidden: pictures of one or several channels that are not square, shifts both ways, also out of the frame.
### BEGIN HIDDEN TESTS
def by_matrices(image, down, right):
    return np.eye(image.shape[1], k=-down) @ image @ np.eye(image.shape[2], k=right)

for (c, h, w), (down, right) in [
    ((1, 5, 8), (1, 2)), ((3, 7, 4), (-2, 1)), ((2, 4, 6), (3, -4)), ((1, 6, 5), (-1, -3)), ((3, 2, 9), (0, 4)),
    ((2, 5, 3), (-4, 0)), ((1, 1, 7), (0, -6)), ((2, 4, 6), (4, 1)), ((1, 3, 5), (-1, 9)), ((4, 3, 2), (-7, -7)),
    ((1, 140, 2), (-130, 1)), ((1, 2, 140), (1, 130)), ((1, 6, 3), (5, 0)), ((1, 3, 7), (0, -6)),
]:
    where = f"{c} channels of {h}×{w}, {down} down and {right} to the right"
    same(shift_image, by_matrices, rng.uniform(1.0, 2.0, size=(c, h, w)), down, right, case=where)
unchanged(shift_image, rng.normal(size=(2, 4, 5)), 1, 2)
for shift in ((0, 0), (1, 0), (0, -2)):
    fresh_result(shift_image, rng.normal(size=(2, 4, 5)), *shift, case=f"shift {shift}")
### END HIDDEN TESTS

# %% [markdown]
# ### Changes that keep the label true
#
# Four changes make up our augmentation: a mirror image, a small rotation, a small shift, and noise. Three of them are
# safe for all clothes. The first is safe for some labels only. A mirrored shirt is a shirt. A mirrored letter or digit
# usually is not: a mirrored *b* is a *d*. So your function is told for which labels a mirror image is safe.
#
# Chance is given. `draw_changes` draws what is to be done with *one* picture, and `rotate` turns a picture. (It mixes
# the four nearest pixels, so it blurs a little.)

# %%
class Changes(NamedTuple):
    """What augmentation does to one picture."""

    mirror: bool
    degrees: float
    down: int
    right: int
    noise: np.ndarray


def draw_changes(shape, rng):
    """Draw the changes of one picture of the given shape with the generator rng."""
    mirror, degrees = bool(rng.random() < 0.5), float(rng.uniform(-12, 12))
    down, right = (int(step) for step in rng.integers(-2, 3, size=2))
    return Changes(mirror, degrees, down, right, rng.normal(0, 0.05, size=shape))

# %%
def rotate(image, degrees):
    """Turn a picture of shape (C, H, W) counterclockwise about its middle; outside of its frame it counts as 0."""
    height, width = image.shape[1:]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y, x = np.mgrid[:height, :width] - np.reshape([(height - 1) / 2, (width - 1) / 2], (2, 1, 1))
    row, column = cos * y + sin * x + (height - 1) / 2, cos * x - sin * y + (width - 1) / 2
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    framed = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    turned = np.zeros(image.shape)
    for i, j in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - np.abs(row - i)).clip(0) * (1 - np.abs(column - j)).clip(0)
        turned += weight * framed[:, (i + 1).clip(0, height + 1), (j + 1).clip(0, width + 1)]
    return turned

# %% [markdown]
# The order matters: mirror, then rotate, then shift, then noise. Noise can make a pixel darker than black or brighter
# than white, so everything is clipped to the range from 0 to 1 in the end.

# %% exercise="augment"
def augment(images, labels, mirror_safe, train, rng):
    """A new version of each picture, for which its label is still true.

    images       array of shape (N, C, H, W), values from 0 to 1
    labels       whole numbers, array of shape (N,)
    mirror_safe  a set of the labels for which a mirror image is safe; may be empty
    train        True during training; if False nothing is changed
    rng          a numpy random Generator, or a whole number; np.random.default_rng(rng) makes a Generator of either

    In training, make one generator. Then, for each picture in turn, call draw_changes(picture.shape, generator) once,
    whatever its label is. Apply the changes in this order: if mirror is true and the picture's label is in
    mirror_safe, exchange left and right; rotate by degrees; shift_image by down and right; add noise; clip to 0 … 1.
    Returns a pair (new_images, new_labels) of new arrays of the same shapes, in the same order. new_labels equals
    labels. If train is False, both are equal to what came in.
    Raises ValueError if images and labels are not equally many.
    """
    ### BEGIN SOLUTION
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images do not go with {len(labels)} labels")
    new_images, generator = np.array(images, dtype=float), np.random.default_rng(rng)
    for n in range(len(images) if train else 0):
        changes, image = draw_changes(images[n].shape, generator), images[n]
        if changes.mirror and int(labels[n]) in mirror_safe:
            image = image[:, :, ::-1]
        moved = shift_image(rotate(image, changes.degrees), changes.down, changes.right)
        new_images[n] = np.clip(moved + changes.noise, 0, 1)
    return new_images, np.array(labels)
    ### END SOLUTION

# %% [markdown]
# A check without arithmetic: a black picture stays black apart from its noise, and outside of training nothing happens.

# %% check="augment" name="black" points=0.5
black, some_labels = np.zeros((3, 1, 4, 6)), np.array([2, 0, 1])
noise = np.random.default_rng(1)
wanted = [draw_changes((1, 4, 6), noise).noise.clip(0, 1) for _ in range(3)]
close(augment(black, some_labels, {0, 1}, True, 1)[0], wanted, case="black pictures in training",
      hint="is there one generator for all pictures, and one call of draw_changes for each?")
close(augment(black + 0.5, some_labels, {0, 1}, False, 1)[0], black + 0.5, case="grey pictures, no training",
      hint="what does `train` decide?")
close(augment(black, some_labels, {0, 1}, True, 1)[1], [2, 0, 1], case="the labels", hint="as they came.")

# %% [markdown]
# Hidden: random pictures, labels that are safe to mirror and labels that are not, evaluation, wrong arguments.

# %% check="augment" name="changes" points=0.5
rows = [[0.1, 0.3, 0.5, 0.7, 0.9], [0.2, 0.8, 0.4, 0.6, 0.3], [0.6, 0.2, 0.9, 0.1, 0.5], [0.3, 0.7, 0.2, 0.8, 0.4]]
same_picture = np.tile(np.array(rows), (3, 1, 1, 1))  # the seed 3028 wants the first two mirrored, if that is safe
found = np.asarray(augment(same_picture, np.array([0, 1, 0]), {0}, True, 3028)[0])
close(found[:, 0, 1], [[0.2832, 0.7664, 0.36, 0.5059, 0.0], [0.042, 0.2788, 0.7227, 0.3663, 0.5849],
                       [0.6627, 0.3837, 0.5488, 0.6417, 0.0]], 1e-4, case="the second row of three new pictures",
      hint="only labels in mirror_safe are mirrored; the order is mirror, rotate, shift, noise, clip. (Too long for a "
           "pencil: computed with the solution.)")
# Hidden: random pictures of one and several channels; no label, all labels and some labels safe to mirror.
### BEGIN HIDDEN TESTS
for shape, safe in [((9, 1, 7, 10), set()), ((8, 3, 9, 6), {0, 1, 2, 3}), ((5, 2, 8, 8), {1, 2})]:
    images, labels = rng.uniform(0, 1, size=shape), np.arange(shape[0]) % 4
    s = int(rng.integers(10**9))
    case = f"{shape[1]} channels of {shape[2]}×{shape[3]}, {len(safe)} of 4 labels safe to mirror"
    same(augment, solution.augment, images, labels, safe, True, s, case=case)
### END HIDDEN TESTS

# %% check="augment" name="labels" points=0.5
# Hidden: many pictures, some with labels that are not safe to mirror; each keeps its label and its place.
### BEGIN HIDDEN TESTS
labels = rng.permutation(np.arange(24) % 3)
ramp = np.linspace(0.1, 0.9, 15)
images = np.tile(ramp, (24, 1, 9, 1)) * rng.uniform(0.8, 1.0, size=(24, 1, 1, 1))
new_images, new_labels = augment(images, labels, {2}, True, int(rng.integers(10**9)))
close(new_labels, labels, case="the labels")
middle = np.asarray(new_images)[:, 0, 3:6]
rising = middle[:, :, 9:11].sum(axis=(1, 2)) > middle[:, :, 4:6].sum(axis=(1, 2))
passes(bool(rising[labels != 2].all()), "A picture was mirrored although its label is not safe to mirror.")
passes(bool((~rising[labels == 2]).any()), "No picture was mirrored although the labels of some are safe to mirror.")
same(augment, solution.augment, images, labels, {2}, True, 7, case="labels in any order")
### END HIDDEN TESTS

# %% check="augment" name="generator" points=0.5
used, same_again = np.random.default_rng(2), np.random.default_rng(2)
for generator in (used, same_again):
    draw_changes((1, 2, 3), generator)  # the first epoch has taken its share
wanted = draw_changes((1, 2, 3), same_again).noise.clip(0, 1)
close(augment(np.zeros((1, 1, 2, 3)), np.array([0]), set(), True, used)[0], [wanted], case="black, second epoch",
      hint="np.random.default_rng(rng) takes a generator as it is, and goes on from where it stands.")
# Hidden: two epochs with one and the same generator.
### BEGIN HIDDEN TESTS
images, labels = rng.uniform(0, 1, size=(3, 1, 6, 8)), np.array([1, 0, 2])
expected = two_calls(solution.augment, images, labels, {0, 1, 2}, True)
same(lambda *args: student.two_calls(augment, *args, {0, 1, 2}, True), lambda *_: expected, images, labels,
     case="one generator, two epochs",
     hint="np.random.default_rng(rng) leaves a generator what it is; each epoch takes up where the last one stopped.")
### END HIDDEN TESTS

# %% check="augment" name="evaluation" points=0.5
grey = np.full((1, 1, 2, 3), 0.5)
close(kept_apart(augment, grey, np.array([0]), {0}, False, 3), np.full((1, 1, 2, 3), 0.5),
      case="the pictures, once the new ones are overwritten", hint="return new arrays, in training or not.")
# Hidden: outside of training, pictures and labels come back as they are; arguments stay as they were.
### BEGIN HIDDEN TESTS
images, labels = rng.uniform(0, 1, size=(4, 2, 6, 9)), rng.integers(0, 3, size=4)
new_images, new_labels = augment(images, labels, {0, 1, 2}, False, 3)
close(new_images, images, case="pictures outside of training")
close(new_labels, labels, case="labels outside of training")
same(augment, solution.augment, images, labels, {0, 1, 2}, False, 3, case="no training")
same(lambda x: student.kept_apart(augment, x, labels, {0, 1, 2}, False, 3), lambda x: x, images,
     case="images, once the new ones are overwritten", hint="the new images should be new arrays, in training or not.")
for train in (True, False):
    unchanged(augment, images, labels, {1}, train, 3, case=f"train is {train}")
    fresh_result(augment, images, labels, {1}, train, 3, case=f"train is {train}")
### END HIDDEN TESTS

# %% check="augment" name="arguments" points=0.5
refuses(augment, np.zeros((3, 1, 4, 6)), np.zeros(2), {1}, True, 4,
        argument="labels", case="two labels for three")
# Hidden: more pictures than labels, or fewer.
### BEGIN HIDDEN TESTS
images = rng.uniform(0, 1, size=(3, 1, 5, 6))
same(augment, solution.augment, images[:1], np.array([1]), {1}, True, 4, case="a single picture")
for count in (2, 4, 1):
    for train in (True, False):
        refuses(augment, images, np.arange(count), {1}, train, 4, argument="labels",
                case="as many labels as pictures are needed")
### END HIDDEN TESTS

# %% [markdown]
# Look at what you feed to a network; it is the best debugging there is. The first column holds five originals, each row
# the new versions of one. In which pictures would *you* hesitate about the label?

# %% demo=True
mosaic = []
for picture, label in zip(pictures[:5].astype(float), labels[:5]):
    copies, same_labels = np.repeat(picture[None], 9, axis=0), np.repeat(label, 9)
    mosaic += [picture, *augment(copies, same_labels, set(range(10)), True, int(label))[0]]
titles = [name for label in labels[:5] for name in [FASHION_CLASSES[label], *[""] * 9]]
show_grid(mosaic, titles, columns=10, limits=(0, 1), title="One original on the left, nine new versions of it")

# %% [markdown]
# ### An augmentation that is not safe
#
# What if everything is mirrored, whatever the label? Take handwritten digits, and the simplest reader there is: each
# new digit gets the label of the training digit that is nearest to it. Its training digits are those that `augment`
# makes, without mirror images and with mirror images of all labels, or the digits as they came.
#
# > **Predict, then run.** Which digits look like another one in the mirror? Which row will be the worst?

# %% demo=True
from autograder.lab import zip_digits

digits, digit_labels = (part[:600] for part in zip_digits("train"))
new_digits, true_labels = (part[:1000] for part in zip_digits("test"))


def nearest_errors(known, known_labels):
    """Share of new_digits, in percent, whose nearest known picture has another label."""
    known, new = known.reshape(len(known), -1), new_digits.reshape(len(new_digits), -1)
    distances = (known**2).sum(axis=1) - 2 * new @ known.T
    return 100 * np.mean(np.asarray(known_labels)[distances.argmin(axis=1)] != true_labels)


for name, safe in {"no label is safe": set(), "all labels are safe": set(range(10))}.items():
    rows = [np.asarray(augment(digits, digit_labels, safe, True, seed)[0]) for seed in range(3)]
    error = nearest_errors(np.concatenate(rows), np.tile(digit_labels, 3))
    print(f"three new versions of each digit, if {name} to mirror: {error:.1f} % wrong")
print(f"the digits as they came: {nearest_errors(digits, digit_labels):.1f} % wrong")
chosen = [np.flatnonzero(digit_labels == label)[0] for label in (1, 2, 3, 5, 6, 7)]
show_grid([*digits[chosen], *digits[chosen][..., ::-1]], [*(f"a {n}" for n in (1, 2, 3, 5, 6, 7)),
          *(f"still a {n}?" for n in (1, 2, 3, 5, 6, 7))], columns=6, title="Below, the mirror image of each")

# %% [markdown]
# Mirror images do harm: a reader that is told that a mirrored 2 is a 2 takes what looks like one for one. A label that
# augmentation has made wrong is as wrong as any other, and section 9 shows what wrong labels do.
#
# But even without them, this reader does worse with new versions than with the digits as they came. It compares pixel
# by pixel, and a shift of two pixels is much in a frame of 16: the changes that suit one size of picture and one
# learner need not suit another.

# %% [markdown]
# ## 8. Activations, and what is left of a gradient
#
# "In deep networks, to avoid small gradients, use activation functions such as ReLU", says the lecture. Now measure it.
#
# The probe is a network of nothing but layers: $z = h W^T$, then $h' = f(z)$, for one layer after the other. A gradient
# enters at the top and travels down. In each layer it is multiplied by $f'(z)$ and then by $W$. How large is it when it
# arrives below?
#
# The lecture's six activation functions are given, there and back. *Maxout* takes the larger of two sums, so its layers
# have twice as many rows of weights.

# %%
def sigmoid(z):
    """The logistic function, in a form that does not overflow."""
    return (1 + np.tanh(z / 2)) / 2


FUNCTIONS = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0),
    "leaky ReLU": lambda z: np.where(z > 0, z, 0.1 * z),
    "ELU": lambda z: np.where(z >= 0, z, np.expm1(np.minimum(z, 0))),
}
SLOPES = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "ReLU": lambda z: (z > 0).astype(float),
    "leaky ReLU": lambda z: np.where(z > 0, 1.0, 0.1),
    "ELU": lambda z: np.where(z >= 0, 1.0, np.exp(np.minimum(z, 0))),
}

# %% [markdown]
# Two functions hide the difference between maxout and the others:

# %%
def activate(name, z):
    """The activations of sums z: of shape (N, width), or (N, 2 * width) for maxout; the result is (N, width)."""
    if name == "maxout":
        return np.maximum(*np.split(z, 2, axis=1))
    if name not in FUNCTIONS:
        raise ValueError(f"activation must be 'maxout' or one of {', '.join(FUNCTIONS)}, not {name!r}")
    return FUNCTIONS[name](z)


def activate_backward(name, z, grad):
    """The gradient with respect to z, of the shape of z, given the gradient with respect to activate(name, z)."""
    if name == "maxout":
        first, second = np.split(z, 2, axis=1)
        return np.concatenate([grad * (first >= second), grad * (first < second)], axis=1)
    return grad * SLOPES[name](z)

# %% [markdown]
# We measure a gradient by its root mean square: $\sqrt{\text{mean of } g^2}$ over all its entries.
#
# *By hand.* One example $x = (1, 2)$ and two layers of ReLU. The first has the weights (1, 1) and (1, −1): $z = (3,
# -1)$ and $h = (3, 0)$. The second has the one row (2, 5): $z = 6$ and $h = 6$. From above comes the gradient 1. Both
# ReLUs let pass what was positive. So the gradient with respect to $(3, 0)$ is (2, 5), and with respect to the sums
# $(3, -1)$ it is (2, 0). With respect to $x$ it is $2 \cdot (1, 1) + 0 \cdot (1, -1) = (2, 2)$. The three root mean
# squares, from the input up: $2$, $\sqrt{(4 + 25)/2} = \sqrt{14.5}$, and $1$.

# %%
two_relu_layers = [np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[2.0, 5.0]])]

# %% exercise="gradient_flow"
def gradient_flow(x, weights, activation, grad):
    """The size of the gradient at each level of a network of plain layers.

    x           the input, array of shape (N, D)
    weights     a list of L matrices, from the input up. Layer k computes z = h @ weights[k].T from the level h below
                it, and the level above it is activate(activation, z). The level below layer 0 is x.
    activation  "maxout" or a name in FUNCTIONS
    grad        gradient of the loss with respect to the uppermost level, of its shape

    Returns an array of shape (L + 1,), from the input up: the root mean square, over all entries, of the gradient of
    the loss with respect to each level. The first is that with respect to x, the last is that of grad itself.
    Raises ValueError if grad does not have the shape of the uppermost level, or if activation is unknown.
    """
    ### BEGIN SOLUTION
    sums, h = [], x
    for W in weights:
        sums.append(h @ W.T)
        h = activate(activation, sums[-1])
    if grad.shape != h.shape:
        raise ValueError(f"grad has the shape {grad.shape}, the uppermost level {h.shape}")
    sizes = [np.sqrt(np.mean(grad**2))]
    for W, z in zip(reversed(weights), reversed(sums)):
        grad = activate_backward(activation, z, grad) @ W
        sizes.append(np.sqrt(np.mean(grad**2)))
    return np.array(sizes[::-1])
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="gradient_flow" name="by-hand" points=0.5
close(gradient_flow(np.array([[1.0, 2.0]]), two_relu_layers, "ReLU", np.array([[1.0]])), [2, 14.5**0.5, 1], case="ReLU",
      hint="from the input up, the root of the mean of the squares at each level: x, (3, 0) and 6.")

# %% [markdown]
# Hidden: layers of different widths, all six activations, and wrong arguments.

# %% check="gradient_flow" name="activations" points=1
weights = [np.array([[np.log(2)]]), np.array([[np.log(3) / 0.6]])]
found = gradient_flow(np.array([[1.0], [-1.0]]), weights, "tanh", np.array([[1.0], [3.0]]))
top = np.sqrt(5)  # the root of the mean of 1 and 9
middle = top * 0.36 * np.log(3) / 0.6
close(found, [middle * 0.64 * np.log(2), middle, top], case="tanh, two examples",
      hint="at each layer times the slope at its sum, then times its weight; one mean over all entries.")
# Hidden: all six activations, layers of different widths, a random gradient; compared with torch.
# Two examples, two layers of one unit. tanh(ln 2) is 0.6, with the slope 0.64; tanh(ln 3) is 0.8, with the slope 0.36.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

TORCH = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "ReLU": torch.relu, "ELU": F.elu,
    "leaky ReLU": lambda z: F.leaky_relu(z, 0.1), "maxout": lambda z: torch.maximum(*z.chunk(2, dim=1)),
}

def by_torch(x, weights, activation, grad):
    levels = [torch.tensor(x, requires_grad=True)]
    for W in weights:
        levels.append(TORCH[activation](levels[-1] @ torch.from_numpy(W).T))
        levels[-1].retain_grad()
    levels[-1].backward(torch.from_numpy(grad))
    return np.array([level.grad.square().mean().sqrt().item() for level in levels])

widths = [5, 7, 4, 6, 3]
for activation in TORCH:
    pieces = 2 if activation == "maxout" else 1
    weights = [rng.normal(size=(pieces * above, below)) for below, above in zip(widths, widths[1:])]
    same(gradient_flow, by_torch, rng.normal(size=(8, 5)), weights, activation, rng.normal(size=(8, 3)),
         case=f"{activation}, four layers of different widths", tolerance=1e-5)
### END HIDDEN TESTS

# %% check="gradient_flow" name="deep" points=0.5
# Hidden: many layers, a single layer; the arguments stay as they were.
### BEGIN HIDDEN TESTS
weights = [rng.normal(size=(6, 6)) * 0.6 for _ in range(12)]
same(gradient_flow, solution.gradient_flow, rng.normal(size=(3, 6)), weights, "tanh", rng.normal(size=(3, 6)),
     case="twelve layers of one width", tolerance=1e-7)
same(gradient_flow, solution.gradient_flow, rng.normal(size=(4, 2)), [rng.normal(size=(6, 2))], "maxout",
     rng.normal(size=(4, 3)), case="a single layer of maxout")
unchanged(gradient_flow, rng.normal(size=(3, 6)), weights[:2], "sigmoid", rng.normal(size=(3, 6)))
### END HIDDEN TESTS

# %% check="gradient_flow" name="arguments" points=0.5
refuses(gradient_flow, np.ones((1, 2)), two_relu_layers, "relu", np.ones((1, 1)),
        argument="activation", named=True, case="relu")
refuses(gradient_flow, np.ones((3, 2)), two_relu_layers, "ReLU", np.ones((1, 1)),
        argument="grad", named=True, case="one for three")
# Hidden: unknown activations, gradients that do not fit.
### BEGIN HIDDEN TESTS
x, weights = rng.normal(size=(4, 5)), [rng.normal(size=(6, 5)), rng.normal(size=(2, 6))]
same(gradient_flow, solution.gradient_flow, x, weights, "ELU", rng.normal(size=(4, 2)), case="two layers")
for activation in ("relu", "", "softmax"):
    refuses(gradient_flow, x, weights, activation, np.ones((4, 2)), argument="activation", case="an unknown activation")
for shape in ((4, 6), (1, 2), (4, 1), (2,)):
    refuses(gradient_flow, x, weights, "ReLU", np.ones(shape), argument="grad", named=True,
            case="a gradient of another shape")
for shape in ((4, 1), (4, 3), (3, 2), (5, 2), (1, 4, 2)):
    refuses(gradient_flow, x, weights, "ReLU", np.ones(shape), argument="grad", named=True,
            case="a gradient of another shape")
refuses_each(gradient_flow, x, weights, "ReLU", rng.normal(size=(4, 2)), reference=solution.gradient_flow, allowed={
    "grad": domain.shape(),
    "activation": domain.word("sigmoid", "tanh", "ReLU", "leaky ReLU", "ELU", "maxout")})
### END HIDDEN TESTS

# %% [markdown]
# Now twenty layers of 100 units. The weights are random with the variance 2/100, which suits ReLU: the half of the
# gradient that it blocks is made up for by the 2. (Maxout blocks nothing in this sense; each of its two sums gets half
# of that variance.)
#
# > **Predict, then run.** The slope of the sigmoid is at most ¼. By which factor, roughly, does its gradient shrink
# > over twenty layers? A thousand, a million, a billion, more?

# %%
def twenty_layers(activation, seed, width=100):
    """An input, weights and a gradient from above for a network of twenty layers."""
    rng = np.random.default_rng(seed)
    rows, variance = (2 * width, 1 / width) if activation == "maxout" else (width, 2 / width)
    weights = [rng.normal(0, variance**0.5, size=(rows, width)) for _ in range(20)]
    return rng.normal(size=(50, width)), weights, rng.normal(size=(50, width))

# %% [markdown]
# The band around each curve goes from the smallest to the largest of five networks.

# %% demo=True
flows = {}
for name in ["tanh", "ReLU", "leaky ReLU", "ELU", "maxout", "sigmoid"]:
    examples = [twenty_layers(name, seed) for seed in range(5)]
    flows[name] = np.array([gradient_flow(x, weights, name, grad) for x, weights, grad in examples])
down = {name: flow[:, ::-1] for name, flow in flows.items()}
show_curves(down, x=np.arange(21), log=True, xlabel="layers that the gradient has come down through",
            ylabel="size of the gradient", title="One of six vanishes")
plt.xticks(range(0, 21, 5))
shrink = flows["sigmoid"][:, 0] / flows["sigmoid"][:, -1]
print(f"sigmoid: what arrives at the input is about {shrink.mean():.0e} of what entered at the top")

# %% [markdown]
# The five others need a closer look:

# %% demo=True
others = {name: flow for name, flow in down.items() if name != "sigmoid"}
show_curves(others, x=np.arange(21), xlabel="layers that the gradient has come down through",
            ylabel="size of the gradient", title="Five of six stay within a small factor of 1")
plt.xticks(range(0, 21, 5));

# %% [markdown]
# A weight far below learns from what arrives there. With the sigmoid that is nothing; its curve is a straight line on a
# logarithmic axis, the mark of a factor that repeats in each layer. The others keep their gradients within sight of
# where they began, each as well as its slope and the spread of its weights fit together. So the lecture's sentence is
# right, with an addition: it takes an activation *and* weights of the right size.

# %% [markdown]
# ## 9. Does it help? Measure it
#
# Every technique above comes with a story of why it helps. Now the experiment. One small convolutional network learns
# Fashion-MNIST from very few pictures: once plain, and then with one technique at a time switched on. One run proves
# nothing, because the next would begin with other weights and see other pictures. So every setting runs with several
# seeds, and the spread is part of the result.
#
# The layers are torch's, and torch finds the gradients. On pictures as small as these one core is faster than two.

# %%
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

# %% [markdown]
# The size of the experiment. This cell and all that follow are yours to change.

# %% demo=True
EXAMPLES, EPOCHS, BATCH, SEEDS = 500, 25, 25, 5


class Setting(NamedTuple):
    """One row of a table: what is switched on."""

    learning_rate: float = 0.1
    lam: float = 0.0
    drop_prob: float = 0.0
    patience: int = 0
    gamma: float = 0.0
    schedule: str = ""
    augmented: bool = False
    activation: str = "ReLU"

# %% [markdown]
# These are the rows. Each differs from the first in one thing, and weight decay comes in two strengths. Momentum comes
# with a tenth of the learning rate, because its increments add up to ten times as much; so the steps are as long in the
# end, and only the memory differs.

# %% demo=True
SETTINGS = {
    "plain": Setting(),
    "weak decay": Setting(lam=0.003),
    "strong decay": Setting(lam=0.02),
    "dropout": Setting(drop_prob=0.5),
    "early stopping": Setting(patience=5),
    "momentum": Setting(gamma=0.9, learning_rate=0.01),
    "cosine schedule": Setting(schedule="cosine"),
    "augmentation": Setting(augmented=True),
}

# %% [markdown]
# And these are the tables. The first trains on labels as they are. In the second, a share of the *training* labels is
# replaced by another class, drawn at random, as if whoever wrote them had been careless. The labels that decide when to
# stop and those of the test are right in both.

# %% demo=True
WRONG_SHARE = {"clean": 0.0, "noisy": 0.3}


def spoil(labels, share, rng):
    """The labels, a share of them replaced by another of the ten classes."""
    wrong = rng.permutation(len(labels)) < round(share * len(labels))
    return np.where(wrong, (labels + rng.integers(1, 10, size=len(labels))) % 10, labels)

# %% [markdown]
# The network: 28×28 – 8@12×12 – 16@6×6 – 64 – 10. Its parameters stand in a dictionary, as in section 1.

# %% demo=True
def new_network(rng):
    """Random weights, with the variance that suits ReLU, and biases of zero."""
    shapes = {"conv1": (8, 1, 5, 5), "conv2": (16, 8, 3, 3), "dense": (64, 576), "output": (10, 64)}
    network = {}
    for name, shape in shapes.items():
        weights = rng.normal(0, math.sqrt(2 / math.prod(shape[1:])), shape)
        network[f"{name}.weight"] = torch.tensor(weights, dtype=torch.float32, requires_grad=True)
        network[f"{name}.bias"] = torch.zeros(shape[0], requires_grad=True)
    return network


def scores(network, x, activation, drop=lambda h: h):
    """Ten numbers for each picture; drop is applied to the 64 hidden units."""
    f = torch.relu if activation == "ReLU" else torch.sigmoid
    h = f(F.conv2d(x, network["conv1.weight"], network["conv1.bias"], stride=2))
    h = f(F.conv2d(h, network["conv2.weight"], network["conv2.bias"], stride=2, padding=1))
    h = f(F.linear(h.flatten(1), network["dense.weight"], network["dense.bias"]))
    return F.linear(drop(h), network["output.weight"], network["output.bias"])


def evaluate(network, x, y, activation):
    """The mean loss and the error rate in percent, without dropout."""
    with torch.no_grad():
        found = scores(network, x, activation)
        return F.cross_entropy(found, y).item(), 100 * (found.argmax(1) != y).double().mean().item()

# %% [markdown]
# Three sets of pictures, none of which overlap. From the first, each seed takes a few of its own to train on, as many
# as `EXAMPLES` says. The second tells when to stop. The third is looked at once per run, at the very end.

# %% demo=True
everything, held_out = fashion("train"), fashion("validation")
valid_x, test_x = torch.from_numpy(held_out.images).split([500, 1500])
valid_y, test_y = torch.from_numpy(held_out.labels).split([500, 1500])

# %% [markdown]
# Everything else is *your* code. Torch takes a function of yours if it is told the way forward and the way back:

# %% demo=True
class DropoutByHand(torch.autograd.Function):
    """Your dropout and your dropout_backward, as torch likes them."""

    @staticmethod
    def forward(context, x, drop_prob, rng):
        y, context.mask = dropout(x.numpy(), drop_prob, True, rng)
        return torch.as_tensor(y).float()

    @staticmethod
    def backward(context, grad):
        return torch.as_tensor(dropout_backward(grad.numpy(), context.mask)).float(), None, None

# %% [markdown]
# A step takes the gradients of the loss, adds those of your weight decay, and moves with your momentum. (Without decay
# λ is 0, and without momentum γ is 0.)

# %% demo=True
def descend(network, increments, gradients, setting, rate):
    """One step of training; changes network and increments in place."""
    arrays = {name: tensor.detach().numpy() for name, tensor in network.items()}
    _, decay = weight_decay(arrays, setting.lam)
    for (name, array), gradient in zip(arrays.items(), gradients):
        slope = gradient.numpy() + np.asarray(decay[name])
        new, increments[name] = momentum(array, slope, increments[name], rate, setting.gamma)
        array[...] = new

# %% [markdown]
# One epoch: augmented pictures if the setting wants them, then step after step in random order.

# %% demo=True
def train_epoch(network, increments, images, labels, setting, rate, rng):
    """Train for one epoch and return the mean loss on the way."""
    new_images, new_labels = augment(images, labels, set(range(10)), setting.augmented, rng)
    x, y = torch.as_tensor(new_images).float(), torch.as_tensor(new_labels)
    losses = []
    for batch in torch.from_numpy(rng.permutation(len(y))).split(BATCH):
        drop = lambda h: DropoutByHand.apply(h, setting.drop_prob, rng) if setting.drop_prob else h
        loss = F.cross_entropy(scores(network, x[batch], setting.activation, drop), y[batch])
        gradients = torch.autograd.grad(loss, list(network.values()))
        descend(network, increments, gradients, setting, rate)
        losses.append(loss.item())
    return np.mean(losses)

# %% [markdown]
# And one run, from random weights to the test error. The same seed gives every setting the same pictures, the same
# wrong labels and the same first weights.

# %% demo=True
def run(setting, seed, share=0.0, epochs=EPOCHS):
    """Train once, with a share of the training labels wrong.

    Returns the test error in percent, the validation error in percent, and training and validation loss after each
    epoch, an array of shape (2, epochs).
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(everything.labels), EXAMPLES, replace=False)
    images, labels = everything.images[chosen], spoil(everything.labels[chosen], share, np.random.default_rng(seed))
    network, curves = new_network(rng), []
    increments = {name: np.zeros(tensor.shape, np.float32) for name, tensor in network.items()}
    stopping = EarlyStopping(setting.patience or epochs + 1, 0.0)
    for epoch in range(epochs):
        rate = setting.learning_rate
        if setting.schedule:
            rate = learning_rate_at(setting.schedule, epoch, rate, 0.1, epochs)
        loss = train_epoch(network, increments, images, labels, setting, rate, rng)
        valid_loss, _ = evaluate(network, valid_x, valid_y, setting.activation)
        curves.append((loss, valid_loss))
        if stopping.update(valid_loss, {name: tensor.detach().numpy() for name, tensor in network.items()}):
            break
    if setting.patience:
        network = {name: torch.as_tensor(array) for name, array in stopping.best_weights.items()}
    valid_error, test_error = (
        evaluate(network, *part, setting.activation)[1] for part in ((valid_x, valid_y), (test_x, test_y)))
    return test_error, valid_error, np.transpose(curves)

# %% [markdown]
# First look at one run without any technique. This is the picture of the lecture, and no longer drawn by hand: the
# validation loss turns round while the training loss still falls. (Three seconds.)

# %% demo=True
*_, (training, validation) = run(SETTINGS["plain"], 0, epochs=40)
played, best, _, _ = EarlyStopping(5, 0.0).rehearse([float(loss) for loss in validation])
show_curves({"training": training, "validation": validation}, mark=best, mark_label=f"best of the first {played}",
            xlabel="epoch", ylabel="loss", title="From here on, it learns by heart")
print(f"With patience 5, training would stop after epoch {played} and keep the weights of epoch {best}.")

# %% [markdown]
# > **Predict, then run.** For clean labels and for noisy ones, write down two techniques that you expect to lower the
# > test error, and one that you expect to raise it. Then run both tables. **It takes two to three minutes.** Everything
# > that comes out is kept in `errors["clean"]` and `errors["noisy"]`: a row for each setting, a column for each seed.
# > If your laptop is slow, set `SEEDS` above to 3; the intervals become longer.

# %% demo=True
jobs = [(table, name, seed) for table in WRONG_SHARE for name in SETTINGS for seed in range(SEEDS)]
results = {}
for table, name, seed in progress(jobs, f"training {len(jobs)} networks"):
    results[table, name, seed] = run(SETTINGS[name], seed, WRONG_SHARE[table])[:2]
errors, validation_errors = (
    {table: {name: np.array([results[table, name, seed][part] for seed in range(SEEDS)]) for name in SETTINGS}
     for table in WRONG_SHARE} for part in (0, 1))

# %% [markdown]
# How to read the outcome? Seeds differ among each other, whatever the technique: one seed's pictures are harder than
# another's. So compare like with like, and subtract for each seed the plain run of *the same seed*. If $d$ is the mean
# of these differences and $s$ their standard deviation over $n$ seeds, then the true mean lies, with a confidence of
# 95 %, within
#
# $$d \pm t\, \frac{s}{\sqrt n},$$
#
# where $t$ comes from Student's distribution with $n - 1$ degrees of freedom. The 1.96 that everybody remembers is for
# large $n$; for few seeds $t$ is larger. An interval that holds 0 means: this experiment cannot tell.
#
# *By hand.* Four seeds had the errors 30, 34, 31 and 37, and the plain network 33, 35, 34 and 38. The differences are
# −3, −1, −3 and −1, with the mean −2. Each is 1 away from it, so $s = \sqrt{4/3}$ and $s / \sqrt n = 1/\sqrt 3$. For
# three degrees of freedom $t$ is 3.182, and the interval is $-2 \pm 1.837$: it does not hold 0. The two rows themselves
# spread over 7 and 5 points; without pairing, nothing could be told.

# %%
import scipy.stats

# %% exercise="paired_interval"
def paired_interval(errors, baseline):
    """The mean difference of two rows of errors, paired by seed, and the reach of its 95 % confidence interval.

    errors    array of shape (n,): one test error for each seed
    baseline  array of shape (n,): the errors that they are compared with, of the same seeds in the same order

    Returns a pair of numbers (middle, reach): the interval goes from middle - reach to middle + reach. middle is
    negative if errors are lower. For the quantile of Student's distribution, see scipy.stats.t.ppf: of its
    probability, 2.5 % lies beyond either end of the interval.
    Raises ValueError if errors and baseline are not of one shape (n,), or if n is less than 2.
    """
    ### BEGIN SOLUTION
    if errors.shape != baseline.shape or errors.ndim != 1:
        raise ValueError(f"errors {errors.shape} and baseline {baseline.shape} must have one shape (n,)")
    if len(errors) < 2:
        raise ValueError("errors holds one seed; a spread takes two")
    differences = errors - baseline
    t = scipy.stats.t.ppf(0.975, len(differences) - 1)
    return float(differences.mean()), float(t * differences.std(ddof=1) / math.sqrt(len(differences)))
    ### END SOLUTION

# %% [markdown]
# The example above, and one with two seeds, where $t$ is 12.706:

# %% check="paired_interval" name="by-hand" points=1
middle, reach = paired_interval(np.array([30.0, 34.0, 31.0, 37.0]), np.array([33.0, 35.0, 34.0, 38.0]))
close(middle, -2, case="the middle", hint="errors less baseline, seed by seed.")
close(reach, 1.8373869, case="the reach", hint="t times s over the root of n; s divides by n - 1.")
middle, reach = paired_interval(np.array([4.0, 9.0]), np.array([3.0, 6.0]))
close([middle, reach], [2, 12.7062047], case="two seeds", hint="for one degree of freedom t is 12.706.")

# %% check="paired_interval" name="general" points=0.5
middle, reach = paired_interval(np.array([10.0, 12.0, 14.0]), np.array([9.0, 12.0, 12.0]))
close([middle, reach], [1, 2.4841377], case="three seeds", hint="the differences are 1, 0 and 2, and t is 4.303.")
# Hidden: other numbers of seeds, and rows that differ much or little.
### BEGIN HIDDEN TESTS
for n, spread in [(3, 1.0), (5, 4.0), (12, 0.3), (40, 2.0)]:
    shared = rng.normal(30, 5, size=n)
    same(paired_interval, solution.paired_interval, shared + rng.normal(1, spread, size=n), shared, case=f"{n} seeds")
unchanged(paired_interval, rng.normal(size=5), rng.normal(size=5))
### END HIDDEN TESTS

# %% check="paired_interval" name="arguments" points=0.5
refuses(paired_interval, np.ones(4), np.ones(3), argument="baseline", case="a seed is missing")
refuses(paired_interval, np.ones(1), np.ones(1), argument="errors", named=True, case="one seed")
refuses(paired_interval, np.ones(5), np.ones(1), argument="baseline", case="one number to compare with")
### BEGIN HIDDEN TESTS
refuses(paired_interval, np.ones(5), np.ones(1), argument="baseline", case="a single number to compare with")
refuses(paired_interval, np.ones((3, 2)), np.ones((3, 2)), argument="errors", case="a table")
same(paired_interval, solution.paired_interval, np.array([1.0, 5.0, 4.0]), np.array([2.0, 2.0, 2.5]), case="3 seeds")
same(paired_interval, solution.paired_interval, np.array([1.0, 5.0, 3.5]), np.array([2.0, 4.0, 3.5]), case="a middle of 0")
refuses_each(paired_interval, rng.normal(size=4), rng.normal(size=4), reference=solution.paired_interval, allowed={
    "errors": domain.shape(), "baseline": domain.shape()})
### END HIDDEN TESTS

# %% [markdown]
# Now your interval judges your techniques:

# %% demo=True
compared = {}
for table, rows in errors.items():
    print(f"\n{table} labels:     test error in %        against plain, in points")
    for name, row in rows.items():
        line = f"{name:18} {row.mean():5.1f}, spread {row.std(ddof=1):3.1f}"
        if name != "plain":
            compared[table, name] = paired_interval(row, rows["plain"])
            line += "      {:+5.1f} ± {:.1f}".format(*compared[table, name])
        print(line)

# %% [markdown]
# The same as a figure. Each dot is one seed, the bar is the interval. Left of the line a technique helps.

# %% demo=True
names = [name for name in SETTINGS if name != "plain"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, sharex=True)
for ax, (table, rows) in zip(axes, errors.items()):
    for place, name in enumerate(names):
        middle, reach = compared[table, name]
        ax.plot(rows[name] - rows["plain"], np.full(SEEDS, place - 0.25), ".", color="#999999", linestyle="")
        ax.errorbar(middle, place, xerr=reach, marker="o", color="#0072B2", capsize=4)
    ax.axvline(0, color="#444444", linestyle="-", linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="test error less plain's (points)", title=f"{table} labels")
axes[0].invert_yaxis()
fig.suptitle("A bar that crosses the line says: cannot tell", x=0.01, ha="left");

# %% [markdown]
# And in words, made from these numbers and from nothing else: what each technique did here.

# %% demo=True
for table in WRONG_SHARE:
    print(f"With {table} labels and {SEEDS} seeds:")
    for name in names:
        middle, reach = compared[table, name]
        said = "lowers the error" if middle + reach < 0 else "raises it" if middle - reach > 0 else "cannot be told"
        print(f"  {name:16} {said} ({middle:+.1f} ± {reach:.1f})")
print(f"{len(compared)} comparisons at 95 % give, by chance alone, {len(compared) * 0.05:.1f} false alarms on average.")

# %% [markdown]
# Where would each of them matter?
#
# * *Weight decay* holds back weights that grow in order to fit single pictures. It is worth most where the labels, or
#   the pictures, hold much that is not worth fitting; where they are clean, too much of it costs.
# * *Dropout* does the same for units that rely on each other. It needs a layer wide enough to lose half of its units,
#   and more epochs.
# * *Early stopping* costs nothing and helps wherever learning by heart comes after learning; it needs a validation set,
#   and here it had one with clean labels.
# * *Momentum* is a way to get down faster, not a remedy against learning by heart. In a narrow valley it matters; where
#   labels are wrong, getting down faster can mean learning them sooner.
# * *A schedule* that ends in small steps averages out the noise of single batches.
# * *Augmentation* gives the network more to learn than it can remember. It pays most if test pictures differ in the
#   ways that it knows of. Ours are all upright and in the middle of their frame.
# * *ReLU* instead of the sigmoid is section 8's subject: it decides whether a deep network learns at all. `activation`
#   in a `Setting` lets you try it on this shallow one.
#
# **How strong?** The right strength depends on the data, and it is chosen on the validation pictures, never on those
# that judge in the end:

# %% demo=True
for table, rows in validation_errors.items():
    found = {name: row.mean() for name, row in rows.items() if name in ("plain", "weak decay", "strong decay")}
    best = min(found, key=found.get)
    print(f"{table} labels, validation error:", ", ".join(f"{name} {mean:.1f} %" for name, mean in found.items()),
          f"– choose {best}")

# %% [markdown]
# ### An experiment of your own
#
# Those two strengths were ours. Now find one yourself, and in earnest: try several candidates, choose by *validation*
# error, and only then look at the test error of the one that was chosen, against plain, with the same seeds. Write that
# as a function. It knows nothing of networks: it is given a function that runs one setting with one seed. So it can be
# tested with runs that take no time.
#
# *By hand.* Two seeds, 0 and 1. The validation errors of candidate A are 30 and 34, with the mean 32; those of
# candidate B are 31 and 31, so B is chosen, whatever the test errors are. The test errors of B are 29 and 35, those of
# plain 31 and 38. The differences are −2 and −3, with the mean −2.5; $s$ is $\sqrt{1/2}$, and with $t = 12.706$ the
# reach is $12.706 / 2 = 6.353$.

# %%
def made_up(setting, seed):
    """A run that is only played: (test error, validation error) of plain and two candidates, for the seeds 0 and 1."""
    errors = {
        "plain": [(31.0, 33.0), (38.0, 36.0)],
        "A": [(25.0, 30.0), (24.0, 34.0)],
        "B": [(29.0, 31.0), (35.0, 31.0)],
    }
    return errors[setting][seed]

# %% exercise="choose_strength"
def choose_strength(run, plain, candidates, seeds):
    """Choose one of several settings on validation data, and compare it with plain on test data.

    run         function: run(setting, seed) trains once and returns the pair (test error, validation error)
    plain       the setting to compare with
    candidates  a list of settings
    seeds       a list of whole numbers

    The candidate with the lowest mean validation error over the seeds is chosen; of several, the first. Its test errors
    are compared with those of plain, seed by seed, as paired_interval does.
    Returns the triple (chosen, middle, reach), where chosen is the position in candidates, counted from 0.
    Calls run once for each seed with plain and with each candidate, and never with the same setting and seed again.
    Raises ValueError if candidates is empty, or seeds holds fewer than two.
    """
    ### BEGIN SOLUTION
    if len(candidates) == 0:
        raise ValueError("candidates is empty")
    if len(seeds) < 2:
        raise ValueError(f"seeds must hold at least two, not {len(seeds)}")
    results = np.array([[run(setting, seed) for seed in seeds] for setting in [plain, *candidates]])
    test, validation = results[..., 0], results[..., 1]
    chosen = int(validation[1:].mean(axis=1).argmin())
    return (chosen, *paired_interval(test[1 + chosen], test[0]))
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="choose_strength" name="by-hand" points=0.5
chosen, middle, reach = choose_strength(made_up, "plain", ["A", "B"], [0, 1])
close(chosen, 1, case="the chosen candidate", hint="the mean of the second number of each pair.")
close([middle, reach], [-2.5, 6.3531024], case="its interval", hint="test errors, B less plain, seed by seed.")
close(choose_strength(made_up, "plain", ["B", "A"], [1, 0])[0], 0, case="candidates and seeds exchanged",
      hint="the position in candidates, counted from 0.")

# %% check="choose_strength" name="general" points=0.5
def by_formula(setting, seed):
    return 30.0 - 2.0 * setting + 0.3 * (seed % 5) * setting, (setting - 3.0) ** 2 + 0.1 * (seed % 4)

chosen, middle, _ = choose_strength(by_formula, 0.0, [1.0, 5.0, 3.5, 2.0], [7, 11, 23])
close([chosen, middle], [2, -4.9], case="four candidates, three seeds",
      hint="3.5 is nearest to 3, where validation errors are lowest; its test errors are lower by 7, less 1.05 · the "
           "mean of seed % 5.")
# Hidden: other runs, candidates and seeds; how often each setting is run with each seed.
### BEGIN HIDDEN TESTS
table = rng.normal(30, 4, size=(8, 50, 2))

@public
def looked_up(setting, seed):
    return setting[seed]

for count, seeds in [(4, [3, 1, 4]), (6, [5, 9, 2, 6, 8]), (2, [11, 12]), (1, [7, 0, 20, 21])]:
    settings = [[tuple(pair) for pair in row] for row in (table + rng.normal(size=table.shape)).tolist()]
    same(choose_strength, solution.choose_strength, looked_up, settings[0], settings[1 : 1 + count], seeds,
         case=f"{count} candidates, {len(seeds)} seeds")
same(choose_strength, solution.choose_strength, looked_up, settings[0], [settings[2], settings[2]], [4, 9],
     case="two candidates alike")
asked = []

def trained_once(setting, seed):
    if (setting, seed) in asked:
        return 1000.0, 1000.0  # as if another training gave something else
    asked.append((setting, seed))
    return setting[seed]

def on_clean_runs(run, *rest):
    return solution.choose_strength(looked_up, *rest)

with aside():
    same(choose_strength, on_clean_runs, trained_once, settings[0], [settings[3], settings[1], settings[2]], [4, 9, 17],
         case="a run is not asked for twice")
### END HIDDEN TESTS

# %% check="choose_strength" name="arguments" points=0.5
refuses(choose_strength, made_up, "plain", [], [0, 1], argument="candidates", named=True, case="no candidate")
refuses(choose_strength, made_up, "plain", ["A"], [0], argument="seeds", named=True, case="a single seed")
close(choose_strength(made_up, "plain", ["A"], [0, 1])[:2], [0, -10], case="one candidate", hint="−6 and −14.")
# Hidden: no seeds; arguments that must stay as they were.
### BEGIN HIDDEN TESTS
@public
def looked_up(setting, seed):
    return setting[seed]

settings = [[tuple(pair) for pair in row] for row in rng.normal(30, 4, size=(4, 6, 2)).tolist()]
same(choose_strength, solution.choose_strength, looked_up, settings[0], settings[1:], [5, 2, 3], case="three of them")
refuses(choose_strength, looked_up, settings[0], settings[1:], [], argument="seeds", case="no seed")
unchanged(choose_strength, looked_up, settings[0], settings[1:], [5, 2, 3])
### END HIDDEN TESTS

# %% [markdown]
# Your experiment, on noisy labels: how strong should weight decay be? Three seeds that you have not looked at yet, and
# as many networks as the line says. Then ask another question: other strengths of dropout, a schedule with decay, a
# sigmoid, clean labels. (About 20 seconds.)

# %% demo=True
strengths, new_seeds = [0.003, 0.01, 0.03, 0.06], [100, 101, 102]
candidates = [Setting(lam=lam) for lam in strengths]
count = (1 + len(candidates)) * len(new_seeds)
with_noise = lambda setting, seed: run(setting, seed, WRONG_SHARE["noisy"])[:2]
chosen, middle, reach = choose_strength(with_noise, Setting(), candidates, new_seeds)
print(f"{count} networks; chosen on validation pictures: λ = {strengths[chosen]}")
print(f"test error against plain: {middle:+.1f} ± {reach:.1f} points, {len(new_seeds)} seeds")

# %% [markdown]
# Mind what these tables do *not* say. They hold for this network, so few pictures and these settings: another λ, more
# epochs, or all of the training pictures may turn a row round. Techniques that make learning harder need longer to pay
# off, and every row had the same number of epochs. All rows share the same test pictures, so none of the bars shows how
# much another test set would have changed. "Cannot be told" is not "does nothing".
#
# All of this is your laboratory. Change a setting, add a row that switches on several techniques at once, raise
# `EPOCHS` for augmentation, set another share of wrong labels, or take more seeds. Use seeds that you have not looked
# at yet, if you want to know whether a surprise was one.

# %% [markdown]
# ## 10. In your own words
#
# Answer in a few sentences each, and refer to your own tables.
#
# 1. Pick a technique that one of your tables cannot tell from doing nothing. What follows from that row about the
#    technique, and what does not? What would you change in the experiment to find out more?
# 2. The pictures that decide when to stop are not those on which the test error is measured. What would go wrong if
#    they were the same?
# 3. Weight decay, dropout and augmentation all make the loss on the training pictures *higher*. Why can that lower the
#    error on new ones, and when will it not?

# %% [markdown] answer="what-the-table-says" points=3
# *Your answer:*
#
# ### BEGIN SOLUTION
# One point for each part; half a point for an answer that is right but gives no reason or does not refer to the table.
#
# 1. It follows that an effect, if there is one, is smaller than about the length of the bar, for this network, so few
#    pictures, this setting and this number of epochs. It does not follow that there is none, nor that it would be none
#    elsewhere. More seeds shorten the bar, as one over the square root of their number, so four times as many halve it;
#    pairing by seed helps as well. More test pictures, other strengths (chosen on the validation set), more epochs.
#    Not: trying seeds until the bar no longer holds 0.
# 2. The stopping epoch is chosen because its loss on those pictures was low, in part by luck. Measured on the same
#    pictures, that luck counts as skill: the error is too low, and the row looks better than it is beside the rows
#    that chose nothing. The same holds for choosing λ or anything else.
# 3. They take away ways to fit what is peculiar to the training pictures: large weights, units that rely on each other,
#    pixels in exact places. What is left has to use what new pictures share. So the gap between training and new
#    pictures shrinks by more than the training loss rises. It does not help where there is little to gain: with enough
#    data, with a network too small or trained too briefly to fit even the training set (underfitting), or if the
#    strength is too high, or the changes make labels wrong.
# ### END SOLUTION

# %% [markdown]
# ## What you can now do
#
# * add weight decay to any loss, with one rate or several, and check penalty against gradient;
# * write dropout so that nothing has to be done when training is over, and send gradients back through the same mask;
# * stop early, keep the best weights and not an alias of them, and survive a loss that is NaN;
# * move between the conventions for momentum, and plan a learning rate;
# * say how annealing escapes from a hollow, and what it costs;
# * augment pictures without making a label wrong;
# * measure what an activation function does to gradients in a deep network;
# * test a claim about training with several seeds, paired differences and an interval, and say when you cannot tell;
# * choose on validation data, and judge on other data what was chosen.
#
# Before you hand in, choose *Kernel → Restart Kernel and Run All Cells*, and see that every visible check is silent.
#
# **Next:** assignment 06, *visualizing filters*. You will open a trained network, see what its filters look for, and
# find out where it fails.
