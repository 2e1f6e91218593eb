"""Write requirements.lock: the versions in this environment of everything the package needs, extras too.

Where one of them wants a later Python than the oldest that the course installs on, that Python gets the newest version
that it takes, by a marker. A test resolves the lock for every Python that README names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import distribution, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = canonicalize_name(PROJECT["name"])
OLDEST = PROJECT["requires-python"].removeprefix(">=")
HEADER = """\
# Exact versions of everything, for make, CI and graders. `make lock` writes this file.
# Without a build tag in torch's version, pip takes a CPU build where one is offered.
"""


def main() -> None:
    """Write one ``name==version`` a line, sorted, without build tags, with a marker where it is not for everybody."""
    extras = metadata(NAME).get_all("Provides-Extra") or []
    # setuptools builds the package.
    needed = closure(f"{NAME}[{','.join(extras)}]") | closure("setuptools")
    lines = [line for name in needed.keys() - {NAME} for line in pins(name, needed[name])]
    LOCK.write_text(HEADER + "".join(f"{line}\n" for line in sorted(lines, key=str.lower)))


def closure(wanted: str) -> dict[str, SpecifierSet]:
    """Return every distribution that a requirement needs here, directly or not, with the versions that all allow."""
    found: dict[str, SpecifierSet] = defaultdict(SpecifierSet)
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(wanted)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        found[name] &= requirement.specifier
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += needs(name, extra)
    return found


def needs(name: str, extra: str) -> Iterator[Requirement]:
    """Yield what a distribution needs on this system for one of its extras, or for itself."""
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def pins(name: str, allowed: SpecifierSet) -> list[str]:
    """Return the lock's lines on a distribution: one, or one for each side of a version of Python.

    Raises:
        SystemExit: it bounds Python in a way that this does not understand.
    """
    here = distribution(name)
    pin = f"{here.metadata['Name']}=={here.version.partition('+')[0]}"
    python = SpecifierSet(here.metadata["Requires-Python"] or "")
    if OLDEST in python:
        return [with_marker(pin, platform_of(name))]
    later = re.search(r">=\s*([\d.]+)", str(python))
    if later is None:
        raise SystemExit(f"{pin} does not take Python {OLDEST}, but {python}: choose its version by hand.")
    older = newest_for(OLDEST, f"{here.metadata['Name']}{allowed}")
    return [
        f'{older}; python_full_version < "{later[1]}"',
        f'{pin}; python_full_version >= "{later[1]}"',
    ]


def with_marker(pin: str, marker: str) -> str:
    """Return a line of the lock, with its marker if it has one."""
    return f"{pin}; {marker}" if marker else pin


def platform_of(name: str) -> str:
    """Return the marker that pyproject.toml gives a requirement, such as a platform; empty for most."""
    listed = [
        *PROJECT["dependencies"],
        *(each for group in PROJECT["optional-dependencies"].values() for each in group),
    ]
    markers = {str(found.marker or "") for found in map(Requirement, listed) if canonicalize_name(found.name) == name}
    return markers.pop() if len(markers) == 1 else ""


def newest_for(python: str, wanted: str) -> str:
    """Return ``name==version`` of the newest release that a version of Python takes, as pip's index has it."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:", "--target=.", "--report=-"]
    command = [sys.executable, "-m", "pip", "install", "-qq", *options, f"--python-version={python}", wanted]
    (found,) = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["install"]
    return f"{found['metadata']['name']}=={found['metadata']['version']}"


if __name__ == "__main__":
    main()
