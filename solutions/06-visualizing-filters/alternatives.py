"""Independent correct answers to 06-visualizing-filters, by other routes than the solutions. The grader reads this file
as text."""
