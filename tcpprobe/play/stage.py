"""Where a play takes place: what it is lent by the runner."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stage:
    """The addresses, ports and allowances of one play.

    Attributes:
        local: our address, packed.
        ports: our port for each connection of the scenario, by its name.
        remote: the target's address, packed.
        port: the target's port when no service is asked for.
        closed_port: a port of the target on which nothing listens, if one is known.
        services: the target's port for each capability (``echo``, ``sink``, ``source`` …).
        http_path: the path whose ``{n}`` makes an HTTP service send n bytes.
        mtu: the largest packet the link carries, octets.
        offload: whether an uncomputed TCP checksum is to be expected on this link (loopback, veth).
        scale: what every time limit of the scenario is multiplied with.
        round_trip: seconds that an answer of the target needs at least to be here.
        rng: the only source of randomness of the play.
        target: what the user calls the target.
        transcript: whether the result has one.
    """

    local: bytes
    ports: Mapping[str, int]
    remote: bytes
    port: int
    closed_port: int | None
    rng: random.Random
    services: Mapping[str, int] = field(default_factory=dict)
    http_path: str = "/bytes/{n}"
    mtu: int = 1500
    offload: bool = False
    scale: float = 1.0
    round_trip: float = 0.0
    target: str = ""
    transcript: bool = True

    def limit(self, seconds: float, now: float, sent: float) -> float:
        """The end of a time limit: it judges the target, so it begins when an answer to what was sent can be here.

        ``sent`` is when that was, the last of it.
        """
        return max(now, sent + self.round_trip) + seconds * self.scale
