"""Parts of ingest that settings choose: sources, limits, and the address of the broker."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from domain.care import Care
from domain.errors import UsageError
from domain.policy import Policy
from hearth.settings import Settings
from hearth.wiring import chosen_policy, text_of
from ingest import push_table, source_table
from ingest.address import Address
from ingest.decoders.work import MessageBounds
from ingest.publisher import ACCOUNT
from ingest.senders import Allowance, Senders
from ingest.sources import Sources
from ingest.validate import Limits
from store.readings.retention import MARGIN


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
    return text_of("HEARTH_SOURCES", settings.sources) if settings.sources else ""


def chosen_pushes(settings: Settings) -> Mapping[str, push_table.PushEntry]:
    """Load the platforms of HEARTH_PUSH that push by HTTP, by source; default: none.

    Raises:
        UsageError: it cannot be read, or is not a table of platforms.
    """
    if settings.push is None:
        return {}
    text = text_of("HEARTH_PUSH", settings.push)
    return push_table.load(text, f"HEARTH_PUSH {settings.push}", chosen_sources(settings))


def push_address(settings: Settings) -> Address:
    """Return the broker's address for what came by HTTP: HEARTH_PUSH_MQTT_URL, an account that may write only that."""
    url = settings.push_mqtt_url or settings.mqtt_url
    return broker_address(settings.model_copy(update={"mqtt_url": url}), ACCOUNT)


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
