"""Days as command options."""

from datetime import datetime

import typer

from domain.instants import NotBounded, bounded_day

FORMATS = ["%Y-%m-%d"]


def checked(value: datetime | None) -> datetime | None:
    """Validate the day of an option.

    Raises:
        typer.BadParameter: it is too early or too late.
    """
    try:
        if value is not None:
            bounded_day(value.date())
    except NotBounded as error:
        raise typer.BadParameter(str(error)) from None
    return value
