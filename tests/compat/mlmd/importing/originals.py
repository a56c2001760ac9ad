"""Databases that the original library makes, and what it or Headwater says of all that is in one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from headwater.compat.mlmd.wire import definitions
from tests.compat.mlmd.peer import Original

KINDS = ("Artifact", "Execution", "Context")
Call = Callable[[str, Any], Any]
"""Answers a call: its method and request in, its response out."""

TYPES = """
artifact_types { name: "Table" version: "v1" description: "rows" external_id: "table" base_type: DATASET
  properties { key: "i" value: INT } properties { key: "d" value: DOUBLE }
  properties { key: "s" value: STRING }
  properties { key: "m" value: STRUCT } properties { key: "p" value: PROTO }
  properties { key: "b" value: BOOLEAN } }
artifact_types { name: "Table" }
execution_types { name: "Train" base_type: TRAIN
  input_type { dict { properties { key: "x" value { simple {} } } } } output_type { any {} } }
execution_types { name: "Plain" properties { key: "i" value: INT } }
context_types { name: "Pipeline" external_id: "pipeline" properties { key: "s" value: STRING } }
"""
"""Ids 10 and 11 are artifact types, 12 and 13 execution types, 14 a context type."""

NODES = r"""
PutArtifacts artifacts { type_id: 10 name: "all" uri: "s3://b/é" external_id: "a1" state: LIVE
  properties { key: "i" value { int_value: -2147483648 } }
  properties { key: "d" value { double_value: 0.5 } }
  properties { key: "s" value { string_value: "é😀 \" %s" } }
  properties { key: "b" value { bool_value: false } }
  properties { key: "m" value { struct_value { fields { key: "~~~" value { list_value {
    values { number_value: 1 } values { null_value: NULL_VALUE } values { struct_value {} }
  values { bool_value: true }
    values { string_value: "ÿÿ>>>???" } } } } } } }
  properties { key: "p" value { proto_value { type_url: "t/ml_metadata.Event" value: "\010\001\377\376" } } }
  custom_properties { key: "i" value { int_value: 7 } }
  custom_properties { key: "d" value { double_value: -1.25 } }
  custom_properties { key: "s" value { string_value: "" } }
  custom_properties { key: "b" value { bool_value: true } }
  custom_properties { key: "m" value { struct_value {} } }
  custom_properties { key: "ключ" value { int_value: 0 } }
  custom_properties { key: "p" value { proto_value { type_url: "t/x" } } } }
PutArtifacts artifacts { type_id: 11 } artifacts { type_id: 11 name: "" }
  artifacts { type_id: 2 name: "m" state: UNKNOWN }
PutExecutions executions { type_id: 12 name: "train" external_id: "e1" last_known_state: CACHED }
  executions { type_id: 13 properties { key: "i" value { int_value: 1 } } }
PutContexts contexts { type_id: 14 name: "run" external_id: "c1"
  properties { key: "s" value { string_value: "x" } } }
  contexts { type_id: 14 name: "all" custom_properties { key: "k" value { double_value: 0 } } }
PutParentContexts parent_contexts { child_id: 1 parent_id: 2 }
PutEvents events { artifact_id: 1 execution_id: 1 type: INPUT milliseconds_since_epoch: 5
  path { steps { key: "in" } steps { index: 1 } steps { index: 0 } steps { key: "ä" } } }
  events { artifact_id: 2 execution_id: 1 type: OUTPUT path { steps { index: 3 } } }
  events { artifact_id: 2 execution_id: 2 type: DECLARED_INPUT }
PutAttributionsAndAssociations attributions { artifact_id: 1 context_id: 1 }
  attributions { artifact_id: 2 context_id: 1 }
  attributions { artifact_id: 2 context_id: 2 } associations { execution_id: 1 context_id: 1 }
"""
LAST = {"Artifact": 4, "Execution": 2, "Context": 2}


def message(name: str, text: str = "") -> Any:
    """A message of the definitions, from its text form."""
    pool = definitions()
    return text_format.Parse(text, pool.message(name)(), descriptor_pool=pool.pool)


def requests() -> list[tuple[str, Any]]:
    """What makes the population, one call after another."""
    found = [("PutTypes", message("PutTypesRequest", TYPES))]
    for line in NODES.strip().splitlines():
        if line.startswith("Put"):
            method, _, text = line.partition(" ")
            found.append((method, text))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
    return [
        (method, text if method == "PutTypes" else message(f"{method}Request", text))
        for method, text in found
    ]


def populate(original: Original, place: Path | str | None) -> None:
    """Let the original library put the population into a SQLite file, or a server's database."""
    original.open(place)
    for method, request in requests():
        answer = original.call(method, request)
        assert answer.code == 0, (method, answer.message)


def asked(original: Original) -> Call:
    """Calls that the original library answers."""

    def call(method: str, request: Any) -> Any:
        answer = original.call(method, request)
        assert answer.code == 0, (method, answer.message)
        return answer.response

    return call


def everything(call: Call, last: dict[str, int] = LAST) -> dict[str, Any]:
    """All that clients can see of a database, in an order of its own."""
    seen: dict[str, Any] = {}
    for kind in KINDS:
        ids = range(1, last[kind] + 1)
        lower = kind.lower()
        types = call(
            f"Get{kind}TypesByID", message(f"Get{kind}TypesByIDRequest", ids_text("type_ids", range(1, 20)))
        )
        nodes = call(f"Get{kind}sByID", message(f"Get{kind}sByIDRequest", ids_text(f"{lower}_ids", ids)))
        seen[f"{kind} types"] = by_id(getattr(types, f"{lower}_types"))
        seen[f"{kind}s"] = by_id(getattr(nodes, f"{lower}s"))
    executions = ids_text("execution_ids", range(1, last["Execution"] + 1))
    found = call("GetEventsByExecutionIDs", message("GetEventsByExecutionIDsRequest", executions))
    seen["events"] = sorted(map(text_of, found.events))
    for i in range(1, last["Context"] + 1):
        for name in ("GetArtifactsByContext", "GetExecutionsByContext", "GetParentContextsByContext"):
            found = call(name, message(f"{name}Request", f"context_id: {i}"))
            seen[f"{name} {i}"] = sorted(each.id for _, many in found.ListFields() for each in many)
    return seen


def by_id(messages: Any) -> dict[int, str]:
    """Messages as text, by their ids."""
    return {each.id: text_of(each) for each in sorted(messages, key=lambda each: each.id)}


def text_of(each: Any) -> str:
    """The text form, in which maps are sorted."""
    return text_format.MessageToString(each, as_utf8=True)


def ids_text(field: str, ids: Any) -> str:
    """The text form of a list of ids."""
    return " ".join(f"{field}: {i}" for i in ids)
