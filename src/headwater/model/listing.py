"""Lists: what to ask for, and a page of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from headwater.model.filters import Field, Filter

T = TypeVar("T")

MAX_PAGE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """One key to sort by. Missing values come last in both directions, after NaN."""

    field: Field
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which nodes to list, in which order, and how many at once.

    Attributes:
        filter: None lists everything.
        order_by: Ties are broken by id, in the direction of the first key, so
            paging is stable while others insert.
        limit: Nodes in one page, 1 to `MAX_PAGE`.
        page_token: `next_token` of the page before; goes with the same filter and order.
        with_deleted: List what was deleted, too.
    """

    filter: Filter | None = None
    order_by: Sequence[Order] = ()
    limit: int = 100
    page_token: str | None = None
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some nodes, and the token that asks for the ones after them; None at the end."""

    items: tuple[T, ...]
    next_token: str | None = None
