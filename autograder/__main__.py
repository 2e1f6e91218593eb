"""The entry point of ``python -m autograder``: the same as the console script ``autograder``."""

import os
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
# Python looks into the folder that it is started in before its own: a student's queue.py there is not Python's. Before
# that is put right, as little as possible is imported.
if sys.path and os.path.abspath(sys.path[0] or ".") == os.getcwd() != _HOME:  # noqa: PTH100, PTH109
    del sys.path[0]

from autograder.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
