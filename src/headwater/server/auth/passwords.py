"""Passwords: Argon2id hashes, and how long a password has to be."""

import threading
import unicodedata
from functools import cached_property
from typing import Final

from headwater.errors import InvalidError, MissingDependencyError
from headwater.model.access import TOKEN_PREFIX

LEAST_CHARS: Final = 12
MOST_CHARS: Final = 1024
"""A longer one is no password, and hashing it would be work for whoever sends it."""
AT_ONCE: Final = 4
"""Hashes that are computed at the same time; each takes its memory for a moment."""
MEMORY_KIB: Final = 65_536


class Passwords:
    """Hashes and verifies passwords.

    Source:
        RFC 9106 (Argon2), the second recommended option: 3 passes over 64 MiB on 4 lanes.
    """

    def __init__(self, *, at_once: int = AT_ONCE, memory_kib: int = MEMORY_KIB) -> None:
        """Hash at most `at_once` passwords at a time, each in `memory_kib`.

        Raises:
            MissingDependencyError: the `server` extra is not installed.
        """
        try:
            from argon2 import PasswordHasher
        except ImportError as missing:
            raise MissingDependencyError("argon2-cffi", "server", "signing in with a password") from missing
        self._hasher = PasswordHasher(memory_cost=memory_kib)
        self._turns = threading.BoundedSemaphore(at_once)

    def hash(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            InvalidError: it is too short or too long, or looks like a token.
        """
        if password.startswith(TOKEN_PREFIX):
            raise InvalidError(f"a password that begins with {TOKEN_PREFIX} would be taken for a token")
        if not LEAST_CHARS <= len(password) <= MOST_CHARS:
            raise InvalidError(f"a password has {LEAST_CHARS} to {MOST_CHARS} characters")
        with self._turns:
            return self._hasher.hash(_bytes(password))

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash, in the time that it takes whether there is a hash or not.

        Args:
            password: What somebody says.
            password_hash: What is stored; None for nobody of that name, or nobody with a password.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        if len(password) > MOST_CHARS:
            return False
        with self._turns:
            try:
                self._hasher.verify(password_hash or self._decoy, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    @cached_property
    def _decoy(self) -> str:
        """Return a hash that takes as long to verify as anybody's."""
        return self._hasher.hash(b"nobody's")


def _bytes(password: str) -> bytes:
    # Keyboards differ in how they compose the same letter.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
