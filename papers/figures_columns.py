"""The columns of the files of a package of figures: its tables, under the names of the API, and its lists."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

COUNT, SHARE, TEXT, FLAG = pa.int64(), pa.float64(), pa.string(), pa.bool_()
Columns = Sequence[tuple[str, pa.DataType]]


def _all(kind: pa.DataType, *names: str) -> Columns:
    return [(name, kind) for name in names]


# By table of MonthKpi.told; a test holds the names to those of the API.
MONTHLY: Mapping[str, Columns] = {
    "heat": [
        *_all(COUNT, "homes", "judged_homes", "qualified_homes"),
        *_all(
            SHARE, "compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s", "shortfall_s", "kelvin_hours",
            "known_s", "rate_by_time", "rate_by_homes", "coverage",
        ),
    ],
    "proof": [
        *_all(COUNT, "homes", "measured", "warm"),
        *_all(SHARE, "proven", "by_homes", "by_homes_low", "by_homes_high", "by_time", "by_time_low", "by_time_high"),
        *_all(TEXT, "zh", "en"),
    ],
    "desk": [
        *_all(
            COUNT, "tickets", "retrospective", "closed", "called_back", "asked", "satisfied", "flags", "recovered",
            "merged", "void",
        ),
        *_all(SHARE, "warm_mean_s", "warm_median_s", "satisfaction", "recovery"),
    ],
    "clocks": [
        *_all(TEXT, "ticket_class", "name"),
        *_all(COUNT, "due", "in_time", "late", "unmet"),
        *_all(SHARE, "mean_s", "median_s", "rate"),
    ],
    "cases": [
        *_all(TEXT, "ticket_class"),
        *_all(
            COUNT, "received", "closed", "closed_in_time", "answered_in_time", "answered_late", "overdue", "waiting"
        ),
        *_all(SHARE, "closure", "closure_in_time", "answered"),
    ],
}  # fmt: skip
_LEFT = _all(TEXT, "scope", "station")
TABLES: Mapping[str, Columns] = {
    **{name: [("month", TEXT), *_LEFT, *columns] for name, columns in MONTHLY.items()},
    "applications": [
        ("month", TEXT), *_LEFT, ("kind", TEXT),
        *_all(
            COUNT, "received", "answered_in_time", "answered_late", "overdue", "waiting", "late_explained",
            "warm_in_time", "warm_late",
        ),
    ],
    "peers": [
        *_all(TEXT, "month", "peer"),
        *_all(COUNT, "response_due", "response_met", "solution_due", "solution_met", "rated", "satisfied"),
    ],
    "refunds": [*_all(TEXT, "month", "currency"), *_all(COUNT, "payments", "sheets", "days", "amount")],
    "rates": [*_LEFT, *_all(TEXT, "table", "subject", "name"), *_all(SHARE, "part", "whole", "rate")],
}  # fmt: skip
# Instants and hashes are texts.
_TICKET = _all(TEXT, "ticket", "ticket_class", "station")
LISTS: Mapping[str, Columns] = {
    "tickets": [
        *_TICKET, *_all(TEXT, "opened_at", "closed_at", "ending"), ("retrospective", FLAG), ("events", COUNT),
        ("head", TEXT), ("seal", COUNT),
    ],
    "clocks": [
        *_TICKET, ("name", TEXT), ("round", COUNT),
        *_all(TEXT, "started_at", "due_at", "met_at", "breached_at", "void_at"),
        *_all(TEXT, "entry", "previous", "hash", "together"), ("seal", COUNT),
    ],
    "cases": [*_TICKET, *_all(TEXT, "opened_at", "closed_at", "due_at", "answered_at")],
    "call_backs": [*_all(TEXT, "ticket", "station", "at"), ("satisfied", FLAG), ("hash", TEXT)],
    "flags": _all(TEXT, "ticket", "station", "raised_at", "cleared_at", "clear_reason"),
    "applications": [
        *_all(TEXT, "ticket", "kind", "station", "opened_at", "due_at", "answered_at", "void_at"), ("explained", FLAG),
        *_all(TEXT, "warm_due_at", "warm_at"),
    ],
    "peers": [
        *_all(
            TEXT, "peer", "ticket", "their_number", "station", "respond_by", "responded_at", "resolve_by",
            "resolved_at", "rated_at",
        ),
        ("satisfied", FLAG),
    ],
    "refunds": [
        ("payment", COUNT), *_all(TEXT, "at", "sheet", "station", "season", "currency"),
        *_all(COUNT, "days", "amount"), *_all(TEXT, "payment_digest", "sheet_digest", "hash"), ("seal", COUNT),
    ],
}  # fmt: skip
