"""An import: what contradicts the store is found first, then all is taken over, then counted."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from headwater.compat.counting import TableCount, Watch, silent, watched
from headwater.compat.mlmd.importing.recount import Recount
from headwater.compat.mlmd.importing.report import ImportReport
from headwater.compat.mlmd.importing.sizes import by_size
from headwater.compat.mlmd.importing.source import NODES, Node, NodeSource, Source
from headwater.errors import ConflictError
from headwater.model.graph import NodeKind, NodeType
from headwater.model.listing import Listing
from headwater.model.protocols import ArtifactStore, ContextStore, ExecutionStore, Store
from headwater.model.transfer import Claim, NodeKey, Standing, Taken

T = TypeVar("T")

MOST_NAMED: Final = 5
"""How many clashes an error names."""
_COMING: Final = (Standing.NEW, Standing.OLDER)


def import_database(source: Source, store: Store, *, watch: Watch = silent) -> ImportReport:
    """Bring what ML Metadata stored into a store: with its ids, times and states.

    What is in the store already stays, unless it was changed in the source since; so an import that broke off
    is simply run again, and a later one adds what is new. The source is not changed.

    Args:
        source: The database.
        store: Where to.
        watch: Told how far the import is.

    Returns:
        Counts by table, the source's and the store's.

    Raises:
        ConflictError: ids, names or external ids belong to other things in the store; nothing was written.
        InvalidError: something cannot be stored, such as a name of more than 500 characters.
        CorruptError: the source has a value that makes no sense.
    """
    return _Import(source, store, watch).run()


class _Import:
    def __init__(self, source: Source, store: Store, watch: Watch) -> None:
        self._source, self._store, self._watch = source, store, watch
        self._counts: dict[str, TableCount] = {}
        self._outdated: set[str] = set()

    def run(self) -> ImportReport:
        self._check()
        transfer = self._store.transfer
        transfer.reserve(self._source.last_ids())
        self._note("Type", transfer.take_types(self._source.types.taken))
        for nodes in NODES:
            # First those that are here: a name that one of them gives up may belong to a new one.
            if nodes.table in self._outdated:
                self._take_nodes(nodes, Standing.OLDER)
            self._take_nodes(nodes, Standing.NEW)
        source = self._source
        self._take_edges("Event", source.events(), transfer.take_events)
        self._take_edges("Attribution", source.attributions(), transfer.take_memberships)
        associations = source.associations()
        self._take_edges("Association", associations, lambda links: transfer.take_memberships((), links))
        parents = source.parents()
        self._take_edges("ParentContext", parents, lambda links: transfer.take_memberships((), (), links))
        tables = Recount(source, self._store, self._watch).tables(self._counts)
        return ImportReport(
            version=source.version,
            tables=tables,
            unreadable=tuple(source.unreadable),
            merged=tuple(_merged(each, source.types.ids[each.id]) for each in source.types.merged),
            renamed=tuple(
                f"{nodes.table} {i}: {name}" for nodes in NODES for i, name in source.renamed(nodes).items()
            ),
        )

    def _check(self) -> None:
        clashes = self._store.transfer.clashes(self._source.types.taken)
        for nodes in NODES:
            clashes += self._clashes_of(nodes)
        if not clashes:
            return
        more = f"; and {len(clashes) - MOST_NAMED:,} more" if len(clashes) > MOST_NAMED else ""
        raise ConflictError(
            f"nothing was imported, as the store holds other things under ids or names of the source: "
            f"{'; '.join(clashes[:MOST_NAMED])}{more}. "
            "Ids are kept, so import into a store of its own: headwater --store URL import mlmd SOURCE"
        )

    def _clashes_of(self, nodes: NodeSource) -> list[str]:
        clashes: list[str] = []
        is_empty = not _nodes_of(self._store, nodes).page(Listing(limit=1, with_deleted=True)).items
        for keys in self._batches("check", nodes.table, self._source.keys(nodes)):
            standings = self._store.transfer.compare(nodes.kind, keys)
            pairs = [*zip(keys, standings, strict=True)]
            clashes += [_clash(nodes, key) for key, standing in pairs if standing is Standing.OTHER]
            if Standing.OLDER in standings:
                self._outdated.add(nodes.table)
            coming = [key for key, standing in pairs if standing in _COMING]
            claims = [] if is_empty else self._store.transfer.claims(nodes.kind, coming)
            clashes += [_claimed(nodes, claim) for claim in claims if not self._is_given_up(nodes, claim)]
        return clashes

    def _is_given_up(self, nodes: NodeSource, claim: Claim) -> bool:
        """Tell whether the node that holds what is claimed gives it up by this very import."""
        key = self._source.key(nodes, claim.holder_id)
        if key is None or getattr(key, claim.field) == claim.value:
            return False
        return self._store.transfer.compare(nodes.kind, [key]) == [Standing.OLDER]

    def _take_nodes(self, nodes: NodeSource, standing: Standing) -> None:
        for keys in self._batches("import", nodes.table, self._source.keys(nodes)):
            standings = self._store.transfer.compare(nodes.kind, keys)
            wanted = [key for key, found in zip(keys, standings, strict=True) if found is standing]
            tied = self._tied(nodes, wanted) if standing is Standing.OLDER else set[int]()
            for piece in self._pieces(nodes, {key.id for key in wanted}, tied):
                self._note(nodes.table, self._store.transfer.take_nodes(nodes.kind, piece))

    def _tied(self, nodes: NodeSource, wanting: list[NodeKey]) -> set[int]:
        """Return those of nodes that want what others have, those others, whose they want in turn, and so on.

        They change in one transaction: what is passed round is free for nobody before it.
        """
        seen, tied = {key.id for key in wanting}, set[int]()
        while wanting:
            claims = self._store.transfer.claims(nodes.kind, wanting)
            holders = {claim.holder_id for claim in claims}
            tied |= holders | {claim.id for claim in claims}
            wanting = [key for i in sorted(holders - seen) if (key := self._source.key(nodes, i)) is not None]
            seen |= holders
        return tied

    def _pieces(self, nodes: NodeSource, ids: set[int], tied: set[int]) -> Iterator[list[Node]]:
        """Yield nodes as they are to be taken: the tied ones at once, others as a call can hold them."""
        if not ids:
            return
        read = self._source.nodes(nodes, min(ids), max(ids))
        together = [node for node in read if node.id in tied]
        for each in sorted(tied - ids):
            together += self._source.nodes(nodes, each, each)
        if together:
            yield together
        yield from by_size([node for node in read if node.id in ids - tied])

    def _take_edges(self, table: str, batches: Iterable[list[T]], take: Callable[[list[T]], int]) -> None:
        self._note(table, Taken())
        for batch in self._batches("import", table, batches):
            self._note(table, Taken(added=take(batch)))

    def _batches(self, step: str, table: str, batches: Iterable[list[T]]) -> Iterable[list[T]]:
        return watched(self._watch, f"{step} {table}", self._source.tables.count(table), batches)

    def _note(self, table: str, taken: Taken) -> None:
        count = self._counts.setdefault(table, TableCount())
        count.added += taken.added
        count.changed += taken.changed


def _nodes_of(store: Store, nodes: NodeSource) -> ArtifactStore | ExecutionStore | ContextStore:
    match nodes.kind:
        case NodeKind.ARTIFACT:
            return store.artifacts
        case NodeKind.EXECUTION:
            return store.executions
        case NodeKind.CONTEXT:
            return store.contexts


def _merged(each: NodeType, taken: int) -> str:
    return f"type {each.id} is type {taken} now: both are {each.name!r}"


def _clash(nodes: NodeSource, key: NodeKey) -> str:
    named = "" if key.name is None else f" ({key.name!r})"
    return f"{nodes.table.lower()} {key.id}{named} is another one here"


def _claimed(nodes: NodeSource, claim: Claim) -> str:
    what = claim.field.replace("_", " ")
    kind = nodes.table.lower()
    return f"the {what} {claim.value!r} of {kind} {claim.id} belongs to {kind} {claim.holder_id} here"
