"""Which digests the nodes of a store name."""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME
from headwater.model.graph import ArtifactState, NodeKind
from headwater.model.refs import NodeIdRef
from headwater.model.upkeep import NamedBytes
from headwater.store.sql.node_tables import ARTIFACTS, CONTEXTS, EXECUTIONS
from headwater.store.sql.schema import artifact, type_
from headwater.store.sql.values import Space

_TABLES: Final = (ARTIFACTS, EXECUTIONS, CONTEXTS)
_WITHOUT_BYTES: Final = (ArtifactState.PENDING, ArtifactState.ABANDONED, ArtifactState.DELETED)


def digests_in_use(conn: sa.Connection) -> set[str]:
    """Return every digest that a node names, as its own or in any property, whatever the property is for."""
    found = {*conn.execute(sa.select(artifact.c.digest).where(_is_digest(artifact.c.digest))).scalars()}
    for table in _TABLES:
        head = table.properties.c.head
        found |= {*conn.execute(sa.select(head).where(_is_digest(head))).scalars()}
    return found


def named_bytes(conn: sa.Connection) -> Iterator[NamedBytes]:
    """Yield the bytes that have to be there.

    The digest of a data set's version names its content; its bytes, where they
    are kept at all, are named by a property, as are those of a run.
    """
    content = sa.select(type_.c.id).where(
        type_.c.kind == NodeKind.ARTIFACT, type_.c.name == builtin.DATASET.name
    )
    kept = sa.select(artifact.c.id, artifact.c.digest, artifact.c.size_bytes).where(
        _is_digest(artifact.c.digest),
        artifact.c.uri.is_(None),
        sa.func.coalesce(artifact.c.state, ArtifactState.UNKNOWN).not_in(_WITHOUT_BYTES),
        artifact.c.type_id.not_in(content),
    )
    for node_id, digest, size_bytes in conn.execute(kept):
        yield NamedBytes(owner=str(NodeIdRef("artifacts", node_id)), digest=digest, size_bytes=size_bytes)
    for table in _TABLES:
        properties = table.properties.c
        named = sa.select(properties.node_id, properties.head).where(
            properties.name.in_(builtin.BYTES_PROPERTIES),
            properties.space == Space.PROPERTY,
            _is_digest(properties.head),
        )
        for node_id, digest in conn.execute(named):
            yield NamedBytes(owner=str(NodeIdRef(f"{table.name}s", node_id)), digest=digest)


def _is_digest(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    # The two schemes, as ranges that an index can serve: ";" follows ":".
    return sa.or_(*(sa.and_(column >= f"{s}:", column < f"{s};") for s in (FILE_SCHEME, FOLDER_SCHEME)))
