# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "The challenge", minutes: 150, seconds: 180}
# ---

# %% [markdown]
# # 7. The challenge
#
# This assignment has no right answer, only better ones. You build a network and the code that trains it. The grader
# trains it again, from nothing, in a locked room, and asks it for the names of ten thousand pictures that nobody in the
# class has seen. The leaderboard says how many it got right.
#
# What makes such a number mean something? Everybody gets the same pictures to learn from, the same processor time, the
# same room for weights, and nobody sees the test. Most of this notebook is about the other half of the question: how
# you find out, before you hand in, what your own number is worth.
#
# **What you will build**
#
# 1. a count of a network's weights, as the grader weighs them,
# 2. a calculator for a budget of processor time,
# 3. a confidence interval for an accuracy,
# 4. a network,
# 5. its training.
#
# **What you need.** Assignments 02 to 05: convolution, pooling, training, augmentation. PyTorch: `nn.Module`, an
# optimizer, `loss.backward()`.
#
# **How long it takes.** About two and a half hours for you, and as much more as you like; about three minutes for your
# laptop, from top to bottom, with a network of the size that section 6 asks for. This assignment is optional.

# %% [markdown]
# ## How this notebook works
#
# As before: replace `raise NotImplementedError()` by your code. The docstring is the whole agreement. What a comment
# announces as `Hidden` runs when your work is graded, with other numbers, and asks for nothing beyond the docstring. Results
# may differ by 10⁻⁶ times the largest expected value (or 1, if that is larger); counts must be exact. Wrong arguments raise
# `ValueError` with a message that names the argument.
#
# There are 33 points: 30 from checks, 3 for a written answer at the end. About a third comes from the competition
# itself.

# %% [markdown]
# Run this cell first. It brings in numpy, torch, matplotlib, and the course's own tools. The grader trains on one core,
# so torch gets no more than one here: what you time is what will be counted.

# %%
import copy
import math
import random
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.lab import FASHION_CLASSES, close, fashion, progress, refuses
from autograder.lab import show_grid, show_matrix, style

style()
torch.set_num_threads(1)

# %% [markdown]
# ## 1. The rules
#
# * You write `build_model()` and `train(model, images, labels, seed)`. The grader calls both in a fresh process with
#   your notebook's code and nothing else: no files, no network, no course data, no weights from your laptop.
# * `train` gets the training pictures of Fashion-MNIST that you have, too, and a seed that you do not know. It changes
#   `model` in place; what it returns is ignored.
# * Only the trained weights leave that process. A second process calls `build_model()` again, loads them, and answers.
# * The test pictures are new ones, and they were changed in seven ways: **moved, turned, resized, mirrored, lit from one
#   side, given more or less contrast, and grained**. Labels are as before. How far a change can go is the same in every
#   course, and no secret: it stands in the grader's source. The course's own secret draws the rest: by how much each
#   picture is changed, where the light comes from, the order of the pictures, their halves, and the seed of your training.
# * Half of the pictures are *public*: they decide your points here and your place on the board while the competition
#   runs. The other half is *private*: it is counted once, at the end, and decides the final ranks.
# * The public board shows your *best* entry so far. In the private half counts your *last* one, unless you say otherwise:
#   an entry whose notebook has `THIS_ENTRY_COUNTS = False` (section 7) is trained, gives points and can move the board,
#   but leaves the one before it to count. Your page of feedback says which one counts, and warns you when it is clearly
#   worse than the one on the board. To go back to an earlier entry, hand it in again: the same code gives the same answers.
#
# Here are the limits. An entry beyond any of them gets the reason, and no score.

# %%
MOST_WEIGHTS = 100_000       # numbers of four bytes that may pass from training to answering
TRAINING_SECONDS = 120.0     # processor time, one core, to run your notebook's code and train
ANSWERING_SECONDS = 60.0     # the same, to build the network again and answer every picture
MEMORY_MB = 3072             # for each of the two processes
SOURCE_CHARACTERS = 60_000   # the length of all code in your notebook
BATCH = 500                  # the most pictures that your network is asked about at a time

# %% [markdown]
# Points for accuracy come in steps. The first number of each pair is the share of the public pictures that must be
# answered rightly, the second is what you then have in all. A linear classifier does not reach the first of them.

# %%
# From `python -m autograder.bench.reference_entries --secrets 8` (docs/leaderboard.md): on the private half, the mean over
# secrets of a linear classifier and of a strong small network. The steps stand at 1/6, 2/6 … 5/6 of the way between the
# two, rounded to half a percent. The first lies more than five standard deviations (over secrets) above the linear
# classifier, the last more than ten below the strong network.
THRESHOLDS = ((0.545, 1.5), (0.605, 3.0), (0.665, 4.5), (0.725, 6.5), (0.785, 8.5))

# %% [markdown]
# These are the pictures. There are ten classes, equally frequent. A few thousand are kept apart for you to test on.

# %% demo=True
train_images, train_labels = (torch.from_numpy(array) for array in fashion("train"))
valid_images, valid_labels = (torch.from_numpy(array) for array in fashion("validation"))
print(f"{len(train_images):,} pictures to learn from, {len(valid_images):,} others to test on")
show_grid(train_images[:20], [FASHION_CLASSES[label] for label in train_labels[:20]], limits=(0, 1))

# %% [markdown]
# ### What a network weighs
#
# The grader does not ask your network how large it is. It takes `model.state_dict()`, which is what has to travel, and
# adds up its bytes. So everything in there counts: weights, biases, and the *buffers* that some layers keep beside
# them. Batch normalization, for example, keeps the mean and the variance of each channel, and a counter that is a whole
# number of eight bytes.
#
# *By hand.* `nn.Linear(3, 2)` has 6 weights and 2 biases of four bytes each: 8 numbers. `nn.BatchNorm2d(5)` has 5
# scales, 5 shifts, 5 means and 5 variances, 20 numbers, and its counter, which weighs as much as 2: 22 in all. The same
# linear layer in double precision weighs 16.

# %% exercise="count_weights"
def count_weights(model):
    """How many numbers of four bytes a network's state weighs.

    model  a torch.nn.Module; its layers share no weights, and its state_dict() leaves no buffer out

    All entries of model.state_dict() count, trained or not, each with as many bytes as it takes: a float64 or an
    int64 counts as two numbers, a float16 as half of one.
    Returns a whole number (int): the bytes of all entries together, divided by four, rounded up at the end.
    Raises ValueError if model is not a torch.nn.Module.
    """
    ### BEGIN SOLUTION
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    size = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    return -(-size // 4)
    ### END SOLUTION

# %% [markdown]
# The three examples above:

# %% check="count_weights" name="by-hand" points=0.5
close(count_weights(nn.Linear(3, 2)), 8, tolerance=0, case="a linear layer")
close(count_weights(nn.BatchNorm2d(5)), 22, tolerance=0, case="batch normalization")
close(count_weights(nn.Linear(3, 2).double()), 16, tolerance=0, case="a linear layer in double precision")

# %% [markdown]
# Half precision takes two bytes: 3 and 5 such numbers are 16 bytes, 4 numbers; 3 alone are 6 bytes, and half a number takes
# room as well. And layers may lie within layers: $8 + 2 \cdot 4 + 2 = 18$.

# %% check="count_weights" name="networks" points=2
halves = nn.Sequential(nn.Linear(2, 1).half(), nn.Linear(4, 1).half())
close(count_weights(halves), 4, tolerance=0, case="two layers in half precision, 3 and 5 numbers")
close(count_weights(halves[0]), 2, tolerance=0, case="a layer of 3 numbers in half precision")
within = nn.Sequential(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), nn.ReLU())
close(count_weights(within), 18, tolerance=0, case="layers within a layer")
# Hidden: whole networks, with and without biases and buffers, in several precisions; half a number left over.
### BEGIN HIDDEN TESTS
from torch import nn

