"""Forms of complaints and reports: filing one, and its follow-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.desk.cases import CaseReport, Followed
from api.desk_pages.forms import NOTHING, FormState, FormWords, ShownField, fields_of, shown_fields, whole_fault
from api.http.language import Language, said
from api.http.session import Session
from api.pages.render import say
from api.words.cases import FOLLOW_TEXTS
from domain.cases import FollowUp, refusal
from domain.words.desk import CHANNEL_TEXTS, CLASS_TEXTS, SUBJECT_TEXTS
from store.base.rows import Row
from store.tickets import queue_rows

FOLLOW_KEYS: Mapping[FollowUp, str] = {
    FollowUp.ESCALATED: "e",
    FollowUp.SUPERVISED: "i",
    FollowUp.PUBLISHED: "k",
    FollowUp.EXAMPLE: "j",
}
CASE_HINTS = ("about_station", "home")


@dataclass(frozen=True, kw_only=True)
class FollowForm:
    """A follow-up as a form."""

    what: FollowUp
    key: str
    name: str
    fields: Sequence[ShownField]
    is_open: bool
    fault: str | None


def _words(language: Language) -> FormWords:
    def option(name: str, value: str) -> str:
        texts = {"class": CLASS_TEXTS, "subject": SUBJECT_TEXTS, "channel": CHANNEL_TEXTS}[name]
        return said(texts[value], language)  # type: ignore[index]

    hints = {name: str(say(language, f"case_hint_{name}")) for name in CASE_HINTS}
    return FormWords(label=lambda name: say(language, f"case_field_{name}"), option=option, hints=hints)


def report_form(asking: Session, state: FormState, language: Language) -> list[ShownField]:
    """Show the fields of a case to file; how it came in is asked of the desk, whatever the API asks of customers."""
    stations = [(station, station) for station in queue_rows.stations(asking.conn)]
    fields = [one._replace(required=one.required or one.name == "channel") for one in fields_of(CaseReport)]
    given = FormState(told=state.told, faults=state.faults, choices={"about_station": stations})
    return shown_fields(fields, _words(language), given, language)


def follow_forms(
    case: Row, language: Language, sent: FollowUp | None = None, state: FormState = NOTHING
) -> list[FollowForm]:
    """Show the follow-ups that a case takes now; `state` is of the one that was sent."""
    closed = case["state"] == "closed"
    allowed = [what for what in FollowUp if refusal(what, case[f"{what}_at"] is not None, closed) is None]
    return [_follow_form(what, language, state if what is sent else None) for what in allowed]


def _follow_form(what: FollowUp, language: Language, state: FormState | None) -> FollowForm:
    fields = [one for one in fields_of(Followed) if one.name != "what"]
    given = state or NOTHING
    return FollowForm(
        what=what,
        key=FOLLOW_KEYS[what],
        name=said(FOLLOW_TEXTS[what], language),
        fields=shown_fields(fields, _words(language), given, language),
        is_open=state is not None,
        fault=whole_fault(given.faults, {one.name for one in fields}, language),
    )
