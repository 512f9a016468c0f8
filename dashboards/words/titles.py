"""Titles of dashboards, panels, links and alerts, in Chinese and English."""

from domain.words.text import Text

# links
CITY = Text("全市", "City")
SUBSTATION = Text("换热站", "Substation")
BUILDING_AND_HOME = Text("楼栋与住户", "Building and home")
REPAIR_DESK = Text("报修工单", "Repair desk")
INGEST = Text("数据接入", "Ingest")
KEY_FIGURES = Text("考核指标", "Key figures")
FORESIGHT = Text("预测", "Forecasts")
OPERATIONS = Text("运行", "Operations")
DESK_MAP = Text(
    "报修台地图：选择范围、派人、发布停热", "The map of the desk: choose an area, send a crew, announce an outage"
)
TICKET_PAGE = Text("工单页：查看并处理", "The ticket: see it and work on it")
PUBLIC_PAGE_WHERE_HEAT_IS_SHORT = Text("公示页：停热与低温区域", "Public page: where heat is short")
HOME_BOARD = Text("住户看板", "Home")
SUBSTATION_BOARD = Text("换热站看板", "Substation")
BUILDING_BOARD = Text("楼栋看板", "Building")
DESK_BOARD = Text("报修工单看板", "Repair desk")

# look
FOLDER = Text("供热监测", "Hearth")

# frame
ALL = Text("全部", "All")
STATION = Text("供热站", "Station")
BUILDING = Text("楼栋", "Building")
HOME = Text("住户", "Home")
MONTH = Text("月份", "Month")
SEASON = Text("供热期", "Season")

# alert_state
ALERT_STATE = Text("告警", "Alerts")

# alerting
INGEST_STOPPED = Text("数据接入停止", "Ingest stopped")
INGEST_STOPPED_SUMMARY = Text("十分钟未入库任何消息", "No message has been stored for ten minutes")
INGEST_STOPPED_TO_DO = Text(
    "检查接入进程与消息服务器：hearth check ingest、hearth check broker",
    "Look at the worker and the broker: hearth check ingest, hearth check broker",
)
INGEST_LAGS_BEHIND = Text("数据接入延迟", "Ingest lags behind")
INGEST_LAGS_BEHIND_SUMMARY = Text(
    "{{ .Labels.worker }} 五分钟来在接收后一分钟以上才入库",
    "{{ .Labels.worker }} has been storing messages more than a minute after receiving them for five minutes",
)
INGEST_LAGS_BEHIND_TO_DO = Text(
    "查看数据库负载、磁盘与排队消息", "Look at the load of the database, its disk and the queue"
)
TOO_MANY_DEAD_LETTERS = Text("死信过多", "Too many dead letters")
TOO_MANY_DEAD_LETTERS_SUMMARY = Text(
    "一刻钟内超过百分之五的消息无法入库", "More than 5 % of the messages of the last 15 minutes were refused"
)
TOO_MANY_DEAD_LETTERS_TO_DO = Text("查看原因：hearth deadletters list", "See why: hearth deadletters list")
DATABASE_UNREACHABLE = Text("数据库无法访问", "Database unreachable")
DATABASE_UNREACHABLE_SUMMARY = Text("Grafana 无法查询数据库", "Grafana cannot query the database")
DATABASE_UNREACHABLE_TO_DO = Text(
    "检查数据库是否运行、磁盘是否已满：hearth check database",
    "Look whether the database runs and has room on its disk: hearth check database",
)
CLOCKS_RUN_OUT = Text("工单超时", "Clocks run out")
CLOCKS_RUN_OUT_SUMMARY = Text(
    '{{ .Labels.station }}：{{ printf "%.0f" .Values.A.Value }} 项时限已超时',
    '{{ .Labels.station }}: {{ printf "%.0f" .Values.A.Value }} clock(s) have run out',
)
CLOCKS_RUN_OUT_TO_DO = Text(
    "打开报修工单，联系该站处理最早超时的工单", "Open the repair desk and call the station about the oldest"
)
INCIDENT_OPEN = Text("片区故障", "Incident open")
INCIDENT_OPEN_SUMMARY = Text(
    "{{ .Labels.incident }} {{ .Labels.name }}（{{ .Labels.station }}）：多户同时低温",
    "{{ .Labels.incident }} {{ .Labels.name }} ({{ .Labels.station }}): many homes are cold at once",
)
INCIDENT_OPEN_TO_DO = Text("派人检查共用管道或换热站", "Send a crew to the pipe or substation that they share")
WATCH_STOPPED = Text("定时任务停止", "Watch stopped")
WATCH_STOPPED_SUMMARY = Text("台账十分钟未更新", "The ledger has not been updated for ten minutes")
LEDGER_NOT_CLOSED = Text("台账未结账", "Ledger not closed")
WATCH_TO_DO = Text("检查定时进程：hearth check watch", "Look at the process: hearth check watch")
NOTICES_STUCK = Text("通知发送受阻", "Notices stuck")
NOTICES_STUCK_SUMMARY = Text(
    "{{ .Labels.audience }}（{{ .Labels.channel }}）的通知失败，或已等待一刻钟",
    "Notices to {{ .Labels.audience }} via {{ .Labels.channel }} have failed or been waiting for 15 minutes",
)
NOTICES_STUCK_TO_DO = Text("查看原因：hearth notices list", "See why: hearth notices list")
LEDGER_NOT_CLOSED_SUMMARY = Text("昨日或更早的台账尚未结账", "The ledger of a past day has not been closed yet")

