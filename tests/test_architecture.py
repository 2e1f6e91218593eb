"""The map is true: paths and names in it exist, its small grader grades, and the layers are as it draws them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autograder"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAPS = [ROOT / name for name in ("docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md", "README.md")]
_IMPORT = re.compile(r"^ *from (autograder[\w.]*) import (\w[\w, ]*)$", re.M)
MADE_AT_RUN_TIME = {".autograder", "submitted", "autograded", "feedback"}

LAYERS = [
    {"errors", "lab", "secrets", "files", "magics", "redrawing", "terminal"},
    {"settings"},
    {"roster"},
    {"course"},
    {"authoring"},
    {"submission"},
    {"isolation"},
    {"challenge"},
    {"grading"},
    {"gradebook"},
    {"collecting"},
    {"leaderboard"},
    {"engine"},
    {"selfcheck", "reporting", "audit", "demo"},
    {"practice", "handout", "student_cli", "similarity", "desk", "adopting"},
    {"service"},
    {"bench"},
    {"commands"},
    {"cli"},
    {"__main__"},
]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(module: str) -> Iterator[str]:
    """The package's own modules that a module imports, at its top or later."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            for each in node.names:
                full = f"{node.module}.{each.name}"
                yield full if full in FILES else node.module


IMPORTS = {module: set(imports_of(module)) for module in FILES}


def layer(module: str) -> int:
    part = module.split(".")[1]
    return next(number for number, names in enumerate(LAYERS) if part in names)


def part(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("module", [each for each in FILES if "." in each])
def test_a_module_imports_only_from_its_own_package_and_the_layers_below(module: str) -> None:
    others = {each for each in IMPORTS[module] if "." in each and part(each) != part(module)}
    allowed = {each for each in others if layer(each) < layer(module) or {part(each), part(module)} <= LAYERS[0]}
    assert others == allowed


def test_the_lab_needs_nothing_of_the_rest() -> None:
    assert {part(each) for module in FILES if module.startswith("autograder.lab") for each in IMPORTS[module]} == {
        "lab"
    }


def test_what_runs_inside_the_sandbox_imports_isolation_and_the_lab_alone() -> None:
    inside = [module for module in FILES if module.startswith("autograder.isolation")]
    assert {part(each) for module in inside for each in IMPORTS[module] if "." in each} <= {
        "isolation",
        "lab",
        "errors",  # and the distribution's name, for `doctor`
        "magics",  # what a session of IPython does with them, in the sandbox and in `check`
        "redrawing",  # of pictures, there and there
    }


def test_no_modules_import_each_other_in_a_circle() -> None:
    open_modules, done = list[str](), set[str]()

    def visit(module: str) -> None:
        assert module not in open_modules, " -> ".join([*open_modules[open_modules.index(module) :], module])
        if module not in done:
            open_modules.append(module)
            for each in sorted(IMPORTS[module]):
                visit(each)
            open_modules.pop()
            done.add(module)

    for module in FILES:
        visit(module)


def test_no_module_name_stands_twice() -> None:
    names = Counter(module.rpartition(".")[2] for module, path in FILES.items() if path.name != "__init__.py")
    assert {name for name, count in names.items() if count > 1} == set()


def test_no_public_class_name_stands_twice() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES.values()]
    names = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert {name for name, count in names.items() if count > 1 and not name.startswith("_")} == set()


def test_only_the_lab_reexports() -> None:
    """A package that lists its modules' names would hide a module of the same name, and load all to give one."""
    packages = {module: path for module, path in FILES.items() if path.name == "__init__.py" and module != "autograder"}
    assert {module for module, path in packages.items() if listed(path) - defined(path)} == {"autograder.lab"}


def listed(path: Path) -> set[str]:
    """The names in a module's ``__all__``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets)
    ]
    return {name for value in found for name in ast.literal_eval(value)}


def defined(path: Path) -> set[str]:
    """The names of the functions and classes that a module defines itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert {module: length for module, length in lengths.items() if length > 400} == {}


def spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))


def named_paths(page: Path) -> list[str]:
    found = [each for each in spans(page) if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*(/|\.\w+)", each) and "/" in each]
    return [each for each in found if each.split("/")[0] not in MADE_AT_RUN_TIME and not each.isupper()]


@pytest.mark.parametrize("page", MAPS, ids=lambda page: page.name)
def test_every_path_on_the_map_exists(page: Path) -> None:
    assert [each for each in named_paths(page) if not list(ROOT.glob(each.rstrip("/")))] == []


DOTTED = re.compile(r"autograder(?:\.\w+)+")
PAGES = [*MAPS, *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTED = sorted({(page.name, name) for page in PAGES for name in DOTTED.findall(page.read_text(encoding="utf-8"))})


def is_defined(name: str) -> bool:
    module, _, last = name.rpartition(".")
    if name in FILES or module not in FILES:
        return name in FILES
    text = FILES[module].read_text(encoding="utf-8")
    return re.search(rf"^(def|class) {last}\b|^{last}\b", text, re.MULTILINE) is not None


@pytest.mark.parametrize(("page", "name"), DOCUMENTED)
def test_every_dotted_name_in_the_docs_is_a_module_or_defined_in_one(page: str, name: str) -> None:
    assert is_defined(name), f"{page} names {name}"


def test_what_docs_and_tests_import_in_a_text_is_defined_there() -> None:
    """No tool sees an import in a page's example, or in the source of a program that a test starts."""
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "tests").rglob("*.py")]
    found = [line for page in pages for line in _IMPORT.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 100
    for module, names in found:
        for name in re.findall(r"\w+", re.sub(r" as \w+", "", names)):
            home = importlib.import_module(module)
            assert hasattr(home, name) or importlib.util.find_spec(f"{module}.{name}"), (module, name)


def test_the_map_names_every_package() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"bench"}
    assert {name for name in packages if f"`{name}`" not in PAGE and f"autograder/{name}/" not in PAGE} == set()


def test_functions_on_the_map_are_defined_in_the_file_beside_them() -> None:
    for name, file in (
        ("grade_submission", "grading/grade.py"),
        ("competition_ranks", "leaderboard/ranking.py"),
        ("standings", "leaderboard/ranking.py"),
        ("released", "authoring/source_cells.py"),
        ("source_notebook", "authoring/build.py"),
        ("_explain", "grading/check.py"),
        ("load_assignment", "authoring/assignment.py"),
        ("grade_assignments", "engine/api.py"),
    ):
        assert f"`{name}`" in PAGE
        assert f"def {name}(" in (PACKAGE / file).read_text(encoding="utf-8")


ASSIGNMENT = {
    "solution": "def double(x): return 2 * x",
    "misconceptions": {"square": "def double(x): return x * x", "half": "def double(x): return x / 2"},
    "hidden": [("double", [3]), ("double", [2]), ("double", [0.5])],
}


@pytest.fixture(scope="module")
def small_grader() -> dict[str, Any]:
    """The grader on the page, as a module's names."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(code.splitlines()) <= 70
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.mark.parametrize(
    ("cell", "points", "diagnosis"),
    [
        ("def double(x): return x + x", 3, ""),
        ("def double(x): print(x); return x ** 2", 1, "square"),
        ("def double(x): return 7", 0, ""),
        ("this is not Python", 0, ""),
        ("import sys; sys.modules['__main__'].points = 99", 0, ""),
    ],
)
def test_the_small_grader_gives_points_and_names_the_misconception(
    small_grader: dict[str, Any], cell: str, points: int, diagnosis: str
) -> None:
    result = small_grader["grade_submission"]([cell], ASSIGNMENT)
    assert result == {"points": points, "diagnosis": diagnosis}
