"""Honest proofs are accepted by all three verifiers; false ones, made as cleverly as the prover can, by none."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import msgspec
import pytest

from detente.disclosure import batch, check, compact, container, native, plain, prove
from detente.disclosure.escrow import Entry, commit
from detente.disclosure.group import ORDER, encode, group
from detente.disclosure.statement import ItemClass, Limit, Quantity, head_bytes, limits_of
from detente.errors import DetenteError


def test_an_honest_proof_convinces_every_verifier(world: SimpleNamespace, honest: SimpleNamespace) -> None:
    assert world.accepted_by(honest.data) == world.ALL
    head = native.verify(honest.data)
    assert head == honest.head
    assert plain.verify(honest.data) == batch.verify(honest.data) == json.loads(head_bytes(head))


def test_a_proof_is_fresh_each_time(honest: SimpleNamespace) -> None:
    first, second = (prove.prove(honest.head, honest.public.slots, honest.secrets.openings) for _ in range(2))
    firsts = [container.read_proof(d).firsts for d in (first, second)]
    pieces = [{f[n : n + 32] for n in range(0, len(f), 32)} for f in firsts]
    assert not pieces[0] & pieces[1]


@pytest.mark.parametrize("seed", range(6))
def test_random_statements_are_proved_and_accepted(world: SimpleNamespace, seed: int) -> None:
    """Every sense, negative and fractional coefficients, bounds met exactly or with room."""
    rng = random.Random(seed)
    missiles = [(d, rng.randint(0, 10) * d) for d in (rng.randint(0, 1) for _ in range(rng.randint(1, 5)))]
    stores = [rng.randint(0, 6) for _ in range(rng.randint(0, 3))]
    public, secrets = world.escrow(missiles, stores, pad=rng.randint(0, 2), seed=str(seed))
    totals = (sum(d for d, _ in missiles), sum(w for _, w in missiles), sum(stores))
    rows, bounds, senses = [], [], ""
    for _ in range(3):
        row = tuple(rng.choice([0, 1, -1, 2, 0.5]) for _ in range(3)) if rng.random() < 0.8 else (0, 0, 1)
        if not any(row) or (not stores and not any(row[:2])):
            row = (1, 0, 0)
        total = sum(c * n for c, n in zip(row, totals, strict=True))
        sense = rng.choice("<>=")
        bounds.append(total + {"<": 1, ">": -1, "=": 0}[sense] * rng.choice([0, 0.5, 3]))
        rows.append(row)
        senses += sense
    assert world.accepted_by(world.proof(public, secrets, world.form(rows, bounds, senses))) == world.ALL


@pytest.mark.soak
def test_very_many_random_statements(world: SimpleNamespace) -> None:
    for seed in range(6, 300):
        test_random_statements_are_proved_and_accepted(world, seed)


def test_the_edges_of_the_format_are_agreed_on(world: SimpleNamespace) -> None:
    """Largest counts and coefficients, chains of gates, odd names, a class without members, a slack of many bits."""
    chain = ItemClass(
        "näme/😀",
        ("serial",),
        (
            Quantity("there", 1, -1, "k", {}),
            Quantity("ready", 1, 0, "k", {"a": True, "b": 3, "c": "\u2028"}),
            Quantity("two", 2, 1, "k", {}),
            Quantity("many", 2**32, 1, "k", {}),
            Quantity("alone", 7, 0, "k", {}),
        ),
    )
    empty = ItemClass("empty", ("serial",), (Quantity("n", 5, -1, "k", {}),))
    entries = [
        Entry("näme/😀", {"serial": "1"}, {"there": 1, "ready": 1, "two": 2, "many": 2**32, "alone": 7}),
        Entry("näme/😀", {"serial": "2"}, {"there": 1, "alone": 3}),
        Entry("näme/😀", {"serial": "3"}, {}),
    ]
    public, secrets = commit("RU", 0, (chain, empty), entries, vrf_secret=encode(9))
    big = 2**50
    limits = (
        Limit("a", "", "", "", "<=", 2**53 - 1, 1, ((3, 2**20),)),
        Limit("b", "", "", "", ">=", -(2**53 - 1), 1, ((0, -big), (3, 1), (5, -3))),
        Limit("c", "\u0000", "", "", "=", 10, 7, ((4, 1),)),
        Limit("d", "", "", "", "<=", 0, 1, ((5, big),)),
    )
    data = prove.prove(world.head_of(public, limits), public.slots, secrets.openings)
    assert world.accepted_by(data) == world.ALL
    assert (
        compact.verify(compact.prove(world.head_of(public, limits), public.slots, secrets.openings)).limits
        == limits
    )


def test_the_prover_refuses_what_is_false_and_names_no_number(world: SimpleNamespace) -> None:
    public, secrets = world.escrow([(1, 7), (1, 7)], [])
    with pytest.raises(DetenteError) as caught:
        world.proof(public, secrets, world.form([(0, 1, 0)], [13]))
    assert caught.value.where == "limits/0"
    assert "14" not in str(caught.value)


def _cheat(
    monkeypatch: pytest.MonkeyPatch,
    world: SimpleNamespace,
    values: list[tuple[int, int]],
    bounds: list[float],
) -> bytes:
    """A proof about `values`, made by a prover that checks nothing."""
    public, secrets = world.escrow([(1, 1)] * len(values), [])
    g, slots, openings = group(), [], []
    for slot, pair, own in zip(public.slots, values, secrets.openings, strict=True):
        mine = [prove.Opening(v, o.blinding) for v, o in zip(pair, own, strict=True)]
        openings.append(mine)
        slots.append(msgspec.structs.replace(slot, commitments=tuple(o.commitment(g) for o in mine)))
    public = msgspec.structs.replace(public, slots=tuple(slots))
    monkeypatch.setattr(prove, "_check_items", lambda *_: None)
    real = prove.column_openings

    def hold(g, head, slots, openings, bounds):  # type: ignore[no-untyped-def]
        totals, blinds = real(g, head, slots, openings)
        found = []
        for b in bounds:
            blind = bytes(32)
            for i, c in b.terms:
                blind = g.scalar_add(blind, g.scalar_mul(encode(c), blinds[i]))
            value = (b.constant + sum(c * totals[i] for i, c in b.terms)) % ORDER
            found.append(prove.Opening(value, blind))
        return found

    monkeypatch.setattr(prove, "_limit_openings", hold)
    limits, _ = limits_of(world.form([(1, 0, 0), (0, 1, 0)], bounds), world.CLASSES)
    return prove.prove(world.head_of(public, limits), public.slots, openings)


@pytest.mark.parametrize(
    ("values", "bounds", "why"),
    [
        ([(1, 3), (1, 4)], [2, 7], ""),  # the cheat itself can prove what is true
        ([(1, 11), (1, 0)], [5, 50], "eleven warheads where ten is the most"),
        ([(1, 16), (1, 0)], [5, 50], "sixteen"),
        ([(1, -1), (1, 3)], [5, 50], "minus one, which is q - 1"),
        ([(1, ORDER - 1), (1, 3)], [5, 50], "wrap-around in an item"),
        ([(2, 3), (0, 0)], [5, 50], "deployed = 2"),
        ([(-1, 0), (1, 0)], [5, 50], "deployed = -1"),
        ([(0, 3), (1, 0)], [5, 50], "warheads on what is not deployed"),
        ([(1, 3), (1, 4)], [1, 7], "one over the first limit"),
        ([(1, 3), (1, 4)], [2, 6], "one over the second limit"),
        ([(1, 10), (1, 10)], [2, 0], "far over: the slack wraps around the group order"),
    ],
)
def test_a_prover_that_lies_convinces_nobody(
    monkeypatch: pytest.MonkeyPatch,
    world: SimpleNamespace,
    values: list[tuple[int, int]],
    bounds: list[float],
    why: str,
) -> None:
    data = _cheat(monkeypatch, world, values, bounds)
    assert world.accepted_by(data) == (set() if why else world.ALL)


def _with_head(data: bytes, **changes: object) -> bytes:
    """The same slots and proof under another head."""
    proof = container.read_proof(data)
    head = msgspec.structs.replace(proof.head, **changes)
    return container.encode_prefix(head, proof.escrow.slots, proof.firsts) + proof.responses


def test_a_proof_does_not_carry_over_to_another_context(
    world: SimpleNamespace, honest: SimpleNamespace
) -> None:
    head = honest.head
    treaty, log = head.treaty, head.log
    others = [
        {"treaty": msgspec.structs.replace(treaty, id="b-treaty")},
        {"treaty": msgspec.structs.replace(treaty, digest="sha256:cd")},
        {"treaty": msgspec.structs.replace(treaty, day="2026-02-02")},
        {"log": msgspec.structs.replace(log, origin="log.example/us")},
        {"log": msgspec.structs.replace(log, size=8)},
        {"left_out": (("limits/9", "x"),)},
        {"limits": honest.limits[:2]},
        {"limits": honest.limits[::-1]},
        *(
            {
                "limits": (
                    *honest.limits[:n],
                    msgspec.structs.replace(limit, **change),
                    *honest.limits[n + 1 :],
                )
            }
            for n, limit in enumerate(honest.limits)
            for change in (
                {"bound": limit.bound + 1},
                {"bound": limit.bound - 1},
                {"provision": "limits/9"},
                {"citation": "Art. 9"},
                {"sentence": "another"},
                {"unit": "tonnes"},
                {"scale": limit.scale + 1},
                {"terms": tuple((i, c + 1) for i, c in limit.terms)},
                {"terms": tuple((i - 1 if i else 1, c) for i, c in limit.terms)},
            )
        ),
    ]
    for change in others:
        assert world.accepted_by(_with_head(honest.data, **change)) == set(), change
    # a party or an exchange is bound twice: in the head and, through the escrow's head, in the root
    for change in ({"party": "US"}, {"exchange": 4}):
        with_escrow = msgspec.structs.replace(head.escrow, **change)
        moved = msgspec.structs.replace(honest.public, head=with_escrow)
        assert world.accepted_by(_with_head(honest.data, **change)) == set()
        changed = _with_head(honest.data, **change, escrow=with_escrow, root=moved.root.hex())
        assert world.accepted_by(changed) == set()


def test_the_reader_can_insist_on_a_context(honest: SimpleNamespace) -> None:
    good = check.Expected(
        "a-treaty", "sha256:ab", "2026-02-01", "RU", 3, honest.public.root.hex().upper(), "log.example/ru", 7
    )
    check.check_context(honest.head, good)
    for field, other in (
        ("treaty", "x"),
        ("digest", "x"),
        ("day", "2026-02-02"),
        ("party", "US"),
        ("exchange", 4),
        ("root", "00"),
        ("origin", "x"),
        ("size", 8),
    ):
        with pytest.raises(check.Refused):
            check.check_context(honest.head, msgspec.structs.replace(good, **{field: other}))


def test_items_of_other_slots_cannot_be_swapped_in(world: SimpleNamespace, honest: SimpleNamespace) -> None:
    """Two slots exchange commitments, with the root made to fit: the equations belong to their slots."""
    proof = container.read_proof(honest.data)
    slots = list(proof.escrow.slots)
    pairs = [(a, b) for a in range(len(slots)) for b in range(a) if slots[a].kind == slots[b].kind]
    for a, b in pairs[:4]:
        mixed = list(slots)
        mixed[a] = msgspec.structs.replace(slots[a], commitments=slots[b].commitments)
        mixed[b] = msgspec.structs.replace(slots[b], commitments=slots[a].commitments)
        public = container.Escrow(proof.escrow.head, tuple(mixed))
        head = msgspec.structs.replace(proof.head, root=public.root.hex())
        data = container.encode_prefix(head, mixed, proof.firsts) + proof.responses
        assert world.accepted_by(data) == set()


def test_slots_out_of_order_or_of_one_key_are_refused(
    world: SimpleNamespace, honest: SimpleNamespace
) -> None:
    proof = container.read_proof(honest.data)
    slots = list(proof.escrow.slots)
    twice = [slots[0], msgspec.structs.replace(slots[1], key=slots[0].key), *slots[2:]]
    for other in ([slots[1], slots[0], *slots[2:]], twice):
        public = container.Escrow(proof.escrow.head, tuple(other))
        head = msgspec.structs.replace(proof.head, root=public.root.hex())
        assert (
            world.accepted_by(container.encode_prefix(head, other, proof.firsts) + proof.responses) == set()
        )


def test_truncated_and_extended_proofs_are_refused(world: SimpleNamespace, honest: SimpleNamespace) -> None:
    for data in (
        b"",
        honest.data[:1],
        honest.data[:40],
        honest.data[:-1],
        honest.data[:-32],
        honest.data + b"\0",
        honest.data * 2,
    ):
        assert world.accepted_by(data) == set()
    for cut in range(0, len(honest.data), 997):
        assert world.accepted_by(honest.data[:cut]) == set()


def test_scalars_and_points_have_one_encoding(world: SimpleNamespace, honest: SimpleNamespace) -> None:
    """z + q, a commitment that is the identity, and a point with its sign or its field element changed."""
    proof = container.read_proof(honest.data)
    z = int.from_bytes(proof.responses[16:48], "little") + ORDER
    again = proof.prefix + proof.responses[:16] + z.to_bytes(32, "little") + proof.responses[48:]
    assert world.accepted_by(again) == set()
    for bad in (bytes(32), b"\xff" * 32, b"\1" + bytes(31), (2**255 - 19 + 2).to_bytes(32, "little")):
        firsts = bad + proof.firsts[32:]
        data = container.encode_prefix(proof.head, proof.escrow.slots, firsts) + proof.responses
        assert world.accepted_by(data) == set()
        slot = proof.escrow.slots[0]
        changed = (
            msgspec.structs.replace(slot, commitments=(bad, *slot.commitments[1:])),
            *proof.escrow.slots[1:],
        )
        public = container.Escrow(proof.escrow.head, changed)
        head = msgspec.structs.replace(proof.head, root=public.root.hex())
        assert (
            world.accepted_by(container.encode_prefix(head, changed, proof.firsts) + proof.responses) == set()
        )


def test_identity_first_messages_with_zero_nonces_are_refused(
    monkeypatch: pytest.MonkeyPatch, world: SimpleNamespace
) -> None:
    """A prover whose nonces are zero sends the identity as a first message, which is not allowed."""
    public, secrets = world.escrow([(1, 3)], [])
    limits, _ = limits_of(world.form([(1, 0, 0)], [2]), world.CLASSES)
    monkeypatch.setattr(prove._Noise, "scalar", lambda self: self.take(64) and bytes(32))
    assert (
        world.accepted_by(prove.prove(world.head_of(public, limits), public.slots, secrets.openings)) == set()
    )


def test_the_challenges_sent_say_nothing_about_the_bits(world: SimpleNamespace) -> None:
    """c0 is uniform whatever the bit: 400 proofs' first bytes, for a one and for a zero, by chi-square."""
    from scipy.stats import chisquare

    limits, _ = limits_of(world.form([(1, 0, 0)], [1]), world.CLASSES)
    for deployed in (0, 1):
        public, secrets = world.escrow([(deployed, 0)], [], seed=f"zk{deployed}")
        head = world.head_of(public, limits)
        bins = [0] * 16
        for _ in range(400):
            data = prove.prove(head, public.slots, secrets.openings)
            bins[container.read_proof(data).responses[0] >> 4] += 1
        assert chisquare(bins).pvalue > 1e-6


