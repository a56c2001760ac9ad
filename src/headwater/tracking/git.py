"""What git knows of the code that a run executes. Asks the git program; never the network."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit, urlunsplit

MAX_DIFF_BYTES: Final = 10 * 1024 * 1024
"""A patch beyond this size is not kept; a warning says so."""
MAX_UNTRACKED_FILES: Final = 200
TIMEOUT_S: Final = 10.0
_NAMES: Final = ("diff", "--name-status", "-z", "--no-renames", "--no-ext-diff", "--no-color")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# External diff programs and filters would run somebody's code, and give patches that cannot be applied.
_DIFF: Final = (
    "diff",
    "--binary",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


class GitError(Exception):
    """Git is not there, took too long or refused; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """The state of a working tree.

    Attributes:
        commit: None in a repository without commits.
        branch: None when HEAD is detached.
        remote: URL of `origin`, without credentials.
        diff: Patch from the commit to the working tree, with the untracked files that are imported.
            Empty when there is no change.
        warnings: What could not be had.
    """

    commit: str | None
    branch: str | None
    remote: str | None
    is_dirty: bool
    diff: bytes
    warnings: tuple[str, ...]


def git_state(folder: Path, imported: Callable[[Path], Iterable[Path]] | None = None) -> GitState:
    """Describe the working tree that a folder belongs to.

    Args:
        folder: Any folder of the working tree.
        imported: Gives the files below the tree's root that the program runs; untracked ones among
            them become part of the patch. By default `imported_files`.

    Raises:
        GitError: git is not installed, or the folder is in no repository.
    """
    root = Path(run_git(folder, "rev-parse", "--show-toplevel").strip())
    commit, branch = _head(root)
    is_changed = bool(
        run_git(root, "status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=untracked")
    )
    untracked = _untracked(root, (imported or imported_files)(root))
    diff, warnings = _patch(root, commit, untracked) if is_changed or untracked else (b"", ())
    return GitState(
        commit=commit,
        branch=branch,
        remote=_remote(root),
        is_dirty=is_changed or bool(untracked),
        diff=diff,
        warnings=warnings,
    )


def changed_files(folder: Path, before: str, after: str) -> list[tuple[str, str]]:
    """Return the files that differ between two commits, by path; a renamed file is removed and added.

    Args:
        folder: Any folder of a working tree whose repository may have them.
        before: Full id of the first commit.
        after: Full id of the second commit.

    Returns:
        Path, and what git says of it: `A` for added, `D` for deleted, else another letter.

    Raises:
        GitError: git is not installed, the folder is in no repository, or that has not both commits.
    """
    for commit in (before, after):
        has_commit(folder, commit)
    options = (
        "--name-status",
        "-z",
        "--no-renames",
        "--no-ext-diff",
        "--no-color",
        "--ignore-submodules=none",
    )
    fields = run_git(folder, "diff", *options, before, after, "--").split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    # Names that are no UTF-8 come with halves of surrogate pairs, which nothing could print.
    return sorted(
        (path.encode(errors="surrogateescape").decode(errors="replace"), letter[:1]) for letter, path in pairs
    )


