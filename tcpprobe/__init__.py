"""tcpprobe tells whether a TCP obeys the RFCs, from the outside, by talking to it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpprobe.stream.opening import connect as connect

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`connect` is loaded when it is asked for: every pytest run imports this module."""
    if name == "connect":
        from tcpprobe.stream.opening import connect

        return connect
    raise AttributeError(f"module 'tcpprobe' has no attribute {name!r}")
