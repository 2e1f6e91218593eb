"""Named wrong answers to 04-backprop, each with what it teaches. The grader reads this file as text."""

import numpy as np

from autograder.authoring.answers import changed, misconception

# affine_backward


changed(
    "affine_divided_by_the_batch",
    of="affine_backward",
    says="Your gradients of the weights and the bias are averaged over the batch. They are added up: if there is a mean, "
    "the loss has taken it already, and it would be taken twice.",
    old="return grad @ w, grad.T @ x, grad.sum(axis=0)",
    new="return grad @ w, grad.T @ x / len(x), grad.mean(axis=0)",
)


changed(
    "affine_bias_averaged",
    of="affine_backward",
    says="Only db is averaged over the batch in your answer; dw is added up. Both are added up.",
    old="return grad @ w, grad.T @ x, grad.sum(axis=0)",
    new="return grad @ w, grad.T @ x, grad.mean(axis=0)",
)


changed(
    "affine_weights_transposed",
    of="affine_backward",
    says="Your dw has its axes exchanged. A gradient has the shape of what it belongs to: (K, D), as w has.",
    old="return grad @ w, grad.T @ x, grad.sum(axis=0)",
    new="return grad @ w, x.T @ grad, grad.sum(axis=0)",
)


@misconception(
    of="affine_backward",
    says="Your result does not depend on the upstream gradient: you return the layer's own derivative. By the chain rule "
    "it has to be multiplied by what comes from above.",
)
def affine_upstream_forgotten(grad, cache):
    x, w = cache
    if grad.shape != (len(x), len(w)):
        raise ValueError("grad")
    ones = np.ones_like(grad)
    return ones @ w, ones.T @ x, ones.sum(axis=0)


changed(
    "affine_bias_for_each_example",
    of="affine_backward",
    says="Your db still has one row for each example. All examples share one bias, so their gradients are added.",
    old="return grad @ w, grad.T @ x, grad.sum(axis=0)",
    new="return grad @ w, grad.T @ x, grad.copy()",
)


changed(
    "affine_results_exchanged",
    of="affine_backward",
    says="You exchanged dx and dw in the tuple, or in the products. The order is (dx, dw, db).",
    old="return grad @ w, grad.T @ x, grad.sum(axis=0)",
    new="return grad.T @ x, grad @ w, grad.sum(axis=0)",
)


# activation_backward


@misconception(
    of="activation_backward",
    says="You take x for the activation's output: 1 − x² is the derivative of tanh in terms of y = tanh x, and "
    "x (1 − x) that of the sigmoid in terms of its output. Apply the activation first.",
)
def input_taken_for_output(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    return grad * {"tanh": 1 - x**2, "sigmoid": x * (1 - x), "leaky": np.where(x > 0, 1.0, 0.1)}[name]


@misconception(
    of="activation_backward",
    says="Your derivative is not multiplied by the upstream gradient. Alone it says how y depends on x, and not how the "
    "loss does.",
)
def activation_upstream_forgotten(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    s = (1 + np.tanh(x / 2)) / 2
    return {"tanh": 1 - np.tanh(x) ** 2, "sigmoid": s * (1 - s), "leaky": np.where(x > 0, 1.0, 0.1)}[name]


@misconception(
    of="activation_backward",
    says="Your leaky ReLU has the slope 0.01 below zero. The lecture's, and this notebook's, has 0.1.",
)
def leaky_with_a_hundredth(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    s = (1 + np.tanh(x / 2)) / 2
    return grad * {"tanh": 1 - np.tanh(x) ** 2, "sigmoid": s * (1 - s), "leaky": np.where(x > 0, 1.0, 0.01)}[name]


@misconception(
    of="activation_backward",
    says="For leaky ReLU you look at the sign of the upstream gradient. What decides is the sign of x, the number that "
    "went in.",
)
def leaky_by_the_gradients_sign(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    s = (1 + np.tanh(x / 2)) / 2
    return grad * {"tanh": 1 - np.tanh(x) ** 2, "sigmoid": s * (1 - s), "leaky": np.where(grad > 0, 1.0, 0.1)}[name]


@misconception(
    of="activation_backward",
    says="At exactly 0 your leaky ReLU has the slope 1. The docstring asks for 0.1 there.",
)
def leaky_slope_one_at_zero(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    s = (1 + np.tanh(x / 2)) / 2
    return grad * {"tanh": 1 - np.tanh(x) ** 2, "sigmoid": s * (1 - s), "leaky": np.where(x >= 0, 1.0, 0.1)}[name]


@misconception(
    of="activation_backward",
    says="Far below zero your sigmoid's derivative is no number: e⁻ˣ overflows, and infinity is divided by infinity. Use "
    "σ(x) (1 − σ(x)).",
)
def sigmoid_overflows(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    with np.errstate(all="ignore"):
        steep = np.exp(-x) / (1 + np.exp(-x)) ** 2
    return grad * {"tanh": 1 - np.tanh(x) ** 2, "sigmoid": steep, "leaky": np.where(x > 0, 1.0, 0.1)}[name]


@misconception(
    of="activation_backward",
    says="Your derivative of tanh is 1 − tanh x. The square is missing.",
)
def tanh_without_the_square(name, grad, x):
    if grad.shape != x.shape:
        raise ValueError("grad")
    if name not in ("tanh", "sigmoid", "leaky"):
        raise ValueError("name")
    s = (1 + np.tanh(x / 2)) / 2
    return grad * {"tanh": 1 - np.tanh(x), "sigmoid": s * (1 - s), "leaky": np.where(x > 0, 1.0, 0.1)}[name]


changed(
    "leaky_value_for_its_slope",
    of="activation_backward",
    says="For leaky ReLU you multiply by its value, x or 0.1 x. What belongs there is its derivative: 1 or 0.1.",
    old="return grad * np.where(x > 0, 1.0, 0.1)",
    new="return grad * np.where(x > 0, x, 0.1 * x)",
)


changed(
    "slope_of_plain_relu",
    of="activation_backward",
    says="Your slope below zero is 0, which is plain ReLU. The leaky one lets a tenth through.",
    old="return grad * np.where(x > 0, 1.0, 0.1)",
    new="return grad * np.where(x > 0, 1.0, 0.0)",
)


changed(
    "sizes_compared_for_shapes",
    of="activation_backward",
    says="You compare how many numbers grad and x hold, not their shapes. Arrays of other shapes may hold as many, and "
    "numpy stretches them silently.",
    old="if grad.shape != x.shape:",
    new="if grad.size != x.size:",
)


# conv_backward

@misconception(
    of="conv_backward",
    says="Your dx comes out flipped within each window: you distribute the kernel turned by half a turn. On "
    "the way back each pixel gets the weight that it met on the way forward; only the version that "
    "slides over the gradient turns the kernel.",
)
def dx_flipped(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)[:, :, ::-1, ::-1]
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Rows and columns of the kernel are exchanged in your dx. A pixel u rows down and v columns across "
    "in the window met the weight w[f, c, u, v].",
)
def kernels_transposed(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        share = share.transpose(0, 1, 3, 2).reshape(share.shape)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your dx and dw place the windows one pixel apart, whatever the stride. Output (i, j) belongs to "
    "the window that begins at (i · stride, j · stride).",
)
def stride_ignored(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    close_by = windows(x, w.shape[2:], (1, 1), padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, close_by[:, :rows, :columns])
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i, j
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your way back uses the step across for the step down. The pair is (down, across).",
)
def stride_exchanged(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[1], j * stride[0]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        there = framed[:, :, top : top + kh, left : left + kw]
        there += share[:, :, : there.shape[2], : there.shape[3]]
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your dx is smaller than x: it ends with the last window. Where the stride does not divide the "
    "size, the last rows or columns are seen by no window. They still belong to dx, and hold 0.",
)
def trailing_rows_lost(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    seen_rows, seen_columns = (rows - 1) * stride[0] + kh, (columns - 1) * stride[1] + kw
    framed = framed[:, :, :seen_rows, :seen_columns]
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="With a padding of 0 your dx is empty: the slice [p:-p] is [0:-0], which holds nothing. Cut from p "
    "to p + H.",
)
def frame_cut_wrong_at_zero(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : -down, across : -across], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your dx still wears its frame. The added pixels are no part of x: cut them off at the end.",
)
def frame_left_on(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed, dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="You cut all of the frame off at the bottom and on the right. It lies on both sides, so the first "
    "pixel of x is at (padding, padding) of the framed map.",
)
def frame_cut_at_the_end_only(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, :H, :W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Where windows overlap, your dx keeps only the last one's share. A pixel collects from every window "
    "that it lies in: add.",
)
def overwritten_where_windows_overlap(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] = share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your db is a mean over positions or images. Every output pixel of a filter adds the whole of its "
    "gradient.",
)
def bias_averaged(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.mean(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your dw is divided by the number of images. It is added up over the batch: if there is a mean, the "
    "loss has taken it already.",
)
def kernels_divided_by_the_batch(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen) / n
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your dw and db are divided by the number of images. They are added up over the batch: if there is "
    "a mean, the loss has taken it already.",
)
def everything_divided_by_the_batch(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen) / n
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3)) / n

@misconception(
    of="conv_backward",
    says="Your db looks at the first image only. All images share the bias, so their gradients are added.",
)
def bias_not_added_over_the_batch(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad[0].sum(axis=(1, 2))

@misconception(
    of="conv_backward",
    says="Your dw is turned by half a turn. The weight w[f, c, u, v] met the pixels u rows down and v "
    "columns across from each window's corner.",
)
def dw_flipped(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)[:, :, ::-1, ::-1].copy()
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="For dw you look at x without its frame, shifted: the windows began at pixel −padding, among the "
    "added zeros.",
)
def dw_of_unframed_pixels(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    bare = windows(np.pad(x, ((0, 0), (0, 0), (0, 2 * padding[0]), (0, 2 * padding[1]))), w.shape[2:], stride, (0, 0))
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, bare)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))

