c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "numbers"

c.ClearSolutions.begin_solution_delimeter = "### ANSWER"
c.ClearSolutions.end_solution_delimeter = "### END ANSWER"
c.ClearSolutions.code_stub = {"python": "# your turn\nraise NotImplementedError"}
c.ClearHiddenTests.begin_test_delimeter = "### SECRET TESTS"
c.ClearHiddenTests.end_test_delimeter = "### END SECRET TESTS"
