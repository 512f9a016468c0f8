"""Faults of the registry's files and records in both languages. Their place is told before them."""

from domain.words.text import Text

# cells
EMPTY = Text("不能为空", "is empty")
CONTROL_CHARACTER = Text(
    "含有换行或其他控制字符，请写在一行内",
    "holds a line break or another control character; write it on one line",
)
TOO_LONG = Text("超过 {most} 个字符", "is longer than {most} characters")
SPACE = Text("“{given}”含有空格或不可见字符", "{given!r} holds a space or an unprintable character")
UNSEEN = Text("“{given}”含有不可见字符（{which}）", "{given!r} holds a space or an unprintable character ({which})")
NO_TOPIC_LEVEL = Text(
    "“{given}”含有“/”“+”或“#”，不能作为 MQTT 主题的一级",
    "{given!r} holds '/', '+' or '#', which a level of an MQTT topic cannot",
)
SESSION_NAME = Text(
    "“{given}”的开头与系统自身的会话名相同", "{given!r} begins like the broker sessions of Hearth itself"
)
NOT_ONE_OF = Text("“{given}”不在可选值之内：{words}", "{given!r} is not one of {words}")
TOO_FINE = Text("{given} 的精度超过千分之一度", "{given} is finer than a thousandth of a degree")
TOO_MANY_PLACES = Text("{given} 多于 {places} 位小数", "{given} has more than {places} decimals")
NOT_A_NUMBER = Text("“{given}”不是数字", "{given!r} is not a number")
NOT_BETWEEN = Text("{given} 不在 {least} 至 {most} 之间", "{given} is not between {least} and {most}")
NOT_WHOLE = Text("“{given}”不是整数，请只写数字", "{given!r} is not a whole number; write it with digits alone")

# days and times
OUT_OF_BOUNDS = Text(
    "“{given}”不在 1970 年至 2199 年之间，或时区偏移超过 14:59",
    "{given!r} is not between 1970 and 2199, with an offset of at most 14:59",
)
NOT_VALID = Text("“{given}”不是有效的日期或时间", "{given!r} is not a valid day or time")
NOT_A_TIME = Text(
    "“{given}”不是日期（2026-01-31），也不是带时区的时间（2026-01-31T08:00:00+08:00）",
    "{given!r} is neither a day (2026-01-31) nor a time with offset (2026-01-31T08:00:00+08:00)",
)
NOT_A_TIME_SERIAL = Text(
    NOT_A_TIME.zh + "；若是电子表格里日期的序号，请把该列设为日期格式",
    NOT_A_TIME.en + "; as the number of a day in a spreadsheet, it has to be formatted as a date",
)
NOT_A_TIME_TWO_DIGITS = Text(NOT_A_TIME.zh + "；年份须写四位数字", NOT_A_TIME.en + "; the year needs four digits")
AMBIGUOUS_DAY = Text(
    "“{given}”分不清日和月，请把年写在最前：2026-01-31",
    "{given!r} may be day and month or month and day; write the year first: 2026-01-31",
)
AMBIGUOUS_HOUR = Text(
    "“{given}”在调整时钟的一小时内，请写明时区",
    "{given!r} is in an hour in which the clocks are changed; write the time with its offset",
)
NOT_A_CLOCK_TIME = Text("“{given}”不是“06:00”那样的时刻", "{given!r} is not a clock time HH:MM")
NOT_A_TIME_OF_DAY = Text("“{given}”不是一天中的时刻", "{given!r} is not a time of day")

# what spreadsheets do to cells
_AS_TEXT = Text("请把该列设为文本后重新输入", "format the column as text and enter it again")
FORMULA_ERROR = Text("是公式的错误值 {given}，请填写数值", "holds {given}, the error of a formula; enter the value")
FORMULA = Text("是公式；请填写数值，或在前面加单引号", "is a formula; enter its value, or put an apostrophe before it")
SHOWN_OTHERWISE = Text(
    f"数字的显示格式改变了它的样子；{_AS_TEXT.zh}", f"is a number that its format shows in another form; {_AS_TEXT.en}"
)
SCIENTIFIC = Text(
    f"是科学记数法，会丢失数字；{_AS_TEXT.zh}", f"is in scientific notation, which loses digits; {_AS_TEXT.en}"
)
SCIENTIFIC_CODE = Text(
    f"“{{given}}”是科学记数法，会丢失数字；{_AS_TEXT.zh}",
    f"{{given!r}} is in scientific notation, which loses digits; {_AS_TEXT.en}",
)
ROUNDED = Text(
    f"“{{given}}”第 {{digits}} 位之后全是零，应是被取整了；{_AS_TEXT.zh}",
    f"{{given!r}} has only zeros after its {{digits}}th digit, as rounded numbers do; {_AS_TEXT.en}",
)
MADE_A_DATE = Text(
    f"被电子表格改成了日期（1-1 会变成 1月1日）；{_AS_TEXT.zh}",
    f"is a date that a spreadsheet made of something else (1-1 becomes 1月1日); {_AS_TEXT.en}",
)
CHARACTERS_LOST = Text(
    "含有丢失字符留下的“?”；请另存为“CSV UTF-8”",
    "holds ? where characters were lost; save the file as “CSV UTF-8”",
)

