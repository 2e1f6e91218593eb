"""Grading of many submissions: local workers or a Dask cluster, progress, resuming, and one writer."""
