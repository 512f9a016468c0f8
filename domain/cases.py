"""Complaints and reports of wrongdoing: subject, channel and follow-up."""

from dataclasses import dataclass
from enum import StrEnum

CASE_CLASSES = ("complaint", "report")


class Subject(StrEnum):
    """Subject of a case. Stored and counted."""

    TEMPERATURE = "temperature"
    REPAIR = "repair"
    OUTAGE = "outage"
    CONDUCT = "conduct"
    FEES = "fees"
    WRONGDOING = "wrongdoing"
    OTHER = "other"


class CaseChannel(StrEnum):
    """Channel a case came in by (chapter 11, clauses 2 to 5)."""

    PHONE = "phone"
    BOX = "box"
    RECEPTION = "reception"
    VISIT = "visit"
    LETTER = "letter"
    ONLINE = "online"
    SUPERIOR = "superior"  # passed down by an authority


class FollowUp(StrEnum):
    """Follow-up of a case besides the answer. Each is done once."""

    ESCALATED = "escalated"  # 上报
    SUPERVISED = "supervised"  # 督办
    PUBLISHED = "published"  # 通报
    EXAMPLE = "example"  # 形成案例


class Reveal(StrEnum):
    """Outcome of an attempt to see a complainant's identity. Stored with the attempt."""

    SHOWN = "shown"
    OWN_STATION = "own_station"
    ROLE = "role"
    NO_REASON = "no_reason"
    UNKNOWN = "unknown"
    NO_CASE = "no_case"


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """A case as filed. The complainant is stored in `identity` only; of an anonymous one nothing is stored."""

    case_class: str
    subject: Subject
    channel: CaseChannel
    text: str
    about_station: str | None = None
    anonymous: bool = False
    name: str | None = None
    phone: str | None = None
    home_id: int | None = None

    @property
    def identified(self) -> bool:
        """True if anything is known about the complainant."""
        return not self.anonymous and any(x is not None for x in (self.name, self.phone, self.home_id))


def refusal(follow_up: FollowUp, done: bool, closed: bool) -> str | None:
    """Return the reason against a follow-up now; None if it is allowed."""
    if done:
        return "it has already been done"
    if follow_up is FollowUp.EXAMPLE and not closed:
        return "only a closed case can become an example"
    if follow_up in (FollowUp.ESCALATED, FollowUp.SUPERVISED) and closed:
        return "the case is closed"
    return None
