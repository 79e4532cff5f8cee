"""The markers that scenarios bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

#: Those that are always there; RFCs, needs and tags are registered as they are met.
MARKERS = {
    "must": "a scenario about a MUST or MUST NOT",
    "should": "a scenario about a SHOULD or SHOULD NOT",
    "may": "a scenario about a MAY",
    "info": "a scenario that only observes",
    "slow": "a scenario that has to wait long",
}


def register_all(config: pytest.Config) -> None:
    """Register those that are always there."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def register(config: pytest.Config, name: str, meaning: str) -> None:
    """Register one more, unless it is there."""
    line = f"{name}: {meaning}"
    if name not in MARKERS and line not in config.getini("markers"):
        config.addinivalue_line("markers", line)
