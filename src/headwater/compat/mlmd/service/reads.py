"""Calls that read nodes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from headwater.compat.mlmd.errors import InvalidArgumentError, NotFoundError
from headwater.compat.mlmd.service.kinds import ARTIFACT, EXECUTION, KINDS, Kind, Message, answer
from headwater.compat.mlmd.service.lists import Lists
from headwater.compat.mlmd.service.nodes import answer_of_nodes, message_of
from headwater.compat.mlmd.service.options import read_options
from headwater.compat.mlmd.service.types import checked_external_ids, type_message
from headwater.model.filters import Comparison, Field, Operator, Relation, Scope
from headwater.model.protocols import Store


class ReadCalls:
    """The calls that read nodes."""

    def __init__(self, store: Store, max_bytes: int | None = None) -> None:
        """Take the store, and how large an answer that is not paged may get."""
        self._store = store
        self._lists = Lists(store, max_bytes)

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        found: dict[str, Callable[[Any], Any]] = {"GetArtifactsByURI": self.by_uri}
        for kind in KINDS:
            word = kind.title
            found[f"Get{word}s"] = partial(self.get_all, kind)
            found[f"Get{word}sByID"] = partial(self.by_ids, kind)
            found[f"Get{word}sByType"] = partial(self.by_type, kind)
            found[f"Get{word}ByTypeAndName"] = partial(self.by_type_and_name, kind)
            found[f"Get{word}sByExternalIds"] = partial(self.by_external_ids, kind)
        for kind in (ARTIFACT, EXECUTION):
            found[f"Get{kind.title}sByContext"] = partial(self.by_context, kind)
        return found

    def get_all(self, kind: Kind, request: Message) -> Message:
        """List nodes."""
        return self._lists.answer(f"Get{kind.title}s", kind, request)

    def by_type(self, kind: Kind, request: Message) -> Message:
        """List the nodes of a type; none if there is no such type."""
        call = f"Get{kind.title}sByType"
        found = self._store.types.find(kind.kind, request.type_name, request.type_version or None)
        if found is None:
            return answer(call)
        is_of_type = Comparison(Field(Scope.ATTRIBUTE, "type_id"), Operator.EQ, found.id)
        return self._lists.answer(call, kind, request, among=is_of_type)

    def by_context(self, kind: Kind, request: Message) -> Message:
        """List the nodes that belong to a context."""
        field = Field(Scope.ATTRIBUTE, "id", Relation.CONTEXTS)
        is_in_context = Comparison(field, Operator.EQ, request.context_id)
        return self._lists.answer(f"Get{kind.title}sByContext", kind, request, among=is_in_context)

    def by_ids(self, kind: Kind, request: Message) -> Message:
        """Return the nodes with some ids, by id, each once."""
        ids = sorted(set(getattr(request, f"{kind.word}_ids")))
        nodes: list[Any] = kind.nodes(self._store).get(ids) if ids else []
        response = answer_of_nodes(f"Get{kind.title}sByID", kind, nodes)
        if kind is ARTIFACT and request.populate_artifact_types:
            for each in self._store.types.get(sorted({node.type_id for node in nodes})):
                response.artifact_types.append(type_message(kind, each))
        return response

    def by_type_and_name(self, kind: Kind, request: Message) -> Message:
        """Return the node of a type and name, or nothing."""
        call = f"Get{kind.title}ByTypeAndName"
        found = self._store.types.find(kind.kind, request.type_name, request.type_version or None)
        name = getattr(request, f"{kind.word}_name")
        node = None if found is None else kind.nodes(self._store).find(found.id, name)
        return answer(call) if node is None else answer(call, **{kind.word: message_of(kind, node)})

    def by_external_ids(self, kind: Kind, request: Message) -> Message:
        """Return the nodes with some external ids."""
        wanted = checked_external_ids(request)
        nodes = kind.nodes(self._store).by_external_ids(sorted(wanted))
        if wanted and not nodes:
            raise NotFoundError(f"No {kind.word}s found for external_ids.")
        return answer_of_nodes(f"Get{kind.title}sByExternalIds", kind, nodes)

    def by_uri(self, request: Message) -> Message:
        """Return the artifacts at some URIs; as in a list, deleted ones only on demand."""
        if _has_old_uri(request):
            raise InvalidArgumentError("The request has the uri field of old clients: send uris")
        found = self._store.artifacts.by_uris(sorted(set(request.uris)))
        shows_all = read_options(request).with_deleted
        nodes = [node for node in found if shows_all or node.deleted_ms is None]
        return answer_of_nodes("GetArtifactsByURI", ARTIFACT, nodes)


def _has_old_uri(request: Message) -> bool:
    from google.protobuf.unknown_fields import UnknownFieldSet

    return any(field.field_number == 1 for field in UnknownFieldSet(request))
