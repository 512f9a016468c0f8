"""Wiring: builds the parts of the application from the settings."""

import gc
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from domain import policy_file
from domain.errors import UsageError
from domain.policy import Policy
from domain.refunds import rules_file
from domain.refunds.rules import RefundRules
from hearth.settings import Settings
from store.tickets.file_contents import DATABASE, FileStore, FolderFiles

if TYPE_CHECKING:
    from alerts.exchange.peers_file import Peer
    from alerts.notices.recipients import Recipients
    from alerts.notices.wechat import WechatAccount
    from store.evidence.signing import SigningKey

# Both ends detect a dead connection within a minute. By default it would take hours, during which the server keeps the
# homes of a batch locked. Parameters in the URL take precedence.
CUT = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}


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
    text = text_of("HEARTH_POLICY", settings.policy)
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
    return rules_file.load(text_of("HEARTH_REFUNDS", Path(settings.refunds)), f"HEARTH_REFUNDS {settings.refunds}")


def chosen_recipients(settings: Settings) -> "Recipients":
    """Load the recipients of HEARTH_RECIPIENTS; default: none.

    Raises:
        UsageError: it cannot be read, or is not a file of recipients.
    """
    # Imported late: it takes a second, and most commands send nothing.
    from alerts.notices import recipients

    if settings.recipients is None:
        return recipients.Recipients()
    text = text_of("HEARTH_RECIPIENTS", settings.recipients)
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
    return wechat.load(text_of("HEARTH_WECHAT", settings.wechat), f"HEARTH_WECHAT {settings.wechat}", zone)


def chosen_peers(settings: Settings) -> "Mapping[str, Peer]":
    """Load the peers of HEARTH_PEERS, by name; default: none.

    Raises:
        UsageError: it cannot be read, or is not a file of peers.
    """
    from alerts.exchange import peers_file

    if settings.peers is None:
        return {}
    return peers_file.load(text_of("HEARTH_PEERS", settings.peers), f"HEARTH_PEERS {settings.peers}")


def chosen_seal_key(settings: Settings) -> "SigningKey | None":
    """Load the key that signs seals and dossiers; None: signing is off.

    Raises:
        UsageError: it cannot be read.
    """
    if settings.seal_key is None:
        return None
    from store.evidence.signing import SigningKey

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


def text_of(variable: str, file: Path) -> str:
    """Read the file that a variable names."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{variable}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{variable}: {file} is not UTF-8 text") from None


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


def stop_on_signal() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set, so that work in progress is finished first."""
    stop = threading.Event()

    def _set(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, _set)
    signal.signal(signal.SIGTERM, _set)
    return stop
