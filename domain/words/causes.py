"""Names of the causes of faults."""

from collections.abc import Mapping

from domain.words.text import Text

CAUSES: Mapping[str, Text] = {
    "riser_air": Text("立管气堵", "air in the riser"),
    "radiator_air": Text("户内散热设备积气", "air in the home's radiators"),
    "valve_shut": Text("阀门关闭", "a valve was shut"),
    "valve_broken": Text("阀门损坏", "a valve is broken"),
    "filter": Text("过滤器堵塞", "a clogged filter"),
    "pipe_blocked": Text("管道堵塞", "a blocked pipe"),
    "leak": Text("管道或接口漏水", "a leaking pipe or joint"),
    "balance": Text("水力失调", "poor hydraulic balance"),
    "pump": Text("循环泵故障", "the circulation pump"),
    "control": Text("换热站控制问题", "the substation's control"),
    "supply": Text("供水温度或压力不足", "too low supply temperature or pressure"),
    "user_change": Text("用户自行改动", "the user's own change"),
    "windows": Text("门窗或保温不良", "windows, doors or insulation"),
    "sensor": Text("测温设备问题", "the sensor"),
    "none": Text("未发现问题", "no fault was found"),
    "other": Text("其他", "another cause"),
}
