"""Wrong answers to assignment 02 that somebody believes in, each with what to say to whoever wrote it."""

import numpy as np

from autograder.authoring.answers import changed, misconception


# output_size


@misconception(
    of="output_size",
    says="You rounded to the nearest whole number. A step that would carry the kernel over the end is not "
    "taken at all, however little is missing: round down, and up only if asked to.",
)
def rounded_to_nearest(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    steps = (n + 2 * padding - kernel) / stride
    return (int(np.ceil(steps)) if ceil else round(steps)) + 1


@misconception(
    of="output_size",
    says="You counted the padding once. It stands at both ends of the axis, so the axis grows by twice as much.",
)
def padding_once(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    room = n + padding - kernel
    return (-(-room // stride) if ceil else room // stride) + 1


@misconception(
    of="output_size",
    says="You counted the steps, not the positions. The kernel stands somewhere before its first step, so "
    "there is one position more.",
)
def first_position_forgotten(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    room = n + 2 * padding - kernel
    return -(-room // stride) if ceil else room // stride


@misconception(
    of="output_size",
    says="You divided and did not round. There is no half position: the number of positions is whole, an int.",
)
def float_returned(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    steps = (n + 2 * padding - kernel) / stride
    return (float(np.ceil(steps)) if ceil else steps) + 1


@misconception(
    of="output_size",
    says="You divided with `/` before you rounded. Beyond 2⁵³ a float no longer holds every whole number; `//`"
    " stays exact.",
)
def through_floats(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    steps = (n + 2 * padding - kernel) / stride
    return int(np.ceil(steps) if ceil else np.floor(steps)) + 1


@misconception(
    of="output_size",
    says="Your result is rounded down even where `ceil` asks for rounding up.",
)
def ceil_ignored(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    return (n + 2 * padding - kernel) // stride + 1


@misconception(
    of="output_size",
    says="Your result is rounded up even where `ceil` is False. A convolution leaves out a step that it cannot finish.",
)
def always_rounded_up(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n + 2 * padding:
        raise ValueError("n, kernel, stride or padding")
    return -(-(n + 2 * padding - kernel) // stride) + 1


@misconception(
    of="output_size",
    says="Your function gives a number of positions, even a negative one, for a kernel that does not fit "
    "anywhere. Compare the kernel with the padded axis first.",
)
def too_large_a_kernel_accepted(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0:
        raise ValueError("n, kernel, stride or padding")
    room = n + 2 * padding - kernel
    return (-(-room // stride) if ceil else room // stride) + 1


@misconception(
    of="output_size",
    says="You compared the kernel with the image alone. What has to hold it is the padded axis, n + 2 padding: a "
    "kernel larger than the image fits if there is padding enough.",
)
def compared_with_the_image_alone(n, kernel, stride=1, padding=0, ceil=False):
    if n < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > n:
        raise ValueError("n, kernel, stride or padding")
    room = n + 2 * padding - kernel
    return (room + stride - 1 if ceil else room) // stride + 1


# pad2d


@misconception(
    of="pad2d",
    says="Your border has the right width in all, but stands on one side only: above and to the left. Each of "
    "the four sides has a width of its own.",
)
def one_side_only(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    widths = ((0, 0), (0, 0), (top + bottom, 0), (left + right, 0))
    return np.pad(x.astype(float), widths, constant_values=value)


@misconception(
    of="pad2d",
    says="You put a border around the channels, too. The image grows in height and width; it does not get more"
    " colours.",
)
def channels_padded(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    widths = ((0, 0), (top, bottom), (top, bottom), (left, right))
    return np.pad(x.astype(float), widths, constant_values=value)


@misconception(
    of="pad2d",
    says="Your border is zero, whatever `value` says.",
)
def value_ignored(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    return np.pad(x.astype(float), ((0, 0), (0, 0), (top, bottom), (left, right)))


@misconception(
    of="pad2d",
    says="Your border has top and bottom, left and right exchanged. `padding[0][0]` is the number of rows "
    "above the image.",
)
def sides_exchanged(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    widths = ((0, 0), (0, 0), (bottom, top), (right, left))
    return np.pad(x.astype(float), widths, constant_values=value)


@misconception(
    of="pad2d",
    says="You padded the rows by what was meant for the columns. The first pair is about height, the second "
    "about width.",
)
def axes_exchanged(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    widths = ((0, 0), (0, 0), (left, right), (top, bottom))
    return np.pad(x.astype(float), widths, constant_values=value)


@misconception(
    of="pad2d",
    says="Your result has the type of the image. Among whole numbers a border of one half becomes 0; make a "
    "float64 array.",
)
def type_of_the_image(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


@misconception(
    of="pad2d",
    says="You repeated the outermost pixels. The border should hold `value`, the same everywhere.",
)
def edge_repeated(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    return np.pad(x.astype(float), ((0, 0), (0, 0), (top, bottom), (left, right)), mode="edge")


@misconception(
    of="pad2d",
    says="Your slice ends at `-bottom` or `-right`. That works until one of them is 0: `a[1:-0]` is `a[1:0]`, which is "
    "empty. Write the end as `top + H` and `left + W`.",
)
def slice_to_minus_zero(x, padding, value=0.0):
    (top, bottom), (left, right) = padding
    if x.ndim != 4 or min(top, bottom, left, right) < 0:
        raise ValueError("x or padding")
    N, C, H, W = x.shape
    padded = np.full((N, C, top + H + bottom, left + W + right), value, dtype=float)
    padded[:, :, top:-bottom, left:-right] = x
    return padded


# conv_forward


@misconception(
    of="conv_forward",
    says="You moved by the horizontal stride vertically and the other way round. Pairs are vertical first.",
)
def strides_exchanged(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sw, sh), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You used the vertical stride along both axes. The pair may hold two different numbers.",
)
def one_stride_for_both(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, _), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sh, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sh : j * sh + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You padded rows by the horizontal padding and columns by the vertical one. Pairs are vertical first.",
)
def paddings_exchanged(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (pw, ph) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You put all zeros above and to the left. Half of them belong below and to the right.",
)
def padded_before_only(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((2 * ph, 0), (2 * pw, 0)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="Your layer does not look beyond the border: it gives the same maps with padding as without.",
)
def padding_ignored(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw) = x.shape, w.shape, stride
    height, width = output_size(H, kh, sh), output_size(W, kw, sw)
    padded = x
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You used the kernel's height for its width when you counted the positions. Kernels need not be square.",
)
def height_for_width(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kh, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw + kh * sw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You read only the first channel. Each channel of the image meets the same channel of the kernel, and"
    " all are added.",
)
def first_channel_only(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, 0, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f, 0]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You averaged over the channels. Their contributions are added.",
)
def channels_averaged(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, C, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) / C + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You added the bias once for every input channel. It belongs to the filter and is added once.",
)
def bias_per_channel(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, C, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + C * b[f]
    return y


@misconception(
    of="conv_forward",
    says="You left out the bias.",
)
def bias_forgotten(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f])
    return y


@misconception(
    of="conv_forward",
    says="You flipped the kernels. A layer computes cross-correlation, as every library does; assignment 01 "
    "has the difference.",
)
def kernels_flipped(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f, :, ::-1, ::-1]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You matched the first channel of the image with the last of the kernel. A flip turns rows and "
    "columns, never channels.",
)
def channel_order_reversed(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f, ::-1]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="You counted a position that the stride does not reach: sizes are rounded down, and what is left at "
    "the end is not read.",
)
def positions_rounded_up(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph, True), output_size(W, kw, sw, pw, True)
    padded = pad2d(x, ((ph, ph + sh), (pw, pw + sw)))
    y = np.zeros((N, F, height, width))
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


@misconception(
    of="conv_forward",
    says="Your result has the type of the images, so for whole numbers the fractions are lost. Feature maps "
    "are float64.",
)
def whole_numbers_kept(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    height, width = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, height, width), dtype=x.dtype)
    for n, f, i, j in np.ndindex(y.shape):
        patch = padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        y[n, f, i, j] = np.sum(patch * w[f]) + b[f]
    return y


changed(
    "shapes_unchecked",
    of="conv_forward",
    says="Your layer accepts kernels whose channels are not the image's. numpy stretches an axis of length 1 "
    "without a word, so the mistake goes unnoticed: compare the shapes first.",
    old="""
        if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
            raise ValueError(f"x and w must have four axes and as many channels, not {x.shape} and {w.shape}")
        if b.shape != (len(w),):
            raise ValueError(f"b must have shape {(len(w),)}, not {b.shape}")
    """,
    new="",
)


@misconception(
    of="conv_forward",
    says="You changed the shape of the biases you were given, in place. Whoever called you still needs them: "
    "use `b[:, None, None]` or `b.reshape`, which leave `b` alone.",
)
def bias_reshaped_in_place(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw), (sh, sw), (ph, pw) = x.shape, w.shape, stride, padding
    y = np.zeros((N, F, output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)))
    padded = pad2d(x, ((ph, ph), (pw, pw)))
    for n, f, i, j in np.ndindex(y.shape):
        y[n, f, i, j] = np.sum(padded[n, :, i * sh : i * sh + kh, j * sw : j * sw + kw] * w[f])
    b.shape = (F, 1, 1)
    return y + b


# im2col


@misconception(
    of="im2col",
    says="Within your rows the channel changes fastest. It should change slowest: first all pixels of channel "
    "0, then of channel 1.",
)
def channels_last(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 4, 5, 1).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="Your matrix is transposed: it has a patch in each column. Here patches are rows, whatever the "
    "function's name says.",
)
def patches_in_columns(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * kh * kw).T


@misconception(
    of="im2col",
    says="Your rows begin with the first patch of every image. All patches of one image come first, then those"
    " of the next.",
)
def positions_before_images(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(2, 3, 0, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="Your patches go down each column first. They should go along each line first, as one reads.",
)
def positions_by_column(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 3, 2, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="Within a patch you wrote the pixels column by column. They should go row by row, as in `w.reshape`.",
)
def patches_by_column(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 5, 4).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="You exchanged height and width of the patch. Pairs are vertical first.",
)
def patch_sides_exchanged(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kw, kh), (sh, sw), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="You exchanged the two strides. Pairs are vertical first.",
)
def patch_strides_exchanged(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sw, sh), (ph, pw) = kernel_size, stride, padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="You took every patch, whatever the stride. Of the positions, only every `stride`-th is used.",
)
def patch_stride_ignored(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, (1, 1), padding
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


@misconception(
    of="im2col",
    says="Your patches never reach beyond the border: pad the images first.",
)
def patch_padding_ignored(x, kernel_size, stride=(1, 1), padding=(0, 0)):
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, (0, 0)
    padded, (N, C, H, W) = pad2d(x, ((ph, ph), (pw, pw))), x.shape
    rows, columns = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * kh * kw)


# conv_matmul


@misconception(
    of="conv_matmul",
    says="You reshaped the product straight to the shape of the result. The filter is its last axis; reshape "
    "with the filter last, then move that axis. Right shapes do not mean right places.",
)
def filter_axis_not_moved(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(F, -1).T + b
    return product.reshape(N, F, height, width)


@misconception(
    of="conv_matmul",
    says="After transposing, the filter is the first axis and the image the second. A reshape does not "
    "exchange them: with one image nobody notices, with two the maps are mixed up.",
)
def images_and_filters_mixed(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(F, -1).T + b
    return product.T.reshape(N, F, height, width)


@misconception(
    of="conv_matmul",
    says="You reshaped the kernels to the shape of the transposed matrix. That cuts them at the wrong places: "
    "one row per kernel first, then transpose.",
)
def kernels_cut_wrongly(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(-1, F) + b
    return product.reshape(N, height, width, F).transpose(0, 3, 1, 2)


@misconception(
    of="conv_matmul",
    says="Height and width have changed places when you brought the product into shape.",
)
def product_height_for_width(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(F, -1).T + b
    return product.reshape(N, width, height, F).transpose(0, 3, 2, 1)


@misconception(
    of="conv_matmul",
    says="You left out the bias.",
)
def product_bias_forgotten(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w.reshape(F, -1).T
    return product.reshape(N, height, width, F).transpose(0, 3, 1, 2)


@misconception(
    of="conv_matmul",
    says="You flipped the kernels before you multiplied. The matrix product should give what conv_forward gives.",
)
def product_kernels_flipped(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    height, width = (output_size(*axis) for axis in zip((H, W), (kh, kw), stride, padding))
    product = im2col(x, (kh, kw), stride, padding) @ w[:, :, ::-1, ::-1].reshape(F, -1).T + b
    return product.reshape(N, height, width, F).transpose(0, 3, 1, 2)


@misconception(
    of="conv_matmul",
    says="You left stride and padding out of the product: the layer always moves by one and never pads.",
)
def product_without_stride(x, w, b, stride=(1, 1), padding=(0, 0)):
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != (len(w),):
        raise ValueError("x, w or b")
    (N, _, H, W), (F, _, kh, kw) = x.shape, w.shape
    product = im2col(x, (kh, kw)) @ w.reshape(F, -1).T + b
    return product.reshape(N, H - kh + 1, W - kw + 1, F).transpose(0, 3, 1, 2)


# activation


@misconception(
    of="activation",
    says="Your sigmoid divides infinity by infinity where x is large. Each of its two formulas is safe on one "
    "side of zero only: choose by the sign of x.",
)
def sigmoid_overflows(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        return np.exp(x) / (1 + np.exp(x))
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your sigmoid computes e¹⁰⁰⁰ at x = −1000, which no float holds. Use the formula with e^x where x is "
    "negative.",
)
def sigmoid_overflows_at_minus_1000(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        import math

        return np.vectorize(lambda number: 1 / (1 + math.exp(-number)), otypes=[float])(x)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your tanh is stretched to twice its width. tanh(x) is 2σ(2x) − 1, with the 2 in both places.",
)
def tanh_too_wide(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return 2 * activation(x, "sigmoid") - 1
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your leaky ReLU lets one hundredth through, the default of many libraries. The lecture's slope is 0.1.",
)
def leak_of_one_hundredth(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.01 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="You took the smaller of 0.1 x and x. Above zero that is 0.1 x: the function bends the wrong way.",
)
def leak_of_the_smaller(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.minimum(0.1 * x, x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your ELU ignores alpha.",
)
def elu_without_alpha(x, name, alpha=1.0, weights=None, biases=None):
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
        return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="You put alpha into the exponent. It is a factor in front: the function tends to −alpha.",
)
def elu_alpha_in_the_exponent(x, name, alpha=1.0, weights=None, biases=None):
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
        return np.where(x >= 0, x, np.expm1(alpha * np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your ELU jumps at zero: you left out the −1 that lets the two parts meet.",
)
def elu_without_minus_one(x, name, alpha=1.0, weights=None, biases=None):
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
        return np.where(x >= 0, x, alpha * np.exp(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="All your linear functions in maxout have the bias of the first. Each has a bias of its own.",
)
def maxout_shares_bias(x, name, alpha=1.0, weights=None, biases=None):
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
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights), axis=0) + biases[0]


@misconception(
    of="activation",
    says="Your maxout leaves out the biases.",
)
def maxout_without_bias(x, name, alpha=1.0, weights=None, biases=None):
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
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights), axis=0)


@misconception(
    of="activation",
    says="You added the linear functions of maxout. A sum of linear functions is linear again; take the largest.",
)
def maxout_adds(x, name, alpha=1.0, weights=None, biases=None):
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
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.sum(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="You took the maximum over the outputs. It is taken over the linear functions, separately for each output.",
)
def maxout_over_outputs(x, name, alpha=1.0, weights=None, biases=None):
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
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->nkm", x, weights) + biases, axis=2)


@misconception(
    of="activation",
    says="For whole numbers your result is whole, too, so the leak is cut off. The result is float64 in every case.",
)
def whole_numbers_cut_off(x, name, alpha=1.0, weights=None, biases=None):
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        y = x.copy()
        y[x < 0] = 0.1 * x[x < 0]
        return y
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="You wrote zeros into the array that you were given. Somebody else still needs the negative values; "
    "make a new array.",
)
def relu_in_place(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        x[x < 0] = 0
        return x
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="Your ReLU turns negative values into positive ones. It replaces them by 0.",
)
def relu_takes_absolute(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        decay = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, decay) / (1 + decay)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.abs(x)
    if name == "leaky_relu":
        return np.where(x >= 0, x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    return np.max(np.einsum("nd,kdm->knm", x, weights) + biases[:, None, :], axis=0)


@misconception(
    of="activation",
    says="You gave the caller's biases another shape: `biases.shape = …` acts on the array that you were handed. "
    "`biases[:, None, :]` makes a view and leaves the array alone.",
)
def biases_reshaped_in_place(x, name, alpha=1.0, weights=None, biases=None):
    x = np.asarray(x, dtype=float)
    if name == "sigmoid":
        return 0.5 + 0.5 * np.tanh(x / 2)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.maximum(x, 0.1 * x)
    if name == "elu":
        return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))
    if name != "maxout" or weights is None or biases is None:
        raise ValueError("name, weights or biases")
    biases.shape = (len(biases), 1, biases.shape[1])
    return np.max(x @ weights + biases, axis=0)


# receptive_field


@misconception(
    of="receptive_field",
    says="You used only the stride of the layer just below. A step of one unit is as many pixels as the "
    "product of all strides below it.",
)
def stride_not_accumulated(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump, last = 1, 1, 1
    for kernel, stride in layers:
        size, jump, last = size + (kernel - 1) * last, jump * stride, stride
    return size, jump


@misconception(
    of="receptive_field",
    says="You added up the kernels as if every stride were 1. Above a layer with a stride, every kernel "
    "reaches further.",
)
def strides_left_out(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump = 1, 1
    for kernel, stride in layers:
        size, jump = size + kernel - 1, jump * stride
    return size, jump


@misconception(
    of="receptive_field",
    says="You added whole kernels. Neighbouring fields overlap: a kernel of k widens the field by k − 1 jumps.",
)
def kernels_added_whole(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump = 0, 1
    for kernel, stride in layers:
        size, jump = size + kernel * jump, jump * stride
    return size, jump


@misconception(
    of="receptive_field",
    says="You counted a layer's own stride when you widened its field. Its kernel lies on the units below, so "
    "only the strides below matter.",
)
def own_stride_counted(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump = 1, 1
    for kernel, stride in layers:
        jump = jump * stride
        size = size + (kernel - 1) * jump
    return size, jump


@misconception(
    of="receptive_field",
    says="Your jump is the last layer's stride. In pixels it is the product of all strides.",
)
def jump_of_the_last_layer(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump, last = 1, 1, 1
    for kernel, stride in layers:
        size, jump, last = size + (kernel - 1) * jump, jump * stride, stride
    return size, last


@misconception(
    of="receptive_field",
    says="You went through the layers from the top with the rule for going up. Begin with the first layer.",
)
def last_layer_first(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump = 1, 1
    for kernel, stride in reversed(layers):
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size, jump


@misconception(
    of="receptive_field",
    says="You returned the size of the field only. The distance between neighbouring fields is asked for as well.",
)
def field_returned_alone(layers):
    if any(kernel < 1 or stride < 1 for kernel, stride in layers):
        raise ValueError("layers")
    size, jump = 1, 1
    for kernel, stride in layers:
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size


changed(
    "layers_used_up",
    of="receptive_field",
    says="Your function uses up the list: `pop` takes the layers out of the caller's own list, which is empty "
    "afterwards. Loop over it, or over a copy.",
    old="for kernel, stride in layers:",
    new="""
        while layers:
            kernel, stride = layers.pop(0)
    """,
)


# zf_shapes


changed(
    "pooling_always_rounds_down",
    of="zf_shapes",
    says="Both ways of rounding give the same in your table: `ceil` does not reach the pooling.",
    old="shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)",
    new="shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride)",
)


@misconception(
    of="zf_shapes",
    says="In your table the convolution rounds up together with the pooling. Convolutions always round down.",
)
def convolution_rounds_up_too(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    shapes = {}
    for padding in range(kernel // 2 + 1):
        for ceil in (False, True):
            convolved = output_size(side, kernel, stride, padding, ceil)
            shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)
    return shapes


changed(
    "pooling_padded_too",
    of="zf_shapes",
    says="You padded the pooling like the convolution. Here the pooling has no padding.",
    old="shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)",
    new="shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, padding, ceil)",
)


changed(
    "largest_padding_left_out",
    of="zf_shapes",
    says="Your search ends one padding early: `range` leaves out its end, and kernel // 2 is to be tried, too.",
    old="for padding in range(kernel // 2 + 1):",
    new="for padding in range(kernel // 2):",
)


changed(
    "padding_on_one_side",
    of="zf_shapes",
    says="You padded the image at one end only. A padding is added at both.",
    old="convolved = output_size(side, kernel, stride, padding)",
    new="convolved = output_size(side + padding, kernel, stride)",
)


changed(
    "pooled_the_image",
    of="zf_shapes",
    says="You pooled the image. The pooling follows the convolution and gets its maps.",
    old="shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)",
    new="shapes[padding, ceil] = convolved, output_size(side, window, pool_stride, 0, ceil)",
)


@misconception(
    of="zf_shapes",
    says="You left out the settings that do not fit. The docstring asks for an error there: if a kernel or window has "
    "no position, the answer is ValueError, not a shorter dictionary.",
)
def misfits_left_out(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    shapes = {}
    for padding in range(kernel // 2 + 1):
        for ceil in (False, True):
            try:
                convolved = output_size(side, kernel, stride, padding)
                shapes[padding, ceil] = convolved, output_size(convolved, window, pool_stride, 0, ceil)
            except ValueError:
                continue
    return shapes


@misconception(
    of="zf_shapes",
    says="Your pooling rounds to the nearest whole number. That agrees with rounding up at a half, as in the figure, "
    "and differs elsewhere: a third of a step more is one window more, too.",
)
def pooling_rounds_to_nearest(side=224, kernel=7, stride=2, window=3, pool_stride=2):
    shapes = {}
    for padding in range(kernel // 2 + 1):
        convolved = output_size(side, kernel, stride, padding)
        down = output_size(convolved, window, pool_stride)
        shapes[padding, False] = convolved, down
        shapes[padding, True] = convolved, int((convolved - window) / pool_stride + 0.5) + 1
    return shapes


# architecture_table


@misconception(
    of="architecture_table",
    says="You counted weights only. The biases are parameters, too.",
)
def biases_left_out(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen = layer["kind"], layer.get("seen") or C
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="You gave every filter one bias. Look at `bias`: in 1989 every unit had one of its own, and some "
    "layers have none.",
)
def one_bias_per_filter(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen = layer["kind"], layer.get("seen") or C
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = C if kind != "pool" else 0
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="Your filters read all channels. Where `seen` is given, each reads only so many.",
)
def all_channels_seen(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = C * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="You counted the weights of a filter once although `shared` is False. Then each position has weights "
    "of its own.",
)
def weights_always_shared(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="You counted what a pooling layer puts out as units. By the custom that the exercise follows, it has none.",
)
def pooled_values_counted(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": (units * inputs if kind != "pool" else 0)})
    return rows


@misconception(
    of="architecture_table",
    says="You counted every weight once as a multiply-add. A shared weight is used at every position of the map.",
)
def each_weight_used_once(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": weights})
    return rows


@misconception(
    of="architecture_table",
    says="You counted the additions of biases as multiply-adds. Only multiplications of a weight with an input count.",
)
def bias_additions_counted(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs + (units if biases else 0)})
    return rows


@misconception(
    of="architecture_table",
    says="You squared the kernel's height. A kernel has height × width entries.",
)
def kernel_height_for_width(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kh, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="Your dense layer reads one value per channel. It reads all values of the layer before: channels × "
    "height × width.",
)
def dense_reads_channels(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="Your pooling layers round down even where `ceil` is True.",
)
def pooling_rounds_down(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)) = (layer[key] for key in ("kernel", "stride", "padding"))
            H, W = output_size(H, kh, sh, ph), output_size(W, kw, sw, pw)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="Height and width have changed places in your shapes. A shape is (channels, height, width).",
)
def table_sides_exchanged(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense") or seen > C:
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, W, H), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


@misconception(
    of="architecture_table",
    says="Your table accepts a filter that sees more channels than there are. Such a network cannot be built; "
    "refuse it.",
)
def any_seen_accepted(spec):
    rows, (C, H, W) = [], spec["input"]
    for layer in spec["layers"]:
        kind, seen, bias = layer["kind"], layer.get("seen") or C, layer.get("bias", "none")
        if kind not in ("conv", "pool", "dense"):
            raise ValueError("spec")
        inputs, copies = C * H * W, 1
        if kind == "dense":
            C, H, W = layer["units"], 1, 1
        else:
            ((kh, kw), (sh, sw), (ph, pw)), ceil = (
                (layer[key] for key in ("kernel", "stride", "padding")),
                layer.get("ceil", False),
            )
            H, W = output_size(H, kh, sh, ph, ceil), output_size(W, kw, sw, pw, ceil)
        if kind == "conv":
            inputs, C, copies = seen * kh * kw, layer["filters"], 1 if layer["shared"] else H * W
        biases = {"filter": C, "unit": C * H * W, "none": 0}[bias]
        units = C * H * W if kind != "pool" else 0
        weights = C * inputs * copies if kind != "pool" else 0
        row = {"kind": kind, "shape": (C, H, W), "units": units}
        rows.append({**row, "parameters": weights + biases, "multiply_adds": units * inputs})
    return rows


changed(
    "all_seen_refused",
    of="architecture_table",
    says="You refuse a layer whose `seen` is equal to the number of its input channels. That is the ordinary case, "
    "written out. Only more than there are is wrong.",
    old="require(seen <= C,",
    new='require(not layer.get("seen") or seen < C,',
)
