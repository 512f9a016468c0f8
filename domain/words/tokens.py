"""Refusals of the terms of a token."""

from domain.words.text import Text

HOME_NEEDED = Text(
    "用户令牌至少要有一户，其他角色不填户", "a customer's token needs at least one home, and no other role takes any"
)
STATION_NEEDED = Text("班组令牌须填供热站，其他角色不填", "a crew's token needs a station, and no other role takes one")
FOR_CUSTOMERS = Text("住户和起始日只用于用户令牌", "resident and first day are for a customer's token")
NO_SUCH_HOMES = Text("没有此户：{homes}", "there is no home {homes}")
NO_SUCH_STATION = Text("没有换热站属于供热站“{station}”", "no substation belongs to a station {station}")
NOBODY_LIVES_THERE = Text(
    "{homes} 现在没有住户；请填将来的住户", "nobody lives in {homes} now: name the future resident"
)
NO_SUCH_RESIDENT = Text(
    "登记中 {homes} 现在和将来都没有住户“{resident}”",
    "the registry knows no resident {resident} of {homes} now or later",
)
