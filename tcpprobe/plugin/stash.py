"""What the plugin keeps in pytest's stash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tcpprobe.plugin.bench import Bench

BENCH: pytest.StashKey[Bench] = pytest.StashKey()
"""The targets and their sessions, when a target was named."""
