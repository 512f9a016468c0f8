"""A dossier that was tampered with is found out, whatever was done to it; and what is none is called so."""

import base64
import contextlib
import hashlib
import io
import json
import struct
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.errors import UsageError
from hearth.cli import app
from papers.dossier import untrusted_zip
from papers.dossier.bundle import MANIFEST, SIGNATURE, SUMS, root
from papers.dossier.verify import NAMES, verify
from papers.dossier.verify_readings import ReadingsCheck
from store.evidence.signing import SigningKey, of_seal
from tests.unit.papers.dossier import (
    GAPS,
    LEDGER,
    READINGS,
    STATE,
    bundled,
    contents,
    events,
    lines,
    refund,
    rewritten,
    seal,
)

HOUR_US = 3_600_000_000


def forget(files: dict[str, bytes], name: str) -> None:
    del files[name]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dossier.zip"


def faults(file: Path, archive: bytes, noted: str | None = None) -> list[str]:
    file.write_bytes(archive)
    return verify(file, noted).listed


def test_what_is_in_order_is_called_so(file: Path) -> None:
    file.write_bytes(bundled(contents()))
    verdict = verify(file)
    assert verdict.listed == []
    assert (verdict.files, verdict.readings, verdict.days, verdict.events, verdict.withheld) == (17, 3, 2, 3, 1)


def test_the_same_contents_give_the_same_bytes() -> None:
    assert bundled(contents()) == bundled(contents())


@pytest.mark.parametrize("name", sorted(NAMES - {MANIFEST}))
def test_a_changed_file_is_found(file: Path, name: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])

    assert f"{name}: was changed: its SHA-256 is not the one in the manifest" in faults(
        file, rewritten(bundled(contents()), change)
    )


@pytest.mark.parametrize("name", sorted(NAMES - {MANIFEST}))
def test_a_missing_file_is_found(file: Path, name: str) -> None:
    assert f"{name}: is missing" in faults(file, rewritten(bundled(contents()), lambda files: forget(files, name)))


@pytest.mark.parametrize("name", ["more.txt", "../../etc/passwd", "/etc/passwd", "a/b", "readings.csv "])
def test_what_does_not_belong_in_it_is_found_and_not_looked_at(file: Path, name: str) -> None:
    archive = rewritten(bundled(contents()), lambda files: files.update({name: b"x"}))
    assert faults(file, archive) == [f"{name!r}: does not belong in a dossier"]


def test_a_name_that_is_there_twice_is_found(file: Path) -> None:
    out = io.BytesIO(bundled(contents()))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("readings.csv", READINGS)
    assert faults(file, out.getvalue()) == ["readings.csv: occurs 2 times"]


def test_what_would_unpack_to_too_much_is_not_looked_at(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_zip, "LARGEST_OTHER", 100_000)
    bomb = contents() | {"README.md": b"\0" * 10_000_000}
    archive = bundled(bomb)
    assert len(archive) < 50_000
    assert faults(file, archive) == ["README.md: would unpack to 10000000 bytes, which is too large"]


def test_a_size_that_is_a_lie_does_not_unpack_more(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_zip, "LARGEST_OTHER", 100_000)
    archive = bytearray(bundled(contents() | {"README.md": b"\0" * 10_000_000}))
    entry = archive.rindex(b"PK\x01\x02", 0, archive.rindex(b"README.md"))
    archive[entry + 24 : entry + 28] = struct.pack("<I", 10)
    assert any(fault.startswith("README.md: ") for fault in faults(file, bytes(archive)))


