"""The data verdict of a model version: what was found about all the data that it was made from."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from headwater.model import builtin
from headwater.model.data import DataVersion
from headwater.model.ids import ArtifactId
from headwater.model.lineage import Direction, Walk
from headwater.model.models import ModelVersion
from headwater.model.protocols import Store
from headwater.model.values import Json
from headwater.model.verdicts import NewVerdict, Outcome, Verdict
from headwater.validation.data.recording import GATE, Records, StoredDataVerdict, newest_verdicts

_NOT_DATA: Final = frozenset(
    t.name for t in (builtin.VERDICT, builtin.STATISTICS, builtin.SCHEMA, builtin.ANOMALIES)
)
"""What gates made: behind it lie data to compare with, and nothing that a model learned from."""


def vouch_for(into: Records, version: ModelVersion, *, names: Sequence[str] = ()) -> Verdict:
    """Judge the data that a model version was made from, by the newest verdict on each, and store that.

    Args:
        into: Where everything is recorded: a client, or whatever has a `store`, `blobs` and an `actor`.
        version: The model version.
        names: Which data sets have to be judged, as patterns such as `flights/*`; by default every one
            in the version's lineage. The verdict says which they were.

    Returns:
        A verdict of the gate `data`, which a promotion policy can require: `fail` if one data version
        failed; else `insufficient` if one was never judged or could not be told, or there is none;
        else `pass`.

    Raises:
        RefusedError: the version is deleted.
        UnavailableError: the store cannot be reached.
    """
    versions, is_truncated = _data_behind(into.store, version, names)
    verdicts = newest_verdicts(into.store, [v.id for v in versions])
    outcome, reasons = _outcome(versions, verdicts, is_truncated=is_truncated)
    judged: dict[str, Json] = {
        v.ref: str(verdicts[v.id].outcome) if v.id in verdicts else "never judged" for v in versions
    }
    facts: dict[str, Json] = {
        "data": judged,
        "verdicts": [int(verdicts[v.id].id) for v in versions if v.id in verdicts],
        "names": [*names],
    }
    return into.store.releases.add_verdict(
        NewVerdict(
            model=version.model,
            version=version.version,
            gate=GATE,
            outcome=outcome,
            actor=into.actor,
            summary="; ".join(reasons) or f"all {len(versions)} data versions behind it passed",
            facts=facts,
        )
    )


def _data_behind(store: Store, version: ModelVersion, names: Sequence[str]) -> tuple[list[DataVersion], bool]:
    walk = Walk(artifacts=(version.id,), direction=Direction.UPSTREAM, stop_types=_NOT_DATA)
    reached = store.lineage.reach(walk)
    found = store.data.by_artifact_ids([ArtifactId(i) for i in reached.artifacts])
    wanted = [v for v in found if not names or any(fnmatchcase(v.name, name) for name in names)]
    return wanted, reached.is_truncated


def _outcome(
    versions: Sequence[DataVersion],
    verdicts: dict[ArtifactId, StoredDataVerdict],
    *,
    is_truncated: bool,
) -> tuple[Outcome, list[str]]:
    failed = [v for v in versions if v.id in verdicts and verdicts[v.id].outcome is Outcome.FAIL]
    if failed:
        return Outcome.FAIL, [f"{v.ref} failed: {verdicts[v.id].summary}" for v in failed]
    open_: list[str] = []
    for each in versions:
        verdict = verdicts.get(each.id)
        if verdict is None:
            open_.append(f"{each.ref} was never judged")
        elif verdict.outcome is Outcome.INSUFFICIENT:
            open_.append(f"{each.ref} could not be judged: {verdict.summary}")
    if not versions:
        open_.append("there are no data versions in its lineage that have to be judged")
    if is_truncated:
        open_.append("its lineage is too large to be walked to the end")
    return (Outcome.INSUFFICIENT if open_ else Outcome.PASS), open_
