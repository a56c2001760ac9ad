"""The store as MLMD's users know it."""

from types import TracebackType
from typing import Any, Self

from headwater.compat.mlmd.connection import open_configured
from headwater.compat.mlmd.errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from headwater.compat.mlmd.metadata_store.deletion import DeletionMethods
from headwater.compat.mlmd.metadata_store.edges import EdgeMethods
from headwater.compat.mlmd.metadata_store.lineage import LineageMethods
from headwater.compat.mlmd.metadata_store.lists import ListMethods
from headwater.compat.mlmd.metadata_store.remote import RemoteService
from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.wire import definitions
from headwater.errors import InvalidError


class MetadataStore(LineageMethods, ListMethods, EdgeMethods, DeletionMethods):
    """MLMD's `MetadataStore`, over a Headwater store.

    Args of the methods are messages of `headwater.compat.mlmd.proto`, or of the
    original package; answers are always messages of the first.
    """

    def __init__(
        self,
        config: Any,
        enable_upgrade_migration: bool = False,  # noqa: FBT001, FBT002
        *,
        token: str | None = None,
    ) -> None:
        """Open the store that a `ConnectionConfig` names, or use the server of a `MetadataStoreClientConfig`.

        Args:
            config: What to open.
            enable_upgrade_migration: Ignored: `headwater db upgrade` upgrades a server's tables.
            token: For a server that asks who is calling; by default that of `HEADWATER_TOKEN`. It is
                sent over TLS, or to this machine.

        Raises:
            InvalidError: `config` is something else (a `ValueError`).
            RefusedError: the database cannot be opened, or a token would go over the wire in plain text (a
                `RuntimeError`).
        """
        name = getattr(getattr(config, "DESCRIPTOR", None), "full_name", None)
        if name not in {"ml_metadata.ConnectionConfig", "ml_metadata.MetadataStoreClientConfig"}:
            raise InvalidError(
                "MetadataStore is expecting either proto.ConnectionConfig or proto.MetadataStoreClientConfig"
            )
        self._config = definitions().own(config)
        self._is_read_only = False
        if name == "ml_metadata.MetadataStoreClientConfig":
            if enable_upgrade_migration:
                raise InvalidError("Upgrade migration is not allowed when using gRPC connection client")
            self._store = self._service = RemoteService(self._config, token)
            return
        self._store, self._is_read_only = open_configured(self._config)
        self._service = MetadataService(self._store)
        if self._config.HasField("retry_options"):
            self._max_num_retries = self._config.retry_options.max_num_retries

    @property
    def pipeline_asset(self) -> None:
        """None, as in the open-source MLMD."""
        return

    def close(self) -> None:
        """Give back connections; the original has no such method, so old code never calls it."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call_method(self, method_name: str, request: Any, response: Any) -> None:
        if self._is_read_only and method_name.startswith(("Put", "Delete", "Restore")):
            raise FailedPreconditionError(f"{method_name}: the connection_mode is READONLY")
        response.CopyFrom(self._service.call(method_name, request))


def downgrade_schema(config: Any, downgrade_to_schema_version: int) -> None:
    """Refuse: there is no older schema of MLMD's in a Headwater store.

    Raises:
        InvalidArgumentError: no version is given, or one that is newer than MLMD's last.
        UnimplementedError: otherwise.
    """
    del config
    if downgrade_to_schema_version < 0:
        raise InvalidArgumentError("downgrade_to_schema_version not specified")
    if downgrade_to_schema_version > LAST_SCHEMA:
        raise InvalidArgumentError(
            f"MLMD cannot be downgraded to schema_version {downgrade_to_schema_version}: "
            f"it is larger than {LAST_SCHEMA}"
        )
    raise UnimplementedError("a Headwater store has no MLMD schema to downgrade: export the data instead")


LAST_SCHEMA = 10
"""The schema version of the last MLMD release."""
