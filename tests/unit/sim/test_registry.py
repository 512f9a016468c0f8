import csv
from pathlib import Path

import pytest

from sim.registry import COLUMNS, write_registry
from sim.town import Town

Tables = dict[str, list[dict[str, str]]]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    write_registry(Town(7, 300, 60, epoch_us=0), tmp_path, recordings=True)
    result = {}
    for name, columns in COLUMNS.items():
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            assert tuple(reader.fieldnames or ()) == columns
            result[name] = list(reader)
    return result


def test_every_reference_exists_and_every_code_is_used_once(tables: Tables) -> None:
    codes = {name: [row.get("code") or row["id"] for row in rows] for name, rows in tables.items()}
    assert all(len(names) == len(set(names)) for names in codes.values())
    assert all(code.isascii() for names in codes.values() for code in names)
    assert {row["substation"] for row in tables["buildings"]} == set(codes["substations"])
    assert {row["building"] for row in tables["homes"]} == set(codes["buildings"])
    assert {row["home"] for row in tables["sensors"] if row["home"]} == set(codes["homes"])
    assert {row["substation"] for row in tables["sensors"] if row["substation"]} == set(codes["substations"])


def test_a_sensor_stands_in_one_home_or_one_substation(tables: Tables) -> None:
    for row in tables["sensors"]:
        assert bool(row["home"]) != bool(row["substation"])
        assert bool(row["home"]) == (row["room_kind"] in {"living", "bedroom"}) == bool(row["room"])


def test_the_town_has_homes_of_every_kind(tables: Tables) -> None:
    homes = tables["homes"]
    assert len(homes) == 300 + 8
    assert {row["class"] for row in homes} == {"multistorey", "bungalow", "nonresidential"}
    assert {row["heat_status"] for row in homes} == {"on", "stopped"}
    others = [row for row in homes if row["class"] != "multistorey"]
    assert {bool(row["contract_limit"]) for row in others} == {True, False}
    assert all(bool(row["contract_limit"]) == bool(row["contract_from"]) for row in homes)
    assert {bool(row["gateway"]) for row in tables["sensors"]} == {True, False}


def test_the_recorded_house_can_be_left_out(tmp_path: Path) -> None:
    write_registry(Town(7, 30, epoch_us=0), tmp_path)
    assert "REC" not in (tmp_path / "homes.csv").read_text(encoding="utf-8")
