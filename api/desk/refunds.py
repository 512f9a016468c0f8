"""Routes for refunds: what a home gets back, the facts that decide it, sheets, approvals and payments."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from io import BytesIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from psycopg.errors import CheckViolation, ForeignKeyViolation, IntegrityError, UniqueViolation
from starlette.responses import Response

from alerts.refunds.sheets import ComputedSheet, Making, chosen_season, compute, over, write
from api.desk.refund_answers import (
    FactWish,
    NewSheetWish,
    NotedFact,
    PaymentWish,
    RefundPayment,
    RefundSheet,
    RefundTold,
    SheetInFull,
    day_answer,
    days_now,
    payment_answer,
    sheet_answer,
)
from api.homes.home_routes import Code, home_id
from api.http.language import Language, said
from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import Asking, AskingDesk, AskingLeaders, ChangingDesk, ChangingLeaders, Session, surroundings
from api.http.values import AskedDay
from api.words import refunds
from domain.errors import Fault
from domain.policy import Season
from domain.refunds.rules import RefundRules
from domain.refunds.sheet import told
from papers import xlsx
from papers.pdf import render
from papers.refund_payment import payment_file
from papers.refund_sheet import paper
from store.base.rows import Row
from store.refunds import refund_rows
from store.refunds.refund_rows import NewFact, SheetFilter, SheetState

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Key = Annotated[int, Path(ge=1, le=2**31)]
OfSeason = Annotated[AskedDay | None, Query(description="first day of the season; default: the last that has begun")]
OfHome = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]

PAPERS = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
BINARY = {"type": "string", "format": "binary"}

router = APIRouter(prefix="/v1", tags=["refunds"])


@router.get("/homes/{code}/refund")
def refund(
    code: Code, request: Request, asking: Asking, season: OfSeason = None, language: Language = "zh"
) -> RefundTold:
    """Get what a home gets back for the days of a season that are over, day by day: the same for all who may ask."""
    home, rules = home_id(asking, code), _rules(request)
    found = _computed(asking, rules, home, _season(asking, season))
    version = rules.version_on(found.days.first)
    owed = int((found.computed["amount"] > 0).sum())
    plain = refunds.IN_PLAIN_WORDS.fill(
        first=found.days.first, days=owed, total=told(found.total), currency=rules.currency
    )
    return RefundTold(
        home=code,
        season=found.days.first,
        upto=found.days.end,
        rules=rules.name,
        source=rules.source,
        unread=rules.unread,
        fine=version.fine if version else None,
        currency=rules.currency,
        fee=told(found.fee),
        total=told(found.total),
        words=said(plain, language),
        missed={reason: told(amount) for reason, amount in found.missed.items()},
        inputs=found.inputs.hex(),
        digest=found.digest.hex(),
        days=days_now(found),
    )


@router.get("/homes/{code}/refund-sheets")
def sheets_of_home(code: Code, asking: Asking) -> list[RefundSheet]:
    """List the sheets of a home, newest first."""
    return [sheet_answer(row) for row in refund_rows.of_home(asking.conn, home_id(asking, code))]


@router.post("/homes/{code}/refund-sheets", status_code=201)
def make(code: Code, request: Request, changing: ChangingLeaders, wish: NewSheetWish) -> RefundSheet:
    """Make a sheet of a season's days that are over. Of a home and season there is one; others correct it."""
    home, rules = home_id(changing, code), _rules(request)
    chosen = _season(changing, wish.season)
    old = _corrected(changing, home, chosen, wish.corrects) if wish.corrects else None
    computed = _computed(changing, rules, home, chosen)
    making = Making(changing.asker.actor, changing.now, old, wish.reason)
    try:
        number = write(changing.conn, rules, computed, making)
    except UniqueViolation:
        raise Problem(409, refunds.CORRECTED if old else refunds.MADE_ALREADY) from None
    changing.notes["refund_sheet"] = number
    return sheet_answer(_found(changing, number))


