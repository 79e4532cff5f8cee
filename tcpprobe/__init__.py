"""tcpprobe tells whether a TCP obeys the RFCs, from the outside, by talking to it."""
