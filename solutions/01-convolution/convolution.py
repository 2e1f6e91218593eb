# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Convolution and cross-correlation", minutes: 165, seconds: 20}
# ---

# %% [markdown]
# # 1. Convolution and cross-correlation
#
# A convolutional network is built from one operation: a small table of weights slides over an image, and at each
# position the weights and the pixels below them are multiplied and summed. In this assignment you write that operation
# from its definition, find out in which ways it can go wrong, and let gradient descent find the weights.
#
# **What you will build**
#
# 1. a count of the weights in three kinds of layer,
# 2. cross-correlation and convolution along a line,
# 3. cross-correlation of an image, which is what deep-learning libraries compute,
# 4. convolution of an image, which is what they say they compute,
# 5. convolution over all of the plane, straight from its double sum,
# 6. a search for inputs that expose a bug in somebody else's code,
# 7. the same operation as a matrix, in which one can *see* sparse interactions and shared parameters,
# 8. a measure of how well an operation follows a moving image,
# 9. gradient descent that recovers a kernel from examples.
#
# **What you need.** Python functions and loops, numpy arrays and slices, sums and derivatives. The lecture on
# convolutional neural networks, or chapter 9 of
# [Deep Learning](https://www.deeplearningbook.org/contents/convnets.html) by Goodfellow, Bengio and Courville.
#
# **Which libraries.** numpy is all you need. scipy and torch are installed, and their functions may be called: a check
# looks at results only. But what later assignments build on is the loop, so write it first and ask a library afterwards
# whether it agrees.
#
# **How long it takes.** About 165 minutes for you; less than 20 seconds for your laptop, from top to bottom. A good place
# for a break is after section 4.
#
# | section | exercises | points | minutes | to read on |
# |---|---|---|---|---|
# | 1 What does it cost? | `count_parameters` | 2 | 10 | [CS231n, convolutional networks](https://cs231n.github.io/convolutional-networks/) |
# | 2 Along a line | `correlate1d`, `convolve1d` | 4.5 | 30 | [Sanderson, *But what is a convolution?*](https://www.3blue1brown.com/lessons/convolutions) |
# | 3 Cross-correlation of an image | `correlate2d` | 4.5 | 20 | [Powell, *Image kernels*](https://setosa.io/ev/image-kernels/), with sliders |
# | 4 Convolution of an image | `convolve2d` | 2.5 | 10 | [Deep Learning, section 9.1](https://www.deeplearningbook.org/contents/convnets.html) |
# | 5 All of the plane | `convolve2d_full` | 3 | 15 | [Dumoulin and Visin](https://arxiv.org/abs/1603.07285), chapter 2 |
# | 6 Be the tester | `witness` | 4 | 20 | [Hypothesis](https://hypothesis.readthedocs.io/), a library that finds witnesses |
# | 7 The same thing as a matrix | `toeplitz` | 3 | 15 | [Dumoulin and Visin](https://arxiv.org/abs/1603.07285), chapter 4 |
# | 8 When the image moves | `equivariance_gap` | 3.5 | 20 | [Azulay and Weiss](https://arxiv.org/abs/1805.12177) |
# | 9 A kernel that is learned | `learn_kernel` | 3 | 15 | [CS231n, optimization](https://cs231n.github.io/optimization-1/) |
# | 10 In your own words | written answer | 3 | 10 | [LeCun and others, 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf) |

# %% [markdown]
# ## How this notebook works
#
# In each exercise, replace `raise NotImplementedError()` with your code. The docstring is the whole agreement: what
# goes in, what comes out, and which arguments must be refused. Checks with numbers that you can verify with a pencil
# follow it: a small example, and one that is less tidy. A check that passes is silent; one that fails shows what it
# expected, what it got, and one thing to look at.
#
# The last check of an exercise often shows only a comment that begins with `Hidden` and says how many points it holds.
# It runs when your work is graded, on inputs you have not seen, and asks for nothing beyond the docstring. Some of the
# visible checks try a few more inputs then. Counts must be exact. Other values are compared with a tolerance of at
# least one millionth of the largest expected value, so you need not worry about rounding.
#
# Everywhere below, an image is a numpy array of shape `(height, width)`, row first. Your functions return new arrays
# and leave their arguments as they were. Wrong arguments raise `ValueError` with a message that names the argument. In
# three exercises you write that part yourself, and the checks look for the name. In the others it is given: lines that
# begin with `require`, which you leave in place.
#
# There are 33 points: 30 from checks, 3 for a written answer at the end. Words to look up are in the
# [glossary](#Glossary) at the end.

# %% [markdown]
# Run this cell first. It brings in numpy, matplotlib, and the course's own tools for checks and figures.

# %%
import matplotlib.pyplot as plt
import numpy as np

from autograder.lab import close, lecture_image, lecture_kernel, move, photograph, refuses
from autograder.lab import show, show_filters, show_grid, show_matrix, style, sweep, sweep_step
from autograder.lab import unchanged

style()
photo = photograph("camera")[20:180, 60:220]

# %% [markdown]
# How a function refuses a wrong argument:

# %%
def require(condition, message):
    """Raise ValueError with this message, unless the condition is true."""
    if not condition:
        raise ValueError(message)

# %% [markdown]
# ## A picture, and a question
#
# The two pictures on the right were made from the left one by the same operation. All that differs is nine numbers.
# Mid-grey is zero, white is positive, black is negative.

# %% demo=True
from scipy import ndimage

pictures = [photo, ndimage.sobel(photo, axis=1), ndimage.sobel(photo, axis=0)]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6))
show(pictures[0], axes[0], title="a photograph")
show(pictures[1], axes[1], title="nine numbers", signed=True)
show(pictures[2], axes[2], title="nine other numbers", signed=True)

# %% [markdown]
# > **Predict.** Find the tripod's upright post in the second picture and in the third. Look at the edge of the coat.
# > Which question does the second picture answer about each place of the photograph, and which one the third? Write your
# > answers into the next cell, with a guess at the nine numbers of the second. Section 3 shows them.

# %% demo=True
second = "is it ... here?"
third = "is it ... here?"
nine_numbers = [[0, 0, 0],
                [0, 0, 0],
                [0, 0, 0]]

# %% [markdown]
# ## 1. What does it cost to look at an image?
#
# A hidden unit computes a weighted sum of pixels. How many weights does a whole layer of such units hold? The lecture
# compares three ways to wire it to a grey image:
#
# * **fully connected**: every hidden unit sees every pixel;
# * **locally connected**: every hidden unit sees one square patch of the image, with weights of its own;
# * **convolutional**: a unit also sees just one patch, but all units of the same *filter* use the same weights, wherever
#   their patch lies.
#
# *By hand.* An image of 4 × 5 pixels, 6 hidden units, patches of 3 × 3 pixels, 2 filters. Fully connected, each of the
# 6 units needs 20 weights: 120 in all. Locally connected, each needs 9: 54 in all. Convolutional, each of the 2 filters
# needs 9, no matter how many units use them: 18.

# %% exercise="count_parameters"
def count_parameters(kind, height, width, hidden_units, kernel_size, filters):
    """Count the weights of one layer that looks at a grey image. Biases are not counted.

    kind           "full": every hidden unit sees every pixel;
                   "local": every hidden unit sees one square patch, with weights of its own;
                   "convolutional": every filter has the weights of one square patch, the same at
                   all positions
    height, width  size of the image, in pixels
    hidden_units   number of hidden units (makes no difference if kind is "convolutional")
    kernel_size    side of the square patch, in pixels (makes no difference if kind is "full")
    filters        number of filters (makes a difference only if kind is "convolutional")

    Returns a whole number (int), exact however large it is.
    Raises ValueError if kind is none of the three, or if any of the five sizes is less than 1, even
    one that makes no difference.
    """
    ### BEGIN SOLUTION
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("height, width, hidden_units, kernel_size and filters must be at least 1")
    if kind == "full":
        return height * width * hidden_units
    if kind == "local":
        return hidden_units * kernel_size**2
    if kind == "convolutional":
        return filters * kernel_size**2
    raise ValueError(f'kind must be "full", "local" or "convolutional", not {kind!r}')
    ### END SOLUTION

# %% [markdown]
# The three numbers worked out above:

# %% check="count_parameters" name="by-hand" points=0.5
close(count_parameters("full", 4, 5, 6, 3, 2), 120, case="fully connected",
      hint="each of the 6 units has a weight for every one of the 4 × 5 pixels.")
close(count_parameters("local", 4, 5, 6, 3, 2), 54, case="locally connected",
      hint="each of the 6 units has 3 × 3 weights of its own.")
close(count_parameters("convolutional", 4, 5, 6, 3, 2), 18, case="convolutional",
      hint="each of the 2 filters has 3 × 3 weights; how large the image is, and how many units "
           "there are, changes nothing.")

# %% [markdown]
# Now the lecture's example: an image of 1000 × 1000 pixels, a million hidden units, patches of 10 × 10, 100 filters.
# The slides say 10¹², 100M and 10K.

# %% check="count_parameters" name="lecture" points=0.5
close(count_parameters("full", 1000, 1000, 10**6, 10, 100), 10**12, tolerance=0,
      case="the lecture's full layer", hint="a weight for every pixel and every unit.")
close(count_parameters("local", 1000, 1000, 10**6, 10, 100), 10**8, tolerance=0,
      case="the lecture's local layer", hint="the number of filters makes no difference here.")
close(count_parameters("convolutional", 1000, 1000, 10**6, 10, 100), 10**4, tolerance=0,
      case="100 filters", hint="neither the pixels nor the units make a difference here.")

# %% [markdown]
# A count is a whole number, exact however large. A float has room for 53 binary digits, numpy's whole numbers for 63;
# only Python's own grow as needed. (Hidden: other sizes.)

# %% check="count_parameters" name="sizes" points=0.5
count = count_parameters("full", 10**10, 10**10 + 1, 10**3, 1, 1)
close(count == 10**23 + 10**13, True, case="a count of 24 digits",
      hint="multiply Python's own whole numbers; neither floats nor numpy's integers hold this "
           "one.")
close(type(count_parameters("local", 4, 5, 6, 3, 2)) is int, True, case="the type of a count",
      hint="a count is an int, and 54.0 is a float.")
### BEGIN HIDDEN TESTS
small = [int(n) for n in rng.permutation([3, 5, 7, 11, 13])]
large = [int(n) for n in rng.integers(10**7, 10**8, size=5) * 2 + 1]
for kind in ("full", "local", "convolutional"):
    same(count_parameters, solution.count_parameters, kind, *small, case=f"{kind}, small sizes")
    same(count_parameters, solution.count_parameters, kind, *large, case=f"{kind}, very large sizes")
    same(count_parameters, solution.count_parameters, kind, 1, 1, 1, 1, 1, case=f"{kind}, every size 1")
### END HIDDEN TESTS

# %% [markdown]
# A layer that does not exist has no number of weights. Refuse it, whichever argument is at fault, and name that argument
# in the message.

# %% check="count_parameters" name="arguments" points=0.5
close(count_parameters("local", 1, 1, 1, 1, 1), 1, case="every size 1",
      hint="1 is allowed, 0 is not.")
refuses(count_parameters, "dense", 4, 5, 6, 3, 2, argument="kind", named=True,
        case="an unknown kind of layer")
refuses(count_parameters, "full", 0, 5, 6, 3, 2, argument="height", named=True,
        case="an image without rows")
refuses(count_parameters, "full", 4, 5, 6, 3, 0, argument="filters", named=True,
        case="a size of 0 that makes no difference")
### BEGIN HIDDEN TESTS
refuses(count_parameters, "", 4, 5, 6, 3, 2, argument="kind", named=True, case="an empty kind")
for position, argument in enumerate(["height", "width", "hidden_units", "kernel_size", "filters"]):
    for kind in ("full", "local", "convolutional"):
        sizes = [4, 5, 6, 3, 2]
        sizes[position] = -1 if kind == "local" else 0
        refuses(count_parameters, kind, *sizes, argument=argument, named=True, case=f"{kind}, {argument} below 1")
sizes = ("height", "width", "hidden_units", "kernel_size", "filters")
for kind, idle in [("full", ("kernel_size", "filters")), ("local", ("height", "width", "filters")),
                   ("convolutional", ("height", "width", "hidden_units"))]:
    refuses_each(count_parameters, kind, 4, 5, 6, 3, 2, allowed={
        "kind": domain.word("full", "local", "convolutional"),
        **{size: domain.whole(1, fractions=False) for size in sizes}})
    makes_no_difference(count_parameters, kind, 4, 5, 6, 3, 2, vary={size: [1, 9, 10**12] for size in idle},
                        reference=solution.count_parameters)
    fresh_result(count_parameters, kind, 4, 5, 6, 3, 2, kind=int)
### END HIDDEN TESTS

# %% [markdown]
# Each restriction, first to patches and then to shared weights, saves several powers of ten. The axis is logarithmic: on
# a linear one, only the first bar would be visible.

# %% demo=True
kinds = ["full", "local", "convolutional"]
counts = [count_parameters(kind, 1000, 1000, 10**6, 10, 100) for kind in kinds]
fig, ax = plt.subplots(figsize=(7, 2.2))
bars = ax.barh(kinds, counts, log=True)
ax.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=4)
ax.set(xlabel="number of weights", xlim=(1, 1e17), title="The lecture's image, wired in three ways")
ax.invert_yaxis();

