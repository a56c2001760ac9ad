"""Lineage of whatever a reference names."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from headwater.model.access import Permission
from headwater.model.graph import Artifact, Event, Execution, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Walk
from headwater.model.refs import NodeIdRef
from headwater.sdk.lineage import Lineage
from headwater.sdk.naming import names_of, node_ref
from headwater.sdk.sources import Sources
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import json_answer, store_of
from headwater.server.http.resources.listing import At
from headwater.server.http.resources.wire.lineage import LineageEdgeOut, LineageNodeOut, LineageOut, PathOut

Hops = Annotated[int | None, Query(ge=0, le=10_000, description="How many hops; without it, to the end.")]
Ref = Annotated[str, Query(max_length=1_000)]


def lineage_router(backend: Backend) -> APIRouter:
    """Return the routes of lineage."""
    router = APIRouter(prefix="/lineage", tags=["lineage"], dependencies=[needs(Permission.READ)])

    lineage_of = partial(_start, backend)

    @router.get("/path", summary="Return a shortest path between two things.", response_model=PathOut)
    def get_path(
        from_: Annotated[str, Query(alias="from", max_length=1_000)], to: Ref, at: At = None
    ) -> Response:
        start = lineage_of(from_, at)
        route = start.path(to)
        if route is None:
            sentence = f"{from_} and {to} are not connected along the flow of data."
            return json_answer(PathOut(nodes=[], edges=[], shortest_count=0, count=0, sentence=sentence))
        found = PathOut(
            nodes=sorted(_nodes(start, route.graph), key=lambda node: node.hops),
            edges=[_edge(event) for event in route.graph.events],
            shortest_count=route.shortest_count,
            count=route.count,
            sentence=route.sentence(),
        )
        return json_answer(found)

    _add_findings(router, backend)

    @router.get(
        "/{ref:path}",
        summary="Return where something comes from and what came of it, the nearest first.",
        response_model=LineageOut,
    )
    def get_lineage(
        ref: str,
        up: Hops = None,
        down: Hops = None,
        limit: Annotated[int, Query(ge=1, le=100_000, description="About how many nodes each way.")] = 300,
        at: At = None,
    ) -> Response:
        return json_answer(_around(lineage_of(ref, at), up, down, limit))

    return router


def _add_findings(router: APIRouter, backend: Backend) -> None:
    """Add the routes of what a history differs in, led to, says and lacks."""
    lineage_of = partial(_start, backend)

    @router.get(
        "/diff",
        summary="Return what differs between the histories of two things.",
        response_model=dict[str, Any],
    )
    def get_difference(a: Ref, b: Ref, at: At = None) -> Response:
        return json_answer(lineage_of(a, at).diff(b).json())

    @router.get(
        "/impact/{ref:path}",
        summary="Return everything that came from something, versions in production first.",
        response_model=dict[str, Any],
    )
    def get_impact(ref: str, at: At = None) -> Response:
        return json_answer(lineage_of(ref, at).impact().json())

    @router.get(
        "/card/{ref:path}",
        summary="Explain a model version out of its record, as Markdown.",
        response_model=dict[str, Any],
    )
    def get_card(ref: str, at: At = None) -> Response:
        return json_answer(lineage_of(ref, at).card().json())

    @router.get(
        "/missing/{ref:path}",
        summary="Return what the record of something lacks.",
        response_model=dict[str, Any],
    )
    def get_missing(ref: str, at: At = None) -> Response:
        return json_answer(lineage_of(ref, at).missing().json())


def _start(backend: Backend, ref: str, at: str | None) -> Lineage:
    return Lineage.of(Sources(store_of(backend, at), lambda: backend.blobs, backend.spool), ref)


def _around(start: Lineage, up: int | None, down: int | None, limit: int) -> LineageOut:
    """Walk both ways, and put the two graphs together around the thing that they share."""
    upstream = start.store.lineage.walk(_walk(start, Direction.UPSTREAM, up, limit))
    downstream = start.store.lineage.walk(_walk(start, Direction.DOWNSTREAM, down, limit))
    nodes = {node.ref: node for node in _nodes(start, downstream)}
    nodes |= {node.ref: node for node in _nodes(start, upstream, sign=-1)}
    edges = {(edge.source, edge.target, edge.type): edge for edge in map(_edge, upstream.events)}
    edges |= {(edge.source, edge.target, edge.type): edge for edge in map(_edge, downstream.events)}
    return LineageOut(
        ref=start.ref,
        nodes=sorted(nodes.values(), key=lambda node: (abs(node.hops), node.hops, node.ref)),
        edges=list(edges.values()),
        is_truncated=upstream.is_truncated or downstream.is_truncated,
    )


def _walk(start: Lineage, direction: Direction, hops: int | None, limit: int) -> Walk:
    kind, node_id = start.start
    is_artifact = kind is NodeKind.ARTIFACT
    return Walk(
        artifacts=(ArtifactId(node_id),) if is_artifact else (),
        executions=() if is_artifact else (ExecutionId(node_id),),
        direction=direction,
        max_hops=hops,
        max_nodes=limit,
    )


def _nodes(start: Lineage, graph: LineageGraph, sign: int = 1) -> Iterator[LineageNodeOut]:
    names = names_of(start.store, graph)
    artifacts = zip(graph.artifacts, graph.artifact_hops, strict=True)
    executions = zip(graph.executions, graph.execution_hops, strict=True)
    for pairs in (artifacts, executions):
        for node, hops in pairs:
            yield _node(node, sign * hops, names[node_ref(node)])


def _node(node: Artifact | Execution, hops: int, label: str) -> LineageNodeOut:
    kind = "artifact" if isinstance(node, Artifact) else "execution"
    return LineageNodeOut(
        ref=str(NodeIdRef(f"{kind}s", node.id)),
        kind=kind,
        id=node.id,
        label=label,
        type=node.type_name,
        name=node.name,
        state=node.state.name.lower() if node.state is not None else None,
        hops=hops,
        created_ms=node.created_ms,
        is_deleted=node.deleted_ms is not None,
    )


def _edge(event: Event) -> LineageEdgeOut:
    artifact = str(NodeIdRef("artifacts", event.artifact_id))
    execution = str(NodeIdRef("executions", event.execution_id))
    source, target = (artifact, execution) if event.type.is_input else (execution, artifact)
    return LineageEdgeOut(
        source=source,
        target=target,
        type=event.type.name.lower(),
        path=list(event.path),
        time_ms=event.time_ms,
    )
