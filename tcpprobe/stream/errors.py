"""What can go wrong with a connection, as sockets say it too: each is also the builtin exception of its kind."""

from __future__ import annotations


class StreamError(OSError):
    """A connection cannot be opened or used: one plain sentence."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Refused(StreamError, ConnectionRefusedError):
    """The peer, or something on the way, said no to the opening."""


class Reset(StreamError, ConnectionResetError):
    """The peer ended the connection with a RST."""


class TimedOut(StreamError, TimeoutError):
    """Nothing moved for as long as the caller was patient."""


class Unreachable(StreamError):
    """Packets do not get there, and somebody or the kernel says so."""


class NotOpen(StreamError, BrokenPipeError):
    """The stream was closed on this side."""
