"""Types of nodes, and the events between nodes."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import NotFoundError
from headwater.model.access import Permission
from headwater.model.graph import Event, EventType, NewType, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId, TypeId
from headwater.model.values import ValueKind
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import json_answer, store_of, tagged
from headwater.server.http.resources.listing import At, Fields, PageOut, whole_answer
from headwater.server.http.resources.nodes import NodeId
from headwater.server.http.resources.wire.nodes import IdsOut, Kind, NewEventIn, NewTypeIn, TypeOut, type_out
from headwater.server.http.resources.wire.runs import LoggedOut


def type_router(backend: Backend) -> APIRouter:
    """Return the routes of types and events."""
    router = APIRouter()
    reads, writes = [needs(Permission.READ)], [needs(Permission.WRITE)]
    store = backend.store

    @router.get(
        "/types",
        summary="List types of nodes.",
        tags=["types"],
        dependencies=reads,
        response_model=PageOut[TypeOut],
    )
    def list_types(kind: Kind | None = None, fields: Fields = "", at: At = None) -> Response:
        kinds = [NodeKind[kind.upper()]] if kind else list(NodeKind)
        types = store_of(backend, at).types
        return whole_answer([found for each in kinds for found in types.all(each)], type_out, fields, TypeOut)

    @router.get(
        "/types/{node_id}",
        summary="Return a type by its id.",
        tags=["types"],
        dependencies=reads,
        response_model=TypeOut,
    )
    def get_type(node_id: NodeId, request: Request, at: At = None) -> Response:
        found = store_of(backend, at).types.get([TypeId(node_id)])
        if not found:
            raise NotFoundError("type", node_id)
        return tagged(request, type_out(found[0]))

    @router.post(
        "/types",
        summary="Store types, or find the equal ones that are there; all or none.",
        tags=["types"],
        dependencies=writes,
        response_model=IdsOut,
        status_code=201,
    )
    def add_types(new: list[NewTypeIn], *, can_add: bool = False, can_omit: bool = False) -> Response:
        types = [_new_type(each) for each in new]
        return json_answer(IdsOut(ids=list(store.types.put(types, can_add=can_add, can_omit=can_omit))), 201)

    @router.post(
        "/events",
        summary="Store edges between artifacts and executions, all or none.",
        tags=["events"],
        dependencies=writes,
        response_model=LoggedOut,
        status_code=201,
    )
    def add_events(new: list[NewEventIn]) -> Response:
        store.links.add_events([_new_event(each) for each in new])
        return json_answer(LoggedOut(count=len(new)), 201)

    return router


def _new_type(sent: NewTypeIn) -> NewType:
    return NewType(
        kind=NodeKind[sent.kind.upper()],
        name=sent.name,
        version=sent.version,
        description=sent.description,
        properties={name: ValueKind[kind.upper()] for name, kind in sent.properties.items()},
        base_type=sent.base_type,
        external_id=sent.external_id,
    )


def _new_event(sent: NewEventIn) -> Event:
    return Event(
        artifact_id=ArtifactId(sent.artifact_id),
        execution_id=ExecutionId(sent.execution_id),
        type=EventType[sent.type.upper()],
        path=tuple(sent.path),
        time_ms=sent.time_ms,
    )
