"""Right answers to assignment 01 by other routes than the instructor's. Each must get full marks."""

import numpy as np

from autograder.authoring.answers import alternative


# count_parameters


@alternative(of="count_parameters", route="a dictionary of products")
def table_of_products(kind, height, width, hidden_units, kernel_size, filters):
    counts = {
        "full": height * width * hidden_units,
        "local": hidden_units * kernel_size * kernel_size,
        "convolutional": filters * kernel_size * kernel_size,
    }
    if kind not in counts:
        raise ValueError(f"kind: {kind}")
    for size in (height, width, hidden_units, kernel_size, filters):
        if size < 1:
            raise ValueError("height, width, hidden_units, kernel_size and filters must be at least 1")
    return counts[kind]


@alternative(of="count_parameters", route="match statement and math.prod")
def matched_kind(kind, height, width, hidden_units, kernel_size, filters):
    import math

    if not all(size >= 1 for size in (height, width, hidden_units, kernel_size, filters)):
        raise ValueError("height, width, hidden_units, kernel_size, filters")
    match kind:
        case "full":
            return math.prod((height, width, hidden_units))
        case "local":
            return math.prod((hidden_units, kernel_size, kernel_size))
        case "convolutional":
            return math.prod((filters, kernel_size, kernel_size))
        case _:
            raise ValueError("kind")


@alternative(of="count_parameters", route="weights of one unit, times how many differ; integers of arbitrary size in numpy")
def weights_times_sets(kind, height, width, hidden_units, kernel_size, filters):
    if kind not in ["full", "local", "convolutional"] or np.any(
        np.array([height, width, hidden_units, kernel_size, filters], dtype=object) <= 0
    ):
        raise ValueError("kind, height, width, hidden_units, kernel_size or filters")
    weights = height * width if kind == "full" else pow(kernel_size, 2)
    sets = filters if kind == "convolutional" else hidden_units
    return int(np.multiply(np.array(weights, dtype=object), sets))


# correlate1d


