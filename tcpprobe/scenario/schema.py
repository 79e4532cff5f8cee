"""The JSON Schema of a scenario file, for editors."""

from __future__ import annotations

from typing import Any

from tcpprobe.scenario import shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that every valid scenario file meets; ``!hex`` values are strings to it."""
    schema = shape.FileBody.model_json_schema(by_alias=True)
    schema["$schema"] = DIALECT
    schema["title"] = "tcpprobe scenario file"
    _tidy(schema)
    return schema


def _tidy(schema: Any) -> None:
    """Take out defaults of None, which are no values a file may have, and titles that repeat the key."""
    if isinstance(schema, dict):
        if "default" in schema and schema["default"] is None:
            del schema["default"]
        properties = schema.get("properties")
        for each in properties.values() if isinstance(properties, dict) else ():
            if isinstance(each, dict):
                each.pop("title", None)
        for each in schema.values():
            _tidy(each)
    elif isinstance(schema, list):
        for each in schema:
            _tidy(each)
