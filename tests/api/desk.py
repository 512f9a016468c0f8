"""The repair desk, over HTTP."""

from datetime import timedelta
from typing import Any

from tests.api import town
from tests.api.conftest import Api

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Answer = dict[str, Any]


class Desk:
    """Works on tickets as one after the other would."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.home = town.home(api.conn)
        self.dispatcher = api.token("dispatcher")
        self.crew = api.token("crew", station="North")
        self.user = api.token("customer", "B1-101")

    def opened(self, ticket_class: str = "repair", token: str | None = None, **body: Any) -> Answer:
        wanted = {"class": ticket_class, "description": "the radiator knocks", **body}
        answer = self.api.post("/v1/homes/B1-101/tickets", token or self.dispatcher, **wanted)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def move(self, ticket: Answer, kind: str, token: str | None = None, status: int = 201, **body: Any) -> Answer:
        path = f"/v1/tickets/{ticket['number']}/events"
        answer = self.api.post(path, token or self.dispatcher, kind=kind, **body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def clocks(self, ticket: Answer) -> dict[str, Answer]:
        return {clock["name"]: clock for clock in ticket["clocks"] if clock["round"] == ticket["round"]}
