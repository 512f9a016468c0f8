"""Check of the archive of readings, as `hearth check` tells it."""

from datetime import UTC, datetime, timedelta

from psycopg import Connection

from archives import manifest, sealing, verifying
from archives.layout import KINDS
from archives.reading import ReadingArchive
from domain.errors import UsageError, without_address
from hearth.on_record import chosen_archive
from hearth.settings import Settings
from store.evidence import archive_rows
from store.readings import retention

BEHIND = timedelta(days=2)  # sealing may wait for a day's digests, and for a night's work


def archive_in_order(conn: Connection, settings: Settings, at: datetime) -> str:
    """Raise UsageError when the archive is not reached, not the one under the seals, not whole, or behind."""
    archive, noted = chosen_archive(settings), archive_rows.entries(conn)
    if archive is None:
        if noted:
            raise UsageError("HEARTH_ARCHIVE: is not set, and this database has sealed readings into an archive")
        return "HEARTH_ARCHIVE is not set: readings are in the table alone"
    try:
        archive, faults = verifying.check_manifest(conn, archive)
        faults += [verifying.ArchiveFault(name, "is missing or cut off") for name in sealing.absent(archive)]
        archive.place.try_out(manifest.home(archive.utility))
    except OSError as error:
        raise UsageError(f"HEARTH_ARCHIVE: cannot be read and written: {without_address(error)}") from None
    if faults:
        raise UsageError(f"HEARTH_ARCHIVE: {faults[0].name}: {faults[0].what}; all faults: hearth archive verify")
    if archive.number > 1 and not noted:
        raise UsageError("HEARTH_ARCHIVE: this database knows none of its entries; if it is its own: seal --adopt")
    _nothing_lost(conn, archive)
    _in_time(conn, settings, at)
    return _told(archive)


def _nothing_lost(conn: Connection, archive: ReadingArchive) -> None:
    kept = retention.kept_since(conn)
    for kind in KINDS.values():
        reached = archive.reached(kind)
        if reached and kept and f"{kept.astimezone(UTC):%Y-%m-%d}" > reached.upto:
            raise UsageError(f"{kind.name}: the table has lost days from {reached.upto} on that are not in the archive")


def _in_time(conn: Connection, settings: Settings, at: datetime) -> None:
    settled = timedelta(days=settings.archive_after_days)
    for kind, due in sealing.due(conn, settled).items():
        if at - due > BEHIND:
            told = f"{kind}: sealing is {(at - due).days} days behind HEARTH_ARCHIVE_AFTER_DAYS"
            raise UsageError(f"{told}: is hearth watch at work, with HEARTH_ARCHIVE?")


def _told(archive: ReadingArchive) -> str:
    reached, files = archive.reached(), verifying.every_file(archive)
    upto = f"readings up to {reached.upto}" if reached else "nothing sealed yet"
    size = sum(file.size for file in files) / 1e9
    return f"{archive.number} entries as sealed, {upto}, {len(files)} files of {size:,.2f} GB; takes and gives files"
