"""Reading what a model card says out of the store."""

from headwater.errors import InvalidError
from headwater.model.ids import ExecutionId
from headwater.model.ledger import LedgerEntry
from headwater.model.models import ModelVersion
from headwater.provenance.card import Card
from headwater.provenance.history import Material
from headwater.registry import Model
from headwater.sdk.histories import Reading
from headwater.sdk.records import inputs_of, read_missing
from headwater.sdk.sources import Sources


def read_card(sources: Sources, reading: Reading) -> Card:
    """Put together what the record says of a model version.

    Raises:
        InvalidError: it is none.
    """
    version, maker = reading.version, reading.history.maker
    if version is None:
        raise InvalidError(f"{reading.history.ref} is no version of a model: name one, such as models/NAME/3")
    # It only looks, so nobody acts.
    model = Model(version.model, sources.store, sources.blobs(), actor="")
    info, status = model.info(), model.status(version.version)
    runs = sources.store.runs.by_execution_ids([ExecutionId(maker.id)]) if maker else []
    return Card(
        version=version,
        description=version.description or info.description,
        owner=info.owner,
        history=reading.history,
        run=runs[0] if runs else None,
        inputs=inputs_of(reading),
        origins=_origins(reading),
        verdicts=[status.verdicts[gate] for gate in sorted(status.verdicts)],
        decisions=[entry for entry in model.history() if _is_about(entry, version)],
        deployments=status.deployments,
        disagreements=status.disagreements,
        missing=read_missing(sources, reading),
    )


def _origins(reading: Reading) -> list[Material]:
    """Return data upstream that no execution made out of something, the nearest first."""
    events = reading.graph.events
    readers = {event.execution_id for event in events if event.type.is_input}
    made = {e.artifact_id for e in events if e.type.is_output and e.execution_id in readers}
    return [each for each in reading.history.materials if each.id not in made and each.kind == "data"]


def _is_about(entry: LedgerEntry, version: ModelVersion) -> bool:
    named = (entry.details.get("version"), entry.details.get("replaced"))
    return entry.subject == version.ref or version.version in named
