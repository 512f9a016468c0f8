"""The map below the marks of the desk's map: none, tiles, or a MapLibre style; and what a page may load for it.

A page may ask those servers only that the setting names, or that a style in a file names. A style at an address may
load from its own server alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from domain.datum import Datum

NO_GROUND, OF_GRAFANA, OPEN_STREET_MAP = "none", "grafana", "osm"
OSM_TILES = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
OSM_ATTRIBUTION = "© OpenStreetMap contributors"
PMTILES = "pmtiles://"
LOCAL_PMTILES = re.compile(r"pmtiles://([A-Za-z0-9][A-Za-z0-9._-]*\.pmtiles)")
SEVERAL = re.compile(r"\{([a-z])-([a-z])\}")
FILES = "/desk/map/ground"  # where PMTiles beside a style file are served


@dataclass(frozen=True)
class Basemap:
    """A basemap: its style, or the address of that; the servers it is loaded from; and the datum it is drawn in."""

    style: Mapping[str, Any] | None = None
    address: str | None = None
    origins: tuple[str, ...] = ()
    attribution: str = ""
    datum: Datum = Datum.WGS84
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """True if there is anything to be drawn below the marks."""
        return self.style is not None or self.address is not None


def basemap_of(setting: str, attribution: str, datum: Datum, grafana: str | None = None) -> Basemap:
    """Return the basemap of a setting.

    Raises:
        ValueError: the style in the file is none, or cannot be read.
    """
    found = _found(setting, grafana)
    return replace(found, attribution=attribution or found.attribution, datum=datum)


def _found(setting: str, grafana: str | None) -> Basemap:
    if setting in (NO_GROUND, OF_GRAFANA):
        return Basemap()
    if setting == OPEN_STREET_MAP:
        return replace(_of_tiles(OSM_TILES), attribution=OSM_ATTRIBUTION)
    if "{z}" in setting:
        return _of_tiles(urljoin(f"{grafana}/", setting)) if not setting.startswith("/") or grafana else Basemap()
    if setting.startswith(("http://", "https://")):
        return Basemap(address=setting, origins=(_origin(setting),))
    return read_style(Path(setting))


def _of_tiles(tiles: str) -> Basemap:
    """Return the basemap of a template of tiles; those of TMS count from the south."""
    templates = _of_servers(tiles.replace("{-y}", "{y}"))
    source = {
        "type": "raster",
        "tiles": templates,
        "tileSize": 256,
        "maxzoom": 19,
        "scheme": "tms" if "{-y}" in tiles else "xyz",
    }
    layer = {"id": "ground", "type": "raster", "source": "ground"}
    style = {"version": 8, "sources": {"ground": source}, "layers": [layer]}
    return Basemap(style=style, origins=tuple(dict.fromkeys(_origin(one) for one in templates)))


def _of_servers(tiles: str) -> list[str]:
    """Return a template for each of several servers, which Grafana writes as `{a-c}`."""
    found = SEVERAL.search(tiles)
    if found is None:
        return [tiles]
    return [tiles.replace(found[0], chr(letter)) for letter in range(ord(found[1]), ord(found[2]) + 1)]


def read_style(path: Path) -> Basemap:
    """Read a MapLibre style; PMTiles named without a server are files beside it.

    Raises:
        ValueError: it is none, or cannot be read.
    """
    try:
        style = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(style, dict) or style.get("version") != 8 or not isinstance(style.get("sources"), dict):
        raise ValueError(f"{path} is no MapLibre style of version 8")
    files: dict[str, Path] = {}
    for source in style["sources"].values():
        if isinstance(source, dict) and (named := LOCAL_PMTILES.fullmatch(str(source.get("url", "")))):
            files[named[1]] = path.parent / named[1]
            source["url"] = f"{PMTILES}{FILES}/{named[1]}"
    for one in files.values():
        if not one.is_file():
            raise ValueError(f"{path} names {one.name}, which is not beside it")
    addresses = {text.removeprefix(PMTILES) for text in _addresses(style)}
    origins = {_origin(one) for one in addresses if one.startswith(("http://", "https://"))}
    return Basemap(style=style, origins=tuple(sorted(origins)), files=files)


def _addresses(style: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses that a style names: of sources, glyphs and sprites."""
    places = [style.get("glyphs"), style.get("sprite")]
    for source in style["sources"].values():
        places += [source.get(key) for key in ("url", "data", "tiles", "urls")] if isinstance(source, dict) else []
    for place in places:
        for one in place if isinstance(place, list) else [place]:
            found = one.get("url") if isinstance(one, dict) else one
            if isinstance(found, str):
                yield found


def _origin(address: str) -> str:
    """Return the server of an address as a Content-Security-Policy names it.

    Raises:
        ValueError: the name of the server is none.
    """
    parts = urlsplit(address)
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc):
        raise ValueError(f"{address} has no plain name of a server")
    return f"{parts.scheme}://{parts.netloc}"
