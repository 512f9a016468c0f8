"""The running API, asked at random by each role: no internal error, every answer is as described."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http import limits
from store.base.access import Role
from tests.api.conftest import served_database
from tests.api.operations import DESK, OPERATIONS, people_the
from tests.conftest import ANSWER_S, PLAIN_HTTP, Servers, fresh_database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 10
FOR_OTHERS = 4  # what others than administrators ask is mostly refused before it is read


@pytest.fixture(scope="module")
def asked(servers: Servers) -> Iterator[tuple[list[list[Case[Any]]], dict[Role, str]]]:
    """Questions to each operation of a running API over a town, drawn once, and a token for each role."""
    databases = fresh_database(servers.of("timescale"), "timescale")
    with pytest.MonkeyPatch.context() as patch, served_database(next(databases)) as api:
        patch.setattr(limits, "PATIENT", 1_000_000)  # so many wrong proofs of platforms would be answered ever later
        people_the(api)
        tokens = {role: api.token(role) for role in DESK}
        tokens |= {Role.CUSTOMER: api.token("customer", "home-mine"), Role.CREW: api.token("crew", station="North")}
        api.conn.commit()
        url = f"{api.client.base_url}/v1/openapi.json".replace("//v1", "/v1")
        schema: Any = schemathesis.openapi.from_url(url, timeout=ANSWER_S)
        yield [drawn(found.ok().as_strategy()) for found in schema.get_all_operations()], tokens
    next(databases, None)


def drawn(questions: Any) -> list[Case[Any]]:
    """Draw what an operation is asked: that takes more than to ask it."""
    cases: list[Case[Any]] = []

    @given(case=questions)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def draw(case: Case[Any]) -> None:
        cases.append(case)

    draw()
    return cases


@pytest.mark.slow
@pytest.mark.parametrize("role", Role)
def test_no_question_is_too_strange(asked: tuple[list[list[Case[Any]]], dict[Role, str]], role: Role) -> None:
    operations, tokens = asked
    assert len(operations) == len(OPERATIONS)
    assert sum(map(len, operations)) > 5 * len(operations)  # what has no parameters is asked in one way
    with httpx.Client(
        trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S, headers={"Authorization": f"Bearer {tokens[role]}"}
    ) as client:
        for cases in operations:
            for case in cases if role is Role.ADMIN else cases[:FOR_OTHERS]:
                case.validate_response(send(client, case), checks=CHECKS)


def send(client: httpx.Client, case: Case[Any]) -> httpx.Response:
    """Ask as schemathesis would; its own client does not go with every HTTP library that may be installed beside it."""
    wanted = case.as_transport_kwargs(base_url=case.operation.schema.get_base_url())
    wanted.pop("cookies", None)
    wanted["headers"] = {**wanted["headers"], "Authorization": client.headers["Authorization"]}
    if isinstance(wanted.get("data"), bytes | str):
        wanted["content"] = wanted.pop("data")
    if wanted.get("files"):
        wanted["files"] = [(name, in_bytes(part)) for name, part in wanted["files"]]
    request = client.build_request(**wanted)
    request.read()  # a form with a file would be sent block by block, and the checks look at it afterwards
    return client.send(request)


def in_bytes(part: Any) -> Any:
    """Write a part of a form as bytes: not everything that is made up for a file is one."""
    if isinstance(part, tuple):
        name, content, *more = part
        return (name, in_bytes(content), *more)
    return part if isinstance(part, bytes) else str(part).encode(errors="replace")
