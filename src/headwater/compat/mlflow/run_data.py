"""Data and models that runs read or made: the calls that log them, and their names in a filter."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import asdict

from headwater.compat.mlflow.answers import Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.filters import Key, Test, matching
from headwater.compat.mlflow.limits import check_length, check_run_id
from headwater.compat.mlflow.requests import Int64, Request, Required
from headwater.compat.mlflow.run_edges import Dataset, path_of, record_dataset
from headwater.compat.mlflow.runs import Runs, TagText
from headwater.model import builtin
from headwater.model.filters import (
    And,
    Between,
    Comparison,
    Field,
    Filter,
    In,
    IsNull,
    Operator,
    Or,
    Relation,
    Scalar,
    Scope,
)
from headwater.model.graph import Artifact, ArtifactLink, EventPath, EventType, ExecutionChange, Publication
from headwater.model.ids import ArtifactId
from headwater.model.protocols import Store


class DatasetText(Request, frozen=True):
    """A data set as a client describes it."""

    name: Required
    digest: Required
    source_type: Required
    source: Required
    schema: str = ""
    profile: str = ""


class DatasetUse(Request, frozen=True):
    """A data set that a run read, with tags that say as what."""

    dataset: DatasetText
    tags: tuple[TagText, ...] = ()


class ModelUse(Request, frozen=True):
    """A logged model, and the step at which a run made it."""

    model_id: Required
    step: Int64 = 0


class LogInputs(Request, frozen=True):
    """Says what a run read."""

    run_id: Required
    datasets: tuple[DatasetUse, ...] = ()
    models: tuple[ModelUse, ...] = ()


class LogOutputs(Request, frozen=True):
    """Says which models a run made."""

    run_id: Required
    models: tuple[ModelUse, ...]


_LIMITS: Final = {
    "name": 500,
    "digest": 36,
    "source": 65_535,
    "schema": 1_048_575,
    "profile": 16_777_215,
}
_MAX_TAG_KEY: Final = 255
_MAX_TAG_VALUE: Final = 500


class RunDataCalls:
    """Answers the calls that say what a run read and made."""

    def __init__(self, store: Store, runs: Runs) -> None:
        """Take where runs are kept, and who finds them."""
        self._store = store
        self._runs = runs

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (
            post("mlflow/runs/log-inputs", LogInputs, self.log_inputs),
            post("mlflow/runs/outputs", LogOutputs, self.log_outputs),
        )

    def log_inputs(self, request: LogInputs, _actor: str | None) -> Nothing:
        """Tie data versions and models to a run as its inputs; a tie that is there already stays."""
        check_run_id(request.run_id)
        for use in request.datasets:
            _check(use)
        run = self._runs.active(request.run_id)
        models = self._models(request.models)
        data = [
            (record_dataset(self._store, Dataset(**asdict(use.dataset))), _path(use))
            for use in request.datasets
        ]
        read: Sequence[tuple[ArtifactId, EventPath]] = [
            *data,
            *((m.id, (m.name or "model",)) for m in models),
        ]
        ties = [ArtifactLink(artifact=i, type=EventType.INPUT, path=path) for i, path in read]
        if ties:
            self._store.links.publish(Publication(execution=ExecutionChange(id=run.id), artifacts=ties))
        return Nothing()

    def log_outputs(self, request: LogOutputs, _actor: str | None) -> Nothing:
        """Tie models to a run as its outputs."""
        run = self._runs.active(request.run_id)
        models = self._models(request.models)
        ties = [
            ArtifactLink(artifact=model.id, type=EventType.OUTPUT, path=(model.name or "model", use.step))
            for model, use in zip(models, request.models, strict=True)
        ]
        if ties:
            self._store.links.publish(Publication(execution=ExecutionChange(id=run.id), artifacts=ties))
        return Nothing()

    def _models(self, uses: Sequence[ModelUse]) -> list[Artifact]:
        wanted = [use.model_id for use in uses]
        found = {a.external_id: a for a in self._store.artifacts.by_external_ids(wanted)} if wanted else {}
        for model_id in wanted:
            if model_id not in found or found[model_id].type_name != builtin.MODEL.name:
                raise MlflowError(f"Logged model with ID '{model_id}' not found.", RESOURCE_DOES_NOT_EXIST)
        return [found[model_id] for model_id in wanted]


def dataset_keys(store: Store) -> Callable[[str], Key]:
    """Return what `datasets.NAME` stands for in a filter on runs."""

    def by_name(test: Test) -> Filter:
        if isinstance(test, IsNull):
            return test
        sets = {each.name: each.id for each in store.data.all()}
        found = store.links.artifacts_of_contexts([sets[name] for name in matching(sets, test)])
        return In(_INPUT, tuple(each.artifact_id for each in found) or (_NOBODY,))

    keys = {
        "name": Key(field=_INPUT, rewrite=by_name, is_sortable=False),
        "digest": Key(field=Field(Scope.ATTRIBUTE, "digest", Relation.INPUTS), is_sortable=False),
        "context": Key(field=_PATH, rewrite=_context_test, is_sortable=False),
    }

    def key(name: str) -> Key:
        if name not in keys:
            raise MlflowError(
                f"Invalid dataset key '{name}' specified. Valid keys are 'name', 'digest' and 'context'."
            )
        return keys[name]

    return key


_INPUT: Final = Field(Scope.ATTRIBUTE, "id", Relation.INPUTS)
_PATH: Final = Field(Scope.ATTRIBUTE, "path", Relation.INPUTS)
_NOBODY: Final = -1


def _context_test(test: Test) -> Filter:
    """Ask for the first key of a path, which is JSON: behind its last quote is a comma or a bracket."""

    def begins_with(value: Scalar, *, is_negated: bool = False) -> Between:
        start = f"[{json.dumps(str(value), ensure_ascii=False)}"
        return Between(_PATH, start, f"{start}]", is_negated)

    match test:
        case Comparison(operator=Operator.EQ | Operator.NE as operator, value=value):
            return begins_with(value, is_negated=operator is Operator.NE)
        case In(values=values, is_negated=False):
            return Or(tuple(map(begins_with, values)))
        case In(values=values):
            return And(tuple(begins_with(value, is_negated=True) for value in values))
        case Comparison(operator=operator, value=value):
            return Comparison(_PATH, operator, f'[{json.dumps(str(value), ensure_ascii=False)[:-1]}"%')
        case _:
            return test


def _path(use: DatasetUse) -> EventPath:
    return path_of(use.dataset.name, [(tag.key, tag.value) for tag in use.tags])


def _check(use: DatasetUse) -> None:
    for name, limit in _LIMITS.items():
        check_length(name, getattr(use.dataset, name), limit)
    for tag in use.tags:
        check_length("key", tag.key, _MAX_TAG_KEY)
        check_length("value", tag.value, _MAX_TAG_VALUE)
