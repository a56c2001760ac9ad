"""Walks over the graph's events, what they say about a thing, and pictures of it; knows no database."""

from headwater.provenance.changes import Change, FileChange, RowChange
from headwater.provenance.comparing import Evidence, compare, material_changes
from headwater.provenance.completeness import Facts, missing_of
from headwater.provenance.counting import PathCount, count_paths
from headwater.provenance.difference import Difference
from headwater.provenance.history import (
    History,
    Material,
    Step,
    columns_of,
    history_of,
    maker_of,
    shared_name,
)
from headwater.provenance.html import table_html, tree_html
from headwater.provenance.impact import Affected, Impact, impact_of
from headwater.provenance.missing import Check, Finding, Missing
from headwater.provenance.patches import changed_in
from headwater.provenance.pictures import as_dict, to_dot, to_mermaid
from headwater.provenance.routes import shortest_route
from headwater.provenance.tree import TreeLine, tree_lines
from headwater.provenance.walk import Expand, event_types, walk

__all__ = [
    "Affected",
    "Change",
    "Check",
    "Difference",
    "Evidence",
    "Expand",
    "Facts",
    "FileChange",
    "Finding",
    "History",
    "Impact",
    "Material",
    "Missing",
    "PathCount",
    "RowChange",
    "Step",
    "TreeLine",
    "as_dict",
    "changed_in",
    "columns_of",
    "compare",
    "count_paths",
    "event_types",
    "history_of",
    "impact_of",
    "maker_of",
    "material_changes",
    "missing_of",
    "shared_name",
    "shortest_route",
    "table_html",
    "to_dot",
    "to_mermaid",
    "tree_html",
    "tree_lines",
    "walk",
]
