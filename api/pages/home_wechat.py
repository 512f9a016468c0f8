"""The forms on a customer's own page by which WeChat accounts of the home are bound and ended."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from api.homes import wechat_routes
from api.http.problem import Problem, no_such
from api.http.session import surroundings
from api.pages import visit
from api.pages.home import FormOutcome, shown
from api.pages.render import HOME

router = APIRouter(prefix=f"{HOME}/wechat", route_class=visit.PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class WechatForm:
    """The fields of a form: the home, and the seal of the page."""

    home: Annotated[str, Form(min_length=1, max_length=200)]
    key: Annotated[str, Form(max_length=64)]
    token: Annotated[str, Form(max_length=64)]

    def is_ours(self, request: Request) -> bool:
        """Return whether this site issued the form to who sends it."""
        return visit.is_ours(request, visit.shown_token(request), self.key, self.token)


@router.post("")
def bind(request: Request, sent: Annotated[WechatForm, Depends()]) -> Response:
    """Make a link for one account and show it, once."""
    if not sent.is_ours(request):
        return visit.sorry(request, "not_ours", 403)
    if surroundings(request).wechat is None:
        raise no_such("wechat")
    outcome = FormOutcome()
    try:
        with visit.writing(request, visit.bearer(request)) as changing:
            outcome = FormOutcome(link=wechat_routes.link(sent.home, changing))
    except Problem as problem:
        if problem.status != 409:
            raise
        outcome = FormOutcome(refused=problem)
    with visit.reading(request, visit.bearer(request)) as asking:
        return shown(request, asking, sent.home, outcome)


@router.post("/end")
def end(request: Request, sent: Annotated[WechatForm, Depends()]) -> Response:
    """End all accounts of the home, and redirect back to the page."""
    if not sent.is_ours(request):
        return visit.sorry(request, "not_ours", 403)
    with visit.writing(request, visit.bearer(request)) as changing:
        wechat_routes.end(sent.home, changing)
    return RedirectResponse(f"{HOME}?{urlencode({'home': sent.home})}#wechat", 303)
