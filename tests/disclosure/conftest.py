"""A small world for the proofs: item classes, an escrow, linear forms, and the three verifiers under one call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from detente.disclosure import batch, native, plain, prove
from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Entry, Secrets, commit
from detente.disclosure.group import group
from detente.disclosure.statement import ItemClass, Limit, LogPoint, Quantity, Treaty, columns, limits_of
from detente.errors import DetenteError
from detente.linear import LinearForm, Operator, Sense

MISSILE = ItemClass(
    "missile",
    ("serial", "site"),
    (
        Quantity("deployed", 1, -1, "icbm", {"deployed": True}),
        Quantity("warheads", 10, 0, "deployed_missile_warhead", {}),
    ),
)
STORE = ItemClass("store", ("serial",), (Quantity("reserve", 6, -1, "reserve_warhead", {}),))
CLASSES = (MISSILE, STORE)


def form(
    rows: list[tuple[float, ...]],
    bounds: list[float],
    senses: str = "",
    classes: tuple[ItemClass, ...] = CLASSES,
    operators: tuple[Operator, ...] = (),
    high: list[tuple[float, ...]] | None = None,
) -> LinearForm:
    """A linear form by hand: one row of coefficients a limit, senses as a string such as ``<>=``."""
    n = len(rows)
    words = {"<": Sense.at_most, ">": Sense.at_least, "=": Sense.exactly}
    return LinearForm(
        party="RU",
        items=columns(classes),
        low=np.array(rows, dtype=float),
        high=np.array(high or rows, dtype=float),
        bound=np.array(bounds, dtype=float),
        sense=tuple(words[s] for s in (senses or "<" * n)),
        unit=("items",) * n,
        provision=tuple(f"limits/{i}" for i in range(n)),
        citation=tuple(f"Art. {i}" for i in range(n)),
        sentence=tuple(f"limit {i}: a sentence – with a dash" for i in range(n)),
        missing=((),) * n,
        operators=operators,
    )


def entropy(name: str) -> bytes:
    return hashlib.sha3_512(name.encode()).digest()


def escrow(
    missiles: list[tuple[int, int]],
    stores: list[int] = (),
    party: str = "RU",
    exchange: int = 3,
    pad: int = 0,
    seed: str = "e",
) -> tuple[Escrow, Secrets]:
    items = [
        Entry("missile", {"serial": f"M{n}", "site": f"base {n % 2}"}, {"deployed": d, "warheads": w})
        for n, (d, w) in enumerate(missiles)
    ]
    items += [Entry("store", {"serial": f"S{n}"}, {"reserve": r}) for n, r in enumerate(stores)]
    padding = {"missile": pad} if pad else {}
    key = group().scalar(entropy("slot key"))
    return commit(party, exchange, CLASSES, items, vrf_secret=key, padding=padding, entropy=entropy(seed))


def head_of(public: Escrow, limits: tuple[Limit, ...]) -> prove.Head:
    return prove.make_head(
        public, Treaty("a-treaty", "sha256:ab", "2026-02-01"), LogPoint("log.example/ru", 7), limits
    )


def proof(public: Escrow, secrets: Secrets, law: LinearForm, seed: str = "p") -> bytes:
    limits, _ = limits_of(law, public.head.classes)
    return prove.prove(head_of(public, limits), public.slots, secrets.openings, entropy=entropy(seed))


VERIFIERS: dict[str, Callable[[bytes], object]] = {
    "native": native.verify,
    "plain": plain.verify,
    "batch": batch.verify,
}


def accepted_by(data: bytes, names: tuple[str, ...] = tuple(VERIFIERS)) -> set[str]:
    """The verifiers that accept; any exception but their own refusals is a failure of the test."""
    found = set()
    for name in names:
        try:
            VERIFIERS[name](data)
        except (DetenteError, plain.Invalid, batch.BatchInvalid):
            continue
        found.add(name)
    return found


ALL = set(VERIFIERS)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    return SimpleNamespace(
        form=form, escrow=escrow, proof=proof, head_of=head_of, accepted_by=accepted_by, ALL=ALL, entropy=entropy,
        CLASSES=CLASSES, MISSILE=MISSILE, STORE=STORE,
    )  # fmt: skip


@pytest.fixture(scope="session")
def honest(world: SimpleNamespace) -> SimpleNamespace:
    """Five missiles and a store under three limits of different senses: the proof most tests start from."""
    public, secrets = world.escrow([(1, 3), (0, 0), (1, 10), (1, 0), (0, 0)], [4], pad=1)
    law = world.form([(1, 0, 0), (0, 1, 0.5), (0, 0, 1)], [3, 16, 2], "<<>")
    limits, left = limits_of(law, world.CLASSES)
    assert not left
    head = world.head_of(public, limits)
    data = prove.prove(head, public.slots, secrets.openings, entropy=world.entropy("p"))
    return SimpleNamespace(public=public, secrets=secrets, law=law, limits=limits, head=head, data=data)
