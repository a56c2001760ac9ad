"""Artifacts, executions and contexts: the same routes for all three kinds of nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError, NotFoundError
from headwater.model.access import Permission
from headwater.model.filters import Entity
from headwater.model.graph import (
    ArtifactChange,
    ArtifactState,
    Association,
    Attribution,
    ContextChange,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef
from headwater.model.values import INT64_MAX
from headwater.server.http.access import identity_of, needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import (
    IfMatch,
    Key,
    json_answer,
    key_of,
    require_seen,
    store_of,
    tagged,
)
from headwater.server.http.resources.listing import (
    Asked,
    At,
    Fields,
    PageOut,
    page_answer,
    sparse,
    wanted_fields,
)
from headwater.server.http.resources.wire.nodes import (
    ArtifactOut,
    ContextOut,
    ExecutionOut,
    IdsOut,
    LinksOut,
    MembersIn,
    NewArtifactIn,
    NewContextIn,
    NewExecutionIn,
    NodeChangeIn,
    artifact_out,
    context_out,
    event_out,
    execution_out,
)

NodeId = Annotated[int, Path(ge=1, le=INT64_MAX)]
MOST_NEW = 10_000
"""Nodes that one request stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What differs between the three kinds.

    Attributes:
        word: Their plural, as in references.
        out: What is sent of one; `wire` makes it.
        new_in: What is sent for a new one; `new` is what the store takes.
    """

    word: str
    kind: NodeKind
    entity: Entity
    nodes: Callable[[Store], Any]
    out: type[Any]
    wire: Callable[[Any], Any]
    new_in: type[Any]
    new: type[Any]
    change: type[Any]
    states: type[IntEnum] | None = None

    @property
    def noun(self) -> str:
        """One of them, with its article."""
        return f"a{'n' if self.word[0] in 'ae' else ''} {self.word[:-1]}"


KINDS = (
    Kind(
        word="artifacts",
        kind=NodeKind.ARTIFACT,
        entity=Entity.ARTIFACT,
        nodes=lambda store: store.artifacts,
        out=ArtifactOut,
        wire=artifact_out,
        new_in=NewArtifactIn,
        new=NewArtifact,
        change=ArtifactChange,
        states=ArtifactState,
    ),
    Kind(
        word="executions",
        kind=NodeKind.EXECUTION,
        entity=Entity.EXECUTION,
        nodes=lambda store: store.executions,
        out=ExecutionOut,
        wire=execution_out,
        new_in=NewExecutionIn,
        new=NewExecution,
        change=ExecutionChange,
        states=ExecutionState,
    ),
    Kind(
        word="contexts",
        kind=NodeKind.CONTEXT,
        entity=Entity.CONTEXT,
        nodes=lambda store: store.contexts,
        out=ContextOut,
        wire=context_out,
        new_in=NewContextIn,
        new=NewContext,
        change=ContextChange,
    ),
)


def node_router(backend: Backend) -> APIRouter:
    """Return the routes of all three kinds."""
    router = APIRouter()
    for kind in KINDS:
        router.include_router(_reads(backend, kind))
        router.include_router(_writes(backend, kind))
    router.include_router(_links(backend))
    return router


def _reads(backend: Backend, kind: Kind) -> APIRouter:
    router = APIRouter(prefix=f"/{kind.word}", tags=[kind.word], dependencies=[needs(Permission.READ)])

    @router.get(
        "",
        summary=f"List {kind.word}.",
        operation_id=f"list_{kind.word}",
        response_model=PageOut[kind.out],
    )
    def list_nodes(asked: Annotated[Asked, Depends()]) -> Response:
        store, tree = asked.store(backend), asked.filter(kind.entity)
        nodes = kind.nodes(store)
        page = nodes.page(asked.listing(kind.entity, tree))
        return page_answer(page, asked.total(nodes.count, tree), kind.wire, asked.fields, kind.out)

    @router.get(
        "/{node_id}",
        summary=f"Return {kind.noun} by its id.",
        operation_id=f"get_{kind.word[:-1]}",
        response_model=kind.out,
    )
    def get_node(node_id: NodeId, request: Request, fields: Fields = "", at: At = None) -> Response:
        found = kind.wire(_node(store_of(backend, at), kind, node_id))
        return tagged(request, sparse(found, wanted_fields(fields, kind.out)))

    return router


def _writes(backend: Backend, kind: Kind) -> APIRouter:
    router = APIRouter(prefix=f"/{kind.word}", tags=[kind.word], dependencies=[needs(Permission.WRITE)])
    store = backend.store

    def add_nodes(new: list[Any], request: Request, key: Key = None) -> Response:
        if len(new) > MOST_NEW:
            raise InvalidError(f"one request stores at most {MOST_NEW:,} {kind.word}, not {len(new):,}")
        nodes = [_new(store, kind, each) for each in new]
        ids = kind.nodes(store).add(nodes, key=key_of(identity_of(request), key))
        return json_answer(IdsOut(ids=ids), 201)

    # Which class it is depends on the kind, and a type expression cannot say so.
    add_nodes.__annotations__["new"] = list[kind.new_in]
    router.post(
        "",
        summary=f"Store {kind.word}, all or none.",
        operation_id=f"add_{kind.word}",
        response_model=IdsOut,
        status_code=201,
    )(add_nodes)

    @router.patch(
        "/{node_id}",
        summary=f"Set properties of {kind.noun}.",
        operation_id=f"change_{kind.word[:-1]}",
        response_model=kind.out,
    )
    def change_node(
        node_id: NodeId, change: NodeChangeIn, request: Request, key: Key = None, if_match: IfMatch = None
    ) -> Response:
        node = _node(store, kind, node_id)
        require_seen(if_match, kind.wire(node))
        changed = kind.change(
            id=node_id,
            properties=change.properties,
            custom_properties=change.custom_properties,
            expect_revision=node.revision if if_match is not None else None,
        )
        kind.nodes(store).update([changed], key=key_of(identity_of(request), key))
        return tagged(request, kind.wire(_node(store, kind, node_id)))

    return router


def _links(backend: Backend) -> APIRouter:
    router = APIRouter()
    reads = [needs(Permission.READ)]

    @router.get(
        "/artifacts/{node_id}/links",
        summary="Return the executions that made and read an artifact, and its contexts.",
        tags=["artifacts"],
        dependencies=reads,
        response_model=LinksOut,
    )
    def get_artifact_links(node_id: NodeId, at: At = None) -> Response:
        links, own = store_of(backend, at).links, ArtifactId(node_id)
        contexts = [each.context_id for each in links.contexts_of_artifacts([own])]
        return _links_answer(links.events_of_artifacts([own]), contexts)

    @router.get(
        "/executions/{node_id}/links",
        summary="Return the artifacts that an execution made and read, and its contexts.",
        tags=["executions"],
        dependencies=reads,
        response_model=LinksOut,
    )
    def get_execution_links(node_id: NodeId, at: At = None) -> Response:
        links, own = store_of(backend, at).links, ExecutionId(node_id)
        contexts = [each.context_id for each in links.contexts_of_executions([own])]
        return _links_answer(links.events_of_executions([own]), contexts)

    @router.post(
        "/contexts/{node_id}/members",
        summary="Make nodes belong to a context; those that do already stay.",
        tags=["contexts"],
        dependencies=[needs(Permission.WRITE)],
        status_code=204,
    )
    def add_members(node_id: NodeId, members: MembersIn) -> Response:
        own = ContextId(node_id)
        backend.store.links.add_memberships(
            [Attribution(own, ArtifactId(each)) for each in members.artifacts],
            [Association(own, ExecutionId(each)) for each in members.executions],
        )
        return Response(None, 204)

    return router


def _links_answer(events: Any, contexts: list[ContextId]) -> Response:
    refs = [str(NodeIdRef("contexts", each)) for each in contexts]
    return json_answer(LinksOut(events=[event_out(event) for event in events], contexts=refs))


def _node(store: Store, kind: Kind, node_id: int) -> Any:
    found = kind.nodes(store).get([node_id])
    if not found:
        raise NotFoundError(kind.word[:-1], node_id)
    return found[0]


def _new(store: Store, kind: Kind, sent: Any) -> Any:
    """Return a node to store, with its type looked up and its state by number."""
    named = {name: getattr(sent, name) for name in sent.__dataclass_fields__ if name != "type"}
    if kind.states is not None and named["state"] is not None:
        named["state"] = kind.states[named["state"].upper()]
    return kind.new(type_id=_type_id(store, kind, sent.type), **named)


def _type_id(store: Store, kind: Kind, text: str) -> TypeId:
    name, _, version = text.partition("@")
    found = store.types.find(kind.kind, text) or (
        store.types.find(kind.kind, name, version) if version else None
    )
    if found is None:
        raise NotFoundError(f"{kind.word[:-1]} type", text)
    return found.id
