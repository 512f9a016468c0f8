"""From the registry files to what a customer sees: the own home, and no other."""

from datetime import UTC, datetime, time
from pathlib import Path

import httpx

from tests.acceptance import processes
from tests.acceptance.thermometers import reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making
from tests.acceptance.zone import zone_where_it_is
from tests.conftest import ANSWER_S, Database

FILES = {
    "substations": "code,name,station,lat,lon\nSUB-1,一号站,东城,41.8,123.4\n",
    "buildings": "code,substation,name,address,lat,lon\nB-1,SUB-1,1号楼,安和路1号,41.8,123.4\n",
    "homes": "code,building,unit,class,heat_status,status_since,contract_limit,contract_from,contract_to\n"
    "MINE,B-1,101,multistorey,on,,,,\n"
    "THEIRS,B-1,102,multistorey,on,,,,\n"
    "CONTRACT,B-1,103,bungalow,on,,16.5,,\n",
    "sensors": "id,home,substation,gateway,room,room_kind,interval_s,offset,valid_from,valid_to\n"
    "mine,MINE,,,living room,living,300,0,,\n"
    "theirs,THEIRS,,gate,bedroom,bedroom,300,-0.5,,\n"
    "contract,CONTRACT,,gate,living room,living,300,0,,\n",
}


def write(folder: Path) -> Path:
    """Return the registry as files."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_customer_sees_the_own_home_alone(new_world: Making, plain_database: Database, tmp_path: Path) -> None:
    world = new_world(plain_database)
    world.policy()
    world.settings(zone_where_it_is(time(12), world.folder / "zones").settings)
    folder = write(tmp_path / "registry")
    world.command("registry", "import", str(folder))
    ingest, said = world.start("ingest"), world.thermometers()
    port, _ = world.start_api()
    world.wait_until_heard(said, ingest)
    at = datetime.now(UTC)
    said.say(reading("mine", at, 17.5))
    array = [{"id": "theirs", "ts": at.isoformat(), "temperature": 18.4}, {"id": "contract", "temperature": 16.5}]
    said.send("gate", array)

    customer = world.reader(port, "customer", "MINE")
    dispatcher = world.reader(port, "dispatcher")
    flag = customer.flag("MINE", 5.0)
    mine = customer.get("homes/MINE")
    assert (mine["temperature"], mine["state"], mine["flag"]["id"]) == (17.5, "cold", flag["id"])
    assert [item["temperature"] for item in customer.get("homes/MINE/readings")["items"]] == [17.5]
    assert [item["number"] for item in customer.get("homes/MINE/tickets")["items"]] == [flag["ticket"]]

    theirs = until(lambda: dispatcher.flags("THEIRS"), "the other home is flagged by its offset")[0]
    assert theirs["lowest"] == 17.9
    assert dispatcher.get("homes/CONTRACT")["state"] == "compliant"
    for path in ("", "/readings", "/flags", "/tickets"):
        assert customer.ask(f"homes/THEIRS{path}").status_code == 404
    assert customer.ask(f"tickets/{theirs['ticket']}").status_code == 404
    # A home that is not theirs to see looks like one that is not there.
    assert customer.ask("homes/THEIRS").json() == customer.ask("homes/NOBODY").json()


def test_a_mistake_in_the_registry_changes_nothing_and_names_its_place(
    new_world: Making, plain_database: Database, tmp_path: Path
) -> None:
    world = new_world(plain_database)
    folder = write(tmp_path / "registry")
    file = folder / "homes.csv"
    file.write_text(file.read_text().replace("102,multistorey", "102,castle"))
    done = processes.run(world.environment, "registry", "import", str(folder))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for part in ("homes.csv", "3", "class", "castle"):
        assert part in done.stderr
    assert world.one("SELECT count(*) FROM substation") == 0


def test_a_link_to_the_page_is_printed_and_never_logged(
    new_world: Making, plain_database: Database, tmp_path: Path
) -> None:
    world = new_world(plain_database)
    world.policy()
    world.command("registry", "import", str(write(tmp_path / "registry")))
    port, api = world.start_api()
    world.settings({"HEARTH_PUBLIC_URL": f"http://127.0.0.1:{port}/", "HEARTH_LOG_LEVEL": "debug"})
    until(world.reader(port, "dispatcher").ready, "the API is ready")
    made = world.command("token", "create", "--role", "customer", "--home", "MINE")
    token = made.stdout.strip()
    assert made.stderr.strip() == f"page: http://127.0.0.1:{port}/home?token={token}"
    with httpx.Client(trust_env=False, timeout=ANSWER_S, follow_redirects=True) as browser:
        shown = browser.get(made.stderr.strip().removeprefix("page: "), headers={"Accept-Language": "zh"})
        wrong = browser.get(f"http://127.0.0.1:{port}/home?token={token}x")
    assert (shown.status_code, "1号楼 101" in shown.text, wrong.status_code) == (200, True, 401)
    assert "token" not in str(shown.url)
    assert token not in api.said()
