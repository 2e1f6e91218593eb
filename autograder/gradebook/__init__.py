"""The only writer of nbgrader's gradebook, of graded notebooks and of feedback; and the store of results."""
