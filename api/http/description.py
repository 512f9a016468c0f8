"""The OpenAPI document, with an example of each request and response body (api/examples.json)."""

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI


class Described(FastAPI):
    """An application whose OpenAPI schemas carry examples, keyed by schema name."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, built once."""
        made = self.openapi_schema is None
        document = super().openapi()
        if made:
            examples = json.loads(files("api").joinpath("examples.json").read_text(encoding="utf-8"))
            schemas = document["components"]["schemas"]
            for name, example in examples.items():
                schemas[name]["example"] = example
        return document
