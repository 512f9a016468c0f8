"""The papers of refunds on a customer's own page."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from api.desk import refunds
from api.desk.refunds import Number
from api.http.language import Language
from api.pages import visit
from api.pages.home import AskingHome
from api.pages.render import HOME

router = APIRouter(prefix=f"{HOME}/refunds/{{number}}", route_class=visit.PageRoute, include_in_schema=False)


@router.get("/paper")
def paper(
    number: Number, asking: AskingHome, form: Literal["pdf", "xlsx"] = "pdf", language: Language = "zh"
) -> Response:
    """Give a sheet as the API gives it."""
    return refunds.on_paper(number, asking, form, language)
