"""The desk with a leader, at which somebody applies for heat."""

from typing import Any

from tests.api.conftest import Api
from tests.api.desk import Answer, Desk

APPLIED: dict[str, Any] = {"kind": "connect", "documents": ["identity", "ownership"], "contact": "Li 139"}
PASSED: dict[str, Any] = {"stage": "completion", "passed": True, "findings": "all tight", "persons": "Li"}


class Office(Desk):
    """A desk with a leader, and a home whose heat is stopped."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        api.conn.execute("UPDATE home_status SET status = 'stopped'")
        self.lead = api.token("supervisor")

    def applied(self, token: str | None = None, status: int = 201, **body: Any) -> Answer:
        answer = self.api.post("/v1/homes/B1-101/applications", token or self.user, **{**APPLIED, **body})
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def read(self, one: Answer, token: str | None = None) -> Answer:
        answer = self.api.get(f"/v1/applications/{one['number']}", token or self.dispatcher)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
