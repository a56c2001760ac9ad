import pytest

from headwater.errors import RefusedError
from headwater.server.auth import Auth, check_start


def test_others_are_let_near_only_when_something_tells_who_they_are(people):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org", ""):
        with pytest.raises(RefusedError, match="nothing tells who they are"):
            check_start(Auth.OFF, people.access, host)
        check_start(Auth.OFF, people.access, host, is_insecure=True)
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        check_start(Auth.OFF, people.access, host)


@pytest.mark.parametrize("auth", [Auth.TOKEN, Auth.BASIC])
def test_a_server_that_nobody_could_use_does_not_start(people, auth):
    with pytest.raises(RefusedError, match=r"no account.*headwater users add --role admin NAME"):
        check_start(auth, people.access, "127.0.0.1", is_insecure=True)

    people.add("ann")
    check_start(auth, people.access, "0.0.0.0")


def test_people_of_a_provider_need_no_account_before_they_come(people):
    check_start(Auth.OIDC, people.access, "0.0.0.0")
