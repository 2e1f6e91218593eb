"""The rule that checks hand no function of numpy, scipy or torch, and no solution, to a student's code.

Such a function takes far more than the exercise needs: ``np.tanh(x, where=False)`` returns memory that was never
written. A function of the check's own, ``lambda x: np.tanh(x)``, takes only what it names.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType

from autograder.errors import AuthoringError

__all__ = ["refuse_bare_functions"]

_LIBRARIES = ("math", "numpy", "scipy", "torch")
# Of these calls so many arguments, from the left, are not handed on: the student's function, and ours beside it.
_HARNESS = {"same": 2, "refuses": 1, "unchanged": 1, "called": 1, "took": 1}


def refuse_bare_functions(check: str, source: str, given: str, exercises: Collection[str], where: str) -> None:
    """Refuse a check that hands over a function which is not its own.

    Args:
        check: the check's name.
        source: its code, hidden parts included.
        given: the code of the given cells, whose imports it may use.
        exercises: names of the functions that students write.
        where: the file, for the message.

    Raises:
        AuthoringError: names the file, the check and the function.
    """
    tree = ast.parse(source)
    modules = {**_imported(ast.parse(given)), **_imported(tree)}
    carriers = _carriers(tree, modules)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            for argument in _handed_over(call, exercises):
                for name in _bare(argument, modules, carriers):
                    raise AuthoringError(
                        f"{where}, check '{check}', line {call.lineno}: `{name}` would be handed to a student's code"
                        f" bare. Hand over a function of your own, such as `lambda x: {name}(x)`."
                    )


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each name that stands for a library, or for something in one."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                library = alias.name.split(".")[0]
                if library in _LIBRARIES:
                    found[alias.asname or library] = alias.name if alias.asname else library
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _LIBRARIES:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _handed_over(call: ast.Call, exercises: Collection[str]) -> Iterator[ast.expr]:
    """Yield the arguments that reach a student's code."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else ""
    owner = function.value if isinstance(function, ast.Attribute) else None
    if name in _HARNESS:
        yield from call.args[_HARNESS[name] :]
    elif name in exercises or (isinstance(owner, ast.Name) and owner.id == "student"):
        yield from call.args
    else:
        return
    yield from (keyword.value for keyword in call.keywords)


def _carriers(tree: ast.Module, modules: Mapping[str, str]) -> dict[str, str]:
    """Return the names that an assignment or a loop gives to a bare function, or to something that holds one."""
    found: dict[str, str] = {}
    mappings = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for name in _functions_of(node.targets[0], node.value)
    }
    for _ in range(3):  # a name may be handed on from name to name
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.For | ast.comprehension):
                targets, value = [node.target], node.iter
                if isinstance(value, ast.Name) and value.id in mappings:
                    continue  # its keys
            else:
                continue
            for bare in _bare(value, modules, found):
                for target in targets:
                    found |= dict.fromkeys(_functions_of(target, value), bare)
    return found


def _functions_of(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Yield the names in a target; of ``for key, item in something.items()`` the second only, since keys are texts."""
    items = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "items"
    if items and isinstance(target, ast.Tuple) and len(target.elts) == 2:
        target = target.elts[1]
    yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _bare(value: ast.AST, modules: Mapping[str, str], carriers: Mapping[str, str]) -> Iterator[str]:
    """Yield the bare functions that an expression hands on, not those that it calls or those in its own functions."""
    if isinstance(value, ast.Lambda):
        return
    if isinstance(value, ast.Attribute | ast.Name) and (name := _named(value, modules, carriers)):
        yield name
        return
    below = list(ast.iter_child_nodes(value))
    if isinstance(value, ast.Call):
        items = isinstance(value.func, ast.Attribute) and value.func.attr in ("items", "values")
        below = [*value.args, *(word.value for word in value.keywords), *([value.func.value] if items else [])]  # type: ignore[attr-defined]
    for part in below:
        yield from _bare(part, modules, carriers)


def _named(value: ast.Attribute | ast.Name, modules: Mapping[str, str], carriers: Mapping[str, str]) -> str:
    """Return the function that an attribute or a name stands for, or nothing."""
    text = ast.unparse(value)
    root, _, rest = text.partition(".")
    if not text.replace(".", "_").isidentifier():
        return ""
    if root == "solution" and rest:
        return text
    if isinstance(value, ast.Name) and root in carriers:
        return carriers[root]
    if root in modules and _is_function(f"{modules[root]}.{rest}".rstrip(".")):
        return text
    return ""


def _is_function(path: str) -> bool:
    """Return whether a dotted path leads to something that is called, and is neither a module nor a type."""
    first, *rest = path.split(".")
    try:
        found: object = importlib.import_module(first)
        for name in rest:
            found = _attribute(found, name)
    except (ImportError, AttributeError):
        return False
    return callable(found) and not isinstance(found, type | ModuleType)


def _attribute(owner: object, name: str) -> object:
    if isinstance(owner, ModuleType) and not hasattr(owner, name):
        return importlib.import_module(f"{owner.__name__}.{name}")
    return getattr(owner, name)
