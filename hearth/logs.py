"""Logging of processes that run on."""

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up_logging(level: str) -> None:
    """Configure logging: one logfmt line per event on stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # UTF-8 regardless of the locale, or Chinese names would be escaped. The process owns the descriptor.
        logger_factory=structlog.PrintLoggerFactory(file=open(2, "w", encoding="utf-8", closefd=False)),  # noqa: SIM115
    )
