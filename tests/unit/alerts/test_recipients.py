"""The file of recipients: what is wrong in it is named, and no address is repeated."""

from typing import Any

import pytest

from alerts.notices.recipients import load
from domain.errors import UsageError
from domain.notices import Audience

FILE = """
[[recipient]]
name = "dispatch room"
audience = "dispatch"
language = "zh"
channels = {group = "dingtalk://abc123", mail = "mailto://mail.example/desk@x.example?from=h@x.example"}

[[recipient]]
name = "crew north"
audience = "crew"
station = "North"
language = "en"
channels = {hook = "json://user:topsecret@host.example/hook"}

[users]
email = "mailtos://hearth:topsecret@mail.example/{to}?from=h@x.example"
"""


def test_it_says_who_is_told_and_how() -> None:
    recipients = load(FILE, "people.toml")
    assert [r.name for r in recipients.staff] == ["dispatch room", "crew north"]
    assert recipients.staff[1].rows() == [
        {"audience": Audience.CREW, "name": "crew north", "station": "North", "language": "en", "channel": "hook"}
    ]
    assert recipients.of_staff("dispatch room", "mail") is not None
    assert recipients.of_staff("dispatch room", "hook") is None
    assert recipients.of_staff("nobody", "mail") is None
    assert recipients.of_user("email", "a@b.example") is not None
    assert recipients.of_user("phone", "13800000000") is None
    assert recipients.of_user("webhook", "https://host.example/x") is not None
    assert "topsecret" not in repr(recipients)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('audience = "dispatch"', 'audience = "user"', "recipient[0].audience: must be one of"),
        ('audience = "dispatch"', 'audience = "crew"', "recipient[0].station: a crew has a station"),
        ('station = "North"', "", "recipient[1].station: a crew has a station"),
        ('station = "North"', "station = 7", "recipient[1].station: must be a text"),
        ('language = "en"', 'language = "fr"', "recipient[1].language: must be one of zh, en"),
        ('name = "crew north"', 'name = "dispatch room"', "the name dispatch room is there twice"),
        ('name = "crew north"', "", "recipient[1].name: must be a text"),
        ('name = "crew north"', 'name = "crew north"\nx = 1', "recipient[1].x: is not a known key"),
        ("json://", "jason://", "recipient[1].channels.hook: jason://… is no address"),
        ('{hook = "json://user:topsecret@host.example/hook"}', "{}", "recipient[1].channels: names no channel"),
        ("{to}", "someone", "users.email: must be a URL with {to}"),
        ("[users]\nemail", "[users]\nfax", "users.fax: is not a known key"),
        ("[users]", "[user]", "user: is not a known key"),
        ("[users]", "[users", "people.toml"),
    ],
)
def test_what_is_wrong_is_named_without_an_address(old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(UsageError) as caught:
        load(FILE.replace(old, new), "people.toml")
    assert said in str(caught.value)
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[users]\n"])
def test_it_may_name_nobody(text: str) -> None:
    recipients = load(text, "people.toml")
    assert (recipients.staff, dict(recipients.users)) == ((), {})


@pytest.mark.parametrize("text", ["recipient = 7", "recipient = [7]", "users = 7", "[[recipient]]\nname = 7"])
def test_it_is_no_other_shape(text: Any) -> None:
    with pytest.raises(UsageError, match=r"people\.toml: "):
        load(text, "people.toml")
