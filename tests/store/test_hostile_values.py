"""Any value in a message of a known sensor is stored, or refused with a reason of its own; nothing fails."""

from ingest.message import Message
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.written import Work, said
from tests.unit.ingest.hostile import HOSTILE

FIELDS = {
    "s": ("id", "ts", "temperature", "humidity", "battery"),
    "t": ("id", "ts", "supply_temperature", "return_pressure", "flow", "heat_power", "outdoor_temperature"),
}
AT_ONCE = 400
FAILED = "SELECT reason, faults FROM dead_letter WHERE reason IN ('failed', 'refused')"


def hostile() -> list[Message]:
    """Return messages of a room's sensor and of a substation's, with each value in each field."""
    out: list[Message] = []
    for sensor, fields in FIELDS.items():
        for field in fields:
            rest = ", ".join(f'"{name}": 3' for name in ("temperature", "flow") if name != field)
            for value in HOSTILE:
                payload = f'{{{rest}, "{field}": {value}}}'.encode(errors="surrogatepass")
                out.append(said(sensor, payload, len(out)))
    return out


def test_any_value_is_stored_or_refused_with_a_reason_of_its_own(plain_database: Database) -> None:
    messages = hostile()
    with plain_database.connect(autocommit=True) as conn:
        work = Work(conn)
        work.register("s")
        substation = work.one("SELECT max(substation_id) FROM substation")
        town.sensor(conn, "t", None, substation_id=substation)
        for low in range(0, len(messages), AT_ONCE):
            batch = messages[low : low + AT_ONCE]
            assert work.writer.store(conn, work.writer.intake.sort(batch)), "it is stored as it is"
        assert work.rows(FAILED) == []
        assert work.one("SELECT messages FROM ingest_worker") == len(messages)