def has_commit(folder: Path, commit: str) -> None:
    """Check that the repository of a folder has a commit.

    Raises:
        GitError: it does not, or as in `changed_files`.
    """
    # What is no id could be read as an option.
    if not _COMMIT.fullmatch(commit):
        raise GitError(f"{commit!r} is not the id of a commit")
    try:
        run_git(folder, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError as error:
        run_git(folder, "rev-parse", "--show-toplevel")
        raise GitError(f"the repository at {folder} does not have commit {commit[:10]}") from error


def run_git(folder: Path, *arguments: str, timeout_s: float = TIMEOUT_S) -> str:
    """Run git in a folder and return what it prints.

    Raises:
        GitError: git is not installed, refused, or took too long.
    """
    return _bytes(folder, arguments, allowed=(0,), timeout_s=timeout_s).decode(errors="surrogateescape")


def without_credentials(url: str) -> str:
    """Return a remote's URL without passwords, and without the user of http URLs, which may be a token.

    Example:
        >>> without_credentials("https://token@example.com/team/flights.git")
        'https://example.com/team/flights.git'
        >>> without_credentials("git@example.com:team/flights.git")
        'git@example.com:team/flights.git'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    name = "" if parts.scheme.startswith("http") else user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host))


def imported_files(root: Path) -> list[Path]:
    """Return the source files below a folder that this process has imported, installed packages left out."""
    prefixes = tuple({f"{Path(p)}{os.sep}" for p in (sys.prefix, sys.base_prefix) if Path(p) != root})
    files: list[Path] = []
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str) or "site-packages" in name or name.startswith(prefixes):
            continue
        path = Path(name).absolute()
        if path.is_relative_to(root) and path.suffix in {".py", ".pyi", ""}:
            files.append(path)
    return files


def _head(root: Path) -> tuple[str | None, str | None]:
    try:
        commit = run_git(root, "rev-parse", "--verify", "HEAD").strip()
    except GitError:
        commit = None
    try:
        branch = run_git(root, "symbolic-ref", "--quiet", "--short", "HEAD").strip()
    except GitError:
        branch = None
    return commit, branch


def _remote(root: Path) -> str | None:
    try:
        return without_credentials(run_git(root, "config", "--get", "remote.origin.url").strip())
    except GitError:
        return None


def _untracked(root: Path, imported: Iterable[Path]) -> list[str]:
    real = root.resolve()
    names = sorted({str(p.resolve().relative_to(real)) for p in imported if p.resolve().is_relative_to(real)})
    if not names:
        return []
    # Ignored files are meant, too: generated code that is imported is needed to run again.
    listed = ""
    for start in range(0, len(names), 500):
        part = [f":(top,literal){name}" for name in names[start : start + 500]]
        listed += run_git(root, "ls-files", "--others", "-z", "--", *part)
    return [name for name in listed.split("\0") if name]


def _patch(root: Path, commit: str | None, untracked: Sequence[str]) -> tuple[bytes, tuple[str, ...]]:
    warnings: list[str] = []
    parts = [_bytes(root, (*_DIFF, commit or _EMPTY_TREE), allowed=(0,))]
    if len(untracked) > MAX_UNTRACKED_FILES:
        warnings.append(
            f"{len(untracked)} untracked files are imported; {MAX_UNTRACKED_FILES} are in the patch"
        )
    for name in untracked[:MAX_UNTRACKED_FILES]:
        if sum(map(len, parts)) > MAX_DIFF_BYTES:
            break
        # With --no-index, 1 says that the files differ.
        parts.append(_bytes(root, (*_DIFF, "--no-index", "--", os.devnull, name), allowed=(0, 1)))
    diff = b"".join(parts)
    if len(diff) > MAX_DIFF_BYTES:
        warnings.append(f"the uncommitted changes are larger than {MAX_DIFF_BYTES} bytes and were not kept")
        return b"", tuple(warnings)
    return diff, tuple(warnings)


def _bytes(
    folder: Path, arguments: Sequence[str], *, allowed: Sequence[int], timeout_s: float = TIMEOUT_S
) -> bytes:
    # To a file and not a pipe: the size is known before anything is read into memory.
    with tempfile.TemporaryFile() as output:
        code, message = _run(folder, arguments, output, timeout_s)
        if code not in allowed:
            raise GitError(message or f"git {arguments[0]} failed with code {code}")
        output.seek(0)
        return output.read(MAX_DIFF_BYTES + 1)


def _run(folder: Path, arguments: Sequence[str], output: IO[bytes], timeout_s: float) -> tuple[int, str]:
    # No lock on the index, no question on the terminal, no daemon: the user's own git goes on undisturbed.
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took longer than {timeout_s:.0f} s") from None
    except OSError as error:
        raise GitError(str(error)) from error
    return done.returncode, done.stderr.decode(errors="replace").strip()
