"""ML Metadata's tables in SQLite, at version 10 of its schema."""

from collections.abc import Iterable, Mapping
from typing import Final

VERSION: Final = 10

_NAME: Final = "VARCHAR(255)"
_ID: Final = "`id` INTEGER PRIMARY KEY AUTOINCREMENT"
_TIMES: Final = (
    "`create_time_since_epoch` INT NOT NULL DEFAULT 0",
    "`last_update_time_since_epoch` INT NOT NULL DEFAULT 0",
)
_NAMED: Final = ("UNIQUE(`type_id`, `name`)",)
_NODES: Final = ("artifact", "execution", "context")


def _node(*own: str, name: str = f"`name` {_NAME}") -> tuple[str, ...]:
    external = f"`external_id` {_NAME} UNIQUE"
    return (_ID, "`type_id` INT NOT NULL", *own, name, external, *_TIMES, *_NAMED)


def _properties(owner: str) -> tuple[str, ...]:
    return (
        f"`{owner}` INT NOT NULL",
        f"`name` {_NAME} NOT NULL",
        "`is_custom_property` TINYINT(1) NOT NULL",
        "`int_value` INT",
        "`double_value` DOUBLE",
        "`string_value` TEXT",
        "`byte_value` BLOB",
        "`proto_value` BLOB",
        "`bool_value` BOOLEAN",
        f"PRIMARY KEY (`{owner}`, `name`, `is_custom_property`)",
    )


def _pair(first: str, second: str) -> tuple[str, ...]:
    return (f"`{first}` INT NOT NULL", f"`{second}` INT NOT NULL")


TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "Type": (
        _ID,
        f"`name` {_NAME} NOT NULL",
        f"`version` {_NAME}",
        "`type_kind` TINYINT(1) NOT NULL",
        "`description` TEXT",
        "`input_type` TEXT",
        "`output_type` TEXT",
        f"`external_id` {_NAME} UNIQUE",
    ),
    "TypeProperty": (
        "`type_id` INT NOT NULL",
        f"`name` {_NAME} NOT NULL",
        "`data_type` INT NULL",
        "PRIMARY KEY (`type_id`, `name`)",
    ),
    "ParentType": (*_pair("type_id", "parent_type_id"), "PRIMARY KEY (`type_id`, `parent_type_id`)"),
    "Artifact": _node("`uri` TEXT", "`state` INT"),
    "ArtifactProperty": _properties("artifact_id"),
    "Execution": _node("`last_known_state` INT"),
    "ExecutionProperty": _properties("execution_id"),
    "Context": _node(name=f"`name` {_NAME} NOT NULL"),
    "ContextProperty": _properties("context_id"),
    "ParentContext": (
        *_pair("context_id", "parent_context_id"),
        "PRIMARY KEY (`context_id`, `parent_context_id`)",
    ),
    "Event": (
        _ID,
        *_pair("artifact_id", "execution_id"),
        "`type` INT NOT NULL",
        "`milliseconds_since_epoch` INT",
        "UNIQUE(`artifact_id`, `execution_id`, `type`)",
    ),
    "EventPath": (
        "`event_id` INT NOT NULL",
        "`is_index_step` TINYINT(1) NOT NULL",
        "`step_index` INT",
        "`step_key` TEXT",
    ),
    "Association": (_ID, *_pair("context_id", "execution_id"), "UNIQUE(`context_id`, `execution_id`)"),
    "Attribution": (_ID, *_pair("context_id", "artifact_id"), "UNIQUE(`context_id`, `artifact_id`)"),
    "MLMDEnv": ("`schema_version` INTEGER PRIMARY KEY",),
}
"""What is declared of each table, column by column."""


def statements() -> Iterable[str]:
    """Yield the statements that make the tables; those of the indexes are `indexes`."""
    for name, declared in TABLES.items():
        yield f"CREATE TABLE `{name}` ({', '.join(declared)})"


def indexes() -> Iterable[str]:
    """Yield the statements that make the indexes, faster after the rows than before them."""
    yield _index("idx_artifact_uri", "Artifact", "uri")
    yield _index("idx_event_execution_id", "Event", "execution_id")
    yield _index("idx_parentcontext_parent_context_id", "ParentContext", "parent_context_id")
    yield _index("idx_type_name", "Type", "name")
    yield _index("idx_eventpath_event_id", "EventPath", "event_id")
    for node in ("type", *_NODES):
        yield _index(f"idx_{node}_external_id", node.capitalize(), "external_id")
    for node in _NODES:
        for column in ("create_time_since_epoch", "last_update_time_since_epoch"):
            yield _index(f"idx_{node}_{column}", node.capitalize(), column)
        for kind in ("int", "double", "string"):
            columns = ("name", "is_custom_property", f"{kind}_value")
            made = _index(f"idx_{node}_property_{kind}", f"{node.capitalize()}Property", *columns)
            yield f"{made} WHERE `{kind}_value` IS NOT NULL"


def _index(name: str, table: str, *columns: str) -> str:
    return f"CREATE INDEX `{name}` ON `{table}`({', '.join(f'`{column}`' for column in columns)})"
