"""Mappings of peers: what they may open is a matter for the desk, and nothing that needs more than their words."""

import pytest

from domain.errors import RefusedText
from domain.exchange import mapping_file

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
