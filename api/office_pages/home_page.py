"""The page of a home's record: facts, heat, sensors and contacts, each with its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk_pages.show import AskingDeskPerson, desk_page
from api.desk_pages.ticket import board_links, likely_said
from api.homes import home_routes, wechat_routes
from api.homes.home_routes import Code
from api.http.problem import no_such
from api.http.session import DESK, LEADERS, Session, surroundings
from api.office import contact_book, home_record
from api.office.contact_book import ContactBook, ContactReveal, ContactsChange
from api.office.home_record import HeatChange, HomeFacts, SensorPut, SensorTaken
from api.office_pages.forms import NOTHING_TRIED, Fields, SentForm, Told, body, instant, reading, tried, writing
from api.pages.wechat_told import wechat_told
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from store.base.access import Right
from store.registry import search_rows
from store.tickets import ticket_pages

HOMES = "/desk/homes"
MOST_TICKETS = 10
CONTACT = ("channel", "address", "name", "resident", "language")
Done = Annotated[Literal["facts", "heat", "sensor", "taken", "contacts", "wechat"] | None, Query()]


class _Shown(NamedTuple):
    """A part of a home's page that is shown this once."""

    done: str | None = None
    book: ContactBook | None = None
    link: wechat_routes.WechatLink | None = None


NOTHING_ELSE = _Shown()
Heard = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")]

PLACE_IN_BUILDING = ("riser", "floor", "exposure")

