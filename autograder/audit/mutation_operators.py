"""Operators that change one node of a program: general slips, and those of this field.

Each operator takes a node and yields what may stand in its place; `REMOVED` for nothing at all.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["OPERATORS", "REMOVED"]

REMOVED = ast.Pass()
Operator = Callable[[ast.AST], Iterator[ast.AST]]

_COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE,),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE,),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq, ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
# Where rows and columns, or two axes of anything, go by neighbouring names.
_PARTNERS = (
    *("H W", "h w", "kh kw", "sh sw", "ph pw", "H2 W2", "h2 w2", "rows columns", "rows cols", "height width"),
    *("top left", "i j", "m n", "y x", "dy dx", "row column", "first second", "bottom right", "low high", "N F", "C F"),
)
_PARTNER = {one: other for pair in _PARTNERS for one, other in (pair.split(), reversed(pair.split()))}
_STEP = re.compile(r"(s|p|d)([hwyx12]|_?[hv])?|strides?|padding|pad|dilation")
_TWINS = (
    *("max min", "argmax argmin", "maximum minimum", "mean sum", "floor ceil", "zeros ones", "zeros_like ones_like"),
    *("std var", "full same", "any all", "vstack hstack", "amax amin", "nanmax nanmin", "cumsum cumprod", "rint floor"),
)
_TWIN = {one: other for pair in _TWINS for one, other in (pair.split(), reversed(pair.split()))}
# f(x, ...) -> x, x.f(...) -> x: flips and copies left out, signs and bounds forgotten.
_LEFT_OUT = frozenset(
    (
        *("abs", "clamp", "clip", "clone", "contiguous", "copy", "deepcopy", "detach", "dict", "exp", "fabs", "flip"),
        *("fliplr", "flipud", "int", "list", "log"),
        *("maximum", "minimum", "moveaxis", "permute", "rint", "rot90", "round", "set", "sorted", "sqrt", "squeeze"),
        *("swapaxes", "tanh", "transpose", "tuple"),
    )
)

_NO_DIFFERENCE = frozenset(("order", "optimize", "copy", "strict", "kind"))
"""The keywords that change how a result is computed or laid out, not what it is."""
_CONVERT = ("array", "asarray", "full", "zeros", "ones", "empty")
_MADE = frozenset(("zeros", "zeros_like", "empty", "empty_like", "full", "ones"))


def comparisons(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a comparison whose bound newly belongs or no longer does, or that is turned round."""
    if isinstance(node, ast.Compare):
        words = [isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.comparators]
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS.get(type(operator), ())[: 1 if words[place] else None]:
                changed = copy.deepcopy(node)
                changed.ops[place] = other()
                yield changed


