"""A peer's words, read by its mapping. Whatever comes is bounded, and said to be wrong with its field."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from html import unescape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.exchange import cloud_events
from domain.exchange.bodies import TheirNumbers
from domain.exchange.mapping import (
    PLACEHOLDER,
    CaseField,
    IncomingRules,
    MappingVersion,
    OutgoingRules,
    PeerClocks,
    PeerSays,
)
from domain.instants import bounded

LONGEST = {
    CaseField.NUMBER: 100,
    CaseField.HANDLE: 200,
    CaseField.OUR_NUMBER: 20,
    CaseField.HOME: 100,
    CaseField.ADDRESS: 300,
    CaseField.TEXT: 1500,
    CaseField.CONTACT: 200,
}
MARK = re.compile(r"\[(T\d{8,18})\]", re.ASCII)  # in texts that we write into the interface of a peer
TAG = re.compile(r"<[^<>]{1,300}>")
CUT = frozenset({CaseField.TEXT, CaseField.ADDRESS})  # what is longer is shortened, not refused


class IncomingOutcome(StrEnum):
    """IncomingOutcome of something that a peer sent. Stored with it."""

    OPENED = "opened"  # a ticket
    LINKED = "linked"  # with a ticket that was open there
    NOTED = "noted"
    IGNORED = "ignored"  # nothing that is taken
    REFUSED = "refused"


class NotUnderstood(ValueError):
    """Something that a peer sent cannot be read; says which field is at fault, without its value."""


class IncomingCase(NamedTuple):
    """A peer's words on a case. `says` None: nothing that the mapping takes, but the case itself."""

    theirs: TheirNumbers
    says: PeerSays | None
    at: datetime
    ticket_class: str
    our_number: str | None = None
    home: str | None = None
    address: str = ""
    text: str = ""
    contact: str | None = None
    respond_by: datetime | None = None
    resolve_by: datetime | None = None
    satisfied: bool | None = None
    is_marked: bool = False  # its text has our mark: we wrote it ourselves, or somebody quotes it

    def counted(self, clocks: PeerClocks) -> "IncomingCase":
        """Return it as the beginning of a case: clocks of which the peer names no time run as the mapping says."""
        return self._replace(
            respond_by=self.respond_by or _after(self.at, clocks.respond_within_s),
            resolve_by=self.resolve_by or _after(self.at, clocks.resolve_within_s),
        )


def is_echo(text: str, rules: OutgoingRules, told: Collection[str], place: str) -> bool:
    """Return whether a text with our mark is one that we wrote, and not what somebody says who quotes it.

    Args:
        told: the texts of the ticket's events, as peers may know them.
    """
    known = {"word": {"", *rules.events.values()}, "text": {"", *told}, "place": {"", place}}
    templates = [one.text for asked in (rules.create, rules.update) for one in asked.fields if "[{number}]" in one.text]
    return any(re.fullmatch(_as_filled(one, known), _plain(text)) for one in templates)


def _plain(text: str) -> str:
    """Return a text without the markup that editors of tickets put around it, in one line."""
    return " ".join(unescape(TAG.sub(" ", text)).split())


def _as_filled(template: str, known: Mapping[str, Collection[str]]) -> str:
    """Return an expression of what a template is when it is filled in; spaces are as many as there are."""
    made = ""
    for nth, part in enumerate(PLACEHOLDER.split(template)):
        if nth % 2 == 0:
            made += re.escape(part).replace("\\ ", " *")
        elif part in known:
            made += f"(?:{'|'.join(re.escape(_plain(one)) for one in known[part])})"
        else:
            made += ".{0,300}?"
    return made


class Echo(Exception):
    """An event of our own that came back; there is nothing to do."""


def read(version: MappingVersion, desk: str, value: Any, zone: ZoneInfo, now: datetime) -> IncomingCase:
    """Read what a peer sent.

    Args:
        desk: by which the peers know us.
        value: the parsed body.
        zone: of times without an offset.
    Raises:
        NotUnderstood: names the field.
        Echo: it is from us.
    """
    rules = version.incoming
    if rules is None:
        raise NotUnderstood("the mapping takes nothing from this peer")
    data, word = value, None
    if rules.envelope == "cloudevents":
        try:
            event = cloud_events.read(value)
        except cloud_events.NotAnEvent as error:
            raise NotUnderstood(str(error)) from None
        if event.source == f"/{desk}":
            raise Echo
        data, word = event.data, event.type
    if not isinstance(data, Mapping):
        raise NotUnderstood("the body is no JSON object")
    return _Reader(rules, data, zone, now).case(word)


class _Reader(NamedTuple):
    rules: IncomingRules
    data: Mapping[str, Any]
    zone: ZoneInfo
    now: datetime

    def case(self, word: str | None) -> IncomingCase:
        number = self.text(CaseField.NUMBER)
        if not number:
            raise NotUnderstood(f"{CaseField.NUMBER.value} is missing")
        mark = MARK.search(self.text(CaseField.TEXT))
        return IncomingCase(
            theirs=TheirNumbers(number, self.text(CaseField.HANDLE) or None),
            says=self.says(word),
            # A clock of theirs that is ahead must not make all that follows late.
            at=min(self.time(CaseField.AT) or self.now, self.now),
            ticket_class=self.named(CaseField.CLASS, self.rules.classes) or self.rules.other,
            our_number=self.text(CaseField.OUR_NUMBER) or (mark[1] if mark else None),
            is_marked=mark is not None,
            home=self.text(CaseField.HOME) or None,
            address=self.text(CaseField.ADDRESS),
            text=self.text(CaseField.TEXT),
            contact=self.text(CaseField.CONTACT) or None,
            respond_by=self.time(CaseField.RESPOND_BY),
            resolve_by=self.time(CaseField.RESOLVE_BY),
            satisfied=self.satisfied(),
        )

    def says(self, word: str | None) -> PeerSays | None:
        given = self.text(CaseField.KIND) or word or ""
        for kind, words in self.rules.kinds.items():
            if given in words:
                return PeerSays(kind)
        # A desk that names no openings sends its cases as they are.
        return None if PeerSays.OPENED in self.rules.kinds else PeerSays.SAID

    def satisfied(self) -> bool | None:
        given = self.text(CaseField.SATISFIED)
        if given in self.rules.satisfied:
            return True
        return False if given in self.rules.dissatisfied else None

    def named(self, field: CaseField, words: Mapping[str, tuple[str, ...]]) -> str | None:
        given = self.text(field)
        return next((ours for ours, theirs in words.items() if given in theirs), None)

    def text(self, field: CaseField) -> str:
        value = self.rules.fields[field].of(self.data) if field in self.rules.fields else None
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise NotUnderstood(f"{field.value} is no text")
        text, longest = str(value).strip(), LONGEST.get(field, 200)
        if "\x00" in text or (len(text) > longest and field not in CUT):
            raise NotUnderstood(f"{field.value} is longer than {longest} characters, or has a zero in it")
        if any("\ud800" <= letter <= "\udfff" for letter in text):  # half of a pair: JSON has it, UTF-8 has not
            raise NotUnderstood(f"{field.value} has half a character in it")
        return text[:longest]

    def time(self, field: CaseField) -> datetime | None:
        text = self.text(field)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
            return bounded(at if at.tzinfo else at.replace(tzinfo=self.zone))
        except ValueError:
            raise NotUnderstood(f"{field.value} is no time") from None


def _after(at: datetime, seconds: int | None) -> datetime | None:
    return at + timedelta(seconds=seconds) if seconds is not None else None
