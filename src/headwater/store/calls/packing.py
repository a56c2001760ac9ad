"""Plain values as bytes: MessagePack, which carries NaN, infinities and bytes as they are."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

import msgspec

from headwater.errors import InvalidError, UnavailableError
from headwater.model.values import ProtoValue

MEDIA_TYPE: Final = "application/msgpack"
_ODD_TEXT, _PROTO, _LARGE = 1, 2, 3
"""Extension types: a whole value with odd texts in it; a serialized message; an int beyond 64 bits."""

_LENGTH_BYTES: Final = 4
_MOST_INT_BYTES: Final = 1024
"""Python refuses to write much larger ones as text, and no column holds them."""
_Ext: Final = msgspec.msgpack.Ext


def pack(value: Any) -> bytes:
    """Encode a plain value: None, bool, int, float, str, bytes, lists, tuples, dicts, extensions.

    Raises:
        InvalidError: a value is of another kind.
    """
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError):
        # UTF-8 has no lone surrogates and MessagePack no large ints; Python has both.
        return _encode(_Ext(_ODD_TEXT, _encode(_with_leaves(value, _as_plain))))
    except (TypeError, RecursionError) as error:
        raise InvalidError(f"a value cannot be sent: {error}") from error


def extension_of(message: ProtoValue) -> Any:
    """Return what a serialized message is packed as; `unpack` gives the message again."""
    url = message.type_url.encode("utf-8", "surrogatepass")
    return _Ext(_PROTO, msgspec.msgpack.encode((url, message.value)))


def unpack(data: bytes) -> Any:
    """Decode what `pack` encoded.

    Raises:
        InvalidError: the bytes are nothing that it could have made.
    """
    try:
        return msgspec.msgpack.decode(data, ext_hook=_of_extension)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise InvalidError(f"the body cannot be read as MessagePack: {error}") from error


def frame(data: bytes) -> bytes:
    """Put the length of some bytes before them, in four bytes, big-endian."""
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what was framed, from pieces that were cut anywhere.

    Raises:
        UnavailableError: the pieces end in the middle of a frame.
    """
    waiting = b""
    for piece in pieces:
        waiting, start = waiting + piece, 0
        while len(waiting) >= (begin := start + _LENGTH_BYTES):
            end = begin + int.from_bytes(waiting[start:begin], "big")
            if end > len(waiting):
                break
            yield waiting[begin:end]
            start = end
        waiting = waiting[start:]
    if waiting:
        raise UnavailableError("an answer broke off in the middle")


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=_plain)


def _plain(value: Any) -> Any:
    """Turn a subclass of a plain kind, such as numpy's float, into what the encoder knows."""
    match value:
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case _:
            raise InvalidError(f"a {type(value).__name__} cannot be sent: {value!r:.80}")


def _of_extension(code: int, data: memoryview) -> Any:
    if code == _ODD_TEXT:
        # The whole value, so never one inside another: each would be copied once for every one around it.
        return _with_leaves(msgspec.msgpack.decode(data, ext_hook=_of_inner_extension), _of_latin)
    return _of_inner_extension(code, data)


def _of_inner_extension(code: int, data: memoryview) -> Any:
    if code == _PROTO:
        url, value = msgspec.msgpack.decode(data, type=tuple[bytes, bytes])
        return ProtoValue(url.decode("utf-8", "surrogatepass"), value)
    if code == _LARGE and len(data) <= _MOST_INT_BYTES:
        return int.from_bytes(data, "big", signed=True)
    raise InvalidError(f"extension type {code} with {len(data)} bytes has no meaning here")


def _with_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_with_leaves(each, change) for each in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        return {_with_leaves(key, change): _with_leaves(each, change) for key, each in pairs}
    return change(value)


def _as_plain(leaf: Any) -> Any:
    """Write a text's bytes as letters, one each, so that there is nothing odd about it."""
    match leaf:
        case str():
            return leaf.encode("utf-8", "surrogatepass").decode("latin-1")
        case int() if not -(2**63) <= leaf < 2**63:
            return _Ext(_LARGE, leaf.to_bytes(leaf.bit_length() // 8 + 1, "big", signed=True))
        case _:
            return leaf


def _of_latin(leaf: Any) -> Any:
    return leaf.encode("latin-1").decode("utf-8", "surrogatepass") if isinstance(leaf, str) else leaf
