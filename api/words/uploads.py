"""The texts of uploads of registry tables. Every key of a page begins with `upload_`."""

from collections.abc import Mapping

from domain.words.text import Text

UPLOAD_REFUSED = Text("未导入任何内容，有 {count} 处问题", "nothing was imported, problems: {count}")
UPLOAD_GONE = Text(
    "没有等待写入的此文件：可能已经写入，或已超过一小时。请重新上传",
    "no such file waits to be applied: it was applied, or an hour has passed. Send it again",
)
UPLOAD_DIFFERS = Text(
    "档案在比较之后已被修改，此文件现在会改动别的内容。未写入任何内容，请重新核对",
    "the registry has changed since the comparison, and the file would change something else now. Nothing was "
    "written; look at the new comparison",
)
UPLOAD_BUSY = Text("另一次导入正在进行，请稍后再试", "another import is under way; try again later")
UPLOAD_EMPTY = Text("文件为空", "the file is empty")

UPLOAD_WORDS: Mapping[str, Text] = {
    "office_upload": Text("上传表格", "Upload a table"),
    "office_upload_says": Text(
        "换热站、楼栋、住户、传感器、租住、联系方式、测温计划：先比较，再写入。",
        "Substations, buildings, homes, sensors, residents, contacts, measuring plan: compared first, then written.",
    ),
    "upload_title": Text("上传表格", "Upload a table"),
    "upload_says": Text(
        "CSV（UTF-8、UTF-16、GB18030）或 XLSX，最大 8 MB。先比较，再由您确认写入；表格没有提到的一律不变。",
        "CSV (UTF-8, UTF-16, GB18030) or XLSX, 8 MB at most. It is compared first, and written when you say so; what "
        "it does not name stays as it is.",
    ),
    "upload_file": Text("文件", "File"),
    "upload_sheet": Text("内容", "Holds"),
    "upload_sheet_by_itself": Text("自动识别", "found by itself"),
    "upload_encoding": Text("编码", "Encoding"),
    "upload_encoding_by_itself": Text("自动识别", "found by itself"),
    "upload_compare": Text("比较", "Compare"),
    "upload_substations": Text("换热站", "Substations"),
    "upload_buildings": Text("楼栋", "Buildings"),
    "upload_homes": Text("住户", "Homes"),
    "upload_sensors": Text("传感器", "Sensors"),
    "upload_residents": Text("租住", "Residents"),
    "upload_contacts": Text("联系方式", "Contacts"),
    "upload_plan": Text("测温计划", "Measuring plan"),
    "upload_understood": Text("读取方式", "How it was read"),
    "upload_counts": Text("将会改变的内容", "What would change"),
    "upload_kind": Text("种类", "Kind"),
    "upload_rows": Text("行数", "Lines"),
    "upload_added": Text("新增", "Added"),
    "upload_changed": Text("修改", "Changed"),
    "upload_unchanged": Text("不变", "Unchanged"),
    "upload_ended": Text("结束", "Ended"),
    "upload_nothing": Text("此文件不会改变任何内容。", "The file changes nothing."),
    "upload_careful": Text("请核对", "Worth a second look"),
    "upload_contracts_lost": Text("失去合同温度的住户：{n}", "homes that lose their contract temperature: {n}"),
    "upload_not_judged": Text("不再判定的住户：{n}", "homes that are judged no more: {n}"),
    "upload_sensors_moved": Text("换了位置的传感器：{n}", "sensors that move: {n}"),
    "upload_sensors_ended": Text("不再安装的传感器：{n}", "sensors that are nowhere any more: {n}"),
    "upload_read_as": Text("{table}：{how}", "{table}: {how}"),
    "upload_new_n": Text("新增的（{n}）", "New ({n})"),
    "upload_changes_n": Text("逐项修改（{n}）", "Values that change ({n})"),
    "upload_code": Text("编号", "Code"),
    "upload_field": Text("项目", "Value"),
    "upload_before": Text("原来", "Before"),
    "upload_after": Text("改为", "After"),
    "upload_more": Text("另有 {n} 项未列出。", "… and {n} more."),
    "upload_none": Text("无", "none"),
    "upload_apply_says": Text(
        "写入的正是比较过的文件（SHA-256：{sha256}），一次完成；若档案此后有变，则拒绝写入。",
        "Exactly the file that was compared is written (SHA-256 {sha256}), all of it or nothing; it is refused if the "
        "registry has changed meanwhile.",
    ),
    "upload_apply": Text("写入", "Apply"),
    "upload_applied": Text("已写入。受影响的住户将重新判定。", "Applied. Homes that are touched are judged again."),
    "upload_problems": Text("未导入任何内容", "Nothing was imported"),
    "upload_problems_says": Text(
        "有 {n} 处问题。请在表格中改正后重新上传。", "Problems: {n}. Correct them in the table and send it again."
    ),
    "upload_place": Text("位置", "Place"),
    "upload_problem": Text("问题", "Problem"),
    "upload_field_building": Text("楼栋", "building"),
    "upload_field_unit": Text("门牌", "door"),
    "upload_field_class": Text("类别", "class"),
    "upload_field_contract": Text("合同", "contract"),
    "upload_field_riser": Text("立管", "riser"),
    "upload_field_floor": Text("楼层", "floor"),
    "upload_field_exposure": Text("位置类型", "exposure"),
    "upload_field_heat": Text("供热", "heat"),
    "upload_field_judged": Text("参与判定", "judged"),
    "upload_field_place": Text("位置", "place"),
    "upload_field_room": Text("房间", "room"),
    "upload_field_gateway": Text("网关", "gateway"),
    "upload_field_interval": Text("间隔", "interval"),
    "upload_field_offset": Text("修正", "offset"),
    "upload_field_from": Text("自", "from"),
    "upload_field_to": Text("至", "to"),
    "upload_field_stays": Text("仍安装", "stays"),
    "upload_field_room_kind": Text("房间类型", "kind of room"),
    "upload_field_every_days": Text("间隔（天）", "every (days)"),
    "upload_field_name": Text("名称", "name"),
    "upload_field_address": Text("地址", "address"),
    "upload_field_station": Text("供热站", "station"),
    "upload_field_substation": Text("换热站", "substation"),
    "upload_field_lat": Text("纬度", "latitude"),
    "upload_field_lon": Text("经度", "longitude"),
    "upload_plan_says": Text(
        "哪些住户的哪些房间要入户测温、多久一次。先比较，再由您确认写入；没有提到的测温点不变。",
        "Which rooms of which homes are measured on site, and how often. A change is compared first, and written when "
        "you say so; points that it does not name stay.",
    ),
    "upload_plan_applied": Text("测温计划已写入。", "The plan is in force."),
    "upload_plan_none": Text("没有测温点。", "No measuring points."),
    "upload_plan_points": Text("测温点", "Measuring points"),
    "upload_plan_change": Text("增加或修改一个测温点", "Add or change a point"),
    "upload_plan_change_says": Text(
        "填户号，或填楼栋编号（该楼每一户）。结束日当天不再测。",
        "Name a home, or a building for each of its homes. From the last field's day on it is measured no more.",
    ),
    "upload_plan_send": Text("用表格修改", "Change it by a table"),
    "upload_plan_send_says": Text(
        "列：{columns}。可先下载现在的计划，改好再上传。",
        "Columns: {columns}. The plan as it is can be taken, changed and sent back.",
    ),
    "upload_plan_take": Text("下载现在的计划（CSV）", "Take the plan as it is (CSV)"),
    "upload_plan_home": Text("户号", "Home (code)"),
    "upload_plan_building": Text("楼栋编号", "Building (code)"),
    "upload_plan_room": Text("房间", "Room"),
    "upload_plan_room_kind": Text("房间类型", "Kind of room"),
    "upload_plan_every_days": Text("每几天一次", "Every so many days"),
    "upload_plan_from": Text("自", "From"),
    "upload_plan_from_says": Text(
        "留空：新的从现在起，已有的不变。", "Empty: a new one from now on, a known one as it was."
    ),
    "upload_plan_to": Text("至", "Until"),
    "upload_plan_place": Text("位置", "Place"),
    "upload_plan_station": Text("供热站", "Station"),
    "upload_plan_every_station": Text("全部", "all"),
    "upload_plan_show": Text("显示", "Show"),
    "upload_plan_edit": Text("修改", "Change"),
    "upload_plan_edit_of": Text("修改 {home} {room}", "Change {home} {room}"),
    "upload_plan_refused": Text("未比较：", "Nothing was compared:"),
    "upload_plan_next": Text("下一页", "Next page"),
    "upload_plan_to_measurements": Text("入户测温", "Measurements"),
    "upload_yes": Text("是", "yes"),
    "upload_no": Text("否", "no"),
}
