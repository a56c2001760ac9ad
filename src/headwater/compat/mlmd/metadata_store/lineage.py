"""Lineage, with whole nodes."""

from collections.abc import Sequence
from typing import Any

from headwater.compat.mlmd.metadata_store.calls import ExtraOptions
from headwater.compat.mlmd.metadata_store.nodes import NodeMethods
from headwater.compat.mlmd.metadata_store.types import TypeMethods
from headwater.compat.mlmd.wire import definitions


class LineageMethods(TypeMethods, NodeMethods):
    """The method that walks lineage."""

    def get_lineage_subgraph(
        self,
        query_options: Any,
        field_mask_paths: Sequence[str] | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> Any:
        """Return what is connected to some nodes.

        Args:
            query_options: A `LineageSubgraphQueryOptions`: where to start, which way, and where to end.
            field_mask_paths: The fields of the answer, such as `artifacts`; empty for all.
            extra_options: With `exact_limits`, `max_num_hops` means what it says.

        Returns:
            A `LineageGraph` with whole nodes, and the types of those nodes alone.

        Raises:
            InvalidArgumentError: there is no filter to start with, or it is none.
            NotFoundError: no node meets it.
        """
        fields = definitions().message("LineageGraph").DESCRIPTOR.fields
        wanted = set(field_mask_paths or (field.name for field in fields))
        # Nodes are needed for their types, too.
        paths = {path.removesuffix("_types") + "s" * path.endswith("_types") for path in wanted}
        response = self._ask(
            "GetLineageSubgraph",
            extra_options,
            lineage_subgraph_query_options=query_options,
            read_mask={"paths": sorted(paths)},
        )
        # Its edges stay where they are; its nodes, which have an id alone, give way to whole ones.
        graph = response.lineage_subgraph
        for word, get, get_types in (
            ("artifact", self.get_artifacts_by_id, self.get_artifact_types_by_id),
            ("execution", self.get_executions_by_id, self.get_execution_types_by_id),
            ("context", self.get_contexts_by_id, self.get_context_types_by_id),
        ):
            nodes = get([node.id for node in getattr(graph, f"{word}s")])
            graph.ClearField(f"{word}s")
            if f"{word}s" in wanted:
                getattr(graph, f"{word}s").extend(nodes)
            if f"{word}_types" in wanted:
                types = get_types(sorted({node.type_id for node in nodes}))
                getattr(graph, f"{word}_types").extend(types)
        return graph
