"""Reading, validation, repair and alignment of a submitted notebook with its assignment.

``read_submission`` takes the bytes of a file and gives plain data or a clear refusal; ``align`` puts the
student's work on the released skeleton and explains every repair. Both are pure; ``load`` and
``load_submission`` add one file read.
"""
