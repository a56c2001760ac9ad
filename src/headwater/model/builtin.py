"""The types that headwater itself writes, and MLMD's system types, which it specialises."""

from typing import Final

from headwater.model.graph import NewType, NodeKind
from headwater.model.values import ValueKind

SYSTEM_TYPES: Final = tuple(
    NewType(kind=kind, name=f"mlmd.{name}")
    for kind, names in (
        (NodeKind.ARTIFACT, ("Dataset", "Model", "Metrics", "Statistics")),
        (NodeKind.EXECUTION, ("Train", "Transform", "Process", "Evaluate", "Deploy")),
    )
    for name in names
)
"""Stored in every new store, in this order, so that they have MLMD's ids 1 to 9."""

RUN: Final = NewType(
    kind=NodeKind.EXECUTION,
    name="headwater.Run",
    properties={
        "git_commit": ValueKind.STRING,
        "git_branch": ValueKind.STRING,
        "git_remote": ValueKind.STRING,
        "git_is_dirty": ValueKind.BOOLEAN,
        "git_diff_digest": ValueKind.STRING,
        "entry_point": ValueKind.STRING,
        "arguments": ValueKind.STRUCT,
        "python_version": ValueKind.STRING,
        "packages_digest": ValueKind.STRING,
        "lock_file": ValueKind.STRING,
        "lock_digest": ValueKind.STRING,
        "machine": ValueKind.STRUCT,
        "threads": ValueKind.STRUCT,
        "seeds": ValueKind.STRUCT,
        "capture_warnings": ValueKind.STRUCT,
        "undeclared_reads": ValueKind.STRUCT,
    },
)
"""Its properties are what a run captures by itself.

`undeclared_reads` is `{"files": [...], "more": 0}`: data files that it opened and never declared.

`git_diff_digest` and `packages_digest` name bytes in the blob store: a patch that `git apply` takes,
and a JSON object of package names and versions.
"""
EXPERIMENT: Final = NewType(
    kind=NodeKind.CONTEXT, name="headwater.Experiment", properties={"artifact_location": ValueKind.STRING}
)
"""`artifact_location` is where clients of another system keep the files of its runs themselves."""
REGISTERED_MODEL: Final = NewType(
    kind=NodeKind.CONTEXT,
    name="headwater.RegisteredModel",
    properties={"description": ValueKind.STRING, "owner": ValueKind.STRING},
)
DATA_SET: Final = NewType(
    kind=NodeKind.CONTEXT, name="headwater.DataSet", properties={"description": ValueKind.STRING}
)
ARTIFACT: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Artifact",
    properties={"kind": ValueKind.STRING, "source": ValueKind.STRING},
)
DATASET: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Dataset",
    base_type="mlmd.Dataset",
    properties={
        "kind": ValueKind.STRING,
        "format": ValueKind.STRING,
        "source": ValueKind.STRING,
        "schema": ValueKind.STRUCT,
        "row_count": ValueKind.INT,
        "anomalies": ValueKind.STRUCT,
        "bytes_digest": ValueKind.STRING,
        "source_type": ValueKind.STRING,
        "profile": ValueKind.STRING,
        "facets": ValueKind.STRUCT,
    },
)
"""The artifact's digest is that of the content; `bytes_digest` that of the stored bytes, if they differ.

`source_type` and `profile` are what MLflow's clients say of a data set, `facets` what OpenLineage's events do
in JSON objects by name.
"""

MODEL: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Model",
    base_type="mlmd.Model",
    properties={
        "description": ValueKind.STRING,
        "format": ValueKind.STRING,
        "is_safe": ValueKind.BOOLEAN,
        "facts": ValueKind.STRUCT,
        "signature": ValueKind.STRUCT,
        "input_example": ValueKind.STRUCT,
        "name": ValueKind.STRING,
        "kind": ValueKind.STRING,
        "source": ValueKind.STRING,
        "source_run": ValueKind.STRING,
        "run_link": ValueKind.STRING,
        "metric_facts": ValueKind.STRUCT,
    },
)
"""The last six are what other systems say of a model.

`name` is what a run called it, `kind` its sort (such as `agent`), `source` the URI that it was registered
from, `source_run` a run that this store does not know. `metric_facts` is `{NAME: [{"value", "step",
"timestamp", "run_id", "dataset_name", "dataset_digest"}]}`, the newest point of each data set.
"""

