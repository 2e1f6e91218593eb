# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Feature maps and architectures", minutes: 185, seconds: 30}
# ---

# %% [markdown]
# # 2. Feature maps and architectures
#
# In assignment 01 one small kernel slid over one grey image. A layer of a network does more: its images have colours,
# it has dozens of kernels, they may skip pixels and may look beyond the border, and a nonlinear function comes after.
# What comes out of one kernel is called a *feature map*. In this assignment you write such a layer, make it fast, and
# then take a ruler to the networks that made convolution famous.
#
# **What you will build**
#
# 1. the rule that says how large a feature map is,
# 2. padding,
# 3. a convolutional layer with depth, stride and padding, from its definition,
# 4. the same layer as one matrix product, much faster,
# 5. six activation functions, two of which have a trap in them,
# 6. the receptive field: how much of the image a unit sees,
# 7. a search for the setting that makes the numbers in a published figure come out,
# 8. a table of what each layer of a network costs: the network of 1989, AlexNet, and others,
# 9. and, with that table, the price of one block of GoogLeNet, with and without its trick.
#
# **What you need.** Assignment 01; numpy's slices, `reshape` and `transpose`; the product of two matrices.
#
# **Which libraries.** numpy is all you need. scipy and torch are installed, and their functions may be called: a check
# looks at results only. What assignments 04 to 06 build on is the loop and the matrix product, so write those, and ask a
# library afterwards whether it agrees.
#
# **How long it takes.** About 185 minutes for you, best in two sittings; less than 30 seconds for your laptop, from top to
# bottom.
#
# | section | exercises | points | minutes | to read on |
# |---|---|---|---|---|
# | 1 How large is a feature map? | `output_size` | 3 | 20 | [Dumoulin and Visin](https://arxiv.org/abs/1603.07285), chapter 2 |
# | 2 Padding | `pad2d` | 3 | 10 | the same, with pictures |
# | 3 A convolutional layer | `conv_forward` | 5.5 | 30 | [CS231n, convolutional networks](https://cs231n.github.io/convolutional-networks/) |
# | 4 The same layer, fast | `im2col`, `conv_matmul` | 6 | 35 | [Warden, *Why GEMM is at the heart of deep learning*](https://petewarden.com/2015/04/20/why-gemm-is-at-the-heart-of-deep-learning/) |
# | 5 Activation functions | `activation` | 4 | 25 | [CS231n, neural networks](https://cs231n.github.io/neural-networks-1/); [ELU](https://arxiv.org/abs/1511.07289), [maxout](https://arxiv.org/abs/1302.4389) |
# | 6 How much of the image does a unit see? | `receptive_field` | 2 | 10 | [Araujo, Norris and Sim](https://distill.pub/2019/computing-receptive-fields/) |
# | 7 A figure that does not add up | `zf_shapes` | 2 | 10 | [Zeiler and Fergus](https://arxiv.org/abs/1311.2901) |
# | 8 What does a network cost? | `architecture_table` | 4.5 | 25 | [AlexNet](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks), section 3 |
# | 9 GoogLeNet's block | – | – | 5 | [GoogLeNet](https://arxiv.org/abs/1409.4842), and [Network in network](https://arxiv.org/abs/1312.4400) before it |
# | 10 In your own words | written answer | 3 | 15 | |

# %% [markdown]
# ## How this notebook works
#
# As before, replace `raise NotImplementedError()` with your code. The docstring is the whole agreement. Visible checks
# hold numbers that you can verify with a pencil. The one that begins with `Hidden` runs when your work is graded and
# asks for nothing beyond the docstring. Counts must be exact whole numbers. Other values may differ by a millionth of
# the largest expected value (or of 1, if that is larger).
#
# Everywhere below, images come in batches: arrays with the axes (N, C, H, W), that is image, channel, row, column. They
# hold float64. A pair, such as a stride, is a tuple of two whole numbers, vertical first. Your functions return new
# values and leave their arguments as they were. Wrong arguments raise `ValueError` with a message that names the
# argument. In sections 1 and 3 you write that part yourself, and the checks look for the name; elsewhere it is given.
# You may use your earlier functions in later ones.
#
# There are 33 points: 30 from checks, 3 for a written answer at the end. Words to look up are in the
# [glossary](#Glossary) at the end.

# %% [markdown]
# Run this cell first. It brings in numpy, matplotlib, and the course's own tools for checks and figures.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from autograder.lab import close, lecture_image, move, photograph, refuses
from autograder.lab import show, show_curves, show_grid, show_matrix, style, unchanged

style()

# %% [markdown]
# How a function refuses a wrong argument, as in assignment 01:

# %%
def require(condition, message):
    """Raise ValueError with this message, unless the condition is true."""
    if not condition:
        raise ValueError(message)

# %% [markdown]
# ## The year this is about
#
# In 2012, entries to the ImageNet challenge sorted photographs into 1000 classes and had five guesses each. The figure
# shows the two best teams. The winner was convolutional:
# [AlexNet](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks), by
# Krizhevsky, Sutskever and Hinton.

# %% demo=True
fig, ax = plt.subplots(figsize=(9, 1.9))
teams = ["the next best, not convolutional", "Krizhevsky, Sutskever, Hinton"]
bars = ax.barh(teams, [26.2, 16.4], color=["0.6", "C0"])
ax.bar_label(bars, fmt="%.1f %%", padding=4)
ax.set(xlim=(0, 50), xlabel="images with no right answer among five guesses, in %",
       title="ImageNet 2012: how far behind is the next best entry?")
ax.text(22, 1, "bigger model, more data, GPU, dropout", va="center", style="italic");

# %% [markdown]
# What had changed since LeCun's networks of the nineties was not the operation, but four things around it: a *bigger model*
# (650,000 units, 60 million parameters), *more data* (10⁶ images and not 10³), a *GPU* (50 times as fast as the CPU),
# and *dropout* against overfitting. In section 8 you will recount the first item and find where those 60 million are.

# %% [markdown]
# ## 1. How large is a feature map?
#
# Put a kernel of $k$ entries on a row of $n$ pixels with $p$ zeros added at each end, and move it by $s$ at a time. The
# row is now $n + 2p$ long. After the first position, $n + 2p - k$ pixels are left to move over, which is enough for
#
# $$\frac{n + 2p - k}{s} \text{ more steps.}$$
#
# If that is not a whole number, the last step would carry the kernel over the end. A convolution does not take it: it
# rounds **down**, and the last pixels go unread. Some pooling layers do take it: they round **up**, which is called
# *ceil mode*, and let the last window hang over the end.
#
# *By hand.* Seven pixels, a kernel of three, stride 2, no padding: $(7 - 3)/2 = 2$ more steps, 3 positions. With eight
# pixels there are 2.5 more steps: 3 positions rounded down, 4 rounded up.

# %% exercise="output_size"
def output_size(n, kernel, stride=1, padding=0, ceil=False):
    """How many positions a kernel has along one axis: (n + 2 padding - kernel) / stride, rounded,
    plus one.

    n        pixels along the axis, at least 1
    kernel   entries of the kernel along the axis, at least 1
    stride   pixels from one position to the next, at least 1
    padding  pixels added at *each* end, at least 0
    ceil     False: round the quotient down; True: round it up

    Returns a whole number (int), exact however large it is.
    Raises ValueError if an argument is below its least value, or if the kernel is larger than n + 2
    padding (then it has no position at all, rounded up or not).
    """
    ### BEGIN SOLUTION
    if n < 1 or kernel < 1 or stride < 1 or padding < 0:
        raise ValueError("n, kernel and stride must be at least 1, and padding at least 0")
    room = n + 2 * padding - kernel
    if room < 0:
        raise ValueError(f"kernel {kernel} must not be larger than the padded axis, {n + 2 * padding}")
    return (room + stride - 1 if ceil else room) // stride + 1
    ### END SOLUTION

# %% [markdown]
# The numbers from above, and the first layer of a network that we will meet again:

# %% check="output_size" name="by-hand" points=0.5
close(output_size(7, 3, stride=2), 3, case="7 pixels, a kernel of 3, stride 2",
      hint="the first counts, too.")
close(output_size(8, 3, stride=2), 3, case="8 pixels, rounded down",
      hint="half a step is not taken.")
close(output_size(224, 7, stride=2, padding=1), 110,
      case="224 pixels, a kernel of 7, stride 2, padding 1",
      hint="half a step is not taken, and the padding is added at each end.")

# %% [markdown]
# In the last example it happens to make no difference whether the padding counts once or twice. Here it does: five
# pixels and twice two zeros are nine, where a kernel of three has seven positions. And three pixels alone are too few
# for a kernel of five, but with one zero at each end there is just room for it. Sizes are whole numbers, exact however
# large: $3 \cdot 10^{17} + 8$ pixels hold $10^{17} + 3$ kernels of two at stride three. (Hidden: other sizes, counted by
# torch's own convolution.)

# %% check="output_size" name="general" points=1
close(output_size(5, 3, padding=2), 7, case="5 pixels, padding 2",
      hint="the padding is added at each end.")
close(output_size(3, 5, padding=1), 1, case="a kernel as large as the padded axis",
      hint="the padded axis has to hold the kernel, not the image alone.")
close(output_size(3 * 10**17 + 8, 2, stride=3) == 10**17 + 3, True, case="a very long axis",
      hint="a float has no room for so many digits: `//` divides whole numbers, `/` does not.")
### BEGIN HIDDEN TESTS
import torch

def positions(n, kernel, stride=1, padding=0):
    return torch.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, kernel), None, stride, padding).shape[-1]

for n, kernel, stride, padding in [(11, 4, 4, 0), (11, 4, 3, 2), (9, 9, 5, 0), (1, 1, 1, 0), (2, 5, 3, 2), (13, 2, 5, 1),
                                   (1, 3, 2, 1), (2, 4, 2, 1), (4, 9, 3, 3), (3, 6, 1, 2)]:
    case = f"n={n}, kernel={kernel}, stride={stride}, padding={padding}"
    same(output_size, positions, n, kernel, stride, padding, case=case)
for _ in range(12):
    kernel, stride, padding = (int(v) for v in rng.integers([1, 1, 0], [6, 6, 4]))
    same(output_size, positions, int(rng.integers(6, 60)), kernel, stride, padding, case="random sizes")
same(output_size, solution.output_size, 3 * 10**17 + 8, 2, 3, 0, case="a very long axis")
same(output_size, solution.output_size, 9 * 10**16 + 3, 9, 7, 0, True, case="a very long axis, rounded up")
### END HIDDEN TESTS

# %% [markdown]
# Now rounding up. The first case is the example from above; the second comes right after the layer of 110.

# %% check="output_size" name="ceil" points=1
close(output_size(8, 3, stride=2, ceil=True), 4, case="8 pixels, rounded up",
      hint="only the quotient is rounded.")
close(output_size(110, 3, stride=2, ceil=True), 55,
      case="110 pixels, a window of 3, stride 2, rounded up",
      hint="which of the two ways of rounding does `ceil` choose?")
### BEGIN HIDDEN TESTS
import torch

def windows(n, kernel, stride, padding, ceil):
    return torch.max_pool1d(torch.zeros(1, 1, n), kernel, stride, padding, ceil_mode=ceil).shape[-1]

for n, kernel, stride, padding in [(7, 3, 2, 0), (10, 4, 3, 1), (11, 4, 3, 0), (12, 4, 3, 0), (15, 5, 4, 2), (17, 6, 5, 0)]:
    for ceil in (True, False):
        case = f"n={n}, window={kernel}, stride={stride}, padding={padding}, ceil={ceil}"
        same(output_size, windows, n, kernel, stride, padding, ceil, case=case)
### END HIDDEN TESTS

# %% [markdown]
# > **Museum of real bugs.** Rounding up has a corner of its own: if windows leave gaps between them, or if there is
# > padding, the formula can count a last window that lies wholly beyond the image. Libraries quietly drop it, so their
# > sizes and the formula's differ there. The docstring asks for the formula; the hidden checks contain no such case.
#
# A kernel that does not fit has no output, and neither has a stride of 0.

# %% check="output_size" name="arguments" points=0.5
close(output_size(1, 1), 1, case="one pixel, a kernel of one", hint="1 is allowed.")
refuses(output_size, 5, 3, stride=0, argument="stride", named=True, case="stride 0")
refuses(output_size, 5, 8, padding=1, argument="kernel", named=True,
        case="a kernel larger than the padded axis")
### BEGIN HIDDEN TESTS
refuses(output_size, 0, 1, argument="n", named=True, case="no pixels")
refuses(output_size, 0, 2, padding=3, argument="n", named=True, case="no pixels, but padding")
refuses(output_size, 5, 0, argument="kernel", named=True, case="an empty kernel")
refuses(output_size, 5, 3, padding=-1, argument="padding", named=True, case="negative padding")
refuses(output_size, 5, 2, stride=-2, argument="stride", named=True, case="a negative stride")
refuses(output_size, 5, 6, stride=4, ceil=True, argument="kernel", named=True, case="a kernel too large, rounded up")
refuses(output_size, 2, 9, stride=2, padding=3, argument="kernel", named=True, case="a kernel too large for all its padding")
for ceil in (False, True):
    refuses_each(output_size, 9, 3, 2, 1, ceil, reference=solution.output_size, allowed={
        **{each: domain.whole(1, fractions=False) for each in ("n", "kernel", "stride")},
        "padding": domain.whole(0, fractions=False)})
    fresh_result(output_size, 9, 3, 2, 1, ceil, kind=int)
