"""The peers that have a ticket, for its page: both numbers, and their clocks beside ours."""

from markupsafe import Markup

from api.http.language import Language
from api.http.session import Session
from api.pages.render import Times, say
from store.base.rows import Row
from store.exchange import exchange_pages


def peer_facts(asking: Session, number: str, language: Language, times: Times) -> list[tuple[str, str]]:
    """Return a line for each peer that has the ticket."""
    rows = exchange_pages.cases(asking.conn, number)
    return [(say(language, "peers_case", peer=row["peer"]), _line(asking, row, language, times)) for row in rows]


def _line(asking: Session, row: Row, language: Language, times: Times) -> Markup:
    told = [row["their_number"] or say(language, "peers_no_number")]
    for clock, due, met in (("response", "respond_by", "responded_at"), ("solution", "resolve_by", "resolved_at")):
        if row[due] is not None:
            is_late = (row[met] or asking.now) > row[due]
            state = "late" if is_late else "met" if row[met] else "runs"
            told.append(say(language, f"peers_{clock}_{state}", due=times.at(row[due])))
    if row["satisfied"] is not None:
        told.append(say(language, "peers_satisfied" if row["satisfied"] else "peers_dissatisfied"))
    if row["ended_at"] is not None:
        told.append(say(language, "peers_ended"))
    return Markup(" · ").join(told)
