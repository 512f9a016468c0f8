"""Closing of tickets: what is still needed, and the proof that a home is warm again."""

from dataclasses import dataclass

from domain.states import ClearReason
from domain.tickets import Proof, TicketClass, TicketSource


@dataclass(frozen=True, kw_only=True)
class TicketStanding:
    """Facts that decide what closing a ticket still needs; a row of the view `ticket_standing`."""

    ticket_class: str
    source: str
    retrospective: bool  # over when it was found
    flagged: bool  # one of its flags is open, suspended or not
    done: bool
    proof: str | None
    replied: bool
    call_back_asked: bool  # its present round has a call-back clock
    called_back: bool
    responsibility: str | None
    paid: bool
    confirmed: bool


def missing(standing: TicketStanding) -> list[str]:
    """List what a ticket still needs before it may be closed, as names for programs.

    `done`; `proof` for a cold home; `reply`, as everything gets an answer (4(4)); `call_back` (9(11)) unless the home
    was never cold; `confirmation` by a user who pays or is responsible (9(4), 9(6)). Device jobs and incident tickets
    close automatically, and retrospective tickets need nothing. But no proof holds, and no ticket closes, while a flag
    is open. The database function `closing_needs` implements the same rule.
    """
    by_itself = standing.source in (TicketSource.DEVICE, TicketSource.INCIDENT)
    asked = standing.call_back_asked and standing.proof != Proof.WITHDRAWN
    needs = {
        "done": not standing.done,
        "proof": standing.flagged or (standing.ticket_class == TicketClass.COLD and standing.proof is None),
        "reply": not standing.replied,
        "call_back": asked and not standing.called_back,
        "confirmation": (standing.paid or standing.responsibility == "user") and not standing.confirmed,
    }
    if by_itself or standing.retrospective:
        return ["proof"] if standing.flagged else []
    return [name for name, needed in needs.items() if needed]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence about the home of a ticket that was marked done."""

    flags: int  # of the ticket
    withdrawn: int  # of these
    flagged: bool  # the home has an open flag
    last_reason: str | None  # why the last flag that was not withdrawn ended
    measured_warm: bool | None  # by the last signed measurement, unless a sensor contradicts it; None: no measurement
    warm: bool  # known warm for the time the policy requires


def proof(evidence: Evidence) -> Proof | None:
    """Decide what proves that the home of a ticket is no longer cold; None: nothing.

    Nothing does while a flag is open, whatever the last readings or a measurement say. Otherwise a signed measurement
    takes precedence over the sensors.
    """
    if evidence.flagged:
        return None
    if evidence.measured_warm:
        return Proof.MEASUREMENT
    if evidence.flags and evidence.withdrawn == evidence.flags:
        return Proof.WITHDRAWN
    if evidence.last_reason not in (None, ClearReason.RECOVERED, ClearReason.MEASURED, ClearReason.SENSOR_OUT):
        return Proof.ENDED
    return Proof.READINGS if evidence.warm else None
