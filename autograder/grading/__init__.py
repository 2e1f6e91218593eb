"""The grading of one submission: the student's code in the sandbox, the checks outside it, nothing but data between."""
