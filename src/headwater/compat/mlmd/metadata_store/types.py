"""Types: putting and getting them."""

from collections.abc import Iterable
from typing import Any

from headwater.compat.mlmd.metadata_store.calls import Calls, ExtraOptions


class TypeMethods(Calls):
    """The methods about types."""

    def put_artifact_type(
        self,
        artifact_type: Any,
        can_add_fields: bool = False,  # noqa: FBT001, FBT002
        can_omit_fields: bool = False,  # noqa: FBT001, FBT002
        extra_options: ExtraOptions | None = None,
    ) -> int:
        """Store an artifact type, or find the equal one that is there.

        Args:
            artifact_type: Known by its name and version.
            can_add_fields: A stored type may gain properties.
            can_omit_fields: Stored properties may be left out; they stay.
            extra_options: Ignored.

        Returns:
            Its id.

        Raises:
            AlreadyExistsError: the stored type differs in a way that the flags do not allow.
            InvalidArgumentError: it has no name, or a property of no kind.
        """
        response = self._ask(
            "PutArtifactType",
            extra_options,
            artifact_type=artifact_type,
            can_add_fields=can_add_fields,
            can_omit_fields=can_omit_fields,
        )
        return response.type_id

    def get_artifact_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> Any:
        """Return the artifact type of this name and version.

        Raises:
            NotFoundError: there is none.
        """
        response = self._ask(
            "GetArtifactType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return response.artifact_type

    def get_artifact_types(self, extra_options: ExtraOptions | None = None) -> list[Any]:
        """Return all artifact types but the system types."""
        return list(self._ask("GetArtifactTypes", extra_options).artifact_types)

    def get_artifact_types_by_id(
        self, type_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the artifact types with these ids; unknown ids are left out."""
        response = self._ask("GetArtifactTypesByID", extra_options, type_ids=list(type_ids))
        return list(response.artifact_types)

    def get_artifact_types_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the artifact types with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetArtifactTypesByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.artifact_types)

    def put_execution_type(
        self,
        execution_type: Any,
        can_add_fields: bool = False,  # noqa: FBT001, FBT002
        can_omit_fields: bool = False,  # noqa: FBT001, FBT002
        extra_options: ExtraOptions | None = None,
    ) -> int:
        """Store an execution type, or find the equal one that is there.

        Args:
            execution_type: Known by its name and version.
            can_add_fields: A stored type may gain properties.
            can_omit_fields: Stored properties may be left out; they stay.
            extra_options: Ignored.

        Returns:
            Its id.

        Raises:
            AlreadyExistsError: the stored type differs in a way that the flags do not allow.
            InvalidArgumentError: it has no name, or a property of no kind.
        """
        response = self._ask(
            "PutExecutionType",
            extra_options,
            execution_type=execution_type,
            can_add_fields=can_add_fields,
            can_omit_fields=can_omit_fields,
        )
        return response.type_id

    def get_execution_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> Any:
        """Return the execution type of this name and version.

        Raises:
            NotFoundError: there is none.
        """
        response = self._ask(
            "GetExecutionType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return response.execution_type

    def get_execution_types(self, extra_options: ExtraOptions | None = None) -> list[Any]:
        """Return all execution types but the system types."""
        return list(self._ask("GetExecutionTypes", extra_options).execution_types)

    def get_execution_types_by_id(
        self, type_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the execution types with these ids; unknown ids are left out."""
        response = self._ask("GetExecutionTypesByID", extra_options, type_ids=list(type_ids))
        return list(response.execution_types)

    def get_execution_types_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the execution types with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetExecutionTypesByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.execution_types)

    def put_context_type(
        self,
        context_type: Any,
        can_add_fields: bool = False,  # noqa: FBT001, FBT002
        can_omit_fields: bool = False,  # noqa: FBT001, FBT002
        extra_options: ExtraOptions | None = None,
    ) -> int:
        """Store a context type, or find the equal one that is there.

        Args:
            context_type: Known by its name and version.
            can_add_fields: A stored type may gain properties.
            can_omit_fields: Stored properties may be left out; they stay.
            extra_options: Ignored.

        Returns:
            Its id.

        Raises:
            AlreadyExistsError: the stored type differs in a way that the flags do not allow.
            InvalidArgumentError: it has no name, or a property of no kind.
        """
        response = self._ask(
            "PutContextType",
            extra_options,
            context_type=context_type,
            can_add_fields=can_add_fields,
            can_omit_fields=can_omit_fields,
        )
        return response.type_id

    def get_context_type(
        self, type_name: str, type_version: str | None = None, extra_options: ExtraOptions | None = None
    ) -> Any:
        """Return the context type of this name and version.

        Raises:
            NotFoundError: there is none.
        """
        response = self._ask(
            "GetContextType", extra_options, type_name=type_name, type_version=type_version or None
        )
        return response.context_type

    def get_context_types(self, extra_options: ExtraOptions | None = None) -> list[Any]:
        """Return all context types but the system types."""
        return list(self._ask("GetContextTypes", extra_options).context_types)

    def get_context_types_by_id(
        self, type_ids: Iterable[int], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the context types with these ids; unknown ids are left out."""
        response = self._ask("GetContextTypesByID", extra_options, type_ids=list(type_ids))
        return list(response.context_types)

    def get_context_types_by_external_ids(
        self, external_ids: Iterable[str], extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return the context types with these external ids.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: an external id is empty.
        """
        response = self._ask("GetContextTypesByExternalIds", extra_options, external_ids=list(external_ids))
        return list(response.context_types)
