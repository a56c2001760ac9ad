"""Guards, attacked: wrong, expired, revoked, borrowed and guessed credentials."""

import base64

import pytest

from headwater.errors import ForbiddenError, ThrottledError, UnauthenticatedError
from headwater.model.access import (
    ANONYMOUS,
    Grant,
    Identity,
    Permission,
    Role,
    TokenKind,
    secret_digest,
    subject,
)
from headwater.server.auth import OpenGuard
from tests.contract.builders import START_MS
from tests.server.auth.conftest import PASSWORD

WRONG = "wrong horse battery"


def bearer(secret):
    return f"Bearer {secret}"


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def fails(guard, authorization, **more):
    with pytest.raises(UnauthenticatedError):
        guard.identify(authorization, **more)


def test_a_token_tells_who_it_is(people, token_guard):
    people.add("ann", grants=[("models/m", Role.ADMIN)])
    secret, token = people.token("ann", limit=Role.APPROVER)

    identity = token_guard.identify(bearer(secret))

    assert identity == Identity(
        name="ann",
        role=Role.EDITOR,
        grants=(Grant(subject="models/m", role=Role.ADMIN),),
        limit=Role.APPROVER,
        token_id=token.id,
    )
    assert token_guard.identify(basic("ann", secret)) == identity
    assert token_guard.identify(f"bearer   {secret} ") == identity


def test_nobody_gets_in_with_anything_but_a_valid_token(people, token_guard, clock):
    people.add("ann", password=PASSWORD)
    people.add("eve")
    secret, _ = people.token("ann", expires_ms=START_MS + 10)
    stored = secret_digest(secret)

    for said in (
        None,
        "",
        "Bearer",
        "Bearer ",
        bearer(""),
        bearer("hw_"),
        bearer(secret[:-1]),
        bearer(secret + "A"),
        bearer(secret.swapcase()),
        bearer(stored),
        bearer("hw_" + stored),
        bearer(f"{secret} {secret}"),
        bearer(f"{secret}\0"),
        bearer(f"{secret}\n"),
        bearer(f"{secret}\u00e9"),
        bearer("' OR '1'='1"),
        bearer("hw_' OR '1'='1"),
        bearer("hw_" + "A" * 100_000),
        f"Token {secret}",
        secret,
        basic("eve", secret),
        basic("", secret),
        basic("ann\0", secret),
        basic("ann", PASSWORD),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic not base64!",
    ):
        token_guard = type(token_guard)(people.access, clock_ms=clock)
        fails(token_guard, said)

    clock.tick(10)
    fails(token_guard, bearer(secret))


def test_a_revoked_token_works_for_five_seconds_at_the_most(people, token_guard, seconds):
    people.add("ann")
    secret, token = people.token("ann")
    token_guard.identify(bearer(secret))

    people.access.revoke_token(token.id, actor="root")
    seconds.tick(4.9)
    assert token_guard.identify(bearer(secret)).name == "ann"
    assert token_guard.remembered(bearer(secret)) is not None

    seconds.tick(0.2)
    assert token_guard.remembered(bearer(secret)) is None
    fails(token_guard, bearer(secret))


def test_an_expired_token_is_not_remembered_longer_than_it_lives(people, token_guard, clock, seconds):
    people.add("ann")
    secret, _ = people.token("ann", expires_ms=START_MS + 2000)
    token_guard.identify(bearer(secret))

    clock.tick(2000)
    seconds.tick(2)

    assert token_guard.remembered(bearer(secret)) is None
    fails(token_guard, bearer(secret))


def test_a_changed_role_holds_after_five_seconds(people, token_guard, seconds):
    people.add("ann", Role.ADMIN)
    people.add("root", Role.ADMIN)
    secret, _ = people.token("ann")
    assert token_guard.identify(bearer(secret)).allows(Permission.ADMIN)

    people.access.set_role("ann", Role.VIEWER, actor="root")
    seconds.tick(5)

    assert not token_guard.identify(bearer(secret)).allows(Permission.WRITE)


