"""Short ways to say what a contract test stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    Context,
    ContextChange,
    Event,
    EventType,
    Execution,
    ExecutionChange,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, RunId, TypeId, new_run_id
from headwater.model.models import ModelVersion, NewVersion, Transition
from headwater.model.protocols import Store
from headwater.model.runs import NewRun, Run
from headwater.model.series import Points, SeriesBatch
from headwater.model.values import ValueKind

NODE_KINDS = (NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT)
START_MS = 1_700_000_000_000
DECLARED = {
    "int": ValueKind.INT,
    "double": ValueKind.DOUBLE,
    "string": ValueKind.STRING,
    "struct": ValueKind.STRUCT,
    "proto": ValueKind.PROTO,
    "boolean": ValueKind.BOOLEAN,
    "bytes": ValueKind.BYTES,
}
"""A property of each kind."""


class Clock:
    """Time that stands still until it is told."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def tick(self, ms: int = 1) -> int:
        """Move on and return the new time."""
        self.now_ms += ms
        return self.now_ms


@dataclass(frozen=True)
class NodeApi:
    """One node store with its entities, so that a rule is tested once for all three."""

    kind: NodeKind
    nodes: Any
    type_id: TypeId
    new_node: type[Any]
    change_node: type[Any]
    entity: type[Any]

    @classmethod
    def of(cls, store: Store, kind: NodeKind) -> Self:
        """Store a type of this kind with all `DECLARED` properties."""
        nodes, *entities = {
            NodeKind.ARTIFACT: (store.artifacts, NewArtifact, ArtifactChange, Artifact),
            NodeKind.EXECUTION: (store.executions, NewExecution, ExecutionChange, Execution),
            NodeKind.CONTEXT: (store.contexts, NewContext, ContextChange, Context),
        }[kind]
        return cls(kind, nodes, put_type(store, kind, "T", properties=DECLARED), *entities)

    def new(self, name: str = "node", **fields: Any) -> Any:
        """A node to store; contexts need a name, so all get one."""
        return self.new_node(**{"type_id": self.type_id, "name": name, **fields})

    def add(self, name: str = "node", **fields: Any) -> Any:
        """Store a node and return its id."""
        return self.nodes.add([self.new(name, **fields)])[0]

    def change(self, node_id: int, **fields: Any) -> Any:
        """A change of a node."""
        return self.change_node(id=node_id, **fields)

    def update(self, node_id: int, **fields: Any) -> Any:
        """Change a node and return it."""
        self.nodes.update([self.change(node_id, **fields)])
        return self.get(node_id)

    def get(self, node_id: int) -> Any:
        """Return a stored node."""
        return self.nodes.get([node_id])[0]

    def stored(self, node_id: int, name: str = "node", **fields: Any) -> Any:
        """The whole entity that is expected."""
        times = {"created_ms": START_MS, "updated_ms": START_MS}
        named = {"id": node_id, "type_id": self.type_id, "type_name": "T", "name": name}
        return self.entity(**{**named, **times, **fields})

    def all(self) -> list[Any]:
        """Every node, by id."""
        return list(self.nodes.page().items)


def put_type(store: Store, kind: NodeKind, name: str = "T", **fields: Any) -> TypeId:
    """Store a type."""
    return store.types.put([NewType(kind=kind, name=name, **fields)])[0]


def add_artifacts(store: Store, number: int = 1) -> list[ArtifactId]:
    """Store artifacts without name."""
    kind = put_type(store, NodeKind.ARTIFACT, "Thing")
    return store.artifacts.add([NewArtifact(type_id=kind)] * number)


def add_executions(store: Store, number: int = 1) -> list[ExecutionId]:
    """Store executions without name."""
    kind = put_type(store, NodeKind.EXECUTION, "Step")
    return store.executions.add([NewExecution(type_id=kind)] * number)


def add_contexts(store: Store, *names: str) -> list[ContextId]:
    """Store contexts."""
    kind = put_type(store, NodeKind.CONTEXT, "Group")
    return store.contexts.add([NewContext(type_id=kind, name=name) for name in names])


def event(
    artifact: ArtifactId, execution: ExecutionId, type: EventType = EventType.INPUT, **fields: Any
) -> Event:
    """An event."""
    return Event(artifact_id=artifact, execution_id=execution, type=type, **fields)


def start_run(store: Store, **fields: Any) -> Run:
    """Start a run with an id of its own."""
    return store.runs.start(new_run(**fields))


def new_run(**fields: Any) -> NewRun:
    """A run to start."""
    run_id: RunId = fields.pop("run_id", new_run_id())
    return NewRun(**{"run_id": run_id, "experiment": "exp", **fields})


Row = tuple[int, int, float]
_batch_numbers = count()


def batch(execution: ExecutionId, rows: Sequence[Row], key: str = "auc", **fields: Any) -> SeriesBatch:
    """A batch of writer 1 under the next number."""
    named = {"writer": 1, "batch": next(_batch_numbers), **fields}
    return SeriesBatch(execution_id=execution, key=key, points=Points.of(rows), **named)


def append(
    store: Store, execution: ExecutionId, rows: Sequence[Row], key: str = "auc", **fields: Any
) -> None:
    """Store one batch of points."""
    store.series.append([batch(execution, rows, key, **fields)])


def add_versions(store: Store, model: str = "m", number: int = 1) -> list[ModelVersion]:
    """Register versions that know nothing but their model."""
    return [store.models.add_version(NewVersion(model=model), actor="ann") for _ in range(number)]


def move(store: Store, version: int, to: str = "production", model: str = "m", **fields: Any) -> ModelVersion:
    """Move a version to a stage."""
    named = {"reason": "because", "actor": "ann", **fields}
    return store.models.transition(Transition(model=model, version=version, to=to, **named))


def roll_back(store: Store, model: str = "m") -> ModelVersion:
    """Put the version before the present one back into production."""
    before = store.models.previous_holder(model, "production")
    assert before is not None
    return move(store, before.version, model=model, kind="rollback")
