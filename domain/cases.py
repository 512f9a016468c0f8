"""Complaints and reports of wrongdoing: what they are about, how they came in, how they are followed up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.reasons import Text

CASE_CLASSES = ("complaint", "report")
LONGEST_TEXT = 4000
LONGEST_NAME = 200


class Subject(StrEnum):
    """What it is about. Stored and counted."""

    TEMPERATURE = "temperature"
    REPAIR = "repair"
    OUTAGE = "outage"
    CONDUCT = "conduct"
    FEES = "fees"
    WRONGDOING = "wrongdoing"
    OTHER = "other"


class CaseChannel(StrEnum):
    """How it came in (chapter 11, clauses 2 to 5)."""

    PHONE = "phone"
    BOX = "box"
    RECEPTION = "reception"
    VISIT = "visit"
    LETTER = "letter"
    ONLINE = "online"
    SUPERIOR = "superior"  # handed down by an authority


class FollowUp(StrEnum):
    """What the company does about a case beside answering it. Each is done once."""

    ESCALATED = "escalated"  # 上报
    SUPERVISED = "supervised"  # 督办
    PUBLISHED = "published"  # 通报
    EXAMPLE = "example"  # 形成案例


class Reveal(StrEnum):
    """What came of a try to see who made a complaint. Stored with the try."""

    SHOWN = "shown"
    OWN_STATION = "own_station"
    ROLE = "role"
    NO_REASON = "no_reason"
    UNKNOWN = "unknown"
    NO_CASE = "no_case"


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """A case as it comes in. Who made it goes to `identity` alone; of who wants to stay unknown nothing is taken."""

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
        """Whether anything is known of who made it."""
        return not self.anonymous and any(x is not None for x in (self.name, self.phone, self.home_id))


def refusal(follow_up: FollowUp, done: bool, closed: bool) -> str | None:
    """Why a follow-up cannot be made now; None if it can."""
    if done:
        return "it has been done already"
    if follow_up is FollowUp.EXAMPLE and not closed:
        return "a case is an example when it is closed"
    if follow_up in (FollowUp.ESCALATED, FollowUp.SUPERVISED) and closed:
        return "the case is closed"
    return None


SUBJECT_TEXTS: Mapping[Subject, Text] = {
    Subject.TEMPERATURE: Text("室温", "temperature"),
    Subject.REPAIR: Text("维修", "a repair"),
    Subject.OUTAGE: Text("停热", "an outage"),
    Subject.CONDUCT: Text("服务态度", "conduct"),
    Subject.FEES: Text("收费", "fees"),
    Subject.WRONGDOING: Text("违规违纪", "wrongdoing"),
    Subject.OTHER: Text("其他", "something else"),
}
CHANNEL_TEXTS: Mapping[CaseChannel, Text] = {
    CaseChannel.PHONE: Text("电话", "telephone"),
    CaseChannel.BOX: Text("意见箱", "suggestion box"),
    CaseChannel.RECEPTION: Text("接待日", "reception day"),
    CaseChannel.VISIT: Text("来访", "visit"),
    CaseChannel.LETTER: Text("来信", "letter"),
    CaseChannel.ONLINE: Text("网络", "online"),
    CaseChannel.SUPERIOR: Text("上级交办", "handed down"),
}
REVEAL_TEXTS: Mapping[Reveal, Text] = {
    Reveal.SHOWN: Text("已显示。", "Shown."),
    Reveal.OWN_STATION: Text("不得向被投诉的供热站透露。", "It is not told to the station complained about."),
    Reveal.ROLE: Text("该角色无权查看。", "The role may not see it."),
    Reveal.NO_REASON: Text("须说明理由(至少10个字符)。", "A reason of at least 10 characters is needed."),
    Reveal.UNKNOWN: Text("未留下身份信息。", "Nobody left a name."),
    Reveal.NO_CASE: Text("没有这个件。", "There is no such case."),
}
