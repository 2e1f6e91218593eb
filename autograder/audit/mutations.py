"""The mechanical changes of one answer, each with a text that stays the same while the answer does."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Iterator, Set
from typing import NamedTuple

from autograder.audit.mutation_operators import OPERATORS, REMOVED

__all__ = ["Mutation", "mutate"]


class Mutation(NamedTuple):
    """A change of an answer.

    Attributes:
        operator: the operator that made it.
        text: the lines before and after; "#2" if the same was done at an earlier place.
        source: the program after it, without comments.
        diff: a unified diff, without its head.
    """

    operator: str
    text: str
    source: str
    diff: str


def mutate(source: str) -> Iterator[Mutation]:
    """Yield every change of ``source`` that compiles and is neither the program itself nor the same as another change.

    Docstrings, the texts of errors, annotations and decorators stay as they are.
    """
    tree = ast.parse(source)
    original = ast.unparse(tree)
    seen, counted = {original}, Counter[str]()
    for operator in OPERATORS:
        for changed in _changed(tree, operator):
            if changed not in seen and _compiles(changed):
                seen.add(changed)
                text = _text(original, changed)
                counted[text] += 1
                number = f" #{counted[text]}" if counted[text] > 1 else ""
                yield Mutation(operator, text + number, changed, _diff(original, changed))


def _changed(tree: ast.Module, operator: str) -> Iterator[str]:
    """Yield the program with one node replaced, for each node and replacement."""
    same = _same_anyway(tree)
    for parent in _changeable(tree):
        for name, value in ast.iter_fields(parent):
            if name in ("annotation", "returns", "decorator_list", "type_comment", "format_spec"):
                continue
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if operator == "axes" and isinstance(node, ast.Tuple) and _is_unordered(parent, name):
                    continue
                if isinstance(node, ast.AST) and not isinstance(node, ast.Raise | ast.JoinedStr):
                    yield from _replaced(tree, parent, name, place, node, operator, same)


def _replaced(
    tree: ast.Module,
    parent: ast.AST,
    name: str,
    place: int | None,
    node: ast.AST,
    operator: str,
    same: Set[tuple[int, str]],
) -> Iterator[str]:
    for other in OPERATORS[operator](node):
        if (other is REMOVED and not isinstance(node, ast.stmt)) or (id(node), _head(other)) in same:
            continue
        if place is None:
            setattr(parent, name, other)
        else:
            getattr(parent, name)[place] = other
        try:
            yield ast.unparse(ast.fix_missing_locations(tree))
        except (ValueError, AttributeError, TypeError):
            pass  # Not a program: an operator met a node in an unusual place.
        finally:
            if place is None:
                setattr(parent, name, node)
            else:
                getattr(parent, name)[place] = node


def _same_anyway(tree: ast.Module) -> set[tuple[int, str]]:
    """Return nodes, each with the beginning of a replacement that leaves the program as it is.

    The last entry for the first is the same where an axis has one entry, and the next one is tried. `asarray` for
    `array` makes a difference for what came in, not for what the function made itself.
    """
    found = set()
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)} - names
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            found |= {(id(part), "-1") for part in parts if isinstance(part, ast.Constant) and part.value == 0}
        elif isinstance(node, ast.Call) and node.args:
            root = node.args[0]
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if not isinstance(root, ast.Name) or root.id in own:
                found.add((id(node), "np.asarray"))
    return found


def _head(node: ast.AST) -> str:
    """Return what a replacement begins with: a number, or the function that is called."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _changeable(tree: ast.Module) -> list[ast.AST]:
    """Return all nodes that are not part of an error's text, the outermost first."""
    found: list[ast.AST] = [tree]
    rest: set[int] = set()
    for node in found:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SHAPERS:
            rest |= {id(part) for argument in node.args for part in ast.walk(argument)}
        found += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.Raise | ast.JoinedStr)]
    return [node for node in found if not (isinstance(node, ast.UnaryOp) and id(node) in rest)]


_SHAPERS = ("reshape", "view", "unflatten")
"""The functions that take any negative number for the length that is left over."""


_UNORDERED = ("all", "any", "max", "min", "prod", "sum")


def _is_unordered(parent: ast.AST, field: str) -> bool:
    """Return whether a tuple's order makes no difference: words searched for, axes reduced, numbers looped over."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "attr", getattr(parent.func, "id", "")) in _UNORDERED
    if isinstance(parent, ast.keyword):
        return parent.arg in ("axis", "dim")
    return isinstance(parent, ast.Compare) or (isinstance(parent, ast.For | ast.comprehension) and field == "iter")


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _diff(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=1))
    return "\n".join(line for line in lines[2:] if not line.startswith("@@"))


def _text(before: str, after: str) -> str:
    lines = _diff(before, after).split("\n")
    old = " / ".join(line[1:].strip() for line in lines if line.startswith("-"))
    new = " / ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return f"{old} -> {new or 'nothing'}"
