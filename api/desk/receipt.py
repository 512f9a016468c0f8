"""The receipt of a ticket (回执单, 9(11)): the report, the work and the outcome, in Chinese or English."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from api.http.language import Language, said
from domain.reasons import Text
from domain.tickets import EventKind, Proof, standing_events

CLASSES = {
    "cold": Text("室温不达标", "home too cold"),
    "leak": Text("跑冒滴漏", "leak"),
    "repair": Text("报修", "repair"),
    "device": Text("测温设备", "thermometer"),
    "complaint": Text("投诉", "complaint"),
    "report": Text("举报", "report of wrongdoing"),
}
RESPONSIBLE = {"company": Text("供热单位", "the company"), "user": Text("用户", "the user")}
PROOFS = {
    Proof.READINGS: Text("室温已恢复并保持达标", "temperature has recovered and stayed compliant"),
    Proof.MEASUREMENT: Text("经用户签字的测温", "on-site measurement signed by the user"),
    Proof.ENDED: Text("已不在供热考核范围", "the home is no longer monitored for compliance"),
    Proof.WITHDRAWN: Text("补到的数据表明并未低温", "late data shows that the home was not cold"),
}
YES, NO = Text("是", "yes"), Text("否", "no")


class ReceiptLine(BaseModel):
    """A line of a receipt."""

    label: str
    value: str


class Receipt(BaseModel):
    """A receipt in one language; times are local."""

    number: str
    language: Language
    title: str
    lines: list[ReceiptLine]


def make_receipt(ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> Receipt:
    """Make the receipt of a ticket from its events; empty lines are left out."""
    facts = TicketFacts(ticket, zone, language)
    lines = [
        ReceiptLine(label=said(label, language), value=value)
        for label, value in (*_report_lines(facts), *_work_lines(facts), *_outcome_lines(facts))
        if value not in (None, "")
    ]
    title = Text("用户报修处理意见回执单", "Repair receipt")
    return Receipt(number=ticket["number"], language=language, title=said(title, language), lines=lines)


def as_text(made: Receipt) -> str:
    """Format a receipt for printing."""
    return "\n".join([made.title, *(f"{line.label}: {line.value}" for line in made.lines), ""])


class TicketFacts:
    """The facts of a ticket as a receipt prints them: texts in one language, instants in local time."""

    def __init__(self, ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> None:
        self.ticket = ticket
        self._zone = zone
        self._language = language
        self._last = standing_events(ticket["events"])

    def text(self, text: Text | None) -> str | None:
        """Return a text in the language of the receipt."""
        return None if text is None else said(text, self._language)

    def at(self, column: str) -> str | None:
        """Format an instant of the ticket."""
        return self._local(self.ticket[column])

    def when(self, kind: EventKind) -> str | None:
        """Format the time of the last event of a kind that still stands."""
        return self._local(self._last[kind]["at"]) if kind in self._last else None

    def what(self, kind: EventKind, key: str) -> Any:
        """Return data of the last event of a kind that still stands."""
        return self._last[kind]["data"].get(key) if kind in self._last else None

    def _local(self, instant: datetime | None) -> str | None:
        return None if instant is None else f"{instant.astimezone(self._zone):%Y-%m-%d %H:%M}"


def _report_lines(facts: TicketFacts) -> list[tuple[Text, str | None]]:
    ticket = facts.ticket
    added = [event["data"].get("text", "") for event in ticket["events"] if event["kind"] == EventKind.USER_SAID]
    return [
        (Text("编号", "Number"), ticket["number"]),
        (Text("用户", "Home"), ticket["home"] or ticket["building"] or ticket["substation"]),
        (Text("类别", "Category"), facts.text(CLASSES[ticket["class"]])),
        (Text("受理时间", "Received"), facts.at("opened_at")),
        (Text("报修内容", "Report"), "; ".join(filter(None, [ticket["description"], *added]))),
        (Text("联系方式", "Contact"), ticket["contact"]),
        (Text("供热站", "Heat station"), ticket["station"]),
        (Text("负责人", "Person responsible"), ticket["responsible"]),
    ]


def _work_lines(facts: TicketFacts) -> list[tuple[Text, str | None]]:
    proof = facts.ticket["proof"]
    return [
        (Text("处理意见", "Planned action"), facts.what(EventKind.ACCEPTED, "opinion")),
        (Text("预约时间", "Appointment"), facts.at("appointment_at")),
        (Text("联系用户", "User contacted"), facts.when(EventKind.CONTACTED)),
        (Text("到达现场", "On site"), facts.when(EventKind.ARRIVED)),
        (Text("延误说明", "Reason for delay"), facts.what(EventKind.DELAYED, "explanation")),
        (Text("处理完毕", "Done"), facts.at("done_at")),
        (Text("处理结果", "Result"), facts.what(EventKind.DONE, "result")),
        (Text("恢复依据", "Proof"), facts.text(PROOFS[Proof(proof)] if proof else None)),
    ]


def _outcome_lines(facts: TicketFacts) -> list[tuple[Text, str | None]]:
    ticket, called_back = facts.ticket, facts.when(EventKind.CALLED_BACK)
    responsible = RESPONSIBLE[ticket["responsibility"]] if ticket["responsibility"] else None
    satisfied = YES if facts.what(EventKind.CALLED_BACK, "satisfied") else NO
    return [
        (Text("责任归属", "Liability"), facts.text(responsible)),
        (Text("有偿服务", "Charged to the user"), facts.text(YES if ticket["paid"] else NO)),
        (Text("用户确认", "Confirmed by the user"), ticket["confirmation"]),
        (Text("答复", "Answer"), facts.what(EventKind.REPLIED, "text")),
        (Text("回访", "Called back"), called_back),
        (Text("用户满意", "User satisfied"), facts.text(satisfied if called_back else None)),
        (Text("并入工单", "Merged into"), ticket["merged_into"]),
        (Text("合并原因", "Reason for merging"), facts.what(EventKind.MERGED, "reason")),
        (Text("作废原因", "Reason for voiding"), facts.what(EventKind.VOID, "reason")),
        (Text("办结时间", "Closed"), facts.at("closed_at")),
    ]
