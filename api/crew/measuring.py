"""A measurement on site, from the page of a job: filed as by the API; the measurer is the person signed in."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends
from pydantic import ValidationError

from api.desk import measurements
from api.desk.desk_routes import find
from api.desk.measurements import Filed
from api.desk_pages.forms import Told
from api.desk_pages.ticket_routes import read_told
from api.http.messages import in_both
from api.http.problem import FieldFault, invalid, no_such
from api.http.session import Session
from api.staff.session import person_of
from domain.move_times import MADE_AT

MeasurementForm = Mapping[str, Any]
ROOM_KINDS = ("living", "bedroom", "other")


def read_measurement(told: Annotated[Told, Depends(read_told)]) -> MeasurementForm:
    """Read the form of a measurement; a room without a name of its own has that of its kind."""
    fields = {name: told.get(name, "").strip() for name in ("room", "room_kind", "celsius", "instrument", "signature")}
    return {
        **{name: value or None for name, value in fields.items()},
        "room": fields["room"] or fields["room_kind"],
        "celsius": fields["celsius"].replace(",", "."),
        "measured_at": told.get(MADE_AT) or None,
    }


def file_measurement(changing: Session, number: str, form: MeasurementForm, signature: str | None) -> None:
    """File a measurement of the home of a ticket.

    Raises:
        Problem: 404, 409 or 422.
    """
    home = find(changing, number)["home"]
    if home is None:
        raise no_such("home")
    given = {
        **form,
        "measured_at": form["measured_at"] or changing.now.isoformat(),
        "measurer": person_of(changing).name,
        "signature": signature or form["signature"],
    }
    try:
        filed = Filed.model_validate(given)
    except ValidationError as error:
        raise invalid(*(FieldFault(str(fault["loc"][-1]), in_both(fault)) for fault in error.errors())) from None
    measurements.file(home, changing, filed)
