"""The student's part of this package, and the proof that a kit gives no answer away.

The part is the modules that notebooks and ``autograder check`` import, and the pins of the packages that they need. The
proof is a search for what the audit looks for, in every byte of every file of the kit.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import autograder
from autograder.audit.weaknesses import MARKERS, secret_lines
from autograder.authoring.assignment import Assignment
from autograder.course import SECRET_NAME, Course
from autograder.errors import AutograderError

__all__ = ["NEEDED", "constraints", "kit_leaks", "module_files", "pins", "project_file"]

_PACKAGE = Path(autograder.__file__).parent
_ROOTS = ("autograder.student_cli", "autograder.lab", "autograder.selfcheck")
NEEDED = (
    "ipython", "ipywidgets", "jupyterlab", "matplotlib", "msgspec", "numpy", "rich", "scipy", "torch", "tqdm",
    "traitlets", "typer",
)  # fmt: skip
"""The packages that notebooks, the lab and ``autograder check`` import, and those in which students work."""


_BOUNDS = (">=", ">", "<", "<=", "!=")


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
    """Return ``name==version`` for each of :data:`NEEDED`, as this environment has them.

    What does not run on every Python from 3.11 on is only named: :func:`constraints` has its version.
    """
    return [name if _where(name) else f"{name}=={_version(name)}" for name in NEEDED]


def constraints() -> list[str]:
    """Return ``name==version`` for all that those need here in turn; this does not install anything by itself.

    A version that some Pythons cannot install holds for the others: students have another one than whoever makes the
    kit, and pip then chooses a version that suits it.
    """
    return [f"{name}=={_version(name)}{_where(name)}" for name in sorted(_closure(NEEDED))]


def _version(name: str) -> str:
    """Return a version without a build tag, so that pip takes whatever build suits the student's machine."""
    return _found(name).version.partition("+")[0]


def _where(name: str) -> str:
    """Return the marker of the Pythons that can install this version; empty if that is every one from 3.11 on."""
    asked = SpecifierSet(str(_found(name).metadata.json.get("requires_python", "")))
    bounds = [each for each in asked if each.operator in _BOUNDS and not each.version.endswith(".*")]
    told = [
        f'python_full_version {each.operator} "{each.version}"'
        for each in sorted(bounds, key=str)
        if not (each.contains("3.11.0") and (each.operator in (">", ">=") or each.version.startswith("4")))
    ]
    return f"; {' and '.join(told)}" if told else ""


@cache
def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise AutograderError(f"{name} is not installed, so the kit cannot name its version. Run: make setup") from None


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


# ---- the proof

_WINDOW = 16
"""The number of bytes by which a line is found at first; the audit calls no shorter line a secret."""
_SHORTEST = 24
"""The least length of a telling line: two unrelated programs may well share a shorter line of a named answer."""


def kit_leaks(course: Course, assignments: Sequence[Assignment], made: Mapping[str, bytes]) -> list[str]:
    """Return a sentence for each place in the kit ``made`` where there is something that students must not have.

    Searched for are the hidden lines of every assignment of ``assignments``, its misconceptions and their sentences,
    its alternatives, the authors' other files, and the course's secret. What a released notebook shows is not a secret,
    nor is what the tools themselves have a line in common with.
    """
    public = "\n".join(cell.release_source for each in assignments for cell in each.cells)
    tools = b"\n".join(module_files().values()).decode()  # The same for every course: no author writes there.
    known = f"{public}\n{tools}"
    private = {line: what for what, line in _private(course, assignments) if line not in known}
    index = _index(private)
    found = [
        f"{private[line]} is in {name}."
        for name, content in made.items()
        for line in dict.fromkeys(_findings(content, index))
    ]
    marked = [
        f"the marker '{marker}' is in {name}."
        for name, content in made.items()
        if name.endswith(".ipynb")
        for marker in MARKERS
        if marker.encode() in content
    ]
    return [*found, *marked]


def _private(course: Course, assignments: Sequence[Assignment]) -> Iterator[tuple[str, str]]:
    """Yield what must not be in a kit, and what to call it."""
    for each in assignments:
        yield from ((f"a hidden line of {cell} ({each.name})", line) for line, cell in secret_lines(each).items())
        for answer in (*each.misconceptions, *each.alternatives):
            for text in (answer.text, answer.source):
                yield from ((f"what '{answer.slug}' ({each.name}) says or does", line) for line in _lines(text))
        for path in sorted((course.source / each.name).glob("*.py")):
            if path.stem not in ("misconceptions", "alternatives", each.notebook):
                yield from ((f"a line of {path.name} ({each.name})", line) for line in _lines(path.read_text("utf-8")))
    if course.config.fixed_secret or (course.root / SECRET_NAME).is_file():
        yield "the course's secret", course.secret.key.hex()
    if len(course.config.gradebook) >= _WINDOW:
        yield "the gradebook's address", course.config.gradebook


def _lines(source: str) -> Iterator[str]:
    """Yield the lines that do something and are long enough to be told apart; not imports, which everybody writes."""
    for line in (line.strip() for line in source.split("\n")):
        if len(line) >= _SHORTEST and not line.startswith(("#", "import ", "from ")):
            yield line


def _index(lines: Mapping[str, str]) -> dict[bytes, list[tuple[bytes, str]]]:
    """Return, by its first bytes, each line as it looks in a text and inside JSON, beside the line itself."""
    index: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
    for line in lines:
        inside = (line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1])
        for shown in {form.encode() for form in inside}:
            index[shown[:_WINDOW]].append((shown, line))
    return dict(index)


def _findings(content: bytes, index: Mapping[bytes, list[tuple[bytes, str]]]) -> Iterator[str]:
    for start in range(len(content) - _WINDOW + 1):
        for shown, line in index.get(content[start : start + _WINDOW], ()):
            if content.startswith(shown, start):
                yield line