def by_bytes(model):
    total = sum(len(value.contiguous().numpy().tobytes()) for value in model.state_dict().values())
    return int(math.ceil(total / 4))

one, two, three = (int(n) for n in rng.choice(np.arange(3, 12), 3, replace=False))
networks = {
    "convolutions": nn.Sequential(nn.Conv2d(1, one, 5), nn.ReLU(), nn.Conv2d(one, two, 3, bias=False)),
    "convolutions and batch normalization": nn.Sequential(
        nn.Conv2d(1, one, 3, bias=False), nn.BatchNorm2d(one), nn.ReLU(), nn.Conv2d(one, two, 3, groups=1),
        nn.BatchNorm2d(two, affine=False), nn.Flatten(), nn.Linear(three, 10),
    ),
    "layers within layers": nn.Sequential(nn.Sequential(nn.Linear(one, two), nn.Tanh()), nn.Sequential(nn.Linear(two, 7))),
    "double precision and buffers": nn.Sequential(nn.Linear(one, two).double(), nn.BatchNorm1d(two).double()),
    "half precision": nn.Linear(two, three).half(),
    "half precision, half a number left over": nn.Linear(2, 1).half(),
    "two halves in two layers": nn.Sequential(nn.Linear(2, 1).half(), nn.Linear(4, 1).half()),
    "halves in many layers": nn.Sequential(*(nn.Linear(2 * n, 1).half() for n in (one, two, three))),
    "layers within layers within layers": nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(three, one)), nn.Linear(one, 3))),
    "nothing to learn": nn.Sequential(nn.Flatten(), nn.ReLU()),
}
for case, network in networks.items():
    same(count_weights, by_bytes, network, case=case)
### END HIDDEN TESTS

# %% check="count_weights" name="arguments" points=0.5
refuses(count_weights, 12, argument="model", case="a number")
### BEGIN HIDDEN TESTS
same(count_weights, solution.count_weights, nn.Linear(2, 3), case="a network")
refuses(count_weights, {"weight": np.ones((2, 3))}, argument="model", case="a dictionary of arrays")
refuses(count_weights, None, argument="model", case="no network at all")
refuses(count_weights, torch.ones(3), argument="model", case="a tensor")
refuses(count_weights, [nn.Linear(2, 3)], argument="model", case="a list of layers")
refuses(count_weights, dict(nn.Linear(2, 3).state_dict()), argument="model", case="a state")
fresh_result(count_weights, nn.Linear(2, 3), kind=int)
### END HIDDEN TESTS

# %% [markdown]
# How much is the room worth? Here are some networks for 28 × 28 pixels and ten classes:

# %% demo=True
sizes = {
    "linear": nn.Linear(28 * 28, 10),
    "one hidden layer of 100": nn.Sequential(nn.Linear(28 * 28, 100), nn.Linear(100, 10)),
    "one hidden layer of 300": nn.Sequential(nn.Linear(28 * 28, 300), nn.Linear(300, 10)),
    "one 3×3 convolution, 64 to 64 channels": nn.Conv2d(64, 64, 3),
    "one 3×3 convolution, 128 to 128 channels": nn.Conv2d(128, 128, 3),
}
for name, network in sizes.items():
    print(f"{name:42} {count_weights(network):8,}   {count_weights(network) / MOST_WEIGHTS:6.1%} of the room")

# %% [markdown]
# ## 2. The budget
#
# Training is cut off when the processor time is used up, and then there is no score. So work out beforehand how often
# you can go through the pictures. You have to know one number, the seconds for one step, and you have to keep a reserve:
# the grader's processor is not yours.
#
# *By hand.* 250 pictures in batches of 100 make 3 steps, the last one with 50 pictures. At 0.5 seconds a step, one pass
# takes 1.5 seconds. Of a budget of 10 seconds keep a quarter in reserve, and 7.5 are left: exactly 5 passes. With 7 left
# it would be 4.

# %% exercise="affordable_epochs"
def affordable_epochs(step_seconds, images, batch_size, budget, reserve):
    """How many whole passes over the training pictures fit into a budget of time.

    step_seconds  time for one step (one batch), in seconds; the last batch of a pass may be smaller than the others,
                  and its step takes as long as any other
    images        number of training pictures
    batch_size    pictures in a batch
    budget        time that is allowed, in seconds
    reserve       share of the budget that is kept free: at least 0, less than 1

    Returns a whole number (int), the largest for which all passes together take no more than what is left of the
    budget without its reserve. 0 if not even one pass fits.
    Raises ValueError if step_seconds is not positive, if images or batch_size is less than 1, if budget is negative,
    or if reserve is negative, or 1 or more.
    """
    ### BEGIN SOLUTION
    if step_seconds <= 0:
        raise ValueError(f"step_seconds must be positive, not {step_seconds}")
    if images < 1 or batch_size < 1:
        raise ValueError("images and batch_size must be at least 1")
    if budget < 0:
        raise ValueError(f"budget must not be negative, but it is {budget}")
    if not 0 <= reserve < 1:
        raise ValueError(f"reserve must be at least 0 and less than 1, not {reserve}")
    steps = math.ceil(images / batch_size)
    return math.floor((1 - reserve) * budget / (steps * step_seconds))
    ### END SOLUTION

# %% check="affordable_epochs" name="by-hand" points=0.5
close(affordable_epochs(0.5, 250, 100, 10, 0.25), 5, tolerance=0, case="a pass that just fits")
close(affordable_epochs(0.5, 250, 100, 9.25, 0.25), 4, tolerance=0, case="a pass that just does not")

# %% [markdown]
# Another: 37 pictures in batches of 8 are 5 steps of 0.125 seconds. Of 3.2 seconds a quarter is kept, and 2.4 are left for
# passes of 0.625: three, and not four, although 3.84 is nearer to that.

# %% check="affordable_epochs" name="budgets" points=2
close(affordable_epochs(0.125, 37, 8, 3.2, 0.25), 3, tolerance=0, case="37 pictures in batches of 8")
# Hidden: batches that divide the pictures and batches that do not; reserves; one picture; too little for one pass.
### BEGIN HIDDEN TESTS
for images, batch_size in ((600, 100), (601, 100), (599, 100), (37, 8), (1, 64), (64, 64), (63, 64), (5, 1)):
    steps = (images + batch_size - 1) // batch_size
    for passes in (1, 3, 10):
        for reserve in (0.0, 0.25, 0.5):
            exact = passes * steps * 0.125 / (1 - reserve)
            case = f"{images} pictures in batches of {batch_size}, reserve {reserve}"
            reference = lambda *_: passes
            same(affordable_epochs, reference, 0.125, images, batch_size, exact * 1.02, reserve, case=case)
            if reserve != 0.25:
                same(affordable_epochs, reference, 0.125, images, batch_size, exact, reserve, case=f"{case}, just enough")
            fewer = lambda *_: passes - 1
            same(affordable_epochs, fewer, 0.125, images, batch_size, exact * 0.97, reserve, case=f"{case}, just too little")
same(affordable_epochs, lambda *_: 0, 1.0, 10, 5, 0, 0.0, case="no budget")
### END HIDDEN TESTS

# %% check="affordable_epochs" name="arguments" points=0.5
refuses(affordable_epochs, 0.0, 250, 100, 10, 0.25, argument="step_seconds", case="steps that take no time")
refuses(affordable_epochs, 0.5, 250, 100, 10, 1.0, argument="reserve", case="everything kept in reserve")
### BEGIN HIDDEN TESTS
same(affordable_epochs, solution.affordable_epochs, 0.5, 250, 100, 10, 0.25, case="allowed numbers")
refuses(affordable_epochs, -0.5, 250, 100, 10, 0.25, argument="step_seconds", case="negative seconds")
refuses(affordable_epochs, 0.5, 0, 100, 10, 0.25, argument="images", case="no pictures")
refuses(affordable_epochs, 0.5, 250, 0, 10, 0.25, argument="batch_size", case="empty batches")
refuses(affordable_epochs, 0.5, 250, 100, -1, 0.25, argument="budget", case="a negative budget")
refuses(affordable_epochs, 0.5, 250, 100, 10, -0.25, argument="reserve", case="a negative reserve")
refuses_each(affordable_epochs, 0.5, 250, 100, 10.0, 0.25, reference=solution.affordable_epochs, allowed={
    "step_seconds": domain.number(above=0.0), "images": domain.whole(1, fractions=False),
    "batch_size": domain.whole(1, fractions=False), "budget": domain.number(least=0.0),
    "reserve": domain.number(least=0.0, below=1.0)})
