"""A course on convolutional networks that grades itself: authoring, isolated grading, audit, leaderboard."""

__all__ = ["__version__"]

__version__ = "0.1.0"
