"""The first page of the office: finds a home, and leads to the other pages."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.desk import calls
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.http.session import DESK, LEADERS
from api.office.tokens import ADMINS
from api.office_pages.forms import Fields
from api.staff.session import StaffRoute
from registry.addresses import LONGEST_QUERY

REGISTRY = "/desk/registry"
# Path, name, roles.
DOORS = (
    ("/desk/registry/uploads", "upload", LEADERS),
    ("/desk/rules/trial", "trial", LEADERS),
    ("/desk/rules", "rules", DESK),
    ("/desk/tokens", "tokens", ADMINS),
)

router = APIRouter(prefix=REGISTRY, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def begin(request: Request, asking: AskingDeskPerson) -> Response:
    """Show the form for a home, and where else to go."""
    return _page(request, asking, "", None)


@router.post("")
def find(request: Request, asking: AskingDeskPerson, told: Fields) -> Response:
    """Show the homes that were likely meant. A POST: a name or a telephone number is in no address or log."""
    asked = told.get("q", "")[:LONGEST_QUERY]
    return _page(request, asking, asked, calls.found(asking, asked) if asked else [])


def _page(request: Request, asking: AskingDeskPerson, asked: str, found: list[dict[str, object]] | None) -> Response:
    return desk_page(
        request,
        asking,
        "office/find.html",
        asked=asked,
        found=found,
        doors=[(path, name) for path, name, roles in DOORS if asking.asker.role in roles],
    )
