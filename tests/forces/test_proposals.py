"""Proposals over projected forces: the law decides what counts, groups count together, windows close."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.forces.breakout import breakout
from detente.forces.proposal_figures import cell
from detente.forces.proposals import (
    PARTIES,
    Comparison,
    compare,
    futures_of,
    largest,
    load_proposal,
    proposal_ids,
)
from detente.treaty.judge import judge_limit
from detente.treaty.resolve import resolve

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return compare(years=(2026, 2027, 2028, 2035), known=TODAY, draws=2000)


def test_every_proposal_of_the_issue_loads() -> None:
    assert set(proposal_ids()) >= {
        "one-year-rollover",
        "permanent-1550",
        "third-lower",
        "freeze-2020",
        "three-equal",
        "three-asymmetric",
        "p5-alliances",
        "launchers-with-mid-range",
        "all-warheads-2500",
        "french-level",
    }
    for name in proposal_ids():
        made = load_proposal(name).instrument
        assert made.limits and all(x.cite and x.quality for x in made.limits)


def test_the_rollover_ends_after_its_year(compared: Comparison) -> None:
    for party in ("US", "RU"):
        assert all(e.bound is not None for y in (2026,) for e in compared.of("one-year-rollover", party, y))
        assert all(e.bound is None and e.p_met is None for e in compared.of("one-year-rollover", party, 2028))
        assert cell(compared.of("one-year-rollover", party, 2028))[1] == "ended"


def test_a_party_outside_is_not_bound(compared: Comparison) -> None:
    assert compared.of("permanent-1550", "CN", 2030) == []
    assert cell([])[1] == "not bound"


def test_nato_counts_as_one(compared: Comparison) -> None:
    """The joint count is the sum of the three, draw by draw; its mean headroom is under each one's alone."""
    together = {e.limit: e for e in compared.of("p5-alliances", "FR", 2027)}
    assert {e.party for e in together.values()} == {"US+UK+FR"}
    alone = next(e for e in compared.of("three-equal", "US", 2027) if e.limit == "warheads")
    joint = together["warheads-nato"]
    assert joint.count[1] - alone.count[1] == pytest.approx(120 + 240, abs=60)  # UK 120, France 240 to 280
    assert joint.p_met is not None and alone.p_met is not None and joint.p_met < alone.p_met


def test_lower_ceilings_are_harder_to_keep(compared: Comparison) -> None:
    for year in (2026, 2035):
        for party in ("US", "RU"):
            by = {
                n: {e.limit: e for e in compared.of(n, party, year)}
                for n in ("permanent-1550", "third-lower")
            }
            easy, hard = by["permanent-1550"]["II.1.b"], by["third-lower"]["II.1.b"]
            assert hard.count == easy.count
            assert (hard.p_met or 0) <= (easy.p_met or 0)
            assert (hard.cut or 0) >= (easy.cut or 0)


def test_a_cell_agrees_with_the_law_itself() -> None:
    """p_met of the stream against detente.treaty.judge on the same draws."""
    made = futures_of(PARTIES, TODAY, 2030, 20_000, 9)
    law = resolve(load_proposal("three-equal"), AsOf.on("2030-03-01"))
    seed_of = compare(["three-equal"], years=(2030,), known=TODAY, draws=20_000, seed=9)
    for e in seed_of.effects:
        verdict = judge_limit(law, law.limit(e.limit), e.party, made[e.party].draws(2030))
        assert verdict.p_met is not None and e.p_met is not None
        assert verdict.p_met == pytest.approx(e.p_met, abs=0.02)  # other draws of the same forces
        assert verdict.count is not None
        assert verdict.count.mid == pytest.approx(e.count[1], rel=0.02)


def test_results_rest_on_recalled_rows_and_say_so(compared: Comparison) -> None:
    assert all(e.marks for e in compared.effects if e.party == "CN")


def test_projected_rows_add_to_the_stockpile() -> None:
    from detente.forces.futures import future
    from detente.forces.project import project

    p = project("CN", 2035, known=TODAY, n=1000)
    made = future(p)
    warheads = [k for k, i in enumerate(made.inventory.items) if i.unit == "warheads"]
    assert made.values[1:, :, warheads].sum(axis=2) == pytest.approx(p.values, rel=1e-9)
    assert (made.values >= 0).all()
    assert (made.upload <= made.values[:, :, warheads].sum(axis=2) + 1e-6).all()


