"""Contact points: the addresses that alerts go to, and the text of their messages.

A template has no dollar sign: Grafana expands $NAME in some of the fields of a file and leaves it in others.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from dashboards.look import OWN, Look
from dashboards.words import titles

CONTACT = "Hearth"  # the contact point that rules notify
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
MOST_ALERTS = 5  # robots refuse a long message: WeCom above 4,096 bytes

FIRING = titles.ALERT_FIRING
OVER = titles.ALERT_OVER
IN_ALL = titles.ALERT_IN_ALL
SINCE = titles.ALERT_SINCE
TO_DO = titles.ALERT_TO_DO
LOOK = titles.ALERT_LOOK
FROM_TO = titles.ALERT_FROM_TO
COUNT = titles.ALERT_COUNT


@dataclass(frozen=True)
class ContactPoint:
    """A contact point for Grafana's HTTP API, and how to name it without the key that its address may contain."""

    name: str
    point: dict[str, Any]
    since: int = 0  # the first major version of Grafana that sends it as it is meant


class MessageTemplates:
    """The texts of a message in one language, as Go templates of Grafana's notifications."""

    def __init__(self, look: Look) -> None:
        self._say = look.say
        self._zone = look.zone
        self.language = look.language

    def title(self, pipe: str = "") -> str:
        """Return the template of the title; `pipe`: what to do with the text, such as ` | data.ToJSON`."""
        firing, over = (
            f'{{{{ printf "{self._say(text)}" .CommonLabels.alertname{pipe} }}}}' for text in (FIRING, OVER)
        )
        return f"{{{{ if .Alerts.Firing }}}}{firing}{{{{ else }}}}{over}{{{{ end }}}}"

    def message(self, end: str) -> str:
        """Return the template of the message: place, since when, what to do, where to look. `end`: ends a line."""
        one = end.join(
            [
                "{{ .Annotations.summary }}",
                f"{self._say(SINCE)}{{{{ {self.at('.StartsAt')} }}}}",
                f"{self._say(TO_DO)}{{{{ .Annotations.description }}}}",
                f"{{{{ with .PanelURL }}}}{self._say(LOOK)}{{{{ . }}}}{end}{{{{ end }}}}{end}",
            ]
        )
        rest = f"{{{{ if gt (len .Alerts.Firing) {MOST_ALERTS} }}}}{self._say(IN_ALL) % MOST_ALERTS}{end}{{{{ end }}}}"
        over = self._say(OVER) % "{{ .Annotations.summary }}"
        span = self._say(FROM_TO) % (f"{{{{ {self.at('.StartsAt')} }}}}", f"{{{{ {self.at('.EndsAt')} }}}}")
        return self.each("Firing", one) + rest + self.each("Resolved", f"{over}{end}{span}{end}{end}")

    def each(self, which: str, body: str) -> str:
        """Return a template that repeats a body for the first alerts that are firing or resolved."""
        most = f"slice .Alerts.{which} 0 {MOST_ALERTS}"
        few = f"{{{{ else }}}}{{{{ range .Alerts.{which} }}}}{body}{{{{ end }}}}{{{{ end }}}}"
        return f"{{{{ if gt (len .Alerts.{which}) {MOST_ALERTS} }}}}{{{{ range {most} }}}}{body}{{{{ end }}}}{few}"

    def at(self, instant: str) -> str:
        """Return the expression of an instant in the time of the town."""
        return f'{instant} | tz "{self._zone}" | date "2006-01-02 15:04"'

    def post(self) -> str:
        """Return the template of a whole message in JSON for a robot of Feishu."""
        say, as_json = self._say, " | data.ToJSON"
        words = "{{ .Annotations.summary | data.ToJSON }}"
        since = f'{{{{ {self.at(".StartsAt")} | printf "{say(SINCE)}%s"{as_json} }}}}'
        to_do = f'{{{{ .Annotations.description | printf "{say(TO_DO)}%s"{as_json} }}}}'
        see = say(titles.ALERT_LINK)
        link = f'{{{{ with .PanelURL }}}},[{{"tag":"a","text":"{see}","href":{{{{ .{as_json} }}}}}}]{{{{ end }}}}'
        over = f'{{{{ .Annotations.summary | printf "{say(OVER)}"{as_json} }}}}'
        lines = _line(f'"{say(COUNT)}"') + self.each("Firing", f",{_line(words)},{_line(since)},{_line(to_do)}{link}")
        lines += self.each("Resolved", f",{_line(over)}")
        language = "zh_cn" if self.language == "zh" else "en_us"
        content = f'{{"{language}":{{"title":{self.title(as_json)},"content":[{lines}]}}}}'
        return f'{{"msg_type":"post","content":{{"post":{content}}}}}'


