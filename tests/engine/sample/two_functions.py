# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "Two functions", minutes: 5, seconds: 5}
# ---

# %% [markdown]
# # Two functions

# %%
OFFSET = 1


# %% exercise="double"
def double(x):
    """Twice ``x``."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% check="double" name="by-hand" points=1
assert double(2) == 4, "two times two is four"

# %% check="double" name="general" points=2
# Hidden: other numbers.
### BEGIN HIDDEN TESTS
for number in range(3, 6):
    same(double, solution.double, number, case="a small number")
### END HIDDEN TESTS


# %% exercise="shift"
def shift(x):
    """``x`` plus the offset."""
    ### BEGIN SOLUTION
    return x + OFFSET
    ### END SOLUTION


# %% check="shift" name="by-hand" points=1
assert shift(2) == 3

# %% [markdown] answer="why" points=3
# Why is two times two four?
#
# ### BEGIN SOLUTION
# One point for each reason.
# ### END SOLUTION