@misconception(
    of="conv_backward",
    says="Your result does not depend on the upstream gradient: you treat it as all ones. Multiply by it "
    "before adding.",
)
def upstream_of_ones_assumed(grad, cache):
    x, w, stride, padding = cache
    seen = windows(x, w.shape[2:], stride, padding)
    (n, rows, columns), (filters, _, kh, kw) = seen.shape[:3], w.shape
    if grad.shape != (n, filters, rows, columns):
        raise ValueError("grad")
    grad = np.ones_like(grad)
    (H, W), (down, across) = x.shape[2:], padding
    dw = np.einsum("nfij,nijcuv->fcuv", grad, seen)
    framed = np.zeros((n, x.shape[1], H + 2 * down, W + 2 * across))
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0], j * stride[1]
        share = np.tensordot(grad[:, :, i, j], w, axes=1)
        framed[:, :, top : top + kh, left : left + kw] += share
    return framed[:, :, down : down + H, across : across + W], dw, grad.sum(axis=(0, 2, 3))


changed(
    "padding_down_used_across",
    of="conv_backward",
    says="Your way back uses the padding down for the padding across. The pair is (vertical, horizontal).",
    old="(height, width), (down, across) = x.shape[2:], padding",
    new="(height, width), (down, across) = x.shape[2:], (padding[0], padding[0])",
)


# as_convolution

changed(
    "kernels_not_turned",
    of="as_convolution",
    says="Your kernels are not turned. Sliding over the gradient meets the weights in the opposite order, so "
    "both axes are flipped.",
    old="return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)",
    new="return field, w.transpose(1, 0, 2, 3).copy()",
)

changed(
    "one_axis_flipped",
    of="as_convolution",
    says="You flip the kernels along one axis. Half a turn flips both.",
    old="return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)",
    new="return field, w[:, :, ::-1].transpose(1, 0, 2, 3).copy()",
)

changed(
    "flipped_across_only",
    of="as_convolution",
    says="You flip the kernels from left to right only. Half a turn flips both axes.",
    old="return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)",
    new="return field, w[..., ::-1].transpose(1, 0, 2, 3).copy()",
)

changed(
    "roles_not_exchanged",
    of="as_convolution",
    says="Your kernels still go from channels to filters. On the way back the gradient has F channels and dx "
    "has C: exchange the first two axes.",
    old="return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)",
    new="return field, w[:, :, ::-1, ::-1].copy()",
)

changed(
    "not_dilated",
    of="as_convolution",
    says="You did not dilate: the numbers of the gradient stand side by side, whatever the stride. Put "
    "stride − 1 zeros between them.",
    old="""
        field[:, :, top : top + rows * stride[0] : stride[0], left : left + columns * stride[1] : stride[1]] = grad
    """,
    new="field[:, :, top : top + rows, left : left + columns] = grad",
)

changed(
    "dilated_by_the_stride",
    of="as_convolution",
    says="You put as many zeros between neighbours as the stride says. It should be one fewer: neighbours "
    "are one stride apart.",
    old="""
        field[:, :, top : top + rows * stride[0] : stride[0], left : left + columns * stride[1] : stride[1]] = grad
    """,
    new="""
        for i, j in np.ndindex(rows, columns):
            y, x = top + i * (stride[0] + (stride[0] > 1)), left + j * (stride[1] + (stride[1] > 1))
            if y < field.shape[2] and x < field.shape[3]:
                field[:, :, y, x] = grad[:, :, i, j]
    """,
)

changed(
    "padding_taken_from_the_way_forward",
    of="as_convolution",
    says="You frame the gradient as if the way forward had had no padding. What was padded forwards must be "
    "missing from the frame backwards.",
    old="top, left = kh - 1 - down, kw - 1 - across",
    new="""
        top, left = kh - 1, kw - 1
        rows, columns = min(rows, -(-(size[0]) // stride[0])), min(columns, -(-(size[1]) // stride[1]))
        grad = grad[:, :, :rows, :columns]
    """,
)

changed(
    "unseen_rows_forgotten",
    of="as_convolution",
    says="Your field ends with the frame around the dilated gradient. Where the stride left the last rows or "
    "columns unseen, more zeros are needed, or dx is smaller than x.",
    old="return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)",
    new="""
        seen_rows = 2 * (kh - 1 - down) + (rows - 1) * stride[0] + 1
        seen_columns = 2 * (kw - 1 - across) + (columns - 1) * stride[1] + 1
        field = field[:, :, :seen_rows, :seen_columns].copy()
        return field, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).copy()
    """,
)

