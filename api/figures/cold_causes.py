"""Routes for causes of cold homes: what is likely, with the evidence, and what crews found beside it."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel

from api.figures.kpi import Asked
from api.homes.cold_cause import HomeCause, likely_cause
from api.homes.home_routes import Code, home_id
from api.http.problem import no_such
from api.http.session import AskingDesk, AskingLeaders, Session
from domain.kpi import Month
from insight.cause import ColdCause
from insight.words.cause import CAUSES
from store.figures import cause_rows

router = APIRouter(prefix="/v1/insight", tags=["insight"])


class FoundBeside(BaseModel):
    """Tickets of cold homes for which the crew found `found`, and of which `likely` had been said as they were opened.

    `likely` null: nothing could be said.
    """

    found: str
    found_zh: str
    found_en: str
    likely: ColdCause | None
    likely_zh: str | None
    likely_en: str | None
    tickets: int


class FoundCauses(BaseModel):
    """The causes that crews found in a month beside the likely ones."""

    month: str
    items: Sequence[FoundBeside]


@router.get("/causes/{code}")
def cause(asking: AskingDesk, code: Code) -> HomeCause:
    """Explain why a home is cold, from two days of its readings, its neighbours and its substation."""
    home_id(asking, code)
    found = likely_cause(asking, code, asking.now)
    if found is None:
        raise no_such("reading")
    return found


@router.get("/causes")
def causes(asking: AskingLeaders, wanted: Asked = None) -> FoundCauses:
    """List the causes that crews found in cold homes in a month, beside what had been said as likely."""
    month = Month.parse(wanted) if wanted else Month.of(asking.now, asking.policy.zone)
    return FoundCauses(month=str(month), items=found_beside(asking, month))


def found_beside(asking: Session, month: Month) -> list[FoundBeside]:
    """Read the causes that crews found in a month beside the likely ones, the most frequent first."""
    found = []
    for row in cause_rows.beside_likely(asking.conn, month.span(asking.policy.zone)):
        likely = None if row["likely"] is None else ColdCause(row["likely"])
        words = {} if likely is None else {f"likely_{name}": text for name, text in CAUSES[likely]._asdict().items()}
        found.append(FoundBeside(**{"likely_zh": None, "likely_en": None, **row, **words}))
    return found
