"""Faults of values and of policy files, as templates: each says what is wrong, its place is told before it."""

from domain.words.text import Text

# days and times
OFFSET_TOO_LARGE = Text("时区偏移超过 14:59", "its offset is more than 14:59 from UTC")
DAY_OUT_OF_BOUNDS = Text("{day} 不在 1970 年至 2199 年之间", "{day} is not between 1970 and 2199")
NOT_A_CLOCK_TIME = Text("“{given}”不是“06:00”那样的时刻", "{given!r} is not a time such as 06:00")
NOT_A_ZONE = Text("“{given}”不是 IANA 时区", "{given!r} is not an IANA time zone")
NOT_A_DURATION = Text(
    "“{given}”不是“PT30M”“PT24H”“P5WD”那样的时长", "{given!r} is not a duration such as PT30M, PT24H or P5WD"
)
DURATION_TOO_LONG = Text("“{given}”太长", "{given!r} is too long")

# a file as a whole
TOO_DEEP = Text("嵌套过深", "is nested too deeply")
NOT_TOML = Text("不是有效的 TOML", "{said}")
NOT_TOML_AT = Text("第 {line} 行第 {column} 列不是有效的 TOML", "{said}")
NUMBER_TOO_LONG = Text("其中有一个过长的数字", "{said}")

# a key of a table
AT_KEY = Text("{key}：{fault}", "{key}: {fault}")
NOT_A_TABLE = Text("“{given}”不是表", "{given!r} is not a table")
KEY_MISSING = Text("缺少此项", "is missing")
UNKNOWN_KEY = Text("没有这个键", "is not a known key")
NAMES_NONE_OF = Text("须取自：{words}", "must name some of {words}")
NOT_ONE_OF = Text("“{given}”不在可选值之内：{words}", "{given!r} is not one of {words}")
WRONG_TYPE = Text("“{given}”的类型不对", "{given!r} is not of the right type")
NOT_BETWEEN = Text("{given} 不在 {low} 至 {high} 之间", "{given} is not between {low} and {high}")
NOT_WHOLE = Text("{given} 不是整数", "{given} is not a whole number")
NOT_WHOLE_SECONDS = Text("{given} 不是整数秒", "{given} is not a whole number of seconds")
TOO_FINE = Text("{given} 的精度超过千分之一", "{given} is finer than a thousandth")

# the rules of a policy
NONE_THERE = Text("一个也没有", "there is none")
VERSIONS_FALL = Text("各版本的 valid_from 须逐个递增", "valid_from must rise from version to version")
SEASON_ORDER = Text(
    "须先开始后结束，并在前一个结束之后开始", "must end after it begins, and begin after the one before ended"
)
CODE_TWICE = Text("“{given}”已经有了", "{given!r} is there already")
CALL_BACK_WITHOUT_CLOCK = Text("没有它所属的 {clock}", "there is no {clock} that it could be for")
CALL_BACK_IN_WORKING_DAYS = Text("不能以工作日计", "cannot be in working days")
SAME_TIMES = Text("from 与 to 相同；全天则都不写", "from and to are the same; leave both out for all day")
PRESSURE_ORDER = Text("须高于 supply_pressure_low_mpa", "must be higher than supply_pressure_low_mpa")
SHARE_TOO_LOW = Text(
    "会留下太多低温住户，又构成一起事件", "leaves so many homes cold that they would be an incident again"
)
NO_HOUR_LEFT = Text(
    "与 quiet_from 相同：没有可以通知用户的时间了",
    "is the same as quiet_from: there would be no hour left to tell users",
)
HOLIDAY_TOO = Text("{day} 同时也是休息日", "{day} is a holiday, too")
NOT_A_CODE = Text(
    "“{given}”须为 2 至 40 个小写字母、数字或下划线", "{given!r} is not of 2 to 40 small letters, digits and _"
)
NOT_A_NAME = Text("须是最多 {most} 个字符的名称", "must be a name of at most {most} characters")

# refund rules
NOT_MONEY = Text("“{given}”不是“45”“45.00”那样的金额", "{given!r} is not an amount such as 45 or 45.00")
ROWS_FALL = Text("各行须由冷到暖，比例不得上升", "must be warmer than the row before, and give back no more than it")
FEE_TOO_HIGH = Text("一个采暖期的费用超过 {most}", "the fee of a season is more than {most}")
NO_FEE = Text(
    "没有登记自 {season} 起采暖期的面积和单价", "area and price of the season from {season} are not on record"
)

# mappings of peers
NOT_A_PATH = Text(
    "“{given}”不是“ticket.article.0.body”那样的路径", "{given!r} is not a path such as ticket.article.0.body"
)
NOT_A_FIELD = Text("“{given}”不是“路径 = 内容”", "{given!r} is not of the form path = text")
