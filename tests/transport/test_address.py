import base64

import pytest

from headwater.errors import InvalidError
from headwater.transport.address import Address, is_server_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:5151", "http://127.0.0.1:5151"),
        ("http://127.0.0.1:5151/", "http://127.0.0.1:5151"),
        ("https://models.example.org", "https://models.example.org"),
        ("https://models.example.org/team/a//", "https://models.example.org/team/a"),
        ("http://[::1]:5151", "http://[::1]:5151"),
        ("HTTP://Host:1", "http://host:1"),
    ],
)
def test_an_address_is_scheme_host_port_and_path(url, place):
    assert Address.of(url, {}) == Address(url=place)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "ftp://host",
        "sqlite:///store.db",
        "http://host:port",
        "http://host:99999",
        "http://host?q=1",
        "http://host#part",
        "http://[::1",
        "127.0.0.1:5151",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InvalidError, match="no address of a server"):
        Address.of(url, {})


def test_an_account_becomes_a_header_and_leaves_the_url():
    address = Address.of("http://ann%40lab:p%3Ass%2F@host:1/x", {"HEADWATER_TOKEN": "hw_other"})

    pair = base64.b64encode(b"ann@lab:p:ss/").decode()
    assert address == Address(url="http://host:1/x", authorization=f"Basic {pair}")


def test_a_token_of_the_environment_is_used_where_no_account_is_named():
    address = Address.of("http://host", {"HEADWATER_TOKEN": " hw_secret\n"})

    assert address.authorization == "Bearer hw_secret"
    assert Address.of("http://host", {"HEADWATER_TOKEN": " "}).authorization is None


def test_a_secret_is_not_shown_with_the_address():
    address = Address.of("http://ann:secret@host", {})

    assert "secret" not in repr(address)
    assert base64.b64encode(b"ann:secret").decode() not in repr(address)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://host", True), ("https://host", True), ("sqlite:///http://x", False), ("httpx://host", False)],
)
def test_a_server_is_known_by_its_scheme(url, expected):
    assert is_server_url(url) is expected
