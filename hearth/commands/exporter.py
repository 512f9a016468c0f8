"""`hearth exporter`: figures of the database, the broker and the backups for Prometheus."""

from secrets import token_hex

import structlog
from prometheus_client import CollectorRegistry

from hearth.exporter import BackupCollector, BrokerCollector, DatabaseCollector
from hearth.figures import serve
from hearth.ingesting import broker_address, broker_tls
from hearth.logs import set_up_logging
from hearth.settings import load
from hearth.wiring import connector, stop_on_signal
from ingest.artemis_figures import ArtemisFigures
from ingest.broker_figures import BrokerListener

log = structlog.get_logger()


def exporter() -> None:
    """Serve figures of the database server, the broker and the backups for Prometheus, at HEARTH_EXPORTER_PORT."""
    settings = load()
    set_up_logging(settings.log_level)
    broker_tls(settings)  # named at the start, if it is wrong
    stop = stop_on_signal()
    address = broker_address(settings, f"hearth-figures-{token_hex(4)}")
    listener = BrokerListener(address)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector(connector(settings, "exporter")))
    registry.register(BrokerCollector(listener, ArtemisFigures(address)))
    if settings.backups:
        registry.register(BackupCollector(settings.backups))
    serve(settings.exporter_port, registry, lambda: "")  # a database or broker that is away is a figure, no obstacle
    log.info("serving", port=settings.exporter_port)
    stop.wait()
    listener.end()
