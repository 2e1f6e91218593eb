"""The check of a notebook before it is handed in: the visible checks, on the student's own computer.

Nothing is isolated here and nothing is hidden: a student runs their own code, as JupyterLab does. It works
wherever Python does.
"""
