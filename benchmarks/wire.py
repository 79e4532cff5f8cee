"""How fast segments are built and read, beside scapy in the same run: ``python benchmarks/wire.py``."""

from __future__ import annotations

import logging
import timeit
from collections.abc import Callable

from tcpprobe.wire import ip, options
from tcpprobe.wire.flags import ACK, PSH, SYN
from tcpprobe.wire.segment import Segment

Figure = tuple[str, float, str]

SYN_OPTIONS = options.encode_options(
    [options.mss(1460), options.sack_permitted(), options.timestamps(5, 6), options.nop(), options.wscale(7)]
)


def _microseconds(function: Callable[[], object], number: int) -> float:
    """The best of five runs: what the code costs, not what else the machine did."""
    return min(timeit.repeat(function, number=number, repeat=5)) / number * 1e6


def _packet(source: str, destination: str, segment: Segment) -> ip.Packet:
    return ip.Packet(ip.pack(source), ip.pack(destination), segment)


def figures() -> list[Figure]:
    """(name, value, definition) of every figure."""
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.layers.inet import IP, TCP

    syn = _packet("192.0.2.1", "192.0.2.2", Segment(4000, 7, 1, 0, SYN, 65535, options=SYN_OPTIONS))
    full = Segment(4000, 7, 1, 2, ACK | PSH, 65535, options=SYN_OPTIONS, payload=bytes(1400))
    data = _packet("192.0.2.1", "192.0.2.2", full)
    six = _packet("2001:db8::1", "2001:db8::2", syn.payload)  # type: ignore[arg-type]
    raw, raw_data, raw_six = (ip.encode(packet) for packet in (syn, data, six))
    scapy_options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (5, 6)), ("NOP", None), ("WScale", 7)]

    def scapy_build() -> bytes:
        layer = TCP(sport=4000, dport=7, seq=1, flags="S", window=65535, options=scapy_options)
        return bytes(IP(src="192.0.2.1", dst="192.0.2.2") / layer)

    def build() -> bytes:
        segment = Segment(4000, 7, 1, 0, SYN, 65535, options=SYN_OPTIONS)
        return ip.encode(ip.Packet(syn.src, syn.dst, segment))

    def scapy_verify() -> bool:
        packet = IP(raw)
        seen = packet[TCP].chksum
        del packet[TCP].chksum
        return bool(IP(bytes(packet))[TCP].chksum == seen)

    ours = _microseconds(build, 20000)
    read = _microseconds(lambda: ip.decode(raw), 20000)
    judged = _microseconds(lambda: ip.decode(raw).tcp_checksum, 20000)
    scapy_ours = _microseconds(scapy_build, 100)
    scapy_read = _microseconds(lambda: IP(raw), 200)
    scapy_judged = _microseconds(scapy_verify, 50)
    syn_text = "an IPv4 SYN with five options"
    return [
        ("wire: build", ours, f"µs to build {syn_text}, objects and bytes"),
        ("scapy: build", scapy_ours, f"µs for scapy to build {syn_text}, objects and bytes"),
        ("build ratio", scapy_ours / ours, "times faster than scapy"),
        ("wire: read", read, f"µs to read {syn_text}, IP checksum judged, options kept as bytes"),
        ("scapy: read", scapy_read, f"µs for scapy to dissect {syn_text}, no checksum judged, options read"),
        ("read ratio", scapy_read / read, "times faster than scapy"),
        ("wire: read and judge", judged, "µs to read it and judge its TCP checksum"),
        ("scapy: read and judge", scapy_judged, "µs for scapy to do so, which means building it again"),
        ("read and judge ratio", scapy_judged / judged, "times faster than scapy"),
        ("wire: build, 1400 bytes", _microseconds(lambda: ip.encode(data), 10000), "µs with 1400 bytes of payload"),
        ("wire: read, 1400 bytes", _microseconds(lambda: ip.decode(raw_data), 10000), "µs with 1400 bytes of payload"),
        ("wire: build, IPv6", _microseconds(lambda: ip.encode(six), 10000), "µs for the SYN over IPv6"),
        ("wire: read, IPv6", _microseconds(lambda: ip.decode(raw_six), 10000), "µs for the SYN over IPv6"),
        ("wire: peek", _microseconds(lambda: ip.peek(raw), 50000), "µs to find a packet's four-tuple"),
    ]


if __name__ == "__main__":
    for name, value, definition in figures():
        print(f"{name:<26} {value:>9.2f}   {definition}")
