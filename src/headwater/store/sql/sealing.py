"""Secrets that have to be read again, encrypted where they lie."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from headwater.errors import InvalidError, MissingDependencyError, UnavailableError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

VARIABLE: Final = "HEADWATER_WEBHOOK_KEYS"
MARK: Final = "fernet:"
"""Before what is encrypted; without it a secret lies there as it is."""


class Seal:
    """Encrypts texts with the first of some keys, and reads them with any.

    Without keys texts stay as they are. Keys come from the environment alone: beside the database they would
    lie with what they lock.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take where the keys are; they are looked at when they are first needed."""
        self._keys = [key.strip() for key in environment.get(VARIABLE, "").split(",") if key.strip()]

    def close(self, text: str) -> str:
        """Return a text as it is stored.

        Raises:
            InvalidError: a key is none; or there is none, and the text would pass for an encrypted one.
        """
        if self._keys:
            return MARK + self._fernet.encrypt(text.encode()).decode()
        if text.startswith(MARK):
            raise InvalidError(f"a secret must not begin with {MARK!r}")
        return text

    def open(self, stored: str) -> str:
        """Return the text of what is stored.

        Raises:
            UnavailableError: it is encrypted, and no key here opens it.
        """
        if not stored.startswith(MARK):
            return stored
        fernet = self._fernet
        from cryptography.fernet import InvalidToken

        try:
            return fernet.decrypt(stored.removeprefix(MARK)).decode()
        except InvalidToken:
            raise UnavailableError(
                f"the key of a secret is not in {VARIABLE}: add it there, or set the secret anew"
            ) from None

    @cached_property
    def _fernet(self) -> "MultiFernet":
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ModuleNotFoundError as missing:
            raise MissingDependencyError("cryptography", "server", VARIABLE) from missing
        if not self._keys:
            raise UnavailableError(
                f"a secret is encrypted: set {VARIABLE} to the key that it was stored with"
            )
        try:
            return MultiFernet([Fernet(key) for key in self._keys])
        except ValueError:
            how = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            raise InvalidError(f"{VARIABLE} holds what is no key; this makes one: {how}") from None
