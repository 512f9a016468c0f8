"""A sensor speaks before the registry knows it; once it does, the operator has the letters replayed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.thermometers import reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import Database

REGISTRY = {
    "substations": "code,name,station\nS1,Substation 1,East\n",
    "buildings": "code,substation,name\nB1,S1,Building 1\n",
    "homes": "code,building,class,heat_status\nH1,B1,multistorey,on\n",
    "sensors": "id,home,room,room_kind,interval_s\nt1,H1,living room,living,300\n",
}


def asked(world: World, *arguments: str) -> Any:
    return json.loads(world.command("deadletters", *arguments, "--json").stdout)


def test_letters_of_a_sensor_that_was_registered_late(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    world.policy()
    ingest, said = world.start("ingest"), world.thermometers()
    world.wait_until_heard(said, ingest)
    begin = datetime.now(UTC) - timedelta(minutes=1)
    said.say(*(reading("t1", begin + timedelta(seconds=n), 20.0 + n) for n in range(3)))
    waiting = ("list", "--sensor", "t1", "--reason", "unknown_sensor")
    until(lambda: asked(world, *waiting)["waiting"] == 3, "three letters wait")
    shown = asked(world, *waiting, "--limit", "1")["letters"]
    assert [(x["topic"], x["reason"], x["cut"]) for x in shown] == [("hearth/v1/t1/telemetry", "unknown_sensor", False)]
    for name, text in REGISTRY.items():
        (world.folder / f"{name}.csv").write_text(text)
    world.command("registry", "import", str(world.folder))
    before = asked(world, "replay", "--sensor", "t1", "--dry-run")
    assert world.one("SELECT count(*) FROM reading") == 0
    done = asked(world, "replay", "--sensor", "t1")
    assert (done["taken"], done["replayed"], done["stored"], done["refused"]) == (3, 3, 3, {})
    assert {**before, "dry_run": False} == done
    assert asked(world, "replay", "--sensor", "t1")["taken"] == 0
    assert asked(world, *waiting) == {"waiting": 0, "letters": []}
    assert [r["temperature"] for r in world.rows("SELECT temperature FROM reading ORDER BY measured_at")] == [
        20,
        21,
        22,
    ]
    refused = asked(world, "replay")["refused"]
    assert refused.keys() == {"unknown_sensor"}
    assert "go on waiting: unknown_sensor" in world.command("deadletters", "replay").stdout
    assert "waiting letters" in world.command("deadletters", "list").stdout
    assert asked(world, "purge", "--older-than", "1") == {"purged": 0}
    assert ingest.stop() == 0
