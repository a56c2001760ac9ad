"""A small store to search in, and the same as plain values, with what a filter means on those."""

import math
import re
import sys
from dataclasses import dataclass, field
from typing import Any

from headwater.model.filters import (
    And,
    Between,
    Comparison,
    Entity,
    Field,
    Filter,
    In,
    IsNull,
    Not,
    Operator,
    Or,
    Relation,
    Scope,
)
from headwater.model.graph import (
    ArtifactState,
    Association,
    Attribution,
    EventType,
    ExecutionState,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
    ParentContext,
)
from headwater.model.joins import Joined
from headwater.model.listing import Order
from headwater.model.models import NewVersion
from headwater.model.protocols import Store
from headwater.model.runs import RunStatus
from headwater.model.values import ProtoValue, ValueKind
from headwater.store.sql.text import HEAD_CHARS
from tests.contract.builders import Clock, append, event, put_type, start_run

BIG = 2**53
LONG = "long " * 60
HEAD = LONG[:HEAD_CHARS]
"""As long as the part of a text that is indexed: that of `LONG` is the same."""
INF, NAN = math.inf, math.nan

METRICS = (0.5, -0.0, 0.5, INF, -INF, NAN, 1e300, None, sys.float_info.max, 3, 0.5, 0.25)
PROTO = ProtoValue("abc", b"\x08\x01")
PARAMS = (0.1, "0.1", "abc", 1, True, "True", BIG + 1, None, LONG, "1e2", PROTO, HEAD)
TAGS = (
    "a",
    "A",
    "",
    "a|b%_",
    1,
    1.0,
    True,
    False,
    BIG,
    BIG + 1,
    float(BIG),
    LONG + "x",
    LONG + "y",
    NAN,
    INF,
)
TAGS += ("nul\x00 \uf8ff", {"a": 1}, b"x", None, "größe", "it's")


@dataclass
class Record:
    """A node as plain values: every attribute a list, empty where it is missing."""

    id: Any
    attributes: dict[str, list[Any]]
    scopes: dict[Scope, dict[str, Any]] = field(default_factory=dict)
    related: dict[Relation, list["Record"]] = field(default_factory=dict)


def populate(store: Store, clock: Clock) -> dict[Entity, list[Record]]:
    """Fill an empty store and return all that is in it, by entity and id."""
    made = {entity: list[Record]() for entity in Entity}
    contexts = _contexts(store, clock)
    artifacts = _artifacts(store, clock, contexts)
    executions = _executions(store, clock, contexts, artifacts)
    made[Entity.CONTEXT] = contexts
    made[Entity.ARTIFACT] = artifacts
    made[Entity.EXECUTION] = executions
    made[Entity.RUN] = _runs(store, clock, made)
    made[Entity.VERSION] = _versions(store, clock, made)
    for records in made.values():
        records.sort(key=lambda record: record.id)
    return made


def _named(node_id: int, type_name: str, clock: Clock, **more: Any) -> dict[str, list[Any]]:
    plain = {
        "id": node_id,
        "type": type_name,
        "created_time": clock.now_ms,
        "updated_time": clock.now_ms,
        **more,
    }
    return {name: [] if value is None else [value] for name, value in plain.items()}


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _contexts(store: Store, clock: Clock) -> list[Record]:
    kind = put_type(store, NodeKind.CONTEXT, "Group")
    records = []
    for name in ("top", "middle", "low"):
        clock.tick()
        new = NewContext(type_id=kind, name=name, custom_properties={"c": name})
        node_id = store.contexts.add([new])[0]
        named = _named(node_id, "Group", clock, name=name)
        records.append(Record(node_id, named, {Scope.TAG: {"c": name}}))
    for child, parent in ((1, 0), (2, 1)):
        store.links.add_parents([ParentContext(records[child].id, records[parent].id)])
        records[child].related.setdefault(Relation.PARENTS, []).append(records[parent])
        records[parent].related.setdefault(Relation.CHILDREN, []).append(records[child])
    return records


