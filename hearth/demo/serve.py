"""The API of a demo: `hearth api` with doors in front. Run by the demo alone: `python -m hearth.demo.serve FOLDER`."""

import sys
from pathlib import Path

from fastapi import FastAPI

from api.pages.front import FrontDoors
from hearth.demo.door_paths import CODE_PATH, PATHS
from hearth.demo.doors import DemoPeople, DoorKeys, doors, phone_address
from hearth.demo.lan import Threshold, lan_address
from hearth.demo.note import DemoNote
from hearth.serving import serve
from hearth.settings import Settings, load
from sim.layout import STATIONS


def furnish(app: FastAPI, settings: Settings, note: DemoNote) -> None:
    """Put the doors in front of the app, and the threshold for other devices."""
    lan = None if settings.api_host == "127.0.0.1" else lan_address()
    phone = phone_address(lan, settings.api_port, note.key)
    app.state.front_doors = FrontDoors(PATHS, CODE_PATH if phone else None)
    app.state.plain_hosts = frozenset({lan} if lan else ())
    app.include_router(doors(DoorKeys(), DemoPeople(" ".join(STATIONS[0])), phone))
    app.add_middleware(Threshold, key=note.key)


def main() -> None:
    """Serve the demo in a folder."""
    note = DemoNote.read(Path(sys.argv[1]))
    assert note is not None
    settings = load()
    serve(settings, lambda app: furnish(app, settings, note))


if __name__ == "__main__":
    main()
