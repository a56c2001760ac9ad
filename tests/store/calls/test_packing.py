import resource
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError, UnavailableError
from headwater.model.values import ProtoValue
from headwater.store.calls import frame, framed, pack, unpack
from headwater.store.calls.packing import extension_of
from tests.store.calls.values import TEXTS

ODD_TEXT, PROTO, LARGE = 1, 2, 3
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def extension(code: int, data: bytes) -> bytes:
    return b"\xc9" + len(data).to_bytes(4, "big") + bytes([code]) + data


@given(PLAIN)
def test_every_plain_value_comes_back(value):
    assert unpack(pack(value)) == value


@given(st.binary(max_size=60))
def test_bytes_are_a_value_or_invalid(data):
    with suppress(InvalidError):
        unpack(data)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\udfff\ud800", "😀\ud83d"])
@pytest.mark.parametrize(
    "wrap",
    [lambda t: t, lambda t: [t], lambda t: {t: 2**64}, lambda t: [[{"k": t}]]],
    ids=["alone", "in a list", "as a key", "far inside"],
)
def test_odd_texts_come_back_from_everywhere(text, wrap):
    assert unpack(pack(wrap(text))) == wrap(text)


def test_a_message_comes_back_beside_an_odd_text():
    message = ProtoValue("type.example/\ud800", b"\x00\xff")

    assert unpack(pack([extension_of(message), "\ud800"])) == [message, "\ud800"]


@pytest.mark.parametrize("value", [object(), {1, object()}, 1j, [print]])
def test_what_cannot_be_sent_is_named(value):
    with pytest.raises(InvalidError, match="cannot be sent"):
        pack(value)


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x91" * 1_000_000,
        b"\x81\xa1a" * 1_000_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        extension(LARGE, b"\x7f" * 5_000_000),
        extension(PROTO, b"\x91" * 1_000_000),
        extension(ODD_TEXT, b"\x91" * 1_000_000),
        extension(ODD_TEXT, b"\x81\x91\x01\x01"),
        extension(ODD_TEXT, msgspec.msgpack.encode("€")),
        extension(9, b""),
        b"\x81\x80\x01",
        b"\x01\x02",
        b"",
    ],
    ids=lambda bomb: bomb[:12].hex(),
)
def test_a_bomb_is_refused(bomb):
    with pytest.raises(InvalidError):
        unpack(bomb)


def test_odd_texts_in_one_another_are_refused_before_they_are_copied():
    bomb = extension(ODD_TEXT, b"\xc6" + (10_000_000).to_bytes(4, "big") + b"x" * 10_000_000)
    for _ in range(100):
        bomb = extension(ODD_TEXT, bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(InvalidError, match="does not belong there"):
        unpack(bomb)

    # Each level held a copy of the rest: a gigabyte.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(1, 9)))
def test_frames_come_back_however_they_are_cut(parts, cuts):
    data = b"".join(frame(part) for part in parts)
    pieces = []
    for cut in [*cuts, len(data)]:
        pieces.append(data[:cut])
        data = data[cut:]

    assert list(framed(pieces)) == parts


@given(st.binary(min_size=1, max_size=20), st.data())
def test_a_frame_that_breaks_off_is_noticed(part, data):
    whole = frame(part)
    cut = data.draw(st.integers(1, len(whole) - 1))

    with pytest.raises(UnavailableError, match="broke off"):
        list(framed([whole, whole[:cut]]))
