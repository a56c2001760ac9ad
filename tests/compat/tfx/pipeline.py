"""A TFX pipeline whose record is kept under ML Metadata's name; a program for TFX's own environment.

Usage: pipeline.py FOLDER CONFIG ROWS

FOLDER is where its outputs go, CONFIG a `ConnectionConfig` as text. `train` breaks off
unless FOLDER has a file `mended`.
"""

# pyright: reportMissingImports=false, reportInvalidTypeForm=false, reportCallIssue=false

import json
import sys
from pathlib import Path

from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, OutputDict, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing

FOLDER = Path(sys.argv[1])


@component
def generate(rows: Parameter[int], examples: OutputArtifact[Examples]):
    write(examples.uri, list(range(rows)))
    examples.split_names = '["train"]'
    examples.set_int_custom_property("rows", rows)


@component
def train(examples: InputArtifact[Examples], model: OutputArtifact[Model]) -> OutputDict(loss=float):
    rows = json.loads(Path(examples.uri, "data.json").read_text())
    if not (FOLDER / "mended").exists():
        raise RuntimeError("the machine went away")
    write(model.uri, sum(rows))
    return {"loss": 1 / len(rows)}


@component
def bless(model: InputArtifact[Model], loss: float, blessing: OutputArtifact[ModelBlessing]):
    write(blessing.uri, model.uri)
    blessing.set_int_custom_property("blessed", int(loss < 0.5))


def write(folder, data):
    """Put data into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "data.json").write_text(json.dumps(data))


def main():
    """Run the pipeline once, from what the record has of the last time."""
    config = text_format.Parse(sys.argv[2], metadata_store_pb2.ConnectionConfig())
    data = generate(rows=int(sys.argv[3]))
    model = train(examples=data.outputs["examples"])
    blessing = bless(model=model.outputs["model"], loss=model.outputs["loss"])
    latest = Resolver(strategy_class=LatestArtifactStrategy, model=Channel(type=Model)).with_id("latest")
    latest.add_upstream_node(blessing)
    pipeline = Pipeline(
        pipeline_name="flights",
        pipeline_root=str(FOLDER / "outputs"),
        components=[data, model, blessing, latest],
        enable_cache=True,
        metadata_connection_config=config,
    )
    LocalDagRunner().run(pipeline)


main()