### END HIDDEN TESTS

# %% [markdown]
# Below, each row is one choice of stride and padding, and each bar one position of a kernel of three on seven pixels.
# Look for the pixels that no bar touches, and for bars that reach beyond the image.

# %%
def draw_positions(ax, kernel, stride, padding):
    """Draw the positions of a kernel on seven pixels, one bar below the other."""
    count = output_size(7, kernel, stride, padding)
    ax.axvspan(-0.5, 6.5, color="0.9")
    ax.barh(range(count), [kernel] * count, left=[i * stride - padding - 0.5 for i in range(count)],
            height=0.5)
    ax.set(title=f"stride {stride}, padding {padding}: {count} values", yticks=[])
    ax.set(xticks=range(-1, 8), xlim=(-2, 8), ylim=(count - 0.25, -0.75))

# %% demo=True
settings = [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, 1)]
fig, axes = plt.subplots(2, 3, figsize=(9, 3), sharex=True)
for ax, (stride, padding) in zip(axes.flat, settings):
    draw_positions(ax, 3, stride, padding)
fig.suptitle("Which pixels does no bar touch?", x=0.01, ha="left")
fig.supxlabel("pixel (the image is grey)");

# %% [markdown]
# Move it. Which kernels, strides and paddings make seven values of seven pixels? (Sliders need JupyterLab or Colab.)

# %% demo=True
def positions(kernel=3, stride=1, padding=0):
    _, ax = plt.subplots(figsize=(5, 2.6))
    draw_positions(ax, kernel, stride, padding)
    ax.set(xlabel="pixel (the image is grey)", xlim=(-4, 10), xticks=range(-3, 10))


move(positions, kernel=range(1, 8), stride=range(1, 5), padding=range(4))

# %% [markdown]
# ## 2. Padding
#
# Padding frames the image, and only the image: there are as many images and channels as before. The four sides need not
# be equal. For a kernel of 5 at stride 2 to make 8 rows of 16, as in the network of 1989, 3 rows of padding are enough,
# and 3 cannot be shared out evenly. Nor need the value be zero. In that network's images paper is −1, so its border is
# −1, too. Where a maximum follows, the value that disturbs nothing is $-\infty$.
#
# *By hand.* One row above, none below, none to the left, two to the right, filled with 9:
#
# $$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \longrightarrow
# \begin{pmatrix} 9 & 9 & 9 & 9 \\ 1 & 2 & 9 & 9 \\ 3 & 4 & 9 & 9 \end{pmatrix}$$

# %% exercise="pad2d"
def pad2d(x, padding, value=0.0):
    """Put a border around each channel of each image.

    x        images, array of shape (N, C, H, W)
    padding  ((top, bottom), (left, right)): how many rows or columns to add on each side, whole
             numbers
    value    a number, what the border holds: any float, infinities included

    Returns a float64 array of shape (N, C, top + H + bottom, left + W + right).
    Raises ValueError if x does not have four axes, or if a number in padding is negative.
    """
    (top, bottom), (left, right) = padding
    require(np.ndim(x) == 4, "x must have four axes: image, channel, row, column")
    require(min(top, bottom, left, right) >= 0, "padding must not be negative")
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    padded = np.full((N, C, top + H + bottom, left + W + right), value, dtype=float)
    padded[:, :, top : top + H, left : left + W] = x
    return padded
    ### END SOLUTION

# %% [markdown]
# The example above, in a batch of one image with one channel:

# %% check="pad2d" name="by-hand" points=1
x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
expected = [[[[9, 9, 9, 9], [1, 2, 9, 9], [3, 4, 9, 9]]]]
close(pad2d(x, ((1, 0), (0, 2)), 9.0), expected, case="one image of 2×2",
      hint="padding is ((top, bottom), (left, right)), and the image begins below `top` and right "
           "of `left`.")

# %% [markdown]
# The value is zero unless you ask for another. Whole numbers in the image do not stop the border from being a fraction.
# (Hidden: other borders, −∞ among them.)

# %% check="pad2d" name="value" points=1
close(pad2d(np.array([[[[1, 2]]]]), ((0, 0), (1, 0)), 2.5), [[[[2.5, 1, 2]]]],
      case="whole numbers, a border of 2.5",
      hint="make the result an array of floats, whatever the type of x.")
close(pad2d(np.array([[[[1, 2]]]]), ((0, 1), (0, 0))), [[[[1, 2], [0, 0]]]], case="no value given",
      hint="the border is zero, and 0 is a width: `a[1:-0]` is empty.")
### BEGIN HIDDEN TESTS
def framed(x, padding, value):
    return np.pad(x.astype(float), ((0, 0), (0, 0), *padding), constant_values=value)

x = rng.normal(size=(2, 3, 2, 4))
for value in (-1.0, 0.25, float("-inf")):
    same(pad2d, framed, x, ((1, 0), (2, 3)), value, case=f"a border of {value}")
integers = rng.integers(-9, 10, size=(2, 1, 3, 2))
for value in (0.5, 2.7, -3.2, 41.5):
    same(pad2d, framed, integers, ((2, 1), (0, 1)), value, case="whole numbers in a border of a fraction")
same(pad2d, framed, integers.astype(np.uint8), ((0, 1), (1, 0)), -1.5, case="8-bit pixels, a border below zero")
unchanged(pad2d, x, ((1, 0), (2, 3)), 7.0, case="a border of 7")
types_of(pad2d, solution.pad2d, x, ((1, 0), (2, 3)), -0.5, dtype=float)
fresh_result(pad2d, x, ((1, 0), (2, 3)), case="a border")
fresh_result(pad2d, x, ((0, 0), (0, 0)), case="no border")
### END HIDDEN TESTS

# %% [markdown]
# More images, more channels, and four different sides:

# %% check="pad2d" name="hidden" points=1
# Hidden, 1 point: batches of several channels, images that are not square, four different sides; no
# padding; one pixel.
### BEGIN HIDDEN TESTS
import torch

def reference(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    return torch.nn.functional.pad(torch.from_numpy(x), (left, right, top, bottom), value=value).numpy()

for shape, padding in [
    ((2, 3, 4, 5), ((1, 2), (3, 0))), ((3, 1, 2, 6), ((0, 1), (2, 4))), ((1, 4, 5, 3), ((0, 0), (0, 0))),
    ((1, 1, 1, 1), ((2, 2), (1, 1))), ((4, 2, 3, 3), ((3, 0), (0, 0))), ((2, 5, 7, 1), ((0, 0), (0, 3))),
]:
    case = f"{shape[0]} images of {shape[1]} channels, {shape[2]}×{shape[3]}, padding {padding}"
    same(pad2d, reference, rng.normal(size=shape), padding, case=case)
refuses(pad2d, np.ones((4, 5)), ((1, 1), (1, 1)), argument="x", case="two axes")
refuses(pad2d, np.ones((1, 2, 3, 4, 5)), ((1, 1), (1, 1)), argument="x", case="five axes")
for side in range(4):
    sides = [2, 2, 2, 2]
    sides[side] = -1
    refuses(pad2d, np.ones((1, 1, 4, 5)), (tuple(sides[:2]), tuple(sides[2:])), argument="padding", case="one negative side")
refuses_each(pad2d, rng.normal(size=(2, 3, 4, 5)), ((1, 0), (2, 3)), reference=solution.pad2d, allowed={
    "x": domain.dimensions(4), "padding": domain.values(negative_numbers=((-1, -1), (-1, -1)), two_below_zero=((-1, 2), (2, -1)))})
### END HIDDEN TESTS

# %% [markdown]
# The lecture's image with a border of −1, one row more above than below.

# %% demo=True
padded = pad2d(lecture_image()[None, None], ((2, 1), (1, 1)), -1.0)
show_matrix(padded[0, 0], highlight=(slice(2, 7), slice(1, 6)),
            title="The image, framed, in its border of −1")

# %% [markdown]
# ## 3. A convolutional layer
#
# Now the layer itself. Three things are new, and the lecture calls them what controls the size of a feature map.
#
# * **Depth.** An image of $C$ channels needs a kernel of $C$ channels. Each channel of the image is correlated with the
#   same channel of the kernel, and the results are *added*: one kernel makes one feature map, however many channels it
#   reads. With $F$ kernels, also called filters, there are $F$ maps. Each filter has one bias, added everywhere.
# * **Stride.** The kernel moves by $s_h$ rows and $s_w$ columns at a time.
# * **Padding.** The image gets $p_h$ rows of zeros above *and* below, $p_w$ columns to the left *and* to the right.
#
# With the padded image $X$, kernels $W$ and biases $b$, counting from 0:
#
# $$Y_{n,f,i,j} = b_f + \sum_{c} \sum_{u} \sum_{v} X_{n,\,c,\;s_h i + u,\;s_w j + v}\; W_{f,c,u,v}.$$
#
# As in every library, this is cross-correlation: no kernel is flipped.
#
# *By hand.* One image with two channels, one filter with bias ½, stride 1, no padding:
#
# $$X_0 = \begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \\ 2 & 0 & 1 \end{pmatrix} \quad
# X_1 = \begin{pmatrix} 0 & 1 & 2 \\ 2 & 0 & 3 \\ 1 & 1 & 2 \end{pmatrix} \qquad
# W_0 = \begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix} \quad
# W_1 = \begin{pmatrix} 0 & 2 \\ 1 & 0 \end{pmatrix}.$$
#
# At the top left, channel 0 gives $1 - 1 = 0$ and channel 1 gives $2 \cdot 1 + 2 = 4$. With the bias: 4.5. One step to
# the right: $(2 - 3) + (2 \cdot 2 + 0) + ½ = 3.5$. At the bottom left: $(0 - 0) + (2 \cdot 0 + 1) + ½ = 1.5$. At the
# bottom right: $(1 - 1) + (2 \cdot 3 + 1) + ½ = 7.5$.

# %% exercise="conv_forward"
def conv_forward(x, w, b, stride=(1, 1), padding=(0, 0)):
    """A convolutional layer: the formula above.

    x        images, array of shape (N, C, H, W)
    w        kernels, array of shape (F, C, kh, kw); they are not flipped
    b        biases, array of shape (F,), one for each filter
    stride   (vertical, horizontal), each at least 1
    padding  (vertical, horizontal), each at least 0: zeros added at both ends of each axis

    Returns the feature maps, float64 of shape (N, F, H', W'). H' and W' are as many positions as
    the kernel has, rounded down: rows and columns at the end that the stride does not reach are not
    read.
    Raises ValueError if x or w does not have four axes, if they differ in C, if b is not of shape
    (F,), if a stride is below 1 or a padding below 0, or if the kernel is larger than the padded
    image.
    """
    ### BEGIN SOLUTION
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x and w must have four axes and as many channels, not {x.shape} and {w.shape}")
    if b.shape != (len(w),):
        raise ValueError(f"b must have shape {(len(w),)}, not {b.shape}")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: where to begin</summary>
#
# Find the size of the result first, then make an array of zeros of that size. For one entry of it, write down the patch
# of the padded image that it reads: all channels, which rows, which columns? Four nested loops around one line are
# quite good enough. Speed is the subject of the next section.
# </details>
#
# The four numbers from above:

# %% check="conv_forward" name="by-hand" points=1
x = np.array([[[[1.0, 2, 0], [0, 1, 3], [2, 0, 1]], [[0, 1, 2], [2, 0, 3], [1, 1, 2]]]])
w = np.array([[[[1.0, 0], [0, -1]], [[0, 2], [1, 0]]]])
close(conv_forward(x, w, np.array([0.5])), [[[[4.5, 3.5], [1.5, 7.5]]]],
      case="two channels, one filter",
      hint="at each position the two channels are added, and then the bias, once.")

# %% [markdown]
# That example is tidy: one image, one filter, everything square, no stride. So here is one that is not. Two images of
# 3 × 5 whole numbers, the second twice the first; three filters of 1 × 2; stride $(2, 3)$, padding $(0, 1)$.
#
# $$X = \begin{pmatrix} 1 & 2 & 0 & 3 & 1 \\ 0 & 1 & 4 & 1 & 2 \\ 2 & 0 & 1 & 0 & 3 \end{pmatrix} \qquad
# W = (2, -1),\; (1, 0),\; (0, 1) \qquad b = ½,\; 1,\; 0$$
#
# With a zero at each end the lines are 7 long, which is room for a kernel in column 0 and in column 3; what is left over
# is not read. Downwards there is room in row 0 and row 2. So the four patches are $(0, 1)$, $(0, 3)$, $(0, 2)$ and
# $(1, 0)$, and the first filter makes $-1 + ½$, $-3 + ½$, $-2 + ½$ and $2 + ½$ of them.

# %%
line_x = np.array([[[[1, 2, 0, 3, 1], [0, 1, 4, 1, 2], [2, 0, 1, 0, 3]]]])
line_x = np.concatenate([line_x, 2 * line_x])
line_w, line_b = np.array([[[[2.0, -1]]], [[[1, 0]]], [[[0, 1]]]]), np.array([0.5, 1, 0])
line_maps = [[[[-0.5, -2.5], [-1.5, 2.5]], [[1, 1], [1, 2]], [[1, 3], [2, 0]]],
             [[[-1.5, -5.5], [-3.5, 4.5]], [[1, 1], [1, 3]], [[2, 6], [4, 0]]]]

# %% [markdown]
# Two images, three filters, two rows, two columns. (Hidden: other strides and paddings, some of which do not divide what
# is left to move over.)

# %% check="conv_forward" name="untidy" points=2.5
close(conv_forward(line_x, line_w, line_b, (2, 3), (0, 1)), line_maps,
      case="2 images, 3 filters of 1×2",
      hint="vertical comes first in every pair; the kernel is one row high and two columns wide.")
close(line_b, [0.5, 1, 0], case="the biases, after the call",
      hint="b should keep its values and its shape.")
unchanged(conv_forward, line_x, line_w, line_b, (2, 3), (0, 1))
### BEGIN HIDDEN TESTS
import torch

def layer(x, w, b, stride=(1, 1), padding=(0, 0)):
    x, w, b = (torch.from_numpy(np.asarray(v, dtype=float)) for v in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride, padding).numpy()

for (H, W), (kh, kw), stride, padding in [
    ((7, 6), (2, 3), (2, 1), (0, 0)), ((6, 9), (3, 2), (1, 3), (0, 0)), ((5, 4), (3, 2), (1, 1), (2, 0)),
    ((4, 6), (2, 3), (1, 1), (0, 1)), ((8, 7), (3, 4), (3, 2), (1, 2)), ((2, 3), (4, 5), (2, 3), (1, 2)),
    ((9, 8), (2, 2), (4, 3), (0, 0)),
]:
    x, w, b = rng.normal(size=(2, 1, H, W)), rng.normal(size=(4, 1, kh, kw)), rng.normal(size=4)
    case = f"{H}×{W} images, {kh}×{kw} kernels, stride {stride}, padding {padding}"
    same(conv_forward, layer, x, w, b, stride, padding, case=case)
### END HIDDEN TESTS

# %% [markdown]
# What does not fit together is refused, and what you are given stays as it was. Here the check reads your message.

# %% check="conv_forward" name="arguments" points=0.5
close(conv_forward(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), np.zeros(1)), [[[[4]]]],
      case="a kernel as large as the image", hint="it has one position.")