changed(
    "dilation_exchanged",
    of="as_convolution",
    says="You dilate by the step across where the step down is needed. The pair is (down, across).",
    old="""
        field[:, :, top : top + rows * stride[0] : stride[0], left : left + columns * stride[1] : stride[1]] = grad
    """,
    new="""
        for i, j in np.ndindex(rows, columns):
            y, x = top + i * stride[1], left + j * stride[0]
            if y < field.shape[2] and x < field.shape[3]:
                field[:, :, y, x] = grad[:, :, i, j]
    """,
)

# gradient_check

changed(
    "absolute_error",
    of="gradient_check",
    says="You compare the absolute difference with a fixed number. A tiny gradient then always looks right, "
    "and a huge one always wrong: divide by the size of the gradients.",
    old="return bool(np.linalg.norm(claimed - measured) <= 1e-4 * largest)",
    new="return bool(np.linalg.norm(claimed - measured) <= 1e-4)",
)

changed(
    "one_sided_difference",
    of="gradient_check",
    says="Your difference is one-sided. On a strongly curved function it errs far more than the central one, "
    "and you accuse a layer that is right.",
    old="measured[i] = (grad * (f(x + move) - f(x - move))).sum() / (2 * step)",
    new="measured[i] = (grad * (f(x + move) - f(x))).sum() / step",
)

changed(
    "upstream_of_ones",
    of="gradient_check",
    says="Your upstream gradient is all ones, so you test only the sum of the outputs. Mistakes in how the "
    "upstream gradient is used stay hidden: draw it at random.",
    old="step, grad = 1e-5, np.random.default_rng(0).normal(size=np.shape(f(x)))",
    new="step, grad = 1e-5, np.ones(np.shape(f(x)))",
)

changed(
    "positive_upstream",
    of="gradient_check",
    says="Your upstream gradients are all positive. A layer that loses their sign goes unnoticed: draw "
    "numbers of both signs.",
    old="step, grad = 1e-5, np.random.default_rng(0).normal(size=np.shape(f(x)))",
    new="step, grad = 1e-5, np.random.default_rng(0).uniform(0.1, 1, size=np.shape(f(x)))",
)

changed(
    "first_number_only",
    of="gradient_check",
    says="You test one number of x and take the rest for granted. A mistake in a single place, such as a "
    "lost last row, is then missed.",
    edits=[
        ("for i in np.ndindex(x.shape):", "for i in list(np.ndindex(x.shape))[:1]:"),
        (
            "largest = max(np.linalg.norm(claimed), np.linalg.norm(measured))",
            """
                claimed, measured = claimed.ravel()[:1], measured.ravel()[:1]
                largest = max(np.linalg.norm(claimed), np.linalg.norm(measured))
            """,
        ),
    ],
)

changed(
    "half_the_difference_forgotten",
    of="gradient_check",
    says="Your central difference is divided by h. Its two points lie 2h apart.",
    old="measured[i] = (grad * (f(x + move) - f(x - move))).sum() / (2 * step)",
    new="measured[i] = (grad * (f(x + move) - f(x - move))).sum() / step",
)

@misconception(
    of="gradient_check",
    says="You always say that the gradient is right. Such a test finds nothing.",
)
def everything_is_right(f, df, x):
    step, grad = 1e-5, np.random.default_rng(0).normal(size=np.shape(f(x)))
    df(grad, x)
    return bool(step > 0)

changed(
    "zero_divided_by_zero",
    of="gradient_check",
    says="Where both gradients are zero you divide zero by zero, and call the layer wrong. They agree: "
    "compare without dividing, or treat that case by itself.",
    old="return bool(np.linalg.norm(claimed - measured) <= 1e-4 * largest)",
    new="""
        with np.errstate(all="ignore"):
            return bool(np.linalg.norm(claimed - measured) / np.float64(largest) <= 1e-4)
    """,
)

changed(
    "a_part_in_twenty",
    of="gradient_check",
    says="You forgive errors of several percent. A right derivative agrees with central differences far "
    "better, so a tolerance of 1e-4 leaves no excuse.",
    old="return bool(np.linalg.norm(claimed - measured) <= 1e-4 * largest)",
    new="return bool(np.linalg.norm(claimed - measured) <= 5e-2 * largest)",
)

@misconception(
    of="gradient_check",
    says="You compare the sums of the two gradients. Errors of opposite sign cancel in a sum: compare number "
    "by number.",
)
def sums_compared(f, df, x):
    step, grad = 1e-5, np.random.default_rng(0).normal(size=np.shape(f(x)))
    claimed = np.asarray(df(grad, x))
    if claimed.shape != x.shape or not np.isfinite(claimed).all():
        return False
    measured = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        move = np.zeros_like(x)
        move[i] = step
        measured[i] = (grad * (f(x + move) - f(x - move))).sum() / (2 * step)
    largest = max(abs(claimed.sum()), abs(measured.sum()))
    return bool(abs(claimed.sum() - measured.sum()) <= 1e-4 * largest)

changed(
    "infinity_accepted",
    of="gradient_check",
    says="You accept an infinite gradient: infinity is not larger than infinity. Ask first whether all numbers are "
    "finite.",
    old="if claimed.shape != x.shape or not np.isfinite(claimed).all():",
    new="if claimed.shape != x.shape or np.isnan(claimed).any():",
)


changed(
    "numbers_compared_one_by_one",
    of="gradient_check",
    says="You compare number by number, each by its own size. Where the gradient is nearly zero, rounding is all that "
    "is left, and you accuse a layer that is right: compare the norms over the whole array.",
    old="return bool(np.linalg.norm(claimed - measured) <= 1e-4 * largest)",
    new="""
        return bool((np.abs(claimed - measured) <= 1e-4 * np.maximum(1e-8, np.abs(claimed) + np.abs(measured))).all())
    """,
)


changed(
    "shapes_not_compared",
    of="gradient_check",
    says="You do not compare shapes, so a gradient of another shape is stretched by numpy until it fits. The gradient "
    "must have the shape of x.",
    old="if claimed.shape != x.shape or not np.isfinite(claimed).all():",
    new="if not np.isfinite(claimed).all():",
)


changed(
    "upstream_of_plus_and_minus_one",
    of="gradient_check",
    says="Your upstream gradients are all of the same size, 1 or −1. A layer that keeps only their sign goes "
    "unnoticed: draw them from a normal distribution.",
    old="step, grad = 1e-5, np.random.default_rng(0).normal(size=np.shape(f(x)))",
    new="step, grad = 1e-5, np.random.default_rng(0).choice([-1.0, 1.0], size=np.shape(f(x)))",
)


# Value

changed(
    "gradients_overwritten",
    of="Value",
    says="A Value that is used twice keeps only one share of its gradient. Where paths meet, add: `+=`.",
    old="parent.grad += slope * value.grad",
    new="parent.grad = slope * value.grad",
)

