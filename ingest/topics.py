"""Topic filters of MQTT: what they let through, and how two of them relate."""

import re

ONE, REST = "+", "#"
OF_BROKERS = ("$", "$share", "$queue", "$exclusive", "$delayed", "$SYS", "$CONTROL")


def wrong(text: str) -> str | None:
    """Return the fault of a filter, if it has one."""
    levels = text.split("/")
    if not text or "\0" in text or len(text.encode()) > 65_535:
        return "is empty or too long"
    if levels[0] in OF_BROKERS:
        return f"begins with {levels[0]}: how workers share messages, and what a broker tells, is not said here"
    if REST in levels[:-1] or any(len(level) > 1 and (ONE in level or REST in level) for level in levels):
        return "has + or # where MQTT does not allow it"
    return None


def compiled(text: str) -> re.Pattern[str]:
    """Compile a filter to a pattern of its topics; its groups are the values of the wildcards."""
    pattern = "/".join({ONE: "([^/]*)", REST: "(.*)"}.get(level, re.escape(level)) for level in text.split("/"))
    if pattern.endswith("/(.*)"):
        pattern = pattern.removesuffix("/(.*)") + "(?:/(.*))?"  # a/# lets a through, too
    # Wildcards at the beginning do not stand for topics that begin with $.
    return re.compile(rf"(?!\$){pattern}" if text[:1] in (ONE, REST) else pattern, re.DOTALL)


def covers(wide: str, narrow: str) -> bool:
    """Return whether one filter matches every topic of the other."""
    ours, theirs = wide.split("/"), narrow.split("/")
    for nth, level in enumerate(ours):
        if level == REST:
            return True
        if nth >= len(theirs) or theirs[nth] == REST or (level != ONE and level != theirs[nth]):
            return False
    return len(ours) == len(theirs)


def overlap(one: str, other: str) -> bool:
    """Return whether there is a topic that both match."""
    ours, theirs = one.split("/"), other.split("/")
    for mine, yours in zip(ours, theirs, strict=False):
        if REST in (mine, yours):
            return True
        if ONE not in (mine, yours) and mine != yours:
            return False
    longer = max(ours, theirs, key=len)
    return len(ours) == len(theirs) or longer[min(len(ours), len(theirs)) :] == [REST]
