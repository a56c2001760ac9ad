"""What may be logged: keys, numbers, steps, times, and the values of params and tags."""

import math
import numbers
import operator
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, cast

from headwater.errors import ConflictError, InvalidError, MetricTypeError
from headwater.model.values import INT64_MAX, INT64_MIN, Json, Properties, PropertyValue

MAX_KEY_CHARS: Final = 250


def check_key(what: str, key: object) -> str:
    """Check the key of a metric, param or tag, or the name of an artifact.

    A key has 1 to 250 characters, none of them a control character, and does
    not begin or end with white space. MLflow's keys are among these.

    Args:
        what: What the key is for, such as `metric`, for the error message.
        key: Any object.

    Returns:
        The key.

    Raises:
        InvalidError: it is not such a string.

    Example:
        >>> check_key("metric", "val/auc @ 0.5")
        'val/auc @ 0.5'
    """
    if not isinstance(key, str):
        raise InvalidError(f"a {what}'s name must be a string, not {type(key).__name__} {key!r}")
    if not 0 < len(key) <= MAX_KEY_CHARS:
        raise InvalidError(
            f"{what} name {_shown(key)} must have 1 to {MAX_KEY_CHARS} characters, not {len(key)}"
        )
    # Control characters, line ends, and halves of surrogate pairs, which no UTF-8 file can hold.
    if not key.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in key):
        raise InvalidError(f"{what} name {_shown(key)} may not hold control characters")
    if key != key.strip():
        raise InvalidError(f"{what} name {_shown(key)} may not begin or end with white space")
    return key


def metric_value(name: str, value: object) -> float:
    """Turn a number into a metric's value.

    Numbers are bool, int, float, Decimal, Fraction, numpy scalars, and arrays
    or tensors without dimensions. NaN and infinities are numbers. An integer
    beyond 2**53 is rounded as `float` does.

    Raises:
        MetricTypeError: it is no number; strings that look like one are none.
        InvalidError: it is an integer that no float can hold.
    """
    if isinstance(value, (float, int)):
        return _float(name, value)
    if not _is_number(value):
        raise MetricTypeError(name, value)
    return _float(name, cast("Any", value))


def step_value(name: str, step: object) -> int:
    """Turn a whole number into a step.

    Raises:
        InvalidError: it is no whole number, or outside 64 bits.
    """
    try:
        number = operator.index(cast("Any", step))
    except TypeError:
        raise InvalidError(f"step of metric {name!r} must be a whole number, not {step!r}") from None
    if not INT64_MIN <= number <= INT64_MAX:
        raise InvalidError(f"step {number} of metric {name!r} does not fit in 64 bits")
    return number


def time_value(name: str, timestamp: object) -> int:
    """Turn a time into milliseconds since the epoch, UTC.

    Args:
        name: The metric's name, for the error message.
        timestamp: A `datetime` with a time zone, or milliseconds as an int.

    Raises:
        InvalidError: it is neither, or outside 64 bits.
    """
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            raise InvalidError(f"time of metric {name!r} has no time zone: {timestamp}")
        return int(timestamp.timestamp() * 1000)
    try:
        number = operator.index(cast("Any", timestamp))
    except TypeError:
        raise InvalidError(
            f"time of metric {name!r} must be milliseconds as an int, or a datetime, not {timestamp!r}"
        ) from None
    if not INT64_MIN <= number <= INT64_MAX:
        raise InvalidError(f"time {number} of metric {name!r} does not fit in 64 bits")
    return number


def param_values(params: Mapping[str, object]) -> dict[str, PropertyValue]:
    """Check params and make their values storable; nested dicts become keys with dots.

    Raises:
        InvalidError: a key is malformed, or two keys are the same once they have dots.

    Example:
        >>> param_values({"optimizer": {"name": "adam", "lr": 0.1}, "layers": (64, 64), "seed": None})
        {'optimizer.name': 'adam', 'optimizer.lr': 0.1, 'layers': [64, 64], 'seed': 'None'}
    """
    flat: dict[str, PropertyValue] = {}
    for key, value in _flatten(params, ""):
        check_key("param", key)
        if key in flat:
            raise InvalidError(f"param {key!r} is given twice, once as a key with dots")
        flat[key] = storable(value)
    return flat