changed(
    "handed_on_too_early",
    of="Value",
    says="Some Values hand on their gradient before it is complete. List every Value after its parents, and walk through "
    "the list from the end.",
    edits=[
        ("seen.add(id(value))", "seen.add(id(value)); order.insert(0, value)"),
        ("order.append(value)", ""),
    ],
)

changed(
    "factors_exchanged",
    of="Value",
    says="In a product each factor gets itself as its derivative. The derivative of x y by x is y.",
    old="return Value(self.data * other.data, [(self, other.data), (other, self.data)])",
    new="return Value(self.data * other.data, [(self, self.data), (other, other.data)])",
)

changed(
    "square_of_tanh_missing",
    of="Value",
    says="The derivative of your tanh is 1 − tanh x. The square is missing.",
    old="return Value(y, [(self, 1 - y**2)])",
    new="return Value(y, [(self, 1 - y)])",
)

changed(
    "tanh_taken_twice",
    of="Value",
    says="For the derivative of tanh you square what went in. What is squared is what came out.",
    old="return Value(y, [(self, 1 - y**2)])",
    new="return Value(y, [(self, 1 - self.data**2)])",
)

changed(
    "exponent_not_lowered",
    of="Value",
    says="The derivative of your power keeps the exponent. That of x to the power of p is p times x to the power of p − 1.",
    old="return Value(self.data**exponent, [(self, exponent * self.data ** (exponent - 1))])",
    new="return Value(self.data**exponent, [(self, exponent * self.data**exponent)])",
)

changed(
    "exp_by_the_number",
    of="Value",
    says="The derivative of your exp is what went in. The exponential function is its own derivative: what came out.",
    old="return Value(y, [(self, y)])",
    new="return Value(y, [(self, self.data)])",
)

changed(
    "begins_without_a_one",
    of="Value",
    says="Your way back begins with a gradient of 0, so all gradients stay 0. The derivative of z by itself is 1.",
    old="self.grad = 1.0",
    new="",
)

changed(
    "old_gradients_kept",
    of="Value",
    says="After a second call of backward your gradients are too large: those of the first are still in them. Set all of "
    "the graph to 0 first.",
    old="value.grad = 0.0",
    new="value.grad = value.grad or 0.0",
)

changed(
    "gradient_above_forgotten",
    of="Value",
    says="Each of your Values hands its parents the bare derivative. By the chain rule it is multiplied by the Value's "
    "own gradient.",
    old="parent.grad += slope * value.grad",
    new="parent.grad += slope",
)


# BatchNorm

changed(
    "mean_taken_for_a_constant",
    of="BatchNorm",
    says="Your dx leaves out the path through the mean. Moving one sum moves the mean as well, and with it all outputs of "
    "the column.",
    old="centred = grad - grad.mean(axis=0)",
    new="centred = grad",
)

changed(
    "variance_taken_for_a_constant",
    of="BatchNorm",
    says="Your dx leaves out the path through the variance. Moving one sum moves the variance as well, and with it all "
    "outputs of the column.",
    old="dx = self.gamma / self.root * (centred - self.normal * dgamma / len(grad))",
    new="dx = self.gamma / self.root * centred",
)

changed(
    "statistics_taken_for_constants",
    of="BatchNorm",
    says="Your dx is the direct path only. Mean and variance depend on every sum of the column: two more paths.",
    old="dx = self.gamma / self.root * (centred - self.normal * dgamma / len(grad))",
    new="dx = self.gamma / self.root * grad",
)

changed(
    "variance_by_one_fewer",
    of="BatchNorm",
    says="Your variance divides by N − 1. Here it is the mean of the squared deviations: divide by N.",
    old="self.root = np.sqrt((gap**2).mean(axis=0) + 1e-5)",
    new="self.root = np.sqrt((gap**2).sum(axis=0) / (len(x) - 1) + 1e-5)",
)

changed(
    "epsilon_outside_the_root",
    of="BatchNorm",
    says="You add ε to the root. It belongs to the variance, below the root.",
    old="self.root = np.sqrt((gap**2).mean(axis=0) + 1e-5)",
    new="self.root = np.sqrt((gap**2).mean(axis=0)) + 1e-5",
)

changed(
    "epsilon_left_out",
    of="BatchNorm",
    says="You left out ε. A unit whose sums are all equal has the variance 0, and 0 divided by 0 is no number.",
    old="self.root = np.sqrt((gap**2).mean(axis=0) + 1e-5)",
    new="self.root = np.sqrt((gap**2).mean(axis=0))",
)

changed(
    "normalised_by_example",
    of="BatchNorm",
    says="You normalise each example over its units. Batch normalization takes mean and variance of each unit, over the "
    "examples: axis 0.",
    edits=[
        ("gap = x - x.mean(axis=0)", "gap = x - x.mean(axis=1, keepdims=True)"),
        (
            "self.root = np.sqrt((gap**2).mean(axis=0) + 1e-5)",
            "self.root = np.sqrt((gap**2).mean(axis=1, keepdims=True) + 1e-5)",
        ),
    ],
)

changed(
    "scale_forgotten_on_the_way_back",
    of="BatchNorm",
    says="Your dx lacks the factor γ: the upstream gradient belongs to the output, after the scale.",
    old="dx = self.gamma / self.root * (centred - self.normal * dgamma / len(grad))",
    new="dx = (centred - self.normal * dgamma / len(grad)) / self.root",
)

changed(
    "root_forgotten_on_the_way_back",
    of="BatchNorm",
    says="Your dx is not divided by the root of variance and ε, by which the way forward divides.",
    old="dx = self.gamma / self.root * (centred - self.normal * dgamma / len(grad))",
    new="dx = self.gamma * (centred - self.normal * dgamma / len(grad))",
)

changed(
    "dgamma_averaged",
    of="BatchNorm",
    says="Your dgamma and dbeta are means over the batch. They are added up: if there is a mean, the loss has taken it "
    "already.",
    old="return dx, dgamma, grad.sum(axis=0)",
    new="return dx, dgamma / len(grad), grad.mean(axis=0)",
)


# squared_error

changed(
    "squared_gradient_sign",
    of="squared_error",
    says="Your gradient points the wrong way: (o − t), not (t − o). A step against it would make the loss "
    "grow.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).mean()), -2 * gap / gap.size",
)

changed(
    "squared_batch_mean_missing",
    of="squared_error",
    says="Your loss is a sum and not a mean. Divide it, and its gradient, by the number of all outputs, N · "
    "K.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).sum()), 2 * gap",
)

changed(
    "squared_gradient_not_divided",
    of="squared_error",
    says="Your loss is a mean, but its gradient belongs to the sum: divide it by N · K as well.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).mean()), 2 * gap",
)

changed(
    "squared_divided_by_the_batch_only",
    of="squared_error",
    says="You divide by the number of examples. The mean here is over all N · K numbers.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).sum() / len(gap)), 2 * gap / len(gap)",
)

changed(
    "squared_gradient_divided_by_the_batch_only",
    of="squared_error",
    says="Your gradient is divided by the number of examples, but the loss by the number of all outputs.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).mean()), 2 * gap / len(gap)",
)

