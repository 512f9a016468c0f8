"""The forms on a customer's own page that speak about one of its tickets."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.desk.desk_routes import Number
from api.http.problem import Problem
from api.pages import statement, visit
from api.pages.home import FormOutcome, shown
from api.pages.render import HOME
from api.pages.statement import StatementForm

SHOWN_HERE = (409, 413, 415, 422, 429, 503)  # problems that the page itself tells, with what was written

router = APIRouter(prefix=f"{HOME}/tickets/{{number}}", route_class=visit.PageRoute, include_in_schema=False)


@router.post("/statements")
def state(request: Request, number: Number, sent: Annotated[StatementForm, Depends(statement.read)]) -> Response:
    """Record what the customer says about a ticket once, and redirect back to the page."""
    token = visit.shown_token(request)
    if token is not None and not visit.is_ours(request, token, sent.key, sent.token):
        return visit.sorry(request, "not_ours", 403)
    refused = Problem(422, sent.fault) if sent.fault else None
    if refused is None:
        try:
            with visit.writing(request, visit.bearer(request)) as changing:
                statement.take(changing, sent)
            return said(sent.home, sent.once)
        except Problem as problem:
            if problem.status not in SHOWN_HERE:
                raise
            refused = problem
    with visit.reading(request, visit.bearer(request)) as asking:
        return shown(request, asking, sent.home, FormOutcome(statement=sent, refused=refused))


def said(home: str, once: str) -> Response:
    """Redirect back to the page, which tells that a form was taken, so that reloading does not send it again."""
    return RedirectResponse(f"{HOME}?{urlencode({'home': home, 'said': once})}#said", 303)
