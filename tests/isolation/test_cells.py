"""A notebook's cells, run without a kernel, have the outputs that Jupyter would store."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from autograder.isolation.guest.shell import is_plain_python
from autograder.isolation.limits import Limits
from autograder.isolation.sandbox import Sandbox
from autograder.isolation.student_process import StudentProcess

ROOT = Path(__file__).resolve().parents[2]


def test_printing_a_result_and_a_figure_become_outputs(worker: StudentProcess) -> None:
    source = "import matplotlib.pyplot as plt\nprint('a'); print('b')\nplt.plot([1, 2]); plt.show()\n6 * 7"
    outcome = worker.run_cell(source)
    assert outcome.ok
    assert [output["output_type"] for output in outcome.outputs] == ["stream", "display_data", "execute_result"]
    stream, figure, result = outcome.outputs
    assert stream["text"] == "a\nb\n"
    assert base64.b64decode(figure["data"]["image/png"]).startswith(b"\x89PNG")
    assert result["data"] == {"text/plain": "42"}
    assert result["execution_count"] == 1


def test_outputs_are_valid_in_a_notebook(worker: StudentProcess) -> None:
    source = "import sys, matplotlib.pyplot as plt\nprint('x', file=sys.stderr)\nplt.plot([1]); plt.show()\n1 / 0"
    outputs = [nbformat.from_dict(output) for output in worker.run_cell(source).outputs]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=outputs)])
    nbformat.validate(notebook)
    assert [output.output_type for output in outputs][-1] == "error"


def test_an_error_is_named_and_shown(worker: StudentProcess) -> None:
    outcome = worker.run_cell("int('x')")
    assert (outcome.ok, outcome.error, outcome.timed_out) == (False, "ValueError", False)
    assert outcome.outputs[-1]["ename"] == "ValueError"


@pytest.mark.parametrize(("source", "error"), [("def f(:", "SyntaxError"), ("raise SystemExit", "SystemExit")])
def test_errors_that_are_not_exceptions_of_a_line_are_told_too(worker: StudentProcess, source: str, error: str) -> None:
    assert worker.run_cell(source).error == error
    assert worker.run_cell("1").ok


def test_names_last_from_cell_to_cell_and_the_count_goes_on(worker: StudentProcess) -> None:
    worker.run_cell("x = 20")
    assert worker.run_cell("x + 1").outputs[0]["execution_count"] == 2


def test_magics_work_and_shell_commands_do_not(worker: StudentProcess) -> None:
    assert worker.run_cell("%matplotlib inline\n%time x = 1").ok
    assert worker.run_cell("!ls").error == "PermissionError"
    assert worker.run_cell("files = !ls").error == "PermissionError"


PASTED = {
    "a cell magic": "%%time\nx = 1",
    "a line magic in a body": "def f():\n    %time x = 1\nf()",
    "a magic assigned": "a = 1\nx = %time 1",
    "a question": "x = 1\nx?",
    "a pasted session": ">>> x = 1\n>>> y = 2",
    "a pasted session further down": "a = 1\n>>> x = 1\n... ",
    "a session quoted in a text": 't = """\n>>> 1 + 1\n2\n"""\ny = 1',
    "a session in a docstring": 'def f():\n    """\n    >>> f()\n    """\n    return 1',
    "a notebook's prompt, which is valid Python": "In [1]: 5\nx = 1",
    "IPython's prompts": "In [1]: x = 1\n   ...: y = 2",
    "dots at the beginning of a line": "x = [\n...\n]",
    "an indented cell": "    x = 1\n    y = 2",
    "an indented comment": "   # a comment\nif True:\n    x = 1",
    "empty lines at the top": "\n  \nx = 1\ny = 2",
    "one line": "ls",
    "one line and empty ones": "ls\n\n",
    "nothing": "",
    "no newline at the end": "x = 1\ny = 2",
    "a newline at the end": "x = 1\ny = 2\n",
    "Windows' ends of lines": "x = 1\r\ny = 2\r\n",
    "signs in texts and comments": "x = '!ls %time ?'\ny = 7 % 3  # really?",
    "a call without brackets": "x = 1\n/print x",
    "a call of words": "x = 1\n, print a b",
    "an open text": 'x = 1\ny = """open',
    "what is no Python": "def f(:\n    pass",
    "a waiting cell": "import asyncio\nawait asyncio.sleep(0)",
    "a null character": "x = 1\n\0",
}


