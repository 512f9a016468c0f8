"""Messages handed over to real servers: what arrives, and which refusals are for good."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from threading import Event
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from alerts.notices import channel
from alerts.notices.channel import Outgoing, addressed, of_url, of_webhook
from domain.notices import NotSent, SendFault
from local.port import LOOPBACK, free_port
from tests.receivers import Box, http_server, smtp_server

MESSAGE = Outgoing(
    UUID("0190f8a0-0000-7000-8000-00000000002a"),
    "新工单 T00000007",
    "花园 3 号楼:室温不达标。",
    datetime(2026, 1, 15, 4, 0, tzinfo=UTC),
)
WAIT_S = 2.0


@pytest.fixture
def mail() -> Iterator[tuple[str, Box]]:
    """The address of somebody at a mail server, and what arrives there."""
    with smtp_server() as (port, box):
        yield f"mailto://{LOOPBACK}:{port}/someone@example.com?from=heat@hearth.example&mode=insecure", box


@pytest.fixture
def hook() -> Iterator[tuple[str, Box]]:
    """The address of a web hook, and what arrives there."""
    with http_server() as (port, box):
        yield f"json://{LOOPBACK}:{port}/hook", box


def refused(url: str) -> NotSent:
    with pytest.raises(NotSent) as caught:
        of_url(url).send(MESSAGE, WAIT_S)
    return caught.value


def test_a_mail_carries_the_key_as_its_id_at_every_attempt(mail: tuple[str, Box]) -> None:
    url, box = mail
    of_url(url).send(MESSAGE, WAIT_S)
    of_url(url).send(MESSAGE, WAIT_S)
    first, second = box.taken
    assert first == second
    assert first.key == f"<{MESSAGE.key}@hearth.example>"
    assert (first.to, first.subject, first.text) == ("someone@example.com", MESSAGE.subject, MESSAGE.body)


@pytest.mark.parametrize(
    ("answer", "fault", "permanent"),
    [
        ("451 4.3.0 later", SendFault.REFUSED_FOR_NOW, False),
        ("554 5.7.1 never", SendFault.REFUSED, True),
    ],
)
def test_a_mail_refused_for_good_is_told_from_one_refused_for_now(
    mail: tuple[str, Box], answer: str, fault: SendFault, permanent: bool
) -> None:
    url, box = mail
    box.answers.append(answer)
    error = refused(url)
    assert (error.fault, error.permanent, error.unsure) == (fault, permanent, False)
    assert error.detail == f"SMTP {answer[:3]}"
    assert box.taken == []


def test_a_mail_to_nobody_is_refused_for_good(mail: tuple[str, Box]) -> None:
    error = refused(mail[0].replace("someone@", "nobody@"))
    assert (error.fault, error.permanent, error.detail) == (SendFault.REFUSED, True, "SMTP 550")


def _until(event: Event) -> None:
    event.wait(WAIT_S)


def test_an_answer_that_does_not_come_leaves_it_unsure(mail: tuple[str, Box]) -> None:
    url, box = mail
    given_up = Event()
    box.before_answer = partial(_until, given_up)
    with pytest.raises(NotSent) as caught:
        of_url(url).send(MESSAGE, 1.0)  # the greeting and the commands before may take that long, too
    given_up.set()
    assert (caught.value.fault, caught.value.permanent, caught.value.unsure) == (SendFault.UNREACHABLE, False, True)
    assert len(box.taken) == 1  # it did arrive


def test_nobody_there_is_for_now() -> None:
    port = free_port()
    error = refused(f"mailto://{LOOPBACK}:{port}/someone@example.com?from=a@b.example&mode=insecure")
    assert (error.fault, error.permanent, error.unsure) == (SendFault.UNREACHABLE, False, False)
    error = refused(f"json://{LOOPBACK}:{port}/hook")
    assert (error.fault, error.permanent) == (SendFault.UNREACHABLE, False)


def test_a_hook_gets_the_key_as_a_header(hook: tuple[str, Box]) -> None:
    url, box = hook
    of_url(url).send(MESSAGE, WAIT_S)
    (taken,) = box.taken
    assert (taken.key, taken.to, taken.subject) == (str(MESSAGE.key), "/hook", MESSAGE.subject)
    assert json.loads(taken.text)["message"] == MESSAGE.body


@pytest.mark.parametrize(
    ("status", "permanent"),
    [("400", True), ("404", True), ("410", True), ("408", False), ("429", False), ("503", False)],
)
def test_a_hook_refuses_for_good_or_for_now(hook: tuple[str, Box], status: str, permanent: bool) -> None:
    url, box = hook
    box.answers.append(status)
    error = refused(url)
    assert (error.permanent, error.detail) == (permanent, f"HTTP {status}")


def test_a_gateway_that_lost_the_answer_leaves_it_unsure(hook: tuple[str, Box]) -> None:
    url, box = hook
    box.answers += ["504", "503"]
    assert [refused(url).unsure, refused(url).unsure] == [True, False]


def test_dingtalk_signs_and_its_refusals_within_an_answer_of_200_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server({"errcode": 0, "errmsg": "ok"}) as (port, box):
        monkeypatch.setattr(NotifyDingTalk, "notify_url", f"http://{LOOPBACK}:{port}/robot?access_token={{token}}")
        url = "dingtalk://SEC000secret@abc123/13800000000"
        of_url(url).send(MESSAGE, WAIT_S)
        (taken,) = box.taken
        posted, query = json.loads(taken.text), parse_qs(urlsplit(taken.to).query)
        assert posted["text"]["content"] == f"{MESSAGE.subject}\n{MESSAGE.body}"
        assert posted["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
        assert query["access_token"] == ["abc123"]
        signed = f"{query['timestamp'][0]}\nSEC000secret".encode()
        expected = base64.b64encode(hmac.new(b"SEC000secret", signed, hashlib.sha256).digest()).decode()
        assert query["sign"] == [expected]
        box.answers += [
            '{"errcode": 310000, "errmsg": "keywords not in content"}',
            '{"errcode": 130101}',
            "502",
            "no json",
        ]
        errors = [refused(url) for _ in range(4)]
        assert [error.permanent for error in errors] == [True, False, False, False]
        assert [error.detail for error in errors] == ["errcode 310000", "errcode 130101", "HTTP 502", "errcode -1"]


def test_wecom_refusals_within_an_answer_of_200_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server({"errcode": 0}) as (port, box):
        monkeypatch.setattr(NotifyWeComBot, "notify_url", f"http://{LOOPBACK}:{port}/send?key={{key}}")
        of_url("wecombot://abc-123").send(MESSAGE, WAIT_S)
        assert json.loads(box.taken[0].text)["text"]["content"] == f"{MESSAGE.subject}\n{MESSAGE.body}"
        box.answers += ['{"errcode": 93000}', '{"errcode": 45009}']
        assert [refused("wecombot://abc-123").permanent for _ in range(2)] == [True, False]
        long = MESSAGE._replace(body="冷" * 3000)
        of_url("wecombot://abc-123").send(long, WAIT_S)
        assert 2000 < len(json.loads(box.taken[-1].text)["text"]["content"].encode()) <= 2048


def test_feishu_goes_through_apprise_and_its_refusals_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server({"code": 0}) as (port, box):
        monkeypatch.setattr(NotifyFeishu, "notify_url", f"http://{LOOPBACK}:{port}/hook/{{token}}/")
        of_url("feishu://abc123").send(MESSAGE, WAIT_S)
        assert MESSAGE.body in json.loads(box.taken[0].text)["content"]["text"]
        box.answers += ['{"code": 9499, "msg": "Bad Request"}', '{"code": 11232, "msg": "slow down"}', "500"]
        errors = [refused("feishu://abc123") for _ in range(3)]
        assert [error.permanent for error in errors] == [True, False, False]


def test_apprise_says_nothing_to_the_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    refused(f"json://user:secret@{LOOPBACK}:{free_port()}/hook")
    assert "secret" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("url", ["", "nonsense", "nonsense://secret", "mailto://", "dingtalk://", "json://"])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="no address that apprise understands") as caught:
        of_url(url)
    assert "secret" not in str(caught.value)


def test_mail_goes_to_one_address() -> None:
    for rest in ("a@x.example/b@x.example?from=h@x.example", "a@x.example?from=h@x.example&cc=c@x.example"):
        with pytest.raises(ValueError, match="one address"):
            of_url(f"mailto://mail.example/{rest}")


def test_users_are_reached_by_the_service_for_their_channel(mail: tuple[str, Box], hook: tuple[str, Box]) -> None:
    by_mail = addressed(mail[0].replace("someone@example.com", "{to}"), "zhang+heat@example.com")
    assert by_mail is not None
    by_mail.send(MESSAGE, WAIT_S)
    assert mail[1].taken[0].to == "zhang+heat@example.com"
    by_hook = of_webhook(hook[0].replace("json://", "http://"))
    assert by_hook is not None
    by_hook.send(MESSAGE, WAIT_S)
    assert hook[1].taken[0].key == str(MESSAGE.key)
    assert of_webhook("file:///etc/passwd") is None
    assert of_webhook("json://somewhere") is None
    assert addressed("mailto://mail.example/{to}?from=h@x.example", "no address") is None


def test_a_channel_does_not_show_its_address() -> None:
    assert "secret" not in repr(of_url("json://user:secret@host.example/hook"))


def test_words_of_apprise_that_say_nothing_are_for_now() -> None:
    error = channel.fault_in("something new")
    assert (error.fault, error.permanent, error.unsure) == (SendFault.UNREACHABLE, False, True)