def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """Yield another sign, a factor for a sum, a divisor or one axis's step left out, the operands of @ exchanged."""
    if isinstance(node, ast.BinOp):
        if other := _ARITHMETIC.get(type(node.op)):
            yield ast.BinOp(node.left, other(), node.right)
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            yield node.left
        if isinstance(node.op, ast.MatMult):
            yield ast.BinOp(node.right, node.op, node.left)
        if isinstance(node.op, ast.Mult | ast.Add | ast.Sub):
            yield from _without_step(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node.operand


def _without_step(node: ast.BinOp) -> Iterator[ast.AST]:
    for part, rest in ((node.left, node.right), (node.right, node.left)):
        if _is_step(part):
            yield rest


def _is_step(node: ast.expr) -> bool:
    """Return whether this is a stride or a padding, or a multiple of one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_step(node.left) or _is_step(node.right)
    root = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(root, ast.Name) and _STEP.fullmatch(root.id) is not None


def conditions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield an argument check dropped, or narrowed by one of its conditions; a branch taken always or never."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for place in range(len(node.values)):
            rest = [*node.values[:place], *node.values[place + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.If):
        if node.orelse or not any(isinstance(part, ast.Raise) for part in node.body):
            yield ast.If(ast.Constant(True), node.body, [])
        yield ast.If(ast.Constant(False), node.body, node.orelse) if node.orelse else REMOVED
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)


def constants(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a number off by one or by its sign; True for False; infinity for nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield from (ast.Constant(node.value + 1.0), ast.Constant(node.value * 2.0 or 1e-3))
    elif isinstance(node, ast.Attribute) and node.attr == "inf":
        yield from (ast.Constant(0.0), ast.Constant(1e9))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a step left out; an update turned into an assignment, or its sign changed; a change in place."""
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield REMOVED
    elif isinstance(node, ast.AugAssign):
        yield from (REMOVED, ast.Assign([node.target], node.value, lineno=0))
        if other := _ARITHMETIC.get(type(node.op)):
            yield ast.AugAssign(node.target, other(), node.value)
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        yield from _assigned(node.targets[0], node.value)
    elif isinstance(node, ast.Break | ast.Continue):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[ast.AST]:
    if not isinstance(target, ast.Tuple):
        yield REMOVED
    if isinstance(target, ast.Name) and isinstance(value, ast.BinOp):
        first = value.left
        if isinstance(first, ast.Name) and first.id == target.id:
            yield ast.AugAssign(target, value.op, value.right)


def axes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield two neighbouring axes exchanged: in a tuple, an index, a name."""
    if isinstance(node, ast.Tuple) and 2 <= len(node.elts) <= 6:
        for place in range(len(node.elts) - 1):
            one, other = node.elts[place : place + 2]
            if ast.dump(one) != ast.dump(other) and not isinstance(one, ast.Starred):
                yield ast.Tuple([*node.elts[:place], other, one, *node.elts[place + 2 :]], node.ctx)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _PARTNER:
        yield ast.Name(_PARTNER[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value


def calls(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a flip, a copy, a conversion or a keyword left out; a neighbouring function; a range too short."""
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = getattr(node.func.value, "id", "") if isinstance(node.func, ast.Attribute) else ""
    of_module = owner in ("np", "torch", "copy", "F")
    if name in _LEFT_OUT and isinstance(node.func, ast.Attribute) and not of_module:
        yield node.func.value
    elif name in _LEFT_OUT and node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    if name in _TWIN:
        yield ast.Call(_renamed(node.func, _TWIN[name]), node.args, node.keywords)
    if name == "array" and of_module and isinstance(node.args[0], ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        yield ast.Call(_renamed(node.func, "asarray"), node.args, node.keywords)
    for place, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in _NO_DIFFERENCE and not (keyword.arg == "dtype" and name in _CONVERT):
            yield ast.Call(node.func, node.args, [*node.keywords[:place], *node.keywords[place + 1 :]])
    if name == "range" and len(node.args) == 1:
        yield ast.Call(node.func, [ast.Constant(1), *node.args], [])
        yield ast.Call(node.func, [ast.BinOp(node.args[0], ast.Sub(), ast.Constant(1))], [])


def _renamed(function: ast.expr, name: str) -> ast.expr:
    return ast.Attribute(function.value, name) if isinstance(function, ast.Attribute) else ast.Name(name)


def types(node: ast.AST) -> Iterator[ast.AST]:
    """Yield half precision, or whole numbers for fractions; single precision is within what checks tolerate.

    Conversions are left out all together: of two factors, one that is converted converts the other.
    """
    if isinstance(node, ast.keyword) and node.arg == "dtype":
        text = ast.unparse(node.value)
        for other in ("np.float16", "int") if text in ("float", "np.float64") else ():
            yield ast.keyword("dtype", ast.parse(other, mode="eval").body)
    elif isinstance(node, ast.FunctionDef):
        yield _Unconverted().visit(copy.deepcopy(node))


class _Unconverted(ast.NodeTransformer):
    """A function without its conversions of numbers: ``np.asarray(x, dtype=float)`` is ``x``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("asarray", "ascontiguousarray", "float") and len(node.args) == 1:
            return node.args[0]
        return node.func.value if name in ("astype", "double") and isinstance(node.func, ast.Attribute) else node


def slices(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a slice with a step or a bound left out: what was flipped is not, what was every second is every one."""
    if isinstance(node, ast.Slice):
        parts: dict[str, Any] = {"lower": node.lower, "upper": node.upper, "step": node.step}
        for name in [name for name, part in parts.items() if part is not None]:
            yield ast.Slice(**{**parts, name: None})


def state(node: ast.AST) -> Iterator[ast.AST]:
    """Yield state that stays behind: an array made once for each shape, a result kept for the next call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MADE and node.args:
        yield _kept(node.func.attr, node.args[0], node)
    elif isinstance(node, ast.FunctionDef) and (names := [each.arg for each in node.args.args if each.arg != "self"]):
        changed = copy.deepcopy(node)
        shape = ast.parse(f"getattr({names[0]}, 'shape', '')", mode="eval").body
        for each in ast.walk(changed):
            if isinstance(each, ast.Return) and each.value:
                each.value = _kept(node.name, shape, each.value)
        if ast.dump(changed) != ast.dump(node):
            yield changed


def _kept(name: str, key: ast.expr, value: ast.expr) -> ast.expr:
    """Return the value that was found first for this name and key."""
    text = ast.Call(ast.Name("str"), [ast.List([ast.Constant(name), copy.deepcopy(key)])], [])
    return ast.Call(ast.parse("globals().setdefault", mode="eval").body, [text, copy.deepcopy(value)], [])


OPERATORS: dict[str, Operator] = {
    "axes": axes,
    "arithmetic": arithmetic,
    "calls": calls,
    "comparisons": comparisons,
    "conditions": conditions,
    "constants": constants,
    "slices": slices,
    "state": state,
    "statements": statements,
    "types": types,
}
"""The operators, by name."""
