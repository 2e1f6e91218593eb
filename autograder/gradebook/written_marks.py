"""Marks for written answers: nbgrader's own manual scores and comments, and beside them how they came about.

The formgrader shows what is written here, and what the formgrader writes is read here. Rubric items, who applied which,
saved comments and second marks stand in tables of ours, which nbgrader leaves alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gradebook.database import Database
from autograder.gradebook.mark_rows import (
    DESK_TABLES,
    RUBRIC,
    SAVED,
    SECOND,
    ChangedMeanwhile,
    RubricItem,
    WrittenMark,
    add_item,
    cell_of,
    due_points,
    follow_item,
    items_of,
    keep_judgement,
    mark_of,
    marks_where,
    of_question,
    put_comment,
    unchanged,
)
from autograder.gradebook.registration import GRADE, new_id

__all__ = ["WrittenMarks"]


class WrittenMarks:
    """The marks of the written answers of one course. It may be used from several threads."""

    def __init__(self, url: str, patience: float = 20.0) -> None:
        """Open the gradebook at ``url``.

        Raises:
            GradebookError: there is none, or it cannot be used.
        """
        self._database = Database(url, patience)
        self._database.write(lambda db: DESK_TABLES.create_all(db, checkfirst=True))

    @classmethod
    def of(cls, course: Course) -> WrittenMarks:
        """Return the marks of ``course``. Raises GradebookError as the constructor does."""
        return cls(course.gradebook_url)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def marks(self, assignment: str, question: str, comment_on: str = "") -> list[WrittenMark]:
        """Return the marks of everybody who handed in, by student; for ``comment_on`` see :meth:`give`."""
        return self._database.read(lambda db: marks_where(db, of_question(assignment, question), comment_on))

    def rubric(self, assignment: str, question: str, start: Sequence[RubricItem] = ()) -> list[RubricItem]:
        """Return the items of a question in order; ``start`` is kept as its items if it has had none yet."""

        def find(db: Connection) -> list[RubricItem]:
            cell = cell_of(db, assignment, question)
            known = db.execute(select(RUBRIC.c.id).where(RUBRIC.c.cell == cell)).first()
            for number, item in enumerate(start if known is None else ()):
                add_item(db, cell, item, number)
            return items_of(db, cell)

        return self._database.write(find)

    def give(
        self,
        key: str,
        seen: str,
        items: Collection[str],
        comment: str,
        grader: str,
        points: float | None = None,
        comment_on: str = "",
    ) -> float:
        """Write a mark as nbgrader's own manual score and comment. Return the points.

        Args:
            key: the key of the grade.
            seen: the state that the grader saw.
            items: the rubric items that apply.
            comment: a comment for the student; empty for none.
            grader: the person who gives it.
            points: points in place of those of the items; None for those.
            comment_on: the grade id of the cell that the comment is about, where nbgrader keeps none for the graded
                one: of a test, the exercise that it tests.

        Raises:
            ChangedMeanwhile: the state is another one. Nothing was written.
            GradebookError: the points are not within 0 and the most, or there is no such answer.
        """

        def change(db: Connection) -> float:
            mark, cell = unchanged(db, key, seen, comment_on)
            chosen = [item.id for item in items_of(db, cell) if item.id in items]
            due = due_points(items_of(db, cell), chosen, mark.max_points) if points is None else points
            if not 0 <= due <= mark.max_points:
                raise GradebookError(f"{due:g} is not between 0 and {mark.max_points:g} points. Give a number that is.")
            db.execute(update(GRADE).where(GRADE.c.id == key).values(manual_score=due, needs_manual_grade=False))
            put_comment(db, key, comment, comment_on)
            keep_judgement(db, key, chosen, due if points is None else None, grader)
            return due

        return self._database.write(change)

    def withdraw(self, key: str, seen: str, grader: str, comment_on: str = "") -> None:
        """Take a mark back, so that the answer waits for a person again; the comment stays.

        Raises:
            ChangedMeanwhile: as :meth:`give`.
        """

        def change(db: Connection) -> None:
            mark, _ = unchanged(db, key, seen, comment_on)
            waits = mark.auto is None
            db.execute(update(GRADE).where(GRADE.c.id == key).values(manual_score=None, needs_manual_grade=waits))
            keep_judgement(db, key, [], None, grader)

        self._database.write(change)

    def give_second(self, key: str, items: Collection[str], grader: str, points: float | None = None) -> float:
        """Keep a second mark beside the first one, which stays as it is. Return the points.

        Raises:
            GradebookError: as :meth:`give`; or the first mark is by the same grader.
        """

        def change(db: Connection) -> float:
            mark, cell = mark_of(db, key)
            if mark.grader and mark.grader == grader:
                raise GradebookError(f"{grader} gave the first mark. Somebody else has to give the second.")
            chosen = [item.id for item in items_of(db, cell) if item.id in items]
            due = due_points(items_of(db, cell), chosen, mark.max_points) if points is None else points
            if not 0 <= due <= mark.max_points:
                raise GradebookError(f"{due:g} is not between 0 and {mark.max_points:g} points. Give a number that is.")
            db.execute(delete(SECOND).where(SECOND.c.id == key))
            values = {"applied": msgspec.json.encode(chosen).decode(), "points": due, "grader": grader}
            db.execute(insert(SECOND).values(id=key, **values))
            return due

        return self._database.write(change)

    def add_item(self, assignment: str, question: str, item: RubricItem) -> None:
        """Add an item at the end of a question's rubric."""

        def change(db: Connection) -> None:
            cell = cell_of(db, assignment, question)
            add_item(db, cell, item, len(items_of(db, cell)))

        self._database.write(change)

    def change_item(self, item: RubricItem, *, remove: bool = False) -> int:
        """Change an item, and with it the points of every answer that it applies to. Return how many changed.

        An answer whose points a person has set apart from its items keeps them.

        Raises:
            ChangedMeanwhile: somebody else has changed the item since.
        """

        def change(db: Connection) -> int:
            row = db.execute(select(RUBRIC).where(RUBRIC.c.id == item.id)).first()
            if row is None or row.version != item.version:
                raise ChangedMeanwhile(f"“{item.text}” was changed by somebody else. Look at it again.")
            before = items_of(db, str(row.cell))
            values = {"text": item.text, "points": item.points, "part": item.part, "version": item.version + 1}
            if remove:
                db.execute(delete(RUBRIC).where(RUBRIC.c.id == item.id))
            else:
                db.execute(update(RUBRIC).where(RUBRIC.c.id == item.id).values(**values))
            return follow_item(db, str(row.cell), item.id, before)

        return self._database.write(change)

    def saved_comments(self, assignment: str, question: str) -> list[tuple[str, str]]:
        """Return the key and the text of each comment that was kept for a question."""

        def find(db: Connection) -> list[tuple[str, str]]:
            rows = db.execute(select(SAVED).where(SAVED.c.cell == cell_of(db, assignment, question)))
            return sorted(((row.id, row.text) for row in rows), key=lambda each: each[1].casefold())

        return self._database.read(find)

    def save_comment(self, assignment: str, question: str, text: str) -> None:
        """Keep a comment for the next answers; one that is kept already is kept once."""

        def change(db: Connection) -> None:
            cell = cell_of(db, assignment, question)
            known = select(SAVED.c.id).where(SAVED.c.cell == cell, SAVED.c.text == text)
            if text and db.execute(known).first() is None:
                db.execute(insert(SAVED).values(id=new_id(), cell=cell, text=text))

        self._database.write(change)

    def forget_comment(self, key: str) -> None:
        """Keep a comment no longer; where it was used it stays."""
        self._database.write(lambda db: db.execute(delete(SAVED).where(SAVED.c.id == key)))