# %% [markdown]
# ## 2. Along a line
#
# Start with one dimension. The lecture defines **cross-correlation** and **convolution** of two sequences as
#
# $$(f \star g)(t) = \sum_a f(a)\, g(t + a) \qquad\qquad (f * g)(t) = \sum_a f(a)\, g(t - a).$$
#
# One sign differs. Read $f$ as the short one, the *kernel*, and $g$ as the long one, the *signal*. Write $M$ and $N$ for
# their lengths. Both are zero outside their entries, $f(0) \dots f(M-1)$ and $g(0) \dots g(N-1)$.
#
# For which $t$ should one compute the sum? There are three customs:
#
# * **full**: every $t$ at which the two overlap at all. That makes $N + M - 1$ values.
# * **valid**: only those $t$ at which every entry of $f$ meets an entry of $g$. That makes $N - M + 1$ values.
# * **same**: $N$ values, as many as the signal has, from the middle of *full*: it leaves out
#   $\lfloor (M-1)/2 \rfloor$ values at the beginning and $\lfloor M/2 \rfloor$ at the end. If $M$ is even there is no
#   exact middle, and one more value is missing at the end.
#
# *By hand.* Take $f = (1, 2)$ and $g = (3, 4, 5)$. Their cross-correlation begins at $t = -1$, where only $f(1)$ and
# $g(0)$ meet: $2 \cdot 3 = 6$. At $t = 0$ it is $1 \cdot 3 + 2 \cdot 4 = 11$, at $t = 1$ it is
# $1 \cdot 4 + 2 \cdot 5 = 14$, and at $t = 2$ only $f(0)$ and $g(2)$ meet: $1 \cdot 5 = 5$. So *full* is
# $(6, 11, 14, 5)$, *valid* is $(11, 14)$ and *same* is $(6, 11, 14)$.

# %% exercise="correlate1d"
def correlate1d(f, g, mode):
    """Cross-correlation of a kernel f with a signal g: the sum over a of f(a) g(t + a), for each t
    in turn.

    f     kernel, array of shape (M,), real numbers, M at least 1
    g     signal, array of shape (N,), real numbers, N at least 1
    mode  "full":  every t from -(M - 1) to N - 1, with g taken as zero outside of its
                   entries; N + M - 1 values
          "same":  the N values of "full" that begin at its index (M - 1) // 2
          "valid": every t from 0 to N - M, where nothing outside of g is needed;
                   N - M + 1 values

    Returns an array of one dimension, the values in order of rising t. Fractions are kept, whatever
    the type of f and g. In mode "full", f may be longer than g.
    Raises ValueError if f or g does not have exactly one dimension, if mode is none of the three,
    or if f is longer than g and mode is "same" or "valid".
    """
    require(np.ndim(f) == 1 and np.ndim(g) == 1, "f and g must have one dimension")
    require(mode in ("full", "same", "valid"), "mode must be full, same or valid")
    require(mode == "full" or len(f) <= len(g), "f is longer than g, and mode is not full")
    ### BEGIN SOLUTION
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    M, N = len(f), len(g)
    padded = np.pad(g, M - 1)
    full = np.array([f @ padded[k : k + M] for k in range(N + M - 1)])
    first = {"full": 0, "same": (M - 1) // 2, "valid": M - 1}[mode]
    count = {"full": N + M - 1, "same": N, "valid": N - M + 1}[mode]
    return full[first : first + count]
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: where to begin</summary>
#
# Write down, for the example above, which entries of $g$ are needed at $t = -1$ and at $t = 2$. What would you have to
# put before and behind $g$ so that every $t$ is treated alike? Once *full* is right, the two other modes are pieces of it.
# </details>
#
# The example worked out above, in all three modes:

# %% check="correlate1d" name="by-hand" points=0.5
f, g = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
close(correlate1d(f, g, "full"), [6, 11, 14, 5], case="full",
      hint="the first value and the last come from one product each.")
close(correlate1d(f, g, "valid"), [11, 14], case="valid",
      hint="where do both entries of f meet one of g?")
close(correlate1d(f, g, "same"), [6, 11, 14], case="same",
      hint="three values, from index (2 - 1) // 2 = 0 on.")

# %% [markdown]
# So small an example is too kind: *same* and *full* begin alike. Here is one that is less tidy, $f = (1, 2, ½, 3)$ and
# $g = (2, 1, 0, 4, 1)$. At $t = 0$ the four entries of $f$ meet the first four of $g$: $2 + 2 + 0 + 12 = 16$. At $t = 1$
# they meet the last four: $1 + 0 + 2 + 3 = 6$. So *valid* is $(16, 6)$. Three values come before, at $t = -3$:
# $3 \cdot 2 = 6$, at $t = -2$: $½ \cdot 2 + 3 \cdot 1 = 4$, at $t = -1$: $2 \cdot 2 + ½ \cdot 1 + 0 = 4.5$. And three
# come after: 8.5, 6 and 1. *Same* has five values, from index $\lfloor 3/2 \rfloor = 1$ on. Exchange the two in mode
# *full*, and the result is reversed.
#
# The last line of the check has whole numbers of 8 bits, as photographs have. They hold 0 to 255, and numpy multiplies them
# in 8 bits, where 100 · 4 is 144, the remainder of 400.

# %% check="correlate1d" name="untidy" points=1.5
f, g = np.array([1, 2, 0.5, 3]), np.array([2, 1, 0, 4, 1])
close(correlate1d(f, g, "full"), [6, 4, 4.5, 16, 6, 8.5, 6, 1], case="four entries, full",
      hint="g is zero outside of its entries, and halves stay halves.")
close(correlate1d(f, g, "valid"), [16, 6], case="four entries, valid",
      hint="all four entries of f meet one of g, at N − M + 1 places.")
close(correlate1d(f, g, "same"), [4, 4.5, 16, 6, 8.5], case="four entries, same",
      hint="at which index of full does same begin?")
close(correlate1d(g, f, "full"), [1, 6, 8.5, 6, 16, 4.5, 4, 6], case="f longer than g, full",
      hint="the order of f and g makes a difference.")
bytes_ = np.array([100, 200, 100], dtype=np.uint8)
close(correlate1d(bytes_[:1], bytes_, "valid"), [10000, 20000, 10000], case="8-bit numbers",
      hint="turn both arrays into floats before you multiply.")

# %% [markdown]
# Mind *same* for kernels of even length, where programs disagree: here the docstring decides.

# %% check="correlate1d" name="hidden" points=1
# Hidden, 1 point: random signals and kernels of odd and even length, in every mode, exchanged as
# well; whole numbers and 8-bit numbers in either or both; arguments stay as they were.
### BEGIN HIDDEN TESTS
for M, N in [(3, 8), (5, 9), (1, 4), (7, 7), (2, 7), (4, 9), (6, 6)]:
    kernel, signal = rng.normal(size=M), rng.normal(size=N)
    for mode in ("full", "same", "valid"):
        case = f"mode {mode}, a kernel of {M} and a signal of {N} entries"
        reference = lambda f, g, mode: np.correlate(g, f, mode)
        same(correlate1d, reference, kernel, signal, mode, case=case, tolerance=1e-5)
        unchanged(correlate1d, kernel, signal, mode, case=case)
for M, N in [(4, 4), (3, 6), (6, 3), (5, 2), (4, 1)]:
    kernel, signal = rng.normal(size=M), rng.normal(size=N)
    case = f"mode full, a kernel of {M} and a signal of {N} entries"
    same(correlate1d, solution.correlate1d, kernel, signal, "full", case=case, tolerance=1e-5)
    same(correlate1d, solution.correlate1d, signal, kernel, "full", case=f"{case}, exchanged", tolerance=1e-5)
whole, bytes_ = rng.integers(-9, 10, size=7), rng.integers(50, 256, size=7).astype(np.uint8)
for kernel, signal, case in [
    (rng.normal(size=3), whole, "whole numbers in the signal, fractions in the kernel"),
    (whole[:3], rng.normal(size=7), "whole numbers in the kernel, fractions in the signal"),
    (bytes_[:3], bytes_, "8-bit numbers in both"), (bytes_[:2], rng.normal(size=6), "an 8-bit kernel"),
    (rng.normal(size=4), bytes_, "an 8-bit signal"), (bytes_[:3], whole, "an 8-bit kernel, whole numbers"),
]:
    for mode in ("full", "same", "valid"):
        same(correlate1d, solution.correlate1d, kernel, signal, mode, case=f"{case}, {mode}", tolerance=1e-5)
refuses(correlate1d, np.ones(2), np.ones(3), "Full", argument="mode", case="another word for a mode")
refuses(correlate1d, np.ones((1, 1, 2)), np.ones(3), "full", argument="f", case="a kernel of three dimensions")
refuses(correlate1d, np.float64(2.0), np.ones(3), "full", argument="f", case="a number for a kernel")
refuses(correlate1d, np.ones(2), np.float64(2.0), "full", argument="g", case="a number for a signal")
refuses(correlate1d, np.ones(6), np.ones(3), "same", argument="f", case="mode same, a kernel longer than the signal")
refuses(correlate1d, np.ones((2, 2)), np.ones(5), "full", argument="f", case="a kernel of two dimensions")
refuses(correlate1d, np.ones(2), np.ones((5, 1)), "full", argument="g", case="a signal of two dimensions")
refuses(correlate1d, np.ones((1, 2)), np.ones((1, 5)), "valid", argument="f", case="both of two dimensions")
kernel, signal = rng.normal(size=3), rng.normal(size=7)
padded = np.array([0.0, kernel[0], kernel[1], 0.0])
for mode in ("full", "same", "valid"):
    same(correlate1d, solution.correlate1d, padded, np.append(signal, 0.0), mode, case=f"mode {mode}, zeros at the ends", tolerance=1e-5)
    types_of(correlate1d, solution.correlate1d, kernel, signal, mode, case=f"mode {mode}")
    fresh_result(correlate1d, np.ones(1), signal, mode, case="a kernel of a single 1")
    refuses_each(correlate1d, kernel, signal, mode, allowed={
        "f": domain.dimensions(1), "g": domain.dimensions(1), "mode": domain.word("full", "same", "valid")})
### END HIDDEN TESTS

# %% [markdown]
# Now the other sign. *By hand*, with the same $f = (1, 2)$ and $g = (3, 4, 5)$: at $t = 0$ only $f(0)$ and $g(0)$ meet,
# $1 \cdot 3 = 3$. At $t = 1$: $f(0)\,g(1) + f(1)\,g(0) = 4 + 6 = 10$. At $t = 2$: $5 + 8 = 13$. At $t = 3$ only $f(1)$
# and $g(2)$ meet: $10$. You have done this sum before: it is how one multiplies $1 + 2x$ by $3 + 4x + 5x^2$.

# %% exercise="convolve1d"
def convolve1d(f, g, mode):
    """Convolution of a kernel f with a signal g: the sum over a of f(a) g(t - a), for each t in
    turn.

    f     kernel, array of shape (M,), real numbers, M at least 1
    g     signal, array of shape (N,), real numbers, N at least 1
    mode  "full":  every t from 0 to N + M - 2, with g taken as zero outside of its entries;
                   N + M - 1 values
          "same":  the N values of "full" that begin at its index (M - 1) // 2
          "valid": every t from M - 1 to N - 1, where nothing outside of g is needed;
                   N - M + 1 values

    Returns an array of one dimension, the values in order of rising t. Fractions are kept, whatever
    the type of f and g. In mode "full", f may be longer than g.
    Raises ValueError if f or g does not have exactly one dimension, if mode is none of the three,
    or if f is longer than g and mode is "same" or "valid".
    """
    require(np.ndim(f) == 1 and np.ndim(g) == 1, "f and g must have one dimension")
    require(mode in ("full", "same", "valid"), "mode must be full, same or valid")
    require(mode == "full" or len(f) <= len(g), "f is longer than g, and mode is not full")
    ### BEGIN SOLUTION
    return correlate1d(np.flip(f), g, mode)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: less work than it looks</summary>
#
# Compare the two formulas. If you read the entries of $f$ in another order, one becomes the other. Which order?
# </details>
#
# The coefficients of $(1 + 2x)(3 + 4x + 5x^2)$, and the two pieces of them:

# %% check="convolve1d" name="by-hand" points=0.5
f, g = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
close(convolve1d(f, g, "full"), [3, 10, 13, 10], case="full",
      hint="f(0) g(0) comes first, f(1) g(2) last.")
close(convolve1d(f, g, "valid"), [10, 13], case="valid",
      hint="where do both entries of f meet one of g?")
close(convolve1d(f, g, "same"), [3, 10, 13], case="same",
      hint="three values, from index (2 - 1) // 2 = 0 on.")

# %% [markdown]
# The less tidy pair of before, $f = (1, 2, ½, 3)$ and $g = (2, 1, 0, 4, 1)$. Multiply the polynomials to verify it.
# (Hidden: other lengths, modes and types.)

# %% check="convolve1d" name="general" points=1
f, g = np.array([1, 2, 0.5, 3]), np.array([2, 1, 0, 4, 1])
close(convolve1d(f, g, "full"), [2, 5, 3, 10.5, 12, 4, 12.5, 3], case="four entries, full",
      hint="the coefficients of a product of polynomials.")
close(convolve1d(f, g, "valid"), [10.5, 12], case="four entries, valid",
      hint="two values from the middle of full.")
close(convolve1d(f, g, "same"), [5, 3, 10.5, 12, 4], case="four entries, same",
      hint="at which index of full does same begin?")
close(convolve1d(g, f, "full"), [2, 5, 3, 10.5, 12, 4, 12.5, 3], case="f longer than g, full",
      hint="here the order makes no difference.")
close(f, [1, 2, 0.5, 3], case="f, after the calls", hint="f itself should stay as it was.")
unchanged(convolve1d, f, g, "full")
### BEGIN HIDDEN TESTS
for M, N in [(3, 8), (4, 9), (2, 7), (1, 4), (5, 5), (6, 6)]:
    kernel, signal = rng.normal(size=M), rng.normal(size=N)
    for mode in ("full", "same", "valid"):
        case = f"mode {mode}, a kernel of {M} and a signal of {N} entries"
        same(convolve1d, np.convolve, kernel, signal, mode, case=case, tolerance=1e-5)
        unchanged(convolve1d, kernel, signal, mode, case=case)
same(convolve1d, np.convolve, rng.normal(size=6), rng.normal(size=3), "full", case="f longer than g", tolerance=1e-5)
whole, bytes_ = rng.integers(-9, 10, size=7), rng.integers(50, 256, size=7).astype(np.uint8)
for kernel, signal, case in [
    (rng.normal(size=3), whole, "whole numbers in the signal, fractions in the kernel"),
    (whole[:3], rng.normal(size=7), "whole numbers in the kernel, fractions in the signal"),
    (bytes_[:3], bytes_, "8-bit numbers in both"), (bytes_[:2], whole, "an 8-bit kernel"),
]:
    for mode in ("full", "same"):
        same(convolve1d, solution.convolve1d, kernel, signal, mode, case=f"{case}, {mode}", tolerance=1e-5)
refuses(convolve1d, np.ones(2), np.ones(3), "half", argument="mode", case="an unknown mode")
for mode in ("same", "valid"):
    refuses(convolve1d, np.ones(4), np.ones(3), mode, argument="f", case="a kernel longer than the signal")
refuses(convolve1d, np.ones((2, 2)), np.ones(5), "full", argument="f", case="a kernel of two dimensions")
refuses(convolve1d, np.ones(2), np.ones((5, 1)), "full", argument="g", case="a signal of two dimensions")
kernel, signal = rng.normal(size=3), rng.normal(size=7)
padded = np.array([0.0, kernel[0], kernel[1], 0.0])
for mode in ("full", "same", "valid"):
    same(convolve1d, solution.convolve1d, padded, np.append(signal, 0.0), mode, case=f"mode {mode}, zeros at the ends", tolerance=1e-5)
    types_of(convolve1d, solution.convolve1d, kernel, signal, mode, case=f"mode {mode}")
    refuses_each(convolve1d, kernel, signal, mode, allowed={
        "f": domain.dimensions(1), "g": domain.dimensions(1), "mode": domain.word("full", "same", "valid")})
### END HIDDEN TESTS

# %% [markdown]
# > **Predict, then run.** The next figure feeds a single spike to both operations, with a kernel that falls off from
# > left to right. One result shows the kernel as it is, the other shows it backwards. Which is which?

# %% demo=True
guess = "?"  # which operation shows the kernel as it is: "correlation" or "convolution"
kernel, spike = np.array([4.0, 2.0, 1.0, 0.5]), np.zeros(9)
spike[4] = 1
results = {"kernel": kernel, "spike": spike}
results["correlation"] = correlate1d(kernel, spike, "valid")
results["convolution"] = convolve1d(kernel, spike, "valid")
fig, axes = plt.subplots(1, 4, figsize=(11, 2.2), sharey=True)
for ax, (name, values) in zip(axes, results.items()):
    ax.stem(values, basefmt=" ")
    ax.set(title=name, xlabel="entry")
print("you said:", guess)

# %% [markdown]
# Convolution answers a spike with the kernel itself: that is why signal processing prefers it, and calls the kernel an
# *impulse response*. There is another reason. In mode *full* convolution does not care which of the two you call the
# kernel, and cross-correlation does:

# %% demo=True
f, g = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
print("convolution   f, g:", convolve1d(f, g, "full"), "  g, f:", convolve1d(g, f, "full"))
print("correlation   f, g:", correlate1d(f, g, "full"), "  g, f:", correlate1d(g, f, "full"))

# %% [markdown]
# ## 3. Cross-correlation of an image
#
# In two dimensions a kernel $K$ with $h$ rows and $w$ columns lies on top of an image $I$ with $H$ rows and $W$ columns:
#
# $$S(i, j) = (I \star K)(i, j) = \sum_{m=0}^{h-1} \sum_{n=0}^{w-1} I(i + m,\, j + n)\, K(m, n).$$
#
# Here $(i, j)$ is where the kernel's upper left corner lies. We keep to *valid* positions, where all of the kernel lies
# inside the image. There are $H - h + 1$ of them downwards and $W - w + 1$ across. (The lecture writes $I * K$ for this
# one too, as most people in deep learning do. We keep the two signs apart.)
#
# *By hand.*
# $$\begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix} \star \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
# = \begin{pmatrix} 37 & 47 \end{pmatrix}, \qquad
# \begin{aligned} 1 \cdot 1 + 2 \cdot 2 + 4 \cdot 3 + 5 \cdot 4 &= 37 \\ 2 \cdot 1 + 3 \cdot 2 + 5 \cdot 3 + 6 \cdot 4 &= 47 \end{aligned}$$

# %% exercise="correlate2d"
def correlate2d(image, kernel):
    """Cross-correlation of an image with a kernel at all valid positions.

    image   array of shape (H, W), real numbers
    kernel  array of shape (h, w), real numbers, 1 <= h <= H and 1 <= w <= W

    Returns an array S of shape (H - h + 1, W - w + 1), where S[i, j] is the sum over m and n of
    image[i + m, j + n] * kernel[m, n]. Fractions are kept, whatever the type of image and kernel.
    Raises ValueError if image or kernel does not have exactly two dimensions, or if the kernel is
    higher or wider than the image.
    """
    ### BEGIN SOLUTION
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image and kernel must have two dimensions")
    (H, W), (h, w) = image.shape, kernel.shape
    if h > H or w > W:
        raise ValueError(f"kernel {kernel.shape} must not be larger than the image {image.shape}")
    result = np.zeros((H - h + 1, W - w + 1))
    for i in range(H - h + 1):
        for j in range(W - w + 1):
            result[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    return result
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: one position first</summary>
#
# Which part of the image lies below the kernel when its upper left corner is at $(i, j)$? Write that as a slice, and
# print it for $(0, 0)$ and $(0, 1)$ in the example. Then multiply, sum, and visit every position.
# </details>
#
# First the example worked out above:

# %% check="correlate2d" name="by-hand" points=0.5
image, kernel = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 2], [3, 4]])
close(correlate2d(image, kernel), [[37, 47]], case="a 2×3 image, a 2×2 kernel",
      hint="print the slice of the image that lies below the kernel at (0, 0) and at (0, 1).")

