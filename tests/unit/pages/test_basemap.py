"""The map that lies below the marks of the desk's map, and the servers that its page may ask for it."""

import json
from pathlib import Path

import pytest

from api.http.basemap import Basemap, basemap_of, read_style
from domain.datum import Datum

TILES = "https://tiles.example:8443/{z}/{x}/{y}.png"


def written(folder: Path, **style: object) -> Path:
    """Write a style; returns its path."""
    path = folder / "style.json"
    path.write_text(json.dumps({"version": 8, "layers": [], "sources": {}, **style}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("setting", "origins"),
    [
        ("none", ()),
        ("grafana", ()),
        ("osm", ("https://tile.openstreetmap.org",)),
        (TILES, ("https://tiles.example:8443",)),
        ("https://{a-b}.tiles.example/{z}/{x}/{-y}.png", ("https://a.tiles.example", "https://b.tiles.example")),
        ("/tiles/{z}/{x}/{-y}.png", ("https://grafana.example",)),
        ("https://styles.example/streets/style.json", ("https://styles.example",)),
    ],
)
def test_a_page_may_ask_the_server_that_the_setting_names(setting: str, origins: tuple[str, ...]) -> None:
    found = basemap_of(setting, "", Datum.GCJ02, "https://grafana.example")
    assert found.origins == origins
    assert found.is_there == bool(origins)
    assert found.datum is Datum.GCJ02


def test_tiles_become_a_style() -> None:
    source = (basemap_of("https://t.example/{z}/{x}/{-y}.png", "© us", Datum.WGS84).style or {})["sources"]["ground"]
    assert source["tiles"] == ["https://t.example/{z}/{x}/{y}.png"]
    assert source["scheme"] == "tms"
    assert basemap_of("osm", "", Datum.WGS84).attribution == "© OpenStreetMap contributors"
    assert basemap_of("osm", "© us", Datum.WGS84).attribution == "© us"


def test_a_style_in_a_file_names_the_servers_of_all_its_parts(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        glyphs="https://fonts.example/{fontstack}/{range}.pbf",
        sprite=[{"id": "a", "url": "https://sprites.example/a"}],
        sources={
            "one": {"type": "vector", "url": "pmtiles://https://archive.example/city.pmtiles"},
            "two": {"type": "raster", "tiles": ["https://a.example/{z}/{x}/{y}", "https://b.example/{z}/{x}/{y}"]},
            "three": {"type": "geojson", "data": {"type": "FeatureCollection", "features": []}},
        },
    )
    names = ("a", "archive", "b", "fonts", "sprites")
    assert read_style(path).origins == tuple(f"https://{name}.example" for name in names)


def test_tiles_beside_the_style_are_served_and_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "city.pmtiles").write_bytes(b"PMTiles")
    found = read_style(written(tmp_path, sources={"city": {"type": "vector", "url": "pmtiles://city.pmtiles"}}))
    assert found == Basemap(style=found.style, files={"city.pmtiles": tmp_path / "city.pmtiles"})
    assert (found.style or {})["sources"]["city"]["url"] == "pmtiles:///desk/map/ground/city.pmtiles"
    outside = read_style(written(tmp_path, sources={"city": {"type": "vector", "url": "pmtiles://../x.pmtiles"}}))
    assert outside.files == {}


@pytest.mark.parametrize("content", ["", "[]", '{"version": 7, "sources": {}}', '{"version": 8, "sources": []}'])
def test_what_is_no_style_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "style.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"style\.json"):
        read_style(path)
    with pytest.raises(ValueError, match="not beside it"):
        read_style(written(tmp_path, sources={"a": {"type": "vector", "url": "pmtiles://away.pmtiles"}}))


@pytest.mark.parametrize(
    "address", ["https://a.example; script-src *//{z}/{x}/{y}", "https://{s}.a.example/{z}/{x}/{y}"]
)
def test_no_address_adds_to_the_policy(address: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        basemap_of(address, "", Datum.WGS84)
