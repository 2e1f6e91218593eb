"""Practice: one notebook graded as the class will be, on inputs of its own, for whoever has the whole course."""