fresh_result(affordable_epochs, 0.5, 250, 100, 10.0, 0.25, kind=int)
### END HIDDEN TESTS

# %% [markdown]
# Now measure. A step is: one batch through the network, the gradients back, one move of the optimizer. The first steps
# take longer than the others, so the median of some is what counts. (About five seconds.)

# %% demo=True
def step_seconds(network, batch_size, repeats=7):
    """Median processor time of one training step, in seconds."""
    optimizer, spent = torch.optim.AdamW(network.parameters()), []
    x, y = train_images[:batch_size], train_labels[:batch_size]
    for _ in range(repeats):
        started = time.process_time()
        optimizer.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
        spent.append(time.process_time() - started)
    return float(np.median(spent))


def pooled(*widths):
    """Convolutions of 3×3 with so many channels, each followed by pooling, then one linear layer."""
    layers = [nn.Conv2d(1, widths[0], 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    side = 28 // 2 ** len(widths)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, 10))

# %% [markdown]
# > **Predict, then run.** Three networks, five sizes of batch. For which size does a pass cost the least time, and how
# > large is the difference between the first and the last network: twice, ten times, a hundred times?

# %% demo=True
candidates = {"linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
              "16 and 32 channels": lambda: pooled(16, 32), "32 and 64 channels": lambda: pooled(32, 64)}
batch_sizes, affordable = [10, 25, 50, 100, 250], {}
for name, make in candidates.items():
    measured = [(step_seconds(make(), size), size) for size in batch_sizes]
    affordable[name] = [affordable_epochs(seconds, len(train_images), size, TRAINING_SECONDS, 0.3)
                        for seconds, size in measured]
    print(f"{name:20}" + "".join(f"  {size:4}: {epochs:5} passes" for size, epochs in zip(batch_sizes, affordable[name])))

# %% [markdown]
# Processor time for the same number of pictures hardly depends on the size of the batch once it is large enough. But a
# pass in large batches makes fewer steps, and each step learns something.

# %% demo=True
fig, ax = plt.subplots(figsize=(7, 3.2))
for (name, epochs), marker in zip(affordable.items(), "osD"):
    ax.plot(batch_sizes, epochs, marker=marker, label=name)
ax.set(xscale="log", yscale="log", xlabel="pictures in a batch", ylabel="passes",
       title="What the budget buys on this machine, with a reserve")
ax.set_xticks(batch_sizes, batch_sizes)
ax.minorticks_off()
ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5));

# %% [markdown]
# ## 3. A baseline
#
# Before anything clever, something simple. A linear classifier can be had without any training: least squares gives its
# weights as the solution of one system of equations. If a network of yours cannot beat it, look for the bug. (A second.)

# %% demo=True
def with_one(images):
    """Each picture as a row of its pixels and a 1 for the bias."""
    return torch.cat([images.flatten(1), torch.ones(len(images), 1)], dim=1).double()


x, targets = with_one(train_images), F.one_hot(train_labels, 10).double()
linear_weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]), x.T @ targets)
baseline = lambda images: with_one(images) @ linear_weights


def right_answers(classify, images, labels):
    """For each picture, whether the largest of its ten numbers is that of its class; shape (N,), bool."""
    with torch.no_grad():
        return torch.cat([classify(batch).argmax(1) for batch in images.split(500)]) == labels


right = right_answers(baseline, valid_images, valid_labels)
print(f"The linear classifier is right on {right.sum()} of {len(right)} validation pictures, {right.double().mean():.1%}.")

# %% [markdown]
# Where is it wrong? Each row below is a true class, each column an answer, in percent of the row.

# %% demo=True
answers = baseline(valid_images).argmax(1)
confusion = np.zeros((10, 10))
np.add.at(confusion, (valid_labels.numpy(), answers.numpy()), 1)
fig, ax = plt.subplots(figsize=(5.8, 5))
show_matrix(100 * confusion / confusion.sum(axis=1, keepdims=True), ax, decimals=0,
            title="Most often, it mixes up what covers the upper body")
ax.set_xticks(range(10), FASHION_CLASSES, rotation=90, fontsize="small")
ax.set_yticks(range(10), FASHION_CLASSES, fontsize="small")
ax.set(xlabel="answer", ylabel="true class");

# %% [markdown]
# ## 4. How sure is that?
#
# Ask other pictures, and the share of right answers will be another. If each of $n$ answers is right with the same
# probability $p$, the share $\hat p$ has the standard deviation $\sqrt{p(1-p)/n}$. The interval that most people write
# down puts $\hat p$ in there for $p$: $\hat p \pm z\sqrt{\hat p(1-\hat p)/n}$ (Wald). It says that somebody who was
# right three times out of three is right always, without any doubt.
#
# Wilson (1927) asked the better question. Which $p$ are *compatible* with what was seen, so that $\hat p$ lies within
# $z$ standard deviations of $p$?
#
# $$(\hat p - p)^2 \le z^2\, \frac{p(1-p)}{n}$$
#
# That is a quadratic inequality for $p$. Its two roots are the ends of the interval; $z = 1.96$ gives a confidence of
# 95 %. The leaderboard shows the same interval.
#
# *By hand.* 6 right of 12, $z = 2$. Times 3, the condition reads $3(\tfrac12 - p)^2 \le p(1-p)$, so $4p^2 - 4p +
# \tfrac34 = 0$ at the ends, and these are ¼ and ¾. With 0 right of 12: $3p^2 \le p(1-p)$, so $p$ lies from 0 to ¼. Wald
# would say from 0 to 0.

# %% exercise="accuracy_interval"
def accuracy_interval(right, images, z):
    """Wilson's interval for the probability of a right answer.

    right   number of right answers, from 0 to images
    images  number of pictures asked about, at least 1
    z       standard deviations to either side, positive

    Returns a pair (low, high) of numbers, the smallest and the largest p with
    (right / images - p)² <= z² p (1 - p) / images.
    Raises ValueError if images is less than 1, if right is negative or larger than images, or if z is not positive.
    """
    ### BEGIN SOLUTION
    if images < 1:
        raise ValueError(f"images must be at least 1, not {images}")
    if not 0 <= right <= images:
        raise ValueError(f"right must be from 0 to images, not {right}")
    if z <= 0:
        raise ValueError(f"z must be positive, not {z}")
    middle = right + z**2 / 2
    reach = z * math.sqrt(right * (images - right) / images + z**2 / 4)
    return max(0.0, (middle - reach) / (images + z**2)), min(1.0, (middle + reach) / (images + z**2))
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: solving it</summary>
#
# Multiply the condition by $n$ and collect the powers of $p$: $(n + z^2)\,p^2 - (2n\hat p + z^2)\,p + n\hat p^2 = 0$.
# Write $r = n\hat p$ for the number of right answers, and everything you need is there.
# </details>

# %% check="accuracy_interval" name="by-hand" points=1
close(accuracy_interval(6, 12, 2), [0.25, 0.75], case="6 of 12 right, z = 2")
close(accuracy_interval(0, 12, 2), [0.0, 0.25], case="none of 12 right, z = 2")

# %% [markdown]
# For 4 right of 16 and $z = 2$ the roots are 1/10 and 1/2; for 12 of 16 they are 1/2 and 9/10.

