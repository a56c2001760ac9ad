"""Two versions side by side: what the registry itself knows about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from headwater.model.models import ModelVersion
from headwater.model.values import PropertyValue
from headwater.model.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact of two versions.

    Attributes:
        kind: `version`, `metric`, `param`, `tag`, `input`, `output` or `verdict`.
        left: What the first has, None if nothing.
        right: What the second has.
        change: `right` less `left`, of two numbers.
    """

    kind: str
    name: str
    left: PropertyValue | None
    right: PropertyValue | None
    change: float | None = None

    @property
    def differs(self) -> bool:
        """True when the two are not the same."""
        return self.left != self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionComparison:
    """Two versions, fact by fact; `lineage(a).diff(b)` compares the histories."""

    left: ModelVersion
    right: ModelVersion
    facts: tuple[Fact, ...]

    @property
    def differing(self) -> tuple[Fact, ...]:
        """The facts that differ."""
        return tuple(fact for fact in self.facts if fact.differs)


def compare_versions(
    left: ModelVersion,
    right: ModelVersion,
    verdicts: tuple[Mapping[str, Verdict], Mapping[str, Verdict]],
) -> VersionComparison:
    """Put two versions side by side.

    Args:
        left: The first version.
        right: The second.
        verdicts: Of each, the newest verdict by gate.
    """
    pairs = [
        ("version", _own(left), _own(right)),
        ("metric", left.metrics, right.metrics),
        ("param", left.params, right.params),
        ("tag", left.tags, right.tags),
        ("input", _columns(left, "inputs"), _columns(right, "inputs")),
        ("output", _columns(left, "outputs"), _columns(right, "outputs")),
        ("verdict", _outcomes(verdicts[0]), _outcomes(verdicts[1])),
    ]
    facts = tuple(
        _fact(kind, name, a.get(name), b.get(name))
        for kind, a, b in pairs
        for name in sorted(a.keys() | b.keys())
    )
    return VersionComparison(left=left, right=right, facts=facts)


def _fact(kind: str, name: str, left: PropertyValue | None, right: PropertyValue | None) -> Fact:
    return Fact(kind=kind, name=name, left=left, right=right, change=_change(left, right))


def _own(version: ModelVersion) -> dict[str, PropertyValue]:
    given = {
        "stage": version.stage,
        "format": version.properties.get("format"),
        "digest": version.digest,
        "size_bytes": version.size_bytes,
        "uri": version.uri,
        "description": version.description,
        "execution": version.execution_id,
    }
    return {name: value for name, value in given.items() if value is not None}


def _columns(version: ModelVersion, end: str) -> dict[str, PropertyValue]:
    """Return the dtypes of a signature's columns, by name."""
    signature = version.properties.get("signature")
    columns = signature.get(end) if isinstance(signature, dict) else None
    if not isinstance(columns, list):
        return {}
    found = [cast("dict[str, object]", column) for column in columns if isinstance(column, dict)]
    return {str(column.get("name")): str(column.get("dtype")) for column in found}


def _outcomes(verdicts: Mapping[str, Verdict]) -> dict[str, PropertyValue]:
    return {gate: str(verdict.outcome) for gate, verdict in verdicts.items()}


def _change(left: object, right: object) -> float | None:
    numbers = [x for x in (left, right) if isinstance(x, int | float) and not isinstance(x, bool)]
    return float(numbers[1] - numbers[0]) if len(numbers) == 2 else None