@router.get("/refund-sheets")
def sheets(
    asking: AskingLeaders, paged: Paged, season: OfSeason = None, home: OfHome = None, state: SheetState | None = None
) -> Page[RefundSheet]:
    """List sheets, newest first."""
    rows = refund_rows.sheets(asking.conn, SheetFilter(season, home, state), paged.id(), paged.fetched)
    kept, cursor = paged.cut(rows, "id")
    return Page(items=[sheet_answer(row) for row in kept], next=cursor)


@router.get("/refund-sheets/{number}")
def sheet(number: Number, request: Request, asking: Asking) -> SheetInFull:
    """Get a sheet with its days, and whether the record gives the same now."""
    row = _found(asking, number)
    days = [day_answer(day) for day in refund_rows.days(asking.conn, row["id"])]
    return SheetInFull(**sheet_answer(row).model_dump(), days=days, agrees=_agrees(request, asking, row))


@router.get(
    "/refund-sheets/{number}/paper",
    response_class=Response,
    responses={200: {"content": {media: {"schema": BINARY} for media in PAPERS.values()}}},
)
def on_paper(
    number: Number, asking: Asking, form: Literal["pdf", "xlsx"] = "pdf", language: Language = "zh"
) -> Response:
    """Get a sheet as PDF or workbook: the same sheet gives the same bytes."""
    row = _found(asking, number)
    written = paper(row, refund_rows.days(asking.conn, row["id"]), language)
    file = BytesIO(render(written) if form == "pdf" else b"")
    if form == "xlsx":
        xlsx.write(written, file, row["made_at"])
    headers = {
        "Content-Disposition": f'attachment; filename="refund-{row["number"]}.{form}"',
        "Cache-Control": "private, no-cache",
    }
    return Response(file.getvalue(), media_type=PAPERS[form], headers=headers)


@router.post("/refund-sheets/{number}/approval", status_code=201)
def approve(number: Number, request: Request, changing: ChangingLeaders) -> RefundSheet:
    """Approve a sheet, as the first or the second person. One that the record no longer gives is not approved."""
    row = _found(changing, number)
    person = changing.asker.person
    if person is None:
        raise Problem(409, refunds.NO_PERSON)
    if row["corrected_by"] is not None:
        raise Problem(409, refunds.CORRECTED)
    if _agrees(request, changing, row) is not True:
        raise Problem(409, refunds.DIFFERS)
    try:
        refund_rows.approve(changing.conn, row["id"], person, changing.now)
    except IntegrityError as error:
        same = error.diag.constraint_name == refund_rows.TWO_PERSONS
        raise Problem(409, refunds.SAME_PERSON if same else refunds.APPROVED) from None
    return sheet_answer(_found(changing, number))


@router.post("/refund-payments", status_code=201)
def pay(changing: ChangingLeaders, wish: PaymentWish) -> RefundPayment:
    """Pay the days of approved sheets that are not paid yet: all sheets or none, and no day twice."""
    for number in wish.sheets:
        _found(changing, number)
    days = refund_rows.to_pay(changing.conn, wish.sheets)
    if not days:
        raise Problem(409, refunds.NOTHING_TO_PAY)
    if len({day["currency"] for day in days}) > 1:
        raise invalid(FieldFault("sheets", refunds.SEVERAL_CURRENCIES))
    lines = _lines(days)
    file = payment_file(lines)
    try:
        by = (changing.asker.actor, changing.now)
        key = refund_rows.pay(changing.conn, days, sha256(file).digest(), by)
    except (UniqueViolation, CheckViolation, ForeignKeyViolation):
        raise Problem(409, refunds.NOT_PAYABLE) from None
    changing.notes["refund_payment"] = key
    return _payment(changing, key)[0]


@router.get("/refund-payments")
def payments(asking: AskingLeaders, paged: Paged) -> Page[RefundPayment]:
    """List payments, newest first."""
    kept, cursor = paged.cut(refund_rows.payments(asking.conn, paged.id(), paged.fetched), "id")
    return Page(items=[payment_answer(row) for row in kept], next=cursor)


