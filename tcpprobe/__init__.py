"""tcpprobe tells whether a TCP obeys the RFCs, from the outside, by talking to it."""

__version__ = "0.1.0"
