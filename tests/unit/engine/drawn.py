"""Rules and moments of which random homes are drawn."""

from datetime import time
from decimal import Decimal

from hypothesis import strategies as st

from domain.policy import Limit, Policy, Season, Version
from tests.unit.engine.slow_judge import SlowHome, SlowRules

US = 1_000_000
# Spans of some hours around the instants at which something happens on the wall.
ANCHORS = [
    ("Asia/Shanghai", "2026-01-15T04"),
    ("Asia/Shanghai", "2026-01-15T19"),
    ("Asia/Shanghai", "2026-01-31T22"),
    ("Europe/Berlin", "2026-03-29T00"),  # 02:00 -> 03:00
    ("Europe/Berlin", "2025-10-26T00"),  # 03:00 -> 02:00
    ("America/St_Johns", "2006-04-01T22"),  # 00:01 -> 01:01
    ("America/St_Johns", "2006-10-28T22"),  # 00:01 -> 23:01 of the day before
    ("America/St_Johns", "2026-03-08T00"),
]
LIMITS: list[list[tuple[str, Decimal, time | None, time | None]]] = [
    [("cold", Decimal(18), time(6), time(21)), ("severe", Decimal(16), None, None)],
    [("cold", Decimal(20), None, None)],
    [("cold", Decimal(18), time(22), time(1, 30)), ("severe", Decimal(16), time(0, 30), time(2, 30))],
    [
        ("cold", Decimal(18), time(2, 15), time(2, 45)),
        ("cold", Decimal(17), time(0), time(5)),
        ("severe", Decimal(16), None, None),
    ],
    [("severe", Decimal(16), None, None)],
    [],
]
# What rooms are like, and the edges: of each limit and its deadband, exactly at it and a thousandth under it.
EDGES = [15_999, 16_000, 17_000, 17_999, 18_000, 18_199, 18_200, 19_999, 20_000, 20_199, 20_200]


@st.composite
def rules(draw: st.DrawFn) -> SlowRules:
    return SlowRules(
        draw(st.sampled_from(LIMITS)),
        draw(st.sampled_from([Decimal(0), Decimal("0.2")])),
        draw(st.sampled_from([0, 600, 1800])),
        draw(st.sampled_from([0, 600, 1800])),
    )


def policy_of(home: SlowHome) -> Policy:
    return Policy(
        name="drawn",
        zone=home.zone,
        seasons=(Season(first=home.season[0], end=home.season[1]),),
        versions=tuple(
            Version(
                valid_from=first,
                confirm_for_s=r.confirm_s,
                clear_for_s=r.clear_s,
                deadband_k=float(r.deadband_k),
                hold_intervals=3,
                judged_rooms=("living",),
                limits=tuple(
                    Limit(home_class="multistorey", severity=s, below_celsius=float(b), opens=o, closes=c)
                    for s, b, o, c in r.limits
                ),
                clocks={},
            )
            for first, r in home.versions
        ),
    )
