"""Array biases: what is taken off is what the table says, and only where it says anything."""

from __future__ import annotations

import numpy as np
import pytest

from detente.monitor.signals.bias import REACH, UNKNOWN_SD, correct, tables
from detente.monitor.stations import ims


def test_the_table_is_of_ims_arrays_and_of_p_slownesses() -> None:
    known = {s.code for s in ims() if s.kind == "array"}
    assert len(tables()) == 14 and set(tables()) <= known
    for rows in tables().values():
        assert len(rows) >= 30
        assert np.hypot(rows[:, 0], rows[:, 1]).max() < 0.15
        assert np.hypot(rows[:, 2], rows[:, 3]).max() < 0.05
        assert rows[:, 4:6].min() >= 0.004


@pytest.mark.parametrize("array", ["MKAR", "NOA", "ZALV", "KURK"])
def test_correcting_an_observed_vector_gives_back_the_predicted_one(array: str) -> None:
    # observed = predicted + the bias there, smoothed as the correction smooths it
    rows = tables()[array]
    for row in rows[np.argsort(-rows[:, 6])[:10]]:
        true = row[:2]
        weight = np.sqrt(rows[:, 6]) * np.exp(-0.5 * (np.hypot(*(rows[:, :2] - true).T) / REACH) ** 2)
        seen = true + weight @ rows[:, 2:4] / weight.sum()
        if np.hypot(*seen) > 0.135:
            continue
        right = correct(array, *seen)
        assert right.known
        assert np.hypot(right.sx - true[0], right.sy - true[1]) < 0.012


def test_corrections_bring_observed_slownesses_nearer_on_the_whole() -> None:
    # the table's own vectors: taking the bias off must shrink the misfit of heavily observed cells
    before, after = [], []
    for array, rows in tables().items():
        for row in rows[rows[:, 6] > 100]:
            seen = row[:2] + row[2:4]
            right = correct(array, *seen)
            before.append(np.hypot(*row[2:4]))
            after.append(np.hypot(right.sx - row[0], right.sy - row[1]))
    assert np.median(after) < 0.7 * np.median(before)


def test_unknown_arrays_and_slow_waves_keep_their_vector() -> None:
    for right in (correct("NOBODY", 0.05, 0.01), correct("MKAR", 0.2, 0.1)):
        assert not right.known
        np.testing.assert_allclose(right.scatter, UNKNOWN_SD**2 * np.eye(2))
    assert (correct("NOBODY", 0.05, 0.01).sx, correct("NOBODY", 0.05, 0.01).sy) == (0.05, 0.01)
