"""Files of tickets over HTTP: who sends and who sees which, what is kept of them, and how much is taken."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from PIL import Image

from alerts.desk import attaching
from api.files import upload
from api.http import limits
from api.http.download import TransferSlots
from api.http.session import Attachments
from domain.files import MOST_BYTES
from domain.rate_limit import RateLimit
from store.tickets.file_contents import FolderFiles
from tests.api.answers import check
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.pictures import MARKS, bomb, drawn, encoded, moving, pdf, telling

pytestmark = pytest.mark.plain_only

SCRIPT = pdf(b"<</S/JavaScript/JS(1)>>")


class Files:
    """Sends files to a ticket and gets them."""

    def __init__(self, api: Api) -> None:
        self.desk = Desk(api)
        self.api, self.crew, self.user = api, self.desk.crew, self.desk.user
        self.dispatcher = self.desk.dispatcher
        self.ticket = self.desk.opened("leak")
        self.path = f"/v1/tickets/{self.ticket['number']}/files"

    def send(self, content: bytes, token: str | None = None, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.crew}", "Content-Type": "image/jpeg"}
        return self.api.client.post(self.path, content=content, params=query, headers=headers, timeout=60)

    def sent(self, content: bytes, token: str | None = None, **query: Any) -> dict[str, Any]:
        answer = self.send(content, token, **query)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def listed(self, token: str) -> list[dict[str, Any]]:
        return list(self.api.get(self.path, token).json()["items"])

    def get(self, file: dict[str, Any], token: str | None = None, part: str = "", **headers: str) -> httpx.Response:
        headers["Authorization"] = f"Bearer {token or self.crew}"
        return self.api.client.get(f"{self.path}/{file['id']}{part}", headers=headers)

    def events(self, token: str) -> list[dict[str, Any]]:
        found = self.api.get(f"/v1/tickets/{self.ticket['number']}", token).json()
        return [event for event in found["events"] if event["kind"] == "attached"]


@pytest.fixture
def files(api: Api) -> Files:
    return Files(api)


def keep(api: Api, **changes: Any) -> None:
    """Give the running API other attachments."""
    object.__setattr__(api.app.state.surroundings, "attachments", Attachments(**changes))


def test_a_photo_is_kept_without_what_it_told_and_with_its_hashes_in_the_chain(files: Files) -> None:
    content = telling("JPEG", 6)
    made = files.sent(content)
    assert (made["kind"], made["media_type"], made["width"], made["height"]) == ("photo", "image/jpeg", 48, 64)
    kept = files.get(made)
    assert kept.headers["etag"] == f'"{made["sha256"]}"'
    assert kept.headers["content-type"] == "image/jpeg"
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert kept.headers["cache-control"] == "private, no-cache"
    assert "sandbox" in kept.headers["content-security-policy"]
    assert kept.headers["content-disposition"] == f'inline; filename="{files.ticket["number"]}-{made["id"]}.jpg"'
    assert [mark for mark in MARKS if mark in kept.content] == []
    assert len(kept.content) == made["size"]
    small = files.get(made, part="/thumbnail")
    assert max(Image.open(io.BytesIO(small.content)).size) == 64
    (event,) = files.events(files.crew)
    told = {name: made[name] for name in ("kind", "for_user", "media_type", "size", "sha256", "original_sha256")}
    assert event["data"] == {**told, "file": made["id"], "by_user": False}
    for part, answer in (("", kept), ("/thumbnail", small)):
        again = files.get(made, part=part, **{"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_same_file_again_is_one_file(files: Files) -> None:
    content = encoded()
    made = files.sent(content, kind="scan")
    again = files.send(content, files.dispatcher)
    assert (again.status_code, again.json()) == (200, made)
    assert len(files.listed(files.crew)) == len(files.events(files.crew)) == 1
    other = Files.__new__(Files)
    other.__dict__.update(files.__dict__)
    other.path = f"/v1/tickets/{files.desk.opened('repair', new=True)['number']}/files"
    assert other.sent(content)["sha256"] == made["sha256"]
    (contents,) = files.api.conn.execute("SELECT count(*) FROM file_content").fetchone() or (0,)
    assert contents == 2  # the photo and its thumbnail, for both tickets


def test_of_four_that_send_the_same_at_once_one_attaches_it(files: Files) -> None:
    content, told = encoded(drawn(300, 300)), list[int]()
    keep(files.api, uploads=TransferSlots(20, {"token": 20, "address": 20}))
    threads = [threading.Thread(target=lambda: told.append(files.send(content).status_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [200] * 3 + [201]
    assert len(files.events(files.crew)) == 1


def test_a_form_sends_one_file(files: Files) -> None:
    headers = {"Authorization": f"Bearer {files.crew}"}
    part = ("../../etc/passwd.exe", encoded(), "text/html")
    sent = files.api.client.post(files.path, files={"photo": part}, data={"a": "b"}, headers=headers)
    assert sent.status_code == 201
    assert sent.json()["media_type"] == "image/jpeg"
    for wrong in ([], [("a", part), ("b", part)]):
        answer = files.api.client.post(files.path, files=wrong or {"a": (None, "text")}, headers=headers)
        assert check(answer, 422)["detail"] == "a form holds one file, no more and no less"
    broken = {**headers, "Content-Type": "multipart/form-data; boundary=x"}
    check(files.api.client.post(files.path, content=b"--y\r\n", headers=broken), 422)
    check(
        files.api.client.post(files.path, content=b"x", headers={**headers, "Content-Type": "multipart/form-data"}), 422
    )


def test_a_customer_sees_what_is_meant_for_the_user_and_nothing_else(files: Files) -> None:
    inside = files.sent(encoded(drawn(10, 10)))
    shown = files.sent(encoded(drawn(20, 20)), for_user=True)
    own = files.sent(encoded(drawn(30, 30)), files.user, kind="photo")
    assert own["for_user"]
    assert [file["id"] for file in files.listed(files.crew)] == [inside["id"], shown["id"], own["id"]]
    seen = [(file["id"], file["actor"]) for file in files.listed(files.user)]
    assert seen == [(shown["id"], "staff"), (own["id"], "user")]
    events = [(event["data"]["file"], event["actor"]) for event in files.events(files.user)]
    assert events == seen
    for part in ("", "/thumbnail"):
        assert [files.get(file, files.user, part).status_code for file in (inside, shown, own)] == [404, 200, 200]
        assert [files.get(file, files.crew, part).status_code for file in (inside, shown, own)] == [200] * 3


def test_a_user_s_photo_that_the_staff_has_kept_to_itself_is_the_user_s_all_the_same(files: Files) -> None:
    content = encoded()
    hidden = files.sent(content)
    own = files.sent(content, files.user)
    assert own["id"] != hidden["id"]
    assert [file["id"] for file in files.listed(files.user)] == [own["id"]]


@pytest.mark.parametrize(
    ("content", "status", "advice"),
    [
        (b"", 422, "choose one"),
        (b"<svg onload=alert(1)>", 415, "convert the file"),
        (b"<!doctype html>", 415, "convert the file"),
        (encoded()[:-50], 422, "take the photo"),
        (bomb(60_000, 60_000), 422, "send a smaller one"),
        (moving("WEBP"), 422, "send a still photo"),
        (SCRIPT, 422, "print it to PDF again"),
        (b"%PDF-1.7 nothing", 422, "take the photo"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES - 2), 413, "send a smaller photo"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES + 100_000), 413, "send a smaller photo"),
    ],
    ids=["empty", "svg", "html", "cut off", "bomb", "moves", "script", "no pdf", "a byte over", "far over"],
)
def test_a_refusal_says_what_to_do_in_both_languages(plain_api: Api, content: bytes, status: int, advice: str) -> None:
    files = Files(plain_api)
    problem = check(files.send(content), status)
    assert advice in str(problem["detail"])
    headers = {"Authorization": f"Bearer {files.crew}", "Accept-Language": "zh"}
    chinese = check(files.api.client.post(files.path, content=content, headers=headers), status)
    assert "：" in str(chinese["detail"])
    assert files.listed(files.crew) == files.events(files.crew) == []


def test_8_mb_are_taken_and_a_byte_more_is_not_however_it_is_sent(plain_api: Api) -> None:
    files = Files(plain_api)
    whole = encoded()
    padded = whole + bytes(MOST_BYTES - len(whole))  # a JPEG ends where it says
    files.sent(padded)
    check(files.send(padded + b"x"), 413)
    headers = {"Authorization": f"Bearer {files.crew}"}
    form = files.api.client.post(files.path, files={"f": ("a.pdf", b"x" * (MOST_BYTES + 1))}, headers=headers)
    check(form, 413)

    def dripping() -> Iterator[bytes]:
        for _ in range(130):
            yield bytes(65_536)

    check(files.api.client.post(files.path, content=dripping(), headers=headers), 413)


def test_a_ticket_and_a_day_have_room_for_so_many(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "MOST_FILES", 2)
    first = encoded(drawn(10, 10))
    files.sent(first)
    files.sent(encoded(drawn(20, 20)))
    assert "as many files as it may" in str(check(files.send(encoded(drawn(30, 30))), 413)["detail"])
    assert files.send(first).status_code == 200  # it is there
    monkeypatch.setattr(attaching, "MOST_FILES", 50)
    monkeypatch.setattr(attaching, "MOST_TICKET_BYTES", 1_000)
    check(files.send(encoded(drawn(30, 30))), 413)
    monkeypatch.setattr(attaching, "MOST_TICKET_BYTES", 1 << 30)
    monkeypatch.setattr(attaching, "MOST_DAY_BYTES", 1_500)
    answer = files.send(encoded(drawn(30, 30)))
    assert "within 24 hours" in str(check(answer, 429)["detail"])
    assert answer.headers["retry-after"] == "86400"
    assert files.send(encoded(drawn(30, 30)), files.dispatcher).status_code == 201  # another has a day of its own


def test_who_sends_too_often_or_too_much_at_once_waits(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UPLOADS", RateLimit(2, 60))
    told = [files.send(b"x").status_code for _ in range(3)]
    assert told == [415, 415, 429]
    monkeypatch.setattr(limits, "UPLOADS", RateLimit(1_000, 60))
    keep(files.api, uploads=TransferSlots(0, {"token": 1, "address": 1}))
    check(files.send(encoded()), 503)


def test_a_slot_is_free_again_whatever_became_of_the_file(files: Files) -> None:
    slots = TransferSlots(1, {"token": 1, "address": 1})
    keep(files.api, uploads=slots)
    for content, status in ((b"x", 415), (b"", 422), (bytes(MOST_BYTES + 1), 413), (encoded(), 201), (encoded(), 200)):
        assert files.send(content).status_code == status
        assert slots.held == 0


def test_nobody_reads_a_body_of_somebody_who_may_not_send(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(upload, "content_of", never)
    check(files.api.client.post(files.path, content=encoded()), 401)
    check(files.send(encoded(), "hearth_unknown"), 401)
    headers = {"Authorization": f"Bearer {files.crew}"}
    check(files.api.client.post("/v1/tickets/T99999999/files", content=encoded(), headers=headers), 404)


def test_a_closed_ticket_takes_files_of_the_staff_and_a_complaint_of_nobody(files: Files) -> None:
    files.desk.move(files.ticket, "void", reason="a mistake")
    files.sent(encoded(drawn(10, 10)))
    answer = files.send(encoded(drawn(20, 20)), files.user)
    assert "report it once more" in str(check(answer, 409)["detail"])
    case = files.api.post(
        "/v1/cases", files.user, **{"class": "complaint", "subject": "conduct", "text": "Nobody came."}
    ).json()
    files.path = f"/v1/tickets/{case['number']}/files"
    for token in (files.user, files.dispatcher):
        assert "kept apart" in str(check(files.send(encoded(), token), 409)["detail"])
    assert files.listed(files.dispatcher) == []


def test_the_operator_s_check_refuses_or_is_away(files: Files) -> None:
    keep(files.api, check=("sh", "-c", "cat >/dev/null; exit 1"))
    assert "security check" in str(check(files.send(encoded()), 422)["detail"])
    keep(files.api, check=("no-such-command",))
    answer = files.send(encoded())
    assert "nothing was kept" in str(check(answer, 503)["detail"])
    assert answer.headers["retry-after"]
    keep(files.api, check=("sh", "-c", "cat >/dev/null"))
    files.sent(encoded())


def test_files_in_a_folder(files: Files, tmp_path: Path) -> None:
    keep(files.api, store=FolderFiles(tmp_path.as_uri()))
    made = files.sent(encoded())
    stored = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert made["sha256"] in stored
    assert len(stored) == 2
    assert len(files.get(made).content) == made["size"]
    place = tmp_path / made["sha256"][:2] / made["sha256"]
    place.write_bytes(b"other bytes")
    check(files.get(made), 503)
    place.unlink()
    check(files.get(made), 503)
    assert files.api.conn.execute("SELECT count(*) FROM file_content").fetchone() == (0,)


def test_a_folder_that_is_away_leaves_no_event(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    keep(files.api, store=FolderFiles((tmp_path / "a file").as_uri()))
    check(files.send(encoded()), 503)
    assert files.listed(files.crew) == files.events(files.crew) == []


def test_every_file_sent_is_in_the_audit_log(files: Files) -> None:
    made = files.sent(encoded())
    rows = files.api.conn.execute("SELECT action, detail FROM audit ORDER BY audit_id DESC LIMIT 1").fetchall()
    assert rows == [("POST /v1/tickets/{number}/files", {"file": made["id"]})]


def test_what_was_kept_stays(files: Files) -> None:
    files.sent(encoded())
    for statement in ("UPDATE ticket_file SET kind = 'scan'", "DELETE FROM file_content", "TRUNCATE ticket_file"):
        with pytest.raises(psycopg.errors.RestrictViolation), files.api.conn.transaction():
            files.api.conn.execute(statement.encode())
    with pytest.raises(psycopg.errors.CheckViolation, match="file_content_digest"), files.api.conn.transaction():
        files.api.conn.execute("INSERT INTO file_content (digest, content) VALUES (sha256('a'), 'b')")
