"""Tickets told to peers, on a real database and by HTTP to a process of its own: in order, once, signed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.errors import DiskFull

from alerts.desk.moves import act
from alerts.exchange import outgoing, peers_file
from alerts.exchange.peer_channel import PeerChannel
from alerts.notices.recipients import Recipients
from alerts.notices.sending import Post
from alerts.tickets.docket import Docket, Opening
from domain.tickets import EventKind, NewEvent, TicketClass, TicketSource
from store.exchange import peer_rows
from store.notices import notice_rows
from tests import registry_rows as town
from tests.conftest import Database
from tests.peers import PeerProcess, peer_process, token_file
from tests.peers import peers_file as file_of_peers
from tests.store.company import SEED
from tests.store.desk import MINUTE, ZONE

pytestmark = pytest.mark.plain_only

PAUSE = timedelta(seconds=20)
NO_NUMBER_IS_TAKEN = """
CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'full' USING ERRCODE = 'disk_full'; END$$;
CREATE TRIGGER away BEFORE UPDATE ON peer_case FOR EACH ROW WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION away()
"""
AT_THE_DESK = "SELECT set_config('hearth.everywhere', 'on', false), set_config('hearth.role', 'dispatcher', false)"


@dataclass
class Exchange:
    """A desk with one peer; its clock is the machine's, as signatures are of now."""

    conn: Connection
    peer: PeerProcess
    now: datetime
    post: Post

    def use(self, text: str) -> None:
        """Read a file of peers."""
        peers = peers_file.load(text, "peers")
        channels = {one.addressee: PeerChannel(one, ZONE, lambda: datetime.now(ZONE)) for one in peers.values()}
        self.post.recipients = Recipients(peers=channels)
        outgoing.set_peers(self.conn, SEED, peers, self.now)

    def open(self, ticket_class: TicketClass = TicketClass.LEAK, **data: str) -> int:
        """Open a ticket of the home."""
        ((home,),) = self.rows("SELECT home_id FROM home")
        assert isinstance(home, int)
        with self.conn.transaction():
            docket = Docket(self.conn, SEED, self.now, "desk")
            opening = Opening(
                ticket_class=ticket_class, source=TicketSource.PHONE, priority=2, home_id=home, contact="13800000000",
                data=data,
            )  # fmt: skip
            ticket = docket.open(opening)
            docket.write()
        return ticket

    def let(self, ticket: int, kind: EventKind, **data: str) -> None:
        """Let something happen to a ticket."""
        self.now += MINUTE
        with self.conn.transaction():
            act(self.conn, SEED, NewEvent(ticket, kind, data), self.now, "desk")

    def send(self, rounds: int = 6) -> None:
        """Write and send what is due, in rounds that are a while apart."""
        for _ in range(rounds):
            self.now += PAUSE
            outgoing.write(self.conn, SEED, self.now)
            self.post.turn(self.conn, self.now)
            self.post.finish(self.conn, lambda: self.now)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return rows of a query."""
        return self.conn.execute(statement.encode()).fetchall()


@pytest.fixture
def exchange(database: Database, tmp_path: Path) -> Iterator[Exchange]:
    with (
        database.connect(autocommit=True) as conn,
        peer_process(tmp_path) as peer,
        ThreadPoolExecutor(4) as pool,
    ):
        town.home(conn, "H1")
        post = Post(pool, Recipients(), timedelta(seconds=10), lambda *_: None)
        yield Exchange(conn, peer, datetime.now(ZONE), post)


def test_a_case_is_told_in_order_once_and_signed(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    ticket = exchange.open()
    exchange.let(ticket, EventKind.ACCEPTED)
    exchange.let(ticket, EventKind.REMARK, text="not for others")
    exchange.let(ticket, EventKind.ARRIVED)
    # The first is refused for now, then there is no answer in time, then it is taken; the others wait behind it.
    exchange.peer.plan("503", "200 2", "200", "200", "200")
    exchange.send(5)
    taken = exchange.peer.taken()
    assert [one[0] for one in taken] == [503, 200, 200, 200, 200]
    assert len({one[1] for one in taken[:3]}) == 1  # the same key at each attempt
    events = [one[4] for one in taken[2:]]
    assert [(one["type"], one["subject"]) for one in events] == [
        ("12345.workorder.registered", "T00000001"),
        ("12345.workorder.accepted", "T00000001"),
        ("12345.workorder.processing", "T00000001"),
    ]
    assert [one["sequence"] for one in events] == sorted(one["sequence"] for one in events)
    assert {one["specversion"] for one in events} == {"1.0"}
    assert {one["source"] for one in events} == {"/heat.example"}
    assert events[1]["data"]["status"] == "已签收"
    assert "13800000000" not in str(taken)
    assert "not for others" not in str(taken)
    exchange.send(2)
    assert len(exchange.peer.taken()) == 5
    told = "SELECT state, unsure FROM message ORDER BY message_id"
    assert exchange.rows(told) == [("sent", 1), ("sent", 0), ("sent", 0)]


def test_what_failed_stops_its_case_until_it_is_sent_again_or_passed_over(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    ticket = exchange.open()
    exchange.let(ticket, EventKind.ACCEPTED)
    exchange.peer.plan("302")  # sent elsewhere: that is not followed
    exchange.send(2)
    other = exchange.open()
    exchange.send(1)
    told = "SELECT ticket_id, event, state, detail FROM peer_told ORDER BY message_id"
    assert exchange.rows(told) == [
        (ticket, "opened", "failed", "HTTP 302"),
        (ticket, "accepted", "waiting", None),
        (other, "opened", "sent", None),
    ]
    (key,) = exchange.rows("SELECT key FROM peer_told WHERE state = 'failed'")[0]
    exchange.peer.plan("422")
    # Who is not at the desk changes nothing, whatever way there is.
    assert not peer_rows.send_again(exchange.conn, key, exchange.now, 3600)  # type: ignore[arg-type]
    assert not peer_rows.pass_over(exchange.conn, key, exchange.now)  # type: ignore[arg-type]
    exchange.conn.execute(AT_THE_DESK)
    assert peer_rows.send_again(exchange.conn, key, exchange.now, 3600)  # type: ignore[arg-type]
    exchange.send(2)
    assert [row[2] for row in exchange.rows(told)] == ["failed", "waiting", "sent"]
    assert peer_rows.pass_over(exchange.conn, key, exchange.now)  # type: ignore[arg-type]
    assert not peer_rows.pass_over(exchange.conn, key, exchange.now)  # type: ignore[arg-type]
    exchange.send(1)
    assert [row[2] for row in exchange.rows(told)] == ["passed_over", "sent", "sent"]


def test_an_event_that_cannot_be_written_stops_its_own_case_alone(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    first, second = exchange.open(zh="unlucky"), exchange.open()
    exchange.let(first, EventKind.ACCEPTED)
    exchange.conn.execute("ALTER TABLE message ADD CONSTRAINT no_luck CHECK (body NOT LIKE '%unlucky%')")
    exchange.peer.plan("200", "200", "200")
    exchange.send(3)
    assert [one[4]["subject"] for one in exchange.peer.taken()] == ["T00000002"]
    told = "SELECT ticket_id, state, reason, detail FROM peer_told ORDER BY message_id"
    assert exchange.rows(told) == [
        (first, "failed", "refused", "the message cannot be written: 23514"),
        (second, "sent", None, None),
        (first, "waiting", None, None),
    ]
    ((key,),) = exchange.conn.execute("SELECT key FROM message WHERE state = 'failed'").fetchall()
    exchange.conn.execute(AT_THE_DESK)
    assert peer_rows.pass_over(exchange.conn, key, exchange.now)
    exchange.send(3)
    assert [one[4]["subject"] for one in exchange.peer.taken()] == ["T00000002", "T00000001"]


def test_a_peer_that_asks_to_be_left_alone_is(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    exchange.open()
    exchange.peer.plan("429")
    exchange.send(3)
    assert [one[0] for one in exchange.peer.taken()] == [429]
    exchange.now += timedelta(minutes=10)
    exchange.send(1)
    assert [one[0] for one in exchange.peer.taken()] == [429, 200]


def test_zammad_says_its_number_and_is_told_by_it(exchange: Exchange) -> None:
    text = file_of_peers(
        exchange.peer.port,
        "zammad",
        classes='["leak"]',
        more=f'their_keys = ["long enough"]\n{token_file(exchange.peer.folder)}',
    )
    exchange.use(text)
    ticket = exchange.open(zh="厨房漏水", en="a leak")
    exchange.let(ticket, EventKind.ACCEPTED)
    exchange.send(3)
    first, second = exchange.peer.taken()
    assert first[2:4] == ["POST", "/api/v1/tickets"]
    assert second[2:4] == ["PUT", "/api/v1/tickets/1"]
    assert first[4]["article"]["body"].startswith("厨房漏水 [T00000001] Building ")
    assert second[4]["state"] == "open"
    assert exchange.rows("SELECT number, handle, is_theirs FROM peer_case") == [("70000", "1", False)]


def test_the_number_that_a_peer_says_is_kept_with_the_arrival_or_asked_again(exchange: Exchange) -> None:
    more = f'their_keys = ["long enough"]\n{token_file(exchange.peer.folder)}'
    exchange.use(file_of_peers(exchange.peer.port, "zammad", classes='["leak"]', more=more))
    exchange.open()
    exchange.conn.execute(NO_NUMBER_IS_TAKEN)
    with pytest.raises(DiskFull):
        exchange.send(1)
    assert exchange.rows("SELECT state FROM message") == [("sending",)]
    exchange.conn.execute("DROP TRIGGER away ON peer_case")
    exchange.send(1)
    assert exchange.rows("SELECT m.state, c.number FROM message AS m JOIN peer_case AS c USING (peer_case_id)") == [
        ("sent", "70000")
    ]


def test_what_a_peer_brought_does_not_go_back_and_not_to_another(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    exchange.open(peer="city")
    exchange.open(TicketClass.REPAIR)
    exchange.send(1)
    assert exchange.rows("SELECT * FROM peer_case") == exchange.rows("SELECT * FROM peer_told") == []


def test_a_peer_that_is_taken_out_of_the_file_hears_nothing_more(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port, classes='["leak"]'))
    exchange.open()
    exchange.use('desk = "heat.example"')
    exchange.open()
    exchange.send(1)
    assert exchange.peer.taken() == []
    assert exchange.rows("SELECT state, reason FROM peer_told") == [("failed", "no_channel")]


def test_staff_and_peers_do_not_end_each_other(exchange: Exchange) -> None:
    exchange.use(file_of_peers(exchange.peer.port))
    notice_rows.set_staff(exchange.conn, [], exchange.now)
    assert exchange.rows("SELECT audience, ended_at FROM addressee") == [("peer", None)]
