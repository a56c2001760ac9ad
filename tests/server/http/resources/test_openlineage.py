"""OpenLineage's own client, and whoever else sends events to a server."""

import json
from uuid import UUID

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import output_statistics_output_dataset, parent_run
from openlineage.client.transport.http import HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

from tests.compat.openlineage.story import PRODUCER, at, data, happened, said
from tests.server.http.rest import Rest

JOB = Job(namespace="airflow", name="features")


@pytest.fixture
def sender(rest: Rest):
    """OpenLineage's client, which finds the path by itself and packs what it sends."""
    config = HttpConfig.from_dict({"type": "http", "url": f"{rest.url}/", "compression": "gzip"})
    return OpenLineageClient(transport=HttpTransport(config))


def run_event(run, minute, state, **what):
    return RunEvent(eventTime=at(minute), run=run, job=JOB, eventType=state, producer=PRODUCER, **what)


def test_what_its_client_sends_is_lineage(rest: Rest, sender):
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(runId=str(UUID(int=9))), job=parent_run.Job(namespace="airflow", name="daily")
    )
    run = Run(runId=str(generate_new_uuid()), facets={"parent": parent})
    size = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=41_664, size=10_000)
    written = OutputDataset("s3://lake", "features", outputFacets={"outputStatistics": size})

    sender.emit(run_event(run, 0, RunState.START, inputs=[InputDataset("s3://lake", "raw")]))
    sender.emit(run_event(run, 5, RunState.COMPLETE, outputs=[written]))

    found = rest.get("/lineage/data/s3://lake/features/1")
    assert [(node["hops"], node["label"]) for node in found["nodes"]] == [
        (0, "data/s3://lake/features/1 (41,664 rows)"),
        (-1, f"openlineage.Run airflow/features/{run.runId} ({found['nodes'][1]['ref']})"),
        (-2, "data/s3://lake/raw/1"),
    ]


def test_the_answer_says_what_an_event_was_about(rest: Rest):
    event = happened("COMPLETE", 0, inputs=data("raw"), outputs=data("clean"))

    first = rest.post("/lineage", json.loads(event), 201)
    of_job = rest.post("/lineage", json.loads(said(1, job={"namespace": "airflow", "name": "x"})), 201)

    assert (first["inputs"], first["outputs"]) == (["data/s3://lake/raw/1"], ["data/s3://lake/clean/1"])
    assert first["about"].startswith("executions/")
    assert of_job["about"].startswith("contexts/")
    assert rest.post("/lineage", json.loads(event), 201) == first


def test_what_is_no_event_is_refused(rest: Rest):
    fault = rest.fault("POST", "/lineage", {"run": {"runId": "x"}, "job": {}, "eventTime": ""})

    assert (fault["status"], fault["code"]) == (400, "invalid")
    assert "RunEvent" in fault["message"]
    assert rest.fault("POST", "/lineage", b"{")["status"] == 400
