"""The compact proof: the same truths and lies as the full one, in a kilobyte."""

from __future__ import annotations

import random
from types import SimpleNamespace

import msgspec
import pytest

from detente.disclosure import check, compact, container, prove
from detente.disclosure.group import ORDER, encode, group
from detente.disclosure.statement import limits_of
from detente.errors import DetenteError


@pytest.fixture(scope="module")
def small(honest: SimpleNamespace) -> bytes:
    return compact.prove(honest.head, honest.public.slots, honest.secrets.openings)


def refused(data: bytes) -> bool:
    try:
        compact.verify(data)
    except DetenteError:
        return True
    return False


def test_the_compact_proof_says_the_same(honest: SimpleNamespace, small: bytes) -> None:
    head = check.verify(small)
    assert msgspec.structs.replace(head, version=honest.head.version) == honest.head
    assert len(container.read_compact(small)[3]) < 1100 < len(honest.data)


@pytest.mark.parametrize("seed", range(4))
def test_random_true_statements_are_accepted(world: SimpleNamespace, seed: int) -> None:
    rng = random.Random(seed)
    missiles = [(d, rng.randint(0, 10) * d) for d in (rng.randint(0, 1) for _ in range(rng.randint(1, 6)))]
    public, secrets = world.escrow(missiles, [rng.randint(0, 6)], seed=str(seed))
    totals = [sum(d for d, _ in missiles), sum(w for _, w in missiles), secrets_of_store(secrets)]
    law = world.form([(1, 0, 0), (0, 1, 0), (0, 0, 1)], [totals[0], totals[1] + 1, totals[2]], "<<=")
    limits, _ = limits_of(law, world.CLASSES)
    data = compact.prove(world.head_of(public, limits), public.slots, secrets.openings)
    assert not refused(data)


def secrets_of_store(secrets: object) -> int:
    return sum(s.values[0] for s in secrets.slots if s.kind == 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "bounds", "lie"),
    [
        ([(1, 3), (1, 4)], [2, 7], False),
        ([(1, 11), (1, 0)], [5, 50], True),
        ([(1, -1), (1, 3)], [5, 50], True),
        ([(2, 3), (0, 0)], [5, 50], True),
        ([(0, 3), (1, 0)], [5, 50], True),
        ([(1, 3), (1, 4)], [1, 7], True),
        ([(1, 10), (1, 10)], [2, 0], True),
    ],
)
def test_lies_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    world: SimpleNamespace,
    values: list[tuple[int, int]],
    bounds: list[float],
    lie: bool,
) -> None:
    public, secrets = world.escrow([(1, 1)] * len(values), [])
    g = group()
    openings = [
        [prove.Opening(v, o.blinding) for v, o in zip(pair, own, strict=True)]
        for pair, own in zip(values, secrets.openings, strict=True)
    ]
    slots = tuple(
        msgspec.structs.replace(s, commitments=tuple(o.commitment(g) for o in own))
        for s, own in zip(public.slots, openings, strict=True)
    )
    public = msgspec.structs.replace(public, slots=slots)

    def hold(g, head, slots, openings, bounds):  # type: ignore[no-untyped-def]
        totals, blinds = prove.column_openings(g, head, slots, openings)
        found = []
        for b in bounds:
            blind = bytes(32)
            for i, c in b.terms:
                blind = g.scalar_add(blind, g.scalar_mul(encode(c), blinds[i]))
            found.append(prove.Opening((b.constant + sum(c * totals[i] for i, c in b.terms)) % ORDER, blind))
        return found

    monkeypatch.setattr(compact, "witness", hold)
    limits, _ = limits_of(world.form([(1, 0, 0), (0, 1, 0)], bounds), world.CLASSES)
    data = compact.prove(world.head_of(public, limits), public.slots, openings)
    assert refused(data) == lie


def test_every_byte_of_the_proof_and_a_sample_of_the_rest_is_bound(small: bytes) -> None:
    proof = len(container.read_compact(small)[3])
    rng = random.Random(1)
    places = [*range(len(small) - proof, len(small)), *rng.sample(range(len(small) - proof), 150)]
    for at in places:
        assert refused(small[:at] + bytes([small[at] ^ 1 << at % 8]) + small[at + 1 :]), at
    assert refused(small[:-1])
    assert refused(small + b"\0")


def test_one_format_is_not_taken_for_the_other(
    world: SimpleNamespace, honest: SimpleNamespace, small: bytes
) -> None:
    assert world.accepted_by(small) == set()
    assert refused(honest.data)
    renamed = honest.data.replace(b"ceiling-proof/v1", b"compact-proof/v1")
    assert refused(renamed)


def test_the_sums_encoded_for_the_argument_are_those_of_libsodium() -> None:
    from detente.disclosure import curve

    g = group()
    points = [g.from_hash(bytes([n]) * 64) for n in range(1, 9)]
    scalars = [3**n % ORDER for n in range(150, 158)]
    total = bytes(32)
    for s, p in zip(scalars, points, strict=True):
        total = g.add(total, g.mul(encode(s), p))
    packed = b"".join(map(encode, scalars))
    assert curve.weighted_sum(packed, curve.decode(b"".join(points))) == total
    for n in range(40):  # every branch of the encoding: many points
        p = g.from_hash(bytes([n, n + 1]) * 32)
        assert curve.weighted_sum(encode(1), curve.decode(p)) == p
