"""Wiring: builds the parts of the application from the settings."""

import gc
import signal
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from domain import policy_file
from domain.care import Care
from domain.errors import UsageError
from domain.policy import Policy
from domain.refunds import rules_file
from domain.refunds.rules import RefundRules
from hearth.settings import Settings
from ingest import push_table, source_table
from ingest.address import Address
from ingest.decoders.work import MessageBounds
from ingest.publisher import ACCOUNT
from ingest.senders import Allowance, Senders
from ingest.sources import Sources
from ingest.validate import Limits
from store.evidence.signing import SigningKey
from store.readings.retention import MARGIN
from store.tickets.file_contents import DATABASE, FileStore, FolderFiles

if TYPE_CHECKING:
    from alerts.exchange.peers_file import Peer
    from alerts.notices.recipients import Recipients
    from alerts.notices.wechat import WechatAccount

# Both ends detect a dead connection within a minute. By default it would take hours, during which the server keeps the
# homes of a batch locked. Parameters in the URL take precedence.
CUT = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def keep_for_good() -> None:
    """Exempt the current objects (modules, routes, models) from garbage collection.

    A full collection would traverse them again and again: a pause of 80 ms in the API every few seconds.
    """
    gc.collect()
    gc.freeze()


def work_in_batches() -> None:
    """Keep garbage collection out of the way of batches: they make many small objects and no cycles."""
    keep_for_good()
    gc.set_threshold(100_000, 50, 100)


def now() -> datetime:
    """Return the current time. No package below this one reads the clock."""
    return datetime.now(UTC)


def chosen_policy(settings: Settings) -> Policy:
    """Load the policy of HEARTH_POLICY, or the built-in seed; HEARTH_TIMEZONE overrides its zone.

    Raises:
        UsageError: it cannot be read, or is not a policy.
    """
    if settings.policy is None:
        return policy_file.builtin("seed", settings.timezone)
    text = _text("HEARTH_POLICY", settings.policy)
    return policy_file.load(text, f"HEARTH_POLICY {settings.policy}", settings.timezone)


def chosen_refunds(settings: Settings) -> RefundRules | None:
    """Load the refund rules of HEARTH_REFUNDS, a file or the name of a pack; None: no refund is computed.

    Raises:
        UsageError: it is no pack and no file of rules, or a pack with a hole.
    """
    if settings.refunds is None:
        return None
    if settings.refunds in rules_file.pack_names():
        return rules_file.pack(settings.refunds)
    return rules_file.load(_text("HEARTH_REFUNDS", Path(settings.refunds)), f"HEARTH_REFUNDS {settings.refunds}")


def chosen_sources(settings: Settings) -> Sources:
    """Load the sources of HEARTH_SOURCES; default: Hearth's own devices. Local times are in the policy's zone.

    Raises:
        UsageError: it cannot be read, or is not a table of sources.
    """
    if settings.sources is None:
        return Sources()
    return source_table.load(sources_text(settings), f"HEARTH_SOURCES {settings.sources}", chosen_policy(settings).zone)


def sources_text(settings: Settings) -> str:
    """Return the table of HEARTH_SOURCES as it is written; empty without one.

    Raises:
        UsageError: it cannot be read.
    """
    return _text("HEARTH_SOURCES", settings.sources) if settings.sources else ""


def chosen_pushes(settings: Settings) -> Mapping[str, push_table.PushEntry]:
    """Load the platforms of HEARTH_PUSH that push by HTTP, by source; default: none.

    Raises:
        UsageError: it cannot be read, or is not a table of platforms.
    """
    if settings.push is None:
        return {}
    text = _text("HEARTH_PUSH", settings.push)
    return push_table.load(text, f"HEARTH_PUSH {settings.push}", chosen_sources(settings))


def push_address(settings: Settings) -> Address:
    """Return the broker's address for what came by HTTP: HEARTH_PUSH_MQTT_URL, an account that may write only that."""
    url = settings.push_mqtt_url or settings.mqtt_url
    return broker_address(settings.model_copy(update={"mqtt_url": url}), ACCOUNT)


def chosen_recipients(settings: Settings) -> "Recipients":
    """Load the recipients of HEARTH_RECIPIENTS; default: none.

    Raises:
        UsageError: it cannot be read, or is not a file of recipients.
    """
    # Imported late: it takes a second, and most commands send nothing.
    from alerts.notices import recipients

    if settings.recipients is None:
        return recipients.Recipients()
    text = _text("HEARTH_RECIPIENTS", settings.recipients)
    return recipients.load(text, f"HEARTH_RECIPIENTS {settings.recipients}")


def chosen_wechat(settings: Settings) -> "WechatAccount | None":
    """Load the WeChat account of HEARTH_WECHAT; default: none.

    Raises:
        UsageError: it cannot be read, or is not a file of an account.
    """
    from alerts.notices import wechat

    if settings.wechat is None:
        return None
    zone = chosen_policy(settings).zone
    return wechat.load(_text("HEARTH_WECHAT", settings.wechat), f"HEARTH_WECHAT {settings.wechat}", zone)


def chosen_peers(settings: Settings) -> "Mapping[str, Peer]":
    """Load the peers of HEARTH_PEERS, by name; default: none.

    Raises:
        UsageError: it cannot be read, or is not a file of peers.
    """
    from alerts.exchange import peers_file

    if settings.peers is None:
        return {}
    return peers_file.load(_text("HEARTH_PEERS", settings.peers), f"HEARTH_PEERS {settings.peers}")


