"""The texts of the registry, tokens and rules on pages and in answers. Every key of a page begins with `office_`."""

from collections.abc import Mapping

from domain.words.text import Text

NOT_PRINTABLE = Text("含有无法显示的字符", "has characters that cannot be shown")
RECORD_CHANGED = Text(
    "此记录在您打开之后已被修改，未保存任何内容", "the record has changed since you read it; nothing was written"
)
SENSOR_ELSEWHERE = Text(
    "此传感器在 {place}；要移过来，请确认原处", "the sensor is in {place}: to move it, name that as `moved_from`"
)
SENSOR_OUT_OF_REACH = Text("此传感器已在别处使用，不在您的范围内", "the sensor is in use elsewhere, out of your reach")
TOKEN_MADE_BEFORE = Text(
    "此表单已提交过：当时创建了令牌 {number}，只显示一次。如未记下，请结束它，再新建一个",
    "this form was sent before: token {number} was made then and shown once; if it is lost, end it and make another",
)
NO_SUCH_TOKEN = Text("没有此令牌，或已结束", "no such token, or it has ended")
# What a token would have beyond its maker.
BEYOND_MAKER: Mapping[str, Text] = {
    "rights": Text("您自己没有所选的全部权限", "you do not have all of these rights yourself"),
    "role": Text("您自己没有这一角色的权限", "the role is above your own"),
    "reach": Text("超出了您自己的访问范围", "it would reach more than you do"),
    "expiry": Text(
        "您自己的访问会更早到期，令牌不能更晚", "your own access ends earlier: the token may not outlast it"
    ),
}

