"""The types of what OpenLineage tells: jobs, their runs, and runs that other runs are parts of."""

from typing import Final

from headwater.model.graph import NewType, NodeKind
from headwater.model.values import ValueKind

JOB: Final = NewType(
    kind=NodeKind.CONTEXT,
    name="openlineage.Job",
    properties={
        "description": ValueKind.STRING,
        "source": ValueKind.STRING,
        "facets": ValueKind.STRUCT,
        "inputs": ValueKind.STRUCT,
        "outputs": ValueKind.STRUCT,
    },
)
"""`inputs` and `outputs` are addresses of data sets that a job was said to read and write without a run."""

PARENT: Final = NewType(kind=NodeKind.CONTEXT, name="openlineage.ParentRun")
"""A run that others are parts of, such as that of a workflow; they and its own execution belong to it."""

RUN: Final = NewType(
    kind=NodeKind.EXECUTION,
    name="openlineage.Run",
    base_type="mlmd.Process",
    properties={
        "job": ValueKind.STRING,
        "producer": ValueKind.STRING,
        "event": ValueKind.STRING,
        "event_ms": ValueKind.INT,
        "started_ms": ValueKind.INT,
        "ended_ms": ValueKind.INT,
        "error": ValueKind.STRING,
        "git_commit": ValueKind.STRING,
        "git_branch": ValueKind.STRING,
        "git_remote": ValueKind.STRING,
        "facets": ValueKind.STRUCT,
        "inputs": ValueKind.STRUCT,
        "outputs": ValueKind.STRUCT,
    },
)
"""`event` and `event_ms` are the newest event that said something of the run's life.

`inputs` is what a run said that it reads, until it ends, and `outputs` what it said that it writes, until it
is complete, each by its address: `{"namespace", "name", "facets", "time_ms"}`.
"""
