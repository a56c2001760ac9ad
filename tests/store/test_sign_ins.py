import pytest

from headwater.errors import ThrottledError
from headwater.model.access import SignIn
from headwater.store.sql.database import Database
from headwater.store.sql.setup import prepare
from headwater.store.sql.sign_ins import SignIns
from tests.contract.builders import Clock


def sign_in(number, expires_ms):
    return SignIn(
        state_digest=f"{number:064}",
        browser_digest="",
        nonce="",
        verifier="",
        return_to="/",
        expires_ms=expires_ms,
    )


def test_logins_that_nobody_ends_do_not_pile_up():
    clock = Clock()
    db = Database("memory://", clock_ms=clock)
    prepare(db, "memory://")
    sign_ins = SignIns(db, most_open=3)
    for number in range(3):
        sign_ins.begin(sign_in(number, clock() + 10))

    with pytest.raises(ThrottledError, match="too many logins"):
        sign_ins.begin(sign_in(3, clock() + 10))

    clock.tick(10)
    sign_ins.begin(sign_in(4, clock() + 10))
    db.close()
