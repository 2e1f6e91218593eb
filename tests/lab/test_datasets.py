"""The data that ships with the course: whole, balanced, separate, and found where it is looked for."""

from __future__ import annotations

import hashlib
import lzma
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autograder.lab import (
    FASHION_CLASSES,
    DataMissing,
    fashion,
    lecture_image,
    lecture_kernel,
    photograph,
    snapshot,
    zip_digits,
)
from autograder.lab.datasets import BadIdx, read_idx

DATA = Path(__file__).resolve().parents[2] / "data"
HIDDEN = DATA / "hidden"


def checksums() -> dict[str, str]:
    """File name to SHA-256, as SHA256SUMS lists them."""
    lines = (DATA / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def shipped() -> list[Path]:
    """Every data file, leaving out what describes and makes them."""
    return [path for folder in ("course", "hidden") for path in sorted((DATA / folder).iterdir())]


def test_every_file_has_the_listed_checksum() -> None:
    found = {path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in shipped()}
    assert found == checksums()


def test_what_is_committed_stays_under_15_megabytes() -> None:
    assert sum(path.stat().st_size for path in shipped()) < 15e6


def test_the_readme_gives_every_file_a_licence() -> None:
    rows = [line for line in (DATA / "README.md").read_text().splitlines() if line.startswith("| `")]
    patterns = {
        pattern: row.split("|")[4].strip() for row in rows for pattern in re.findall(r"`(\S+)`", row.split("|")[1])
    }
    for path in shipped():
        name = path.relative_to(DATA).as_posix()
        licences = {licence for pattern, licence in patterns.items() if path.relative_to(DATA).match(pattern)}
        assert len(licences) == 1, f"{name} has {licences} in data/README.md"


def test_the_lecture_example_gives_the_lecture_result() -> None:
    image, kernel = (torch.tensor(a)[None, None] for a in (lecture_image(), lecture_kernel()))
    assert torch.nn.functional.conv2d(image, kernel)[0, 0].tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@pytest.mark.parametrize(("name", "shape"), [("camera", (256, 256)), ("cat", (200, 300)), ("bricks", (256, 256))])
def test_photographs_are_as_documented(name: str, shape: tuple[int, int]) -> None:
    photo = photograph(name)
    assert (photo.shape, photo.dtype) == (shape, np.float64)
    assert 0 <= photo.min() < 0.3
    assert 0.7 < photo.max() <= 1
    assert np.array_equal(np.rint(photo * 255) / 255, photo)


@pytest.mark.parametrize(("part", "count"), [("train", 7291), ("test", 2007)])
def test_digits_are_as_documented(part: str, count: int) -> None:
    images, labels = zip_digits(part)
    assert (images.shape, images.dtype) == ((count, 1, 16, 16), np.float64)
    assert (labels.shape, labels.dtype) == ((count,), np.int64)
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels).min() > 0.07 * count


@pytest.mark.parametrize(("part", "count"), [("train", 20_000), ("validation", 2_000)])
def test_fashion_is_as_documented(part: str, count: int) -> None:
    images, labels = fashion(part)
    assert (images.shape, images.dtype) == ((count, 1, 28, 28), np.float32)
    assert labels.dtype == np.int64
    assert (images.min(), images.max()) == (0, 1)
    assert len(FASHION_CLASSES) == len(set(labels.tolist()))


@pytest.mark.parametrize("part", ["train", "validation"])
def test_every_ten_pictures_of_fashion_hold_each_class_once(part: str) -> None:
    labels = fashion(part).labels
    assert (np.sort(labels.reshape(-1, 10), axis=1) == np.arange(10)).all()


def test_no_picture_is_in_two_parts_of_fashion() -> None:
    parts = [read_idx(DATA / "course" / f"fashion-{part}-images.idx.xz") for part in ("train", "validation")]
    parts.append(read_idx(HIDDEN / "fashion-test-images.idx.xz"))
    seen = [{image.tobytes() for image in part} for part in parts]
    for i, first in enumerate(seen):
        for second in seen[i + 1 :]:
            assert not first & second


def test_the_hidden_part_is_balanced() -> None:
    assert np.bincount(read_idx(HIDDEN / "fashion-test-labels.idx.xz")).tolist() == [1000] * 10


def test_labels_belong_to_their_pictures() -> None:
    """A class's mean picture tells most of the others' classes, which shuffled labels would not allow."""
    images, labels = zip_digits("train")
    means = np.stack([images[labels == digit].mean(axis=0).ravel() for digit in range(10)])
    others, truth = zip_digits("test")
    nearest = ((others.reshape(len(others), 1, -1) - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == truth).mean() > 0.75


def test_a_count_takes_the_first_examples() -> None:
    few, all_of_them = fashion("validation", 30), fashion("validation")
    assert np.array_equal(few.images, all_of_them.images[:30])
    assert np.array_equal(few.labels, all_of_them.labels[:30])


def test_each_call_gives_arrays_of_its_own() -> None:
    first = zip_digits("test", 5).images
    first[:] = 7
    assert zip_digits("test", 5).images.max() <= 1


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: photograph("dog"), "name"),
        (lambda: zip_digits("validation"), "part"),
        (lambda: fashion("test"), "part"),
        (lambda: fashion("train", 0), "count"),
        (lambda: zip_digits("test", 2008), "count"),
    ],
)
def test_wrong_arguments_are_named(call, argument: str) -> None:
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        call()


