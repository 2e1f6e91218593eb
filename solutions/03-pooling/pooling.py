# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Pooling: subsampling and invariance", minutes: 135, seconds: 30}
# ---

# %% [markdown]
# # 3. Pooling: subsampling and invariance
#
# A convolution finds out for every pixel whether its pattern is there. That is more than a classifier wants to know, and
# more than it can pay for. *Pooling* makes feature maps smaller by forgetting, on purpose, where exactly things were.
# In this assignment you write it forwards and backwards, and then you measure what the forgetting buys.
#
# **What you will build**
#
# 1. max, average and sum pooling, for any window and stride,
# 2. the same with padding, and the question of what padding should hold,
# 3. average pooling as a convolution,
# 4. ReLU, and a maximum made of it,
# 5. the way back through ReLU,
# 6. the way back through pooling, with *switches* that remember where each maximum stood,
# 7. unpooling, which puts values back where the switches say,
# 8. a measure of how much of a network's answer survives when the picture moves,
#
# and at the end a trained network reads handwritten digits through your own ReLU and your own pooling.
#
# **What you need.** numpy's slices and reductions; sliding windows, strides and padding from assignments 01 and 02; the
# chain rule. No code of yours from there: what this notebook needs of it is given.
#
# **Which libraries.** numpy is all you need. scipy and torch are installed, and their functions may be called: a check
# looks at results only. But the way back is easier to see in a loop of your own, so write that first.
#
# **How long it takes.** About 135 minutes for you; less than 30 seconds for your laptop, from top to bottom.
#
# | section | exercises | points | minutes | to read on |
# |---|---|---|---|---|
# | 1 One number for each window | `pool` | 4.5 | 20 | [CS231n, convolutional networks](https://cs231n.github.io/convolutional-networks/), *Pooling layer* |
# | 2 At the border | `pool_padded` | 3.5 | 15 | [Dumoulin and Visin](https://arxiv.org/abs/1603.07285), chapter 3 |
# | 3 An average is a convolution | `average_kernel` | 2 | 10 | [Springenberg and others](https://arxiv.org/abs/1412.6806), who do without pooling |
# | 4 ReLU, and a maximum made of it | `relu`, `maximum_network` | 2.5 | 15 | [Glorot, Bordes and Bengio](https://proceedings.mlr.press/v15/glorot11a.html) |
# | 5 Backwards through ReLU | `relu_backward` | 2 | 5 | [CS231n, backpropagation](https://cs231n.github.io/optimization-2/) |
# | 6 Backwards through pooling | `sum_backward`, `average_backward`, `max_with_switches`, `max_backward` | 9.5 | 30 | the same, *Patterns in backward flow* |
# | 7 Unpooling | `unpool` | 3 | 10 | [Zeiler and Fergus](https://arxiv.org/abs/1311.2901), section 2 |
# | 8 What pooling buys | `shift_stability` | 3 | 15 | [Zhang, *Making convolutional networks shift-invariant again*](https://arxiv.org/abs/1904.11486) |
# | 9 Your functions read | – | – | 5 | [LeCun and others, 1989](http://yann.lecun.com/exdb/publis/pdf/lecun-89e.pdf) |
# | 10 In your own words | written answer | 3 | 10 | |

# %% [markdown]
# ## How this notebook works
#
# As before, replace `raise NotImplementedError()` with your code. The docstring is the whole agreement. Visible checks
# hold numbers that you can verify with a pencil. The one that begins with `Hidden` runs when your work is graded and
# asks for nothing beyond the docstring. Results may differ by 10⁻⁶ times the largest expected value (or 1, if that is
# larger).
#
# Everywhere below, feature maps come in batches with the axes (N, C, H, W): image, channel, row, column. They hold
# float64. A pair, such as a window or a stride, is a tuple of two whole numbers, vertical first. Your functions return
# new arrays and leave their arguments as they were. Wrong arguments raise `ValueError` with a message that names the
# argument. In sections 1, 5 and 8 you write that part yourself, and the checks look for the name; elsewhere it is given.
#
# There are 33 points: 30 from checks, 3 for a written answer at the end. Words to look up are in the
# [glossary](#Glossary) at the end.

# %% [markdown]
# Run this cell first. It brings in numpy, matplotlib, and the course's own tools for checks and figures.

# %%
import matplotlib.pyplot as plt
import numpy as np

from autograder.lab import close, move, refuses, show, show_curves, show_grid, show_matrix
from autograder.lab import snapshot, style, unchanged, zip_digits

style()

# %% [markdown]
# How a function refuses a wrong argument, as in assignment 01:

# %%
def require(condition, message):
    """Raise ValueError with this message, unless the condition is true."""
    if not condition:
        raise ValueError(message)

# %% [markdown]
# In 02 you worked out how many positions a window has. Here it is given, for rows and columns at once. It also refuses
# windows and strides that make no sense, so a function that calls it need not test them again.

# %%
def output_shape(shape, window, stride):
    """How many positions a window has on maps of shape (N, C, H, W): the pair (rows, columns).

    shape   (N, C, H, W); its first two numbers make no difference
    window  (height, width), in pixels
    stride  (down, across), in pixels

    Positions where the window would stick out of the map do not count.
    Raises ValueError naming window if one of its sides is less than 1 or longer than the map, and
    naming stride if one of its steps is less than 1.
    """
    require(min(window) >= 1, f"window {tuple(window)} must be at least 1 both ways")
    require(window[0] <= shape[2] and window[1] <= shape[3],
            f"window {tuple(window)} does not fit a map of {shape[2]} × {shape[3]} pixels")
    require(min(stride) >= 1, f"stride {tuple(stride)} must be at least 1 both ways")
    return tuple((size - side) // step + 1 for size, side, step in zip(shape[2:], window, stride))

# %% [markdown]
# ## 1. One number for each window
#
# A convolution asks *where* a pattern is, for every pixel. A network that only has to say *whether* a pattern is there
# can afford to forget the exact place. **Pooling** does that. A window slides over each feature map, by the stride,
# and all the numbers inside it become one: the largest, the average or the sum. It has no weights. Each channel is
# pooled by itself, because different channels look for different things.
#
# First by hand, on one map of 4 rows and 5 columns.

# %%
hand = np.array([[1.0, 3.0, 2.0, 1.0, 9.0],
                 [4.0, 2.0, 0.0, 5.0, 9.0],
                 [7.0, 1.0, 3.0, 2.0, 9.0],
                 [0.0, 4.0, 1.0, 8.0, 9.0]]).reshape(1, 1, 4, 5)

# %% [markdown]
# Take a 2 × 2 window and a stride of 2 in both directions. There are two positions down and two across. A third
# across would need a sixth column, so the column of nines is never looked at.
#
# | window at | holds | max | average | sum |
# |---|---|---|---|---|
# | top left | 1, 3, 4, 2 | 4 | 2.5 | 10 |
# | top right | 2, 1, 0, 5 | 5 | 2 | 8 |
# | bottom left | 7, 1, 0, 4 | 7 | 3 | 12 |
# | bottom right | 3, 2, 1, 8 | 8 | 3.5 | 14 |
#
# Now write it for any batch, any window and any stride.

# %% exercise="pool"
def pool(x, window, stride, mode):
    """Pool every feature map of a batch: one number for each position of the window.

    x       array of shape (N, C, H, W), real numbers of any type
    window  (height, width) of the window, in pixels
    stride  (down, across), pixels from one position to the next; less than the window, more, or the
            same
    mode    "max", "average" or "sum" of the numbers in the window

    Returns an array of shape (N, C, rows, columns), where (rows, columns) is output_shape(x.shape,
    window, stride). Fractions are kept, whatever the type of x.
    Raises ValueError if mode is none of the three, and in the cases in which output_shape does.
    """
    ### BEGIN SOLUTION
    if mode not in ("max", "average", "sum"):
        raise ValueError(f"mode must be 'max', 'average' or 'sum', not {mode!r}")
    reduce = {"max": np.max, "average": np.mean, "sum": np.sum}[mode]
    rows, columns = output_shape(x.shape, window, stride)
    out = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]]
        out[:, :, i, j] = reduce(patch, axis=(2, 3))
    return out
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: one position first</summary>
#
# In which row and column does the window of output $(i, j)$ begin? Write its patch as one slice that takes all images
# and all channels at once. numpy's reductions accept several axes: `axis=(2, 3)`.
# </details>
#
# The four windows worked out above, in all three modes:

# %% check="pool" name="by-hand" points=0.5
close(pool(hand, (2, 2), (2, 2), "max"), [[[[4, 5], [7, 8]]]], case="maximum",
      hint="in which row and column does each window begin?")
close(pool(hand, (2, 2), (2, 2), "average"), [[[[2.5, 2], [3, 3.5]]]], case="average",
      hint="divided by how many numbers?")
close(pool(hand, (2, 2), (2, 2), "sum"), [[[[10, 8], [12, 14]]]], case="sum",
      hint="all numbers of a window count.")

# %% [markdown]
# > **Museum of real bugs.** A 2 × 2 window with stride 2 on a square map is the example of most textbooks. It cannot
# > tell the stride from the window, nor height from width, just as the lecture's kernel could not tell convolution from
# > correlation. Code in which these are mixed up passes every check that is made of such examples.
#
# So here is a second example, less tidy: a window of 1 row and 3 columns, moved 2 down and 1 across. In the top row of
# `hand` the three windows hold 1, 3, 2, then 3, 2, 1, then 2, 1, 9. In the third row they hold 7, 1, 3, then 1, 3, 2,
# then 3, 2, 9. A second channel holds ten times as much, and must not get mixed up with the first.

# %% check="pool" name="flat-window" points=1
close(pool(hand, (1, 3), (2, 1), "max"), [[[[3, 3, 9], [7, 3, 9]]]], case="maximum",
      hint="height and down come first in both pairs; the window is flat, the stride is not.")
close(pool(hand, (1, 3), (2, 1), "sum"), [[[[6, 6, 12], [11, 6, 14]]]], case="sum",
      hint="height and down come first in both pairs; the window is flat, the stride is not.")
close(pool(hand, (1, 3), (2, 1), "average"), [[[[2, 2, 4], [11 / 3, 2, 14 / 3]]]], case="average",
      hint="three numbers went into each of these averages.")
two = np.concatenate([hand, 10 * hand], axis=1)
close(pool(two, (1, 3), (2, 1), "max"), [[[[3, 3, 9], [7, 3, 9]], [[30, 30, 90], [70, 30, 90]]]],
      case="two channels",
      hint="each channel is pooled by itself: reduce over rows and columns only.")

# %% [markdown]
# A map may hold nothing but negative numbers, and its maximum is then one of them, however far from zero. With the signs
# of `hand` reversed, the maximum of the window 7, 1, 3 is −1. (Hidden: more of the kind.)

# %% check="pool" name="negative" points=1
close(pool(-hand, (1, 3), (2, 1), "max"), [[[[-1, -1, -1], [-1, -1, -2]]]], case="negative numbers",
      hint="where does your maximum start? Zero is larger than all of these.")
close(pool(-1e12 * hand, (1, 3), (2, 1), "max") / 1e12, [[[[-1, -1, -1], [-1, -1, -2]]]],
      case="very negative numbers",
      hint="start at the first number of the window, or at minus infinity.")
### BEGIN HIDDEN TESTS
x = -rng.uniform(1.0, 5.0, size=(2, 3, 7, 10))
for mode in ("max", "average", "sum"):
    same(pool, solution.pool, x, (3, 2), (2, 2), mode, case=f"{mode}, only negative numbers")
windows = np.lib.stride_tricks.sliding_window_view(x, (2, 4), axis=(2, 3))[:, :, ::3, ::2]
close(pool(x, (2, 4), (3, 2), "max"), windows.max(axis=(4, 5)), case="max, only negative numbers")
close(pool(x * 1e30, (2, 4), (3, 2), "max"), windows.max(axis=(4, 5)) * 1e30, case="max, very negative numbers")
### END HIDDEN TESTS

# %% [markdown]
# An unknown mode, or a window that does not fit, is refused. (Hidden: others, and an input that must stay as it was.)

# %% check="pool" name="arguments" points=0.5
close(pool(hand, (4, 5), (1, 1), "sum"), [[[[80]]]], case="a window as large as the map",
      hint="it has one position.")
