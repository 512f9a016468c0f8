"""Acknowledged ≤ stored or a dead letter ≤ sent, one row for a sensor and an instant."""

from collections import Counter

from tests.simulation.world import World

SELECT = """
SELECT s.code, (extract(epoch FROM r.measured_at) * 1000000)::bigint, r.temperature
FROM reading AS r JOIN sensor AS s USING (sensor_id)
"""
LETTERS = "SELECT topic, payload FROM dead_letter WHERE reason = 'refused'"  # how many: `counted_is_stored`


def found(world: World) -> list[str]:
    """Return readings that are missing, doubled, or were never said."""
    rows = world.stage.admin.execute(SELECT).fetchall()
    stored = {(code, at): celsius for code, at, celsius in rows}
    sendings = world.plan.day.sendings
    lost = {one.number for one in world.broker.lost}
    letters = {(topic, bytes(payload)) for topic, payload in world.stage.admin.execute(LETTERS).fetchall()}
    said = {
        (one.sensor, one.at_us): one.celsius
        for message in world.broker.acknowledged
        for one in sendings[message.number].readings
        if message.number not in lost and (message.topic, message.payload) not in letters
    }
    missing = [f"lost: {code} {at}" for code, at in sorted(said.keys() - stored.keys())]
    sent = {
        (one.sensor, one.at_us) for message in world.broker.acknowledged for one in sendings[message.number].readings
    }
    invented = [f"never said: {code} {at}" for code, at in sorted(stored.keys() - sent)]
    changed = [f"changed: {key}" for key in sorted(said.keys() & stored.keys()) if abs(said[key] - stored[key]) > 1e-4]
    doubled = [f"doubled: {key}" for key, count in Counter((c, a) for c, a, _ in rows).items() if count > 1]
    return missing + invented + changed + doubled
