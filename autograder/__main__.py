"""``python -m autograder`` is the console script ``autograder``."""

from autograder.cli import main

if __name__ == "__main__":
    main()
