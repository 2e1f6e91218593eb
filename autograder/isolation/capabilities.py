"""The layers of the sandbox that this machine offers, the purpose of each, and the way to get a missing one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from autograder.isolation.guest import landlock
from autograder.loading import DISTRIBUTION

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["LayerReport", "probe_layers", "layers", "print_layers"]


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer of the sandbox on this machine.

    Attributes:
        name: its name in `missing_ok`.
        available: whether it works here, by trial.
        purpose: the access that it stops.
        detail: the result of the trial.
        remedy: the way to get it if it is missing.
    """

    name: str
    available: bool
    purpose: str
    detail: str
    remedy: str


def probe_layers() -> list[LayerReport]:
    """Try every layer here and now, and return the reports, outermost first."""
    outermost = _bubblewrap()
    return [outermost, _user(outermost.available), _landlock(), _seccomp(), _rlimits()]


def layers() -> frozenset[str]:
    """Return the names of the layers that this machine offers."""
    return frozenset(report.name for report in probe_layers() if report.available)


def print_layers(console: Console, as_json: bool = False) -> int:
    """Print every layer, and the remedy for those that are missing. Return 0 if all are there, else 1."""
    from rich.markup import escape
    from rich.table import Table

    reports = probe_layers()
    if as_json:
        console.print_json(json.dumps([asdict(report) for report in reports]))
    else:
        table = Table("layer", "here", "what it stops", "found")
        for report in reports:
            here = "yes" if report.available else "MISSING"
            table.add_row(report.name, here, report.purpose, escape(report.detail))
        console.print(table)
        for report in reports:
            if not report.available:
                console.print(f"{report.name}: {escape(report.remedy)}")
    return 0 if all(report.available for report in reports) else 1


def bubblewrap_path() -> str | None:
    """Return the path of bwrap, or None."""
    return shutil.which("bwrap")


def namespace_options() -> list[str]:
    """Return the namespace options of bwrap: root needs no user namespace; for others it makes the rest possible."""
    options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    return options if os.geteuid() == 0 else ["--unshare-user", *options]


def _bubblewrap() -> LayerReport:
    path = bubblewrap_path()
    available, detail = False, "bwrap is not installed"
    if path:
        command = [path, *namespace_options(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        available, detail = tried.returncode == 0, tried.stderr.strip()[:200] or path
    return LayerReport(
        "bubblewrap",
        available,
        "no network, no other processes, no files but a few read-only ones",
        detail,
        "sudo apt-get install bubblewrap; if it is there but refused, allow user namespaces:"
        " sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0;"
        " in a container, start it with the rights to make namespaces (docker run --privileged)",
    )


def _user(bubblewrap: bool) -> LayerReport:
    root = os.geteuid() == 0
    detail = "started as root: the sandbox changes to an unused user number" if root else f"user {os.geteuid()}"
    if root and not bubblewrap:
        detail = "started as root, and without bubblewrap there is no other user that could read Python"
    return LayerReport(
        "user",
        bubblewrap or not root,
        "no rights of root inside",
        detail,
        "install bubblewrap, or run the grader as an ordinary user",
    )


def _landlock() -> LayerReport:
    version = landlock.abi()
    scope = "files, TCP, signals" if version >= 6 else "files and TCP" if version >= 4 else "files"
    return LayerReport(
        "landlock",
        version > 0,
        "each worker sees only its own folder, and no neighbour",
        f"ABI {version}: {scope}" if version else "the kernel has no Landlock, or it is switched off",
        "use Linux 5.13 or later, with landlock among the kernel's lsm= modules",
    )


def _seccomp() -> LayerReport:
    available, detail = True, "an allow list, compiled with libseccomp"
    try:
        from autograder.isolation.seccomp import compile_filter

        detail += f", {len(compile_filter()) // 8} instructions"
    except (ImportError, OSError, RuntimeError) as error:
        available, detail = False, f"libseccomp cannot be used: {error}"
    return LayerReport(
        "seccomp",
        available,
        "no new processes, programs, sockets, signals or debugging",
        detail,
        f"sudo apt-get install libseccomp2, and pip install '{DISTRIBUTION}[grade]'",
    )


def _rlimits() -> LayerReport:
    return LayerReport(
        "rlimits", os.name == "posix", "time, memory, files and threads are bounded", "kernel limits", "use Linux"
    )
