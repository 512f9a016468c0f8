"""The receipt of a ticket (回执单, 9(11)): what was reported, what was done about it, in Chinese and in English."""

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
    Proof.READINGS: Text("室温已恢复并保持达标", "the home is warm by its thermometers and has stayed so"),
    Proof.MEASUREMENT: Text("经用户签字的测温", "measured on site, signed by the user"),
    Proof.ENDED: Text("已不在供热考核范围", "the home is not judged any more"),
    Proof.WITHDRAWN: Text("补到的数据表明并未低温", "data that came late shows that the home was not cold"),
}
YES, NO = Text("是", "yes"), Text("否", "no")


class ReceiptLine(BaseModel):
    """A line of a receipt."""

    label: str
    value: str


class Receipt(BaseModel):
    """A receipt in one language; instants are local time."""

    number: str
    language: Language
    title: str
    lines: list[ReceiptLine]


def receipt(ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> Receipt:
    """Make the receipt of a ticket with its events."""
    lines = [
        ReceiptLine(label=said(label, language), value=value)
        for label, value in _lines(ticket, zone, language)
        if value not in (None, "")
    ]
    title = Text("用户报修处理意见回执单", "Receipt of a repair")
    return Receipt(number=ticket["number"], language=language, title=said(title, language), lines=lines)


def as_text(made: Receipt) -> str:
    """A receipt to print."""
    return "\n".join([made.title, *(f"{line.label}: {line.value}" for line in made.lines), ""])


def _lines(ticket: dict[str, Any], zone: ZoneInfo, language: Language) -> list[tuple[Text, Any]]:
    def at(instant: datetime | None) -> str | None:
        return None if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"

    last = standing_events(ticket["events"])
    added = [event["data"].get("text", "") for event in ticket["events"] if event["kind"] == EventKind.USER_SAID]

    def when(kind: EventKind) -> str | None:
        return at(last[kind]["at"]) if kind in last else None

    def what(kind: EventKind, key: str) -> str | None:
        return last[kind]["data"].get(key) if kind in last else None

    call_back = last.get(EventKind.CALLED_BACK)
    return [
        (Text("编号", "Number"), ticket["number"]),
        (Text("用户", "Home"), ticket["home"] or ticket["building"] or ticket["substation"]),
        (Text("类别", "About"), said(CLASSES[ticket["class"]], language)),
        (Text("受理时间", "Taken in"), at(ticket["opened_at"])),
        (Text("报修内容", "Reported"), "; ".join(filter(None, [ticket["description"], *added]))),
        (Text("联系方式", "Contact"), ticket["contact"]),
        (Text("供热站", "Heat station"), ticket["station"]),
        (Text("负责人", "Responsible"), ticket["responsible"]),
        (Text("处理意见", "What will be done"), what(EventKind.ACCEPTED, "opinion")),
        (Text("预约时间", "Appointment"), at(ticket["appointment_at"])),
        (Text("联系用户", "User contacted"), when(EventKind.CONTACTED)),
        (Text("到达现场", "On site"), when(EventKind.ARRIVED)),
        (Text("延误说明", "Why it took longer"), what(EventKind.DELAYED, "explanation")),
        (Text("处理完毕", "Done"), at(ticket["done_at"])),
        (Text("处理结果", "Result"), what(EventKind.DONE, "result")),
        (Text("恢复依据", "Proof"), said(PROOFS[Proof(ticket["proof"])], language) if ticket["proof"] else None),
        (Text("责任归属", "Responsibility"), _responsible(ticket["responsibility"], language)),
        (Text("有偿服务", "Paid by the user"), said(YES if ticket["paid"] else NO, language)),
        (Text("用户确认", "Confirmed by the user"), ticket["confirmation"]),
        (Text("答复", "Answer"), what(EventKind.REPLIED, "text")),
        (Text("回访", "Called back"), when(EventKind.CALLED_BACK)),
        (
            Text("用户满意", "User satisfied"),
            said(YES if call_back["data"].get("satisfied") else NO, language) if call_back else None,
        ),
        (Text("并入工单", "Goes on as"), ticket["merged_into"]),
        (Text("合并原因", "Merged because"), what(EventKind.MERGED, "reason")),
        (Text("作废原因", "Void because"), what(EventKind.VOID, "reason")),
        (Text("办结时间", "Closed"), at(ticket["closed_at"])),
    ]


def _responsible(responsibility: str | None, language: Language) -> str | None:
    return said(RESPONSIBLE[responsibility], language) if responsibility else None