def test_a_named_folder_is_the_only_one_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="AUTOGRADER_DATA") as caught:
        lecture_image()
    assert str(tmp_path) in str(caught.value)
    (tmp_path / "lecture-5x5.txt").write_text("7 7\n7 7\n")
    assert lecture_image().tolist() == [[7, 7], [7, 7]]


def test_data_beside_a_notebook_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.lab.datasets.__file__", str(tmp_path / "elsewhere" / "a" / "b" / "datasets.py"))
    notebook = tmp_path / "course" / "01-convolution"
    (tmp_path / "course" / "data").mkdir(parents=True)
    notebook.mkdir()
    (tmp_path / "course" / "data" / "lecture-5x5.txt").write_text("1 2\n3 4\n")
    monkeypatch.chdir(notebook)
    assert lecture_image().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xz",
        lzma.compress(b"\0\0\x08"),
        lzma.compress(b"\0\0\x0d\1\0\0\0\1\0"),
        lzma.compress(b"\0\0\x08\1\0\0\0\x09\0"),
    ],
    ids=["empty", "not xz", "no header", "floats", "cut short"],
)
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "digits.idx.xz"
    path.write_bytes(content)
    with pytest.raises(BadIdx, match=r"digits\.idx\.xz is damaged"):
        read_idx(path)


def test_the_snapshot_of_1989_holds_9760_parameters_and_its_errors() -> None:
    stored = snapshot("lenet1989")
    errors = stored.pop("errors")
    assert sum(np.count_nonzero(array) for array in stored.values()) == 9760
    assert errors.shape == (23, 2)
    assert errors[-1, 0] < errors[-1, 1] < errors[0, 1]


def test_the_runs_of_1989_are_five_seeds_of_two_losses_and_the_first_is_the_snapshot() -> None:
    runs, errors = snapshot("lenet1989_runs"), snapshot("lenet1989")["errors"]
    assert runs["seeds"].tolist() == [1, 2, 3, 4, 5]
    assert runs["squared"].shape == runs["entropy"].shape == (5, 3)
    assert runs["squared"][0, :2] == pytest.approx(errors[-1], abs=0.005)
    assert (runs["squared"][:, 0] < runs["squared"][:, 1]).all()
    assert (runs["entropy"][:, 0] < runs["squared"][:, 0]).all()


@pytest.mark.parametrize(
    ("name", "second", "most_wrong"), [("zipnet", (16, 8, 5, 5), 0.03), ("fashionnet", (32, 24, 5, 5), 0.12)]
)
def test_the_snapshots_of_a_network_are_one_network_at_several_times(
    name: str, second: tuple[int, ...], most_wrong: float
) -> None:
    stored = snapshot(name)
    passes, errors = stored.pop("passes"), stored.pop("errors")
    assert passes[0] == 0
    assert (np.diff(passes) > 0).all()
    assert (passes < 1).sum() >= 3, "there is something to see within the first pass"
    assert {len(array) for array in (*stored.values(), errors)} == {len(passes)}
    assert stored["conv2.weight"].shape[1:] == second
    assert errors[-1, 0] < errors[-1, 1] < most_wrong < 0.8 < errors[0, 1]


@pytest.mark.parametrize(
    ("name", "examples", "layers", "share"),
    [("zipnet", lambda: zip_digits("test", 300), 2, 0.95), ("fashionnet", lambda: fashion("validation", 300), 3, 0.87)],
)
def test_the_last_snapshot_of_a_network_reads_what_it_was_trained_on(
    name: str, examples: Callable[[], Any], layers: int, share: float
) -> None:
    stored = {key: torch.tensor(array[-1]).float() for key, array in snapshot(name).items()}
    images, labels = examples()
    x = torch.tensor(images).float()
    for layer in range(1, layers + 1):
        w, b = stored[f"conv{layer}.weight"], stored[f"conv{layer}.bias"]
        x = torch.nn.functional.conv2d(x, w, b, padding=w.shape[2] // 2)
        x = torch.nn.functional.max_pool2d(x.relu(), 2)
    outputs = x.flatten(1) @ stored["output.weight"].T + stored["output.bias"]
    assert (outputs.argmax(dim=1).numpy() == labels).mean() > share


def test_a_snapshot_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="lenet1989"):
        snapshot("alexnet")


def test_nothing_that_was_downloaded_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "data"], cwd=DATA.parent, capture_output=True, text=True, check=True
    ).stdout.split()
    kept = {name.removeprefix("data/") for name in listed}
    scripts = {"build.py", "train_fashionnet.py", "train_lenet1989.py", "train_zipnet.py"}
    assert kept == set(checksums()) | {"README.md", "SHA256SUMS"} | scripts
