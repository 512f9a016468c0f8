"""Tickets exchanged by files: whole or not there, each line once, and what is refused with its reason."""

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg import Connection

from alerts.desk.moves import act
from alerts.exchange import outgoing, peers_file
from alerts.exchange.folders import FolderChannel, as_csv, lines_of, read_folders
from alerts.exchange.peers_file import Peer
from alerts.notices.recipients import Recipients
from alerts.notices.sending import Post
from domain.tickets import EventKind, NewEvent
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import SEED
from tests.store.desk import NOON, ZONE

pytestmark = pytest.mark.plain_only

CASE = {
    "workOrderNo": "SJ-1",
    "operation": "派单",
    "categoryName": "暖气漏水",
    "householdCode": "H1",
    "content": "=漏水",
}


@dataclass
class Folders:
    """A peer with a folder."""

    conn: Connection
    peer: Peer
    folder: Path
    post: Post

    def put(self, name: str, text: str) -> None:
        """Lay a file into the folder."""
        (self.folder / "in").mkdir(exist_ok=True)
        (self.folder / "in" / name).write_text(text, encoding="utf-8")

    def read(self) -> None:
        """Let the round read it."""
        read_folders(self.conn, SEED, {"city": self.peer}, NOON)

    def names(self, part: str) -> list[str]:
        """List a part of the folder."""
        return sorted(one.name for one in (self.folder / part).glob("*"))

    def cases(self) -> list[tuple[object, ...]]:
        """Return the cases."""
        return self.conn.execute("SELECT number, ticket_id FROM peer_case ORDER BY peer_case_id").fetchall()


@pytest.fixture(params=["json", "csv"])
def folders(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Folders]:
    text = f'desk = "heat.example"\n[[peer]]\nname = "city"\nmapping = "hotline-12345"\nfolder = "{tmp_path}"\n'
    with database.connect(autocommit=True) as conn, ThreadPoolExecutor(2) as pool:
        town.home(conn, "H1")
        peers = peers_file.load(f'{text}format = "{request.param}"', "peers")
        outgoing.set_peers(conn, SEED, peers, NOON)
        recipients = Recipients(peers={peer.addressee: FolderChannel(peer, ZONE) for peer in peers.values()})
        post = Post(pool, recipients, timedelta(seconds=30), lambda *_: None)
        yield Folders(conn, peers["city"], tmp_path, post)


def test_lines_count_once_and_what_is_done_is_told(folders: Folders) -> None:
    if folders.peer.format == "json":
        folders.put("a.json", json.dumps([CASE, {**CASE, "workOrderNo": ""}], ensure_ascii=False))
    else:
        lines = [",".join(CASE), ",".join(CASE.values()), ",".join({**CASE, "workOrderNo": ""}.values())]
        folders.put("a.csv", "\ufeff" + "\r\n".join(lines) + "\r\n")
    folders.put(".b.json.part", "half")
    folders.read()
    name = f"a.{folders.peer.format}"
    assert (folders.cases(), folders.names("refused")) == ([("SJ-1", 1)], [name, f"{name}.txt"])
    assert (folders.folder / "refused" / f"{name}.txt").read_text() == "2: number is missing\n"
    (folders.folder / "refused" / name).rename(folders.folder / "in" / name)
    folders.read()
    assert folders.cases() == [("SJ-1", 1)]
    act(folders.conn, SEED, NewEvent(1, EventKind.ACCEPTED, {}), NOON, "desk")
    outgoing.write(folders.conn, SEED, NOON)
    folders.post.turn(folders.conn, NOON)
    folders.post.finish(folders.conn, lambda: NOON)
    (told,) = folders.names("out")
    assert told.startswith("T00000001-00000002-")
    text = (folders.folder / "out" / told).read_text(encoding="utf-8-sig")
    if folders.peer.format == "json":
        assert json.loads(text)["data"]["workOrderNo"] == "SJ-1"
    else:
        ((*names,), (*values,)) = csv.reader(text.splitlines())
        assert dict(zip(names, values, strict=True))["data.workOrderNo"] == "SJ-1"


@pytest.mark.parametrize(("text", "why"), [("{", "cannot be read"), ("[" + "1," * 2000 + "1]", "more than 2000 lines")])
def test_a_file_that_is_none_is_refused_whole(folders: Folders, text: str, why: str) -> None:
    folders.put("x.json", text)
    folders.read()
    assert why in (folders.folder / "refused" / "x.json.txt").read_text()
    assert folders.names("in") == []


def test_a_line_that_cannot_be_read_keeps_no_other_waiting(folders: Folders) -> None:
    folders.put("a.csv", "workOrderNo,operation\r\nSJ-8,派单,one cell more\r\n")
    folders.put("b.json", json.dumps([{**CASE, "content": "\ud800"}, {**CASE, "workOrderNo": "SJ-9"}]))
    folders.read()
    assert [number for number, _ in folders.cases()] == ["SJ-8", "SJ-9"]
    assert (folders.folder / "refused" / "b.json.txt").read_text() == "1: text has half a character in it\n"
    assert folders.names("in") == []


def test_a_line_that_the_database_refuses_keeps_no_other_waiting(folders: Folders) -> None:
    folders.conn.execute("ALTER TABLE peer_case ADD CONSTRAINT no_luck CHECK (1 / (length(number) - 4) > 0)")
    folders.put("a.json", json.dumps([{**CASE, "workOrderNo": "SJ-8"}, {**CASE, "workOrderNo": "SJ-10"}]))
    folders.read()
    assert [number for number, _ in folders.cases()] == ["SJ-10"]
    assert (folders.folder / "refused" / "a.json.txt").read_text() == "1: it cannot be stored: 22012\n"
    assert folders.names("in") == []


def test_a_column_is_a_path_and_a_file_of_the_same_name_is_kept_beside(folders: Folders) -> None:
    (folders.folder / "x.csv").write_text("a.b.0,a.c,d\r\n1,2,3\r\n")
    assert lines_of(folders.folder / "x.csv") == [{"a": {"b": {"0": "1"}, "c": "2"}, "d": "3"}]
    for nth in range(3):
        folders.put("a.json", json.dumps({**CASE, "workOrderNo": f"SJ-{nth}"}))
        folders.read()
    assert folders.names("done") == ["a.2.json", "a.3.json", "a.json"]


def test_a_folder_that_cannot_be_written_keeps_no_peer_waiting(folders: Folders) -> None:
    folders.put("a.json", json.dumps(CASE))
    (folders.folder / "done").write_text("in the way")
    folders.read()
    assert folders.names("in") == ["a.json"]


def test_a_cell_is_no_formula() -> None:
    assert b"'=1+1" in as_csv({"a": {"b": "=1+1"}})
