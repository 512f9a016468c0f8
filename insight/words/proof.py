"""Sentences on what a rate proves, in Chinese and English."""

import math
from collections.abc import Mapping

from domain.kpi import RateProof, Sampling
from domain.words.text import Text
from insight.rates import SURE, needed

WANTED = 0.98  # what regulations commonly ask of the rate

COUNTED = Text(
    "实测 {measured} 户，其中 {warm} 户合格，最多只能证明全部 {homes} 户中有 {proven} % 合格（把握 {sure} %）。",
    "{warm} of {measured} measured homes were warm: of all {homes} homes this proves no more than {proven} % "
    "({sure} % sure).",
)
NEEDED = Text(
    "要证明 {wanted} %，须有 {needed} 户实测且全部合格。",
    "To prove {wanted} %, {needed} homes have to be measured without one failure.",
)
SAMPLED: Mapping[Sampling | None, Text] = {
    None: Text(
        "未说明实测住户如何选取，按随机抽取计算。",
        "How the measured homes were chosen is not said; it is counted as if by chance.",
    ),
    Sampling.RANDOM: Text("实测住户为随机抽取。", "The measured homes were drawn by chance."),
    Sampling.WORST_FIRST: Text(
        "实测住户优先选了可能偏冷的，全部住户的合格率多半更高。",
        "Homes that might be cold were measured first: of all homes, more are likely warm.",
    ),
    Sampling.VOLUNTEERS: Text(
        "实测住户为自愿或曾报修投诉的，不能代表全部住户，以上比例不能推及其他住户。",
        "The measured homes had asked for it or complained: they do not stand for all homes, and nothing is "
        "proven of the others.",
    ),
}
WEIGHED = Text(
    "按楼栋、楼层和位置加权：合格率（户）{homes}，合格率（时间）{time}（95 % 区间）。",
    "Weighed by building, floor and exposure: {homes} by homes, {time} by time (95 % intervals).",
)


def proven_text(proof: RateProof) -> Text:
    """Say what is proven, how many homes would prove 98 %, and the weighed rates with their intervals."""
    counted = COUNTED.fill(
        measured=proof.measured,
        warm=proof.warm,
        homes=proof.homes,
        proven=floored(proof.proven),
        sure=round(SURE * 100),
    )
    wanted = NEEDED.fill(wanted=round(WANTED * 100), needed=needed(WANTED, proof.homes))
    weighed = WEIGHED.fill(
        homes=spanned(proof.by_homes, proof.by_homes_low, proof.by_homes_high),
        time=spanned(proof.by_time, proof.by_time_low, proof.by_time_high),
    )
    sampled = SAMPLED[proof.sampling]
    some = (counted, sampled, weighed) if proof.proven >= WANTED else (counted, sampled, wanted, weighed)
    return Text("".join(text.zh for text in some), " ".join(text.en for text in some))


def floored(share: float) -> int:
    """Return whole percent, rounded down: what is proven is never said larger."""
    return math.floor(share * 100 + 1e-9)


def spanned(share: float, low: float, high: float) -> str:
    """Write a rate with its interval, which is rounded outwards."""
    return f"{share * 100:.1f} % ({math.floor(low * 1000) / 10:.1f}–{math.ceil(high * 1000) / 10:.1f} %)"
