"""Doing once what is sent under a key, however often it is sent."""

from collections.abc import Callable

from api.http.session import Session
from store.base import form_sent


def do_once(changing: Session, number: str, key: str | None, do: Callable[[], object]) -> None:
    """Do something with a ticket once, however often the caller sends it under a key; without one, each time."""
    if key is None:
        do()
        return

    def numbered() -> str:
        do()
        return number

    number_once(changing, f"{changing.asker.id} {number} {key}", numbered)


def number_once(changing: Session, key: str, do: Callable[[], str]) -> str:
    """Do once what has a number, however often it is sent under a key; return the number of the first time."""
    form_sent.lock(changing.conn, key)
    if (known := form_sent.number(changing.conn, key)) is not None:
        changing.notes["again"] = True
        return known
    number = do()
    form_sent.keep(changing.conn, key, number, changing.now)
    return number


def is_first(changing: Session, form: str) -> bool:
    """Return whether a form comes for the first time, by its key, and keep that.

    For forms whose answer shows a secret this once: a page that is reloaded sends its form again, and would put another
    secret in the place of the one that somebody has by then.
    """
    met = False

    def meet() -> str:
        nonlocal met
        met = True
        return "shown"

    number_once(changing, f"{changing.asker.id} shown {form}", meet)
    return met
