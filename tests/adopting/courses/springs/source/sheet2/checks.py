"""Checks that several sheets share."""


def nearly(value, expected):
    """Fail unless the two are nearly equal."""
    assert abs(value - expected) < 1e-9, f"that is {value}, and should be {expected}"
