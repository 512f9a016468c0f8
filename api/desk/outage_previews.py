"""Routes for what goes before an outage is recorded: find its places, and preview its announcement."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from alerts.network.outage_preview import Announcement, preview
from alerts.network.outages import Draft
from api.desk.outages import NewOutage, answering_refusals, known_area
from api.http.session import AskingDesk, Session
from api.http.values import Instant
from domain.outages import AnnounceReason
from store.network import outage_places
from store.network.outage_rows import PlaceCodes

MOST_FOUND = 20
Asked = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]

router = APIRouter(prefix="/v1", tags=["outages"])


class Place(BaseModel):
    """A place that can be in an outage, with the number of its homes."""

    kind: Literal["substation", "building", "home"]
    code: str
    name: str
    address: str
    station: str
    homes: int


class PlacesFound(BaseModel):
    """Places found, substations first, at most 20."""

    items: list[Place]


class AnnouncedBy(BaseModel):
    """A channel of the announcement: the homes it reaches, and its messages."""

    channel: str
    homes: int
    messages: int


class NoticeText(BaseModel):
    """The text of a notice as a user reads it."""

    subject: str
    body: str


class NoticeTexts(BaseModel):
    """The text of a notice in both languages; each person gets theirs."""

    zh: NoticeText
    en: NoticeText


class OutagePreview(BaseModel):
    """The announcement of an outage before it is recorded.

    `why` null: users are not told now. `not_before`: the end of quiet hours, until which it waits. `reached` are the
    homes that at least one person can be told in; `people` are those who have agreed to be told.
    """

    why: AnnounceReason | None
    clause: str | None
    not_before: Instant | None
    homes: int
    reached: int
    people: int
    messages: int
    channels: list[AnnouncedBy]
    texts: NoticeTexts


@router.get("/places")
def places(asking: AskingDesk, q: Asked) -> PlacesFound:
    """Find substations, buildings and homes by a part of a name or address, or a code."""
    rows = outage_places.found(asking.conn, q.strip(), MOST_FOUND)
    return PlacesFound(items=[Place.model_validate(row) for row in rows])


@router.post("/outages/preview")
def preview_outage(body: NewOutage, asking: AskingDesk) -> OutagePreview:
    """Preview an outage: whether users would be told and why, how many, by which channels, in which words."""
    area = known_area(asking, body.area, "area")
    draft = Draft(body.kind, body.stops_heating, body.reason, body.begins_at, body.expected_end, area)
    with answering_refusals():
        return _shown(preview(asking.conn, asking.policy, draft, asking.now))


def described(asking: Session, area: PlaceCodes) -> list[Place]:
    """Describe places by their codes; unknown ones are left out."""
    return [Place.model_validate(row) for row in outage_places.named(asking.conn, area)]


def _shown(found: Announcement) -> OutagePreview:
    return OutagePreview.model_validate(
        {
            **found._asdict(),
            **found.reach._asdict(),
            "channels": [one._asdict() for one in found.channels],
            "texts": {language: text._asdict() for language, text in found.texts.items()},
        }
    )
