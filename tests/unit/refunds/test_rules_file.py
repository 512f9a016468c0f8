"""Files of refund rules: what is refused, by which key, and the packs with holes."""

import pytest

from domain.errors import UsageError
from domain.refunds import rules_file
from tests.refund_rules import BEGINS

GOOD = BEGINS + "rows = [{below = 16.0, percent = 100}, {below = 18.0, percent = 50}]"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rounding = "half_up"', "", "version[0].rounding: is missing"),
        ("percent = 50", "percent = 50.5", "version[0].rows[1].percent: 50.5 is not a whole number"),
        ("below = 18.0", "below = 15.0", "version[0].rows[1]: must be warmer"),
        ("percent = 50", "percent = 101", "version[0].rows[1].percent: 101 is not between"),
        ('starts = "proof"', 'starts = "proof"\ncap = "12.5"', "version[0].cap: '12.5' is not an amount"),
        ('starts = "proof"', 'starts = "proof"\ndeducts_basic = true', "version[0].basic_percent: is missing"),
        ("rows = [{below = 16.0, percent = 100}, {below = 18.0, percent = 50}]", "rows = []", "there is none"),
    ],
)
def test_a_fault_names_the_key(old: str, new: str, said: str) -> None:
    assert rules_file.load(GOOD, "ours").versions[0].rows[1].percent == 50
    with pytest.raises(UsageError, match="ours: ") as refused:
        rules_file.load(GOOD.replace(old, new), "ours")
    assert said in str(refused.value)


def test_packs_are_whole_or_say_what_is_missing_and_all_say_what_was_not_read() -> None:
    refused = {}
    for name in rules_file.pack_names():
        try:
            rules = rules_file.pack(name)
        except UsageError as error:
            refused[name] = str(error).split(": ")[1]
        else:
            assert rules.name == name
            assert "" not in (rules.read, rules.unread, rules.source)
    assert refused == {"weihai": "version[0].rows", "xian-2018": "version[0].basic_percent"}
    with pytest.raises(UsageError, match="no refund pack 'nowhere'"):
        rules_file.pack("nowhere")
