"""A check that hands a library's function, or a solution, to a student's code is refused when it is built."""

from __future__ import annotations

import pytest

from autograder.authoring.build import refuse_bare_functions
from autograder.errors import AuthoringError

GIVEN = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom scipy.signal import convolve2d"
BARE = {
    "apply(np.tanh, x)": "np.tanh",
    "same(apply, reference, np.tanh, x)": "np.tanh",
    "refuses(apply, F.relu)": "F.relu",
    "unchanged(apply, function=torch.relu)": "torch.relu",
    "apply(solution.apply, x)": "solution.apply",
    "apply([convolve2d], x)": "convolve2d",
    "for f in (lambda x: x, np.sin):\n    apply(f, x)": "np.sin",
    "table = {'sine': np.sin}\nfor name, f in table.items():\n    apply(f, x)": "np.sin",
    "f = np.sin\ng = f\nstudent.apply(g, x)": "np.sin",
    "import math\napply(math.sin, 1)": "math.sin",
}


@pytest.mark.parametrize("source", BARE)
def test_a_bare_function_is_refused_with_its_place_and_the_way_out(source: str) -> None:
    with pytest.raises(AuthoringError, match=r"topic.py, check 'check-a', line \d+") as refusal:
        refuse_bare_functions("check-a", source, GIVEN, ["apply"], "topic.py")
    assert f"`lambda x: {BARE[source]}(x)`" in str(refusal.value)


@pytest.mark.parametrize(
    "source",
    [
        "apply(lambda x: np.tanh(x), x)",
        "same(apply, np.convolve, x, y)",
        "same(apply, solution.apply, np.ones(3), np.float64, torch.float32, np.pi)",
        "apply(solution.apply(x), x)",
        "table = {'sine': np.sin}\nfor name in table:\n    apply(name, x)",
        "close(np.tanh(x), apply(x))",
        "sorted(x, key=np.abs)",
    ],
)
def test_what_is_called_here_or_is_no_function_may_be_handed_over(source: str) -> None:
    refuse_bare_functions("check-a", source, GIVEN, ["apply"], "topic.py")