def test_a_session_is_no_token_and_a_token_no_session(people, token_guard):
    people.add("ann")
    session, _ = people.token("ann", kind=TokenKind.SESSION)
    secret, _ = people.token("ann")

    assert token_guard.identify(None, session=session).name == "ann"
    fails(token_guard, bearer(session))
    fails(token_guard, None, session=secret)
    fails(token_guard, None, session="")
    fails(token_guard, f"session {session}")
    fails(token_guard, bearer("hw_wrong"), session=session)
    assert token_guard.remembered(f"session {session}") is None

    token_guard.forget(session=session)
    assert token_guard.remembered(None, session=session) is None


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_does_what_it_includes_and_nothing_else(people, token_guard, role, permission):
    people.add("ann", role)
    people.add("bob", Role.ADMIN)
    own, _ = people.token("ann")
    limited, _ = people.token("bob", limit=role)

    assert token_guard.identify(bearer(own)).allows(permission) is (role.value >= permission.value)
    assert token_guard.identify(bearer(limited)).allows(permission) is (role.value >= permission.value)


def test_a_grant_reaches_as_far_as_its_subject(people, token_guard):
    people.add("ann", None, grants=[("experiments/flights/*", Role.EDITOR), ("models/late", Role.APPROVER)])
    secret, _ = people.token("ann")
    limited, _ = people.token("ann", limit=Role.VIEWER)
    ann = token_guard.identify(bearer(secret))

    assert ann.allows(Permission.WRITE, subject("experiments", "flights/train"))
    assert ann.allows(Permission.DECIDE, subject("models", "late"))
    for permission, about in (
        (Permission.READ, None),
        (Permission.DECIDE, "experiments/flights/train"),
        (Permission.READ, "experiments/flights"),
        (Permission.READ, "experiments/models/late"),
        (Permission.READ, "models/later"),
        (Permission.READ, "models/lat"),
        (Permission.READ, "models/flights/train"),
        (Permission.ADMIN, "models/late"),
    ):
        assert not ann.allows(permission, about)
        with pytest.raises(ForbiddenError, match=f"ann may not do this.*{permission.name.lower()}"):
            ann.require(permission, about)
    assert not token_guard.identify(bearer(limited)).allows(Permission.WRITE, "models/late")


def test_failures_from_one_address_are_limited_and_right_tokens_are_not(people, token_guard, seconds):
    people.add("ann")
    secret, _ = people.token("ann")
    for number in range(20):
        fails(token_guard, bearer(f"hw_{number}"), address="192.0.2.1")

    with pytest.raises(ThrottledError, match="too many failed attempts: try again in 3 s"):
        token_guard.identify(bearer("hw_20"), address="192.0.2.1")
    assert token_guard.identify(bearer(secret), address="192.0.2.1").name == "ann"
    fails(token_guard, bearer("hw_20"), address="192.0.2.2")
    seconds.tick(3)
    fails(token_guard, bearer("hw_21"), address="192.0.2.1")
    with pytest.raises(ThrottledError):
        token_guard.identify(bearer("hw_22"), address="::ffff:192.0.2.1")


def test_the_use_of_a_token_is_noted_once_a_minute(people, token_guard, clock, seconds):
    people.add("ann")
    secret, _ = people.token("ann")

    def used_ms():
        seconds.tick(10)
        token_guard.identify(bearer(secret))
        return people.access.tokens()[0].last_used_ms

    assert used_ms() == START_MS
    clock.tick(59_999)
    assert used_ms() == START_MS
    clock.tick(1)
    assert used_ms() == START_MS + 60_000


