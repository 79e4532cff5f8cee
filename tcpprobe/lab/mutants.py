"""Broken TCPs: each is our endpoint with one defect. A suite of scenarios that does not bite one of them has a hole."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from tcpprobe.lab.mutant import FOUND, Mutant

_MODULES = (
    "mutants_opening",
    "mutants_unusual",
    "mutants_arriving",
    "mutants_leaving",
    "mutants_sending",
    "mutants_recovery",
    "mutants_timeouts",
    "mutants_network",
    "mutants_extensions",
    "mutants_fragments",
    "mutants_routes",
    "mutants_crowds",
    "mutants_accecn",
)

for _module in _MODULES:
    importlib.import_module(f"tcpprobe.lab.{_module}")

MUTANTS: Mapping[str, Mutant] = MappingProxyType(FOUND)
"""Every mutant, by name."""
