"""A little of what ``fuzz.py`` does for hours."""

import fuzz
import pytest

from tcpprobe.tcp.state import State


@pytest.mark.parametrize("seed", range(4))
def test_no_segment_in_any_state_does_harm(seed: int) -> None:
    seen = fuzz.fuzz(5000, seed)
    assert set(State) - set(seen) <= {State.LISTEN, State.CLOSING, State.LAST_ACK}