def test_a_password_tells_who_somebody_is(people, basic_guard):
    people.add("ann", password=PASSWORD, grants=[("data/d", Role.ADMIN)])
    secret, _ = people.token("ann")

    assert basic_guard.identify(basic("ann", PASSWORD)) == Identity(
        name="ann", role=Role.EDITOR, grants=(Grant(subject="data/d", role=Role.ADMIN),)
    )
    assert basic_guard.identify(basic("ann", secret)).token_id
    assert basic_guard.identify(bearer(secret)).token_id


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", WRONG),
        ("ann", ""),
        ("ann", PASSWORD + "\0"),
        ("ann", PASSWORD.upper()),
        ("Ann", PASSWORD),
        ("ann ", PASSWORD),
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("tokens-only", ""),
        ("tokens-only", PASSWORD),
        ("ann", "x" * 5000),
    ],
)
def test_nobody_gets_in_with_anything_but_the_password(people, basic_guard, name, password):
    people.add("ann", password=PASSWORD)
    people.add("tokens-only")

    with pytest.raises(UnauthenticatedError, match="the name or the password is wrong"):
        basic_guard.identify(basic(name, password))


def test_the_stored_hash_is_no_password(people, basic_guard):
    people.add("ann", password=PASSWORD)

    fails(basic_guard, basic("ann", people.access.credentials("ann").password_hash))


def test_unknown_names_cost_as_much_as_known_ones(people, basic_guard, passwords):
    people.add("ann", password=PASSWORD)

    fails(basic_guard, basic("ann", WRONG))
    known = passwords.checks
    fails(basic_guard, basic("nobody", WRONG))
    fails(basic_guard, basic("no name at all", WRONG))

    assert (known, passwords.checks) == (1, 3)


def test_a_password_is_hashed_once_and_a_change_holds_after_five_seconds(
    people, basic_guard, passwords, seconds
):
    people.add("ann", password=PASSWORD)
    for _ in range(3):
        basic_guard.identify(basic("ann", PASSWORD))
        seconds.tick(6)
    assert passwords.checks == 1

    people.access.set_password("ann", people.passwords.hash("another password"), actor="ann")
    fails(basic_guard, basic("ann", PASSWORD))
    people.access.set_password("ann", None, actor="ann")
    fails(basic_guard, basic("ann", PASSWORD))


def test_passwords_cannot_be_tried_one_after_another(people, basic_guard, passwords, seconds):
    people.add("ann", password=PASSWORD)
    people.add("bob", password=PASSWORD)
    for number in range(10):
        fails(basic_guard, basic("ann", f"{WRONG}{number}"), address=f"192.0.2.{number}")

    with pytest.raises(ThrottledError):
        basic_guard.identify(basic("ann", PASSWORD), address="198.51.100.1")
    assert passwords.checks == 10
    assert basic_guard.identify(basic("bob", PASSWORD), address="198.51.100.1").name == "bob"

    seconds.tick(6)
    assert basic_guard.identify(basic("ann", PASSWORD)).name == "ann"


def test_one_address_cannot_try_many_names(people, basic_guard, passwords):
    for number in range(20):
        fails(basic_guard, basic(f"nobody{number}", WRONG), address="2001:db8::1")

    with pytest.raises(ThrottledError):
        basic_guard.identify(basic("nobody", WRONG), address="2001:db8::2")
    assert passwords.checks == 20


def test_who_was_let_in_stays_in_while_others_fail(people, basic_guard):
    people.add("ann", password=PASSWORD)
    basic_guard.identify(basic("ann", PASSWORD))
    for number in range(10):
        fails(basic_guard, basic("ann", f"{WRONG}{number}"))

    assert basic_guard.identify(basic("ann", PASSWORD)).name == "ann"


def test_without_auth_everybody_may_do_everything_under_their_own_word():
    guard = OpenGuard()

    anybody = guard.identify("Bearer nonsense")

    assert anybody == guard.remembered(None) == Identity(name=ANONYMOUS, role=Role.ADMIN, is_verified=False)
    assert anybody.allows(Permission.ADMIN)
    assert (anybody.actor(), anybody.actor("ann@laptop")) == (ANONYMOUS, "ann@laptop")


def test_whoever_is_known_signs_with_their_own_name():
    assert Identity(name="ann", role=None).actor("root") == "ann"