def test_today_s_rows_are_near_what_is_published() -> None:
    """FAS: 1,670 US strategic warheads deployed; Russia declared 540 systems of 1,549 warheads in September 2022."""
    made = futures_of(PARTIES, TODAY, 2030, 4000, 1)
    law = resolve(load_proposal("permanent-1550"), AsOf.on("2026-03-01"))
    counts = {}
    for party in ("US", "RU"):
        for limit in ("II.1.a", "II.1.b", "II.1.c"):
            verdict = judge_limit(law, law.limit(limit), party, made[party].draws(2026))
            assert verdict.count is not None
            counts[party, limit] = verdict.count.mid
    assert counts["US", "II.1.b"] == pytest.approx(1420, rel=0.02)  # 1,419 declared in March 2023
    assert counts["US", "II.1.c"] == pytest.approx(800, rel=0.01)  # declared
    assert counts["RU", "II.1.b"] == pytest.approx(1549, rel=0.05)
    assert counts["RU", "II.1.c"] == pytest.approx(759, rel=0.05)


def test_upload_is_near_the_published_estimates() -> None:
    """RUSI 2025: 3,700 (US) and 2,800 (Russia); FAS 2023 (recalled): 3,570 and 2,629."""
    found = {p: breakout(p, "new-start", known=TODAY, n=4000) for p in ("US", "RU")}
    assert 3100 < found["US"].uploaded[1] < 3900
    assert 2500 < found["RU"].uploaded[1] < 3000
    assert found["US"].deployed[1] == pytest.approx(1670, rel=0.02)
    for b in found.values():
        assert b.p_above == 1.0 and b.bound == 1550 and b.marks
    with pytest.raises(DetenteError, match="limits no warheads of FR"):
        breakout("FR", "new-start", known=TODAY, n=200)


def test_the_largest_force_keeps_the_law_and_uses_it_up() -> None:
    made = futures_of(PARTIES, TODAY, 2030, 1000, 1)
    found = largest("permanent-1550", "US", 2030, made["US"], TODAY)
    assert found is not None
    assert found.counted["II.1.b"] == pytest.approx(1550)
    assert found.counted["II.1.a"] <= 700 + 1e-6 and found.counted["II.1.c"] <= 800 + 1e-6
    assert found.warheads > 2000  # bombers count one and carry up to eighteen
    level = largest("french-level", "RU", 2030, made["RU"], TODAY)
    assert level is not None and level.warheads == pytest.approx(300)
    assert sum(level.cuts.values()) == pytest.approx(
        np.median(made["RU"].values[4], axis=0)[_warheads(made["RU"])].sum() - 300, abs=30
    )
    assert largest("permanent-1550", "CN", 2030, made["CN"], TODAY) is None


def _warheads(made) -> list[int]:  # type: ignore[no-untyped-def]
    return [k for k, i in enumerate(made.inventory.items) if i.unit == "warheads"]


def test_a_user_s_own_proposal(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "src/detente/library/proposals/french-level.yaml").read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("bound: 300", "bound: 500"))
    found = compare([str(mine)], years=(2026,), known=TODAY, draws=500)
    assert {e.bound for e in found.effects} == {500.0}
    with pytest.raises(DetenteError, match="did you mean 'french-level'"):
        compare(["french-lvl"], years=(2026,), known=TODAY, draws=500)
    with pytest.raises(DetenteError, match="2020 is not projected"):
        compare(["french-level"], years=(2020, 2030), known=TODAY, draws=500)


def test_upload_on_leaving_is_what_breakout_says() -> None:
    from detente.forces.breakout import breakout, upload

    b = breakout("US", "new-start", year=2027, known=TODAY, n=4000)
    made = futures_of(("US",), TODAY, 2028, 4000, 1)["US"]
    u = upload(made, 2027)
    assert u.uploaded == pytest.approx(b.uploaded, rel=0.03) and u.deployed == pytest.approx(
        b.deployed, rel=0.03
    )
    assert all(after >= now for now, after in zip(u.deployed, u.uploaded, strict=True))
