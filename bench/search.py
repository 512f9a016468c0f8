"""Finding a home as one types, among 500,000: what a dispatcher waits for, key by key, on plain PostgreSQL."""

import argparse
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psycopg
from psycopg import Connection
from rich.console import Console

from domain.registry import Contact
from local.postgres import Postgres
from registry.home_search import HomeSearch, find
from registry.place_index import bring_up
from registry.spelling import person_keys, spelt
from store.base import access
from store.base.access import EVERYWHERE
from store.base.migrate import migrate

HOMES, QUICK_HOMES = 500_000, 3_000
HOMES_OF_BUILDING = 54  # 3 entrances, 6 floors, 3 doors
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
SEARCHES, QUICK_SEARCHES = 60, 10  # homes, for each of which nine texts are typed key by key
NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
FIRST = "安和福康宁泰平祥瑞丰华新阳光翠金玉明东南西北"
SECOND = "和里园苑庭湖山河桥林景城源盛兴达远江河岸"
KINDS = ("小区", "花园", "新村", "家园", "公寓", "名苑")
STREETS = ("路", "街", "大街", "巷", "东路", "西路")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红文建国志"
INSERT_HOMES = """
INSERT INTO substation (code, name, station) SELECT 'S' || n, 'S' || n, 'Station ' || n %% 10
FROM generate_series(0, greatest(%(buildings)s / 30, 1) - 1) AS n;
INSERT INTO building (code, substation_id, name, address)
SELECT 'B' || x.nth, u.substation_id, x.name, x.address
FROM unnest(%(names)s::text[], %(addresses)s::text[]) WITH ORDINALITY AS x (name, address, nth)
JOIN substation AS u ON u.code = 'S' || x.nth %% greatest(%(buildings)s / 30, 1)
ORDER BY x.nth;
INSERT INTO home (code, building_id, unit, class)
SELECT
  b.code || '-' || d.door, b.building_id, CASE WHEN b.building_id %% 3 = 0 THEN d.words ELSE d.door END,
  'multistorey'
FROM building AS b CROSS JOIN LATERAL (
  SELECT e || '-' || f || '0' || k AS door, e || '单元' || f || '0' || k AS words
  FROM generate_series(1, 3) AS e, generate_series(1, 6) AS f, generate_series(1, 3) AS k
) AS d
ORDER BY b.building_id, d.door;
INSERT INTO home_status (home_id, since, status) SELECT home_id, '-infinity', 'on' FROM home;
INSERT INTO home_state (home_id, state) SELECT home_id, 2 FROM home ORDER BY home_id;
INSERT INTO addressee (audience, home_id, channel, language)
SELECT 'user', home_id, 'phone', 'zh' FROM home ORDER BY home_id;
"""
COPY_CONTACTS = "COPY person.contact (addressee_id, address, name) FROM STDIN"
COPY_KEYS = "COPY person.search_key (key, kind, addressee_id) FROM STDIN"
SELECT_SOME = """
SELECT h.code, h.unit, b.name, b.address, c.name AS person, c.address AS telephone
FROM home AS h JOIN building AS b USING (building_id) JOIN addressee AS a USING (home_id)
JOIN person.contact AS c USING (addressee_id)
WHERE h.home_id = %s
"""
console = Console(stderr=True)


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    args = parser.parse_args()
    try:
        print(json.dumps(measure(*((QUICK_HOMES, QUICK_SEARCHES) if args.quick else (HOMES, SEARCHES)))))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(homes: int, searches: int) -> dict[str, float]:
    """Return all figures."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        Path(folder).chmod(0o711)
        server = Postgres(Path(folder) / "postgres", settings=SETTINGS)
        try:
            server.start()
            with psycopg.connect(server.url()) as conn:
                migrate(conn)
            with psycopg.connect(server.url()) as conn:
                indexed_s = settle(conn, homes)
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute("VACUUM ANALYZE")
            with psycopg.connect(server.url()) as conn:
                return {"homes": homes, "index_s": round(indexed_s, 1), **take(conn, searches)}
        finally:
            server.remove()


def settle(conn: Connection, homes: int) -> float:
    """Settle homes with a person and a telephone number each; return the seconds that the index took."""
    rng, buildings = Random(1), homes // HOMES_OF_BUILDING + 1
    estates = [f"{a}{b}{kind}" for a in FIRST for b in SECOND for kind in KINDS]
    streets = [f"{a}{b}{kind}" for a in FIRST for b in SECOND for kind in STREETS]
    rng.shuffle(estates)
    rng.shuffle(streets)
    names = [f"{estates[n // 12 % len(estates)]}{n % 12 + 1}号楼" for n in range(buildings)]
    addresses = [f"安和区{streets[n // 20 % len(streets)]}{n // 12 % 200 + 1}号" for n in range(buildings)]
    with psycopg.ClientCursor(conn) as cur:
        cur.execute(INSERT_HOMES.encode(), {"buildings": buildings, "names": names, "addresses": addresses})
    people(conn, rng)
    conn.commit()
    began = time.perf_counter()
    bring_up(conn)
    conn.commit()
    return time.perf_counter() - began


def people(conn: Connection, rng: Random) -> None:
    """Give each home a person with a telephone number."""
    keys = [key for (key,) in conn.execute("SELECT addressee_id FROM addressee ORDER BY addressee_id")]
    named = [rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2)))) for _ in keys]
    numbers = [f"1{rng.randrange(3, 10)}{rng.randrange(10**9):09}" for _ in keys]
    with conn.cursor() as cur, cur.copy(COPY_CONTACTS) as copy:
        for row in zip(keys, numbers, named, strict=True):
            copy.write_row(row)
    with conn.cursor() as cur, cur.copy(COPY_KEYS) as copy:
        for key, number, name in zip(keys, numbers, named, strict=True):
            for kind, found in person_keys(Contact("", "phone", number, "zh", None, None, name)):
                copy.write_row((found, kind, key))


def take(conn: Connection, searches: int) -> dict[str, float]:
    """Type searches key by key; return how long an answer took, ms, and how often the home meant was among them."""
    rng, spent, hits = Random(2), list[float](), Counter[str]()
    row = conn.execute("SELECT max(home_id) FROM home").fetchone()
    assert row is not None
    conn.commit()
    asked = Counter[str]()
    for home in rng.sample(range(1, row[0] + 1), searches):
        some = conn.execute(SELECT_SOME, (home,)).fetchone()
        assert some is not None
        conn.commit()
        for way, text in ways(rng, *some):
            found: Sequence[str] = ()
            for end in range(2, len(text) + 1):
                began = time.perf_counter()
                found = answer(conn, text[:end])
                spent.append(time.perf_counter() - began)
            asked[way] += 1
            hits[way] += some[0] in found
    quantiles = statistics.quantiles(spent, n=1000)
    console.print({way: f"{hits[way]} of {asked[way]}" for way in asked})
    return {
        "searches": len(spent),
        "search_p50_ms": round(quantiles[499] * 1000, 1),
        "search_p99_ms": round(quantiles[989] * 1000, 1),
        "search_longest_ms": round(max(spent) * 1000, 1),
        **{f"found_{way}": round(hits[way] / asked[way], 3) for way in asked},
    }


def answer(conn: Connection, text: str) -> list[str]:
    """Return the homes found, as the API does it: with its role, in a transaction of its own."""
    access.enter(conn, EVERYWHERE)
    found = [row["home"] for row in find(conn, HomeSearch(text, EVERYWHERE, NOW, people=True))]
    conn.rollback()
    return found


def ways(
    rng: Random, code: str, unit: str, name: str, address: str, person: str, telephone: str
) -> Iterator[tuple[str, str]]:
    """Yield what people type for a home."""
    estate, number = name.removesuffix("号楼")[:4], name.removesuffix("号楼")[4:]
    door = unit.replace("单元", "-")
    spelling = spelt(estate)
    yield "code", code.lower()
    yield "telephone", telephone
    yield "name", person
    yield "address", f"{estate}{number}-{door}"
    yield "whole", f"{address}{name}{unit}"
    yield "pinyin", f"{spelling.said} {number}-{door}"
    yield "initials", f"{spelling.initials} {number} {door.replace('-', ' ')}"
    at = rng.randrange(2)  # of the two characters that tell estates apart
    yield "misspelt", f"{estate[:at]}{rng.choice(FIRST + SECOND)}{estate[at + 1 :]} {number}-{door}"
    letter = rng.randrange(len(spelling.said))
    wrong = spelling.said[:letter] + rng.choice("abcdefghijklmnopqrstuvwxyz") + spelling.said[letter + 1 :]
    yield "misspelt_pinyin", f"{wrong} {number}-{door}"


if __name__ == "__main__":
    main()
