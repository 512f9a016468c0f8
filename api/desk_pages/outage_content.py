"""The content of the pages of outages: the list, an outage with its history, and a draft with its preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from alerts.network.outages import ACTOR
from api.desk import outage_previews
from api.desk.outages import OutageHistoryEntry, WholeOutage
from api.desk_pages.local_times import shown_time
from api.desk_pages.outage_forms import MOVES, Faults, OutageForm
from api.desk_pages.timeline import ShownEvent, name_of
from api.http.language import Language, said
from api.http.problem import Problem
from api.http.session import Session
from api.pages.render import Times, say
from api.words.outages import ANNOUNCE_TEXTS, OUTAGE_EVENT_TEXTS
from domain.instants import instant
from domain.outages import KnownOutage, OutageEvent, OutageKind, refusal
from store.base.access import Right
from store.base.rows import Row
from store.network import outage_places
from store.network.outage_rows import PlaceCodes

MOST_NAMED = 3
INSTANTS = ("begins_at", "expected_end", "restored_at")


@dataclass(frozen=True, kw_only=True)
class OutageLine:
    """An outage in the list."""

    number: str
    state: str
    kind: str
    where: str | Markup
    reason: str
    begins: Markup
    expected: Markup
    homes: int
    announced: Markup | None


def lines(asking: Session, rows: Sequence[Row], language: Language) -> list[OutageLine]:
    """List outages with the names of their places."""
    named = outage_places.names(asking.conn, [row["outage_id"] for row in rows])
    times = Times(language, asking.policy.zone, asking.now)
    return [
        OutageLine(
            number=row["number"],
            state=row["state"],
            kind=row["kind"],
            where=where(named[row["outage_id"]], language),
            reason=row["reason"],
            begins=times.at(row["begins_at"]),
            expected=times.at(row["expected_end"]) if row["expected_end"] else say(language, "outage_not_known"),
            homes=row["homes"],
            announced=times.at(row["announced_at"]) if row["announced_at"] else None,
        )
        for row in rows
    ]


def where(names: Sequence[str], language: Language) -> str | Markup:
    """Name the places of an outage, the first few of many."""
    different = list(dict.fromkeys(names))
    shown = say(language, "list_mark").join(different[:MOST_NAMED])
    return shown if len(different) <= MOST_NAMED else say(language, "outage_more", names=shown, n=len(different))


def outage_content(
    asking: Session,
    outage: WholeOutage,
    language: Language,
    sent: OutageForm | None = None,
    faults: Faults | None = None,
) -> dict[str, Any]:
    """Gather the page of an outage; `sent` is a form that was not taken."""
    times = Times(language, asking.policy.zone, asking.now)
    events = outage.events or []
    area = PlaceCodes(**outage.area.model_dump())
    return {
        "outage": outage,
        "places": outage_previews.described(asking, area),
        "moves": _moves(outage, asking.now) if Right.WRITE in asking.asker.rights else [],
        "history": [_event(event, language, times) for event in reversed(events)],
        "version": max((event.seq for event in events), default=0),
        "form": sent or _form_of(outage, asking),
        "sent": sent,
        "faults": {name: said(text, language) for name, text in (faults or {}).items()},
        **(_places(asking, sent) if sent else {"chosen": [], "found": None}),
        "may_write": Right.WRITE in asking.asker.rights,
    }


def _form_of(outage: WholeOutage, asking: Session) -> OutageForm:
    zone = asking.policy.zone
    return OutageForm(
        kind="",
        stops_heating="yes" if outage.stops_heating else "no",
        reason=outage.reason,
        begins_at=shown_time(outage.begins_at, zone),
        expected_end=shown_time(outage.expected_end, zone),
    )


def _moves(outage: WholeOutage, now: datetime) -> list[OutageEvent]:
    """List the moves that an outage takes now."""
    known = KnownOutage(
        kind=OutageKind(outage.kind),
        stops_heating=outage.stops_heating,
        begins_at=outage.begins_at,
        expected_end=outage.expected_end,
        restored_at=outage.restored_at,
        cancelled_at=outage.cancelled_at,
    )
    begun = outage.begins_at <= now
    allowed = [move for move in MOVES if refusal(known, move, now) is None]
    return [move for move in allowed if move is not OutageEvent.RESTORED or begun]


def _event(event: OutageHistoryEntry, language: Language, times: Times) -> ShownEvent:
    by_person = event.actor != ACTOR
    return ShownEvent(
        seq=event.seq,
        at=times.at(event.at),
        what=said(OUTAGE_EVENT_TEXTS[OutageEvent(event.kind)], language),
        who=name_of(event.actor) if by_person else say(language, "desk_actor_hearth"),
        says=_says(event, language, times),
        has_contact=False,
        round=1,
        by_person=by_person,
    )


def _says(event: OutageHistoryEntry, language: Language, times: Times) -> list[tuple[str, str | Markup]]:
    data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
    told: list[tuple[str, str | Markup]] = []
    for key in ("kind", "reason", *INSTANTS, "explanation"):
        if key in data:
            label = "desk_field_reason" if key == "reason" else f"outage_{key}"
            told.append((say(language, label), _value(key, data[key], language, times)))
    if "stops_heating" in data:
        word = "outage_stops_yes" if data["stops_heating"] else "outage_stops_no"
        told.append((say(language, "outage_stops_heating"), say(language, word)))
    if codes := [code for part in (data.get("area") or {}).values() for code in part]:
        told.append((say(language, "outage_area"), say(language, "list_mark").join(codes)))
    if "why" in data and data["why"] in ANNOUNCE_TEXTS:
        told.append((say(language, "desk_field_reason"), said(ANNOUNCE_TEXTS[data["why"]], language)))
    return told


def _value(key: str, value: object, language: Language, times: Times) -> str | Markup:
    if value is None:
        return say(language, "outage_not_known")
    if key in INSTANTS:
        return times.at(instant(str(value)))
    return say(language, f"outage_kind_{value}") if key == "kind" else str(value)


def draft_content(
    asking: Session,
    form: OutageForm,
    language: Language,
    faults: Faults | None = None,
    refused: Problem | None = None,
) -> dict[str, Any]:
    """Gather the page of a draft: the places that were chosen and found, and the preview of its announcement."""
    shown, problem = preview_of(asking, form)
    refusal_text = refused or problem
    return {
        "form": form,
        **_places(asking, form),
        "preview": shown,
        "why": said(ANNOUNCE_TEXTS[shown.why], language) if shown and shown.why else None,
        "faults": {name: said(text, language) for name, text in (faults or {}).items()},
        "refused": refusal_text.details(language).detail if refusal_text else None,
        "may_write": Right.WRITE in asking.asker.rights,
    }


def _places(asking: Session, form: OutageForm) -> dict[str, Any]:
    """Describe the places that a form has chosen, and those found beside them; `found` None: nothing was looked for."""
    chosen = outage_previews.described(asking, form.area)
    known = {(place.kind, place.code) for place in chosen}
    found = outage_previews.places(asking, form.q).items if form.q else None
    beside = None if found is None else [place for place in found if (place.kind, place.code) not in known]
    return {"chosen": chosen, "found": beside}


def preview_of(asking: Session, form: OutageForm) -> tuple[outage_previews.OutagePreview | None, Problem | None]:
    """Preview a draft as far as it goes; a refusal of its times is told beside the form."""
    draft = form.previewed(asking.policy.zone)
    if draft is None:
        return None, None
    try:
        return outage_previews.preview_outage(draft, asking), None
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return None, problem
