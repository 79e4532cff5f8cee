"""How a run is to be played: plain values, chosen by the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """The knobs of a run.

    Attributes:
        width: how many plays are in flight at once.
        confirm: how many more times a failing scenario is played before it is called a failure.
        retry: how many more times a play is tried whose situation could not be reached.
        timeout_scale: what every time limit is multiplied with (slow networks, slow targets).
        level: ``must`` or ``should``: the weakest level whose violation is a failure.
        seed: start of the run's random numbers; the same seed gives the same initial sequence numbers.
        hostile: whether what may harm a target is played against live targets too, not against labs only.
        patient: whether what takes minutes is played in real time too, not in virtual time only.
        http_path: path whose ``{n}`` an HTTP target replaces by the number of octets to send.
        known: verdicts that are known by id of a case or scenario: such a one is not confirmed.
        transcript: whether results have one; it costs a tenth of what a play does.
        fatal: ids of cases and scenarios that the target is known not to survive: they are not played.
    """

    width: int = 64
    confirm: int = 2
    retry: int = 2
    timeout_scale: float = 1.0
    level: str = "must"
    seed: int = 0
    hostile: bool = False
    patient: bool = False
    http_path: str = "/bytes/{n}"
    known: Mapping[str, str] = field(default_factory=dict)
    transcript: bool = True
    fatal: frozenset[str] = frozenset()
