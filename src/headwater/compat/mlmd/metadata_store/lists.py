"""Lists of nodes, read page by page."""

import enum
from dataclasses import dataclass
from typing import Any, Final

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.compat.mlmd.metadata_store.calls import Calls, ExtraOptions
from headwater.compat.mlmd.proto import metadata_store_pb2
from headwater.compat.mlmd.wire import definitions

PAGE: Final = 100
LARGE_PAGE: Final = 10_000

_Field: Final = metadata_store_pb2.ListOperationOptions.OrderByField


@enum.unique
class OrderByField(enum.Enum):
    """What a list can be sorted by."""

    CREATE_TIME = _Field.CREATE_TIME
    UPDATE_TIME = _Field.LAST_UPDATE_TIME
    ID = _Field.ID


@dataclass
class ListOptions:
    """What a list holds.

    Attributes:
        limit: Most nodes to return; None returns all.
        order_by: Without it, by id.
        is_asc: The direction.
        filter_query: A condition on nodes and their neighbours, as docs/mlmd.md says.
    """

    limit: int | None = None
    order_by: OrderByField | None = None
    is_asc: bool = True
    filter_query: str | None = None


class ListMethods(Calls):
    """The methods that list nodes."""

    def get_artifacts(
        self, list_options: ListOptions | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return artifacts: all of them, or what the options say."""
        return self._list("GetArtifacts", "artifacts", {}, list_options, extra_options)

    def get_executions(
        self, list_options: ListOptions | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return executions: all of them, or what the options say."""
        return self._list("GetExecutions", "executions", {}, list_options, extra_options)

    def get_contexts(
        self, list_options: ListOptions | None = None, extra_options: ExtraOptions | None = None
    ) -> list[Any]:
        """Return contexts: all of them, or what the options say."""
        return self._list("GetContexts", "contexts", {}, list_options, extra_options)

    def get_artifacts_by_context(
        self,
        context_id: int,
        list_options: ListOptions | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> list[Any]:
        """Return the artifacts that belong to a context."""
        where = {"context_id": context_id}
        return self._list("GetArtifactsByContext", "artifacts", where, list_options, extra_options)

    def get_executions_by_context(
        self,
        context_id: int,
        list_options: ListOptions | None = None,
        extra_options: ExtraOptions | None = None,
    ) -> list[Any]:
        """Return the executions that belong to a context; without options the newest first."""
        options = list_options or ListOptions(order_by=OrderByField.CREATE_TIME, is_asc=False)
        where = {"context_id": context_id}
        return self._list("GetExecutionsByContext", "executions", where, options, extra_options)

    def _list(
        self,
        method: str,
        field: str,
        where: dict[str, Any],
        options: ListOptions | None,
        extra_options: ExtraOptions | None,
    ) -> list[Any]:
        if options is None:
            return list(getattr(self._ask(method, extra_options, **where), field))
        if options.limit is not None and options.limit < 0:
            raise InvalidArgumentError(f"list_options.limit must be at least 1, not {options.limit}")
        found: list[Any] = []
        wire = _wire_options(options)
        page = LARGE_PAGE if getattr(extra_options, "exact_limits", False) else PAGE
        while True:
            wire.max_result_size = min(page, options.limit - len(found)) if options.limit else page
            response = self._ask(method, extra_options, options=wire, **where)
            found += getattr(response, field)
            if (options.limit and len(found) >= options.limit) or not response.next_page_token:
                return found
            wire.next_page_token = response.next_page_token


def _wire_options(options: ListOptions) -> Any:
    wire = definitions().message("ListOperationOptions")()
    wire.order_by_field.is_asc = options.is_asc
    if options.order_by is not None:
        # By number: the original package's enum of the same name is as good.
        wire.order_by_field.field = options.order_by.value
    if options.filter_query:
        wire.filter_query = options.filter_query
    return wire
