"""Texts of incidents and outages."""

from collections.abc import Mapping

from domain.incidents import IncidentEnd, IncidentKind, LeaveReason
from domain.outages import OutageRefusal
from domain.words.text import Text

LIST_MARK = "、"  # between places
RISER_PLACE = Text("{place}立管{riser}", "{place}, riser {riser}")

# Templates: place, cold, judged, share (%), needed share (%), needed homes, buildings_cold, buildings.
INCIDENT_TEXTS: Mapping[IncidentKind, Text] = {
    IncidentKind.COLD_HOMES: Text(
        "{place}：已判定的{judged}户中有{cold}户室温不达标（{share}%，涉及{buildings_cold}/{buildings}栋楼）；"
        "达到{needed_share}%且不少于{needed_homes}户即合并为一个事件。",
        "{place}: {cold} of {judged} judged homes are too cold ({share} %, in {buildings_cold} of {buildings} "
        "buildings); {needed_share} % and at least {needed_homes} homes make one incident.",
    ),
    IncidentKind.SUBSTATION_ALARM: Text(
        "{place}：换热站报警（{alarms}）；已判定的{judged}户中有{cold}户室温不达标。",
        "{place}: the substation is in alarm ({alarms}); {cold} of {judged} judged homes are too cold.",
    ),
}
RISER_TEXT = Text(  # of cold homes on one riser
    "{place}立管{riser}：已判定的{judged}户中有{cold}户室温不达标（{share}%），同在一根立管；"
    "达到{needed_share}%且不少于{needed_homes}户即合并为一个事件。",
    "{place}, riser {riser}: {cold} of {judged} judged homes on this riser are too cold ({share} %); {needed_share} % "
    "and at least {needed_homes} homes make one incident.",
)
END_TEXTS: Mapping[IncidentEnd, Text] = {
    IncidentEnd.RECOVERED: Text("所涉住户室温已恢复。", "Its homes are warm again."),
    IncidentEnd.MERGED: Text("已并入范围更大的事件。", "Merged into a wider incident."),
    IncidentEnd.NO_POLICY: Text("规则不再合并事件。", "The policy no longer covers incidents."),
}
LEAVE_TEXTS: Mapping[LeaveReason, Text] = {
    LeaveReason.RECOVERED: Text("事件已结束。", "The incident is over."),
    LeaveReason.STAYED_COLD: Text(
        "其他住户已恢复，该户仍未达标，单独派单。",
        "The other homes are warm again but this one is not: it is dispatched separately.",
    ),
    LeaveReason.MOVED: Text("转入范围更大的事件。", "Moved to a wider incident."),
    LeaveReason.NO_POLICY: Text("规则不再合并事件。", "The policy no longer covers incidents."),
}
OUTAGE_REFUSAL_TEXTS: Mapping[OutageRefusal, Text] = {
    OutageRefusal.NO_EXPECTED_END: Text("计划停热必须给出预计恢复时间。", "A planned outage needs an expected end."),
    OutageRefusal.ENDS_BEFORE_BEGIN: Text(
        "预计恢复时间须晚于开始时间。", "The expected end must be after the beginning."
    ),
    OutageRefusal.CANCELLED: Text("该停热已取消。", "The outage was cancelled."),
    OutageRefusal.RESTORED: Text("该停热已恢复供热。", "Heat has already been restored."),
    OutageRefusal.BEGUN: Text(
        "停热已开始，不能取消，只能恢复。", "The outage has begun: it can be ended but not cancelled."
    ),
    OutageRefusal.RESTORED_OUTSIDE: Text(
        "恢复时间须在停热开始之后、现在之前。", "Heat comes back after the outage began, and not in the future."
    ),
}


def place_text(name: str, riser: str | None) -> str | dict[str, str]:
    """Return the name of a substation or building; of a riser, what it is called in each language."""
    if riser is None:
        return name
    return {language: text.format(place=name, riser=riser) for language, text in RISER_PLACE._asdict().items()}
