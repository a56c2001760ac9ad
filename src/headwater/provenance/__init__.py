"""Walks over the graph's events, and pictures of what they find; knows no database."""

from headwater.provenance.pictures import as_dict, to_dot, to_mermaid
from headwater.provenance.routes import shortest_route
from headwater.provenance.tree import TreeLine, tree_lines
from headwater.provenance.walk import Expand, event_types, walk

__all__ = [
    "Expand",
    "TreeLine",
    "as_dict",
    "event_types",
    "shortest_route",
    "to_dot",
    "to_mermaid",
    "tree_lines",
    "walk",
]
