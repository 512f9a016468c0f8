"""The frame of a crew's pages: installed on the phone, kept there, and in one policy of what they may load."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.desk_pages.time_left import words_of
from api.http.session import Session
from api.pages.render import CREW_SCRIPTS, SCRIPT_POLICY, asset
from api.staff.frame import language_of, staff_page
from api.staff.session import person_of, signed_in
from api.words.crew import CREW_WORDS, SCRIPT_WORDS
from domain.files import MOST_BYTES
from store.base.access import Role

CREWS = frozenset({Role.CREW})
AskingCrew = Annotated[Session, Depends(signed_in(CREWS), scope="function")]
# Beside what the desk's pages may load: the worker that keeps pages, and what the phone reads to install them.
CREW_POLICY = f"{SCRIPT_POLICY}; worker-src 'self'; manifest-src 'self'"


def crew_page(request: Request, asking: Session, template: str, status: int = 200, **context: Any) -> Response:
    """Render a page of the crew."""
    language = language_of(request, asking)
    words = words_of(language) | {key.removeprefix("crew_"): getattr(CREW_WORDS[key], language) for key in SCRIPT_WORDS}
    around = {
        "asset": asset,
        "modules": [asset(name) for name in (*CREW_SCRIPTS[1:], "time-left.js")],
        "now": asking.now,
        "owner": person_of(asking).staff_id,
        "script_words": words,
        "most_bytes": MOST_BYTES,
        "zone": asking.policy.zone.key,
    }
    answer = staff_page(request, asking, template, **around, **context)
    answer.status_code = status
    answer.headers["Content-Security-Policy"] = CREW_POLICY
    answer.headers["Hearth-Person"] = str(around["owner"])  # in whose cache the phone keeps it
    return answer