refuses(conv_forward, np.ones((1, 3, 5, 5)), np.ones((2, 1, 2, 2)), np.zeros(2), argument="w",
        case="too few channels")
refuses(conv_forward, np.ones((1, 3, 5, 5)), np.ones((2, 3, 2, 2)), np.zeros(1), argument="b",
        named=True, case="one bias and two filters")
### BEGIN HIDDEN TESTS
x, w, b = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(4, 3, 2, 3)), rng.normal(size=4)
unchanged(conv_forward, x, w, b, (1, 2), (2, 1), case="stride and padding")
unchanged(conv_forward, x, w, b, case="no padding")
refuses(conv_forward, x, rng.normal(size=(4, 1, 2, 3)), b, argument="w", case="kernels of one channel")
refuses(conv_forward, x[:, :1], w, b, argument="x", case="images of one channel")
refuses(conv_forward, x[:, :1], np.ones((4, 3, 5, 4)), b, argument="x", case="images of one channel, kernels as large")
refuses(conv_forward, x[0], w, b, argument="x", case="three axes")
refuses(conv_forward, x, w[0], b, argument="w", case="a kernel of three axes")
refuses(conv_forward, x, w, b[:1], argument="b", case="one bias for all filters")
refuses(conv_forward, x, w[:1], b, argument="b", case="several biases for one filter")
fitting = rng.normal(size=(len(b), x.shape[1], x.shape[2] + 2, x.shape[3] + 4))
same(conv_forward, solution.conv_forward, x, fitting, b, (1, 1), (1, 2), case="kernels as large as the padded image")
for more in ((1, 0), (0, 1)):
    larger = np.pad(fitting, ((0, 0), (0, 0), (0, more[0]), (0, more[1])))
    refuses(conv_forward, x, larger, b, (1, 1), (1, 2), argument="w", case="a kernel larger than the padded image by one")
refuses(conv_forward, x, w, b[:3], argument="b", case="too few biases")
refuses(conv_forward, x, w, b[:, None], argument="b", case="biases in a column")
refuses(conv_forward, x, w, b, (0, 1), argument="stride", case="vertical stride 0")
refuses(conv_forward, x, w, b, (1, -1), argument="stride", case="a negative stride")
refuses(conv_forward, x, w, b, (1, 1), (-1, 0), argument="padding", case="negative vertical padding")
refuses(conv_forward, x, w, b, (1, 1), (0, -1), argument="padding", case="negative horizontal padding")
refuses(conv_forward, x[:, :, :1], w, b, argument="w", case="a kernel higher than the image")
refuses(conv_forward, x[:, :, :, :2], w, b, argument="w", case="a kernel wider than the image")
refuses_each(conv_forward, x, w, b, (1, 2), (2, 1), reference=solution.conv_forward, allowed={
    "x": domain.dimensions(4), "w": domain.dimensions(4), "b": domain.shape(),
    "stride": domain.pair(1, fractions=False, lengths=False), "padding": domain.pair(0, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# Last, torch computes the same layer: several images, channels and filters, no two of them equally many. And the smallest
# cases are still layers: a kernel of one pixel, a kernel as large as the image, one channel, one filter.

# %% check="conv_forward" name="hidden" points=1.5
# Hidden, 1.5 points: several images, channels and filters; images and kernels that are not square;
# kernels of 1×1 and of the image's size; single channels; whole numbers as input.
### BEGIN HIDDEN TESTS
import torch

def layer(x, w, b, stride=(1, 1), padding=(0, 0)):
    x, w, b = (torch.from_numpy(np.asarray(v, dtype=float)) for v in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride, padding).numpy()

for N, C, H, W, F, kh, kw in [(3, 2, 5, 7, 4, 3, 2), (2, 3, 6, 5, 4, 2, 3), (3, 1, 4, 7, 2, 3, 2),
                              (1, 4, 5, 8, 3, 4, 1), (2, 2, 7, 3, 5, 1, 3)]:
    x, w, b = rng.normal(size=(N, C, H, W)), rng.normal(size=(F, C, kh, kw)), rng.normal(size=F)
    case = f"{N} images of {C} channels, {H}×{W}; {F} kernels of {kh}×{kw}"
    same(conv_forward, layer, x, w, b, case=case)
    same(conv_forward, layer, x, w, b, (2, 3), (1, 2), case=f"{case}, stride (2, 3), padding (1, 2)")
for (C, H, W), (F, kh, kw) in [((3, 4, 2), (2, 1, 1)), ((2, 3, 5), (3, 3, 5)), ((1, 1, 6), (1, 1, 2)), ((1, 5, 1), (4, 3, 1))]:
    x, w, b = rng.normal(size=(2, C, H, W)), rng.normal(size=(F, C, kh, kw)), rng.normal(size=F)
    same(conv_forward, layer, x, w, b, case=f"{C}×{H}×{W} images, {F} kernels of {kh}×{kw}")
x, w = rng.integers(-9, 10, size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 2, 2))
same(conv_forward, layer, x, w, np.array([0.25, -0.5]), (1, 2), (1, 0), case="whole numbers as pixels")
small, weights = (rng.integers(20, 256, size=shape).astype(np.uint8) for shape in [(1, 2, 3, 5), (2, 2, 2, 3)])
same(conv_forward, layer, small, weights, np.array([0.25, -0.5]), case="8-bit pixels and 8-bit weights")
x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 2, 3)), rng.normal(size=2)
types_of(conv_forward, solution.conv_forward, x, w, b, (2, 1), (0, 1), dtype=float)
fresh_result(conv_forward, x, w, b, (2, 1), (0, 1))
### END HIDDEN TESTS

# %% [markdown]
# > **Museum of real bugs.** A layer that uses the kernel's height for its width, or takes the two strides in the
# > wrong order, is right whenever kernel and image are square. Published checks often use nothing but squares, and
# > such layers have passed them. So do layers that read only the first channel, if the check has grey images.
#
# One photograph through a bank of six filters, all at once: six feature maps. The stride of 2 halves them. Light is
# positive, dark is negative, mid-grey is zero. About a second.

# %%
photo = photograph("camera")[::2, ::2]
edge = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bank = np.stack([edge, edge.T, np.outer([1, 2, 1], [1, 2, 1]) / 16, 3 * np.eye(3) - 1,
                 3 * np.fliplr(np.eye(3)) - 1, np.array([[0, -1.0, 0], [-1, 4, -1], [0, -1, 0]])])
bank_names = ["brighter to the right", "brighter downwards", "blur, less ½", "lines falling ↘",
              "lines rising ↗", "spots and corners"]

# %% demo=True
maps = conv_forward(photo[None, None], bank[:, None], np.array([0, 0, -0.5, 0, 0, 0]),
                    stride=(2, 2))
show_grid(maps[0], bank_names, columns=3, signed=True, size=2,
          title="One image, six filters: what does each map miss?")

# %% [markdown]
# <details><summary>What each map misses</summary>
#
# The first misses whatever runs from left to right, such as the horizon. The second misses what is upright, such as the
# tripod's middle post. The blur misses all detail and keeps brightness; its bias of −½ puts mid-grey in the middle. The
# two kinds of lines miss each other. The last misses plain surfaces *and* straight
# edges, but for a thin double line. With padding there would be a frame, too: the step from the sky to the added zeros
# is the strongest edge of the picture, and it is not in the scene.
# </details>

# %% [markdown]
# > **Predict, then run.** The next cell gives the layer a *colour* image: the photograph as red, its mirror image as
# > green, nothing as blue. There is one filter, and each of its three channels holds the same vertical edge detector.
# > How many feature maps will there be? Will the camera man be in them once, twice, or not at all?

# %% demo=True
guess = "?"  # how many maps, and how often the camera man
colour = np.stack([photo, photo[:, ::-1], 0 * photo])[None]
one_map = conv_forward(colour, np.stack([edge] * 3)[None], np.zeros(1), stride=(2, 2))
print("shape of the result:", one_map.shape, "you said:", guess)
show(one_map[0], signed=True, title="One filter, three channels: find both cameras")

# %% [markdown]
# One filter makes one map, and what it finds in any channel is added into that map: so he is in it twice. Where his two
# outlines cross, nobody could say which channel an edge came from.

# %% [markdown]
# ## 4. The same layer, fast
#
# Four loops in Python around a dozen multiplications each: nearly all of the time goes into looping. A product of two
# large matrices does the same multiplications without a loop of ours. So write every patch as a *row* of a matrix. The
# name of this step is `im2col`, image to columns, although here, as often, the patches lie in rows.
#
# The order is what makes it work, so fix it. The rows are the patches in the order in which one reads: image by image,
# in each image from top to bottom, in each line from left to right. Within a row stand the pixels of the patch: channel
# by channel, in each channel row by row, each row from left to right.
#
# *By hand.* An image of 2 × 3 pixels with two channels, a kernel of 2 × 2. It has two positions, so there are two rows:
#
# $$X_0 = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}, \quad
# X_1 = \begin{pmatrix} 10 & 20 & 30 \\ 40 & 50 & 60 \end{pmatrix} \longrightarrow
# \begin{pmatrix} 1 & 2 & 4 & 5 & 10 & 20 & 40 & 50 \\ 2 & 3 & 5 & 6 & 20 & 30 & 50 & 60 \end{pmatrix}$$