def _artifacts(store: Store, clock: Clock, contexts: list[Record]) -> list[Record]:
    kinds = {
        name: put_type(store, NodeKind.ARTIFACT, name, properties={"p": ValueKind.INT})
        for name in ("Data", "Text")
    }
    records = []
    for number, tag in enumerate(TAGS):
        clock.tick(number % 2)
        kind = "Data" if number % 3 else "Text"
        name = None if number % 4 == 0 else f"art{number % 5}-{number}"
        fields = {
            "name": name,
            "uri": None if number % 5 == 0 else f"s3://bucket/{LONG if number % 2 else ''}{number % 3}",
            "digest": None if number % 3 == 0 else f"d{number % 4}",
            "size_bytes": None if number % 6 == 0 else number * 2**40,
            "state": None if number % 7 == 0 else ArtifactState(number % 7),
        }
        properties, tags = _given("p", number if number % 2 else None), _given("t", tag)
        new = NewArtifact(type_id=kinds[kind], properties=properties, custom_properties=tags, **fields)
        node_id = store.artifacts.add([new])[0]
        named = _named(node_id, kind, clock, external_id=None, **fields)
        records.append(Record(node_id, named, {Scope.TAG: tags, Scope.PROPERTY: properties}))
        if number % 4 != 3:
            context = contexts[number % 2]
            store.links.add_memberships([Attribution(context.id, node_id)])
            records[-1].related[Relation.CONTEXTS] = [context]
            context.related.setdefault(Relation.ARTIFACTS, []).append(records[-1])
    return records


def _executions(store: Store, clock: Clock, contexts: list[Record], artifacts: list[Record]) -> list[Record]:
    kind = put_type(store, NodeKind.EXECUTION, "Step")
    records = []
    for number in range(4):
        clock.tick()
        state = ExecutionState(number) if number else None
        name = f"step{number}" if number % 2 else None
        params = {"lr": number / 10}
        new = NewExecution(type_id=kind, name=name, state=state, params=params)
        node_id = store.executions.add([new])[0]
        named = _named(node_id, "Step", clock, name=name, external_id=None, state=state)
        records.append(Record(node_id, named, {Scope.PARAM: params}))
        _link(
            store,
            records[-1],
            inputs=artifacts[number : number + 3],
            outputs=artifacts[number + 3 : number + 4],
        )
        store.links.add_memberships([], [Association(contexts[2].id, node_id)])
        records[-1].related[Relation.CONTEXTS] = [contexts[2]]
        contexts[2].related.setdefault(Relation.EXECUTIONS, []).append(records[-1])
    return records


def _link(store: Store, execution: Record, inputs: list[Record], outputs: list[Record]) -> None:
    for records, kind, one, other in (
        (inputs, EventType.INPUT, Relation.INPUTS, Relation.CONSUMERS),
        (outputs, EventType.OUTPUT, Relation.OUTPUTS, Relation.PRODUCERS),
    ):
        store.links.add_events([event(record.id, execution.id, kind) for record in records])
        execution.related[one] = [*records]
        for record in records:
            record.related.setdefault(other, []).append(execution)


def _runs(store: Store, clock: Clock, made: dict[Entity, list[Record]]) -> list[Record]:
    records = []
    experiments: dict[str, Record] = {}
    for number, (metric, param) in enumerate(zip(METRICS * 2, PARAMS * 2, strict=True)):
        clock.tick(number % 3)
        params, tags = _given("lr", param), _given("t", TAGS[number % len(TAGS)])
        experiment = ("flights", "trains")[number % 2]
        fields = {"user": None if number % 3 else f"user{number % 2}", "name": f"run{number % 4}"}
        run = start_run(store, experiment=experiment, params=params, tags=tags, **fields)
        if metric is not None:
            append(store, run.id, [(0, 0, 7.0), (1, 0, float(metric))])
        scopes = {
            Scope.METRIC: _given("auc", metric),
            Scope.PARAM: params,
            Scope.TAG: tags,
        }
        group = experiments.get(experiment)
        if group is None:
            stored = store.contexts.get([run.experiment_id])[0]
            group = Record(stored.id, _named(stored.id, stored.type_name, clock, name=experiment))
            experiments[experiment] = group
            made[Entity.CONTEXT].append(group)
        execution = Record(run.id, _run_execution(run, clock), scopes, {Relation.CONTEXTS: [group]})
        own = {
            "run_id": run.run_id,
            "status": RunStatus.RUNNING,
            "start_time": run.start_ms,
            "heartbeat_time": clock.now_ms,
            "experiment": experiment,
            "experiment_id": run.experiment_id,
            "host": None,
            "error": None,
            "parent_id": None,
            "end_time": None,
            **fields,
        }
        records.append(Record(run.id, {**execution.attributes, **_listed(own)}, scopes, execution.related))
        group.related.setdefault(Relation.EXECUTIONS, []).append(execution)
        made[Entity.EXECUTION].append(execution)
    return records