refuses(pool, hand, (2, 2), (2, 2), "mean", argument="mode", named=True, case="an unknown mode")
refuses(pool, hand, (5, 2), (1, 1), "max", argument="window", named=True,
        case="a window higher than the map")
### BEGIN HIDDEN TESTS
x = rng.normal(size=(2, 3, 6, 9))
for mode in ("max", "average", "sum"):
    unchanged(pool, x, (3, 2), (1, 2), mode, case=mode)
same(pool, solution.pool, x, (6, 9), (1, 1), "sum", case="a window as large as the map")
for mode in ("mean", "Max", "", "avg"):
    refuses(pool, x, (2, 2), (2, 2), mode, argument="mode", named=True, case="an unknown mode")
for window in ((7, 2), (2, 10), (0, 2), (2, -1)):
    refuses(pool, x, window, (1, 1), "max", argument="window", named=True, case="a window that does not fit")
for stride in ((0, 1), (1, 0), (2, -1)):
    refuses(pool, x, (2, 2), stride, "average", argument="stride", named=True, case="a stride below 1")
for mode in ("max", "average", "sum"):
    types_of(pool, solution.pool, rng.normal(size=(1, 2, 4, 5)), (3, 2), (1, 2), mode, case=mode)
    fresh_result(pool, x, (1, 1), (1, 1), mode, case=f"{mode}, windows of one pixel")
    refuses_each(pool, x, (3, 2), (1, 2), mode, reference=solution.pool, allowed={
        "mode": domain.word("max", "average", "sum"), "window": domain.pair(1, fractions=False, lengths=False),
        "stride": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# Windows may overlap or skip pixels, and their stride need not divide the map.

# %% check="pool" name="hidden" points=1.5
# Hidden, 1.5 points: images, windows and strides that are not square, windows that overlap, strides
# that skip pixels, sizes that the stride does not divide, in all three modes.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(x, window, stride, mode):
    area = window[0] * window[1]
    if mode == "max":
        return F.max_pool2d(torch.from_numpy(x), window, stride).numpy()
    return F.avg_pool2d(torch.from_numpy(x), window, stride).numpy() * (area if mode == "sum" else 1)

for (n, c, h, w), window, stride in [
    ((2, 3, 8, 11), (3, 2), (1, 1)), ((3, 1, 9, 7), (2, 3), (2, 1)), ((1, 4, 7, 12), (2, 4), (2, 4)),
    ((2, 5, 6, 9), (1, 1), (1, 1)), ((4, 2, 5, 8), (5, 8), (1, 1)), ((1, 1, 1, 10), (1, 4), (1, 2)),
]:
    for mode in ("max", "average", "sum"):
        same(pool, by_torch, rng.normal(size=(n, c, h, w)), window, stride, mode,
             case=f"{mode}, {h}×{w} maps, a {window[0]}×{window[1]} window, stride {stride}")
for (n, c, h, w), window, stride in [
    ((2, 3, 10, 13), (3, 3), (2, 2)), ((1, 2, 11, 8), (2, 2), (3, 4)), ((3, 2, 9, 14), (3, 2), (2, 5)),
    ((2, 1, 12, 7), (4, 2), (3, 1)), ((1, 3, 10, 9), (2, 3), (4, 5)), ((1, 2, 7, 8), (3, 3), (9, 9)),
]:
    for mode in ("max", "average", "sum"):
        same(pool, by_torch, rng.normal(size=(n, c, h, w)), window, stride, mode,
             case=f"{mode}, {h}×{w} maps, a {window[0]}×{window[1]} window, stride {stride}")
### END HIDDEN TESTS

# %% [markdown]
# What is lost on the way down? Here is a handwritten digit, halved three times, by three methods. The third takes the
# top left pixel of each window and drops the others, which is what a stride does without pooling.

# %% demo=True
digits, _ = zip_digits("test", 60)
digit = digits[2:3]
ways = {
    "maximum": lambda x: pool(x, (2, 2), (2, 2), "max"),
    "average": lambda x: pool(x, (2, 2), (2, 2), "average"),
    "one in four": lambda x: x[:, :, ::2, ::2],
}
pictures, titles = [], []
for name, smaller in ways.items():
    x = digit
    while x.shape[2] > 1:
        pictures, titles = [*pictures, x[0]], [*titles, f"{name}, {x.shape[2]} × {x.shape[3]}"]
        x = smaller(x)
show_grid(pictures, titles, columns=4, limits=(0, 1),
          title="At which size can you no longer read the digit?")
plt.gcf().set_facecolor("0.9")

# %% [markdown]
# The maximum keeps every stroke and makes it thicker, until there is nothing but ink. The average keeps the amount of
# ink and blurs it. One pixel in four keeps or loses a stroke by chance, depending on where it happens to lie. Remember
# that for section 8.

# %% [markdown]
# ## 2. At the border
#
# With padding, windows may begin outside the map. What should the added pixels hold?
#
# * For a **sum**, zeros: they add nothing.
# * For a **maximum**, zeros would be wrong. On a map of negative numbers they would win. Something is needed that never
#   wins.
# * For an **average** there are two customs. Either the added pixels count as zeros, and the sum is divided by the size
#   of the window wherever it lies (`count_include_pad=True`). Or they do not count, and the sum is divided by the
#   number of real pixels in the window (`count_include_pad=False`).
#
# *By hand.* Frame $\begin{pmatrix} -1 & -2 \\ -3 & -4 \end{pmatrix}$ by one pixel on each side, and take a 2 × 2 window
# with stride 2. Each of the four windows holds one real pixel and three added ones. So the maximum gives the map
# back. The average gives a quarter of it if padding counts, and the map itself if it does not.

# %% exercise="pool_padded"
def pool_padded(x, window, stride, padding, mode, count_include_pad=True):
    """Pool every feature map of a batch, after framing it with added pixels on all four sides.

    x, window, stride, mode  as for pool; the window has to fit the framed map, not the map itself
    padding                  (vertical, horizontal): pixels added at the top and as many at the
                             bottom, pixels added at the left and as many at the right; 0 adds none
    count_include_pad        for mode "average": True divides by the size of the window, False by
                             the number of pixels of the window that belong to x; makes no
                             difference for the other modes

    Added pixels never win a maximum, even if the numbers in x are as small as -10**30, and they add
    nothing to a sum.
    Returns an array of shape (N, C, rows, columns), with output_shape of the framed map.
    Raises ValueError in the cases in which pool does, and if padding is negative or more than half
    of the window's side in the same direction.
    """
    require(min(padding) >= 0, "padding must not be negative")
    require(2 * padding[0] <= window[0] and 2 * padding[1] <= window[1],
            "padding must be at most half of the window")
    ### BEGIN SOLUTION
    frame = ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1]))
    framed = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0.0)
    if mode == "average" and not count_include_pad:
        real = np.pad(np.ones(x.shape), frame)
        return pool(framed, window, stride, "sum") / pool(real, window, stride, "sum")
    return pool(framed, window, stride, mode)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: how many pixels are real?</summary>
#
# You have a function that adds up what lies in each window. What would it give for a map of ones, framed by zeros?
# </details>
#
# The example worked out above:

# %% check="pool_padded" name="by-hand" points=0.5
corner = -np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
close(pool_padded(corner, (2, 2), (2, 2), (1, 1), "max"), corner, case="maximum",
      hint="which number is smaller than any pixel?")
close(pool_padded(corner, (2, 2), (2, 2), (1, 1), "average", count_include_pad=True), corner / 4,
      case="average, padding counted", hint="four pixels lie in each window, three of them added.")
close(pool_padded(corner, (2, 2), (2, 2), (1, 1), "average", count_include_pad=False), corner,
      case="average, padding not counted", hint="one real pixel lies in each window.")
### BEGIN HIDDEN TESTS
x = rng.normal(size=(1, 2, 2, 2))
close(pool_padded(x, (2, 2), (2, 2), (1, 1), "max"), x, case="one real pixel in each window")
### END HIDDEN TESTS

# %% [markdown]
# A less tidy one: the single row $(-4, 0, -2)$, with one pixel added to the left and one to the right, none above or
# below; a window of 1 × 2, stride $(1, 2)$. The windows hold an added pixel and −4, then 0 and −2. Their maxima are −4 and
# 0, their sums −4 and −2. The averages are −2 and −1 if padding counts, and −4 and −1 if it does not: the 0 is a pixel like
# any other.

# %%
row = np.array([[[[-4.0, 0.0, -2.0]]]])

# %% [markdown]
# All of them at once, and the maxima once more where every pixel lies far below zero:

# %% check="pool_padded" name="untidy" points=1.5
close(pool_padded(row, (1, 2), (1, 2), (0, 1), "max"), [[[[-4, 0]]]], case="a row, maximum",
      hint="padding is (vertical, horizontal).")
close(pool_padded(row, (1, 2), (1, 2), (0, 1), "sum"), [[[[-4, -2]]]], case="a row, sum",
      hint="added pixels add nothing.")
close(pool_padded(row, (1, 2), (1, 2), (0, 1), "average"), [[[[-2, -1]]]], case="a row, average",
      hint="by default the padding counts.")
close(pool_padded(row, (1, 2), (1, 2), (0, 1), "average", count_include_pad=False), [[[[-4, -1]]]],
      case="a row, padding not counted", hint="a real pixel counts, even if it is zero.")
far = pool_padded(1e12 * row - 1e12, (1, 2), (1, 2), (0, 1), "max")
close(far / 1e12, [[[[-5, -1]]]], case="a row, very negative numbers",
      hint="which number is smaller than any pixel?")
close(pool_padded(row, (1, 2), (1, 1), (0, 0), "sum"), [[[[-4, -2]]]], case="no padding",
      hint="0 is allowed.")

# %% [markdown]
# The padding may differ by direction, and some pixels of a map are zero.

# %% check="pool_padded" name="hidden" points=1.5
# Hidden, 1.5 points: maxima of negative and of very negative numbers; averages that count the
# padding, averages that do not, and sums; arguments stay as they were.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(x, window, stride, padding, mode):
    return F.max_pool2d(torch.from_numpy(x), window, stride, padding).numpy()

for shape, window, stride, padding in [
    ((2, 3, 7, 10), (3, 2), (2, 2), (1, 0)), ((3, 1, 8, 5), (2, 4), (1, 3), (1, 2)),
    ((1, 2, 2, 3), (5, 4), (1, 1), (2, 1)), ((2, 4, 6, 9), (3, 3), (1, 2), (0, 1)),
    ((1, 3, 5, 7), (2, 3), (2, 3), (0, 0)),
]:
    for scale, words in ((1.0, "negative numbers"), (1e30, "very negative numbers")):
        x = -rng.uniform(1.0, 5.0, size=shape) * scale
        same(pool_padded, by_torch, x, window, stride, padding, "max",
             case=f"{words}, {shape[2]}×{shape[3]} maps, window {window}, stride {stride}, padding {padding}")
def averaged_by_torch(x, window, stride, padding, mode, count_include_pad=True):
    counted = F.avg_pool2d(torch.from_numpy(x), window, stride, padding, False, count_include_pad).numpy()
    return counted * window[0] * window[1] if mode == "sum" else counted

for shape, window, stride, padding in [
    ((2, 3, 7, 10), (3, 2), (2, 2), (1, 0)), ((3, 1, 8, 5), (2, 4), (1, 3), (1, 2)),
    ((1, 2, 2, 3), (5, 4), (1, 1), (2, 1)), ((2, 4, 6, 9), (3, 3), (1, 2), (0, 1)),
    ((1, 3, 5, 7), (2, 3), (2, 3), (0, 0)),
]:
    x = rng.normal(2.0, 1.0, size=shape) * (rng.random(size=shape) < 0.7)
    where = f"{shape[2]}×{shape[3]} maps, window {window}, stride {stride}, padding {padding}"
    same(pool_padded, averaged_by_torch, x, window, stride, padding, "average", count_include_pad=False,
         case=f"average, padding not counted, {where}")
    same(pool_padded, averaged_by_torch, x, window, stride, padding, "average", count_include_pad=True,
         case=f"average, padding counted, {where}")
    same(pool_padded, averaged_by_torch, x, window, stride, padding, "sum", case=f"sum, {where}")
