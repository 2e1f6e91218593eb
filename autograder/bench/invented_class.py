"""Invented classes: of people who work alone or copy, and of honest students with right answers.

:class:`InventedClass` writes answers independently of each other, and :func:`disguise` hides a copy of them as copies
are hidden; the search for copies is measured on both. :func:`honest_class` gives right answers only, in the
instructor's way and in others, no two alike; graders are timed on it.
"""

from __future__ import annotations

import ast
import builtins
import copy
import json
import keyword
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from itertools import pairwise
from pathlib import Path

from autograder.authoring.assignment import Assignment
from autograder.course import Course
from autograder.demo.class_maker import answer_exercises, notebook_as_bytes, solutions, with_answer
from autograder.grading.grade import check_seed
from autograder.submission.alignment import align
from autograder.submission.model import Submission

__all__ = [
    "DISGUISES",
    "ONE_FUNCTION",
    "Answers",
    "InventedClass",
    "disguise",
    "hand_in_all",
    "honest_class",
    "read_submissions",
    "tools_file",
]

ONE_FUNCTION = "one function, one edit"
"""The kind of copy of which a single function is someone else's."""

Answers = dict[str, str]
"""A student's code by exercise, and the written answer by the name ``""``."""

_HABIT = 0.5
"""The share of places with two ways to say the same at which an author takes the other way."""
_USUAL = 0.35
"""The share of students who take the way of the solution."""
_WORDS = (
    "out", "res", "result", "val", "value", "tmp", "arr", "data", "mat", "total", "acc", "cur", "item", "n", "m", "k",
    "idx", "row", "col", "buf", "left", "right", "part", "whole",
)  # fmt: skip
_COMMENTS = (
    "first the sizes",
    "now the sum",
    "loop over places",
    "as in the lecture",
    "this took me long",
    "check later",
)
_GUARDS = (
    "assert {0} is not None", "print(type({0}))", "original = {0}", "if {0} is None:\n    return None",
    "debug = False", "{0} = {0}", "assert not isinstance({0}, str)", "kind = type({0}).__name__",
)  # fmt: skip


class _IndependentAuthor(ast.NodeTransformer):
    """An author who says the same in words of their own: other names, order, intermediate results, comparisons."""

    def __init__(self, luck: random.Random, habit: float = _HABIT) -> None:
        self._luck, self._habit, self._number = luck, habit, 0

    def rewritten(self, source: str) -> str:
        """Return ``source`` as this author would have written it."""
        tree = self.visit(ast.parse(source))
        return renamed(ast.unparse(ast.fix_missing_locations(tree)), self._luck, self._habit)

    def _own_way(self) -> bool:
        return self._luck.random() < self._habit

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult) and self._own_way():
            return ast.BinOp(node.right, node.op, node.left)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        turned = {
            ast.Lt: ast.Gt,
            ast.Gt: ast.Lt,
            ast.LtE: ast.GtE,
            ast.GtE: ast.LtE,
            ast.Eq: ast.Eq,
            ast.NotEq: ast.NotEq,
        }
        if len(node.ops) == 1 and type(node.ops[0]) in turned and self._own_way():
            return ast.Compare(node.comparators[0], [turned[type(node.ops[0])]()], [node.left])
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not self._own_way():
            return node
        loaded = copy.deepcopy(node.target)
        loaded.ctx = ast.Load()
        return ast.Assign([node.target], ast.BinOp(loaded, node.op, node.value), lineno=1)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "range" and len(node.args) == 1 and self._own_way():
            return ast.Call(node.func, [ast.Constant(0), *node.args], [])
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in ("sum", "mean", "max", "min", "reshape", "transpose", "dot") and node.args and self._own_way():
            assert isinstance(node.func, ast.Attribute)
            if isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "torch"):
                return ast.Call(ast.Attribute(node.args[0], method, ast.Load()), node.args[1:], node.keywords)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if node.orelse and self._own_way():
            return ast.If(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = self._statements(node.body)
        names = [each.arg for each in node.args.args if each.arg not in ("self", "cls")]
        start = 1 if ast.get_docstring(node) is not None else 0
        if names and self._own_way():
            guard = ast.parse(self._luck.choice(_GUARDS).format(self._luck.choice(names))).body
            node.body[start:start] = guard
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body = self._statements(node.body)
        return node

    def _statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            made += self._said(statement)
        for place in range(len(made) - 1):
            if _apart(made[place], made[place + 1]) and self._own_way():
                made[place], made[place + 1] = made[place + 1], made[place]
        return made

    def _said(self, statement: ast.stmt) -> list[ast.stmt]:
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Return | ast.Assign) or not self._own_way():
            return [statement]
        if isinstance(statement, ast.Return) and isinstance(value, ast.Call | ast.BinOp):
            return [self._named(statement, "value"), statement]
        if isinstance(statement, ast.Assign) and isinstance(value, ast.BinOp):
            return [self._named(value, "left"), statement]
        if isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and value.args:
            first, name = value.args[0], self._new_name()
            if isinstance(first, ast.Call | ast.BinOp):
                value.args[0] = ast.Name(name, ast.Load())
                return [ast.Assign([ast.Name(name, ast.Store())], first, lineno=1), statement]
        return [statement]

    def _named(self, holder: ast.AST, field: str) -> ast.stmt:
        """Return a statement that gives a part of ``holder`` a name, which then stands in its place."""
        name = self._new_name()
        first = ast.Assign([ast.Name(name, ast.Store())], getattr(holder, field), lineno=1)
        setattr(holder, field, ast.Name(name, ast.Load()))
        return first

    def _new_name(self) -> str:
        self._number += 1
        return self._luck.choice(_WORDS) + "_" * (self._number > 1)


