"""The staff can change in the browser what it can change by the API, and the other way round."""

from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.staff.session import StaffRoute
from tests.api.operations import OPERATIONS
from tests.api.ways import NO_PAGE_YET, NOT_OF_THE_STAFF, READ_BY_FORM, READING, WAYS, WAYS_IN


def forms() -> set[str]:
    """Return the forms of the staff's pages."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    ours = [route for route in routes if isinstance(route, StaffRoute)]
    return {f"{method} {route.path}" for route in ours for method in (route.methods or set()) - READING}


def test_each_operation_has_a_form() -> None:
    changing = {name for name in OPERATIONS if name.split()[0] not in READING}
    assert WAYS.keys() == changing - NOT_OF_THE_STAFF - NO_PAGE_YET
    assert {form for ways in WAYS.values() for form in ways} <= forms()


def test_each_form_has_an_operation() -> None:
    offered = {form for ways in WAYS.values() for form in ways}
    others = {form for form in forms() - offered - READ_BY_FORM.keys() if not form.split()[1].startswith(WAYS_IN)}
    assert others == set()
    assert set(READ_BY_FORM.values()) <= OPERATIONS.keys()
