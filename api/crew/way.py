"""The way to a job: links that open the phone's own map, Amap or Baidu Maps.

Coordinates are WGS 84, which each of the links says: the map services convert them into their own.
"""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from store.base.rows import Row

SRC = "hearth"


class WayLink(NamedTuple):
    """A link to a map; `name` is a key of the words `crew_way_…`."""

    name: str
    address: str


def way_links(place: Row, name: str) -> list[WayLink]:
    """Return the links to a place: to its coordinates, or else a search for its address. The home is in none."""
    where = place["address"] or name
    if place["lat"] is None or place["lon"] is None:
        found = place["address"] or ""
        return [WayLink("geo", f"geo:0,0?q={quote(found)}")] if found else []
    lat, lon = f"{place['lat']:.6f}", f"{place['lon']:.6f}"
    amap = {"to": f"{lon},{lat},{where}", "mode": "car", "coordinate": "wgs84", "src": SRC, "callnative": "1"}
    baidu = {"location": f"{lat},{lon}", "coord_type": "wgs84", "title": where, "content": where, "output": "html",
             "src": SRC}  # fmt: skip
    return [
        WayLink("geo", f"geo:{lat},{lon}?q={lat},{lon}({quote(where)})"),
        WayLink("amap", f"https://uri.amap.com/navigation?{urlencode(amap)}"),
        WayLink("baidu", f"https://api.map.baidu.com/marker?{urlencode(baidu)}"),
    ]
