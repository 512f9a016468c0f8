"""Pagination: `?cursor=&limit=` in, `{items, next}` out. A cursor is the encoded key of the last item."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from api.http.problem import FieldFault, Problem, invalid
from api.http.values import day
from api.words.problems import BAD_CURSOR
from domain import instants

MAX_ID = 2**63 - 1
DEFAULT_LIMIT, MOST_ITEMS = 100, 1000
LONGEST_CURSOR = 200
_SEPARATOR = "|"

Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """A page of results; `next` is the cursor of the following page, null on the last."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True)
class Paging:
    """The requested page."""

    cursor: str | None
    limit: int

    @property
    def fetched(self) -> int:
        """The number of rows to fetch: one more than shown tells whether a next page exists."""
        return self.limit + 1

    def id(self) -> int | None:
        """Decode the cursor of a list keyed by id."""
        if self.cursor is None:
            return None
        try:
            (key,) = _decode(self.cursor)
            return _checked_id(key)
        except ValueError:
            raise _bad_cursor() from None

    def position(self) -> tuple[datetime, int] | None:
        """Decode the cursor of a list keyed by (instant, id)."""
        if self.cursor is None:
            return None
        try:
            at, key = _decode(self.cursor)
            return _checked_instant(at), _checked_id(key)
        except ValueError:
            raise _bad_cursor() from None

    def day(self) -> date | None:
        """Decode the cursor of a list keyed by day."""
        if self.cursor is None:
            return None
        try:
            (key,) = _decode(self.cursor)
            return day(key)
        except ValueError:
            raise _bad_cursor() from None

    def page(self, rows: list[dict[str, Any]], item: type[Item], *key: str) -> Page[Item]:
        """Build the page from `fetched` rows.

        Args:
            item: the model of a row.
            key: the columns that the next cursor holds, as `id`, `position` or `day` reads them.
        """
        kept, cursor = self.cut(rows, *key)
        return Page(items=[item.model_validate(row) for row in kept], next=cursor)

    def next(self, keys: Sequence[Sequence[object]]) -> str | None:
        """Return the cursor of the next page from the keys of at least `fetched` rows; None on the last page."""
        return _encode(*keys[self.limit - 1]) if len(keys) > self.limit else None

    def cut(self, rows: list[dict[str, Any]], *key: str) -> tuple[list[dict[str, Any]], str | None]:
        """Return the rows of this page and the cursor of the next one."""
        return rows[: self.limit], self.next([[row[column] for column in key] for row in rows])


class Sort(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"


Sorted = Annotated[Sort, Query(description="order; a cursor continues in the order it was issued for")]


async def paging(
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="`next` of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = DEFAULT_LIMIT,
) -> Paging:
    """Read the pagination parameters."""
    return Paging(cursor, limit)


Paged = Annotated[Paging, Depends(paging)]


def _encode(*key: object) -> str:
    text = _SEPARATOR.join(part.isoformat() if isinstance(part, datetime) else str(part) for part in key)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> list[str]:
    padded = cursor + "=" * (-len(cursor) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(_SEPARATOR)


def _checked_id(text: str) -> int:
    if not 0 <= int(text) <= MAX_ID:
        raise ValueError(text)
    return int(text)


def _checked_instant(text: str) -> datetime:
    return instants.instant(text)


def _bad_cursor() -> Problem:
    return invalid(FieldFault("cursor", BAD_CURSOR))