# lines
WRONG_WIDTH = Text("有 {cells} 格，表头有 {width} 格", "has {cells} fields, the header has {width}")
WRONG_WIDTH_COMMAS = Text(WRONG_WIDTH.zh + "；其中有全角逗号", WRONG_WIDTH.en + "; it holds full-width commas")
NAMELESS_COLUMN = Text(
    "第 {column} 列有值，而表头没有列名", "holds a value in column {column}, which has no name in the header"
)
HALF_EMPTY = Text("为空，而与它成对的一项有值", "is empty, its other half is not")
HOME_OR_SUBSTATION = Text("户和换热站须填且只能填一个", "name either a home or a substation")
HOME_OR_BUILDING = Text("户和楼栋须填且只能填一个", "name either a home or a building")
NOT_AFTER = Text("不晚于 {other}", "is not after {other}")
BEFORE_FROM = Text("早于 from", "is before `from`")
HALF_WINDOW = Text(
    "为空；时段需要两个时刻，全天则都留空", "is empty; a window needs both times; for all day leave both empty"
)
WINDOW_WITHOUT_LIMIT = Text("为空，而合同有时段", "is empty, but the contract has a window")
SAME_WINDOW = Text("与 contract_from 相同；全天则都留空", "is equal to contract_from; leave both empty for all day")
NEEDED_IN_A_HOME = Text("为空；户内传感器须填", "is empty; a sensor in a home needs it")
NOT_AT_A_SUBSTATION = Text("换热站的传感器不填此项", "must be empty for a sensor at a substation")
TIME_WITHOUT_RESIDENT = Text("为空，而该行有时间", "is empty, but the line has a time")
NO_ADDRESS = Text("不是 {channel} 的有效地址", "is not a valid address for the channel {channel}")

# lines beside each other
ALSO_ON_LINE = Text("在第 {line} 行已出现", "is also on line {line}")
ALSO_AT = Text("与第 {line} 项相同", "is also at {line}")
SAME_AS_LINE = Text("与第 {line} 行相同", "is the same as on line {line}")
DIFFERS_FROM_LINE = Text(
    "与第 {line} 行相比，不仅供热状态不同", "differs from line {line} in more than its heat status"
)
OVERLAPS_TIME = Text("与第 {line} 行的时间重叠", "overlaps the time on line {line}")
OVERLAPS_LINE = Text("与第 {line} 行的时间重叠", "overlaps line {line}")
RESIDENT_OR_NONE = Text(
    "第 {line} 行是同一户，而其中一行说没有住户",
    "line {line} is about the same home, and one of them says that it has no resident",
)

# lines beside the registry
HEAT_STATUSES = {"on": Text("供热", "on"), "stopped": Text("停供", "stopped")}
UNKNOWN = Text("未登记", "is not in the registry")
UNKNOWN_CODE = Text("“{given}”未登记", "{given!r} is not in the registry")
UNKNOWN_REFERENCE = Text("“{given}”既不在 {file} 中，也未登记", "{given!r} is neither in {file} nor in the registry")
HEAT_WITHOUT_DATE = Text(
    "{home} 的供热状态是“{held}”；要改为“{wanted}”，请加上日期列",
    "{home} is {held}: add the column with the date since which it is {wanted}",
)
HEAT_WITHOUT_DATE_SINCE = Text(
    "{home} 的供热状态自 {since} 起是“{held}”；要改为“{wanted}”，请加上日期列",
    "{home} is {held} since {since}: add the column with the date since which it is {wanted}",
)
MOVE_WITHOUT_DATE = Text(
    "{sensor} 在 {place}；要移动它，请加上日期列",
    "{sensor} is in {place}: to move it, add the column with the date of the move",
)

# headers
NO_HEADER = Text("没有表头；应有的列：{columns}", "no header; the columns are {columns}")
UNKNOWN_COLUMN = Text("没有此列", "unknown column")
UNKNOWN_COLUMN_OF = Text("没有此列；可有的列：{columns}", "unknown column; the columns are {columns}")
COLUMN_MISSING = Text("缺少此列", "this column is missing")
COLUMN_MISSING_OR = Text("缺少此列（或“{other}”）", "this column is missing (or {other})")
COLUMN_TWICE = Text("表头中重复出现", "is in the header twice")
COLUMN_TWICE_AS = Text("表头中重复出现：“{one}”和“{other}”", "is in the header twice, as {one} and {other}")
OTHER_UNIT = Text("单位不是 {unit}，请换算", "is not in {unit}: convert it")
UNKNOWN_UNIT = Text("应是 {column}，但“{unit}”不明", "means {column}, but what is {unit!r}?")
NO_UNIT = Text(
    "没有写单位：请写 {base}({unit})，或 {column}", "does not say its unit: write {base}({unit}), or {column}"
)