def test_verifiers_agree_with_each_other_and_say_why(honest: SimpleNamespace) -> None:
    assert check.verify(honest.data, "all") == honest.head
    broken = honest.data[:-1] + bytes([honest.data[-1] ^ 1])
    for how in check.HOW:
        with pytest.raises(check.Refused):
            check.verify(broken, how)
    with pytest.raises(DetenteError, match="did you mean"):
        check.verify(honest.data, "natve")


def test_a_disagreement_of_the_verifiers_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, honest: SimpleNamespace
) -> None:
    def refuse(data: bytes) -> None:
        raise check.Refused("no")

    monkeypatch.setattr(check, "_plain", refuse)
    with pytest.raises(check.Refused, match="disagree"):
        check.verify(honest.data, "all")


def test_the_verifiers_share_no_code() -> None:
    """The plain one imports nothing outside the standard library, the batch one only its own curve."""
    import ast
    from pathlib import Path

    from detente.disclosure import batch, curve

    allowed = {plain: set(), batch: {"detente.disclosure"}, curve: set()}
    for module, own in allowed.items():
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert {n for n in names if n and n.startswith("detente")} == own


def test_the_plain_verifier_runs_alone(tmp_path, honest: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    import shutil
    import subprocess
    import sys

    shutil.copy(str(plain.__file__), tmp_path / "plain.py")
    (tmp_path / "good").write_bytes(honest.data)
    (tmp_path / "bad").write_bytes(honest.data[:-1])
    run = lambda name: subprocess.run(  # noqa: E731
        [sys.executable, "-I", "-S", "plain.py", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    good, bad = run("good"), run("bad")
    assert good.returncode == 0
    assert "Art. 0" in good.stdout
    assert bad.returncode == 1
    assert "NOT PROVED" in bad.stderr


def test_without_libsodium_and_numba_a_proof_is_still_checked(
    monkeypatch: pytest.MonkeyPatch, honest: SimpleNamespace
) -> None:
    import importlib.util

    monkeypatch.setattr(check, "available", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert check.verify(honest.data) == honest.head
    assert check.verify(honest.data, "all") == honest.head
    with pytest.raises(check.Refused):
        check.verify(honest.data[:-1] + b"\0")
    with pytest.raises(DetenteError, match="needs numba"):
        check.verify(honest.data, "batch")


def test_transcripts_can_be_simulated_without_any_witness(
    monkeypatch: pytest.MonkeyPatch, world: SimpleNamespace, honest: SimpleNamespace
) -> None:
    """Perfect zero knowledge: from the challenge alone, a transcript that passes, even of a false statement.

    All commitments are random points that nobody can open. Responses are drawn, first messages solved for.
    """
    import os

    from detente.disclosure import native
    from detente.disclosure.statement import weights

    g = group()
    c = os.urandom(16)

    def scalar() -> bytes:
        return g.scalar(os.urandom(64))

    slots = tuple(
        msgspec.structs.replace(s, commitments=tuple(g.from_hash(os.urandom(64)) for _ in s.commitments))
        for s in honest.public.slots
    )
    public = msgspec.structs.replace(honest.public, slots=slots)
    head = world.head_of(public, honest.limits)
    bounds = container.slacks(head, slots)
    firsts, responses = [], []

    def simulate(own: bytes, top: int, gated: list[bytes]) -> None:
        w = weights(top)
        sent = [g.from_hash(os.urandom(64)) for _ in w[1:]]
        lowest = own
        for weight, point in zip(w[1:], sent, strict=True):
            lowest = g.sub(lowest, g.mul(encode(weight), point))
        firsts.extend(sent)
        for point in (lowest, *sent):
            c0, z0, z1 = os.urandom(16), scalar(), scalar()
            c1 = bytes(a ^ b for a, b in zip(c, c0, strict=True)) + bytes(16)
            a0, power = g.base(z0), c0 + bytes(16)
            for one in (point, *gated):
                a0, power = g.sub(a0, g.mul(power, one)), g.scalar_mul(power, c0 + bytes(16))
            firsts.extend((a0, g.sub(g.base(z1), g.mul(c1, g.sub(point, g.G)))))
            responses.append(c0 + z0 + z1)

    sums = [bytes(32)] * 3
    for slot in slots:
        quantities = head.escrow.classes[slot.kind].quantities
        for n, q in enumerate(quantities):
            gated = [slot.commitments[m] for m, other in enumerate(quantities) if other.needs == n]
            simulate(slot.commitments[n], q.max, gated)
            sums[2 * slot.kind + n] = g.add(sums[2 * slot.kind + n], slot.commitments[n])
    for b in bounds:
        whole = g.mul(encode(b.constant), g.G)
        for i, factor in b.terms:
            whole = g.add(whole, g.mul(encode(factor), sums[i]))
        simulate(whole, b.top, [])
    data = container.encode_prefix(head, slots, b"".join(firsts)) + b"".join(responses)
    assert world.accepted_by(data) == set()  # the challenge was not the hash
    monkeypatch.setattr(native, "challenge", lambda prefix: c)
    assert native.verify(data) == head
