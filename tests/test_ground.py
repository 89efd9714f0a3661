"""The nouns all rooms share: parties, sources, inventories, draws, verdicts, errors, vocabulary."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import vocabulary
from detente.draws import Draws
from detente.errors import DetenteError, nearest
from detente.inventory import Inventory, Item, inventory
from detente.parties import GROUPS, parties, party
from detente.sources import Quality, Source, worst
from detente.verdict import Basis, Outcome, Quantiles, Reading, Verdict

SEEN = Source("a publication", Quality.one_source)
NAN = math.nan


def item(name: str = "a", **more: Any) -> Item:
    return Item(**({"id": name, "party": "US", "kind": "icbm", "unit": "missiles", "source": SEEN} | more))


@pytest.mark.parametrize(
    ("name", "code"),
    [("US", "US"), ("us", "US"), (" USA ", "US"), ("GB", "UK"), ("GBR", "UK"), ("USSR", "SU"), ("china", "CN"),
     ("Russia", "RU"), ("RUS", "RU"), ("DPRK", "KP"), ("France", "FR")],
)  # fmt: skip
def test_a_party_has_many_names_and_one_code(name: str, code: str) -> None:
    assert party(name).code == code


@pytest.mark.parametrize(("name", "advice"), [("Chnia", "CHINA"), ("Frnace", "FRANCE")])
def test_an_unknown_party_gets_the_nearest_name(name: str, advice: str) -> None:
    with pytest.raises(DetenteError, match=f"unknown party '{name}'; did you mean '{advice}'"):
        party(name)


@pytest.mark.parametrize("name", ["", "XX", "U", "\0", "🚀", "US RU"])
def test_no_other_name_is_a_party(name: str) -> None:
    with pytest.raises(DetenteError, match="unknown party"):
        party(name, where="file.yaml:3")


def test_every_party_is_found_by_each_of_its_names() -> None:
    assert {"US", "RU", "SU", "CN", "FR", "UK", "IN", "PK", "IL", "KP"} <= parties().keys()
    for code, known in parties().items():
        assert {party(code), party(known.name), party(known.alpha3)} == {known}
        assert len(code) == 2
        assert len(known.alpha3) == 3
        assert not known.successor or known.successor in parties()
    assert all(code in parties() for group in GROUPS.values() for code in group)


@pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.recalled])
@pytest.mark.parametrize("ref", ["", "  "])
def test_a_value_without_a_source_is_refused(quality: Quality, ref: str) -> None:
    with pytest.raises(DetenteError, match="without a source"):
        Source(ref, quality)


def test_only_what_nobody_has_read_may_lack_a_source_and_it_is_doubtful() -> None:
    assert Source("", Quality.recalled).quality.doubtful
    assert [q for q in Quality if q.doubtful] == [Quality.recalled]


@given(st.lists(st.sampled_from(list(Quality)), min_size=1), st.randoms())
def test_the_worst_quality_wins_in_any_order(words: list[Quality], random: Any) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    assert worst(shuffled) == worst(words)
    assert worst([*words, Quality.recalled]) is Quality.recalled
    assert worst([*words, Quality.text]) is worst(words)


@pytest.mark.parametrize(
    ("low", "best", "high", "interval", "known"),
    [
        (NAN, NAN, NAN, (0.0, math.inf), False),
        (NAN, 5.0, NAN, (5.0, 5.0), True),
        (3.0, 5.0, 9.0, (3.0, 9.0), True),
        (3.0, NAN, 9.0, (3.0, 9.0), True),
        (3.0, NAN, NAN, (3.0, math.inf), False),
        (NAN, NAN, 9.0, (0.0, 9.0), True),
        (0.0, 0.0, 0.0, (0.0, 0.0), True),
        (2.0, 5.0, math.inf, (2.0, math.inf), False),
    ],
)
def test_a_missing_count_is_anything_from_zero(
    low: float, best: float, high: float, interval: tuple[float, float], known: bool
) -> None:
    row = item(low=low, best=best, high=high)
    assert row.interval == interval
    assert row.known is known


@pytest.mark.parametrize(
    "count",
    [
        {"best": -1.0},
        {"low": -1.0, "best": 3.0},
        {"low": 5.0, "high": 4.0},
        {"low": 5.0, "best": 4.0},
        {"best": 6.0, "high": 5.0},
        {"best": math.inf},
        {"low": math.inf},
        {"high": -1.0},
    ],
)
def test_counts_out_of_order_are_refused(count: dict[str, float]) -> None:
    with pytest.raises(DetenteError, match=r"^row-7: "):
        item("row-7", **count)


def test_two_rows_with_one_id_are_refused() -> None:
    with pytest.raises(DetenteError, match="share this id"):
        inventory([item("a"), item("b"), item("a")])


def test_an_inventory_splits_by_party_and_keeps_its_word() -> None:
    rows = inventory(
        [item("a", best=2.0), item("b", party="RU"), item("c", best=1.0)], complete=True, name="n"
    )
    mine = rows.of("US")
    assert [i.id for i in mine.items] == ["a", "c"]
    assert (mine.complete, mine.name) == (True, "n")
    low, high = rows.bounds
    assert low.tolist() == [2.0, 0.0, 1.0]
    assert high.tolist() == [2.0, math.inf, 1.0]
    assert np.isnan(rows.best[1])
    assert [a.tolist() for a in Inventory(()).bounds] == [[], []]


def test_a_label_says_deployed_only_where_the_row_does() -> None:
    assert item().label == "icbm"
    assert item(type="Yars", attributes={"deployed": True}).label == "deployed Yars"
    assert item(kind="heavy_bomber", attributes={"deployed": False}).label == "non-deployed heavy bomber"


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.zeros((3, 1)), "draws of shape"),
        (np.zeros(2), "draws of shape"),
        (np.zeros((0, 2)), "no draws"),
        (np.array([[1.0, 2.0], [1.0, np.nan]]), "in part"),
        (np.array([[1.0, 2.0], [1.0, np.inf]]), "in part"),
        (np.array([[1.0, np.inf], [1.0, np.inf]]), "in part"),
        (np.array([[1.0, np.nan], [-1.0, np.nan]]), "negative"),
    ],
)
def test_draws_that_cannot_be_counts_are_refused(values: Any, what: str) -> None:
    with pytest.raises(DetenteError, match=what):
        Draws(inventory([item("a"), item("b")], name="n"), values, seed=1)


def test_a_row_unknown_in_every_draw_is_allowed() -> None:
    values = np.array([[1.0, np.nan], [2.0, np.nan]])
    assert Draws(inventory([item("a"), item("b")]), values, seed=1).values is values


def test_an_error_says_what_where_and_what_to_do() -> None:
    assert str(DetenteError("wrong", where="a.yaml:3", fix="do this")) == "a.yaml:3: wrong; do this"
    assert str(DetenteError("wrong")) == "wrong"
    assert str(DetenteError("wrong", fix="do this")) == "wrong; do this"


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("new-stat", ["new-start", "inf"], "did you mean 'new-start'?"),
        ("NEW-START", ["new-start", "inf"], "did you mean 'new-start'?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [], "known: "),
    ],
)
def test_the_nearest_name(name: str, known: list[str], advice: str) -> None:
    assert nearest(name, known) == advice


def test_a_long_list_of_names_is_cut() -> None:
    assert nearest("?", [f"name{n:02}" for n in range(30)]).endswith("name11, ...")


def test_the_seven_outcomes_and_a_verdict_that_survives_json() -> None:
    assert {o.value for o in Outcome} == {
        "met", "exceeded", "indeterminate", "disputed", "not_applicable", "not_in_force", "error",
    }  # fmt: skip
    inner = Verdict(
        Outcome.met, Basis.counted, "US", "limits/a", "warheads", bound=5.0, count=Quantiles(1, 2, 3)
    )
    outer = Verdict(
        Outcome.disputed,
        Basis.readings,
        "US",
        "limits/a",
        "warheads",
        readings=(Reading("r", ("US",), inner),),
    )
    assert msgspec.json.decode(msgspec.json.encode(outer), type=Verdict) == outer
    with pytest.raises(AttributeError):
        outer.outcome = Outcome.met  # type: ignore[misc]


def test_the_vocabulary_holds_together() -> None:
    kinds = vocabulary.kinds()
    for kind in kinds.values():
        assert not kind.parent or kind.parent in kinds
        chain = vocabulary.ancestry(kind.name)
        assert chain[0] == kind.name
        assert len(set(chain)) == len(chain)
        assert kind.unit and kind.meaning
    assert vocabulary.ancestry("icbm") == ("icbm", "ballistic_missile", "missile", "delivery_vehicle")
    assert vocabulary.ancestry("nothing known") == ("nothing known",)
    assert set(vocabulary.attributes().values()) == {"bool", "number", "text"}
    assert vocabulary.defaults().keys() <= vocabulary.attributes().keys()
    assert all(vocabulary.attributes()[name] == "bool" for name in vocabulary.defaults())
