"""What of two answers has to be equal, and where they differ on purpose."""

from collections.abc import Collection
from typing import Any

from tests.compat.mlmd.peer import Answer

OK, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, INTERNAL = 0, 3, 5, 6, 13
NOW_MS = 10**12
"""Times after this one are of the test's run."""

_HIDDEN = {"s": ("external_id",), "sByExternalIds": ("base_type", "input_type", "output_type")}
"""What the original's `Get…Types` and `Get…TypesByExternalIds` leave out of types."""
_UNORDERED = ("attributions", "associations")


def comparable(method: str, answer: Answer, *, by_update: bool = False) -> Any:
    """What has to be equal of an answer."""
    if answer.code != OK:
        return answer.code
    response = type(answer.response)()
    response.CopyFrom(answer.response)
    _mask(response, hidden=_hidden(method))
    if "next_page_token" in response.DESCRIPTOR.fields_by_name:
        # Some of the original's lists end with an empty token, some with none.
        response.next_page_token = "there is more" if response.next_page_token else ""
    for field in _UNORDERED:
        _sort(response, field)
    if method == "GetEventsByExecutionIDs":
        # The original has them as they were stored, which the times of random requests do not follow.
        _sort(response, "events")
    if method == "GetLineageSubgraph":
        for field in response.lineage_subgraph.DESCRIPTOR.fields:
            _sort(response.lineage_subgraph, field.name)
    if method == "GetArtifactsByURI":
        # The original goes through the URIs as a hash has them, in another order in each process.
        response.artifacts.sort(key=lambda each: each.uri)
    if by_update:
        # Within a millisecond the order is open.
        for field in ("artifacts", "executions", "contexts"):
            _sort(response, field)
    return response


def excuse(method: str, request: Any, theirs: Answer, ours: Answer) -> str | None:
    """Why answers may differ, as a row of docs/mlmd.md says; None if they may not."""
    if (
        theirs.code == INTERNAL
        and ours.code == ALREADY_EXISTS
        and "nique" in theirs.message.lower() + "unique"
    ):
        return "an external id that is taken is an internal error in some calls"
    if theirs.code == INVALID_ARGUMENT and "cannot be rewritten" in theirs.message:
        return "a condition on an enum that stands twice in a filter is refused"
    if theirs.code == OK and ours.code in {INVALID_ARGUMENT, NOT_FOUND} and _guesses_ids(request, theirs):
        return "a node may name the id that an earlier one of the request is about to get"
    if method == "GetLineageSubgraph" and theirs.code == OK and ours.code == INVALID_ARGUMENT:
        options = request.lineage_subgraph_query_options
        queries = {options.ending_artifacts.filter_query, options.ending_executions.filter_query}
        return "a wrong ending filter is noticed when the walk comes to use it" if "oops" in queries else None
    return None


def _guesses_ids(request: Any, theirs: Answer) -> bool:
    """Tell whether a node of a request has the id that another one, which has none, got by it."""
    for kind in ("artifact", "execution", "context"):
        nodes, ids = getattr(request, f"{kind}s", ()), getattr(theirs.response, f"{kind}_ids", ())
        new = {given for node, given in zip(nodes, ids, strict=False) if not node.HasField("id")}
        if any(node.HasField("id") and node.id in new for node in nodes):
            return True
    return False


def _hidden(method: str) -> Collection[str]:
    if method == "GetLineageSubgraph":
        return ("external_id", "base_type")
    if method == "GetArtifactsByID":
        return ("base_type",)
    return _HIDDEN.get(method.partition("Type")[2], ())


def _mask(message: Any, *, hidden: Collection[str]) -> None:
    for field, value in message.ListFields():
        if field.name.endswith("since_epoch") and value > NOW_MS:
            setattr(message, field.name, NOW_MS)
        elif field.name in hidden:
            message.ClearField(field.name)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if hasattr(value, "add") else [value]:
                _mask(each, hidden=hidden)


def _sort(response: Any, field: str) -> None:
    if field in response.DESCRIPTOR.fields_by_name and hasattr(getattr(response, field), "sort"):
        getattr(response, field).sort(key=lambda each: each.SerializeToString(deterministic=True))
