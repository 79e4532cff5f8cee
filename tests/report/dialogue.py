"""Packets of one made-up connection, in the order of the calls, made with tcpprobe.wire."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tcpprobe.results.model import ConnectionInfo, Entry
from tcpprobe.wire import ip
from tcpprobe.wire.flags import parse_flags
from tcpprobe.wire.icmp import Icmp, icmp_named, mtu_word
from tcpprobe.wire.options import encode_options, mss, nop, pad_options, sack_permitted, timestamps, wscale
from tcpprobe.wire.segment import Segment
from tcpprobe.wire.text import Numbers, one_line

ISS, IRS = 0x9F3A_5500, 0x1C44_0B07
SYN_OPTIONS = pad_options(
    encode_options([mss(1460), sack_permitted(), timestamps(700_000, 0), nop(), wscale(7)]),
)


@dataclass
class Dialogue:
    """One connection's packets, in the order of the calls."""

    us: str = "10.77.0.1"
    them: str = "10.77.0.2"
    sport: int = 40001
    dport: int = 7
    name: str = "main"
    entries: list[Entry] = field(default_factory=list)
    peer_known: bool = True

    def _add(
        self, time: float, sent: bool, payload: Segment | Icmp, step: int | None, note: str, **header: int
    ) -> None:
        ends = (ip.pack(self.us), ip.pack(self.them))
        raw = ip.encode(ip.Packet(*(ends if sent else ends[::-1]), payload, **header))
        base = Numbers(ISS, IRS if self.peer_known else None, (ip.pack(self.us), self.sport))
        kind = "sent" if sent else "received"
        self.entries.append(Entry(time, kind, self.name, raw, one_line(ip.decode(raw), base), step, note))

    def sent(
        self,
        time: float,
        flags: str,
        seq: int = 0,
        ack: int | None = None,
        data: bytes = b"",
        *,
        options: bytes = b"",
        window: int = 65535,
        step: int | None = None,
        note: str = "",
        **extra: int,
    ) -> Dialogue:
        there = 0 if ack is None else (IRS + ack) & 0xFFFFFFFF
        segment = Segment(
            self.sport, self.dport, (ISS + seq) & 0xFFFFFFFF, there, parse_flags(flags), window, 0, options, data
        )
        self._add(time, True, replace(segment, **extra), step, note)
        return self

    def received(
        self,
        time: float,
        flags: str,
        seq: int = 0,
        ack: int | None = None,
        data: bytes = b"",
        *,
        options: bytes = b"",
        window: int = 64240,
        step: int | None = None,
        note: str = "",
        absolute: bool = False,
        **extra: int,
    ) -> Dialogue:
        base = 0 if absolute else IRS
        there = 0 if ack is None else (ISS + ack) & 0xFFFFFFFF
        segment = Segment(
            self.dport, self.sport, (base + seq) & 0xFFFFFFFF, there, parse_flags(flags), window, 0, options, data
        )
        self._add(time, False, replace(segment, **extra), step, note, ttl=63, ident=0x1234)
        return self

    def icmp(self, time: float, name: str, mtu: int, quote: bytes, step: int | None = None) -> Dialogue:
        version = 6 if ":" in self.us else 4
        message = Icmp(*icmp_named(name, version), mtu_word(mtu, version), quote)
        self._add(time, True, message, step, "")
        return self

    def event(self, time: float, text: str, step: int | None = None) -> Dialogue:
        self.entries.append(Entry(time, "event", self.name, b"", text, step))
        return self

    def opened(self, start: float = 0.0) -> Dialogue:
        self.event(start, "opening: established")
        self.sent(start + 0.0002, "S", 0, options=SYN_OPTIONS)
        self.received(start + 0.0004, "SA", 0, 1, options=SYN_OPTIONS, note="given")
        return self.sent(start + 0.0005, "A", 1, 1)

    def info(self) -> ConnectionInfo:
        return ConnectionInfo(
            self.name, self.us, self.sport, self.them, self.dport, ISS, IRS if self.peer_known else None
        )
