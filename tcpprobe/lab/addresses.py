"""Who is who in a lab. The addresses are from blocks that nobody routes: RFC 5737, RFC 2544 and RFC 3849."""

from __future__ import annotations

INTERFACE = "probe"
MTU = 1500
TARGET_4 = "192.0.2.1"
TARGET_6 = "2001:db8::1"
POOL_4 = "198.18.0.0/16"
"""Where the plays' own IPv4 addresses come from, one each."""
POOL_6 = "2001:db8:1::/64"
"""Where the plays' own IPv6 addresses come from, one each."""
POOL_SIZE = 8192
"""Addresses of each family in use: more than any run has plays in the minute that a TIME-WAIT lasts."""
GATEWAY_4, GATEWAY_6 = "192.0.2.2", "fe80::2"
"""The one neighbour a target on a veth pair sends everything to. Nobody has these addresses."""
OUR_MAC, TARGET_MAC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
CLOSED_PORT = 1
SERVICES = {"wire": 7, "echo": 7, "sink": 9, "closer": 13, "source": 80, "http": 80}
"""The port for each capability of a lab's target."""
