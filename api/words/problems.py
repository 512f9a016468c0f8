"""Texts of the API's problems, in Chinese and English, with fields in braces."""

from domain.statements import TimeFault
from domain.words.text import Text

# tokens and rights
NO_TOKEN = Text("需要令牌（Bearer）", "a bearer token is required")
WRONG_TOKEN = Text("令牌不存在、已过期或已撤销", "the token is unknown, expired or revoked")
KEYS_AWAY = Text("无法取得身份提供方的密钥", "the keys of the identity provider are unavailable")
ROLE_FORBIDDEN = Text("角色 {role} 无权", "not permitted for the role {role}")
RIGHT_MISSING = Text("令牌不含权限 {right}", "the token lacks the right `{right}`")
STAFF_ONLY = Text("内部版本仅供供热单位", "the staff version is for the company only")
CREW_FORBIDDEN = Text("班组不能进行此操作：{kind}", "a crew may not do this: {kind}")
NOT_SEALED = Text("表单已失效", "the form was not issued to this session")
NOT_PROVEN = Text("签名或密钥无效", "the signature or the secret is not valid")
MAY_NOT_OPEN = Text("无权在此登记工单", "this token may not open a ticket there")
# values
NO_INSTANT = Text(
    "应为 RFC 3339 格式并带时区的时间，例如 2026-01-15T06:00:00Z",
    "must be RFC 3339 with an offset, such as 2026-01-15T06:00:00Z",
)
NO_DAY = Text("应为日期，例如 2026-01-15", "must be a day such as 2026-01-15")
OUT_OF_BOUNDS = Text(
    "应在 1970 年至 2199 年之间，时差不超过 14:59", "must be between 1970 and 2199, its offset at most 14:59"
)
NO_ZONE = Text("应为 IANA 时区，例如 Asia/Shanghai", "must be an IANA time zone such as Asia/Shanghai")
NO_BOX = Text(
    "应为西、南、东、北四个经纬度，例如 116.2,39.8,116.6,40.1",
    "must be west,south,east,north in degrees, such as 116.2,39.8,116.6,40.1",
)
YEAR_NOT_OVER = Text(
    "这个采暖年度尚未结束；最近结束的是 {last}", "is a heating year that is not over; the last one is {last}"
)
TOO_WIDE = Text("范围内换热站太多，请缩小范围", "has too many substations in it; ask for a smaller one")
NO_PARAMETERS = Text("未知参数；此路径没有查询参数", "is not a parameter; this path has none")
NO_PARAMETER = Text("未知参数；可用的有 {known}", "is not a parameter; available: {known}")
BAD_CURSOR = Text("不是此列表给出的 next", "is not a `next` cursor of this list")
REQUIRED = Text("缺少此项", "Field required")
WHICH_HOME = Text("请说明是哪一户", "say which of your homes")
LONGER_THAN = Text("早于 to 超过 {days} 天", "is more than {days} days before `to`")
NO_SPAN = Text("须早于 to", "must be before `to`")
FUTURE = Text("晚于明天", "is later than tomorrow")
TOO_MUCH = Text("该时段读数超过 {most} 条", "more than {most} readings in the span")
NOT_JSON = Text("请求正文不是 JSON", "the body is not JSON")
FORM_NOT_UTF8 = Text("表单须为 UTF-8 编码", "send the form in UTF-8, or name no charset")
TOO_LONG = Text("请求体过长", "the body is too long")
# what is not there
NO_SUCH_HOME = Text("没有此用户", "no such home")
NO_SUCH_TICKET = Text("没有此工单", "no such ticket")
NO_SUCH_OUTAGE = Text("没有此停热记录", "no such outage")
NO_SUCH = Text("不存在", "no such {noun}")
NO_SUCH_CODE = Text("没有此编号", "no such code")
NO_SUCH_CAUSE = Text("没有此故障原因", "no such cause")
BEFORE_MONTH = Text("不得早于 month", "must not be before `month`")
TOO_MANY_MONTHS = Text("最多 {most} 个月", "at most {most} months")
NO_SUCH_STATION = Text("没有此供热站", "no such station")
NOT_REGISTERED = Text("未登记：{code}", "{code} is not in the registry")
NO_SUCH_PATH = Text("没有此路径", "no such path")
NO_SUCH_METHOD = Text("此路径不支持该方法", "this path does not support the method")
# tickets and cases
NOT_OPEN_THERE = Text("此处没有未办结的工单 {number}", "no ticket {number} is open there")
APPLIED_BEFORE = Text("已有同类申请正在办理：{number}", "an application of this kind is open already: {number}")
LEADERS_ALONE = Text("须由主管批准：{kind}", "only supervisors and administrators may do this: {kind}")
HOME_HAS_TICKET = Text("该户已有未办结的低温工单 {number}", "the home already has an open ticket for cold: {number}")
HOME_HAS_TICKET_OF_OTHERS = Text(
    "该户已有未办结的低温工单，请致电我们", "the home has an open ticket for cold; please call us"
)
MADE_AT_FUTURE = Text("操作时间在未来", "the move cannot have been made in the future")
MADE_AT_TOO_OLD = Text("操作时间早于一周前", "the move was made more than a week ago")
MADE_AT_BEFORE_TICKET = Text("操作时间早于工单登记", "the move cannot have been made before the ticket was opened")
CHANGED_SINCE = Text(
    "工单 {number} 已有新的进展，此次操作未执行", "ticket {number} has changed since you read it; nothing was done"
)
OUTAGE_CHANGED_SINCE = Text(
    "停热 {number} 已有新的进展，此次操作未执行", "outage {number} has changed since you read it; nothing was done"
)
TOO_MANY_TICKETS = Text("该户未办结的工单过多", "the home has too many open tickets")
OPEN_THERE = Text(
    "此处已有未办结的工单：{numbers}。请说明是补充（add_to）还是新事项（new）",
    "already open there: {numbers}; choose the one to add to (add_to), or say that it is new (new)",
)
TOO_EARLY = "工单 {number}：{allowed_from} 之后方可进行 {kind}"
MOVE_REFUSED = "工单 {number} 当前状态为 {state}，不能进行 {kind}：{reason}"
TOO_MANY_CASES = Text("未办结的投诉过多", "too many open complaints")
FOLLOW_UP_REFUSED = Text("此件现在不能进行该操作：{reason}", "{reason}")
# files
FILE_TOO_LARGE = Text(
    "文件超过 8 MB：请降低照片分辨率，或将扫描件分成几份",
    "the file is over 8 MB: send a smaller photo, or the scan in parts",
)
FILE_UNKNOWN = Text(
    "只接受 JPEG、PNG、WebP 图片和 PDF（按内容判断，与文件名无关）：请转换格式后重新发送",
    "only JPEG, PNG, WebP and PDF are taken, by their content, not by their name: convert the file and send it again",
)
FILE_EMPTY = Text("没有收到文件：请选择文件后重新发送", "no file came: choose one and send it again")
FILE_BROKEN = Text(
    "文件不完整或已损坏，无法读取：请重新拍照或重新导出后再发送",
    "the file is incomplete or damaged and cannot be read: take the photo or export the paper again",
)
FILE_PIXELS = Text("图片超过 5000 万像素：请降低分辨率", "the image has over 50 million pixels: send a smaller one")
FILE_ANIMATED = Text("不接受动态图片：请发送静态照片", "moving images are not taken: send a still photo")
FILE_ENCRYPTED = Text("PDF 已加密：请去除密码后重新发送", "the PDF is encrypted: remove its password and send it again")
FILE_ACTIVE = Text(
    "PDF 含有脚本、启动操作、表单提交或内嵌文件：请重新打印为 PDF，或发送页面的照片",
    "the PDF has scripts, launch actions, forms that send or files inside: print it to PDF again, or send photos",
)
FILE_CHECKED = Text("文件未通过安全检查，未保存", "the file did not pass the security check and was not kept")
FILE_CHECK_AWAY = Text(
    "安全检查暂不可用，文件未保存：请稍后重新发送", "the security check is away, so nothing was kept: send it again"
)
FILE_SLOW = Text(
    "文件传送过慢：请在网络较好处重新发送", "the file came too slowly: send it again where the network is better"
)
FILE_STORE_AWAY = Text("文件存储没有响应：请稍后重试", "the store of files is not responding: try again")
FILE_HIDDEN = Text("此工单已有相同的文件", "the ticket has the same file already")
ONE_FILE = Text("表单中应有且只有一个文件", "a form holds one file, no more and no less")
NO_ROOM = Text(
    "此工单的文件已达上限（50 个，共 100 MB）：请只发送必要的文件",
    "the ticket has as many files as it may (50, of 100 MB in all)",
)
SENT_TOO_MUCH = Text(
    "24 小时内发送的文件已达上限（400 MB）：请稍后再发",
    "as much was sent within 24 hours as may be (400 MB): send it later",
)
NO_SUCH_FILE = Text("没有此文件", "no such file")
TOO_MANY_UPLOADS = Text("正在接收的文件过多", "too many files on their way in")
CASE_KEPT_APART = Text(
    "投诉人的身份单独保存，此工单不接受补充：请另行投诉或致电",
    "who has complained is kept apart, so nothing can be added: make another complaint, or call",
)
TIMES_REFUSED = {
    TimeFault.PAST: Text("日期已过", "the day is over"),
    TimeFault.FAR: Text("只能选择 14 天以内的时间", "choose times within the next 14 days"),
    TimeFault.TWICE: Text("同一时间填写了两次", "the same time is told twice"),
}
# load and failure
RETRY_LATER = Text("请在 {seconds} 秒后重试", "try again in {seconds} s")
TOO_MANY_EXPORTS = Text("正在进行的导出过多", "too many exports in progress")
TOO_MANY_DOWNLOADS = Text("正在进行的下载过多", "too many downloads in progress")
TOO_MANY_LISTENERS = Text("正在收听的连接过多", "too many listeners")
BUSY = Text("登录请求过多", "too many people are signing in")
READ_ONLY = Text("数据库目前只读", "the database is temporarily read-only")
NO_ANSWER = Text("数据库没有响应", "the database is not responding")
TOO_MUCH = Text("内容超出数据库上限", "larger than the database takes")
REFUSED_BY_DATABASE = Text("数据库拒绝了此操作", "the database refused this operation")
INTERNAL = Text("服务器内部错误，已记入日志", "internal error; it has been logged")
# titles of types
UNAUTHORISED_TITLE = Text("未提供有效的令牌", "No valid token")
FORBIDDEN_TITLE = Text("无权进行此操作", "Not permitted with this token")
NOT_FOUND_TITLE = Text("未找到", "Not found")
METHOD_TITLE = Text("不支持此方法", "Method not allowed")
CONFLICT_TITLE = Text("与当前状态冲突", "Conflict with the current state")
TOO_LARGE_TITLE = Text("请求过大", "Request too large")
MEDIA_TITLE = Text("不支持的内容类型", "Unsupported media type")
INVALID_TITLE = Text("请求内容无效", "Invalid request")
TOO_MANY_TITLE = Text("请求过于频繁", "Too many requests")
INTERNAL_TITLE = Text("服务器内部错误", "Internal error")
UNAVAILABLE_TITLE = Text("暂时无法提供服务", "Temporarily unavailable")
OTHER_TITLE = Text("请求有误", "Bad request")
NOT_COUNTED = Text("{month} 的指标尚未统计。", "The figures of {month} have not been counted yet.")
