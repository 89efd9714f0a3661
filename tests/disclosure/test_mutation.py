"""The Frozen-Heart test: every public input and every byte of a proof is bound, for each verifier."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.disclosure import container, opening
from detente.disclosure.balance import verify as verify_balance
from detente.disclosure.plain import Invalid
from detente.errors import DetenteError


def _flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _parts(data: bytes) -> dict[str, range]:
    """Where each part of a proof file lies."""
    proof = container.read_proof(data)
    head = 33 + int.from_bytes(data[29:33], "big")
    slots = len(proof.prefix) - len(proof.firsts)
    return {
        "magic and length": range(33),
        "head": range(33, head),
        "slots": range(head, slots),
        "first messages": range(slots, len(proof.prefix)),
        "responses": range(len(proof.prefix), len(data)),
    }


@pytest.mark.parametrize("part", ["magic and length", "head", "slots", "first messages", "responses"])
def test_a_sample_of_flipped_bits_is_refused_by_every_verifier(
    world: SimpleNamespace, honest: SimpleNamespace, part: str
) -> None:
    rng = random.Random(part)
    where = _parts(honest.data)[part]
    for n in range(60):
        data = _flip(honest.data, rng.choice(where), rng.randrange(8))
        names = ("native", "batch", "plain") if n < 12 else ("native", "batch")
        assert world.accepted_by(data, names) == set()


@pytest.mark.soak
def test_every_flipped_bit_is_refused(world: SimpleNamespace) -> None:
    """Every bit of a small proof, native and batch; every byte, plain."""
    public, secrets = world.escrow([(1, 3), (0, 0)], [])
    data = world.proof(public, secrets, world.form([(1, 0, 0), (0, 1, 0)], [1, 3], "=<"))
    for at in range(len(data)):
        for bit in range(8):
            assert world.accepted_by(_flip(data, at, bit), ("native", "batch")) == set(), (at, bit)
        assert world.accepted_by(_flip(data, at, at % 8), ("plain",)) == set(), at


@pytest.mark.soak
def test_swapped_parts_are_refused(world: SimpleNamespace, honest: SimpleNamespace) -> None:
    """Any two 32-byte pieces exchanged, anywhere behind the head: 3000 pairs."""
    rng = random.Random(1)
    start = _parts(honest.data)["slots"].start
    for _ in range(3000):
        a, b = sorted(rng.sample(range(start, len(honest.data) - 32), 2))
        if b - a < 32 or honest.data[a : a + 32] == honest.data[b : b + 32]:
            continue
        d = honest.data
        data = d[:a] + d[b : b + 32] + d[a + 32 : b] + d[a : a + 32] + d[b + 32 :]
        assert world.accepted_by(data, ("native", "batch")) == set()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_verifiers_agree_on_damaged_files(
    world: SimpleNamespace, honest: SimpleNamespace, data: st.DataObject
) -> None:
    """Cuts, insertions and overwrites: no verifier accepts, none raises anything but its own refusal."""
    at = data.draw(st.integers(0, len(honest.data) - 1))
    piece = data.draw(st.binary(max_size=40))
    cut = data.draw(st.integers(0, 60))
    damaged = honest.data[:at] + piece + honest.data[at + cut :]
    if damaged != honest.data:
        assert world.accepted_by(damaged) == set()


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(st.data())
def test_verifiers_agree_on_very_many_damaged_files(
    world: SimpleNamespace, honest: SimpleNamespace, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, 4000))
    piece, cut = data.draw(st.binary(max_size=80)), data.draw(st.integers(0, 80))
    damaged = honest.data[:at] + piece + honest.data[at + cut :]
    if damaged != honest.data:
        assert world.accepted_by(damaged, ("native", "batch")) == set()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_heads_of_any_shape_are_refused_in_one_voice(
    world: SimpleNamespace, honest: SimpleNamespace, data: st.DataObject
) -> None:
    """A member of the head, at any depth, replaced by any JSON value: canonical bytes, so only the shape is wrong."""
    import json

    tree = json.loads(honest.data[33 : _parts(honest.data)["head"].stop])
    node, steps = tree, data.draw(st.integers(1, 5))
    for n in range(steps):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if n == steps - 1 or not isinstance(node[key], dict | list) or not node[key]:
            break
        node = node[key]
    before = node[key]
    node[key] = data.draw(_JSON)
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    if node[key] == before and type(node[key]) is type(before):
        return
    rest = honest.data[_parts(honest.data)["head"].stop :]
    changed = honest.data[:29] + len(raw).to_bytes(4, "big") + raw + rest
    assert world.accepted_by(changed) == set()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_parsers_raise_only_their_own_error(honest: SimpleNamespace, data: bytes) -> None:
    from detente.disclosure import batch, plain
    from detente.disclosure.escrow import read_secrets

    for magic in (b"", b"detente.org/ceiling-proof/v1\n", b"detente.org/escrow/v1\n"):
        for read in (
            container.read_proof, container.read_escrow, opening.read_document, read_secrets, plain.verify,
            batch.verify, lambda d: verify_balance(d, honest.public, honest.public),
        ):  # fmt: skip
            with pytest.raises((DetenteError, Invalid, batch.BatchInvalid)):
                read(magic + data)


@pytest.mark.soak
def test_parsers_under_coverage_guided_fuzzing(tmp_path, honest: SimpleNamespace) -> None:  # type: ignore[no-untyped-def]
    """Two minutes of atheris over the readers, started from an honest proof."""
    import subprocess
    import sys
    from pathlib import Path

    pytest.importorskip("atheris")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "honest").write_bytes(honest.data)
    (tmp_path / "corpus" / "escrow").write_bytes(honest.public.encode())
    script = Path(__file__).with_name("fuzz_readers.py")
    command = [
        sys.executable,
        str(script),
        "-max_total_time=120",
        "-rss_limit_mb=3000",
        str(tmp_path / "corpus"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
