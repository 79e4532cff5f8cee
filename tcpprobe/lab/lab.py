"""Labs: targets made out of nothing, for this run only."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from tcpprobe.lab.addresses import CLOSED_PORT, SERVICES, TARGET_4, TARGET_6
from tcpprobe.link.base import Link
from tcpprobe.target.target import ANY_LAB, LABS, Target, parse
from tcpprobe.wire import ip


class LabError(RuntimeError):
    """The lab cannot be opened here; one plain sentence, and what would help."""


class Lab:
    """An open lab: a target and the link that reaches it. Closing it leaves nothing behind.

    Attributes:
        target: complete: with address, ports and services.
        link: the one way to the target.
        notes: what a reader of the results should know about the lab, one sentence each.
    """

    def __init__(self, target: Target, link: Link, *, notes: tuple[str, ...] = (), finish: Callable[[], None]) -> None:
        self.target = target
        self.link = link
        self.notes = notes
        self._finish = finish
        self._open = True

    def close(self) -> None:
        """Close the link, then take the target away; more than once does no harm."""
        if self._open:
            self._open = False
            try:
                self.link.close()
            finally:
                self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lab_target(name: str, family: int, address: str = "") -> Target:
    """The target of an open lab that has all the services, at the address labs have unless another is given."""
    name = name if family == 4 else f"{name}-ipv6"
    return Target(
        text=name,
        name=name,
        address=ip.pack(address or (TARGET_4 if family == 4 else TARGET_6)),
        port=SERVICES["wire"],
        closed_port=CLOSED_PORT,
        services=dict(SERVICES),
        lab=name.removeprefix("lab:"),
        family=family,
        service="lab",
    )


OPENERS: Mapping[str, str] = MappingProxyType(
    {
        "linux": "tcpprobe.lab.linux:open_linux",
        "memory": "tcpprobe.lab.memory:open_memory",
        "lwip": "tcpprobe.lab.lwip:open_lwip",
        "slirp": "tcpprobe.lab.slirp:open_slirp",
    }
)
"""Where each lab is: a function that takes the address family, 4 or 6, and returns a `Lab` or raises `LabError`.

The order is that of preference."""


def open_lab(name: str, *, family: int = 4) -> Lab:
    """Open a lab.

    Args:
        name: a name of `tcpprobe.target.target.LABS`, with or without ``lab:`` before it; ``lab`` or ``any`` takes the
            first of `OPENERS` that works here, and says in its notes which that was and why not an earlier one.
        family: 4 or 6, for a name that does not say.

    Raises:
        LabError: it cannot be opened on this host.
        TargetError: there is no such lab.
    """
    wanted = name.removeprefix("lab:")
    if wanted in ("lab", ANY_LAB):
        return _best(family)
    parsed = parse(f"lab:{wanted}", family=family if wanted in LABS and not wanted.endswith("-ipv6") else None)
    assert parsed.lab is not None
    return _opener(parsed.lab.removesuffix("-ipv6"))(parsed.family)


def _best(family: int) -> Lab:
    failures = []
    for name in OPENERS:
        try:
            lab = _opener(name)(family)
        except LabError as error:
            failures.append(f"lab:{name} cannot be used here: {error}")
            continue
        lab.notes = (f"lab is {lab.target.name}", *failures, *lab.notes)
        return lab
    raise LabError("; ".join(failures))


def _opener(name: str) -> Callable[[int], Lab]:
    module, _, function = OPENERS[name].partition(":")
    opener: Callable[[int], Lab] = getattr(importlib.import_module(module), function)
    return opener