changed(
    "squared_factor_two_missing",
    of="squared_error",
    says="Your gradient lacks the factor 2 of the square's derivative.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).mean()), gap / gap.size",
)

changed(
    "half_the_squares",
    of="squared_error",
    says="You take half of the squares, as some books do. The definition here has no ½, and its gradient has "
    "a 2.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float((gap**2).mean() / 2), gap / gap.size",
)

changed(
    "squared_absolute_differences",
    of="squared_error",
    says="Your loss adds up absolute differences. Square them.",
    old="return float((gap**2).mean()), 2 * gap / gap.size",
    new="return float(np.abs(gap).mean()), np.sign(gap) / gap.size",
)


@misconception(
    of="squared_error",
    says="Targets of another shape are accepted, because numpy stretches them to fit. Compare the shapes first.",
)
def targets_stretched(outputs, targets):
    gap = outputs - targets
    return float((gap**2).mean()), 2 * gap / gap.size


# softmax_cross_entropy

changed(
    "entropy_batch_mean_missing",
    of="softmax_cross_entropy",
    says="Your loss and its gradient are sums over the batch. Divide both by N.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="return float(-(log_p * right).sum()), np.exp(log_p) - right",
)

changed(
    "entropy_gradient_not_divided",
    of="softmax_cross_entropy",
    says="Your loss is a mean over the batch, but its gradient belongs to the sum. Divide it by N as well.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="return float(-(log_p * right).sum() / len(labels)), np.exp(log_p) - right",
)

changed(
    "divided_by_classes_too",
    of="softmax_cross_entropy",
    says="You take the mean over all N · K numbers. The mean is over the N examples: each has one surprise.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="return float(-(log_p * right).mean()), (np.exp(log_p) - right) / logits.size",
)

@misconception(
    of="softmax_cross_entropy",
    says="Large logits make your exponential overflow, and the result is no number. Subtract each row's "
    "largest logit first.",
)
def exponential_overflows(logits, labels):
    if labels.shape != logits.shape[:1]:
        raise ValueError("labels")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError("labels")
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        log_p = np.log(p)
    right = np.eye(logits.shape[1])[labels]
    with np.errstate(all="ignore"):
        return float(-(log_p[np.arange(len(labels)), labels]).mean()), (p - right) / len(labels)

@misconception(
    of="softmax_cross_entropy",
    says="You subtract the largest logit of the whole batch. In rows far below it all exponentials become 0: "
    "subtract each row's own.",
)
def largest_of_all_subtracted(logits, labels):
    if labels.shape != logits.shape[:1]:
        raise ValueError("labels")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError("labels")
    shifted = logits - logits.max()
    with np.errstate(all="ignore"):
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = np.eye(logits.shape[1])[labels]
    with np.errstate(all="ignore"):
        return float(-log_p[np.arange(len(labels)), labels].mean()), (np.exp(log_p) - right) / len(labels)

