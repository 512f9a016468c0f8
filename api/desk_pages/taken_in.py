"""A form by which something comes in at the desk: taken once, leading to its ticket, or shown again with its faults."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from api.desk.once import number_once
from api.desk_pages.forms import Faults, FormState, Told, faults_of, once
from api.desk_pages.queue import QUEUE
from api.desk_pages.ticket_routes import reading, writing
from api.http.problem import Problem
from api.http.session import Session

TAKEN_BACK = (404, 409, 422)  # what is wrong with a form: it is shown again

ShowForm = Callable[[Request, Session, FormState, int], Response]


def taken_in(
    request: Request,
    kind: str,
    told: Told,
    read: BaseModel | Faults,
    take: Callable[[Session, Any], str],
    show: ShowForm,
) -> Response:
    """Take what a form says and lead to its ticket.

    Args:
        kind: what comes in; the same form again is of the same kind, and taken once.
        read: the body, or what is wrong with it.
        take: stores it; returns the number of its ticket.
        show: shows the form again.
    """
    faults: Faults
    if isinstance(read, BaseModel):
        body = read
        try:
            with writing(request) as changing:
                number = number_once(changing, once(kind, told), lambda: take(changing, body))
            return RedirectResponse(f"{QUEUE}/tickets/{quote(number)}", 303)
        except Problem as problem:
            if problem.status not in TAKEN_BACK:
                raise
            faults = faults_of(problem, missing="home")
    else:
        faults = read
    with reading(request) as asking:
        return show(request, asking, FormState(told=told, faults=faults), 422)
