"""The audit, which grades the tests: wrong answers that they must catch, right ones that they must accept."""