# %% check="accuracy_interval" name="any-share" points=2
close(accuracy_interval(4, 16, 2), [0.1, 0.5], case="4 of 16 right, z = 2")
close(accuracy_interval(12, 16, 2), [0.5, 0.9], case="12 of 16 right, z = 2")
# Hidden: few and many pictures, every kind of share, several z.
### BEGIN HIDDEN TESTS
import scipy.stats

def by_scipy(right, images, z):
    level = scipy.stats.norm.cdf(z) - scipy.stats.norm.cdf(-z)
    found = scipy.stats.binomtest(right, images).proportion_ci(level, method="wilson")
    return found.low, found.high

same(accuracy_interval, by_scipy, 1, 8, 2.576, case="one of 8 pictures right")
same(accuracy_interval, by_scipy, 1, 8000, 2.576, case="one of 8,000 pictures right")
for images in (3, 10, 47, 2000, 10_000):
    for z in (1.0, 1.96, 2.576):
        right = int(rng.integers(1, images))
        same(accuracy_interval, by_scipy, right, images, z, case=f"{images} pictures, z = {z}")
same(accuracy_interval, by_scipy, 1630, 2000, 1.96, case="2000 pictures, most of them right")
same(accuracy_interval, by_scipy, 19, 20, 1.96, case="all but one of 20 pictures right")
### END HIDDEN TESTS

# %% check="accuracy_interval" name="extremes" points=0.5
close(accuracy_interval(0, 12, 2), [0.0, 0.25], case="none of 12 right, z = 2")
close(accuracy_interval(12, 12, 2), [0.75, 1.0], case="all of 12 right, z = 2")
# Hidden: nothing right and everything right, for other numbers. Probabilities stay probabilities.
### BEGIN HIDDEN TESTS
for images in (1, 2, 25, 1000):
    for z in (0.7, 1.96, 3.0):
        share = z**2 / (images + z**2)
        same(accuracy_interval, lambda *_: (0.0, share), 0, images, z, case=f"none of {images} right")
        same(accuracy_interval, lambda *_: (1 - share, 1.0), images, images, z, case=f"all of {images} right")
### END HIDDEN TESTS

# %% check="accuracy_interval" name="arguments" points=0.5
refuses(accuracy_interval, 13, 12, 2, argument="right", case="more right answers than pictures")
refuses(accuracy_interval, 0, 0, 2, argument="images", case="no pictures")
### BEGIN HIDDEN TESTS
same(accuracy_interval, solution.accuracy_interval, 6, 12, 2, case="allowed numbers")
for z in (2, 9):  # 9 is so large that the root can be taken all the same
    refuses(accuracy_interval, -1, 12, z, argument="right", case="a negative number of right answers")
    refuses(accuracy_interval, 13, 12, z, argument="right", case="more right answers than pictures")
refuses(accuracy_interval, 6, 12, 0, argument="z", case="z of zero")
refuses(accuracy_interval, 6, 12, -2, argument="z", case="a negative z")
for right in (0, 6, 12):
    refuses_each(accuracy_interval, right, 12, 2.0, reference=solution.accuracy_interval, allowed={
        "right": domain.whole(0, 12, fractions=False), "z": domain.number(above=0.0)})
for images in (0, -1, -12):
    refuses(accuracy_interval, 0, images, 2.0, argument="images", case="no pictures")
### END HIDDEN TESTS

# %% [markdown]
# How many pictures does one need to tell two entries apart? Four times as many halve the interval, and no fewer do.

# %% demo=True
fig, ax = plt.subplots(figsize=(7, 2.6))
for place, images in enumerate([20, 200, 2000, 5000, 20_000]):
    low, high = accuracy_interval(round(0.8 * images), images, 1.96)
    ax.plot([low, high], [place, place], marker="|", markersize=10, color="#0072B2", linestyle="-")
    ax.text(high + 0.008, place, f"±{100 * (high - low) / 2:.1f} points", va="center", fontsize="small")
ax.set_yticks(range(5), ["20", "200", "2,000", "5,000", "20,000"])
ax.set(xlabel="probability of a right answer", ylabel="pictures", xlim=(0.5, 1.0), ylim=(-0.5, 4.5),
       title="80 % right: what that is compatible with, at a confidence of 95 %")
ax.invert_yaxis();

# %% [markdown]
# ## 5. The pictures will be other ones
#
# The rules name seven changes of the hidden pictures. Guess how far they go, and make a test set of your own from the
# validation pictures. Here is somebody's guess; change its numbers. Each function takes one picture of shape (28, 28) and
# a numpy generator.

# %% demo=True
import scipy.ndimage

spread = np.linspace(-1, 1, 28)


def resized(picture, size):
    """The picture, larger (size above 1) or smaller about its middle, in the same frame."""
    return scipy.ndimage.affine_transform(picture, np.eye(2) / size, 13.5 * (1 - 1 / size), order=1)


CHANGES = {
    "moved": lambda picture, rng: scipy.ndimage.shift(picture, rng.uniform(-1.5, 1.5, 2), order=1),
    "turned": lambda picture, rng: scipy.ndimage.rotate(picture, rng.uniform(-10, 10), reshape=False, order=1),
    "resized": lambda picture, rng: resized(picture, rng.uniform(0.94, 1.06)),
    "mirrored": lambda picture, rng: picture[:, ::-1] if rng.random() < 0.5 else picture,
    "lit from one side": lambda picture, rng: picture * (1 + 0.25 * rng.choice([-1, 1]) * spread),
    "other contrast": lambda picture, rng: picture * rng.uniform(0.85, 1.15),
    "grained": lambda picture, rng: picture + 0.05 * rng.normal(size=picture.shape),
}

# %% [markdown]
# All of them, one after another, on a whole stack of pictures. (Two seconds.)

# %% demo=True
def changed(images, names=tuple(CHANGES), seed=0):
    """The pictures after the named changes; shape (N, 1, 28, 28), still from 0 to 1."""
    rng, result = np.random.default_rng(seed), []
    for picture in images[:, 0].numpy():
        for name in names:
            picture = CHANGES[name](picture, rng)
        result.append(np.clip(picture, 0, 1))
    return torch.from_numpy(np.stack(result)[:, None].astype(np.float32))


changed_images = changed(valid_images)
show_grid([*valid_images[:8], *changed_images[:8]],
          [*(FASHION_CLASSES[label] for label in valid_labels[:8]), *["changed"] * 8], columns=8, limits=(0, 1))

# %% [markdown]
# > **Predict, then run.** The linear classifier gives each pixel its own weight. Which of the seven changes costs it the
# > most, and which the least? Write down your order.

# %% demo=True
tests = {"as they are": valid_images, **{name: changed(valid_images, [name]) for name in CHANGES},
         "all seven": changed_images}


def draw_accuracy(ax, place, classify, images, **style):
    """A dot for the share of right answers, in percent, and a line for its interval."""
    right = int(right_answers(classify, images, valid_labels).sum())
    low, high = accuracy_interval(right, len(images), 1.96)
    ax.plot([100 * low, 100 * high], [place, place], **{"color": "#0072B2", "linestyle": "-", **style, "marker": ""})
    ax.plot(100 * right / len(images), place, **{"color": "#0072B2", "marker": "o", **style, "linestyle": ""})
    ax.text(100 * high + 1, place, f"{100 * right / len(images):.1f} %", va="center", fontsize="small")

# %% demo=True
fig, ax = plt.subplots(figsize=(7, 3))
for place, images in enumerate(tests.values()):
    draw_accuracy(ax, place, baseline, images)
ax.set_yticks(range(len(tests)), tests)
ax.set(xlabel="validation pictures answered rightly (%), with 95 % interval", xlim=(30, 95),
       title="What each change costs the linear classifier")
ax.invert_yaxis();

# %% [markdown]
# ## 6. Your network
#
# Build one. What you know helps: small kernels, several of them on top of each other, fewer rows and columns as channels
# grow, pooling or strides, batch normalization. Mind the limit of section 1, and remember section 2: time for passes
# may be worth more than one more layer.

