"""Search over names and references: what somebody types who half remembers what a thing is called."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from headwater.errors import InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.access import Permission
from headwater.model.filters import And, Between, Comparison, Field, Filter, Operator, Scope
from headwater.model.graph import Artifact, Context, NodeKind
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.model.refs import DataRef, ModelRef, NodeIdRef, RunRef, parse_ref
from headwater.model.runs import Run
from headwater.sdk.naming import start_of
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import store_of
from headwater.server.http.resources.listing import At, PageOut, whole_answer
from headwater.server.http.resources.wire.lineage import FoundOut

KINDS: Final = ("model", "data", "experiment", "run", "artifact", "execution", "context")
MOST: Final = 100
_NAME: Final = Field(Scope.ATTRIBUTE, "name")
_TYPE: Final = Field(Scope.ATTRIBUTE, "type")
_LAST: Final = "\U0010ffff"
_GROUPS: Final = {
    "model": builtin.REGISTERED_MODEL.name,
    "data": builtin.DATA_SET.name,
    "experiment": builtin.EXPERIMENT.name,
}


def search_router(backend: Backend) -> APIRouter:
    """Return the route of search."""
    router = APIRouter(tags=["search"], dependencies=[needs(Permission.READ)])

    @router.get(
        "/search",
        summary="Find things by reference, id, digest, the beginning of a run id, or of a name.",
        response_model=PageOut[FoundOut],
    )
    def search(
        q: Annotated[str, Query(min_length=1, max_length=500)],
        kinds: Annotated[
            str, Query(max_length=200, description=f"Only of these kinds: {', '.join(KINDS)}.")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
        at: At = None,
    ) -> Response:
        wanted = [word.strip() for word in kinds.split(",") if word.strip()] or list(KINDS)
        if unknown := [word for word in wanted if word not in KINDS]:
            raise InvalidError(f"no kind {unknown[0][:40]!r}; the kinds are {', '.join(KINDS)}")
        found: dict[str, FoundOut] = {}
        for each in _found(store_of(backend, at), q.strip(), wanted, limit):
            found.setdefault(each.ref, each)
            if len(found) == limit:
                break
        return whole_answer(list(found.values()), lambda each: each, "", FoundOut)

    return router


def _found(store: Store, text: str, kinds: list[str], limit: int) -> Iterator[FoundOut]:
    """Yield what a text may mean, the surest first."""
    for ways in (_by_reference, _by_digest, _by_id, _by_name):
        yield from (each for each in ways(store, text, limit) if each.kind in kinds)


def _by_reference(store: Store, text: str, _: int) -> Iterator[FoundOut]:
    try:
        ref = parse_ref(text)
        kind, node_id = start_of(store, ref)
    except (InvalidError, NotFoundError):
        return
    if isinstance(ref, ModelRef | DataRef):
        word = "model" if isinstance(ref, ModelRef) else "data"
        yield FoundOut(ref=str(ref), kind=word, name=ref.name, type=None, by="reference")
    elif isinstance(ref, RunRef):
        yield from (_run(run, "reference") for run in store.runs.by_execution_ids([ExecutionId(node_id)]))
    else:
        nodes = store.artifacts if kind is NodeKind.ARTIFACT else store.executions
        yield from (_node(node, "reference") for node in nodes.get([node_id]))  # pyright: ignore[reportArgumentType]


def _by_digest(store: Store, text: str, limit: int) -> Iterator[FoundOut]:
    for artifact in islice(store.artifacts.by_digests([text]), limit):
        yield _node(artifact, "digest")


def _by_id(store: Store, text: str, limit: int) -> Iterator[FoundOut]:
    for run in store.runs.get(store.runs.with_prefix(text, limit=limit)):
        yield _run(run, "id")
    if text.isascii() and text.isdecimal() and len(text) < 19:
        number = int(text)
        yield from (_node(node, "id") for node in store.artifacts.get([ArtifactId(number)]))
        yield from (_node(node, "id") for node in store.executions.get([ExecutionId(number)]))
        yield from (_node(node, "id") for node in store.contexts.get([ContextId(number)]))


def _by_name(store: Store, text: str, limit: int) -> Iterator[FoundOut]:
    begins = Between(_NAME, text, text + _LAST)
    for kind, type_name in _GROUPS.items():
        is_kind = Comparison(_TYPE, Operator.EQ, type_name)
        for context in _first(store.contexts.page, And((is_kind, begins)), limit):
            yield _named(context, kind)
    for run in _first(store.runs.page, begins, limit):
        yield _run(run, "name")
    for pages in (store.artifacts.page, store.executions.page, store.contexts.page):
        yield from (_node(node, "name") for node in _first(pages, begins, limit))


def _first(page: Callable[[Listing], Any], tree: Filter, limit: int) -> Any:
    return page(Listing(filter=tree, limit=limit)).items


def _named(context: Context, kind: Any) -> FoundOut:
    name = context.name or ""
    refs = {"model": ModelRef(name), "data": DataRef(name)}
    ref = str(refs.get(kind, NodeIdRef("contexts", context.id)))
    return FoundOut(ref=ref, kind=kind, name=name, type=context.type_name, by="name")


def _run(run: Run, by: Any) -> FoundOut:
    return FoundOut(ref=str(RunRef(run.run_id)), kind="run", name=run.name, type=run.experiment, by=by)


def _node(node: Any, by: Any) -> FoundOut:
    kind = (
        "artifact" if isinstance(node, Artifact) else "context" if isinstance(node, Context) else "execution"
    )
    ref = str(NodeIdRef(f"{kind}s", node.id))
    return FoundOut(ref=ref, kind=kind, name=node.name, type=node.type_name, by=by)
