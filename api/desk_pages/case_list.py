"""The content of the list of complaints and reports: views with their numbers, filters, and the cases by due time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from markupsafe import Markup

from api.desk.cases import CaseQuery, CaseSort, listed
from api.desk_pages.queue import QUEUE
from api.desk_pages.time_left import TimeLeft, time_left
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.pages.render import Times, say
from api.words.cases import FOLLOWED_TEXTS
from domain.cases import CASE_CLASSES, Subject
from domain.words.desk import CLASS_TEXTS, SUBJECT_TEXTS
from store.base.rows import Row
from store.tickets import case_rows, queue_rows
from store.tickets.case_rows import CaseFilter, CaseView

CASES = f"{QUEUE}/cases"
PAGE_CASES = 50
# Those that wait are read by the time left, those that are over from the newest on.
OVER = frozenset({CaseView.CLOSED, CaseView.EXAMPLES, CaseView.ALL})


@dataclass(frozen=True)
class CaseListQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen."""

    view: CaseView = CaseView.OPEN
    case_class: Annotated[str | None, Query(alias="class", max_length=20)] = None
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
    subject: Annotated[str | None, Query(max_length=20)] = None
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def wanted(self) -> CaseQuery:
        """Return what is asked of the API; a value that there is not is none chosen."""
        known = {name: name for name in CASE_CLASSES}
        return CaseQuery(
            kind=known.get(self.case_class or ""),  # type: ignore[arg-type]
            subject=Subject(self.subject) if self.subject in set(Subject) else None,
            station=self.station or None,
            view=self.view,
            sort=CaseSort.NEWEST if self.view in OVER else CaseSort.DUE,
        )

    def address(self, **changes: str | None) -> str:
        """Return the address of the list with these keys, some of them changed; None: without."""
        told = {**asdict(self), **changes}
        told["class"] = told.pop("case_class")
        kept = {key: value for key, value in told.items() if value and (key, value) != ("view", CaseView.OPEN)}
        return f"{CASES}?{urlencode(kept)}" if kept else CASES


@dataclass(frozen=True, kw_only=True)
class CaseViewLink:
    """A view with the number of its cases, and the key that opens it."""

    view: CaseView
    key: str
    name: Markup
    address: str
    count: int
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class CaseLine:
    """A case in the list. `left` and `due` (RFC 3339) while it waits for its answer, else `answered`."""

    number: str
    left: TimeLeft | None
    due: str | None
    due_at: Markup | None
    answered: Markup | None
    about: str
    subject: str
    text: str
    station: str
    state: Markup
    state_code: str
    responsible: str | None
    received: Markup
    marks: Sequence[str]
    is_anonymous: bool


def case_list(asking: Session, query: CaseListQuery, language: Language) -> dict[str, Any]:
    """Gather the list for the template."""
    wanted = query.wanted()
    chosen: CaseFilter = wanted.filter(asking.now)
    rows, following = listed(asking, chosen, wanted.sort, Paging(query.cursor or None, PAGE_CASES))
    counts = case_rows.count(asking.conn, asking.scope, chosen)
    times = Times(language, asking.policy.zone, asking.now)
    return {
        "query": query,
        "wanted": wanted,
        "views": [_link(query, view, str(key), counts, language) for key, view in enumerate(CaseView, 1)],
        "lines": [case_line(row, asking, language, times) for row in rows],
        "total": counts["chosen"],
        "is_filtered": any((query.case_class, query.station, query.subject)),
        "options": choices(asking, language),
        "following": query.address(cursor=following) if following else None,
    }


def choices(asking: Session, language: Language) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return what can be chosen in the filters, with words."""
    return {
        "class": [(name, said(CLASS_TEXTS[name], language)) for name in CASE_CLASSES],
        "subject": [(subject.value, said(SUBJECT_TEXTS[subject], language)) for subject in Subject],
        "station": [(station, station) for station in queue_rows.stations(asking.conn)],
    }


def _link(
    query: CaseListQuery, view: CaseView, key: str, counts: Mapping[str, int], language: Language
) -> CaseViewLink:
    return CaseViewLink(
        view=view,
        key=key,
        name=say(language, f"case_view_{view}"),
        address=query.address(view=view, cursor=None),
        count=counts[view],
        is_open=view is query.view,
    )


def case_line(row: Row, asking: Session, language: Language, times: Times) -> CaseLine:
    """Show a case as a line."""
    due, answered = row["answer_due_at"], row["answered_at"]
    waits = answered is None and row["closed_at"] is None
    return CaseLine(
        number=row["number"],
        left=time_left(language, due, asking.now) if waits else None,
        due=due.isoformat() if waits and due else None,
        due_at=times.at(due) if due else None,
        answered=_answered(row, language, times) if answered else None,
        about=said(CLASS_TEXTS[row["class"]], language),
        subject=said(SUBJECT_TEXTS[row["subject"]], language),
        text=row["text"],
        station=row["about_station"] or say(language, "case_company"),
        state=say(language, f"desk_state_{row['state']}"),
        state_code=row["state"],
        responsible=row["responsible"],
        received=times.at(row["opened_at"]),
        marks=marks(row, language),
        is_anonymous=row["anonymous"],
    )


def _answered(row: Row, language: Language, times: Times) -> Markup:
    due, answered = row["answer_due_at"], row["answered_at"]
    is_late = due is not None and answered > due
    return say(language, "case_answered_late" if is_late else "case_answered", at=times.at(answered))


def marks(row: Row, language: Language) -> list[str]:
    """List the follow-ups that were made of a case."""
    return [said(text, language) for what, text in FOLLOWED_TEXTS.items() if row[f"{what}_at"] is not None]