@alternative(of="correlate1d", route="the double loop of the definition, with lists")
def loops_over_t_and_a(f, g, mode):
    if np.ndim(f) != 1 or np.ndim(g) != 1:
        raise ValueError("f, g")
    M, N = len(f), len(g)
    if mode == "full":
        times = range(-(M - 1), N)
    elif mode == "same":
        times = range(-(M - 1) + (M - 1) // 2, -(M - 1) + (M - 1) // 2 + N)
    elif mode == "valid":
        times = range(0, N - M + 1)
    else:
        raise ValueError("mode")
    if mode != "full" and M > N:
        raise ValueError("f")
    values = []
    for t in times:
        total = 0.0
        for a in range(M):
            if 0 <= t + a < N:
                total += float(f[a]) * float(g[t + a])
        values.append(total)
    return np.array(values)


@alternative(of="correlate1d", route="numpy.correlate")
def numpy_correlate(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in {"full", "same", "valid"}:
        raise ValueError("f, g, mode")
    if len(f) > len(g) and mode != "full":
        raise ValueError("f is longer than g")
    return np.correlate(g, f, mode)


@alternative(of="correlate1d", route="scaled and shifted copies of the signal, added up")
def shifted_copies(f, g, mode):
    f, g = np.array(f, dtype=float), np.array(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g, mode")
    M, N = f.shape[0], g.shape[0]
    if mode != "full" and N < M:
        raise ValueError("f")
    full = np.zeros(M + N - 1)
    for a in range(M):
        full[M - 1 - a : M - 1 - a + N] += f[a] * g
    if mode == "same":
        return full[(M - 1) // 2 :][:N]
    return full if mode == "full" else full[M - 1 : N]


@alternative(of="correlate1d", route="the fast Fourier transform")
def fourier_correlation(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or mode not in ("full", "same", "valid"):
        raise ValueError("f, g, mode")
    M, N = len(f), len(g)
    if mode != "full" and M > N:
        raise ValueError("f")
    size = M + N - 1
    full = np.fft.irfft(np.fft.rfft(f[::-1], size) * np.fft.rfft(g, size), size)
    start, count = {"full": (0, size), "same": ((M - 1) // 2, N), "valid": (M - 1, N - M + 1)}[mode]
    return full[start : start + count]


@alternative(of="correlate1d", route="torch in single precision")
def torch_correlation_1d(f, g, mode):
    import torch

    if np.ndim(f) != 1 or np.ndim(g) != 1:
        raise ValueError("f, g")
    M, N = len(f), len(g)
    if mode not in ("full", "same", "valid") or (mode != "full" and M > N):
        raise ValueError("f, mode")
    left, right = {"full": (M - 1, M - 1), "same": (M // 2, (M - 1) // 2), "valid": (0, 0)}[mode]
    signal = torch.nn.functional.pad(torch.tensor(np.array(g), dtype=torch.float32)[None, None], (left, right))
    return torch.nn.functional.conv1d(signal, torch.tensor(np.array(f), dtype=torch.float32)[None, None])[0, 0].numpy()


# convolve1d


@alternative(of="convolve1d", route="numpy.convolve")
def numpy_convolve(f, g, mode):
    if np.ndim(f) != 1 or np.ndim(g) != 1:
        raise ValueError("f and g must be vectors")
    if mode not in ("full", "same", "valid"):
        raise ValueError("mode")
    if len(f) > len(g) and mode in ("same", "valid"):
        raise ValueError("f")
    return np.convolve(np.asarray(f, dtype=float), np.asarray(g, dtype=float), mode=mode)


@alternative(of="convolve1d", route="multiplying polynomials term by term")
def polynomial_product(f, g, mode):
    if np.ndim(f) != 1 or np.ndim(g) != 1:
        raise ValueError("f, g")
    M, N = len(f), len(g)
    if mode not in ("full", "same", "valid") or (M > N and mode != "full"):
        raise ValueError("f, mode")
    terms = [0.0] * (M + N - 1)
    for i, x in enumerate(f):
        for j, y in enumerate(g):
            terms[i + j] += float(x) * float(y)
    cut = {"full": slice(None), "same": slice((M - 1) // 2, (M - 1) // 2 + N), "valid": slice(M - 1, N)}
    return np.array(terms[cut[mode]])


@alternative(of="convolve1d", route="a Toeplitz matrix, in Fortran order")
def matrix_times_signal(f, g, mode):
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1:
        raise ValueError("f, g")
    M, N = f.size, g.size
    if mode not in ("full", "same", "valid") or (M > N and mode != "full"):
        raise ValueError("f, mode")
    matrix = np.zeros((M + N - 1, N), order="F")
    for column in range(N):
        matrix[column : column + M, column] = f
    full = matrix @ g
    return {"full": full, "same": full[(M - 1) // 2 :][:N], "valid": full[M - 1 : N]}[mode]


@alternative(of="convolve1d", route="scipy.signal")
def scipy_convolve_1d(f, g, mode):
    import scipy.signal

    if np.ndim(f) != 1 or np.ndim(g) != 1:
        raise ValueError("f, g")
    if mode not in ("full", "same", "valid") or (len(f) > len(g) and mode != "full"):
        raise ValueError("f, mode")
    return scipy.signal.convolve(np.asarray(g, dtype=float), np.asarray(f, dtype=float), mode=mode)


# correlate2d


@alternative(of="correlate2d", route="four nested loops, nothing but numbers")
def four_loops(image, kernel):
    if np.ndim(image) != 2 or np.ndim(kernel) != 2:
        raise ValueError("image, kernel")
    H, W = np.shape(image)
    h, w = np.shape(kernel)
    if h > H or w > W:
        raise ValueError("kernel")
    result = []
    for i in range(H - h + 1):
        row = []
        for j in range(W - w + 1):
            total = 0.0
            for m in range(h):
                for n in range(w):
                    total += float(image[i + m, j + n]) * float(kernel[m, n])
            row.append(total)
        result.append(row)
    return np.array(result)


@alternative(of="correlate2d", route="sliding_window_view and einsum")
def windows_and_einsum(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError("image, kernel")
    return np.einsum("ijmn,mn->ij", np.lib.stride_tricks.sliding_window_view(image, kernel.shape), kernel)


@alternative(of="correlate2d", route="one shifted copy of the image for each weight")
def weight_by_weight(image, kernel):
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    rows, columns = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    if rows <= 0 or columns <= 0:
        raise ValueError("kernel")
    return sum(
        float(kernel[m, n]) * image[m : m + rows, n : n + columns].astype(float) for m, n in np.ndindex(kernel.shape)
    )


@alternative(of="correlate2d", route="torch.nn.functional.conv2d in single precision")
def torch_conv2d(image, kernel):
    import torch

    if np.ndim(image) != 2 or np.ndim(kernel) != 2 or np.any(np.greater(np.shape(kernel), np.shape(image))):
        raise ValueError("image, kernel")
    pixels, weights = (torch.tensor(np.array(x, dtype=np.float32, order="C"))[None, None] for x in (image, kernel))
    return torch.nn.functional.conv2d(pixels, weights)[0, 0].numpy()


@alternative(of="correlate2d", route="stride tricks on a copy, result a view in Fortran order")
def strided_view(image, kernel):
    image, kernel = np.array(image, dtype=np.float64, order="F"), np.asarray(kernel, dtype=np.float64)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    if H < h or W < w:
        raise ValueError("kernel")
    windows = np.lib.stride_tricks.as_strided(
        image, shape=(W - w + 1, H - h + 1, h, w), strides=(*image.strides[::-1], *image.strides)
    )
    return np.tensordot(windows, kernel, axes=2).T


@alternative(of="correlate2d", route="the fast Fourier transform, cropped")
def fourier_transform(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    if h > H or w > W:
        raise ValueError("kernel")
    product = np.fft.fft2(image) * np.conj(np.fft.fft2(kernel, s=(H, W)))
    return np.fft.ifft2(product).real[: H - h + 1, : W - w + 1]


@alternative(of="correlate2d", route="rows by recursion, each by one-dimensional sums")
def row_after_row(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("image, kernel")

    def rows(rest):
        if len(rest) < len(kernel):
            return []
        return [sum(np.correlate(line, weights, "valid") for line, weights in zip(rest, kernel)), *rows(rest[1:])]

    return np.stack(rows(image))


# convolve2d


@alternative(of="convolve2d", route="loops, with the indices of the formula")
def backward_indices(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    if h > H or w > W:
        raise ValueError("kernel")
    result = np.zeros((H - h + 1, W - w + 1))
    for i, j in np.ndindex(result.shape):
        for m, n in np.ndindex(h, w):
            result[i, j] += image[i + m, j + n] * kernel[h - 1 - m, w - 1 - n]
    return result


@alternative(of="convolve2d", route="scipy.signal.convolve2d")
def scipy_valid(image, kernel):
    from scipy import signal

    if np.ndim(image) != 2 or np.ndim(kernel) != 2:
        raise ValueError("image, kernel")
    if kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("kernel")
    return signal.convolve2d(np.asarray(image, dtype=float), np.asarray(kernel, dtype=float), mode="valid")


@alternative(of="convolve2d", route="two quarter turns of the kernel, then torch in double precision")
def torch_half_turn(image, kernel):
    import torch

    if np.ndim(image) != 2 or np.ndim(kernel) != 2 or np.any(np.greater(np.shape(kernel), np.shape(image))):
        raise ValueError("image, kernel")
    pixels = torch.tensor(np.asarray(image), dtype=torch.float64)
    weights = torch.rot90(torch.tensor(np.asarray(kernel), dtype=torch.float64), 2, (0, 1))
    return torch.conv2d(pixels[None, None], weights[None, None]).squeeze(0).squeeze(0).numpy()


@alternative(of="convolve2d", route="the exercise before, with the kernel flipped one axis at a time")
def flips_one_by_one(image, kernel):
    if kernel.ndim != 2:
        raise ValueError("kernel")
    return correlate2d(image, np.flipud(np.fliplr(kernel)))  # noqa: F821


@alternative(of="convolve2d", route="columns of windows, as in im2col")
def windows_as_columns(image, kernel):
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    if image.ndim != 2 or kernel.ndim != 2 or (np.array(kernel.shape) > image.shape).any():
        raise ValueError("image, kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    columns = np.array([image[i : i + h, j : j + w].ravel() for i in range(H - h + 1) for j in range(W - w + 1)])
    return (columns @ kernel.ravel()[::-1]).reshape(H - h + 1, W - w + 1)


# convolve2d_full


@alternative(of="convolve2d_full", route="the literal double sum")
def literal_double_sum(image, kernel):
    if np.ndim(image) != 2 or np.ndim(kernel) != 2:
        raise ValueError("image, kernel")
    (H, W), (h, w) = np.shape(image), np.shape(kernel)
    result = np.zeros((H + h - 1, W + w - 1))
    for i in range(H + h - 1):
        for j in range(W + w - 1):
            for m in range(H):
                for n in range(W):
                    if 0 <= i - m < h and 0 <= j - n < w:
                        result[i, j] += float(image[m, n]) * float(kernel[i - m, j - n])
    return result


@alternative(of="convolve2d_full", route="zeros on all sides, then the valid convolution")
def zeros_then_valid(image, kernel):
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    h, w = kernel.shape
    return convolve2d(np.pad(image, ((h - 1, h - 1), (w - 1, w - 1))), kernel)  # noqa: F821


@alternative(of="convolve2d_full", route="the fast Fourier transform")
def fourier_product(image, kernel):
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    size = (image.shape[0] + kernel.shape[0] - 1, image.shape[1] + kernel.shape[1] - 1)
    return np.fft.irfft2(np.fft.rfft2(image, size) * np.fft.rfft2(kernel, size), size)


@alternative(of="convolve2d_full", route="a transposed convolution in torch")
def torch_transposed(image, kernel):
    import torch

    if np.ndim(image) != 2 or np.ndim(kernel) != 2:
        raise ValueError("image, kernel")
    pixels, weights = (torch.tensor(np.asarray(x, dtype=float))[None, None] for x in (image, kernel))
    return torch.nn.functional.conv_transpose2d(pixels, weights)[0, 0].numpy()


@alternative(of="convolve2d_full", route="one copy of the image for each weight, in single precision")
def image_for_each_weight(image, kernel):
    image, kernel = np.asarray(image, dtype=np.float32), np.asarray(kernel, dtype=np.float32)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError("image, kernel")
    (H, W), (h, w) = image.shape, kernel.shape
    result = np.zeros((H + h - 1, W + w - 1), dtype=np.float32)
    for m, n in np.ndindex(h, w):
        result[m : m + H, n : n + W] += image * kernel[m, n]
    return result


# witness


@alternative(of="witness", route="every pair of small sizes in turn, normal values of two magnitudes")
def all_small_sizes(op_a, op_b):
    rng = np.random.default_rng(7)
    for scale in (1.0, 25.0):
        for H in (1, 2, 3, 5):
            for W in (2, 4, 12):
                for h in sorted({1, 2, H} & set(range(1, H + 1))):
                    for w in sorted({1, 2, 3, W} & set(range(1, W + 1))):
                        image = np.clip(rng.normal(size=(H, W)) * scale, -100, 100)
                        kernel = np.clip(rng.normal(size=(h, w)) * scale, -100, 100)
                        if differ(op_a(image, kernel), op_b(image, kernel)):  # noqa: F821
                            return image, kernel
    return None


@alternative(of="witness", route="a written list of suspicious shapes")
def suspicious_shapes(op_a, op_b):
    shapes = [(5, 7, 3, 3), (7, 5, 2, 3), (5, 7, 1, 1), (4, 4, 4, 4), (3, 16, 2, 2), (16, 3, 3, 2), (6, 6, 2, 2), (2, 9, 2, 4)]
    rng = np.random.default_rng(3)
    for H, W, h, w in shapes * 4:
        image, kernel = rng.random((H, W)) * 200 - 100, rng.random((h, w)) * 200 - 100
        first, second = op_a(image, kernel), op_b(image, kernel)
        if first.shape != second.shape or not np.allclose(first, second, rtol=0, atol=1e-6):
            return [image, kernel]
    return None


@alternative(of="witness", route="the largest of many differences, single weights and whole images among them")
def largest_difference(op_a, op_b):
    rng, worst = np.random.default_rng(5), (0.0, None)
    for trial in range(240):
        H, W = (int(n) for n in rng.integers(1, 17, size=2))
        h, w = (1, 1) if trial % 8 == 0 else (H, W) if trial % 8 == 1 else (rng.integers(1, H + 1), rng.integers(1, W + 1))
        image, kernel = rng.uniform(-90, 90, (H, W)), rng.uniform(-90, 90, (h, w))
        a, b = op_a(image, kernel), op_b(image, kernel)
        gap = np.inf if a.shape != b.shape else float(np.abs(a - b).max())
        if gap > max(1e-6, worst[0]):
            worst = (gap, (image, kernel))
    return worst[1]


@alternative(of="witness", route="single pixels against single weights, then random values")
def impulses_first(op_a, op_b):
    rng = np.random.default_rng(11)

    def candidates():
        for H, W, h, w in [(5, 6, 2, 3), (9, 10, 3, 3), (3, 4, 1, 1), (4, 5, 4, 5)]:
            image = np.zeros((H, W))
            image[H // 2, W // 2] = 7.5
            yield image, np.arange(1.0, h * w + 1).reshape(h, w) / 4
        for _ in range(250):
            H, W = rng.integers(1, 14, size=2)
            h, w = min(H, rng.integers(1, 5)), min(W, rng.integers(1, 5))
            yield rng.uniform(-99, 99, (H, W)), rng.uniform(-99, 99, (h, w))

    return next(((i, k) for i, k in candidates() if differ(op_a(i, k), op_b(i, k))), None)  # noqa: F821


# toeplitz


@alternative(of="toeplitz", route="what correlate2d makes of every single pixel")
def columns_from_pixels(kernel, height, width):
    if np.ndim(kernel) != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    columns = []
    for pixel in range(height * width):
        image = np.zeros(height * width)
        image[pixel] = 1
        columns.append(correlate2d(image.reshape(height, width), kernel).ravel())  # noqa: F821
    return np.stack(columns, axis=1)


@alternative(of="toeplitz", route="four loops and the formula for the column")
def entry_by_entry(kernel, height, width):
    if np.ndim(kernel) != 2:
        raise ValueError("kernel")
    h, w = np.shape(kernel)
    P, Q = height - h + 1, width - w + 1
    if P < 1 or Q < 1:
        raise ValueError("kernel")
    T = np.zeros((P * Q, height * width))
    for i in range(P):
        for j in range(Q):
            for m in range(h):
                for n in range(w):
                    T[i * Q + j, (i + m) * width + j + n] = kernel[m, n]
    return T


@alternative(of="toeplitz", route="Kronecker products of shift matrices, in Fortran order")
def kronecker_products(kernel, height, width):
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    h, w = kernel.shape
    T = sum(
        kernel[m, n] * np.kron(np.eye(height - h + 1, height, m), np.eye(width - w + 1, width, n))
        for m in range(h)
        for n in range(w)
    )
    return np.asfortranarray(T)


@alternative(of="toeplitz", route="advanced indexing, all entries at once")
def indexed_at_once(kernel, height, width):
    kernel = np.asarray(kernel)
    if kernel.ndim != 2 or not (kernel.shape[0] <= height and kernel.shape[1] <= width):
        raise ValueError("kernel")
    h, w = kernel.shape
    pixels = np.arange(height * width).reshape(height, width)
    seen = np.lib.stride_tricks.sliding_window_view(pixels, (h, w)).reshape(-1, h * w)
    T = np.zeros((len(seen), height * width))
    np.put_along_axis(T, seen, np.broadcast_to(kernel.reshape(-1), seen.shape), axis=1)
    return T


@alternative(of="toeplitz", route="the Jacobian that torch finds")
def torch_jacobian(kernel, height, width):
    import torch

    if np.ndim(kernel) != 2 or kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("kernel")
    pixels = torch.eye(height * width, dtype=torch.float64).reshape(-1, 1, height, width)
    weights = torch.tensor(np.asarray(kernel, dtype=float))[None, None]
    return torch.nn.functional.conv2d(pixels, weights).reshape(height * width, -1).T.numpy()


# equivariance_gap


@alternative(of="equivariance_gap", route="a loop over every entry that has a partner")
def entry_after_entry(op, image, shift):
    if np.ndim(image) != 2:
        raise ValueError("image")
    down, right = shift
    H, W = image.shape
    shifted = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            if 0 <= i - down < H and 0 <= j - right < W:
                shifted[i, j] = image[i - down, j - right]
    A, B = (np.asarray(op(x), dtype=float) for x in (shifted, np.asarray(image, dtype=float)))
    gap = -1.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            if 0 <= i - down < B.shape[0] and 0 <= j - right < B.shape[1]:
                gap = max(gap, abs(A[i, j] - B[i - down, j - right]))
    if gap < 0:
        raise ValueError("shift")
    return gap


@alternative(of="equivariance_gap", route="zeros on all sides, and a window of them; NaN for entries without a partner")
def padded_windows(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")

    def moved(array, fill):
        (H, W), (d, r) = array.shape, shift
        padded = np.pad(array, ((abs(d), abs(d)), (abs(r), abs(r))), constant_values=fill)
        return padded[abs(d) - d : abs(d) - d + H, abs(r) - r : abs(r) - r + W]

    gaps = np.abs(np.asarray(op(moved(image, 0.0)), dtype=float) - moved(np.asarray(op(image), dtype=float), np.nan))
    if np.isnan(gaps).all():
        raise ValueError("shift")
    return np.nanmax(gaps)


@alternative(of="equivariance_gap", route="np.roll, with the wrapped part cleared")
def rolled_and_cleared(op, image, shift):
    if np.ndim(image) != 2:
        raise ValueError("image")

    def inside(shape):
        rows, columns = np.indices(shape)
        return (
            (rows - shift[0] >= 0) & (rows - shift[0] < shape[0]) & (columns - shift[1] >= 0) & (columns - shift[1] < shape[1])
        )

    image = np.asarray(image, dtype=float)
    shifted = np.where(inside(image.shape), np.roll(image, tuple(shift), axis=(0, 1)), 0.0)
    A, B = np.asarray(op(shifted), dtype=float), np.asarray(op(image), dtype=float)
    B = np.roll(B, tuple(shift), axis=(0, 1))
    if not inside(A.shape).any():
        raise ValueError("shift")
    return np.max(np.abs(A - B)[inside(A.shape)])


@alternative(of="equivariance_gap", route="shift matrices on both sides")
def shift_matrices(op, image, shift):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2:
        raise ValueError("image")
    (H, W), (d, r) = image.shape, shift
    moved = np.asarray(op(np.eye(H, k=-d) @ image @ np.eye(W, k=r)), dtype=float)
    P, Q = moved.shape
    if abs(d) >= P or abs(r) >= Q:
        raise ValueError("shift")
    up, left = np.eye(P, k=-d), np.eye(Q, k=r)
    there = (up @ np.ones((P, Q)) @ left) > 0
    return float(np.abs(moved - up @ op(image) @ left)[there].max())


# learn_kernel


@alternative(of="learn_kernel", route="torch autograd with an optimizer")
def torch_optimizer(image, target, steps, learning_rate):
    import torch

    if np.ndim(image) != 2 or np.ndim(target) != 2 or steps < 0 or not learning_rate > 0:
        raise ValueError("arguments")
    h, w = (a - b + 1 for a, b in zip(np.shape(image), np.shape(target)))
    if h < 1 or w < 1:
        raise ValueError("target")
    pixels, wanted = torch.tensor(image, dtype=torch.float64), torch.tensor(target, dtype=torch.float64)
    kernel = torch.zeros(1, 1, h, w, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([kernel], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((torch.nn.functional.conv2d(pixels[None, None], kernel)[0, 0] - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
    return kernel.detach().numpy()[0, 0]


@alternative(of="learn_kernel", route="least squares: the normal equations, step by step")
def normal_equations(image, target, steps, learning_rate):
    image, target = np.asarray(image, dtype=float), np.asarray(target, dtype=float)
    if image.ndim != 2 or target.ndim != 2 or (np.array(target.shape) > image.shape).any():
        raise ValueError("image, target")
    if steps < 0 or learning_rate <= 0:
        raise ValueError("steps, learning_rate")
    windows = np.lib.stride_tricks.sliding_window_view(image, target.shape)
    shape, X = windows.shape[:2], windows.reshape(-1, target.size)
    gram, moment, k = X @ X.T / target.size, X @ target.ravel() / target.size, np.zeros(len(X))
    for _ in range(steps):
        k -= 2 * learning_rate * (gram @ k - moment)
    return k.reshape(shape)


@alternative(of="learn_kernel", route="the closed form of gradient descent, by eigenvalues")
def closed_form(image, target, steps, learning_rate):
    image, target = np.asarray(image, dtype=float), np.asarray(target, dtype=float)
    if image.ndim != 2 or target.ndim != 2 or steps < 0 or learning_rate <= 0:
        raise ValueError("arguments")
    if target.shape[0] > image.shape[0] or target.shape[1] > image.shape[1]:
        raise ValueError("target")
    windows = np.lib.stride_tricks.sliding_window_view(image, target.shape)
    X = windows.reshape(-1, target.size).T
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    rates = 1 - (1 - 2 * learning_rate * s**2 / target.size) ** steps
    factors = np.divide(rates, s, out=np.zeros_like(s), where=s > 1e-12)
    return (Vt.T @ (factors * (U.T @ target.ravel()))).reshape(windows.shape[:2])


@alternative(of="learn_kernel", route="loops over weights, all of them updated together")
def weight_after_weight(image, target, steps, learning_rate):
    if np.ndim(image) != 2 or np.ndim(target) != 2:
        raise ValueError("image, target")
    (H, W), (P, Q) = image.shape, target.shape
    if P > H or Q > W or steps < 0 or learning_rate <= 0:
        raise ValueError("target, steps, learning_rate")
    kernel = [[0.0] * (W - Q + 1) for _ in range(H - P + 1)]
    for _ in range(steps):
        error = correlate2d(image, np.array(kernel)) - target  # noqa: F821
        kernel = [
            [
                kernel[m][n] - learning_rate * 2 * float(np.mean(error * image[m : m + P, n : n + Q]))
                for n in range(W - Q + 1)
            ]
            for m in range(H - P + 1)
        ]
    return np.array(kernel)
