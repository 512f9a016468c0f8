"""Reading refund rules from TOML, strict, by the types in domain/refunds/rules.py.

A pack is such a file that comes with Hearth. Where its source was not read to the end it has a hole, and is refused
until the utility has filled it in a copy of its own: money is never computed from a number that nobody has read.
"""

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

from domain.errors import Fault
from domain.printable import shortened
from domain.refunds.rules import Money, RefundRow, RefundRules, RefundVersion
from domain.toml_file import ShippedFiles, check_versions, parsed
from domain.toml_table import TomlFault, TomlForm, TomlReader
from domain.words import faults

PACKS = ShippedFiles(files("domain.refunds") / "packs", "refund pack")
_MONEY = re.compile(r"(\d{1,8})(?:\.(\d\d))?", re.ASCII)


def money(text: str) -> Money:
    """Read an amount such as 45 or 45.00 as smallest units.

    Raises:
        Fault: it is none.
    """
    match = _MONEY.fullmatch(text)
    if not match:
        raise Fault(faults.NOT_MONEY.fill(given=shortened(text)))
    return Money(int(match[1]) * 100 + int(match[2] or 0))


def load(text: str, source: str) -> RefundRules:
    """Parse refund rules.

    Args:
        text: the TOML.
        source: its name in errors.
    Raises:
        RefusedText: names the source and the key.
    """
    rules: RefundRules = TomlReader(source, FORM).table(RefundRules, parsed(text, source))
    return replace(rules, text=text)


def pack(name: str) -> RefundRules:
    """Load one of the packs that come with Hearth.

    Raises:
        UsageError: no such pack, or one with a hole.
    """
    return load(PACKS.text(name), f"refund pack {name}")


def pack_names() -> list[str]:
    """List the packs that come with Hearth."""
    return PACKS.names()


def _rules(made: RefundRules) -> RefundRules:
    check_versions(made.versions)
    return made


def _version(made: RefundVersion) -> RefundVersion:
    if not made.rows and made.outage is None and made.fine is None:
        raise TomlFault("rows", faults.NONE_THERE)
    for at, (colder, warmer) in enumerate(pairwise(made.rows), 1):
        if colder.below_celsius >= warmer.below_celsius or colder.percent < warmer.percent:
            raise TomlFault(f"rows[{at}]", faults.ROWS_FALL)
    if made.deducts_basic and not made.basic_percent:
        raise TomlFault("basic_percent", faults.KEY_MISSING)
    return made


FORM = TomlForm(
    keys={
        RefundRules: {"versions": "version", "text": ""},
        RefundRow: {"below_celsius": "below"},
    },
    parsers={Money: money},
    checks={RefundRules: _rules, RefundVersion: _version},
)
