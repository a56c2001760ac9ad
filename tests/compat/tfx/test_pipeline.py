"""TFX runs a pipeline on a store of ours and goes on from its record; we answer what was made from what."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from headwater import Client
from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from tests.compat.mlmd.conftest import config_of

PROGRAMS = Path(__file__).parent


@pytest.fixture(params=["sqlite", "mysql", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    return request.getfixturevalue(f"fresh_{request.param}_url")()


def run(tfx: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [tfx, "-W", "ignore", PROGRAMS / program, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def steps(store: mlmd.MetadataStore) -> list[tuple[str, Any]]:
    """What ran, in its order, and how it ended."""
    types = {each.id: each.name.rpartition(".")[2] for each in store.get_execution_types()}
    return [(types[each.type_id], each.last_known_state) for each in store.get_executions()]


def test_a_pipeline_goes_on_where_it_broke_off(tfx: Path, url: str, tmp_path: Path):
    config = config_of(url)
    text = text_format.MessageToString(config, as_one_line=True)
    broken = run(tfx, "pipeline.py", str(tmp_path), text, "10")
    assert broken.returncode != 0
    assert "the machine went away" in broken.stderr

    (tmp_path / "mended").touch()
    for _ in range(2):
        done = run(tfx, "pipeline.py", str(tmp_path), text, "10")
        assert done.returncode == 0, done.stderr[-2000:]

    with mlmd.MetadataStore(config) as store:
        assert steps(store) == [
            *[("generate", pb.Execution.COMPLETE), ("train", pb.Execution.FAILED)],
            *[("generate", pb.Execution.CACHED), ("train", pb.Execution.COMPLETE)],
            *[("bless", pb.Execution.COMPLETE), ("Resolver", pb.Execution.COMPLETE)],
            *[("generate", pb.Execution.CACHED), ("train", pb.Execution.CACHED)],
            *[("bless", pb.Execution.CACHED), ("Resolver", pb.Execution.COMPLETE)],
        ]
        [data] = store.get_artifacts_by_type("Examples")
        [model] = store.get_artifacts_by_type("Model")
    with Client(url) as client:
        before = client.lineage(f"artifacts/{model.id}").upstream()
    assert data.id in {artifact.id for artifact in before.graph.artifacts}
    resolved = run(tfx, "resolving.py", text, "Examples", str(model.id))
    assert resolved.returncode == 0, resolved.stderr[-2000:]
    assert json.loads(resolved.stdout.splitlines()[-1]) == {str(model.id): [data.id]}
