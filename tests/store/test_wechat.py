"""Notices by WeChat: a real HTTP server with the shapes of its interface, and consents that are used up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from alerts.notices.expand import expand, write
from alerts.notices.recipients import Recipients
from alerts.notices.sending import Post
from alerts.notices.wechat import AccessToken, load, shortened
from domain import policy_file
from domain.errors import UsageError
from domain.notices import Audience, NoticeKind, OutboxEntry
from store.notices import outbox, wechat_rows
from store.notices.wechat_rows import WechatBinding, WechatStanding
from tests.api import town
from tests.api.conftest import served_database
from tests.conftest import Database
from tests.store.at_once import until_one_waits
from tests.wechat import Wechat, file, served

pytestmark = pytest.mark.plain_only

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
SEED = policy_file.builtin("seed")
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


@dataclass
class Users:
    """A home whose user is bound to WeChat, and what sends there."""

    conn: Connection
    wechat: Wechat
    home: int
    post: Post
    now: datetime = NOW

    def bind(self, consents: int | None, openid: str = "o-1") -> str | None:
        """Bind an account by a link of its own."""
        digest = str(self.now.timestamp()).encode() + openid.encode()
        assert wechat_rows.link(self.conn, self.home, digest, self.now, self.now + HOUR)
        return wechat_rows.bind(self.conn, digest, WechatBinding(openid, "t1", consents), self.now)

    def tell(self) -> list[tuple[Any, ...]]:
        """Tell the users of the home of an appointment; return the states of all messages."""
        self.now += HOUR
        entry = OutboxEntry(
            NoticeKind.OUTAGE_EXPLAINED, Audience.USER, home_id=self.home, data={"outage": 1, "explanation": "a valve"}
        )
        outbox.put(self.conn, [entry], self.now)
        expand(self.conn, SEED, self.now)
        write(self.conn, SEED, self.now)
        self.post.turn(self.conn, self.now)
        self.post.finish(self.conn, lambda: self.now)
        return self.conn.execute("SELECT state, reason, detail FROM message ORDER BY message_id").fetchall()

    def left(self) -> WechatStanding:
        """Return what is bound."""
        return wechat_rows.of_home(self.conn, self.home)


@pytest.fixture
def users(database: Database) -> Iterator[Users]:
    with database.connect(autocommit=True) as conn, served() as wechat, ThreadPoolExecutor(2) as pool:
        recipients = Recipients(wechat=load(file(wechat.port), "wechat", ZONE))
        post = Post(pool, recipients, timedelta(seconds=30), lambda *_: None)
        yield Users(conn, wechat, town.home(conn), post)


def test_one_time_consents_are_used_up(users: Users) -> None:
    assert users.bind(2) == "B1-101"
    assert users.tell() == users.tell()[:1] == [("sent", None, None)]
    assert users.left() == WechatStanding(1, 0)
    assert len(users.tell()) == 2  # there is no consent left: nothing is tried
    (body, _) = users.wechat.sent
    assert (body["touser"], body["template_id"], set(body["data"])) == ("o-1", "t1", {"thing1", "thing2", "time3"})
    assert body["data"]["time3"] == {"value": "2026-01-15 13:00"}
    assert len(body["data"]["thing2"]["value"]) <= 20
    assert users.wechat.tokens == ["token-0"]  # one for both
    users.bind(1)
    assert users.left() == WechatStanding(1, 1)
    assert len(users.tell()) == 3


@pytest.mark.parametrize(
    ("code", "state", "left"),
    [
        (43101, ("failed", "no_consent", "errcode 43101"), 0),
        (47003, ("failed", "refused", "errcode 47003"), 2),
        (45009, ("waiting", "refused_for_now", "errcode 45009"), 2),
        (-1, ("waiting", "refused_for_now", "errcode -1"), 2),
    ],
)
def test_each_code_has_its_end(users: Users, code: int, state: tuple[str, str, str], left: int) -> None:
    users.bind(2)
    users.wechat.codes = [code]
    assert users.tell() == [state]
    assert users.left() == WechatStanding(1, left)


def test_a_token_that_ended_is_renewed_at_once(users: Users) -> None:
    users.bind(None)
    users.tell()
    users.wechat.tokens.append("made-by-another")
    assert [row[0] for row in users.tell()] == ["sent", "sent"]
    assert users.wechat.tokens[2:] == ["token-2"]
    users.wechat.codes = [42001, 42001]
    assert users.tell()[-1] == ("waiting", "refused_for_now", "errcode 42001")
    assert users.left() == WechatStanding(1, None)  # a long-term consent stays


def test_a_link_binds_once_and_in_time_and_ends_with_all_accounts(users: Users) -> None:
    assert wechat_rows.link(users.conn, users.home, b"l", NOW, NOW + HOUR)
    one = WechatBinding("o-2", "t1", 1)
    assert wechat_rows.bind(users.conn, b"another", one, NOW) is None
    assert wechat_rows.bind(users.conn, b"l", one, NOW + HOUR) is None
    assert wechat_rows.bind(users.conn, b"l", one, NOW) == "B1-101"
    assert wechat_rows.bind(users.conn, b"l", one, NOW) is None
    held = [wechat_rows.link(users.conn, users.home, bytes([n]), NOW, NOW + HOUR) for n in range(11)]
    assert held == [True] * 10 + [False]
    assert wechat_rows.unbind(users.conn, users.home, NOW) == 1
    assert users.left() == WechatStanding(0, 0)
    assert wechat_rows.bind(users.conn, bytes([1]), one, NOW) is None
    assert users.conn.execute("SELECT count(*) FROM person.wechat_user").fetchone() == (0,)
    assert users.tell() == []


def test_a_login_code_is_whose_wechat_says(users: Users) -> None:
    account = users.post.recipients.wechat
    assert account is not None
    assert (account.openid("good", 5), account.openid("bad", 5)) == ("o-1", None)


def test_wechat_is_asked_only_for_a_link_that_holds(database: Database) -> None:
    with served() as wechat, served_database(database) as api:
        account = load(file(wechat.port), "wechat", ZONE)
        api.app.state.surroundings = replace(api.app.state.surroundings, wechat=account)
        town.home(api.conn)
        token = api.token("customer", "B1-101")
        made = api.post("/v1/homes/B1-101/wechat", token).json()["link"]

        def opened(link: str, code: str) -> int:
            return api.client.post("/v1/wechat/bindings", json={"link": link, "code": code}).status_code

        assert (opened("another", "good"), wechat.logins) == (401, [])
        assert (opened(made, "bad"), wechat.logins) == (401, ["bad"])
        assert (opened(made, "good"), opened(made, "good"), wechat.logins) == (201, 401, ["bad", "good"])
        assert api.get("/v1/homes/B1-101/wechat", token).json() == {"accounts": 1, "messages": 1}
        ended = api.client.delete("/v1/homes/B1-101/wechat", headers={"Authorization": f"Bearer {token}"})
        assert (ended.status_code, api.get("/v1/homes/B1-101/wechat", token).json()["accounts"]) == (204, 0)


def test_a_token_is_kept_until_shortly_before_it_ends() -> None:
    asked, clock = iter(["a", "b", "c"]), [0.0]
    token = AccessToken(lambda: (next(asked), 7200.0), lambda: clock[0])
    assert [token.value(), token.value()] == ["a", "a"]
    clock[0] = 6899.0
    assert token.value() == "a"
    clock[0] = 6900.0
    assert token.value() == "b"
    token.drop("a")  # an old one: it has been renewed meanwhile
    assert token.value() == "b"
    token.drop("b")
    assert token.value() == "c"


def test_values_are_cut_to_their_fields() -> None:
    assert shortened("thing1", "x" * 21) == "x" * 19 + "…"
    assert shortened("phrase2", "已完成工作") == "已完成工作"
    assert shortened("thing1", "  ") == "-"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (file(1, 'other = "x"'), "other: is not a known key"),
        (file(1).replace("mini", "maxi"), "kind: must be one of"),
        (file(1).replace("s3cret", ""), "secret: must be"),
        (file(1).replace("127.0.0.1", "wechat.example"), "api: must be https"),
        ("x", "is not"),
    ],
)
def test_a_file_that_is_wrong_names_the_key_and_no_secret(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(text, "wechat", ZONE)
    assert "s3cret" not in str(refused.value)
    assert fault in str(refused.value) or fault == "is not"


def test_who_opens_a_link_while_all_accounts_are_ended_is_ended_too(users: Users, database: Database) -> None:
    assert wechat_rows.link(users.conn, users.home, b"link", NOW, NOW + HOUR)
    with database.connect() as binding, database.connect(autocommit=True) as ending, ThreadPoolExecutor(1) as pool:
        assert wechat_rows.bind(binding, b"link", WechatBinding("o-1", "t1", 1), NOW) == "B1-101"
        ended = pool.submit(wechat_rows.unbind, ending, users.home, NOW)
        until_one_waits(users.conn)
        binding.commit()
        assert ended.result() == 1
    assert users.left() == WechatStanding(0, 0)
    assert wechat_rows.bind(users.conn, b"link", WechatBinding("o-1", "t1", 1), NOW) is None
