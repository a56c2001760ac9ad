"""The REST API's own description, in OpenAPI."""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter
from starlette.responses import Response

from headwater.blobs import open_blobs
from headwater.server.http.access import public
from headwater.server.http.json_values import json_bytes

API: Final = "/api/v1"
_ABOUT: Final = (
    "Lists take `q`, `sort`, `fields`, `cursor`, `limit`, `count` and `at`; times are milliseconds; NaN and "
    'infinities are the strings "NaN", "Infinity" and "-Infinity". docs/server.md says more.'
)


@dataclass(frozen=True, slots=True)
class FaultOut:
    """What went wrong: `code` for programs, `message` for people, names that are near, and what to do."""

    code: str
    message: str
    near: list[str]
    fix: str | None


_FAULTS: Final[Mapping[str, str]] = {
    "400": "The request can never be right.",
    "401": "The caller did not say who they are.",
    "403": "The caller may not do this.",
    "404": "There is no such thing.",
    "409": "It contradicts what is stored, or is refused.",
    "412": "It has changed since it was read.",
    "413": "The body is too large.",
    "428": "The request has to say what it has seen, in If-Match.",
    "429": "Too many failures; Retry-After says how long to wait.",
    "503": "The store cannot be reached; try again.",
}
_OF_WRITES: Final = frozenset({"409", "412", "413", "428"})


def description_router(app: FastAPI) -> APIRouter:
    """Return the route of the description; anybody may read it."""
    router = APIRouter()

    @router.get("/openapi.json", dependencies=[public()], include_in_schema=False)
    def get_description() -> Response:
        return Response(json_bytes(description(app)), media_type="application/json")

    return router


def description(app: FastAPI) -> dict[str, Any]:
    """Describe the routes of the REST API; those of other doors have their own words."""
    routes = [route for route in iter_route_contexts(app.routes) if (route.path or "").startswith(API)]
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_ABOUT,
        routes=routes,
    )
    _describe_faults(found)
    return found


def _describe_faults(found: dict[str, Any]) -> None:
    """Give every operation its faults: by reference, or they would be most of the text."""
    parts = found["components"]
    parts["schemas"]["FaultOut"] = TypeAdapter(FaultOut).json_schema()
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/FaultOut"}}}
    parts["responses"] = {f"Fault{s}": {"description": t, "content": content} for s, t in _FAULTS.items()}
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    for operations in found["paths"].values():
        for method, operation in operations.items():
            # FastAPI's own answer to a bad request, which is 400 here.
            operation["responses"].pop("422", None)
            for status in _FAULTS:
                if method != "get" or status not in _OF_WRITES:
                    operation["responses"][status] = {"$ref": f"#/components/responses/Fault{status}"}


def write_description(file: Path) -> None:
    """Write the description of this version's API to a file, the same text on every machine."""
    from headwater.server.http.app import create_app
    from headwater.server.http.backend import Backend
    from headwater.store import open_store

    with open_store("memory://") as store, tempfile.TemporaryDirectory() as spool:
        app = create_app(Backend(store=store, blobs=open_blobs("memory://"), spool=Path(spool)))
        found = description(app)
        app.state.mlflow.close()
    file.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_description(Path(sys.argv[1]))