# %% exercise="im2col"
def im2col(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    """Every patch that a kernel of this size covers, as a row of a matrix.

    x            images, array of shape (N, C, H, W)
    kernel_size  (kh, kw), height and width of the patches, each at least 1
    stride       (vertical, horizontal), each at least 1
    padding      (vertical, horizontal), each at least 0: zeros added at both ends of each axis

    Returns a float64 array of shape (N H' W', C kh kw), with H' and W' as in conv_forward. Rows are
    ordered by image, then vertical position, then horizontal position; columns by channel, then
    row, then column.
    Raises ValueError if x does not have four axes, if a number in kernel_size or stride is below 1,
    if one in padding is below 0, or if the patch is larger than the padded image.
    """
    require(np.ndim(x) == 4, "x must have four axes: image, channel, row, column")
    require(min(kernel_size) >= 1, "kernel_size must be at least 1 both ways")
    require(min(stride) >= 1, "stride must be at least 1 both ways")
    require(min(padding) >= 0, "padding must not be negative")
    require(all(side <= size + 2 * pad
                for side, size, pad in zip(kernel_size, x.shape[2:], padding)),
            "kernel_size must fit the padded image")
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    N, C, H, W = x.shape
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    patches = np.empty((N, height, width, C, kh, kw))
    for u in range(kh):
        for v in range(kw):
            pixels = padded[:, :, u : u + sh * height : sh, v : v + sw * width : sw]
            patches[:, :, :, :, u, v] = pixels.transpose(0, 2, 3, 1)
    return patches.reshape(N * height * width, C * kh * kw)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: fewer loops</summary>
#
# A loop over all positions is right, but there are many positions. There are only $k_h k_w$ places within a patch. Pick
# one of them, say the top left: which pixels of the image stand there, over all patches? They are one slice of the
# image. Alternatively, look up `numpy.lib.stride_tricks.sliding_window_view`.
# </details>
#
# The two rows from above:

# %% check="im2col" name="by-hand" points=1
x = np.array([[[[1.0, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]]])
expected = [[1, 2, 4, 5, 10, 20, 40, 50], [2, 3, 5, 6, 20, 30, 50, 60]]
close(im2col(x, (2, 2)), expected, case="one image of two channels, two patches",
      hint="in which order do the pixels of a patch stand: channel, row, column?")

# %% [markdown]
# And the eight patches of the two images of section 3, at stride $(2, 3)$ with padding $(0, 1)$: all four of the first
# image, line by line, then all four of the second. (Hidden: larger batches. torch has the same function, called `unfold`,
# with its axes elsewhere.)

# %% check="im2col" name="general" points=2
close(im2col(line_x, (1, 2), (2, 3), (0, 1)),
      [[0, 1], [0, 3], [0, 2], [1, 0], [0, 2], [0, 6], [0, 4], [2, 0]],
      case="2 images, patches of 1×2",
      hint="image by image, then from top to bottom, then from left to right.")
close(im2col(np.ones((1, 1, 2, 2)), (2, 2)), [[1, 1, 1, 1]], case="a patch as large as the image",
      hint="it has one position.")
### BEGIN HIDDEN TESTS
import torch

def unfold(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    columns = torch.nn.functional.unfold(torch.from_numpy(x), kernel_size, 1, padding, stride)
    return columns.transpose(1, 2).reshape(-1, columns.shape[1]).numpy()

for shape, size, stride, padding in [
    ((1, 1, 4, 5), (2, 3), (1, 1), (0, 0)), ((2, 3, 5, 4), (3, 2), (1, 1), (0, 0)), ((3, 2, 7, 6), (2, 3), (2, 1), (0, 0)),
    ((2, 2, 6, 8), (3, 2), (2, 3), (1, 0)), ((2, 4, 3, 5), (2, 4), (1, 2), (0, 2)), ((4, 1, 5, 5), (1, 1), (3, 2), (0, 0)),
    ((2, 3, 4, 3), (4, 3), (1, 1), (0, 0)),
]:
    case = f"{shape[0]} images of {shape[1]} channels, {shape[2]}×{shape[3]}; patches {size}, stride {stride}, padding {padding}"
    same(im2col, unfold, rng.normal(size=shape), size, stride, padding, case=case)
x = rng.normal(size=(2, 3, 4, 5))
unchanged(im2col, x, (2, 3), (1, 2), (1, 0), case="stride and padding")
unchanged(im2col, x, (2, 3), case="no padding")
same(im2col, solution.im2col, x, (2, 3), case="stride and padding not given")
refuses(im2col, x[0], (2, 2), argument="x", case="three axes")
refuses(im2col, x, (0, 2), argument="kernel_size", case="a patch of no rows")
refuses(im2col, x, (2, 6), argument="kernel_size", case="a patch wider than the image")
refuses(im2col, x, (2, 2), (1, 0), argument="stride", case="horizontal stride 0")
refuses(im2col, x, (2, 2), (1, 1), (-1, 0), argument="padding", case="negative padding")
types_of(im2col, solution.im2col, x, (2, 3), (1, 2), (1, 0), dtype=float)
fresh_result(im2col, x, (2, 3), (1, 2), (1, 0))
fresh_result(im2col, x[:, :1].copy(), (1, 1), case="patches of one pixel, one channel")
refuses_each(im2col, x, (2, 3), (1, 2), (1, 0), reference=solution.im2col, allowed={
    "x": domain.dimensions(4), "kernel_size": domain.pair(1, fractions=False, lengths=False),
    "stride": domain.pair(1, fractions=False, lengths=False), "padding": domain.pair(0, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# Write each kernel as a vector in the same order as a patch, and every value of the layer is the product of a patch
# and a kernel. All of them together are one product of matrices: patches × kernels. What remains is to bring its
# entries to where they belong. Mind that this is not a matter of shape alone: the product has one *column* for each
# filter, but a batch of feature maps wants the filter axis *second*.

# %% exercise="conv_matmul"
def conv_matmul(x, w, b, stride=(1, 1), padding=(0, 0)):
    """What conv_forward gives, for the same arguments, by one product of matrices.

    It is at least 20 times as fast as four nested loops over images, filters, rows and columns, on
    8 images of 3×24×24 pixels and 32 kernels of 3×3, stride 1, no padding.
    Refuses what conv_forward refuses, in the same way. (im2col refuses the rest.)
    """
    require(np.ndim(x) == 4 and np.ndim(w) == 4 and x.shape[1] == w.shape[1],
            "x and w must have four axes, and as many channels")
    require(b.shape == (len(w),), "b must hold one number for each filter of w")
    ### BEGIN SOLUTION
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height = output_size(H, kh, stride[0], padding[0])
    width = output_size(W, kw, stride[1], padding[1])
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(F, -1).T + b
    return product.reshape(N, height, width, F).transpose(0, 3, 1, 2)
    ### END SOLUTION

# %% [markdown]
# Both examples of section 3 must come out again. The second has two images, three filters and four positions, so no two
# of these numbers can change places unnoticed. (Hidden: other layers, and what is refused.)

# %% check="conv_matmul" name="equal" points=2
x = np.array([[[[1.0, 2, 0], [0, 1, 3], [2, 0, 1]], [[0, 1, 2], [2, 0, 3], [1, 1, 2]]]])
w = np.array([[[[1.0, 0], [0, -1]], [[0, 2], [1, 0]]]])
close(conv_matmul(x, w, np.array([0.5])), [[[[4.5, 3.5], [1.5, 7.5]]]],
      case="two channels, one filter",
      hint="print the product of the two matrices: what do its rows stand for, and what its "
           "columns?")
close(conv_matmul(line_x, line_w, line_b, (2, 3), (0, 1)), line_maps,
      case="2 images, 3 filters of 1×2",
      hint="a reshape never exchanges axes: first give each axis of the product its own length, "
           "then transpose.")
### BEGIN HIDDEN TESTS
import torch

def layer(x, w, b, stride=(1, 1), padding=(0, 0)):
    x, w, b = (torch.from_numpy(v) for v in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride, padding).numpy()

for (N, C, H, W), (F, kh, kw), stride, padding in [
    ((1, 2, 5, 4), (3, 2, 3), (1, 1), (0, 0)), ((3, 2, 6, 7), (4, 3, 2), (1, 1), (0, 0)),
    ((2, 3, 8, 6), (5, 2, 3), (2, 3), (0, 0)), ((2, 1, 5, 9), (3, 3, 4), (3, 2), (2, 1)),
    ((3, 4, 3, 2), (2, 1, 1), (1, 1), (0, 1)),
]:
    x, w, b = rng.normal(size=(N, C, H, W)), rng.normal(size=(F, C, kh, kw)), rng.normal(size=F)
    case = f"{N} images of {C} channels, {H}×{W}; {F} kernels {kh}×{kw}, stride {stride}, padding {padding}"
    same(conv_matmul, layer, x, w, b, stride, padding, case=case)
unchanged(conv_matmul, x, w, b, (1, 1), (0, 1), case="padding")
refuses(conv_matmul, x, w[:, :1], b, argument="w", case="kernels of one channel")
refuses(conv_matmul, x, w, b[:1], argument="b", case="one bias for all filters")
refuses(conv_matmul, x, w[:1], b, argument="b", case="several biases for one filter")
refuses(conv_matmul, x[:, :1], w, b, argument="x", case="images of one channel")
fitting = rng.normal(size=(len(b), x.shape[1], x.shape[2] + 2, x.shape[3] + 4))
same(conv_matmul, solution.conv_matmul, x, fitting, b, (1, 1), (1, 2), case="kernels as large as the padded image")
for more in ((1, 0), (0, 1)):
    larger = np.pad(fitting, ((0, 0), (0, 0), (0, more[0]), (0, more[1])))
    refuses(conv_matmul, x, larger, b, (1, 1), (1, 2), argument="w", case="a kernel larger than the padded image by one")
refuses(conv_matmul, x, w, b[:, None], argument="b", case="biases in a column")
refuses(conv_matmul, x, rng.normal(size=(2, 4, 5, 1)), b, argument="w", case="a kernel higher than the image")
refuses(conv_matmul, x[0], w, b, argument="x", case="three axes")
refuses(conv_matmul, x, w, b, (1, 0), argument="stride", case="horizontal stride 0")
refuses(conv_matmul, x, w, b, (1, 1), (0, -1), argument="padding", case="negative padding")
x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 2, 3)), rng.normal(size=2)
types_of(conv_matmul, solution.conv_matmul, x, w, b, (2, 1), (0, 1), dtype=float)
fresh_result(conv_matmul, x, w, b, (2, 1), (0, 1))
refuses_each(conv_matmul, x, w, b, (1, 2), (2, 1), reference=solution.conv_matmul, allowed={
    "x": domain.dimensions(4), "w": domain.dimensions(4), "b": domain.shape(),
    "stride": domain.pair(1, fractions=False, lengths=False), "padding": domain.pair(0, fractions=False, lengths=False)})
### END HIDDEN TESTS

# %% [markdown]
# Was it worth it? The hidden check measures four plain loops and your function on the size that the docstring states.

# %% check="conv_matmul" name="speed" points=1
# Hidden, 1 point: four nested loops take at least 20 times the processor time of your function; its
# result is right.
### BEGIN HIDDEN TESTS
import torch

x, w, b = rng.normal(size=(8, 3, 24, 24)), rng.normal(size=(32, 3, 3, 3)), rng.normal(size=32)

loops, yours = 32 * took(solution.conv_forward, x[:2], w[:4], b[:4])[0], []
for _ in range(4):
    x = rng.normal(size=x.shape)
    expected = torch.nn.functional.conv2d(*(torch.from_numpy(v) for v in (x, w, b))).numpy()
    seconds, maps = took(conv_matmul, x, w, b)
    yours.append(seconds)
    close(maps, expected, case="the size that the docstring states")
passes(20 * min(yours) <= loops, "your function is less than 20 times as fast as four nested loops",
       hint="no Python loop may run over images, filters or positions; one over the entries of a kernel does no harm")
### END HIDDEN TESTS

# %% [markdown]
# The same measurement, on your two functions and your computer (a second or two, if your `conv_forward` has loops):

# %% demo=True
rng = np.random.default_rng(2)
x, w, b = rng.normal(size=(8, 3, 24, 24)), rng.normal(size=(32, 3, 3, 3)), rng.normal(size=32)
seconds, results = [], []
for function in (conv_forward, conv_matmul):
    began = time.perf_counter()
    results.append(function(x, w, b))
    seconds.append(time.perf_counter() - began)
print(f"largest difference of the two results: {np.abs(results[0] - results[1]).max():.1e}")
print(f"definition {1000 * seconds[0]:.0f} ms, matrix product {1000 * seconds[1]:.1f} ms:", end=" ")
print(f"{seconds[0] / seconds[1]:.0f} times as fast")

# %% [markdown]
# The price is memory: `im2col` writes most pixels once for each kernel entry that covers them. See how the patches of
# the lecture's image become rows, and how often its pixels are repeated.

# %% demo=True
image, patches = lecture_image(), im2col(lecture_image()[None, None], (3, 3))
fig, axes = plt.subplots(1, 2, figsize=(9, 4.6))
show_matrix(image, axes[0], highlight=(slice(0, 3), slice(1, 4)),
            title="The second patch of the image …")
show_matrix(patches, axes[1], highlight=(slice(1, 2), slice(0, 9)),
            title="… is the second row of the matrix")
print(f"{image.size} pixels have become {patches.size} entries")

# %% [markdown]
# ## 5. Activation functions
#
# A convolution is linear, and so is a stack of convolutions. What makes a deep network more than one layer is a
# nonlinear function after each. Six are in common use. Five act on every number separately:
#
# | name | value at $x$ |
# |---|---|
# | sigmoid | $1 / (1 + e^{-x})$ |
# | tanh | $\tanh x$ |
# | ReLU | $\max(0, x)$ |
# | leaky ReLU | $\max(0.1\,x,\; x)$ |
# | ELU | $x$ if $x \ge 0$, otherwise $\alpha (e^x - 1)$ |
#
# The sixth, **maxout**, has weights of its own. It computes two (or more) linear functions of the whole input vector,
# each with its own bias, and takes the larger value: $\max(w_1^T x + b_1,\; w_2^T x + b_2)$.
#
# *By hand.* ELU with $\alpha = 2$ at $x = -\ln 2$: $2\,(½ - 1) = -1$. Maxout of the vector $(1, 2)$ with
# $w_1 = (3, 0),\; b_1 = -1$ and $w_2 = (0, 1),\; b_2 = ½$: the larger of $3 - 1 = 2$ and $2 + ½$, so 2.5.
#
# The first trap: $e^{1000}$ is larger than any float64, so the sigmoid's formula, typed as it stands, overflows at
# $x = -1000$. numpy then gives a warning, in other places `inf` or `nan`. The sigmoid itself is quite harmless there.
# Rewrite it so that nothing overflows on either side. The second trap is the leak. Libraries often take 0.01; here it
# is 0.1, as in the lecture.

# %% exercise="activation"
def activation(x, name, alpha=1.0, weights=None, biases=None):
    """One of the lecture's six activation functions.

    x        array of any shape; for maxout of shape (N, D), one input vector in each row
    name     "sigmoid", "tanh", "relu", "leaky_relu" (slope 0.1 below 0), "elu" or "maxout"
    alpha    for elu: minus the limit at -infinity (makes no difference otherwise)
    weights  for maxout: array of shape (K, D, M), the weights of K linear functions for each of M
             outputs
    biases   for maxout: array of shape (K, M)

    Returns a float64 array: of the shape of x, or for maxout of shape (N, M), where entry (n, m) is
    the largest over k of the sum over d of x[n, d] weights[k, d, m], plus biases[k, m].
    The sigmoid works for any x, 1000 and -1000 included, without numpy signalling an overflow or an
    invalid operation on the way.
    Raises ValueError if name is none of the six, or if it is "maxout" and weights or biases are not
    given.
    """
    require(name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "maxout"),
            "name must be one of the six")
    require(name != "maxout" or weights is not None, "weights must be given for maxout")
    require(name != "maxout" or biases is not None, "biases must be given for maxout")
    ### BEGIN SOLUTION
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: the sigmoid</summary>
#
# Multiply numerator and denominator by $e^x$ to get a second formula for the same function. Each of the two is safe on
# one side of zero. Or think of how the sigmoid looks beside tanh.
# </details>
#
# Values that you can verify: $\tanh(\ln 2) = (2 - ½)/(2 + ½) = 0.6$.

# %% check="activation" name="curves" points=1
close(activation(np.array([-np.log(3), 0.0, np.log(3)]), "sigmoid"), [0.25, 0.5, 0.75],
      case="sigmoid",
      hint="the exponential of log 3 is 3, that of −log 3 is a third.")
close(activation(np.array([0.0, np.log(2)]), "tanh"), [0, 0.6], case="tanh",
      hint="the exponential of log 2 is 2, that of −log 2 is ½.")
x = np.array([-2.0, 0.0, 3.0])
close(activation(x, "relu"), [0, 0, 3], case="relu", hint="what is below zero becomes zero.")
close(x, [-2, 0, 3], case="x, after the call", hint="return a new array and leave x alone.")
unchanged(activation, x, "relu")
### BEGIN HIDDEN TESTS
import torch

def library(x, name):
    return getattr(torch, name)(torch.from_numpy(x)).numpy()

for name in ("sigmoid", "tanh", "relu"):
    same(activation, library, rng.normal(size=(2, 3, 4, 5)) * 3, name, case=f"{name}, a batch of feature maps")
    same(activation, library, rng.normal(size=7), name, case=f"{name}, a vector")
    same(activation, solution.activation, rng.integers(-3, 4, size=(4, 3)), name, case=f"{name}, whole numbers")
    unchanged(activation, rng.normal(size=(3, 5)), name, case=name)
### END HIDDEN TESTS

# %% [markdown]
# The two that let something through below zero:

# %% check="activation" name="below-zero" points=1
close(activation(np.array([-2.0, 0.0, 3.0]), "leaky_relu"), [-0.2, 0, 3], case="leaky relu",
      hint="the slope below zero is the one of the table above.")
close(activation(np.array([-25, 0, 3]), "leaky_relu"), [-2.5, 0, 3],
      case="leaky relu, whole numbers",
      hint="the result holds floats, whatever the type of x.")
close(activation(np.array([-np.log(2), 0.0, 3.0]), "elu", alpha=2.0), [-1, 0, 3],
      case="elu, alpha 2",
      hint="`alpha` multiplies what is left of the exponential after 1 is taken away.")
close(activation(np.array([-np.log(2)]), "elu"), [-0.5], case="elu, alpha not given",
      hint="alpha is 1 unless it is given.")
### BEGIN HIDDEN TESTS
import torch

def library_elu(x, name, alpha=1.0):
    return torch.nn.functional.elu(torch.from_numpy(x), alpha).numpy()

def library_leaky(x, name):
    return torch.nn.functional.leaky_relu(torch.from_numpy(x), 0.1).numpy()

x = rng.normal(size=(2, 3, 5)) * 2
same(activation, library_elu, x, "elu", case="elu, alpha not given")
for alpha in (0.3, 1.7):
    same(activation, library_elu, x, "elu", alpha=alpha, case=f"elu, alpha {alpha}")
same(activation, library_leaky, x, "leaky_relu", case="leaky relu")
for shape in ((2, 6), (7,)):
    same(activation, solution.activation, rng.integers(-99, 60, size=shape), "leaky_relu",
         case="leaky relu, whole numbers")
same(activation, solution.activation, np.array([-1000.0, -50.0, 1000.0]), "elu", case="elu, far out")
unchanged(activation, x, "elu", case="elu")
unchanged(activation, x, "leaky_relu", case="leaky relu")
### END HIDDEN TESTS

# %% [markdown]
# Maxout, with the numbers from above: one input vector, two linear functions, one output.

# %% check="activation" name="maxout" points=1
weights, biases = np.array([[[3.0], [0.0]], [[0.0], [1.0]]]), np.array([[-1.0], [0.5]])
vector = np.array([[1.0, 2.0]])
unchanged(activation, vector, "maxout", 1.0, weights, biases)
close(activation(vector, "maxout", weights=weights, biases=biases), [[2.5]],
      case="maxout of two linear functions",
      hint="each linear function has its own bias, added before the larger value is taken.")
### BEGIN HIDDEN TESTS
for N, D, K, M in [(4, 3, 2, 5), (3, 6, 4, 2), (5, 1, 3, 1), (1, 4, 1, 3)]:
    x, weights, biases = rng.normal(size=(N, D)), rng.normal(size=(K, D, M)), 2 * rng.normal(size=(K, M))
    expected = np.stack([x @ weights[k] + biases[k] for k in range(K)]).max(axis=0)
    case = f"{N} vectors of {D} numbers, {K} linear functions, {M} outputs"
    same(activation, lambda *_, **__: expected, x, "maxout", weights=weights, biases=biases, case=case)
    unchanged(activation, x, "maxout", 1.0, weights, biases, case=case)
refuses(activation, np.ones(3), "ReLU", argument="name", case="capital letters")
refuses(activation, np.ones(3), "", argument="name", case="no name")
refuses(activation, np.ones((2, 3)), "maxout", biases=np.ones((2, 4)), argument="weights", case="maxout, biases only")
refuses(activation, np.ones((2, 3)), "maxout", weights=np.ones((2, 3, 4)), argument="biases", case="maxout, weights only")
x, weights, biases = rng.normal(size=(2, 3)), rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 5))
names = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")
for name in names:
    types_of(activation, solution.activation, x, name, dtype=float, case=name)
    fresh_result(activation, np.abs(x) + 0.5, name, case=f"{name}, nothing but positive numbers")
    if name != "elu":
        makes_no_difference(activation, x, name, alpha=1.0, vary={"alpha": [0.0, 3.0]}, reference=solution.activation)
makes_no_difference(activation, x, "maxout", alpha=1.0, weights=weights, biases=biases, vary={"alpha": [0.0, 3.0]},
                    reference=solution.activation, case="maxout")
types_of(activation, solution.activation, x, "maxout", weights=weights, biases=biases, vary=["x"], dtype=float, case="maxout")
refuses(activation, x, "Maxout", weights=weights, biases=biases, argument="name", case="a capital, with weights and biases")
refuses_each(activation, x, "tanh", allowed={"name": domain.word(*names, "maxout")})
refuses(activation, x, "maxout", argument="weights", case="maxout, neither weights nor biases")
### END HIDDEN TESTS

# %% [markdown]
# Here numpy is told to raise an error where it would otherwise only warn.

# %% check="activation" name="overflow" points=1
with np.errstate(over="raise", invalid="raise"):
    close(activation(np.array([-1000.0, 0.0, 1000.0]), "sigmoid"), [0, 0.5, 1],
          case="sigmoid, far out",
          hint="for which sign of x is the exponential of −x small?")
### BEGIN HIDDEN TESTS
from scipy.special import expit

def logistic(x, name):
    return expit(x)

x = np.concatenate([[-1e308, -1e4, -710.0, -88.0, 88.0, 710.0, 1e4, 1e308], rng.normal(size=5) * 300])
same(activation, logistic, x, "sigmoid", case="sigmoid, far out on both sides")
for far in ([-1000.0], [-5000.0, 3.0], [-800.0, -2.0], [0.5, -1e5], [1000.0, 1.0], [720.0, 2e4, -3.0]):
    same(activation, logistic, np.array(far), "sigmoid", case="sigmoid, far out on one side")
with aside():  # Only the student's process has been told to raise errors, so what a misconception does says nothing.
    before = student.np.seterr(over="raise", invalid="raise")
    try:
        same(activation, logistic, x, "sigmoid", case="sigmoid, far out, numpy told to raise an error")
    finally:
        student.np.seterr(**before)
### END HIDDEN TESTS

# %% [markdown]
# The functions and their slopes, the latter as differences of neighbouring values. A network learns through the slopes:
# compare how much is left of them at −4, and which of them are ever larger than ¼.

# %% demo=True
x = np.linspace(-5, 5, 401)
styles = dict(sigmoid="-", tanh="--", relu="-.", leaky_relu=":", elu=(0, (5, 1, 1, 1, 1, 1)))
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6))
for name, line in styles.items():
    y = activation(x, name)
    axes[0].plot(x, y, linestyle=line, label=name)
    axes[1].plot(x, np.gradient(y, x), linestyle=line, label=name)