same(pool_padded, averaged_by_torch, x, (3, 3), (2, 1), (1, 1), "average", case="average, count_include_pad not given")
x = rng.normal(size=(2, 1, 5, 8))
for mode in ("max", "average", "sum"):
    unchanged(pool_padded, x, (3, 2), (2, 1), (1, 1), mode, case=mode)
    unchanged(pool_padded, x, (3, 2), (2, 1), (0, 0), mode, case=f"{mode}, padding 0")
    fresh_result(pool_padded, x, (1, 1), (1, 1), (0, 0), mode, case=f"{mode}, windows of one pixel")
for padding in ((-1, 0), (0, -1), (2, 1), (1, 2)):
    refuses(pool_padded, x, (3, 3), (1, 1), padding, "max", argument="padding", case="a padding out of range")
refuses(pool_padded, x, (3, 3), (1, 1), (1, 1), "median", argument="mode", case="an unknown mode")
refuses(pool_padded, x, (8, 2), (1, 1), (1, 1), "sum", argument="window", case="a window larger than the framed map")
for window, padding in (((2, 4), (2, 0)), ((4, 2), (0, 2))):
    refuses(pool_padded, x, window, (1, 1), padding, "sum", argument="padding", case="a padding that only the other side allows")
for mode in ("max", "average", "sum"):
    for window, padding in (((7, 2), (1, 0)), ((2, 10), (0, 1)), ((9, 12), (2, 2))):
        same(pool_padded, solution.pool_padded, x, window, (1, 1), padding, mode, case=f"{mode}, a window as large as the framed map")
        for larger in ((window[0] + 1, window[1]), (window[0], window[1] + 1)):
            if larger[0] > 5 + 2 * padding[0] or larger[1] > 8 + 2 * padding[1]:
                refuses(pool_padded, x, larger, (1, 1), padding, mode, argument="window", case="a window just too large")
refuses(pool_padded, x, (3, 3), (0, 1), (1, 1), "sum", argument="stride", case="a stride below 1")
for mode in ("max", "average", "sum"):
    refuses_each(pool_padded, x, (3, 2), (2, 1), (1, 1), mode, reference=solution.pool_padded, allowed={
        "mode": domain.word("max", "average", "sum"), "window": domain.pair(1, fractions=False, lengths=False),
        "stride": domain.pair(1, fractions=False, lengths=False), "padding": domain.pair(0, fractions=False, lengths=False)})
for mode in ("max", "sum"):
    makes_no_difference(pool_padded, x, (3, 2), (2, 1), (1, 1), mode, True, vary={"count_include_pad": [False]},
                        reference=solution.pool_padded)
### END HIDDEN TESTS

# %% [markdown]
# The two customs, on a map that is 1 everywhere, averaged over windows of 3 × 3 pixels. If padding counts, the network
# sees a dark frame around every picture.

# %% demo=True
flat = np.ones((1, 1, 5, 7))
fig, axes = plt.subplots(1, 2, figsize=(8, 3))
for ax, counted in zip(axes, (True, False), strict=True):
    averaged = pool_padded(flat, (3, 3), (1, 1), (1, 1), "average", count_include_pad=counted)
    show_matrix(averaged[0, 0], ax, title=f"count_include_pad={counted}", limits=(0, 1))
fig.suptitle("Where is a flat map no longer flat?", x=0.01, ha="left");

# %% [markdown]
# ## 3. An average is a convolution
#
# Average pooling gives every pixel of the window the same weight and adds up. So it is a correlation with a constant
# kernel, moved by the stride. There is one thing to mind. A convolution layer adds up over its input channels, and
# pooling keeps them apart. Most weights of the layer must be zero.
#
# *By hand.* With 2 channels and a window of 1 × 2 pixels, the weights `w[filter, channel]` are $(0.5, 0.5)$ where
# filter and channel have the same number, and $(0, 0)$ where they differ.
#
# The correlation layer of assignment 02, without bias and padding, is given, so that you can try your weights:

# %%
def correlate(x, w, stride):
    """Cross-correlate maps x (N, C, H, W) with filters w (F, C, kh, kw): the result is (N, F, rows,
    columns).
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows[:, :, :: stride[0], :: stride[1]], w)

# %% [markdown]
# Which weights make this layer pool?

# %% exercise="average_kernel"
def average_kernel(channels, window):
    """Weights of a correlation layer that does what average pooling does.

    channels  number of feature maps
    window    (height, width) of the pooling window, in pixels

    Returns an array of shape (channels, channels, height, width) such that, for every x with that
    many channels, correlate(x, average_kernel(channels, window), stride) is pool(x, window, stride,
    "average").
    Raises ValueError if channels, or one of the window's sides, is less than 1.
    """
    require(channels >= 1, "channels must be at least 1")
    require(min(window) >= 1, "window must be at least 1 both ways")
    ### BEGIN SOLUTION
    return np.eye(channels)[:, :, None, None] * np.ones(window) / (window[0] * window[1])
    ### END SOLUTION

# %% [markdown]
# The weights worked out above:

# %% check="average_kernel" name="by-hand" points=0.5
close(average_kernel(2, (1, 2)), [[[[0.5, 0.5]], [[0, 0]]], [[[0, 0]], [[0.5, 0.5]]]],
      case="2 channels, 1×2",
      hint="filter 0 must not read channel 1, and the weights of a filter add up to 1.")
### BEGIN HIDDEN TESTS
same(average_kernel, solution.average_kernel, 3, (2, 1), case="3 channels, a 2×1 window")
### END HIDDEN TESTS

# %% [markdown]
# One channel, a window of 2 × 3. (Hidden: your weights in a convolution layer, beside average pooling.)

# %% check="average_kernel" name="same-as-pooling" points=1.5
close(average_kernel(1, (2, 3)), np.full((1, 1, 2, 3), 1 / 6), case="1 channel, 2×3",
      hint="height comes first, and six pixels share a weight of 1.")
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

for channels, window, stride in [
    (1, (2, 2), (2, 2)), (3, (2, 4), (1, 2)), (5, (3, 1), (2, 3)), (2, (4, 3), (3, 3)), (4, (1, 1), (1, 1)),
]:
    case = f"{channels} channels, a {window[0]}×{window[1]} window"
    weights = same(average_kernel, solution.average_kernel, channels, window, case=case)
    x = torch.from_numpy(rng.normal(size=(2, channels, 7, 10)))
    layer = F.conv2d(x, torch.tensor(np.asarray(weights, dtype=float)), stride=stride)
    close(layer, F.avg_pool2d(x, window, stride), case=case)
same(average_kernel, solution.average_kernel, 1, (1, 3), case="1 channel")
for channels in (0, -2):
    refuses(average_kernel, channels, (2, 2), argument="channels", case="no channel")
for window in ((0, 2), (2, 0), (-1, -1)):
    refuses(average_kernel, 2, window, argument="window", case="an empty window")
refuses_each(average_kernel, 2, (3, 2), reference=solution.average_kernel, allowed={
    "channels": domain.whole(1, fractions=False), "window": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# The digit once more, down to 4 × 4 pixels by both ways. They should agree up to rounding.

# %% demo=True
layer = correlate(digit, average_kernel(1, (4, 4)), (4, 4))
pooled = pool(digit, (4, 4), (4, 4), "average")
print(f"largest difference: {np.abs(layer - pooled).max():.1e}")
show_grid([digit[0], pooled[0], layer[0]],
          ["digit", "average pooling", "the same as a convolution"], limits=(0, 1))

# %% [markdown]
# ## 4. ReLU, and a maximum made of it
#
# After a convolution comes a function that is not linear, or else all layers together would be no more than one. The
# lecture's is the *rectified linear unit*, $\text{ReLU}(x) = \max(0, x)$, applied to every element.
#
# *By hand.* $(-2, 0, 3)$ becomes $(0, 0, 3)$.

# %% exercise="relu"
def relu(x):
    """The rectified linear unit, element by element: negative values become 0, the others stay.

    x  array of any shape

    Returns a new array of the same shape. x itself stays as it was.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0.0)
    ### END SOLUTION

# %% [markdown]
# The example above, then hidden maps with values of both signs:

# %% check="relu" name="by-hand" points=0.5
close(relu(np.array([-2.0, 0.0, 3.0])), [0, 0, 3],
      hint="what becomes of a negative number, and what of the others?")
### BEGIN HIDDEN TESTS
x = rng.normal(size=(2, 4, 3, 5)) * 10
close(relu(x), (x + np.abs(x)) / 2, case="maps with values of both signs")
same(relu, solution.relu, rng.normal(size=7) * 0.01, case="small values, one axis")
same(relu, solution.relu, -np.ones((3, 2)), case="only negative values")
### END HIDDEN TESTS

# %% [markdown]
# The way back, in the next section, needs what went *into* ReLU. So a ReLU that overwrites its input spoils it.

# %% check="relu" name="new-array" points=0.5
x = np.array([[-2.0, 5.0]])
close(relu(x), [[0, 5]], case="a matrix", hint="the shape stays as it is.")
close(x, [[-2, 5]], case="the input, after the call",
      hint="`x[x < 0] = 0` writes into the array that it was given.")
unchanged(relu, x)
### BEGIN HIDDEN TESTS
same(relu, solution.relu, rng.normal(size=(3, 5)), case="a matrix")
unchanged(relu, rng.normal(size=(2, 3, 4, 5)), case="maps with values of both signs")
unchanged(relu, rng.normal(size=(6,)), case="one axis")
fresh_result(relu, rng.uniform(1.0, 2.0, size=(3, 4)), case="nothing but positive numbers")
### END HIDDEN TESTS

# %% [markdown]
# > **Predict, then run.** The lecture's order is convolution, ReLU, pooling. Would it make a difference to pool first
# > and rectify afterwards? Decide for max pooling, and then for average pooling.

# %% demo=True
guess = "?"  # a difference for max, for average, for both, or for neither
maps = np.random.default_rng(3).normal(size=(1, 1, 8, 8))
for mode in ("max", "average"):
    relu_first = pool(relu(maps), (2, 2), (2, 2), mode)
    pool_first = relu(pool(maps, (2, 2), (2, 2), mode))
    print(f"{mode:8}largest difference {np.abs(relu_first - pool_first).max():.2f}")
print("you said:", guess)

# %% [markdown]
# ReLU never reverses the order of two numbers. What is largest before it is largest after it, so maximum and ReLU may
# change places, and pooling first leaves ReLU a quarter of the work. In an average, negative numbers cancel
# positive ones, unless ReLU has removed them before.
#
# ### A maximum, from ReLU
#
# The maximum of two numbers is not linear, so no convolution computes it. But it takes little more: $\max(a, b) = a +
# \text{ReLU}(b - a)$. Begin with $a$, and add what $b$ has more. A network with one hidden layer of ReLUs, $h =
# \text{ReLU}(W (a, b))$ and $v \cdot h$, can say that, provided that $a$ itself gets through the ReLUs unharmed.
#
# *By hand.* Take $a = -3$. Then $\text{ReLU}(a) = 0$ and $\text{ReLU}(-a) = 3$. For $a = 5$ they are 5 and 0. Which
# combination of the two gives $a$ back in both cases?

# %% exercise="maximum_network"
def maximum_network():
    """Weights of a two-layer ReLU network that computes the maximum of two numbers, of any sign.

    Returns a pair (W, v) of arrays, W of shape (units, 2) and v of shape (units,), such that v @
    relu(W @ [a, b]) is max(a, b) for all real numbers a and b. The number of hidden units is yours
    to choose, from 1 to 16.
    """
    ### BEGIN SOLUTION
    hidden = np.array([[1.0, 0.0], [-1.0, 0.0], [-1.0, 1.0]])
    output = np.array([1.0, -1.0, 1.0])
    return hidden, output
    ### END SOLUTION

# %% [markdown]
# The network itself is given. The checks put your weights into it.

# %%
def run_network(weights, inputs):
    """What the network with weights (W, v) says for each pair in inputs, an array of shape (count,
    2).
    """
    hidden, output = (np.asarray(part, dtype=float) for part in weights)
    return np.maximum(np.asarray(inputs, dtype=float) @ hidden.T, 0.0) @ output

# %% [markdown]
# Three pairs of positive numbers:

# %% check="maximum_network" name="by-hand" points=0.5
close(run_network(maximum_network(), [[3, 5], [5, 3], [2, 2]]), [5, 5, 2],
      case="max of 3 and 5, 5 and 3, 2 and 2",
      hint="work out ReLU of each hidden unit for one of the pairs.")