@router.get(
    "/refund-payments/{id}",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def payment(id: Key, asking: AskingLeaders) -> Response:
    """Get the file of a payment: a line for each sheet, and a last one with the sum, each with its check."""
    head, file = _payment(asking, id)
    headers = {
        "ETag": f'"{head.digest}"',
        "Content-Disposition": f'attachment; filename="refunds-{id}.csv"',
        "Cache-Control": "private, no-cache",
    }
    return Response(file, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/homes/{code}/refund-facts")
def facts(code: Code, asking: AskingDesk) -> list[NotedFact]:
    """List the facts that people noted of a home, newest first."""
    return [NotedFact.model_validate(row) for row in refund_rows.noted(asking.conn, home_id(asking, code))]


@router.post("/homes/{code}/refund-facts", status_code=201)
def note(code: Code, changing: ChangingDesk, wish: FactWish) -> NotedFact:
    """Note a fact of a home, or take one back."""
    home = home_id(changing, code)
    new = NewFact(**(wish.model_dump() | {"kind": wish.kind.value}))
    try:
        key = refund_rows.note(changing.conn, home, new, (changing.asker.actor, changing.now))
    except (UniqueViolation, ForeignKeyViolation):
        raise invalid(FieldFault("withdraws", refunds.NOT_WITHDRAWN)) from None
    changing.notes["refund_fact"] = key
    (row,) = (one for one in refund_rows.noted(changing.conn, home) if one["id"] == key)
    return NotedFact.model_validate(row)


def _rules(request: Request) -> RefundRules:
    rules = surroundings(request).refunds
    if rules is None:
        raise Problem(409, refunds.NO_RULES)
    return rules


def _season(asking: Session, wanted: date | None) -> tuple[Season, date]:
    until = over(asking.policy, asking.now)
    chosen = chosen_season(asking.policy, wanted, until)
    if chosen is None:
        raise invalid(FieldFault("season", refunds.NO_SEASON))
    return chosen, until


def _computed(asking: Session, rules: RefundRules, home: int, of: tuple[Season, date]) -> ComputedSheet:
    try:
        return compute(asking.conn, asking.policy, rules, home, of)
    except Fault as fault:
        raise Problem(409, fault.told) from None


def _corrected(asking: Session, home: int, of: tuple[Season, date], number: str) -> int:
    row = _found(asking, number)
    if (row["home_id"], row["season"]) != (home, of[0].first):
        raise invalid(FieldFault("corrects", refunds.OTHER_SHEET))
    return int(row["id"])


def _found(asking: Session, number: str) -> Row:
    row = refund_rows.find(asking.conn, number)
    if row is None:
        raise Problem(404, refunds.NO_SUCH_SHEET)
    return row


def _agrees(request: Request, asking: Session, row: Row) -> bool | None:
    """Compute a sheet again over its own days, and compare; None: rules, season or fee are gone."""
    rules = surroundings(request).refunds
    chosen = chosen_season(asking.policy, row["season"], row["upto"])
    if rules is None or chosen is None:
        return None
    try:
        again = compute(asking.conn, asking.policy, rules, row["home_id"], (chosen, row["upto"]))
    except Fault:
        return None
    return again.digest == bytes(row["digest"])


def has_approved(asking: Session, number: str) -> bool:
    """Return whether the caller has approved a sheet."""
    person = asking.asker.person
    return person is not None and person.staff_id in _found(asking, number)["approvers"]


def _lines(days: Sequence[Row]) -> list[dict[str, Any]]:
    """Sum days up by sheet, as the file has them."""
    lines: dict[str, dict[str, Any]] = {}
    for day in days:
        line = lines.setdefault(
            day["number"],
            {name: day[name] for name in ("number", "home", "currency")}
            | {"first": day["day"], "days": 0, "amount": 0},
        )
        line |= {"last": day["day"], "days": line["days"] + 1, "amount": line["amount"] + day["amount"]}
    return list(lines.values())


def _payment(asking: Session, key: int) -> tuple[RefundPayment, bytes]:
    """Return a payment and its file, which is written again from what is on record."""
    found = refund_rows.payment(asking.conn, key)
    if found is None:
        raise Problem(404, refunds.NO_SUCH_PAYMENT)
    head, lines = found
    return payment_answer(head), payment_file(lines)
