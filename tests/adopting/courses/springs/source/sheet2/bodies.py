"""What the sheet gives."""


class Body:
    """A mass at a place `x`, with a velocity `v`."""

    def __init__(self, x, v=0.0, mass=1.0):
        self.x, self.v, self.mass = x, v, mass

    def __eq__(self, other):
        return isinstance(other, Body) and (self.x, self.v) == (other.x, other.v)
