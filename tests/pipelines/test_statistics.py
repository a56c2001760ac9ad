"""Statistics of data as what steps take and give."""

from collections.abc import Generator

import pytest

import headwater as hw
from headwater.errors import PipelineFailedError
from headwater.model import builtin
from headwater.model.graph import Artifact
from headwater.sdk import Client
from headwater.validation.data import statistics

pytest.importorskip("ibis")

ROWS = [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]


@hw.step
def measure(data: hw.Dataset) -> hw.Statistics:
    return statistics(data)


@hw.step
def rows_in(measured: hw.Statistics) -> int:
    return measured.row_count


@hw.step
def rows_in_all(measured: list[hw.Statistics]) -> int:
    return sum(each.row_count for each in measured)


@hw.step
def type_of(measured: Artifact) -> str:
    return measured.type_name


@hw.step
def pretend(data: hw.Dataset) -> hw.Statistics:
    return {"row_count": 2}  # pyright: ignore[reportReturnType]


@hw.pipeline
def measured(data: str):
    found = measure(data)
    return found, rows_in(found), rows_in_all([found, found]), type_of(found)


@hw.pipeline
def looked_at(found: str):
    return rows_in(found)


@hw.pipeline
def pretended(data: str):
    return pretend(data)


@pytest.fixture
def client(tmp_path) -> Generator[Client]:
    (tmp_path / "pyproject.toml").touch()
    with Client(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        opened.dataset("seed", ROWS)
        yield opened


def start(client, pipeline, **params):
    return client.pipelines.start(pipeline, params)


def artifact_of(client, done, step):
    (stored,) = done.steps[step].outputs
    return client.store.artifacts.get([stored.artifact_id])[0]


def test_statistics_are_an_artifact_that_steps_read(client):
    done = start(client, measured, data="data/seed")

    made = artifact_of(client, done, "measure")
    assert done.value == (statistics(ROWS), 2, 4, builtin.STATISTICS.name)
    assert (made.type_name, made.properties) == (builtin.STATISTICS.name, {"row_count": 2, "columns": 2})
    assert client.blobs.read(made.digest) == statistics(ROWS).to_json()


def test_statistics_are_reused_only_while_their_bytes_are_there(client):
    made = artifact_of(client, start(client, measured, data="data/seed"), "measure")

    again = start(client, measured, data="data/seed")
    client.blobs.delete(made.digest)
    third = start(client, measured, data="data/seed")

    assert [run.steps["measure"].state.value for run in (again, third)] == ["reused", "complete"]


def test_statistics_are_given_by_the_reference_of_their_artifact(client):
    made = artifact_of(client, start(client, measured, data="data/seed"), "measure")

    assert start(client, looked_at, found=f"artifacts/{made.id}").value == 2


def test_what_is_no_statistics_is_not_taken_for_it(client):
    with pytest.raises(PipelineFailedError, match=r"annotated -> headwater.*Statistics and returned a dict"):
        start(client, pretended, data="data/seed")