# city
CITY_ABOUT = Text(
    "每栋楼一个点，颜色取考核住户中最冷者。", "One dot per building, coloured by the coldest of its judged homes."
)
STATIONS_AND_ALARMS = Text("各站与报警", "Stations and alarms")
BUILDINGS_AND_FLAGS = Text("楼栋与标记", "Buildings and flags")
COLD_HOMES_LAST_24_HOURS = Text("低温户数，近24小时", "Cold homes, last 24 hours")
HOMES_BY_STATE = Text("各状态住户", "Homes by state")
QUALIFIED_RATE_TODAY = Text("今日室温合格率", "Qualified rate today")
NO_INCIDENT_OR_OUTAGE = Text("无进行中的事件或停热", "no incident or outage")
INCIDENTS_AND_OUTAGES = Text("事件与停热", "Incidents and outages")
COLDEST_HOMES = Text("最冷住户", "Coldest homes")
NO_TEMPERATURES = Text("无室温数据", "no temperatures")
OPEN_TICKETS = Text("未关闭工单", "Open tickets")
BY_STATION = Text("各供热站", "By station")
NONE_OPEN = Text("无未关闭工单", "none open")
SUBSTATION_ALARMS = Text("换热站报警", "Substation alarms")
NO_ALARM = Text("无报警", "no alarm")
NO_FLAG_OPEN = Text("无低温标记", "no flag open")
COLDEST_BUILDINGS = Text("最冷楼栋", "Coldest buildings")
NEWEST_FLAGS = Text("最新标记", "Newest flags")

# city_map
MAP_LEGEND = Text("图例：楼栋数（按考核住户中最冷者）", "Legend: buildings, by the coldest of their judged homes")
MAP_SHOWS = Text(
    "楼栋（点越大低温户越多）、换热站、事件与停热范围", "Buildings (larger: more cold homes), substations, areas"
)
AREAS = Text("事件与停热范围", "Areas")
SUBSTATIONS = Text("换热站", "Substations")
BUILDINGS = Text("楼栋", "Buildings")

# contacts
ALERT_FIRING = Text("告警：%s", "Alert: %s")
ALERT_OVER = Text("已恢复：%s", "Over: %s")
ALERT_IN_ALL = Text(
    "共 {{ len .Alerts.Firing }} 条告警，仅列出前 %d 条。",
    "{{ len .Alerts.Firing }} alerts in all, the first %d are listed.",
)
ALERT_SINCE = Text("开始：", "Since: ")
ALERT_TO_DO = Text("处理：", "To do: ")
ALERT_LOOK = Text("查看：", "See: ")
ALERT_LINK = Text("查看", "See")
ALERT_FROM_TO = Text("%s 至 %s", "%s to %s")
ALERT_COUNT = Text(
    "告警 {{ len .Alerts.Firing }} 条，恢复 {{ len .Alerts.Resolved }} 条",
    "{{ len .Alerts.Firing }} firing, {{ len .Alerts.Resolved }} over",
)

