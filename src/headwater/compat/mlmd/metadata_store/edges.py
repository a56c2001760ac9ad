"""Edges: events, memberships and parents, and publishing nodes with them."""

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.compat.mlmd.metadata_store.calls import Calls, ExtraOptions


class EdgeMethods(Calls):
    """The methods about edges."""

    def put_events(self, events: Sequence[Any], extra_options: ExtraOptions | None = None) -> None:
        """Store events, all or none.

        Raises:
            AlreadyExistsError: one of the same artifact, execution and type is stored.
            InvalidArgumentError: an end is not stored, or an event has no type.
        """
        self._ask("PutEvents", extra_options, events=events)

    def put_attributions_and_associations(
        self,
        attributions: Sequence[Any],
        associations: Sequence[Any],
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Store memberships, all or none; those that are there stay.

        Raises:
            InvalidArgumentError: a node is not stored.
        """
        self._ask(
            "PutAttributionsAndAssociations",
            extra_options,
            attributions=attributions,
            associations=associations,
        )

    def put_parent_contexts(
        self, parent_contexts: Sequence[Any], extra_options: ExtraOptions | None = None
    ) -> None:
        """Make contexts part of others, all or none.

        Raises:
            AlreadyExistsError: a link is stored.
            InvalidArgumentError: a context is not stored, or the link would close a cycle.
        """
        self._ask("PutParentContexts", extra_options, parent_contexts=parent_contexts)

    def put_execution(
        self,
        execution: Any,
        artifact_and_events: Sequence[tuple[Any, Any | None]],
        contexts: Sequence[Any] | None,
        reuse_context_if_already_exist: bool = False,  # noqa: FBT001, FBT002
        reuse_artifact_if_already_exist_by_external_id: bool = False,  # noqa: FBT001, FBT002
        force_reuse_context: bool = False,  # noqa: FBT001, FBT002
        force_update_time: bool = False,  # noqa: FBT001, FBT002
        extra_options: ExtraOptions | None = None,
    ) -> tuple[int, list[int], list[int]]:
        """Store an execution with its artifacts, events and contexts, all or none.

        Args:
            execution: New, or with an id to change it.
            artifact_and_events: Pairs of an artifact and the event that ties it, or None.
            contexts: The artifacts and the execution are linked to all of them.
            reuse_context_if_already_exist: A context without id that is stored is used as it is.
            reuse_artifact_if_already_exist_by_external_id: An artifact without id whose external id
                is stored changes that one.
            force_reuse_context: A context with an id is linked and not changed.
            force_update_time: Move the time of the last update even if nothing else changes.
            extra_options: Ignored.

        Returns:
            The ids of the execution, the artifacts and the contexts, aligned with the arguments.
        """
        # A pair may lack its second half, and be empty.
        pairs = [(*pair, None)[:2] for pair in artifact_and_events if pair]
        own_pairs = [
            self._message("PutExecutionRequest.ArtifactAndEvent", artifact=artifact, event=event)
            for artifact, event in pairs
        ]
        options = {
            "reuse_context_if_already_exist": reuse_context_if_already_exist,
            "reuse_artifact_if_already_exist_by_external_id": reuse_artifact_if_already_exist_by_external_id,
            "force_reuse_context": force_reuse_context,
            "force_update_time": force_update_time,
        }
        response = self._ask(
            "PutExecution",
            extra_options,
            execution=execution,
            artifact_event_pairs=own_pairs,
            contexts=contexts or [],
            options=options,
        )
        return response.execution_id, list(response.artifact_ids), list(response.context_ids)

    def put_lineage_subgraph(
        self,
        executions: Sequence[Any],
        artifacts: Sequence[Any],
        contexts: Sequence[Any],
        event_edges: Sequence[tuple[int | None, int | None, Any]],
        reuse_context_if_already_exist: bool = False,  # noqa: FBT001, FBT002
        reuse_artifact_if_already_exist_by_external_id: bool = False,  # noqa: FBT001, FBT002
        extra_options: ExtraOptions | None = None,
    ) -> tuple[list[int], list[int], list[int]]:
        """Store nodes and the events between them, all or none.

        Args:
            executions: New, or with an id to change them; so are artifacts and contexts.
            artifacts: All are linked to all contexts, as the executions are.
            contexts: What they are linked to.
            event_edges: Index of the execution, index of the artifact, and the event; for None the
                event has the id.
            reuse_context_if_already_exist: As in `put_execution`.
            reuse_artifact_if_already_exist_by_external_id: As in `put_execution`.
            extra_options: Ignored.

        Returns:
            The ids of executions, artifacts and contexts, aligned with the arguments.
        """
        edges = [
            self._message(
                "PutLineageSubgraphRequest.EventEdge",
                execution_index=execution_index,
                artifact_index=artifact_index,
                event=event,
            )
            for execution_index, artifact_index, event in event_edges
        ]
        options = {
            "reuse_context_if_already_exist": reuse_context_if_already_exist,
            "reuse_artifact_if_already_exist_by_external_id": reuse_artifact_if_already_exist_by_external_id,
        }
        response = self._ask(
            "PutLineageSubgraph",
            extra_options,
            executions=executions,
            artifacts=artifacts,
            contexts=contexts,
            event_edges=edges,
            options=options,
        )
        return list(response.execution_ids), list(response.artifact_ids), list(response.context_ids)

    def get_events_by_execution_ids(
        self, execution_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the events of executions."""
        response = self._ask("GetEventsByExecutionIDs", extra_options, execution_ids=list(execution_ids))
        return list(response.events)

    def get_events_by_artifact_ids(
        self, artifact_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the events of artifacts."""
        response = self._ask("GetEventsByArtifactIDs", extra_options, artifact_ids=list(artifact_ids))
        return list(response.events)

    def get_contexts_by_artifact(
        self, artifact_id: int, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the contexts of an artifact.

        Raises:
            NotFoundError: it has none.
        """
        return list(self._ask("GetContextsByArtifact", extra_options, artifact_id=artifact_id).contexts)

    def get_contexts_by_execution(
        self, execution_id: int, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the contexts of an execution.

        Raises:
            NotFoundError: it has none.
        """
        return list(self._ask("GetContextsByExecution", extra_options, execution_id=execution_id).contexts)

    def get_parent_contexts_by_context(
        self, context_id: int, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return what a context is part of."""
        return list(self._ask("GetParentContextsByContext", extra_options, context_id=context_id).contexts)

    def get_children_contexts_by_context(
        self, context_id: int, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the parts of a context."""
        return list(self._ask("GetChildrenContextsByContext", extra_options, context_id=context_id).contexts)