# %% [markdown]
# Its kernel is square, and a square hides every confusion of height and width. So here is a flat one, of 1 × 3, on an
# image of 2 × 5 whole numbers:
#
# $$\begin{pmatrix} 1 & 2 & 0 & 3 & 1 \\ 0 & 1 & 4 & 1 & 2 \end{pmatrix} \star \begin{pmatrix} 2 & -1 & ½ \end{pmatrix}
# = \begin{pmatrix} 0 & 5.5 & -2.5 \\ 1 & -1.5 & 8 \end{pmatrix}$$
#
# For instance $2 \cdot 2 - 1 \cdot 0 + ½ \cdot 3 = 5.5$ in row 0, column 1.

# %% check="correlate2d" name="flat" points=1
image, kernel = np.array([[1, 2, 0, 3, 1], [0, 1, 4, 1, 2]]), np.array([[2, -1, 0.5]])
close(correlate2d(image, kernel), [[0, 5.5, -2.5], [1, -1.5, 8]], case="a 2×5 image, a 1×3 kernel",
      hint="h counts the kernel's rows and w its columns; is the array for the results one of "
           "floats?")
close(correlate2d(image.T, kernel.T), [[0, 1], [5.5, -1.5], [-2.5, 8]], case="the same, transposed",
      hint="a 3×1 kernel has H − 2 positions downwards and W across.")

# %% [markdown]
# Next the lecture's own example, a binary image of 5 × 5 pixels and a kernel shaped like an X. On the slide the kernel,
# in small red digits, wanders over the image while a table of 3 × 3 fills up beside it. The first value is 4.

# %%
slide_image = lecture_image()
slide_kernel = lecture_kernel()

# %% [markdown]
# Your function should give the nine numbers at the end of that animation:

# %% check="correlate2d" name="slide" points=0.5
close(correlate2d(slide_image, slide_kernel), [[4, 3, 4], [2, 4, 3], [2, 3, 4]],
      case="the lecture's example",
      hint="count the bright pixels below the five ones of the X.")

# %% [markdown]
# Pixels are often whole numbers: 8 bits each in a photograph on disk. A weighted sum of them need not be whole, and it
# need not fit into 8 bits, even where the weights are of 8 bits, too. Four pixels of 100, each with the weight 4, make
# 1600. In 8 bits they make 64, and nobody warns you. (Hidden: other types.)

# %% check="correlate2d" name="types" points=0.5
bright, fours = np.full((1, 5), 100, dtype=np.uint8), np.full((1, 4), 4, dtype=np.uint8)
close(correlate2d(bright, fours), [[1600, 1600]], case="8-bit pixels and an 8-bit kernel",
      hint="turn both arrays into floats before you multiply.")
### BEGIN HIDDEN TESTS
kernel, pixels = rng.normal(size=(3, 2)), rng.integers(0, 256, size=(6, 8))
whole = rng.integers(-3, 4, size=(2, 3))
same(correlate2d, solution.correlate2d, pixels, kernel, case="whole pixels, a kernel of fractions", tolerance=1e-5)
same(correlate2d, solution.correlate2d, pixels.astype(np.uint8), whole, case="8-bit pixels", tolerance=1e-5)
same(correlate2d, solution.correlate2d, kernel.repeat(4, axis=1), whole, case="a whole kernel", tolerance=1e-5)
single = rng.normal(size=(5, 9)).astype(np.float32)
same(correlate2d, solution.correlate2d, single, kernel, case="an image in single precision", tolerance=1e-5)
weights = rng.integers(2, 200, size=(2, 3)).astype(np.uint8)
for image, case in [(pixels.astype(np.uint8), "8-bit pixels"), (pixels, "whole pixels"), (single, "single precision")]:
    same(correlate2d, solution.correlate2d, image, weights, case=f"{case}, an 8-bit kernel", tolerance=1e-5)
types_of(correlate2d, solution.correlate2d, rng.normal(size=(5, 6)), rng.normal(size=(2, 3)))
fresh_result(correlate2d, rng.normal(size=(3, 4)), np.ones((1, 1)), case="a kernel of a single 1")
### END HIDDEN TESTS

# %% [markdown]
# A kernel that sticks out of the image has no valid position. The message should tell which argument is wrong: the word
# `image` or `kernel` has to stand in it.

# %% check="correlate2d" name="arguments" points=0.5
close(correlate2d(np.ones((3, 5)), np.ones((3, 5))), [[15]], case="a kernel as large as the image",
      hint="it has one position, and should not be refused.")
refuses(correlate2d, np.ones((3, 5)), np.ones((4, 2)), argument="kernel", named=True,
        case="a kernel higher than the image")
refuses(correlate2d, np.ones((2, 3)), np.ones((4, 5)), argument="kernel", named=True,
        case="a kernel larger both ways")
refuses(correlate2d, np.ones((2, 5, 5)), np.ones((2, 2, 2)), argument="image", named=True,
        case="three dimensions")
refuses(correlate2d, np.ones((3, 5)), np.ones((2, 6)), argument="kernel", named=True,
        case="a kernel wider than the image")
### BEGIN HIDDEN TESTS
refuses(correlate2d, np.ones((5, 3)), np.ones((2, 4)), argument="kernel", named=True, case="a kernel wider than the image")
refuses(correlate2d, np.ones((2, 3)), np.ones((4, 5)), argument="kernel", named=True, case="a kernel larger both ways")
refuses(correlate2d, np.ones((2, 5, 5)), np.ones((2, 2)), argument="image", named=True, case="an image of three dimensions")
refuses(correlate2d, np.ones((5, 5)), np.ones(2), argument="kernel", named=True, case="a kernel of one dimension")
refuses(correlate2d, np.ones(5), np.ones(2), argument="image", named=True, case="both of one dimension")
refuses(correlate2d, np.ones((3, 5, 5)), np.ones((3, 2, 2)), argument="image", named=True, case="both of three dimensions")
refuses_each(correlate2d, rng.normal(size=(5, 6)), rng.normal(size=(2, 3)), reference=solution.correlate2d,
             allowed={"image": domain.dimensions(2), "kernel": domain.dimensions(2)})
### END HIDDEN TESTS

