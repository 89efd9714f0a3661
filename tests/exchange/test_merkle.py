"""The tree against RFC 6962's own recursive definitions and published vectors."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.exchange import merkle

LEAVES = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "60616263646566676869" + "6a6b6c6d6e6f",
    )
]
# Roots of the trees over the first 1..8 of these leaves: the vectors of the certificate-transparency project
# (merkle_tree_test.cc), also used by Go's transparency-dev/merkle.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(d: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as written there."""
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return sha256(b"\0" + d[0]).digest()
    k = 1
    while k * 2 < len(d):
        k *= 2
    return sha256(b"\1" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(d) == 1:
        return []
    k = 1
    while k * 2 < len(d):
        k *= 2
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if m == len(d):
        return [] if whole else [mth(d)]
    k = 1
    while k * 2 < len(d):
        k *= 2
    return (
        [*subproof(m, d[:k], whole), mth(d[k:])] if m <= k else [*subproof(m - k, d[k:], False), mth(d[:k])]
    )


def reader(d: list[bytes]) -> merkle.Subtree:
    return lambda level, i: mth(d[i << level : (i + 1) << level])


def test_roots_are_the_published_ones() -> None:
    tree = merkle.Frontier()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(merkle.leaf_hash(leaf))
        assert tree.root.hex() == root
    assert merkle.Frontier().root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_proofs_equal_the_rfc_definitions_up_to_24_leaves() -> None:
    data = [bytes([i]) for i in range(24)]
    for n in range(25):
        d = data[:n]
        assert merkle.root_of(n, reader(d)) == mth(d) == merkle.frontier_of(map(merkle.leaf_hash, d)).root
        for i in range(n):
            proof = merkle.inclusion_proof(i, n, reader(d))
            assert proof == path(i, d)
            assert merkle.included(i, n, merkle.leaf_hash(d[i]), mth(d), proof)
        for m in range(n + 1):
            proof = merkle.consistency_proof(m, n, reader(d))
            assert proof == ([] if m == 0 else subproof(m, d, True))
            assert merkle.consistent(m, n, mth(d[:m]), mth(d), proof)


def test_every_wrong_proof_up_to_64_leaves_is_refused() -> None:
    data = [bytes([i]) for i in range(64)]
    roots = [mth(data[:n]) for n in range(65)]
    for n in range(1, 65, 3):
        read = reader(data[:n])
        for m in range(1, n):
            proof = merkle.consistency_proof(m, n, read)
            for other in range(n + 2):
                if other != m and 0 < other <= 64:  # a proof is for one pair of sizes only
                    assert not merkle.consistent(other, n, roots[m], roots[n], proof)
                    # RFC 9162 binds a root to a size by the signature over both, not by the proof's shape
                    assert other == n or not merkle.consistent(m, other, roots[m], roots[other], proof)
            assert not merkle.consistent(m, n, roots[m], roots[n], proof[:-1])
            assert not merkle.consistent(m, n, roots[m], roots[n], [*proof, roots[1]])
            assert not merkle.consistent(m, n, roots[m], roots[n], proof[::-1]) or proof == proof[::-1]
            for i in range(len(proof)):
                bent = [*proof]
                bent[i] = bytes([bent[i][0] ^ 1]) + bent[i][1:]
                assert not merkle.consistent(m, n, roots[m], roots[n], bent)
        for i in range(0, n, 5):
            good = merkle.inclusion_proof(i, n, read)
            leaf = merkle.leaf_hash(data[i])
            assert not merkle.included(i, n, leaf, roots[n], [*good, roots[1]])
            assert not good or not merkle.included(i, n, leaf, roots[n], good[:-1])
            assert not any(merkle.included(j, n, leaf, roots[n], good) for j in range(n) if j != i)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.data())
def test_a_frontier_is_the_tree(n: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(i.to_bytes(2)) for i in range(n)]
    cut = data.draw(st.integers(0, n))
    tree = merkle.frontier_of(leaves[:cut])
    tree = merkle.Frontier.unpack(tree.size, tree.pack())
    for leaf in leaves[cut:]:
        tree.append(leaf)
    assert tree.root == merkle.frontier_of(leaves).root


def test_a_proof_outside_the_tree_is_an_error() -> None:
    with pytest.raises(DetenteError, match="entry 3 is not in a log of 3"):
        merkle.inclusion_proof(3, 3, reader(LEAVES[:3]))
    with pytest.raises(DetenteError, match="no consistency proof"):
        merkle.consistency_proof(4, 3, reader(LEAVES[:3]))
