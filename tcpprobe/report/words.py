"""Words that every form of the report shares: names, numbers, and text that nobody can smuggle anything in."""

from __future__ import annotations

from collections.abc import Iterable

RFC_TITLES = {
    "896": "Congestion control in IP/TCP (Nagle)",
    "1122": "Requirements for Internet hosts",
    "1191": "Path MTU discovery",
    "1337": "TIME-WAIT assassination",
    "2018": "Selective acknowledgment",
    "2385": "TCP MD5 signature",
    "2525": "Known TCP implementation problems",
    "2883": "Duplicate SACK",
    "3042": "Limited transmit",
    "3168": "Explicit congestion notification",
    "3465": "Appropriate byte counting",
    "4821": "Packetization layer path MTU discovery",
    "4987": "SYN flooding",
    "5482": "User timeout option",
    "5681": "Congestion control",
    "5682": "Forward RTO-recovery",
    "5925": "TCP authentication option",
    "5927": "ICMP attacks against TCP",
    "5961": "Blind in-window attacks",
    "6056": "Port randomization",
    "6093": "Urgent mechanism",
    "6191": "TIME-WAIT and timestamps",
    "6298": "Retransmission timer",
    "6429": "Zero-window probing",
    "6528": "Sequence number attacks",
    "6582": "NewReno fast recovery",
    "6633": "ICMP source quench deprecated",
    "6675": "SACK loss recovery",
    "6691": "Options and MSS",
    "6928": "Larger initial window",
    "6937": "Proportional rate reduction",
    "6994": "Experimental option kinds",
    "7323": "Window scale and timestamps",
    "7413": "Fast open",
    "8201": "Path MTU discovery for IPv6",
    "8684": "Multipath TCP",
    "8985": "RACK-TLP loss detection",
    "9293": "Transmission Control Protocol",
    "9406": "HyStart++",
    "9438": "CUBIC",
    "9768": "Accurate ECN",
    "9937": "Proportional rate reduction",
}
ROBUSTNESS = "Robustness"

LEVELS = {"must": "MUST", "should": "SHOULD", "may": "MAY", "info": "info"}
"""Level of a scenario to how it is written."""

VERDICTS = ("fail", "warn", "inconclusive", "error", "skip", "pass")
"""Verdicts, what needs attention first."""

LONGEST = 10_000
"""So many characters of one text are shown: a target may send a megabyte where a word was expected."""


def plain(text: str, keep: Iterable[str] = (), longest: int = LONGEST) -> str:
    """``text`` with everything that is not printable spelled as an escape: controls, ANSI, bidi overrides, surrogates.

    ``keep`` are characters to leave alone, such as a newline. Of more than ``longest`` characters the beginning is
    shown, and how many there are.
    """
    said = text[:longest]
    if not said.isprintable():
        said = "".join(char if char.isprintable() or char in keep else _escape(char) for char in said)
    return said if len(text) <= longest else f"{said[: longest - 40]} … ({len(text):,} characters)"


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def lines(text: str) -> list[str]:
    """The text's lines, each plain, tabs as four spaces."""
    return [plain(line.replace("\t", "    ")) for line in text.replace("\r\n", "\n").split("\n")]


def rfc_name(number: str) -> str:
    """``RFC 9293``, or the word for rules that no RFC numbers."""
    return f"RFC {number}" if number else ROBUSTNESS


def rfc_of(requirement: str) -> str:
    """The RFC number in a requirement's id, empty when it has none."""
    head = requirement.partition("-")[0]
    return head[3:] if head.startswith("RFC") and head[3:].isascii() and head[3:].isdigit() else ""


def rfc_url(rfc: str, section: str) -> str:
    """The public page of an RFC's section, empty when it is no RFC."""
    if not (rfc.isascii() and rfc.isdigit()):
        return ""
    anchor = f"#section-{section}" if section and all(part.isalnum() for part in section.split(".")) else ""
    return f"https://www.rfc-editor.org/rfc/rfc{rfc}.html{anchor}"


def seconds(value: float) -> str:
    """``0.4 ms``, ``250 ms``, ``1.25 s``, ``3 min 05 s``."""
    if value < 0.01:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.3g} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"


def number(value: float | int | str) -> str:
    """A measured value in as many digits as mean something."""
    return plain(f"{value:.4g}" if isinstance(value, float) else str(value))


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 requirement``, ``2 requirements``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def section_key(section: str) -> tuple[tuple[int, str], ...]:
    """Sorts ``3.9`` before ``3.10``."""
    return tuple((int(part), "") if part.isdecimal() else (1 << 30, part) for part in section.split("."))
