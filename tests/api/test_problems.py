"""Every error is problem+json."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from api.http.language import preferred
from api.http.problem import MEANINGS
from api.words.problems import NO_DAY, NO_INSTANT
from store.base import access
from tests.api import town
from tests.api.answers import check, opaque
from tests.api.conftest import Api
from tests.api.town import NOW


def test_no_token(plain_api: Api) -> None:
    answer = plain_api.get("/v1/flags")
    check(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_token(plain_api: Api) -> None:
    answer = plain_api.get("/v1/flags", "hearth_no")
    check(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_expired_token(plain_api: Api) -> None:
    valid, expired = (
        access.create(
            plain_api.conn, access.TokenGrant(access.Role.ADMIN, expires_at=NOW + timedelta(seconds=seconds)), NOW
        )
        for seconds in (1, 0)
    )
    assert plain_api.get("/v1/flags", valid).status_code == 200
    check(plain_api.get("/v1/flags", expired), 401)


def test_a_revoked_token(plain_api: Api) -> None:
    token = plain_api.token()
    assert plain_api.get("/v1/flags", token).status_code == 200
    plain_api.conn.execute("UPDATE token SET revoked_at = %s", (NOW,))
    check(plain_api.get("/v1/flags", token), 401)


def test_no_such_path(plain_api: Api) -> None:
    check(plain_api.get("/v1/nothing", plain_api.token()), 404)


def test_a_method_that_is_not_there(plain_api: Api) -> None:
    answer = plain_api.client.post("/v1/flags")
    check(answer, 405)
    assert answer.headers["allow"] == "GET"


PARAMETERS = {
    "/v1/homes/B1-101/readings?from=yesterday": "from",
    "/v1/homes/B1-101/readings?to=2026-01-15T06:00:00": "to",
    "/v1/homes/B1-101/readings?from=2026-02-30T06:00:00Z": "from",
    "/v1/homes/B1-101/readings?from=1768449600": "from",
    "/v1/homes/B1-101/readings?from=0001-01-01T00:00:00Z": "from",
    "/v1/homes/B1-101/readings?from=9999-12-31T23:59:59Z": "from",
    "/v1/homes/B1-101/readings?from=2026-01-15T06:00:00%2B16:00": "from",
    "/v1/homes/B1-101/readings?to=2026-01-15T06:00:00-15:00": "to",
    "/v1/homes/B1-101/compliance?to=9999-12-31": "to",
    "/v1/homes/B1-101/compliance?from=1000-01-01": "from",
    "/v1/homes/B1-101/readings?every=PT2H": "every",
    "/v1/homes/B1-101/readings?tz=Mars/Olympus": "tz",
    "/v1/homes/B1-101/readings?tz=../../etc/passwd": "tz",
    "/v1/homes/B1-101/readings?every=PT10M&from=2020-01-01T00:00:00Z": "from",
    "/v1/homes/%00": "code",
    "/v1/flags?state=closed": "state",
    "/v1/flags?limit=0": "limit",
    "/v1/flags?limit=1001": "limit",
    "/v1/flags?limit=many": "limit",
    "/v1/tickets?class=fire": "class",
    "/v1/tickets?overdue=perhaps": "overdue",
    "/v1/tickets?station=%00": "station",
}
CURSORS = [
    *("", "!", "é", "A", opaque("x"), opaque("-1"), opaque(str(2**63)), opaque("1|2")),
    opaque("2026-01-15T06:00:00|1"),
]


def test_a_parameter_that_there_is_not_is_named_with_those_that_there_are(plain_api: Api) -> None:
    """Of every operation; without the rule a misspelt filter answers as if nothing had been asked."""
    token = plain_api.token()
    plain_api.conn.commit()
    described = plain_api.client.get("/v1/openapi.json").json()["paths"]
    for path, operations in described.items():
        for method in operations:
            if not path.startswith("/v1/"):
                continue
            fixed = {
                "kind": "invalid",
                "form": "csv",
                "source": "aep",
                "code": "B1-101",
                "number": "T00000001",
                "id": "1",
                "station": "North",
                "sha256": "0" * 64,
                "key": str(UUID(int=0)),
                "peer": "city",
            }
            url = path.format(**fixed)
            headers = {"Authorization": f"Bearer {token}"}
            answer = plain_api.client.request(method, url, params={"limitt": "1"}, headers=headers, timeout=30)
            assert str(check(answer, 422)["detail"]).startswith("limitt: is not a parameter; "), path
    detail = check(plain_api.get("/v1/tickets", token, State="open"), 422)["detail"]
    assert detail == "State: is not a parameter; available: class, cursor, limit, overdue, sort, state, station"


def test_a_parameter_that_makes_no_sense_is_named(plain_api: Api) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for path, parameter in PARAMETERS.items():
        body = check(plain_api.get(path, token), 422)
        assert str(body["detail"]).startswith(f"{parameter}: "), path
        assert isinstance(body["errors"], list)
        assert [error["parameter"] for error in body["errors"]] == [parameter]


@pytest.mark.parametrize("path", ["/v1/flags", "/v1/tickets", "/v1/homes/B1-101/readings"])
def test_a_bad_cursor(plain_api: Api, path: str) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for cursor in CURSORS:
        body = check(plain_api.get(path, token, cursor=cursor), 422)
        assert str(body["detail"]).startswith("cursor: "), cursor


def test_the_ends_of_time(plain_api: Api) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for moment in ("1970-01-01T00:00:00+14:00", "2199-12-31T23:59:59-14:00"):
        for parameter in ("from", "to"):
            answer = plain_api.get("/v1/homes/B1-101/readings", token, **{parameter: moment})
            assert answer.json() == {"items": [], "next": None}
        span = {"from": moment, "to": moment, "every": "P1D"}
        assert plain_api.get("/v1/homes/B1-101/readings", token, **span).json() == {"items": [], "next": None}


def test_an_error_of_ours_tells_nothing(plain_api: Api) -> None:
    token = plain_api.token()
    plain_api.conn.execute("DROP TABLE clock CASCADE")
    body = check(plain_api.get("/v1/tickets", token), 500)
    assert "clock" not in str(body)


KNOWN = {401: "unauthorised", 404: "not-found", 405: "method-not-allowed", 422: "invalid"}


def test_the_type_is_stable_and_leads_somewhere(plain_api: Api) -> None:
    asked = {
        401: plain_api.get("/v1/flags"),
        404: plain_api.get("/v1/homes/nobody", plain_api.token()),
        405: plain_api.client.post("/v1/flags"),
        422: plain_api.get("/v1/flags", plain_api.token(), limit=0),
    }
    for status, answer in asked.items():
        body = check(answer, status)
        assert body["type"] == f"/v1/problems/{KNOWN[status]}"
        meaning = plain_api.client.get(str(body["type"])).json()
        assert (meaning["status"], meaning["title"]["en"]) == (status, body["title"])


def test_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `/v1/problems/([a-z-]+)` \| (\d+) \|", page, re.MULTILINE)
    assert dict(listed) == {kind.value: str(meaning.status) for kind, meaning in MEANINGS.items()}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr, de;q=0.9", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB, zh;q=0.5", "en"),
        ("en;q=0.3, ZH-hant;q=0.4", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense", "en"),
    ],
)
def test_the_language_is_the_one_preferred(header: str | None, language: str) -> None:
    assert preferred(header) == language


def test_problems_speak_chinese(plain_api: Api) -> None:
    plain_api.conn.commit()
    token = plain_api.token()
    plain_api.conn.commit()
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "zh-CN"}
    missing = plain_api.client.get("/v1/homes/nobody", headers=headers)
    assert missing.headers["content-language"] == "zh"
    assert check(missing, 404)["detail"] == "没有此用户"
    for path, parameter, said in (
        ("/v1/flags?limit=0", "limit", "不得小于 1"),
        ("/v1/flags?limit=x", "limit", "应为整数"),
        ("/v1/flags?cursor=!", "cursor", "不是此列表给出的 next"),
        ("/v1/homes/x/readings?from=1", "from", NO_INSTANT.zh),
        ("/v1/homes/x/compliance?to=1", "to", NO_DAY.zh),
        ("/v1/tickets?overdue=perhaps", "overdue", "应为 true 或 false"),
    ):
        body = check(plain_api.client.get(path, headers=headers), 422)
        assert body["errors"] == [{"parameter": parameter, "detail": said}]
