"""Why the data gate refused a delivery, as it stands in the store."""

import json
from typing import Any

from headwater.model import builtin
from headwater.model.data import DataVersion
from headwater.sdk.client import Client
from headwater.validation.data import Severity, newest_verdicts


def refusal_of(client: Client, data: DataVersion) -> list[str]:
    """Return what was wrong with a data version, a line a column; empty when nothing was.

    Args:
        client: The store.
        data: The data version.
    """
    by_column: dict[str, list[str]] = {}
    for anomaly in _anomalies(client, data):
        if anomaly["severity"] == Severity.ERROR:
            by_column.setdefault(anomaly["column"] or "the table", []).append(anomaly["short"])
    return [f"{column}: {'; '.join(reasons)}" for column, reasons in by_column.items()]


def _anomalies(client: Client, data: DataVersion) -> list[dict[str, Any]]:
    verdict = newest_verdicts(client.store, [data.id]).get(data.id)
    if verdict is None:
        return []
    made = client.store.links.events_of_executions([verdict.evaluation_id], are_outputs=True)
    for artifact in client.store.artifacts.get([event.artifact_id for event in made]):
        if artifact.type_name == builtin.ANOMALIES.name and artifact.digest:
            return json.loads(client.blobs.read(artifact.digest))["anomalies"]
    return []