# files
OLD_WORKBOOK = Text(
    "是旧版工作簿（.xls）或设有密码；请另存为不设密码的 .xlsx",
    "is an old workbook (.xls) or has a password; save it as .xlsx without one",
)
MARKUP = Text(
    "是网页而不是表格；请用电子表格打开后另存为 .xlsx",
    "is a page of HTML or XML, not a table; open it in a spreadsheet and save it as .xlsx",
)
NO_WORKBOOK = Text(
    "不是可以读取的 .xlsx 工作簿；请重新另存为 .xlsx 或“CSV UTF-8”",
    "is no .xlsx workbook that can be read; save it again as .xlsx, or as “CSV UTF-8”",
)
UNPACKED_TOO_LARGE = Text("解压后超过 {most} MB", "is larger than {most} MB when unpacked")
SEVERAL_WORKSHEETS = Text(
    "有多个工作表：{names}；请只保留一个", "has the worksheets {names}: keep the one that is meant"
)
NO_SUCH_WORKSHEET = Text(
    "有 {count} 个工作表（{names}），没有一个名为 {wanted}；请把所指的改成此名",
    "has {count} worksheets ({names}), none of them named {wanted}; name the one that is meant so",
)
HOLDS_NONE_OF = Text("其中没有 {names} 之一", "holds none of {names}")
HOLDS_NO_TABLE = Text(
    "不是以下任何一种：{names}；请把文件或工作表改成其名，或选择内容",
    "holds none of {names}: name the file or its worksheets so, or choose what it holds",
)
TOO_LARGE = Text(
    "太大，无法在此读取；请在服务器上导入：hearth registry import",
    "is too large to be read here; import it on the server: hearth registry import",
)
TOO_WIDE = Text("超过 {most} 列", "has more than {most} columns")
NOT_CSV = Text("不是有效的 CSV（引号不成对）", "is not CSV: {said}")

# encodings
_SAVE_AS = Text(
    "请另存为“CSV UTF-8”，或指明编码",
    "save the file as “CSV UTF-8”, or name its encoding (--encoding, or beside the file): gb18030, windows-1252, …",
)
UTF_8_OR_GB18030 = Text(
    "可能是 UTF-8，也可能是 GB18030；请指明编码",
    "may be UTF-8 or GB18030; name its encoding (--encoding, or beside the file)",
)
DAMAGED_UTF_8 = Text(
    "是 UTF-8，但有损坏的字节；请重新导出", "is UTF-8 but for some bytes: the file is damaged; export it again"
)
MIXED_ENCODINGS = Text(
    "与其他行的编码不同：一些行是 UTF-8，另一些不是。请把各部分都另存为“CSV UTF-8”后再合并",
    "is in another encoding than other lines: some are UTF-8 and some are not. Save its parts as “CSV UTF-8” before "
    "they are put together",
)
NO_ENCODING = Text(
    f"不是 UTF-8、UTF-16，也不能确定是 GB18030；{_SAVE_AS.zh}",
    f"is not UTF-8, UTF-16 or, beyond doubt, GB18030; {_SAVE_AS.en}",
)
NOT_IN_ENCODING = Text(f"不是 {{name}}；{_SAVE_AS.zh}", f"is not {{name}}; {_SAVE_AS.en}")
NO_SUCH_ENCODING = Text("“{name}”不是编码的名称", "{name!r} is not the name of an encoding")
LOST_CHARACTERS = Text(
    "含有“�”：有字符丢失了；请重新导出为“CSV UTF-8”",
    "holds �: characters were lost; export it again, as CSV UTF-8",
)
NUL_CHARACTERS = Text(
    "含有 NUL 字符：文件已损坏；请重新导出为“CSV UTF-8”",
    "holds NUL characters: the file is damaged; export it again, as CSV UTF-8",
)
NUL_OR_NO_CSV = Text(
    "含有 NUL 字符：文件已损坏，或不是 CSV；请重新导出",
    "holds NUL characters: the file is damaged, or no CSV file; export it again",
)

# changes to one home
HEAT_NEEDS_NOTICE = Text(
    "此户已停热；须申请复热并下达供热通知单后才能供热",
    "the heat of this home is stopped: it begins again by an application and its heat-supply notice",
)
HEAT_ALREADY = Text("届时供热状态已经是“{status}”", "the heat is {status} then")
PLACE_LATER = Text("自 {since} 起已有另一处安装；请填更晚的时间", "has a place from {since} on: take a later time")
NEVER_ANYWHERE = Text(
    "{sensors} 就没有安装过了；请填更晚的时间", "{sensors} would never have been anywhere: take a later time"
)
NOT_HERE_THEN = Text("届时不在此户", "is not in this home then")
SAME_SENSOR = Text("是同一只传感器", "is the same sensor")