def _listed(fields: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [] if value is None else [value] for name, value in fields.items()}


def _run_execution(run: Any, clock: Clock) -> dict[str, list[Any]]:
    return _named(run.id, "headwater.Run", clock, name=None, external_id=None, state=ExecutionState.RUNNING)


def _versions(store: Store, clock: Clock, made: dict[Entity, list[Record]]) -> list[Record]:
    records = []
    runs = made[Entity.RUN]
    executions = {record.id: record for record in made[Entity.EXECUTION]}
    models: dict[str, Record] = {}
    for number in range(5):
        clock.tick()
        name = "late" if number % 2 else "early"
        maker: Any = runs[number].id if number < 3 else None
        version = store.models.add_version(
            NewVersion(
                model=name,
                uri=f"blob:{number}",
                digest=f"m{number}",
                description=LONG if number == 1 else None,
                metrics={"auc": number / 4},
                params={"lr": number},
                tags={"t": number},
                execution_id=maker,
            ),
            actor="ann",
        )
        if number in {1, 2}:
            for label in ("champion", "best") if number == 1 else ("champion",):
                store.models.set_alias(name, label, version.version, actor="ann", reason="")
        if name not in models:
            stored = store.contexts.get([version.model_id])[0]
            models[name] = Record(stored.id, _named(stored.id, stored.type_name, clock, name=name))
            made[Entity.CONTEXT].append(models[name])
        facts = _given("description", LONG if number == 1 else None)
        scopes = {Scope.TAG: {"t": number}, Scope.PROPERTY: facts}
        artifact = Record(
            version.id,
            _named(
                version.id,
                "headwater.Model",
                clock,
                uri=f"blob:{number}",
                digest=f"m{number}",
                size_bytes=None,
                state=ArtifactState.LIVE,
                name=None,
                external_id=None,
            ),
            scopes,
            {Relation.CONTEXTS: [models[name]]},
        )
        models[name].related.setdefault(Relation.ARTIFACTS, []).append(artifact)
        if maker is not None:
            artifact.related[Relation.PRODUCERS] = [executions[maker]]
            executions[maker].related.setdefault(Relation.OUTPUTS, []).append(artifact)
            runs[number].related[Relation.OUTPUTS] = executions[maker].related[Relation.OUTPUTS]
        own: dict[str, Any] = {"name": name, "model": name, "model_id": version.model_id}
        own |= {"version": version.version, "stage": "none"}
        own |= {"description": facts.get("description"), "execution_id": maker}
        own |= {"run_id": runs[number].attributes["run_id"][0] if maker is not None else None}
        labels = {1: ["champion", "best"], 2: ["champion"]}.get(number, [])
        more = {Scope.METRIC: {"auc": number / 4}, Scope.PARAM: {"lr": number}}
        records.append(
            Record(
                version.id,
                {**artifact.attributes, **_listed(own), "alias": labels},
                {**scopes, **more},
                artifact.related,
            )
        )
        made[Entity.ARTIFACT].append(artifact)
    return records


def holds(tree: Filter, record: Record) -> bool:
    """Tell what the filter language says about a record."""
    match tree:
        case And(terms):
            return all(holds(term, record) for term in terms)
        case Or(terms):
            return any(holds(term, record) for term in terms)
        case Not(term):
            return not holds(term, record)
        case IsNull(named):
            return not values_of(named, record)
        case Joined():
            raise NotImplementedError("only translations of other systems' filters join")
        case _:
            return any(meets(tree, value) for value in values_of(tree.field, record))


