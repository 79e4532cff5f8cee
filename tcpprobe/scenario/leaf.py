"""Values at the ends of a scenario file, as pydantic types: their kinds are checked here, their meaning later."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tcpprobe.scenario.words import VERDICTS

KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "empty",
    bytes: "hex bytes",
}

NAME = r"^[a-z][a-z0-9_]*$"
ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TIME = r"\s*[0-9]+(\.[0-9]+)?\s*(us|ms|s|min|h)\s*"
DURATION = f"^{_TIME}$"
PAUSE = rf"^{_TIME}(\+\s*rtt\s*)?$"


def leaf(schema: dict[str, Any], *kinds: type, each: tuple[type, ...] = ()) -> Any:
    """A value of one of these kinds, and a list of values of the kinds ``each`` when there are any."""
    allowed = frozenset(kinds)
    inner = frozenset(each)
    wanted = " or ".join(KINDS[kind] for kind in kinds)

    def check(value: Any) -> Any:
        if type(value) in allowed:
            return value
        if inner and type(value) is list:
            for index, one in enumerate(value):
                if type(one) not in inner:
                    raise PydanticCustomError("kind", f"[{index}] must be {wanted}, not {KINDS[type(one)]}")
            return value
        raise PydanticCustomError("kind", f"must be {wanted}{' or a list' if inner else ''}, not {KINDS[type(value)]}")

    return Annotated[Any, PlainValidator(check), WithJsonSchema(schema)]


def word(known: tuple[str, ...]) -> Any:
    """One of a closed set of words."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in known:
            return value
        raise PydanticCustomError("word", "{value} is not known", {"value": repr(value), "known": list(known)})

    return Annotated[Any, PlainValidator(check), WithJsonSchema({"enum": list(known)})]


_NUMBER = {"type": ["integer", "string"], "description": "a number or an expression"}
_TEST = {"type": ["integer", "string"], "description": 'a number, an expression, "> 0", "1 .. 5"'}
Number = leaf(_NUMBER, int, str)
Test = leaf({"anyOf": [_TEST, {"type": "array", "items": _TEST, "minItems": 1}]}, int, str, each=(int, str))
Octets = leaf({"type": "string", "description": "text, or !hex"}, str, bytes)
OctetsTest = leaf(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, str, bytes, each=(str, bytes)
)
Text = leaf({"type": "string"}, str)
Bool = leaf({"type": "boolean"}, bool)
BoolOrRow = leaf({"type": ["boolean", "string"]}, bool, str)
Duration = leaf({"type": "string", "pattern": DURATION, "description": "500ms, 1.5s, 2min"}, str, int, float)
Pause = leaf({"type": "string", "pattern": PAUSE, "description": "a duration, or 500ms + rtt"}, str, int, float)
Flags = leaf({"type": ["string", "integer"], "description": 'letters of FSRPAUECN; "" is none'}, str, int)
OptionsSent = leaf(
    {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "object"]}},
            {"type": "string", "description": "none, or !hex"},
        ]
    },
    list,
    bytes,
    str,
)
OptionsOffered = leaf({"type": "array", "items": {"type": ["string", "object"]}}, list)
OptionsTest = leaf(
    {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "object"]}},
            {"type": "object", "description": "name → present, absent or a value"},
            {"type": "string", "description": "none, or !hex"},
        ]
    },
    list,
    dict,
    bytes,
    str,
)
Anything = leaf({}, *KINDS)
Verdict = word(VERDICTS)


class Shape(BaseModel):
    """What all have in common: no key that is not named."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)
