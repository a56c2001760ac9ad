"""Signatures of heads: Ed25519 (RFC 8032), with keys in PEM files that the user keeps."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from headwater.errors import InvalidError, MissingDependencyError

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature in base64."""

    signature: str


def make_keys(private: Path, public: Path) -> None:
    """Write a new pair of keys; the private one can be read by its owner alone.

    Raises:
        InvalidError: a file is there already.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for path in (private, public):
        if path.exists():
            raise InvalidError(f"{path} is there already: a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    private.touch(mode=0o600)
    private.write_bytes(secret)
    public.write_bytes(
        key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )


def signed(data: bytes, private: Path) -> Signed:
    """Sign bytes.

    Raises:
        InvalidError: the file holds no Ed25519 private key without a password.
    """
    _require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _loaded(private, "private", lambda pem: load_pem_private_key(pem, None), Ed25519PrivateKey)
    return Signed(base64.b64encode(key.sign(data)).decode())


def verified(data: bytes, signature: Signed | None, public: Path) -> bool:
    """Tell whether the owner of a public key has signed bytes.

    Raises:
        InvalidError: the file holds no Ed25519 public key.
    """
    _require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _loaded(public, "public", load_pem_public_key, Ed25519PublicKey)
    if signature is None:
        return False
    try:
        key.verify(base64.b64decode(signature.signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _loaded(path: Path, kind: str, load: Callable[[bytes], object], wanted: type[K]) -> K:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = load(path.read_bytes())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidError(f"{path} holds no {kind} key in PEM: {error}") from error
    if not isinstance(key, wanted):
        raise InvalidError(f"{path} holds no Ed25519 {kind} key: make one with `headwater ledger keygen`")
    return key


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as missing:
        raise MissingDependencyError("cryptography", "signing", "signing the ledger's head") from missing
