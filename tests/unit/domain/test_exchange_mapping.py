"""Mappings of peers: what they may open is a matter for the desk, and nothing that needs more than their words."""

import pytest

from domain.errors import RefusedText
from domain.exchange import mapping_file
from domain.exchange.incoming import is_echo

TEXT = mapping_file.PACKS.text("hotline-12345")


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ('other = "application"', "in.other: 'application' is not one of cold, leak, repair, complaint"),
        ('other = "report"', "in.other: 'report' is not one of cold, leak, repair, complaint"),
    ],
)
def test_a_peer_opens_no_application_and_no_report(key: str, fault: str) -> None:
    with pytest.raises(RefusedText, match=fault):
        mapping_file.load(TEXT.replace('other = "repair"', key), "its mapping")
    assert mapping_file.load(TEXT, "its mapping").versions


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("[T00000001] B1 1", True),
        ("answered We come\ntomorrow. [T00000001]", True),
        ("on site [T00000001]", True),
        ('<div class="ql-editor"><p>We come</p><p>tomorrow. [T00000001] B1 1</p></div>', True),
        ("It floods!\n> answered We come tomorrow. [T00000001]", False),
        ("<p>It floods!</p><blockquote>answered We come tomorrow. [T00000001]</blockquote>", False),
        ("[T00000001] It floods!", False),
        ("on site, and gone [T00000001]", False),
    ],
)
def test_what_we_wrote_is_told_from_what_quotes_it(text: str, is_ours: bool) -> None:
    rules = mapping_file.pack("zammad").versions[0].out
    assert rules is not None
    assert is_echo(text, rules, ["We come\ntomorrow."], "B1 1") is is_ours
