"""The terms of homes in a season: all that refunds are computed from, but for the ledger."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import Connection

from domain.refunds.batch import SeasonTerms
from domain.refunds.facts import SeasonDays
from domain.refunds.sheet import season_fee
from store.refunds import refund_rows
from store.refunds.refund_rows import OpenSpan
from store.registry import fee_rows


def terms(conn: Connection, homes: Sequence[int], days: SeasonDays, since: datetime) -> SeasonTerms:
    """Return the terms of those homes whose fee is on record.

    Args:
        since: the end of the season before: what was noted until then without an end ended with that season.
    """
    prices = fee_rows.find(conn, homes, days.first)
    keys = np.array(sorted(prices), np.int64)
    fees = np.array([season_fee(*prices[home]) for home in keys.tolist()], np.int64)
    span = OpenSpan(days.start(), days.over(), since)
    return SeasonTerms(days, keys, fees, refund_rows.records(conn, keys.tolist(), span))
