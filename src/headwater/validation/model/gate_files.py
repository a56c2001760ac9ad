"""Gates as plain values, as they stand in a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from headwater.errors import InvalidError
from headwater.validation.model.evaluation import Plan
from headwater.validation.model.gates import Check, Gate
from headwater.validation.model.infra import InfraGate

T = TypeVar("T")

_KEYS: Final = ("model", "infra")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """The gates of a file, of which there is at least one."""

    model: Gate | None = None
    infra: InfraGate | None = None


def read_gates(path: Path) -> GateFile:
    """Read a TOML file.

    Raises:
        InvalidError: it is not TOML, or as in `gates_from`.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} is not TOML: {error}") from error
    return gates_from(given)


def gates_from(given: Mapping[str, Any]) -> GateFile:
    """Read gates.

    Args:
        given: `model`, a table with the fields of `Gate`, its `plan` and `checks` tables in it; `infra`,
            a table with those of `InfraGate`; or both.

    Raises:
        InvalidError: a name or value is wrong, or there is no gate.
    """
    _check_keys("a gate file", given, _KEYS)
    if not given:
        raise InvalidError("a gate file needs a table [model] or [infra]")
    model, infra = _table(given, "model"), _table(given, "infra")
    return GateFile(
        model=None if model is None else _gate(model),
        infra=None if infra is None else _read(InfraGate, infra, "infra"),
    )


def _gate(given: Mapping[str, Any]) -> Gate:
    plan, checks = given.get("plan"), given.get("checks")
    if not isinstance(plan, Mapping):
        raise InvalidError("model needs a table [model.plan] with the target")
    if not isinstance(checks, list):
        raise InvalidError("model needs tables [[model.checks]]")
    parts: dict[str, Any] = {
        "plan": _read(Plan, cast("Mapping[str, Any]", plan), "model.plan"),
        "checks": tuple(
            _read(Check, each, f"model.checks {number}")
            for number, each in enumerate(cast("list[Any]", checks), start=1)
        ),
    }
    others = {name: value for name, value in given.items() if name not in parts}
    return _read(Gate, others, "model", **parts)


def _read(kind: type[T], given: Any, what: str, **parts: Any) -> T:
    """Make one of our frozen values out of a table; fields in `parts` are made already."""
    if not isinstance(given, Mapping):
        raise InvalidError(f"{what} must be a table, not {given!r}")
    table = cast("Mapping[str, Any]", given)
    mine = [field for field in fields(kind) if field.name not in parts]  # pyright: ignore[reportArgumentType]
    _check_keys(what, table, tuple(field.name for field in mine))
    needed = [field.name for field in mine if field.default is MISSING]
    if lacking := [name for name in needed if name not in table]:
        raise InvalidError(f"{what} needs {', '.join(lacking)}")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, f"{what}.{name}") for name, value in table.items()}
    return kind(**values, **parts)


def _value(hint: Any, value: Any, what: str) -> Any:
    if isinstance(hint, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        fitting = [kind for kind in kinds if kind is type(value)]
        return _value(fitting[0] if fitting else kinds[0], value, what)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise InvalidError(f"{what} must be a list, not {value!r}")
        return tuple(_value(str, each, what) for each in cast("list[Any]", value))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in [*hint]:
            raise InvalidError(f"{what} must be one of {', '.join(hint)}, not {value!r}")
        return hint(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise InvalidError(f"{what} must be of type {hint.__name__}, not {value!r}")
    return value


def _check_keys(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := given.keys() - set(known):
        raise InvalidError(f"{what} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = given.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise InvalidError(f"{name} must be a table, not {found!r}")
    return cast("Mapping[str, Any] | None", found)
