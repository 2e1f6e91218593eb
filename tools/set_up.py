"""Make .venv with the locked versions; does nothing when they are there.

    python3 tools/set_up.py            install what requirements.lock names into .venv, and the package itself
    python3 tools/set_up.py --check    only say whether this Python will do

Where it will not do, one sentence says so, with the way out, before anything is downloaded. Any Python 3 must be able
to read this file, to be told so: no syntax that an old one lacks. Standard library only: it runs first.
"""

import os
import platform
import shutil
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCK = os.path.join(ROOT, "requirements.lock")
HOME = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(HOME, "Scripts", "python.exe") if os.name == "nt" else os.path.join(HOME, "bin", "python")
# What the lock is resolved for: Debian 12 has 3.11.2, Ubuntu 24.04 has 3.12, Debian 13 has 3.13.
OLDEST, NEWEST = (3, 11, 2), (3, 13)
MACHINES = ("x86_64", "amd64", "aarch64", "arm64")


def main(arguments: "list[str]") -> int:
    """Set up, or only check; return the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    trouble = old_environment() if os.path.lexists(PYTHON) else obstacle()
    if trouble:
        print(trouble)
        return 1
    return 0 if arguments else set_up()


def obstacle() -> str:
    """Return why .venv cannot be made with this Python, and the way out; empty if it can."""
    return unsuited(sys.version_info[:3]) or wheels_missing() or venv_missing()


def unsuited(version: "tuple[int, ...]") -> str:
    """Return the sentence on a Python that the lock is not resolved for; empty for one that it is."""
    if version >= OLDEST and version[:2] <= NEWEST:
        return ""
    return (
        "This is Python {}, and the course needs one from {} to {}: name one with `make PYTHON=/path/to/python3.12` "
        "(or run this file with it), or use conda, `conda env create -f environment.yml`."
    ).format(dotted(version), dotted(OLDEST), dotted(NEWEST))


def wheels_missing() -> str:
    """Return the sentence on a machine that no wheels are published for; empty for all others."""
    here = platform.machine()
    bits, musl = struct.calcsize("P") * 8, sys.platform.startswith("linux") and not platform.libc_ver()[0]
    if bits == 64 and not musl and here.lower() in MACHINES:
        return ""
    what = "a C library other than glibc" if musl else "{} with a {}-bit Python".format(here, bits)
    return (
        "PyTorch is not published for this machine ({}): use a 64-bit Python on x86-64 or ARM, with Debian, Ubuntu or "
        "another Linux with glibc, macOS, or Windows."
    ).format(what)


def venv_missing() -> str:
    """Return the sentence on a Python without ``venv`` or ``ensurepip``; empty if both are there."""
    try:
        import ensurepip
        import venv
    except ImportError:
        return (
            "This Python cannot make environments, because its venv module is missing: run `sudo apt-get install "
            "python{}.{}-venv`, or ask an administrator to run it, or use conda, `conda env create -f environment.yml`."
        ).format(*sys.version_info[:2])
    return "" if ensurepip and venv else "unreachable"


def old_environment() -> str:
    """Return the sentence on a .venv whose Python has gone or will not do; empty if it works."""
    program = "import sys; print(*sys.version_info[:3])"
    try:
        found = subprocess.check_output([PYTHON, "-c", program], stderr=subprocess.DEVNULL)
        version = tuple(int(part) for part in found.split())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ".venv holds a Python that does not run, perhaps of an earlier system: remove .venv and run this again."
    if not unsuited(version):
        return ""
    return ".venv holds Python {}, and the course needs one from {} to {}: remove .venv and run this again.".format(
        dotted(version), dotted(OLDEST), dotted(NEWEST)
    )


def dotted(version: "tuple[int, ...]") -> str:
    """Return a version as people write it."""
    return ".".join(str(part) for part in version)


def set_up() -> int:
    """Make .venv, install what the lock names where it changed, and the package; return the exit code."""
    if not os.path.lexists(PYTHON):
        print("Making .venv with Python {} ({})".format(dotted(sys.version_info[:3]), sys.executable), flush=True)
        subprocess.check_call([sys.executable, "-m", "venv", HOME])
    done = installed() or install()
    # The package itself, in place: its version and its commands.
    if done and pip("--no-deps", "--no-build-isolation", "--editable", ROOT):
        announce()
        greet()
        return 0
    print("pip's message above says what is missing; what is installed already is kept. Run this again afterwards.")
    return 1


def installed() -> bool:
    """Return whether .venv was made from this very lock: a branch switched back and forth installs nothing."""
    copy = os.path.join(HOME, "requirements.lock")
    return os.path.isfile(copy) and text_of(copy) == text_of(LOCK)


def install() -> bool:
    """Install every locked package, as wheels: no compiler is needed. Return whether pip succeeded."""
    count = text_of(LOCK).count("==")
    print("Installing {} packages into .venv; the first time takes a few minutes ...".format(count), flush=True)
    done = pip("--only-binary=:all:", "--requirement", LOCK)
    if done:
        shutil.copyfile(LOCK, os.path.join(HOME, "requirements.lock"))
    return done


def pip(*arguments: str) -> bool:
    """Run .venv's own ``pip install``; return whether it succeeded."""
    command = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    return subprocess.call(command + list(arguments)) == 0


def announce() -> None:
    """Copy what makes nbgrader's commands say where isolation is not in place; pip does so for wheels only."""
    folder = os.path.join(HOME, "etc", "jupyter")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(ROOT, "autograder", "gradebook", "jupyter_config.json"), folder)


def greet() -> None:
    """Say what to run next, to whoever came without make."""
    if "MAKELEVEL" not in os.environ:
        folder = os.path.join(".venv", os.path.basename(os.path.dirname(PYTHON)))
        print("Ready. The lessons: {}".format(os.path.join(folder, "jupyter") + " lab notebooks"))


def text_of(path: str) -> str:
    """Return the text of a file."""
    with open(path) as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
