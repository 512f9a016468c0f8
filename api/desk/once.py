"""Doing once what is sent under a key, however often it is sent."""

from collections.abc import Callable

from api.http.session import Session
from store.base import form_sent


def do_once(changing: Session, number: str, key: str | None, do: Callable[[], object]) -> None:
    """Do something with a ticket once, however often the caller sends it under a key; without one, each time."""
    if key is None:
        do()
        return
    sent = f"{changing.asker.actor} {number} {key}"
    form_sent.lock(changing.conn, sent)
    if form_sent.number(changing.conn, sent) is not None:
        changing.notes["again"] = True
        return
    do()
    form_sent.keep(changing.conn, sent, number, changing.now)