def chosen_seal_key(settings: Settings) -> SigningKey | None:
    """Load the key that signs seals and dossiers; None: signing is off.

    Raises:
        UsageError: it cannot be read.
    """
    if settings.seal_key is None:
        return None
    try:
        return SigningKey.read(settings.seal_key.get_secret_value())
    except ValueError as error:
        raise UsageError(f"HEARTH_SEAL_KEY: is no private key as hearth seals key --new makes it: {error}") from None


def chosen_files(settings: Settings) -> FileStore:
    """Return where files of tickets are kept: in the folder of HEARTH_FILES, or in the database.

    Raises:
        UsageError: it is no folder of a file system that is known.
    """
    if settings.files is None:
        return DATABASE
    try:
        return FolderFiles(settings.files.get_secret_value())
    except (ValueError, OSError) as error:
        raise UsageError(f"HEARTH_FILES: is no folder, such as file:///… or s3://…: {type(error).__name__}") from None


def _text(variable: str, file: Path) -> str:
    """Read the file that a variable names."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{variable}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{variable}: {file} is not UTF-8 text") from None


def limits_of(settings: Settings, rules: Policy, at: datetime) -> Limits:
    """Return the limits for messages. Readings that would be deleted soon, or are too old to judge, are refused."""
    past = timedelta(days=rules.past_days)
    if settings.reading_days and not settings.archive:
        past = min(past, timedelta(days=settings.reading_days) - MARGIN)
    care = rules.rules_at(at).care
    clock_s = care.clock_s if care else Care.clock_s
    return Limits(
        settings.payload_bytes,
        settings.future_tolerance_s * 1_000_000,
        past // timedelta(microseconds=1),
        clock_s * 1_000_000,
        bounds_of(settings),
        settings.batch_readings,
    )


def bounds_of(settings: Settings) -> MessageBounds:
    """Return the bounds on the work per message."""
    return MessageBounds(settings.message_readings, settings.message_faults)


def senders_of(settings: Settings) -> Senders:
    """Return the allowance per sender and minute: 1 % of the dead letter space, 25 % of the deferred space."""
    letter_bytes, put_by_bytes = settings.dead_letter_mb * 10_000, settings.deferred_mb * 250_000
    return Senders(Allowance(settings.device_readings, settings.device_faults, letter_bytes, put_by_bytes))


def connector(settings: Settings, name: str) -> Callable[[], Connection]:
    """Return a factory of connections in autocommit mode, named for pg_stat_activity."""
    url = settings.database_url.get_secret_value()
    return lambda: psycopg.connect(
        autocommit=True, **{**_bounded(url), "application_name": f"hearth {name}", "connect_timeout": 10}
    )


def _bounded(url: str) -> dict[str, Any]:
    """Return connection parameters with which both ends detect a dead connection."""
    told = {**CUT, **conninfo_to_dict(url)}
    idle, interval, count, timeout = (told[name] for name in CUT)
    theirs = {
        "timezone": "UTC",
        "tcp_keepalives_idle": idle,
        "tcp_keepalives_interval": interval,
        "tcp_keepalives_count": count,
        "tcp_user_timeout": timeout,
    }
    settings = [f"-c {name}={value}" for name, value in theirs.items()]
    return {**told, "options": " ".join([*settings, str(told.get("options", ""))])}


def open_database(settings: Settings, name: str) -> Connection:
    """Open a connection for a one-shot command.

    Raises:
        UsageError: the database does not answer.
    """
    try:
        return connector(settings, name)()
    except psycopg.OperationalError as error:
        raise UsageError(f"HEARTH_DATABASE_URL: {str(error).strip().splitlines()[0]}") from None


def broker_address(settings: Settings, client_id: str, sources: Sources | None = None) -> Address:
    """Return the broker's address and credentials for a session."""
    read = sources or Sources()
    return Address(
        settings.mqtt_url.get_secret_value(),
        client_id,
        ca_file=settings.mqtt_ca_file,
        cert_file=settings.mqtt_cert_file,
        key_file=settings.mqtt_key_file,
        keep_alive_s=settings.mqtt_keepalive_s,
        filters=read.filters(),
        every_worker=read.every_worker(),
    )


def broker_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context for the broker; None without TLS.

    Raises:
        UsageError: a file cannot be read, is not what it should be, or is missing beside another.
    """
    if not settings.mqtt_url.get_secret_value().startswith("mqtts:"):
        return None
    context = ssl.create_default_context()
    with _naming("HEARTH_MQTT_CA_FILE", settings.mqtt_ca_file):
        if settings.mqtt_ca_file:
            context = ssl.create_default_context(cafile=settings.mqtt_ca_file)
    if (settings.mqtt_cert_file is None) != (settings.mqtt_key_file is None):
        raise UsageError("HEARTH_MQTT_CERT_FILE and HEARTH_MQTT_KEY_FILE go together: set both or none")
    with _naming("HEARTH_MQTT_CERT_FILE", settings.mqtt_cert_file):
        if settings.mqtt_cert_file:
            context.load_cert_chain(settings.mqtt_cert_file, settings.mqtt_key_file, password="")
    return context


@contextmanager
def _naming(variable: str, file: Path | None) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError:
        raise UsageError(
            f"{variable}: {file} is no certificate in PEM (or the key, without passphrase, not its own)"
        ) from None
    except OSError as error:
        raise UsageError(f"{variable}: cannot read {error.filename or file}: {error.strerror}") from None


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


def stop_on_signal() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set, so that work in progress is finished first."""
    stop = threading.Event()

    def _set(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, _set)
    signal.signal(signal.SIGTERM, _set)
    return stop
