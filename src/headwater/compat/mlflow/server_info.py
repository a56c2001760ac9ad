"""What clients ask about the server itself, and calls that only a cloud's storage would answer."""

from typing import Final

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint, get, post
from headwater.compat.mlflow.errors import NOT_IMPLEMENTED, MlflowError
from headwater.compat.mlflow.requests import Request
from headwater.model.access import Permission

MLFLOW_VERSION: Final = "3.17.2"
"""The version whose client and server this package is compared with."""


class NoRequest(Request, frozen=True):
    """A request whose fields do not matter."""


class ServerInfo(Answer):
    """What this server can do."""

    store_type: str
    workspaces_enabled: bool
    trace_archival_enabled: bool
    multipart_uploads_enabled: bool
    multipart_downloads_enabled: bool
    presigned_upload_run_id_supported: bool
    presigned_upload_model_id_supported: bool


class ServerCalls:
    """Answers the calls about the server."""

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        presigned = Endpoint(
            methods=("GET",),
            path="mlflow-artifacts/presigned/{path:path}",
            permission=Permission.READ,
            request=NoRequest,
            answer=_no_parts,
        )
        parts = (
            post(f"mlflow-artifacts/mpu/{step}/{{path:path}}", NoRequest, _no_parts)
            for step in ("create", "complete", "abort")
        )
        urls = (
            post(f"mlflow/artifacts/presigned-{way}-url", NoRequest, _no_presigned)
            for way in ("upload", "download")
        )
        return (get("mlflow/server-info", NoRequest, _info), presigned, *parts, *urls)


def _info(_request: NoRequest, _actor: str | None) -> ServerInfo:
    return ServerInfo(
        store_type="SqlStore",
        workspaces_enabled=False,
        trace_archival_enabled=False,
        multipart_uploads_enabled=False,
        multipart_downloads_enabled=False,
        presigned_upload_run_id_supported=False,
        presigned_upload_model_id_supported=False,
    )


def _no_parts(_request: NoRequest, _actor: str | None) -> Answer:
    raise MlflowError(
        "Multipart and presigned transfers are not supported for the current artifact repository",
        NOT_IMPLEMENTED,
    )


def _no_presigned(_request: NoRequest, _actor: str | None) -> Answer:
    raise MlflowError(
        "Presigned transfers are not supported for proxied artifact storage "
        "(artifact URI scheme: mlflow-artifacts)."
    )