def values_of(named: Field, record: Record) -> list[Any]:
    """Return every value that a field has on a record or its neighbours."""
    if named.relation is not None:
        own = Field(named.scope, named.name)
        return [value for other in record.related.get(named.relation, []) for value in values_of(own, other)]
    if named.scope is Scope.ATTRIBUTE:
        return record.attributes.get(named.name, [])
    values = record.scopes.get(named.scope, {})
    return [values[named.name]] if named.name in values else []


def meets(test: Any, value: Any) -> bool:
    """Tell whether one value meets a comparison, list or range."""
    scope = test.field.scope
    match test:
        case Comparison(_, operator, wanted):
            pair = comparable(scope, value, wanted)
            return pair is not None and _compares(operator, *pair)
        case In(_, wanted, is_negated):
            pairs = [pair for each in wanted if (pair := comparable(scope, value, each)) is not None]
            found = any(a == b for a, b in pairs)
            return bool(pairs) and not found if is_negated else found
        case Between(_, low, high, is_negated):
            lower, upper = comparable(scope, value, low), comparable(scope, value, high)
            if lower is None or upper is None:
                return False
            return (lower[1] <= lower[0] <= upper[1]) is not is_negated
        case _:
            raise AssertionError(test)


def comparable(scope: Scope, value: Any, wanted: Any) -> tuple[Any, Any] | None:
    """Return a stored and a wanted value as they compare, None when they do not."""
    if scope is Scope.PARAM and not isinstance(wanted, bool):
        value = _param_as(type(wanted), value)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return (value, wanted) if type(value) is type(wanted) else None
    if isinstance(wanted, str):
        return (value, wanted) if isinstance(value, str) else None
    if isinstance(value, (int, float)) and not math.isnan(value):
        return _clamped(value), _clamped(wanted)
    return None


def _param_as(kind: type, value: Any) -> Any:
    if isinstance(value, ProtoValue):
        value = value.type_url
    if kind is str:
        return str(value) if isinstance(value, (bool, int, float)) else value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value


def _clamped(value: float) -> float:
    return math.copysign(sys.float_info.max, value) if value in {INF, -INF} else value


def _compares(operator: Operator, a: Any, b: Any) -> bool:
    match operator:
        case Operator.EQ:
            return a == b
        case Operator.NE:
            return a != b
        case Operator.LT:
            return a < b
        case Operator.LE:
            return a <= b
        case Operator.GT:
            return a > b
        case Operator.GE:
            return a >= b
        case Operator.LIKE | Operator.NOT_LIKE:
            return _like(a, b) is (operator is Operator.LIKE)
        case Operator.ILIKE | Operator.NOT_ILIKE:
            return _like(a.lower(), b.lower()) is (operator is Operator.ILIKE)


def _like(text: str, pattern: str) -> bool:
    marks = {"%": ".*", "_": "."}
    return re.fullmatch("".join(marks.get(c, re.escape(c)) for c in pattern), text, re.DOTALL) is not None


def in_order(records: list[Record], orders: tuple[Order, ...]) -> list[int]:
    """Return the ids of records as the order puts them."""
    falls = bool(orders) and orders[0].is_descending
    found = sorted(records, key=lambda record: record.id, reverse=falls)
    for order in reversed(orders):
        found.sort(key=lambda record: _sort_key(order, record))
    return [record.id for record in found]


def _sort_key(order: Order, record: Record) -> tuple[Any, ...]:
    values = values_of(order.field, record)
    if not values:
        return (9,)
    value = min(values) if order.field.scope is Scope.ATTRIBUTE else values[0]
    if isinstance(value, ProtoValue):
        value = value.type_url
    if order.field.scope is Scope.PARAM and isinstance(value, str):
        value = value if _param_as(float, value) is None else _param_as(float, value)
    if isinstance(value, (int, float)) and not math.isnan(value):
        number = float(_clamped(value))
        return (0, -number if order.is_descending else number)
    if isinstance(value, str):
        letters = [ord(c) for c in value[:128]]
        # A longer text is after its beginning, so the end counts as the least.
        return (1, [-c for c in letters] + [1] if order.is_descending else letters)
    return (2,)
