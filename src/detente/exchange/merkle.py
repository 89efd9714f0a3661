"""RFC 6962 Merkle trees: hashes, roots, inclusion and consistency proofs, and their verification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from detente.errors import DetenteError

EMPTY = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""``(level, i)`` -> hash of the complete subtree over leaves ``[i << level, (i + 1) << level)``."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry): RFC 6962 section 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree, largest first: all that appending needs (O(log size))."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count() or any(len(h) != 32 for h in hashes):
            raise DetenteError(f"{len(hashes)} subtree hashes for a tree of {size} leaves")
        self.size, self.hashes = size, list(hashes)

    @classmethod
    def unpack(cls, size: int, data: bytes) -> Frontier:
        """From `size` and the concatenated hashes."""
        return cls(size, [data[i : i + 32] for i in range(0, len(data), 32)])

    def pack(self) -> bytes:
        return b"".join(self.hashes)

    def append(self, leaf: bytes, tops: list[tuple[int, int, bytes]] | None = None) -> None:
        """Add one leaf hash; each tile it completes is put in `tops` as (tile level, index, hash)."""
        merged, size, level = leaf, self.size, 0
        while size & 1:
            merged = node_hash(self.hashes.pop(), merged)
            size >>= 1
            level += 1
            if tops is not None and not level & 7:
                tops.append((level >> 3, size, merged))
        self.hashes.append(merged)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The tree's root hash (RFC 6962 MTH)."""
        if not self.hashes:
            return EMPTY
        folded = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            folded = node_hash(left, folded)
        return folded


def range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH(D[start:end]) for a range that occurs in some RFC 6962 tree (start a multiple of its span)."""
    width = end - start
    if width == 0:
        return EMPTY
    level = (width - 1).bit_length()
    if width == 1 << level:
        return subtree(level, start >> level)
    split = start + (1 << (level - 1))
    return node_hash(subtree(level - 1, start >> (level - 1)), range_hash(split, end, subtree))


def root_of(size: int, subtree: Subtree) -> bytes:
    """The root at `size`, read from complete subtrees."""
    return range_hash(0, size, subtree)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1), leaf upwards."""
    if not 0 <= index < size:
        raise DetenteError(f"entry {index} is not in a log of {size} entries", fix="ask for a smaller index")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < split:
            path.append(range_hash(split, end, subtree))
            end = split
        else:
            path.append(range_hash(start, split, subtree))
            start = split
    return path[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The proof that the first `old` leaves stayed as they were (RFC 6962 section 2.1.2)."""
    if not 0 <= old <= new:
        raise DetenteError(f"no consistency proof runs from {old} to {new} entries")
    proof: list[bytes] = []
    start, end, known = 0, new, True
    if old in (0, new):
        return proof
    while old != end:
        split = start + (1 << ((end - start - 1).bit_length() - 1))
        if old <= split:
            proof.append(range_hash(split, end, subtree))
            end = split
        else:
            proof.append(range_hash(start, split, subtree))
            start, known = split, False
    if not known:
        proof.append(range_hash(start, end, subtree))
    return proof[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root that `proof` leads to; None where its length or shape is wrong (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    fn, sn, root = index, size - 1, leaf
    for step in proof:
        if sn == 0 or len(step) != 32:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(step, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, step)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def roots_from_consistency(
    old: int, new: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """The (old, new) roots that `proof` leads to; None where its shape is wrong (RFC 9162 section 2.1.4.2).

    `old_root` seeds the walk only where `old` is a power of two, as the RFC leaves it out of the proof then.
    """
    if not 0 < old < new or any(len(step) != 32 for step in proof):
        return None
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return None
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for step in path[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            first, second = node_hash(step, first), node_hash(step, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, step)
        fn, sn = fn >> 1, sn >> 1
    return (first, second) if sn == 0 else None


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Does `proof` show that the tree (`new`, `new_root`) extends (`old`, `old_root`)?"""
    if old > new or old < 0 or len(old_root) != 32 or len(new_root) != 32:
        return False
    if old == 0:
        return not proof and old_root == EMPTY and (new > 0 or new_root == EMPTY)
    if old == new:
        return not proof and old_root == new_root
    return roots_from_consistency(old, new, old_root, proof) == (old_root, new_root)


def included(index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Does `proof` show that `leaf` stands at `index` in the tree (`size`, `root`)?"""
    return root_from_inclusion(index, size, leaf, proof) == root


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """The frontier after appending all `leaves` (hashes)."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree
