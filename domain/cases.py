"""Complaints and reports of wrongdoing: subject, channel and follow-up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.reasons import Text

CASE_CLASSES = ("complaint", "report")
LONGEST_TEXT = 4000
LONGEST_NAME = 200


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
    CaseChannel.SUPERIOR: Text("上级交办", "passed down"),
}
REVEAL_TEXTS: Mapping[Reveal, Text] = {
    Reveal.SHOWN: Text("已显示。", "Shown."),
    Reveal.OWN_STATION: Text("不得向被投诉的供热站透露。", "The station complained about may not see it."),
    Reveal.ROLE: Text("该角色无权查看。", "Your role may not see it."),
    Reveal.NO_REASON: Text("须说明理由（至少10个字符）。", "Give a reason of at least 10 characters."),
    Reveal.UNKNOWN: Text("未留下身份信息。", "No identity was given."),
    Reveal.NO_CASE: Text("没有此件。", "No such case."),
}
