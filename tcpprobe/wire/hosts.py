"""Which addresses can be those of one host."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address


@lru_cache(maxsize=1024)
def is_a_host(address: bytes) -> bool:
    """Whether a packed address on the wire can be one host's (RFC 1122 3.2.1.3, RFC 4291 2).

    Not when it is unspecified, multicast, loopback or the limited broadcast address.
    """
    ip = ip_address(address)
    return not (ip.is_unspecified or ip.is_multicast or ip.is_loopback or address == b"\xff\xff\xff\xff")
