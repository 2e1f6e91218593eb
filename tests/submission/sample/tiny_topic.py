# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   autograder: {title: "A tiny assignment", minutes: 5, seconds: 5}
# ---

# %% [markdown]
# # A tiny assignment: 2 × 2 = 4
#
# Two functions and a question.

# %%
import math

OFFSET = int(math.cos(0))

# %% [markdown]
# ## Doubling


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
canary_of_the_tiny_topic = 8675309
assert double(canary_of_the_tiny_topic) == 17350618
### END HIDDEN TESTS

# %% demo=True
print(double(OFFSET))

# %% [markdown]
# ## Shifting


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