### BEGIN HIDDEN TESTS
pairs = rng.uniform(0.0, 10.0, size=(50, 2))
close(run_network(maximum_network(), pairs), pairs.max(axis=1), case="pairs of positive numbers")
### END HIDDEN TESTS

# %% [markdown]
# Negative numbers have to come through as well. (Hidden: numbers of every sign and size.)

# %% check="maximum_network" name="any-sign" points=1
close(run_network(maximum_network(), [[-5, -3], [-3, -5], [-2, 4], [4, -2]]), [-3, -3, 4, 4],
      case="any sign",
      hint="two of the hidden units have to carry one of the numbers, whatever its sign.")
### BEGIN HIDDEN TESTS
weights = maximum_network()
hidden, output = weights
passes(np.asarray(hidden).ndim == 2 and np.asarray(hidden).shape[1] == 2, "W should have the shape (units, 2).")
passes(np.asarray(output).shape == (len(hidden),) and len(hidden) <= 16,
       "v should have one number for each of at most 16 hidden units.")
for scale in (1e-3, 1.0, 1e3):
    pairs = rng.normal(size=(200, 2)) * scale
    close(run_network(weights, pairs) / scale, pairs.max(axis=1) / scale, case="pairs of any sign")
negative = -rng.uniform(1.0, 9.0, size=(50, 2))
close(run_network(weights, negative), negative.max(axis=1), case="pairs of negative numbers")
close(run_network(weights, [[-4, -4], [0, 0], [0, -1], [-1, 0]]), [-4, 0, 0, 0], case="equal numbers, and zeros")
### END HIDDEN TESTS

# %% [markdown]
# How does your network put the maximum together? Each thin line is one hidden unit's share, the thick one their sum.

# %% demo=True
W, v = (np.asarray(part, dtype=float) for part in maximum_network())
a = np.linspace(-3, 3, 121)
shares = relu(np.stack([a, np.ones_like(a)], axis=1) @ W.T) * v
fig, ax = plt.subplots(figsize=(6, 3.4))
ax.plot(a, shares.sum(axis=1), color="0.75", linestyle="-", linewidth=7, label="their sum")
for unit, share in enumerate(shares.T):
    ax.plot(a, share, label=f"unit {unit}")
ax.set(xlabel="a, while b is 1", ylabel="share of the result",
       title="Straight pieces add up to max(a, 1)")
ax.legend();

# %% [markdown]
# Four numbers are a tournament, $\max(\max(a, b), \max(c, d))$. So max pooling over 2 × 2 pixels is two rounds of small
# convolutions and ReLUs with fixed weights. A pooling layer does nothing that a deeper network could not learn, but it
# needs no weights and costs little.
#
# ## 5. Backwards through ReLU
#
# In training, each layer is told how the loss changes with its *output*, and has to work out how the loss changes with
# its *input*. The chain rule does it: multiply what comes from above, `grad`, by the layer's own slope. The slope of ReLU
# is 1 where its input was positive and 0 where it was negative. At exactly 0 there is a corner and no slope. The custom
# is to take 0.
#
# *By hand.* The input was $(-2, 0, 3)$, and from above comes $(10, 20, -30)$. Passed down is $(0, 0, -30)$.

# %% exercise="relu_backward"
def relu_backward(grad, x):
    """The gradient of the loss with respect to ReLU's input.

    grad  gradient with respect to ReLU's output, array of any shape, values of either sign
    x     what went into ReLU, array of the same shape

    Returns a new array of that shape. Where x is exactly 0, the slope of ReLU counts as 0. Neither
    argument is changed.
    Raises ValueError if the shape of grad is not that of x.
    """
    ### BEGIN SOLUTION
    if grad.shape != x.shape:
        raise ValueError(f"grad has the shape {grad.shape}, but x has {x.shape}")
    return np.where(x > 0, grad, 0.0)
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="relu_backward" name="by-hand" points=0.5
close(relu_backward(np.array([10.0, 20.0, -30.0]), np.array([-2.0, 0.0, 3.0])), [0, 0, -30],
      hint="x decides what is let through, and what is let through is grad.")

# %% [markdown]
# > **Museum of real bugs.** Some checks send back a gradient of ones, because then the result is easy to write down. A
# > layer that returns its slope and forgets to multiply passes them. So does one that lets only positive gradients
# > through. A random gradient of both signs finds both.
#
# So the hidden check sends random ones.

# %% check="relu_backward" name="hidden" points=1
# Hidden, 1 point: gradients of either sign, inputs with exact zeros.
### BEGIN HIDDEN TESTS
import torch

def by_torch(grad, x):
    leaf = torch.from_numpy(x).requires_grad_()
    torch.relu(leaf).backward(torch.from_numpy(grad))
    return leaf.grad.numpy()

for shape in ((2, 3, 4, 5), (6, 1), (9,)):
    x = rng.normal(size=shape)
    same(relu_backward, by_torch, rng.normal(size=shape) * 3, x, case=f"shape {shape}")
    x[rng.random(size=shape) < 0.4] = 0.0
    same(relu_backward, by_torch, rng.normal(size=shape) * 3, x, case=f"shape {shape}, with exact zeros")
### END HIDDEN TESTS

# %% [markdown]
# Neither argument is changed, and shapes that differ are refused, with the word `grad` in the message.

# %% check="relu_backward" name="arguments" points=0.5
grad, x = np.array([[10.0, 20.0], [-30.0, 40.0]]), np.array([[-2.0, 5.0], [3.0, -1.0]])
close(relu_backward(grad, x), [[0, 20], [-30, 0]], case="a matrix",
      hint="x decides, place by place.")
close(grad, [[10, 20], [-30, 40]], case="grad, after the call",
      hint="write into a new array, not into grad.")
close(x, [[-2, 5], [3, -1]], case="x, after the call", hint="write into a new array, not into x.")
refuses(relu_backward, np.ones((1, 2)), x, argument="grad", named=True, case="one row for two")
refuses(relu_backward, np.ones(2), x, argument="grad", named=True, case="one axis for two")
unchanged(relu_backward, grad, x)
### BEGIN HIDDEN TESTS
grad, x = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
same(relu_backward, solution.relu_backward, grad, x, case="four axes")
unchanged(relu_backward, grad, x, case="four axes")
for other in ((4, 5), (2, 3, 4, 1), (2, 3, 5, 4)):
    refuses(relu_backward, rng.normal(size=other), x, argument="grad", named=True, case="shapes that differ")
refuses(relu_backward, rng.normal(size=(1, 4)), rng.normal(size=(4, 1)), argument="grad", named=True, case="a row for a column")
refuses_each(relu_backward, grad, x, reference=solution.relu_backward, allowed={"grad": domain.shape()})
fresh_result(relu_backward, grad, np.abs(x) + 1.0, case="nothing but positive numbers")
keeps_arguments(relu_backward, grad, x)
### END HIDDEN TESTS

# %% [markdown]
# A digit, the response of a filter that looks for vertical edges, the same after ReLU, and the places where a gradient
# gets back through it (white). In the second picture zero is mid-grey.

# %% demo=True
edge = np.array([[1.0, 0.0, -1.0]] * 3).reshape(1, 1, 3, 3)
response = correlate(digit, edge, (1, 1))
gate = relu_backward(np.ones_like(response), response)
fig, axes = plt.subplots(1, 4, figsize=(10, 2.8))
show(digit[0], axes[0], title="digit")
show(response[0], axes[1], title="vertical edges", signed=True)
show(relu(response)[0], axes[2], title="after ReLU: right edges only")
show(gate[0], axes[3], title="white: open for gradients")

# %% [markdown]
# ## 6. Backwards through pooling
#
# ### Sum and average
#
# In a sum, every pixel of the window counts once. So a pixel receives the gradient of each window that it lies in, and
# where windows overlap, the gradients add up.
#
# *By hand.* A map of 3 × 3 pixels, a 2 × 2 window, stride 1. From above come 1, 10, 100 and 1000 for the four windows,
# so the digits of each result tell which windows sent something:
#
# $$\begin{pmatrix} 1 & 10 \\ 100 & 1000 \end{pmatrix} \;\longrightarrow\;
# \begin{pmatrix} 1 & 11 & 10 \\ 101 & 1111 & 1010 \\ 100 & 1100 & 1000 \end{pmatrix}$$

# %%
upstream = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(1, 1, 2, 2)

# %% [markdown]
# The way back walks over the same windows as the way there.

# %% exercise="sum_backward"
def sum_backward(grad, shape, window, stride):
    """The gradient of the loss with respect to the input of sum pooling.

    grad            gradient with respect to the output of pool(x, window, stride, "sum"), array (N,
                    C, rows, columns)
    shape           (N, C, H, W), the shape of x; the values of x are not needed
    window, stride  as for pool

    Returns an array of shape (N, C, H, W), 0 at pixels that no window covers.
    Raises ValueError if the shape of grad is not that of the output, and in the cases in which
    output_shape does.
    """
    require(grad.shape == (*shape[:2], *output_shape(shape, window, stride)),
            "grad must have the shape of the output")
    ### BEGIN SOLUTION
    dx = np.zeros(shape)
    for i, j in np.ndindex(grad.shape[2:]):
        top, left = i * stride[0], j * stride[1]
        dx[:, :, top : top + window[0], left : left + window[1]] += grad[:, :, i : i + 1, j : j + 1]
    return dx
    ### END SOLUTION

# %% [markdown]
# The example above:

# %% check="sum_backward" name="by-hand" points=0.5
by_hand = [[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]]
close(sum_backward(upstream, (1, 1, 3, 3), (2, 2), (1, 1)), [[by_hand]],
      hint="the digits of each number tell which windows sent something: is one missing?")

# %% [markdown]
# The same gradient once more, for maps of 2 × 5 pixels, a window of 1 × 2 and the stride $(1, 3)$. Between the windows is a
# column that none of them covers. (Hidden: other shapes, and random gradients.)

# %% check="sum_backward" name="any-shape" points=1
close(sum_backward(upstream, (1, 1, 2, 5), (1, 2), (1, 3)),
      [[[[1, 1, 0, 10, 10], [100, 100, 0, 1000, 1000]]]],
      case="a 1×2 window, stride (1, 3)", hint="height and down come first in both pairs.")
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(grad, shape, window, stride):
    leaf = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    (F.avg_pool2d(leaf, window, stride) * window[0] * window[1]).backward(torch.from_numpy(grad))
    return leaf.grad.numpy()

for shape, window, stride in [
    ((2, 3, 8, 11), (3, 2), (1, 2)), ((3, 1, 7, 6), (2, 3), (2, 1)), ((1, 4, 9, 10), (2, 2), (3, 4)),
    ((2, 5, 6, 8), (2, 4), (2, 4)), ((1, 2, 9, 4), (3, 2), (2, 1)),
]:
    grad = rng.normal(size=solution.pool(np.zeros(shape), window, stride, "sum").shape)
    same(sum_backward, by_torch, grad, shape, window, stride,
         case=f"{shape[2]}×{shape[3]} maps, window {window}, stride {stride}")
    unchanged(sum_backward, grad, shape, window, stride)
refuses(sum_backward, rng.normal(size=(2, 3, 4, 4)), (2, 3, 8, 11), (2, 2), (2, 2), argument="grad",
        case="a gradient of the wrong shape")
refuses(sum_backward, rng.normal(size=(2, 1, 4, 5)), (2, 3, 8, 11), (2, 2), (2, 2), argument="grad",
        case="a gradient of the wrong shape")
for size in ((2, 3, 9, 10), (2, 3, 7, 10)):
    grad = rng.normal(size=size)
    for window in ((9, 2), (0, 2)):
        refuses(sum_backward, grad, (2, 3, 8, 11), window, (1, 1), argument="window", case="a window out of range")
    for stride in ((0, 1), (1, 0)):
        refuses(sum_backward, grad, (2, 3, 8, 11), (2, 2), stride, argument="stride", case="a stride below 1")
