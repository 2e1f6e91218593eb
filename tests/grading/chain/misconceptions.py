from autograder.authoring.answers import misconception


@misconception(of="total", says="You left the last value out.")
def last_left_out(values):
    return float(np.sum(values[:-1]))


@misconception(of="mean", says="You divided by one less than the number of values.")
def one_less(values):
    if len(values) == 0:
        raise ValueError("values must not be empty")
    return total(values) / (len(values) - 1)


@misconception(of="mean", says="You left the last value out of the mean.")
def mean_without_last(values):
    if len(values) == 0:
        raise ValueError("values must not be empty")
    return float(np.sum(values[:-1])) / len(values)


@misconception(of="centred", says="You added the mean.")
def added(values):
    return values + mean(values)
