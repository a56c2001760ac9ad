"""Events as clients write them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2013, 10, 25, 6, tzinfo=UTC)
PRODUCER = "https://example.org/scheduler"


def run_id(number):
    return str(UUID(int=number))


def at(minute):
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def data(*names, namespace="s3://lake", **facets):
    return [{"namespace": namespace, "name": name, "facets": facets} for name in names]


def happened(kind, minute, *, run=1, job="features", inputs=(), outputs=(), facets=None, of_job=None):
    """Return an event of a run."""
    return json.dumps(
        {
            "eventType": kind,
            "eventTime": at(minute),
            "producer": PRODUCER,
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id(run), "facets": facets or {}},
            "job": {"namespace": "airflow", "name": job, "facets": of_job or {}},
            "inputs": list(inputs),
            "outputs": list(outputs),
        }
    )


def said(minute, **what):
    """Return an event of a job or a data set."""
    return json.dumps({"eventTime": at(minute), "producer": PRODUCER, "schemaURL": "", **what})