# desk
NO_CLOCK = Text("无计时中的时限", "none open")
DESK_ABOUT = Text("各工单的时限：快到期与已超时。", "Clocks of all tickets: what runs out next, and what ran out.")
REPAIRED_NOT_PROVEN_WARM = Text("已报完工，未证实回温", "Repaired, not proven warm")
LOAD_BY_STATION = Text("各站负荷", "Load by station")
TICKETS_PER_HOUR = Text("每小时新开工单，近24小时", "Tickets opened per hour, last 24 hours")
TICKETS_AND_CLOCKS = Text("工单与时限", "Tickets and clocks")
NEXT_TO_RUN_OUT = Text("即将到期", "Next to run out")
RAN_OUT = Text("已超时", "Ran out")
MARKED_DONE_STILL_COLD = Text("已报完工但仍低温", "Marked done, still cold")
NONE_DONE = Text("无", "none open")
INCIDENTS = Text("事件", "Incidents")
NO_INCIDENT = Text("无事件", "none open")
OUTAGES = Text("停热", "Outages")
NO_OUTAGE = Text("无停热", "none open")
TICKETS_OPENED = Text("值班负荷：新开工单", "On-call load: tickets opened")

# home
HOME_ABOUT = Text(
    "按楼栋与住户查看。室温为加校准值后的数值。", "By building and home. Temperatures include calibration offsets."
)
FLAGS = Text("低温标记", "Flags")
TICKETS = Text("工单", "Tickets")
LEDGER_AND_RECORDS = Text("台账与记录", "Ledger and records")
FLAGS_IN_THE_BUILDING = Text("楼内低温标记", "Flags in the building")
HOMES_INSIDE = Text("楼内住户", "Homes inside")
SELECTED_HOME = Text("所选住户", "Selected home")
TEMPERATURE_AND_LIMITS = Text("室温与标准", "Temperature and limits")
DATA_BY_ROOM = Text("各房间数据", "Data by room")
FLAG = Text("低温标记", "Flag")
LEDGER_BY_DAY_LAST_30_DAYS = Text("每日台账，近30天", "Ledger by day, last 30 days")
FLAGS_LAST_YEAR = Text("标记，近一年", "Flags, last year")

