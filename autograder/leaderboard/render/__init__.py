"""A board as a terminal table, CSV, JSON, a web page, a notebook display, or Gradescope's results."""

from autograder.leaderboard.render.document import document_schema, render_json
from autograder.leaderboard.render.gradescope import gradescope_results
from autograder.leaderboard.render.notebook import render_notebook
from autograder.leaderboard.render.page import render_html
from autograder.leaderboard.render.spreadsheet import render_csv
from autograder.leaderboard.render.terminal import change_table, render_terminal, terminal

__all__ = [
    "change_table",
    "document_schema",
    "gradescope_results",
    "render_csv",
    "render_html",
    "render_json",
    "render_notebook",
    "render_terminal",
    "terminal",
]
