"""The course installs where people are: with README's Pythons, as anybody, and says why where it cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = {"3.11.2": "Debian 12", "3.12.3": "Ubuntu 24.04", "3.13.5": "Debian 13"}
SET_UP = ROOT / "tools" / "set_up.py"
SYSTEM_PYTHON = Path("/usr/bin/python3")
USER = 54_321  # a number that nobody has: an ordinary user without a home
# What torch's Linux wheel brings for GPUs: some gigabytes that nothing here needs and a CPU build does without.
FOR_GPUS = ("cuda", "nvidia", "triton")


def applies(requirement: Requirement, python: str) -> bool:
    """Whether a requirement counts for a version of Python on this machine, for no extra."""
    environment = {"python_full_version": python, "python_version": python.rpartition(".")[0], "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def locked_for(python: str) -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [f"{each.name}{each.specifier}" for each in pins if applies(each, python)]


def resolved(python: str, pins: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """The metadata of what the index has for another Python, by name; nothing is installed, and no dependency fetched.

    pip evaluates markers for the Python it runs on, so the lines that count are chosen here, and what they need is
    compared afterwards.
    """
    (folder / "pins.txt").write_text("\n".join(pins))
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    options = ["--only-binary=:all:", f"--python-version={python}", "--target=.", "--report=report.json", "-rpins.txt"]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "report.json").read_text())["install"]
    return {canonicalize_name(each["metadata"]["name"]): each["metadata"] for each in found}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: f"{PYTHONS[python]} ({python})")
def test_the_lock_is_whole_for_each_python_that_readme_names(python: str, tmp_path: Path) -> None:
    assert PYTHONS[python] in (ROOT / "README.md").read_text()
    found = resolved(python, locked_for(python), tmp_path)
    for name, metadata in found.items():
        for text in metadata.get("requires_dist", []):
            needed = Requirement(text)
            if applies(needed, python) and not (name == "torch" and needed.name.startswith(FOR_GPUS)):
                assert canonicalize_name(needed.name) in found, f"{name} needs {text}, which the lock does not have"
                assert found[canonicalize_name(needed.name)]["version"] in needed.specifier


def other_python(version: str) -> str | None:
    """A Python of another version on this machine, if there is one."""
    below = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
    return str(below[-1]) if below else shutil.which(f"python{version}")


def check(python: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``set_up.py --check`` of a copy of the repository that has no .venv."""
    (folder / "tools").mkdir(exist_ok=True)
    shutil.copy(SET_UP, folder / "tools")
    command = [python, str(folder / "tools" / "set_up.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_python_that_will_do_passes_without_a_word(version: str, tmp_path: Path) -> None:
    python = other_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    done = check(python, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_older_python_is_told_in_one_sentence_which_ones_will_do(version: str, tmp_path: Path) -> None:
    python = other_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    done = check(python, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"This is Python {version}.")
    assert "one from 3.11.2 to 3.13: name one with `make PYTHON=" in done.stdout
    assert done.stdout.count("\n") == 1


def set_up_module() -> dict[str, Any]:
    names: dict[str, Any] = {"__file__": str(SET_UP), "__name__": "set_up"}
    exec(compile(SET_UP.read_text(), SET_UP, "exec"), names)
    return names


@pytest.mark.parametrize("version", [(3, 11, 1), (3, 14, 0), (3, 10, 13), (4, 0, 0)])
def test_a_python_that_the_lock_is_not_resolved_for_is_refused(version: tuple[int, ...]) -> None:
    assert "the course needs one from 3.11.2 to 3.13" in set_up_module()["unsuited"](version)


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_the_package_and_who_may_install_it(module: str, tmp_path: Path) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / f"{module}.py").write_text("raise ModuleNotFoundError")
    done = check(sys.executable, tmp_path, PYTHONPATH=str(tmp_path / "shadow"))
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert done.returncode == 1
    assert f"run `sudo apt-get install {package}`, or ask an administrator to run it" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_machine_that_torch_is_not_published_for_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set_up_module()
    assert names["wheels_missing"]() == ""
    monkeypatch.setattr(names["platform"], "machine", lambda: "riscv64")
    assert "not published for this machine (riscv64 with a 64-bit Python)" in names["wheels_missing"]()
    monkeypatch.setattr(names["platform"], "libc_ver", lambda: ("", ""))
    assert "not published for this machine (a C library other than glibc)" in names["wheels_missing"]()


def test_an_environment_of_an_earlier_system_is_not_built_upon(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    done = check(sys.executable, tmp_path)
    assert done.returncode == 1
    assert "remove .venv and run this again" in done.stdout


def test_make_without_any_python_says_what_to_install(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "make", "grep", "awk"):
        (programs / name).symlink_to(shutil.which(name) or name)
    shutil.copy(ROOT / "Makefile", tmp_path)
    done = subprocess.run(
        ["make", "demo"], cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "There is no Python here: run `sudo apt-get install python3 python3-venv`" in done.stdout


def copy_of_the_repository(folder: Path) -> Path:
    """What a clone has, as its files are now."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def as_ordinary_user(folder: Path) -> list[str]:
    """The words before a command that run it as somebody without rights, to whom ``folder`` is given."""
    if os.geteuid() != 0:
        return []
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    for parent in folder.parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_make_demo_works_with_the_systems_python_as_an_ordinary_user_without_a_compiler(tmp_path: Path) -> None:
    if not SYSTEM_PYTHON.exists() or check(str(SYSTEM_PYTHON), tmp_path).returncode:
        pytest.skip("the system's Python is none that README names, or has no venv: apt-get install python3-venv")
    repository = copy_of_the_repository(tmp_path / "repository")
    environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environment |= {"HOME": str(repository), "PATH": "/usr/bin:/bin", "CC": "/bin/false", "CXX": "/bin/false"}
    done = subprocess.run(
        [*as_ordinary_user(repository), "make", f"PYTHON={SYSTEM_PYTHON}", "demo"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "128 graded now" in done.stdout
    assert (repository / "demo" / "leaderboard" / "01-convolution.html").is_file()
