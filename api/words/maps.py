"""The texts of the map in Chinese and English."""

from collections.abc import Mapping

from domain.words.text import Text

MAP_WORDS: Mapping[str, Text] = {
    "map_title": Text("地图", "Map"),
    "map_lead": Text(
        "每个标记是一栋楼或几栋相邻的楼；点击标记可放大，或转到列表中的楼。",
        "A mark is a building, or several that are near each other; it leads closer, or to its building in the list.",
    ),
    "map_drag": Text("也可以按住鼠标拖出一个范围。", "Or drag a box with the mouse."),
    "map_skip": Text("跳过地图", "Skip the map"),
    "map_empty": Text("这里没有已登记位置的楼。", "No building here has a place in the registry."),
    "map_show": Text("楼栋状态", "Buildings"),
    "map_state_severe": Text("严重不达标", "severely cold"),
    "map_state_cold": Text("不达标", "cold"),
    "map_state_unknown": Text("未知", "unknown"),
    "map_state_warm": Text("达标", "warm"),
    "map_state_not_judged": Text("不判定", "not judged"),
    "map_area_incident": Text("片区故障", "Incident"),
    "map_area_outage": Text("停热", "Outage"),
    "map_tickets": Text("有未关闭工单", "open tickets"),
    "map_mark_one": Text(
        "{name}：{state}，{cold}/{homes} 户不达标，{tickets} 张工单",
        "{name}: {state}, {cold} of {homes} homes cold, {tickets} tickets",
    ),
    "map_mark_many": Text(
        "{n} 栋楼：{state}，{cold}/{homes} 户不达标，{tickets} 张工单",
        "{n} buildings: {state}, {cold} of {homes} homes cold, {tickets} tickets",
    ),
    "map_mark_area": Text("{what} {number}：{name}", "{what} {number}: {name}"),
    "map_move_closer": Text("放大", "Closer"),
    "map_move_farther": Text("缩小", "Farther"),
    "map_move_west": Text("向西", "West"),
    "map_move_north": Text("向北", "North"),
    "map_move_south": Text("向南", "South"),
    "map_move_east": Text("向东", "East"),
    "map_whole": Text("全城", "Whole city"),
    "map_here": Text("范围内的楼", "Buildings here"),
    "map_found": Text(
        "{n} 栋楼，{homes} 户，其中 {cold} 户不达标。", "{n} buildings, {homes} homes, {cold} of them cold."
    ),
    "map_unplaced": Text("没有登记位置、只在列表中的楼：{n} 栋。", "Only in the list, for they have no place: {n}."),
    "map_first": Text("列出最冷的 {n} 栋。", "The {n} coldest are listed."),
    "map_pick": Text("选择", "Choose"),
    "map_pick_one": Text("选择 {name}", "Choose {name}"),
    "map_building": Text("楼栋", "Building"),
    "map_homes": Text("不达标/户数", "Cold / homes"),
    "map_coldest": Text("最低室温", "Coldest"),
    "map_ticket": Text("工单", "Tickets"),
    "map_ticket_more": Text("{number} 等 {n} 张", "{number} and {n} in all"),
    "map_list_homes": Text("查看住户", "Its homes"),
    "map_announce": Text("为所选楼栋发布停热", "Announce an outage at what is chosen"),
}
