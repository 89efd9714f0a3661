"""The exercise: what the script did is what each side's own node reports, and the cheat is proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.disclosure.group import available
from detente.exchange import exercise
from detente.exchange.exercise import PARTIES, Exercise, Report


def play(folder: Path, seed: int, notifications: int, launchers: int = 40) -> Report:
    played = Exercise(folder, seed=seed, notifications=notifications, launchers=launchers)
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


def check_hidden(report: Report) -> None:
    """The root and the proof held, six inspections ran, and the two inspecting sides know what was hidden."""
    found = 0
    for side in report.sides:
        root, *visits = side.escrows
        own = side.party == report.cheat
        assert root.startswith(f"{report.cheat}, exchange 1, three-equal: ")
        assert root.endswith("ours, checked before it was sent" if own else "three-equal: PROVED")
        assert len(visits) == (6 if own else 3) and all("(closure)" in v for v in visits)
        found += sum("warheads, committed" in v for v in visits) * (not own)
    assert report.chance is not None and report.chance > 0.98
    assert found, "nothing was found, which happens once in fifty drawn years at most"


def test_a_short_year(tmp_path: Path) -> None:
    report = play(tmp_path, 1, 12)
    check(report)
    if available():
        check_hidden(report)


def test_a_year_without_libsodium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercise, "available", lambda: False)
    report = play(tmp_path, 2, 0)
    check(report)
    assert report.chance is None and not any(side.escrows for side in report.sides)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_whole_years(tmp_path: Path, seed: int) -> None:
    report = play(tmp_path, seed, 200, 780)
    check(report)
    check_hidden(report)
    assert report.notifications >= 200
