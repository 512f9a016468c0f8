"""Causes of cold homes and their evidence, said in Chinese and English."""

from collections.abc import Mapping, Sequence

from domain.words.text import Text, listed
from insight.cause import ColdCause, ColdEvidence, JointCause

CAUSES: Mapping[ColdCause, Text] = {
    ColdCause.OPENING: Text("门窗或用户自行改动", "a window, a door or the user's own change"),
    ColdCause.RADIATOR: Text("户内某一散热器或阀门", "one radiator or valve in the home"),
    ColdCause.RISER: Text("立管", "the riser"),
    ColdCause.BUILDING: Text("楼内水力失调", "the balance of the building"),
    ColdCause.SUBSTATION: Text("换热站", "the substation"),
    ColdCause.WEATHER: Text("室外温度低于设计值", "weather colder than the design"),
    ColdCause.SENSOR: Text("测温设备", "the sensor"),
}
FELL = Text("比平时低 {kelvin} K", "{kelvin} K below its usual temperature")
SINCE = Text("约 {hours} 小时前开始下降", "falling since about {hours} h ago")
BESIDE = Text("旁边实测的 {beside} 户中有 {fell} 户也下降", "{fell} of {beside} measured homes beside it fell, too")
MOST_SAY = Text("已查看的 {of} 户低温住户中有 {homes} 户如此", "so for {homes} of {of} cold homes looked at")
NAMED = Text("其中 {homes}", "among them {homes}")
SUPPLY = Text("供水比该站自身曲线少 {share} %", "supply lacks {share} % by the substation's own curve")
OUTDOOR = Text("室外 {celsius} ℃", "outdoor {celsius} °C")
SAID = Text("可能是{cause}：{evidence}。", "Likely {cause}: {evidence}.")
LEAST_LOST = 0.05


def cause_text(found: ColdEvidence, homes: Sequence[str]) -> Text:
    """Say a cause with its evidence; `homes` are the codes of those that the evidence names."""
    parts = [FELL.fill(kelvin=f"{max(found.fell_k, 0):.1f}")]
    if found.since_h:
        parts.append(SINCE.fill(hours=round(found.since_h)))
    if found.beside:
        parts.append(BESIDE.fill(beside=found.beside, fell=found.beside_fell))
    if homes:
        parts.append(NAMED.fill(homes=listed(homes)))
    return _said(found, parts)


def joint_text(found: JointCause, homes: Sequence[str]) -> Text:
    """Say the cause of several homes with its evidence; `homes` are the codes of some that have it."""
    parts = [MOST_SAY.fill(homes=len(found.homes), of=found.of), NAMED.fill(homes=listed(homes))]
    parts.append(FELL.fill(kelvin=f"{max(found.fell_k, 0):.1f}"))
    if found.since_h:
        parts.append(SINCE.fill(hours=round(found.since_h)))
    return _said(found, parts)


def _said(found: ColdEvidence | JointCause, parts: list[Text]) -> Text:
    """Add what supply and the weather were, and say all of it."""
    if found.supply_lost >= LEAST_LOST:
        parts.append(SUPPLY.fill(share=round(found.supply_lost * 100)))
    if found.outdoor == found.outdoor:
        parts.append(OUTDOOR.fill(celsius=f"{found.outdoor:.0f}"))
    evidence = Text("，".join(one.zh for one in parts), ", ".join(one.en for one in parts))
    return SAID.fill(cause=CAUSES[found.cause], evidence=evidence)
