"""Check a notebook before handing it in: the visible checks, on the student's own computer.

Nothing is isolated here and nothing is hidden: a student runs their own code, as JupyterLab does. Works wherever
Python does.
"""