# %% [markdown]
# The smallest and the largest kernels leave the most positions, or only one. A general program needs no special case.

# %% check="correlate2d" name="hidden" points=1.5
# Hidden, 1.5 points: random images and kernels that are not square; kernels of one pixel, and as
# high, as wide or as large as the image; arguments stay as they were.
### BEGIN HIDDEN TESTS
import scipy.signal

for H, W, h, w in [(5, 7, 2, 3), (9, 6, 3, 1), (6, 9, 4, 2), (7, 5, 1, 4), (8, 8, 3, 3)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    reference = lambda image, kernel: scipy.signal.correlate2d(image, kernel, mode="valid")
    same(correlate2d, reference, image, kernel, case=case, tolerance=1e-5)
    unchanged(correlate2d, image, kernel, case=case)
for H, W, h, w in [(4, 6, 1, 1), (4, 6, 4, 1), (4, 6, 1, 6), (4, 6, 4, 6), (1, 7, 1, 3), (7, 1, 2, 1), (1, 1, 1, 1)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    same(correlate2d, solution.correlate2d, image, kernel, case=case, tolerance=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# Here is what the slide shows, frame by frame, with your numbers. The large frame marks the pixels below the kernel,
# with the weights in small print. The small frame is their weighted sum, the next entry of the feature map.

# %% demo=True
feature_map = correlate2d(slide_image, slide_kernel)
sweep(slide_image, slide_kernel, feature_map)

# %% [markdown]
# And now move it yourself. (Sliders need JupyterLab or Colab.)

# %% demo=True
move(lambda row, column: sweep_step(slide_image, slide_kernel, feature_map, row, column),
     row=range(3), column=range(3))

# %% [markdown]
# ### Filters made by hand
#
# Before networks learned their kernels, people designed them. Each of these answers one question about a patch: how
# bright is it on average, does it get brighter to the right, does it get brighter downwards, does its middle stand out?

# %%
filters = {
    "brightness": np.ones((3, 3)) / 9,
    "brighter to the right": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "brighter downwards": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "middle stands out": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}

# %% [markdown]
# In the results, mid-grey is zero. Look at *brighter downwards*: a black line runs over the head and the shoulder, where
# the sky gives way to something darker, and a white one below the elbow. The tripod's upright post, plain to see in
# *brighter to the right*, has all but gone. (About a second on a laptop.)

# %% demo=True
show_filters(photo, filters, correlate2d)

# %% [markdown]
# ## 4. Convolution of an image
#
# **Convolution** is cross-correlation with the kernel flipped along *both* axes: its last row becomes the first, and its
# last column becomes the first. At valid positions, counted from zero,
#
# $$S(i, j) = \sum_{m=0}^{h-1} \sum_{n=0}^{w-1} I(i + m,\, j + n)\, K(h - 1 - m,\, w - 1 - n).$$
#
# *By hand*, with the image and kernel of the last section:
# $$\begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix} * \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
# = \begin{pmatrix} 23 & 33 \end{pmatrix}, \qquad
# \begin{aligned} 1 \cdot 4 + 2 \cdot 3 + 4 \cdot 2 + 5 \cdot 1 &= 23 \\ 2 \cdot 4 + 3 \cdot 3 + 5 \cdot 2 + 6 \cdot 1 &= 33 \end{aligned}$$

# %% exercise="convolve2d"
def convolve2d(image, kernel):
    """Convolution of an image with a kernel at all valid positions.

    image   array of shape (H, W), real numbers
    kernel  array of shape (h, w), real numbers, 1 <= h <= H and 1 <= w <= W

    Returns an array S of shape (H - h + 1, W - w + 1), where S[i, j] is the sum over m and n of
    image[i + m, j + n] * kernel[h - 1 - m, w - 1 - n]. Fractions are kept, whatever the type of
    image and kernel.
    Raises ValueError if image or kernel does not have exactly two dimensions, or if the kernel is
    higher or wider than the image.
    """
    require(np.ndim(image) == 2 and np.ndim(kernel) == 2,
            "image and kernel must have two dimensions")
    require(len(kernel) <= len(image) and len(kernel[0]) <= len(image[0]),
            "kernel must not be larger than image")
    ### BEGIN SOLUTION
    return correlate2d(image, np.asarray(kernel)[::-1, ::-1])
    ### END SOLUTION

# %% [markdown]
# The example above was chosen so that the usual slips give another number than 23: no flip gives 37, a flip of the rows
# alone 25, of the columns alone 35.

# %% check="convolve2d" name="by-hand" points=0.5
image, kernel = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 2], [3, 4]])
close(convolve2d(image, kernel), [[23, 33]], case="a 2×3 image, a 2×2 kernel",
      hint="37 is no flip, 25 the rows flipped alone, 35 the columns alone.")

# %% [markdown]
# The flat kernel once more. Its first value is $½ \cdot 1 - 1 \cdot 2 + 2 \cdot 0 = -1.5$. The kernel that you are given
# is somebody else's: it should be the same afterwards.

# %% check="convolve2d" name="flat" points=1
image, kernel = np.array([[1, 2, 0, 3, 1], [0, 1, 4, 1, 2]]), np.array([[2, -1, 0.5]])
close(convolve2d(image, kernel), [[-1.5, 7, -1], [7, -1.5, 5]], case="a 2×5 image, a 1×3 kernel",
      hint="the last weight of the kernel meets the first pixel.")
close(kernel, [[2, -1, 0.5]], case="the kernel, after the call",
      hint="flip a copy or a view, not the kernel itself.")
unchanged(convolve2d, image, kernel)

# %% [markdown]
# Random kernels have no symmetry to hide behind.

# %% check="convolve2d" name="hidden" points=1
# Hidden, 1 point: random images and kernels, square or not; one row, one column, one pixel, all of
# the image; other types; arguments stay as they were.
### BEGIN HIDDEN TESTS
import scipy.signal

for H, W, h, w in [(7, 9, 3, 3), (5, 7, 2, 3), (9, 6, 4, 1), (6, 9, 1, 4), (6, 5, 2, 2)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    reference = lambda image, kernel: scipy.signal.convolve2d(image, kernel, mode="valid")
    same(convolve2d, reference, image, kernel, case=case, tolerance=1e-5)
    unchanged(convolve2d, image, kernel, case=case)
for H, W, h, w in [(4, 6, 1, 1), (4, 6, 4, 1), (4, 6, 1, 6), (4, 6, 4, 6), (1, 7, 1, 3), (7, 1, 2, 1)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    same(convolve2d, solution.convolve2d, image, kernel, case=case, tolerance=1e-5)
half = rng.normal(size=(3, 3))
for kernel, case in [(half + half.T, "a kernel equal to its transpose"), (half + half[::-1], "a kernel equal upside down"),
                     (half + half[:, ::-1], "a kernel equal to its mirror image")]:
    same(convolve2d, solution.convolve2d, rng.normal(size=(5, 6)), kernel, case=case, tolerance=1e-5)
pixels, kernel = rng.integers(0, 256, size=(6, 8)), rng.normal(size=(3, 2))
same(convolve2d, solution.convolve2d, pixels, kernel, case="whole pixels, a kernel of fractions", tolerance=1e-5)
weights = rng.integers(2, 200, size=(2, 3)).astype(np.uint8)
same(convolve2d, solution.convolve2d, pixels.astype(np.uint8), weights, case="8-bit numbers in both", tolerance=1e-5)
same(convolve2d, solution.convolve2d, kernel.repeat(3, axis=1), weights, case="an 8-bit kernel", tolerance=1e-5)
refuses(convolve2d, np.ones((5, 3)), np.ones((2, 4)), argument="kernel", case="a kernel wider than the image")
refuses(convolve2d, np.ones((3, 5)), np.ones((4, 2)), argument="kernel", case="a kernel higher than the image")
refuses(convolve2d, np.ones((2, 3)), np.ones((4, 5)), argument="kernel", case="a kernel larger both ways")
refuses(convolve2d, np.ones((2, 5, 5)), np.ones((2, 2)), argument="image", case="an image of three dimensions")
refuses(convolve2d, np.ones((5, 5)), np.ones(2), argument="kernel", case="a kernel of one dimension")
types_of(convolve2d, solution.convolve2d, rng.normal(size=(5, 6)), rng.normal(size=(2, 3)),
         types=("int8", "int16", "int64", "uint8", "uint16", "float64"))
fresh_result(convolve2d, rng.normal(size=(3, 4)), np.ones((1, 1)), case="a kernel of a single 1")
refuses_each(convolve2d, rng.normal(size=(5, 6)), rng.normal(size=(2, 3)), reference=solution.convolve2d,
             allowed={"image": domain.dimensions(2), "kernel": domain.dimensions(2)})
### END HIDDEN TESTS

# %% [markdown]
# ### A kernel that cannot tell
#
# > **Predict, then run.** The lecture shows the formula of convolution and then works out the example of the X-shaped
# > kernel. With your functions, what is the largest difference between the two operations on that example?

# %% demo=True
guess = "?"  # a number
difference = correlate2d(slide_image, slide_kernel) - convolve2d(slide_image, slide_kernel)
print("largest difference on the lecture's example:", np.abs(difference).max(), "you said:", guess)

# %% [markdown]
# The X looks the same upside down, mirrored, transposed, and turned by any quarter. An example with such a kernel is
# right whichever way you flip, so it cannot tell convolution from correlation. Neither can a test that uses it. To see
# the flip we need a kernel without symmetry.
#
# For comparison, an edge filter from above and a hook, which no flip leaves as it is. And as the image, a single bright
# pixel:

# %%
dot = np.zeros((5, 5))
dot[2, 2] = 1
hook = np.array([[0, 3, 2], [0, 0, 1], [0, 0, 0]])
kernels = {"X": slide_kernel, "edge": filters["brighter to the right"], "hook": hook}

# %% [markdown]
# A bright pixel shows what each operation does to a kernel: convolution leaves a copy of it, correlation leaves it
# flipped. The third column is the difference. It vanishes for the X and for nothing else here.

# %% demo=True
fig, axes = plt.subplots(3, 3, figsize=(6, 6.6))
for row, (name, kernel) in zip(axes, kernels.items()):
    copied, flipped = convolve2d(dot, kernel), correlate2d(dot, kernel)
    show_matrix(copied, row[0], title=f"{name}, convolved", signed=True)
    show_matrix(flipped, row[1], title=f"{name}, correlated", signed=True)
    show_matrix(copied - flipped, row[2], title="difference", signed=True)

# %% [markdown]
# ## 5. All of the plane
#
# The textbook writes convolution as a sum over the *image*:
#
# $$S(i, j) = (I * K)(i, j) = \sum_m \sum_n I(m, n)\, K(i - m,\, j - n).$$
#
# Both $I$ and $K$ count as zero outside their entries. Take it literally and compute every $(i, j)$ where anything but
# an empty sum can come out: $i$ from $0$ to $H + h - 2$ and $j$ from $0$ to $W + w - 2$. That is mode *full* in two
# dimensions.
#
# *By hand.* The image has one row, the kernel two:
# $$\begin{pmatrix} 1 & 2 \end{pmatrix} * \begin{pmatrix} 1 & 10 \\ 0 & 3 \end{pmatrix}
# = \begin{pmatrix} 1 & 12 & 20 \\ 0 & 3 & 6 \end{pmatrix}.$$
# For instance $S(0, 1) = I(0, 0)\, K(0, 1) + I(0, 1)\, K(0, 0) = 10 + 2 = 12$.

# %% exercise="convolve2d_full"
def convolve2d_full(image, kernel):
    """Convolution of an image with a kernel wherever the two can overlap.

    image   array of shape (H, W), real numbers, H and W at least 1
    kernel  array of shape (h, w), real numbers, h and w at least 1; may be larger than the image

    Returns an array S of shape (H + h - 1, W + w - 1), where S[i, j] is the sum over all m and n of
    I(m, n) K(i - m, j - n), with I and K taken as zero outside of image and kernel. Fractions are
    kept.
    Raises ValueError if image or kernel does not have exactly two dimensions.
    """
    require(np.ndim(image) == 2 and np.ndim(kernel) == 2,
            "image and kernel must have two dimensions")
    ### BEGIN SOLUTION
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H + h - 1, W + w - 1))
    for m in range(H):
        for n in range(W):
            result[m : m + h, n : n + w] += image[m, n] * kernel
    return result
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: two ways to read the sum</summary>
#
# Fix $(i, j)$, and ask which pixels contribute to it. Or fix a pixel $(m, n)$, and ask which entries of the result it
# contributes to, and with which weights. Both lead to a solution. In the example, colour the parts of the result that
# come from the pixel 1 and from the pixel 2.
# </details>
#
# The example worked out above:

# %% check="convolve2d_full" name="by-hand" points=0.5
image, kernel = np.array([[1, 2]]), np.array([[1, 10], [0, 3]])
close(convolve2d_full(image, kernel), [[1, 12, 20], [0, 3, 6]], case="a 1×2 image, a 2×2 kernel",
      hint="the pixel 2 leaves a copy of the kernel, times 2, one column further right.")

