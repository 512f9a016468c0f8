"""All operations of the API, and people who may use them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.policy_file import builtin_text
from store.base.access import Role
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.pictures import encoded

EVERYONE = frozenset(Role)
STAFF = EVERYONE - {Role.CUSTOMER}
DESK = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN})
LEADERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
HOMES = {"home-mine": "North", "home-near": "North", "home-far": "South"}
INSERT_INCIDENT = """
INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at)
SELECT 'cold_homes', substation_id, station, %s, '{}', %s FROM substation WHERE station = %s RETURNING number
"""
INSERT_OUTAGE = """
INSERT INTO outage (kind, stops_heating, reason, begins_at) VALUES ('fault', true, 'a burst pipe', %s)
RETURNING outage_id, number
"""
INSERT_NOTICE = """
WITH told AS (
  INSERT INTO outbox (at, kind, audience, urgent, outage_id) VALUES (%s, 'outage_announced', 'user', true, %s)
  RETURNING outbox_id, at
), who AS (
  INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %s, 'email', 'zh') RETURNING addressee_id
)
INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent) SELECT outbox_id, addressee_id, at, true FROM told, who
"""
INSERT_CASE = """
WITH made AS (
  INSERT INTO ticket (class, state, priority, source, station, opened_at)
  VALUES ('complaint', 'open', 3, 'phone', %(station)s, %(at)s) RETURNING ticket_id, number
), filed AS (
  INSERT INTO case_file (ticket_id, subject, channel, about_station, text, anonymous, opened_at, opened_by)
  SELECT ticket_id, 'conduct', 'phone', %(station)s, 'Nobody came.', false, %(at)s, 'desk' FROM made
)
SELECT number FROM made
"""
INSERT_APPLICATION = """
WITH made AS (
  INSERT INTO ticket (class, state, priority, source, home_id, station, opened_at)
  VALUES ('application', 'open', 4, 'phone', %(home)s, %(station)s, %(at)s) RETURNING ticket_id, number
), filed AS (
  INSERT INTO application (ticket_id, kind, documents) SELECT ticket_id, 'connect', '{identity}' FROM made
), told AS (
  INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
  SELECT ticket_id, 0, %(at)s, kind, 'desk', 'open', data::jsonb
  FROM made, (VALUES ('opened', '{}'), ('contract_offered', '{"contract": "C-1", "terms": "18"}')) AS e (kind, data)
)
SELECT number FROM made
"""
INSERT_SHIFT = """
WITH who AS (
  INSERT INTO staff (name, role, station, sign_in_name, active_from)
  VALUES (%(who)s, 'crew', %(station)s, %(who)s, %(at)s) RETURNING staff_id
), kept AS (
  INSERT INTO rota (station, since) VALUES (%(station)s, %(at)s) ON CONFLICT DO NOTHING
)
INSERT INTO shift (station, staff_id, starts_at, ends_at, changed_at)
SELECT %(station)s, staff_id, %(at)s, %(at)s + interval '1 day', %(at)s FROM who
RETURNING shift_id
"""
INSERT_REQUEST = """
INSERT INTO measurement_request (home_id, reason, asked_at, asked_by, due_at) VALUES (%s, 'asked', %s, 'desk', %s)
"""
INSERT_POINT = """
INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) VALUES (%s, 'living', 'living', 14, %s)
"""
INSERT_FILE = """
WITH large AS (
  INSERT INTO file_content (digest, content) VALUES (sha256(%(content)s), %(content)s)
), small AS (
  INSERT INTO file_content (digest, content) VALUES (sha256(%(small)s), %(small)s)
)
INSERT INTO ticket_file (
  ticket_id, kind, for_user, by_user, media_type, digest, size, original, original_size, width, height, thumbnail, at,
  actor
)
VALUES (
  %(ticket)s, 'photo', true, false, 'image/jpeg', sha256(%(content)s), 1, sha256(%(content)s), 1, 1, 1,
  sha256(%(small)s), %(at)s, 'desk'
)
RETURNING file_id
"""
INSERT_TOKEN = """
INSERT INTO token (hash, role, created_at) VALUES (%(hash)s, 'dispatcher', %(at)s) RETURNING token_id
"""
COMPLAINT = {"class": "complaint", "subject": "conduct", "channel": "phone", "text": "Nobody came."}
MEASURED = {"room": "a", "room_kind": "living", "measured_at": NOW.isoformat(), "celsius": 20, "instrument": "T",
            "measurer": "Z"}  # fmt: skip
DAY = timedelta(days=1)
TOMORROW = {"starts_at": (NOW + DAY).isoformat(), "ends_at": (NOW + 2 * DAY).isoformat()}
RECORD = {"version": "0" * 16, "reason": "notice 17"}  # of another version than the one on record
OUTAGE = {"kind": "fault", "reason": "a burst pipe", "begins_at": NOW.isoformat()}


@dataclass(frozen=True)
class Operation:
    """An operation: the roles that may call it, and how it is called.

    `of` says what the path names, and so whether it can be another's: a key of Town.paths; None: nothing, it is a list
    or public. `body` makes the body for a home. `listed` says whether a list names homes.
    """

    roles: frozenset[Role] | None = EVERYONE  # None: public
    of: str | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: Callable[[str], Any] | None = None
    file: bytes | None = None  # sent as it is
    listed: bool = False
    refusal: int = 403  # the answer to a role that may not call it
    buildings: bool = False  # lists places instead, which are of a station


OPERATIONS = {
    "GET /healthz": Operation(roles=None),
    "GET /readyz": Operation(roles=None),
    "GET /v1/status": Operation(roles=None),
    "GET /v1/seals": Operation(roles=None),
    "GET /v1/seals/keys": Operation(roles=None),
    "GET /v1/problems/{kind}": Operation(roles=None, of="kind"),
    # For platforms alone, whose proof is not a token of the API.
    "POST /v1/uplinks/{source}": Operation(roles=frozenset(), of="platform", body=lambda _: {}, refusal=401),
    "GET /v1/uplinks/{source}": Operation(
        roles=frozenset(), of="platform", query={"msg": "m", "nonce": "n", "signature": "s"}, refusal=401
    ),
    "POST /v1/exchange/{peer}": Operation(roles=frozenset(), of="peer", body=lambda _: {}, refusal=401),
    "GET /v1/homes/{code}/wechat": Operation(roles=EVERYONE - {Role.CREW}, of="home"),
    "POST /v1/homes/{code}/wechat": Operation(roles=EVERYONE - {Role.CREW}, of="home"),
    "DELETE /v1/homes/{code}/wechat": Operation(roles=EVERYONE - {Role.CREW}, of="home"),
    # By the one who has a link; it takes no token.
    "POST /v1/wechat/bindings": Operation(roles=frozenset(), body=lambda _: {"link": "x", "code": "y"}, refusal=401),
    "GET /v1/peers": Operation(roles=DESK),
    "GET /v1/peers/messages": Operation(roles=DESK),
    "GET /v1/peers/refused": Operation(roles=DESK),
    "GET /v1/peers/rates": Operation(roles=LEADERS),
    "POST /v1/peers/messages/{key}/again": Operation(roles=DESK, of="told"),
    "POST /v1/peers/messages/{key}/pass-over": Operation(roles=DESK, of="told"),
    "GET /v1/tickets/{number}/peers": Operation(roles=DESK, of="ticket"),
    "POST /v1/tickets/{number}/peers": Operation(roles=DESK, of="ticket", body=lambda _: {"peer": "city"}),
    "GET /v1/homes": Operation(roles=STAFF, query={"q": "home"}, listed=True),
    "GET /v1/homes/{code}": Operation(of="home"),
    "GET /v1/homes/{code}/refund": Operation(of="home"),
    "GET /v1/homes/{code}/refund-sheets": Operation(of="home"),
    "POST /v1/homes/{code}/refund-sheets": Operation(roles=LEADERS, of="home", body=lambda _: {}),
    "GET /v1/homes/{code}/refund-facts": Operation(roles=DESK, of="home"),
    "POST /v1/homes/{code}/refund-facts": Operation(
        roles=DESK, of="home", body=lambda _: {"kind": "request", "at": NOW.isoformat(), "reference": "paper 1"}
    ),
    "GET /v1/refund-sheets": Operation(roles=LEADERS),
    "GET /v1/refund-sheets/{number}": Operation(of="refund"),
    "GET /v1/refund-sheets/{number}/paper": Operation(of="refund", query={"form": "xlsx"}),
    "POST /v1/refund-sheets/{number}/approval": Operation(roles=LEADERS, of="refund"),
    "GET /v1/refund-payments": Operation(roles=LEADERS),
    "POST /v1/refund-payments": Operation(roles=LEADERS, body=lambda _: {"sheets": ["R00000001"]}),
    "GET /v1/refund-payments/{id}": Operation(roles=LEADERS, of="payment"),
    "POST /v1/homes/{code}/applications": Operation(
        roles=EVERYONE - {Role.CREW}, of="home", body=lambda _: {"kind": "stop", "documents": ["identity"]}
    ),
    "POST /v1/applications": Operation(
        roles=DESK, body=lambda _: {"building": "B-North", "documents": ["drawings"], "area_m2": 900}
    ),
    "GET /v1/applications": Operation(roles=EVERYONE - {Role.CREW}, listed=True),
    "GET /v1/applications/figures": Operation(roles=DESK),
    "GET /v1/applications/{number}": Operation(roles=EVERYONE - {Role.CREW}, of="application"),
    "POST /v1/applications/{number}/signature": Operation(
        roles=frozenset({Role.CUSTOMER}), of="application", body=lambda _: {"offer": 1}
    ),
    "GET /v1/homes/{code}/call": Operation(roles=STAFF, of="home"),
    "GET /v1/homes/{code}/registry": Operation(roles=DESK, of="home"),
    "POST /v1/homes/{code}/registry": Operation(roles=LEADERS, of="home", body=lambda _: RECORD | {"unit": "2"}),
    "POST /v1/homes/{code}/heat": Operation(
        roles=LEADERS, of="home", body=lambda _: RECORD | {"status": "stopped", "since": NOW.isoformat()}
    ),
    "POST /v1/homes/{code}/sensors": Operation(
        roles=DESK, of="home", body=lambda _: RECORD | {"sensor": "new", "since": NOW.isoformat()}
    ),
    "POST /v1/homes/{code}/sensors/end": Operation(
        roles=DESK, of="home", body=lambda home: RECORD | {"sensor": f"sensor-{home}", "at": NOW.isoformat()}
    ),
    "POST /v1/homes/{code}/contacts/reveal": Operation(roles=DESK, of="home", body=lambda _: {"reason": "a call"}),
    "POST /v1/homes/{code}/contacts": Operation(roles=DESK, of="home", body=lambda _: RECORD | {"contacts": []}),
    "GET /v1/tokens": Operation(roles=ADMINS),
    "POST /v1/tokens": Operation(roles=ADMINS, body=lambda _: {"role": "dispatcher", "reason": "a script"}),
    "POST /v1/tokens/{id}/end": Operation(roles=ADMINS, of="token", body=lambda _: {"reason": "it was lost"}),
    "POST /v1/registry/uploads": Operation(
        roles=LEADERS, query={"name": "buildings.csv"}, file=b"code,substation,name\n"
    ),
    "POST /v1/registry/uploads/{sha256}/apply": Operation(
        roles=LEADERS, of="upload", body=lambda _: {"version": "0" * 64, "reason": "list of May"}
    ),
    "GET /v1/seasons": Operation(roles=DESK),
    "GET /v1/holidays": Operation(roles=DESK),
    "POST /v1/rules/drafts": Operation(
        roles=LEADERS, body=lambda _: {"seasons": [{"from": "2025-11-15", "to": "2026-03-20"}]}
    ),
    "POST /v1/rules/trials": Operation(
        roles=LEADERS, body=lambda _: {"from": "2026-01-12", "to": "2026-01-14", "numbers": {"cold_below": 20}}
    ),
    "POST /v1/rules/trials/file": Operation(
        roles=LEADERS, query={"from": "2026-01-12", "to": "2026-01-14"}, file=builtin_text("seed").encode()
    ),
    "GET /v1/homes/{code}/readings": Operation(of="home"),
    "GET /v1/homes/{code}/compliance": Operation(of="home"),
    "GET /v1/homes/{code}/readings.{form}": Operation(of="export"),
    "GET /v1/homes/{code}/compliance.{form}": Operation(of="export"),
    "GET /v1/buildings/{code}/readings.parquet": Operation(roles=LEADERS, of="building"),
    "GET /v1/homes/{code}/evidence": Operation(of="home"),
    "GET /v1/homes/{code}/flags": Operation(of="home"),
    "GET /v1/homes/{code}/tickets": Operation(of="home"),
    "GET /v1/flags": Operation(listed=True),
    "GET /v1/tickets": Operation(listed=True),
    "GET /v1/tickets/{number}": Operation(of="ticket"),
    "GET /v1/map/buildings": Operation(roles=STAFF, buildings=True),
    "GET /v1/map/substations": Operation(roles=STAFF, buildings=True),
    "GET /v1/map/areas": Operation(roles=STAFF),
    "GET /v1/map/unmeasured": Operation(roles=DESK, query={"bbox": "0,0,1,1"}),
    "GET /v1/kpi": Operation(roles=STAFF),
    "GET /v1/kpi/sample": Operation(roles=LEADERS, query={"month": "2026-01"}),
    "GET /v1/insight/score": Operation(roles=STAFF),
    "GET /v1/insight/warnings": Operation(roles=DESK),
    "GET /v1/insight/cases.{form}": Operation(roles=LEADERS, of="kind"),
    "GET /v1/insight/substations": Operation(roles=DESK),
    "GET /v1/insight/causes": Operation(roles=LEADERS),
    "GET /v1/insight/causes/{code}": Operation(roles=DESK, of="home"),
    "GET /v1/insight/unmeasured": Operation(roles=DESK, query={"substation": "S-North"}),
    "GET /v1/supervision": Operation(roles=LEADERS),
    "GET /v1/supervision/late": Operation(roles=LEADERS),
    "GET /v1/kpi/package": Operation(roles=LEADERS, query={"month": "2026-01"}),
    "GET /v1/tickets/{number}/receipt": Operation(of="ticket"),
    "POST /v1/tickets/{number}/events": Operation(
        roles=STAFF, of="ticket", body=lambda home: {"kind": "remark", "remark": "seen"}
    ),
    "POST /v1/tickets/{number}/statements": Operation(
        roles=frozenset({Role.CUSTOMER}), of="ticket", body=lambda home: {"says": "persists"}
    ),
    "GET /v1/causes": Operation(roles=STAFF),
    "POST /v1/tickets/{number}/rating": Operation(
        roles=frozenset({Role.CUSTOMER}), of="ticket", body=lambda home: {"stars": 4}
    ),
    "POST /v1/tickets/{number}/agreement": Operation(
        roles=frozenset({Role.CUSTOMER}), of="ticket", body=lambda home: {"offer": 1, "agreed": True}
    ),
    "POST /v1/tickets/{number}/files": Operation(of="ticket", file=encoded(form="PNG")),
    "GET /v1/tickets/{number}/files": Operation(of="ticket"),
    "GET /v1/tickets/{number}/files/{id}": Operation(of="ticket"),
    "GET /v1/tickets/{number}/files/{id}/thumbnail": Operation(of="ticket"),
    "POST /v1/homes/{code}/tickets": Operation(
        roles=EVERYONE - {Role.CREW}, of="home", body=lambda home: {"class": "leak", "description": "it drips"}
    ),
    "POST /v1/tickets": Operation(
        roles=DESK, body=lambda home: {"class": "leak", "building": f"B-{HOMES[home]}", "description": "in the cellar"}
    ),
    "GET /v1/outages": Operation(listed=True),
    "POST /v1/outages": Operation(roles=DESK, body=lambda home: OUTAGE | {"area": {"buildings": [f"B-{HOMES[home]}"]}}),
    "POST /v1/outages/preview": Operation(
        roles=DESK, body=lambda home: OUTAGE | {"area": {"buildings": [f"B-{HOMES[home]}"]}}
    ),
    "GET /v1/places": Operation(roles=DESK, query={"q": "B-"}),
    "GET /v1/outages/{number}": Operation(of="outage"),
    "POST /v1/outages/{number}/events": Operation(
        roles=DESK, of="outage", body=lambda _: {"kind": "explained", "explanation": "a valve"}
    ),
    "GET /v1/outages/{number}/notices": Operation(roles=DESK, of="outage"),
    "GET /v1/notices": Operation(roles=DESK),
    "GET /v1/unknown-sensors": Operation(roles=DESK),
    "GET /v1/cases": Operation(roles=EVERYONE - {Role.CREW}),
    "GET /v1/cases/{number}": Operation(roles=EVERYONE - {Role.CREW}, of="case"),
    "POST /v1/cases": Operation(roles=EVERYONE - {Role.CREW}, body=lambda home: COMPLAINT),
    "POST /v1/cases/{number}/follow-ups": Operation(
        roles=DESK, of="case", body=lambda home: {"what": "supervised", "note": "n"}
    ),
    "POST /v1/cases/{number}/identity": Operation(
        roles=LEADERS, of="case", body=lambda home: {"reason": "to call them back"}
    ),
    "GET /v1/homes/{code}/measurements": Operation(roles=STAFF, of="home"),
    "POST /v1/homes/{code}/measurements": Operation(roles=STAFF, of="home", body=lambda home: MEASURED),
    "POST /v1/homes/{code}/measurement-requests": Operation(
        roles=DESK, of="home", body=lambda home: {"due_at": NOW.isoformat()}
    ),
    "GET /v1/measurements": Operation(roles=STAFF, listed=True),
    "GET /v1/measurements/due": Operation(roles=STAFF, listed=True),
    "GET /v1/measurements/plan": Operation(roles=STAFF, listed=True),
    # From the first place of all: who may, is told all that happened.
    "GET /v1/homes/{code}/events": Operation(of="home", headers={"Last-Event-ID": "1:1:"}),
    "GET /v1/events": Operation(roles=STAFF, headers={"Last-Event-ID": "1:1:"}, listed=True),
    "GET /v1/tickets/{number}/presence": Operation(roles=STAFF, of="ticket"),
    "GET /v1/rota": Operation(roles=STAFF),
    "GET /v1/rota/load": Operation(roles=STAFF),
    "PUT /v1/rota/stations/{station}": Operation(roles=LEADERS, of="rota", body=lambda _: {"lead": None}),
    "DELETE /v1/rota/stations/{station}": Operation(roles=LEADERS, of="rota"),
    # Planning is also for the station's lead, so a role alone is not refused before what it asks for is read.
    "POST /v1/rota/shifts": Operation(
        roles=LEADERS, body=lambda home: {"station": HOMES[home], "person": 1, "spans": [TOMORROW]}
    ),
    "POST /v1/rota/shifts/{number}/cancel": Operation(roles=LEADERS, of="shift"),
    # For people alone: a token of a machine is nobody who could swap.
    "POST /v1/rota/swaps": Operation(roles=frozenset(), body=lambda _: {"shift": 1, "colleague": 2}),
    "POST /v1/rota/swaps/{number}/answer": Operation(roles=frozenset(), of="shift", body=lambda _: {"agreed": True}),
    "POST /v1/rota/swaps/{number}/withdraw": Operation(roles=frozenset(), of="shift"),
    "POST /v1/rota/calendar": Operation(roles=frozenset()),
    "DELETE /v1/rota/calendar": Operation(roles=frozenset()),
    "GET /v1/incidents": Operation(roles=STAFF),
    "GET /v1/incidents/{number}": Operation(roles=STAFF, of="incident"),
    "GET /v1/incidents/{number}/cause": Operation(roles=STAFF, of="incident"),
    "GET /v1/incidents/{number}/homes": Operation(roles=STAFF, of="incident"),
}


def people_the(api: Api) -> dict[str, dict[str, dict[str, str]]]:
    """Return a home in each place with all that can be asked for; the parameters of paths that lead to it."""
    kinds = ("home", "ticket", "incident", "outage", "kind", "export", "platform", "token", "upload", "building")
    paths: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in (*kinds, "peer", "told")}
    incidents: dict[str, str] = {}
    for code, station in HOMES.items():
        home = town.home(api.conn, code, building=f"B-{station}", station=station)
        sensor = town.sensor(api.conn, home, f"sensor-{code}")
        town.reading(api.conn, sensor, NOW, 19.0)
        town.sensor_now(api.conn, sensor, home, 19.0)
        ticket, number = town.ticket(api.conn, home)
        town.clock(api.conn, ticket, "done", NOW)
        town.flag(api.conn, home, ticket)
        photo = {"content": f"a photo of {code}".encode(), "small": f"a small one of {code}".encode()}
        (file,) = api.conn.execute(INSERT_FILE, {**photo, "ticket": ticket, "at": NOW}).fetchone() or (0,)
        if station not in incidents:
            row = api.conn.execute(INSERT_INCIDENT, (ticket, NOW, station)).fetchone()
            assert row is not None
            incidents[station] = row[0]
        outage, outage_number = api.conn.execute(INSERT_OUTAGE, (NOW,)).fetchone() or (0, "")
        api.conn.execute("INSERT INTO outage_area (outage_id, home_id) VALUES (%s, %s)", (outage, home))
        api.conn.execute(INSERT_NOTICE, (NOW, outage, home))
        (case,) = api.conn.execute(INSERT_CASE, {"station": station, "at": NOW}).fetchone() or ("",)
        values = {"home": home, "station": station, "at": NOW}
        (applied,) = api.conn.execute(INSERT_APPLICATION, values).fetchone() or ("",)
        paths.setdefault("application", {})[code] = {"number": applied}
        api.conn.execute(INSERT_REQUEST, (home, NOW, NOW))
        api.conn.execute(INSERT_POINT, (home, NOW))
        values = {"who": f"person-{len(incidents)}-{len(paths['home'])}", "station": station, "at": NOW}
        (shift,) = api.conn.execute(INSERT_SHIFT, values).fetchone() or (0,)
        paths.setdefault("shift", {})[code] = {"number": str(shift)}
        paths.setdefault("rota", {})[code] = {"station": station}
        paths.setdefault("case", {})[code] = {"number": case}
        paths["outage"][code] = {"number": outage_number}
        paths["home"][code] = {"code": code}
        paths.setdefault("refund", {})[code] = {"number": town.refund(api.conn, home)}
        paid = town.one(api.conn, "SELECT max(refund_payment_id) FROM refund_payment", None)
        paths.setdefault("payment", {})[code] = {"id": str(paid)}
        paths["ticket"][code] = {"number": number, "id": str(file)}
        paths["incident"][code] = {"number": incidents[station]}
        paths["kind"][code] = {"kind": "invalid", "form": "csv"}
        paths["platform"][code] = {"source": "aep"}
        paths["peer"][code] = {"peer": "city"}
        paths["told"][code] = {"key": str(UUID(int=0))}
        row = api.conn.execute(INSERT_TOKEN, {"hash": code.encode(), "at": NOW}).fetchone()
        paths["token"][code] = {"id": str(row[0] if row else 0)}
        paths["upload"][code] = {"sha256": "0" * 64}
        paths["export"][code] = {"code": code, "form": "csv"}
        paths["building"][code] = {"code": f"B-{station}"}
    return paths