def _apart(one: ast.stmt, other: ast.stmt) -> bool:
    """Return whether two statements are plain assignments of which neither needs the other."""
    if not (isinstance(one, ast.Assign) and isinstance(other, ast.Assign)):
        return False
    names = [{each.id for each in ast.walk(node) if isinstance(each, ast.Name)} for node in (one, other)]
    bound = [
        {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        for node in (one, other)
    ]
    return not (bound[0] & names[1] or bound[1] & names[0])


def renamed(source: str, luck: random.Random, habit: float = 1.0) -> str:
    """Return ``source`` with other names for what its functions bind; parameters stay as the course gives them.

    Args:
        source: the code.
        luck: the source of random choices.
        habit: the share of names that differ from what most people would take.
    """
    tree = ast.parse(source)
    bound = {
        each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    } - set(dir(builtins))
    fresh: dict[str, str] = {}
    for name in sorted(bound):
        word = luck.choice(_WORDS)
        free = word not in {*bound, *fresh.values()} and not keyword.iskeyword(word)
        if luck.random() < habit:
            fresh[name] = word if free else f"{word}{len(fresh)}"
    for each in ast.walk(tree):
        if isinstance(each, ast.Name) and each.id in fresh:
            each.id = fresh[each.id]
    return ast.unparse(tree)


class InventedClass:
    """A class of students who work alone, each on one of the ways that the assignment knows, in words of their own."""

    def __init__(self, assignment: Assignment, seed: int = 0) -> None:
        self._assignment, self._luck = assignment, random.Random(seed)
        self._solutions = solutions(assignment)
        ways: dict[str, list[str]] = defaultdict(list)
        for answer in (*assignment.alternatives, *assignment.misconceptions):
            exercise, source = assignment.answer_cell(answer)
            called = re.sub(rf"\b{answer.slug}\b", answer.of, source).replace(f"\n{answer.of} = {answer.of}", "")
            ways[exercise].append(called)
        self._ways = ways
        text = " ".join(cell.source for cell in assignment.cells if cell.cell_type == "markdown")
        words = re.findall(r"[A-Za-z]+|[.,;:]", text)
        self._after: dict[str, list[str]] = defaultdict(list)
        for one, other in pairwise(words):
            self._after[one].append(other)

    def student(self) -> Answers:
        """Return one student's answers: a third the usual way, the others one of the rarer ways or with a mistake."""
        author = _IndependentAuthor(self._luck)
        chosen = {
            exercise: self._luck.choice(self._ways[exercise] if self._luck.random() > _USUAL else [source])
            for exercise, source in self._solutions.items()
        }
        return {exercise: author.rewritten(source) for exercise, source in chosen.items()} | {"": self._essay()}

    def _essay(self) -> str:
        words = [self._luck.choice(list(self._after))]
        while len(words) < 120:
            words.append(self._luck.choice(self._after.get(words[-1]) or list(self._after)))
        return " ".join(words)


def disguise(answers: Mapping[str, str], kind: str, own: Mapping[str, str], luck: random.Random) -> Answers:
    """Return the submission of somebody who has copied ``answers``.

    Args:
        answers: the answers that are copied.
        kind: one of :data:`DISGUISES`.
        own: the answers that the copier would have written alone.
        luck: the source of random choices.
    """
    return DISGUISES[kind](answers, own, luck)


def _all_renamed(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    return {name: renamed(source, luck) if name else own[""] for name, source in answers.items()}


def _reordered(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    """Return all functions in one cell, the last first."""
    code = [name for name in answers if name]
    together = "\n\n\n".join(answers[name] for name in reversed(code))
    return {code[-1]: together, "": own[""]}


def _commented(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    """Return the answers with other comments, blank lines, indentation and parentheses."""
    return {name: _laid_out(source, luck) if name else own[""] for name, source in answers.items()}


def _laid_out(source: str, luck: random.Random) -> str:
    lines: list[str] = []
    for line in source.split("\n"):
        body = line.lstrip()
        indent = " " * ((len(line) - len(body)) // 4 * 3)
        if luck.random() < 0.3 and not body.startswith(("elif", "else", "except", "finally")):
            lines += ["", f"{indent}# {luck.choice(_COMMENTS)}"]
        simple = re.fullmatch(r"(\w+ = |return )([^'\"]+)", body)
        lines.append(f"{indent}{simple[1]}({simple[2]})  # here" if simple else indent + body)
    return "\n".join(lines)


def _one_function(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    """Return the copier's own answers with one function of the other's, copied and changed in one place."""
    name = luck.choice([name for name in answers if name])
    return {**own, name: _edited(answers[name], luck)}


def _edited(source: str, luck: random.Random) -> str:
    """Return ``source`` with one statement more, or one number changed."""
    tree = ast.parse(source)
    numbers = [each for each in ast.walk(tree) if isinstance(each, ast.Constant) and type(each.value) in (int, float)]
    if numbers and luck.random() < 0.5:
        number = luck.choice(numbers)
        assert isinstance(number.value, int | float)
        number.value += 1
        return ast.unparse(tree)
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    if functions:
        function = luck.choice(functions)
        start = 1 if ast.get_docstring(function) is not None else 0
        function.body.insert(luck.randrange(start, len(function.body)), ast.parse("checked = True").body[0])
    return ast.unparse(tree)


def _thoroughly(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    return _reordered(_commented(_all_renamed(answers, own, luck), own, luck), own, luck)


def _answer(answers: Mapping[str, str], own: Mapping[str, str], luck: random.Random) -> Answers:
    """Return the written answer alone, with every eighth word another one."""
    words = [luck.choice(_WORDS) if luck.random() < 1 / 8 else word for word in answers[""].split()]
    return {**own, "": " ".join(words)}


DISGUISES: Mapping[str, Callable[[Mapping[str, str], Mapping[str, str], random.Random], Answers]] = {
    "variables renamed": _all_renamed,
    "functions reordered": _reordered,
    "comments and formatting changed": _commented,
    "all of these at once": _thoroughly,
    ONE_FUNCTION: _one_function,
    "written answer, every eighth word changed": _answer,
}
"""The ways to hide a copy, by a name for people."""


# ---- honest students


def honest_class(assignment: Assignment, count: int) -> dict[str, dict[str, str]]:
    """Return the code of each exercise for ``count`` students; every full class mixes all alternatives.

    A comment with the student's name makes each submission different, so that none is answered from another's result.
    """
    chosen = random.Random(assignment.name)
    return {f"student-{number:04}": _answers(assignment, chosen, number) for number in range(count)}


def _answers(assignment: Assignment, chosen: random.Random, number: int) -> dict[str, str]:
    code = solutions(assignment)
    for exercise in assignment.exercises:
        ways = [each for each in assignment.alternatives if assignment.exercise_of[each.of] == exercise]
        way = chosen.randrange(len(ways) + 1)
        if way < len(ways):
            code = with_answer(assignment, code, ways[way])
    return {exercise: f"# The work of student {number}.\n{source}" for exercise, source in code.items()}


def hand_in_all(
    submitted: Path, assignment: Assignment, code: dict[str, dict[str, str]], without: Set[str] = frozenset()
) -> None:
    """Write every submission below ``submitted``, less the cells whose ids are in ``without``."""
    for student, answers in code.items():
        folder = submitted / student / assignment.name
        folder.mkdir(parents=True, exist_ok=True)
        notebook = answer_exercises(assignment, answers, "Because two and two are four.")
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in without]
        (folder / f"{assignment.notebook}.ipynb").write_bytes(notebook_as_bytes(notebook))


def read_submissions(assignment: Assignment, path: Path) -> list[Submission]:
    """Return the submissions whose code stands in the JSON file ``path``, as the grader reads them."""
    code = json.loads(path.read_text(encoding="utf-8"))
    return [align(answer_exercises(assignment, answers, "Because."), assignment) for answers in code]


def tools_file(course: Course, assignment: Assignment, path: Path) -> Path:
    """Write the file that :func:`autograder.bench.plain.begin` reads."""
    parts = [cell.source for cell in assignment.cells if cell.kind in ("given", "exercise")]
    seeds = {cell.grade_id: check_seed(course.secret, assignment, cell.grade_id) for cell in assignment.checks}
    path.write_text(json.dumps({"solution": "\n\n".join(parts), "seeds": seeds}), encoding="utf-8")
    return path
