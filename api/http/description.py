"""The OpenAPI document, with an example of everything that is sent and answered: examples.json beside this file."""

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI


class Described(FastAPI):
    """An application whose description has examples, by the names of the schemas that they are examples of."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        made = self.openapi_schema is None
        document = super().openapi()
        if made:
            examples = json.loads(files("api").joinpath("examples.json").read_text(encoding="utf-8"))
            schemas = document["components"]["schemas"]
            for name, example in examples.items():
                schemas[name]["example"] = example
        return document
