"""Quote paths and parameters, and collect lists over all pages.

Knows cursors and how a list may end silently. Knows no particular endpoint. Only reads.
Source: Kalshi API, pagination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from urllib.parse import quote

from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError, MalformedAnswerError
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.core.text import pluralize
from kalshi_trading.exchange.endpoints import ListEndpoint
from kalshi_trading.exchange.http.transport import Query, Transport
from kalshi_trading.exchange.wire.fields import Fields, unreadable_text

T = TypeVar("T")

MAX_PAGES = 2000
_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class _Collection(Generic[T]):
    endpoint: ListEndpoint[T]
    items: dict[object, T] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    ambiguous: list[object] = field(default_factory=list)

    def add(self, rows: list[Fields]) -> None:
        endpoint, items = self.endpoint, self.items
        for row in rows:
            try:
                if endpoint.skip is not None and endpoint.skip(row):
                    continue
                item = endpoint.decode(row)
            except MalformedAnswerError as error:
                self.unreadable.append(str(error))
                continue
            name = len(items) if endpoint.identity is None else endpoint.identity(item)
            if items.setdefault(name, item) is not item:
                if endpoint.shared and items[name] != item:
                    self.ambiguous.append(name)
                # A list that changes while it is paged repeats a row; keep the more recent one.
                items[name] = item

    def listing(self, incomplete: str | None = None, cursor: str = "") -> Listing[T]:
        if self.ambiguous:
            incomplete = f"the exchange sent different rows for {self.ambiguous[0]}"
        if self.unreadable:
            incomplete = unreadable_text(self.unreadable)
        return Listing(tuple(self.items.values()), incomplete, self.endpoint.rows, cursor)


def collect(
    transport: Transport,
    endpoint: ListEndpoint[T],
    query: Query = (),
    *,
    limit: int | None = None,
    cursor: str | None = None,
    progress: Progress | None = None,
    on_page: Callable[[Fields], None] | None = None,
    on_last_page: Callable[[], None] | None = None,
) -> Listing[T]:
    """Collect all rows, each once, or the first `limit`.

    The listing reports why rows may be missing. `cursor` continues an earlier listing. None: from the first
    row. `on_last_page` is called when the last page has arrived, before its rows are decoded. Raises
    KalshiAPIError if the first page could not be read.
    """
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InvalidInputError(f"limit must be a whole number above 0, not {limit!r}.")
    found: _Collection[T] = _Collection(endpoint)

    def left() -> int | None:
        return None if limit is None else limit - len(found.items)

    walk, is_begun = _each_page(transport, endpoint, query, left, cursor or ""), False
    while True:
        try:
            page = next(walk, None)
        except KalshiAPIError as error:
            if not is_begun:
                raise
            rows = pluralize(len(found.items), "row")
            return found.listing(f"the list stopped after {rows}: {error}")
        if page is None:
            return found.listing()
        is_begun = True
        if on_last_page is not None and page.is_last:
            on_last_page()
        found.add(page.rows)
        if on_page is not None:
            on_page(page.body)
        if progress is not None:
            progress(len(found.items))
        if limit is not None and len(found.items) >= limit:
            # keep rows beyond `limit`: the cursor is after them
            asked = None if page.is_last else f"only the first {limit:,} rows were requested"
            return found.listing(asked, page.cursor)


def iterate(transport: Transport, endpoints: Iterable[ListEndpoint[T]], query: Query = ()) -> Iterator[T]:
    """Yield the rows of overlapping lists in sequence, each row once.

    For lists too large for memory: keeps only the identity of each row. The first version of a row is
    yielded. Rows that differ under a shared identity are all yielded. Raises KalshiAPIError if a row or page
    cannot be read, also after some rows.
    """
    seen_names = set[object]()
    for endpoint in endpoints:
        for page in _each_page(transport, endpoint, query):
            for row in page.rows:
                if endpoint.skip is not None and endpoint.skip(row):
                    continue
                item = endpoint.decode(row)
                name = _row_identity(endpoint, item)
                if name is None or name not in seen_names:
                    seen_names.add(name)
                    yield item


def _row_identity(endpoint: ListEndpoint[T], item: T) -> object:
    """Return a row's unique name. None: it has none.

    A shared identity includes the row's content.
    """
    if endpoint.identity is None:
        return None
    return (endpoint.identity(item), hash(item)) if endpoint.shared else endpoint.identity(item)


@dataclass(frozen=True, slots=True)
class _Page:
    body: Fields
    rows: list[Fields]
    cursor: str

    @property
    def is_last(self) -> bool:
        return not self.cursor


def _each_page(
    transport: Transport,
    endpoint: ListEndpoint[T],
    query: Query = (),
    left: Callable[[], int | None] = lambda: None,
    cursor: str = "",
) -> Iterator[_Page]:
    """Yield the pages of a list up to an empty cursor.

    Raises KalshiAPIError if the end is not reached. A page requests at most `left` rows. None: no limit. A
    repeated cursor is an error, because an exchange that lost a cursor silently starts over.
    """
    seen = set[str]()
    for _ in range(MAX_PAGES):
        size = min(endpoint.page_size, left() or endpoint.page_size)
        paging = [("limit", str(size)), *([("cursor", cursor)] if cursor else [])]
        body = Fields(transport.read(endpoint.path, [*query, *paging], signed=endpoint.signed), "answer")
        rows, cursor = body.rows(endpoint.rows), body.optional_text("cursor") or ""
        yield _Page(body, rows, cursor)
        if not cursor:
            return
        if cursor in seen:
            raise KalshiAPIError("The exchange repeated a page of the list.")
        seen.add(cursor)
    raise KalshiAPIError(f"The list was cut off after {MAX_PAGES} pages.")


def quote_path(name: str) -> str:
    """Quote one path segment, so that no name can change the path."""
    if name in (".", "..", ""):
        raise InvalidInputError("Not a valid identifier. Nothing was sent.")
    return quote(name, safe="")


def params(**values: object) -> list[tuple[str, str]]:
    """Return query parameters, without None, False, 0 and empty text.

    Times become Unix seconds.
    """
    return [(name, _query_text(value)) for name, value in values.items() if value]


def time_range(since: datetime | None, until: datetime | None = None) -> list[tuple[str, str]]:
    """Return parameters that bound rows by time, widened by a second each way.

    The caller must pick the exact range. The exchange counts whole seconds, and does not document whether
    the bounds are included.
    """
    return params(
        min_ts=None if since is None else since - _SECOND, max_ts=None if until is None else until + _SECOND
    )


def _query_text(value: object) -> str:
    if value is True:
        return "true"
    return str(int(value.timestamp())) if isinstance(value, datetime) else str(value)
