"""A board as a terminal table, CSV, JSON, a web page, a notebook display, or Gradescope's results."""
