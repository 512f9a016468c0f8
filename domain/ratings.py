"""Ratings of the work on a ticket by its user: once, changed until a day later."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.statements import SPEAKABLE
from domain.tickets import TicketClass

MOST_STARS = 5
RATED_WITHIN = timedelta(days=30)  # after the work
CHANGED_WITHIN = timedelta(days=1)  # after the rating


def rating_bar(
    ticket_class: TicketClass, done_at: datetime | None, rated: Sequence[datetime], now: datetime
) -> str | None:
    """Return why the work on a ticket takes no rating now; None: it takes one.

    Args:
        done_at: when the work was done; None: it was not.
        rated: when the ticket was rated; ratings of work that was undone since do not count.
    """
    if ticket_class not in SPEAKABLE or done_at is None:
        return "only a repair that was done is rated"
    first = min((at for at in rated if at >= done_at), default=None)
    if first is not None and now - first > CHANGED_WITHIN:
        return "it was rated, and a rating is changed within a day"
    if first is None and now - done_at > RATED_WITHIN:
        return "a repair is rated within 30 days"
    return None
