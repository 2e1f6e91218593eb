"""The attack catalogue: each function makes one submission. Loaded by path, as a folder of a course's own would be."""
