"""Likeness among submissions: for the staff to look at, never a verdict and never a grade."""
