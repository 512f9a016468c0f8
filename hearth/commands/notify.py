"""`hearth notify`: tell people what they should hear of."""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import structlog
from psycopg import Connection

from alerts.exchange import outgoing
from alerts.exchange.folders import FolderChannel
from alerts.exchange.peer_channel import PeerChannel
from alerts.exchange.peers_file import Peer
from alerts.notices import expand, on_call
from alerts.notices.channel import Sender
from alerts.notices.sending import MOST_AT_ONCE, Post
from domain.policy import Policy
from hearth.figures import database_away, serve
from hearth.logs import set_up_logging
from hearth.metrics import NotifyMetrics
from hearth.rounds import Round, keep_at, turn
from hearth.settings import load
from hearth.wiring import chosen_peers, chosen_policy, chosen_recipients, chosen_wechat, connector, now, stop_on_signal
from store.notices import notice_rows

PAUSE_S = 0.5
SHOW_EVERY_S = 15.0
PEERS_EVERY_S = 15.0  # so soon after midnight a mapping is in force
PEOPLE_EVERY_S = 5.0  # a person who is new, or has another telephone, can be told so soon
log = structlog.get_logger()


def notify() -> None:
    """Send the notices in the outbox to their recipients. Several may run: a message is taken by one of them."""
    settings = load()
    set_up_logging(settings.log_level)
    policy, peers = chosen_policy(settings), chosen_peers(settings)
    channels: dict[str, Sender] = {
        peer.addressee: FolderChannel(peer, policy.zone) if peer.folder else PeerChannel(peer, policy.zone, now)
        for peer in peers.values()
    }
    recipients = dataclasses.replace(chosen_recipients(settings), peers=channels, wechat=chosen_wechat(settings))
    staff = [row for recipient in recipients.staff for row in recipient.rows()]
    metrics = NotifyMetrics()
    if settings.notify_metrics_port:
        serve(settings.notify_metrics_port, metrics.registry, lambda: database_away(connector(settings, "notify")))
    stop = stop_on_signal()
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        post = Post(pool, recipients, timedelta(seconds=settings.notify_lease_s), metrics.count)

        def work(conn: Connection) -> None:
            log.info("sending", staff=len(recipients.staff))
            _work(conn, policy, post, metrics, stop, [_staff(staff), _peers_of_day(policy, peers)])
            post.finish(conn, now)

        keep_at(connector(settings, "notify"), work, stop)


def _staff(staff: Sequence[dict[str, Any]]) -> Round:
    """Tell the database of the staff in the file, once for each connection."""

    def bring(conn: Connection) -> None:
        with conn.transaction():
            notice_rows.set_staff(conn, staff, now())

    return _once_for("staff", lambda: None, bring)


def _peers_of_day(policy: Policy, peers: Mapping[str, Peer]) -> Round:
    """Tell the database of the peers, at first and on each local day: their mappings are dated.

    Not more often: a process that still has the file of before would undo what one with the new file has told.
    """
    return _once_for(
        "file of peers",
        lambda: now().astimezone(policy.zone).date(),
        lambda conn: outgoing.set_peers(conn, policy, peers, now()),
    )


def _once_for(name: str, key: Callable[[], date | None], bring: Callable[[Connection], None]) -> Round:
    """Make a round that brings the database something once for each key, again where it failed."""
    told: list[date | None] = []

    def work(conn: Connection) -> None:
        current = key()
        if told != [current]:
            bring(conn)
            told[:] = [current]

    return Round(name, PEERS_EVERY_S, work)


def _work(
    conn: Connection,
    policy: Policy,
    post: Post,
    metrics: NotifyMetrics,
    stop: threading.Event,
    first: Sequence[Round] = (),
) -> None:
    """Work as long as the connection lasts: what has gone is written down before anything else."""
    rounds = [
        *first,
        Round("send", 0, lambda conn: post.turn(conn, now()) > 0),
        Round("people", PEOPLE_EVERY_S, lambda conn: on_call.set_people(conn, sorted(post.recipients.people), now())),
        Round("call out", PAUSE_S, lambda conn: on_call.call_out(conn, policy, now())),
        Round("expand", PAUSE_S, lambda conn: expand.expand(conn, policy, now())),
        Round("peers", PAUSE_S, lambda conn: outgoing.write(conn, policy, now())),
        Round("write", PAUSE_S, lambda conn: expand.write(conn, policy, now())),
        Round(
            "show",
            SHOW_EVERY_S,
            lambda conn: metrics.show(notice_rows.outbox_depth(conn, now()), notice_rows.health(conn)),
        ),
    ]
    while not stop.is_set():
        if not turn(rounds, conn, time.monotonic):
            stop.wait(PAUSE_S)