# host_rules
PROMETHEUS_UNREACHABLE = Text("监控数据缺失", "Prometheus unreachable")
PROMETHEUS_UNREACHABLE_SUMMARY = Text(
    "Grafana 无法查询 Prometheus，主机与备份无人看守", "Nobody watches host and backups"
)
PROMETHEUS_UNREACHABLE_TO_DO = Text("检查服务 prometheus", "Look at the service prometheus")
SERVICE_DOWN = Text("服务停止", "Service down")
SERVICE_DOWN_SUMMARY = Text("{{ .Labels.job }} 两分钟无应答", "{{ .Labels.job }} has not answered for two minutes")
SERVICE_DOWN_TO_DO = Text("查看该服务的日志：docker compose logs", "Look at its log: docker compose logs")
SERVICE_MISSING = Text("服务缺失", "Service missing")
SERVICE_MISSING_SUMMARY = Text("{{ .Labels.job }} 没有运行", "{{ .Labels.job }} does not run")
SERVICE_MISSING_TO_DO = Text("启动该服务：docker compose up --detach", "Start it: docker compose up --detach")
BROKER_DISCONNECTED = Text("消息服务器断开", "Broker disconnected")
BROKER_DISCONNECTED_SUMMARY = Text(
    "接入进程两分钟未连接到消息服务器", "Ingest has been without the broker for two minutes"
)
BROKER_DISCONNECTED_TO_DO = Text(
    "检查消息服务器与证书：hearth check broker", "Look at the broker and certificates: hearth check broker"
)
WORKER_WAITS = Text("接入进程在等待", "Worker waits")
WORKER_WAITS_SUMMARY = Text(
    "{{ .Labels.instance }} 五分钟来反复重试，未入库任何消息；消息留在消息服务器上",
    "{{ .Labels.instance }} has tried again for five minutes and stores nothing; messages wait at the broker",
)
WORKER_WAITS_TO_DO = Text(
    "查看该进程日志中数据库拒绝的原因：磁盘已满、只读、权限或约束",
    "Read in its log why the database refuses: full disk, read-only, a right, a constraint",
)
BROKER_DROPS_MESSAGES = Text("消息服务器丢弃消息", "Broker drops messages")
BROKER_DROPS_MESSAGES_SUMMARY = Text("已确认的消息被丢弃", "Messages that were acknowledged are lost")
BROKER_DROPS_MESSAGES_TO_DO = Text(
    "检查接入进程是否停止，排队上限是否过小", "Look whether ingest is away, and at the bounds of the queue"
)
MESSAGES_PILE_UP = Text("消息服务器积压", "Messages pile up")
MESSAGES_PILE_UP_SUMMARY = Text("排队消息超过一万条且在增加", "More than 10,000 messages wait, and more come")
MESSAGES_PILE_UP_TO_DO = Text(
    "检查接入进程是否运行、数据库是否变慢", "Look whether workers run, and how fast the database is"
)
BROKER_HAS_NO_COPY = Text("消息服务器无副本", "Broker has no copy")
BROKER_HAS_NO_COPY_SUMMARY = Text("已确认的消息只在一台机器上", "What is acknowledged is on one machine only")
BROKER_HAS_NO_COPY_TO_DO = Text("启动另一节点并查看其日志", "Start the other node, and read its log")
BROKERS_DISK_FILLS_UP = Text("消息服务器磁盘将满", "Broker's disk fills up")
BROKERS_DISK_FILLS_UP_SUMMARY = Text(
    "已用超过八成，达到九成后不再接收", "Over 80 % full; from 90 % on it takes no messages"
)
BROKERS_DISK_FILLS_UP_TO_DO = Text("检查接入进程，扩大磁盘", "Look whether workers run, and give it a larger disk")
BROKERS_MEMORY_FILLS_UP = Text("消息服务器内存将满", "Broker's memory fills up")
BROKERS_MEMORY_FILLS_UP_SUMMARY = Text(
    "主题与等待的消息已占六成以上，占满后节点将退出", "Topics and what waits take over 60 %; a node that is full ends"
)
BROKERS_MEMORY_FILLS_UP_TO_DO = Text("增大 ARTEMIS_MEMORY，逐个重启节点", "Raise ARTEMIS_MEMORY, restart node by node")
BACKGROUND_JOB_FAILS = Text("数据库后台任务失败", "Background job fails")
BACKGROUND_JOB_FAILS_SUMMARY = Text(
    "{{ .Labels.procedure }}（{{ .Labels.relation }}）未成功", "{{ .Labels.procedure }} ({{ .Labels.relation }}) fails"
)
BACKGROUND_JOB_FAILS_TO_DO = Text("查看 timescaledb_information.job_errors", "See timescaledb_information.job_errors")
CONVERSION_INTO_COLUMNS_IS_BEHIND = Text("列式转换滞后", "Conversion into columns is behind")
CONVERSION_INTO_COLUMNS_IS_BEHIND_SUMMARY = Text(
    "{{ .Labels.relation }} 滞后两天以上", "{{ .Labels.relation }} is two days behind"
)
CONVERSION_INTO_COLUMNS_IS_BEHIND_TO_DO = Text("查看后台任务与磁盘", "Look at background jobs and the disk")
ARCHIVING_FAILS = Text("日志归档失败", "Archiving fails")
ARCHIVING_FAILS_SUMMARY = Text("数据库日志未归档，磁盘会写满", "The log is not archived, the disk will fill")
ARCHIVING_FAILS_TO_DO = Text(
    "检查归档磁盘是否已满：hearth check disk", "Look at the disk of the archive: hearth check disk"
)
OUT_OF_THE_TABLE = Text("早期读数", "Older readings")
IN_THE_ARCHIVE = Text(
    "这些日期的读数已不在数据库表中，而在归档中；恢复到图上：",
    "Readings of these days are no longer in the table but in the archive; to see them here: ",
)
DELETED = Text(
    "这些日期的读数已按 HEARTH_READING_DAYS 删除", "Readings of these days were deleted (HEARTH_READING_DAYS)"
)
SEALING_IS_BEHIND = Text("读数归档滞后", "Sealing of readings is behind")
SEALING_IS_BEHIND_SUMMARY = Text(
    "{{ .Labels.kind }} 的归档滞后两天以上", "{{ .Labels.kind }} should have been sealed two days ago"
)
SEALING_IS_BEHIND_TO_DO = Text(
    "运行 hearth check archive，并查看服务 watch 的日志", "Run hearth check archive; see the log of the service watch"
)
BACKUP_TOO_OLD = Text("备份过旧", "Backup too old")
BACKUP_TOO_OLD_SUMMARY = Text("超过一天没有新备份", "No backup has been made for more than a day")
BACKUP_TOO_OLD_TO_DO = Text(
    "查看服务 backup 的日志，必要时手动备份", "Look at the log of the service backup; make one by hand"
)
STANDBY_IS_BEHIND = Text("备用库滞后", "Standby is behind")
STANDBY_IS_BEHIND_SUMMARY = Text("{{ .Labels.replica }} 未跟上主库", "{{ .Labels.replica }} does not keep up")
STANDBY_IS_BEHIND_TO_DO = Text("检查备用库与网络", "Look at the standby and the network")
NOBODY_READS_A_SLOT = Text("复制槽无人读取", "Nobody reads a slot")
NOBODY_READS_A_SLOT_SUMMARY = Text("{{ .Labels.slot }} 使日志不断积累", "{{ .Labels.slot }} makes the log pile up")
NOBODY_READS_A_SLOT_TO_DO = Text("启动备用库，或删除该槽", "Start its standby, or drop the slot")
TRANSACTION_NUMBERS_RUN_OUT = Text("事务编号将用尽", "Transaction numbers run out")
TRANSACTION_NUMBERS_RUN_OUT_SUMMARY = Text("自动清理跟不上", "Vacuum does not keep up")
TRANSACTION_NUMBERS_RUN_OUT_TO_DO = Text(
    "查看长事务，执行 VACUUM FREEZE", "Look for long transactions; run VACUUM FREEZE"
)
CONNECTIONS_RUN_SHORT = Text("数据库连接将用尽", "Connections run short")
CONNECTIONS_RUN_SHORT_SUMMARY = Text("九成以上的连接已占用", "More than nine tenths of the connections are in use")
CONNECTIONS_RUN_SHORT_TO_DO = Text("查看 pg_stat_activity", "Look at pg_stat_activity")
DISK_FILLS_UP = Text("磁盘将满", "Disk fills up")
DISK_FILLS_UP_SUMMARY = Text("{{ .Labels.mountpoint }} 将在一天内写满", "{{ .Labels.mountpoint }} is full within a day")
DISK_FILLS_UP_TO_DO = Text("按运维手册“磁盘已满”处理", "Operations page: The disk is full")
MEMORY_IS_SHORT = Text("内存不足", "Memory is short")
MEMORY_IS_SHORT_SUMMARY = Text("可用内存不足百分之五", "Less than 5 % of the memory is available")
MEMORY_IS_SHORT_TO_DO = Text("查看哪个服务占用内存：docker stats", "See which service takes it: docker stats")

