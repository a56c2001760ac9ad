"""Random requests for every call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.compat.mlmd.expressions import conditions, expressions
from tests.compat.mlmd.messages import (
    KINDS,
    TYPE_NAMES,
    events,
    flags,
    ids,
    maybe,
    message,
    names,
    nodes,
    types,
)

Known = Callable[[], dict[str, list[int]]]
"""Gives the ids of the stored nodes by kind."""

FOLDER = Path(__file__).with_name("queries")
QUERIES = {kind: (FOLDER / f"{kind}s.txt").read_text().splitlines() for kind in KINDS}

type_ids = st.integers(9, 17)


@st.composite
def list_options(draw: Callable[..., Any], kind: str) -> Any:
    """Options of a list; those by time of update ask for everything, as ties of it are not told apart."""
    options = message("ListOperationOptions")
    if draw(flags):
        options.filter_query = draw(st.one_of(st.sampled_from(QUERIES[kind]), expressions(kind)))
    if draw(flags):
        options.max_result_size = draw(st.sampled_from((1, 2, 3, 100, 0, -1)))
    if draw(flags):
        field = draw(st.sampled_from((1, 2, 3, 0)))
        options.order_by_field.field = field
        options.order_by_field.is_asc = draw(flags)
        if field == 2:
            options.max_result_size = 100
    return options


@st.composite
def requests(draw: Callable[..., Any], method: str, known: Known) -> Any:
    """A request of a call."""
    request = message(f"{method}Request")
    _FILL[method](draw, request, known)
    if draw(flags):
        request.transaction_options.tag = "tag"
    return request


def _put_type(kind: str) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        getattr(request, f"{kind}_type").CopyFrom(draw(types(kind)))
        _type_flags(draw, request)

    return fill


def _put_types(draw: Callable[..., Any], request: Any, _: Known) -> None:
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=2)):
        getattr(request, f"{kind}_types").append(draw(types(kind)))
    _type_flags(draw, request)


def _type_flags(draw: Callable[..., Any], request: Any) -> None:
    request.can_add_fields, request.can_omit_fields = draw(flags), draw(flags)
    all_match = draw(st.sampled_from((None,) * 5 + (True, False)))
    if all_match is not None:
        request.all_fields_match = all_match
    can_delete = draw(st.sampled_from((None, None, True, False)))
    if can_delete is not None:
        request.can_delete_fields = can_delete


def _put_nodes(kind: str) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        getattr(request, f"{kind}s").extend(draw(st.lists(nodes(kind), min_size=1, max_size=2)))
        if draw(st.sampled_from((False, False, True))):
            paths = st.sampled_from(
                ("uri", "state", "last_known_state", "external_id", "name", "properties", "properties.i")
                + ("custom_properties", "custom_properties.s", "custom_properties.x.y", "nothing", "type_id")
            )
            request.update_mask.paths.extend(draw(st.lists(paths, max_size=3)))
        if kind == "artifact" and draw(st.integers(0, 5)) == 0:
            # Whoever sends it adds the times that each library gave.
            request.options.abort_if_latest_updated_time_changed = draw(flags)

    return fill


def _put_events(draw: Callable[..., Any], request: Any, _: Known) -> None:
    request.events.extend(draw(st.lists(events(), max_size=2)))


def _put_memberships(draw: Callable[..., Any], request: Any, _: Known) -> None:
    some = maybe(ids, often=9)
    for _number in range(draw(st.integers(0, 2))):
        request.attributions.append(message("Attribution", artifact_id=draw(some), context_id=draw(some)))
        _note(draw, request.attributions[-1])
    for _number in range(draw(st.integers(0, 1))):
        request.associations.append(message("Association", execution_id=draw(some), context_id=draw(some)))
        _note(draw, request.associations[-1])


def _put_parents(draw: Callable[..., Any], request: Any, _: Known) -> None:
    some = maybe(ids, often=9)
    for _number in range(draw(st.integers(1, 2))):
        request.parent_contexts.append(message("ParentContext", child_id=draw(some), parent_id=draw(some)))
        _note(draw, request.parent_contexts[-1])


def _note(draw: Callable[..., Any], link: Any) -> None:
    if draw(flags):
        link.system_metadata.type_url = "t/x"


def _put_execution(draw: Callable[..., Any], request: Any, ids_now: Known) -> None:
    known = ids_now()
    if draw(st.sampled_from((True,) * 9 + (False,))):
        request.execution.CopyFrom(draw(nodes("execution")))
    own = request.execution.id
    for _ in range(draw(st.integers(0, 2))):
        pair = request.artifact_event_pairs.add()
        if draw(flags):
            pair.artifact.CopyFrom(draw(nodes("artifact")))
            # An id that no new artifact gets here: of the next one the original says that it is right.
            end = st.sampled_from((None,) * 5 + (pair.artifact.id or 77, 77))
        elif known["artifact"]:
            end = st.sampled_from(known["artifact"])
        else:
            end = st.none()
        # A pair of nothing makes the original's contexts unreadable.
        if draw(flags) or not pair.HasField("artifact"):
            pair.event.CopyFrom(
                draw(
                    events(artifact=end, execution=st.sampled_from((None,) * 6 + (own, own + 1) * bool(own)))
                )
            )
    request.contexts.extend(draw(st.lists(nodes("context", needs_type=draw(flags)), max_size=2)))
    for option in ("reuse_context_if_already_exist", "force_reuse_context", "force_update_time"):
        setattr(request.options, option, draw(flags))
    request.options.reuse_artifact_if_already_exist_by_external_id = draw(flags)


def _put_subgraph(draw: Callable[..., Any], request: Any, ids_now: Known) -> None:
    known = ids_now()
    for kind in KINDS:
        listed = st.lists(nodes(kind, needs_type=draw(st.sampled_from((True,) * 9 + (False,)))), max_size=2)
        getattr(request, f"{kind}s").extend(draw(listed))
    for _ in range(draw(st.integers(0, 2))):
        edge = request.event_edges.add()
        for kind in ("artifact", "execution"):
            count = len(getattr(request, f"{kind}s"))
            if draw(st.booleans()):
                setattr(edge, f"{kind}_index", draw(st.sampled_from((0,) * 6 + (1, count - 1, count, -1))))
        if draw(st.sampled_from((True,) * 9 + (False,))):
            edge.event.CopyFrom(
                draw(
                    events(
                        artifact=_end(known, "artifact", edge.HasField("artifact_index")),
                        execution=_end(known, "execution", edge.HasField("execution_index")),
                    )
                )
            )
    request.options.reuse_context_if_already_exist = draw(flags)
    request.options.reuse_artifact_if_already_exist_by_external_id = draw(flags)


def _end(known: dict[str, list[int]], kind: str, has_index: bool) -> st.SearchStrategy[Any]:
    # The original lets an event name a node that is not there.
    some = st.sampled_from(known[kind]) if known[kind] else st.none()
    return maybe(some) if has_index else maybe(some, often=9)


def _by_name(kind: str) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        request.type_name = draw(st.sampled_from((*TYPE_NAMES, "", "mlmd.Dataset", "none")))
        if draw(flags):
            request.type_version = draw(st.sampled_from(("", "1")))
        if hasattr(request, f"{kind}_name") and draw(st.sampled_from((True,) * 9 + (False,))):
            setattr(request, f"{kind}_name", draw(names))
        if hasattr(request, "options") and draw(flags):
            request.options.CopyFrom(draw(list_options(kind)))

    return fill


def _nothing(draw: Callable[..., Any], request: Any, _: Known) -> None:
    pass


def _many(field: str, strategy: st.SearchStrategy[Any]) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        getattr(request, field).extend(draw(st.lists(strategy, max_size=3)))
        if hasattr(request, "populate_artifact_types"):
            request.populate_artifact_types = draw(flags)

    return fill


def _one(field: str) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        value = draw(maybe(ids, often=9))
        if value is not None:
            setattr(request, field, value)
        if hasattr(request, "options") and draw(flags):
            kind = "artifact" if "Artifacts" in type(request).__name__ else "execution"
            request.options.CopyFrom(draw(list_options(kind)))

    return fill


def _list(kind: str) -> Callable[..., None]:
    def fill(draw: Callable[..., Any], request: Any, _: Known) -> None:
        if draw(st.sampled_from((True, True, False))):
            request.options.CopyFrom(draw(list_options(kind)))

    return fill


def _lineage(draw: Callable[..., Any], request: Any, _: Known) -> None:
    options = request.lineage_subgraph_query_options
    kind = draw(st.sampled_from(KINDS[:2]))
    fixed = st.sampled_from((None, "", "true", "id < 3", "id = 1", "events_0.type = INPUT", "id = 99"))
    start = draw(st.one_of(fixed, fixed, expressions(kind)))
    if start is not None:
        getattr(options, f"starting_{kind}s").filter_query = start
    hops = draw(st.sampled_from((None, 0, 1, 2, 3, 200, -1)))
    if hops is not None:
        options.max_num_hops = hops
    options.direction = draw(st.integers(0, 3))
    for ending in draw(st.lists(st.sampled_from(KINDS[:2]), max_size=2, unique=True)):
        nodes = getattr(options, f"ending_{ending}s")
        few = st.sampled_from(("", "id = 2", "id > 2", "name = 'a'", "false", "oops"))
        nodes.filter_query = draw(st.one_of(few, few, conditions(ending)))
        nodes.include_ending_nodes = draw(flags)
    fields = st.sampled_from([f.name for f in message("LineageGraph").DESCRIPTOR.fields] + ["nothing"])
    request.read_mask.paths.extend(draw(st.lists(fields, max_size=3)))


_FILL: dict[str, Callable[..., None]] = {
    "PutTypes": _put_types,
    "PutEvents": _put_events,
    "PutAttributionsAndAssociations": _put_memberships,
    "PutParentContexts": _put_parents,
    "PutExecution": _put_execution,
    "PutLineageSubgraph": _put_subgraph,
    "GetLineageSubgraph": _lineage,
    "GetArtifactsByURI": _many("uris", st.sampled_from(("u", "v", "", "none"))),
    "GetEventsByArtifactIDs": _many("artifact_ids", ids),
    "GetEventsByExecutionIDs": _many("execution_ids", ids),
    "GetContextsByArtifact": _one("artifact_id"),
    "GetContextsByExecution": _one("execution_id"),
    "GetParentContextsByContext": _one("context_id"),
    "GetChildrenContextsByContext": _one("context_id"),
    "GetArtifactsByContext": _one("context_id"),
    "GetExecutionsByContext": _one("context_id"),
}
for _kind in KINDS:
    _title = _kind.capitalize()
    _external_ids = st.sampled_from((f"{_kind}1", f"{_kind}2", ""))
    _FILL |= {
        f"Put{_title}Type": _put_type(_kind),
        f"Put{_title}s": _put_nodes(_kind),
        f"Get{_title}Type": _by_name(_kind),
        f"Get{_title}Types": _nothing,
        f"Get{_title}TypesByID": _many("type_ids", type_ids),
        f"Get{_title}TypesByExternalIds": _many(
            "external_ids", st.sampled_from((f"{_kind}1", f"{_kind}2", ""))
        ),
        f"Get{_title}s": _list(_kind),
        f"Get{_title}sByID": _many(f"{_kind}_ids", ids),
        f"Get{_title}sByType": _by_name(_kind),
        f"Get{_title}ByTypeAndName": _by_name(_kind),
        f"Get{_title}sByExternalIds": _many("external_ids", st.sampled_from(("x", "y", ""))),
    }
_WRITES = [method for method in sorted(_FILL) if method.startswith("Put")]
METHODS = (
    *sorted(_FILL),
    *_WRITES * 2,
    *["PutExecution", "PutLineageSubgraph", "PutArtifacts", "GetLineageSubgraph"] * 2,
)
"""Every call, those that write more often."""
