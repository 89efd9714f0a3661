"""START I against its published table of 1 September 1990: every class re-adds from attribution and tranches."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

import pytest

from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty.judge import judge
from detente.verdict import Outcome, Verdict

SIDE = {"US": "US", "SU": "RU+BY+KZ+UA"}  # the Lisbon Protocol puts four successors on the Soviet side
UNITS = {"icbm": "missiles", "slbm": "missiles", "heavy_bomber": "bombers"}
# totals printed for the memorandum of understanding: delivery vehicles, accountable warheads
PUBLISHED = {"US": (2246, 10563), "SU": (2500, 10271)}
AFTER = "2001-12-06"


def read(path: Path) -> list[dict[str, str]]:
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.startswith("#")]
    return list(csv.DictReader(lines))


TABLE = read(Path(str(files("detente.forces").joinpath("data", "start_1_mou_1990.csv"))))
TYPES = {r["type"]: r for r in read(Path(__file__).parent / "start_1_types.csv")}


def items(rows: Iterable[dict[str, str]]) -> Inventory:
    found = []
    for row in rows:
        of_type = TYPES[row["type"]]
        attributes: dict[str, bool | float | str] = {"deployed": True, "nuclear": True}
        attributes |= {k: of_type[k] == "true" for k in ("heavy", "mobile", "alcm") if of_type[k]}
        attributes |= {
            k: float(of_type[k]) for k in ("warheads_attributed", "warheads_equipped") if of_type[k]
        }
        found.append(
            Item(
                id=row["type"], party="US" if row["party"] == "US" else "RU", kind=of_type["kind"],
                unit=UNITS[of_type["kind"]], type=row["type"], best=float(row["deployed_delivery_vehicles"]),
                source=Source(row["source"], Quality.one_source), attributes=attributes,
            )
        )  # fmt: skip
    return Inventory(tuple(found), complete=True)


def count(law, rows: Iterable[dict[str, str]], side: str, limit: str) -> float:
    found = verdicts(law, {SIDE[side]: items(rows)}, SIDE[side], limit)
    assert found.count is not None
    assert found.count.low == found.count.high
    return found.count.low


def verdicts(law, given: dict[str, Inventory], side: str, limit: str) -> Verdict:
    return next(v for v in judge(law, given) if (v.party, v.provision) == (side, f"limits/{limit}"))


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r['party']} {r['type']}")
def test_every_type_re_adds(law: Callable[..., object], row: dict[str, str]) -> None:
    expected = float(row["accountable_warheads"])
    assert count(law("start-1", AFTER), [row], row["party"], "II.1.b") == expected


@pytest.mark.parametrize("side", PUBLISHED)
@pytest.mark.parametrize("kinds", [("icbm",), ("slbm",), ("heavy_bomber",), ("icbm", "slbm", "heavy_bomber")])
def test_every_class_re_adds(law: Callable[..., object], side: str, kinds: tuple[str, ...]) -> None:
    rows = [r for r in TABLE if r["party"] == side and TYPES[r["type"]]["kind"] in kinds]
    published = sum(float(r["accountable_warheads"]) for r in rows)
    assert count(law("start-1", AFTER), rows, side, "II.1.b") == published
    vehicles = sum(float(r["deployed_delivery_vehicles"]) for r in rows)
    assert count(law("start-1", AFTER), rows, side, "II.1.a") == vehicles
    if len(kinds) == 3:
        assert (vehicles, published) == PUBLISHED[side]


def test_the_two_bomber_tranches(law: Callable[..., object]) -> None:
    b52 = [r for r in TABLE if r["type"] == "B-52 (ALCM)"]
    bear = [r for r in TABLE if r["type"] == "Bear (ALCM)"]
    assert count(law("start-1", AFTER), b52, "US", "II.1.b") == 1968 == 150 * 10 + 39 * 12
    assert count(law("start-1", AFTER), bear, "SU", "II.1.b") == 672 == 84 * 8


@pytest.mark.parametrize(("bombers", "warheads"), [(149, 1490), (150, 1500), (151, 1512), (200, 2100)])
def test_the_tranche_turns_at_150(law: Callable[..., object], bombers: int, warheads: int) -> None:
    row = dict(next(r for r in TABLE if r["type"] == "B-52 (ALCM)"), deployed_delivery_vehicles=str(bombers))
    assert count(law("start-1", AFTER), [row], "US", "II.1.b") == warheads


@pytest.mark.parametrize(
    ("limit", "side", "expected", "outcome"),
    [
        ("II.1.a-heavy", "SU", 308, Outcome.exceeded),
        ("II.1.b.iii", "SU", 3080, Outcome.exceeded),
        ("II.1.b.ii", "SU", 618, Outcome.met),
        ("II.1.b.i", "SU", 9416, Outcome.exceeded),
        ("II.1.b.i", "US", 8210, Outcome.exceeded),
        ("II.1.a-heavy", "US", 0, Outcome.met),
        ("V-ten", "SU", 0, Outcome.met),
        ("III-us", "US", 0, Outcome.met),
    ],
)
def test_forces_of_1990_under_the_final_limits(
    law: Callable[..., object], limit: str, side: str, expected: float, outcome: Outcome
) -> None:
    rows = [r for r in TABLE if r["party"] == side]
    found = verdicts(law("start-1", AFTER), {SIDE[side]: items(rows)}, SIDE[side], limit)
    assert found.count is not None and found.count.low == expected
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("day", "bounds", "recalled"),
    [
        ("1997-12-04", None, False),
        ("1997-12-05", (2100, 9150, 8050), True),
        ("1999-12-04", (2100, 9150, 8050), True),
        ("1999-12-05", (1900, 7950, 6750), False),
        ("2001-12-04", (1900, 7950, 6750), False),
        ("2001-12-05", (1600, 6000, 4900), False),
        ("2009-12-04", (1600, 6000, 4900), False),
    ],
)
def test_three_phases(
    law: Callable[..., object], day: str, bounds: tuple[int, ...] | None, recalled: bool
) -> None:
    on = law("start-1", day)
    for n, limit in enumerate(("II.1.a", "II.1.b", "II.1.b.i")):
        found = verdicts(on, {"US": Inventory((), complete=True)}, "US", limit)
        assert found.outcome is (Outcome.met if bounds else Outcome.not_applicable)
        assert bounds is None or found.bound == bounds[n]
        assert any("recalled" in m for m in found.marks) == recalled or bounds is None


def test_it_ended_on_5_december_2009(law: Callable[..., object]) -> None:
    found = verdicts(law("start-1", "2009-12-05"), {}, "US", "II.1.a")
    assert found.outcome is Outcome.not_in_force


def test_throw_weight_comes_from_a_total_or_from_missiles_never_from_both(law: Callable[..., object]) -> None:
    missile = items([r for r in TABLE if r["type"] == "Trident II"]).items[0]
    from msgspec.structs import replace

    missile = replace(missile, attributes=missile.attributes | {"throw_weight_t": 2.0, "downloaded": 0.0})
    found = verdicts(law("start-1", AFTER), {"US": Inventory((missile,), complete=True)}, "US", "II.3")
    assert found.count is not None and found.count.low == 192


def test_a_complete_file_speaks_for_the_whole_side(law: Callable[..., object], tmp_path: Path) -> None:
    from detente.assess.compliance import from_file
    from detente.treaty.load import load

    table = tmp_path / "rows.csv"
    table.write_text(
        "party,kind,count,deployed,heavy,mobile,warheads_attributed,source\n"
        "RU,icbm,100,true,false,false,1,invented\nUA,icbm,46,true,false,false,10,invented\n"
    )
    side = SIDE["SU"]
    for complete, outcome in ((True, Outcome.met), (False, Outcome.indeterminate)):
        given = from_file(table, load("start-1"), complete=complete)
        found = verdicts(law("start-1", AFTER), given, side, "II.1.b")
        assert found.outcome is outcome
        assert found.count is not None and found.count.low == 560
