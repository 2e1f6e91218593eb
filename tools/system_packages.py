"""Check for the programs that pip cannot install, and say the one command that installs them.

    python3 tools/system_packages.py grading    what isolated grading needs
    python3 tools/system_packages.py tests      that, and what only the tests need

As root on Debian or Ubuntu it installs what is missing. Standard library only: it runs first.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Requirement:
    """A Debian package, what it is for, and how to see that it is there."""

    package: str
    purpose: str
    present: Callable[[], bool]


def program(*names: str) -> Callable[[], bool]:
    """Whether one of the programs is on the path."""
    return lambda: any(shutil.which(name) for name in names)


def library(name: str) -> Callable[[], bool]:
    """Whether the shared library can be loaded."""

    def present() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return present


def postgres() -> bool:
    """Whether a PostgreSQL server is installed; Debian keeps it off the path."""
    return shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def nginx() -> bool:
    """Whether nginx is installed; it may lie in a folder that only root has on the path."""
    return shutil.which("nginx") is not None or any(Path("/usr/sbin").glob("nginx"))


GRADING = [
    Requirement("bubblewrap", "the sandbox that students' code runs in", program("bwrap")),
    Requirement("libseccomp2", "the filter on its system calls", library("libseccomp.so.2")),
]
TESTS = [
    *GRADING,
    Requirement("chromium", "tests that open pages in a browser", program("chromium", "chromium-browser")),
    Requirement("postgresql", "tests of the gradebook on PostgreSQL", postgres),
    Requirement("nginx", "tests of the service behind it", nginx),
    Requirement("caddy", "the same", program("caddy")),
    Requirement("openssl", "their certificates", program("openssl")),
]


# Which settings of the kernel, where it has them, let an ordinary user make a sandbox: Debian's and Ubuntu's.
NAMESPACE_SETTINGS = {"kernel.unprivileged_userns_clone": "1", "kernel.apparmor_restrict_unprivileged_userns": "0"}


def main(arguments: list[str]) -> int:
    """Check, install where that is possible, and return the exit code."""
    needs = {"grading": GRADING, "tests": TESTS}.get(arguments[0] if len(arguments) == 1 else "")
    if needs is None:
        print(__doc__)
        return 2
    if not sys.platform.startswith("linux"):
        print("Grading needs Linux, for its sandbox. The lessons run here: use `make lab`.")
        return 1
    missing = absent(needs)
    if missing and can_install():
        install(missing)
        missing = absent(needs)
    return explain(missing)


def absent(needs: list[Requirement]) -> list[Requirement]:
    """The requirements that are not met."""
    return [need for need in needs if not need.present()]


def can_install() -> bool:
    """Whether this is root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(missing: list[Requirement]) -> None:
    """Install with apt; what still fails is found by the check that follows."""
    names = [need.package for need in missing]
    print(f"Installing {', '.join(names)} with apt-get ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)


def explain(missing: list[Requirement]) -> int:
    """Say what is missing and the command that installs it, for an administrator if that is somebody else."""
    if not missing:
        return explain_refusal()
    for need in missing:
        print(f"Missing: {need.package}, {need.purpose}.")
    print(f"Install with: sudo apt-get install {' '.join(need.package for need in missing)}")
    print("If you may not, give this line to an administrator of the machine. All else works as an ordinary user.")
    print("On another system install the packages of the same names, then run the command again.")
    return 1


def explain_refusal() -> int:
    """Say what an administrator must allow where bubblewrap is there, and the system keeps this user from using it."""
    settings = [name for name in NAMESPACE_SETTINGS if Path("/proc/sys", *name.split(".")).is_file()]
    if namespaces_work() or not settings:
        return 0
    values = " ".join(f"{name}={NAMESPACE_SETTINGS[name]}" for name in settings)
    lines = "".join(f"{each}\\n" for each in values.split())
    print("bubblewrap is installed, but this system keeps ordinary users from making sandboxes.")
    print(f"Allow it with: sudo sysctl -w {values}")
    print(f"and for good with: printf '{lines}' | sudo tee /etc/sysctl.d/60-sandbox.conf")
    print("If you may not, give these lines to an administrator of the machine, then run the command again.")
    return 1


def namespaces_work() -> bool:
    """Whether bubblewrap can do here what the sandbox needs, by trial; as root no user namespace is needed."""
    user = [] if os.geteuid() == 0 else ["--unshare-user"]
    tried = ["bwrap", *user, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    return subprocess.run(tried, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
