"""The description of the REST API, and that the API survives whatever it allows."""

import json
import subprocess
import sys
from pathlib import Path

from headwater.server.http.access import undeclared
from headwater.server.http.description import write_description
from tests.server.http.rest import Rest

WRITTEN = Path(__file__).parents[3] / "docs" / "openapi.json"


def operations(described: dict) -> list[tuple[str, dict]]:
    """Return each operation with its method and path."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, found in described["paths"].items()
        for method, operation in found.items()
    ]


def test_the_description_in_the_docs_is_that_of_the_code(tmp_path: Path):
    write_description(tmp_path / "openapi.json")

    # `make openapi` writes it anew.
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == WRITTEN.read_text(encoding="utf-8")


def test_anybody_may_read_the_description(rest: Rest):
    found = rest.ask("GET", "/openapi.json")

    assert (found.status, found.json["info"]["title"]) == (200, "Headwater")


def test_every_operation_has_a_name_of_its_own_a_summary_and_an_answer():
    found = operations(json.loads(WRITTEN.read_text(encoding="utf-8")))
    names = [operation["operationId"] for _, operation in found]

    assert len(set(names)) == len(names)
    assert [where for where, operation in found if not operation.get("summary")] == []
    assert [where for where, operation in found if not _has_answer(operation)] == []


def _has_answer(operation: dict) -> bool:
    good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    empty = "204" in operation["responses"]
    return empty or all(each.get("schema") != {} for a in good for each in a.get("content", {}).values())


def test_every_route_declares_who_may_call_it(rest: Rest):
    assert undeclared(rest.app) == []


def test_whatever_the_description_allows_the_server_does_not_fail(rest: Rest, tmp_path: Path):
    command = [Path(sys.executable).with_name("schemathesis"), "run", WRITTEN, "--url", rest.url]
    bounds = ["--phases", "fuzzing", "--max-examples", "3", "--generation-deterministic", "--workers", "1"]
    # A stream never ends.
    chosen = ["--checks", "not_a_server_error", "--exclude-operation-id", "stream_events", "--no-color"]

    done = subprocess.run(
        [*command, *bounds, *chosen], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-1000:]
