"""The texts of the pages of measurements on site in Chinese and English. Every key begins with `measure_`."""

from collections.abc import Mapping

from domain.measurement import DueReason, RecordWorth
from domain.words.text import Text

MEASURE_WORDS: Mapping[str, Text] = {
    "measure_title": Text("入户测温", "Measurements"),
    "measure_list_of": Text("入户测温：{view}", "Measurements: {view}"),
    "measure_view_day": Text("今天要测", "Today"),
    "measure_view_late": Text("已逾期", "Overdue"),
    "measure_view_week": Text("七天内", "Within a week"),
    "measure_view_records": Text("测温记录", "Records"),
    "measure_caption_due": Text("待测住户，逾期最久的在前", "Homes to be measured, the longest overdue first"),
    "measure_caption_records": Text("测温记录，新的在前", "Records, newest first"),
    "measure_none_due": Text("没有要测的住户。", "Nothing is to be measured."),
    "measure_none_records": Text("还没有测温记录。", "No records yet."),
    "measure_shown": Text("{station}：{n} 户次，其中逾期 {late}。", "{station}: {n}, of which {late} overdue."),
    "measure_all_stations": Text("全部供热站", "All stations"),
    "measure_due": Text("期限", "Due"),
    "measure_home": Text("住户", "Home"),
    "measure_room": Text("房间", "Room"),
    "measure_any_room": Text("任一房间", "any room"),
    "measure_why": Text("原因", "Why"),
    "measure_by": Text("由谁测", "By"),
    "measure_last": Text("上次", "Last"),
    "measure_never": Text("从未", "never"),
    "measure_find": Text("查找要测的住户（地址、门牌、户号）", "Find a home (address, door, code)"),
    "measure_number": Text("编号", "Record"),
    "measure_at": Text("测量时间", "Measured"),
    "measure_celsius": Text("室温", "Temperature"),
    "measure_verdict": Text("判定", "Verdict"),
    "measure_limit": Text("标准 {limit} ℃", "limit {limit} °C"),
    "measure_worth": Text("效力", "Counts"),
    "measure_who": Text("测温人", "Measured by"),
    "measure_sensor": Text("同房间传感器 {celsius} ℃", "the sensor there read {celsius} °C"),
    "measure_disagrees": Text("与传感器不符", "contradicts the sensor"),
    "measure_filed_late": Text("逾期录入", "filed late"),
    "measure_of": Text("{place} 测温", "Measurements at {place}"),
    "measure_record": Text("录入测温记录", "Enter a record"),
    "measure_correct": Text("更正 {number}", "Correct {number}"),
    "measure_correct_says": Text(
        "原记录保留；更正是另一条记录，须写明原因。", "The old record stays; the correction is a new one and says why."
    ),
    "measure_save": Text("录入", "Enter"),
    "measure_refused": Text("未录入：", "Not entered:"),
    "measure_done": Text(
        "已录入 {number}：{celsius} ℃，{verdict}，{worth}。", "{number} entered: {celsius} °C, {verdict}, {worth}."
    ),
    "measure_ask": Text("要求入户测温", "Ask for a measurement"),
    "measure_ask_save": Text("提出要求", "Ask"),
    "measure_asked": Text("已提出测温要求。", "The measurement has been asked for."),
    "measure_rooms": Text("传感器现在的读数", "What the sensors say now"),
    "measure_rooms_none": Text("没有传感器读数。", "No sensor has a reading."),
    "measure_old_reading": Text("读数已过期", "out of date"),
    "measure_field_room": Text("房间", "Room"),
    "measure_field_room_kind": Text("房间类型", "Kind of room"),
    "measure_field_measured_at": Text("测量时间", "Measured at"),
    "measure_field_celsius": Text("室温（℃）", "Temperature (°C)"),
    "measure_field_instrument": Text("仪器编号", "Instrument"),
    "measure_field_measurer": Text("测温人", "Measured by"),
    "measure_field_signature": Text("用户签字单据编号", "Number of the sheet that the user signed"),
    "measure_field_corrects": Text("更正的记录", "Corrects the record"),
    "measure_field_reason": Text("更正原因", "Reason for the correction"),
    "measure_field_due_at": Text("最迟", "By"),
    "measure_hint_celsius": Text("照仪器所示填写，不得改动或编造。", "As the instrument shows it."),
    "measure_hint_signature": Text("没有用户签字的记录不作数。", "A record without it does not count."),
    "measure_key_enter": Text("录入测温记录", "Enter a record"),
    "measure_to_plan": Text("测温计划", "Measuring plan"),
}
DUE_TEXTS: Mapping[DueReason, Text] = {
    DueReason.PLAN: Text("定期测温", "regular"),
    DueReason.SUSPECT_SENSOR: Text("传感器可疑", "a sensor is suspect"),
    DueReason.ASKED: Text("指定测温", "asked for"),
}
WORTH_TEXTS: Mapping[RecordWorth, Text] = {
    RecordWorth.VALID: Text("有效", "counts"),
    RecordWorth.UNSIGNED: Text("未签字，不作数", "not signed, does not count"),
    RecordWorth.CORRECTED: Text("已被更正", "corrected since"),
}