OFFICE_WORDS: Mapping[str, Text] = {
    "office_title": Text("档案", "Registry"),
    "office_find": Text("查找一户", "Find a home"),
    "office_find_hint": Text("地址、门牌、户号、姓名或电话。", "Address, door, code, name or telephone number."),
    "office_found_none": Text("没有找到。", "Nothing found."),
    "office_tokens": Text("令牌", "Tokens"),
    "office_tokens_says": Text("机器和用户页面的访问凭据。", "Keys of machines and of customers' pages."),
    "office_rules": Text("供热季与节假日", "Seasons and holidays"),
    "office_rules_says": Text(
        "何时判定，哪些日子是工作日。", "When homes are judged, and which days are working days."
    ),
    "office_home_facts": Text("基本资料", "Facts"),
    "office_place": Text("位置", "Place"),
    "office_building": Text("楼栋编号", "Building (code)"),
    "office_unit": Text("门牌", "Door"),
    "office_class": Text("类别", "Class"),
    "office_class_multistorey": Text("楼房", "multi-storey"),
    "office_class_bungalow": Text("平房", "bungalow"),
    "office_class_nonresidential": Text("非居民", "non-residential"),
    "office_contract": Text("合同", "Contract"),
    "office_contract_none": Text("未约定温度", "no temperature agreed"),
    "office_contract_says": Text("不低于 {limit} ℃", "{limit} °C at least"),
    "office_contract_window": Text("{begins} 至 {ends}", "{begins} to {ends}"),
    "office_contract_limit": Text("合同温度（℃）", "Contract temperature (°C)"),
    "office_contract_from": Text("时段起", "From"),
    "office_contract_to": Text("时段止", "To"),
    "office_within": Text("楼内位置", "Within the building"),
    "office_within_floor": Text("{floor} 层", "floor {floor}"),
    "office_within_riser": Text("立管 {riser}", "riser {riser}"),
    "office_riser": Text("立管", "Riser"),
    "office_riser_hint": Text("同一楼内同名即同一立管。", "The same name in a building is the same riser."),
    "office_floor": Text("楼层", "Floor"),
    "office_exposure": Text("位置类型", "Exposure"),
    "office_exposure_inner": Text("中间户", "between others"),
    "office_exposure_gable": Text("边户", "at a gable"),
    "office_exposure_roof": Text("顶户", "under the roof"),
    "office_exposure_roof_gable": Text("顶边户", "under the roof, at a gable"),
    "office_exposure_ground": Text("底户", "on the ground floor"),
    "office_exposure_ground_gable": Text("底边户", "on the ground floor, at a gable"),
    "office_contract_hint": Text("留空：按规则，或全天。", "Empty: by the rules, or all day."),
    "office_facts_warn": Text(
        "类别或合同一改，以往的判定会全部重算。", "Class and contract change how all of the past is judged."
    ),
    "office_change": Text("修改", "Change"),
    "office_save": Text("保存", "Save"),
    "office_reason": Text("原因", "Reason"),
    "office_reason_hint": Text(
        "写入审计记录，不要写姓名和电话。", "For the audit log: no names, no telephone numbers."
    ),
    "office_heat": Text("供热状态", "Heat"),
    "office_heat_on": Text("供热", "on"),
    "office_heat_stopped": Text("停供", "stopped"),
    "office_heat_ever": Text("自始", "from the beginning"),
    "office_heat_since": Text("{at} 起", "since {at}"),
    "office_heat_stop": Text("停供", "Stop the heat"),
    "office_heat_resume": Text("恢复供热", "Resume the heat"),
    "office_heat_at": Text("从何时起", "From when on"),
    "office_heat_hint": Text(
        "可填过去或将来。谁批准、通知单号写在原因里。",
        "May be past or ahead. Approval and number of the notice go into the reason.",
    ),
    "office_sensors": Text("传感器", "Sensors"),
    "office_sensor_room": Text("{room}（{kind}）", "{room} ({kind})"),
    "office_unknown_place": Text("安装到住户", "Place it"),
    "office_unknown_home": Text("户号", "Home (code)"),
    "office_unknown_home_of": Text("{sensor} 所在的户号", "Code of the home of {sensor}"),
    "office_unknown_nowhere": Text("没有户号 {home}", "There is no home {home}"),
    "office_sensor_places": Text("传感器安装记录", "Places of the sensors"),
    "office_tokens_table": Text("全部令牌", "All tokens"),
    "office_sensor": Text("传感器编号", "Sensor"),
    "office_sensor_where": Text("位置", "Where"),
    "office_sensor_from": Text("起", "From"),
    "office_sensor_to": Text("止", "To"),
    "office_sensor_now": Text("至今", "now"),
    "office_sensor_ever": Text("自始", "ever"),
    "office_sensor_interval": Text("上报间隔（秒）", "Interval (s)"),
    "office_sensor_offset": Text("校准（K）", "Offset (K)"),
    "office_sensor_gateway": Text("网关", "Gateway"),
    "office_sensor_none": Text("没有传感器。", "No sensors."),
    "office_sensor_put": Text("安装、移入或更换传感器", "Install, move here or replace a sensor"),
    "office_sensor_put_says": Text(
        "旧数据留在原处，历史不变。留空的项沿用该传感器（更换时沿用被换的）原来的值。",
        "What was measured stays where it was measured. What is left empty stays as it was, or is taken over "
        "from the sensor that is replaced.",
    ),
    "office_sensor_replaces": Text("更换掉", "Replaces"),
    "office_sensor_replaces_none": Text("不更换", "none"),
    "office_sensor_at": Text("从何时起", "From when on"),
    "office_sensor_moved": Text(
        "{sensor} 现在在 {place}。确认要移到这里吗？", "{sensor} is in {place} now. Move it here?"
    ),
    "office_sensor_move": Text("确认移入", "Move it here"),
    "office_sensor_take": Text("拆除", "Take away"),
    "office_room": Text("房间", "Room"),
    "office_room_kind": Text("房间类型", "Kind of room"),
    "office_room_keep": Text("沿用", "as before"),
    "office_room_living": Text("客厅", "living room"),
    "office_room_bedroom": Text("卧室", "bedroom"),
    "office_room_other": Text("其他", "other"),
    "office_contacts": Text("联系人", "Contacts"),
    "office_contacts_hidden": Text(
        "查看需写明原因，并记入审计记录。", "Shown for a reason, and each look is on record."
    ),
    "office_contacts_show": Text("显示联系人", "Show contacts"),
    "office_contacts_none": Text("没有登记联系人。", "Nobody is on record."),
    "office_contacts_right": Text("您无权查看联系人。", "You may not see contacts."),
    "office_contact_channel": Text("方式", "Channel"),
    "office_contact_address": Text("号码或地址", "Number or address"),
    "office_contact_name": Text("姓名", "Name"),
    "office_contact_resident": Text("住户编号", "Resident"),
    "office_contact_language": Text("语言", "Language"),
    "office_contact_consent": Text("同意接收", "Agreed to be told"),
    "office_contact_consent_hint": Text("没有同意的不会收到通知。", "Without it nobody is told."),
    "office_contact_agreed": Text("{at} 同意", "agreed {at}"),
    "office_contact_not_agreed": Text("未同意", "not agreed"),
    "office_contact_now": Text("现在同意", "agrees now"),
    "office_contact_empty": Text("清空号码或地址即删除该行。", "A row without an address is taken away."),
    "office_contact_add": Text("添加", "Add"),
    "office_contact_phone": Text("电话", "telephone"),
    "office_contact_email": Text("邮箱", "e-mail"),
    "office_contact_webhook": Text("网络回调", "webhook"),
    "office_contacts_save": Text("保存联系人", "Save contacts"),
    "office_links": Text("相关页面", "See also"),
    "office_to_call": Text("来电页", "Call page"),
    "office_tickets": Text("工单", "Tickets"),
    "office_tickets_none": Text("没有工单。", "No tickets."),
    "office_refused": Text("未保存：", "Nothing was saved:"),
    "office_conflict": Text(
        "在您打开之后，别人已修改此记录。下面是现在的内容；您填写的仍在表单里，请核对后再保存。",
        "Somebody has changed this record since you opened it. Below is how it is now; what you entered is still "
        "in the form: check it and save again.",
    ),
    "office_done_wechat": Text("微信绑定已解除。", "The WeChat accounts are ended."),
    "office_done_facts": Text("资料已保存。", "The facts are saved."),
    "office_done_heat": Text("供热状态已保存。", "The heat is saved."),
    "office_done_sensor": Text("传感器已保存。", "The sensor is saved."),
    "office_done_taken": Text("传感器已拆除。", "The sensor is taken away."),
    "office_done_contacts": Text("联系人已保存。", "The contacts are saved."),
    "office_leaders": Text("由主管修改。", "Supervisors change this."),
    # tokens
    "office_tokens_none": Text("还没有令牌。", "There are no tokens."),
    "office_token_number": Text("编号", "No."),
    "office_token_label": Text("用途", "Whose it is"),
    "office_token_reaches": Text("范围", "Reaches"),
    "office_token_everywhere": Text("全部", "everywhere"),
    "office_token_state": Text("状态", "State"),
    "office_token_valid": Text("有效", "valid"),
    "office_token_until": Text("有效至 {at}", "valid until {at}"),
    "office_token_expired": Text("{at} 到期", "expired {at}"),
    "office_token_ended": Text("{at} 结束", "ended {at}"),
    "office_token_made_at": Text("创建", "Made"),
    "office_token_end": Text("结束", "End it"),
    "office_token_end_of": Text("结束令牌 {id}", "End token {id}"),
    "office_token_make": Text("创建令牌", "Make a token"),
    "office_token_made": Text("令牌已创建", "The token is made"),
    "office_token_made_says": Text(
        "只显示这一次，请立即保存。系统只保留它的摘要。",
        "It is shown this once: keep it now. Only its digest stays here.",
    ),
    "office_token_page": Text("用户页面的链接", "Link to the customer's page"),
    "office_token_homes": Text("户号", "Homes"),
    "office_token_homes_hint": Text("仅用户令牌；每行一个。", "For a customer alone; one a line."),
    "office_token_resident": Text("住户编号", "Resident"),
    "office_token_resident_hint": Text("留空：现在的住户。", "Empty: of those who live there now."),
    "office_token_from": Text("不早于", "Nothing older than"),
    "office_token_days": Text("有效天数", "Valid for days"),
    "office_token_days_hint": Text("留空：不会自行到期。", "Empty: does not end by itself."),
    "office_token_rights": Text("权限", "Rights"),
    "office_right_read": Text("读", "read"),
    "office_right_write": Text("写", "write"),
    "office_right_reveal": Text("查看个人信息", "reveal"),
    "office_role_customer": Text("用户", "customer"),
    "office_done_token_ended": Text("令牌已结束。", "The token has ended."),
    "office_more": Text("更早的", "Older ones"),
}
