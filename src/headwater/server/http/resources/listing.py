"""Lists: what a request asks for, and the page that answers it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, cast

from fastapi import Query
from starlette.responses import Response

from headwater.errors import InvalidError
from headwater.model.filters import Entity, Filter
from headwater.model.listing import Listing, Page
from headwater.model.protocols import Store
from headwater.query.parse import parse_filter, parse_order
from headwater.server.http.backend import Backend
from headwater.server.http.json_values import json_value
from headwater.server.http.resources.answers import json_answer, store_of

COUNTED: Final = 10_000
"""Counting stops here unless the request wants it exact."""
MOST: Final = 1_000
"""Most things in one page."""
_WITHOUT_END: Final = 2**53
T = TypeVar("T")

At = Annotated[
    str | None,
    Query(
        max_length=64, description="Read everything as it was then: a time such as 2013-08-14T09:00, or ms."
    ),
]
Fields = Annotated[
    str,
    Query(
        max_length=10_000,
        description="Only these fields, parted by commas: run_id,metrics.auc. Empty: all.",
    ),
]
Cursor = Annotated[str | None, Query(max_length=20_000, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most things in the page.")]


@dataclass(frozen=True, slots=True)
class TotalOut:
    """How many there are. Without `exact` there are more; null when nobody counted."""

    count: int | None
    exact: bool


@dataclass(frozen=True, slots=True)
class PageOut(Generic[T]):
    """A page of a list; `next` is the cursor of the one after it, null at the end."""

    items: list[T]
    next: str | None
    total: TotalOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters that lists share."""

    q: Annotated[str, Query(max_length=20_000, description="A filter, as docs/search.md has it.")] = ""
    sort: Annotated[
        str, Query(max_length=2_000, description="Fields to sort by: metrics.auc desc, name.")
    ] = ""
    fields: Fields = ""
    cursor: Cursor = None
    limit: Limit = 100
    count: Annotated[
        Literal["bounded", "exact"],
        Query(description=f"Whether to go on counting beyond {COUNTED:,}."),
    ] = "bounded"
    deleted: Annotated[bool, Query(description="List what was deleted, too.")] = False
    at: At = None

    def filter(self, entity: Entity) -> Filter | None:
        """Read the filter.

        Raises:
            FilterError: it is none on this entity.
        """
        return parse_filter(self.q, entity)

    def listing(self, entity: Entity, filter: Filter | None) -> Listing:
        """Return what to ask the store for.

        Raises:
            FilterError: the order cannot be read.
        """
        return Listing(
            filter=filter,
            order_by=parse_order(self.sort, entity),
            limit=self.limit,
            page_token=self.cursor,
            with_deleted=self.deleted,
        )

    def store(self, backend: Backend) -> Store:
        """Return the store that is asked: as it is, or as it was."""
        return store_of(backend, self.at)

    def total(self, count: Callable[..., int], filter: Filter | None) -> TotalOut:
        """Count what the list has; `count` is a store's method."""
        if self.deleted:
            # What is deleted is in no index by itself, so nobody counts it.
            return TotalOut(None, exact=False)
        most = _WITHOUT_END if self.count == "exact" else COUNTED
        found = count(filter, limit=most + 1)
        return TotalOut(min(found, most), exact=found <= most)


def page_answer(
    page: Page[Any], total: TotalOut, wire: Callable[[Any], Any], asked: str, of: type[Any]
) -> Response:
    """Answer with a page.

    Args:
        page: What the store gave.
        total: How many there are.
        wire: Makes of each what is sent.
        asked: The fields that are wanted, as the request says it.
        of: The class of what is sent.
    """
    chosen = wanted_fields(asked, of)
    items = [sparse(wire(each), chosen) for each in page.items]
    return json_answer({"items": items, "next": page.next_token, "total": total})


def whole_answer(
    found: Sequence[Any], wire: Callable[[Any], Any], asked: str, of: type[Any], next: str | None = None
) -> Response:
    """Answer with a list that was read whole; its total is exact."""
    return page_answer(Page(tuple(found), next), TotalOut(len(found), exact=True), wire, asked, of)


def wanted_fields(asked: str, of: type[Any]) -> dict[str, set[str]]:
    """Read `fields`: names of fields, each with the keys inside that are wanted (none: all of it).

    Raises:
        InvalidError: there is no such field.
    """
    known = [field.name for field in fields(of)]
    found: dict[str, set[str]] = {}
    for each in filter(None, (word.strip() for word in asked.split(","))):
        name, _, inner = each.partition(".")
        if name not in known:
            raise InvalidError(f"fields has no {name[:80]!r}; there are {', '.join(known)}")
        found.setdefault(name, set()).update({inner} if inner else ())
    return found


def sparse(value: Any, chosen: dict[str, set[str]]) -> Any:
    """Return what is sent, or only the chosen fields of it."""
    if not chosen:
        return value
    return {name: _within(json_value(getattr(value, name)), inner) for name, inner in chosen.items()}


def _within(value: Any, names: set[str]) -> Any:
    if not names or not isinstance(value, dict):
        return value
    found = cast("dict[str, Any]", value)
    return {name: found[name] for name in found if name in names}