axes[0].set(title="Who saturates, and where?", xlabel="x", ylabel="activation", ylim=(-1.3, 3))
axes[1].set(title="Whose slope is lost at −4?", xlabel="x", ylabel="derivative", ylim=(-0.05, 1.15))
axes[1].legend(loc="center right");

# %% [markdown]
# With two linear functions of one number, maxout draws a corner; with three, two corners. It *learns* its shape.

# %% demo=True
line = np.linspace(-2, 2, 201)[:, None]
slopes, offsets = np.array([[[-1.0]], [[0.2]], [[1.5]]]), np.array([[-1.0], [0.0], [-0.9]])
bent = activation(line, "maxout", weights=slopes, biases=offsets)
fig, ax = plt.subplots(figsize=(5, 3))
ax.plot(line, line * slopes[:, 0, 0] + offsets[:, 0], color="0.6", linestyle="--", linewidth=1)
ax.plot(line, bent, linewidth=3)
ax.set(title="Maxout follows the highest of its lines", xlabel="x", ylabel="maxout");

# %% [markdown]
# ## 6. How much of the image does a unit see?
#
# A unit of the first layer sees a patch as large as the kernel. A unit of the second sees a patch of units, each of
# which sees a patch of pixels, and those overlap. The patch of *pixels* that can influence a unit is its **receptive
# field**. Its side depends on the kernels and strides of all layers below.
#
# Keep two numbers as you go up. One is the side of the field, $r$. The other is the *jump* $j$: how many pixels the
# field moves when you go to the neighbouring unit. A single pixel has $r = 1$ and $j = 1$.
#
# *By hand.* Two layers with kernels of 3. If both have stride 1, three neighbouring units of the first layer see pixels
# 1–3, 2–4 and 3–5: the second layer sees 5 pixels, and its jump is 1. If the first layer has stride 2, they see 1–3,
# 3–5 and 5–7: then the second sees 7 pixels, and its jump is 2, for it has stride 1 itself.

# %% exercise="receptive_field"
def receptive_field(layers):
    """How many pixels a unit of the last layer sees along one axis, and how far apart neighbours'
    fields are.

    layers  list of pairs (kernel, stride), the first layer first; each number at least 1. Pooling
            layers stand in it like any others. Padding makes no difference.

    Returns a plain tuple of two whole numbers (size, jump): the side of the receptive field in
    pixels, and the distance in pixels between the fields of two neighbouring units. Without any
    layer it is (1, 1).
    Raises ValueError if a kernel or a stride is below 1.
    """
    require(all(min(layer) >= 1 for layer in layers),
            "layers must hold kernels and strides of at least 1")
    ### BEGIN SOLUTION
    size, jump = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size, jump
    ### END SOLUTION

# %% [markdown]
# The two examples from above:

# %% check="receptive_field" name="by-hand" points=0.5
close(receptive_field([(3, 1), (3, 1)]), [5, 1], case="two layers of stride 1",
      hint="a kernel of 3 adds two jumps to the side of the field.")
close(receptive_field([(3, 2), (3, 1)]), [7, 2], case="stride 2, then stride 1",
      hint="the jump that counts is the one of the layers below; strides multiply.")

# %% [markdown]
# With two layers one can still be right by accident. Take three, $(3, 2)$, $(3, 2)$ and $(2, 1)$. The field grows from
# 1 to $1 + 2 \cdot 1 = 3$, to $3 + 2 \cdot 2 = 7$, to $7 + 1 \cdot 4 = 11$, and the jump from 1 to 2 to 4. (The hidden part
# does not trust a formula: it sends a gradient back through torch's layers and counts the pixels that it reaches.)

# %% check="receptive_field" name="general" points=1.5
three = [(3, 2), (3, 2), (2, 1)]
close(receptive_field(three), [11, 4], case="three layers",
      hint="a kernel counts in jumps of all the layers below.")
close(len(three), 3, case="the list, after the call", hint="leave the list of layers as it was.")
unchanged(receptive_field, three)
### BEGIN HIDDEN TESTS
import torch

def reached(layers):
    if not layers:
        return 1, 1
    x = torch.zeros(1, 1, 3000, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = torch.nn.functional.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    fields = [torch.autograd.grad(y[0, 0, unit], x, retain_graph=True)[0].flatten().nonzero() for unit in (0, 1)]
    return int(fields[0].max()) + 1, int(fields[1].min())

same(receptive_field, reached, [(5, 3)], case="one layer")
same(receptive_field, reached, [(3, 1), (2, 3), (4, 2), (3, 2)], case="four layers")
same(receptive_field, reached, [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)], case="five layers")
same(receptive_field, reached, [(1, 2), (1, 3), (2, 1)], case="kernels of one pixel")
for depth in (2, 4, 6):
    layers = [(int(kernel), int(stride)) for kernel, stride in rng.integers([2, 1], [6, 4], size=(depth, 2))]
    same(receptive_field, reached, layers, case=f"{depth} random layers")
