"""A store with people in it, and guards whose time moves when a test says so."""

from collections.abc import Generator

import pytest

from headwater.model.access import (
    Grant,
    NewAccount,
    NewToken,
    Role,
    TokenKind,
    new_secret,
    secret_digest,
)
from headwater.server.auth import BasicGuard, Passwords, TokenGuard
from headwater.store.sql.store import SqlStore
from tests.contract.builders import Clock

PASSWORD = "correct horse battery"
FAST_KIB = 64
"""Hashing in a test need not be dear."""


class People:
    """Adds accounts and tokens to a store."""

    def __init__(self, store: SqlStore, passwords: Passwords) -> None:
        self.store, self.access, self.passwords = store, store.access, passwords

    def add(self, name, role=Role.EDITOR, *, password=None, grants=()):
        hashed = password and self.passwords.hash(password)
        account = self.access.add(NewAccount(name=name, role=role, password_hash=hashed), actor="root")
        for subject, granted in grants:
            account = self.access.grant(name, Grant(subject=subject, role=granted), actor="root")
        return account

    def token(self, name, *, kind=TokenKind.PROGRAM, limit=None, expires_ms=None):
        secret = new_secret("hws_" if kind is TokenKind.SESSION else "hw_")
        new = NewToken(
            account=name,
            name="test",
            digest=secret_digest(secret),
            kind=kind,
            limit=limit,
            expires_ms=expires_ms,
        )
        return secret, self.access.add_token(new, actor="root")


class Seconds:
    """A monotonic clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def tick(self, seconds: float) -> None:
        self.now_s += seconds


class CountingPasswords(Passwords):
    """Passwords that count how often they were hashed."""

    def __init__(self) -> None:
        super().__init__(memory_kib=FAST_KIB)
        self.checks = 0

    def is_right(self, password, password_hash):
        self.checks += 1
        return super().is_right(password, password_hash)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture(scope="session")
def hasher() -> Passwords:
    return Passwords(memory_kib=FAST_KIB)


@pytest.fixture
def people(clock: Clock, hasher: Passwords) -> Generator[People]:
    with SqlStore("memory://", clock_ms=clock) as store:
        yield People(store, hasher)


@pytest.fixture
def token_guard(people: People, clock: Clock, seconds: Seconds) -> TokenGuard:
    return TokenGuard(people.access, clock_ms=clock, monotonic_s=seconds)


@pytest.fixture
def passwords() -> CountingPasswords:
    return CountingPasswords()


@pytest.fixture
def basic_guard(people, clock, seconds, passwords) -> BasicGuard:
    return BasicGuard(people.access, passwords=passwords, clock_ms=clock, monotonic_s=seconds)
