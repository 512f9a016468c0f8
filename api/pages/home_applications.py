"""The form on a customer's own page by which a customer applies for heat, or for a change of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.desk.applications import NewHomeApplication, apply_for_home
from api.desk.once import number_once
from api.http.problem import Problem
from api.pages import visit
from api.pages.home import FormOutcome
from api.pages.home_tickets import taken
from api.pages.render import HOME
from api.pages.statement import ReadForm, StatementForm, read_form

router = APIRouter(prefix=f"{HOME}/applications", route_class=visit.PageRoute, include_in_schema=False)


async def read_application(request: Request, form: Annotated[ReadForm, Depends(read_form)]) -> StatementForm:
    """Read an application; what is left empty is not said."""
    async with request.form() as fields:
        documents = [str(value) for value in fields.getlist("documents")]
    named = {name: form.said.get(name) for name in ("kind", "contact", "area_m2")}
    told = {**named, "text": form.words, "documents": documents}
    return form.made("", {name: value for name, value in told.items() if value}, NewHomeApplication)


@router.post("")
def apply(request: Request, sent: Annotated[StatementForm, Depends(read_application)]) -> Response:
    """Receive an application once, and redirect back to the page."""

    def take() -> str:
        wanted = sent.body
        if sent.fault or not isinstance(wanted, NewHomeApplication):
            raise Problem(422, sent.fault or "")
        with visit.writing(request, visit.bearer(request)) as changing:
            return number_once(changing, sent.once, lambda: apply_for_home(sent.home, changing, wanted).number)

    return taken(request, sent, take, FormOutcome(statement=sent))
