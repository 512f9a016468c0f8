"""Words of the field for columns and choices, as the companies' own lists have them.

A word that could mean two things is not here: a list with it is refused, and says what it may be called.
"""

from collections.abc import Mapping

Words = Mapping[str, tuple[str, ...]]  # what a name stands for → other names

SUBSTATIONS: Words = {
    "code": ("编号", "编码", "代码", "站编号", "站号", "换热站编号", "热力站编号", "换热站编码"),
    "name": ("名称", "站名", "站名称", "换热站", "换热站名称", "热力站", "热力站名称"),
    "station": ("供热站", "供热所", "热力所", "所属供热站", "供热站名称", "服务站", "管理站", "所"),
    "lat": ("纬度", "latitude"),
    "lon": ("经度", "longitude", "lng"),
    "datum": ("坐标系", "坐标系统", "坐标类型", "基准"),
}
BUILDINGS: Words = {
    "code": ("编号", "编码", "代码", "楼号", "楼编号", "楼栋编号", "楼栋号", "楼宇编号", "建筑编号"),
    "substation": ("换热站", "换热站编号", "热力站", "热力站编号", "所属换热站", "站编号"),
    "name": ("名称", "楼名", "楼栋", "楼栋名称", "楼宇名称", "建筑名称"),
    "address": ("地址", "楼栋地址", "详细地址"),
    "lat": ("纬度", "latitude"),
    "lon": ("经度", "longitude", "lng"),
    "datum": ("坐标系", "坐标系统", "坐标类型", "基准"),
}
HOMES: Words = {
    "code": ("编号", "编码", "代码", "户号", "户编号", "用户编号", "用户号", "住户编号", "户代码"),
    "building": ("楼", "楼号", "楼编号", "楼栋", "楼栋编号", "楼栋号", "楼宇编号", "建筑", "建筑编号", "所属楼栋"),
    "unit": ("户", "门牌", "门牌号", "房号", "房间号", "室号", "门号", "单元门牌"),
    "class": ("类", "类别", "类型", "用户类别", "用户类型", "房屋类型", "房屋类别", "用热类别", "用热类型"),
    "heat_status": ("供热", "供热状态", "是否供热", "用热状态", "供暖状态", "是否供暖", "是否用热"),
    "status_since": ("状态日期", "状态时间", "状态起始", "状态开始日期", "变更日期"),
    "contract_limit": ("合同温度", "约定温度", "合同室温", "合同限值"),
    "contract_from": ("合同开始", "合同开始时间", "约定开始", "约定开始时间", "合同时段起"),
    "contract_to": ("合同结束", "合同结束时间", "约定结束", "约定结束时间", "合同时段止"),
    "riser": ("立管", "立管号", "立管编号"),
    "floor": ("楼层", "层", "所在楼层", "层号"),
    "exposure": ("朝外", "位置类型", "户型位置", "边顶底"),
}
SENSORS: Words = {
    "id": (
        "编号", "编码", "设备编号", "设备号", "设备id", "传感器", "传感器编号", "传感器号", "测点编号", "终端编号",
        "表号", "序列号", "imei", "deveui", "sn",
    ),
    "home": ("户", "户号", "户编号", "用户编号", "住户编号", "用户号", "住户"),
    "substation": ("换热站", "换热站编号", "热力站", "热力站编号"),
    "gateway": ("网关", "网关编号", "网关号", "采集器", "采集器编号", "集中器", "集中器编号"),
    "room": ("房间", "房间名称", "安装位置", "位置", "测点位置"),
    "room_kind": ("房间类型", "房间类别", "测点类型"),
    "interval_s": ("interval", "间隔", "上报间隔", "上报周期", "采集间隔", "采集周期", "周期", "间隔秒", "上报间隔秒"),
    "offset": ("偏移", "偏移量", "修正", "修正值", "温度修正", "校准", "校准值"),
    "valid_from": ("开始", "开始日期", "开始时间", "生效日期", "生效时间", "安装日期", "安装时间", "启用日期"),
    "valid_to": ("结束", "结束日期", "结束时间", "失效日期", "失效时间", "拆除日期", "拆除时间", "停用日期"),
}  # fmt: skip
RESIDENTS: Words = {
    "home": ("户", "户号", "户编号", "用户编号", "住户编号", "房屋编号"),
    "resident": ("住户", "客户编号", "客户号", "合同号", "合同编号", "租户编号"),
    "from": ("开始", "开始日期", "入住日期", "起始日期", "起"),
    "to": ("结束", "结束日期", "搬出日期", "迁出日期", "止"),
}
CONTACTS: Words = {
    "home": ("户", "户号", "户编号", "用户编号", "住户编号"),
    "channel": ("方式", "联系方式", "通知方式", "渠道"),
    "address": ("地址", "联系地址", "号码", "电话号码", "手机号", "电话"),
    "language": ("语言",),
    "consent": ("同意", "同意日期", "同意时间"),
    "resident": ("住户", "客户编号", "客户号", "合同号", "合同编号"),
    "name": ("姓名", "联系人", "户主", "用户姓名", "客户姓名"),
}
PLAN: Words = {
    "room": ("房间", "位置", "测点位置"),
    "room_kind": ("房间类型", "房间类别"),
    "home": ("户", "户号", "户编号", "用户编号"),
    "building": ("楼", "楼号", "楼编号", "楼栋", "楼栋编号"),
    "every_days": ("间隔天数", "周期天数", "每几天", "测温周期", "周期"),
    "from": ("开始", "开始日期"),
    "to": ("结束", "结束日期"),
}

