"""The reading, validation and repair of a submitted notebook, and its alignment with its assignment.

``read_submission`` takes the bytes of a file and gives plain data or a clear refusal; ``align`` puts the
student's work on the released skeleton and explains every repair. Both are pure; ``load`` and
``load_submission`` add one file read.
"""
