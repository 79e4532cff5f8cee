"""Results in which data flows, or in which everything is long."""

from __future__ import annotations

from dataclasses import replace

from tcpprobe.results.model import Result, StepResult
from tcpprobe.wire.options import encode_options, pad_options, sack_blocks

from .dialogue import IRS, Dialogue
from .sample import closed_port, timer_doubles


def bulk() -> Result:
    """Data in flight, a loss, SACK blocks, a retransmission, and a window that follows."""
    talk = Dialogue(dport=19).opened()
    sizes, gap = 1000, 3
    for number in range(12):
        talk.received(0.01 + number * 0.004, "A", 1 + sizes * number, 1, bytes(sizes), note="" if number else "met")
        if number == gap:
            talk.entries.pop()  # lost on its way
            continue
        edge = 1 + sizes * (number + 1)
        options = b"" if number < gap else blocks_after(sizes, gap, number)
        talk.sent(0.0105 + number * 0.004, "A", 1, min(edge, 1 + sizes * gap), options=options, window=200)
    talk.received(0.25, "A", 1 + sizes * gap, 1, bytes(sizes), step=0, note="met")
    talk.sent(0.2504, "A", 1, 1 + sizes * 12, window=200)
    steps = [StepResult(0, 9, 9, "expect", '- expect: {len: "> 0"}', "met", "len > 0", time=0.25)]
    return replace(
        timer_doubles(),
        id="loss-recovered",
        title="What is lost is sent again",
        steps=steps,
        transcript=talk.entries,
        connections=[talk.info()],
    )


def blocks_after(size: int, gap: int, last: int) -> bytes:
    """One block: everything after the gap."""
    block = (IRS + 1 + size * (gap + 1), IRS + 1 + size * (last + 1))
    return pad_options(encode_options([sack_blocks(block)]))


def long_titled() -> Result:
    """Names as long as they get."""
    title = "A segment whose title goes on and on without an end in sight " * 5
    return replace(closed_port(), id=f"long-{'x' * 200}", title=title[:300], reason=f"{'word ' * 60}{'y' * 200}")


def long_talk(packets: int = 400) -> Result:
    """So many packets to and fro."""
    talk = Dialogue().opened()
    for number in range((packets - 3) // 2):
        talk.sent(0.01 * number + 0.01, "PA", 1 + 10 * number, 1 + 10 * number, bytes(10))
        talk.received(0.01 * number + 0.012, "PA", 1 + 10 * number, 11 + 10 * number, bytes(10))
    return replace(bulk(), id="long-talk", title="Much is said", transcript=talk.entries, connections=[talk.info()])
