"""Research code, which is in the repository and not in the wheel.

The benchmark (this grader, nbgrader's stock autograde, otter-grader and the floor, side by side in one run), the
simulation of repeated submission, the competition's reference entries, and the tables of docs/security.md. It imports
nothing by itself: the peers' processes import single modules of it.
"""
