"""The catalogue, loaded once.

The data is kept for people in ``data/*.yaml``, one file for each RFC, and once more in ``data/catalogue.json``, which
is made of them (``python -m tcpprobe.catalogue.load``) and twenty times faster to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tcpprobe.catalogue.model import Requirement
from tcpprobe.marked.load import load_file

DATA = Path(__file__).parent / "data"
JSON = DATA / "catalogue.json"
_FIELDS = Requirement.__match_args__
_TUPLES = tuple(_FIELDS.index(name) for name in ("also", "see"))


@cache
def requirements() -> Mapping[str, Requirement]:
    """All requirements by id, in the order of their RFCs and sections."""
    found: dict[str, Requirement] = {}
    for row in json.loads(JSON.read_text(encoding="utf-8")):
        for index in _TUPLES:
            row[index] = tuple(row[index])
        found[row[0]] = Requirement(*row)
    return MappingProxyType(found)


def read_yaml(folder: Path = DATA) -> list[Requirement]:
    """The requirements as the YAML files have them. Raises `tcpprobe.marked.problem.Problems`."""
    found = []
    for path in sorted(folder.glob("*.yaml"), key=_order):
        entries: list[dict[str, Any]] = load_file(path).plain()
        found += [_requirement(entry) for entry in entries]
    return found


def _order(path: Path) -> tuple[int, int, str]:
    digits = path.stem.removeprefix("rfc")
    # RFC 9293 first: it is the one that the others amend.
    return (0 if digits == "9293" else 1, int(digits) if digits.isdigit() else 1 << 20, path.stem)


def _requirement(entry: dict[str, Any]) -> Requirement:
    values = {name: entry.get(name, "") for name in _FIELDS}
    values["rfc"] = str(entry.get("rfc", ""))
    values["section"] = str(entry.get("section", ""))
    for name in ("also", "see"):
        values[name] = tuple(entry.get(name) or ())
    values["verified"] = bool(entry.get("verified", True))
    return Requirement(**values)


def as_json(found: list[Requirement]) -> str:
    """What ``catalogue.json`` holds for these requirements."""
    rows = [json.dumps([getattr(each, name) for name in _FIELDS], ensure_ascii=False) for each in found]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def url(requirement: Requirement) -> str:
    """The public page of the RFC's section, or empty for what no RFC says."""
    if not requirement.rfc:
        return ""
    page = f"https://www.rfc-editor.org/rfc/rfc{requirement.rfc}.html"
    section = requirement.section
    return f"{page}#section-{section}" if section and section != "0" else page


if __name__ == "__main__":
    JSON.write_text(as_json(read_yaml()), encoding="utf-8")
