"""What a store does with what comes from another one, and how a foreign database is read."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headwater.model.graph import (
    Artifact,
    Association,
    Attribution,
    Context,
    Event,
    Execution,
    NodeKind,
    NodeType,
    ParentContext,
)
from headwater.model.transfer import Claim, LastIds, NodeKey, Standing, Taken


class TransferStore(Protocol):
    """Takes types, nodes and edges over from another store, with the ids and times that they have there.

    A transfer is many calls, each one transaction, and each can be made again: what is here already is known
    by its id, and stays. So a transfer that broke off is simply run again, and one that is run later adds
    what is new.

    What the other store has checked is not checked again: that properties are of their types' kinds, and that
    nodes of edges exist.
    """

    def reserve(self, last: LastIds, /) -> None:
        """Hand out only ids above these from now on, so that nobody takes one that is still to come."""
        ...

    def clashes(self, types: Sequence[NodeType], /) -> list[str]:
        """Tell, one sentence each, why `take_types` would refuse these types; nothing when it would not."""
        ...

    def compare(self, kind: NodeKind, keys: Sequence[NodeKey], /) -> list[Standing]:
        """Tell what is stored under the ids of nodes, index-aligned with `keys`."""
        ...

    def claims(self, kind: NodeKind, keys: Sequence[NodeKey], /) -> list[Claim]:
        """Return the (type, name) pairs and external ids among `keys` that nodes with other ids hold here."""
        ...

    def take_types(self, types: Sequence[NodeType], /) -> Taken:
        """Store types under their ids, all or none.

        One that is here under the same id gains the properties, external id and base type that it lacks. A
        system type (`mlmd.*`) of this store that nothing refers to makes room: it goes to the id that it has
        among `types`, or to one above all others.

        Raises:
            ConflictError: an id belongs to another type here, a type has another id here, a property
                another kind, or an external id another owner; it says all of it.
            InvalidError: a name or version is too long.
        """
        ...

    def take_nodes(self, kind: NodeKind, nodes: Sequence[Artifact | Execution | Context], /) -> Taken:
        """Store nodes under their ids, all or none.

        One that is `OLDER` here becomes what it is there, a revision later; one that is `SAME`, `NEWER` or
        `REMOVED` stays as it is.

        Raises:
            ConflictError: a node is `OTHER`, or a name or an external id is taken.
            NotFoundError: a type is not stored, or is of another kind.
            InvalidError: a name or a value cannot be stored.
        """
        ...

    def take_events(self, events: Sequence[Event], /) -> int:
        """Store events with their times, all or none; those that are here stay as they are.

        Returns:
            How many were new.

        Raises:
            ConflictError: somebody else stores one of them at this moment.
        """
        ...

    def take_memberships(
        self,
        attributions: Sequence[Attribution] = (),
        associations: Sequence[Association] = (),
        parents: Sequence[ParentContext] = (),
    ) -> int:
        """Store memberships, all or none; those that are here stay.

        One with a node that is not stored, or was removed for good, is left out. The others count as made
        when the younger of their two nodes was.

        Returns:
            How many were new.

        Raises:
            ConflictError: as in `take_events`.
        """
        ...

    def date(self, kind: NodeKind, times: Mapping[int, tuple[int, int]], /) -> None:
        """Give nodes that came from elsewhere the times of their creation and last change there.

        Args:
            kind: Of what kind they are.
            times: By id, both times in milliseconds since the epoch, UTC; unknown ids are left out.
        """
        ...

    def count_properties(self, kind: NodeKind, ids: Sequence[int], /) -> int:
        """Count the properties, declared and custom, of these nodes."""
        ...


class ForeignTables(Protocol):
    """The tables of a database that another program wrote, as they are at one moment; never written to.

    Names of tables and columns are looked up without regard to case. A table that is not there reads as
    empty, a column that is not there as None. Values are what the driver gives; a text that is no UTF-8 has
    its odd bytes as lone surrogates (U+DC80 to U+DCFF).
    """

    @property
    def system(self) -> str:
        """What kind of database it is: `sqlite`, `postgresql` or `mysql`."""
        ...

    def has(self, table: str, /) -> bool:
        """Tell whether there is such a table."""
        ...

    def count(self, table: str, /) -> int:
        """Count the rows of a table."""
        ...

    def greatest(self, table: str, column: str, /) -> int:
        """Return the largest number in a column, 0 for none."""
        ...

    def all(self, table: str, columns: Sequence[str], /) -> Sequence[Sequence[Any]]:
        """Return all rows of a small table."""
        ...

    def after(
        self, table: str, columns: Sequence[str], /, *, above: int, limit: int
    ) -> Sequence[Sequence[Any]]:
        """Return the first rows by `id` whose `id` is greater than `above`."""
        ...

    def between(
        self, table: str, columns: Sequence[str], /, *, key: str, first: int, last: int
    ) -> Sequence[Sequence[Any]]:
        """Return the rows whose `key` is in a range, both ends included.

        Those of one key come in the order in which they were put in.
        """
        ...

    def among(
        self, table: str, columns: Sequence[str], /, *, key: str, values: Sequence[str]
    ) -> Sequence[Sequence[Any]]:
        """Return the rows whose `key` is one of some texts, in no order."""
        ...

    def counts_between(self, table: str, /, *, key: str, first: int, last: int) -> Mapping[int, int]:
        """Count the rows of each key in a range, both ends included."""
        ...

    def close(self) -> None:
        """End the moment, and give back the connection."""
        ...
