"""The joint choice: same on every node, steered by nobody, aborts recorded and worthless."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.canonical import canonical_json
from detente.disclosure import beacon, pick, vrf
from detente.disclosure.pick_terms import (
    Commit,
    Contributor,
    Dice,
    Lock,
    Population,
    Record,
    Reveal,
    Round,
    Stratum,
    Terms,
)
from detente.errors import DetenteError

KEYS = {p: vrf.Key(hashlib.sha256(p.encode()).digest()) for p in ("CN", "RU", "US")}
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
ROUND = beacon.quicknet(1000)
OUT = datetime.fromtimestamp(ROUND.at, UTC)
DIGITS = "31415926535897932384"


def when(minutes: float) -> str:
    """A time relative to the beacon round."""
    return (OUT + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


BASE: dict[str, Any] = {
    "version": "detente-pick/1",
    "treaty": "three-sided",
    "treaty_digest": "sha256:" + "0" * 64,
    "inspection": "2023-07",
    "inspecting": "US",
    "inspected": "CN",
    "contributors": tuple(Contributor(p, k.public.hex(), "2023-01-01") for p, k in KEYS.items()),
    "population": Population("ab" * 64, "log.example/cn", 412, 800),
    "picks": 10,
    "commit_by": when(-60),
    "reveal_by": when(-10),
    "closing": ("beacon", "dice"),
    "beacon": ROUND,
    "close_by": when(30),
    "locks": True,
}


def terms(**changes: Any) -> Terms:
    return Terms(**{**BASE, **changes})


@cache
def contributions() -> dict[str, tuple[Commit, Reveal, Lock | None]]:
    return {p: pick.contribute(terms(), p, KEYS[p], when(-90)) for p in KEYS}


def records(*, without: tuple[str, ...] = (), reveal_at: float = -30) -> list[Record]:
    """What three parties log when those in `without` do not reveal."""
    out: list[Record] = []
    for party, (commit, reveal, lock) in contributions().items():
        out.append(commit)
        if lock:
            out.append(lock)
        if party not in without:
            out.append(msgspec.structs.replace(reveal, at=when(reveal_at)))
    return out


ENTERED = Round("RU", when(1), 1000, SIGNATURE)
THROWN = [Dice("US", when(60), DIGITS), Dice("CN", when(61), DIGITS)]
needs_pairing = pytest.mark.skipif(not beacon.available(), reason="detente[node] is not installed")


@needs_pairing
def test_all_goes_well() -> None:
    done = pick.settle(terms(), [*records(), ENTERED])
    assert done.settled
    assert done.closing == "beacon"
    assert set(done.contributions) == set(KEYS)
    assert not done.breaches
    assert len(set(done.choice[0].slots)) == 10
    assert all(0 <= s < 800 for s in done.choice[0].slots)


@needs_pairing
def test_the_seed_as_another_program_would_compute_it() -> None:
    done = pick.settle(terms(), [*records(), ENTERED])
    outputs = {p: vrf.verify(k.public, terms().context, k.prove(terms().context)) for p, k in KEYS.items()}
    body = {
        "context": terms().context.hex(),
        "contributions": {p: o.hex() for p, o in outputs.items() if o},
        "closing": {"kind": "beacon", "value": hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest()},
    }
    assert done.seed == hashlib.sha3_512(b"detente-pick/1 seed\x00" + canonical_json(body)).hexdigest()


@needs_pairing
@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_node_derives_the_same_whatever_the_order_and_the_copies(rng: random.Random) -> None:
    heard: list[Record] = [*records(without=("CN",)), ENTERED, *THROWN]
    expected = pick.settle(terms(), heard)
    shuffled = heard + rng.sample(heard, 3)
    rng.shuffle(shuffled)
    assert pick.settle(terms(), shuffled) == expected


@needs_pairing
def test_a_withheld_contribution_is_recovered_and_changes_nothing() -> None:
    full = pick.settle(terms(), [*records(), ENTERED])
    held = pick.settle(terms(), [*records(without=("CN",)), ENTERED])
    assert held.choice == full.choice
    assert held.recovered == ("CN",)
    assert [b.party for b in held.breaches] == ["CN"]


@needs_pairing
def test_a_false_lock_is_recorded_and_the_choice_goes_on_without_it() -> None:
    heard = [r for r in records(without=("CN",)) if not (isinstance(r, Lock) and r.party == "CN")]
    false = Lock("CN", when(-90), beacon.lock(ROUND, bytes(80)).hex())
    done = pick.settle(terms(), [*heard, false, ENTERED])
    assert done.settled
    assert set(done.contributions) == {"RU", "US"}
    assert {b.what for b in done.breaches} == {
        "did not reveal in time",
        "locked something that is not its contribution",
    }


@needs_pairing
def test_a_reveal_after_the_round_is_known_does_not_count_as_a_reveal() -> None:
    late = [r for r in records(reveal_at=2) if not isinstance(r, Lock)]
    done = pick.settle(terms(locks=False), [*_recommitted(late, locks=False), ENTERED])
    assert done.contributions == {}
    assert done.settled  # the beacon alone: nobody could steer it
    assert {b.what for b in done.breaches} == {"did not reveal in time"}


def _recommitted(heard: list[Record], **changes: Any) -> list[Record]:
    """The same records under other terms: commitments and proofs are bound to the terms."""
    t, out = terms(**changes), []
    for r in heard:
        if isinstance(r, Commit):
            out.append(pick.contribute(t, r.party, KEYS[r.party], r.at)[0])
        elif isinstance(r, Reveal):
            out.append(msgspec.structs.replace(pick.contribute(t, r.party, KEYS[r.party], r.at)[1], at=r.at))
        else:
            out.append(r)
    return out


@needs_pairing
def test_records_of_other_terms_do_not_count() -> None:
    done = pick.settle(terms(inspection="2023-08"), [*records(), ENTERED])
    assert done.contributions == {}
    assert len({b.party for b in done.breaches}) == 3


@needs_pairing
@pytest.mark.parametrize(
    "changes",
    [
        {"picks": 11},
        {"treaty_digest": "sha256:" + "1" * 64},
        {"population": Population("ac" * 64, "log.example/cn", 412, 800)},
        {"population": Population("ab" * 64, "log.example/cn", 413, 800)},
        {"inspected": "RU"},
        {"close_by": when(31)},
    ],
)
def test_any_change_of_the_terms_changes_the_context(changes: dict[str, Any]) -> None:
    assert terms(**changes).context != terms().context


@needs_pairing
def test_forged_and_missing_records() -> None:
    proof = contributions()["RU"][1].proof
    stolen = [r for r in records(without=("CN",)) if not isinstance(r, Lock)]
    done = pick.settle(terms(), [*stolen, Reveal("CN", when(-30), proof), ENTERED])
    assert "CN" not in done.contributions
    assert pick.Breach("CN", "revealed what does not verify") in done.breaches
    assert pick.Breach("CN", "did not lock its contribution in time") in done.breaches


def test_without_the_closing_input_nobody_knows_anything() -> None:
    open_ = pick.settle(terms(), records())
    assert not open_.settled
    assert open_.choice == ()
    assert "round 1000" in open_.missing[-1]


def test_nobody_is_late_before_the_deadline() -> None:
    nothing = pick.settle(terms(), [])
    assert not nothing.breaches
    assert len(nothing.missing) == 7  # three to lock, three to commit, the closing input
    waiting = pick.settle(terms(), records(without=("CN",)))
    assert not waiting.breaches
    assert waiting.missing[0] == f"CN to reveal by {when(-10)}"


@needs_pairing
def test_a_beacon_that_was_out_too_early_is_void_and_dice_decide() -> None:
    early = Round("RU", when(-11), 1000, SIGNATURE)
    assert not pick.settle(terms(), [*records(), early, ENTERED]).settled
    assert pick.settle(terms(), [*records(), early, ENTERED, *THROWN]).closing == "dice"


@needs_pairing
def test_a_wrong_or_late_round_does_not_close() -> None:
    for wrong in (
        Round("RU", when(31), 1000, SIGNATURE),
        Round("RU", when(1), 1001, SIGNATURE),
        Round("RU", when(1), 1000, SIGNATURE[:-2] + "00"),
        Round("RU", when(1), 1000, "not hex"),
    ):
        assert not pick.settle(terms(), [*records(), wrong]).settled


@needs_pairing
def test_dice_come_last_and_only_where_the_beacon_did_not() -> None:
    by_dice = pick.settle(terms(), [*records(), *THROWN])
    assert by_dice.closing == "dice"
    both = pick.settle(terms(), [*records(), *THROWN, ENTERED])
    assert both.closing == "beacon"
    assert both.choice != by_dice.choice


def test_dice_must_agree_be_enough_and_be_thrown_after_all_else() -> None:
    heard = records()
    assert not pick.settle(terms(), [*heard, THROWN[0]]).settled
    differ = pick.settle(terms(), [*heard, THROWN[0], Dice("CN", when(61), DIGITS[::-1])])
    assert "different dice" in differ.missing[-1]
    few = [msgspec.structs.replace(d, digits=DIGITS[:19]) for d in THROWN]
    assert not pick.settle(terms(), [*heard, *few]).settled
    early = [msgspec.structs.replace(d, at=when(-5)) for d in THROWN]
    assert not pick.settle(terms(), [*heard, *early]).settled
    strange = [msgspec.structs.replace(d, digits="٣" * 20) for d in THROWN]
    assert not pick.settle(terms(), [*heard, *strange]).settled
    third = [msgspec.structs.replace(d, party="RU") for d in THROWN]
    assert not pick.settle(terms(), [*heard, *third]).settled


DICE_ONLY = {"closing": ("dice",), "beacon": None, "close_by": "", "locks": False}


def test_a_site_without_a_network_needs_no_beacon() -> None:
    t = terms(**DICE_ONLY)
    heard = [r for p in KEYS for r in pick.contribute(t, p, KEYS[p], when(-90))[:2]]
    done = pick.settle(t, [*heard, *THROWN])
    assert done.settled
    assert not done.breaches


def test_sites_then_slots() -> None:
    sites = tuple(Stratum(f"site-{i}", 40) for i in range(20))
    t = terms(**DICE_ONLY, population=Population("ab" * 64, "l", 1, 800, sites), visits=3, picks=50)
    chosen = pick.choose(t, b"seed")
    assert len({c.site for c in chosen}) == 3
    assert all(sorted(c.slots) == list(range(40)) for c in chosen)  # 50 asked, 40 there


def test_announced_chances_of_visits_are_kept() -> None:
    sites = (Stratum("a", 500, "1/2"), Stratum("b", 300, "0.25"))
    t = terms(**DICE_ONLY, population=Population("ab" * 64, "l", 1, 800, sites), picks=1)
    visits = [c.site for i in range(4000) for c in pick.choose(t, i.to_bytes(4, "big"))]
    assert abs(visits.count("a") - 2000) < 4 * (4000 * 0.25) ** 0.5
    assert abs(visits.count("b") - 1000) < 4 * (4000 * 0.1875) ** 0.5


def test_an_abort_gains_nothing_where_a_restart_would() -> None:
    """The inspected party hides 100 of 200 slots' worth and sees all contributions before it decides.

    Its rule may use everything known at `reveal_by`; the dice come after. Detection stays 1/2 whether it
    reveals always, never, or by any rule of what it has seen. Restarting after an abort, as a plain
    commit-and-reveal would, lets it look first: detection falls to 1/4.
    """
    t = terms(**DICE_ONLY, population=Population("ab" * 64, "l", 1, 200), picks=1)
    rng, rounds = random.Random(5), 6000
    caught = {"honest": 0, "rule": 0, "never": 0, "restart": 0}
    for _ in range(rounds):
        other, own = rng.randbytes(64).hex(), rng.randbytes(64).hex()
        dice = "".join(rng.choices("0123456789", k=20))
        known = hashlib.sha256((other + own).encode()).digest()
        full, partial = ({"CN": own, "US": other}, {"US": other})
        caught["honest"] += _hit(t, full, dice)
        caught["never"] += _hit(t, partial, dice)
        caught["rule"] += _hit(t, full if known[0] & 1 else partial, dice)
        # the naive protocol: the seed is known before the last reveal, and an abort brings a second draw
        caught["restart"] += _hit(t, full, "") and _hit(t, {"CN": rng.randbytes(8).hex()}, "")
    band = 4 * (rounds * 0.25) ** 0.5
    for rule in ("honest", "rule", "never"):
        assert abs(caught[rule] - rounds / 2) < band
    assert abs(caught["restart"] - rounds / 4) < band


def _hit(t: Terms, given: dict[str, str], dice: str) -> bool:
    seed = pick.seed_of(t, given, "dice", dice)
    return pick.choose(t, seed)[0].slots[0] < 100


def bad(**changes: Any) -> Any:
    return pytest.param(changes, id=",".join(changes))


@pytest.mark.parametrize(
    "changes",
    [
        bad(version="detente-pick/2"),
        bad(closing=()),
        bad(closing=("dice", "beacon")),
        bad(closing=("dice",)),
        bad(close_by=""),
        bad(close_by=when(-1)),
        bad(reveal_by=when(1)),
        bad(commit_by=when(-5)),
        bad(beacon=None),
        bad(inspected="US"),
        bad(inspected="FR"),
        bad(picks=0),
        bad(picks=801),
        bad(visits=1),
        bad(contributors=BASE["contributors"][::-1]),
        bad(contributors=BASE["contributors"] + BASE["contributors"][:1]),
        bad(contributors=(Contributor("CN", "01" + "00" * 31, "2023-01-01"), *BASE["contributors"][1:])),
        bad(
            contributors=(Contributor("CN", KEYS["RU"].public.hex(), "2023-01-01"), *BASE["contributors"][1:])
        ),
        bad(
            contributors=(Contributor("CN", KEYS["CN"].public.hex(), "2026-01-01"), *BASE["contributors"][1:])
        ),
        bad(population=Population("ab", "l", 1, 800, (Stratum("a", 1),))),
        bad(population=Population("ab", "l", 1, 2, (Stratum("a", 1), Stratum("b", 1, "1/2")))),
        bad(population=Population("ab", "l", 1, 2, (Stratum("a", 1, "2"), Stratum("b", 1, "1/2")))),
        bad(commit_by="yesterday"),
    ],
)
def test_terms_that_could_be_steered_or_mean_nothing_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DetenteError):
        terms(**changes)


def test_only_the_registered_key_contributes() -> None:
    with pytest.raises(DetenteError, match="registered"):
        pick.contribute(terms(), "CN", KEYS["US"], when(-90))
    with pytest.raises(DetenteError, match="registered"):
        pick.contribute(terms(), "FR", KEYS["US"], when(-90))


@needs_pairing
def test_two_commitments_are_a_breach_and_the_first_counts() -> None:
    other = Commit("CN", when(-80), "00" * 64)
    done = pick.settle(terms(), [*records(), other, ENTERED])
    assert done.contributions.keys() == KEYS.keys()
    assert done.breaches == (pick.Breach("CN", "committed twice; the first counts"),)


@needs_pairing
def test_a_late_commitment_or_lock_does_not_count() -> None:
    """Both arrive after `commit_by`, when the others' commitments were already fixed."""
    late = [
        msgspec.structs.replace(r, at=when(-59)) if r.party == "CN" and not isinstance(r, Reveal) else r
        for r in records()
    ]
    done = pick.settle(terms(), [*late, ENTERED])
    assert set(done.contributions) == {"RU", "US"}
    assert {b.what for b in done.breaches} == {
        "did not commit in time",
        "did not lock its contribution in time",
    }
    only_lock = [
        msgspec.structs.replace(r, at=when(-59)) if r.party == "CN" and isinstance(r, Lock) else r
        for r in records(without=("CN",))
    ]
    assert not pick.settle(terms(), [*only_lock, ENTERED]).recovered


@needs_pairing
def test_a_reveal_that_is_not_what_was_committed_to_does_not_count() -> None:
    lied = [
        msgspec.structs.replace(r, digest="ab" * 64) if isinstance(r, Commit) and r.party == "CN" else r
        for r in records()
    ]
    done = pick.settle(terms(), [*lied, ENTERED])
    assert "CN" not in done.contributions
    assert pick.Breach("CN", "revealed what does not verify") in done.breaches