def _line(text: str) -> str:
    """Return a line of text of Feishu's rich messages; `text` is JSON."""
    return f'[{{"tag":"text","text":{text}}}]'


Settings = dict[str, Any]
_HOOKS: Mapping[str, Callable[[str, MessageTemplates], tuple[str, Settings]]] = {
    # Of DingTalk's kinds Grafana knows `link` and `actionCard`; only the latter shows a text of several lines.
    "dingding": lambda url, say: (
        "dingding",
        {
            "url": url,
            "msgType": "actionCard",
            "title": say.title(),
            "message": f"#### {say.title()}\n\n" + say.message("\n\n"),
        },
    ),
    "wecom": lambda url, say: (
        "wecom",
        {"url": url, "msgtype": "markdown", "title": say.title(), "message": say.message("\n")},
    ),
    "feishu": lambda url, say: ("webhook", {"url": url, "httpMethod": "POST", "payload": {"template": say.post()}}),
    "slack": lambda url, say: ("slack", {"url": url, "title": say.title(), "text": say.message("\n")}),
    "teams": lambda url, say: ("teams", {"url": url, "title": say.title(), "message": say.message("\n\n")}),
    "webhook": lambda url, say: (
        "webhook",
        {"url": url, "httpMethod": "POST", "title": say.title(), "message": say.message("\n")},
    ),
}
SINCE_MAJOR = {"feishu": 12}  # a payload of one's own; before, the robot would be sent what it refuses
EXPECTED = ", ".join(
    ["mailto:name@example.org", "https://…", *(f"{kind}+https://…" for kind in _HOOKS if kind != "webhook")]
)


def contact_points(look: Look, addresses: Sequence[str]) -> tuple[list[ContactPoint], list[str]]:
    """Build contact points, all of one name, so that rules reach each of them.

    Args:
        addresses: `mailto:a@b`, `https://…` (a webhook), or prefixed by the kind of robot: `dingding+https://…`.

    Returns:
        Contact points, and what is wrong with addresses that are none: by position, as they may contain keys.
    """
    say, found, wrong = MessageTemplates(look), dict[str, ContactPoint](), list[str]()
    for position, address in enumerate(addresses, start=1):
        if (contact := _contact(address, position, say)) is None:
            wrong.append(f"address {position} of HEARTH_GRAFANA_CONTACTS is of no known kind: expected {EXPECTED}")
        else:
            found[contact.point["uid"]] = contact
    return list(found.values()), wrong


def _contact(address: str, position: int, say: MessageTemplates) -> ContactPoint | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    kind, _, scheme = parts.scheme.rpartition("+")
    if parts.scheme == "mailto":
        kind, target = "email", unquote(parts.path)
        if not all(ADDRESS.fullmatch(one) for one in target.split(";")):
            return None
        # One message for all addressees, and a boolean: text is refused.
        type_, settings = (
            "email",
            {"addresses": target, "singleEmail": True, "subject": say.title(), "message": say.message("\n")},
        )
    elif scheme in ("http", "https") and parts.hostname and (kind or "webhook") in _HOOKS:
        kind, target = kind or "webhook", parts.hostname
        type_, settings = _HOOKS[kind](address.removeprefix(f"{kind}+").replace("$", "%24"), say)
    else:
        return None
    # Grafana returns secrets redacted, so a changed address is detected by its uid.
    uid = OWN + hashlib.sha256(address.encode()).hexdigest()[:16]
    point = {"uid": uid, "name": CONTACT, "type": type_, "settings": settings, "disableResolveMessage": False}
    return ContactPoint(f"{position} of HEARTH_GRAFANA_CONTACTS ({kind}, {target})", point, SINCE_MAJOR.get(kind, 0))
