"""The closed vocabularies of the scenario language, as tables."""

from __future__ import annotations

from collections.abc import Mapping

from tcpprobe.wire.icmp import NAMES

STATES = (
    "closed",
    "listen",
    "syn-received",
    "established",
    "close-wait",
    "fin-wait-1",
    "fin-wait-2",
    "closing",
    "last-ack",
    "time-wait",
)
"""States of the target that ``given`` can ask for."""

STATE_NEEDS: Mapping[str, str] = {
    "listen": "agent",
    "close-wait": "source",
    "fin-wait-1": "closer",
    "fin-wait-2": "closer",
    "closing": "closer",
    "time-wait": "closer",
}
"""What it takes to bring a target there."""

NEEDS = (
    "wire",
    "closed_port",
    "echo",
    "source",
    "sink",
    "closer",
    "http",
    "agent",
    "icmp",
    "own_address",
    "ipv4",
    "ipv6",
)
"""Capabilities a scenario can ask for."""

ACTION_NEEDS: Mapping[str, str] = {"send": "source", "close": "closer"}
"""What a ``target`` action needs; all others need ``agent``."""

MOST_CONNECTIONS = 1000
"""The most connections a group may have."""

LEVELS = ("must", "should", "may", "info")
VERDICTS = ("pass", "warn", "fail", "inconclusive", "skip")

IGNORE = ("retransmissions", "window_updates", "acks", "data")
"""What ``ignore`` can name."""

REFLEXES = (
    "all",
    "handshake",
    "acknowledge",
    "answer_fin",
    "delayed_ack",
    "challenge_ack",
    "reset_unknown",
    "transmit",
    "retransmit",
    "window_update",
    "flow_control",
    "probe",
    "nagle",
    "congestion",
    "idle_restart",
    "limited_transmit",
    "fast_retransmit",
    "sack",
    "rack",
    "tail_probe",
    "prr",
    "path_mtu",
    "keep_alive",
)
"""What our endpoint can be left to do by itself."""

ECN: Mapping[str, int] = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}
"""ECN codepoints (RFC 3168 5)."""

ICMP_NAMES = frozenset(NAMES[4]) | frozenset(NAMES[6])

SEGMENT_BITS: Mapping[str, int] = {
    "window": 16,
    "urgent": 16,
    "data_offset": 4,
    "reserved": 3,
    "sport": 16,
    "dport": 16,
}
"""Plain numeric fields of a TCP header and their widths."""

IP_BITS: Mapping[str, tuple[str, int]] = {
    "ttl": ("ttl", 8),
    "tos": ("tos", 8),
    "id": ("ident", 16),
    "flow_label": ("flow_label", 20),
    "version": ("version", 4),
    "header_length": ("header_length", 4),
    "total_length": ("total_length", 16),
    "protocol": ("protocol", 8),
    "checksum": ("checksum", 16),
}
"""Plain numeric fields of the IP header: our name → (name in `tcpprobe.wire.ip.Packet`, width)."""
