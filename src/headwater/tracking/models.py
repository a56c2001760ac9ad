"""Model versions that a run makes."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from headwater.errors import InvalidError
from headwater.formats import ModelFormat, choose_format, example_of, signature_of
from headwater.model.graph import EventType
from headwater.model.ids import ExecutionId, RunId
from headwater.model.models import ModelVersion, NewVersion
from headwater.model.values import Json, Properties, PropertyValue
from headwater.tracking.outputs import link
from headwater.tracking.session import Session
from headwater.tracking.validation import check_key, metric_value, tag_values


class Maker(Protocol):
    """The run that makes a version."""

    @property
    def id(self) -> ExecutionId:
        """The execution that it is."""
        ...

    @property
    def run_id(self) -> RunId:
        """Its run id."""
        ...

    @property
    def params(self) -> Properties:
        """Its params; the version keeps them."""
        ...


def log_model(
    session: Session,
    run: Maker,
    name: str,
    model: Any,
    *,
    signature: Any,
    input_example: Any,
    metrics: Mapping[str, object] | None,
    format: str | None,
    tags: Mapping[str, object] | None,
    known: Sequence[ModelVersion] = (),
) -> ModelVersion:
    """Store a model's bytes, then register it as a version with its OUTPUT edge; see `ActiveRun.log_model`.

    Of `known` versions, one of this name and these bytes is tied to the run, and nothing is registered.

    Raises:
        InvalidError: no format can save the model, or a name or metric cannot be used.
        UnavailableError: the store cannot be reached.
    """
    check_key("model", name)
    values = {check_key("metric", key): metric_value(key, value) for key, value in (metrics or {}).items()}
    labels = {key: value for key, value in tag_values(tags or {}).items() if value is not None}
    chosen = choose_format(model, format)
    facts = _facts(chosen, model, signature, input_example)
    with tempfile.TemporaryDirectory(prefix="headwater-model-") as folder:
        chosen.save(model, Path(folder))
        blob = session.blobs.put_folder(Path(folder))
    for version in known:
        if (version.model, version.digest) == (name, blob.digest):
            link(session, run, version, EventType.OUTPUT, None)
            return version
    new = NewVersion(
        model=name,
        digest=blob.digest,
        size_bytes=blob.size_bytes,
        properties=facts,
        metrics=values,
        params=run.params,
        tags=labels,
        execution_id=run.id,
    )
    return session.store.models.add_version(new, actor=session.actor)


def _facts(chosen: ModelFormat, model: Any, signature: Any, example: Any) -> dict[str, PropertyValue]:
    facts: dict[str, PropertyValue] = {
        "format": chosen.name,
        "is_safe": chosen.is_safe,
        "facts": chosen.facts(model),
    }
    if (shape := _signature(signature, example)) is not None:
        facts["signature"] = shape
    if example is not None:
        facts["input_example"] = example_of(example)
    return facts


def _signature(signature: Any, example: Any) -> dict[str, Json] | None:
    match signature:
        case None:
            return signature_of(example) if example is not None else None
        case {"inputs": _}:
            return signature
        case (inputs, outputs):
            return signature_of(inputs, outputs)
        case dict():
            raise InvalidError("a signature given as a dict has the keys inputs and, perhaps, outputs")
        case _:
            return signature_of(signature)
