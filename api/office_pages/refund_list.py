"""The page of refund sheets by state: approved, paid together, and the files for the bank."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk import refunds
from api.desk.refund_answers import PaymentWish, RefundPayment
from api.desk.refunds import Key
from api.desk_pages.show import desk_page
from api.http.paging import Paging
from api.http.session import LEADERS, Session
from api.http.values import day
from api.office_pages.forms import NOTHING_TRIED, AskingLeader, Fields, SentForm, Told, tried
from api.office_pages.refund_pages import SHEETS, seasons_begun
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from store.base.access import Right
from store.refunds.refund_rows import SheetState

PAGE_SHEETS, PAGE_PAYMENTS = 50, 20
ALL = "all"
CHOSEN = "sheet-"  # a box beside a sheet is named so, with its number
reading = contextmanager(signed_in(LEADERS))

router = APIRouter(prefix=SHEETS, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class SheetListQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen. `paid`: a payment just made."""

    state: SheetState | Literal["all"] = SheetState.OPEN
    season: Annotated[str, Query(max_length=10)] = ""
    home: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    cursor: Annotated[str, Query(max_length=200)] = ""
    done: Literal["approved"] | None = None
    paid: Annotated[int | None, Query(ge=1, le=2**31)] = None

    def address(self, **changes: str) -> str:
        """Return the address of the list with these filters, some keys changed."""
        told = {"state": self.state, "season": self.season, "home": self.home, **changes}
        return f"{SHEETS}?{urlencode({key: value for key, value in told.items() if value})}"

    def first(self) -> date | None:
        """Return the first day of the season that is chosen; None: any, or what is none."""
        try:
            return day(self.season) if self.season else None
        except ValueError:
            return None


Asked = Annotated[SheetListQuery, Depends()]


@router.get("")
def listed(request: Request, asking: AskingLeader, query: Asked) -> Response:
    """Show the sheets in a state, and the files for the bank."""
    return _page(request, asking, query, NOTHING_TRIED)


@router.post("/approvals")
def approve(request: Request, told: Fields) -> Response:
    """Approve the chosen sheets, all or none."""

    def act(changing: Session) -> None:
        for number in _chosen(told):
            refunds.approve(number, request, changing)

    found = tried(request, LEADERS, "chosen", told, act)
    return _answer(request, found, SheetListQuery(), "done=approved")


@router.post("/payments")
def pay(request: Request, told: Fields) -> Response:
    """Pay the chosen sheets together."""
    made: list[RefundPayment] = []

    def act(changing: Session) -> None:
        made.append(refunds.pay(changing, PaymentWish.model_validate({"sheets": _chosen(told)})))

    found = tried(request, LEADERS, "chosen", told, act)
    paid = f"state=approved&paid={made[0].id}" if made else ""
    return _answer(request, found, SheetListQuery(state=SheetState.APPROVED), paid)


@router.get("/payments/{id}.csv")
def payment(asking: AskingLeader, id: Key) -> Response:
    """Give the file of a payment, as the API gives it."""
    return refunds.payment(id, asking)


def _chosen(told: Told) -> list[str]:
    """Return the numbers of the chosen sheets; rising, so that two who approve the same ones wait and never block."""
    return sorted(name.removeprefix(CHOSEN) for name in told if name.startswith(CHOSEN))


def _answer(request: Request, found: SentForm | None, query: SheetListQuery, done: str) -> Response:
    if found is None:
        return RedirectResponse(f"{SHEETS}?{done}", 303)
    with reading(request) as asking:
        return _page(request, asking, query, found)


def _page(request: Request, asking: Session, query: SheetListQuery, sent: SentForm) -> Response:
    state = None if query.state == ALL else SheetState(query.state)
    paged = Paging(query.cursor or None, PAGE_SHEETS)
    found = refunds.sheets(asking, paged, query.first(), query.home or None, state)
    files = refunds.payments(asking, Paging(None, PAGE_PAYMENTS)).items
    return desk_page(
        request,
        asking,
        "office/refunds.html",
        sent.status,
        query=query,
        states=[(one, query.address(state=one)) for one in (*SheetState, ALL)],
        seasons=seasons_begun(asking),
        sheets=found.items,
        following=query.address(cursor=found.next) if found.next else None,
        files=files,
        act={SheetState.OPEN: "approvals", SheetState.APPROVED: "payments"}.get(state) if state else None,
        may_write=Right.WRITE in asking.asker.rights,
        sent=sent.shown(language_of(request, asking)),
    )
