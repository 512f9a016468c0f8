"""Priority of tickets, and the desk rules of the policy."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Annotated

from domain.bounds import Share, SomeSeconds, Within
from domain.milli import milli
from domain.states import Severity
from domain.tickets import TicketClass


@dataclass(frozen=True, kw_only=True)
class DeskRule:
    """Desk rules of the policy. The regulation sets no numbers; the utility chooses all of them."""

    warn_share: Share  # share of a clock's span after which it warns
    warm_for_s: SomeSeconds  # how long a home marked done must be known warm
    still_cold_s: SomeSeconds  # how long after being marked done an unproven home is reported to the desk
    urgent_depth_k: Annotated[float, Within(0, 100, thousandths=True)]  # a cold home this far below the limit is urgent
    urgent_after_s: SomeSeconds  # and so is one cold for this long

    @cached_property
    def urgent_from(self) -> tuple[int, timedelta]:
        """Return how far below the limit, in thousandths, and how long a cold home is to be urgent."""
        return milli(self.urgent_depth_k), timedelta(seconds=self.urgent_after_s)


PRIORITY_URGENT = 1
_USUAL_PRIORITY = {
    TicketClass.LEAK: 1,
    TicketClass.COLD: 2,
    TicketClass.REPAIR: 3,
    TicketClass.COMPLAINT: 3,
    TicketClass.REPORT: 3,
    TicketClass.APPLICATION: 3,
    TicketClass.DEVICE: 4,
}


@dataclass(frozen=True)
class Cold:
    """Severity, depth and duration of a cold home."""

    severity: Severity = Severity.COLD
    depth_milli: int = 0  # lowest temperature below the limit, in thousandths of a kelvin
    lasting: timedelta = field(default=timedelta(0))


def priority(ticket_class: TicketClass, cold: Cold, rule: DeskRule | None) -> int:
    """Rate a ticket from 1 (most urgent) to 4 by class, and a cold home also by severity, depth and duration.

    The rule's depth and duration are inclusive.
    """
    usual = _USUAL_PRIORITY[ticket_class]
    if ticket_class is not TicketClass.COLD:
        return usual
    urgent = cold.severity is Severity.SEVERE
    if rule is not None:
        depth_milli, lasting = rule.urgent_from
        urgent |= cold.depth_milli >= depth_milli or cold.lasting >= lasting
    return PRIORITY_URGENT if urgent else usual
