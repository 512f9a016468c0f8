"""The doors of a demo: each leads to what one role sees. `hearth api` has none of this.

The tokens behind them are made when the demo starts, kept in this process, and worth nothing elsewhere: they are of the
demo's own database.
"""

import io
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import segno
from fastapi import APIRouter, Request
from fastapi.security import HTTPAuthorizationCredentials
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from api.http.language import Language
from api.http.problem import no_such
from api.http.session import STAFF, Session, asked_by
from api.pages import visit
from api.pages.render import HOME, Times, page, say
from domain.tickets import TicketClass, TicketState
from hearth.demo.lan import KEY
from store.base import access
from store.base.access import Role
from store.base.rows import Row
from store.network import incident_pages, outage_rows
from store.tickets import ticket_pages

TOKEN_LIFE = timedelta(days=7)
MOST_SHOWN = 60
COLD_NOW = ticket_pages.FlagFilter(states=("open",))
ANY_NOW = ticket_pages.FlagFilter()
Chosen = Literal["zh", "en"] | None
asking_staff = contextmanager(asked_by(STAFF))


@dataclass
class DoorKeys:
    """Tokens of the doors, made when somebody first goes through."""

    station: str
    _made: dict[str, str] = field(default_factory=dict)

    def of(self, request: Request, role: Role, *homes: str) -> str:
        """Return the token of a role, or of a customer of homes."""
        name = " ".join([role.value, *homes])
        if name not in self._made:
            context = request.app.state.surroundings
            now: datetime = context.clock()
            grant = access.TokenGrant(
                role,
                homes=homes,
                station=self.station if role is Role.CREW else None,
                expires_at=now + TOKEN_LIFE,
                label="door of the demo",
            )
            with context.pool.connection() as conn:
                conn.read_only = False
                self._made[name] = access.create(conn, grant, now)
        return self._made[name]


def doors(keys: DoorKeys, phone_url: str | None) -> APIRouter:
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

    @router.get("/{role}")
    def staff(request: Request, role: Literal["dispatcher", "crew", "supervisor"], lang: Chosen = None) -> Response:
        """Show what one of the staff sees."""
        if lang is not None:
            return visit.choosing(request, lang)
        token = keys.of(request, Role(role))
        bearer = HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)
        with asking_staff(request, bearer) as asking:
            shown = _desk(asking, role, visit.language_of(request))
        curl = f'curl -H "Authorization: Bearer {token}" {request.base_url}v1/tickets?limit=3'
        return page("door.html", visit.language_of(request), role=role, here=f"/door/{role}?", curl=curl, **shown)

    return router


def _cold_home(request: Request) -> str:
    """Choose a home: one that is cold now, else one that was."""
    with request.app.state.surroundings.pool.connection() as conn:
        conn.read_only = True
        for wanted in (COLD_NOW, ANY_NOW):
            if found := ticket_pages.flags(conn, access.EVERYWHERE, wanted, limit=1):
                return str(found[0]["home"])
    raise no_such("home")


def _desk(asking: Session, role: str, language: Language) -> dict[str, Any]:
    conn, scope, now = asking.conn, asking.scope, asking.now
    wanted = [
        ticket_pages.TicketFilter(now=now, state=state.value, overdue=True if role == "supervisor" else None)
        for state in TicketState
        if state is not TicketState.CLOSED
    ]
    rows = [row for each in wanted for row in ticket_pages.tickets(conn, scope, each, limit=MOST_SHOWN)]
    rows = sorted((row for row in rows if role == "supervisor" or _due(row)), key=lambda row: _due(row) or now)
    incidents = incident_pages.incidents(
        conn, scope, incident_pages.IncidentFilter(states=("open",), station=None), before=None, limit=5
    )
    outages = outage_rows.outages(
        conn, scope, outage_rows.OutageFilter(now, states=("planned", "running", "late")), limit=5
    )
    return {
        "tickets": [_shown(row, language, now) for row in rows[:MOST_SHOWN]],
        "incidents": [
            say(language, "network_incident", **{k: row[k] for k in ("place", "homes", "still_cold", "number")})
            for row in incidents
        ],
        "outages": [say(language, "network_outage", number=row["number"], reason=row["reason"]) for row in outages],
        "at": Times(language, asking.policy.zone, now).at(now),
    }


def _due(row: Row) -> datetime | None:
    """Return when the next clock of a ticket runs out, or ran out."""
    open_clocks = (clock for clock in row["clocks"] if clock["met_at"] is None and clock["void_at"] is None)
    return min((clock["due_at"] for clock in open_clocks if clock["due_at"]), default=None)


def _shown(row: Row, language: Language, now: datetime) -> Mapping[str, Any]:
    due = _due(row)
    return {
        "number": row["number"],
        "what": say(language, f"work_{TicketClass(row['class']).value}"),
        "where": row["home"] or row["building"] or row["substation"] or row["station"] or "",
        "state": say(language, f"ticket_{row['state']}"),
        "late": due is not None and due < now,
        "left": _left(language, due, now),
    }


def _left(language: Language, due: datetime | None, now: datetime) -> Markup:
    if due is None:
        return say(language, "left_none")
    minutes = abs((due - now) // timedelta(minutes=1))
    unit, n = next(
        (unit, minutes // size)
        for unit, size, least in (("days", 1440, 2880), ("hours", 60, 120), ("minutes", 1, 0))
        if minutes >= least
    )
    span = say(language, f"span_{unit}", n=n)
    return say(language, "left_late", span=span) if due < now else span


def phone_address(lan: str | None, port: int, key: str) -> str | None:
    """Return the address in the code; None where no telephone reaches this machine."""
    return f"http://{lan}:{port}/?{KEY}={key}" if lan else None