# ingest
INGEST_ABOUT = Text("消息是否都已收到并入库。", "Reception and storage of all messages.")
DEAD_LETTERS = Text("死信", "Dead letters")
SENSORS = Text("传感器", "Sensors")
NOTICES = Text("通知", "Notices")
WORKERS = Text("接入进程", "Workers")
NO_WORKER_YET = Text("无接入进程", "no worker yet")
STORED_PER_SECOND_LAST_24_HOURS = Text("每秒入库，近24小时", "Stored per second, last 24 hours")
LEDGER = Text("台账", "Ledger")
PER_SECOND = Text("每秒", "Per second")
LAG_SINCE_MEASUREMENT = Text("延迟（距测量）", "Lag since measurement")
QUEUE = Text("排队消息", "Queue")
DEAD_LETTERS_BY_REASON = Text("死信（按原因）", "Dead letters by reason")
DEAD_LETTERS_TOTAL = Text("死信总数", "Dead letters, total")
SILENT_SENSORS_BY_STATION = Text("各站无数据传感器", "Silent sensors by station")
SILENT_OR_WRONG_CLOCK = Text("无数据或时钟不准的传感器", "Sensors that are silent or have a wrong clock")
NONE = Text("无", "none")
DEVICE_JOBS = Text("设备工单", "Device jobs")
NO_NOTICE_YET = Text("尚未发送通知", "no notice yet")
NOTICES_SENT = Text("通知发送", "Notices")