changed(
    "logarithm_of_nothing",
    of="softmax_cross_entropy",
    says="Your loss takes the logarithm of a probability that was rounded to 0. Compute the logarithm from "
    "the shifted logits, without the detour.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="""
        p = np.exp(log_p)
        with np.errstate(all="ignore"):
            return float(-np.log(p[np.arange(len(labels)), labels]).mean()), (p - right) / len(labels)
    """,
)

changed(
    "logarithm_clipped",
    of="softmax_cross_entropy",
    says="You keep the logarithm finite by adding a small number to the probability, or by clipping it. The "
    "loss of a very wrong answer is then cut off: compute it from the shifted logits.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="""
        p = np.exp(log_p)
        return float(-np.log(p[np.arange(len(labels)), labels] + 1e-12).mean()), (p - right) / len(labels)
    """,
)

changed(
    "probabilities_for_a_gradient",
    of="softmax_cross_entropy",
    says="Your gradient is the probabilities alone. Subtract 1 at the right class.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="return float(-(log_p * right).sum() / len(labels)), np.exp(log_p) / len(labels)",
)

changed(
    "entropy_gradient_sign",
    of="softmax_cross_entropy",
    says="Your gradient has the wrong sign: p minus 1 at the right class, not 1 minus p.",
    old="return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)",
    new="return float(-(log_p * right).sum() / len(labels)), (right - np.exp(log_p)) / len(labels)",
)

@misconception(
    of="softmax_cross_entropy",
    says="Your softmax runs over the batch. The probabilities of one example add up to 1: sum along axis 1.",
)
def softmax_down_the_batch(logits, labels):
    if labels.shape != logits.shape[:1]:
        raise ValueError("labels")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError("labels")
    shifted = logits - logits.max(axis=0, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    right = np.eye(logits.shape[1])[labels]
    return float(-(log_p * right).sum() / len(labels)), (np.exp(log_p) - right) / len(labels)


changed(
    "negative_labels_accepted",
    of="softmax_cross_entropy",
    says="A label below 0 is accepted, because Python counts it from the end. Refuse labels that are not from 0 to K − "
    "1.",
    old="if labels.min() < 0 or labels.max() >= logits.shape[1]:",
    new="if labels.max() >= logits.shape[1]:",
)


# initial_parameters

changed(
    "all_maps_connected",
    of="initial_parameters",
    says="Your second layer sees all 12 maps. Set w2[target, source] to zero where connected is False.",
    old='parameters["w2"] *= connected[:, :, None, None]',
    new="",
)

changed(
    "connections_transposed",
    of="initial_parameters",
    says="You zeroed w2[source, target]: the two axes are exchanged. Axis 0 of w2 is the target.",
    old='parameters["w2"] *= connected[:, :, None, None]',
    new='parameters["w2"] *= connected.T[:, :, None, None]',
)

changed(
    "fan_in_of_all_maps",
    of="initial_parameters",
    says="The range of w2 belongs to 12 maps, 300 inputs. A unit sees 8 of them: 200.",
    old='inputs = {"w1": 25, "w2": 200, "w3": 192, "w4": 30}',
    new='inputs = {"w1": 25, "w2": 300, "w3": 192, "w4": 30}',
)

changed(
    "root_forgotten",
    of="initial_parameters",
    says="Your limits are 2.4/m, without the root: far too small.",
    old="limits = {name: 2.4 / np.sqrt(count) for name, count in inputs.items()}",
    new="limits = {name: 2.4 / count for name, count in inputs.items()}",
)

changed(
    "biases_shared",
    of="initial_parameters",
    says="Your biases are one for each map. In this network every unit has its own: b1 has shape (12, 8, 8), "
    "b2 (12, 4, 4).",
    old='biases = {"b1": (12, 8, 8), "b2": (12, 4, 4), "b3": (30,), "b4": (10,)}',
    new='biases = {"b1": (12,), "b2": (12,), "b3": (30,), "b4": (10,)}',
)

changed(
    "normal_instead_of_uniform",
    of="initial_parameters",
    says="Your weights follow a normal distribution. They should be uniform: equally likely over the whole "
    "range, and never outside.",
    old="""
        parameters = {name: rng.uniform(-limits[name], limits[name], size=shape) for name, shape in shapes.items()}
    """,
    new="""
        parameters = {name: rng.normal(0, limits[name] / np.sqrt(3), size=shape) for name, shape in shapes.items()}
    """,
)

changed(
    "only_positive_weights",
    of="initial_parameters",
    says="Your weights are all positive: drawn from 0 to the limit. The range begins at minus the limit.",
    old="""
        parameters = {name: rng.uniform(-limits[name], limits[name], size=shape) for name, shape in shapes.items()}
    """,
    new="parameters = {name: rng.uniform(0, limits[name], size=shape) for name, shape in shapes.items()}",
)

changed(
    "biases_drawn",
    of="initial_parameters",
    says="Your biases are random. They start at zero.",
    old="return parameters | {name: np.zeros(shape) for name, shape in biases.items()}",
    new="return parameters | {name: rng.uniform(-0.1, 0.1, size=shape) for name, shape in biases.items()}",
)

changed(
    "seed_ignored",
    of="initial_parameters",
    says="Your parameters are the same for every seed. Pass the seed to np.random.default_rng.",
    old="rng = np.random.default_rng(seed)",
    new="rng = np.random.default_rng(0)",
)

changed(
    "fan_out_for_fan_in",
    of="initial_parameters",
    says="Your limits come from the number of units that a layer feeds, not from the number of inputs that a "
    "unit sees.",
    old='inputs = {"w1": 25, "w2": 200, "w3": 192, "w4": 30}',
    new='inputs = {"w1": 200, "w2": 30, "w3": 30, "w4": 10}',
)


@misconception(
    of="initial_parameters",
    says="You begin a new generator from the same seed for every layer, so all layers get the same random numbers, "
    "only stretched. Make one generator, and draw from it in turn.",
)
def same_draws_for_every_layer(seed):
    make = lambda: np.random.default_rng(seed)
    shapes = {"w1": (12, 1, 5, 5), "w2": (12, 12, 5, 5), "w3": (30, 192), "w4": (10, 30)}
    inputs = {"w1": 25, "w2": 200, "w3": 192, "w4": 30}
    limits = {name: 2.4 / np.sqrt(count) for name, count in inputs.items()}
    parameters = {name: make().uniform(-limits[name], limits[name], size=shape) for name, shape in shapes.items()}
    parameters["w2"] *= connected[:, :, None, None]
    biases = {"b1": (12, 8, 8), "b2": (12, 4, 4), "b3": (30,), "b4": (10,)}
    return parameters | {name: np.zeros(shape) for name, shape in biases.items()}


changed(
    "bias_counted_as_an_input",
    of="initial_parameters",
    says="You count the bias as one more input of each unit. Only weights lead to inputs: m is 25 for the first layer, "
    "not 26.",
    old="limits = {name: 2.4 / np.sqrt(count) for name, count in inputs.items()}",
    new="limits = {name: 2.4 / np.sqrt(count + 1) for name, count in inputs.items()}",
)


# LeNet1989

changed(
    "framed_with_zeros",
    of="LeNet1989",
    says="Your frame holds 0, which is grey. Paper is −1 here, and so is the frame: use framed.",
    old='z, cache = conv_forward(framed(maps), p["w" + layer], 0.0, (2, 2), (0, 0))',
    new='z, cache = conv_forward(framed(maps, 2, 0.0), p["w" + layer], 0.0, (2, 2), (0, 0))',
)

changed(
    "second_frame_of_zeros",
    of="LeNet1989",
    says="You frame the images with −1 but the maps of layer 1 with 0. Both layers are framed with −1.",
    old='z, cache = conv_forward(framed(maps), p["w" + layer], 0.0, (2, 2), (0, 0))',
    new="""
        z, cache = conv_forward(framed(maps, 2, -1.0 if layer == "1" else 0.0), p["w" + layer], 0.0, (2, 2), (0, 0))
    """,
)

@misconception(
    of="LeNet1989",
    says="Your outputs do not pass through tanh. In this network the last layer has one too.",
)
class last_tanh_missing:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        if images.ndim != 4 or images.shape[1:] != (1, 16, 16):
            raise ValueError("images")
        p, self.caches, maps = self.parameters, {}, images
        for layer in "12":
            z, cache = conv_forward(framed(maps), p["w" + layer], 0.0, (2, 2), (0, 0))
            z = z + p["b" + layer]
            maps, self.caches[layer] = np.tanh(z), (cache, z)
        vectors = maps.reshape(len(maps), -1)
        for layer in "34":
            z, cache = affine_forward(vectors, p["w" + layer], p["b" + layer])
            vectors, self.caches[layer] = (np.tanh(z) if layer == "3" else z), (cache, z)
        return vectors

    def backward(self, grad):
        gradients = {}
        for layer in "43":
            cache, z = self.caches[layer]
            grad = activation_backward("tanh", grad, z) if layer == "3" else grad
            grad, gradients["w" + layer], gradients["b" + layer] = affine_backward(grad, cache)
        grad = grad.reshape(len(grad), 12, 4, 4)
        for layer in "21":
            cache, z = self.caches[layer]
            grad = activation_backward("tanh", grad, z)
            gradients["b" + layer] = grad.sum(axis=0)
            grad, gradients["w" + layer], _ = conv_backward(grad, cache)
            grad = grad[:, :, 2:-2, 2:-2]
        gradients["w2"] = gradients["w2"] * connected[:, :, None, None]
        return gradients

@misconception(
    of="LeNet1989",
    says="Backwards you skip the tanh at the end: the gradient that comes in belongs to its output, not to "
    "its input.",
)
class last_tanh_skipped_backwards:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        if images.ndim != 4 or images.shape[1:] != (1, 16, 16):
            raise ValueError("images")
        p, self.caches, maps = self.parameters, {}, images
        for layer in "12":
            z, cache = conv_forward(framed(maps), p["w" + layer], 0.0, (2, 2), (0, 0))
            z = z + p["b" + layer]
            maps, self.caches[layer] = np.tanh(z), (cache, z)
        vectors = maps.reshape(len(maps), -1)
        for layer in "34":
            z, cache = affine_forward(vectors, p["w" + layer], p["b" + layer])
            vectors, self.caches[layer] = np.tanh(z), (cache, z)
        return vectors

    def backward(self, grad):
        gradients = {}
        for layer in "43":
            cache, z = self.caches[layer]
            grad = activation_backward("tanh", grad, z) if layer == "3" else grad
            grad, gradients["w" + layer], gradients["b" + layer] = affine_backward(grad, cache)
        grad = grad.reshape(len(grad), 12, 4, 4)
        for layer in "21":
            cache, z = self.caches[layer]
            grad = activation_backward("tanh", grad, z)
            gradients["b" + layer] = grad.sum(axis=0)
            grad, gradients["w" + layer], _ = conv_backward(grad, cache)
            grad = grad[:, :, 2:-2, 2:-2]
        gradients["w2"] = gradients["w2"] * connected[:, :, None, None]
        return gradients

changed(
    "mask_forgotten_backwards",
    of="LeNet1989",
    says="Weights of w2 that are not connected get a gradient in your answer. The first step of training "
    "would connect them: set it to zero.",
    old='gradients["w2"] = gradients["w2"] * connected[:, :, None, None]',
    new="",
)

changed(
    "bias_gradients_added_over_the_map",
    of="LeNet1989",
    says="You add the gradient of b1 and b2 over each map, as for a shared bias. Here every unit has its "
    "own, so add over the batch only.",
    old='gradients["b" + layer] = grad.sum(axis=0)',
    new='gradients["b" + layer] = grad.sum(axis=0) * 0 + grad.sum(axis=(0, 2, 3))[:, None, None]',
)

changed(
    "frame_cut_on_one_side",
    of="LeNet1989",
    says="You cut the frame's gradient off at the end only, so everything before layer 2 is shifted by two "
    "pixels. The frame lies on both sides.",
    old="grad = grad[:, :, 2:-2, 2:-2]",
    new='grad = grad[:, :, 4:, 4:] if layer == "1" else grad[:, :, :-4, :-4]',
)

changed(
    "network_averages_over_the_batch",
    of="LeNet1989",
    says="Your gradients are divided by the number of images. They are added up: the loss has taken the mean "
    "already.",
    old="return gradients",
    new="return {name: array / len(grad) for name, array in gradients.items()}",
)

changed(
    "derivative_at_the_output",
    of="LeNet1989",
    says="Your tanh's derivative is taken at its output, so tanh is applied twice. activation_backward wants "
    "what went in.",
    edits=[
        (
            "maps, self.caches[layer] = np.tanh(z), (cache, z)",
            "maps, self.caches[layer] = np.tanh(z), (cache, np.tanh(z))",
        ),
        (
            "vectors, self.caches[layer] = np.tanh(z), (cache, z)",
            "vectors, self.caches[layer] = np.tanh(z), (cache, np.tanh(z))",
        ),
    ],
)

changed(
    "map_after_map_exchanged",
    of="LeNet1989",
    says="You read the maps pixel by pixel instead of map after map: the channels must come first when the "
    "vector of 192 is made.",
    edits=[
        ("vectors = maps.reshape(len(maps), -1)", "vectors = maps.transpose(0, 2, 3, 1).reshape(len(maps), -1)"),
        ("grad = grad.reshape(len(grad), 12, 4, 4)", "grad = grad.reshape(len(grad), 4, 4, 12).transpose(0, 3, 1, 2)"),
    ],
)

changed(
    "relu_for_tanh",
    of="LeNet1989",
    says="Your hidden layers use ReLU. In 1989 every layer ended in tanh.",
    old="maps, self.caches[layer] = np.tanh(z), (cache, z)",
    new="maps, self.caches[layer] = np.maximum(z, 0), (cache, z)",
)


@misconception(
    of="LeNet1989",
    says="Your backward multiplies the upstream gradient in place, so the caller's own array is changed. `grad = grad "
    "* …` makes a new one.",
)
class upstream_gradient_multiplied_in_place:
    def __init__(self, parameters):
        self.parameters = parameters

    def forward(self, images):
        if images.ndim != 4 or images.shape[1:] != (1, 16, 16):
            raise ValueError(f"images must have shape (N, 1, 16, 16), not {images.shape}")
        p, self.caches, maps = self.parameters, {}, images
        for layer in "12":
            z, cache = conv_forward(framed(maps), p["w" + layer], 0.0, (2, 2), (0, 0))
            z = z + p["b" + layer]
            maps, self.caches[layer] = np.tanh(z), (cache, z)
        vectors = maps.reshape(len(maps), -1)
        for layer in "34":
            z, cache = affine_forward(vectors, p["w" + layer], p["b" + layer])
            vectors, self.caches[layer] = np.tanh(z), (cache, z)
        return vectors

    def backward(self, grad):
        gradients = {}
        for layer in "43":
            cache, z = self.caches[layer]
            grad *= 1 - np.tanh(z) ** 2
            grad, gradients["w" + layer], gradients["b" + layer] = affine_backward(grad, cache)
        grad = grad.reshape(len(grad), 12, 4, 4)
        for layer in "21":
            cache, z = self.caches[layer]
            grad = activation_backward("tanh", grad, z)
            gradients["b" + layer] = grad.sum(axis=0)
            grad, gradients["w" + layer], _ = conv_backward(grad, cache)
            grad = grad[:, :, 2:-2, 2:-2]
        gradients["w2"] = gradients["w2"] * connected[:, :, None, None]
        return gradients


# sgd_epoch

changed(
    "uphill",
    of="sgd_epoch",
    says="Your parameters move along the gradient, uphill: the loss grows. Subtract the step.",
    old="parameters = {name: array - learning_rate * gradients[name] for name, array in parameters.items()}",
    new="parameters = {name: array + learning_rate * gradients[name] for name, array in parameters.items()}",
)

changed(
    "order_ignored",
    of="sgd_epoch",
    says="You go through the examples as they are stored. `order` decides which comes when, and how often.",
    old="for i in order:",
    new="for i in range(len(images)):",
)

changed(
    "one_step_for_all",
    of="sgd_epoch",
    says="You collect the gradients of all examples and take one step at the end. Here a step follows every "
    "single example, and the next sees the new parameters.",
    edits=[
        ("losses = []", "losses, start = [], parameters"),
        (
            "loss, gradients = loss_and_gradients(parameters, images[i : i + 1], targets[i : i + 1])",
            "loss, gradients = loss_and_gradients(start, images[i : i + 1], targets[i : i + 1])",
        ),
    ],
)

changed(
    "parameters_changed_in_place",
    of="sgd_epoch",
    says="You change what the caller still holds: `array -= …` works on the array that was passed in, and "
    "`parameters[name] = …` on the dictionary. Make new ones, or copy before the first step.",
    old="parameters = {name: array - learning_rate * gradients[name] for name, array in parameters.items()}",
    new="""
        for name in parameters:
            parameters[name] -= learning_rate * gradients[name]
    """,
)

changed(
    "last_loss_only",
    of="sgd_epoch",
    says="You return the loss of the last example. Asked for is the mean over all.",
    old="return parameters, float(np.mean(losses))",
    new="return parameters, float(losses[-1])",
)

changed(
    "sum_of_losses",
    of="sgd_epoch",
    says="You return the sum of the losses. Asked for is the mean.",
    old="return parameters, float(np.mean(losses))",
    new="return parameters, float(np.sum(losses))",
)

changed(
    "divided_by_all_images",
    of="sgd_epoch",
    says="Your mean divides by the number of images, not by the number of entries in order.",
    old="return parameters, float(np.mean(losses))",
    new="return parameters, float(np.sum(losses) / len(images))",
)

changed(
    "step_divided_by_the_count",
    of="sgd_epoch",
    says="Your steps are divided by the number of examples. Each example moves the parameters by the whole "
    "step.",
    old="parameters = {name: array - learning_rate * gradients[name] for name, array in parameters.items()}",
    new="""
        parameters = {name: array - learning_rate * gradients[name] / len(order) for name, array in parameters.items()}
    """,
)

changed(
    "loss_after_the_pass",
    of="sgd_epoch",
    says="You measure the losses again after the pass. Asked for are the losses met on the way, each before "
    "its step; the function is called once for each entry.",
    old="return parameters, float(np.mean(losses))",
    new="""
        return parameters, float(np.mean([loss_and_gradients(parameters, images[i : i + 1], targets[i : i + 1])[0] for i in order]))
    """,
)

@misconception(
    of="sgd_epoch",
    says="You pass all examples to loss_and_gradients in one call. It wants one example at a time.",
)
def all_at_once(parameters, loss_and_gradients, images, targets, order, learning_rate):
    if learning_rate <= 0:
        raise ValueError("learning_rate")
    if len(order) == 0:
        raise ValueError("order")
    losses = []
    for _ in order[:1]:
        loss, gradients = loss_and_gradients(parameters, images[order], targets[order])
        parameters = {name: array - learning_rate * gradients[name] for name, array in parameters.items()}
        losses.append(loss)
    return parameters, float(np.mean(losses))


changed(
    "each_example_once",
    of="sgd_epoch",
    says="You look at each example only once, even if it stands in order twice. Each entry of order is a step.",
    old="for i in order:",
    new="for i in dict.fromkeys(order):",
)


# reject_curve

changed(
    "divided_by_all",
    of="reject_curve",
    says="You divide the mistakes by the number of all digits. What counts is the error among the accepted "
    "ones, so divide by how many those are.",
    old="errors = np.array([wrong[confidence >= threshold].mean() for threshold in candidates])",
    new="errors = np.array([wrong[confidence >= threshold].sum() / len(wrong) for threshold in candidates])",
)

changed(
    "largest_output_for_confidence",
    of="reject_curve",
    says="Your confidence is the largest output alone. It is the largest less the second largest.",
    old="confidence, wrong = ranked[:, -1] - ranked[:, -2], outputs.argmax(axis=1) != labels",
    new="confidence, wrong = ranked[:, -1], outputs.argmax(axis=1) != labels",
)

changed(
    "margin_over_the_smallest",
    of="reject_curve",
    says="Your confidence is the largest output less the smallest one. It is the largest less the second "
    "largest.",
    old="confidence, wrong = ranked[:, -1] - ranked[:, -2], outputs.argmax(axis=1) != labels",
    new="confidence, wrong = ranked[:, -1] - ranked[:, 0], outputs.argmax(axis=1) != labels",
)

changed(
    "share_accepted",
    of="reject_curve",
    says="You return the share that is accepted. Asked for is the share that is rejected.",
    old="return thresholds, np.array([np.mean(confidence < threshold) for threshold in thresholds])",
    new="return thresholds, np.array([np.mean(confidence >= threshold) for threshold in thresholds])",
)

@misconception(
    of="reject_curve",
    says="You lower the threshold until the error first becomes too large, and stop. The error does not fall "
    "steadily with the threshold: a lower one may do again.",
)
def stopped_too_early(outputs, labels, max_errors):
    if len(labels) != len(outputs):
        raise ValueError("labels")
    if any(not 0 <= error <= 1 for error in max_errors):
        raise ValueError("max_errors")
    ranked = np.sort(outputs, axis=1)
    confidence, wrong = ranked[:, -1] - ranked[:, -2], outputs.argmax(axis=1) != labels
    candidates = np.unique(confidence)
    errors = np.array([wrong[confidence >= threshold].mean() for threshold in candidates])
    def lowest(limit):
        found = np.inf
        for candidate, error in zip(candidates[::-1], errors[::-1]):
            if error > limit:
                break
            found = candidate
        return found

    thresholds = np.array([lowest(limit) for limit in max_errors])
    return thresholds, np.array([np.mean(confidence < threshold) for threshold in thresholds])

@misconception(
    of="reject_curve",
    says="You accept only what lies above the threshold. An example whose confidence equals it is accepted "
    "as well.",
)
def accepted_above_the_threshold(outputs, labels, max_errors):
    if len(labels) != len(outputs):
        raise ValueError("labels")
    if any(not 0 <= error <= 1 for error in max_errors):
        raise ValueError("max_errors")
    ranked = np.sort(outputs, axis=1)
    confidence, wrong = ranked[:, -1] - ranked[:, -2], outputs.argmax(axis=1) != labels
    candidates = np.unique(confidence)
    with np.errstate(all="ignore"):
        errors = np.array([wrong[confidence > threshold].sum() / np.sum(confidence > threshold) for threshold in candidates])
    thresholds = np.array([min(candidates[errors <= limit], default=np.inf) for limit in max_errors])
    return thresholds, np.array([np.mean(confidence <= threshold) for threshold in thresholds])

@misconception(
    of="reject_curve",
    says="You go through the examples one by one, so of several with equal confidence some are accepted and "
    "some are not. They share a threshold, and so their fate.",
)
def ties_taken_one_by_one(outputs, labels, max_errors):
    if len(labels) != len(outputs):
        raise ValueError("labels")
    if any(not 0 <= error <= 1 for error in max_errors):
        raise ValueError("max_errors")
    ranked = np.sort(outputs, axis=1)
    confidence, wrong = ranked[:, -1] - ranked[:, -2], outputs.argmax(axis=1) != labels
    falling = np.argsort(-confidence, kind="stable")
    candidates, shares = confidence[falling], np.cumsum(wrong[falling]) / np.arange(1, len(wrong) + 1)
    errors = shares
    thresholds = np.array([min(candidates[errors <= limit], default=np.inf) for limit in max_errors])
    return thresholds, np.array([np.mean(confidence < threshold) for threshold in thresholds])

changed(
    "highest_threshold",
    of="reject_curve",
    says="You return the highest threshold that will do. It rejects more than necessary: asked for is the "
    "lowest.",
    old="thresholds = np.array([min(candidates[errors <= limit], default=np.inf) for limit in max_errors])",
    new="thresholds = np.array([max(candidates[errors <= limit], default=np.inf) for limit in max_errors])",
)

changed(
    "no_threshold_is_zero",
    of="reject_curve",
    says="Where no threshold will do, you return something finite. The answer there is infinity, and all are "
    "rejected.",
    old="thresholds = np.array([min(candidates[errors <= limit], default=np.inf) for limit in max_errors])",
    new="thresholds = np.array([min(candidates[errors <= limit], default=0.0) for limit in max_errors])",
)

changed(
    "strictly_fewer_mistakes",
    of="reject_curve",
    says="You ask for less than max_errors. An error equal to it is good enough.",
    old="thresholds = np.array([min(candidates[errors <= limit], default=np.inf) for limit in max_errors])",
    new="thresholds = np.array([min(candidates[errors < limit], default=np.inf) for limit in max_errors])",
)


changed(
    "softmax_for_confidence",
    of="reject_curve",
    says="You turn the outputs into probabilities first. The confidence is the difference of the outputs themselves.",
    old="ranked = np.sort(outputs, axis=1)",
    new="""
        p = np.exp(outputs); p = p / p.sum(axis=1, keepdims=True)
        ranked = np.sort(p, axis=1)
    """,
)


changed(
    "rejected_counted",
    of="reject_curve",
    says="You return how many examples are rejected. Asked for is their share of all.",
    old="return thresholds, np.array([np.mean(confidence < threshold) for threshold in thresholds])",
    new="return thresholds, np.array([np.sum(confidence < threshold) for threshold in thresholds])",
)
