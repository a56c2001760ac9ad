"""Servers to attack, one of each kind for all tests of a process."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import pytest

from headwater.model.access import NewAccount, NewToken, Role, TokenKind, new_secret, secret_digest
from headwater.store import open_store
from tests.server.attacks.victim import Victim, attacked


@dataclass
class Guarded:
    """A server that wants a token, and tokens for it by role."""

    victim: Victim
    tokens: Mapping[Role, str]


@pytest.fixture(scope="session")
def victim(tmp_path_factory) -> Generator[Victim]:
    """A server that asks nobody who they are."""
    with attacked(tmp_path_factory.mktemp("victim")) as served:
        yield served


@pytest.fixture(scope="session")
def guarded(tmp_path_factory) -> Generator[Guarded]:
    """A server with an account for each role."""
    folder = tmp_path_factory.mktemp("guarded")
    with open_store(f"sqlite:///{folder}/store.db") as store:
        tokens = {role: _account(store, role) for role in Role}
    with attacked(folder, "--auth", "token", token=tokens[Role.ADMIN]) as served:
        yield Guarded(served, tokens)


def _account(store, role: Role) -> str:
    secret, name = new_secret("hw_"), role.word
    store.access.add(NewAccount(name=name, role=role), actor="root")
    new = NewToken(account=name, name="test", digest=secret_digest(secret), kind=TokenKind.PROGRAM)
    store.access.add_token(new, actor="root")
    return secret
