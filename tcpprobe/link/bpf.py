"""Classic BPF: the few programs that keep the kernel from waking us for other people's packets, and from answering."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence

SO_ATTACH_FILTER = 26

Instruction = tuple[int, int, int, int]
"""(code, jump if true, jump if false, k), as in ``linux/filter.h``."""

_NET = -0x100000
"""SKF_NET_OFF: loads relative to the IP header, whatever link header is before it."""

_LD_W, _LD_H, _LD_B = 0x20, 0x28, 0x30
_LDX_MSH = 0xB1
_LD_H_IND, _LD_B_IND = 0x48, 0x50
_RSH = 0x74
_JEQ, _JGE, _JSET = 0x15, 0x35, 0x45
_RET = 0x06

_ACCEPT: Instruction = (_RET, 0, 0, 0x7FFFFFFF)
_DROP: Instruction = (_RET, 0, 0, 0)
DROP_ALL: Sequence[Instruction] = (_DROP,)

BLOCK_BITS = 8
"""A block is this many low bits of a port: the filter compares the rest."""


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """Attach (or atomically replace) the socket's filter. Raises OSError when the kernel refuses the program."""
    code = b"".join(struct.pack("@HBBI", op, jt, jf, k & 0xFFFFFFFF) for op, jt, jf, k in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def towards(ours: bytes, target: bytes, blocks: Sequence[int]) -> list[Instruction]:
    """What passes: TCP from ``target`` to ``ours`` on ports within the blocks, and ICMP errors to ``ours``.

    ``blocks`` are port >> BLOCK_BITS, at most 200 of them. Later fragments bear no port and do not pass.
    """
    return _towards_v4(ours, target, blocks) if len(ours) == 4 else _towards_v6(ours, target, blocks)


def to_station(mac: bytes) -> list[Instruction]:
    """What passes, with its Ethernet header: frames to ``mac``, ARP, and IPv6 to a multicast group."""
    return [
        (_LD_W, 0, 0, 2),
        (_JEQ, 0, 3, int.from_bytes(mac[2:], "big")),
        (_LD_H, 0, 0, 0),
        (_JEQ, 0, 1, int.from_bytes(mac[:2], "big")),
        _ACCEPT,
        (_LD_H, 0, 0, 12),
        (_JEQ, 3, 0, 0x0806),
        (_JEQ, 0, 3, 0x86DD),
        (_LD_B, 0, 0, 0),
        (_JEQ, 0, 1, 0x33),  # RFC 2464 7
        _ACCEPT,
        _DROP,
    ]


def _equal(offset: int, address: bytes) -> list[Instruction]:
    """Drop unless the address is at that offset of the IP header."""
    program: list[Instruction] = []
    for at in range(0, len(address), 4):
        word = int.from_bytes(address[at : at + 4], "big")
        program += [(_LD_W, 0, 0, _NET + offset + at), (_JEQ, 1, 0, word), _DROP]
    return program


def _one_of(blocks: Sequence[int]) -> list[Instruction]:
    """Accept when the loaded port is in one of the blocks."""
    program: list[Instruction] = [(_RSH, 0, 0, BLOCK_BITS)]
    count = len(blocks)
    program += [(_JEQ, count - index, 0, block) for index, block in enumerate(blocks)]
    return [*program, _DROP, _ACCEPT]


def _towards_v4(ours: bytes, target: bytes, blocks: Sequence[int]) -> list[Instruction]:
    return [
        *_equal(16, ours),
        (_LDX_MSH, 0, 0, _NET),
        (_LD_B, 0, 0, _NET + 9),
        (_JEQ, 0, 8, 1),
        (_LD_B_IND, 0, 0, _NET),
        (_JEQ, 4, 0, 3),  # ICMP errors: from any router on the way
        (_JEQ, 3, 0, 4),
        (_JEQ, 2, 0, 5),
        (_JEQ, 1, 0, 11),
        (_JEQ, 0, 1, 12),
        _ACCEPT,
        _DROP,
        (_JEQ, 1, 0, 6),
        _DROP,
        *_equal(12, target),
        (_LD_H, 0, 0, _NET + 6),
        (_JSET, 0, 1, 0x1FFF),  # a later fragment
        _DROP,
        (_LD_H_IND, 0, 0, _NET + 2),
        *_one_of(blocks),
    ]


def _towards_v6(ours: bytes, target: bytes, blocks: Sequence[int]) -> list[Instruction]:
    return [
        *_equal(24, ours),
        (_LD_B, 0, 0, _NET + 6),
        (_JEQ, 0, 4, 58),
        (_LD_B, 0, 0, _NET + 40),
        (_JGE, 0, 1, 128),  # ICMPv6 errors: from any router on the way
        _DROP,
        _ACCEPT,
        *_equal(8, target),
        (_LD_B, 0, 0, _NET + 6),
        (_JEQ, 6, 0, 6),
        (_JEQ, 4, 0, 0),  # extension headers pass, whatever is behind them
        (_JEQ, 3, 0, 43),
        (_JEQ, 2, 0, 44),
        (_JEQ, 1, 0, 60),
        _DROP,
        _ACCEPT,
        (_LD_H, 0, 0, _NET + 42),
        *_one_of(blocks),
    ]
