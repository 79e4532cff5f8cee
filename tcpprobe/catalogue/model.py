"""A requirement: one rule of an RFC."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
BASES = ("numbered", "keyword", "prose", "practice")
SIDES = ("any", "sender", "receiver", "server", "client", "api")
HIDDEN = {
    "control": "needs a hand on the target's application or system",
    "api": "is about the interface to the target's own programs",
}
"""Needs that nothing on the wire can meet, and why."""
NEEDS = ("wire", "closed_port", "echo", "source", "sink", "control", "icmp", "api")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule. Ids are frozen: they are never renumbered or reused.

    Attributes:
        id: ``RFC9293-MUST-1`` (RFC 9293's own number), ``RFC5961-S3.2-3`` (ours: third of that section), or
            ``ROB-OPT-1`` (robustness that no RFC numbers).
        rfc: ``9293``, or empty for ``ROB``. section: ``3.10.7.2``, or empty.
        level: one of `LEVELS`.
        basis: where the level comes from: ``numbered`` (RFC 9293 Appendix B), ``keyword`` (an RFC 2119 word in the
            text), ``prose`` (the RFC's text without such a word: the level is our judgement), ``practice`` (lore).
        side: whom it binds. needs: the cheapest capability of a target that shows it; also: others that help.
        text: the rule, paraphrased. stimulus, expect: how a tester can see it. notes: known behaviour of stacks.
        same_as: the requirement that this one merely restates, or empty; see: related ones.
        verified: whether the paraphrase was checked against the RFC's text.
        unseen: why no scenario can tell from outside, or empty; `why_unseen` knows it for whole kinds of needs too.
    """

    id: str
    rfc: str
    section: str
    level: str
    basis: str
    side: str
    needs: str
    also: tuple[str, ...]
    text: str
    stimulus: str
    expect: str
    notes: str
    same_as: str
    see: tuple[str, ...]
    verified: bool
    unseen: str = ""

    @property
    def why_unseen(self) -> str:
        """Why this cannot be seen from outside, or empty when it can."""
        return self.unseen or HIDDEN.get(self.needs, "")
