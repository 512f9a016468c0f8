"""The doors of a demo: each leads to what one role sees. `hearth api` has none of this.

The people behind them and their sessions are of the demo's own database, and so are the two tokens, which are kept in
this process: nothing of it is worth anything elsewhere.
"""

import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

import segno
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.http.problem import no_such
from api.pages import visit
from api.pages.render import HOME, page
from api.staff import door
from api.staff.door import DoorRoute, Outside
from hearth.demo.lan import KEY
from hearth.words.demo import PEOPLE
from store.base import access
from store.base.access import Role
from store.staff import person_rows
from store.staff.credential_rows import ProvenPerson
from store.staff.person_rows import StaffEntry
from store.tickets import ticket_pages

TOKEN_LIFE = timedelta(days=7)
COLD_NOW = ticket_pages.FlagFilter(states=("open",))
ANY_NOW = ticket_pages.FlagFilter()
Chosen = Literal["zh", "en"] | None
# The page of a role, where it is another than the one that signing in leads to.
OWN_PAGES = {Role.SUPERVISOR: "/desk/figures", Role.ADMIN: "/desk/staff"}


@dataclass
class DoorKeys:
    """Tokens of the doors, made when somebody first goes through."""

    _made: dict[str, str] = field(default_factory=dict)

    def of(self, request: Request, role: Role, *homes: str) -> str:
        """Return the token of a role, or of a customer of homes."""
        name = " ".join([role.value, *homes])
        if name not in self._made:
            context = request.app.state.surroundings
            now: datetime = context.clock()
            grant = access.TokenGrant(role, homes=homes, expires_at=now + TOKEN_LIFE, label="door of the demo")
            with context.pool.connection() as conn:
                conn.read_only = False
                self._made[name] = access.create(conn, grant, now)
        return self._made[name]


@dataclass(frozen=True)
class DemoPeople:
    """One person of each role, who is added when somebody first comes in as them; the crew is of this station."""

    station: str

    def found(self, at: Outside, role: Role) -> ProvenPerson:
        """Find or add the person of a role. It has no password: the door is the only way in."""
        entry = StaffEntry(
            name=PEOPLE[role.value],
            role=role,
            station=self.station if role is Role.CREW else None,
            sign_in_name=None,
            subject=f"demo {role.value}",
            active_from=at.now,
        )
        return ProvenPerson(person_rows.by_provider(at.conn, entry), entry.name, role.value)


def doors(keys: DoorKeys, people: DemoPeople, phone_url: str | None) -> APIRouter:
    """Return the routes behind the doors; `phone_url` is where a telephone reaches this demo."""
    router = APIRouter(prefix="/door", route_class=visit.PageRoute, include_in_schema=False)

    @router.get("/customer")
    def customer(request: Request) -> Response:
        """Open the page of a cold home as its customer."""
        token = keys.of(request, Role.CUSTOMER, _cold_home(request))
        return RedirectResponse(f"{HOME}?token={quote(token)}", 303, {"Referrer-Policy": "no-referrer"})

    @router.get("/phone.svg")
    def phone() -> Response:
        """Draw the code that brings a telephone here."""
        if phone_url is None:
            raise no_such("picture")
        drawn = io.BytesIO()
        segno.make_qr(phone_url, error="m").save(drawn, kind="svg", scale=4, border=2, light="#fff")
        return Response(drawn.getvalue(), media_type="image/svg+xml")

    @router.get("/api")
    def api(request: Request, lang: Chosen = None) -> Response:
        """Show how to ask the API, with a token of a dispatcher."""
        if lang is not None:
            return visit.choosing(request, lang)
        token = keys.of(request, Role.DISPATCHER)
        curl = f'curl -H "Authorization: Bearer {token}" {request.base_url}v1/tickets?limit=3'
        return page("door.html", visit.language_of(request), here="/door/api?", curl=curl)

    router.include_router(_staff_doors(people))
    return router


def _staff_doors(people: DemoPeople) -> APIRouter:
    router = APIRouter(route_class=DoorRoute, include_in_schema=False)

    @router.get("/{role}")
    def staff(request: Request, role: Literal["dispatcher", "crew", "supervisor", "admin"]) -> Response:
        """Sign in as one of the staff."""
        with door.outside(request, writes=True) as at:
            person = people.found(at, Role(role))
            answer = door.let_in(request, at, person, OWN_PAGES.get(Role(role)), door=True)
        if answer is None:
            raise no_such("person")  # ended at /desk/staff, as anybody may try out here
        visit.keep_language(request, answer, visit.language_of(request))
        return answer

    return router


def _cold_home(request: Request) -> str:
    """Choose a home: one that is cold now, else one that was."""
    with request.app.state.surroundings.pool.connection() as conn:
        conn.read_only = True
        for wanted in (COLD_NOW, ANY_NOW):
            if found := ticket_pages.flags(conn, access.EVERYWHERE, wanted, limit=1):
                return str(found[0]["home"])
    raise no_such("home")


def phone_address(lan: str | None, port: int, key: str) -> str | None:
    """Return the address in the code; None where no telephone reaches this machine."""
    return f"http://{lan}:{port}/?{KEY}={key}" if lan else None
