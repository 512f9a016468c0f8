"""Routes for how the people of a home are reached: to be looked at with a reason, and replaced as a whole."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.homes.home_routes import Code, home_id
from api.http.problem import forbidden
from api.http.session import ChangingDesk, Session
from api.http.values import Asked, Instant
from api.office.edits import Cell, Reason, RecordChange, edit_of, recording
from api.words.problems import RIGHT_MISSING
from domain.registry import Contact
from registry import contacts
from registry.editing import version_of
from registry.fields import text
from store.base.access import Right
from store.base.office_role import in_office

MOST_CONTACTS = 20  # of a home
Channel = Literal["phone", "email", "webhook"]
router = APIRouter(prefix="/v1/homes/{code}/contacts", tags=["registry"])


class ContactReveal(BaseModel):
    """The reason for a look at contacts."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class ContactEntry(BaseModel):
    """A way to reach somebody of a home.

    `consent`: since when they agree to be told by this channel; null: they are not told. `resident`: whose contact it
    is, by the company's reference; null: of those who lived there at the consent.
    """

    channel: Channel
    address: str
    language: Literal["zh", "en"]
    consent: Instant | None
    resident: str | None
    name: str | None


class ContactBook(BaseModel):
    """All contacts of a home. `version` changes with them."""

    contacts: list[ContactEntry]
    version: str


class WrittenContact(BaseModel):
    """A contact as it is to be."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel
    address: Annotated[str, Field(max_length=500)]
    language: Literal["zh", "en"] = "zh"
    consent: Asked | None = None
    resident: Cell | None = None
    name: Cell | None = None

    @property
    def cells(self) -> dict[str, str]:
        """The contact as a file has it."""
        return {name: text(value) for name, value in self.model_dump().items()}


class ContactsChange(RecordChange):
    """The contacts that a home has from now on; others are told no more, and their addresses forgotten."""

    contacts: Annotated[list[WrittenContact], Field(max_length=MOST_CONTACTS)]


@router.post("/reveal")
def reveal(code: Code, changing: ChangingDesk, asked: ContactReveal) -> ContactBook:
    """Look at the contacts of a home. Each look is on record, with its reason."""
    changing.notes["reason"] = asked.reason
    book = read(changing, code)
    changing.notes["people"] = len(book.contacts)
    return book


@router.post("")
def replace(code: Code, changing: ChangingDesk, change: ContactsChange) -> ContactBook:
    """Replace the contacts of a home."""
    _check_right(changing)
    home_id(changing, code)
    edit = edit_of(changing, code, change)
    with recording(changing):
        made = contacts.replace_of_home(changing.conn, edit, [one.cells for one in change.contacts])
    changing.notes["contacts"] = made._asdict()
    return read(changing, code)


def read(changing: Session, code: str) -> ContactBook:
    """Read the contacts of a home within scope; the caller records the look.

    Raises:
        Problem: 403, 404.
    """
    _check_right(changing)
    home_id(changing, code)
    with in_office(changing.conn):
        found = contacts.of_home(changing.conn, code)
    return ContactBook(contacts=[_entry(contact) for contact in found], version=version_of(found))


def _entry(contact: Contact) -> ContactEntry:
    return ContactEntry.model_validate(contact._asdict())


def _check_right(changing: Session) -> None:
    if Right.REVEAL not in changing.asker.rights:
        raise forbidden(RIGHT_MISSING.fill(right=Right.REVEAL))
