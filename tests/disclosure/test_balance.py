"""Books that balance from exchange to exchange, and every way in which they do not."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from detente.disclosure.balance import Change, prove, verify
from detente.disclosure.native import Refused
from detente.errors import DetenteError

OLD = [(1, 3), (1, 5), (0, 0)]
NEW = [(1, 1), (1, 5), (1, 4), (0, 0)]
CHANGES = [
    Change("N1", "missile/warheads", -2),
    Change("N2", "missile/warheads", 4),
    Change("N3", "missile/deployed", 1),
    Change("N4", "store/reserve", -1),
]


@pytest.fixture(scope="module")
def books(world: SimpleNamespace) -> SimpleNamespace:
    old, old_secrets = world.escrow(OLD, [4], exchange=1, seed="old")
    new, new_secrets = world.escrow(NEW, [3], exchange=2, seed="new")
    data = prove(old, old_secrets, new, new_secrets, CHANGES)
    return SimpleNamespace(old=old, new=new, data=data, secrets=(old_secrets, new_secrets))


def test_balanced_books_are_proved_and_nothing_is_opened(books: SimpleNamespace) -> None:
    head = verify(books.data, books.old, books.new)
    assert (head.old, head.new, len(head.changes)) == (1, 2, 4)
    assert b'"amount"' not in books.data
    assert len({c.commitment for c in head.changes}) == 4


@pytest.mark.parametrize("missing", range(4))
def test_a_change_that_was_not_notified_cannot_be_balanced(books: SimpleNamespace, missing: int) -> None:
    changes = CHANGES[:missing] + CHANGES[missing + 1 :]
    with pytest.raises(DetenteError, match="do not differ") as caught:
        prove(books.old, books.secrets[0], books.new, books.secrets[1], changes)
    assert caught.value.where == CHANGES[missing].column


def test_errors_do_not_cancel_between_columns(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prover that skips its own check, with +1 in one column and -1 in another."""
    import detente.disclosure.balance as room

    changes = [*CHANGES[:2], Change("N3", "missile/deployed", 2), Change("N4", "store/reserve", -2)]
    monkeypatch.setattr(room, "DetenteError", lambda *a, **k: None)
    source = room.prove
    import inspect

    code = inspect.getsource(source).replace("        if total:\n", "        if False:\n")
    space = dict(vars(room))
    exec(compile("from __future__ import annotations\n" + code, "cheat", "exec"), space)
    monkeypatch.undo()
    data = space["prove"](books.old, books.secrets[0], books.new, books.secrets[1], changes)
    with pytest.raises(Refused, match="do not differ"):
        verify(data, books.old, books.new)


def test_every_byte_of_a_balance_proof_is_bound(books: SimpleNamespace) -> None:
    for at in range(len(books.data)):
        damaged = books.data[:at] + bytes([books.data[at] ^ 1]) + books.data[at + 1 :]
        with pytest.raises(DetenteError):
            verify(damaged, books.old, books.new)


def test_a_balance_is_of_two_escrows_in_order(world: SimpleNamespace, books: SimpleNamespace) -> None:
    other, _ = world.escrow(NEW, [3], exchange=2, seed="again")
    with pytest.raises(Refused, match="other escrows"):
        verify(books.data, books.old, other)
    with pytest.raises(DetenteError, match="out of order"):
        verify(books.data, books.new, books.old)
    foreign = msgspec.structs.replace(books.old, head=msgspec.structs.replace(books.old.head, party="US"))
    with pytest.raises(DetenteError, match="different parties"):
        verify(books.data, foreign, books.new)
