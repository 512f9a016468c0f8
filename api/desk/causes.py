"""The causes that a crew may find: those that Hearth knows, and those that the utility adds in its policy."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.http.paging import Page
from api.http.problem import FieldFault, invalid
from api.http.session import AskingStaff, Session
from api.words import problems
from domain.causes import known_causes
from domain.words.text import Text

router = APIRouter(prefix="/v1", tags=["desk"])


class Cause(BaseModel):
    """A cause of a fault: the code to send with `cause_found`, and its names."""

    code: str
    zh: str
    en: str


@router.get("/causes")
def causes(asking: AskingStaff) -> Page[Cause]:
    """List the causes that a crew may find; all on one page."""
    found = known_causes(asking.policy.causes)
    return Page(items=[Cause(code=code, **text._asdict()) for code, text in found.items()], next=None)


def cause_text(asking: Session, code: str) -> Text:
    """Return the names of a cause.

    Raises:
        Problem: 422.
    """
    found = known_causes(asking.policy.causes).get(code)
    if found is None:
        raise invalid(FieldFault("cause", problems.NO_SUCH_CAUSE))
    return found
