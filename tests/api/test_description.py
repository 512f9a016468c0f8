"""The OpenAPI document: its examples are what it describes."""

from typing import Any

import jsonschema
import pytest

from api import answers
from tests.api.conftest import Api

EXAMPLES = ("Reading", "Bucket", "LedgerDay")


@pytest.fixture
def document(plain_api: Api) -> Any:
    """The description, as it is served."""
    return plain_api.client.get("/v1/openapi.json").json()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_it_is_an_example_of(document: Any, name: str) -> None:
    schema = document["components"]["schemas"][name]
    jsonschema.validate(schema["example"], {**schema, "components": document["components"]})
    told = getattr(answers, name).model_validate(by_code(schema["example"]))
    assert told.model_dump(mode="json", by_alias=True) == schema["example"]


def by_code(example: dict[str, Any]) -> dict[str, Any]:
    """As the database has it: a quality is a number there."""
    return {**example, "quality": 0} if "quality" in example else example


def test_every_operation_tells_of_problems(document: Any) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
