"""The OpenAPI document: its examples are what it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import served_town
from tests.conftest import Servers


@pytest.fixture(scope="module")
def document(servers: Servers) -> Any:
    """The description, as it is served."""
    with served_town(servers) as api:
        return api.client.get("/v1/openapi.json").json()


def test_an_example_is_what_it_is_an_example_of(document: Any) -> None:
    schemas = document["components"]["schemas"]
    shown = {name: schema for name, schema in schemas.items() if "example" in schema}
    assert len(shown) > 40
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    for name, schema in shown.items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        checked = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert [str(one) for one in checked.iter_errors(schema["example"])] == [], name
        unknown = set(schema["example"]) - set(schema["properties"])
        assert not unknown


def test_everything_that_is_sent_or_answered_has_an_example(document: Any) -> None:
    schemas = document["components"]["schemas"]
    missing = set()
    for item in document["paths"].values():
        for operation in item.values():
            answers = [answer for code, answer in operation["responses"].items() if code != "default"]
            for name in named([operation.get("requestBody", {}), *answers]):
                of_items = named(schemas[name]["properties"]["items"]) if name.startswith("Page_") else [name]
                missing |= {one for one in of_items if "example" not in schemas[one]}
    assert not missing


def named(part: Any) -> Iterator[str]:
    """Yield the schemas that a part of the document names."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        for inner in part.values():
            yield from named(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from named(inner)


def test_every_operation_tells_of_problems(document: Any) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
