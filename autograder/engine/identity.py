"""The identity of a grader: its code, and the packages that can change a number."""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["code_digest", "digest"]

_PACKAGE = Path(__file__).resolve().parents[1]
_PARTS = ("authoring", "challenge", "grading", "isolation", "lab", "submission")
_PACKAGES = ("numpy", "scipy", "torch")


def digest(*parts: bytes) -> str:
    """A hash of ``parts``, each with its length: 32 hexadecimal digits."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(message).hexdigest()[:32]


@lru_cache(maxsize=1)
def code_digest() -> bytes:
    """Names the code that turns a submission into a result, and the versions it runs on.

    The sources are hashed rather than a version number read: a correction to a comparison must not be answered from
    results that were stored before it.
    """
    files = sorted(path for part in _PARTS for path in (_PACKAGE / part).rglob("*.py"))
    parts = [part for path in files for part in (str(path.relative_to(_PACKAGE)).encode(), path.read_bytes())]
    versions = [f"{name} {_version(name)}".encode() for name in _PACKAGES]
    return digest(platform.python_version().encode(), *versions, *parts).encode()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