# %% exercise="build_model"
def build_model():
    """A new network for the challenge.

    Takes no arguments. Returns a torch.nn.Module that maps float32 pictures of shape (N, 1, 28, 28), values from 0 to
    1, to ten numbers for each, shape (N, 10), for every N from 1 to BATCH. The largest of the ten is the answer. They
    are logits: any real numbers, not probabilities (no softmax or sigmoid at the end). In evaluation mode the numbers of
    a picture do not depend on the other pictures.
    Every call returns a new network that shares no weights with those returned before.
    All that training changes must be in its state_dict(), which weighs at most MOST_WEIGHTS numbers of four bytes: a
    second network with the first one's state loaded, in evaluation mode, gives the same logits.
    """
    ### BEGIN SOLUTION
    def block(before, after, size, stride):
        convolution = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
        return [convolution, nn.BatchNorm2d(after), nn.ReLU()]

    return nn.Sequential(
        *block(1, 16, 5, 2), *block(16, 32, 3, 2), *block(32, 64, 3, 1), *block(64, 64, 3, 2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * 4 * 4, 10),
    )
    ### END SOLUTION


def examine(batch_sizes, most_weights):
    """What build_model returns, in a few facts. Checks call this; leave it as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return facts_about(build_model(), build_model(), batch_sizes, most_weights)


def facts_about(first, second, batch_sizes, most_weights):
    """The facts for examine, about two networks that build_model made; leave it as it is, too."""
    if not isinstance(first, nn.Module) or not isinstance(second, nn.Module):
        return {"a module": False}
    state, other = first.eval().state_dict(), second.eval().state_dict()
    places = [{value.data_ptr() for value in each.values() if value.numel()} for each in (state, other)]
    pictures = [torch.rand(size, 1, 28, 28) for size in batch_sizes]
    with torch.no_grad():
        logits, alone = [first(batch) for batch in pictures], first(pictures[0][:1])
        trained, two = build_model().eval(), torch.rand(2, 1, 28, 28)
        for parameter in trained.parameters():
            parameter += 0.1 * torch.randn(parameter.shape)
        answers = trained(two)
        weight = sum(value.numel() * value.element_size() for value in state.values())
        second.load_state_dict(copy.deepcopy(state))
        again = [second(batch) for batch in pictures]
    return {
        "a module": True,
        "shapes": [tuple(one.shape) for one in logits],
        "looks": not torch.equal(answers[:1], answers[1:]),
        "one by one": torch.allclose(logits[0][:1], alone, atol=1e-3),
        "within the limit": weight <= 4 * most_weights,
        "new network": first is not second,
        "new weights": places[0].isdisjoint(places[1]),
        "probabilities": all(bool((one >= 0).all() and ((one.sum(-1) - 1).abs() < 1e-3).all()) for one in logits),
        "restored": all(torch.allclose(one, two, atol=1e-4) for one, two in zip(logits, again)),
    }

# %% [markdown]
# The grader looks at your network through `examine`, which stands below your function. Use it, too:

# %% check="build_model" name="shapes" points=1
facts = examine([3, 1], MOST_WEIGHTS)
assert facts["a module"], "build_model() must return a torch.nn.Module: an object, not its class"
close(facts["shapes"], [[3, 10], [1, 10]], case="the shapes of the logits for 3 pictures and for 1")
assert facts["looks"], "two pictures get the same logits, whatever the weights: the network does not look at them"
### BEGIN HIDDEN TESTS
sizes, wrong = (1, 2, 77, BATCH), "some number of pictures gets logits of a wrong shape"
blind = "the network gives every picture the same logits, whatever its weights"

def answers_differ(model):
    state = {name: value + 0.1 * torch.randn(value.shape) if value.is_floating_point() else value
             for name, value in dict(model.state_dict()).items()}
    model.load_state_dict(state)
    answers = np.asarray(model(torch.rand(2, 1, 28, 28)).detach())
    return not np.array_equal(answers[0], answers[1])

passes(examine(list(sizes), MOST_WEIGHTS)["shapes"] == [(size, 10) for size in sizes], wrong)
with aside():
    model = build_model().eval()
    for size in sizes:
        passes(np.shape(model(torch.rand(size, 1, 28, 28))) == (size, 10), wrong)
    passes(answers_differ(model), blind)
### END HIDDEN TESTS

# %% check="build_model" name="limits" points=1.5
facts = examine([2, 9], MOST_WEIGHTS)
assert facts.get("within the limit"), "the network's state weighs more than MOST_WEIGHTS: see count_weights(build_model())"
assert not facts["probabilities"], "the network returns probabilities, not logits: F.cross_entropy contains the softmax"
assert facts["one by one"], "a picture's logits depend on the other pictures of its batch"
# Hidden: the same by the grader's own scales: the weights as it weighs them, and logits, not probabilities.
### BEGIN HIDDEN TESTS
facts = examine([2, 9], MOST_WEIGHTS)
passes(facts["looks"] is True, "the network gives every picture the same logits, whatever its weights")
heavy, soft = "the network's state weighs more than MOST_WEIGHTS", "the network returns probabilities, not logits"
passes(facts.get("within the limit") is True, heavy, hint="count_weights(build_model())")
passes(facts["one by one"] is True, "a picture's logits depend on the other pictures of its batch")
passes(facts["probabilities"] is False, soft,
       hint="F.cross_entropy contains the softmax; a second one only takes away its gradient")
with aside():
    model = build_model().eval()
    state, logits = dict(model.state_dict()), np.asarray(model(torch.rand(9, 1, 28, 28)).detach())
    model.load_state_dict({name: value + 0.1 * torch.randn(value.shape) if value.is_floating_point() else value
                           for name, value in state.items()})
    seen = np.asarray(model(torch.rand(2, 1, 28, 28)).detach())
    passes(not np.array_equal(seen[0], seen[1]), "the network gives every picture the same logits")
    passes(sum(value.numel() * value.element_size() for value in state.values()) <= 4 * MOST_WEIGHTS, heavy)
    passes(bool((logits < 0).any() or (np.abs(logits.sum(axis=1) - 1) > 1e-3).any()), soft)
    model.load_state_dict({name: 5 * (value + 0.1 * torch.rand(value.shape)) if value.is_floating_point() else value
                           for name, value in state.items()})
    steep = np.asarray(model(torch.rand(9, 1, 28, 28)).detach())
    passes(bool((steep < 0).any() or (steep > 1).any() or not np.isfinite(steep).all()), soft)
    model.load_state_dict(state)
    pictures = torch.rand(9, 1, 28, 28)
    close(model(pictures[:1]).detach(), np.asarray(model(pictures).detach())[:1], 1e-3, case="a picture alone")
### END HIDDEN TESTS

# %% check="build_model" name="anew" points=1.5
facts = examine([4, 6], MOST_WEIGHTS)
assert facts.get("new network"), "two calls of build_model return one and the same network"
assert facts["new weights"], "two networks share weights: make every layer inside the function"
assert facts["restored"], "a second network with the first one's state gives other logits: layers in a plain list?"
# Hidden: the same, judged by the grader with networks that it fetched.
### BEGIN HIDDEN TESTS
facts = examine([4, 6], MOST_WEIGHTS)
passes(facts["looks"] is True, "the network gives every picture the same logits, whatever its weights")
passes(facts.get("new network") is True, "two calls of build_model return one and the same network")
passes(facts["new weights"] is True, "two networks share weights", hint="make every layer inside the function")
passes(facts["restored"] is True, "a second network with the first one's state gives other logits",
       hint="layers in a plain list, and tensors that are no buffers, are missing in state_dict()")
with aside():
    one, two, pictures = build_model().eval(), build_model().eval(), torch.rand(5, 1, 28, 28)
    state, logits = dict(one.state_dict()), one(pictures).detach()
    two.load_state_dict({name: value + 0.1 * torch.randn(value.shape) if value.is_floating_point() else value
                         for name, value in state.items()})
    seen = np.asarray(two(pictures).detach())
    passes(not np.array_equal(seen[0], seen[1]), "the network gives every picture the same logits")
    passes(torch.equal(one(pictures).detach(), logits), "what is done to one network changes another")
    two.load_state_dict(state)
    close(two(pictures).detach(), logits, 1e-4, case="a second network with the first one's state")
### END HIDDEN TESTS

# %% demo=True
model = build_model()
print(f"{count_weights(model):,} numbers, {count_weights(model) / MOST_WEIGHTS:.0%} of the room.")
seconds = step_seconds(model.train(), 100)
print(f"A step with 100 pictures takes {1000 * seconds:.0f} ms; the budget, less a third, buys "
      f"{affordable_epochs(seconds, len(train_images), 100, TRAINING_SECONDS, 1 / 3)} passes.")

# %% [markdown]
# ## 7. Its training
#
# The rest is up to you: optimizer, learning rate and its schedule, size of the batch, number of passes, and above all
# what you do to the pictures before the network sees them. Section 5 says why. Its functions take a picture at a time,
# which is too slow here: write yours for a whole batch of tensors.
#
# Whatever you do to a picture must leave its class as it is, and must happen to a copy.

# %% exercise="train"
THIS_ENTRY_COUNTS = True  # in the private half; False leaves the entry before this one to count


def train(model, images, labels, seed):
    """Train a network in place.

    model   a network as build_model() returns them, or any other that takes such pictures to ten logits; it may
            come in evaluation mode
    images  float32, shape (N, 1, 28, 28), values from 0 to 1, in any order, sorted by class for example
    labels  int64, shape (N,), from 0 to 9; not every class need occur
    seed    whole number, at least 0 and less than 2³¹

    Learns from all pictures, as often as you decide, in an order that depends on the seed, with the network in
    training mode and the gradients cleared between steps. The number of passes does not depend on N or on the time:
    few pictures take little time. The same model, pictures and seed give the same weights again, whatever random
    numbers were drawn before; another seed gives other weights. Leaves images and labels as they were, and the model
    in either mode. What it returns is ignored.
    """
    ### BEGIN SOLUTION
    def between(*shape):
        return 2 * torch.rand(*shape) - 1

    def altered(x):
        n, (turn, size, right, down) = len(x), (between(4, len(x)).T * torch.tensor([0.21, 0.08, 0.15, 0.15])).T
        cosine, sine, mirror = torch.cos(turn) / (1 + size), torch.sin(turn) / (1 + size), torch.sign(between(n))
        rows = [torch.stack([mirror * cosine, -sine, right], 1), torch.stack([mirror * sine, cosine, down], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
        side, slope = torch.linspace(-1, 1, 28), 0.3 * between(2, n, 1, 1)
        light = 1 + 0.2 * between(n, 1, 1) + slope[0] * side + slope[1] * side[:, None]
        return x * light[:, None] + 0.06 * torch.randn(x.shape)

    torch.manual_seed(seed)
    passes, batch_size, peak = 3, 100, 8e-3
    steps = passes * math.ceil(len(images) / batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps)
    model.train()
    for _ in range(passes):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(model(altered(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    ### END SOLUTION


def watched(network, steps, pictures):
    """The network; steps will tell of each way back through it, and pictures how many it learned from."""
    def back(grad):
        steps.append({"own": grad.clone(), "before": bias.detach().clone(), "training": network.training})

    bias = network[4].bias
    bias.register_hook(back)
    bias.register_post_accumulate_grad_hook(lambda bias: steps[-1].update(sum=bias.grad.clone()))
    network[0].register_forward_pre_hook(lambda _, given: pictures.append(torch.is_grad_enabled() * len(given[0])))
    return network


def cleared(steps):
    """Whether no gradient that has made a step is still there on the next way back."""
    moved = [two for one, two in zip(steps, steps[1:]) if not torch.equal(one["before"], two["before"])]
    return all(torch.equal(step.get("sum", step["own"]), step["own"]) for step in moved)


def trial(images, labels, new_images, new_labels, runs):
    """Train a small network once for each (noise, seed) in runs; the facts. Checks call this; leave it as it is."""
    start, x, y, ends, steps, pictures = toy_network(), images.clone(), labels.clone(), [], [], []
    for noise, seed in runs:
        steps.append([])
        ends.append(watched(copy.deepcopy(start), steps[-1], pictures))
        for library in (torch.manual_seed, np.random.seed, random.seed):
            library(noise)
        train(ends[-1], x, y, seed)
    weights = [nn.utils.parameters_to_vector(each.parameters()).detach() for each in (start, *ends)]
    return {
        "moved": not torch.equal(weights[0], weights[1]),
        "statistics": not torch.equal(start[1].running_mean, ends[0][1].running_mean),
        "loss fell": loss_on(ends[0], images, labels) < loss_on(start, images, labels),
        "cleared": all(cleared(each) for each in steps),
        "training": all(step["training"] for each in steps for step in each),
        "passes": sum(pictures) / len(images) / len(runs),
        "known": known(ends[0], new_images, new_labels),
        "as first run": [torch.equal(weights[1], each) for each in weights[2:]],
        "untouched": torch.equal(x, images) and torch.equal(y, labels),
    }

# %% [markdown]
# <details><summary>Hint: the skeleton</summary>
#
# Seed, optimizer, training mode; for each pass an order; for each batch of that order: logits, loss, gradients to zero,
# gradients back, step. Get these right with a plain loop first, and see below that the check is silent. Then add to it,
# one thing at a time. `for epoch in progress(range(epochs), "training"):` shows how far along it is; the grader drops
# what is printed.
# </details>
# <details><summary>Hint: changing a whole batch</summary>
#
# `F.affine_grid` takes one matrix of 2 × 3 for each picture, and `F.grid_sample` looks the pixels up. One such pair
# turns, moves and mirrors every picture by its own amount.
# </details>
# <details><summary>Hint: a learning rate that changes</summary>
#
# A schedule that ends near zero is worth a point or two of accuracy, because the last steps then average over the noise
# of single batches. Section 5 of assignment 05 has three; `torch.optim.lr_scheduler` has more.
# </details>
#
# A toy problem to begin with: four shapes that stay what they are when they are moved, turned, mirrored or lit.

# %%
def toy_pictures(count, seed):
    """Small discs, rings, large discs and chequers, count of each, sorted: images (4 count, 1, 28, 28) and labels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:28, :28]
    images = []
    for kind in np.repeat(np.arange(4), count):
        y, x = rng.uniform(12.5, 14.5, size=2)
        distance = np.hypot(rows - y, columns - x)
        chequers = ((rows // 3 + columns // 3) % 2 == 0) & (distance < 12)
        shape = [distance < 4, (distance > 7) & (distance < 10), distance < 10, chequers][kind]
        images.append(np.clip(shape * rng.uniform(0.7, 1.0) + 0.05 * rng.normal(size=(28, 28)), 0, 1))
    return torch.from_numpy(np.stack(images)[:, None].astype(np.float32)), torch.arange(4).repeat_interleave(count)


def toy_network():
    """A network small enough for toy pictures, with the same weights every time, in evaluation mode."""
    torch.manual_seed(5)
    layers = nn.Conv2d(1, 8, 5, stride=3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8 * 8, 10)
    return nn.Sequential(*layers).eval()


@torch.no_grad()
def loss_on(network, images, labels):
    """The mean cross-entropy of a network in evaluation mode."""
    return F.cross_entropy(network.eval()(images), labels).item()


@torch.no_grad()
def known(network, images, labels):
    """For each class that occurs, whether the network gives most of its pictures the right name."""
    right = network.eval()(images).argmax(1) == labels
    return [right[labels == each].float().mean().item() > 0.6 for each in sorted(set(labels.tolist()))]

# %% demo=True
show_grid(toy_pictures(2, 3)[0], columns=8, limits=(0, 1))

# %% [markdown]
# The grader looks at your training through `trial`, which stands below your function:

# %% check="train" name="moves" points=0.5
facts = trial(*toy_pictures(100, 1), *toy_pictures(20, 2), [(1, 7)])
assert facts["moved"], "train left every weight as it was: does an optimizer of model.parameters() make steps?"
assert facts["loss fell"], "the loss on the pictures it was trained on is not lower than before"
### BEGIN HIDDEN TESTS
x, y = toy_pictures(100, 1)
with aside():
    network = toy_network()
    network.load_state_dict(dict(called(train, network, x, y, 7)[1][0].state_dict()))
    passes(loss_on(network, x, y) < loss_on(toy_network(), x, y), "the loss on toy pictures is not lower after training")
### END HIDDEN TESTS

# %% [markdown]
# The next checks use toy pictures, too, here as in their hidden parts.

# %% check="train" name="learns" points=2
facts = trial(*toy_pictures(100, 3), *toy_pictures(20, 4), [(3, 11)])
assert all(facts["known"]), "some classes of new toy pictures are not known: does each picture keep its own label?"
# Hidden: other toy pictures; what is learned from sorted pictures is right for new ones, in every class.
### BEGIN HIDDEN TESTS
given, new = toy_pictures(100, seed % 1000), toy_pictures(30, seed % 1000 + 1)
facts, unknown = trial(*given, *new, [(3, 11)]), "some classes of toy pictures are not known after training"
passes(facts["loss fell"] is True, "the loss on toy pictures is not lower after training")
passes(all(facts["known"]), unknown,
       hint="does each picture keep its own label when the order changes, and does every pass use all pictures?")
with aside():
    network = toy_network()
    network.load_state_dict(dict(called(train, network, *given, 11)[1][0].state_dict()))
    passes(all(known(network, *new)), unknown)
### END HIDDEN TESTS

# %% check="train" name="seed" points=1
facts = trial(*toy_pictures(30, 5), *toy_pictures(5, 6), [(1, 21), (2, 21), (1, 22)])
same_again, other_seed = facts["as first run"]
assert same_again, "the same seed gave other weights the second time: every random number must depend on `seed`"
assert not other_seed, "another seed gave the same weights: is `seed` used, and do the pictures come in a drawn order?"
# Hidden: other seeds. The same seed gives the same weights; another seed gives others.
### BEGIN HIDDEN TESTS
given, new = toy_pictures(60, seed % 1000), toy_pictures(10, seed % 1000 + 1)
other, equal = "the same seed gave other weights the second time", "another seed gave the same weights"
for one in (21, 47):
    facts = trial(*given, *new, [(1, one), (2, one), (3, one), (1, one + 1), (1, one + 2)])
    passes(facts["as first run"][:2] == [True, True], other, hint="every random number must depend on the argument `seed`")
    passes(facts["as first run"][2:] == [False, False], equal, hint="is `seed` used?")
with aside():
    states = [dict(called(train, toy_network(), *given, each)[1][0].state_dict()) for each in (21, 21, 22)]
    first, again, third = (torch.cat([value.flatten().double() for value in each.values()]) for each in states)
    passes(torch.equal(first, again), other)
    passes(not torch.equal(first, third), equal)
    network = toy_network()
    network.load_state_dict(states[0])
    passes(loss_on(network, *given) < loss_on(toy_network(), *given), "the loss on toy pictures is not lower after training")
    few, with_dropout = toy_pictures(10, seed % 1000), toy_network().insert(4, torch.nn.Dropout(0.5)).eval()
    states = [dict(called(train, copy.deepcopy(with_dropout), *few, 21)[1][0].state_dict()) for _ in range(2)]
    first, again = (torch.cat([value.flatten().double() for value in each.values()]) for each in states)
    passes(torch.equal(first, again), other, hint="layers may draw numbers, too, such as dropout: torch.manual_seed(seed)")
### END HIDDEN TESTS

# %% check="train" name="manners" points=2
facts = trial(*toy_pictures(60, 7), *toy_pictures(5, 8), [(4, 31)])
assert facts["cleared"], "gradients of earlier steps are never cleared: optimizer.zero_grad()"
assert facts["statistics"], "batch normalization's statistics did not change: model.train()"
assert facts["training"], "some step was made in evaluation mode: model.train() again after every look at the network"
assert facts["untouched"], "train changed the pictures or the labels that it was given: work on a copy"
# Hidden: the same with other toy pictures: training mode, cleared gradients, pictures and labels as they were.
### BEGIN HIDDEN TESTS
given, new = toy_pictures(60, seed % 1000), toy_pictures(10, seed % 1000 + 1)
facts = trial(*given, *new, [(4, 31)])
passes(facts["moved"] is True, "train left every weight as it was")
passes(facts["cleared"] is True, "gradients of earlier steps are never cleared", hint="optimizer.zero_grad()")
passes(facts["statistics"] is True, "batch normalization's statistics did not change", hint="model.train()")
passes(facts["training"] is True, "some step was made in evaluation mode", hint="model.train() after each evaluation")
many, few = (float(trial(*some, *new, [(4, 31)])["passes"]) for some in (given, toy_pictures(15, seed % 1000)))
passes(many == few == 0 or (many > 0 and 0.5 <= few / many <= 2), "how often each picture is seen depends on how many "
       "there are", hint="a fixed number of passes, each over all pictures, also if they are fewer than a batch")
lone = trial(*(each[:1] for each in given), *new, [(4, 31)])
passes(lone["moved"] is True, "train left every weight as it was (a single picture)",
       hint="every pass uses all pictures, also if there is only one")
passes(facts["untouched"] is True, "train changed the pictures or the labels that it was given",
       hint="`images[batch]` with an array of indices is a copy, a slice of images is not")
with aside():
    network = toy_network()
    network.load_state_dict(dict(called(train, network, *given, 31)[1][0].state_dict()))
    passes(not torch.equal(network[1].running_mean, toy_network()[1].running_mean), "batch normalization stood still")
    passes(loss_on(network, *given) < loss_on(toy_network(), *given), "the loss on toy pictures is not lower after training")
### END HIDDEN TESTS

# %% [markdown]
# Now the real pictures. **This takes as long as you decided.** (With the network and training that the thresholds were
# made for, some 20 seconds.) While you try things out, train on a part of the pictures first.

# %% demo=True
def trained(make, seed=1):
    """A network from make, trained by your train on all pictures, and the processor time it took."""
    torch.manual_seed(seed)
    model, started = make(), time.process_time()
    train(model, train_images, train_labels, seed)
    return model.eval(), time.process_time() - started


mine, seconds = trained(build_model)
print(f"Trained in {seconds:.0f} s of processor time, {seconds / TRAINING_SECONDS:.0%} of the budget.")

# %% [markdown]
# For comparison, a network in the style of 1989, which you know from assignment 04: two layers of twelve 5 × 5 filters
# with stride 2, 30 hidden units, tanh. It is trained by *your* `train`, too. (Half as long as yours.)

# %% demo=True
def network_1989():
    """Two strided convolutions and two dense layers, as in the zip-code network, for 28 × 28 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, 2, 2), nn.Tanh(), nn.Conv2d(12, 12, 5, 2, 2), nn.Tanh(),
        nn.Flatten(), nn.Linear(12 * 7 * 7, 30), nn.Tanh(), nn.Linear(30, 10),
    )


old, seconds = trained(network_1989)
print(f"{count_weights(old):,} numbers, trained in {seconds:.0f} s.")

# %% [markdown]
# Look at two things: how far apart the networks are, and how far each falls from the circle to the square. What falls far
# was trained for other pictures than those it will be asked about.

# %% demo=True
fig, ax = plt.subplots(figsize=(7.5, 3.4))
rows = [("linear", baseline), ("style of 1989, your training", old), ("yours", mine)]
for place, (name, classify) in enumerate(rows):
    draw_accuracy(ax, place - 0.14, classify, valid_images)
    draw_accuracy(ax, place + 0.14, classify, changed_images, color="#D55E00", marker="s")
ax.set_yticks(range(len(rows)), [name for name, _ in rows])
ax.set(xlabel="validation pictures answered rightly (%), with 95 % interval", xlim=(40, 100), ylim=(2.5, -0.5),
       title="Circles: pictures as they are. Squares: after the changes of section 5");

# %% [markdown]
# Your estimate is as good as your guess of the changes. Make the guess milder and sterner, and see how much of the gap
# your network still closes. The ones it gets wrong:

# %% demo=True
wrong = (~right_answers(mine, changed_images, valid_labels)).nonzero().flatten()[:16]
given = mine(changed_images[wrong]).argmax(1)
show_grid(changed_images[wrong], [f"{FASHION_CLASSES[label]}: {FASHION_CLASSES[answer]}?"
          for label, answer in zip(valid_labels[wrong], given)], columns=8, limits=(0, 1))

# %% [markdown]
# ## 8. The competition
#
# When your notebook is graded, your entry is trained and asked about the public pictures. Two checks give points. The
# first wants an entry that keeps the rules. Both begin with toy pictures: an entry that cannot learn those is not
# entered.

# %% check="train" name="entry" points=2
# Hidden: the entry is trained again by the grader, keeps to the rules, and answers every picture.
### BEGIN HIDDEN TESTS
given, new = toy_pictures(100, seed % 1000), toy_pictures(30, seed % 1000 + 1)
passes(all(trial(*given, *new, [(6, 41)])["known"]), "not entered: toy pictures are not learned yet")
passes(challenge.enter().accuracy > 0.15, "the entry keeps to the rules, but its answers are hardly better than chance")
### END HIDDEN TESTS

# %% [markdown]
# The second gives the points of the highest of the `THRESHOLDS` that it reaches on the public half.

# %% check="train" name="thresholds" points=8.5
# Hidden: the points for the accuracy on the public half.
### BEGIN HIDDEN TESTS
given, new = toy_pictures(100, seed % 1000), toy_pictures(30, seed % 1000 + 1)
passes(all(trial(*given, *new, [(6, 41)])["known"]), "not entered: toy pictures are not learned yet")
points = challenge.points(THRESHOLDS)
reached = [f"{share:.1%}" for share, worth in THRESHOLDS if worth <= points]
print(f"The threshold of {reached[-1]} is reached on the public half." if reached else "No threshold is reached yet.")
points
### END HIDDEN TESTS

# %% [markdown]
# ### How to hand in
#
# * Choose *Kernel → Restart Kernel and Run All Cells*. Your entry is this notebook's code, so what is defined in a cell
#   that you deleted is not there.
# * Hand the notebook in as always. You may do so again as often as your course allows. Your points come from the last
#   notebook that you handed in; section 1 says which entry counts in the private half.
# * Rehearse it first, if your course has a page for handing in: *Rehearse* there trains your entry under the limits and
#   asks it about validation pictures that were changed in the same seven ways. Where the grader is installed,
#   `autograder check challenge.ipynb --entry` does the same.
# * Cells that you add run in the grader's process, too, within its time. Load data only inside functions that the
#   grader does not call, or in the cells that load it now: no course data can be read there.
#
# ### Fair play
#
# The ranks mean something only if everybody's entry learned from the same pictures. So: no pictures from elsewhere, no
# weights that were trained elsewhere (hidden in a string, for instance), no labels typed in, no search for the hidden
# pictures. Ideas, papers and libraries' functions are free for all; say in a comment where an idea is from. Ask if you
# are not sure. Part of this a machine can enforce, and does. The rest is your word.

# %% [markdown]
# ## 9. Why the best of many tries looks better than it is
#
# You will try things, keep what scores best on your validation pictures, and report that score. What is wrong with
# that? Nothing about the choice, but something about the number.
#
# > **Predict, then run.** Imagine 200 networks, *all of the same quality*: each is right with probability 0.8 on every
# > picture. You test them on the same number of pictures that you have, and keep the best. What score will the best one
# > show? What will it score on new pictures?

# %% demo=True
rng = np.random.default_rng(0)
tries, images, quality = 200, len(valid_images), 0.8
shown = rng.binomial(images, quality, size=tries) / images
best_so_far = np.maximum.accumulate(shown)
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.plot(range(1, tries + 1), 100 * shown, ".", color="#999999", linestyle="", label="each try")
ax.plot(range(1, tries + 1), 100 * best_so_far, color="#D55E00", linestyle="-", label="the best so far")
ax.axhline(100 * quality, color="#0072B2", linestyle="--", label="what every one of them is worth")
ax.set(xlabel="tries", ylabel="pictures answered rightly (%)", title="Luck, collected")
ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
print(f"The best try shows {best_so_far[-1]:.1%}. On new pictures it will be right on {quality:.1%}, as all are.")

# %% [markdown]
# Nobody cheated. The maximum of many noisy numbers is too high, and the more tries, the more so. Three things help:
#
# * keep some pictures for a single look at the end, as the third set in assignment 05;
# * prefer a change only if it helps by more than the interval, or over several seeds;
# * let somebody else hold the test. That is what the private half of the hidden pictures is for: it is looked at once.
#
# For the same reason the public score on the leaderboard does not move with every entry. It goes through a *Ladder*
# (Blum and Hardt, 2015): it moves only when you beat your own best by more than chance would explain. If it stands
# still, your change made no difference that the pictures can show.

# %% [markdown]
# ## 10. In your own words
#
# Answer in a few sentences each, and refer to your own numbers.
#
# 1. What accuracy do you expect on the hidden pictures? Give an interval. Name two reasons why the truth may lie outside
#    of it more often than the confidence says.
# 2. What did you try that did *not* help, or that you could not tell from chance? How did you decide?
# 3. Two entries differ by 0.4 points on the private half of 5,000 pictures. What would you want to know before you say
#    that one of the networks is better? Why are two separate intervals not the right tool?

# %% [markdown] answer="what-is-your-number-worth" points=3
# *Your answer:*
#
# ### BEGIN SOLUTION
# One point for each part; half a point for an answer that is right but refers to no number of the student's own.
#
# 1. A number and an interval from section 7's figure (changed pictures). Reasons, two of: the hidden changes are not
#    those of section 5, so the interval is about another question; the network was chosen because it did well on the
#    same validation pictures (section 9); the grader trains with another seed, and the spread between seeds is not in
#    the interval; pictures that look alike are not independent.
# 2. Any honest account with a criterion: the interval of the difference, several seeds, a third set. "The number was a
#    little higher" is not a criterion.
# 3. On how many pictures exactly one of the two is right, and how these divide: 20 of 5,000 in favour may be 60 against
#    40 (cannot be told) or 20 against none (can). Both answered the *same* pictures, so their errors go together, and
#    the uncertainty of the difference is usually much smaller than the two intervals suggest; it can be larger than
#    zero even if they overlap. McNemar's test uses these counts. Also: one training each, so a difference between two
#    seeds is not yet one between two networks.
# ### END SOLUTION

# %% [markdown]
# ## What you can now do
#
# * weigh a network by its bytes, and plan a training by the clock;
# * begin with a baseline that needs no training;
# * say how far an accuracy can be trusted, and when two of them cannot be told apart;
# * build a test set for conditions that you can only guess, and train for them;
# * write a training that gives the same result again for the same seed;
# * distrust the best of many tries, your own first.
#
# Before you hand in, choose *Kernel → Restart Kernel and Run All Cells*, and see that every visible check is silent.
#
# **Next:** the leaderboard. This was the last assignment. What comes now is deeper networks, more pictures, and the same
# questions.
