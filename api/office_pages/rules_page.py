"""The page of seasons and holidays: what is in force, and for those who lead drafts of a change."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.desk_pages.show import AskingDeskPerson, desk_page
from api.http.messages import in_both
from api.http.problem import Problem
from api.http.session import LEADERS, Session
from api.office import rules
from api.office.rules import FIRST_YEAR, LAST_YEAR, DraftedRules, RulesDraft
from api.office_pages.forms import NOTHING_TRIED, AskingLeader, Fields, SentForm, Told
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from api.words.rules import NO_CALENDAR_DAY, NO_CALENDAR_YEAR
from domain.policy import Policy
from domain.printable import printable
from domain.words.text import Text

RULES = "/desk/rules"
BLANK_ROWS = 2
MOST_TEXT = 12_000
LISTS = ("years", "holidays", "workdays")
FILE = {"Content-Disposition": 'attachment; filename="policy.toml"', "Cache-Control": "no-store"}

router = APIRouter(prefix=RULES, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def shown(
    request: Request, asking: AskingDeskPerson, year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)] = None
) -> Response:
    """Show the seasons and the holidays of a year."""
    return _page(request, asking, NOTHING_TRIED, year=year)


@router.post("")
def draft(request: Request, asking: AskingLeader, told: Fields) -> Response:
    """Show a draft, and which days it would have judged again. Nothing is written."""
    made = _drafted(asking, told)
    if isinstance(made, SentForm):
        return _page(request, asking, made)
    return _page(request, asking, SentForm("draft", told), made=made)


@router.post("/policy.toml")
def download(request: Request, asking: AskingLeader, told: Fields) -> Response:
    """Give the file of a draft."""
    made = _drafted(asking, told)
    if isinstance(made, SentForm):
        return _page(request, asking, made)
    return Response(made.policy, media_type="application/toml; charset=utf-8", headers=FILE)


def _drafted(asking: Session, told: Told) -> DraftedRules | SentForm:
    """Make the draft of a form, or tell what stands in its way."""
    lists = {name: re.findall(r"[^\s,\uFF0C\u3001;\uFF1B]+", told.get(name, "")[:MOST_TEXT]) for name in LISTS}
    if faults := _faults(lists):
        return SentForm("draft", told, faults, status=422)
    rows = [{"from": first, "to": end} for first, end in _rows(told)]
    try:
        return rules.drafted(asking, RulesDraft.model_validate({"seasons": rows, "calendar": lists}))
    except ValidationError as error:
        faults = {".".join(map(str, fault["loc"])): in_both(fault) for fault in error.errors()}
    except Problem as problem:
        if problem.status != 422:
            raise
        faults = {fault.parameter: fault.detail for fault in problem.faults or ()}
    return SentForm("draft", told, faults, status=422)


def _faults(lists: dict[str, list[str]]) -> dict[str, Text | str]:
    """Find what is no day or year: in a long list it is told which of them it is."""
    faults: dict[str, Text | str] = {}
    for name, values in lists.items():
        kind, says = (r"\d{4}", NO_CALENDAR_YEAR) if name == "years" else (r"\d{4}-\d\d-\d\d", NO_CALENDAR_DAY)
        wrong = next((value for value in values if not re.fullmatch(kind, value, re.ASCII)), None)
        if wrong is not None:
            faults[name] = says.fill(given=printable(wrong, 20))
    return faults


def _rows(told: Told) -> list[tuple[str, str]]:
    """Return the first day and the end of each row of the form that is not blank; however many, none is left out."""
    numbers = sorted(int(name[5:]) for name in told if re.fullmatch(r"from-\d{1,4}", name, re.ASCII))
    rows = [(told[f"from-{n}"], told.get(f"to-{n}", "")) for n in numbers]
    return [row for row in rows if any(row)]


def _page(
    request: Request, asking: Session, sent: SentForm, *, year: int | None = None, made: DraftedRules | None = None
) -> Response:
    given = sent.told if sent.part else _told(asking.policy)
    return desk_page(
        request,
        asking,
        "office/rules.html",
        sent.status,
        seasons=rules.in_force(asking),
        calendar=rules.of_year(asking, year or asking.now.astimezone(asking.policy.zone).year),
        may_draft=asking.asker.role in LEADERS,
        rows=[*_rows(given), *[("", "")] * BLANK_ROWS],
        given=given,
        made=made,
        sent=sent.shown(language_of(request, asking)),
    )


def _told(policy: Policy) -> dict[str, Any]:
    """Return the fields of the form as the policy in force fills them."""
    fields = {f"from-{n}": str(season.first) for n, season in enumerate(policy.seasons)}
    fields |= {f"to-{n}": str(season.end) for n, season in enumerate(policy.seasons)}
    listed: dict[str, Sequence[int | date]] = {name: sorted(getattr(policy.calendar, name)) for name in LISTS}
    return fields | {name: " ".join(map(str, values)) for name, values in listed.items()}
