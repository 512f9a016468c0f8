"""A small dossier, and ways to rewrite it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from domain.refunds.season import DAYS, DayReason
from domain.refunds.sheet import rows_digest
from papers.dossier.bundle import DossierWriter
from store.evidence.signing import SigningKey

STATE = {
    "readings": 3, "last_measured_at": "2026-01-14T01:10:00.000000Z", "last_received_at": "2026-01-14T01:10:01.000000Z",
    "ledger_days": 2, "open_days": 0, "counted_to": "2026-01-15T16:00:00.000000Z", "events": 3,
    "last_event_at": "2026-01-14T02:00:00.000000Z",
}  # fmt: skip
READINGS = """sensor,room,room_kind,measured_at,received_at,raw,offset,temperature,quality,judged
"a","living","living","2026-01-14T01:00:00.000000Z","2026-01-14T01:00:01.000000Z",17.996,0.25,18.246,"good",true
"a","living","living","2026-01-14T01:05:00.000000Z","2026-01-14T01:05:01.000000Z",,0.25,,"absent",false
"a","living","living","2026-01-14T01:10:00.000000Z","2026-01-14T01:10:01.000000Z",17.1,0.25,17.35,"good",true
"""
LEDGER = """\
day,compliant_s,cold_s,severe_s,unknown_s,not_judged_s,shortfall_s,min,mean,kelvin_hours,policy,closed,recount
2026-01-14,75600.5,0,0,10799.5,0,3600,17.35,18,0,"seed@2020-01-01",true,"same"
2026-01-15,86400,0,0,0,0,0,18.2,18.3,0,"seed@2020-01-01",true,"same"
"""
GAPS = """from,to,seconds
"2026-01-14T02:00:00.000000Z","2026-01-14T04:59:59.500000Z",10799.5
"""


def events() -> list[dict[str, Any]]:
    """Return a chain whose middle is withheld."""
    chain, previous = list[dict[str, Any]](), ""
    for seq, kind in enumerate(("opened", "remark", "closed"), 1):
        at, state = 1_768_356_000_000_000 + seq, "closed" if kind == "closed" else "open"
        canonical = json.dumps([7, seq, at, kind, "hearth", state, {"zh": "冷"}], ensure_ascii=False)
        digest = hashlib.sha256(bytes.fromhex(previous) + canonical.encode()).hexdigest()
        shown = {
            "shown": "whole", "at": f"2026-01-14T02:00:00.00000{seq}Z", "kind": kind, "actor": "hearth", "state": state,
            "data": {"zh": "冷"}, "canonical": canonical,
        }  # fmt: skip
        told = {"shown": "withheld"} if kind == "remark" else shown
        seal = 4 if seq < 3 else None
        chain.append(
            {"ticket": "T00000007", "seq": seq, **told, "event_id": 40 + seq, "seal": seal,
             "previous": previous or None, "hash": digest}
        )  # fmt: skip
        previous = digest
    return chain


def lines(chain: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in chain).encode()


def seal() -> dict[str, Any]:
    at_us, digest, previous = 1_768_356_060_000_000, "ab" * 32, "cd" * 32
    told = f"{at_us}|42|5|".encode()
    hashed = hashlib.sha256(bytes.fromhex(previous) + told + bytes.fromhex(digest)).hexdigest()
    return {"number": 4, "at": "2026-01-14T02:01:00.000000Z", "after": 37, "upto": 42, "events": 5, "digest": digest,
            "previous": previous, "hash": hashed}  # fmt: skip


def refund() -> dict[str, Any]:
    """Return a refund sheet of two days, one of which gives money back."""
    rows, inputs = np.zeros(2, DAYS), hashlib.sha256(b"facts").digest()
    rows[1] = (DayReason.COLD, 0, 50, 800, 800)
    warm = {"day": "2025-11-15", "reason": "warm", "row": 0, "percent": 0, "amount": "0.00", "would": "0.00"}
    cold = {**warm, "day": "2025-11-16", "reason": "cold", "percent": 50, "amount": "8.00", "would": "8.00"}
    return {"number": "R00000001", "season": "2025-11-15", "upto": "2025-11-17", "total": "8.00",
            "inputs": inputs.hex(), "digest": rows_digest(inputs, rows).hex(), "days": [warm, cold]}  # fmt: skip


def contents() -> dict[str, bytes]:
    """Return the files of a dossier that is in order."""
    chain = events()
    ticket = {"number": "T00000007", "state": "closed", "events": 3, "head": chain[-1]["hash"]}
    rules = b'name = "seed"\n'
    return {
        "readings.csv": READINGS.encode(),
        "ledger.csv": LEDGER.encode(),
        "gaps.csv": GAPS.encode(),
        "home.json": b"{}\n",
        "policy.toml": rules,
        "policy.json": json.dumps({"sha256": hashlib.sha256(rules).hexdigest()}).encode(),
        "flags.json": b"[]\n",
        "tickets.json": json.dumps([ticket]).encode(),
        "events.jsonl": lines(chain),
        "seals.json": json.dumps([seal()]).encode(),
        "measurements.json": b"[]\n",
        "outages.json": b"[]\n",
        "refunds.json": json.dumps([refund()]).encode(),
        "summary.zh.pdf": b"%PDF zh",
        "summary.en.pdf": b"%PDF en",
        "README.md": b"# read me\n",
    }


def bundled(files: Mapping[str, bytes], state: Mapping[str, Any] = STATE, key: SigningKey | None = None) -> bytes:
    out = io.BytesIO()
    policy = {"name": "seed", "sha256": hashlib.sha256(files.get("policy.toml", b"")).hexdigest()}
    head = {"home": "H1", "from": "2026-01-14", "to": "2026-01-16", "zone": "Asia/Shanghai", "view": "user",
            "policy": policy, "state": dict(state)}  # fmt: skip
    with DossierWriter(out) as bundle:
        for name, content in files.items():
            bundle.add(name, [content])
        bundle.finish(head, key)
    return out.getvalue()


def rewritten(archive: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the same ZIP with other contents; nothing else is adapted."""
    with zipfile.ZipFile(io.BytesIO(archive)) as before:
        files = {name: before.read(name) for name in before.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as after:
        for name, content in files.items():
            after.writestr(name, content)
    return out.getvalue()
