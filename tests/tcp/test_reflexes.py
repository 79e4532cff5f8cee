"""The switches."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from dialogue import ISS, PLAIN, dialogue

from tcpprobe.scenario.words import REFLEXES
from tcpprobe.tcp.reflexes import Reflexes
from tcpprobe.wire import options

MSS = (options.mss(1000),)


def without(name):
    return replace(Reflexes.ALL, **{name: False})


def test_all_and_none():
    assert all(asdict(Reflexes.ALL).values())
    assert not any(asdict(Reflexes.NONE).values())
    assert asdict(Reflexes.ALL).keys() == asdict(Reflexes.NONE).keys()


def test_a_scenario_can_name_each():
    assert set(REFLEXES) == {"all", *asdict(Reflexes.ALL)}


@pytest.mark.parametrize(("reflexes", "repeated"), [(Reflexes.ALL, True), (without("fast_retransmit"), False)])
def test_fast_retransmit(reflexes, repeated):
    with dialogue(reflexes=reflexes) as talk:
        talk.established(opts=MSS).connection.send(b"x" * 5000, 0.0)
        talk.ignores_the_rest()
        for _ in range(3):
            talk.arrives("A", 1, 1)
        if repeated:
            talk.sends("A", seq=1)
        talk.sends_nothing().to_timeout()
        talk.sends("A", seq=1)


def test_without_fast_retransmit_sack_finds_no_losses():
    with dialogue(replace(PLAIN, sack=True), reflexes=without("fast_retransmit")) as talk:
        talk.established(opts=(*MSS, options.sack_permitted())).connection.send(b"x" * 5000, 0.0)
        talk.ignores_the_rest()
        talk.arrives("A", 1, 1, opts=(options.sack_blocks((ISS + 1001, ISS + 5001)),))
        talk.sends_nothing()
        assert not talk.connection.flight.lost


@pytest.mark.parametrize("sack", [False, True])
@pytest.mark.parametrize(("reflexes", "more"), [(Reflexes.ALL, True), (without("limited_transmit"), False)])
def test_limited_transmit(reflexes, more, sack):
    with dialogue(replace(PLAIN, sack=sack), reflexes=reflexes) as talk:
        talk.established(opts=(*MSS, options.sack_permitted())).connection.send(b"x" * 12000, 0.0)
        for _ in range(10):
            talk.sends("A")
        talk.arrives("A", 1, 1, opts=(options.sack_blocks((ISS + 1001, ISS + 2001)),) if sack else ())
        if more:
            talk.sends("A", seq=10001)
        talk.sends_nothing()


@pytest.mark.parametrize(("reflexes", "segments"), [(Reflexes.ALL, 10), (without("idle_restart"), 14)])
def test_idle_restart(reflexes, segments):
    with dialogue(reflexes=reflexes) as talk:
        talk.established(opts=MSS).connection.send(b"x" * 20000, 0.0)
        talk.ignores_the_rest().arrives("A").ignores_the_rest().arrives("A")
        talk.after(2.0).connection.send(b"x" * 20000, talk.now)
        for _ in range(segments):
            talk.sends("A", len=1000)


@pytest.mark.parametrize(("reflexes", "mss"), [(Reflexes.ALL, 536), (without("path_mtu"), 1000)])
def test_path_mtu(reflexes, mss):
    with dialogue(reflexes=reflexes) as talk:
        talk.established(opts=MSS).connection.send(b"x" * 1000, 0.0)
        talk.ignores_the_rest()
        talk.connection.error_arrives("frag-needed", ISS + 1, 576, 0.0)
        assert talk.connection.tcb.snd.mss == mss
        talk.ignores_the_rest()
