"""Time left on a clock in words. `static/desk.js` counts on with the same words, given to it by the page."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from markupsafe import Markup

from api.http.language import Language
from api.pages.render import say
from api.words.desk import DESK_WORDS

MINUTE = timedelta(minutes=1)
SOON, NEAR = timedelta(minutes=30), timedelta(hours=2)  # as on the board of the desk in Grafana
IN_DAYS = 48 * 60  # minutes from which on days are enough
KEYS = ("left", "late", "span_under", "span_minutes", "span_hours", "span_hours_minutes", "span_days")


class Urgency(StrEnum):
    """Urgency of a clock, by which its time left is coloured."""

    LATE = "late"
    SOON = "soon"
    NEAR = "near"
    CALM = "calm"
    NONE = "none"  # no clock runs


class TimeLeft(NamedTuple):
    """Time left until an instant."""

    urgency: Urgency
    words: Markup


def time_left(language: Language, due: datetime | None, now: datetime) -> TimeLeft:
    """Say how much time is left until a clock runs out, or how long ago it did."""
    if due is None:
        return TimeLeft(Urgency.NONE, say(language, "desk_no_clock"))
    left = due - now
    span = _span(language, abs(left) // MINUTE)
    if left <= timedelta(0):
        return TimeLeft(Urgency.LATE, say(language, "desk_late", span=span))
    urgency = Urgency.SOON if left < SOON else Urgency.NEAR if left < NEAR else Urgency.CALM
    return TimeLeft(urgency, say(language, "desk_left", span=span))


def _span(language: Language, minutes: int) -> Markup:
    if minutes < 1:
        return say(language, "desk_span_under")
    if minutes >= IN_DAYS:
        return say(language, "desk_span_days", d=minutes // (24 * 60))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return say(language, "desk_span_minutes", m=rest)
    return say(language, "desk_span_hours_minutes" if rest else "desk_span_hours", h=hours, m=rest)


def words_of(language: Language) -> dict[str, str]:
    """Return the words with which the page's script counts on."""
    return {key: getattr(DESK_WORDS[f"desk_{key}"], language) for key in KEYS}
