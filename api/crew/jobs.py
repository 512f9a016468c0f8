"""The jobs of a crew, in the order in which they are to be done."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.desk_pages.queue import place_of_ticket
from api.desk_pages.time_left import TimeLeft, time_left
from api.http.language import Language, said
from api.http.session import Session
from api.pages.render import Times, say
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from store.base.rows import Row
from store.tickets import job_rows

CREW = "/crew"
MOST_JOBS = 100  # on the page, and kept on the phone


@dataclass(frozen=True, kw_only=True)
class JobCard:
    """A job in the list."""

    number: str
    address: str
    left: TimeLeft
    due: str | None  # RFC 3339, for the script that counts on
    clock: str | None
    about: str
    place: str
    street: str | None
    state: Markup
    state_code: str
    responsible: str | None
    appointment: Markup | None


def job_address(number: str) -> str:
    """Return the address of a job's page."""
    return f"{CREW}/jobs/{number}"


def jobs_content(asking: Session, me: str, language: Language) -> dict[str, Any]:
    """Gather the jobs for the template: those of the person, then what else is open at the station."""
    rows = job_rows.jobs(asking.conn, asking.scope, me, MOST_JOBS + 1)
    times = Times(language, asking.policy.zone, asking.now)
    shown = rows[:MOST_JOBS]
    return {
        "mine": [_card(row, asking, language, times) for row in shown if row["mine"]],
        "others": [_card(row, asking, language, times) for row in shown if not row["mine"]],
        "has_more": len(rows) > MOST_JOBS,
        "station": asking.scope.own_station,
        "at": times.at(asking.now),
    }


def _card(row: Row, asking: Session, language: Language, times: Times) -> JobCard:
    due = row["due_at"]
    return JobCard(
        number=row["number"],
        address=job_address(row["number"]),
        left=time_left(language, due, asking.now),
        due=due.isoformat() if due else None,
        clock=said(CLOCK_TEXTS[row["clock"]], language) if row["clock"] else None,
        about=said(CLASS_TEXTS[row["class"]], language),
        place=place_of_ticket(row),
        street=row["address"] or None,
        state=say(language, f"desk_state_{row['state']}"),
        state_code=row["state"],
        responsible=row["responsible"],
        appointment=times.at(row["appointment_at"]) if row["appointment_at"] else None,
    )
