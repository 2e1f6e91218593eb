"""The way from a platform's download to ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``; nothing is lost."""
