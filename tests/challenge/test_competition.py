"""An entry is trained again, answers elsewhere, and is counted outside; a broken rule is a reason and no score."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from autograder.challenge.competition import HiddenTest
from autograder.challenge.entries import CompetitionEntry, CompetitionRules, unpack

Enter = Callable[..., CompetitionEntry]

STRIPES = """
import torch
from torch import nn

def build_model():
    return nn.Sequential(nn.Flatten(), nn.Linear(100, 10))

def train(model, images, labels, seed):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
"""

BUILD = """
import torch
from torch import nn

def train(model, images, labels, seed):
    pass
"""


def model_with(forward: str, more: str = "") -> str:
    """A network whose answers do not depend on training."""
    net = f"class Net(nn.Module):\n    def forward(self, x):\n        {forward}\n"
    return f"{BUILD}{more}\n{net}\ndef build_model():\n    return Net()\n"


def test_what_can_be_learned_is_learned(enter: Enter) -> None:
    entry = enter(STRIPES)
    assert entry.valid
    assert entry.weights == 1010
    assert (entry.public_images, entry.private_images) == (200, 200)
    assert entry.accuracy > 0.95


def test_answers_are_counted_picture_by_picture(enter: Enter, test: HiddenTest) -> None:
    entry = enter(model_with("return torch.eye(10)[3].expand(len(x), 10)"))
    threes = test.labels == 3
    assert np.array_equal(unpack(entry.public[0], 200), threes[test.public])
    assert np.array_equal(unpack(entry.private[0], 200), threes[~test.public])
    assert entry.public_right + entry.private_right == int(threes.sum())


def test_the_same_entry_gives_the_same_answers_twice(enter: Enter) -> None:
    noisy = STRIPES.replace("lr=1.0", "lr=0.1").replace("range(100)", "range(8)")
    first, second = enter(noisy), enter(noisy)
    assert first == second
    assert 0 < first.public_right < 200


def test_only_weights_pass_from_training_to_answering(enter: Enter) -> None:
    source = BUILD + (
        "kept = []\n"
        "def train(model, images, labels, seed):\n"
        "    kept.append(images)\n"
        "    open('kept', 'w').write('here')\n"
        "class Net(nn.Module):\n"
        "    def forward(self, x):\n"
        "        import os\n"
        "        return torch.eye(10)[9 if kept or os.path.exists('kept') else 0].expand(len(x), 10)\n"
        "def build_model():\n"
        "    return Net()\n"
    )
    never = model_with("return torch.eye(10)[0].expand(len(x), 10)")
    assert enter(source).public == enter(never).public


def test_the_courses_data_cannot_be_read(enter: Enter) -> None:
    reading = "from autograder.lab import fashion, zip_digits\n"
    source = (
        BUILD
        + reading
        + (
            "def build_model():\n"
            "    return nn.Linear(1, 1)\n"
            "def train(model, images, labels, seed):\n"
            "    fashion('validation')\n"
        )
    )
    assert enter(source).reason == "train raised PermissionError"


def test_the_seed_decides_the_global_generators(enter: Enter) -> None:
    source = model_with(
        "return self.guess.expand(len(x), 10)",
        "import numpy as np, random\n",
    ).replace(
        "def build_model():",
        "class Net(Net):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.guess = nn.Parameter(torch.zeros(10))\n"
        "def train(model, images, labels, seed):\n"
        "    draws = [float(torch.rand(1)), float(np.random.rand()), random.random()]\n"
        "    with torch.no_grad():\n"
        "        model.guess[int(sum(draws) * 1e6) % 10] = 1\n"
        "def build_model():",
    )
    assert enter(source) == enter(source)
    assert enter(source).valid


@pytest.mark.parametrize(
    ("made", "weights"),
    [
        ("nn.Linear(99, 10)", 1000),
        ("nn.Linear(99, 10).double()", 2000),
        ("nn.BatchNorm1d(10)", 42),
    ],
    ids=["floats", "doubles", "buffers"],
)
def test_weights_are_counted_from_their_bytes(enter: Enter, made: str, weights: int) -> None:
    claims = "class Small(dict):\n    def __len__(self): return 0\n"
    entry = enter(BUILD + claims + f"def build_model():\n    return {made}\n", CompetitionRules(weights=weights - 1))
    assert entry.reason == f"the trained network has {weights:,} numbers of four bytes; {weights - 1:,} are allowed"


BROKEN = {
    "no network": ("def build_model():\n    return 3", r"build_model\(\) must return a torch.nn.Module"),
    "no function": ("def build_model(): return nn.Linear(1, 1)\ndel train", "train raised NameError"),
    "a network without state": ("def build_model():\n    return object()", r"state_dict\(\) raised AttributeError"),
    "an error with a message to everybody in its name": (
        "def build_model():\n    raise type('SEE_EXAMPLE_ORG', (ValueError,), {})()",
        "build_model raised an error of the entry's own",
    ),
    "a blank": ("def build_model():\n    raise NotImplementedError()", "build_model raised NotImplementedError"),
    "a crash": ("def build_model():\n    import os; os._exit(0)", "your code ended the Python process"),
    "weights that are no tensors": (
        "class Net(nn.Module):\n    def state_dict(self): return {'w': 3}\ndef build_model(): return Net()",
        "must map names to tensors|AttributeError",
    ),
    "text for a network": (
        "class Net(nn.Module):\n    def forward(self, x): return 'seven'\ndef build_model(): return Net()",
        "the trained network raised AttributeError",
    ),
    "one column": (
        "class Net(nn.Module):\n    def forward(self, x): return x.mean((1, 2, 3))\ndef build_model(): return Net()",
        r"must return logits of shape \(images, 10\)",
    ),
    "one row too many": (
        "class Net(nn.Module):\n    def forward(self, x): return torch.zeros(len(x) + 1, 10)\n"
        "def build_model(): return Net()",
        r"must return logits of shape \(images, 10\)",
    ),
    "not a number": (
        "class Net(nn.Module):\n    def forward(self, x): return torch.full((len(x), 10), float('nan'))\n"
        "def build_model(): return Net()",
        "infinite or not a number",
    ),
    "a crash when asked": (
        "class Net(nn.Module):\n    def forward(self, x): import os; os._exit(1)\ndef build_model(): return Net()",
        "your code ended the Python process",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_entry_has_a_reason_and_no_score(enter: Enter, broken: str) -> None:
    source, reason = BROKEN[broken]
    entry = enter(BUILD + source)
    assert not entry.valid
    assert entry.public == entry.private == ()
    assert re.search(reason, entry.reason)


def test_training_past_its_processor_time_is_stopped(enter: Enter) -> None:
    source = STRIPES.replace("range(100)", "iter(int, 1)")
    quick = CompetitionRules(training_seconds=2, answering_seconds=2, wall_factor=4)
    assert "train used up the processor time (2 s to train" in enter(source, quick).reason


def test_sleeping_is_no_way_around_the_processor_time(enter: Enter) -> None:
    source = STRIPES.replace("range(100)", "[__import__('time').sleep(60)]")
    assert "used up" in enter(source, CompetitionRules(training_seconds=1, answering_seconds=1, wall_factor=2)).reason


def test_the_answers_have_a_budget_too(enter: Enter) -> None:
    source = model_with("while True: pass")
    assert (
        "the trained network used up" in enter(source, CompetitionRules(training_seconds=2, answering_seconds=1)).reason
    )


def test_a_notebook_too_long_to_be_code_is_not_run(enter: Enter) -> None:
    entry = enter("raise SystemExit", characters=60_001)
    assert entry.reason.startswith("the notebook's code has 60,001 characters")
    assert entry.reason.endswith("; 60,000 are allowed")


HIDDEN_IN_FORM = {
    "a name": "self.register_buffer('x' + str(int(images.sum())), torch.zeros(0))",
    "the shape of an empty array": "self.register_buffer('x', torch.zeros(0, int(labels.sum())))",
    "a type": "self.register_buffer('x', torch.zeros(1, dtype=torch.float64))",
}


@pytest.mark.parametrize("kind", HIDDEN_IN_FORM)
def test_the_trained_state_has_the_names_shapes_and_types_of_a_new_networks(enter: Enter, kind: str) -> None:
    learned = HIDDEN_IN_FORM[kind].replace("self", "model")
    first = "model.register_buffer('x', torch.zeros(1))" if kind == "a type" else ""
    code = STRIPES.replace("    optimizer = ", f"    {learned}\n    optimizer = ")
    code = code.replace(
        "    return nn.Sequential(nn.Flatten(), nn.Linear(100, 10))",
        f"    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 10))\n    {first}\n    return model",
    )
    assert re.search("names|shapes and types", enter(code).reason)


def test_the_order_of_the_trained_arrays_tells_nothing(enter: Enter) -> None:
    code = (
        STRIPES
        + """
def reordered(model, state, prefix, metadata):
    for name in sorted(state, reverse=True):
        state.move_to_end(name)
own_train = train
def train(model, images, labels, seed):
    own_train(model, images, labels, seed)
    model._register_state_dict_hook(reordered)
"""
    )
    assert enter(code).valid
