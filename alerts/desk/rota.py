"""Keeping a rota: its stations and shifts, and swaps to which both people agree."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from psycopg import Connection

from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.rota import ShiftSpan
from store.base.rows import Row
from store.notices import outbox
from store.staff import rota_rows
from store.staff.rota_rows import NewSwap, ShiftRefused, ShiftRow

MOST_SHIFTS = 400  # planned at once: a year of days, and some


class RotaBar(StrEnum):
    """Reasons that a change of the rota is refused."""

    NO_ROTA = "no_rota"  # the station keeps none
    NOT_THERE = "not_there"  # no active person of the station, or of the desk
    TWICE = "twice"  # the person would be on call twice at once
    SPAN = "span"  # it ends before it begins, or is too long
    OVER = "over"  # it is over, or has begun
    NOT_YOURS = "not_yours"  # the shift, or what is asked in return, is another person's
    GONE = "gone"  # the swap was answered, or cannot be made any more


BARS = {"shift_one_place": RotaBar.TWICE, "shift_span": RotaBar.SPAN, "shift_bounded": RotaBar.SPAN}


class RotaRefused(Exception):
    """A change of the rota is refused."""

    def __init__(self, bar: RotaBar) -> None:
        super().__init__(bar.value)
        self.bar = bar


def keep(conn: Connection, station: str, lead_id: int | None, now: datetime) -> None:
    """Let a station keep a rota, with this lead.

    Raises:
        RotaRefused: the lead is nobody who works there.
    """
    if lead_id is not None:
        _check_colleague(conn, station, lead_id, now)
    rota_rows.keep(conn, station, lead_id, now)


def end(conn: Connection, station: str, now: datetime) -> None:
    """End the rota of a station: new tickets are told to all of it again.

    Raises:
        RotaRefused: it keeps none.
    """
    if not rota_rows.end(conn, station, now):
        raise RotaRefused(RotaBar.NO_ROTA)


def plan(conn: Connection, station: str, staff_id: int, spans: Sequence[ShiftSpan], now: datetime) -> list[int]:
    """Put a person on call at a station; what has begun by now begins now.

    Raises:
        RotaRefused: nothing is planned.
    """
    if not rota_rows.stations(conn, now, station):
        raise RotaRefused(RotaBar.NO_ROTA)
    _check_colleague(conn, station, staff_id, now)
    if any(span.ends_at <= span.starts_at for span in spans):
        raise RotaRefused(RotaBar.SPAN)
    if any(span.ends_at <= now for span in spans):
        raise RotaRefused(RotaBar.OVER)
    try:
        return rota_rows.plan(
            conn, station, staff_id, [ShiftSpan(max(s.starts_at, now), s.ends_at) for s in spans], now
        )
    except ShiftRefused as refused:
        raise RotaRefused(BARS[refused.rule]) from None


def _check_colleague(conn: Connection, station: str, staff_id: int, now: datetime) -> None:
    if not rota_rows.colleagues(conn, station, now, staff_id):
        raise RotaRefused(RotaBar.NOT_THERE)


def cancel(conn: Connection, shift_id: int, now: datetime) -> None:
    """Cancel a shift that lies ahead, or end one that runs; what has been stays on record.

    Raises:
        RotaRefused: it is over.
    """
    if not rota_rows.cancel(conn, shift_id, now):
        raise RotaRefused(RotaBar.OVER)


def ask_swap(conn: Connection, asked_by: int, asked: int, shift_id: int, return_id: int | None, now: datetime) -> int:
    """Ask a colleague to take a shift of one's own, for one of the colleague's or for none; the colleague is told.

    Raises:
        RotaRefused: one of the shifts has begun or is another's, or the colleague does not work there.
    """
    held = rota_rows.lock(conn, [one for one in (shift_id, return_id) if one is not None])
    mine, theirs = held.get(shift_id), held.get(return_id) if return_id is not None else None
    if mine is None or mine.staff_id != asked_by or asked == asked_by:
        raise RotaRefused(RotaBar.NOT_YOURS)
    if return_id is not None and (theirs is None or theirs.staff_id != asked or theirs.station != mine.station):
        raise RotaRefused(RotaBar.NOT_YOURS)
    if any(shift.starts_at <= now or shift.cancelled_at is not None for shift in held.values()):
        raise RotaRefused(RotaBar.OVER)
    _check_colleague(conn, mine.station, asked, now)
    swap = rota_rows.ask_swap(conn, NewSwap(mine.station, shift_id, asked_by, asked, return_id), now)
    _tell(conn, NoticeKind.SWAP_ASKED, asked, mine, now)
    return swap


def answer_swap(conn: Connection, person: int, swap_id: int, *, agreed: bool, now: datetime) -> None:
    """Agree to a swap, which makes it, or decline; who asked is told.

    Raises:
        RotaRefused: it was asked of another person, cannot be made any more, or somebody would be on call twice.
    """
    swap = _found(conn, swap_id, now)
    if swap["asked"] != person:
        raise RotaRefused(RotaBar.NOT_YOURS)
    if agreed:
        owners = {swap["shift_id"]: swap["asked"]}
        if swap["return_id"] is not None:
            owners[swap["return_id"]] = swap["asked_by"]
        for owner in set(owners.values()):
            _check_colleague(conn, swap["station"], owner, now)
        try:
            rota_rows.change_hands(conn, owners, now)
        except ShiftRefused as refused:
            raise RotaRefused(BARS[refused.rule]) from None
    rota_rows.answer_swap(conn, swap_id, "agreed" if agreed else "declined", now)
    (shift,) = rota_rows.lock(conn, [swap["shift_id"]]).values()
    _tell(conn, NoticeKind.SWAP_AGREED if agreed else NoticeKind.SWAP_DECLINED, swap["asked_by"], shift, now)


def withdraw_swap(conn: Connection, person: int, swap_id: int, now: datetime) -> None:
    """Take back what one has asked for.

    Raises:
        RotaRefused: another person asked, or it was answered.
    """
    if _found(conn, swap_id, now)["asked_by"] != person:
        raise RotaRefused(RotaBar.NOT_YOURS)
    rota_rows.answer_swap(conn, swap_id, "withdrawn", now)


def _found(conn: Connection, swap_id: int, now: datetime) -> Row:
    swap = rota_rows.lock_swap(conn, swap_id, now)
    if swap is None:
        raise RotaRefused(RotaBar.GONE)
    return swap


def _tell(conn: Connection, kind: NoticeKind, person: int, shift: ShiftRow, now: datetime) -> None:
    data = {"begins_at": shift.starts_at.isoformat()}
    outbox.put(conn, [OutboxEntry(kind, Audience.PERSON, station=shift.station, data=data, staff_id=person)], now)
