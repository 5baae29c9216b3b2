"""Blocked P waves: which lone P waves count, on rhythms whose P waves are known."""

from __future__ import annotations

import pytest

from ecground.measure import measure
from tests.measure.synthetic import NORMAL, WIDE, record, regular


def blocked(beats, *lone, seconds=10.0):
    return measure(*record(beats, seconds=seconds, blocked_p=lone)).number("n_blocked_p")


def test_second_degree_block_counts():
    beats = [(0.9 + 0.8 * k, NORMAL) for k in (0, 1, 2, 4, 5, 6, 8, 9)]
    assert blocked(beats, 0.9 + 0.8 * 3 - 0.16, 0.9 + 0.8 * 7 - 0.16) == 2
    two_to_one = [(0.9 + 1.6 * k, NORMAL) for k in range(5)]
    assert blocked(two_to_one, *(0.9 + 0.8 + 1.6 * k - 0.16 for k in range(4))) == 4


def test_waves_in_an_even_rhythm_do_not_count():
    beats = regular(1.0)
    assert blocked(beats, *(at + 0.45 for at, _ in beats[:3])) == 0


@pytest.mark.parametrize("at", [0.2, 9.7])
def test_the_ends_of_the_record_do_not_count(at):
    assert blocked([(1.2 + k, NORMAL) for k in range(8)], at) == 0


def test_sinus_p_beside_an_ectopic_beat_does_not_count():
    beats = regular(0.8)
    beats = [*beats[:5], (beats[4][0] + 0.45, WIDE), *beats[6:]]
    assert blocked(beats, beats[4][0] + 0.72) == 0
