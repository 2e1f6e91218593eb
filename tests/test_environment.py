"""One set of versions: what pyproject.toml allows, the lock pins, conda names, and the code imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autograder
from autograder.errors import extra_for

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS: dict[str, list[str]] = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
EXTRAS = ("grade", "cluster", "postgres", "similarity", "tables", "serve", "hub")  # of what the package imports
TARGETS = {"demo", "test", "lab", "notebooks", "audit", "bench", "lint", "setup", "help"}


def requirements(group: str) -> dict[str, Requirement]:
    """The requirements of an extra, or of the package itself, by name."""
    return {canonicalize_name(found.name): found for found in map(Requirement, GROUPS[group])}


def locked() -> list[Requirement]:
    """The lock's lines."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pinned() -> dict[str, str]:
    """Name to version, as the lock has them for this Python and machine."""
    here = [each for each in locked() if each.marker is None or each.marker.evaluate()]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in here}


def conda() -> dict[str, Requirement]:
    """What environment.yml asks pip to install, by name, options left out."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    return {canonicalize_name(found.name): found for found in (Requirement(x) for x in listed if not x.startswith("-"))}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_the_lock_has_an_allowed_version_of_every_dependency(group: str) -> None:
    for name, allowed in requirements(group).items():
        assert pinned()[name] in allowed.specifier, f"{name} is locked at {pinned()[name]}, which {allowed} excludes"


def test_the_lock_is_sorted_and_exact() -> None:
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(lines, key=str.lower)
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", line) for line in lines)


def test_conda_names_what_the_package_needs_at_the_locked_versions() -> None:
    needed = requirements("") | requirements("grade")
    assert conda().keys() == needed.keys()
    for name, asked in conda().items():
        assert str(asked.specifier) == f"=={pinned()[name]}"
        assert str(asked.marker) == str(needed[name].marker)


def test_conda_and_the_package_agree_on_python() -> None:
    (python, *_) = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    minor = python.removeprefix("python=")
    assert PROJECT["requires-python"] == f">={minor}.2"  # the oldest that the lock is resolved for


def test_what_a_student_installs_has_no_grader_and_no_exact_version_in_it() -> None:
    assert not {"nbgrader", "sqlalchemy", "alembic", "pyseccomp", "jupytext"} & requirements("").keys()
    assert not [str(each) for each in requirements("").values() if "==" in str(each.specifier)]


def test_the_version_stands_once() -> None:
    assert "version" in PROJECT["dynamic"]
    assert PROJECT.get("version") is None
    assert version(PROJECT["name"]) == autograder.__version__


def test_what_is_not_installed_is_named_with_the_extra_that_brings_it() -> None:
    """For each package of the extras that the code imports, by the name that it is imported by."""
    brought = {name: extra for extra in EXTRAS for name in requirements(extra)}
    provided_by = packages_distributions()
    for module in imported("autograder") | {"psycopg"}:
        names = {canonicalize_name(name) for name in provided_by.get(module, [])}
        if extra := next((brought[name] for name in names if name in brought), ""):
            said = extra_for(ModuleNotFoundError(name=f"{module}.inner"))
            assert f"pip install '{PROJECT['name']}[{extra}]'" in said
    assert extra_for(ModuleNotFoundError(name="autograder.inner")) == ""
    assert extra_for(ModuleNotFoundError()) == ""


def test_every_dependency_is_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text().lower()
    for group in GROUPS:
        for name in requirements(group):
            assert name in text or name.startswith("types-"), f"docs/dependencies.md does not say why {name} is needed"


def imported(folder: str) -> set[str]:
    """The top-level modules that the Python files of a folder import."""
    found: set[str] = set()
    files = sorted((ROOT / folder).rglob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    # The benchmark's part that imports otter runs in otter-grader's own environment, and is left out where it fails.
    beside = {path.stem for path in files if path.parent == ROOT / folder}
    return found - set(sys.stdlib_module_names) - {"autograder", "benchmarks", "otter", "tests"} - beside


@pytest.mark.parametrize(
    ("folder", "groups"),
    [("autograder", ["", *EXTRAS]), ("data", ["", "data"]), ("tests", list(GROUPS))],
)
def test_what_the_code_imports_is_declared(folder: str, groups: list[str]) -> None:
    provided_by = packages_distributions()
    declared = {name for group in groups for name in requirements(group)}
    for module in sorted(imported(folder)):
        names = {canonicalize_name(name) for name in provided_by.get(module, [module])}
        assert names & declared, f"{folder}/ imports {module}, which pyproject.toml does not declare"


def makefile_targets() -> dict[str, str]:
    """Target to its description, for the targets that `make help` lists."""
    listed = re.findall(r"^([a-z]+):.*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return dict(listed)


def test_make_offers_every_task_and_lists_them_by_default() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert makefile_targets().keys() >= TARGETS
    for target, description in makefile_targets().items():
        assert re.search(rf"^make {target} +{re.escape(description)}$", shown, re.MULTILINE)


def test_every_task_calls_a_subcommand_that_exists() -> None:
    called = set(re.findall(r"\$\(BIN\)/autograder (\w+)", (ROOT / "Makefile").read_text()))
    shown = subprocess.run(
        [sys.executable, "-m", "autograder", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    ).stdout
    for command in called:
        assert re.search(rf"│ {command} ", shown), f"the Makefile calls `autograder {command}`, which does not exist"


@pytest.mark.parametrize("task", ["grading", "tests"])
def test_missing_system_packages_are_named_with_the_command_that_installs_them(task: str) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
import system_packages
system_packages.can_install = lambda: False
system_packages.shutil.which = lambda name: None
system_packages.ctypes.CDLL = lambda name: (_ for _ in ()).throw(OSError(name))
system_packages.Path.glob = lambda self, pattern: iter(())
sys.exit(system_packages.main([{task!r}]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    wanted = "bubblewrap libseccomp2" + (" chromium postgresql nginx caddy openssl" if task == "tests" else "")
    assert done.returncode == 1
    assert f"sudo apt-get install {wanted}\n" in done.stdout
    assert "Missing: bubblewrap, the sandbox" in done.stdout
    assert "give this line to an administrator" in done.stdout


def test_an_administrator_is_told_what_to_allow_where_ordinary_users_may_make_no_sandbox() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / "tools")!r})
import system_packages
system_packages.absent = lambda needs: []
system_packages.namespaces_work = lambda: False
system_packages.Path.is_file = lambda self: "apparmor" in str(self)
sys.exit(system_packages.main(["grading"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n" in done.stdout
    assert r"printf 'kernel.apparmor_restrict_unprivileged_userns=0\n' | sudo tee" in done.stdout


def test_the_system_check_needs_only_the_standard_library() -> None:
    source = ast.parse((ROOT / "tools" / "system_packages.py").read_text())
    modules = {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom) and node.module}
    assert {module.partition(".")[0] for module in modules} <= set(sys.stdlib_module_names)


def test_nothing_names_a_machine_or_a_registry() -> None:
    tracked = ["pyproject.toml", "requirements.lock", "environment.yml", "Makefile", ".ci/run", "docs/dependencies.md"]
    for name in tracked:
        text = (ROOT / name).read_text()
        assert not re.search(r"(?<![\w.])/(root|home|work|tmp|opt)/|https?://\S*(index|simple|pypi|wheels)", text), name
