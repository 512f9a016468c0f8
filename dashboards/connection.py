"""A Grafana reached by its HTTP API: its version, its answers in words, and whether it reaches the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaBadInputError, GrafanaClientError, GrafanaException

from dashboards.look import DATASOURCE, POSTGRES_TYPE
from domain.errors import UsageError

OLDEST = (11, 1)  # the first whose messages can tell the time of the town, and whose rules keep their state
TIMEOUT_S = 15.0
STALE_S = 6.0  # so long may Grafana answer from what a data source was before it was changed
PATIENCE_S = 60.0  # so long may a database take to start and to be migrated
PAUSE_S = 1.0
# Only what the present database account may read, and what the last migration of the schema's first version has made.
PROOF = "SELECT shards FROM ledger_health"


@dataclass(frozen=True)
class Grafana:
    """A Grafana that answers."""

    api: Any  # GrafanaApi, which is untyped
    major: int


@contextmanager
def connect(url: str, token: str | None) -> Iterator[Grafana]:
    """Connect to a Grafana and check its version.

    Raises:
        UsageError: no Grafana there, the token is refused, or the version is too old.
    """
    api: Any = GrafanaApi.from_url(url if url.endswith("/") else url + "/", credential=token, timeout=TIMEOUT_S)
    try:
        yield Grafana(api, _see_version(api))
    finally:
        api.client.s.close()


def _see_version(api: Any) -> int:
    """Return the major version."""
    try:
        info = ask("its version", api.health.check)
    except MissingResource as error:
        raise UsageError(
            f"HEARTH_GRAFANA_URL: not a Grafana, or its path is missing (as in …/grafana): {error}"
        ) from None
    except (AttributeError, ValueError):  # text, or JSON of another kind
        raise UsageError("HEARTH_GRAFANA_URL: not a Grafana") from None
    version = str((info or {}).get("version") or "") if isinstance(info, dict | None) else ""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()) or (int(major), int(minor)) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise UsageError(
            f"HEARTH_GRAFANA_URL: Grafana {version or 'of an unknown version'}: needed is {needed} or later"
        )
    return int(major)


def check_source(api: Any, *, changed: bool, patience_s: float = PATIENCE_S, stale_s: float = STALE_S) -> None:
    """Wait until Grafana reads what Hearth has put into the database.

    Args:
        changed: the data source was changed just now, so an answer may be about what it was before.

    Raises:
        UsageError: it does not, with the last reason.
    """
    begun = time.monotonic()
    if changed:
        time.sleep(stale_s)
    while reason := _unread(api):
        if time.monotonic() - begun > patience_s:
            raise UsageError(f"Grafana does not read the database: {reason}")
        time.sleep(min(PAUSE_S, patience_s / 10))


def _unread(api: Any) -> str | None:
    """Say why Grafana cannot read the database now; None when it can."""
    source = {"type": POSTGRES_TYPE, "uid": DATASOURCE}
    query = {"refId": "A", "datasource": source, "rawSql": PROOF, "rawQuery": True, "format": "table"}
    try:
        with explained("ask the database"):
            try:
                found = api.datasource.health(DATASOURCE)
                if found.get("status") != "OK":
                    return _said(found)
                return _refusal(api.client.POST("/ds/query", json={"queries": [query], "from": "now-1m", "to": "now"}))
            except GrafanaBadInputError as error:  # how it tells of a database that refuses
                return _refusal(error.response)
    except UsageError as error:
        return str(error)


def _refusal(answer: Any) -> str | None:
    """Return what a database said to a query, and what to do about it; None if it answered."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, dict):
        return _said(answer)
    said = next((str(one["error"]) for one in results.values() if one.get("error")), None)
    if said and "does not exist" in said:
        return f"{said} (is this Hearth's database? run hearth migrate)"
    if said and "permission denied" in said:
        return f"{said} (the account has to be a member of hearth_grafana; run hearth migrate after it was made)"
    return said


def get_or_none(call: Callable[[], Any]) -> Any:
    """Get a resource, or None if it is missing."""
    try:
        return ask("a resource", call)
    except MissingResource:
        return None


def ask(what: str, call: Callable[[], Any]) -> Any:
    """Call Grafana and return its answer."""
    with explained(f"read {what}"):
        return call()


class MissingResource(UsageError):
    """Grafana has no such resource."""


class Refused(UsageError):
    """Grafana does not take what it was sent."""


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn Grafana's errors into one line that says what to do."""
    try:
        yield
    except GrafanaException as error:
        raise _in_words(error, doing) from None
    except niquests.exceptions.JSONDecodeError:
        raise UsageError("HEARTH_GRAFANA_URL: the answer is no JSON: not a Grafana, or a proxy before it") from None
    except (niquests.exceptions.RequestException, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"HEARTH_GRAFANA_URL: no answer from a Grafana there: {text}") from None


def _in_words(error: GrafanaException, doing: str) -> UsageError:
    status = error.status_code
    if status == 401:
        return UsageError("HEARTH_GRAFANA_TOKEN: Grafana refuses it: create a new token of a service account")
    if status == 403:
        return UsageError(f"HEARTH_GRAFANA_TOKEN: may not {doing}: the service account needs the role Admin")
    if status == 0:
        return UsageError(f"HEARTH_GRAFANA_URL: no answer within {TIMEOUT_S:g} s, or none at all")
    kind = MissingResource if status == 404 and isinstance(error, GrafanaClientError) else Refused
    return kind(f"Grafana could not {doing}: {status} {_said(error.response)}")


def _said(answer: Any) -> str:
    """Return the text of an answer in one line: of Grafana's own, of a problem (RFC 9457), or of a page."""
    if isinstance(answer, dict):
        answer = next((answer[key] for key in ("message", "detail", "title", "error") if answer.get(key)), answer)
    return " ".join(str(answer).split())[:300]
