"""The shape of a scenario file as pydantic models: which keys there are and what kind of value each takes.

The models validate (`tcpprobe.scenario.validate`) and make the JSON Schema for editors (`tcpprobe.scenario.schema`).
What the values mean is decided where they are compiled. The docstring of a model is what an editor shows.
"""

# mypy: disable-error-code="valid-type"
from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from tcpprobe.scenario.leaf import (
    ID,
    Bool,
    Number,
    OptionsOffered,
    Shape,
    Text,
    leaf,
    word,
)
from tcpprobe.scenario.shape_packet import PatternBody
from tcpprobe.scenario.shape_step import StepBody
from tcpprobe.scenario.words import IGNORE, LEVELS, MOST_CONNECTIONS, NEEDS, REFLEXES, STATES


class GivenBody(Shape):
    """How a connection stands when the steps begin."""

    state: word(STATES) = "closed"
    count: leaf({"type": "integer", "minimum": 2, "maximum": MOST_CONNECTIONS}, int) = None
    options: OptionsOffered = None
    iss: Number = None
    window: Number = None
    ecn: Bool = None
    reflexes: leaf(
        {"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"enum": list(REFLEXES)}}]}, str, list
    ) = None


GivenValue = Annotated[
    Annotated[GivenBody, Tag("<given>")] | Annotated[word(STATES), Tag("<state>")],
    Discriminator(lambda value: "<given>" if isinstance(value, dict) else "<state>"),
]

IgnoreItem = Annotated[
    Annotated[PatternBody, Tag("<pattern>")] | Annotated[word(IGNORE), Tag("<plain>")],
    Discriminator(lambda value: "<pattern>" if isinstance(value, dict) else "<plain>"),
]

IgnoreValue = Annotated[
    Annotated[list[IgnoreItem], Tag("<list>")] | Annotated[word(("none",)), Tag("<none>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list) else "<none>"),
]

Connections = Annotated[
    Annotated[dict[str, GivenValue], Tag("<each>")] | Annotated[list[Text], Tag("<list>")],
    Discriminator(lambda value: "<each>" if isinstance(value, dict) else "<list>"),
]

_MATRIX_VALUE = {"type": ["integer", "string", "number", "boolean"]}


class ScenarioBody(Shape):
    """One behaviour of the target."""

    id: leaf({"type": "string", "pattern": ID}, str)
    title: Text
    covers: list[Text] = Field(default_factory=list)
    level: word(LEVELS) = None
    needs: list[word(NEEDS)] = Field(default_factory=list)
    tags: list[leaf({"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}, str)] = Field(default_factory=list)
    why: Text = None
    rfc: leaf({"type": ["string", "integer"]}, str, int) = None
    section: leaf({"type": ["string", "integer", "number"]}, str, int, float) = None
    given: GivenValue | None = None
    connections: Connections | None = None
    matrix: leaf(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "object", "additionalProperties": _MATRIX_VALUE}, "minItems": 1},
                {
                    "type": "object",
                    "additionalProperties": {"anyOf": [{"type": "array", "items": _MATRIX_VALUE}, {"type": "string"}]},
                },
            ]
        },
        dict,
        list,
    ) = None
    ignore: IgnoreValue | None = None
    exclusive: Bool = False
    hostile: Bool = False
    patient: Bool = False
    steps: list[StepBody] = Field(min_length=1)


class FileBody(Shape):
    """A file of scenarios about one behaviour."""

    title: Text
    rfc: leaf({"type": ["string", "integer"]}, str, int) = None
    section: leaf({"type": ["string", "integer", "number"]}, str, int, float) = None
    needs: list[word(NEEDS)] = Field(default_factory=list)
    tags: list[leaf({"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"}, str)] = Field(default_factory=list)
    scenarios: list[ScenarioBody] = Field(min_length=1)
