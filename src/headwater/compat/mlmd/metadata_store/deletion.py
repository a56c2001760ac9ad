"""Deletion, which MLMD never had."""

from collections.abc import Iterable

from headwater.compat.mlmd.metadata_store.calls import Calls, ExtraOptions
from headwater.compat.mlmd.wire import definitions
from headwater.model.actor import default_actor


class DeletionMethods(Calls):
    """The methods that delete and restore nodes.

    Lists leave deleted nodes out; lineage, and whoever asks by id, by name or by external id, still
    see them: artifacts in the state DELETED, and each with a `headwater.mlmd.Deletion` in its
    `system_metadata`. The ledger keeps who deleted them and why. `headwater gc` removes them for
    good some time later.
    """

    def delete_artifacts(
        self,
        artifact_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Delete artifacts, all or none; those that are deleted stay so.

        Args:
            artifact_ids: Their ids.
            reason: Why, for the ledger.
            extra_options: Ignored.

        Raises:
            NotFoundError: there is no such artifact.
            FailedPreconditionError: one is a version of a registered model.
        """
        self._decide("DeleteArtifacts", artifact_ids, reason, extra_options)

    def delete_executions(
        self,
        execution_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Delete executions, all or none; a run goes with the files that it alone logged.

        Args:
            execution_ids: Their ids.
            reason: Why, for the ledger.
            extra_options: Ignored.

        Raises:
            NotFoundError: there is no such execution.
            FailedPreconditionError: one is a run that made a version of a registered model.
        """
        self._decide("DeleteExecutions", execution_ids, reason, extra_options)

    def delete_contexts(
        self,
        context_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Delete contexts, all or none; what belongs to them stays.

        Args:
            context_ids: Their ids.
            reason: Why, for the ledger.
            extra_options: Ignored.

        Raises:
            NotFoundError: there is no such context.
            FailedPreconditionError: one is a registered model.
        """
        self._decide("DeleteContexts", context_ids, reason, extra_options)

    def restore_artifacts(
        self,
        artifact_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Take the deletion of artifacts back, all or none.

        Raises:
            NotFoundError: one is not stored, or was removed for good.
        """
        self._decide("RestoreArtifacts", artifact_ids, reason, extra_options)

    def restore_executions(
        self,
        execution_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Take the deletion of executions back, all or none.

        Raises:
            NotFoundError: one is not stored, or was removed for good.
        """
        self._decide("RestoreExecutions", execution_ids, reason, extra_options)

    def restore_contexts(
        self,
        context_ids: Iterable[int],
        reason: str | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> None:
        """Take the deletion of contexts back, all or none.

        Raises:
            NotFoundError: one is not stored, or was removed for good.
        """
        self._decide("RestoreContexts", context_ids, reason, extra_options)

    def _decide(
        self, method: str, ids: Iterable[int], reason: str | None, extra_options: ExtraOptions | None
    ) -> None:
        request = definitions().class_of("headwater.mlmd.DeletionRequest")(ids=ids, actor=default_actor())
        if reason is not None:
            request.reason = reason
        response = definitions().class_of("headwater.mlmd.DeletionResponse")()
        self._call(method, request, response, extra_options)
