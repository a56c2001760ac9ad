"""The count after an import: which rows of the source are in the store?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from headwater.compat.counting import TableCount, Watch, watched
from headwater.compat.mlmd.importing.source import NODES, NodeSource, Source
from headwater.model.graph import Association, Attribution, Event, NodeKind, NodeType, ParentContext
from headwater.model.protocols import Store
from headwater.model.transfer import NodeKey, Standing

L = TypeVar("L", Attribution, Association, ParentContext)

_THERE = (Standing.SAME, Standing.OLDER, Standing.NEWER)


class Recount:
    """Counts each table of the source, and what of it is in the store."""

    def __init__(self, source: Source, store: Store, watch: Watch) -> None:
        self._source, self._store, self._watch = source, store, watch
        self._removed: dict[NodeKind, set[int]] = {nodes.kind: set() for nodes in NODES}

    def tables(self, written: Mapping[str, TableCount]) -> dict[str, TableCount]:
        """Return the counts of all tables, with what an import has written of each."""
        counts = self._types()
        for nodes in NODES:
            counts[nodes.table], counts[nodes.properties] = self._nodes(nodes)
        counts |= self._events()
        links = self._store.links
        artifacts, executions, contexts = (self._removed[nodes.kind] for nodes in NODES)
        counts["Attribution"] = self._links(
            "Attribution",
            self._source.attributions(),
            lambda found: links.contexts_of_artifacts(sorted({each.artifact_id for each in found})),
            lambda each: each.context_id in contexts or each.artifact_id in artifacts,
        )
        counts["Association"] = self._links(
            "Association",
            self._source.associations(),
            lambda found: links.contexts_of_executions(sorted({each.execution_id for each in found})),
            lambda each: each.context_id in contexts or each.execution_id in executions,
        )
        counts["ParentContext"] = self._links(
            "ParentContext",
            self._source.parents(),
            lambda found: links.parents(sorted({each.child_id for each in found})),
            lambda each: each.child_id in contexts or each.parent_id in contexts,
        )
        for table, count in written.items():
            counts[table].added, counts[table].changed = count.added, count.changed
        return counts

    def _types(self) -> dict[str, TableCount]:
        count = self._source.tables.count
        tables = {name: TableCount(source=count(name)) for name in ("Type", "TypeProperty", "ParentType")}
        types = self._source.types
        stored = {each.id: each for each in self._store.types.get([each.id for each in types.taken])}
        for each in types.there:
            here = stored.get(types.ids[each.id])
            if here is None or _name(here) != _name(each):
                continue
            tables["Type"].store += 1
            tables["TypeProperty"].store += len(each.properties.items() & here.properties.items())
            tables["ParentType"].store += each.base_type is not None and here.base_type == each.base_type
        return tables

    def _nodes(self, nodes: NodeSource) -> tuple[TableCount, TableCount]:
        table, properties = TableCount(), TableCount()
        for keys in self._batches(nodes.table, self._source.keys(nodes)):
            standings = self._store.transfer.compare(nodes.kind, keys)
            by_standing: dict[Standing, list[NodeKey]] = {standing: [] for standing in Standing}
            for key, standing in zip(keys, standings, strict=True):
                by_standing[standing].append(key)
            self._removed[nodes.kind] |= {key.id for key in by_standing[Standing.REMOVED]}
            table.source += len(keys)
            table.store += sum(len(by_standing[standing]) for standing in _THERE)
            table.newer += len(by_standing[Standing.NEWER])
            table.removed += len(by_standing[Standing.REMOVED])
            self._count_properties(nodes, keys, by_standing, properties)
        return table, properties

    def _count_properties(
        self,
        nodes: NodeSource,
        keys: Sequence[NodeKey],
        by_standing: Mapping[Standing, Sequence[NodeKey]],
        count: TableCount,
    ) -> None:
        there = self._source.tables.counts_between(
            nodes.properties, key=nodes.owner, first=keys[0].id, last=keys[-1].id
        )

        def of_source(standing: Standing) -> int:
            return sum(there.get(key.id, 0) for key in by_standing[standing])

        same = [key.id for key in by_standing[Standing.SAME]]
        count.source += sum(there.values())
        count.removed += of_source(Standing.REMOVED)
        # What was changed here since has its own properties now.
        count.newer += of_source(Standing.NEWER)
        count.store += of_source(Standing.NEWER) + self._store.transfer.count_properties(nodes.kind, same)

    def _events(self) -> dict[str, TableCount]:
        table, steps = TableCount(), TableCount(source=self._source.tables.count("EventPath"))
        for events in self._batches("Event", self._source.events()):
            ids = sorted({each.execution_id for each in events})
            here = {_ends(each): len(each.path) for each in self._store.links.events_of_executions(ids)}
            table.source += len(events)
            table.store += sum(_ends(each) in here for each in events)
            steps.store += sum(min(len(each.path), here.get(_ends(each), 0)) for each in events)
        return {"Event": table, "EventPath": steps}

    def _links(
        self,
        table: str,
        batches: Iterable[list[L]],
        here: Callable[[list[L]], Sequence[Any]],
        is_removed: Callable[[L], bool],
    ) -> TableCount:
        count = TableCount()
        for links in self._batches(table, batches):
            missing = {*links} - {*here(links)}
            count.source += len(links)
            count.store += len(links) - len(missing)
            count.removed += sum(map(is_removed, missing))
        return count

    def _batches(self, table: str, batches: Iterable[list[Any]]) -> Iterable[list[Any]]:
        return watched(self._watch, f"count {table}", self._source.tables.count(table), batches)


def _name(each: NodeType) -> tuple[NodeKind, str, str | None]:
    return each.kind, each.name, each.version or None


def _ends(each: Event) -> tuple[int, int, int]:
    return each.execution_id, int(each.type), each.artifact_id
