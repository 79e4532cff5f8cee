"""``*.probe.yaml`` files as pytest nodes: a file, and an item for each case and target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tcpprobe.plugin.stash import BENCH

if TYPE_CHECKING:
    from tcpprobe.plugin.items import ProbeItem
    from tcpprobe.scenario.model import Case
    from tcpprobe.target.target import Target


class ProbeFile(pytest.File):
    """One file of scenarios.

    pytest makes a node of every file that lies beside the one it was asked for, so what reads files is loaded only when
    this one is read.
    """

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
        item: ProbeItem = ProbeItem.from_parent(self, name=name, case=case, target=target)
        return item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """A mistake in the file is told by our text alone."""
        from tcpprobe.marked.problem import Problems

        if isinstance(excinfo.value, Problems):
            return str(excinfo.value)
        return super().repr_failure(excinfo)
