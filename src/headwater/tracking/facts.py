"""The facts that a run captures by itself: their names and kinds."""

from dataclasses import replace
from typing import Final

from headwater.model import builtin
from headwater.model.values import ValueKind

RUN_WITH_FACTS: Final = replace(
    builtin.RUN,
    properties={
        **builtin.RUN.properties,
        "git_commit": ValueKind.STRING,
        "git_branch": ValueKind.STRING,
        "git_remote": ValueKind.STRING,
        "git_is_dirty": ValueKind.BOOLEAN,
        "git_diff_digest": ValueKind.STRING,
        "entry_point": ValueKind.STRING,
        "arguments": ValueKind.STRUCT,
        "python_version": ValueKind.STRING,
        "packages_digest": ValueKind.STRING,
        "lock_file": ValueKind.STRING,
        "lock_digest": ValueKind.STRING,
        "machine": ValueKind.STRUCT,
        "threads": ValueKind.STRUCT,
        "seeds": ValueKind.STRUCT,
        "capture_warnings": ValueKind.STRUCT,
    },
)
"""The type of runs with the properties that hold the facts.

`git_diff_digest` and `packages_digest` name bytes in the blob store: a patch that
`git apply` takes, and a JSON object of package names and versions. Whoever removes
unused bytes must count properties whose name ends in `_digest` as uses.
"""
