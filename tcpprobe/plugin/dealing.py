"""How items are dealt to xdist's workers: each gets every n-th at once, and can therefore play them all at once."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScheduling


class Dealing(LoadScheduling):  # type: ignore[misc]
    """Worker gw0 of two gets the items 0, 2, 4 …, gw1 the others. What a crashed worker leaves goes to the rest."""

    collection: list[str] | None
    maxschedchunk: int | None

    def schedule(self) -> None:
        """Deal, once all workers have collected the same."""
        if self.collection is not None or len(set(map(tuple, self.node2collection.values()))) != 1:
            super().schedule()
            return
        nodes = sorted(self.nodes, key=_number)
        collection = self.collection = next(iter(self.node2collection.values()))
        self.maxschedchunk = self.maxschedchunk or len(collection)  # for what a crashed worker leaves
        for start, node in enumerate(nodes):
            indices = list(range(start, len(collection), len(nodes)))
            self.node2pending[node].extend(indices)
            if indices:
                node.send_runtest_some(indices)
        for node in nodes:
            node.shutdown()


def _number(node: Any) -> int:
    return int(node.gateway.id.removeprefix("gw"))
