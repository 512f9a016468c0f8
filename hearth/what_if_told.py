"""Telling what another policy would come to: in homes, tickets, crews' hours and money, and by month."""

from dataclasses import asdict
from typing import Any

from rich.console import Console

from alerts.judging.what_if import MonthWhatIf, WhatIfFigures
from domain.refunds.rules import RefundRules
from domain.refunds.sheet import told
from hearth.listing import NUMBER, WORDS, listing

IN_MONEY = (
    "Refunds by {rules}, of {homes:,} homes whose fee is on record; seasons and fees are those in force. Requests, "
    "reports, measurements, refusals, users' faults, unpaid fees and times without heat count as they are on record, "
    "and so do deemed days; temperatures as each policy judges them. Days outside the span count as not judged: caps "
    "and days in a row are right for whole seasons."
)
NO_MONEY = "No refund rules are named (HEARTH_REFUNDS or --refunds): nothing is counted in money."
IN_HOURS = "Crews' hours: as long for each ticket as the {visits:,} visits for cold on record took on average."
NO_HOURS = "No visit of a crew for cold is on record: hours are not known."


def plain(figures: WhatIfFigures, rules: RefundRules | None) -> dict[str, Any]:
    """Return figures as JSON has them; what cannot be counted is null."""
    out = asdict(figures) | {"crew_hours": figures.crew_hours(figures.tickets)}
    out["months"] = {name: _part(figures, name, rules) for name in sorted(figures.months)}
    if rules is None:
        out["refund_units"] = None
    return out | {"refund_rules": rules and rules.name, "currency": rules and rules.currency}


def show(known: WhatIfFigures, imagined: WhatIfFigures, said: str, rules: RefundRules | None) -> None:
    """Print two policies side by side, first in all and then by month.

    Args:
        said: what the first is.
    """
    columns = [("", WORDS), *((name, NUMBER) for name in (said, "by the other policy", "difference"))]
    pair = [plain(one, rules) for one in (known, imagined)]
    names = [name for name, value in pair[0].items() if isinstance(value, int | float) and name not in UNSAID]
    listing(columns, [_row(name, name, pair, rules) for name in names])
    months = sorted({*known.months, *imagined.months})
    parts = {month: [_part(one, month, rules) for one in (known, imagined)] for month in months}
    rows = [
        _row(f"{month} {name}", name, both, rules)
        for month, both in parts.items()
        for name, value in both[0].items()
        if value is not None
    ]
    if rows:
        listing(columns, rows, title="By month")
    notes = [
        IN_MONEY.format(rules=rules.name, homes=known.priced_homes) if rules else NO_MONEY,
        IN_HOURS.format(visits=known.visits) if known.visits else NO_HOURS,
    ]
    Console(highlight=False).print(*notes, sep="\n", style="dim")


UNSAID = frozenset({"visits", "visits_us", "priced_homes"})


def _part(figures: WhatIfFigures, month: str, rules: RefundRules | None) -> dict[str, Any]:
    part = figures.months.get(month, MonthWhatIf())
    units = part.refund_units if rules else None
    return {"tickets": part.tickets, "crew_hours": figures.crew_hours(part.tickets), "refund_units": units}


def _row(title: str, name: str, pair: list[dict[str, Any]], rules: RefundRules | None) -> tuple[str, ...]:
    known, other = (one[name] for one in pair)
    if name == "refund_units" and rules:
        sign = "-" if other < known else "+"
        title = f"{title.replace('refund_units', 'refunds').replace('_', ' ')} {rules.currency}"
        return title, told(known), told(other), sign + told(abs(other - known))
    return title.replace("_", " "), f"{known:,.0f}", f"{other:,.0f}", f"{other - known:+,.0f}"
