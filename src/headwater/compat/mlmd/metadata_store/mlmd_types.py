"""MLMD's system types, which a type names as its `base_type`."""

from typing import ClassVar

from headwater.compat.mlmd.proto import metadata_store_pb2

_ARTIFACT = metadata_store_pb2.ArtifactType
_EXECUTION = metadata_store_pb2.ExecutionType


class _SystemType:
    """A system type.

    Attributes:
        name: The name that it is stored under.
        system_type: Its number in the enum of base types.
    """

    name: ClassVar[str]
    system_type: ClassVar[int]


class ArtifactType(_SystemType):
    """A system type of artifacts."""


class ExecutionType(_SystemType):
    """A system type of executions."""


class Dataset(ArtifactType):
    """Data."""

    name, system_type = "mlmd.Dataset", _ARTIFACT.DATASET


class Model(ArtifactType):
    """A model."""

    name, system_type = "mlmd.Model", _ARTIFACT.MODEL


class Metrics(ArtifactType):
    """Metrics of a model."""

    name, system_type = "mlmd.Metrics", _ARTIFACT.METRICS


class Statistics(ArtifactType):
    """Statistics of data."""

    name, system_type = "mlmd.Statistics", _ARTIFACT.STATISTICS


class Train(ExecutionType):
    """Training."""

    name, system_type = "mlmd.Train", _EXECUTION.TRAIN


class Transform(ExecutionType):
    """Transformation of data."""

    name, system_type = "mlmd.Transform", _EXECUTION.TRANSFORM


class Process(ExecutionType):
    """Processing."""

    name, system_type = "mlmd.Process", _EXECUTION.PROCESS


class Evaluate(ExecutionType):
    """Evaluation of a model."""

    name, system_type = "mlmd.Evaluate", _EXECUTION.EVALUATE


class Deploy(ExecutionType):
    """Deployment of a model."""

    name, system_type = "mlmd.Deploy", _EXECUTION.DEPLOY