# Columns that lists have for their readers: left out, and said so.
FOR_READERS = frozenset(
    {"序号", "备注", "说明", "行号", "no", "no.", "nr", "nr.", "#", "remark", "remarks", "note", "notes"}
)
# The first of the units is what an import reads; a column of UNITLESS names has to say it.
UNITS: Words = {
    "interval_s": ("s", "秒", "sec", "seconds"),
    "every_days": ("days", "天", "日"),
    "contract_limit": ("°c", "度", "c", "摄氏度"),
    "offset": ("k", "°c", "度", "c", "摄氏度"),
    "lat": ("°", "度"),
    "lon": ("°", "度"),
}
UNITLESS = frozenset({"interval", "间隔", "上报间隔", "上报周期", "采集间隔", "采集周期", "周期", "测温周期"})
MARKS = frozenset({"必填", "选填", "必填项", "可选", "required", "optional"})

CLASSES: Words = {
    "multistorey": ("楼房", "多层", "高层", "小高层", "居民楼", "楼房用户"),
    "bungalow": ("平房", "平房用户"),
    "nonresidential": ("非居民", "非居民用户", "公建", "商业", "非住宅", "non-residential"),
}
EXPOSURES: Words = {
    "inner": ("中间户", "中户", "中间"),
    "gable": ("边户", "山墙户", "端户"),
    "roof": ("顶户", "顶层户", "顶层"),
    "roof_gable": ("顶边户", "顶层边户", "边顶户"),
    "ground": ("底户", "底层户", "底层", "一层户"),
    "ground_gable": ("底边户", "底层边户", "边底户"),
}
HEAT_STATUSES: Words = {
    "on": ("是", "供热", "供暖", "在供", "已供", "正供", "开通", "开", "用热", "正常供热", "yes", "y", "true"),
    "stopped": ("否", "停供", "停热", "停暖", "报停", "已停", "停", "停用", "未供", "不供", "no", "n", "false", "off"),
}
DATUMS: Words = {
    "wgs84": ("wgs-84", "wgs 84", "wgs_84", "epsg:4326", "gps", "国际坐标"),
    "gcj02": ("gcj-02", "gcj 02", "gcj_02", "火星坐标", "高德", "腾讯", "高德坐标", "腾讯坐标", "国测局坐标"),
    "bd09": ("bd-09", "bd 09", "bd_09", "bd09ll", "bd-09ll", "百度", "百度坐标"),
}
ROOM_KINDS: Words = {
    "living": ("客厅", "起居室", "living room"),
    "bedroom": ("卧室", "主卧", "次卧", "主卧室", "次卧室"),
    "other": ("其他", "其它", "厨房", "卫生间", "阳台", "走廊"),
}
CHANNELS: Words = {"email": ("邮箱", "邮件", "电子邮件", "e-mail"), "phone": ("电话", "手机", "短信"), "webhook": ()}
LANGUAGES: Words = {"zh": ("中文", "汉语"), "en": ("英文", "英语")}

# What the first cell of a line of sums says.
TOTALS = frozenset(
    {
        "合计",
        "总计",
        "小计",
        "共计",
        "总数",
        "汇总",
        "本页合计",
        "本页小计",
        "total",
        "totals",
        "sum",
        "subtotal",
        "grandtotal",
    }
    | {"summe", "gesamt", "insgesamt", "итого", "razem", "celkem"}
)
FEES: Words = {
    "home": ("户", "户号", "户编号", "用户编号", "住户编号", "用户号"),
    "season": ("采暖期", "供暖期", "采暖期开始"),
    "area_m2": ("面积", "建筑面积", "收费面积", "供热面积"),
    "per_m2": ("单价", "热价", "每平方米单价"),
}
# Names of worksheets and files beside those of the columns above.
FILES: Words = {
    "substations": ("换热站", "热力站"),
    "buildings": ("楼栋", "楼宇", "建筑"),
    "homes": ("住户", "用户", "户"),
    "sensors": ("传感器", "设备", "测点"),
    "residents": ("居住", "租期"),
    "fees": ("热费", "收费"),
    "contacts": ("联系", "联系人", "联系方式"),
    "plan": ("测温计划", "测温点", "测量计划"),
}
