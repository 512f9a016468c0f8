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
    "map_unmeasured": Text("未装测温设备的住户（估算）", "Homes without a sensor (estimated)"),
    "map_unmeasured_hatched": Text(
        "斜线：有未装设备的住户，按旁边住户估算", "hatched: homes without a sensor, estimated from those around"
    ),
    "map_unmeasured_many": Text(
        "范围内换热站太多，放大后再估算未装设备的住户。", "Too many substations here: come closer to see the estimates."
    ),
    "map_unmeasured_one": Text(
        "{homes} 户中 {n} 户未装设备，最低估算 {celsius} °C（90% 区间 {low}–{high} °C）",
        "{n} of {homes} homes without a sensor, the lowest estimated {celsius} °C (90 % interval {low} to {high} °C)",
    ),
    "map_unmeasured_silent": Text(
        "{homes} 户中 {n} 户未装设备，无从估算", "{n} of {homes} homes without a sensor, of which nothing can be said"
    ),
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
    "map_counted_at": Text(
        "{at} 之后没有再统计：楼的状态和户数是当时的。工单、停热和片区故障是现在的。请管理员查看 hearth watch。",
        "Homes have not been counted since {at}: states and numbers of homes are as they were then. Tickets, outages"
        " and incidents are of now. Ask an administrator to look after hearth watch.",
    ),
    "map_not_counted": Text(
        "各楼住户尚未统计，还没有状态和户数。hearth watch 开始运行后约半分钟即可看到；工单、停热和片区故障是现在的。",
        "The homes of the buildings have not been counted yet, so there are no states and numbers of homes. They are"
        " here half a minute after hearth watch has begun; tickets, outages and incidents are of now.",
    ),
    "map_found_only": Text("{n} 栋楼。", "{n} buildings."),
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
    "map_crew": Text("派人处理所选楼栋的工单", "Send a crew to what is chosen"),
    "map_homes_of": Text("列出所选楼栋的住户", "List the homes of what is chosen"),
    "map_rest": Text("范围内其余 {n} 栋楼", "The other {n} buildings of this area"),
    "map_select": Text("选择范围", "Choose an area"),
    "map_select_box": Text("框选", "Box"),
    "map_select_draw": Text("手绘", "Draw"),
    "map_select_seen": Text("当前视野", "What is seen"),
    "map_board": Text("看板", "Board"),
    "map_supply": Text("换热站供热范围", "supplied by one substation"),
    "map_underway": Text("工单有人在处理", "tickets that somebody works on"),
    "map_back": Text("返回地图", "Back to the map"),
    "map_on_map": Text("在地图上查看", "Show on the map"),
    "map_homes_title": Text("楼栋住户", "Homes of buildings"),
    "map_homes_found": Text("{n} 栋楼，{homes} 户。", "Buildings: {n}, homes: {homes}."),
    "map_homes_first": Text("列出最冷的 {n} 户。", "The {n} coldest homes are listed."),
    "map_home": Text("住户", "Home"),
    "map_temperature": Text("室温", "Temperature"),
    "map_none_chosen": Text("没有选择楼栋。", "No building is chosen."),
    "map_crew_title": Text("派人", "Send a crew"),
    "map_crew_lead": Text(
        "所选工单将转给一个供热站，也可以指定责任人；每张工单上都有记录。投诉和举报由调度室办理，不在其中。",
        "The tickets that are ticked go to a station, to a person there if you name one; each keeps it on record. "
        "Complaints and reports are for the desk, and are not among them.",
    ),
    "map_crew_none": Text("所选楼栋没有未关闭的工单。", "No ticket is open at what is chosen."),
    "map_crew_first": Text("只列出最紧急的 {n} 张。", "The {n} most urgent ones are listed."),
    "map_crew_own": Text("各自的供热站", "the station of each ticket"),
    "map_crew_send": Text("派出", "Send"),
    "map_crew_sent": Text("已派 {n} 张工单。", "Sent for {n} tickets."),
    "map_crew_refused": Text("未派的工单：", "Not sent:"),
    "map_crew_again": Text("这张表已经提交过，没有再次派出。", "This form was sent before; nobody was sent twice."),
    "map_crew_whom": Text(
        "请选择供热站或填写责任人，并选择工单。", "Choose a station or name a person, and choose tickets."
    ),
    "map_person": Text("责任人", "Responsible person"),
    "map_class": Text("类别", "Kind"),
}
# Texts of the script that draws the map.
SCRIPT_TEXTS: Mapping[str, Text] = {
    **{
        f"state_{state}": MAP_WORDS[f"map_state_{state}"]
        for state in ("severe", "cold", "unknown", "warm", "not_judged")
    },
    "incident": MAP_WORDS["map_area_incident"],
    "outage": MAP_WORDS["map_area_outage"],
    "supply": MAP_WORDS["map_supply"],
    "homes": MAP_WORDS["map_list_homes"],
    "board": MAP_WORDS["map_board"],
    "title": MAP_WORDS["map_title"],
    "one": Text("{cold}/{homes} 户不达标", "{cold} of {homes} homes cold"),
    "coldest": Text("最低 {celsius} °C", "coldest {celsius} °C"),
    "tickets": Text("工单 {n} 张，{underway} 张有人在处理", "Tickets: {n}, worked on: {underway}"),
    "buildings": Text("{n} 栋楼", "{n} buildings"),
    "more": Text("另有 {n} 栋", "and {n} more"),
    "close": Text("关闭", "Close"),
    "choose": Text("选择这栋楼", "Choose this building"),
    "draw": Text("按住并拖动画出范围；Esc 取消。", "Press and drag to draw; Esc cancels."),
    "unmeasured_one": MAP_WORDS["map_unmeasured_one"],
    "unmeasured_silent": MAP_WORDS["map_unmeasured_silent"],
    "unmeasured_many": MAP_WORDS["map_unmeasured_many"],
    "lost": Text("地图数据暂时无法更新。", "The data of the map cannot be updated at the moment."),
}
