"""Texts of tickets, cases, measurements and sensor jobs."""

from collections.abc import Mapping

from domain.care import CareEnd, CareReason
from domain.cases import CaseChannel, Reveal, Subject
from domain.measurement import RecordRefusal
from domain.tickets import DelayReason, TicketClass
from domain.words.text import Text

CLASS_TEXTS: Mapping[str, Text] = {
    TicketClass.COLD: Text("室温不达标", "cold home"),
    TicketClass.LEAK: Text("跑冒滴漏", "leak"),
    TicketClass.REPAIR: Text("报修", "repair"),
    TicketClass.DEVICE: Text("测温设备", "thermometer"),
    TicketClass.COMPLAINT: Text("投诉", "complaint"),
    TicketClass.REPORT: Text("举报", "report of wrongdoing"),
    TicketClass.APPLICATION: Text("用热申请", "application for heat"),
}
CLOCK_TEXTS: Mapping[str, Text] = {
    "station_reply": Text("供热站答复", "station reply"),
    "accept": Text("受理", "accepted"),
    "contact": Text("联系用户", "contact with user"),
    "on_site": Text("到达现场", "arrival on site"),
    "done": Text("处理完毕", "done"),
    "finish": Text("办结", "finished"),
    "call_back": Text("回访", "call-back"),
    "answer": Text("答复", "answer"),
    "plan_answer": Text("方案答复", "answer to the application"),
    "heat_on": Text("供热", "heat on"),
    "heat_at_once": Text("立即供热", "heat at once"),
}
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
DELAY_TEXTS: Mapping[DelayReason, Text] = {
    DelayReason.USER_ABSENT: Text("用户家中无人。", "Nobody was at home."),
    DelayReason.USER_WISH: Text("应用户要求改期。", "The user asked for another time."),
    DelayReason.PARTS: Text("等待配件。", "Waiting for parts."),
    DelayReason.MANY_FAULTS: Text("故障较多，正在依次处理。", "There are many faults; they are being handled in turn."),
    DelayReason.NETWORK_FAULT: Text("管网故障正在抢修。", "A network fault is being repaired."),
    DelayReason.WEATHER: Text("天气原因。", "Delayed by the weather."),
    DelayReason.THIRD_PARTY: Text("需第三方配合。", "Waiting for a third party."),
    DelayReason.OTHER: Text("其他原因。", "Another reason."),
}
RECORD_REFUSAL_TEXTS: Mapping[RecordRefusal, Text] = {
    RecordRefusal.FUTURE: Text("测量时间在未来。", "The time of measurement is in the future."),
    RecordRefusal.IMPLAUSIBLE: Text("数值不合理。", "The value is implausible."),
    RecordRefusal.TWICE: Text(
        "该房间该时间的记录已存在；更正须另立记录并写明原因。",
        "A record of that room and time exists; to correct it, file a new record that names it and gives a reason.",
    ),
    RecordRefusal.NO_SUCH_RECORD: Text("没有要更正的记录。", "No such record to correct."),
    RecordRefusal.OTHER_HOME: Text("要更正的记录属于另一户。", "The record to correct belongs to another home."),
    RecordRefusal.CORRECTED_ALREADY: Text(
        "该记录已被更正，请更正最新的记录。", "The record has already been corrected; correct the latest one."
    ),
}
CARE_TEXTS: Mapping[CareReason, Text] = {
    CareReason.DISAGREES: Text(
        "上门测温结果与传感器读数不符，请由另一人复测，并检修传感器。",
        "A measurement on site contradicts the sensor: have a second person measure, and repair the sensor.",
    ),
    CareReason.CLOCK: Text("传感器时钟不准。", "The sensor's clock is off."),
    CareReason.SILENT: Text("传感器长时间没有上报。", "The sensor has not reported for too long."),
    CareReason.FROZEN: Text("传感器读数长时间不变。", "The sensor has reported the same value for too long."),
    CareReason.JUMPING: Text("传感器读数跳变。", "The readings of the sensor jump."),
    CareReason.OUT_OF_LINE: Text(
        "传感器读数与同楼其他房间相差过大，请上门测温。",
        "The sensor is out of line with the other rooms of its building: measure on site.",
    ),
    CareReason.LOW_BATTERY: Text("传感器电量不足。", "The sensor's battery is low."),
}
CARE_END_TEXTS: Mapping[CareEnd, Text] = {
    CareEnd.HEALED: Text("故障已消失，设备持续正常。", "The fault is gone, and the device has been well since."),
    CareEnd.REMOVED: Text("传感器已撤除。", "The sensor was removed."),
    CareEnd.NO_POLICY: Text("现行规则不再要求检查传感器。", "The rules in force ask for no care of sensors any more."),
}


def clock_text(off_s: float) -> Text:
    """Describe a clock error.

    Args:
        off_s: seconds; positive if the clock is slow.
    """
    zh, en = _span(abs(round(off_s)))
    if off_s > 0:
        return Text(f"传感器时钟慢{zh}。", f"The sensor's clock is {en} slow.")
    return Text(f"传感器时钟快{zh}。", f"The sensor's clock is {en} fast.")


def _span(seconds: int) -> Text:
    days, hours, minutes = seconds // 86_400, seconds // 3600, seconds // 60
    if days >= 2:
        return Text(f"{days}天", f"{days:,} days")
    if hours >= 2:
        return Text(f"{hours}小时", f"{hours} hours")
    return Text(f"{minutes}分钟", f"{minutes} minutes")
