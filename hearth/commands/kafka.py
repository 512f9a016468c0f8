"""`hearth kafka`: readings out of a log, beside a broker or in place of it. docs/kafka.md says how."""

from dataclasses import replace
from typing import Annotated

import typer

from domain.errors import UsageError
from hearth.commands.ingest import made_intake, now_us, work
from hearth.ingesting import chosen_sources, senders_of
from hearth.settings import Settings, load
from hearth.wiring import connector, now, open_database
from ingest.address import Address
from ingest.inbox import Inbox
from ingest.lead import GroupLead
from store.readings import log_offsets
from store.readings.log_offsets import Partition

SESSION = "hearth-kafka"

app = typer.Typer(help="Readings out of a Kafka log.", no_args_is_help=True)


@app.command("ingest")
def ingest_() -> None:
    """Store what the topics of HEARTH_KAFKA_TOPICS hold, each message once. As many as partitions share the work."""
    try:
        from ingest.log_source import LogAddress, LogSource
    except ModuleNotFoundError:
        raise UsageError("the package confluent-kafka is not installed (extra `kafka`)") from None
    settings = load()
    if not settings.kafka_servers or not settings.kafka_topics:
        raise UsageError("HEARTH_KAFKA_SERVERS and HEARTH_KAFKA_TOPICS: say where the log is, and what to read of it")
    sources, senders = chosen_sources(settings), senders_of(settings)
    inbox = Inbox(settings.queue_messages, settings.queue_mb * 1_000_000, fair=False)
    log = LogAddress(
        settings.kafka_servers,
        settings.kafka_topics.replace(",", " ").split(),
        settings.kafka_group,
        _options(settings),
    )
    connect = connector(settings, SESSION)
    source = LogSource(log, inbox, connect, now_us)
    intake = replace(made_intake(settings, inbox, sources, senders), progress=source.progress)
    first = settings.kafka_servers.split(",")[0]
    work(settings, source, GroupLead(connect, Address(f"kafka://{first}", SESSION), now), intake, inbox)


@app.command("rewind")
def rewind(
    topic: Annotated[str, typer.Argument(help="A topic that was read.")],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0, help="The first message to read again; 0: all that the log has.")],
) -> None:
    """Have a partition read again from an offset on, by those that run too; what is stored is recognised."""
    settings = load()
    with open_database(settings, "kafka") as conn, conn.transaction():
        if not log_offsets.rewind(conn, settings.kafka_group, Partition(topic, partition), offset, now()):
            raise UsageError(f"partition {partition} of {topic} was never read by the group {settings.kafka_group}")
    typer.echo(f"{topic} {partition}: from {offset} on")


def _options(settings: Settings) -> dict[str, str]:
    """Read the file of librdkafka's options: a name and a value on each line."""
    if settings.kafka_options is None:
        return {}
    try:
        lines = settings.kafka_options.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"HEARTH_KAFKA_OPTIONS: {error}") from None
    pairs = [line.partition("=") for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): value.strip() for name, _, value in pairs}
