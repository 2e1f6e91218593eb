"""The commit of a kit to a branch by Git's plumbing: neither the working copy nor the index is touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from autograder.errors import AuthoringError
from autograder.handout.kit import Files, write_folder

__all__ = ["commit_to_branch"]


def commit_to_branch(root: Path, branch: str, made: Files, message: str) -> str:
    """Commit ``made``, and nothing else, on top of ``branch`` of the repository around ``root``. Return a line to show.

    Raises:
        AuthoringError: there is no repository, the name is not a branch's, or somebody works on that branch.
    """
    reference = f"refs/heads/{branch}"
    if branch.startswith("-") or _run(root, "check-ref-format", reference, check=False) is None:
        raise AuthoringError(f"'{branch}' is not a name for a branch. Give one such as students.")
    folder = _run(root, "rev-parse", "--absolute-git-dir", check=False)
    if folder is None:
        raise AuthoringError(f"{root} is not in a Git repository, so there is no branch. Use --output instead.")
    if f"branch {reference}" in (_run(root, "worktree", "list", "--porcelain") or "").splitlines():
        raise AuthoringError(
            f"The branch {branch} is checked out, and committing to it would change somebody's working copy. "
            f"Check out another one, or name another branch."
        )
    return _commit(root, Path(folder), reference, made, message)


def _commit(root: Path, git_folder: Path, reference: str, made: Files, message: str) -> str:
    tip = _run(root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", check=False)
    tree = _tree(root, git_folder, made)
    branch = reference.removeprefix("refs/heads/")
    if tip and _run(root, "rev-parse", f"{tip}^{{tree}}") == tree:
        return f"The branch {branch} holds just this already: {tip[:12]}"
    parents = ["-p", tip] if tip else []
    commit = _run(root, "commit-tree", tree, *parents, "-m", message) or ""
    _run(root, "update-ref", "-m", "autograder handout", reference, commit, tip or "0" * len(commit))
    return f"Committed to the branch {branch}: {commit[:12]}. To give it out: git push REMOTE {branch}"


def _tree(root: Path, git_folder: Path, made: Files) -> str:
    """Return the name of a tree of the repository that holds just ``made``."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) / "work"
        work.mkdir()
        write_folder(made, work)
        around = {
            "GIT_DIR": str(git_folder),
            "GIT_WORK_TREE": str(work),
            "GIT_INDEX_FILE": str(Path(temporary) / "index"),
        }
        # As they are: no ignored file is left out, and no line ending is changed.
        _run(
            work,
            "-c",
            "core.autocrlf=false",
            "-c",
            "core.safecrlf=false",
            "add",
            "--all",
            "--force",
            ".",
            around=around,
        )
        return _run(work, "write-tree", around=around) or ""


def _run(folder: Path, *arguments: str, check: bool = True, around: dict[str, str] | None = None) -> str | None:
    """Return the output of Git; None if it failed and that is not to be checked."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} if around else os.environ
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**kept, **(around or {})}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise AuthoringError(
            "Git is not installed, so there is no branch to commit to. Use --output instead."
        ) from None
    if done.returncode and check:
        raise AuthoringError(f"git {arguments[0]} failed: {done.stderr.strip() or 'no reason given'}")
    return None if done.returncode else done.stdout.strip()
