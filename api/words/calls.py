"""The texts of the page of a call in Chinese and English, with fields in braces. Every key begins with `call_`."""

from collections.abc import Mapping

from domain.words.text import Text

CALL_WORDS: Mapping[str, Text] = {
    "call_title": Text("来电", "Call"),
    "call_new": Text("新来电", "New call"),
    "call_search": Text("地址、门牌、户号、姓名或电话", "Address, door, code, name or telephone number"),
    "call_search_hint": Text(
        "例如：幸福里3-2-501、xfl 3 2 501。可以只输入一部分，错字也能找到。",
        "For example: xfl 3-2-501, or a part of an address. A slip does no harm.",
    ),
    "call_find": Text("查找", "Find"),
    "call_found": Text(
        "找到 {n} 户，用上下键选择，回车打开。", "{n} homes: choose with the arrow keys, open with Enter."
    ),
    "call_found_one": Text("找到 1 户，回车打开。", "One home: open it with Enter."),
    "call_found_none": Text("没有找到。可以少输入几个字再试。", "Nothing found. Try with fewer letters."),
    "call_results": Text("查找结果", "Homes found"),
    "call_by_code": Text("户号", "code"),
    "call_by_telephone": Text("电话", "telephone"),
    "call_by_name": Text("姓名", "name"),
    "call_by_address": Text("地址", "address"),
    "call_people": Text("联系人", "People"),
    "call_people_none": Text("没有登记联系人。", "Nobody is on record."),
    "call_people_hidden": Text("您无权查看联系人。", "You may not see who lives here."),
    "call_channel_phone": Text("电话", "telephone"),
    "call_channel_email": Text("邮箱", "e-mail"),
    "call_channel_webhook": Text("网址", "address on the web"),
    "call_explains": Text("可能的原因", "What may explain it"),
    "call_explains_none": Text("没有正在影响该户的停暖或片区故障。", "No outage and no incident concerns this home."),
    "call_incident": Text("片区故障 {number}：{place}，{n} 户", "Incident {number}: {place}, {n} homes"),
    "call_outage": Text("停暖 {number}：{reason}", "Outage {number}: {reason}"),
    "call_until": Text("预计 {at} 恢复", "expected to end {at}"),
    "call_last": Text("最近的来电", "Last calls"),
    "call_last_none": Text("没有来电记录。", "No calls on record."),
    "call_kind_opened": Text("来电报修", "reported"),
    "call_kind_user_said": Text("补充说明", "said"),
    "call_kind_contacted": Text("已联系用户", "was reached"),
    "call_kind_tried": Text("联系未成功", "was not reached"),
    "call_again_at": Text("约定 {at} 再联系", "to be called again {at}"),
    "call_attempt": Text("打给用户", "Calling the user"),
    "call_attempt_again": Text("没接通时，何时再打（可不填）", "If nobody answers, when to call again (optional)"),
    "call_reached": Text("已联系上", "Reached"),
    "call_not_reached": Text("没有接通", "No answer"),
    "call_take": Text("登记来电", "Take the call down"),
    "call_words": Text("用户怎么说", "What the caller says"),
    "call_contact": Text("回电号码", "Number to call back"),
    "call_about": Text("属于", "It belongs to"),
    "call_about_new": Text("新工单", "a new ticket"),
    "call_kind": Text("什么事", "What is it"),
    "call_class_leak": Text("漏水", "water is leaking"),
    "call_class_cold": Text("家里不热", "it is not warm"),
    "call_class_repair": Text("别的要修", "something else needs repair"),
    "call_responsible": Text("派给（可不填）", "Send (may stay empty)"),
    "call_responsible_hint": Text(
        "{station} 会收到通知；填写姓名即指派到人。", "{station} is told; a name assigns it to a person."
    ),
    "call_send": Text("登记", "Take down"),
    "call_refused": Text("未能登记：", "Not taken down:"),
    "call_place": Text("户外来电", "Call about a place"),
    "call_place_link": Text(
        "不在住户家里？楼道、地下室、管线、换热站", "Not in a home? A stairwell, a cellar, a line, a substation"
    ),
    "call_place_says": Text(
        "楼道、地下室、院内管线或换热站漏水或损坏时，工单开在楼栋或换热站上。",
        "When something leaks or is broken in a stairwell, in a cellar, on a line or at a substation, the ticket is "
        "for the building or the substation.",
    ),
    "call_place_search": Text("楼栋或换热站的名称、地址、编号", "Name, address or code of a building or substation"),
    "call_place_found": Text("找到的地点", "Places found"),
    "call_place_building": Text("楼栋", "Building"),
    "call_place_substation": Text("换热站", "Substation"),
    "call_place_homes": Text("{n} 户", "homes: {n}"),
    "call_key_new": Text("新来电", "new call"),
}