@pytest.mark.parametrize("key", ["home", "from", "zone", "view", "policy", "state", "files"])
def test_a_changed_manifest_is_found(file: Path, key: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        told = json.loads(files[MANIFEST])
        told[key] = "another" if isinstance(told[key], str) else told[key] | {"x": 1} if key != "files" else []
        files[MANIFEST] = json.dumps(told).encode()

    assert "manifest.json: was changed: its root does not match its content" in faults(
        file, rewritten(bundled(contents()), change)
    )


def test_a_forgery_that_fits_together_has_another_root(file: Path) -> None:
    """Every number of the manifest is made to fit: only what was noted elsewhere tells."""
    honest = bundled(contents())
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        noted = json.loads(archive.read(MANIFEST))["root"]
    forged = bundled(contents() | {"flags.json": b"[ ]\n"})
    assert faults(file, honest, noted) == []
    assert faults(file, forged) == []
    assert faults(file, forged, noted) == ["manifest.json: its root is not the noted one"]


def changed_event(seq: int, **changes: Any) -> bytes:
    chain = events()
    chain[seq - 1] |= changes
    return lines(chain)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("events.jsonl", changed_event(1, canonical="[7, 1]"), "event 1: the chain is broken"),
        ("events.jsonl", changed_event(1, actor="nobody"), "event 1: differs from the hashed text"),
        ("events.jsonl", changed_event(1, data={}), "event 1: differs from the hashed text"),
        ("events.jsonl", changed_event(1, ticket="T00000008"), "T00000008"),
        ("events.jsonl", changed_event(2, hash="00" * 32), "event 3: the chain is broken"),
        ("events.jsonl", changed_event(3, previous="00" * 32), "event 3: the chain is broken"),
        ("events.jsonl", lines([events()[0], events()[2]]), "event 3: the chain is broken: it does not follow event 1"),
        ("events.jsonl", lines(events()[:2]), "does not match its last event"),
        ("events.jsonl", changed_event(1, event_id=99), "event 1 is not covered by its seal"),
        ("events.jsonl", changed_event(1, seal=5), "event 1 is not covered by its seal"),
        ("events.jsonl", b"{}\n", "is malformed"),
        ("events.jsonl", b" " * (1 << 19), "a line is too long"),
        ("readings.csv", b"," * ((1 << 20) - 1), "readings.csv: is malformed"),
        ("tickets.json", b"[" * 200_000, "is malformed"),
        ("tickets.json", b"[]", "T00000007 is not in tickets.json"),
        ("seals.json", json.dumps([seal() | {"events": 6}]).encode(), "seal 4 does not match its hash"),
        ("ledger.csv", LEDGER.replace("75600.5", "75600.4").encode(), "2026-01-14: its states add up to 24.00 h"),
        ("ledger.csv", LEDGER.replace("2026-01-15,86400", "2026-01-15,90000").encode(), "add up to 25.00 h of 24.00 h"),
        ("ledger.csv", LEDGER.replace(",3600,17.35", ",80000,17.35").encode(), "has impossible times"),
        ("ledger.csv", LEDGER.replace("2026-01-15", "2026-01-13").encode(), "comes after"),
        ("gaps.csv", GAPS.replace("04:59:59.5", "04:59:58.5").encode(), "the gaps do not add up to the unknown time"),
        ("gaps.csv", (GAPS + GAPS.splitlines()[1] + "\n").encode(), "gaps are not in order"),
        ("readings.csv", READINGS.replace(",18.246,", ",18.3,").encode(), "is not raw + offset"),
        ("readings.csv", READINGS.replace("T01:05:00", "T00:55:00").encode(), "is not in order"),
        ("readings.csv", "\n".join(READINGS.splitlines()[:-1]).encode(), "does not match the manifest"),
        ("refunds.json", json.dumps([refund() | {"total": "9.00"}]).encode(), "do not add up to its total"),
        ("refunds.json", json.dumps([refund() | {"inputs": "00"}]).encode(), "are not those of its digest"),
        ("refunds.json", json.dumps([refund() | {"upto": "2025-11-18"}]).encode(), "each of its days"),
        ("refunds.json", b"[{}]", "is malformed"),
        ("policy.json", b'{"sha256": "00"}', "is not the text named in the manifest"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_found_though_its_digests_fit(
    file: Path, name: str, content: bytes, expected: str
) -> None:
    found = faults(file, bundled(contents() | {name: content}))
    assert any(expected in fault for fault in found), found


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_days_are_as_long_as_they_are_where_the_clocks_change(file: Path, day: str) -> None:
    hours = {"2026-03-29": 23, "2026-10-25": 25}[day]
    header = LEDGER.splitlines()[0]
    row = f'{day},{hours * 3600},0,0,0,0,0,18,18,0,"seed@2020-01-01",true,"same"'
    files = contents() | {"ledger.csv": f"{header}\n{row}\n".encode(), "gaps.csv": b"from,to,seconds\n"}
    archive = bundled(files, STATE | {"ledger_days": 1})

    def change(inside: dict[str, bytes]) -> None:
        told = json.loads(inside[MANIFEST]) | {"zone": "Europe/Berlin"}
        inside[MANIFEST] = json.dumps(told | {"root": root(told)}).encode()

    assert faults(file, rewritten(archive, change)) == []
    assert len(faults(file, archive)) == 1


def crowd() -> bytes:
    """Make an archive of so many files that their names alone would take much memory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(untrusted_zip.MOST_ENTRIES + 1):
            archive.writestr(f"{n}", b"")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not a whole ZIP"),
        (b"garbage" * 100, "is not a whole ZIP"),
        (bundled(contents())[:-200], "is not a whole ZIP"),
        (rewritten(bundled(contents()), lambda files: forget(files, MANIFEST)), "it has no manifest.json"),
        (crowd(), "it is larger than one can be"),
        (rewritten(bundled(contents()), lambda f: f.update({MANIFEST: b"{"})), "manifest.json cannot be read"),
        (rewritten(bundled(contents()), lambda f: f.update({MANIFEST: b"[]"})), "does not have the format"),
        (rewritten(bundled(contents()), lambda f: f.update({MANIFEST: b"[" * 50_000})), "cannot be read"),
    ],
)
def test_what_is_no_dossier_is_called_so(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError, match=told):
        verify(file)


def test_damage_in_the_middle_is_a_fault(file: Path) -> None:
    archive = bytearray(bundled(contents()))
    archive[archive.index(b"readings.csv") + 60] ^= 0xFF
    assert any(fault.startswith("readings.csv: ") for fault in faults(file, bytes(archive)))


def test_the_command_says_what_it_found(file: Path) -> None:
    run = CliRunner()
    file.write_bytes(bundled(contents()))
    answer = run.invoke(app(["evidence"]), ["evidence", "verify", str(file)])
    assert (answer.exit_code, answer.output.splitlines()[-1]) == (0, "in order")
    assert "home H1, 2026-01-14 to 2026-01-16 (Asia/Shanghai), for: user" in answer.output
    answer = run.invoke(app(["evidence"]), ["evidence", "verify", str(file), "--root", "00", "--json"])
    assert (answer.exit_code, json.loads(answer.output)["faults"]) == (1, 1)
    assert SUMS in NAMES


KEY, OTHER = SigningKey.made(), SigningKey.made()


def change_signature(files: dict[str, bytes], **changes: str) -> None:
    files[SIGNATURE] = json.dumps(json.loads(files[SIGNATURE]) | changes).encode()


def test_a_signature_is_good_unknown_broken_or_not_there(file: Path) -> None:
    signed = bundled(contents(), key=KEY)
    file.write_bytes(signed)
    good, unknown, another = (
        verify(file, keys=[OTHER.public, KEY.public]),
        verify(file),
        verify(file, keys=[OTHER.public]),
    )
    assert (good.listed, good.signature) == ([], f"good, by the key {KEY.key_id}")
    assert unknown.listed == []
    assert unknown.signature.startswith(f"by an UNKNOWN key, {KEY.key_id}")
    assert another.listed == [f"signature.json: is by another key than those given: {KEY.key_id}"]
    file.write_bytes(bundled(contents()))
    unsigned = verify(file)
    assert (unsigned.listed, unsigned.signature) == ([], "none: the dossier is not signed")
    assert verify(file, keys=[KEY.public]).listed == ["signature.json: is missing: the dossier is not signed"]


def test_a_signature_of_something_else_is_broken(file: Path) -> None:
    other = bundled(contents() | {"flags.json": b"[ ]\n"}, key=KEY)
    with zipfile.ZipFile(io.BytesIO(other)) as archive:
        taken = archive.read(SIGNATURE)
    forged = rewritten(bundled(contents(), key=KEY), lambda files: files.update({SIGNATURE: taken}))
    file.write_bytes(forged)
    assert verify(file, keys=[KEY.public]).listed == ["signature.json: is broken"]
    assert verify(file).signature.startswith("BROKEN")
    claimed = rewritten(other, lambda files: change_signature(files, public_key="x"))
    file.write_bytes(claimed)
    assert any("signature.json: is malformed" in fault for fault in verify(file).listed)


def test_a_forgery_that_fits_together_is_found_by_the_key(file: Path) -> None:
    """The forger signs with a key of his own: it is not the published one."""
    file.write_bytes(bundled(contents() | {"flags.json": b"[ ]\n"}, key=OTHER))
    assert verify(file, keys=[KEY.public]).faults == 1


def test_a_seal_of_today_is_over_the_journal_and_signed(file: Path) -> None:
    hashes = [event["hash"] for event in events()[:2]]
    digest = hashlib.sha256(b"".join(map(bytes.fromhex, hashes))).hexdigest()
    told = b"1768356060000000|42|2|" + bytes.fromhex(digest) + b"|9|3|" + bytes(32)
    hashed = hashlib.sha256(bytes.fromhex("cd" * 32) + told).digest()
    one = seal() | {
        "events": 2, "digest": digest, "hashes": hashes, "entries_upto": 9, "entries": 3, "entries_digest": "00" * 32,
        "hash": hashed.hex(), "key": KEY.key_id, "signature": KEY.sign(of_seal(4, hashed)).hex(),
    }  # fmt: skip
    for changes, expected in (
        ({}, None),
        ({"entries": 4}, "seal 4 does not match its hash"),
        ({"hashes": hashes[:1]}, "does not cover these events"),
        ({"hashes": hashes[:1]}, "event 2 is not covered by its seal"),
        ({"signature": "00" * 64}, "its signature is broken"),
    ):
        file.write_bytes(bundled(contents() | {"seals.json": json.dumps([one | changes]).encode()}, key=KEY))
        found = verify(file, keys=[KEY.public]).listed
        assert found == [] if expected is None else any(expected in fault for fault in found), found


def test_the_command_takes_keys_in_base64_and_in_files(file: Path, tmp_path: Path) -> None:
    run, public = CliRunner(), base64.b64encode(KEY.public).decode()
    file.write_bytes(bundled(contents(), key=KEY))
    plain, listed = tmp_path / "key", tmp_path / "keys.json"
    plain.write_text(public)
    listed.write_text(json.dumps({"items": [{"key": OTHER.key_id, "public_key": public}]}))
    for given in (public, str(plain), str(listed)):
        answer = run.invoke(app(["evidence"]), ["evidence", "verify", str(file), "--key", given])
        assert answer.exit_code == 0
        assert f"signature: good, by the key {KEY.key_id}" in answer.output
    answer = run.invoke(app(["evidence"]), ["evidence", "verify", str(file), "--key", "AAAA"])
    assert "is no public key" in str(answer.exception)


def test_readings_are_read_by_the_thread_that_checks_them() -> None:
    """Arrow's own threads may outlive the interpreter: one that reads from Python then takes the process with it."""

    class Told(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            readers.add(threading.current_thread())
            return super().read(size)

    readers: set[threading.Thread] = set()
    with contextlib.suppress(ValueError):
        ReadingsCheck(lambda _: None).look(Told(b'"' * 900_000))
    check = ReadingsCheck(lambda _: None)
    check.look(Told(contents()["readings.csv"]))
    assert check.count > 0
    assert readers == {threading.current_thread()}