EVALUATION: Final = NewType(
    kind=NodeKind.EXECUTION,
    name="headwater.Evaluation",
    base_type="mlmd.Evaluate",
    properties={"actor": ValueKind.STRING},
)
"""A gate that judged a version, and made a verdict.

A model version is its input under the path `version`, the one that it was compared with under `baseline`;
data versions are inputs under `data`, `data/0`, `data/1` and so on. Its outputs are the `verdict` and the
exhibits, under their names.
"""

VERDICT: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Verdict",
    properties={
        "gate": ValueKind.STRING,
        "outcome": ValueKind.STRING,
        "summary": ValueKind.STRING,
        "facts": ValueKind.STRUCT,
        "config_digest": ValueKind.STRING,
        "baseline": ValueKind.STRING,
        "version": ValueKind.STRING,
        "data": ValueKind.STRUCT,
        "exhibits": ValueKind.STRUCT,
    },
)
"""`version`, `baseline` and the list `data` are references, such as `models/late-flights/3`.

`exhibits` is a list of `{"name", "digest", "size_bytes"}`; each is an artifact of its own, too.
"""

STATISTICS: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Statistics",
    base_type="mlmd.Statistics",
    properties={"row_count": ValueKind.INT, "columns": ValueKind.INT, "data": ValueKind.STRING},
)
"""What a table holds, as JSON in the blob store; `data` is the reference of the data version."""

SCHEMA: Final = NewType(
    kind=NodeKind.ARTIFACT, name="headwater.Schema", properties={"columns": ValueKind.INT}
)
"""What a table should hold, as YAML in the blob store."""

ANOMALIES: Final = NewType(
    kind=NodeKind.ARTIFACT,
    name="headwater.Anomalies",
    properties={"errors": ValueKind.INT, "warnings": ValueKind.INT, "data": ValueKind.STRING},
)
"""What is wrong with a data version, and its distances to others, as JSON in the blob store."""

DEPLOYMENT: Final = NewType(
    kind=NodeKind.EXECUTION,
    name="headwater.Deployment",
    base_type="mlmd.Deploy",
    properties={
        "actor": ValueKind.STRING,
        "note": ValueKind.STRING,
        "target": ValueKind.STRING,
        "url": ValueKind.STRING,
        "version": ValueKind.INT,
    },
)
"""The version of a model that was put, or seen, at a target; without `version` it was taken away."""

DEPLOYMENT_TARGET: Final = NewType(kind=NodeKind.CONTEXT, name="headwater.DeploymentTarget")

PIPELINE: Final = NewType(
    kind=NodeKind.CONTEXT, name="headwater.Pipeline", properties={"description": ValueKind.STRING}
)
PIPELINE_RUN: Final = NewType(
    kind=NodeKind.CONTEXT,
    name="headwater.PipelineRun",
    properties={
        "entry": ValueKind.STRING,
        "params": ValueKind.STRUCT,
        "pinned": ValueKind.STRUCT,
        "plan": ValueKind.STRUCT,
        "seed": ValueKind.STRING,
        "trigger": ValueKind.STRING,
    },
)
"""One run of a pipeline, named `PIPELINE/RUN`, a child of the pipeline's context.

`entry` says where its code is (`FILE.py:NAME`), `pinned` which version each reference in `params` named
when it began, `plan` which steps there are; the ids of attempts are made from `seed`.
"""

APPROVAL: Final = NewType(kind=NodeKind.EXECUTION, name="headwater.Approval")
"""A step that waits for a person: NEW, then COMPLETE when somebody approved, or FAILED when rejected.

Who decided and why stands in the ledger.
"""

REUSED_STEP: Final = NewType(kind=NodeKind.EXECUTION, name="headwater.ReusedStep")
"""A step that did not run, because an earlier one had made the same of the same; its state is CACHED."""

BYTES_PROPERTIES: Final = ("bytes_digest", "git_diff_digest", "packages_digest")
"""Properties whose value names bytes that have to be in the blob store."""
