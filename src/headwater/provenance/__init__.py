"""Walks over the graph's events, what they say about a thing, and pictures of it; knows no database.

Here stand the walks and pictures; what compares and judges histories is imported from its own module, because
`import headwater` should not wait for it.
"""

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
