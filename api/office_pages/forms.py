"""Forms of the office: read, tried as the API's bodies are, and shown again with what is wrong with them."""

from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from pydantic import ValidationError

from api.http.language import Language, said
from api.http.messages import in_both
from api.http.problem import Problem
from api.http.session import DESK, LEADERS, Session
from api.office.tokens import ADMINS
from api.staff.session import signed_in
from api.words.office import RECORD_CHANGED, SENSOR_ELSEWHERE
from domain.words.text import Text
from store.base.access import Right, Role

MOST_FIELDS = 250
Told: TypeAlias = Mapping[str, str]
AskingLeader = Annotated[Session, Depends(signed_in(LEADERS), scope="function")]
AskingAdmin = Annotated[Session, Depends(signed_in(ADMINS), scope="function")]
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))


async def read_fields(request: Request) -> Told:
    """Read the fields of a form; files are left out."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


Fields = Annotated[Told, Depends(read_fields)]


@dataclass(frozen=True)
class SentForm:
    """A form that was sent and not taken.

    `part`: which one of its page; `faults`: by field; `refused`: of the form as a whole. `has_changed`: the record is
    not the one that was read. `place`: where a sensor is that was to be moved.
    """

    part: str = ""
    told: Told = field(default_factory=dict)
    faults: Mapping[str, Text | str] = field(default_factory=dict)
    refused: Text | str | None = None
    status: int = 200
    has_changed: bool = False

    def shown(self, language: Language) -> dict[str, Any]:
        """Return the form for its template."""
        return {
            "part": self.part,
            "told": self.told,
            "faults": {name: said(text, language) for name, text in self.faults.items()},
            "refused": said(self.refused, language) if self.refused else None,
            "has_changed": self.has_changed,
            "place": self._place(),
        }

    def _place(self) -> str | None:
        before, after = SENSOR_ELSEWHERE.en.split("{place}")
        text = said(self.refused or "", "en")
        is_elsewhere = text.startswith(before) and text.endswith(after) and self.status == 409
        return text.removeprefix(before).removesuffix(after) if is_elsewhere else None


NOTHING_TRIED = SentForm()


def tried(
    request: Request,
    roles: Collection[Role],
    part: str,
    told: Told,
    act: Callable[[Session], None],
    right: Right = Right.WRITE,
) -> SentForm | None:
    """Do what a form asks for, in a session that commits if it may write; returns what stands in its way, or None."""
    try:
        with contextmanager(signed_in(roles, right))(request) as session:
            act(session)
    except ValidationError as error:
        invalid = {".".join(map(str, fault["loc"])): in_both(fault) for fault in error.errors()}
        whole = invalid.pop("", None)  # of the body, not of a field
        return SentForm(part, told, invalid, whole, status=422)
    except Problem as problem:
        if problem.status not in (403, 409, 422, 503):
            raise
        faults = {fault.parameter: fault.detail for fault in problem.faults or ()}
        refused = None if faults else problem.detail
        return SentForm(part, told, faults, refused, problem.status, problem.detail is RECORD_CHANGED)
    return None


def body(told: Told, *names: str, **values: object) -> dict[str, object]:
    """Return the body that fields of a form make, beside version and reason; those that are not in the form are not."""
    common = {name: told.get(name, "") for name in ("version", "reason")}
    return {**common, **{name: told[name] or None for name in names if name in told}, **values}


def instant(text: str, zone: ZoneInfo) -> str:
    """Return the local time of a browser as an instant; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()