router = APIRouter(prefix=HOMES, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class Placing:
    """A sensor that was heard, and the device that speaks for it."""

    sensor: Heard = None
    gateway: Heard = None


@router.get("/{code}")
def home(
    request: Request, asking: AskingDeskPerson, code: Code, placing: Annotated[Placing, Depends()], done: Done = None
) -> Response:
    """Show the record of a home; of a sensor that is to be placed there, the form has what is known."""
    told = {name: value for name, value in vars(placing).items() if value}
    return _page(request, asking, code, SentForm("sensors", told) if told else NOTHING_TRIED, _Shown(done=done))


@router.post("/{code}/facts")
def facts(request: Request, code: Code, told: Fields) -> Response:
    """Change facts of a home."""
    sent = body(told, "building", "unit", "class", "contract_limit", "contract_from", "contract_to", *PLACE_IN_BUILDING)

    def act(changing: Session) -> None:
        home_record.change_facts(code, changing, HomeFacts.model_validate({**sent, "unit": told.get("unit", "")}))

    return _answer(request, code, tried(request, LEADERS, "facts", told, act), "facts")


@router.post("/{code}/heat")
def heat(request: Request, code: Code, told: Fields) -> Response:
    """Stop or resume the heat."""

    def act(changing: Session) -> None:
        since = instant(told.get("since", ""), changing.policy.zone)
        sent = body(told, "status", since=since)
        home_record.change_heat(code, changing, HeatChange.model_validate(sent))

    return _answer(request, code, tried(request, LEADERS, "heat", told, act), "heat")


@router.post("/{code}/sensors")
def put_sensor(request: Request, code: Code, told: Fields) -> Response:
    """Put a sensor into a room; what is left empty is left out."""
    names = ("replaces", "moved_from", "room", "room_kind", "gateway", "interval_s", "offset")

    def act(changing: Session) -> None:
        given = {name: told[name] for name in names if told.get(name)}
        since = instant(told.get("since", ""), changing.policy.zone)
        sent = {**body(told, "sensor"), **given, "since": since}
        home_record.put_sensor(code, changing, SensorPut.model_validate(sent))

    return _answer(request, code, tried(request, DESK, "sensors", told, act), "sensor")


@router.post("/{code}/sensors/end")
def take_sensor(request: Request, code: Code, told: Fields) -> Response:
    """Take a sensor away."""

    def act(changing: Session) -> None:
        sent = body(told, "sensor", at=instant(told.get("at", ""), changing.policy.zone))
        home_record.take_sensor(code, changing, SensorTaken.model_validate(sent))

    return _answer(request, code, tried(request, DESK, "taken", told, act), "taken")


@router.post("/{code}/contacts/reveal")
def reveal(request: Request, code: Code, told: Fields) -> Response:
    """Show the contacts, against a reason."""
    shown: list[ContactBook] = []

    def act(changing: Session) -> None:
        asked = ContactReveal.model_validate({"reason": told.get("reason", "")})
        shown.append(contact_book.reveal(code, changing, asked))

    found = tried(request, DESK, "reveal", told, act)
    with reading(request) as asking:
        return _page(request, asking, code, found or NOTHING_TRIED, _Shown(book=shown[0] if shown else None))


@router.post("/{code}/contacts")
def contacts(request: Request, code: Code, told: Fields) -> Response:
    """Replace the contacts; rows without an address are none."""

    def act(changing: Session) -> None:
        sent = {**body(told), "contacts": list(written(told, changing.now.isoformat()))}
        contact_book.replace(code, changing, ContactsChange.model_validate(sent))

    found = tried(request, DESK, "contacts", told, act)
    if found is None or not found.has_changed:
        return _answer(request, code, found, "contacts")
    with writing(request) as changing:  # what is there now is shown for the reason that was given, on record
        book = contact_book.reveal(code, changing, ContactReveal(reason=told["reason"]))
    with reading(request) as asking:
        return _page(request, asking, code, found, _Shown(book=book))


def written(told: Told, now: str) -> list[dict[str, Any]]:
    """Return the contacts of a form, whose fields end with the number of their row."""
    rows = []
    for nth in range(contact_book.MOST_CONTACTS + 1):
        row = {name: told.get(f"{name}-{nth}") or None for name in CONTACT}
        consent = {"now": now, "keep": told.get(f"consent-{nth}") or None}.get(told.get(f"agreed-{nth}", ""))
        if row["address"] is not None:
            rows.append({**row, "consent": consent})
    return rows


@router.post("/{code}/wechat")
def bind_wechat(request: Request, code: Code, told: Fields) -> Response:
    """Make a link for one WeChat account and show it, once."""
    made: list[wechat_routes.WechatLink] = []

    def act(changing: Session) -> None:
        made.append(wechat_routes.link(code, changing))

    found = tried(request, DESK, "wechat", told, act)
    with reading(request) as asking:
        return _page(request, asking, code, found or NOTHING_TRIED, _Shown(link=made[0] if made else None))


@router.post("/{code}/wechat/end")
def end_wechat(request: Request, code: Code, told: Fields) -> Response:
    """End all WeChat accounts of the home."""
    return _answer(
        request, code, tried(request, DESK, "wechat", told, lambda at: wechat_routes.end(code, at)), "wechat"
    )


def _answer(request: Request, code: str, found: SentForm | None, done: str) -> Response:
    if found is None:
        return RedirectResponse(f"{HOMES}/{quote(code, safe='')}?done={done}#{done}", 303)
    with reading(request) as asking:
        return _page(request, asking, code, found)


def _page(
    request: Request,
    asking: Session,
    code: str,
    found: SentForm,
    shown: _Shown = NOTHING_ELSE,
) -> Response:
    language = language_of(request, asking)
    now = home_routes.home(code, asking)
    home_id = home_routes.home_id(asking, code)
    place = search_rows.found(asking.conn, asking.scope, [home_id]).get(home_id)
    if place is None:
        raise no_such("home")
    record = home_record.registration(code, asking)
    boards = board_links(surroundings(request).company.boards, {**place, "substation": None}, language)
    return desk_page(
        request,
        asking,
        "office/home.html",
        found.status,
        record=record,
        here_now=[one for one in record.sensors if _is_here(one, code, asking)],
        home=now,
        likely=likely_said(asking, code, language) if now.flag else None,
        place=place,
        tickets=_tickets(asking, home_id),
        board_links=boards,
        book=shown.book,
        done=shown.done,
        wechat=wechat_told(request, asking, code, shown.link),
        sent=found.shown(language),
        local_now=asking.now.astimezone(asking.policy.zone).strftime("%Y-%m-%dT%H:%M"),
        may_lead=asking.asker.role in LEADERS and Right.WRITE in asking.asker.rights,
        may_write=Right.WRITE in asking.asker.rights,
        may_reveal=Right.REVEAL in asking.asker.rights,
        rows=_rows(shown.book, found.told if found.part == "contacts" else None),
    )


def _is_here(one: home_record.SensorPlacement, code: str, asking: Session) -> bool:
    return one.home == code and (one.valid_to is None or one.valid_to > asking.now)


def _tickets(asking: Session, home_id: int) -> list[dict[str, Any]]:
    wanted = ticket_pages.TicketFilter(now=asking.now, home_id=home_id)
    return ticket_pages.tickets(asking.conn, asking.scope, wanted, limit=MOST_TICKETS)


def _rows(book: ContactBook | None, told: Told | None) -> list[Mapping[str, Any]]:
    """Return the rows of the form of contacts, two empty ones at the end; as they were told, if they were not taken."""
    empty = {**dict.fromkeys((*CONTACT, "consent", "agreed"), ""), "channel": "phone", "language": "zh"}
    if told is not None:
        names = (*CONTACT, "consent", "agreed")
        made = [{name: told.get(f"{name}-{nth}", "") for name in names} for nth in range(contact_book.MOST_CONTACTS)]
        return [*(row for row in made if row["address"]), empty]
    known = [
        {**one.model_dump(), "consent": one.consent.isoformat() if one.consent else "", "agreed": "keep"}
        for one in (book.contacts if book else ())
    ]
    return [*known, empty, empty]
