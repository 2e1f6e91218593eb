"""The benchmark: this grader, nbgrader's stock autograde, otter-grader and the floor, side by side in one run.

It imports nothing by itself: the peers' processes import single modules of it.
"""
