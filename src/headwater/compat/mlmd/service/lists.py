"""Lists: order, filter and pages."""

from typing import Any, Final

from headwater.compat.mlmd.errors import InvalidArgumentError, ResourceExhaustedError
from headwater.compat.mlmd.service.filters import filter_of
from headwater.compat.mlmd.service.kinds import Kind, Message, answer
from headwater.compat.mlmd.service.nodes import add_nodes, answer_of_nodes
from headwater.compat.mlmd.service.options import read_options
from headwater.model.filters import And, Field, Filter, Scope
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store

LARGEST_PAGE: Final = 100
"""MLMD's clients ask for no more; a larger wish gets this many and a token, unless it has `exact_limits`."""

LARGEST_EXACT_PAGE: Final = 10_000
"""With `exact_limits`, so that no page fills the memory."""

_ID: Final = 3
_ORDERS: Final = {1: "created_time", 2: "updated_time", _ID: "id"}


class Lists:
    """Answers calls that list nodes."""

    def __init__(self, store: Store, max_bytes: int | None = None) -> None:
        """Take the store, and how large an answer that is not paged may get."""
        self._store, self._max_bytes = store, max_bytes

    def answer(self, call: str, kind: Kind, request: Message, *, among: Filter | None = None) -> Message:
        """Return a page, or without options all nodes.

        Args:
            call: Its name.
            kind: What is listed.
            request: Its `options` say which page.
            among: What else holds for the nodes.

        Raises:
            InvalidArgumentError: the options cannot be right.
        """
        reading = read_options(request)
        if not request.HasField("options"):
            return self._all(call, kind, among, with_deleted=reading.with_deleted)
        nodes = kind.nodes(self._store)
        try:
            listing = listing_of(kind, request.options, among, reading)
        except InvalidArgumentError:
            # As in MLMD, the options of a list that is empty in any case are not looked at.
            if among is not None and not nodes.page(Listing(filter=among, limit=1)).items:
                return answer(call)
            raise
        page = nodes.page(listing)
        response = answer_of_nodes(call, kind, page.items)
        if page.next_token is not None:
            response.next_page_token = page.next_token
        return response

    def _all(self, call: str, kind: Kind, among: Filter | None, *, with_deleted: bool) -> Message:
        response, token = answer(call), None
        while True:
            listing = Listing(
                filter=among,
                limit=LARGEST_EXACT_PAGE,
                order_by=(_order(_ID),),
                page_token=token,
                with_deleted=with_deleted,
            )
            page: Any = kind.nodes(self._store).page(listing)
            add_nodes(response, call, kind, page.items)
            self._check_size(response)
            token = page.next_token
            if token is None:
                return response

    def _check_size(self, response: Message) -> None:
        if self._max_bytes is not None and response.ByteSize() > self._max_bytes:
            raise ResourceExhaustedError(
                f"the answer would be larger than {self._max_bytes:,} bytes: read it in pages, with `options`"
            )


def listing_of(kind: Kind, options: Message, among: Filter | None, reading: Message) -> Listing:
    """Turn list options and read options into a listing.

    Raises:
        InvalidArgumentError: the size, the order or the filter cannot be right.
    """
    size = options.max_result_size
    if size <= 0:
        raise InvalidArgumentError(
            "max_result_size field value is required to be greater than 0 and less than or equal to "
            f"{LARGEST_PAGE}. Set value:{size}"
        )
    order = options.order_by_field
    if order.field not in _ORDERS:
        raise InvalidArgumentError("Unsupported field: FIELD_UNSPECIFIED specified in ListOperationOptions")
    wanted = filter_of(kind.entity, options.filter_query) if options.filter_query else None
    terms = tuple(term for term in (among, wanted) if term is not None)
    return Listing(
        filter=terms[0] if len(terms) == 1 else And(terms) if terms else None,
        order_by=(_order(order.field, is_descending=not order.is_asc),),
        limit=min(size, LARGEST_EXACT_PAGE if reading.exact_limits else LARGEST_PAGE),
        with_deleted=reading.with_deleted,
        page_token=options.next_page_token or None,
    )


def _order(field: int, *, is_descending: bool = False) -> Order:
    return Order(Field(Scope.ATTRIBUTE, _ORDERS[field]), is_descending)