fresh_result(sum_backward, grad, grad.shape, (1, 1), (1, 1), case="windows of one pixel")
refuses_each(sum_backward, rng.normal(size=(2, 3, 4, 5)), (2, 3, 9, 10), (3, 2), (2, 2), reference=solution.sum_backward, allowed={
    "grad": domain.shape(), "window": domain.pair(1, fractions=False, lengths=False),
    "stride": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# In an average, each pixel counts for less. By which factor, in the example?

# %% exercise="average_backward"
def average_backward(grad, shape, window, stride):
    """The gradient of the loss with respect to the input of average pooling.

    grad            gradient with respect to the output of pool(x, window, stride, "average")
    shape           (N, C, H, W), the shape of x
    window, stride  as for pool

    What it returns and raises is as for sum_backward.
    """
    require(grad.shape == (*shape[:2], *output_shape(shape, window, stride)),
            "grad must have the shape of the output")
    ### BEGIN SOLUTION
    return sum_backward(grad, shape, window, stride) / (window[0] * window[1])
    ### END SOLUTION

# %% [markdown]
# The example above, for the average:

# %% check="average_backward" name="by-hand" points=0.5
by_hand = np.array([[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]]) / 4
close(average_backward(upstream, (1, 1, 3, 3), (2, 2), (1, 1)), [[by_hand]],
      hint="how large is the share of one pixel in the average of its window?")

# %% [markdown]
# And the flat window of before: two pixels share, so each receives a half. (Hidden: as for the sum.)

# %% check="average_backward" name="any-shape" points=1
shares = [[[[0.5, 0.5, 0, 5, 5], [50, 50, 0, 500, 500]]]]
close(average_backward(upstream, (1, 1, 2, 5), (1, 2), (1, 3)), shares,
      case="a 1×2 window, stride (1, 3)",
      hint="divide by the number of pixels in one window.")
close(upstream, [[[[1, 10], [100, 1000]]]], case="grad, after the call",
      hint="`grad /= …` writes into grad itself.")
unchanged(average_backward, upstream, (1, 1, 2, 5), (1, 2), (1, 3))
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(grad, shape, window, stride):
    leaf = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    F.avg_pool2d(leaf, window, stride).backward(torch.from_numpy(grad))
    return leaf.grad.numpy()

for shape, window, stride in [
    ((2, 3, 8, 11), (3, 2), (1, 2)), ((3, 1, 7, 6), (2, 3), (2, 1)), ((1, 4, 9, 10), (2, 2), (3, 4)),
    ((2, 5, 6, 8), (2, 4), (2, 4)),
]:
    grad = rng.normal(size=solution.pool(np.zeros(shape), window, stride, "sum").shape)
    same(average_backward, by_torch, grad, shape, window, stride,
         case=f"{shape[2]}×{shape[3]} maps, window {window}, stride {stride}")
    unchanged(average_backward, grad, shape, window, stride)
refuses(average_backward, rng.normal(size=(2, 3, 4, 4)), (2, 3, 8, 11), (2, 2), (2, 2), argument="grad",
        case="a gradient of the wrong shape")
refuses(average_backward, rng.normal(size=(2, 1, 4, 5)), (2, 3, 8, 11), (2, 2), (2, 2), argument="grad",
        case="a gradient of the wrong shape")
for size in ((2, 3, 9, 10), (2, 3, 7, 10)):
    grad = rng.normal(size=size)
    for window in ((9, 2), (0, 2)):
        refuses(average_backward, grad, (2, 3, 8, 11), window, (1, 1), argument="window", case="a window out of range")
    for stride in ((0, 1), (1, 0)):
        refuses(average_backward, grad, (2, 3, 8, 11), (2, 2), stride, argument="stride", case="a stride below 1")
fresh_result(average_backward, grad, grad.shape, (1, 1), (1, 1), case="windows of one pixel")
refuses_each(average_backward, rng.normal(size=(2, 3, 4, 5)), (2, 3, 9, 10), (3, 2), (2, 2), reference=solution.average_backward, allowed={
    "grad": domain.shape(), "window": domain.pair(1, fractions=False, lengths=False),
    "stride": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# ### Maximum: remember the switches
#
# Of each window only one pixel has a part in the maximum. So on the way forward we write down where it stood. Such a
# record is called a **switch**. It is one number, the pixel's place when its map is read row after row:
# $\text{row} \cdot W + \text{column}$.
#
# *By hand.* On the map `hand` of section 1, $W = 5$. With the 2 × 2 window and stride 2, the maxima are 4, 5, 7 and 8.
# The 4 stands in row 1, column 0, so its switch is $1 \cdot 5 + 0 = 5$. The 5 stands in row 1, column 3: $8$. The 7 has
# the switch $10$ and the 8 has $18$.
#
# What if two pixels of a window are equal? Behind a ReLU that is not rare. Where a filter found nothing, whole windows
# hold only zeros. One pixel has to win. We take the *first* in reading order.

# %% exercise="max_with_switches"
def max_with_switches(x, window, stride):
    """Max pooling that also tells where each maximum stood.

    x               array of shape (N, C, H, W)
    window, stride  as for pool

    Returns a pair (y, switches) of arrays of shape (N, C, rows, columns). y is pool(x, window,
    stride, "max"). switches holds whole numbers (an integer dtype): for each maximum its place row
    * W + column in its own map of H × W pixels, rows and columns counted from 0. If several pixels
    of a window are the largest, the first in reading order counts: the topmost, and among those of
    one row the leftmost.
    Raises ValueError in the cases in which output_shape does.
    """
    ### BEGIN SOLUTION
    rows, columns = output_shape(x.shape, window, stride)
    y = np.empty((*x.shape[:2], rows, columns))
    switches = np.empty(y.shape, dtype=np.int64)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        patch = x[:, :, top : top + window[0], left : left + window[1]].reshape(*x.shape[:2], -1)
        down, across = np.divmod(patch.argmax(axis=2), window[1])
        y[:, :, i, j] = patch.max(axis=2)
        switches[:, :, i, j] = (top + down) * x.shape[3] + left + across
    return y, switches
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: from the window to the map</summary>
#
# `argmax` gives a place inside a patch that was made flat. `np.divmod` splits it into a row and a column of the patch.
# By which number do you divide? Where does the patch begin in the map? And only then: by which number do you multiply?
# </details>
#
# The example above:

# %% check="max_with_switches" name="by-hand" points=0.5
y, switches = max_with_switches(hand, (2, 2), (2, 2))
close(y, [[[[4, 5], [7, 8]]]], case="maxima", hint="they are those of pool.")
close(switches, [[[[5, 8], [10, 18]]]], case="switches",
      hint="places count through the whole map, 5 to a row.")

# %% [markdown]
# Now with equal numbers, a window of 2 × 3 and stride 1, so that windows overlap:
#
# $$\begin{pmatrix} 5 & 1 & 2 & 5 \\ 0 & 5 & 5 & 1 \\ 5 & 0 & 3 & 2 \end{pmatrix}
# \quad\text{has the maxima}\quad \begin{pmatrix} 5 & 5 \\ 5 & 5 \end{pmatrix}
# \quad\text{and the switches}\quad \begin{pmatrix} 0 & 3 \\ 5 & 5 \end{pmatrix}.$$
#
# The window at the top right holds three fives; in reading order the first of them ends its upper row, at place 3. Both
# windows below find the five in row 1, column 1. A second channel holds the same, ten less and a billion times as much.

# %%
equal = np.array([[[[5.0, 1, 2, 5], [0, 5, 5, 1], [5, 0, 3, 2]]]])
equal = np.concatenate([equal, 1e9 * (equal - 10)], axis=1)

# %% [markdown]
# Places count from 0 in each channel:

# %% check="max_with_switches" name="equal-numbers" points=2
y, switches = max_with_switches(equal, (2, 3), (1, 1))
close(np.asarray(y)[:, 0], [[[5, 5], [5, 5]]], case="maxima, equal numbers",
      hint="they are those of pool.")
close(np.asarray(y)[:, 1] / 1e9, [[[-5, -5], [-5, -5]]], case="maxima, very negative numbers",
      hint="where does your search start? All pixels lie far below zero.")
close(switches, [[[[0, 3], [5, 5]], [[0, 3], [5, 5]]]], case="switches, equal numbers",
      hint="the first in reading order of the window's own pixels; divide by the window's width, "
           "multiply by the map's.")
y, switches = max_with_switches(hand, (4, 5), (1, 1))
close(switches, [[[[4]]]], case="a window as large as the map", hint="the nine in the first row.")

# %% [markdown]
# Behind a ReLU, many numbers are equal.

# %% check="max_with_switches" name="hidden" points=1
# Hidden, 1 point: several images and channels, maps and windows that are not square, windows that
# overlap or skip; maps with many equal numbers; x stays as it was.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(x, window, stride):
    y, switches = F.max_pool2d(torch.from_numpy(x), window, stride, return_indices=True)
    return y.numpy(), switches.numpy()

for shape, window, stride in [
    ((2, 3, 8, 11), (3, 2), (1, 2)), ((3, 1, 7, 6), (2, 3), (2, 1)), ((1, 4, 9, 10), (2, 2), (3, 4)),
    ((2, 5, 6, 8), (2, 4), (2, 4)), ((1, 2, 10, 3), (4, 3), (3, 1)), ((2, 2, 1, 9), (1, 3), (1, 2)),
]:
    _, found = same(max_with_switches, by_torch, rng.normal(size=shape) - 2.0, window, stride,
                    case=f"{shape[2]}×{shape[3]} maps, window {window}, stride {stride}")
    passes(np.asarray(found).dtype.kind in "iu", "switches should be integers, so that they can index an array.")
far = -rng.uniform(1.0, 5.0, size=(2, 1, 5, 8)) * 1e30
same(max_with_switches, by_torch, far, (2, 3), (2, 1), case="very negative numbers")
for shape, window, stride in [
    ((2, 3, 7, 10), (3, 2), (2, 2)), ((1, 2, 8, 5), (2, 3), (1, 1)), ((3, 1, 6, 9), (2, 2), (2, 3)),
]:
    x = np.maximum(rng.integers(-2, 3, size=shape), 0).astype(float)
    same(max_with_switches, solution.max_with_switches, x, window, stride, case="many equal numbers, as after ReLU")
flat_windows = rng.permutation([-4.0, -3.0, -2.0]).reshape(1, 3, 1, 1) * np.ones((1, 3, 4, 6))
corners = 6 * np.array([[0], [2]]) + np.array([0, 3])
_, found = max_with_switches(flat_windows, (2, 3), (2, 3))
close(found, np.broadcast_to(corners, (1, 3, 2, 2)), case="maps with one value everywhere")
x = rng.normal(size=(2, 3, 6, 9))
same(max_with_switches, solution.max_with_switches, x, (6, 9), (1, 1), case="a window as large as the map")
unchanged(max_with_switches, x, (2, 3), (1, 2))
for window in ((7, 2), (2, 10), (0, 2)):
    refuses(max_with_switches, x, window, (1, 1), argument="window", case="a window that does not fit")
refuses(max_with_switches, x, (2, 2), (1, 0), argument="stride", case="a stride below 1")
fresh_result(max_with_switches, x, (1, 1), (1, 1), case="windows of one pixel")
refuses_each(max_with_switches, x, (2, 3), (1, 2), reference=solution.max_with_switches, allowed={
    "window": domain.pair(1, fractions=False, lengths=False), "stride": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# Switches as arrows. Each runs from the middle of a window to the pixel that won it. On the black background they all
# point the same way: that is the rule for equal numbers at work.

# %% demo=True
_, places = max_with_switches(digit, (2, 2), (2, 2))
rows, columns = np.divmod(places[0, 0], 16)
down, across = np.mgrid[0:16:2, 0:16:2] + 0.5
fig, ax = plt.subplots(figsize=(5.2, 5.4))
show(digit[0], ax, title="Which pixel won each window?")
ax.quiver(across, down, columns - across, rows - down, color="tab:orange",
          angles="xy", scale_units="xy", scale=1, width=0.007)
ax.hlines(np.arange(1.5, 15, 2), -0.5, 15.5, color="gray", linewidth=0.5)
ax.vlines(np.arange(1.5, 15, 2), -0.5, 15.5, color="gray", linewidth=0.5);

# %% [markdown]
# ### Maximum: the way back
#
# Each output sends its whole gradient to the pixel that won; the others receive nothing. Where windows overlap, one
# pixel may have won several of them.
#
# *By hand.* In the map below, with a 2 × 2 window and stride 1, the 9 wins all four windows. From above come again 1,
# 10, 100 and 1000. So the 9 receives 1111 and all others 0.

# %%
peak = np.array([[1.0, 2.0, 0.0], [3.0, 9.0, 4.0], [0.0, 5.0, 1.0]]).reshape(1, 1, 3, 3)

# %% [markdown]
# Nothing is said here of how you find the winner again. You have written a function that knows.

# %% exercise="max_backward"
def max_backward(grad, x, window, stride):
    """The gradient of the loss with respect to the input of max pooling.

    grad            gradient with respect to the output of pool(x, window, stride, "max"), array (N,
                    C, rows, columns)
    x               what went into the pooling, array of shape (N, C, H, W)
    window, stride  as for pool

    Returns an array of the shape of x. Each gradient goes to one pixel, the largest of its window;
    if several are, to the first in reading order. A pixel that won several windows receives the sum
    of their gradients.
    Raises ValueError if the shape of grad is not that of the output, and in the cases in which
    output_shape does.
    """
    require(grad.shape == (*x.shape[:2], *output_shape(x.shape, window, stride)),
            "grad must have the shape of the output")
    ### BEGIN SOLUTION
    _, switches = max_with_switches(x, window, stride)
    dx = np.zeros((*x.shape[:2], x.shape[2] * x.shape[3]))
    image, channel = np.ogrid[: x.shape[0], : x.shape[1]]
    np.add.at(dx, (image[..., None, None], channel[..., None, None], switches), grad)
    return dx.reshape(x.shape)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: a trap of numpy</summary>
#
# If `places` holds the same index twice, `a[places] += b` adds only one of the two numbers. `np.add.at(a, places, b)`
# adds both. A plain loop adds both as well.
# </details>
#
# The example above:

# %% check="max_backward" name="by-hand" points=0.5
close(max_backward(upstream, peak, (2, 2), (1, 1)), [[[[0, 0, 0], [0, 1111, 0], [0, 0, 0]]]],
      hint="one pixel won all four windows, and each of them sends it something.")

# %% [markdown]
# > **Museum of real bugs.** Look for the winner with `x == maximum`, and every pixel that equals it wins, so the
# > gradient multiplies. Random test inputs never hold two equal numbers and let this through; behind a ReLU it happens
# > in every dark corner. The second exhibit: writing the gradient where it should be added. As long as the stride is as
# > large as the window, nobody sees it.
#
# Both at once: the map with equal numbers of before, and its switches 0, 3, 5 and 5. (Hidden: more of the kind, with
# random gradients.)

# %% check="max_backward" name="ties" points=2
expected = [[1, 0, 0, 10], [0, 1100, 0, 0], [0, 0, 0, 0]]
close(max_backward(upstream, equal[:, :1], (2, 3), (1, 1)), [[expected]],
      case="equal numbers, windows that overlap",
      hint="one pixel of each window receives its gradient, the first in reading order, and "
           "gradients add up.")
### BEGIN HIDDEN TESTS
for shape, window, stride in [
    ((2, 3, 7, 10), (3, 2), (2, 2)), ((1, 2, 8, 5), (2, 3), (1, 1)), ((3, 1, 6, 9), (2, 2), (2, 3)),
]:
    x = np.maximum(rng.integers(-2, 3, size=shape), 0).astype(float)
    grad = rng.normal(size=solution.pool(x, window, stride, "max").shape)
    same(max_backward, solution.max_backward, grad, x, window, stride, case="many equal numbers, as after ReLU")
grad = rng.normal(size=(1, 2, 2, 2))
lone = np.zeros((1, 2, 4, 6))
lone[:, :, ::2, ::3] = grad
close(max_backward(grad, np.full((1, 2, 4, 6), -1.5), (2, 3), (2, 3)), lone, case="maps with one value everywhere")
### END HIDDEN TESTS

# %% [markdown]
# Windows that skip pixels leave some without any gradient.

# %% check="max_backward" name="hidden" points=0.5
# Hidden, half a point: random gradients, maps and windows that are not square, windows that overlap
# or skip; arguments stay as they were.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(grad, x, window, stride):
    leaf = torch.from_numpy(x).requires_grad_()
    F.max_pool2d(leaf, window, stride).backward(torch.from_numpy(grad))
    return leaf.grad.numpy()

for shape, window, stride in [
    ((2, 3, 8, 11), (3, 2), (1, 1)), ((3, 1, 7, 6), (2, 3), (2, 1)), ((1, 4, 9, 10), (2, 2), (3, 4)),
    ((2, 5, 6, 8), (2, 4), (2, 4)),
]:
    x = rng.normal(size=shape) - 2.0
    grad = rng.normal(size=solution.pool(x, window, stride, "max").shape)
    same(max_backward, by_torch, grad, x, window, stride,
         case=f"{shape[2]}×{shape[3]} maps, window {window}, stride {stride}")
x, grad = rng.normal(size=(2, 3, 6, 9)), rng.normal(size=(2, 3, 5, 4))
same(max_backward, solution.max_backward, grad, x, (2, 3), (1, 2), case="windows that overlap")
unchanged(max_backward, grad, x, (2, 3), (1, 2))
for shape in ((2, 3, 4, 5), (2, 1, 5, 4), (2, 3, 5, 5), (2, 3, 6, 9)):
    refuses(max_backward, rng.normal(size=shape), x, (2, 3), (1, 2), argument="grad",
            case="a gradient of the wrong shape")
refuses(max_backward, grad, x, (7, 3), (1, 2), argument="window", case="a window that does not fit")
for stride in ((0, 2), (1, 0)):
    refuses(max_backward, grad, x, (6, 3), stride, argument="stride", case="a stride below 1")
    refuses(max_backward, grad[:, :, :1], x, (6, 3), stride, argument="stride", case="a stride below 1")
fresh_result(max_backward, rng.normal(size=x.shape), x, (1, 1), (1, 1), case="windows of one pixel")
refuses_each(max_backward, grad, x, (2, 3), (1, 2), reference=solution.max_backward, allowed={
    "grad": domain.shape(), "window": domain.pair(1, fractions=False, lengths=False),
    "stride": domain.pair(1, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# One gradient, sent back in three ways to the digit's 16 × 16 pixels. Only the maximum looks at the digit to decide
# who receives it.

# %% demo=True
above = np.random.default_rng(5).uniform(0.2, 1.0, size=(1, 1, 8, 8))
ways_back = {
    "from above, 8 × 8": above,
    "sum: to all four in full": sum_backward(above, digit.shape, (2, 2), (2, 2)),
    "average: a quarter each": average_backward(above, digit.shape, (2, 2), (2, 2)),
    "maximum: all to one": max_backward(above, digit, (2, 2), (2, 2)),
}
show_grid([grad[0] for grad in ways_back.values()], list(ways_back), columns=4, limits=(0, 1),
          title="How thinly is the gradient spread?")

# %% [markdown]
# ## 7. Unpooling
#
# Can max pooling be undone? Not entirely: of four numbers, three are gone. But the switches tell where the fourth belongs.
# **Unpooling** puts each value back in its place and leaves the others 0. Zeiler and Fergus used it to look into a
# trained network, and so will you in assignment 06.
#
# *By hand.* The values 4, 5, 7, 8 of section 1, with their switches 5, 8, 10, 18, in a map of 4 rows and 5 columns:
#
# $$\begin{pmatrix} 0 & 0 & 0 & 0 & 0 \\ 4 & 0 & 0 & 5 & 0 \\ 7 & 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 8 & 0 \end{pmatrix}$$
#
# This looks like the way back of a gradient, with one difference. Where windows overlap, two of them may have the same
# winner, and both hold its value. Two gradients for one pixel add up. A value is put back *once*: nine and nine are not
# eighteen.

# %% exercise="unpool"
def unpool(y, switches, shape):
    """Put pooled values back where they stood, in maps of zeros.

    y         values to place, array of shape (N, C, rows, columns)
    switches  whole numbers, array of the same shape: places row * W + column in the map of the same
              image and channel; if two of them name the same pixel, you may rely on their values
              being equal
    shape     (N, C, H, W), the shape of the result

    Returns an array of that shape: each value of y where its switch points, once, and 0 everywhere
    else.
    Raises ValueError if the shape of switches is not that of y, if one of them is less than 0 or
    more than H * W - 1, or if N or C in shape are not those of y.
    """
    require(switches.shape == y.shape, "switches must have the shape of y")
    require(tuple(shape[:2]) == y.shape[:2], "shape must have the images and channels of y")
    require(switches.min() >= 0 and switches.max() < shape[2] * shape[3],
            "switches must lie inside the map")
    ### BEGIN SOLUTION
    x = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    np.put_along_axis(x, switches.reshape(*shape[:2], -1), y.reshape(*shape[:2], -1), axis=2)
    return x.reshape(shape)
    ### END SOLUTION

# %% [markdown]
# The map above:

# %% check="unpool" name="by-hand" points=0.5
values, places = np.array([[[[4.0, 5.0], [7.0, 8.0]]]]), np.array([[[[5, 8], [10, 18]]]])
by_hand = [[0, 0, 0, 0, 0], [4, 0, 0, 5, 0], [7, 0, 0, 0, 0], [0, 0, 0, 8, 0]]
close(unpool(values, places, (1, 1, 4, 5)), [[by_hand]],
      hint="a switch is row times W plus column; which number is W?")

# %% [markdown]
# Now two channels, and a pixel that won twice: in the first channel the maxima and switches of the map with equal numbers.
# In the second, the values 1, 2, 3, 4 go to the places 11, 2, 0 and 7.

# %%
pooled_values = np.array([[[[5.0, 5.0], [5.0, 5.0]], [[1.0, 2.0], [3.0, 4.0]]]])
their_places = np.array([[[[0, 3], [5, 5]], [[11, 2], [0, 7]]]])

# %% [markdown]
# Each value stands where its switch says, and nothing is added up:

# %% check="unpool" name="two-channels" points=1.5
back = unpool(pooled_values, their_places, (1, 2, 3, 4))
close(np.asarray(back)[:, 0], [[[5, 0, 0, 5], [0, 5, 0, 0], [0, 0, 0, 0]]],
      case="a pixel that won twice",
      hint="a value is put back once, and in its own channel.")
close(np.asarray(back)[:, 1], [[[3, 0, 2, 0], [0, 0, 0, 4], [0, 0, 0, 1]]],
      case="the second channel",
      hint="each channel has switches of its own, which count from 0 in its own map.")
close(unpool(np.ones((1, 1, 1, 1)), np.array([[[[5]]]]), (1, 1, 2, 3)), [[[[0, 0, 0], [0, 0, 1]]]],
      case="the last place", hint="H · W − 1 is a place.")

# %% [markdown]
# Switches come in any order, and windows that overlap share some.

# %% check="unpool" name="hidden" points=1
# Hidden, 1 point: several images and channels, maps that are not square, values of either sign;
# switches of windows that overlap, where one pixel won several times; arguments stay as they were.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(y, switches, shape):
    flat = torch.zeros(shape[0], shape[1], shape[2] * shape[3], dtype=torch.float64)
    return flat.scatter(2, torch.from_numpy(switches).flatten(2), torch.from_numpy(y).flatten(2)).reshape(shape).numpy()

for shape, window, stride in [
    ((2, 3, 8, 11), (2, 3), (2, 3)), ((3, 1, 7, 6), (3, 2), (3, 2)), ((1, 4, 9, 5), (2, 2), (3, 2)),
    ((2, 2, 4, 10), (1, 1), (1, 1)),
]:
    _, places = F.max_pool2d(torch.from_numpy(rng.normal(size=shape)), window, stride, return_indices=True)
    y = rng.normal(size=tuple(places.shape))
    same(unpool, by_torch, y, places.numpy(), shape,
         case=f"{shape[2]}×{shape[3]} maps from a {window[0]}×{window[1]} window")
anywhere = np.stack([rng.permutation(35)[:6] for _ in range(6)]).reshape(2, 3, 2, 3)
same(unpool, by_torch, rng.normal(size=(2, 3, 2, 3)), anywhere, (2, 3, 7, 5), case="switches in no order")
for shape, window, stride in [
    ((2, 3, 7, 10), (3, 2), (1, 1)), ((1, 2, 8, 5), (3, 3), (2, 1)), ((3, 1, 6, 9), (2, 4), (1, 2)),
]:
    x = rng.normal(size=shape)
    y, places = solution.max_with_switches(x, window, stride)
    back = same(unpool, solution.unpool, y, places, shape, case="windows that overlap")
    won = [np.isin(np.arange(x[0, 0].size), map_places) for map_places in places.reshape(-1, y[0, 0].size)]
    close(back, np.where(np.reshape(won, shape), x, 0.0), case="windows that overlap")
y, places = rng.normal(size=(2, 3, 2, 2)), rng.permutation(24).reshape(2, 3, 2, 2)
same(unpool, solution.unpool, y, places, (2, 3, 4, 6), case="switches up to the last pixel")
same(unpool, solution.unpool, -y, places[::-1].copy(), (2, 3, 4, 6), case="other values and switches, of the same shape")
unchanged(unpool, y, places, (2, 3, 4, 6))
refuses(unpool, y, places, (2, 3, 4, 5), argument="switches", case="a switch beyond the map")
refuses(unpool, y, places, (2, 3, 23, 1), argument="switches", case="a switch just beyond the map")
refuses(unpool, y, places - 1, (2, 3, 4, 6), argument="switches", case="a negative switch")
refuses(unpool, y, places[:, :, :, :1], (2, 3, 4, 6), argument="switches", case="fewer switches than values")
for other in ((2, 3, 4, 1), (2, 3, 1, 4), (3, 2, 2, 2)):
    refuses(unpool, y, places.reshape(other), (2, 3, 4, 6), argument="switches", case="as many switches, another shape")
refuses(unpool, y, places, (2, 4, 4, 6), argument="shape", case="another number of channels")
refuses(unpool, y, places, (3, 3, 4, 6), argument="shape", case="another number of images")
refuses(unpool, y[:1, :1, :1, :1], places[:1, :1, :1, :1] % 24, (2, 1, 4, 6), argument="shape", case="one value for two images")
fresh_result(unpool, y, np.tile(np.arange(4).reshape(2, 2), (2, 3, 1, 1)), (2, 3, 2, 2),
             case="every value in its own place")
refuses_each(unpool, y, places, (2, 3, 4, 6), reference=solution.unpool, allowed={"switches": domain.shape()})
for shape in ((1, 3, 4, 6), (2, 2, 4, 6), (2, 1, 4, 6), (3, 2, 4, 6)):
    refuses(unpool, y, places, shape, argument="shape", case="other images or channels")
for place in (0, -1):
    for value, case in ((-1, "a switch just below 0"), (24, "a switch just beyond the map"), (10**6, "a switch far beyond")):
        one = places.copy()
        one.flat[place] = value
        refuses(unpool, y, one, (2, 3, 4, 6), argument="switches", case=case)
### END HIDDEN TESTS

# %% [markdown]
# What are the switches worth? Here are the same 8 × 8 numbers twice: each one spread over the whole of its window, and
# each one put back where it stood. Where does the outline survive, and where the thickness?

# %% demo=True
small, places = max_with_switches(digit, (2, 2), (2, 2))
spread = np.kron(small, np.ones((2, 2)))
back = unpool(small, places, digit.shape)
show_grid([digit[0], small[0], spread[0], back[0]],
          ["digit", "max-pooled to 8 × 8", "spread over the windows", "put back by switches"],
          columns=4, limits=(0, 1))

# %% [markdown]
# ## 8. What pooling buys
#
# Move the picture, and the feature map moves along: convolution is **equivariant** to translation, as you measured in
# assignment 01. For a detector of strokes that is right. A classifier wants more. A digit is the same digit two pixels
# to the left, so the answer should not change at all. That is **invariance**, and pooling is said to bring it. How much
# of it?
#
# A shift is given, for whole batches:

# %%
def shifted(x, shift):
    """Maps x (N, C, H, W), moved down and to the right by shift = (down, right) pixels; negative:
    up, to the left.
    """
    (down, right), (height, width) = shift, x.shape[2:]
    moved = np.zeros_like(x)
    source = x[:, :, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    moved[:, :, max(down, 0) : height - max(-down, 0),
          max(right, 0) : width - max(-right, 0)] = source
    return moved

# %% [markdown]
# First by eye: the edge filter's answer to a digit and to the same digit two pixels to the right, and below both after
# max pooling over windows of 7 × 7 pixels.

# %% demo=True
answers = [relu(correlate(x, edge, (1, 1))) for x in (digit, shifted(digit, (0, 2)))]
pooled = [pool(answer, (7, 7), (7, 7), "max") for answer in answers]
show_grid([answers[0][0], answers[1][0], pooled[0][0], pooled[1][0]],
          ["edges", "edges after the shift", "pooled", "pooled after the shift"],
          columns=2, limits=(0, 3), title="What moves, and what stays?")

# %% [markdown]
# Move it yourself. (Sliders need JupyterLab or Colab.) At which shift does a pooled number change for the first time?

# %% demo=True
def answers_to(shift=0, window=7):
    """The digit, the edge filter's answer, and that answer pooled, after a shift to the right."""
    answer = relu(correlate(shifted(digit, (0, shift)), edge, (1, 1)))
    shrunk = pool(answer, (window, window), (window, window), "max")
    _, axes = plt.subplots(1, 3, figsize=(8, 3))
    show(shifted(digit, (0, shift))[0], axes[0], title=f"moved by {shift}")
    show(answer[0], axes[1], title="edges", limits=(0, 3))
    show_matrix(shrunk[0, 0], axes[2], title="pooled", limits=(0, 3), decimals=1)


move(answers_to, shift=range(5), window=range(2, 8))

# %% [markdown]
# What moves on top stays below, more or less. Now as a number. Let a network answer to the image and to the moved
# image, and take the **cosine similarity** of the two answers: their scalar product, divided by the length of each. It
# is 1 if the answers point the same way and 0 if they have nothing in common.
#
# *By hand.* The answers $(3, 4)$ and $(4, 3)$ have the scalar product 24 and both the length 5. Their similarity is
# $24 / 25 = 0.96$.

# %% exercise="shift_stability"
def shift_stability(net, x, shifts):
    """How much of a network's answer survives when its input is moved: 1 for all of it.

    net     function that takes a batch of shape (N, C, H, W), for any N, and returns a float64
            array whose first axis has length N too; further axes, if any, are its own affair
    x       the images, array of shape (N, C, H, W)
    shifts  list of one or more pairs (down, right), in pixels; each one moves x itself, as shifted
            does

    Returns an array of shape (len(shifts),). For each shift: the cosine similarity of the answer to
    an image and the answer to the same image moved, each taken as one long vector; the mean of that
    over the N images.
    You may rely on no answer being all zeros.
    Raises ValueError if a shift moves the images out of sight, by H rows or more, or W columns or
    more, in either direction.
    """
    ### BEGIN SOLUTION
    if any(abs(down) >= x.shape[2] or abs(right) >= x.shape[3] for down, right in shifts):
        raise ValueError(f"shifts must stay below the image's {x.shape[2]} rows and {x.shape[3]} columns")

    def directions(batch):
        answers = np.asarray(net(batch)).reshape(len(batch), -1)
        return answers / np.linalg.norm(answers, axis=1, keepdims=True)

    still = directions(x)
    return np.array([(still * directions(shifted(x, shift))).sum(axis=1).mean() for shift in shifts])
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: which vectors?</summary>
#
# Each image is compared with itself, moved. So for $N$ images there are $N$ similarities, whatever the shape of the
# answers: make each answer one row. In which order do you average and divide, so that a bright image counts no more
# than a faint one?
# </details>
#
# A network that passes on what it sees, and one image, the row $(0, 3, 4, 0)$. Moved by one pixel it is $(0, 0, 3, 4)$.
# The two share one place, with 4 and 3: the similarity is $12 / 25$. Not moved at all, it is 1.

# %% check="shift_stability" name="by-hand" points=0.5
line = np.array([[0.0, 3.0, 4.0, 0.0]]).reshape(1, 1, 1, 4)
close(shift_stability(lambda batch: batch, line, [(0, 0), (0, 1)]), [1, 12 / 25],
      hint="the scalar product of both answers, divided by the length of each.")

# %% [markdown]
# Three that are less tidy, moved by one to the right:
#
# * The row $(0, 0, 3, 4)$ becomes $(0, 0, 0, 3)$: the 4 is lost, and nothing comes back in on the left. The scalar product
#   is 12 and the lengths are 5 and 3, so the similarity is $12/15 = 0.8$.
# * A batch of two, the row $(0, 3, 4, 0)$ and the much brighter $(80, 0, 60, 0)$, which becomes $(0, 80, 0, 60)$ and shares
#   nothing. The similarities are 0.48 and 0, and their mean 0.24, for the bright image counts no more than the faint one.
#   Moved by one to the *left* the similarities are 0.48 and 0 again.
# * A network that gives a single number, the pixel in column 2 less 2. For the two rows it gives 2 and 58, after the shift
#   1 and −2. One answer points the same way as before, the other the opposite way: 1 and −1, on average 0.

# %% check="shift_stability" name="untidy" points=1
end = np.array([[[[0.0, 0.0, 3.0, 4.0]]]])
close(shift_stability(lambda batch: batch, end, [(0, 1)]), [0.8], case="a pixel that is lost",
      hint="what leaves is lost; divide by both lengths, that of the moved answer too.")
pair = np.array([[[[0.0, 3.0, 4.0, 0.0]]], [[[80.0, 0.0, 60.0, 0.0]]]])
close(shift_stability(lambda batch: batch, pair, [(0, 1), (0, -1)]), [0.24, 0.24],
      case="a faint and a bright image",
      hint="one similarity for each image, then their mean; each shift starts from x itself.")
close(shift_stability(lambda batch: batch[:, 0, 0, 2] - 2, pair, [(0, 1)]), [0],
      case="one number for each image",
      hint="move the image, not the answer, and make each answer one row before you take its "
           "length.")

# %% [markdown]
# An image out of sight has no answer to compare. (Hidden: more of the kind.)

# %% check="shift_stability" name="arguments" points=0.5
close(shift_stability(lambda batch: batch + 1, np.ones((1, 1, 2, 3)), [(0, 0)]), [1],
      case="no shift",
      hint="an answer is as similar to itself as can be.")
refuses(shift_stability, lambda batch: batch + 1, np.ones((1, 1, 2, 3)), [(0, 1), (2, 0)],
        argument="shifts", named=True,
        case="a shift by all rows")
### BEGIN HIDDEN TESTS
x = rng.uniform(0.5, 1.0, size=(2, 1, 5, 8))
same(shift_stability, solution.shift_stability, lambda batch: batch + 1.0, x, [(4, 7), (-4, -7)],
     case="the largest shifts")
unchanged(shift_stability, lambda batch: batch + 1.0, x, [(1, 2), (0, 1)])
for shift in ((5, 0), (0, 8), (-5, 1), (2, -9), (0, -8)):
    refuses(shift_stability, lambda batch: batch + 1.0, x, [(0, 1), shift], argument="shifts", named=True,
            case="a shift out of sight")
for shift in ((5, 8), (-5, -8), (6, 1), (1, -20)):
    refuses(shift_stability, lambda batch: batch + 1.0, x, [shift, (0, 1)], argument="shifts", case="a shift out of sight")
### END HIDDEN TESTS

# %% [markdown]
# Real networks answer with vectors, maps or single numbers. For an answer that does not depend on the place, the stability
# is 1.

# %% check="shift_stability" name="hidden" points=1
# Hidden, 1 point: several images of different brightness, several shifts, other networks, and one
# whose answer does not depend on the place.
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

def by_torch(net, x, shifts):
    answers = [torch.from_numpy(net(np.stack([np.asarray(image) for image in x]))).flatten(1)]
    for down, right in shifts:
        padded = F.pad(torch.from_numpy(x), (right, -right, down, -down))
        answers.append(torch.from_numpy(net(padded.numpy())).flatten(1))
    return np.array([F.cosine_similarity(answers[0], moved, dim=1).mean().item() for moved in answers[1:]])

def pooled(batch):
    return solution.pool(np.maximum(solution.pool(batch, (2, 3), (1, 1), "sum"), 0.1), (2, 2), (2, 2), "max")

weights = rng.normal(size=(2 * 6 * 9, 5))
nets = {
    "a network that pools": pooled,
    "a linear network": lambda batch: batch.reshape(len(batch), -1) @ weights + 0.3,
    "the image itself": lambda batch: batch + 0.0,
}
for name, net in nets.items():
    x = rng.normal(0.5, 1.0, size=(4, 2, 6, 9)) * rng.uniform(0.1, 10.0, size=(4, 1, 1, 1))
    same(shift_stability, by_torch, net, x, [(0, 1), (2, 0), (-1, 3), (3, -2), (0, -8), (5, 0), (0, 0)], case=name)
    same(shift_stability, by_torch, net, x[:1], [(1, 1)], case=f"{name}, one image, one shift")
x = np.zeros((3, 2, 9, 12))
x[:, :, 4, 5] = rng.uniform(1.0, 9.0, size=(3, 2))
shifts = [(1, 0), (0, -2), (3, 4), (-4, 6)]
close(shift_stability(lambda batch: batch.max(axis=(2, 3)), x, shifts), np.ones(4),
      case="the largest value of each map")
close(shift_stability(lambda batch: batch[:, 0, 4, 5] - 0.5, x, [(0, 0), (2, 1)]), [1, -1],
      case="a single number for each image")
close(shift_stability(lambda batch: batch, x, shifts), np.zeros(4), case="a single bright pixel")
### END HIDDEN TESTS

# %% [markdown]
# Now the comparison. Five small networks share eight random filters and ReLU. They differ only in how they make the
# maps smaller. The last one keeps a single number of each map, its largest.

# %% demo=True
filters = np.random.default_rng(11).normal(size=(8, 1, 3, 3))
filters -= filters.mean(axis=(2, 3), keepdims=True)

def features(x, step=1):
    return relu(correlate(x, filters, (step, step)))

networks = {
    "stride 2": lambda x: features(x, 2),
    "average 2 × 2": lambda x: pool(features(x), (2, 2), (2, 2), "average"),
    "max 2 × 2": lambda x: pool(features(x), (2, 2), (2, 2), "max"),
    "max 4 × 4": lambda x: pool(features(x), (4, 4), (4, 4), "max"),
    "max of the map": lambda x: features(x).max(axis=(2, 3)),
}

# %% [markdown]
# > **Predict, then run.** Which of them is hurt most by a shift of one pixel? Which does not notice? Between average
# > and maximum over the same windows, which one keeps more at three pixels? (About a second on a laptop.)

# %% demo=True
guess = "?"  # hurt most; not at all; keeps more: average or maximum
batch = np.pad(digits, ((0, 0), (0, 0), (9, 9), (9, 9)))
curves = {name: shift_stability(net, batch, [(0, step) for step in range(7)]) for name,
          net in networks.items()}
fig, ax = plt.subplots(figsize=(7, 4))
show_curves(curves, ax, x=np.arange(7), xlabel="shift to the right, pixels",
            ylabel="cosine similarity",
            title="How much of the answer survives a shift?")
ax.set_ylim(0, 1.05)
print("you said:", guess)

# %% [markdown]
# A stride alone forgets nothing on purpose: it looks at other pixels, and its answer changes at once. Pooling makes the
# answer change more slowly, and the larger the window, the more slowly. It does not stop the change: a maximum stays the
# same only as long as it stays in its window. One answer here is invariant, the maximum over the whole map, and it has
# forgotten the place completely.
#
# ### What is left of equivariance
#
# If the answer moves along, there may still be an order in it. A shift of 2 pixels ought to move a map that was halved
# by 1. The next cell looks for the whole number of places that fits best, and prints what remains of the difference,
# as a share of the answer, for shifts by 1, 2, 3 and 4 pixels. Before the others stands the convolution alone, with
# ReLU and nothing that makes its maps smaller.
#
# > **Predict, then run.** For which shifts will the convolution alone print 0? For which the three networks that halve
# > their maps? And the one that makes them four times smaller?

# %% demo=True
guess = "?"  # shifts with a 0: for the convolution; for those that halve; for the last


def remainder(net, shift):
    still, moved = net(batch), net(shifted(batch, (0, shift)))
    gaps = [np.linalg.norm(moved - shifted(still, (0, places))) for places in range(5)]
    return min(gaps) / np.linalg.norm(still)

with_places = {"convolution": features, **networks}
del with_places["max of the map"]
for name, net in with_places.items():
    print(f"{name:15}", *(f"{remainder(net, shift):6.2f}" for shift in range(1, 5)))
print("you said:", guess)

# %% [markdown]
# The convolution alone is equivariant: its answer to a moved picture is the moved answer, for every shift. After
# subsampling, this survives for shifts that are a multiple of the step between windows, and only for those. At the
# shifts between, pooling leaves a smaller remainder than a bare stride. That is what "nearly invariant" rests on.

# %% [markdown]
# ## 9. Your functions read
#
# Convolution, ReLU, pooling: with these three a network can read. One was trained on 7,291 digits, and its weights come
# with the course. It convolves twice with kernels of 5 × 5, first eight of them and then sixteen; after each convolution
# come *your* `relu` and *your* `pool`, which halves the maps. What is left, 16 maps of 4 × 4 numbers, is weighed once for
# each of the ten digits, and the largest sum is the answer.
#
# The convolution can be yours as well. Replace the function in the next cell by `conv_forward` or the much faster
# `conv_matmul` of assignment 02, with what they call (`pad2d`, `output_size`, `im2col`), and let
# `my_convolution = conv_matmul`. If you leave it as it is, the layer given in section 3 does the work.

# %% demo=True
def my_convolution(x, w, b, stride, padding):
    """A convolutional layer: conv_forward of assignment 02, made of the given correlate."""
    framed = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    return correlate(framed, w, stride) + b[:, None, None]

# %% [markdown]
# The network, written down with the three functions:

# %%
def read(images, weights, convolution):
    """What the network takes each of the images (N, 1, 16, 16) for: whole numbers 0 to 9, shape
    (N,).
    """
    x = images
    for layer in ("conv1", "conv2"):
        w, b = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        x = pool(relu(convolution(x, w, b, (1, 1), (2, 2))), (2, 2), (2, 2), "max")
    sums = x.reshape(len(x), -1) @ weights["output.weight"].T + weights["output.bias"]
    return sums.argmax(axis=1)

# %% [markdown]
# > **Predict, then run.** Of 500 digits that the network has not seen, written by other people, how many will it misread:
# > about 10, 50 or 250? (About a second.)

# %% demo=True
guess = "?"  # 10, 50, or 250
stored = snapshot("zipnet")
trained = {name: values[-1].astype(float) for name, values in stored.items() if "." in name}
pictures, labels = zip_digits("test", 500)
answers = read(pictures, trained, my_convolution)
wrong = np.flatnonzero(answers != labels)
print(f"misread: {len(wrong)} of {len(labels)}; you said: {guess}")
shown = wrong[:12] if len(wrong) else np.arange(12)
titles = [f"{labels[n]}, read as {answers[n]}" for n in shown]
show_grid(pictures[shown, 0], titles, columns=6, limits=(0, 1), title="Could you have read them?")

# %% [markdown]
# How much of it is pooling's work? The same network, on the same digits moved to the right:

# %% demo=True
for shift in range(4):
    right = np.mean(read(shifted(pictures, (0, shift)), trained, my_convolution) == labels)
    print(f"moved by {shift}: {100 * right:5.1f} % read correctly")

# %% [markdown]
# A shift by one pixel does little harm, and that is what pooling was for. A shift by three is another matter: two rounds
# of pooling forgive what is small beside their windows, and no more. In assignment 04 you train such a network yourself.
#
# ## 10. In your own words
#
# Two networks are to be built for a post office. One reads a digit and says which it is. The other sees a whole
# envelope and says where the stamp is, to the pixel.
#
# Answer in about 150 words: (a) what is the difference between equivariance and invariance to translation, and which
# layer of this notebook has which of them, exactly or nearly? (b) Which of the two networks should pool, and why? (c)
# How could the other one use switches?

# %% [markdown] answer="where-and-whether" points=3
# *Your answer:*
#
# ### BEGIN SOLUTION
# One point for each part.
#
# (a) Equivariant: when the input moves, the output moves by the same amount. Invariant: when the input moves, the
# output stays the same. Convolution and ReLU are equivariant (apart from the border, and with a stride only for shifts
# that are a multiple of it). Max and average pooling over a window are nearly invariant to shifts that are small beside
# the window; pooling over the whole map is invariant exactly, as long as nothing leaves the map. Half a point if only
# the definitions are right.
#
# (b) The digit reader: the class does not depend on the place, and pooling removes the place (and makes maps
# smaller, later layers cheaper and their view wider). The stamp finder must not lose the place. Half a point for the
# choice without a reason.
#
# (c) Switches keep where each maximum stood. They can be passed beside the pooled maps to a later stage that unpools
# and so returns each strong response to its pixel; the network may use pooled maps to decide what it sees and the
# switches to say where. Any use that brings the place back counts.
# ### END SOLUTION

# %% [markdown]
# ## Five questions
#
# Decide before you unfold. Nobody grades these.
#
# 1. A map of 7 × 7, a window of 3, stride 2, no padding: how large is the pooled map?
# <details><summary>Answer</summary>3 × 3: (7 − 3) / 2 = 2 more steps, and the first position.</details>
#
# 2. Max pooling with zeros as padding: on which maps is it wrong?
# <details><summary>Answer</summary>On maps with negative numbers at the border. After ReLU nobody would notice.</details>
#
# 3. A gradient of 8 arrives at a 2 × 2 window. What do the four pixels receive for sum, average and maximum?
# <details><summary>Answer</summary>8 each; 2 each; 8 for the first of the largest and 0 for the others.</details>
#
# 4. A pixel won three windows with the gradients 1, 2 and 3 and the value 9. What does it receive on the way back, and what
# does unpooling put there?
# <details><summary>Answer</summary>6, for gradients add up; and 9, for a value is put back once.</details>
#
# 5. Which is exactly equivariant to a shift by one pixel: a convolution, max pooling with stride 2, or the maximum over the
# whole map?
# <details><summary>Answer</summary>The convolution, apart from the border. The maximum over the whole map is invariant;
# pooling with stride 2 is neither, exactly, for a shift by one.</details>
#
# **What torch calls it.** `pool` is `torch.nn.functional.max_pool2d` and `avg_pool2d`; a sum is `avg_pool2d` with
# `divisor_override=1`. Switches are `return_indices=True`, and `unpool` is `max_unpool2d`. `relu_backward` and the other ways
# back are what `loss.backward()` calls.
#
# ## If you want more
#
# Nobody grades this. Zhang's mend for what section 8 showed: take the maximum at *every* position, blur the result with
# $(1, 2, 1)/4$ in both directions, and only then keep one value in four. He calls it *BlurPool*. Does it survive a shift of
# one pixel better than max pooling over 2 × 2?

# %% demo=True
def pool_and_blur(maps):
    return None  # yours: from (N, C, H, W) to about half of H and W


if pool_and_blur(features(batch)) is not None:
    blurred = shift_stability(lambda x: pool_and_blur(features(x)), batch, [(0, 1)])[0]
    print(f"max 2 × 2: {curves['max 2 × 2'][1]:.3f}, blurred: {blurred:.3f}")

# %% [markdown]
# ## Glossary
#
# | word | meaning |
# |---|---|
# | cosine similarity | the scalar product of two vectors, divided by both lengths |
# | equivariance | if the input moves, the result moves along |
# | gradient | how the loss changes with each of many numbers |
# | invariance | if the input moves, the result stays as it is |
# | padding | pixels added around a map |
# | pooling | making one number of all that lie in a window |
# | ReLU | rectified linear unit: negative numbers become 0 |
# | slope | the derivative of a function of one number |
# | stride | by how many pixels the window moves at a time |
# | subsampling | keeping fewer values than there were, by a stride or by pooling |
# | switch | the place where a maximum stood |
# | unpooling | putting values back where their switches say |
# | window | the pixels that become one number |

# %% [markdown]
# ## What you can now do
#
# * pool feature maps with any window and stride, and say what the border does to each kind of pooling;
# * write average pooling as a convolution, and a maximum as a small network of ReLUs;
# * send gradients back through ReLU and through pooling, past overlapping windows and equal numbers;
# * record switches, and undo max pooling as far as it can be undone;
# * tell equivariance from invariance, and measure how much of an answer survives a shift;
# * recognise test inputs that are too tidy to find a bug: square maps, gradients of ones, numbers that are never equal.
#
# Before you hand in, choose *Kernel → Restart Kernel and Run All Cells*, and see that every visible check is silent.
#
# **Next:** assignment 04, *backpropagation*. One layer's way back is still missing, the convolution's. You will write
# it, and train the network that read zip codes in 1989.
