"""The exercise: what the script did is what each side's own node reports, and the cheat is proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.exchange.exercise import PARTIES, Exercise, Report


def play(folder: Path, seed: int, notifications: int) -> Report:
    played = Exercise(folder, seed=seed, notifications=notifications)
    try:
        return played.run()
    finally:
        played.close()


def check(report: Report) -> None:
    for side in report.sides:
        assert side.fsck == "sound"
        assert [x.split(":")[0] for x in side.late] == [report.cheat], "only the planted late notice is late"
        assert "late by 3:00:00" in side.late[0]
        for party in PARTIES:
            assert len(side.imbalances[party]) == (party == report.cheat), "only the hidden move is found"
        if side.party == report.cheat:
            assert not side.evidence
        else:
            assert side.evidence and all(f"({report.cheat}) signed two histories" in e for e in side.evidence)
            assert sum("not an attack" in m for m in side.messages) == 1
    visited = [s for s in report.sides if s.inspections]
    assert len(visited) == 2 and all("closure" in s.inspections[0] for s in visited)


def test_a_short_year(tmp_path: Path) -> None:
    check(play(tmp_path, 1, 12))


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_whole_years(tmp_path: Path, seed: int) -> None:
    report = play(tmp_path, seed, 200)
    check(report)
    assert report.notifications >= 200