# kpi
COMPANY_NAME = Text("全公司", "company")
FORESIGHT_ABOUT = Text(
    "预测与实际的对照；不如“维持现状”的换热站自动停用预测。",
    "Forecasts held against what happened; networks where they are no better than persistence are off.",
)
FORESIGHT_SCORE = Text("6 小时内低于标准的预测", "Forecasts of being under a limit within 6 h")
FORESIGHT_SKILL = Text("技巧评分（相对维持现状）", "Brier skill against persistence")
FORESIGHT_RELIABILITY = Text("可靠性：说的与发生的", "Reliability: said and came true")
FORESIGHT_ERRORS = Text("温度误差", "Errors of temperatures")
FORESIGHT_NETWORKS = Text("各换热站", "Networks")
FORESIGHT_WARNINGS = Text("低温预警", "Early warnings")
EARLY_SIGNS = Text("换热站早期征兆", "Early signs of substations")
FORESIGHT_BECAME = Text("预警之后", "What became of warnings")
KPI_ABOUT = Text("按月与供热期统计，附分母与覆盖率。", "By month and by season, with denominators and coverage.")
TICKETS_OF_THE_MONTH = Text("本月工单", "Tickets of the month")
NO_DATA_IN_THIS_MONTH = Text("本月无数据", "no data in this month")
MONTH_COMPANY = Text("本月：全公司", "Month: company")
MONTH_BY_STATION = Text("本月：各供热站", "Month: by station")
PROVEN = Text("合格率能证明什么（95 %）", "What the rates prove (95 %)")
QUALIFIED_RATE_BY_MONTH_LAST_YEAR = Text("各月室温合格率，近一年", "Qualified rate by month, last year")
NO_DATA_IN_THIS_SEASON = Text("本供热期无数据", "no data in this season")
SEASON_BY_STATION = Text("供热期各站", "Season by station")
NONE_IN_THIS_MONTH = Text("本月无数据", "none in this month")
HANDLED_ON_TIME = Text("处理及时率", "Handled on time")
COMPLAINTS_AND_REPORTS = Text("投诉与举报", "Complaints and reports")
TICKETS_AND_CALL_BACKS = Text("工单与回访", "Tickets and call-backs")

# operations
OPERATIONS_ABOUT = Text("数据库、备份、消息服务器与主机。", "Database server, backups, broker and host.")
DATABASE = Text("数据库", "Database")
HOST_AND_BROKER = Text("主机与消息服务器", "Host and broker")
PROCESSES = Text("进程", "Processes")
AGE_OF_THE_LAST_BACKUP = Text("上次备份距今", "Age of the last backup")
AGE_OF_THE_ARCHIVE = Text("日志归档距今", "Age of the archive")
BACKGROUND_JOBS_OVERDUE = Text("后台任务：逾期", "Background jobs: overdue")
STANDBYS_ARE_BEHIND = Text("备用库滞后", "Standbys are behind")
LOG_KEPT_FOR_SLOTS = Text("复制槽保留的日志", "Log kept for slots")
CONNECTIONS_IN_USE = Text("连接占用", "Connections in use")
AGE_OF_THE_OLDEST_TRANSACTION = Text("最老事务年龄", "Age of the oldest transaction")
SIZE_OF_THE_DATABASE = Text("数据库大小", "Size of the database")
ROOM_ON_DISKS = Text("磁盘剩余", "Room on disks")
MEMORY_AVAILABLE = Text("可用内存", "Memory available")
BROKER_PER_SECOND = Text("消息服务器每秒", "Broker, per second")
WAITING_AT_THE_BROKER = Text("消息服务器排队", "Waiting at the broker")
BROKERS_DISK_AND_COPY = Text("消息服务器磁盘、内存与副本", "Broker: disk and memory used, copy in step")
WORKERS_WITHOUT_THE_BROKER = Text("接入进程未连接", "Workers without the broker")
TRIES_OF_WORKERS = Text("接入进程五分钟内重试次数", "Tries of workers again, in five minutes")

# panels
NO_DATA = Text("此时段无数据", "no data in this time range")

# substation
SUBSTATION_ABOUT = Text(
    "换热站的供热参数与所带住户的室温。", "Supply data of a substation and the temperatures of its homes."
)
BUILDINGS_HOMES_AND_ALARMS = Text("楼栋、住户与报警", "Buildings, homes and alarms")
NOW = Text("当前参数", "Now")
SUPPLY_TEMPERATURE_LAST_24_HOURS = Text("供水温度，近24小时", "Supply temperature, last 24 hours")
HOMES_SUPPLIED = Text("所带住户", "Homes supplied")
SUPPLY_RETURN_OUTDOOR = Text("供回水与室外温度", "Supply, return, outdoor")
PRESSURE = Text("压力", "Pressure")
FLOW_AND_HEAT_POWER = Text("流量与热功率", "Flow and heat power")
COLD_HOMES_AND_SUPPLY = Text("低温户数与供水温度", "Cold homes against supply temperature")
NO_HOME_IS_COLD_OR_UNKNOWN = Text("无低温或未知住户", "no home is cold or unknown")
COLD_AND_UNKNOWN_HOMES = Text("低温与未知住户", "Cold and unknown homes")
ALARMS = Text("报警", "Alarms")
