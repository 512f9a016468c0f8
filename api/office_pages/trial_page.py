"""The page on which other rules are tried over a span of the past. Nothing is written."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.desk_pages.show import desk_page
from api.http.language import Language
from api.http.session import LEADERS, Session
from api.office import trial_files, trials
from api.office.trials import PolicyTrial, TrialFigures, TrialOutcome, TriedNumbers
from api.office_pages.forms import AskingLeader, Fields, SentForm, Told, tried
from api.pages.render import say
from api.staff.file_form import FileFormRoute
from api.staff.frame import language_of
from api.staff.session import signed_in
from store.base.access import Right

NUMBERS = tuple(TriedNumbers.model_fields)
LIMITS = ("cold_below", "severe_below")
USUAL = timedelta(days=7)
A_DAY = timedelta(days=1)
SENTENCES = ("homes_cold", "flags", "tickets")
reading = contextmanager(signed_in(LEADERS))

router = APIRouter(prefix="/desk/rules/trial", route_class=FileFormRoute, include_in_schema=False)


@dataclass(frozen=True)
class FigureRow:
    """A figure on record beside that of the rules tried."""

    name: str
    recorded: str
    tried: str
    difference: str


async def policy_file(request: Request) -> bytes | None:
    """Read the file of the form, if there is one: no more of it than a policy may have."""
    async with request.form() as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile) or not sent.filename:
            return None
        return await sent.read(4 * trials.MOST_TEXT + 4)  # of UTF-8, a letter more than may be


@router.get("")
def begin(request: Request, asking: AskingLeader) -> Response:
    """Show the form: a week until yesterday, and the numbers in force."""
    today = asking.now.astimezone(asking.policy.zone).date()
    usual = {"from": str(today - USUAL), "last": str(today - A_DAY)}
    return _page(request, asking, SentForm("trial", usual))


@router.post("")
def try_rules(request: Request, fields: Fields, file: Annotated[bytes | None, Depends(policy_file)]) -> Response:
    """Try the rules of the form, and show what would have been beside what was."""
    told = dict(fields)
    found: list[TrialOutcome] = []

    def act(asking: Session) -> None:
        if file is not None:
            told["policy"] = trial_files.policy_text(file)
        found.append(trials.tried(asking, PolicyTrial.model_validate(_body(told))))

    failed = tried(request, LEADERS, "trial", told, act, Right.READ)
    with reading(request) as asking:
        return _page(request, asking, failed or SentForm("trial", told), found[0] if found else None)


def _body(told: Told) -> dict[str, Any]:
    numbers = {name: told[f"numbers.{name}"] for name in NUMBERS if told.get(f"numbers.{name}")}
    span = {"from": told.get("from", ""), "to": _following(told.get("last", ""))}
    return {**span, "policy": told.get("policy") or None, "numbers": numbers}


def _following(text: str) -> str:
    """Return the day after one; what is none stays as it is."""
    try:
        return str(date.fromisoformat(text) + A_DAY)
    except (ValueError, OverflowError):
        return text


def _page(request: Request, asking: Session, sent: SentForm, outcome: TrialOutcome | None = None) -> Response:
    language = language_of(request, asking)
    # The page names the last day where the API names the one after it.
    faults = {{"to": "last"}.get(name, name): text for name, text in sent.faults.items()}
    return desk_page(
        request,
        asking,
        "office/trial.html",
        sent.status,
        sent=replace(sent, faults=faults).shown(language),
        days=trials.MOST_DAYS,
        most_text=trials.MOST_TEXT,
        numbers=_in_force(asking, language),
        outcome=outcome,
        rows=list(_rows(outcome, language)) if outcome else [],
        sentences=SENTENCES,
    )


def _in_force(asking: Session, language: Language) -> Mapping[str, str]:
    """Return what each number is by the rules in force."""
    rules = asking.policy.rules_at(asking.now)
    found = {}
    for name in NUMBERS:
        if name not in LIMITS:
            found[name] = say(language, "trial_now", value=f"{getattr(rules, name):g}")
            continue
        severity = name.removesuffix("_below")
        below = sorted({limit.below_celsius for limit in rules.limits if limit.severity == severity})
        values = say(language, "trial_and").join(f"{one:g}" for one in below)
        found[name] = say(language, "trial_now", value=values) if below else say(language, "trial_no_limit")
    return found


def _rows(outcome: TrialOutcome, language: Language) -> Iterator[FigureRow]:
    for name in TrialFigures.model_fields:
        before, after = getattr(outcome.recorded, name), getattr(outcome.tried, name)
        yield FigureRow(name, _figure(before), _figure(after), _difference(after - before, language))


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _difference(value: float, language: Language) -> str:
    size = _figure(abs(value))
    if not float(size.replace(",", "")):
        return say(language, "trial_same")
    return say(language, "trial_more" if value > 0 else "trial_fewer", n=size)
