import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpprobe.wire import seq

numbers = st.integers(0, seq.MOD - 1)
HALF = 1 << 31


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (0, 1, -1),
        (0, seq.MOD - 1, 1),
        (seq.MOD - 1, 0, -1),
        (HALF, 0, -HALF),
        (0, HALF, -HALF),
        (HALF - 1, 0, HALF - 1),
    ],
)
def test_diff_is_the_signed_distance(a, b, distance):
    assert seq.diff(a, b) == distance


@given(numbers, st.integers(-HALF, HALF - 1))
def test_diff_undoes_add(a, n):
    assert seq.diff(seq.add(a, n), a) == n


@given(numbers, numbers)
def test_comparisons_agree_with_the_distance(a, b):
    distance = seq.diff(a, b)
    assert seq.le(a, b) == (a == b or seq.lt(a, b))
    assert seq.gt(a, b) == seq.lt(b, a)
    assert seq.ge(a, b) == seq.le(b, a)
    if distance != -HALF:
        assert (seq.lt(a, b), seq.gt(a, b)) == (distance < 0, distance > 0)


@given(numbers, st.integers(0, seq.MOD - 1), st.integers(0, seq.MOD - 1))
def test_within_is_a_half_open_window(a, width, offset):
    assert seq.within(a, seq.add(a, offset), seq.add(a, width)) == (offset < width)


@given(numbers, numbers, st.integers())
def test_order_does_not_depend_on_where_counting_starts(a, b, n):
    assert seq.lt(seq.add(a, n), seq.add(b, n)) == seq.lt(a, b)
