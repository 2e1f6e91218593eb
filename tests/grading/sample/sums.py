# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Sums", minutes: 5, seconds: 5}
# ---

# %%
import numpy as np

from autograder.lab import close


# %% exercise="row_sums"
def row_sums(table):
    """Sums of the rows of an array of shape (rows, columns). Raises ValueError unless it has two dimensions."""
    ### BEGIN SOLUTION
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    return table.sum(axis=1)
    ### END SOLUTION


# %% check="row_sums" name="by-hand" points=1
close(row_sums(np.array([[1, 2], [3, 4]])), [3, 7])

# %% check="row_sums" name="general" points=2
# Hidden: other sizes.
### BEGIN HIDDEN TESTS
same(row_sums, solution.row_sums, rng.normal(size=(3, 5)), case="3 rows, 5 columns")
unchanged(row_sums, rng.normal(size=(2, 3)))
refuses(row_sums, np.ones(3), argument="table", case="one dimension")
### END HIDDEN TESTS


# %% exercise="Counter"
class Counter:
    """Counts calls of add(); total is the sum of what was added."""

    ### BEGIN SOLUTION
    def __init__(self):
        self.calls, self.total = 0, 0.0

    def add(self, number):
        self.calls += 1
        self.total += number
        return self.total

    ### END SOLUTION


# %% check="Counter" name="adds" points=1
counter = Counter()
counter.add(2)
close(counter.add(3), 5)
### BEGIN HIDDEN TESTS
close(counter.calls, 2, case="two calls")
close(Counter().calls, 0, case="no call")
### END HIDDEN TESTS


# %% exercise="find_root"
def find_root(f):
    """Some x in -10…10 with f(x) = 0, for a function f that grows."""
    ### BEGIN SOLUTION
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return low
    ### END SOLUTION


# %% check="find_root" name="partly" points=2
# Hidden: four functions, half a point each.
### BEGIN HIDDEN TESTS
right = sum(abs(find_root(lambda x, r=r: x - r) - r) < 1e-6 for r in rng.uniform(-5, 5, size=4))
print(f"{right} of 4 roots found.")
right / 2
### END HIDDEN TESTS