def tag_values(tags: Mapping[str, object]) -> dict[str, PropertyValue | None]:
    """Check tags and make their values storable; None stays, for it deletes a tag.

    Raises:
        InvalidError: a key is malformed.
    """
    return {check_key("tag", key): None if value is None else storable(value) for key, value in tags.items()}


def storable(value: object) -> PropertyValue:
    """Turn any object into a value that a param or tag can hold.

    bool, int, float, str and bytes stay what they are (an int beyond 64 bits
    becomes a string), numpy scalars become Python's, enums their name, dates
    ISO text, lists, tuples and dicts JSON; all else becomes `str(value)`.
    """
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return cast("PropertyValue", _json(cast("Any", value)))
    plain = _plain(value)
    return str(plain) if plain is None else plain


def same_value(one: PropertyValue, other: PropertyValue) -> bool:
    """Tell whether two values are the same param: 1 is 1.0 but not True, and NaN is NaN."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


def _float(name: str, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidError(f"metric {name!r}: an integer of {len(str(value))} digits is too large") from None
    except (TypeError, ValueError):
        raise MetricTypeError(name, value) from None


def _is_number(value: object) -> bool:
    if isinstance(value, (str, bytes)):
        return False
    if not hasattr(value, "dtype"):
        return isinstance(value, (Decimal, numbers.Real))
    # numpy's b(ool), i(nt), u(nsigned) and f(loat); its other kinds convert too, but mean something else.
    # Other libraries' small floats are V(oid). A tensor's dtype has no kind; float() refuses complex ones.
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    shape: object = getattr(value, "shape", ())
    return kind in "biufV" and isinstance(shape, tuple) and not shape


def _flatten(params: Mapping[Any, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in params.items():
        if not isinstance(key, str):
            raise InvalidError(f"a param's name must be a string, not {type(key).__name__} {key!r}")
        if isinstance(value, Mapping) and value:
            found += _flatten(cast("Mapping[str, object]", value), f"{prefix}{key}.")
        else:
            found.append((prefix + key, cast("object", value)))
    return found


def _plain(value: object) -> bool | int | float | str | bytes | None:
    if value is None:
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "dtype") and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = cast("Any", value).item()
    if isinstance(value, bool) or type(value) is float or type(value) is bytes:
        return value
    if isinstance(value, int):
        return int(value) if INT64_MIN <= value <= INT64_MAX else str(int(value))
    if isinstance(value, float):
        return float(value)
    return str(value)


def _json(value: Any) -> Json:
    match value:
        case dict():
            return {str(k): _json(v) for k, v in cast("dict[Any, Any]", value).items()}
        case list() | tuple():
            return [_json(v) for v in cast("list[Any]", value)]
        case set() | frozenset():
            return sorted((_json(v) for v in cast("set[Any]", value)), key=repr)
        case Enum():
            return value.name
        case _:
            plain = _plain(value)
            return plain.decode(errors="replace") if isinstance(plain, bytes) else plain


def _shown(key: str) -> str:
    return repr(key if len(key) <= 60 else key[:60] + "…")


def new_params(
    run_id: str, known: Properties, values: Mapping[str, PropertyValue]
) -> dict[str, PropertyValue]:
    """Return those of some params that a run does not have yet.

    Raises:
        ConflictError: the run has another value of one of them.
    """
    for key, value in values.items():
        if key in known and not same_value(known[key], value):
            raise ConflictError(
                f"param {key!r} of run {run_id} is {known[key]!r} and cannot become {value!r}: "
                "a param never changes; start another run, or use a tag"
            )
    return {key: value for key, value in values.items() if key not in known}