same(receptive_field, reached, [], case="no layer")
unchanged(receptive_field, [(3, 2), (3, 1)], case="two layers")
for wrong in ([(3, 0)], [(0, 1), (3, 1)], [(3, 1), (3, 2), (3, -1)]):
    refuses(receptive_field, wrong, argument="layers", case="a kernel or stride below 1")
fresh_result(receptive_field, [(3, 2), (5, 1)], kind=tuple)
for wrong in ([(-1, 1)], [(1, 0), (3, 1)], [(3, 2), (0, 0)], [(-2, -1)], [(1, 1), (3, 2), (0, 2)]):
    refuses(receptive_field, wrong, argument="layers", case="a kernel or stride below 1")
### END HIDDEN TESTS

# %% [markdown]
# > **Predict, then run.** AlexNet's last pooling layer has maps of only 6 × 6 units. How much of the image, 227 pixels
# > wide, does one of these units see: a tenth of its width, a third, or nearly all of it?

# %% demo=True
guess = "?"  # a tenth, a third, or nearly all
alexnet_steps = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)]
step_names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
fields = [receptive_field(alexnet_steps[:n])[0] for n in range(1, 9)]
fig, ax = plt.subplots(figsize=(7, 2.8))
bars = ax.bar(step_names, fields, color="0.6")
ax.bar_label(bars)
ax.axhline(227, color="C1")
ax.text(-0.45, 213, "width of the image", color="C1", va="top")
ax.set(title="Every layer of AlexNet sees further", ylabel="receptive field, pixels")
print("you said:", guess)

# %% [markdown]
# Nearly all of it: the strides multiply to 32, so the kernels of the last layers count in large jumps. Pooling layers widen the field twice: a little by their window, and more by their stride, which makes every later
# kernel reach twice as far. In assignment 06 you will cut out these patches to find out what a unit looks for.

# %% [markdown]
# ## 7. A figure that does not add up
#
# A well-known figure, which the lecture shows, too, draws the network of
# [Zeiler and Fergus](https://arxiv.org/abs/1311.2901) as a row of boxes: a crop of 224 × 224 pixels is convolved with
# kernels of 7 × 7 at stride 2, then pooled with windows of 3 × 3 at stride 2. Below the boxes stand the sides of the maps,
# 110 and then 55. It does not say how the borders are treated. Compute it with no padding and everything rounded down:
# $(224 - 7)/2 = 108.5$, which makes 109, not 110.
#
# So which setting makes the figure right? Do not guess; try all. One unknown is the padding of the convolution, the
# other is whether pooling rounds up. The convolution itself always rounds down, and the pooling has no padding.

