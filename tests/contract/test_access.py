"""Accounts, tokens and grants, and what the ledger keeps of them."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from headwater.model.access import (
    Account,
    Credentials,
    Grant,
    NewAccount,
    NewToken,
    OidcSubject,
    Role,
    SignIn,
    Token,
    TokenKind,
    secret_digest,
)
from tests.contract.builders import START_MS

ANN_AT_ISSUER = OidcSubject(issuer="https://id.example", subject="00u1")

secrets_stay = pytest.mark.never(["http"], reason="what proves who somebody is never leaves the server")


def add(store, name="ann", role=Role.EDITOR, password_hash=None, **fields):
    new = NewAccount(name=name, role=role, password_hash=password_hash)
    return store.access.add(new, actor="root", **fields)


def add_token(store, account="ann", name="laptop", **fields):
    secret = f"hw_{account}{name}"
    new = NewToken(account=account, name=name, digest=secret_digest(secret), **fields)
    return store.access.add_token(new, actor="root"), secret_digest(secret)


def begin(store, state="state", *, expires_ms=START_MS + 100):
    new = SignIn(
        state_digest=secret_digest(state),
        browser_digest=secret_digest("browser"),
        nonce="nonce",
        verifier="verifier",
        return_to="/runs?q=1",
        expires_ms=expires_ms,
    )
    store.access.begin_sign_in(new)
    return new


@secrets_stay
def test_an_account_is_what_was_added(store):
    assert store.access.is_empty()

    ann = add(store, password_hash="$argon2id$…", oidc=ANN_AT_ISSUER)
    eve = add(store, "eve@example.org", role=None)

    assert ann == Account(
        name="ann", role=Role.EDITOR, created_ms=START_MS, has_password=True, oidc=ANN_AT_ISSUER
    )
    assert eve == Account(name="eve@example.org", role=None, created_ms=START_MS)
    assert store.access.all() == [ann, eve]
    assert store.access.get("ann") == ann
    assert store.access.by_oidc(ANN_AT_ISSUER) == ann
    assert store.access.credentials("ann") == Credentials(account=ann, password_hash="$argon2id$…")
    assert not store.access.is_empty()


@secrets_stay
def test_nobody_is_found_by_half_of_a_name(store):
    add(store, oidc=ANN_AT_ISSUER)

    with pytest.raises(NotFoundError, match="no account 'an'; did you mean ann"):
        store.access.get("an")
    assert store.access.credentials("Ann") is None
    assert store.access.by_oidc(OidcSubject(issuer="https://id.example", subject="00u")) is None
    assert store.access.by_oidc(OidcSubject(issuer="https://id.example0", subject="0u1")) is None


@pytest.mark.parametrize(
    "name", ["", "Ann", "ann:x", "a b", "a\0", "a\n", "-ann", "ännchen", "a" * 129, "anonymous"]
)
def test_a_name_that_could_be_taken_for_another_is_refused(store, name):
    with pytest.raises(InvalidError, match="no name of an account"):
        add(store, name)

    assert store.access.is_empty()


def test_a_name_and_a_person_have_one_account(store):
    add(store, oidc=ANN_AT_ISSUER)

    with pytest.raises(ConflictError, match="'ann' already"):
        add(store)
    with pytest.raises(ConflictError):
        add(store, "ann2", oidc=ANN_AT_ISSUER)

    assert [account.name for account in store.access.all()] == ["ann"]


def test_the_last_administrator_stays_while_others_are_there(store):
    add(store, "root", role=Role.ADMIN)
    add(store)

    with pytest.raises(RefusedError, match="root is the last administrator"):
        store.access.remove("root", actor="ann")
    with pytest.raises(RefusedError, match="last administrator"):
        store.access.set_role("root", Role.VIEWER, actor="ann")

    store.access.set_role("ann", Role.ADMIN, actor="root")
    store.access.remove("root", actor="ann")
    store.access.remove("ann", actor="ann")
    assert store.access.is_empty()


@secrets_stay
def test_removing_an_account_removes_all_that_it_could_do(store):
    add(store)
    store.access.grant("ann", Grant(subject="models/m", role=Role.ADMIN), actor="root")
    _, digest = add_token(store)

    store.access.remove("ann", actor="root")
    add(store)

    assert store.access.by_token(digest) is None
    assert store.access.tokens() == []
    assert store.access.get("ann").grants == ()


def test_a_grant_is_replaced_and_taken_back(store):
    add(store)
    for role in (Role.ADMIN, Role.VIEWER):
        store.access.grant("ann", Grant(subject="experiments/flights/*", role=role), actor="root")
    account = store.access.grant("ann", Grant(subject="data/flights", role=Role.EDITOR), actor="root")

    assert account.grants == (
        Grant(subject="data/flights", role=Role.EDITOR),
        Grant(subject="experiments/flights/*", role=Role.VIEWER),
    )
    assert store.access.ungrant("ann", "data/flights", actor="root").grants == account.grants[1:]
    with pytest.raises(NotFoundError, match="grant to ann on"):
        store.access.ungrant("ann", "data/flights", actor="root")


@pytest.mark.parametrize(
    "subject", ["", "*", "models", "models/", "runs/1", "/models/m", "models/" + "m" * 500]
)
def test_a_grant_on_nothing_is_refused(store, subject):
    add(store)

    with pytest.raises(InvalidError, match="nothing to grant on"):
        store.access.grant("ann", Grant(subject=subject, role=Role.VIEWER), actor="root")


@secrets_stay
def test_a_token_is_found_by_its_digest_until_it_is_revoked(store):
    ann = add(store)
    token, digest = add_token(store, limit=Role.VIEWER, expires_ms=START_MS + 10)

    assert token == Token(
        id=token.id,
        account="ann",
        name="laptop",
        kind=TokenKind.PROGRAM,
        limit=Role.VIEWER,
        created_ms=START_MS,
        expires_ms=START_MS + 10,
    )
    assert store.access.by_token(digest) == (ann, token)
    assert store.access.by_token("hw_annlaptop") is None
    assert store.access.tokens("ann") == store.access.tokens() == [token]

    assert store.access.revoke_token(token.id, actor="root") == token
    assert store.access.by_token(digest) is None
    with pytest.raises(NotFoundError, match="no token"):
        store.access.revoke_token(token.id, actor="root")


@secrets_stay
def test_a_token_ends_at_its_moment(store, clock):
    add(store)
    token, digest = add_token(store, expires_ms=START_MS + 10)

    clock.tick(9)
    assert store.access.by_token(digest)
    clock.tick(1)
    assert store.access.by_token(digest) is None
    assert store.access.tokens() == [token]
    with pytest.raises(InvalidError, match="expired already"):
        add_token(store, name="late", expires_ms=START_MS + 10)


def test_a_token_belongs_to_somebody_and_has_a_name(store):
    with pytest.raises(NotFoundError, match="no account"):
        add_token(store)
    with pytest.raises(NotFoundError, match="no account"):
        store.access.tokens("ann")
    add(store)
    with pytest.raises(InvalidError, match="name of a token"):
        add_token(store, name="")


@secrets_stay
def test_the_use_of_a_token_is_noted_and_makes_no_decision(store):
    add(store)
    token, digest = add_token(store)
    decisions = store.ledger.head().seq

    store.access.note_use({token.id: START_MS + 5, 999: START_MS})

    assert store.access.by_token(digest)[1].last_used_ms == START_MS + 5
    assert store.ledger.head().seq == decisions


@secrets_stay
def test_a_new_password_ends_the_sessions_of_browsers_and_leaves_tokens(store):
    add(store, password_hash="old")
    kept, _ = add_token(store)
    _, session = add_token(store, name="browser", kind=TokenKind.SESSION, expires_ms=START_MS + 10)

    account = store.access.set_password("ann", "new", actor="ann")

    assert store.access.credentials("ann") == Credentials(account=account, password_hash="new")
    assert store.access.by_token(session) is None
    assert store.access.tokens() == [kept]
    assert not store.access.set_password("ann", None, actor="root").has_password


def test_sessions_that_are_over_are_forgotten_at_the_next_one(store, clock):
    add(store)
    add_token(store, name="first", kind=TokenKind.SESSION, expires_ms=START_MS + 10)
    clock.tick(10)

    session, _ = add_token(store, name="second", kind=TokenKind.SESSION, expires_ms=START_MS + 20)

    assert store.access.tokens() == [session]


def test_every_change_is_a_decision_without_a_secret(store):
    add(store, password_hash="$argon2id$secret")
    store.access.set_role("ann", None, actor="root", reason="left the team")
    store.access.set_role("ann", None, actor="root", reason="nothing new")
    store.access.set_password("ann", "$argon2id$secret2", actor="ann")
    store.access.grant("ann", Grant(subject="models/m", role=Role.EDITOR), actor="root")
    store.access.ungrant("ann", "models/m", actor="root")
    token, digest = add_token(store)
    add_token(store, name="browser", kind=TokenKind.SESSION)
    store.access.revoke_token(token.id, actor="root")
    store.access.remove("ann", actor="root")

    entries = store.ledger.entries(subject="accounts/ann")

    mine, tokens = "accounts/ann", f"accounts/ann/tokens/{token.id}"
    about = {"token": token.id, "name": "laptop", "limit": None, "expires_ms": None}
    assert [(e.actor, e.action, e.subject, e.reason, e.details) for e in entries] == [
        ("root", "add-account", mine, "", {"role": "editor", "password": True}),
        ("root", "change-role", mine, "left the team", {"before": "editor", "after": None}),
        ("ann", "change-password", mine, "", {"before": True, "after": True}),
        ("root", "grant", mine, "", {"on": "models/m", "before": None, "after": "editor"}),
        ("root", "ungrant", mine, "", {"on": "models/m", "before": "editor", "after": None}),
        ("root", "add-token", tokens, "", about),
        ("root", "revoke-token", tokens, "", about),
        ("root", "remove-account", mine, "", {"role": None}),
    ]
    everything = repr(store.ledger.records())
    assert "secret" not in everything
    assert digest not in everything


@secrets_stay
def test_a_decision_needs_somebody_who_decides(store):
    with pytest.raises(InvalidError, match="actor"):
        store.access.add(NewAccount(name="ann", role=None), actor="")

    assert store.access.is_empty()


def test_secrets_are_not_shown_with_their_values():
    values = (
        NewAccount(name="ann", role=None, password_hash="secret"),
        NewToken(account="ann", name="n", digest="secret"),
        Credentials(account=Account(name="a", role=None, created_ms=1), password_hash="secret"),
    )

    assert not [value for value in values if "secret" in repr(value)]


@secrets_stay
def test_a_login_is_taken_once(store):
    begun = begin(store)
    begin(store, "other")

    assert store.access.take_sign_in(secret_digest("state")) == begun
    assert store.access.take_sign_in(secret_digest("state")) is None
    assert store.access.take_sign_in(secret_digest("nothing")) is None
    assert store.access.take_sign_in(secret_digest("other"))


@secrets_stay
def test_a_login_that_took_too_long_is_gone(store, clock):
    begin(store, expires_ms=START_MS + 10)

    clock.tick(10)

    assert store.access.take_sign_in(secret_digest("state")) is None


def test_the_past_has_the_accounts_of_now_and_cannot_change_them(store, clock):
    then = store.at(clock())
    clock.tick()
    ann = add(store)

    assert then.access.all() == [ann]
    with pytest.raises(RefusedError, match="as it was"):
        then.access.remove("ann", actor="root")
