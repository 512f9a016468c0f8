"""Logging of processes that run on."""

import logging
from collections.abc import Iterator
from sys import exc_info
from traceback import format_exception
from typing import Any

import psycopg
import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
DATA_EXCEPTION = "22"  # the class of SQLSTATE whose messages name the value


class LibraryFormatter(logging.Formatter):
    """Writes what libraries log, errors without the rows and values that the database quotes in them."""

    def formatException(self, ei: Any) -> str:
        """Return the traceback of an error."""
        return traceback_of(ei[1])


def set_up_logging(level: str) -> None:
    """Configure logging: one logfmt line per event on stderr, beside what libraries log."""
    libraries = logging.StreamHandler()
    libraries.setFormatter(LibraryFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[libraries])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _format_error,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # UTF-8 regardless of the locale, or Chinese names would be escaped. The process owns the descriptor.
        logger_factory=structlog.PrintLoggerFactory(file=open(2, "w", encoding="utf-8", closefd=False)),  # noqa: SIM115
    )


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error and of those behind it.

    What the database says of one is cut: its details quote rows, and in them names and telephone numbers.
    """
    text = "".join(format_exception(error))
    for one in _with_causes(error, set()):
        if isinstance(one, psycopg.Error) and one.sqlstate:
            told = "" if one.sqlstate.startswith(DATA_EXCEPTION) else f"{one.diag.message_primary} "
            first, *rest = str(one).splitlines() or [""]
            lines = {line.strip() for line in rest} - {""}
            text = text.replace(first, f"{told}(SQLSTATE {one.sqlstate})") if first else text
            text = "".join(line for line in text.splitlines(keepends=True) if line.strip(" |\n") not in lines)
    return text


def _with_causes(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    """Yield an error and all that led to it."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    inside = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for one in (error.__cause__, error.__context__, *inside):
        yield from _with_causes(one, seen)


def _format_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Write the traceback of the error that an event is about."""
    given: ExcInfo | BaseException | bool | None = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else exc_info()[1]
    return {**event, "exception": traceback_of(error)} if given and error else event
