"""The adoption of nbgrader courses as they are: the needs of each check are found out by trial, and reported."""
