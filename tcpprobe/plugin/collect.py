"""``*.probe.yaml`` files as pytest nodes: a file, and an item for each case and target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from tcpprobe.plugin.stash import BENCH
from tcpprobe.report.github import harmless, inert
from tcpprobe.report.words import lines

if TYPE_CHECKING:
    from tcpprobe.plugin.items import ProbeItem
    from tcpprobe.scenario.model import Case
    from tcpprobe.target.target import Target

N = TypeVar("N", bound=pytest.Collector | pytest.Item)


def named(kind: type[N], parent: pytest.Collector, **keywords: Any) -> N:
    """A node whose id, which pytest prints and stores in many places, is nothing that a terminal or a runner obeys."""
    if issubclass(kind, pytest.Item):
        # As text, which is how --lf reads it back: pytest 9.2 tells "id[row]" as one name from "id" with parameters.
        nodeid = inert(f"{parent.nodeid}::{keywords['name']}")
        return cast("N", kind.from_parent(parent, nodeid=nodeid, **keywords))
    node = cast("N", kind.from_parent(parent, **keywords))
    name = inert(node.nodeid).replace("::", ":\\x3a")  # what comes behind it would be taken for a test's name
    return node if name == node.nodeid else cast("N", kind.from_parent(parent, nodeid=name, **keywords))


class ProbeFile(pytest.File):
    """One file of scenarios.

    pytest makes a node of every file that lies beside the one it was asked for, so what reads files is loaded only when
    this one is read.
    """

    def __repr__(self) -> str:
        """A line of the table of contents that ``--collect-only`` prints."""
        return f"<{type(self).__name__} {inert(self.name)}>"

    def collect(self) -> Iterator[ProbeItem]:
        """An item per case; with several targets, one per case and target."""
        from tcpprobe.scenario.load import load_file

        targets = self.config.stash[BENCH].targets if BENCH in self.config.stash else []
        for case in load_file(self.path):
            if not targets:
                yield self._item(case, None, several=False)
            for target in targets:
                yield self._item(case, target, several=len(targets) > 1)

    def _item(self, case: Case, target: Target | None, *, several: bool) -> ProbeItem:
        from tcpprobe.plugin.items import ProbeItem

        name = f"{case.id}@{target.text}" if several and target is not None else case.id
        return named(ProbeItem, self, name=name, case=case, target=target)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """A mistake in the file is told by our text alone."""
        from tcpprobe.marked.problem import Problems

        if isinstance(excinfo.value, Problems):
            return "\n".join(map(harmless, lines(str(excinfo.value))))
        return super().repr_failure(excinfo)
