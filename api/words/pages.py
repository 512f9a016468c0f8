"""The texts of the pages in Chinese and English, with fields in braces."""

from collections.abc import Mapping

from domain.words.text import Text

OTHERS = Text("其他片区", "Other areas")  # figures of areas that are too small alone
NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MONTHS = [Text(f"{number}月", name) for number, name in enumerate(NAMES.split(), 1)]
WORDS: Mapping[str, Text] = {
    # around every page
    "title_home": Text("我家的供热", "Heat in my home"),
    "title_status": Text("供热状况", "Network status"),
    "skip": Text("跳到正文", "Skip to content"),
    "other_language": Text("English", "中文"),
    "hotline": Text("24小时服务热线", "24-hour service line"),
    "zone": Text("时间均为当地时间（{zone}）。", "All times are local ({zone})."),
    "leave": Text("在此设备上退出", "Sign out on this device"),
    "to_status": Text("全网供热状况", "Network status"),
    "to_home": Text("我家的供热", "Heat in my home"),
    "as_of": Text("更新于 {at}", "As of {at}"),
    "reload": Text("刷新", "Reload"),
    # times
    "at_today": Text("{hour}", "{hour}"),
    "at_tomorrow": Text("明天 {hour}", "{hour} tomorrow"),
    "at_yesterday": Text("昨天 {hour}", "{hour} yesterday"),
    "just_now": Text("刚刚", "just now"),
    "minutes_ago": Text("{n} 分钟前", "{n} min ago"),
    "hours_ago": Text("{n} 小时前", "{n} h ago"),
    "date": Text("{month}{day}日", "{day} {month}"),
    "date_with_year": Text("{year}年{month}{day}日", "{day} {month} {year}"),
    "days_ago": Text("{n} 天前", "{n} days ago"),
    # the home now
    "which_home": Text("我的住处", "My homes"),
    "now": Text("现在", "Now"),
    "temperature_now": Text("最冷房间的室温", "Temperature in the coldest room"),
    "measured": Text("{ago}测得", "measured {ago}"),
    "state_compliant": Text("室温达标", "Warm enough"),
    "state_cold": Text("室温过低", "Too cold"),
    "state_severe": Text("室温严重过低", "Far too cold"),
    "state_unknown": Text("暂无室温数据", "No current reading"),
    "state_not_judged": Text("目前不考核", "Not monitored at present"),
    "why_compliant": Text("现在的标准是不低于 {limit} ℃。", "The current limit is {limit} °C."),
    "why_night": Text(
        "夜间最低标准是 {floor} ℃；白天应不低于 {limit} ℃。",
        "The limit is {floor} °C at night and {limit} °C by day.",
    ),
    "why_cold": Text("低于现在的标准 {limit} ℃。", "This is below the current limit of {limit} °C."),
    "why_severe": Text(
        "低于最低标准 {floor} ℃，按紧急情况处理。",
        "This is below the minimum of {floor} °C and is treated as urgent.",
    ),
    "registered": Text(
        "系统已自动登记工单 {number}，处理进展见下。",
        "Ticket {number} has been opened automatically; see its progress below.",
    ),
    "why_unknown": Text(
        "测温设备没有发来新的数据。家中若不热，请在下方告诉我们。",
        "The thermometer has sent no new data. If your home is cold, tell us below.",
    ),
    "why_out_of_season": Text("现在不是供热期。", "It is not the heating season."),
    "why_heat_stopped": Text("此户已办理停热。", "Heating is suspended for this home."),
    "why_no_policy": Text("合同中没有约定室温标准。", "The contract sets no temperature limit for this home."),
    "why_judged": Text("室温即将重新判定。", "The temperature will be assessed again shortly."),
    "room_living": Text("客厅", "living room"),
    "room_bedroom": Text("卧室", "bedroom"),
    "room_other": Text("其他房间", "other room"),
    "rooms": Text("各房间", "By room"),
    "old": Text("已过时", "out of date"),
    # outages
    "outage": Text("停热通知", "Heating outage"),
    "outage_planned": Text("计划停热：{from_} 起，预计 {to} 恢复。", "No heat from {from_}, back by {to} (planned)."),
    "outage_running": Text("正在停热，预计 {to} 恢复。", "The heat is off; it is expected back by {to}."),
    "outage_late": Text(
        "原预计 {to} 恢复供热，尚未恢复。", "Heat was expected back by {to}. It is still off, and we are working on it."
    ),
    "outage_open": Text("正在停热，恢复时间尚不能确定。", "The heat is off. We do not know yet when it will be back."),
    "outage_less": Text("供热减弱，并未完全停止。", "Heating is reduced, not off completely."),
    "outage_because": Text("原因：{reason}", "Reason: {reason}"),
    "outage_explained": Text("说明：{text}", "Explanation: {text}"),
    # tickets
    "open_tickets": Text("正在处理", "What we are working on"),
    "no_tickets": Text("没有正在处理的事项。", "Nothing in progress."),
    "past_tickets": Text("近期记录", "Recent history"),
    "opened_at": Text("{at} 登记", "registered {at}"),
    "closed_at": Text("{at} 办结", "closed {at}"),
    "ticket_open": Text("等待供热站受理", "waiting for the heat station"),
    "ticket_accepted": Text("供热站已受理", "accepted by the heat station"),
    "ticket_working": Text("正在现场处理", "work in progress on site"),
    "ticket_verifying": Text("已处理，正在核实室温", "work done; we are checking the temperature"),
    "ticket_done": Text("已处理完毕", "done"),
    "ticket_closed": Text("已办结", "closed"),
    "ticket_merged": Text("已并入工单 {into}", "merged into ticket {into}"),
    "ticket_void": Text("误登记，已作废", "void: opened by mistake"),
    "reason": Text("原因", "Reason"),
    "appointment": Text("约定上门：{at}", "Appointment: {at}"),
    "you_wrote": Text("您的描述", "You wrote"),
    "earlier_round": Text("此前的处理（第 {n} 次）", "Earlier work (round {n})"),
    "answer": Text("我们的答复", "Our answer"),
    "result": Text("处理结果", "Result"),
    "cause": Text("故障原因", "Cause"),
    "parts": Text("使用的配件", "Parts used"),
    "delay": Text("为什么慢了", "Reason for the delay"),
    "history": Text("经过", "History"),
    "event_contacted": Text("已与您联系", "we contacted you"),
    "event_tried": Text("曾联系您，未能接通", "we tried to reach you"),
    "event_arrived": Text("已到达现场", "our crew arrived"),
    "event_done": Text("报告处理完毕", "the work was reported as done"),
    "event_rework": Text("尚未修好，继续处理", "not fixed yet; work continues"),
    "event_again": Text("问题再次出现，重新处理", "the problem came back; work was resumed"),
    "event_recovered": Text("室温已恢复", "the temperature recovered"),
    "event_proven": Text("已核实室温达标", "the temperature was verified as compliant"),
    "event_called_back": Text("已回访", "we called you back"),
    "event_measured": Text("已上门测温", "the temperature was measured in your home"),
    "event_attached": Text("已添加照片或文件", "a photo or a paper was added"),
    "event_confirmed": Text("您已确认", "you confirmed"),
    "event_rated": Text("您已评价", "you rated the work"),
    "event_merged_here": Text("同一事项的另一工单已并入", "another ticket for the same was merged into this one"),
    "clock_station_reply": Text("供热站提出处理意见", "The heat station's plan of action"),
    "clock_accept": Text("受理", "Acceptance"),
    "clock_contact": Text("与您电话联系", "Our call to you"),
    "clock_on_site": Text("上门", "Our visit"),
    "clock_done": Text("处理完毕", "The repair"),
    "clock_finish": Text("办结", "Completion"),
    "clock_call_back": Text("回访", "Our follow-up call"),
    "clock_answer": Text("答复您", "Our answer to you"),
    "will_station_reply": Text("供热站将在{due}前提出处理意见", "The heat station will propose a plan by {due}"),
    "will_accept": Text("将在{due}前受理", "It will be accepted by {due}"),
    "will_contact": Text("我们将在{due}前给您打电话", "We will call you by {due}"),
    "will_on_site": Text("我们将在{due}前上门", "We will visit you by {due}"),
    "will_done": Text("将在{due}前处理完毕", "It will be repaired by {due}"),
    "will_finish": Text("将在{due}前办结", "It will be completed by {due}"),
    "will_call_back": Text(
        "我们将在{begin}至{due}之间回访", "We will call you between {begin} and {due} to check that all is well"
    ),
    "will_answer": Text("我们将在{due}前答复您", "We will answer you by {due}"),
    "promise_late": Text("{what}已超时：应在{due}前", "{what} is late: it was due by {due}"),
    "promise_kept": Text("{what}：{met}，按时", "{what}: {met}, on time"),
    "promise_kept_late": Text("{what}：{met}，迟了（应在{due}前）", "{what}: {met}, late (due by {due})"),
    "promise_broken": Text("{what}未按时（应在{due}前）", "{what} was not on time (due by {due})"),
    # charts
    "today": Text("今天", "Today"),
    "season": Text("本供热期", "This season"),
    "no_readings_today": Text("今天还没有数据。", "No readings yet today."),
    "no_readings_season": Text("本供热期还没有数据。", "No readings yet this season."),
    "today_says": Text("今天最低 {low} ℃，最高 {high} ℃。", "Lowest {low} °C and highest {high} °C today."),
    "gaps_say": Text("斜纹处没有数据。", "Hatched areas have no readings."),
    "chart_day_title": Text("今天的室温", "Temperature today"),
    "chart_season_title": Text("本供热期每天的室温", "Daily temperature this season"),
    "chart_season_says": Text(
        "每天一条，从当天最低到平均。", "One bar a day, from its lowest temperature to its mean."
    ),
    "legend_limit": Text("标准", "limit"),
    "legend_floor": Text("最低标准", "minimum"),
    "legend_fine": Text("达标", "warm enough"),
    "legend_cold": Text("曾过低", "too cold at times"),
    "legend_severe": Text("曾严重过低", "far too cold at times"),
    "legend_gap": Text("没有数据", "no readings"),
    "as_table": Text("以表格查看", "As a table"),
    "hour": Text("时间", "Time"),
    "day": Text("日期", "Day"),
    "lowest": Text("最低 ℃", "Lowest °C"),
    "mean": Text("平均 ℃", "Mean °C"),
    "cold_hours": Text("过低（小时）", "Too cold (h)"),
    "unknown_hours": Text("无数据（小时）", "No readings (h)"),
    "days_cold": Text("室温过低的天数", "Cold days"),
    "days_of": Text("共 {days} 天有数据", "of {days} days with readings"),
    "hours_cold": Text("室温过低的时间", "Time below the limit"),
    "hours_n": Text("{n} 小时", "{n} h"),
    # what to take away
    "downloads": Text("下载", "Downloads"),
    "download_readings": Text("本供热期全部读数（CSV）", "All readings of the season (CSV)"),
    "download_evidence": Text("证据材料（ZIP，含 PDF）", "Evidence of the season (ZIP with PDF)"),
    # forms
    "tell_us": Text("告诉我们", "Tell us"),
    "form_cold": Text("家里不热", "My home is cold"),
    "form_leak": Text("漏水", "Report a leak"),
    "form_complaint": Text("我要投诉", "Make a complaint"),
    "cold_open": Text(
        "您家已有正在处理的工单 {number}；您写的内容会加进去，不会另开工单。",
        "Ticket {number} is already open for this. What you write will be added to it; no new ticket is opened.",
    ),
    "cold_how": Text(
        "我们会登记工单，并按时限与您联系、上门处理。",
        "We will open a ticket, then call and visit you within the times shown here.",
    ),
    "leak_now": Text("现在就可以做：", "What you can do now:"),
    "leak_valve": Text(
        "关闭漏水处前后的阀门（如能够到）。", "Close the valves on both sides of the leak, if you can reach them."
    ),
    "leak_hot": Text(
        "供热水很烫：不要用手堵，让孩子离远。",
        "The water is very hot: do not block the leak by hand, and keep children away.",
    ),
    "leak_power": Text(
        "移开插座、电器；水多时关掉电源。",
        "Move power strips and appliances away; if there is a lot of water, switch off the power.",
    ),
    "leak_call": Text("水流很大时请立即拨打 {hotline}。", "If water is gushing out, call {hotline} at once."),
    "words": Text("请描述情况", "Describe the problem"),
    "words_hint": Text(
        "哪个房间、从什么时候开始。最多 2000 字。", "Which room, and since when? Up to 2,000 characters."
    ),
    "contact": Text("联系电话（可不填）", "Phone number (optional)"),
    "contact_wanted": Text("联系电话（我们没有您的电话）", "Phone number (we have none for you)"),
    "belongs": Text("是否与正在处理的事项有关？", "Is this about something we are already working on?"),
    "belongs_to": Text("补充到工单 {number}：{about}（{at} 登记）", "Add to ticket {number}: {about}, registered {at}"),
    "belongs_to_none": Text("是另一件事", "No, it is something else"),
    "open_there": Text(
        "您家已有正在处理的事项。请选择：补充进去，还是另一件事。您写的内容没有丢。",
        "We are already working on something in your home. Choose whether this belongs to it; your text is kept.",
    ),
    "subject": Text("投诉内容", "Subject"),
    "choose": Text("请选择", "Please choose"),
    "anonymous": Text("匿名投诉", "Stay anonymous"),
    "anonymous_hint": Text(
        "匿名时我们不保存您是谁，因此此页也不能显示进展；请记下工单号。",
        "We will not store who you are, so this page cannot show any progress; please note the ticket number.",
    ),
    "complaint_hint": Text(
        "您的身份单独保存，被投诉的供热站看不到。",
        "Your identity is stored separately; the station concerned never sees it.",
    ),
    "send": Text("提交", "Send"),
    "send_addition": Text("补充", "Add"),
    "sent": Text("已收到：{number}", "Received: {number}"),
    "sent_says": Text("请记下这个工单号。", "Please note this ticket number."),
    "not_sent": Text("没有提交成功", "Not sent"),
    "faults": Text("请更正下面标出的内容。", "Please correct the fields marked below."),
    "fault_empty": Text("请写明情况。", "Please describe the problem."),
    "fault_long": Text("太长：最多 2000 字。", "Too long: up to 2,000 characters."),
    "fault_long_contact": Text("太长：最多 200 字。", "Too long: up to 200 characters."),
    "fault_signs": Text("含有不能使用的字符。", "The text contains characters that are not allowed."),
    "fault_subject": Text("请选择投诉内容。", "Please choose a subject."),
    "fault_not_anonymous": Text(
        "匿名投诉请不要填电话，或取消匿名。", "To stay anonymous, leave the phone number empty."
    ),
    # when something is the matter
    "trouble_no_link": Text("请用您的专用链接打开", "Please open this page with your personal link"),
    "trouble_no_link_says": Text(
        "此页由供热单位发给您的专用链接打开。没有链接请致电我们。",
        "This page opens with the personal link you got from the heating company. If you have none, please call us.",
    ),
    "trouble_bad_link": Text("这个链接已失效", "This link is no longer valid"),
    "trouble_bad_link_says": Text(
        "链接可能已过期、被撤销或不完整。请向供热单位索取新的链接。",
        "It may have expired, been revoked or be incomplete. Please ask the heating company for a new one.",
    ),
    "trouble_not_customer": Text("此页供用户使用", "This page is for customers"),
    "trouble_not_customer_says": Text(
        "您的令牌属于工作人员，请由工作人员登录页进入。",
        "Your token belongs to staff; please come in by the staff sign-in.",
    ),
    "trouble_not_found": Text("没有这一页", "Page not found"),
    "trouble_not_found_says": Text("地址不完整，或不属于您。", "The address is incomplete or not yours."),
    "trouble_not_ours": Text("未能提交", "Not sent"),
    "trouble_not_ours_says": Text(
        "表单已失效。请返回页面重新填写。",
        "The form has expired. Please go back to the page and fill it in again.",
    ),
    "trouble_too_many": Text("请稍后再试", "Please try again later"),
    "trouble_too_many_says": Text("请求过于频繁。", "Too many requests."),
    "trouble_away": Text("暂时无法显示", "Temporarily unavailable"),
    "trouble_away_says": Text(
        "测温和工单照常进行，请稍后刷新。", "Monitoring and repairs continue as usual. Please reload in a moment."
    ),
    "trouble_fault": Text("出了点问题", "Something went wrong"),
    "trouble_fault_says": Text("这是我们的错误，已记录。", "This is an error on our side; it has been logged."),
    "opening": Text("正在打开", "Opening your page"),
    "go_on": Text("继续", "Continue"),
    # a link over another
    "another": Text("要换到另一户吗？", "Open another home?"),
    "another_open": Text("此设备上现在打开的是：{homes}。", "Currently open on this device: {homes}."),
    "another_open_unknown": Text("此设备上已打开另一户的页面。", "This device has the page of another home open."),
    "another_wanted": Text("您点开的链接是：{homes}。", "The link you followed is for: {homes}."),
    "another_yes": Text("换到 {homes}", "Switch to {homes}"),
    "another_no": Text("不换", "Stay here"),
    # the network
    "outages_now": Text("停热", "Heating outages"),
    "no_outages": Text("目前没有停热，也没有计划停热。", "No outages, current or planned."),
    "figures": Text("室温情况", "Temperatures in homes"),
    "no_figures": Text("数据不足，不予公布。", "Too few homes to publish figures."),
    "figures_say": Text(
        "只公布至少 {least} 户合计的数据，比例以 5% 为一档；{at} 统计。",
        "Figures cover at least {least} homes each, in steps of 5 %; counted at {at}.",
    ),
    "area": Text("片区", "Area"),
    "homes": Text("约（户）", "Homes (approx.)"),
    "warm": Text("达标", "Warm enough"),
    "cold": Text("过低", "Too cold"),
    "unknown": Text("无数据", "No data"),
    "company": Text("全网", "Whole network"),
    # the front page
    "title_front": Text("供热服务", "Heat service"),
    "title_demo": Text("Hearth 演示小区", "Hearth: a town to look at"),
    "front_says": Text("请选择入口。", "Please choose where to go."),
    "front_demo_says": Text(
        "本机上的模拟小区：住户、读数和工单都是虚构的。请选择角色。",
        "A simulated town on this machine: its homes, readings and tickets are invented. Choose a role.",
    ),
    "front_foot": Text("对接其他系统：", "For other systems:"),
    "to_api": Text("接口说明", "description of the API"),
    "to_front": Text("返回首页", "Back to the front page"),
    "door_home": Text("我家的供热", "Heat in my home"),
    "door_home_says": Text(
        "室温、报修和停热通知。请用供热公司发给您的链接打开；打开过的设备可直接进入。",
        "Temperature, repairs and outages. Open it with the link from your heating company; "
        "a device that has opened it before can go straight in.",
    ),
    "door_customer": Text("住户：家里冷", "Customer of a cold home"),
    "door_customer_says": Text(
        "一户室温不达标的人家看到的页面：现在几度、工单到哪一步、能做什么。",
        "The page of a home that is too cold: how cold it is, how far its ticket is, and what can be done.",
    ),
    "door_dispatcher": Text("调度员", "Dispatcher"),
    "door_dispatcher_says": Text(
        "工单队列、来电、地图、停热和突发事件。", "The queue of tickets, calls, the map, outages and incidents."
    ),
    "door_crew": Text("维修班组", "Repair crew"),
    "door_crew_says": Text("一个供热站班组的工作页面。", "The work of a crew of one heat station."),
    "door_supervisor": Text("主管", "Supervisor"),
    "door_supervisor_says": Text(
        "逾期工单及原因、在办数量、本月各项比率。", "What is late and why, work in hand, the rates of the month."
    ),
    "door_admin": Text("管理员", "Administrator"),
    "door_admin_says": Text(
        "人员、角色和登录；可进入全部工作页面。", "The people, their roles and access; all pages of the desk."
    ),
    "door_api": Text("接口", "API"),
    "door_api_says": Text(
        "调度员的访问令牌，以及一条可直接试用的命令。", "A dispatcher’s token, and a command to try it with."
    ),
    "door_status": Text("供热状况（公开）", "Network status (public)"),
    "door_status_says": Text("停热公告和各片区达标率。", "Outages, and how many homes are warm in each area."),
    "door_staff": Text("工作人员", "Staff"),
    "door_staff_says": Text(
        "调度、班组、主管和管理员在此登录。", "Dispatchers, crews, supervisors and administrators sign in here."
    ),
    "phone": Text("用手机看", "On your phone"),
    "phone_code": Text("本页的二维码", "A QR code that opens this page"),
    "phone_says": Text(
        "手机连接同一网络，扫码即可打开。二维码含一把钥匙，没有它的设备打不开本演示。",
        "Scan the code with a phone in the same network. It carries a key: without it no other device gets in.",
    ),
    "phone_none": Text(
        "手机无法访问本机。", "No phone can reach this machine: it is in no network, or was started with --here."
    ),
    "ask_api_says": Text(
        "此令牌只在本演示中有效，一周后失效。", "This token works in this demo alone, and for a week."
    ),
}
