"""``make bench``: every figure of every benchmark, with its definition, measured in one run."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks

for module in pkgutil.iter_modules(benchmarks.__path__):
    if module.name.startswith("_"):
        continue
    print(f"\n{module.name}", flush=True)
    for name, value, definition in importlib.import_module(f"benchmarks.{module.name}").figures():
        print(f"  {name:<44} {value:>12,.2f}   {definition}", flush=True)
