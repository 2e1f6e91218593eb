"""Wrong answers to assignment 01 that somebody believes in, each with what to say to whoever wrote it."""

import numpy as np

from autograder.authoring.answers import changed, misconception


# count_parameters


@misconception(
    of="count_parameters",
    says="You counted a bias for each unit or filter. The exercise, like the lecture, counts weights only.",
)
def bias_counted(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units + hidden_units
    if kind == "local":
        return hidden_units * (kernel_size**2 + 1)
    return filters * (kernel_size**2 + 1)


@misconception(
    of="count_parameters",
    says="Your convolutional layer grows with the number of hidden units. All units of a filter share one patch of "
    "weights, so the number of units plays no part.",
)
def weights_per_unit(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units
    return hidden_units * kernel_size**2 * (filters if kind == "convolutional" else 1)


@misconception(
    of="count_parameters",
    says="You took the side of the patch for its area. A patch has as many weights as it has pixels.",
)
def side_not_squared(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    return {
        "full": height * width * hidden_units,
        "local": hidden_units * kernel_size,
        "convolutional": filters * kernel_size,
    }[kind]


@misconception(
    of="count_parameters",
    says="You returned a number with a decimal point. A count is a whole number, and beyond 2⁵³ a float cannot hold it "
    "exactly.",
)
def float_returned(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    patch = float(kernel_size) ** 2
    return {
        "full": float(height) * width * hidden_units,
        "local": hidden_units * patch,
        "convolutional": filters * patch,
    }[kind]


@misconception(
    of="count_parameters",
    says="Your fully connected layer takes the image to be square. Its number of pixels is height times width.",
)
def square_image(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height**2 * hidden_units
    return (hidden_units if kind == "local" else filters) * kernel_size**2


@misconception(
    of="count_parameters",
    says="You multiplied the locally connected layer by the number of filters. It has none: each hidden unit has one "
    "patch of its own.",
)
def filters_in_local_layer(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units
    return filters * kernel_size**2 * (hidden_units if kind == "local" else 1)


@misconception(
    of="count_parameters",
    says="Your convolutional layer has the weights of a single filter. Every filter has a patch of its own.",
)
def one_filter(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units
    return kernel_size**2 * (hidden_units if kind == "local" else 1)


@misconception(
    of="count_parameters",
    says="You counted connections, one patch for every position of every filter. Connections that share a weight count "
    "once.",
)
def connections_counted(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units
    if kind == "local":
        return hidden_units * kernel_size**2
    return filters * (height - kernel_size + 1) * (width - kernel_size + 1) * kernel_size**2


@misconception(
    of="count_parameters",
    says="An unknown kind of layer ran into your last branch and got a count. Compare kind with all three names, and "
    "refuse the rest.",
)
def any_other_kind_is_convolutional(kind, height, width, hidden_units, kernel_size, filters):
    if min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("sizes")
    if kind == "full":
        return height * width * hidden_units
    return (hidden_units if kind == "local" else filters) * kernel_size**2


@misconception(
    of="count_parameters",
    says="You accept sizes of zero or less. An image or a layer of no size should be refused, for every kind of layer.",
)
def sizes_not_checked(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ("full", "local", "convolutional"):
        raise ValueError("kind")
    if kind == "full":
        return height * width * hidden_units
    return (hidden_units if kind == "local" else filters) * kernel_size**2


@misconception(
    of="count_parameters",
    says="You check only the sizes that the kind of layer uses. The docstring asks to refuse all five, used or not.",
)
def only_used_sizes_checked(kind, height, width, hidden_units, kernel_size, filters):
    factors = {
        "full": [height, width, hidden_units],
        "local": [hidden_units, kernel_size, kernel_size],
        "convolutional": [filters, kernel_size, kernel_size],
    }
    if kind not in factors or min(factors[kind]) < 1:
        raise ValueError("kind or sizes")
    first, second, third = factors[kind]
    return first * second * third


@misconception(
    of="count_parameters",
    says="Your count overflowed: numpy's whole numbers have 64 bits and wrap around beyond. Python's own do not.",
)
def wraps_at_64_bits(kind, height, width, hidden_units, kernel_size, filters):
    factors = {
        "full": [height, width, hidden_units],
        "local": [hidden_units, kernel_size, kernel_size],
        "convolutional": [filters, kernel_size, kernel_size],
    }
    if kind not in factors or min(height, width, hidden_units, kernel_size, filters) < 1:
        raise ValueError("kind or sizes")
    return int(np.prod(np.array(factors[kind], dtype=np.int64)))


# correlate1d


@misconception(
    of="correlate1d",
    says="Your result is the convolution: its formula has t − a where cross-correlation has t + a. Look at which end of f "
    "meets which end of g.",
)
def convolution_along_a_line(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.convolve(g, f, mode)


@misconception(
    of="correlate1d",
    says="You exchanged f and g. Cross-correlation is not commutative: exchanging the two reverses the result.",
)
def roles_exchanged(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.correlate(f, g, mode)


@misconception(
    of="correlate1d",
    says="When f is longer than g you exchange them, as if the order made no difference. For cross-correlation it does: "
    "the result comes out reversed.",
)
def made_commutative(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    short, long = sorted((f, g), key=len)
    return np.correlate(long, short, mode)


@misconception(
    of="correlate1d",
    says="Your full result misses a value at its end. Between the first and the last overlap there are N + M − 1 values of t.",
)
def full_one_short(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    result = np.correlate(g, f, mode)
    return result[:-1] if mode == "full" and len(f) > 1 else result


@misconception(
    of="correlate1d",
    says="Your mode 'same' is off centre for kernels of even length. There it drops one more value at the end than at the "
    "beginning: count how many you drop on each side.",
)
def same_off_centre(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    if mode == "same":
        return np.correlate(g, f, "full")[len(f) // 2 : len(f) // 2 + len(g)]
    return np.correlate(g, f, mode)


@misconception(
    of="correlate1d",
    says="Your mode 'same' takes the first values of 'full', not the middle ones.",
)
def same_from_the_start(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    if mode == "same":
        return np.correlate(g, f, "full")[: len(g)]
    return np.correlate(g, f, mode)


@misconception(
    of="correlate1d",
    says="Your mode 'valid' misses its last position. A kernel of M entries fits into a signal of N at N − M + 1 places.",
)
def valid_one_short(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    result = np.correlate(g, f, mode)
    return result[:-1] if mode == "valid" else result


@misconception(
    of="correlate1d",
    says="Beyond its end your signal goes on with its beginning. Outside of its entries it should be zero.",
)
def signal_wraps_around(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    M, N = len(f), len(g)
    full = np.array([sum(f[a] * g[(t + a) % N] for a in range(M)) for t in range(1 - M, N)])
    first = {"full": 0, "same": (M - 1) // 2, "valid": M - 1}[mode]
    return full[first : first + {"full": N + M - 1, "same": N, "valid": N - M + 1}[mode]]


@misconception(
    of="correlate1d",
    says="Where the kernel hangs over the end, you repeat the last entry of the signal. Outside of its entries it should "
    "be zero.",
)
def edges_repeated(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    M, N = len(f), len(g)
    full = np.correlate(np.pad(g, M - 1, mode="edge"), f, "valid")
    first = {"full": 0, "same": (M - 1) // 2, "valid": M - 1}[mode]
    return full[first : first + {"full": N + M - 1, "same": N, "valid": N - M + 1}[mode]]


@misconception(
    of="correlate1d",
    says="Your results are rounded to whole numbers, since they are stored in an array of the signal's type. Store them "
    "as floats.",
)
def stored_as_the_signal(f, g, mode):
    f, g, kind = np.asarray(f, dtype=float), np.asarray(g, dtype=float), np.asarray(g).dtype
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.correlate(g, f, mode).astype(kind)


@misconception(
    of="correlate1d",
    says="You multiply 8-bit numbers in 8 bits, where everything beyond 255 is cut down to its remainder. Turn both "
    "arrays into floats first.",
)
def products_of_8_bits(f, g, mode):
    if np.ndim(f) != 1 or np.ndim(g) != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.correlate(g, f, mode)


# convolve1d


@misconception(
    of="convolve1d",
    says="Your result is the cross-correlation: nothing is reversed. In the formula of convolution a counts up in f while "
    "t − a counts down in g.",
)
def not_reversed(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.correlate(g, f, mode)


@misconception(
    of="convolve1d",
    says="You reversed the signal in place of the kernel, so the result comes out in reverse order: t counts down.",
)
def signal_reversed(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return np.correlate(g[::-1], f, mode)


@misconception(
    of="convolve1d",
    says="You reversed the result, or both sequences, which comes to the same: a correlation in reverse order. Reverse the "
    "kernel alone.",
)
def result_reversed(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    return 1 * np.correlate(g, f, mode)[::-1]


@misconception(
    of="convolve1d",
    says="Your full result misses a value at its end. The product of polynomials with M and N coefficients has N + M − 1.",
)
def full_convolution_one_short(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    result = np.convolve(g, f, mode)
    return result[:-1] if mode == "full" and len(f) > 1 else result


@misconception(
    of="convolve1d",
    says="Your mode 'same' is off centre for kernels of even length. There it drops one more value at the end than at the "
    "beginning: count how many you drop on each side.",
)
def same_convolution_off_centre(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    if mode == "same":
        return np.convolve(g, f, "full")[len(f) // 2 : len(f) // 2 + len(g)]
    return np.convolve(g, f, mode)


@misconception(
    of="convolve1d",
    says="Your convolution is circular: what leaves at the end comes back in at the beginning. Outside of its entries the "
    "signal should be zero.",
)
def circular(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    M, N = len(f), len(g)
    full = np.array([sum(f[a] * g[(t - a) % N] for a in range(M)) for t in range(N + M - 1)])
    first = {"full": 0, "same": (M - 1) // 2, "valid": M - 1}[mode]
    return full[first : first + {"full": N + M - 1, "same": N, "valid": N - M + 1}[mode]]


@misconception(
    of="convolve1d",
    says="You reversed the caller's own array in place. Work on a reversed copy or view, and leave the argument as it was.",
)
def kernel_reversed_in_place(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g or mode")
    if mode != "full" and len(f) > len(g):
        raise ValueError("f")
    f[:] = f[::-1].copy()
    return np.correlate(g, f, mode)


# correlate2d


@misconception(
    of="correlate2d",
    says="You used the kernel's height for its width: your result has the wrong size as soon as the kernel is not square.",
)
def height_for_width(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), k = image.shape, kernel.shape[0]
    result = np.zeros((H - k + 1, max(0, W - k + 1)))
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            window = image[i : i + k, j : j + k]
            common = kernel[:, : window.shape[1]]
            result[i, j] = np.sum(window[:, : common.shape[1]] * common)
    return result


@misconception(
    of="correlate2d",
    says="Your result is transposed: its rows should count positions downwards, its columns positions across.",
)
def rows_and_columns_exchanged(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    return np.array([[np.sum(image[i : i + h, j : j + w] * kernel) for i in range(H - h + 1)] for j in range(W - w + 1)])


@misconception(
    of="correlate2d",
    says="You took half of the kernel off each side, rounded down. That is right for odd kernels only; an even kernel has "
    "one position fewer than you think.",
)
def half_kernel_rounded(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    padded = np.pad(image, ((0, 1), (0, 1)))
    rows, columns = max(1, H - 2 * (h // 2)), max(1, W - 2 * (w // 2))
    return np.array([[np.sum(padded[i : i + h, j : j + w] * kernel) for j in range(columns)] for i in range(rows)])


@misconception(
    of="correlate2d",
    says="Your result misses the last row and the last column. A kernel of h rows fits into H rows at H − h + 1 places.",
)
def last_position_missed(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H - h, W - w))
    for i in range(H - h):
        for j in range(W - w):
            result[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    return result


@misconception(
    of="correlate2d",
    says="You flipped the kernel: your result is the convolution. Cross-correlation takes the kernel as it is.",
)
def flipped_after_all(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel[::-1, ::-1])


@misconception(
    of="correlate2d",
    says="You put zeros around the image, so that the result has the image's size. Valid positions need no zeros: there "
    "are fewer of them.",
)
def padded_to_the_same_size(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    h, w = kernel.shape
    padded = np.pad(image, (((h - 1) // 2, h // 2), ((w - 1) // 2, w // 2)))
    return np.einsum("ijmn,mn->ij", np.lib.stride_tricks.sliding_window_view(padded, (h, w)), kernel)


@misconception(
    of="correlate2d",
    says="You averaged over the pixels under the kernel. The formula is a sum: nothing is divided.",
)
def averaged(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).mean(axis=(2, 3))


@misconception(
    of="correlate2d",
    says="Your kernel jumps by its own size, so that positions never overlap. It should move by one pixel.",
)
def moves_by_its_own_size(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows[:: kernel.shape[0], :: kernel.shape[1]], kernel)


@misconception(
    of="correlate2d",
    says="Your results are rounded to whole numbers, since they are stored in an array of the image's type. Store them as "
    "floats.",
)
def stored_as_the_image(image, kernel):
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel).astype(image.dtype)


@misconception(
    of="correlate2d",
    says="A kernel that is larger than the image gets an empty result. It has no valid position: refuse it.",
)
def large_kernel_gives_nothing(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((max(0, H - h + 1), max(0, W - w + 1)))
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            result[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    return result


@misconception(
    of="correlate2d",
    says="Where the kernel is larger than the image, you exchange the two. Which is which is for the caller to say: refuse "
    "it.",
)
def larger_one_is_the_image(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    if kernel.shape[0] >= image.shape[0] and kernel.shape[1] >= image.shape[1]:
        image, kernel = kernel, image
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel)


@misconception(
    of="correlate2d",
    says="You did not test the number of dimensions: an image with a third axis, such as colour, should be refused here.",
)
def dimensions_not_checked(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError("kernel")
    return np.sum(kernel * np.lib.stride_tricks.sliding_window_view(image, kernel.shape, tuple(range(kernel.ndim))),
                  axis=tuple(range(-kernel.ndim, 0)))


@misconception(
    of="correlate2d",
    says="You multiply 8-bit pixels with 8-bit weights in 8 bits, where everything beyond 255 is cut down to its "
    "remainder. Turn both arrays into floats first.",
)
def multiplied_in_8_bits(image, kernel):
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H - h + 1, W - w + 1))
    for i, j in np.ndindex(result.shape):
        result[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    return result


# convolve2d


@misconception(
    of="convolve2d",
    says="Your result is the cross-correlation: convolution flips the kernel along both axes first.",
)
def not_flipped(image, kernel):
    return correlate2d(image, kernel)  # noqa: F821


@misconception(
    of="convolve2d",
    says="You turned the kernel upside down only. Convolution flips both axes: rows and columns.",
)
def rows_flipped_only(image, kernel):
    return correlate2d(image, np.flip(kernel, axis=0))  # noqa: F821


@misconception(
    of="convolve2d",
    says="You mirrored the kernel left to right only. Convolution flips both axes: rows and columns.",
)
def columns_flipped_only(image, kernel):
    return correlate2d(image, np.flip(kernel, axis=-1))  # noqa: F821


@misconception(
    of="convolve2d",
    says="You transposed the kernel. A flip reverses the order of rows and of columns; it does not exchange them.",
)
def kernel_transposed(image, kernel):
    return correlate2d(image, np.transpose(kernel))  # noqa: F821


@misconception(
    of="convolve2d",
    says="You turned the kernel by a quarter. A flip along both axes is half a turn.",
)
def quarter_turn(image, kernel):
    if np.ndim(kernel) != 2:
        raise ValueError("kernel")
    return correlate2d(image, np.rot90(kernel))  # noqa: F821


@misconception(
    of="convolve2d",
    says="You flipped the kernel and transposed it as well. Only the order of rows and of columns is reversed.",
)
def flipped_and_transposed(image, kernel):
    return correlate2d(image, np.flip(kernel).T)  # noqa: F821


@misconception(
    of="convolve2d",
    says="You flipped the result, or both image and kernel, which comes to the same: a correlation turned round. Flip the "
    "kernel alone.",
)
def result_flipped(image, kernel):
    return correlate2d(image, kernel)[::-1, ::-1]  # noqa: F821


@misconception(
    of="convolve2d",
    says="You flipped the image in place of the kernel, so each value comes out at the opposite position.",
)
def image_flipped(image, kernel):
    return correlate2d(np.flip(image, axis=(0, 1)), kernel) + 0.0  # noqa: F821


@misconception(
    of="convolve2d",
    says="You flipped the caller's own kernel in place. Work on a flipped copy or view, and leave the argument as it was.",
)
def kernel_flipped_in_place(image, kernel):
    kernel[...] = np.flip(kernel).copy()
    return correlate2d(image, kernel)  # noqa: F821


@misconception(
    of="convolve2d",
    says="Your result has the size of the image or more. At valid positions all of the kernel lies inside the image.",
)
def computed_beyond_the_border(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H + h - 1, W + w - 1))
    for m in range(h):
        for n in range(w):
            result[m : m + H, n : n + W] += kernel[m, n] * image
    return result


# convolve2d_full


@misconception(
    of="convolve2d_full",
    says="You put half a kernel of zeros around the image, rounded down, which gives mode 'same' for odd kernels. The full "
    "result reaches h − 1 rows and w − 1 columns beyond the image in total.",
)
def half_a_kernel_of_zeros(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    h, w = kernel.shape
    padded = np.pad(image, ((h // 2, h // 2), (w // 2, w // 2)))
    rows, columns = max(0, padded.shape[0] - h + 1), max(0, padded.shape[1] - w + 1)
    flipped = kernel[::-1, ::-1]
    result = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            result[i, j] = np.sum(padded[i : i + h, j : j + w] * flipped)
    return result


changed(
    "cropped_for_odd_kernels",
    of="convolve2d_full",
    says="Your result is cropped wrongly for even kernels: it was cut as if every kernel had a middle.",
    old="return result",
    new="return result[: H + 2 * (h // 2) - (h % 2 == 0) * 2, : W + 2 * (w // 2) - (w % 2 == 0) * 2]",
)


@misconception(
    of="convolve2d_full",
    says="You put zeros on one side only. A kernel can overlap the image from above and from below, from the left and from "
    "the right.",
)
def zeros_on_one_side(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    h, w = kernel.shape
    padded = np.pad(image, ((h - 1, 0), (w - 1, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w))
    return np.einsum("ijmn,mn->ij", windows, kernel[::-1, ::-1])


@misconception(
    of="convolve2d_full",
    says="You put zeros on all sides, twice as many at the end as at the beginning or the other way round, so the result is "
    "shifted. It should begin where only one pixel and one weight meet.",
)
def zeros_all_behind(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    h, w = kernel.shape
    padded = np.pad(image, ((0, 2 * (h - 1)), (0, 2 * (w - 1))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w))
    return np.einsum("ijmn,mn->ij", windows, kernel[::-1, ::-1])


changed(
    "full_correlation",
    of="convolve2d_full",
    says="You did not flip: your result is the full cross-correlation. In K(i − m, j − n) the kernel runs backwards as the "
    "image runs forwards.",
    old="result[m : m + h, n : n + w] += image[m, n] * kernel",
    new="result[m : m + h, n : n + w] += image[m, n] * kernel[::-1, ::-1]",
)


@misconception(
    of="convolve2d_full",
    says="A negative index counts from the end in Python, so your kernel repeats itself where it should be zero. Test that "
    "i − m and j − n are inside the kernel.",
)
def negative_index_wraps(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H + h - 1, W + w - 1))
    for (i, j), (m, n) in ((a, b) for a in np.ndindex(result.shape) for b in np.ndindex(H, W)):
        if -h <= i - m < h and -w <= j - n < w:
            result[i, j] += image[m, n] * kernel[i - m, j - n]
    return result


changed(
    "stamps_overwrite",
    of="convolve2d_full",
    says="Where stamps of the kernel overlap, you keep only the last one. Contributions from different pixels add up.",
    old="result[m : m + h, n : n + w] += image[m, n] * kernel",
    new="result[m : m + h, n : n + w] = image[m, n] * kernel",
)


@misconception(
    of="convolve2d_full",
    says="You computed valid positions only. Here every position counts at which image and kernel overlap at all.",
)
def valid_positions_only(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel[::-1, ::-1])


@misconception(
    of="convolve2d_full",
    says="You used the kernel's height for its width: the number of zeros on the left and right depends on the width.",
)
def same_padding_both_ways(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image or kernel")
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, kernel.shape[0] - 1), kernel.shape)
    return np.einsum("ijmn,mn->ij", windows, kernel[::-1, ::-1])


changed(
    "large_kernel_refused",
    of="convolve2d_full",
    says="You refuse a kernel that is larger than the image. Here it is allowed: the sum is defined for any two sizes.",
    old="result = np.zeros((H + h - 1, W + w - 1))",
    new="""
        if h > H + 1 or w > W + 1:
            raise ValueError("kernel")
        result = np.zeros((H + h - 1, W + w - 1))
    """,
)


changed(
    "stamped_in_8_bits",
    of="convolve2d_full",
    says="You multiply 8-bit pixels with 8-bit weights in 8 bits, where everything beyond 255 is cut down to its "
    "remainder. Turn both arrays into floats first.",
    old="image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)",
    new="image, kernel = np.asarray(image), np.asarray(kernel)",
)


# witness


@misconception(
    of="witness",
    says="You always answer None. That never accuses anybody wrongly, and never finds a bug.",
)
def never_suspicious(op_a, op_b):
    return None


@misconception(
    of="witness",
    says="You return an input without comparing the results on it, and so accuse correct programs too. Return one only "
    "where the two operations differ.",
)
def always_suspicious(op_a, op_b):
    rng = np.random.default_rng(0)
    return rng.uniform(-100, 100, size=(7, 9)), rng.uniform(-100, 100, size=(2, 3))


changed(
    "positive_values_only",
    of="witness",
    says="Your inputs are all positive. Many bugs show only where a pixel, a weight or a result is negative.",
    old="image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(h, w))",
    new="image, kernel = rng.uniform(0, 1, size=(H, W)), rng.uniform(0, 1, size=(h, w))",
)


@misconception(
    of="witness",
    says="You try only the lecture's kernel, or one as symmetric. A kernel that looks the same after a flip cannot expose "
    "a flip.",
)
def symmetric_kernel(op_a, op_b):
    rng, kernel = np.random.default_rng(0), np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    for size in range(3, 13):
        image = rng.uniform(-100, 100, size=(size, size))
        if differ(op_a(image, kernel), op_b(image, kernel)):  # noqa: F821
            return image, kernel
    return None


changed(
    "exact_comparison",
    of="witness",
    says="You compare for exact equality. Correct programs that add in another order differ by rounding: use differ().",
    edits=[
        ("for _ in range(200):", "for _ in range(300):"),
        (
            "if differ(op_a(image, kernel), op_b(image, kernel)):",
            "if not np.array_equal(op_a(image, kernel), op_b(image, kernel)):",
        ),
    ],
)


changed(
    "shapes_compared_only",
    of="witness",
    says="You compare the shapes of the results, not their values. Most bugs leave the shape as it is.",
    edits=[
        ("for _ in range(200):", "for _ in range(100):"),
        (
            "if differ(op_a(image, kernel), op_b(image, kernel)):",
            "if np.shape(op_a(image, kernel)) != np.shape(op_b(image, kernel)):",
        ),
    ],
)


@misconception(
    of="witness",
    says="You return what the operations gave, not the image and kernel that you gave them.",
)
def results_returned(op_a, op_b):
    rng = np.random.default_rng(0)
    for _ in range(200):
        H, W = rng.integers(1, 17, size=2)
        h, w = rng.integers(1, H + 1), rng.integers(1, W + 1)
        image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(h, w))
        first, second = op_a(image, kernel), op_b(image, kernel)
        if differ(first, second):  # noqa: F821
            return first, second
    return None


@misconception(
    of="witness",
    says="You answer True or False. A claim proves nothing: return the image and kernel on which the two differ, or None.",
)
def answers_yes_or_no(op_a, op_b):
    rng = np.random.default_rng(0)
    for _ in range(100):
        H, W = rng.integers(1, 17, size=2)
        image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(1, rng.integers(1, W + 1)))
        if differ(op_a(image, kernel), op_b(image, kernel)):  # noqa: F821
            return True
    return False


changed(
    "beyond_the_limits",
    of="witness",
    says="Your inputs go beyond the limits, in size or in value. Call allowed() to see which.",
    edits=[
        ("for _ in range(200):", "for _ in range(50):"),
        (
            "image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(h, w))",
            "image, kernel = rng.normal(size=(H, W)) * 1000, rng.normal(size=(h, w)) * 1000",
        ),
    ],
)


changed(
    "square_inputs_only",
    of="witness",
    says="You try square images and square kernels only. A bug that confuses height and width is silent there.",
    old="h, w = rng.integers(1, H + 1), rng.integers(1, W + 1)",
    new="""
        W = H
        h = w = rng.integers(1, H + 1)
    """,
)


@misconception(
    of="witness",
    says="You try kernels of at most three rows and columns. A bug may show on larger ones only: allowed() lets a "
    "kernel be as large as the image.",
)
def small_kernels_only(op_a, op_b):
    rng = np.random.default_rng(0)
    for _ in range(200):
        H, W = rng.integers(1, 17, size=2) // 2 + 1
        h, w = rng.integers(1, min(3, H) + 1), rng.integers(1, min(3, W) + 1)
        image, kernel = rng.uniform(-100, 100, size=(H, W)), rng.uniform(-100, 100, size=(h, w))
        if differ(op_a(image, kernel), op_b(image, kernel)):
            return image, kernel
    return None


changed(
    "a_handful_of_inputs",
    of="witness",
    says="You try only a few inputs. A bug that shows on some kind of input is easily missed: try a few hundred.",
    old="for _ in range(200):",
    new="for _ in range(3):",
)


# toeplitz


@misconception(
    of="toeplitz",
    says="Your matrix has a row for every full position. Only valid positions count, where all of the kernel lies inside "
    "the image.",
)
def rows_for_full_positions(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height + h - 1):
        for j in range(width + w - 1):
            plane = np.zeros((height + 2 * (h - 1), width + 2 * (w - 1)))
            plane[i : i + h, j : j + w] = kernel
            rows.append(plane[h - 1 : h - 1 + height, w - 1 : w - 1 + width].ravel())
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="You number the pixels column after column. ravel reads row after row, so neighbours in a row are neighbours in "
    "the matrix.",
)
def pixels_column_by_column(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            plane = np.zeros((height, width))
            plane[i : i + h, j : j + w] = kernel
            rows.append(plane.ravel(order="F"))
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="You number the outputs column after column. They should be counted row after row, like the pixels.",
)
def outputs_column_by_column(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for j in range(width - w + 1):
        for i in range(height - h + 1):
            plane = np.zeros((height, width))
            plane[i : i + h, j : j + w] = kernel
            rows.append(plane.ravel())
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="Your rows hold the flipped kernel: this is the matrix of convolution, not of cross-correlation.",
)
def matrix_of_convolution(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            plane = np.zeros((height, width))
            plane[i : i + h, j : j + w] = kernel[::-1, ::-1]
            rows.append(plane.ravel())
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="Your matrix is transposed: it should have a row for each output and a column for each pixel.",
)
def matrix_transposed(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            plane = np.zeros((height, width))
            plane[i : i + h, j : j + w] = kernel
            rows.append(plane.ravel())
    return np.array(rows).T


@misconception(
    of="toeplitz",
    says="Each of your rows is the last one moved by one pixel, even at the end of a line, where the kernel then reaches "
    "round into the next line. Those positions are not valid.",
)
def rows_reach_round_the_edge(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    plane = np.zeros((height, width))
    plane[:h, :w] = kernel
    shifts = (height - h) * width + width - w + 1
    return np.array([np.roll(plane.ravel(), shift) for shift in range(shifts)])


@misconception(
    of="toeplitz",
    says="You step from one row of the kernel to the next by the image's height. In an image read row after row, the next "
    "line is one width away.",
)
def height_taken_for_width(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            row = np.zeros(height * width)
            for m in range(h):
                for n in range(w):
                    row[((i + m) * height + j + n) % len(row)] = kernel[m, n]
            rows.append(row)
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="Your matrix holds only zeros and ones, or the pixels' places: the entries should be the kernel's weights.",
)
def places_not_weights(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    rows = []
    for i in range(height - h + 1):
        for j in range(width - w + 1):
            plane = np.zeros((height, width))
            plane[i : i + h, j : j + w] = 1
            rows.append(plane.ravel())
    return np.array(rows)


@misconception(
    of="toeplitz",
    says="You take the kernel to be square: its width is not its height.",
)
def square_kernel_assumed(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    k = kernel.shape[0]
    rows = []
    for i in range(height - k + 1):
        for j in range(max(0, width - k + 1)):
            plane = np.zeros((height, width + k))
            plane[i : i + k, j : j + kernel.shape[1]] = kernel[:, : width + k - j]
            rows.append(plane[:, :width].ravel())
    return np.array(rows).reshape(-1, height * width)


# equivariance_gap


@misconception(
    of="equivariance_gap",
    says="You let pixels that leave on one side come back in on the other, and count the border. Shifted pixels are lost, "
    "free pixels are zero, and the border says nothing.",
)
def wraps_and_counts_everything(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    result = np.asarray(op(image), dtype=float)
    if abs(shift[0]) >= result.shape[0] or abs(shift[1]) >= result.shape[1]:
        raise ValueError("shift")
    return float(np.abs(np.asarray(op(np.roll(image, shift, axis=(0, 1))), dtype=float) - np.roll(result, shift, axis=(0, 1))).max())


@misconception(
    of="equivariance_gap",
    says="You leave out the border of the result, but in the shifted image pixels still come back in on the other side. "
    "They should be zero.",
)
def image_wraps_around(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (d, r), moved, still = shift, np.asarray(op(np.roll(image, shift, axis=(0, 1))), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    a = moved[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    b = still[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    return float(np.abs(a - b).max())


@misconception(
    of="equivariance_gap",
    says="You count the border, where the shift filled in zeros. Entries without a partner in the other array say nothing "
    "about equivariance.",
)
def border_included(op, image, shift):
    def moved(x):
        (H, W), (d, r) = x.shape, shift
        result = np.zeros_like(x)
        result[max(0, d) : H + min(0, d), max(0, r) : W + min(0, r)] = x[
            max(0, -d) : H + min(0, -d), max(0, -r) : W + min(0, -r)
        ]
        return result

    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    result = np.asarray(op(image), dtype=float)
    if abs(shift[0]) >= min(result.shape[0], image.shape[0]) or abs(shift[1]) >= min(result.shape[1], image.shape[1]):
        raise ValueError("shift")
    return float(np.abs(np.asarray(op(moved(image)), dtype=float) - moved(result)).max())


@misconception(
    of="equivariance_gap",
    says="You compare op(shifted image) with op(image) at the same place. Equivariance says that the result moves along "
    "with the image; what you measure is invariance.",
)
def invariance_measured(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    still = np.asarray(op(image), dtype=float)
    if abs(d) >= min(H, still.shape[0]) or abs(r) >= min(W, still.shape[1]):
        raise ValueError("shift")
    shifted = np.zeros_like(image)
    shifted[max(0, d) : H + min(0, d), max(0, r) : W + min(0, r)] = image[
        max(0, -d) : H + min(0, -d), max(0, -r) : W + min(0, -r)
    ]
    return float(np.abs(np.asarray(op(shifted), dtype=float) - still).max())


@misconception(
    of="equivariance_gap",
    says="You shift the image one way and the result the other way. Entry [i, j] belongs to entry [i − down, j − right].",
)
def opposite_directions(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    shifted = np.zeros_like(image)
    shifted[max(0, d) : max(0, H + min(0, d)), max(0, r) : max(0, W + min(0, r))] = image[
        max(0, -d) : max(0, H + min(0, -d)), max(0, -r) : max(0, W + min(0, -r))
    ]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    b = moved[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    a = still[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    return float(np.abs(a - b).max())


@misconception(
    of="equivariance_gap",
    says="You exchanged down and right: the first number of the shift counts rows.",
)
def down_and_right_exchanged(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (r, d) = image.shape, shift
    shifted = np.zeros_like(image)
    shifted[max(0, d) : max(0, H + min(0, d)), max(0, r) : max(0, W + min(0, r))] = image[
        max(0, -d) : max(0, H + min(0, -d)), max(0, -r) : max(0, W + min(0, -r))
    ]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    a = moved[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    b = still[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    return float(np.abs(a - b).max())


@misconception(
    of="equivariance_gap",
    says="You return the mean difference. The gap is the largest one: a single entry that fails must not be averaged away.",
)
def mean_for_largest(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    shifted = np.zeros_like(image)
    shifted[max(0, d) : max(0, H + min(0, d)), max(0, r) : max(0, W + min(0, r))] = image[
        max(0, -d) : max(0, H + min(0, -d)), max(0, -r) : max(0, W + min(0, -r))
    ]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    a = moved[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    b = still[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    return float(np.abs(a - b).mean())


@misconception(
    of="equivariance_gap",
    says="You forgot the absolute value, so differences below zero do not count.",
)
def sign_not_dropped(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    shifted = np.zeros_like(image)
    shifted[max(0, d) : max(0, H + min(0, d)), max(0, r) : max(0, W + min(0, r))] = image[
        max(0, -d) : max(0, H + min(0, -d)), max(0, -r) : max(0, W + min(0, -r))
    ]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    a = moved[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    b = still[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    return float((a - b).max())


@misconception(
    of="equivariance_gap",
    says="Your slices are written for shifts down and to the right. Negative numbers move the content up and left.",
)
def negative_shifts_ignored(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, (max(0, shift[0]), max(0, shift[1]))
    shifted = np.zeros_like(image)
    shifted[d:, r:] = image[: max(0, H - d), : max(0, W - r)]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    if abs(shift[0]) >= P or abs(shift[1]) >= Q:
        raise ValueError("shift")
    return float(np.abs(moved[d:, r:] - still[: P - d, : Q - r]).max())


@misconception(
    of="equivariance_gap",
    says="A shift that leaves nothing to compare gets a gap of zero, as if all were well. Refuse it.",
)
def nothing_to_compare_is_zero(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    shifted = np.zeros_like(image)
    shifted[max(0, d) : max(0, H + min(0, d)), max(0, r) : max(0, W + min(0, r))] = image[
        max(0, -d) : max(0, H + min(0, -d)), max(0, -r) : max(0, W + min(0, -r))
    ]
    moved, still = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    P, Q = still.shape
    a = moved[max(0, d) : max(0, P + min(0, d)), max(0, r) : max(0, Q + min(0, r))]
    b = still[max(0, -d) : max(0, P + min(0, -d)), max(0, -r) : max(0, Q + min(0, -r))]
    return float(np.abs(a - b).max(initial=0.0))


@misconception(
    of="equivariance_gap",
    says="You shifted the caller's own image in place. Make a new array, and leave the argument as it was.",
)
def image_shifted_in_place(op, image, shift):
    if np.ndim(image) != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    still, original = np.asarray(op(image.astype(float)), dtype=float), image.copy()
    P, Q = still.shape
    if abs(d) >= min(H, P) or abs(r) >= min(W, Q):
        raise ValueError("shift")
    image[...] = 0
    image[max(0, d) : H + min(0, d), max(0, r) : W + min(0, r)] = original[
        max(0, -d) : H + min(0, -d), max(0, -r) : W + min(0, -r)
    ]
    moved = np.asarray(op(image.astype(float)), dtype=float)
    a = moved[max(0, d) : P + min(0, d), max(0, r) : Q + min(0, r)]
    b = still[max(0, -d) : P + min(0, -d), max(0, -r) : Q + min(0, -r)]
    return float(np.abs(a - b).max())


# learn_kernel


@misconception(
    of="learn_kernel",
    says="You summed the gradient over all outputs. The loss is a mean, so its gradient is divided by their number.",
)
def gradient_not_averaged(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        with np.errstate(over="ignore", invalid="ignore"):
            kernel = kernel - learning_rate * 2 * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You went up the gradient. To make the loss smaller, subtract it.",
)
def uphill(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        kernel = kernel + learning_rate * 2 / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="The factor 2 is missing: the derivative of a square is twice the error.",
)
def factor_two_missing(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        kernel = kernel - learning_rate / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You modelled the target by convolution, and so found the flipped kernel. The exercise models it by correlation.",
)
def convolution_modelled(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel[::-1, ::-1]) - target  # noqa: F821
        kernel = kernel - learning_rate * 2 / target.size * correlate2d(image, error)[::-1, ::-1]  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="Your gradient is flipped: you convolved the image with the errors. In the double sum both indices of the image "
    "grow together with those of the error.",
)
def gradient_flipped(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        kernel = kernel - learning_rate * 2 / target.size * convolve2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You computed the errors once, before the first step. They change with the kernel and belong inside the loop.",
)
def errors_computed_once(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    error = correlate2d(image, kernel) - target  # noqa: F821
    for _ in range(steps):
        kernel = kernel - learning_rate * 2 / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You divided by the number of weights. The mean in the loss runs over the outputs.",
)
def averaged_over_weights(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        with np.errstate(over="ignore", invalid="ignore"):
            kernel = kernel - learning_rate * 2 / kernel.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You took one step more than asked. After 0 steps the kernel is still all zeros.",
)
def one_step_too_many(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps + 1):
        error = correlate2d(image, kernel) - target  # noqa: F821
        kernel = kernel - learning_rate * 2 / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You started from a kernel that is not zero. The docstring fixes the start, so that everybody's steps are the same.",
)
def random_start(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.random.default_rng(0).normal(size=np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = correlate2d(image, kernel) - target  # noqa: F821
        kernel = kernel - learning_rate * 2 / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You updated one weight after the other, and computed the errors anew in between. A step of gradient descent "
    "changes all weights at once.",
)
def weights_updated_in_turn(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        for m, n in np.ndindex(kernel.shape):
            error = correlate2d(image, kernel) - target  # noqa: F821
            window = image[m : m + target.shape[0], n : n + target.shape[1]]
            kernel[m, n] -= learning_rate * 2 / target.size * np.sum(error * window)
    return kernel


@misconception(
    of="learn_kernel",
    says="You use the absolute error, or its sign: its gradient does not shrink as the error does. The loss is the mean of "
    "squares.",
)
def absolute_error(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    kernel = np.zeros(np.subtract(image.shape, target.shape) + 1)
    for _ in range(steps):
        error = np.sign(correlate2d(image, kernel) - target)  # noqa: F821
        kernel = kernel - learning_rate / target.size * correlate2d(image, error)  # noqa: F821
    return kernel


@misconception(
    of="learn_kernel",
    says="You solved for the best kernel directly. The exercise asks where gradient descent stands after the given number "
    "of steps.",
)
def solved_directly(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if min(np.subtract(image.shape, target.shape)) < 0:
        raise ValueError("target")
    windows = np.lib.stride_tricks.sliding_window_view(image, target.shape)
    matrix = windows.reshape(-1, target.size).T
    return np.linalg.lstsq(matrix, np.ravel(target), rcond=None)[0].reshape(windows.shape[:2])
