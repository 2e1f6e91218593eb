"""From what a learning platform hands over to ``submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb``; nothing is lost."""