# %% [markdown]
# The formula does not mind a kernel that is larger than the image. A column of three weights, on two pixels:
#
# $$\begin{pmatrix} 1 & 2 \end{pmatrix} * \begin{pmatrix} 1 \\ 10 \\ 200 \end{pmatrix}
# = \begin{pmatrix} 1 & 2 \\ 10 & 20 \\ 200 & 400 \end{pmatrix}$$

# %% check="convolve2d_full" name="column" points=1.5
pixels, column = np.array([[1, 2]], dtype=np.uint8), np.array([[1], [10], [200]], dtype=np.uint8)
close(convolve2d_full(pixels, column), [[1, 2], [10, 20], [200, 400]],
      case="a 1×2 image, a 3×1 kernel, 8 bits",
      hint="the size is (1 + 3 − 1, 2 + 1 − 1), and 2 · 200 does not fit into 8 bits.")
close(convolve2d_full(column, pixels), [[1, 2], [10, 20], [200, 400]], case="the two exchanged",
      hint="image and kernel play the same part in the formula.")

# %% [markdown]
# Kernels with odd sides have a middle pixel, others have none. The formula does not care.

# %% check="convolve2d_full" name="hidden" points=1
# Hidden, 1 point: kernels with odd and with even sides, square or not, and larger than the image;
# images of one row; whole numbers; arguments stay as they were.
### BEGIN HIDDEN TESTS
import scipy.signal

for H, W, h, w in [(5, 7, 3, 3), (6, 4, 1, 3), (4, 6, 5, 3), (3, 8, 3, 1), (4, 5, 1, 1)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    same(convolve2d_full, scipy.signal.convolve2d, image, kernel, case=case, tolerance=1e-5)
    unchanged(convolve2d_full, image, kernel, case=case)
for H, W, h, w in [(5, 7, 2, 4), (6, 5, 4, 3), (7, 4, 2, 2), (2, 3, 5, 4), (3, 6, 4, 2), (1, 6, 2, 3),
                   (2, 2, 3, 5), (1, 3, 4, 6), (4, 1, 2, 5), (2, 4, 6, 1)]:
    image, kernel = rng.normal(size=(H, W)), rng.normal(size=(h, w))
    case = f"a {H}×{W} image, a {h}×{w} kernel"
    same(convolve2d_full, scipy.signal.convolve2d, image, kernel, case=case, tolerance=1e-5)
pixels, kernel = rng.integers(0, 256, size=(4, 6)), rng.normal(size=(2, 3))
case = "whole pixels, a kernel of fractions"
same(convolve2d_full, scipy.signal.convolve2d, pixels, kernel, case=case, tolerance=1e-5)
weights = rng.integers(2, 200, size=(3, 2)).astype(np.uint8)
for image, case in [(pixels.astype(np.uint8), "8-bit numbers in both"), (pixels, "an 8-bit kernel, whole pixels")]:
    same(convolve2d_full, solution.convolve2d_full, image, weights, case=case, tolerance=1e-5)
refuses(convolve2d_full, np.ones(5), np.ones((2, 2)), argument="image", case="an image of one dimension")
refuses(convolve2d_full, np.ones((2, 5, 5)), np.ones((2, 2)), argument="image", case="an image of three dimensions")
refuses(convolve2d_full, np.ones((5, 5)), np.ones((2, 2, 2)), argument="kernel", case="a kernel of three dimensions")
types_of(convolve2d_full, solution.convolve2d_full, rng.normal(size=(3, 4)), rng.normal(size=(2, 5)))
for shapes in (((3, 4), (1, 1)), ((1, 1), (2, 3))):
    fresh_result(convolve2d_full, *(np.ones(shape) for shape in shapes), case="a kernel or an image of a single 1")
refuses_each(convolve2d_full, rng.normal(size=(3, 4)), rng.normal(size=(2, 5)), reference=solution.convolve2d_full,
             allowed={"image": domain.dimensions(2), "kernel": domain.dimensions(2)})
### END HIDDEN TESTS

# %% [markdown]
# Seen from the image, convolution is stamping. Every pixel leaves a copy of the kernel, as strong as the pixel is
# bright, and copies that overlap add up. The next figures show arrays side by side, with pixels of one size:

# %%
def show_row(arrays, titles):
    """Draw arrays side by side, all with pixels of one size."""
    heights, widths = zip(*(array.shape for array in arrays))
    size = (9, 9 * max(heights) / sum(widths) + 0.5)
    fig, axes = plt.subplots(1, len(arrays), figsize=size, width_ratios=widths)
    for array, title, ax in zip(arrays, titles, axes):
        show(array, ax, title=title)

# %% [markdown]
# Here the image is four dots of different brightness. Two of them are so close that their stamps overlap.

# %% demo=True
dots = np.zeros((9, 14))
dots[1, 1], dots[6, 3], dots[3, 9], dots[4, 10] = 1, 0.6, 0.8, 0.8
ring = np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 0, 2]])
show_row([dots, ring, convolve2d_full(dots, ring)], ["image", "kernel", "full convolution"])

# %% [markdown]
# > **Predict, then run.** In the formula, image and kernel play the same part. What changes in the result if you exchange
# > the two: its size, its values, both, or nothing?

# %% demo=True
guess = "?"  # size, values, both, or nothing
swapped = convolve2d_full(ring, dots)
print("shapes:", convolve2d_full(dots, ring).shape, swapped.shape)
print("largest difference:", np.abs(convolve2d_full(dots, ring) - swapped).max())
print("you said:", guess)

# %% [markdown]
# Nothing changes. With $m' = i - m$ and $n' = j - n$ the sum runs over the kernel instead of the image, and each product is
# the same: a pixel stamped with a weight is a weight stamped with a pixel.

# %% [markdown]
# ## 6. Be the tester
#
# So far others wrote the tests and you wrote the code. Now turn it round. You are given two operations that *claim* to be
# the same. You may call them with inputs of your choice, but you cannot read them. Find an input on which they differ.
# Such an input is a **witness**: it proves a bug, and whoever fixes the bug will keep it as a test.
#
# The X-shaped kernel taught that an input must not be too tidy. A symmetric kernel hides a flip. What is hidden by an
# image that is square? By pixels that are all positive? All whole numbers? All small? By a kernel with odd sides only?
# By kernels that are always small, or always smaller than the image? A bug may show on few inputs only, so try many kinds.
#
# And be fair. Two correct programs that add in another order differ by rounding, here by far less than $10^{-6}$. That is
# not a bug. If you accuse a correct program, that is a *false alarm*. The next cell defines what counts as a difference, and
# which inputs are allowed:

# %%
def differ(first, second):
    """True if two results differ in shape, or anywhere by more than 10⁻⁶."""
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return first.shape != second.shape or bool(np.any(np.abs(first - second) > 1e-6))


def allowed(image, kernel):
    """True if both have two dimensions, 1 to 16 rows and columns, entries in -100…100, and the
    kernel fits.
    """
    if image.ndim != 2 or kernel.ndim != 2 or image.size == 0 or kernel.size == 0:
        return False
    fits = kernel.shape[0] <= image.shape[0] <= 16 and kernel.shape[1] <= image.shape[1] <= 16
    return fits and bool(np.all(np.abs(image) <= 100) and np.all(np.abs(kernel) <= 100))

# %% [markdown]
# *By hand.* Suppose that `op_a` multiplies the image by the sum of the kernel's weights, and `op_b` by the sum of their
# absolute values. With a kernel of positive weights they agree on every image. The image $(1, 1)$ with the kernel
# $(2, -1)$ is a witness: the first gives $(1, 1)$, the second $(3, 3)$.

