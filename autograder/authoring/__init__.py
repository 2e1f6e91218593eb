"""The way from the one file that an author edits to everything that is derived from it.

``topic.py`` (jupytext percent format) → ``topic.ipynb`` (nbgrader's source notebook) → ``notebooks/`` (what students
get). An :class:`Assignment` is the pair of derived notebooks plus the named wrong and right answers, as plain data.
"""
