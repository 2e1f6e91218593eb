# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Chain", minutes: 5, seconds: 5}
# ---

# %%
import numpy as np

from autograder.lab import close


def scaled(values):
    return centred(values) / 2


# %% exercise="total"
def total(values):
    """The sum of the values."""
    ### BEGIN SOLUTION
    return float(np.sum(values))
    ### END SOLUTION


# %% check="total" name="general" points=2
# Hidden: other numbers.
### BEGIN HIDDEN TESTS
for length in (3, 5, 7):
    same(total, solution.total, rng.normal(size=length), case="some numbers")
### END HIDDEN TESTS


# %% exercise="mean"
def mean(values):
    """The mean of the values. Raises ValueError if there are none."""
    ### BEGIN SOLUTION
    if len(values) == 0:
        raise ValueError("values must not be empty")
    return total(values) / len(values)
    ### END SOLUTION


# %% check="mean" name="general" points=2
# Hidden: other numbers.
### BEGIN HIDDEN TESTS
for length in (3, 5, 7):
    same(mean, solution.mean, rng.normal(size=length), case="some numbers")
### END HIDDEN TESTS

# %% check="mean" name="arguments" points=1
# Hidden: no number at all.
### BEGIN HIDDEN TESTS
refuses(mean, np.zeros(0), argument="values", case="no number")
### END HIDDEN TESTS


# %% exercise="centred"
def centred(values):
    """The values less their mean."""
    ### BEGIN SOLUTION
    return values - mean(values)
    ### END SOLUTION


# %% check="centred" name="general" points=2
close(centred(np.array([1.0, 2.0, 6.0])), [-2, -1, 3])
### BEGIN HIDDEN TESTS
for shape in ((3,), (5,), (8,)):
    same(centred, solution.centred, rng.normal(size=shape), case="some numbers")
### END HIDDEN TESTS

# %% check="centred" name="scaled" points=1
# Hidden: what `scaled` makes of it.
### BEGIN HIDDEN TESTS
values = rng.normal(size=4)
close(student.scaled(values), (values - values.mean()) / 2)
### END HIDDEN TESTS
