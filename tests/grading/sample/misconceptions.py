from autograder.authoring.answers import misconception


@misconception(of="row_sums", says="You summed down the columns: axis=0 is the axis that disappears.")
def column_sums(table):
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    return table.sum(axis=0)


@misconception(of="row_sums", says="You averaged instead of summing.")
def row_means(table):
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    return table.mean(axis=1)


@misconception(of="row_sums", says="You changed the table that you were given.")
def sums_in_place(table):
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    total = table.sum(axis=1)
    table[:] = 0
    return total


@misconception(of="Counter", says="Your counter begins at one.")
class CountsFromOne:
    def __init__(self):
        self.calls, self.total = 1, 0.0

    def add(self, number):
        self.calls += 1
        self.total += number
        return self.total


@misconception(of="row_sums", says="You left the scale of the numbers: the exponential of a thousand is infinite.")
def overflowing(table):
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    return np.log(np.exp(1000 * table).sum(axis=1))


@misconception(of="row_sums", says="You averaged the rows of wide tables.")
def wide_tables_averaged(table):
    if table.ndim != 2:
        raise ValueError("table must have two dimensions")
    return table.mean(axis=1) if table.shape[1] > 2 else table.sum(axis=1)
