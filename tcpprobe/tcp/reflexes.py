"""What an endpoint does by itself, one switch for each behaviour."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Reflexes:
    """One bool for each thing that happens without being asked. All on is a complete TCP; all off moves only numbers.

    Use `dataclasses.replace` for what lies between.

    Attributes:
        handshake: send our SYN, answer a SYN with SYN,ACK and a SYN,ACK with ACK.
        acknowledge: acknowledge data.
        answer_fin: acknowledge a FIN.
        delayed_ack: hold back the acknowledgment of in-order data for a moment; off: at once.
        challenge_ack: answer what is not acceptable with an ACK (RFC 9293 3.10.7.4, RFC 5961).
        reset_unknown: answer with RST what belongs to no connection, or acknowledges what we never sent in a handshake.
        transmit: send queued data and, after close(), the FIN.
        retransmit: repeat what is not acknowledged; give up after R2.
        window_update: tell the peer when reading has opened the window.
        flow_control: shrink the advertised window while data waits to be read; off: the window stays as it is.
        probe: probe a zero window.
        nagle: hold back a small segment while data is outstanding.
        congestion: keep within the congestion window.
        idle_restart: begin with the initial window again after an idle RTO (RFC 5681 4.1).
        limited_transmit: let new data out on the first duplicate acknowledgments (RFC 3042).
        fast_retransmit: repeat what duplicates, or SACK, show to be lost; off: only what the timer does (RFC 5681 3.2).
        sack: report what arrived out of order (when negotiated).
        rack: find losses by time (RFC 8985 6; with SACK); off: by counting (RFC 6675).
        tail_probe: send a tail loss probe before the retransmission timer expires (RFC 8985 7; with SACK).
        prr: shrink the congestion window little by little in recovery (RFC 9937; with SACK); off: at once.
        path_mtu: send smaller segments when ICMP asks for it, or large ones vanish (RFC 1191, RFC 8201, RFC 2923).
        keep_alive: probe an idle connection (when configured).
    """

    handshake: bool = True
    acknowledge: bool = True
    answer_fin: bool = True
    delayed_ack: bool = True
    challenge_ack: bool = True
    reset_unknown: bool = True
    transmit: bool = True
    retransmit: bool = True
    window_update: bool = True
    flow_control: bool = True
    probe: bool = True
    nagle: bool = True
    congestion: bool = True
    idle_restart: bool = True
    limited_transmit: bool = True
    fast_retransmit: bool = True
    sack: bool = True
    rack: bool = True
    tail_probe: bool = True
    prr: bool = True
    path_mtu: bool = True
    keep_alive: bool = True

    ALL: ClassVar[Reflexes]
    NONE: ClassVar[Reflexes]


Reflexes.ALL = Reflexes()
Reflexes.NONE = Reflexes(**{field.name: False for field in fields(Reflexes)})