# %% exercise="zf_shapes"
def zf_shapes(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    """Sides of the maps after a convolution and after the pooling that follows, for every setting.

    side         rows (and columns) of the square image
    kernel       rows (and columns) of the convolution's kernels
    stride       of the convolution, which rounds down
    window       rows (and columns) of the pooling windows
    pool_stride  of the pooling, which has no padding

    Returns a dictionary. A key is a setting, a pair (padding, ceil): padding is the convolution's,
    every whole number from 0 to kernel // 2; ceil is False if the pooling rounds down and True if
    it rounds up. The value is the pair of whole numbers (side after the convolution, side after the
    pooling).
    Raises ValueError where output_size does.
    """
    ### BEGIN SOLUTION
    shapes = {}
    for padding in range(kernel // 2 + 1):
        convolved = output_size(side, kernel, stride, padding)
        for ceil in (False, True):
            shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)
    return shapes
    ### END SOLUTION

# %% [markdown]
# Without padding, both ways of rounding give 54. So that is not how the figure was made.

# %% check="zf_shapes" name="lecture" points=1
shapes = zf_shapes()
close(shapes[0, False], [109, 54], case="no padding, rounded down",
      hint="the window slides over the map of 109.")
close(shapes[0, True], [109, 54], case="no padding, rounded up",
      hint="only the pooling may round up.")
### BEGIN HIDDEN TESTS
same(zf_shapes, solution.zf_shapes, case="the lecture's figure")
found = [setting for setting, sides in zf_shapes().items() if tuple(sides) == (110, 55)]
passes(len(found) == 1 and tuple(found[0]) == (1, True), "exactly one setting should give the sides in the figure")
### END HIDDEN TESTS

# %% [markdown]
# The same search for a smaller layer, by hand: 9 pixels, a kernel of 3 at stride 1, then windows of 3 at stride 3. Padding
# 0 leaves 7 and padding 1 leaves 9. From 7 the windows make $4/3$ more steps, rounded 1 or 2; from 9 they make 2.
# (Hidden: other layers.)

# %% check="zf_shapes" name="other-layers" points=1
shapes = zf_shapes(9, 3, 1, 3, 3)
close(len(shapes), 4, case="a small layer, settings",
      hint="kernel // 2 is the last padding to try.")
close(shapes[0, False], [7, 2], case="a small layer, padding 0, down",
      hint="the pooling has no padding.")
close(shapes[0, True], [7, 3], case="a small layer, padding 0, up",
      hint="a third of a step becomes a whole one.")
close(shapes[1, False], [9, 3], case="a small layer, padding 1, down",
      hint="padding is added at each end.")
close(shapes[1, True], [9, 3], case="a small layer, padding 1, up",
      hint="the pooling has no padding.")
refuses(zf_shapes, 6, 7, 2, 3, 2, argument="kernel", case="a kernel larger than the image")
### BEGIN HIDDEN TESTS
for side, kernel, stride, window, pool_stride in [
    (227, 11, 4, 3, 2), (32, 5, 1, 2, 2), (65, 4, 3, 5, 3), (19, 1, 1, 4, 3), (50, 9, 5, 4, 2),
    (30, 5, 1, 5, 5), (40, 5, 1, 7, 7), (19, 3, 1, 8, 7),
]:
    case = f"side {side}, kernel {kernel}, stride {stride}, window {window}, pool_stride {pool_stride}"
    expected = {
        (padding, ceil): (conv, -(-(conv - window) // pool_stride) + 1 if ceil else (conv - window) // pool_stride + 1)
        for padding in range(kernel // 2 + 1) for conv in [(side + 2 * padding - kernel) // stride + 1] for ceil in (False, True)
    }
    same(zf_shapes, lambda *_: expected, side, kernel, stride, window, pool_stride, case=case)
same(zf_shapes, solution.zf_shapes, kernel=4, case="another kernel, the rest not given")
same(zf_shapes, solution.zf_shapes, 5, 5, 1, 1, 1, case="a kernel as large as the image, a window as large as the map")
refuses(zf_shapes, 4, 5, 1, 1, 1, argument="kernel", case="a kernel larger than the image")
for pool_stride in (0, -1):
    refuses(zf_shapes, 24, 7, 2, 3, pool_stride, argument="pool_stride", case="a stride below 1")
    refuses(zf_shapes, 24, 7, pool_stride, 3, 2, argument="stride", case="a stride below 1")
refuses(zf_shapes, 24, 7, 2, 12, 2, argument="window", case="a window larger than the map")
### END HIDDEN TESTS

# %% [markdown]
# All settings beside what the figure says. How many lines are right, and does any other come close?

# %% demo=True
for (padding, ceil), (convolved, pooled) in zf_shapes().items():
    remark = "← as in the figure" if (convolved, pooled) == (110, 55) else ""
    rounds = "up  " if ceil else "down"
    print(f"padding {padding}, pooling rounds {rounds}: 224 → {convolved} → {pooled} {remark}")

# %% [markdown]
# > **Museum of real bugs.** "Round to the nearest" is a third way, and in Python both `round(53.5)` and
# > `round(54.5)` are 54. A network whose sizes are rounded to the nearest has the right shape for some images and
# > fails for others. And AlexNet's own paper says that its images are 224 pixels wide, which its first layer, kernels
# > of 11 at stride 4 without padding, does not turn into the 55 of its figure. With 227 pixels it does.

# %% [markdown]
# ## 8. What does a network cost?
#
# A network has three costs. **Parameters** fill memory and must be learned. **Units** hold activations. And
# **multiply-adds** take time: one for each weight at each place where it is used.
#
# Four functions describe layers, so that one can write a network down. They only make dictionaries. A pair may be given
# as one number if both are the same.

# %%
def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def conv(filters, kernel, stride=1, padding=0, seen=None, shared=True, bias="filter"):
    return {"kind": "conv", "filters": filters, "kernel": pair(kernel), "stride": pair(stride),
            "padding": pair(padding), "seen": seen, "shared": shared, "bias": bias}


def pool(window, stride, padding=0, ceil=False):
    return {"kind": "pool", "kernel": pair(window), "stride": pair(stride),
            "padding": pair(padding), "ceil": ceil}


def dense(units, bias="unit"):
    return {"kind": "dense", "units": units, "bias": bias}

# %% [markdown]
# Most of this you know. What is new serves the lecture's networks:
#
# * `seen` is the number of input channels that each filter reads; `None` means all of them. AlexNet ran on two GPUs, and
#   some of its filters read only the half of the channels that lay on their own GPU. In the network of 1989, each
#   filter of the second layer reads 8 of 12 channels.
# * `shared=False` gives every position weights of its own: the *locally connected* layer of the lecture.
# * `bias` is how many biases a layer has: one for each `"filter"`, one for each `"unit"` (as in 1989), or `"none"`.
#   In a dense layer, each unit has its own weights anyway, and `"unit"` means one for each unit.
#
# *By hand.* Images of 1 × 8 × 6; `conv(4, 3)`, then `pool(2, 2)`, then `dense(10)`.
#
# | layer | shape | units | parameters | multiply-adds |
# |---|---|---|---|---|
# | conv | (4, 6, 4) | 96 | 4 · 9 weights + 4 biases = 40 | 96 units · 9 weights = 864 |
# | pool | (4, 3, 2) | 0 | 0 | 0 |
# | dense | (10, 1, 1) | 10 | 24 · 10 weights + 10 biases = 250 | 240 |
#
# Adding a bias does not count as a multiply-add. Pooling has no weights and takes little time. By custom, its outputs
# are not counted as units either.

# %% exercise="architecture_table"
def architecture_table(spec):
    """What each layer of a network costs.

    spec  dictionary {"input": (C, H, W), "layers": [...]}. Each layer is a dictionary, as made by
          one of
          conv:  "kind": "conv", "filters", "kernel", "stride", "padding", "seen", "shared", "bias"
          pool:  "kind": "pool", "kernel" (the window), "stride", "padding", "ceil"
          dense: "kind": "dense", "units", "bias"
          with the meanings above. Kernels, strides and paddings are pairs, vertical first. A
          padding is added at both ends. A convolution rounds sizes down, a pooling layer does if
          "ceil" is False. A dense layer reads all values of the layer before it.

    Returns a list with one dictionary for each layer, in order, with exactly these keys:
          "kind"           as in spec
          "shape"          (channels, height, width) of the output; (units, 1, 1) for a dense layer
          "units"          number of values in the output; 0 for a pooling layer
          "parameters"     number of weights and biases; 0 for a pooling layer
          "multiply_adds"  multiplications of a weight with an input, biases not counted; 0 for
                           pooling
    All numbers are whole (int) and exact however large.
    Raises ValueError if a "kind" is none of the three, if "seen" is more than the layer's input
    channels, or where output_size does.
    """
    for layer in spec["layers"]:
        require(layer["kind"] in ("conv", "pool", "dense"), "spec has a layer of unknown kind")
    ### BEGIN SOLUTION
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        row = {"kind": layer["kind"], "units": 0, "parameters": 0, "multiply_adds": 0}
        if layer["kind"] == "dense":
            inputs, (C, H, W) = C * H * W, (layer["units"], 1, 1)
            copies, filters = 1, C
        else:
            (kh, kw), (sh, sw), (ph, pw) = layer["kernel"], layer["stride"], layer["padding"]
            ceil, seen = layer.get("ceil", False), layer.get("seen") or C
            require(seen <= C, f"spec has a layer that sees {seen} channels of {C}")
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if layer["kind"] == "conv":
            inputs, C = seen * kh * kw, layer["filters"]
            copies, filters = (1 if layer["shared"] else H * W), C
        if layer["kind"] != "pool":
            row["units"] = C * H * W
            row["multiply_adds"] = row["units"] * inputs
            biases = {"filter": filters, "unit": row["units"], "none": 0}[layer["bias"]]
            row["parameters"] = filters * inputs * copies + biases
        rows.append({**row, "shape": (C, H, W)})
    return rows
    ### END SOLUTION

# %% [markdown]
# <details><summary>Hint: one rule for two kinds</summary>
#
# How many inputs does *one unit* read? Call it `inputs`. Multiply-adds are then units × inputs, for dense layers and
# convolutions alike, whether or not weights are shared. Only the number of *different* weights depends on sharing. You
# may find it easier to write one small function for each kind of layer.
# </details>
#
# The table from above:

# %% check="architecture_table" name="by-hand" points=1
table = architecture_table({"input": (1, 8, 6), "layers": [conv(4, 3), pool(2, 2), dense(10)]})
close([row["shape"] for row in table], [(4, 6, 4), (4, 3, 2), (10, 1, 1)], case="shapes",
      hint="channels first; pooling keeps them; a dense layer has one number for each unit.")
close([row["units"] for row in table], [96, 0, 10], case="units",
      hint="all values of the output, but none of pooling.")
close([row["parameters"] for row in table], [40, 0, 250], case="parameters",
      hint="how many weights has one filter or unit, and how many biases does `bias` ask for?")
close([row["multiply_adds"] for row in table], [864, 0, 240], case="multiply-adds",
      hint="each value of the output takes one for every input that it reads; biases take none.")

# %% [markdown]
# A less tidy one: images of 2 × 5 × 9, three filters of 1 × 3 at stride 2 with weights of their own at each position and no
# bias, then windows of 2 × 3 moved by 2 and 3, rounded up. A filter that would see three of the two channels is refused.
#
# | layer | shape | units | parameters | multiply-adds |
# |---|---|---|---|---|
# | conv | (3, 3, 4) | 36 | 36 units · 6 weights = 216 | 216 |
# | pool | (3, 2, 2) | 0 | 0 | 0 |

# %% check="architecture_table" name="untidy" points=1.5
flat = conv(3, (1, 3), stride=2, seen=2, shared=False, bias="none")
table = architecture_table({"input": (2, 5, 9), "layers": [flat, pool((2, 3), (2, 3), ceil=True)]})
close([row["shape"] for row in table], [(3, 3, 4), (3, 2, 2)], case="shapes, nothing square",
      hint="pairs are vertical first, and this pooling rounds up.")
close([row["units"] for row in table], [36, 0], case="units, nothing square",
      hint="3 · 3 · 4, and none for pooling.")
close([row["parameters"] for row in table], [216, 0], case="parameters, not shared",
      hint="without sharing, every unit has weights of its own: 2 · 1 · 3.")
close([row["multiply_adds"] for row in table], [216, 0], case="multiply-adds, not shared",
      hint="one for each weight at each place where it is used.")
refuses(architecture_table, {"input": (2, 5, 9), "layers": [{**flat, "seen": 3}]}, argument="spec",
        case="a filter that sees three of two channels")

# %% [markdown]
# Now the real thing: the network of [LeCun and others, 1989](http://yann.lecun.com/exdb/publis/pdf/lecun-89e.pdf),
# AlexNet, and the network of Zeiler and Fergus, each written down once. Everything that follows, tables
# and drawings, is measured from these lines by your function. The two question marks of section 7 are filled in.

# %%
DIGITS_1989 = {"input": (1, 16, 16), "layers": [
    conv(12, 5, stride=2, padding=2, bias="unit"),
    conv(12, 5, stride=2, padding=2, seen=8, bias="unit"),
    dense(30), dense(10)]}

ALEXNET = {"input": (3, 227, 227), "layers": [
    conv(96, 11, stride=4), pool(3, 2), conv(256, 5, padding=2, seen=48), pool(3, 2),
    conv(384, 3, padding=1), conv(384, 3, padding=1, seen=192), conv(256, 3, padding=1, seen=192),
    pool(3, 2),
    dense(4096), dense(4096), dense(1000)]}

ZEILER_FERGUS = {"input": (3, 224, 224), "layers": [
    conv(96, 7, stride=2, padding=1), pool(3, 2, ceil=True), conv(256, 5, stride=2),
    pool(3, 2, ceil=True),
    conv(384, 3, padding=1), conv(384, 3, padding=1), conv(256, 3, padding=1), pool(3, 2),
    dense(4096), dense(4096), dense(1000)]}

# %% [markdown]
# AlexNet's authors speak of 650,000 units and 60 million parameters. Exactly, as far as anybody can tell:

# %% check="architecture_table" name="alexnet" points=0.5
table = architecture_table(ALEXNET)
close(sum(row["parameters"] for row in table), 60_965_224, tolerance=0, case="AlexNet's parameters",
      hint="some of its filters read only `seen` channels.")
close(sum(row["units"] for row in table), 659_272, tolerance=0, case="AlexNet's units",
      hint="pooled values are not counted.")
### BEGIN HIDDEN TESTS
same(architecture_table, solution.architecture_table, ALEXNET, case="AlexNet, layer by layer")
same(architecture_table, solution.architecture_table, ZEILER_FERGUS, case="Zeiler and Fergus, layer by layer")
### END HIDDEN TESTS

# %% [markdown]
# The network of 1989 has 9,760 parameters and 1,000 units. Its paper counts 64,660 connections: every multiply-add, and
# one connection to a bias for each unit.

# %% check="architecture_table" name="digits-1989" points=0.5
table = architecture_table(DIGITS_1989)
close(sum(row["parameters"] for row in table), 9_760, tolerance=0, case="parameters of 1989",
      hint="in its convolutions each unit has a bias, and the second reads `seen` channels only.")
close(sum(row["multiply_adds"] + row["units"] for row in table), 64_660, tolerance=0,
      case="connections of 1989",
      hint="shared weights work at every position.")
### BEGIN HIDDEN TESTS
same(architecture_table, solution.architecture_table, DIGITS_1989, case="the network of 1989, layer by layer")
### END HIDDEN TESTS

# %% [markdown]
# Other networks: nothing in them is square, and torch counts some of their parameters.

# %% check="architecture_table" name="hidden" points=1
# Hidden, 1 point: images, kernels, strides and paddings that are not square; every kind of bias;
# partly seen and unshared layers; very large layers; networks that cannot be built.
### BEGIN HIDDEN TESTS
import torch

spec = {"input": (3, 37, 29), "layers": [
    conv(7, (5, 3), (2, 1), (1, 2)), pool((3, 2), (2, 3), (1, 0), ceil=True), conv(5, (1, 4), (1, 2), (0, 1), seen=4),
    pool((2, 3), (3, 1)), dense(6), dense(4, bias="none")]}
model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 7, (5, 3), (2, 1), (1, 2)), torch.nn.MaxPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    torch.nn.Conv2d(7, 5, (1, 4), (1, 2), (0, 1)), torch.nn.MaxPool2d((2, 3), (3, 1)))
full = {**spec, "layers": [{**layer, "seen": None} if "seen" in layer else layer for layer in spec["layers"]]}
same(architecture_table, solution.architecture_table, full, case="a network that is nowhere square")
shape, counted, x = [], [], torch.zeros(1, 3, 37, 29)
for module in model:
    x = module(x)
    shape.append(tuple(x.shape[1:]))
    counted.append(sum(p.numel() for p in module.parameters()))
rows = architecture_table(full)
passes([tuple(row["shape"]) for row in rows[:4]] == shape, "the shapes are not those that torch computes")
passes([row["parameters"] for row in rows[:4]] == counted, "the parameters are not as many as torch has")
same(architecture_table, solution.architecture_table, spec, case="a layer that sees a part of its channels")
all_seen = {"input": (3, 9, 11), "layers": [conv(4, (2, 3), seen=3), conv(5, (3, 2), seen=4)]}
same(architecture_table, solution.architecture_table, all_seen, case="layers whose `seen` is all of their channels")
for channels in (1, 2, 5):
    one = {"input": (channels, 6, 7), "layers": [conv(2, (2, 3), seen=channels, bias="unit")]}
    same(architecture_table, solution.architecture_table, one, case="a layer whose `seen` is all of its channels")
for bias in ("filter", "unit", "none"):
    for shared in (True, False):
        layers = [conv(3, (2, 5), (3, 1), (1, 0), shared=shared, bias=bias), conv(4, (3, 2), seen=2, shared=shared, bias=bias)]
        case = f"bias {bias}, {'shared' if shared else 'unshared'} weights"
        same(architecture_table, solution.architecture_table, {"input": (2, 19, 14), "layers": layers}, case=case)
same(architecture_table, solution.architecture_table, {"input": (1, 5, 7), "layers": []}, case="no layers")
huge = {"input": (3, 10**6, 10**6 + 1), "layers": [dense(10**7, bias="none")]}
same(architecture_table, solution.architecture_table, huge, case="a very large layer")
fitting = {"input": (2, 4, 5), "layers": [conv(3, (6, 9), padding=(1, 2))]}
same(architecture_table, solution.architecture_table, fitting, case="a kernel as large as the padded image")
unchanged(architecture_table, spec, case="any network")
refuses(architecture_table, {"input": (1, 8, 8), "layers": [{"kind": "fold"}]}, argument="spec", case="an unknown kind")
for layers, case in [
    ([conv(4, 3, seen=4)], "a layer that sees more channels than there are"),
    ([conv(4, 3), conv(2, 3, seen=5)], "a second layer that sees more channels than there are"),
    ([conv(4, 9)], "a kernel larger than the image"), ([conv(4, 3), pool(7, 2, ceil=True)], "a window larger than the map"),
    ([conv(4, (3, 8))], "a kernel wider than the image"), ([conv(4, 3, stride=(1, 0))], "stride 0"),
    ([conv(4, 3, padding=(0, -1))], "a negative padding"), ([conv(4, 3, padding=(-1, 0))], "a negative padding"),
    ([conv(4, 10, padding=1)], "a kernel wider than the padded image"),
    ([conv(4, (11, 3), padding=(1, 0))], "a kernel higher than the padded image"),
]:
    refuses(architecture_table, {"input": (3, 8, 7), "layers": layers}, argument="spec", case=case)
for kind in ("Conv", "fc", "", None):
    layer = {**conv(4, 3), "kind": kind}
    refuses(architecture_table, {"input": (3, 8, 7), "layers": [layer]}, argument="spec", case="a layer of another kind")
    refuses(architecture_table, {"input": (3, 8, 7), "layers": [dense(5), {**dense(4), "kind": kind}]}, argument="spec",
            case="a second layer of another kind")
### END HIDDEN TESTS

# %% [markdown]
# ### What the lecture compares
#
# The 1000 × 1000 image of assignment 01 once more: fully connected, locally connected, convolutional. You have counted
# the weights before. Now there is a second column, multiply-adds, and it tells another story.

# %%
WIRINGS = {
    "full, 1M units": dense(10**6, bias="none"),
    "local, 1 map": conv(1, 10, shared=False, bias="none"),
    "shared, 1 map": conv(1, 10, bias="none"),
    "shared, 100 maps": conv(100, 10, bias="none"),
}

# %% [markdown]
# > **Predict, then run.** A layer with one filter of 10 × 10 is locally connected at first, and then its weights are
# > shared. How many times fewer multiply-adds does it need afterwards?

# %% demo=True
guess = "?"  # a number
costs = [architecture_table({"input": (1, 1000, 1000), "layers": [layer]})[0]
         for layer in WIRINGS.values()]
fig, axes = plt.subplots(1, 2, figsize=(10, 2.6), sharey=True)
for ax, key in zip(axes, ("parameters", "multiply_adds")):
    bars = ax.barh(list(WIRINGS), [row[key] for row in costs], log=True,
                   color="C0" if key == "parameters" else "0.6")
    ax.bar_label(bars, labels=[f"{row[key]:,}" for row in costs], padding=4, fontsize="small")
    ax.set(xlim=(1, 1e18), xlabel=key.replace("_", "-"))
axes[0].set_title("Sharing saves parameters …")
axes[1].set_title("… but not a single multiplication")
axes[0].invert_yaxis()
print("you said:", guess)

# %% [markdown]
# Compare the second bar with the lecture's 100M. A kernel of 10 has only 991 positions along 1000 pixels, and
# 991² = 982,081 units is what the lecture rounds to a million.
#
# ### The networks, drawn to measure
#
# The next cell draws a network from your table. A box is as tall as the side of the layer's maps and as wide as the
# number of its channels, both on a scale of square roots, for otherwise most boxes would be invisible. The scale is the
# same for all three.

# %%
def draw_network(spec, rows, ax, title):
    left = 0.0
    for kind, shape in [("input", spec["input"])] + [(row["kind"], row["shape"]) for row in rows]:
        width, height = 0.35 + shape[0] ** 0.5 / 20, shape[1] ** 0.5
        grey = {"input": "white", "conv": "0.55", "pool": "0.85", "dense": "black"}[kind]
        ax.bar(left, height, width, bottom=-height / 2, align="edge", color=grey, edgecolor="black",
               linewidth=0.8)
        text = f"{shape[0]}@{shape[1]}×{shape[2]}" if shape[1] > 1 else f"{shape[0]}"
        ax.text(left + width / 2, -0.04, text, transform=ax.get_xaxis_transform(), ha="right",
                va="top", rotation=35)
        left += width + 0.55
    ax.set(title=title, xlim=(-0.8, 23), ylim=(-7.7, 7.7))
    ax.axis("off")

# %% [markdown]
# Three networks, the first of them 23 years older than the second. White is the image, dark grey a convolution,
# light grey pooling, black a dense layer. Look at which layers are wide where the maps are small.

# %% demo=True
drawn = {"LeCun and others, 1989": DIGITS_1989, "AlexNet, 2012": ALEXNET,
         "Zeiler and Fergus, 2013": ZEILER_FERGUS}
fig, axes = plt.subplots(3, 1, figsize=(9, 9))
for ax, (name, spec) in zip(axes, drawn.items()):
    rows = architecture_table(spec)
    parameters, work = (sum(row[key] for row in rows) for key in ("parameters", "multiply_adds"))
    draw_network(spec, rows, ax, f"{name}: {parameters:,} parameters, {work:,} multiply-adds")

# %% [markdown]
# In the third drawing you find the lecture's sizes, 110, 55, 26, 13 and 6, and 6 · 6 · 256 = 9216 numbers that enter the
# first dense layer.
#
# ### Where does it go?
#
# AlexNet's bill, layer by layer, for parameters and for multiply-adds.
#
# > **Predict, then run.** Which layer has the most parameters? Which one takes the most time? Is it the same?

# %% demo=True
guess = "?"  # one layer for the parameters, one for the time
rows = [row for row in architecture_table(ALEXNET) if row["kind"] != "pool"]
names = ["conv1", "conv2", "conv3", "conv4", "conv5", "dense1", "dense2", "dense3"]
colors = ["C0" if row["kind"] == "conv" else "0.6" for row in rows]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
for ax, key in zip(axes, ("parameters", "multiply_adds")):
    values = np.array([row[key] for row in rows])
    bars = ax.barh(names, values / 1e6, color=colors)
    ax.bar_label(bars, labels=[f"{100 * value / values.sum():.1f} %" for value in values],
                 padding=4)
    share = 100 * values[:5].sum() / values.sum()
    ax.set(title=f"Convolutions have {share:.1f} % of the {key.replace('_', '-')}",
           xlabel="millions")
    ax.margins(x=0.16)
axes[0].invert_yaxis()
print("you said:", guess)

# %% [markdown]
# ## 9. GoogLeNet's block
#
# Two years later [GoogLeNet](https://arxiv.org/abs/1409.4842) did better with about a tenth of AlexNet's parameters. Its
# figure, a long ribbon of small boxes, fills a page, but it repeats one block. A block sends its input through four
# branches at once and stacks their outputs as channels, as the drawing at the end of this section shows:
#
# * kernels of 1 × 1;
# * 1 × 1, then kernels of 3 × 3;
# * 1 × 1, then kernels of 5 × 5;
# * max pooling, then 1 × 1.
#
# A kernel of 1 × 1 looks at one pixel: it makes new channels out of old ones, no more. Its purpose here is to make *few*
# channels before the large kernels come. These 1 × 1 layers are called *reductions*. How much do they save? The *naive*
# block does without them: the large kernels read all input channels, and the pooled channels are passed on as they are.
#
# *By hand.* A 5 × 5 layer with 32 filters on 192 channels has $32 \cdot (192 \cdot 25 + 1) = 153{,}632$ parameters. With a
# reduction to 16 channels it is $16 \cdot (192 + 1) = 3{,}088$ for the reduction and $32 \cdot (16 \cdot 25 + 1) =
# 12{,}832$ after it: a tenth.

# %%
INCEPTION_3A = {"input": (192, 28, 28), "one": 64, "reduce_three": 96, "three": 128,
                "reduce_five": 16, "five": 32, "pool": 32}

# %% [markdown]
# Each branch is a row of convolutions, and your table knows what they cost:

# %%
def block_layers(spec, reductions):
    """The convolutions of a block: pairs of the channels that they read and the layer."""
    C = spec["input"][0]
    plain = [(C, conv(spec["one"], 1))]
    if not reductions:
        return [*plain, (C, conv(spec["three"], 3, padding=1)),
                (C, conv(spec["five"], 5, padding=2))]
    small, tiny = spec["reduce_three"], spec["reduce_five"]
    return [*plain, (C, conv(small, 1)), (small, conv(spec["three"], 3, padding=1)),
            (C, conv(tiny, 1)), (tiny, conv(spec["five"], 5, padding=2)),
            (C, conv(spec["pool"], 1))]


def block_cost(spec, reductions):
    """What a block costs: parameters and multiply-adds, added up over its convolutions."""
    _, height, width = spec["input"]
    rows = [architecture_table({"input": (channels, height, width), "layers": [layer]})[0]
            for channels, layer in block_layers(spec, reductions)]
    return {key: sum(row[key] for row in rows) for key in ("parameters", "multiply_adds")}

# %% [markdown]
# > **Predict, then run.** In block 3a, the first of GoogLeNet's nine, the reductions are three layers more. Does the block
# > with them need half as many multiply-adds as the naive one, a tenth, or more? And how many channels come out of each?

# %% demo=True
guess = "?"  # half, a tenth, or more than half
branches = INCEPTION_3A["one"] + INCEPTION_3A["three"] + INCEPTION_3A["five"]
for name, reductions, pooled in [("with reductions", True, INCEPTION_3A["pool"]),
                                 ("naive", False, INCEPTION_3A["input"][0])]:
    cost = block_cost(INCEPTION_3A, reductions)
    print(f"{name:16} {cost['parameters']:>8,} parameters,",
          f"{cost['multiply_adds']:>12,} multiply-adds, {branches + pooled} channels out")
print("you said:", guess)

# %% [markdown]
# A little less than half: the 1 × 1 layers cost something, and the 3 × 3 kernels still read 96 channels. The larger gain
# comes later. The naive block passes on all of its pooled channels, so each block would have more to read than the last.

# %% [markdown]
# The block, drawn from the same line. An arrow carries the number of channels; reductions are grey. Follow the 192
# channels up each branch and see where they shrink.

# %%
def draw_block(spec, ax):
    branches = [[("1×1", "one")], [("1×1", "reduce_three"), ("3×3", "three")],
                [("1×1", "reduce_five"), ("5×5", "five")], [("pool", None), ("1×1", "pool")]]
    box = dict(boxstyle="round,pad=0.5", edgecolor="black")
    for column, branch in enumerate(branches):
        channels, nodes = spec["input"][0], [(1.5, 0.0)]
        for step, (name, key) in enumerate(branch):
            nodes.append((column, 1.0 + step if len(branch) > 1 else 1.5))
            label = f"{channels}" if step or column == 0 else f"{spec['input'][0]}"
            ax.annotate("", nodes[-1], nodes[-2],
                        arrowprops=dict(arrowstyle="->", shrinkB=15, shrinkA=12))
            middle = np.add(nodes[-1], nodes[-2]) / 2
            ax.text(*middle, label, ha="center", backgroundcolor="white", fontsize="small")
            grey = "0.8" if key and (key.startswith("reduce") or key == "pool") else "white"
            ax.text(*nodes[-1], name, ha="center", va="center", bbox={**box, "facecolor": grey})
            channels = spec[key] if key else channels
        ax.annotate("", (1.5, 3.0), nodes[-1],
                    arrowprops=dict(arrowstyle="->", shrinkA=15, shrinkB=12))
        ax.text(*(np.add((1.5, 3.0), nodes[-1]) / 2), channels, ha="center",
                backgroundcolor="white", fontsize="small")
    ax.set(xlim=(-0.5, 3.5), ylim=(-0.3, 3.3))
    ax.axis("off")

# %% demo=True
fig, axes = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.6, 1])
draw_block(INCEPTION_3A, axes[0])
axes[0].text(1.5, 0, f"{INCEPTION_3A['input'][0]} channels", ha="center", va="center")
axes[0].text(1.5, 3, f"{branches + INCEPTION_3A['pool']} channels", ha="center", va="center")
axes[0].set_title("Block 3a of GoogLeNet, bottom to top")
work = [block_cost(INCEPTION_3A, reductions)["multiply_adds"] / 1e6 for reductions in (True, False)]
axes[1].bar_label(axes[1].bar(["with reductions", "naive"], work, color=["C0", "0.6"]), fmt="%.0f",
                  padding=3)