def left_alone(cell: str) -> str:
    return cell if cell.endswith("\n") else cell + "\n"


@pytest.mark.parametrize("source", PASTED.values(), ids=PASTED)
def test_only_a_cell_that_ipython_leaves_alone_counts_as_plain(source: str) -> None:
    assert not is_plain_python(source) or TransformerManager().transform_cell(source) == left_alone(source)


@pytest.mark.parametrize("what", ["no newline at the end", "signs in texts and comments", "a waiting cell"])
def test_what_ipython_leaves_alone_is_plain(what: str) -> None:
    assert is_plain_python(PASTED[what])


def test_every_cell_of_the_course_is_read_as_ipython_reads_it() -> None:
    """Most of them without IPython's own reader, or the short way is not one."""
    notebooks = [nbformat.read(path, 4) for path in sorted((ROOT / "solutions").glob("*/*.ipynb"))]
    cells = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
    plain = [cell for cell in cells if is_plain_python(cell)]
    assert [TransformerManager().transform_cell(cell) for cell in plain] == [left_alone(cell) for cell in plain]
    assert len(plain) > len(cells) / 2


def test_a_transformation_of_the_students_own_is_applied(worker: StudentProcess) -> None:
    worker.run_cell(
        "ip = get_ipython()\nip.input_transformers_cleanup.append(\n"
        "    lambda lines: [line.replace('plum', 'pear') for line in lines])"
    )
    worker.run_cell("a = 'plum'\nb = 1")
    assert worker.names(["a"]) == {"a": "pear"}


def test_a_warning_of_the_compiler_is_shown_once(worker: StudentProcess) -> None:
    outcome = worker.run_cell("x = 1\nx is 1\ny = 2")
    text = "".join(output["text"] for output in outcome.outputs if output["output_type"] == "stream")
    assert text.count("SyntaxWarning") == 1


def test_input_finds_no_keyboard(worker: StudentProcess) -> None:
    assert not worker.run_cell("input()").ok


def test_what_a_call_prints_does_not_appear_in_a_later_cell(worker: StudentProcess) -> None:
    worker.run_cell("def f(x): print('seen', x)")
    worker.names(["f"])["f"](12345)
    assert worker.run_cell("print('later')").outputs[0]["text"] == "later\n"


def test_a_cell_that_runs_too_long_is_stopped(sandbox: Sandbox) -> None:
    with sandbox.spawn() as worker:
        outcome = worker.run_cell("while True: pass", seconds=0.4)
        assert (outcome.ok, outcome.timed_out, outcome.error) == (False, True, "WorkerLost")
        assert worker.lost == "timeout"
        assert worker.run_cell("1").error == "WorkerLost"


def test_a_cell_that_ends_the_process_is_no_time_out(sandbox: Sandbox) -> None:
    with sandbox.spawn() as worker:
        outcome = worker.run_cell("import os; os._exit(0)")
    assert (outcome.ok, outcome.timed_out, outcome.error) == (False, False, "WorkerLost")


def test_half_a_gigabyte_of_output_is_cut(sandbox: Sandbox) -> None:
    with sandbox.spawn(Limits(call_seconds=30)) as worker:
        outcome = worker.run_cell("text = 'x' * (1 << 20)\nfor _ in range(500): print(text)", seconds=30)
    assert outcome.ok
    assert sum(len(output["text"]) for output in outcome.outputs) < 2 << 20


def test_thousands_of_displays_are_cut(worker: StudentProcess) -> None:
    outcome = worker.run_cell("from IPython.display import display\nfor n in range(5000): display(n)")
    assert outcome.ok
    assert len(outcome.outputs) <= 401


def test_global_random_state_is_the_same_for_everybody(sandbox: Sandbox) -> None:
    source = "import random, numpy as np, torch\n(random.random(), np.random.rand(), torch.rand(1).item(), hash('a'))"
    with sandbox.spawn() as first, sandbox.spawn() as second:
        assert first.run_source(source) == second.run_source(source)
