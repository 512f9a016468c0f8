"""Files of tickets in a dossier: each is the one that its event tells of, or the check says so."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papers.dossier.bundle import DossierWriter
from papers.dossier.verify import DossierVerdict, verify
from tests.unit.papers.dossier import STATE, contents, events, lines

NAME = "files/T00000007-12.jpg"
PHOTO = b"\xff\xd8\xff a photo"
Parts = dict[str, Any]


def parts() -> Parts:
    """Return what makes a dossier with a file: the file, its line in files.json, and the data of its event."""
    data = {
        "file": 12, "kind": "photo", "for_user": True, "media_type": "image/jpeg", "size": len(PHOTO),
        "sha256": hashlib.sha256(PHOTO).hexdigest(), "original_sha256": "ab" * 32,
    }  # fmt: skip
    return {"data": data, "list": [{**data, "ticket": "T00000007", "name": NAME}], "files": {NAME: PHOTO}}


def built(path: Path, made: Parts, packed: bool = False) -> DossierVerdict:
    """Write a dossier whose manifest and chain hold, whatever its parts say, and check it."""
    chain = events()
    previous = chain[-1]
    canonical = json.dumps([7, 4, 1_768_356_000_000_004, "attached", "crew", "closed", made["data"]])
    digest = hashlib.sha256(bytes.fromhex(previous["hash"]) + canonical.encode()).hexdigest()
    chain.append(
        {
            "ticket": "T00000007", "seq": 4, "shown": "whole", "at": "2026-01-14T02:00:00.000004Z", "kind": "attached",
            "actor": "crew", "state": "closed", "data": made["data"], "canonical": canonical, "event_id": 44,
            "seal": None, "previous": previous["hash"], "hash": digest,
        }
    )  # fmt: skip
    ticket = {"number": "T00000007", "state": "closed", "events": 4, "head": digest}
    inside = contents() | {"tickets.json": json.dumps([ticket]).encode(), "events.jsonl": lines(chain)}
    out = io.BytesIO()
    policy = {"name": "seed", "sha256": hashlib.sha256(inside["policy.toml"]).hexdigest()}
    head = {"home": "H1", "from": "2026-01-14", "to": "2026-01-16", "zone": "Asia/Shanghai", "view": "user",
            "policy": policy, "state": {**STATE, "events": 4}}  # fmt: skip
    with DossierWriter(out) as bundle:
        for name, content in (inside | {"files.json": json.dumps(made["list"]).encode()}).items():
            bundle.add(name, [content])
        for name, content in made["files"].items():
            bundle.add(name, [content], packed=packed)
        bundle.finish(head)
    path.write_bytes(out.getvalue())
    return verify(path)


def test_a_file_that_its_event_tells_of_is_in_order(tmp_path: Path) -> None:
    verdict = built(tmp_path / "d.zip", parts())
    assert (verdict.listed, verdict.attachments) == ([], 1)
    assert verdict.files == len(contents()) + 3  # the list of digests, that of files, and the file


def test_what_has_no_room_inside_is_listed(tmp_path: Path) -> None:
    made = parts()
    made["list"][0]["name"], made["files"] = None, {}
    assert built(tmp_path / "d.zip", made).listed == []


def replaced(made: Parts) -> None:
    made["files"][NAME] = b"\xff\xd8\xff another"


def replaced_and_listed(made: Parts) -> None:
    replaced(made)
    content = made["files"][NAME]
    made["list"][0] |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def added(made: Parts) -> None:
    made["files"]["files/T00000007-13.jpg"] = PHOTO


def added_and_listed(made: Parts) -> None:
    added(made)
    made["list"].append({**made["list"][0], "file": 13, "name": "files/T00000007-13.jpg"})


def taken_away(made: Parts) -> None:
    made["files"] = {}


def taken_away_and_off_the_list(made: Parts) -> None:
    made["files"], made["list"] = {}, []


def another_original(made: Parts) -> None:
    made["list"][0]["original_sha256"] = "cd" * 32


@pytest.mark.parametrize(
    ("forged", "fault"),
    [
        (replaced, f"{NAME}: is not the file that files.json tells of"),
        (replaced_and_listed, "events.jsonl: T00000007 event 4: its file is not in files.json as told"),
        (added, "files/T00000007-13.jpg: is not in files.json"),
        (added_and_listed, "files.json: no event of T00000007 tells of file 13"),
        (taken_away, f"{NAME}: is in files.json but missing"),
        (taken_away_and_off_the_list, "events.jsonl: T00000007 event 4: its file is not in files.json as told"),
        (another_original, "events.jsonl: T00000007 event 4: its file is not in files.json as told"),
    ],
)
def test_a_forgery_with_a_manifest_that_holds_is_found(
    tmp_path: Path, forged: Callable[[Parts], None], fault: str
) -> None:
    made = parts()
    forged(made)
    assert built(tmp_path / "d.zip", made).listed == [fault]


@pytest.mark.parametrize("listed", [{}, [1], [{"ticket": "T00000007"}], [{"ticket": 1, "file": "x", "name": 1}], 5])
def test_a_misshapen_list_is_a_fault(tmp_path: Path, listed: Any) -> None:
    verdict = built(tmp_path / "d.zip", {**parts(), "list": listed})
    assert verdict.faults
    assert not verdict.given_up


def test_a_packed_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    made = parts()
    made["files"][NAME] = bytes(1 << 20)
    assert built(tmp_path / "d.zip", made, packed=True).listed == [
        f"{NAME}: is packed, which a file of a ticket never is"
    ]


@pytest.mark.parametrize(
    "name", ["files/../a.jpg", "files/T7-1.jpg", "files/T00000007-1.exe", "files/T00000007-1.jpg/x"]
)
def test_names_of_files_have_one_form(tmp_path: Path, name: str) -> None:
    made = parts()
    made["files"] = {name: PHOTO}
    assert built(tmp_path / "d.zip", made).listed == [f"{name!r}: does not belong in a dossier"]
    assert zipfile.is_zipfile(tmp_path / "d.zip")
