"""Write requirements.lock: the versions in this environment of everything the package needs, extras too."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distribution, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
HEADER = """\
# Exact versions of everything, for make, CI and graders. `make lock` writes this file.
# Without a build tag in torch's version, pip takes a CPU build where one is offered.
"""


def main() -> None:
    """Write one ``name==version`` a line, sorted, without build tags."""
    extras = metadata("autograder").get_all("Provides-Extra") or []
    needed = closure(f"autograder[{','.join(extras)}]") | closure("setuptools")  # setuptools builds the package
    found = [distribution(name) for name in needed - {"autograder"}]
    pins = {f"{each.name}=={each.version.partition('+')[0]}" for each in found}
    LOCK.write_text(HEADER + "".join(f"{pin}\n" for pin in sorted(pins, key=str.lower)))


def closure(wanted: str) -> set[str]:
    """The names of a requirement's distribution and of all that it needs here, directly or not."""
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(wanted)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                names.add(name)
                waiting += needs(name, extra)
    return names


def needs(name: str, extra: str) -> Iterator[Requirement]:
    """What a distribution needs on this system for one of its extras, or for itself."""
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


if __name__ == "__main__":
    main()
