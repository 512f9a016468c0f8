"""Changes to records: who may make them, the version they are made to, and what is wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.http.messages import UnreadableValue
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import Session
from api.words.office import NOT_PRINTABLE, RECORD_CHANGED, SENSOR_ELSEWHERE, SENSOR_OUT_OF_REACH
from registry.editing import Edit, EditRefused, PlacedElsewhere, RecordChanged
from store.base.office_role import in_office


def _printable(text: str) -> str:
    if not text.isprintable():
        raise UnreadableValue(NOT_PRINTABLE)
    return text


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=300),
    AfterValidator(_printable),
    Field(description="why, for the audit log; names nobody"),
]
Cell = Annotated[str, StringConstraints(max_length=200)]


class RecordChange(BaseModel):
    """A change to the record with this `version`, and why it is made."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    reason: Reason


def edit_of(changing: Session, code: str, change: RecordChange) -> Edit:
    """Return the terms of a change to a home, and note its reason for the audit log."""
    changing.notes["reason"] = change.reason
    limited = frozenset(limit.home_class for limit in changing.policy.rules_at(changing.now).limits)
    return Edit(code, change.version, changing.now, changing.policy.zone, limited)


@contextmanager
def recording(changing: Session) -> Iterator[None]:
    """Write records in this block; what they refuse is answered.

    Raises:
        Problem: 409, the record has changed; 422.
    """
    try:
        with changing.conn.transaction(), in_office(changing.conn):
            yield
    except RecordChanged:
        raise Problem(409, RECORD_CHANGED) from None
    except PlacedElsewhere as error:
        raise _elsewhere(changing, error.place) from None
    except EditRefused as error:
        raise invalid(*(FieldFault(column, fault) for column, fault in error.faults)) from None


def _elsewhere(changing: Session, place: str | None) -> Problem:
    """Make the refusal to place a sensor; where it is stays untold to somebody who does not reach all homes."""
    if place is None or not changing.scope.everywhere:
        return Problem(409, SENSOR_OUT_OF_REACH)
    return Problem(409, SENSOR_ELSEWHERE.fill(place=place))
