"""The one question asked of a target between plays: does it still answer?"""

from __future__ import annotations

from functools import cache

from tcpprobe.scenario.load import load_text
from tcpprobe.scenario.model import Case

TEXT = """\
title: Is the target there
scenarios:
  - id: liveness
    title: The target answers a SYN
    level: info
    steps:
      - send: {flags: S, options: [mss 1460]}
      - expect:
          any_of:
            - {flags: {has: SA}, variant: accepts}
            - {flags: {has: R}, variant: refuses}
            - {icmp: port-unreachable, variant: unreachable}
            - {icmp: host-unreachable, variant: unreachable}
            - {icmp: net-unreachable, variant: unreachable}
            - {icmp: admin-prohibited, variant: prohibited}
        within: 1s
"""


@cache
def liveness_case() -> Case:
    """A SYN to the target's port; its variant says how it answered, inconclusive that it did not."""
    (case,) = load_text(TEXT, "tcpprobe:liveness")
    return case
