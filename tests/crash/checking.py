"""Is everything there that was acknowledged?"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from headwater.model.ids import RunId
from headwater.model.runs import RunStatus
from headwater.sdk import Client
from tests.crash.workload import MODELS

Fact = dict[str, Any]


class Acknowledged:
    """What was acknowledged so far."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.deleting: set[str | int] = set()

    def add(self, facts: Iterable[Fact]) -> None:
        """Take what one process said before it was killed."""
        for fact in facts:
            assert fact["kind"] != "broken", fact
            assert fact.get("code") in {None, "refused", "conflict", "stale", "not_found"}, fact
            if fact["kind"] == "deleting":
                self.deleting.add(fact.get("run") or fact["id"])
            else:
                self.facts.append(fact)

    def missing(self, client: Client, *, since: int = 0) -> list[str]:
        """Return what is not there of the facts from a position on."""
        by_kind: dict[str, list[Fact]] = defaultdict(list)
        for fact in self.facts[since:]:
            if fact.get("run") not in self.deleting and fact.get("id") not in self.deleting:
                by_kind[fact["kind"]].append(fact)
        return [
            *self._missing_of_runs(client, by_kind),
            *_missing_artifacts(client, by_kind["artifact"]),
            *_missing_versions(client, by_kind["version"], by_kind["data"]),
            *_missing_decisions(client, by_kind["decision"]),
        ]

    def _missing_of_runs(self, client: Client, by_kind: dict[str, list[Fact]]) -> Iterable[str]:
        kinds = ("run", "point", "series", "param", "end")
        wanted = {fact["run"] for kind in kinds for fact in by_kind[kind]}
        runs = {run.run_id: run for run in client.store.runs.get([RunId(i) for i in sorted(wanted)])}
        yield from (f"run {i}" for i in sorted(wanted - runs.keys()))
        for fact in by_kind["param"]:
            if fact["run"] in runs and runs[fact["run"]].params.get(fact["name"]) != fact["value"]:
                yield f"param {fact}"
        for fact in by_kind["end"]:
            if fact["run"] in runs and runs[fact["run"]].status is not RunStatus.FINISHED:
                yield f"end {fact}"
        points: dict[tuple[str, str], set[int]] = defaultdict(set)
        for fact in by_kind["point"]:
            points[fact["run"], fact["key"]].add(fact["step"])
        for fact in by_kind["series"]:
            points[fact["run"], fact["key"]] |= {*range(fact["count"])}
        for (run, key), steps in points.items():
            if run in runs:
                there = {*client.store.series.read(runs[run].id, key).steps}
                if steps - there:
                    yield f"{len(steps - there)} points of {key} of run {run}"


def _missing_artifacts(client: Client, facts: list[Fact]) -> Iterable[str]:
    found = {a.id: a for a in client.store.artifacts.get([fact["id"] for fact in facts])}
    for fact in facts:
        artifact = found.get(fact["id"])
        if artifact is None or artifact.removed_ms or not client.blobs.has(fact["digest"]):
            yield f"artifact {fact}"


def _missing_versions(client: Client, models: list[Fact], data: list[Fact]) -> Iterable[str]:
    stored = {v.ref: v for name in MODELS for v in client.models[name].versions()}
    for fact in models:
        if fact["ref"] not in stored or not client.blobs.has(fact["digest"]):
            yield f"version {fact}"
    sets = {v.ref: v for v in client.store.data.versions("crash")}
    for fact in data:
        if fact["ref"] not in sets or not client.blobs.has(fact["digest"]):
            yield f"data {fact}"


def _missing_decisions(client: Client, facts: list[Fact]) -> Iterable[str]:
    made: set[tuple[str, str, str]] = set()
    holders: dict[str, str] = {}
    after = 0
    while page := client.store.ledger.entries(after=after, limit=5000):
        after = page[-1].seq
        made |= {(entry.subject, entry.action, entry.reason) for entry in page}
        for entry in page:
            if entry.details.get("to") == "production":
                holders[entry.subject.rpartition("/")[0]] = entry.subject
    for fact in facts:
        if (fact["ref"], fact["action"], fact["reason"]) not in made:
            yield f"decision {fact}"
    for name in MODELS:
        wanted = holders.get(f"models/{name}")
        found = [v.ref for v in client.models[name].versions() if v.stage == "production"]
        if found != ([wanted] if wanted else []):
            yield f"in production of {name} is {found}, by the ledger {wanted}"
