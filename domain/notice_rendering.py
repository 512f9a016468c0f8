"""Rendering notices: their texts filled in, in the language of the addressee."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.notices import Audience, NoticeKind
from domain.words.notices import COUNTED, DIGEST, MORE, SEPARATOR, STAFF, USER, WORDS

INSTANTS = frozenset({"at", "due_at", "begins_at", "expected_end", "restored_at"})
NOT_KNOWN = "—"
MOST_LINES = 10


class Rendered(NamedTuple):
    """Text of a notice, ready to send."""

    subject: str
    body: str


def audiences(kind: NoticeKind) -> frozenset[Audience]:
    """Return the audiences that there is a text for."""
    staff = {Audience.DISPATCH, Audience.CREW, Audience.SUPERVISOR, Audience.PERSON} if kind in STAFF else set()
    witnesses = {Audience.WITNESS} if kind is NoticeKind.SEAL_PUBLISHED else set()
    return frozenset(staff | witnesses | ({Audience.USER} if kind in USER else set()))


def render(kind: NoticeKind, audience: Audience, language: str, facts: Mapping[str, Any], zone: ZoneInfo) -> Rendered:
    """Render one notice. Unknown facts become a dash; instants are local time.

    Args:
        language: zh or en.
        facts: values by the names of the templates' fields; instants in RFC 3339, or a text in each language.
    """
    wording = (USER if audience is Audience.USER else STAFF)[kind]
    fields = _Fields({name: _shown(name, value, language, zone) for name, value in facts.items() if value is not None})
    subject, body = (getattr(text, language).format_map(fields) for text in wording)
    return Rendered(" ".join(subject.split()), body)


def digest(kinds: Sequence[NoticeKind], first: Sequence[Rendered], language: str) -> Rendered:
    """Render a digest: the number of each kind, and the first few texts.

    Args:
        kinds: of all notices, most urgent first.
        first: the texts of some of them, in the same order.
    """
    counts = [f"{getattr(COUNTED[kind], language)} {count}" for kind, count in Counter(kinds).most_common()]
    lines = [f"- {text.body}" for text in first]
    if more := len(kinds) - len(first):
        lines.append(getattr(MORE, language).format(more=more))
    fields = {
        "count": len(kinds),
        "counts": getattr(SEPARATOR, language).join(counts),
        "lines": "\n".join(lines),
    }
    subject, body = (getattr(text, language).format_map(fields) for text in DIGEST)
    return Rendered(subject, body)


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return NOT_KNOWN


def _shown(name: str, value: Any, language: str, zone: ZoneInfo) -> str:
    if name in INSTANTS:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        try:
            return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        except OverflowError:  # written before instants were bounded
            return NOT_KNOWN
    if isinstance(value, Mapping):  # a text in each language
        return str(value.get(language, NOT_KNOWN))
    word = WORDS.get(name, {}).get(str(value))
    return str(getattr(word, language)) if word else str(value)
