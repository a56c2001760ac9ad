"""Nodes: putting and getting them."""

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.compat.mlmd.metadata_store.calls import Calls, ExtraOptions


class NodeMethods(Calls):
    """The methods that put nodes and find them by what they are."""

    def put_artifacts(
        self,
        artifacts: Sequence[Any],
        field_mask_paths: Sequence[str] | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> list[int]:
        """Store artifacts without id, and change those with one, all or none.

        Args:
            artifacts: A change replaces the whole artifact.
            field_mask_paths: What changes are about, such as `properties.rows`; empty for all.
            extra_options: Ignored.

        Returns:
            Ids, index-aligned with `artifacts`.

        Raises:
            AlreadyExistsError: a name or an external id is taken.
            NotFoundError: a type is not stored.
            InvalidArgumentError: an id is unknown, or a property is not of its type.
        """
        mask = {"paths": list(field_mask_paths)} if field_mask_paths else None
        response = self._ask("PutArtifacts", extra_options, artifacts=artifacts, update_mask=mask)
        return list(response.artifact_ids)

    def get_artifacts_by_id(
        self, artifact_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the artifacts with these ids, by id, each once; unknown ids are left out."""
        response = self._ask("GetArtifactsByID", extra_options, artifact_ids=list(artifact_ids))
        return list(response.artifacts)

    def get_artifacts_by_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the artifacts of a type; none if there is no such type."""
        response = self._ask(
            "GetArtifactsByType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return list(response.artifacts)

    def get_artifact_by_type_and_name(
        self,
        type_name: str,
        artifact_name: str,
        type_version: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> Any | None:
        """Return the artifact of this type and name, or None."""
        response = self._ask(
            "GetArtifactByTypeAndName",
            extra_options,
            type_name=type_name,
            artifact_name=artifact_name,
            type_version=type_version or None,
        )
        return response.artifact if response.HasField("artifact") else None

    def get_artifacts_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the artifacts with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetArtifactsByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.artifacts)

    def put_executions(
        self,
        executions: Sequence[Any],
        field_mask_paths: Sequence[str] | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> list[int]:
        """Store executions without id, and change those with one, all or none.

        Args:
            executions: A change replaces the whole execution.
            field_mask_paths: What changes are about, such as `properties.rows`; empty for all.
            extra_options: Ignored.

        Returns:
            Ids, index-aligned with `executions`.

        Raises:
            AlreadyExistsError: a name or an external id is taken.
            NotFoundError: a type is not stored.
            InvalidArgumentError: an id is unknown, or a property is not of its type.
        """
        mask = {"paths": list(field_mask_paths)} if field_mask_paths else None
        response = self._ask("PutExecutions", extra_options, executions=executions, update_mask=mask)
        return list(response.execution_ids)

    def get_executions_by_id(
        self, execution_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the executions with these ids, by id, each once; unknown ids are left out."""
        response = self._ask("GetExecutionsByID", extra_options, execution_ids=list(execution_ids))
        return list(response.executions)

    def get_executions_by_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the executions of a type; none if there is no such type."""
        response = self._ask(
            "GetExecutionsByType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return list(response.executions)

    def get_execution_by_type_and_name(
        self,
        type_name: str,
        execution_name: str,
        type_version: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> Any | None:
        """Return the execution of this type and name, or None."""
        response = self._ask(
            "GetExecutionByTypeAndName",
            extra_options,
            type_name=type_name,
            execution_name=execution_name,
            type_version=type_version or None,
        )
        return response.execution if response.HasField("execution") else None

    def get_executions_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the executions with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetExecutionsByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.executions)

    def put_contexts(
        self,
        contexts: Sequence[Any],
        field_mask_paths: Sequence[str] | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> list[int]:
        """Store contexts without id, and change those with one, all or none.

        Args:
            contexts: A change replaces the whole context.
            field_mask_paths: What changes are about, such as `properties.rows`; empty for all.
            extra_options: Ignored.

        Returns:
            Ids, index-aligned with `contexts`.

        Raises:
            AlreadyExistsError: a name or an external id is taken.
            NotFoundError: a type is not stored.
            InvalidArgumentError: an id is unknown, or a property is not of its type.
        """
        mask = {"paths": list(field_mask_paths)} if field_mask_paths else None
        response = self._ask("PutContexts", extra_options, contexts=contexts, update_mask=mask)
        return list(response.context_ids)

    def get_contexts_by_id(
        self, context_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the contexts with these ids, by id, each once; unknown ids are left out."""
        response = self._ask("GetContextsByID", extra_options, context_ids=list(context_ids))
        return list(response.contexts)

    def get_contexts_by_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the contexts of a type; none if there is no such type."""
        response = self._ask(
            "GetContextsByType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return list(response.contexts)

    def get_context_by_type_and_name(
        self,
        type_name: str,
        context_name: str,
        type_version: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> Any | None:
        """Return the context of this type and name, or None."""
        response = self._ask(
            "GetContextByTypeAndName",
            extra_options,
            type_name=type_name,
            context_name=context_name,
            type_version=type_version or None,
        )
        return response.context if response.HasField("context") else None

    def get_contexts_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the contexts with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetContextsByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.contexts)

    def get_artifacts_by_uri(self, uri: str, extra_options: ExtraOptions | None = None) -> list[Any]:
        """Return the artifacts at a URI."""
        return list(self._ask("GetArtifactsByURI", extra_options, uris=[uri]).artifacts)

    def get_artifacts_and_types_by_artifact_ids(
        self, artifact_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> tuple[list[Any], list[Any]]:
        """Return the artifacts with these ids, and their types."""
        response = self._ask(
            "GetArtifactsByID", extra_options, artifact_ids=list(artifact_ids), populate_artifact_types=True
        )
        return list(response.artifacts), list(response.artifact_types)