axes[1].set(title="What the grey boxes save", ylabel="multiply-adds, millions");

# %% [markdown]
# ## 10. In your own words
#
# You have measured where AlexNet's parameters are and where its multiply-adds are. Answer in a few sentences each, with
# numbers from this notebook where they help.
#
# 1. Parameters and multiply-adds are in different places. Where is the one, where is the other, and why?
# 2. Somebody wants AlexNet on a telephone with little *memory*, somebody else on one with a slow *processor*. Name for
#    each one change to the architecture that helps most, and say what it costs.
# 3. Images become twice as high and wide. What happens to the parameters and the multiply-adds of a convolutional layer,
#    and what happens to the first dense layer?

# %% [markdown] answer="where-the-cost-is" points=3
# *Your answer:*
#
# ### BEGIN SOLUTION
# One point for each part; half a point for an answer that is right but gives no reason.
#
# 1. The dense layers hold 96.2 % of the parameters, the first of them alone 62 %; the convolutions hold 3.8 % but do
#    about 92 % of the multiply-adds. A convolution's weight is used at every position of a map, thousands of times; a
#    dense layer's weight is used exactly once per image.
# 2. Memory: shrink or remove the dense layers, above all the first (fewer units, a smaller map before it, or averaging
#    each map to one number as GoogLeNet does); cost: less freedom to combine features with their positions, perhaps
#    some accuracy. Processor: fewer or smaller maps in the convolutions (larger stride, earlier pooling, 1×1 reductions,
#    fewer filters, partly seen channels); cost: finer detail or fewer features. Any sensible pair with its price counts.
# 3. The convolution keeps its parameters (per-filter biases) and does about four times the multiply-adds. The first dense
#    layer reads about four times as many inputs, so it needs four times the weights; the trained ones no longer fit.
# ### END SOLUTION

# %% [markdown]
# ## Five questions
#
# Decide before you unfold. Nobody grades these.
#
# 1. A map of 10 × 10, a kernel of 3, stride 2, padding 1: how many rows has the result?
# <details><summary>Answer</summary>5: (10 + 2 − 3) / 2 = 4.5 more steps, rounded down, and the first position.</details>
#
# 2. A layer has 16 filters of 3 × 3 and reads an RGB image. How many weights has it, without biases?
# <details><summary>Answer</summary>16 · 3 · 9 = 432. Each filter reads all three channels.</details>
#
# 3. Two layers with kernels of 3 and stride 1, or one with a kernel of 5: which sees more, and which has more weights
# (one channel)?
# <details><summary>Answer</summary>Both see 5 × 5 pixels. The two small kernels have 18 weights, the large one
# 25.</details>
#
# 4. Weights become shared. What happens to the number of multiply-adds?
# <details><summary>Answer</summary>Nothing. Sharing saves memory, not work.</details>
#
# 5. `product.reshape(N, F, rows, columns)` has the right shape and wrong values. When would a check not notice?
# <details><summary>Answer</summary>If N and F are both 1, for instance: then there is nothing to mix up.</details>
#
# **What torch calls it.** `conv_forward` is `torch.nn.functional.conv2d`, and `torch.nn.Conv2d` with weights of its own;
# `pad2d` is `torch.nn.functional.pad`; `im2col` is `torch.nn.functional.unfold`; a layer that reads only some of its channels
# has `groups=2`; `ceil` is `ceil_mode` of `torch.nn.MaxPool2d`.
#
# ## If you want more
#
# Nobody grades this. Two ways to make a layer cheaper, or its view wider, without a larger kernel:
#
# * **Dilation.** The kernel is spread out: between two of its entries lie $d - 1$ pixels that it does not read. What does
#   `output_size` have to be given for a kernel of 3 with $d = 2$?
# * **Groups.** Channels and filters are divided into as many groups, and each filter reads only the channels of its own
#   group, as in AlexNet.
#
# Both take a few lines more in `conv_forward`. Compare yours with torch:

# %% demo=True
def conv_further(x, w, b, dilation=(1, 1), groups=1):
    return None  # yours: w has the shape (F, C // groups, kh, kw)


import torch

rng = np.random.default_rng(0)
x, b = rng.normal(size=(2, 4, 7, 8)), rng.normal(size=6)
for options in (dict(dilation=(2, 3)), dict(groups=2)):
    w = rng.normal(size=(6, 4 // options.get("groups", 1), 3, 2))
    expected = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w, b)), **options).numpy()
    mine = conv_further(x, w, b, **options)
    off = None if mine is None else np.abs(mine - expected).max()
    print(options, "not written yet" if off is None else f"off by {off:.1e} at most")

# %% [markdown]
# ## Glossary
#
# | word | meaning |
# |---|---|
# | activation function | the nonlinear function after a layer |
# | batch | several images in one array, along the first axis |
# | bias | a number added to every value of a feature map |
# | ceil mode | rounding the number of positions up |
# | channel | one of the maps that make up an image: red, green, blue, or what a filter found |
# | dense layer | every unit reads all values of the layer before; also called fully connected |
# | feature map | what comes out of one filter |
# | filter | a kernel with all of its channels, and its bias |
# | im2col | writing the patches of an image as rows (or columns) of a matrix |
# | locally connected layer | units see patches, as in a convolution, but each has weights of its own |
# | multiply-add | one multiplication of a weight with an input, and adding it up; the usual measure of work |
# | padding | rows and columns added around an image |
# | parameter | a number that is learned: a weight or a bias |
# | receptive field | the pixels that can influence a unit |
# | reduction | a 1 × 1 convolution that makes fewer channels |
# | stride | by how many pixels the kernel moves at a time |
# | unit | one value of a layer's output |

# %% [markdown]
# ## What you can now do
#
# * say how large a feature map will be, and find out which rounding and padding a published figure has used;
# * write a convolutional layer with depth, stride and padding from its definition, and as one product of matrices;
# * choose among six activation functions, and compute a sigmoid that does not overflow;
# * say how much of an image a unit sees;
# * count a network's parameters, units and multiply-adds, say where each is spent, and what 1 × 1 reductions save.
#
# Before you hand in, choose *Kernel → Restart Kernel and Run All Cells*, and see that every visible check is silent.
#
# **Next:** assignment 03, *pooling*. In this notebook pooling was a line in a table. There you write it, forwards and
# backwards, and measure what a network gains by forgetting where things are.
