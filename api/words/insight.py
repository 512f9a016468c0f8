"""The texts of the pages of early warnings, early signs and where to measure, in Chinese and English."""

from collections.abc import Mapping

from domain.foresight import ChillReason
from domain.words.text import Text

INSIGHT_WORDS: Mapping[str, Text] = {
    "insight_title": Text("低温预警", "Early warnings"),
    "insight_until": Text("到 {at} 可能偏冷", "Likely cold by {at}"),
    "insight_says": Text(
        "每天傍晚由预测生成并发给供热站；只用于安排上门，不是告警，也不影响达标考核。",
        "Made of forecasts in the evening, and sent to the stations. It says where to visit; it is no flag.",
    ),
    "insight_home": Text("用户", "Home"),
    "insight_station": Text("供热站", "Station"),
    "insight_now": Text("当时室温", "Was"),
    "insight_lowest": Text("预计最低", "Lowest expected"),
    "insight_limit": Text("标准", "Limit"),
    "insight_chance": Text("可能性", "Chance"),
    "insight_reason": Text("主要原因", "Main reason"),
    "insight_outcome": Text("结果", "Outcome"),
    "insight_measure": Text("登记测温", "Enter a measurement"),
    "insight_visited": Text("{at} 已上门测温", "measured on site {at}"),
    "insight_not_helped": Text("已预警，未上门，已偏冷", "warned of, not visited, and cold"),
    "insight_open": Text("待上门", "not visited yet"),
    "insight_none": Text(
        "没有预警：没有用户可能偏冷，或预测尚未证明好于“维持现状”而未启用。",
        "No warnings: no home is likely to be cold, or forecasts are off because they are no better than persistence.",
    ),
    "insight_no_finding": Text(
        "这是推测，不是结论；以抢修人员查明的原因为准。", "This is an estimate; what the crew finds is the cause."
    ),
    "insight_signs": Text("换热站早期征兆", "Early signs of substations"),
    "insight_signs_says": Text(
        "把每个换热站最近半天与它自己过去四周在相同室外温度下的表现相比，偏离最大的排在最前。只提请查看，不是报警，也不影响达标考核。",
        "The last half day of each substation beside its own last four weeks in such weather, the furthest off "
        "leading. It asks somebody to look; it is no alarm.",
    ),
    "insight_signs_none": Text("没有换热站偏离其平常表现。", "No substation is off its usual behaviour."),
    "insight_signs_looked": Text(
        "已查看 {looked} 个换热站，其中 {learned} 个有足够的历史数据。",
        "{looked} substations were looked at; {learned} have enough of a past to learn from.",
    ),
    "insight_substation": Text("换热站", "Substation"),
    "insight_why": Text("征兆与先查什么", "Sign, and where to look first"),
    "insight_since": Text("起始", "Since"),
    "insight_where_title": Text("在哪里测最有用", "Where measuring tells most"),
    "insight_where_says": Text(
        "没有测温设备的住户按旁边住户估算；排在最前的，一旦测了最能说明还有谁可能偏冷。估算只用于安排测温，不作判定。",
        "Homes without a sensor are estimated from those around them. The first ones tell most of who else may be "
        "cold. An estimate asks for a measurement; it judges nobody.",
    ),
    "insight_where_found": Text("{homes} 户中有 {measured} 户装有设备。", "{measured} of {homes} homes have a sensor."),
    "insight_where_estimate": Text("估算", "Estimate"),
    "insight_where_between": Text("90% 区间", "90 % interval"),
    "insight_where_gain": Text("测了的价值", "What it tells"),
    "insight_where_plan": Text("今日测温", "Today's plan"),
    "insight_where_put": Text("列入今日测温", "Put on today's plan"),
    "insight_where_put_one": Text("将 {home} 列入今日测温", "Put {home} on today's plan"),
    "insight_where_due": Text("已列入，{at} 前", "due by {at}"),
    "insight_where_done": Text("{home} 已列入今日测温。", "{home} is on today's plan."),
    "insight_where_silent": Text("无从估算", "nothing can be said"),
    "insight_where_floor": Text("{floor} 层", "floor {floor}"),
    "insight_where_none": Text("这个换热站没有未装设备的住户。", "No home of this substation is without a sensor."),
    "insight_where_key": Text("把最有用的一户列入今日测温", "put the first home on today's plan"),
    "insight_before": Text("前一天", "Day before"),
    "insight_after": Text("后一天", "Day after"),
}

REASON_TEXTS: Mapping[ChillReason, Text] = {
    ChillReason.FALLING: Text("室温在下降", "its temperature falls"),
    ChillReason.NEIGHBOURS: Text("周围住户在变冷", "homes around it become colder"),
    ChillReason.OUTDOOR: Text("室外降温", "colder outside"),
    ChillReason.SUPPLY: Text("供热减少", "less is supplied"),
    ChillReason.RHYTHM: Text("每天此时偏低", "it does so at this time of the day"),
    ChillReason.NEAR: Text("已接近标准", "near the limit already"),
}
