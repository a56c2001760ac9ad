"""Code as it was: a commit of a repository at hand, with the changes that were not committed."""

import os
from pathlib import Path
from typing import Final

from headwater.tracking.git import has_commit, run_git

_PATIENCE_S: Final = 600.0
"""A clone of a large repository takes minutes."""
# Nobody's hooks run, whatever the user's templates say.
_NO_HOOKS: Final = ("-c", f"core.hooksPath={os.devnull}")


def check_out(repository: Path, commit: str, target: Path, *, remote: str | None = None) -> None:
    """Clone a commit out of a repository into a folder that is not there yet; the network is not asked.

    Args:
        repository: Any folder of a working tree whose repository may have the commit.
        commit: Full id of the commit.
        target: The new folder.
        remote: What `origin` is to be called in the clone.

    Raises:
        GitError: git is not installed, or the repository does not have the commit.
    """
    has_commit(repository, commit)
    root = run_git(repository, "rev-parse", "--show-toplevel").strip()
    clone = ("clone", "--quiet", "--no-checkout", "--", root, str(target))
    run_git(repository, *_NO_HOOKS, *clone, timeout_s=_PATIENCE_S)
    if remote:
        run_git(target, "remote", "set-url", "origin", remote)
    run_git(target, *_NO_HOOKS, "checkout", "--quiet", "--detach", commit, timeout_s=_PATIENCE_S)


def apply_patch(folder: Path, patch: Path) -> None:
    """Apply a patch to a working tree.

    Raises:
        GitError: it does not fit.
    """
    run_git(folder, "apply", "--binary", "--whitespace=nowarn", "--", str(patch.absolute()))