# %% exercise="witness"
def witness(op_a, op_b):
    """Find an input on which two operations differ, or None if they seem to be the same.

    op_a, op_b  functions. Called as op(image, kernel), with float arrays for which allowed(image,
                kernel) is true, they return an array of two dimensions: always the same for the
                same input, and without changing it.

    Returns a pair (image, kernel) of float arrays such that allowed(image, kernel) is true and
    differ(op_a(image, kernel), op_b(image, kernel)) is true. Returns None if no such pair was
    found. A few hundred pairs are plenty to try: operations that differ at all will differ on most
    inputs of some simple kind.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    for _ in range(200):
        H, W = rng.integers(1, 17, size=2)
        h, w = rng.integers(1, H + 1), rng.integers(1, W + 1)
        image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(h, w))
        if differ(op_a(image, kernel), op_b(image, kernel)):
            return image, kernel
    return None
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: where inputs come from</summary>
#
# You need not think of the bug. Draw sizes at random within the limits, then values at random; numpy's
# `np.random.default_rng(0)` gives the same draws each time. How likely is it that your draws contain a kernel of a single
# pixel? An even one? One as large as the image? Whatever you draw too rarely, try on purpose.
# </details>
#
# The pair worked out above. Then a pair without a bug: the same operation, and a version of it that rounds differently.
# Then three bugs that show on some sizes only. (A trial program here need not be a convolution.)

# %%
def times_sum(image, kernel):
    return image * kernel.sum()

def times_size(image, kernel):
    return image * np.abs(kernel).sum()

def rounded(image, kernel):
    return 0.1 * image * (10 * kernel.sum())

def wide_goes_wrong(image, kernel):
    """Wrong where the kernel has more than three columns, and more columns than rows."""
    return times_sum(image, kernel) + (kernel.shape[1] > max(3, kernel.shape[0]))

def single_goes_wrong(image, kernel):
    """Wrong where the kernel is a single pixel."""
    return times_sum(image, kernel) + (kernel.size == 1)

def last_row_lost(image, kernel):
    """Right, but for one row that is missing where the image has more than four."""
    return times_sum(image, kernel)[: None if len(image) < 5 else -1]

# %% [markdown]
# Each witness is put to the test: is it allowed, and do the two really differ on it?

# %% check="witness" name="by-hand" points=1
for wrong, case in [(times_size, "signs of weights ignored"),
                    (wide_goes_wrong, "wide kernels go wrong"),
                    (single_goes_wrong, "kernels of one pixel go wrong"),
                    (last_row_lost, "the last row is lost")]:
    found = witness(times_sum, wrong)
    close(found is not None, True, case=case,
          hint="the two differ on some kind of input: try more sizes, and values of both signs.")
    close(isinstance(found, (tuple, list)), True, case=case,
          hint="return the pair (image, kernel).")
    tried = [np.asarray(part, dtype=float) for part in found]
    close(allowed(*tried), True, case=case,
          hint="your witness is outside of the limits: see allowed().")
    close(differ(times_sum(*tried), wrong(*tried)), True, case=case,
          hint="the two operations agree on the pair that you returned.")
close(witness(times_sum, rounded) is None, True, case="a correct program",
      hint="these two are the same but for rounding: compare with differ(), and return None if "
           "nothing differs.")

# %% [markdown]
# The hidden check does this twice. Each time it plants six bugs and, among them, in an order that nobody knows, two
# correct programs. Six bugs depend on the values of pixels and weights, six on the sizes. Two bugs exposed earn half a
# point. A false alarm on a correct program costs all of its half: an alarm that always rings is no alarm.

# %% check="witness" name="hidden" points=3
# Hidden, 3 points: six bugs that depend on the values of pixels and weights, six that depend on the
# sizes of image and kernel, and correct programs.
### BEGIN HIDDEN TESTS
import scipy.signal

@public
def correlated(image, kernel):
    return scipy.signal.correlate2d(image, kernel, mode="valid")

@public
def convolved(image, kernel):
    return scipy.signal.convolve2d(image, kernel, mode="valid")

def exposed(found, sound, buggy):
    try:
        image, kernel = (np.asarray(part, dtype=float) for part in found)
    except (TypeError, ValueError):
        return False
    return allowed(image, kernel) and differ(sound(image, kernel), buggy(image, kernel))

def earned(sound, bugs, correct, kind):
    programs = {**bugs, **correct}
    names = [str(name) for name in rng.permutation(list(programs))]
    answers = {name: witness(sound, programs[name]) for name in names}
    alarms = sum(answers[name] is not None for name in correct)
    missed = [bug for bug, buggy in bugs.items() if not exposed(answers[bug], sound, buggy)]
    print(f"Bugs of {kind}: {len(bugs) - len(missed)} of {len(bugs)} exposed, {alarms} false alarms.")
    if missed:
        print("Not exposed: " + "; ".join(missed) + ".")
    return (len(bugs) - len(missed)) // 2 * 0.5 if alarms == 0 else 0.0

def wrong_if(condition, wrong):
    return lambda image, kernel: (wrong if condition(image, kernel) else convolved)(image, kernel)

transposed = lambda image, kernel: convolved(image.T, kernel.T)
upside_down = lambda image, kernel: convolved(image, kernel[::-1])
dark = lambda image, kernel: 0 * convolved(image, kernel)
of_values = {
    "the kernel is flipped along both axes": lambda image, kernel: correlated(image, kernel[::-1, ::-1]),
    "the kernel is flipped along one axis": lambda image, kernel: correlated(image, kernel[::-1]),
    "results below zero are cut off": lambda image, kernel: np.maximum(correlated(image, kernel), 0),
    "large results are cut off": lambda image, kernel: np.clip(correlated(image, kernel), -1000, 1000),
    "results are rounded": lambda image, kernel: np.rint(correlated(image, kernel)),
    "the signs of pixels are ignored": lambda image, kernel: correlated(np.abs(image), kernel),
}
of_sizes = {
    "the result is transposed": transposed,
    "kernels that are not square go wrong": wrong_if(lambda i, k: k.shape[0] != k.shape[1], upside_down),
    "kernels with an even number of rows go wrong": wrong_if(lambda i, k: k.shape[0] % 2 == 0, upside_down),
    "kernels of one pixel are ignored": wrong_if(lambda i, k: k.size == 1, lambda i, k: i),
    "kernels as high as the image are lost": wrong_if(lambda i, k: k.shape[0] == i.shape[0], dark),
    "wide kernels go wrong": wrong_if(lambda i, k: k.shape[1] > 3, dark),
}
def within_limits(image, kernel):
    """Right for what it may be called with, and wrong for all else."""
    floats = image.dtype == kernel.dtype == np.float64
    return correlated(image, kernel) if floats and allowed(image, kernel) else np.zeros((1, 1))

other_routes = {
    "a program that is correct within the limits": within_limits,
    "another": lambda image, kernel: correlated(image + 100, kernel) - 100 * kernel.sum(),
}
more_routes = {
    "a correct program": lambda image, kernel: transposed(image, kernel).T,
    "another": lambda image, kernel: convolved(-image, -kernel),
}
for_values = earned(correlated, of_values, other_routes, "values")
for_sizes = earned(convolved, of_sizes, more_routes, "sizes")
for_values + for_sizes
### END HIDDEN TESTS

# %% [markdown]
# Let your tester loose on your own two operations. It should find at once what the lecture's example could not show.

# %% demo=True
image, kernel = witness(correlate2d, convolve2d)
print("witness for correlation and convolution: image", image.shape, "and kernel", kernel.shape)
pictures = [image, kernel, correlate2d(image, kernel), convolve2d(image, kernel)]
show_row(pictures, ["image", "kernel", "correlation", "convolution"])

# %% [markdown]
# And on the statement of the last section, that image and kernel may be exchanged:

# %% demo=True
print("exchanged:", witness(convolve2d_full, lambda image, kernel: convolve2d_full(kernel, image)))

# %% [markdown]
# `None` is not a proof. It means that you looked and found nothing, which is all that a test can ever tell you.

# %% [markdown]
# ## 7. The same thing as a matrix
#
# Each output of `correlate2d` is a weighted sum of pixels, so the whole operation is linear: there is a matrix $T$ with
#
# $$\texttt{correlate2d(image, kernel).ravel()} = T \cdot \texttt{image.ravel()}.$$
#
# `ravel` reads an array row after row. So column $r W + c$ of $T$ belongs to the pixel in row $r$, column $c$, and the
# outputs are numbered likewise, row after row. Since its diagonals repeat the same few numbers, $T$ is called a
# (doubly blocked) *Toeplitz matrix*.
#
# *By hand.* The kernel $\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$ on an image of 2 × 3 pixels has two outputs. The
# first one sees pixels 0, 1 of the first row and 0, 1 of the second:
# $$T = \begin{pmatrix} 1 & 2 & 0 & 3 & 4 & 0 \\ 0 & 1 & 2 & 0 & 3 & 4 \end{pmatrix}.$$

# %% exercise="toeplitz"
def toeplitz(kernel, height, width):
    """The matrix of cross-correlation with a kernel, at all valid positions, for images of one
    size.

    kernel         array of shape (h, w), real numbers, 1 <= h <= height and 1 <= w <= width
    height, width  size of the images

    Returns a numpy array T with (height - h + 1) * (width - w + 1) rows and height * width columns,
    zeros included, such that T @ image.ravel() equals correlate2d(image, kernel).ravel() for every
    image of that size. Pixels and outputs are both numbered row after row.
    Raises ValueError if the kernel does not have exactly two dimensions, or is higher than height
    or wider than width.
    """
    require(np.ndim(kernel) == 2, "kernel must have two dimensions")
    require(len(kernel) <= height and len(kernel[0]) <= width, "kernel must fit into the image")
    ### BEGIN SOLUTION
    h, w = np.shape(kernel)
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            weights = np.zeros((height, width))
            weights[i : i + h, j : j + w] = kernel
            rows.append(weights.ravel())
    return np.array(rows)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: one row is an image</summary>
#
# Take the first row of the example and arrange its six numbers as an image of 2 × 3. Do the same with the second row.
# What do you see? What would the row of output $(i, j)$ look like?
# </details>
#
# The matrix worked out above:

# %% check="toeplitz" name="by-hand" points=0.5
matrix = toeplitz(np.array([[1, 2], [3, 4]]), 2, 3)
close(matrix, [[1, 2, 0, 3, 4, 0], [0, 1, 2, 0, 3, 4]], case="a 2×2 kernel on a 2×3 image",
      hint="arrange each row of yours as an image of 2×3: where does the kernel lie?")

# %% [markdown]
# That example has a square kernel and a single line of outputs. The kernel $\begin{pmatrix} 1 & 2 \end{pmatrix}$ on the
# same image has two lines of outputs, two in each:
# $$T = \begin{pmatrix} 1 & 2 & 0 & 0 & 0 & 0 \\ 0 & 1 & 2 & 0 & 0 & 0 \\ 0 & 0 & 0 & 1 & 2 & 0 \\
# 0 & 0 & 0 & 0 & 1 & 2 \end{pmatrix}.$$
# From its second row to the third the weights move by two places, not by one: a kernel does not reach round the edge.

# %% check="toeplitz" name="flat" points=1.5
matrix = toeplitz(np.array([[1, 2]]), 2, 3)
expected = [[1, 2, 0, 0, 0, 0], [0, 1, 2, 0, 0, 0], [0, 0, 0, 1, 2, 0], [0, 0, 0, 0, 1, 2]]
close(matrix, expected, case="a 1×2 kernel on a 2×3 image",
      hint="a row for each valid position, line after line: 2 lines of 3 − 2 + 1.")
close(toeplitz(np.array([[5, 6], [7, 8]]), 2, 2), [[5, 6, 7, 8]],
      case="a kernel as large as the image",
      hint="there is one position.")

# %% [markdown]
# A kernel of one pixel makes a diagonal matrix, a kernel as large as the image a single row. And for every kernel holds
# the law that makes $T$ useful.

# %% check="toeplitz" name="hidden" points=1
# Hidden, 1 point: random kernels, sizes that are not square, kernels of one pixel and as large as
# the image; T times an image is the cross-correlation; arguments stay as they were.
### BEGIN HIDDEN TESTS
import scipy.signal

for H, W, h, w in [(4, 6, 2, 3), (6, 4, 3, 2), (5, 5, 3, 3), (5, 7, 1, 4), (7, 3, 4, 1)]:
    kernel, image = rng.normal(size=(h, w)), rng.normal(size=(H, W))
    case = f"a {h}×{w} kernel on a {H}×{W} image"
    same(toeplitz, solution.toeplitz, kernel, H, W, case=case, tolerance=1e-5)
    matrix = toeplitz(kernel, H, W)
    expected = scipy.signal.correlate2d(image, kernel, mode="valid").ravel()
    close(np.asarray(matrix) @ image.ravel(), expected, 1e-4, case=f"{case}, applied to an image")
    unchanged(toeplitz, kernel, H, W, case=case)
for H, W, h, w in [(3, 4, 1, 1), (3, 4, 3, 4), (3, 4, 3, 1), (1, 6, 1, 2), (6, 1, 2, 1)]:
    kernel, case = rng.normal(size=(h, w)), f"a {h}×{w} kernel on a {H}×{W} image"
    same(toeplitz, solution.toeplitz, kernel, H, W, case=case, tolerance=1e-5)
same(toeplitz, solution.toeplitz, rng.integers(1, 9, size=(2, 3)), 4, 5, case="a kernel of whole numbers")
weights, pixels = (rng.integers(100, 256, size=shape).astype(np.uint8) for shape in ((2, 3), (4, 5)))
close(np.asarray(toeplitz(weights, 4, 5)) @ pixels.ravel(), solution.correlate2d(pixels, weights).ravel(),
      case="8-bit weights, applied to 8-bit pixels")
refuses(toeplitz, np.ones((2, 3)), 5, 2, argument="kernel", case="a kernel wider than the image")
refuses(toeplitz, np.ones((3, 2)), 2, 5, argument="kernel", case="a kernel higher than the image")
refuses(toeplitz, np.ones((6, 6)), 4, 4, argument="kernel", case="a kernel larger both ways")
refuses(toeplitz, np.ones(2), 4, 4, argument="kernel", case="a kernel of one dimension")
refuses(toeplitz, np.ones((2, 2, 2)), 4, 4, argument="kernel", case="a kernel of three dimensions")
fresh_result(toeplitz, rng.normal(size=(2, 3)), 4, 5, kind=np.ndarray)
refuses_each(toeplitz, rng.normal(size=(2, 3)), 4, 5, allowed={"kernel": domain.dimensions(2)}, reference=solution.toeplitz)
### END HIDDEN TESTS

# %% [markdown]
# Convolutional networks are praised for three properties, and two of them can now be seen. *Sparse
# interactions*: most of the matrix is empty. *Parameter sharing*: each colour appears once in every row. The third is the
# subject of the next section.

# %% demo=True
kernel, height, width = np.arange(1, 7).reshape(2, 3), 6, 7
matrix = toeplitz(kernel, height, width)
fig, ax = plt.subplots(figsize=(9, 4.8))
shades = ax.imshow(np.where(matrix == 0, np.nan, matrix), cmap="viridis")
ax.set(title="Six weights, the same in every row", xlabel="pixel, counted row after row",
       ylabel="output")
ax.grid(visible=False)
fig.colorbar(shades, label="weight", shrink=0.7);

# %% [markdown]
# Such a matrix holds all three counts of the first section. It has as many entries as a fully connected layer has
# weights, as many entries other than zero as a locally connected one, and as many different ones as a convolutional one.
# The next cell counts them in the matrix of a square kernel, and then asks your first function.

# %% demo=True
matrix = toeplitz(np.arange(1, 10).reshape(3, 3), height, width)
different = set(matrix.ravel()) - {0}
print("in the matrix:   ", matrix.size, np.count_nonzero(matrix), len(different))
print("count_parameters:",
      *(count_parameters(kind, height, width, len(matrix), 3, 1) for kind in kinds))

# %% [markdown]
# ## 8. When the image moves
#
# *Equivariance to translation*: if we move the object in the input, its representation moves by the same amount. For
# which operations does that hold, and how badly does it fail for others? We measure it.
#
# Let `shift` be a pair (down, right). **Shifting an image** moves its content down by `down` rows and to the right by
# `right` columns. Negative numbers move it up and left. The size stays, what leaves the image is lost, and the pixels
# that become free are zero. Nothing comes back in on the other side.
#
# Now compare two arrays: the operation applied to the shifted image, and the operation applied to the image. Equivariance
# means that entry $(i, j)$ of the first is entry $(i - \text{down},\ j - \text{right})$ of the second. Some entries have no
# partner, because that index lies outside: they are the border that the shift filled, and they prove nothing. The **gap** is
# the largest absolute difference over all entries that have a partner.
#
# *By hand.* Let `op` multiply column $j$ by $j$, and let the image be the single row $(1, 2, 3)$. Then `op` gives
# $(0, 2, 6)$. Shifted right by 1, the image is $(0, 1, 2)$ and `op` gives $(0, 1, 4)$. Entry 1 has the partner 0: they
# are $1$ and $0$. Entry 2 has the partner 1: $4$ and $2$. Entry 0 has no partner. The gap is $2$.

# %% exercise="equivariance_gap"
def equivariance_gap(op, image, shift):
    """How far op(shifted image) is from shifted op(image), in the interior.

    op     function from an array of shape (H, W) to an array of two dimensions, whose shape may
           differ from (H, W) and depends on (H, W) only
    image  array of shape (H, W), real numbers; op is given float64 arrays, whatever the type of
           image
    shift  pair of whole numbers (down, right); negative ones mean up and left

    The shifted image has the shape of image; its entry [i, j] is image[i - down, j - right] where
    that exists, and 0 elsewhere. Let A = op(shifted image) and B = op(image).
    Returns, as a number, the largest |A[i, j] - B[i - down, j - right]| over all i, j for which
    both entries exist.
    Raises ValueError if image does not have exactly two dimensions, or if there is no such i, j.
    """
    ### BEGIN SOLUTION
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image must have two dimensions")

    def overlap(shape, sign):
        """Where entries with a partner lie, in the moved array (sign 1) or in the original (sign -1)."""
        return tuple(slice(max(0, sign * d), max(0, n + min(0, sign * d))) for n, d in zip(shape, shift))

    shifted = np.zeros_like(image)
    shifted[overlap(image.shape, 1)] = image[overlap(image.shape, -1)]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    gaps = np.abs(moved[overlap(moved.shape, 1)] - still[overlap(still.shape, -1)])
    if gaps.size == 0:
        raise ValueError(f"shift {shift} leaves nothing to compare")
    return float(gaps.max())
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: two slices</summary>
#
# For a shift down by 2, which rows of the original survive, and in which rows do they arrive? Write both as slices. Do
# it for −2, and mind that a slice that ends at `-0` is empty. The rows that the shift filled are also the rows without a
# partner, but in arrays of another size. When in doubt, loop over $i$ and $j$ as the docstring does.
# </details>
#
# The example worked out above, and an operation that treats every pixel alike:

# %% check="equivariance_gap" name="by-hand" points=0.5
image = np.array([[1.0, 2.0, 3.0]])
close(equivariance_gap(lambda x: x * np.arange(3), image, (0, 1)), 2,
      case="column j multiplied by j",
      hint="entry 1 is compared with entry 0, and entry 2 with entry 1.")
close(equivariance_gap(lambda x: 10 * x, image, (0, 1)), 0, case="every pixel multiplied by ten",
      hint="entry 0 of the result has no partner, and does not count.")

# %% [markdown]
# Three that are less tidy. Let `op` add to every pixel the sum of all of them. It makes $(7, 8, 9)$ of $(1, 2, 3)$, and
# of the image moved right, $(0, 1, 2)$, it makes $(3, 4, 5)$. Compared are 4 with 7 and 5 with 8: the gap is 3. Moved
# *left* by 1 the image is $(2, 3, 0)$, which becomes $(7, 8, 5)$. Compared are 7 with 8 and 8 with 9: the gap is 1. Last,
# let `op` add neighbours, so that its result is one column shorter. It follows every shift, and the gap is 0.

# %% check="equivariance_gap" name="moves" points=1
image = np.array([[1.0, 2.0, 3.0]])
close(equivariance_gap(lambda x: x + x.sum(), image, (0, 1)), 3,
      case="the sum added, one to the right",
      hint="pixels that leave the image are lost, and differences below zero count as well.")
close(equivariance_gap(lambda x: x + x.sum(), image, (0, -1)), 1,
      case="the sum added, one to the left",
      hint="a negative shift moves the image to the left; what becomes free at the right is 0.")
close(equivariance_gap(lambda x: x[:, 1:] + x[:, :-1], image, (0, 1)), 0,
      case="neighbours added, one to the right",
      hint="the result has two columns, and one of them has no partner.")
close(equivariance_gap(lambda x: x * np.arange(3).reshape(3, 1), image.T, (1, 0)), 2,
      case="row i multiplied by i",
      hint="the first number of a shift counts rows.")
close(image, [[1, 2, 3]], case="the image, after the calls",
      hint="make a new array for the shifted image.")
unchanged(equivariance_gap, lambda x: 10 * x, image, (0, 1))

# %% [markdown]
# If nothing is left to compare, a gap of zero would be a false comfort:

# %% check="equivariance_gap" name="arguments" points=0.5
close(equivariance_gap(lambda x: x, np.ones((4, 5)), (3, -4)), 0, case="one entry left to compare",
      hint="one entry still has a partner.")
refuses(equivariance_gap, lambda x: x, np.ones(4), (1, 0), argument="image", named=True,
        case="an image of one dimension")
refuses(equivariance_gap, lambda x: x, np.ones((4, 5)), (4, 0), argument="shift", named=True,
        case="a shift out of the image")
### BEGIN HIDDEN TESTS
refuses(equivariance_gap, lambda x: x, np.ones((4, 5)), (0, -6), argument="shift", named=True, case="a shift out to the left")
refuses(equivariance_gap, lambda x: x, np.ones((4, 5)), (-4, 1), argument="shift", named=True, case="a shift out at the top")
refuses(equivariance_gap, lambda x: x[:2], np.ones((4, 5)), (3, 0), argument="shift", named=True, case="a result of two rows")
refuses(equivariance_gap, lambda x: x, np.ones((2, 4, 5)), (1, 1), argument="image", named=True, case="three dimensions")
refuses_each(equivariance_gap, public(lambda x: x + x.sum()), rng.normal(size=(4, 5)), (1, -2), reference=solution.equivariance_gap,
             allowed={"image": domain.dimensions(2)})
### END HIDDEN TESTS

# %% [markdown]
# Where an operation does not follow, a wrong border or a pixel from the wrong side shows up in the number.

# %% check="equivariance_gap" name="hidden" points=1.5
# Hidden, 1.5 points: operations that follow a shift exactly and others that do not, shifted in all
# directions; results of another size; 8-bit pixels; arguments stay as they were.
### BEGIN HIDDEN TESTS
import scipy.signal

image, kernel = rng.normal(size=(9, 12)), rng.normal(size=(2, 4))
correlation = lambda x: scipy.signal.correlate2d(x, kernel, mode="valid")
for shift in [(2, 3), (3, 0), (0, 4), (0, 0), (-2, 3), (1, -4), (-3, -1)]:
    case = f"an image of 9×12 pixels, shift {shift}"
    for op in (correlation, lambda x: scipy.signal.convolve2d(x, kernel, mode="valid"), public(lambda x: np.tanh(x))):
        same(equivariance_gap, lambda op, image, shift: 0.0, op, image, shift, case=case, tolerance=1e-5)
    same(equivariance_gap, solution.equivariance_gap, public(lambda x: x * x - 3), image, shift, case=case, tolerance=1e-5)
same(equivariance_gap, solution.equivariance_gap, public(lambda x: x + x.sum()), image, (2, -1), case="the sum added to every pixel")
for shift in [(1, 2), (-2, 1), (3, -3)]:
    unchanged(equivariance_gap, correlation, image, shift, case="correlation")
image, ramp = rng.normal(size=(7, 10)), rng.normal(size=(7, 10))
case = "a shift that leaves one entry to compare"
same(equivariance_gap, solution.equivariance_gap, lambda x: x * ramp, image, (6, -9), case=case, tolerance=1e-5)
ops = {
    "weights that differ between positions": lambda x: x * ramp,
    "the mean subtracted": lambda x: x - x.mean(),
    "every second row kept": lambda x: x[::2],
    "the image transposed": lambda x: x.T,
    "the image mirrored": lambda x: x[:, ::-1],
    "sums that run downwards": lambda x: np.cumsum(x, axis=0),
    "pixels that come back on the other side": lambda x: x + np.roll(x, 1, axis=1),
    "offsets far below zero": lambda x: x - 100 * (np.arange(7)[:, None] > 3),
}
for what, op in ops.items():
    for shift in [(1, 3), (-2, 1), (2, -2), (0, 1)]:
        case = f"{what}, shift {shift}"
        same(equivariance_gap, solution.equivariance_gap, public(op), image, shift, case=case, tolerance=1e-5)
pixels = rng.integers(0, 256, size=(7, 10)).astype(np.uint8)
same(equivariance_gap, solution.equivariance_gap, public(lambda x: 3 * x + x.sum()), pixels, (1, 2), case="8-bit pixels")
same(equivariance_gap, solution.equivariance_gap, public(lambda x: (x > 100).astype(np.uint8) + np.uint8(x[0, 0])),
     pixels, (2, 1), case="an operation that returns 8-bit numbers")
types_of(equivariance_gap, solution.equivariance_gap, public(lambda x: 3 * x + x.sum()), rng.normal(size=(4, 5)), (1, 2))
for kind in (np.float32, np.int64, np.uint8, bool):
    same(equivariance_gap, lambda *_: 0.0, public(lambda x: np.arange(4)[:, None] * (x.dtype != np.float64) + 0.0 * x),
         np.ones((4, 5), dtype=kind), (1, 0), case="an operation that is given another type than float64")
### END HIDDEN TESTS

# %% [markdown]
# Cut two overlapping pieces out of one photograph, the second 10 rows further down and 30 columns further right. In it,
# the scene has moved up and left. Follow any detail, such as the ear: in the feature map it moves by the same amount.

# %% demo=True
piece, moved_piece = photo[:100, :100], photo[10:110, 30:130]
kernel = filters["brighter to the right"]
pictures = [piece, moved_piece, correlate2d(piece, kernel), correlate2d(moved_piece, kernel)]
show_grid(pictures, ["first piece", "second piece", "its feature map", "its feature map"],
          columns=2, size=1.8)

# %% [markdown]
# Your measure puts a number on it. Correlation is exact, and stays exact if a function of single values follows. Keeping
# every second pixel, which is how networks shrink their feature maps, is not exact: a shift by two in the image becomes a
# shift by one in the result. Assignment 03 returns to this. Nor is anything exact that depends on where a pixel lies.

# %%
ramp = np.linspace(0, 1, photo.shape[1])
shifts = [(0, 0), (0, 1), (2, 2), (-5, 3)]

# %% [markdown]
# One line for each operation, one column for each shift (down, right):

# %% demo=True
ops = {
    "correlation": lambda x: correlate2d(x, kernel),
    "correlation, then absolute value": lambda x: np.abs(correlate2d(x, kernel)),
    "every second pixel": lambda x: x[::2, ::2],
    "darker to the left": lambda x: x * ramp,
}
print(f"{'gap':34}", *(f"{str(shift):>9}" for shift in shifts))
for name, op in ops.items():
    print(f"{name:34}", *(f"{equivariance_gap(op, photo, shift):9.3f}" for shift in shifts))

# %% [markdown]
# ## 9. A kernel that is learned
#
# The lecture promises that a network learns the values of its kernels on its own. Here is how, for one kernel.
#
# Suppose that you have an image $I$ and a target $Y$ that somebody made from it with an unknown kernel of size
# $h \times w$, at valid positions. Start from a kernel of zeros and make the **mean squared error** small,
#
# $$L(K) = \frac{1}{n} \sum_{i} \sum_{j} \bigl( (I \star K)(i, j) - Y(i, j) \bigr)^2,$$
#
# where $n$ is the number of entries of $Y$. One step of gradient descent replaces each weight,
# $K(m, n) \leftarrow K(m, n) - \eta\, \partial L / \partial K(m, n)$, all weights at once, with the learning rate $\eta$.
#
# *By hand.* Let $I = (1, 2, 3)$ and $Y = (5, 8)$, each a single row. A target of 2 entries from an image of 3 means a
# kernel of 2. At $K = (0, 0)$ the errors are $(-5, -8)$. Weight 0 met the pixels $(1, 2)$, so its derivative is
# $\tfrac{2}{2}(-5 \cdot 1 - 8 \cdot 2) = -21$. Weight 1 met $(2, 3)$: $\tfrac{2}{2}(-5 \cdot 2 - 8 \cdot 3) = -34$. After
# one step with $\eta = 0.01$ the kernel is $(0.21, 0.34)$. (Which kernel made the target?)

# %% exercise="learn_kernel"
def learn_kernel(image, target, steps, learning_rate):
    """Recover a kernel from an image and its cross-correlation, by gradient descent.

    image          array of shape (H, W), real numbers
    target         array of shape (P, Q), real numbers, 1 <= P <= H and 1 <= Q <= W: what
                   correlate2d(image, kernel) should come to, so the kernel has the shape (H - P +
                   1, W - Q + 1)
    steps          number of steps of gradient descent, a whole number, 0 or more
    learning_rate  factor of the gradient, greater than 0

    The loss is the mean, over the P * Q entries of target, of (correlate2d(image, kernel) - target)
    ** 2. Each step subtracts learning_rate times the gradient of the loss at the present kernel.
    The first kernel is all zeros.
    Returns the kernel after the given number of steps. Raises ValueError if image or target does
    not have exactly two dimensions, if target is higher or wider than image, if steps is negative,
    or if learning_rate is 0 or less.
    """
    require(np.ndim(image) == 2 and np.ndim(target) == 2,
            "image and target must have two dimensions")
    require(len(target) <= len(image) and len(target[0]) <= len(image[0]),
            "target must not be larger than image")
    require(steps >= 0, "steps must be 0 or more")
    require(learning_rate > 0, "learning_rate must be greater than 0")
    ### BEGIN SOLUTION
    image, target = np.asarray(image, dtype=float), np.asarray(target, dtype=float)
    kernel = np.zeros((image.shape[0] - target.shape[0] + 1, image.shape[1] - target.shape[1] + 1))
    for _ in range(steps):
        error = correlate2d(image, kernel) - target
        kernel = kernel - learning_rate * 2 / target.size * correlate2d(image, error)
    return kernel
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: the gradient</summary>
#
# The weight $K(m, n)$ occurs once in every output, multiplied by one pixel. Which pixel, in output $(i, j)$? Write down
# $\partial L / \partial K(m, n)$ as a double sum over $i$ and $j$. Then look at it as if the errors were a kernel: you have
# already written a function that computes this sum for all $(m, n)$.
# </details>
#
# The single step worked out above, and no step at all:

# %% check="learn_kernel" name="by-hand" points=0.5
image, target = np.array([[1.0, 2.0, 3.0]]), np.array([[5.0, 8.0]])
close(learn_kernel(image, target, 1, 0.01), [[0.21, 0.34]], case="one step",
      hint="subtract the learning rate times the two derivatives worked out above.")
close(learn_kernel(image, target, 0, 0.01), [[0, 0]], case="no step",
      hint="the kernel begins with zeros.")

# %% [markdown]
# In that example there are as many errors as weights, so it does not tell which of the two numbers divides. Take
# $I = (1, 2, 0, 1)$ and $Y = (2, 1, 1)$: three errors, two weights. At $K = (0, 0)$ the errors are $(-2, -1, -1)$. Weight
# 0 met the pixels $(1, 2, 0)$, so its derivative is $\tfrac{2}{3}(-2 - 2 - 0) = -\tfrac{8}{3}$. Weight 1 met
# $(2, 0, 1)$: $\tfrac{2}{3}(-4 - 0 - 1) = -\tfrac{10}{3}$. With $\eta = 0.3$ the kernel becomes $(0.8, 1)$. Now the
# errors are $(0.8, 0.6, 0)$ and the derivatives $\tfrac{2}{3} \cdot 2$ and $\tfrac{2}{3} \cdot 1.6$. After the second
# step the kernel is $(0.4, 0.68)$.

# %% check="learn_kernel" name="three-errors" points=1.5
image, target = np.array([[1.0, 2.0, 0.0, 1.0]]), np.array([[2.0, 1.0, 1.0]])
close(learn_kernel(image, target, 1, 0.3), [[0.8, 1.0]], case="one step, three errors",
      hint="the mean runs over the entries of the target.")
close(learn_kernel(image, target, 2, 0.3), [[0.4, 0.68]], case="two steps, three errors",
      hint="the second step begins from the errors of the new kernel, and changes both weights at "
           "once.")
close(learn_kernel(image.T, target.T, 1, 0.3), [[0.8], [1.0]], case="the same, in a column",
      hint="the kernel has the shape (H − P + 1, W − Q + 1).")
close(learn_kernel(np.ones((3, 5)), np.ones((3, 5)), 1, 0.5), [[1.0]],
      case="a target as large as the image",
      hint="the kernel has one weight.")

# %% [markdown]
# For this loss there is a formula for where gradient descent stands after $n$ steps. The hidden check knows it. It also
# takes so many steps that the kernel stands still. Where?

# %% check="learn_kernel" name="hidden" points=1
# Hidden, 1 point: images and targets that are not square, one and several steps; after many steps,
# the kernel that made the target, by correlation and by convolution; arguments stay as they were.
### BEGIN HIDDEN TESTS
def reference(image, target, steps, learning_rate):
    """Where gradient descent stands on a quadratic loss, along each of its axes, without taking a step."""
    windows = np.lib.stride_tricks.sliding_window_view(image, target.shape)
    pixels = windows.reshape(-1, target.size)
    curvatures, axes = np.linalg.eigh(pixels @ pixels.T * 2 / target.size)
    slopes = axes.T @ pixels @ target.ravel() * 2 / target.size
    travelled = [learning_rate * sum((1 - learning_rate * c) ** n for n in range(steps)) for c in curvatures]
    return (axes @ (travelled * slopes)).reshape(windows.shape[:2])

for H, W, P, Q in [(7, 9, 6, 7), (8, 5, 5, 5), (6, 6, 4, 3), (4, 7, 1, 6)]:
    image, target = rng.normal(size=(H, W)), rng.normal(size=(P, Q))
    for steps, learning_rate in [(1, 0.2), (2, 0.05), (7, 0.1)]:
        case = f"a {H}×{W} image, a {P}×{Q} target, {steps} steps"
        same(learn_kernel, reference, image, target, steps, learning_rate, case=case, tolerance=1e-4)
    unchanged(learn_kernel, image, target, 2, 0.05, case=case)
same(learn_kernel, reference, image, target, 4, 9.0, case="a rate so large that the loss rises", tolerance=1e-4)
for value in (0.0, 1.5):
    image = np.full((4, 6), value)
    same(learn_kernel, reference, image, rng.normal(size=(3, 4)), 5, 0.05, case="an image of equal pixels")
import scipy.signal

image, kernel = rng.normal(size=(12, 11)), rng.normal(size=(3, 2))
correlated = scipy.signal.correlate2d(image, kernel, mode="valid")
convolved = scipy.signal.convolve2d(image, kernel, mode="valid")
same(learn_kernel, lambda *args: kernel, image, correlated, 60, 0.3, case="correlated data", tolerance=1e-3)
same(learn_kernel, lambda *args: kernel[::-1, ::-1], image, convolved, 60, 0.3, case="convolved data", tolerance=1e-3)
refuses(learn_kernel, np.ones((3, 5)), np.ones((2, 6)), 1, 0.1, argument="target", case="a target wider than the image")
refuses(learn_kernel, np.ones((3, 5)), np.ones((4, 2)), 1, 0.1, argument="target", case="a target higher than the image")
refuses(learn_kernel, np.ones((3, 5)), np.ones((4, 2)), 0, 0.1, argument="target", case="a target higher than the image, no step")
refuses(learn_kernel, np.ones((3, 5)), np.ones((2, 6)), 0, 0.1, argument="target", case="a target wider than the image, no step")
refuses(learn_kernel, np.ones((3, 5)), np.ones((2, 4)), 1, 0.0, argument="learning_rate", case="a learning rate of zero")
refuses(learn_kernel, np.ones((3, 5)), np.ones((2, 4)), 1, -0.1, argument="learning_rate", case="a negative learning rate")
refuses(learn_kernel, np.ones(5), np.ones((2, 4)), 1, 0.1, argument="image", case="an image of one dimension")
refuses(learn_kernel, np.ones((3, 5)), np.ones(4), 0, 0.1, argument="target", case="a target of one dimension")
types_of(learn_kernel, solution.learn_kernel, rng.normal(size=(4, 5)), rng.normal(size=(3, 3)), 2, 1e-6,
         types=("int8", "int16", "int64", "uint8", "float64"), vary=("image", "target"))
refuses_each(learn_kernel, rng.normal(size=(4, 5)), rng.normal(size=(3, 3)), 2, 0.1, reference=solution.learn_kernel, allowed={
    "image": domain.dimensions(2), "target": domain.dimensions(2), "steps": domain.whole(0, fractions=False),
    "learning_rate": domain.number(above=0.0)})
### END HIDDEN TESTS

# %% [markdown]
# Noise is the ideal teacher: its pixels have nothing to do with one another, so each weight is learned almost by itself.

# %%
noise = np.random.default_rng(1).normal(size=(24, 24))

# %% [markdown]
# From nothing, the hook of section 4 appears in a few dozen steps. (About a second.)

# %% demo=True
target, stages = correlate2d(noise, hook), [0, 1, 3, 10, 100]
learned = [learn_kernel(noise, target, steps, 0.1) for steps in stages]
show_grid([hook, *learned], ["the hook", *(f"step {n}" for n in stages)], columns=6,
          same_scale=True)

# %% [markdown]
# On a logarithmic axis the loss falls along an almost straight line: each step removes about the same share of what is
# left.

# %% demo=True
steps = range(0, 41, 4)
losses = [np.mean((correlate2d(noise,
                               learn_kernel(noise, target, n, 0.1)) - target) ** 2) for n in steps]
fig, ax = plt.subplots(figsize=(5, 3))
ax.semilogy(steps, losses, marker="o")
falls = losses[-1] < losses[0]
ax.set(title="How fast does the loss fall?" if falls else "The loss does not fall: is a sign or a "
                                                          "factor wrong?",
       xlabel="steps", ylabel="mean squared error");

# %% [markdown]
# > **Predict, then run.** Your `learn_kernel` models the target by *correlation*. Give it a target made by *convolution*
# > with the same hook. Will it fail, find the hook, or find something else?

# %% demo=True
guess = "?"  # it fails, it finds the hook, or it finds ...
learned = learn_kernel(noise, convolve2d(noise, hook), 100, 0.1)
show_grid([hook, learned, convolve2d(dot, hook), correlate2d(dot, hook)],
          ["the hook", "learned", "dot, convolved", "dot, correlated"], columns=4, size=1.1)
print("you said:", guess)

# %% [markdown]
# ## 10. In your own words
#
# PyTorch's `Conv2d`, like most layers of that name, does not flip its kernel. Answer in a few sentences each; drawings
# and formulas are welcome.
#
# 1. Why does a network lose nothing by that, as far as its predictions after training are concerned? Use what you saw in
#    the last figure.
# 2. Describe one situation in which mixing up the two *does* give wrong results.
# 3. Which property of convolution is lost without the flip, and why can a network do without it?

# %% [markdown] answer="why-correlation" points=3
# *Your answer:*
#
# ### BEGIN SOLUTION
# One point for each part; half a point for an answer that is right but gives no reason.
#
# 1. The weights are free. Whatever output a flipped kernel gives, some unflipped kernel gives too, namely its mirror
#    image, and gradient descent finds that one instead, as the last figure shows. The two sets of kernels, and so the
#    functions that the network can represent, are the same. With mirrored initial weights even every step is the same.
# 2. Anything where the kernel is fixed or carried over: weights loaded from a library with the other convention, a
#    hand-made filter (an edge detector changes its sign, a motion blur its direction), a result compared with a
#    theorem or with the Fourier transform (products of transforms give convolution), backward passes of a layer, where
#    the gradient with respect to the input needs the flipped kernel. A symmetric kernel is not an example.
# 3. Commutativity, $f * g = g * f$, and with it associativity, which lets two filters be merged into one beforehand.
#    A network never exchanges image and kernel: they differ in size and in role. It has nonlinear functions between
#    its layers, so kernels could not be merged in any case.
# ### END SOLUTION

# %% [markdown]
# ## Five questions
#
# Decide before you unfold. Nobody grades these.
#
# 1. A kernel of 3 × 5 on an image of 10 × 10, at valid positions: how many rows and columns has the result?
# <details><summary>Answer</summary>8 rows and 6 columns: 10 − 3 + 1 and 10 − 5 + 1.</details>
#
# 2. For which of these kernels do convolution and correlation give the same: (1, 2, 1), (1, 0, −1), (1, 2, 3)?
# <details><summary>Answer</summary>For (1, 2, 1) alone, which is the same backwards. For (1, 0, −1) the sign
# changes.</details>
#
# 3. An image becomes twice as wide. What happens to the number of weights of a convolutional layer, and to the number of
# columns of its matrix $T$?
# <details><summary>Answer</summary>The weights stay as many as they are; the columns double, one for each pixel. The
# matrix repeats the same weights more often.</details>
#
# 4. Every second pixel of a feature map is thrown away. By how much does the result move if the image moves by two? By
# one?
# <details><summary>Answer</summary>By one place if the image moves by two. If it moves by one, other pixels are kept, and
# no shift of the old result gives the new one.</details>
#
# 5. Gradient descent on correlation is given targets made by convolution. What does it learn?
# <details><summary>Answer</summary>The flipped kernel, and with it predictions that are just as good.</details>
#
# **What torch calls it.** `correlate2d` is `torch.nn.functional.conv2d` for one image and one kernel: it does not flip
# either. `convolve2d_full` is `torch.nn.functional.conv_transpose2d`, the name of which section 7 explains: it multiplies
# by the transpose of $T$. Gradient descent is `torch.optim.SGD`.
#
# ## If you want more
#
# Nobody grades this. `convolve2d_full` has a stride, too: with stride 2, a pixel's stamp lies *two* places further on than
# its neighbour's, so the result is about twice as large as the image. It is how networks enlarge their maps, and it is
# called *transposed convolution*. The image $(1, 2)$ and the kernel $(1, 10, 100)$ make $(1, 10, 102, 20, 200)$. Compare
# yours with torch:

# %% demo=True
def convolve_transposed(image, kernel, stride):
    return None  # yours: the result has (H - 1) * stride + h rows, and columns likewise


import torch

image = np.random.default_rng(0).normal(size=(3, 4))
kernel = np.random.default_rng(1).normal(size=(2, 3))
expected = torch.nn.functional.conv_transpose2d(
    torch.tensor(image)[None, None], torch.tensor(kernel)[None, None], stride=2)[0, 0].numpy()
mine = convolve_transposed(image, kernel, 2)
print("not written yet" if mine is None else f"off by {np.abs(mine - expected).max():.1e} at most")

# %% [markdown]
# ## Glossary
#
# | word | meaning |
# |---|---|
# | convolution | the sum of products of a flipped kernel with what lies below it |
# | cross-correlation | the same without the flip; what deep-learning libraries call convolution |
# | equivariance | if the input moves, the result moves along |
# | feature map | what comes out when one kernel has slid over an image |
# | gradient descent | taking small steps against the gradient of a loss |
# | kernel | the small table of weights that slides; also called filter |
# | learning rate | the factor of the gradient in each step |
# | mean squared error | the mean of the squares of all differences from the target |
# | mode full, same, valid | all positions where two arrays overlap; as many as the signal has; where the kernel lies wholly inside |
# | parameter sharing | using the same weights at every position |
# | patch | the pixels below the kernel at one position |
# | sparse interactions | each output depends on few inputs |
# | Toeplitz matrix | a matrix with one number along each diagonal |
# | weight | a number of a kernel; in a network it is learned |
# | witness | an input on which two programs differ |

# %% [markdown]
# ## What you can now do
#
# * say what a layer costs, and why local patches and shared weights make it affordable;
# * compute cross-correlation and convolution in one and two dimensions from their definitions, in modes full, same and
#   valid, and tell them apart, which takes a kernel without symmetry;
# * write tests that expose bugs, and know which bugs a tidy example hides;
# * read a convolution as a sparse matrix with repeated entries;
# * measure equivariance to translation, and name operations that lack it;
# * derive the gradient of a loss with respect to a kernel, and let gradient descent find the kernel.
#
# Before you hand in, choose *Kernel → Restart Kernel and Run All Cells*, and see that every visible check is silent.
#
# **Next:** assignment 02, *feature maps*. An image there has colours, a layer has many kernels, they step over pixels
# and look beyond the border, and a nonlinear function comes after. You will add up what AlexNet costs.
