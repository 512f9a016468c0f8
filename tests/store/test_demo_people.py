"""The past of a demo is made by the product itself: all invariants hold, and there is something of everything."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pydantic import SecretStr

from hearth.demo import past
from hearth.demo.calls import Caller, of_past, of_story
from hearth.demo.staff import Staff
from hearth.demo.stand import policy_for_today
from hearth.settings import Settings
from hearth.town import write_town
from hearth.wiring import chosen_policy
from registry.importing import import_folder
from sim import story
from sim.registry import Slower
from sim.town import Town
from store.base import access
from store.evidence import invariants
from store.tickets import ticket_pages
from tests.conftest import Database

pytestmark = pytest.mark.plain_only
UNTIL = datetime(2026, 1, 20, 6, tzinfo=UTC)
BEGIN = UNTIL - timedelta(days=7)
ZONE, SEED, HOMES = ZoneInfo("Asia/Shanghai"), 1, 80


@pytest.mark.slow
def test_a_past_is_lived_through(database: Database, tmp_path: Path) -> None:
    rules = tmp_path / "policy.toml"
    rules.write_text(policy_for_today(UNTIL.year))
    settings = Settings(database_url=SecretStr(database.url), policy=rules)
    policy = chosen_policy(settings)
    write_town(Town(SEED, HOMES, 60, epoch_us=0), tmp_path / "registry", Slower(past.PAST_INTERVAL_S, UNTIL))
    with psycopg.connect(database.url, options="-c timezone=UTC") as conn:
        import_folder(conn, tmp_path / "registry", ZONE, UNTIL)
    lived, staff = past.past_of(SEED, HOMES, (BEGIN, UNTIL), ZONE), Staff(policy)
    people = past.People(staff, Caller(policy, of_past(lived.town, BEGIN, UNTIL)))
    seen: list[datetime] = []

    def tell(at: datetime) -> bool:
        seen.append(at)
        return True

    with psycopg.connect(database.url, autocommit=True, options="-c timezone=UTC -c synchronous_commit=off") as conn:
        assert past.live_through(conn, lived, settings, people, tell)
        told = story.tell(SEED, HOMES, 60, int(UNTIL.timestamp() * 1_000_000))
        assert told is not None
        first = Caller(policy, of_story(told, UNTIL))
        first.call(conn, UNTIL + timedelta(minutes=5), live=True)
        assert (seen[-1], first.left) == (UNTIL, 0)
        assert not any(invariants.violations(conn).values())
        tickets = ticket_pages.tickets(conn, access.EVERYWHERE, ticket_pages.TicketFilter(now=UNTIL), limit=1_000)
        (days,) = conn.execute("SELECT count(DISTINCT day) FROM ledger_day").fetchone() or (0,)
        outages = Counter(row[0] for row in conn.execute("SELECT restored_at IS NULL FROM outage"))
    assert days >= 7
    assert {"cold", "leak", "complaint", "device"} <= {ticket["class"] for ticket in tickets}
    assert {"closed"} < {ticket["state"] for ticket in tickets}
    clocks = [clock for ticket in tickets for clock in ticket["clocks"]]
    late = sum(clock["breached_at"] is not None for clock in clocks)
    assert 0 < late < len(clocks) / 2  # most of the work is in time
    assert outages[True] >= 1  # tomorrow's
    assert outages[False] >= 1


def test_a_past_that_is_not_wanted_any_more_is_left(database: Database, tmp_path: Path) -> None:
    rules = tmp_path / "policy.toml"
    rules.write_text(policy_for_today(UNTIL.year))
    settings = Settings(database_url=SecretStr(database.url), policy=rules)
    policy = chosen_policy(settings)
    people = past.People(Staff(policy), Caller(policy, []))
    lived = past.past_of(SEED, 4, (BEGIN, UNTIL), ZONE)
    with psycopg.connect(database.url, autocommit=True, options="-c timezone=UTC") as conn:
        assert not past.live_through(conn, lived, settings, people, lambda at: False)
