"""The student's part of this package: the modules that notebooks and ``autograder check`` import, and their pins."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autograder
from autograder.errors import AutograderError

__all__ = ["NEEDED", "constraints", "module_files", "pins", "project_file"]

_PACKAGE = Path(autograder.__file__).parent
_ROOTS = ("autograder.student_cli", "autograder.lab", "autograder.selfcheck")
NEEDED = (
    "ipython", "ipywidgets", "jupyterlab", "matplotlib", "msgspec", "numpy", "rich", "scipy", "torch", "tqdm",
    "traitlets", "typer",
)  # fmt: skip
"""The packages that notebooks, the lab and ``autograder check`` import, and those in which students work."""


@cache
def module_files() -> dict[str, bytes]:
    """Return the files of the student's part, by path below the kit's root."""
    modules = _modules()
    wanted, waiting = set[str](), [name for name in modules if name.startswith(_ROOTS)]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [*_parents(name), *_imports(modules[name], modules)]
    files = [modules[name] for name in wanted] + sorted((_PACKAGE / "lab").glob("*.mplstyle"))
    return {path.relative_to(_PACKAGE.parent).as_posix(): path.read_bytes() for path in files}


def _modules() -> dict[str, Path]:
    paths = sorted(_PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
            for path in paths}  # fmt: skip


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))


def _imports(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of this package that the one at ``path`` imports, at its top or later."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            full = (f"{node.module}.{each.name}" for each in node.names)
            yield from (name if name in modules else node.module for name in full)


def pins() -> list[str]:
    """Return ``name==version`` for each of :data:`NEEDED`, as this environment has them."""
    return [f"{name}=={_version(name)}" for name in NEEDED]


def constraints() -> list[str]:
    """Return ``name==version`` for all that those need here in turn; this does not install anything by itself."""
    return [f"{name}=={_version(name)}" for name in sorted(_closure(NEEDED))]


def _version(name: str) -> str:
    """Return a version without a build tag, so that pip takes whatever build suits the student's machine."""
    return _found(name).version.partition("+")[0]


@cache
def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise AutograderError(f"{name} is not installed, so the kit cannot say its version. Run: make setup") from None


def _closure(names: Iterable[str]) -> set[str]:
    found, waiting = set[str](), [Requirement(name) for name in names]
    seen = set[tuple[str, str]]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                found.add(name)
                waiting += _needs(name, extra)
    return found


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    for text in _found(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def project_file() -> str:
    """Return the kit's pyproject.toml: the same package, less what students have no use for."""
    listed = "".join(f'    "{pin}",\n' for pin in pins())
    return f"""\
# The student's part of the course's tools. Versions are in requirements.txt and constraints.txt, too.
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "cnn-course-autograder"
version = "{autograder.__version__}"
description = "A course's tools for its notebooks, and autograder check"
requires-python = ">=3.11"
dependencies = [
{listed}]

[project.scripts]
autograder = "autograder.student_cli:main"

[tool.setuptools.packages.find]
include = ["autograder*"]

[tool.setuptools.package-data]
"*" = ["*.mplstyle", "*.json"]
"""
