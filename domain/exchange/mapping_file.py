"""Reading a mapping from TOML, strict, by the types in domain/exchange/mapping.py."""

import re
from importlib.resources import files

from domain.errors import Fault
from domain.exchange.mapping import (
    MOST_STEPS,
    OUTGOING,
    PLACEHOLDER,
    CaseField,
    FieldTemplate,
    IncomingRules,
    JsonPath,
    MappingVersion,
    PeerMapping,
)
from domain.printable import shortened
from domain.toml_file import ShippedFiles, check_versions, parsed
from domain.toml_table import TomlFault, TomlForm, TomlReader
from domain.words import faults
from domain.words.text import listed

PACKS = ShippedFiles(files("domain.exchange") / "packs", "mapping")
_STEP = re.compile(r"[^.\s{}]{1,100}")


def load(text: str, source: str) -> PeerMapping:
    """Parse a mapping.

    Args:
        text: the TOML.
        source: its name in errors.
    Raises:
        RefusedText: names the source and the key.
    """
    mapping: PeerMapping = TomlReader(source, FORM).table(PeerMapping, parsed(text, source))
    return mapping


def pack(name: str) -> PeerMapping:
    """Load one of the mappings that come with Hearth.

    Raises:
        UsageError: no such mapping.
    """
    return load(PACKS.text(name), f"mapping {name}")


def path(text: str) -> JsonPath:
    """Read a path such as `ticket.article.0.body`.

    Raises:
        Fault: it is none.
    """
    steps = tuple(text.split("."))
    if len(steps) > MOST_STEPS or not all(_STEP.fullmatch(step) for step in steps):
        raise Fault(faults.NOT_A_PATH.fill(given=shortened(text)))
    return JsonPath(steps)


def template(text: str) -> FieldTemplate:
    """Read a field such as `ticket.title = {title}`.

    Raises:
        Fault: it is none, or names a placeholder that there is not.
    """
    where, sign, what = text.partition("=")
    if not sign:
        raise Fault(faults.NOT_A_FIELD.fill(given=shortened(text)))
    for name in PLACEHOLDER.findall(what):
        if name not in OUTGOING:
            raise Fault(faults.NOT_ONE_OF.fill(given=shortened(name), words=listed(OUTGOING)))
    return FieldTemplate(path(where.strip()), what.strip())


def _mapping(made: PeerMapping) -> PeerMapping:
    check_versions(made.versions)
    return made


def _incoming(made: IncomingRules) -> IncomingRules:
    if CaseField.NUMBER not in made.fields:
        raise TomlFault("fields.number", faults.KEY_MISSING)
    return made


FORM = TomlForm(
    keys={PeerMapping: {"versions": "version"}, MappingVersion: {"incoming": "in"}},
    parsers={JsonPath: path, FieldTemplate: template},
    checks={PeerMapping: _mapping, IncomingRules: _incoming},
)
