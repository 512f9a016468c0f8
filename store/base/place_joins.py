"""The way from a home, a building or a substation up to the station, spelled once for all statements."""

from typing import LiteralString


def place_of(row: LiteralString, home_id: LiteralString | None = None) -> LiteralString:
    """Join home (h), building (b) and substation (u) to a row that names one of them, as a ticket does.

    Args:
        row: the alias of the row.
        home_id: the column of its home, if it is not its own `home_id`.
    """
    home_id = home_id or row + ".home_id"
    return f"""LEFT JOIN home AS h ON h.home_id = {home_id}
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, {row}.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, {row}.substation_id)
"""
