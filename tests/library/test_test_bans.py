"""The test bans, act by act: environment, yield, purpose, group, and what was in force on the day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty.prohibit import judge_acts
from detente.verdict import Outcome

SOURCE = Source("invented for the test", Quality.assumed)


def act(kind: str, unit: str, party: str = "US", count: float = 1.0, **more) -> Inventory:
    interval = {k: more.pop(k) for k in ("low", "high") if k in more}
    best = {} if interval else {"best": count}
    row = Item(
        id="act", party=party, kind=kind, unit=unit, source=SOURCE, attributes=more, **interval, **best
    )
    return Inventory((row,))


def outcomes(law, party: str, given: Inventory) -> dict[str, Outcome]:
    return {v.provision.split("/")[1]: v.outcome for v in judge_acts(law, party, given)}


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ("atmosphere", Outcome.exceeded),
        ("space", Outcome.exceeded),
        ("underwater", Outcome.exceeded),
        ("underground", None),
    ],
)
def test_ptbt_by_environment(law: Callable[..., object], environment: str, outcome: Outcome | None) -> None:
    given = act("explosion", "explosions", environment=environment, debris_abroad=False)
    found = outcomes(law("ptbt", "1970-01-01"), "US", given)
    assert found == ({"I.1.a": outcome} if outcome else {})


def test_ptbt_underground_with_debris_abroad(law: Callable[..., object]) -> None:
    given = act("explosion", "explosions", environment="underground", debris_abroad=True)
    assert outcomes(law("ptbt", "1970-01-01"), "US", given) == {"I.1.b": Outcome.exceeded}


def test_ptbt_does_not_bind_who_never_joined(law: Callable[..., object]) -> None:
    given = act("explosion", "explosions", party="FR", environment="atmosphere", debris_abroad=True)
    found = outcomes(law("ptbt", "1970-01-01"), "FR", given)
    assert set(found.values()) == {Outcome.not_in_force}


@pytest.mark.parametrize(
    ("day", "kilotonnes", "outcome"),
    [
        ("1975-01-01", 200, Outcome.not_in_force),  # signed only
        ("1980-01-01", 200, Outcome.exceeded),  # observed voluntarily since 1976
        ("1991-01-01", 150, Outcome.met),
        ("1991-01-01", 150.1, Outcome.exceeded),
    ],
)
def test_ttbt_threshold(law: Callable[..., object], day: str, kilotonnes: float, outcome: Outcome) -> None:
    given = act(
        "explosive_yield", "kilotonnes", count=kilotonnes, environment="underground", purpose="weapon_test"
    )
    assert outcomes(law("ttbt", day), "US", given) == {"I.1": outcome}


def test_ttbt_an_uncertain_yield_decides_nothing(law: Callable[..., object]) -> None:
    given = act(
        "explosive_yield",
        "kilotonnes",
        low=90.0,
        high=210.0,
        environment="underground",
        purpose="weapon_test",
    )
    assert outcomes(law("ttbt", "1991-01-01"), "US", given) == {"I.1": Outcome.indeterminate}


def test_ttbt_and_pnet_share_the_ground_by_purpose(law: Callable[..., object]) -> None:
    peaceful = act("explosive_yield", "kilotonnes", count=160, environment="underground", purpose="peaceful")
    assert outcomes(law("ttbt", "1991-01-01"), "RU", peaceful) == {}
    assert outcomes(law("pnet", "1991-01-01"), "RU", peaceful) == {"III.2.a": Outcome.exceeded}


@pytest.mark.parametrize(("kilotonnes", "outcome"), [(1500, Outcome.met), (1501, Outcome.exceeded)])
def test_pnet_group(law: Callable[..., object], kilotonnes: float, outcome: Outcome) -> None:
    given = act("group_yield", "kilotonnes", count=kilotonnes, purpose="peaceful")
    assert outcomes(law("pnet", "1991-01-01"), "US", given) == {"III.2.b": outcome}


@pytest.mark.parametrize("party", ["US", "CN", "KP"])
def test_ctbt_binds_nobody_yet(law: Callable[..., object], party: str) -> None:
    given = act("explosion", "explosions", party=party, environment="underground")
    assert outcomes(law("ctbt", "2020-06-22"), party, given) == {"I.1": Outcome.not_in_force}
