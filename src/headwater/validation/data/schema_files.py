"""Schemas as YAML: in a fixed order, a value a line, so that a change of one is a line of a diff."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headwater.errors import NotFoundError
from headwater.validation.data.anomalies import AnomalyKind, Severity
from headwater.validation.data.schema import (
    Column,
    Comparator,
    Domain,
    Limits,
    Method,
    Pairing,
    Presence,
    Relation,
    Schema,
)
from headwater.validation.data.statistics import Kind
from headwater.validation.data.yaml_places import Part, load_yaml, parse_yaml

FORMAT: Final = "headwater.schema/1"
_LINE_ENDS: Final = ("\x85", "\u2028", "\u2029")
_TOP: Final = (
    *("format", "environments", "rows", "growth", "level", "drift", "skew"),
    *("severities", "pairings", "columns"),
)
_COLUMN: Final = (
    *("type", "optional", "presence", "unique", "domain", "range", "max_outside_range", "length"),
    *("distinct", "nan", "infinity", "absent_in", "drift", "skew"),
)


def read_schema(path: Path) -> Schema:
    """Read a schema file; see `Schema.read`."""
    if not path.exists():
        raise NotFoundError("schema file", str(path))
    return parse_schema(path.read_text(encoding="utf-8"), source=str(path))


def parse_schema(text: str, *, source: str) -> Schema:
    """Read the text of a schema file; see `Schema.from_yaml`."""
    root = parse_yaml(text, source=source)
    given = root.fields(_TOP)
    if "format" not in given:
        root.fail(f"must begin with `format: {FORMAT}`")
    given["format"].one_of(str, (FORMAT,))
    values: dict[str, Any] = {}
    if part := given.get("columns"):
        values["columns"] = tuple(_column(name, each) for name, each in part.entries().items())
    for name in ("rows", "growth"):
        if part := given.get(name):
            values[name] = _limits(part)
    for name in ("drift", "skew"):
        if part := given.get(name):
            values[name] = _comparator(part)
    if part := given.get("environments"):
        values["environments"] = tuple(each.text() for each in part.parts())
    if part := given.get("level"):
        values["level"] = part.number()
    if part := given.get("severities"):
        values["severities"] = _severities(part)
    if part := given.get("pairings"):
        values["pairings"] = tuple(_pairing(each) for each in part.parts())
    return root.made(Schema, **values)


def schema_text(schema: Schema) -> str:
    """Return the text of a schema file; see `Schema.to_yaml`."""
    usual = Schema()
    values: dict[str, Any] = {"format": FORMAT}
    if schema.environments:
        values["environments"] = [*schema.environments]
    for name in ("rows", "growth"):
        if (limits := getattr(schema, name)) != getattr(usual, name):
            values[name] = _limits_value(limits)
    if schema.level != usual.level:
        values["level"] = schema.level
    values |= {name: _comparator_value(getattr(schema, name)) for name in ("drift", "skew")}
    if schema.severities:
        values["severities"] = {str(kind): str(schema.severities[kind]) for kind in sorted(schema.severities)}
    if schema.pairings:
        values["pairings"] = [
            {"relation": str(p.relation), "left": p.left, "right": p.right} for p in schema.pairings
        ]
    values["columns"] = {column.name: _column_value(column) for column in schema.columns}
    dump = load_yaml().safe_dump
    text = dump(values, sort_keys=False, allow_unicode=True, width=100)
    if any(odd in text for odd in _LINE_ENDS):
        # As they are, they would be read as blanks.
        text = dump(values, sort_keys=False, allow_unicode=False, width=100)
    # YAML has another word for it, but `off` is what the schema's authors write.
    return text.replace(": 'off'\n", ": off\n")


def _column(name: str, part: Part) -> Column:
    given = part.fields(_COLUMN)
    if "type" not in given:
        part.fail("has no type")
    kind = given["type"].one_of(Kind, tuple(Kind))
    values: dict[str, Any] = {}
    for key, field in (("optional", "is_optional"), ("unique", "is_unique")):
        if key in given:
            values[field] = given[key].truth()
    for key, field in (("nan", "allows_nan"), ("infinity", "allows_infinity")):
        if key in given:
            values[field] = given[key].truth()
    for key in ("length", "distinct"):
        if key in given:
            values[key] = _limits(given[key])
    for key in ("drift", "skew"):
        if key in given:
            values[key] = _comparator(given[key])
    if "range" in given:
        values["range"] = _limits(given["range"], is_time=kind is Kind.TIME)
    if "max_outside_range" in given:
        values["max_outside_range"] = given["max_outside_range"].number()
    if "presence" in given:
        values["presence"] = _presence(given["presence"])
    if "domain" in given:
        values["domain"] = _domain(given["domain"])
    if "absent_in" in given:
        values["absent_in"] = tuple(each.text() for each in given["absent_in"].parts())
    return part.made(Column, name=name, kind=kind, **values)


def _column_value(column: Column) -> dict[str, Any]:
    usual = Column(name=column.name, kind=column.kind)
    values: dict[str, Any] = {"type": str(column.kind)}
    if column.is_optional:
        values["optional"] = True
    if column.presence is not None:
        values["presence"] = _presence_value(column.presence)
    if column.is_unique:
        values["unique"] = True
    if column.domain is not None:
        values["domain"] = _domain_value(column.domain)
    if column.range is not None:
        values["range"] = _limits_value(column.range, is_time=column.kind is Kind.TIME)
    if column.max_outside_range != usual.max_outside_range:
        values["max_outside_range"] = column.max_outside_range
    for name in ("length", "distinct"):
        if (limits := getattr(column, name)) is not None:
            values[name] = _limits_value(limits)
    if not column.allows_nan:
        values["nan"] = False
    if not column.allows_infinity:
        values["infinity"] = False
    if column.absent_in:
        values["absent_in"] = [*column.absent_in]
    for name in ("drift", "skew"):
        if (comparator := getattr(column, name)) is not None:
            values[name] = _comparator_value(comparator)
    return values


def _limits(part: Part, *, is_time: bool = False) -> Limits:
    given = part.fields(("min", "max"))
    read = _moment if is_time else Part.number
    return part.made(Limits, **{name: read(each) for name, each in given.items()})


def _limits_value(limits: Limits, *, is_time: bool = False) -> dict[str, Any]:
    given = {"min": limits.min, "max": limits.max}
    write = _moment_value if is_time else _plain
    return {name: write(value) for name, value in given.items() if value is not None}


def _moment(part: Part) -> float:
    text = part.text()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        part.fail(f"must be a time such as 2013-01-31T12:00:00, not {text!r}")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _moment_value(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _presence(part: Part) -> Presence:
    if not part.is_mapping:
        return part.made(Presence, min_fraction=part.number())
    given = part.fields(("min_fraction", "min_count"))
    values: dict[str, Any] = {name: each.number() for name, each in given.items()}
    if "min_count" in values:
        values["min_count"] = int(values["min_count"])
    return part.made(Presence, **values)


def _presence_value(presence: Presence) -> Any:
    if not presence.min_count:
        return _plain(presence.min_fraction)
    return {"min_fraction": _plain(presence.min_fraction), "min_count": presence.min_count}


def _domain(part: Part) -> Domain:
    if part.is_list:
        return part.made(Domain, values=tuple(each.text() for each in part.parts()))
    given = part.fields(("values", "max_outside"))
    if "values" not in given:
        part.fail("has no values")
    values: dict[str, Any] = {"values": tuple(each.text() for each in given["values"].parts())}
    if "max_outside" in given:
        values["max_outside"] = given["max_outside"].number()
    return part.made(Domain, **values)


def _domain_value(domain: Domain) -> Any:
    values = [*domain.values]
    return {"max_outside": domain.max_outside, "values": values} if domain.max_outside else values


def _comparator(part: Part) -> Comparator:
    if part.is_mapping:
        given = part.fields(("min_effect",))
        return part.made(Comparator, **{name: each.number() for name, each in given.items()})
    text = part.text()
    if text in {"auto", "off"}:
        return Comparator(method=Method(text))
    return part.made(Comparator, method=Method.FIXED, threshold=part.number())


def _comparator_value(comparator: Comparator) -> Any:
    if comparator.method is Method.FIXED:
        return comparator.threshold
    if comparator.method is Method.OFF or comparator.min_effect == Comparator().min_effect:
        return str(comparator.method)
    return {"min_effect": comparator.min_effect}


def _severities(part: Part) -> Mapping[AnomalyKind, Severity]:
    found: dict[AnomalyKind, Severity] = {}
    for name, each in part.entries().items():
        if name not in set(AnomalyKind):
            each.fail(f"there is no anomaly {name!r}; there is {', '.join(AnomalyKind)}")
        found[AnomalyKind(name)] = each.one_of(Severity, tuple(Severity))
    return found


def _pairing(part: Part) -> Pairing:
    given = part.fields(("relation", "left", "right"))
    if missing := {"relation", "left", "right"} - given.keys():
        part.fail(f"has no {', '.join(sorted(missing))}")
    relation = given["relation"].one_of(Relation, tuple(Relation))
    return Pairing(relation=relation, left=given["left"].text(), right=given["right"].text())


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) and abs(number) < 1e15 else number
