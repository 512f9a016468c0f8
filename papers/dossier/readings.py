"""readings.csv of a dossier: all readings in the home's rooms, as received and as judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import Connection

from archives.history import TABLE_ALONE, OneHistory
from archives.layout import Arrays
from domain.instants import to_datetime, to_us
from domain.milli import milli
from domain.policy import Policy
from domain.quality import Quality
from papers.exports.schemas import BATCH_ROWS, INSTANT, QUALITIES, celsius_column, judged_celsius
from store.base.rows import Row
from store.evidence.dossier_rows import DossierPoint, HomeSpan

MOST_READINGS = 5_000_000
READINGS = pa.schema(
    {
        "sensor": pa.string(),
        "room": pa.string(),
        "room_kind": pa.string(),
        "measured_at": INSTANT,
        "received_at": INSTANT,
        "raw": pa.float32(),
        "offset": pa.float32(),
        "temperature": pa.float32(),
        "quality": pa.string(),
        "judged": pa.bool_(),
    }
)


class TooMuch(Exception):
    """The span has more readings than a dossier may hold."""


def _none_told() -> Row:
    return {"count": 0, "last_measured_at": None, "last_received_at": None}


@dataclass
class DossierReadings:
    """The readings of a dossier; `told` is the number of those read so far and their last instants."""

    conn: Connection
    policy: Policy
    history: OneHistory = TABLE_ALONE
    told: Row = field(default_factory=_none_told)

    def batches(self, places: Sequence[DossierPoint], span: HomeSpan) -> Iterator[pa.RecordBatch]:
        """Yield the readings of places in a span, place by place.

        Raises:
            TooMuch: there are too many readings.
        """
        for place in places:
            for rows in self.history.of_point(self.conn, place.point_id, span.start, span.end, BATCH_ROWS):
                self._count(rows)
                yield self._batch(place, rows)

    def _count(self, rows: Arrays) -> None:
        self.told["count"] += len(rows["measured_at"])
        if self.told["count"] > MOST_READINGS:
            raise TooMuch
        for name in ("measured_at", "received_at"):
            last = to_datetime(int(rows[name].max()))
            self.told[f"last_{name}"] = max(self.told[f"last_{name}"] or last, last)

    def _batch(self, place: DossierPoint, rows: Arrays) -> pa.RecordBatch:
        raw, count = rows["temperature"], len(rows["measured_at"])
        offset = np.full(count, place.offset_k, np.float32)
        judged = (rows["quality"] == Quality.GOOD) & ~np.isnan(raw) & self._judged(place, rows)
        columns = [
            *(pa.repeat(text, count) for text in (place.sensor, place.room, place.room_kind)),
            *(pa.array(rows[name].astype("M8[us]"), INSTANT) for name in ("measured_at", "received_at")),
            *(celsius_column(values) for values in (raw, offset, judged_celsius(raw, offset, milli(place.offset_k)))),
            QUALITIES.take(pa.array(rows["quality"])),
            pa.array(judged),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=READINGS)

    def _judged(self, place: DossierPoint, rows: Arrays) -> NDArray[np.bool_]:
        """Return a mask: whether the version in force at each reading judges the room."""
        versions = self.policy.versions
        starts = [to_us(datetime.combine(version.valid_from, time(0), self.policy.zone)) for version in versions]
        version = np.maximum(np.searchsorted(starts, rows["measured_at"], "right") - 1, 0)
        judges = np.array([place.room_kind in v.judged_rooms for v in versions])
        return np.asarray(judges[version])
