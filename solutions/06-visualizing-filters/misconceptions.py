"""Named wrong answers to 06-visualizing-filters, each with what it teaches. The grader reads this file as text."""
