"""The frame of the desk's pages: the only pages with a script, which is a file of this site."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.desk_pages.ticket import DeskReader
from api.desk_pages.time_left import words_of
from api.http.session import DESK, Session, surroundings
from api.live.presence import PresentPerson, at_tickets
from api.pages.render import SCRIPT_POLICY, asset
from api.staff.frame import language_of, staff_page
from api.staff.session import person_of, signed_in
from api.words.desk import DESK_WORDS
from store.figures import live_feed

AskingDeskPerson = Annotated[Session, Depends(signed_in(DESK), scope="function")]
SCRIPT_WORDS = (
    "desk_live_changed",
    "desk_live_lost",
    "desk_live_back",
    "desk_changed_live",
    "desk_here_looking",
    "desk_here_writing",
)


def reader_of(request: Request, asking: Session) -> DeskReader:
    """Return the person who looks at a page; to be asked for before what the page shows is read."""
    hotline = surroundings(request).company.hotline
    return DeskReader(person_of(asking).name, language_of(request, asking), hotline, live_feed.now(asking.conn))


def others_at(asking: Session, tickets: Sequence[int]) -> Mapping[int, Sequence[PresentPerson]]:
    """Return who else is at which of some tickets, for a page that shows them."""
    return at_tickets(asking.conn, asking.scope, tickets, person_of(asking).staff_id)


def desk_page(request: Request, asking: Session, template: str, status: int = 200, **context: Any) -> Response:
    """Render a page of the desk."""
    language = language_of(request, asking)
    words = words_of(language) | {key.removeprefix("desk_"): getattr(DESK_WORDS[key], language) for key in SCRIPT_WORDS}
    around = {
        "asset": asset,
        "boards": surroundings(request).company.boards,
        "now": asking.now,
        "script_words": words,
        "zone": asking.policy.zone.key,
    }
    answer = staff_page(request, asking, template, **around, **context)
    answer.status_code = status
    answer.headers["Content-Security-Policy"] = SCRIPT_POLICY
    return answer
