"""The escrow's hash tree: RFC 6962 section 2.1 with SHA3-512 and a purpose name in each node."""

from __future__ import annotations

from collections.abc import Sequence

from detente.disclosure.hashing import tagged

_NODE = "detente.org/escrow/v1/node"


def tree_head(leaves: Sequence[bytes]) -> bytes:
    """The head over leaf digests (64 bytes each); at least one leaf."""
    level = list(leaves)
    # pairing neighbours and carrying an odd one up gives the same tree as RFC 6962's recursive split
    while len(level) > 1:
        paired = [tagged(_NODE, a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The digests that lead from leaf `index` to the head, lowest first."""
    level, steps = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            steps.append(level[index ^ 1])
        paired = [tagged(_NODE, a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level, index = paired + level[len(paired) * 2 :], index // 2
    return tuple(steps)


def head_from_path(leaf: bytes, index: int, size: int, steps: Sequence[bytes]) -> bytes | None:
    """The head that `steps` claim for `leaf` at `index` of `size`; None where they do not fit the shape."""
    if not 0 <= index < size:
        return None
    rest = list(steps)
    while size > 1:
        if index ^ 1 < size:
            if not rest:
                return None
            other = rest.pop(0)
            leaf = tagged(_NODE, other, leaf) if index & 1 else tagged(_NODE, leaf, other)
        index, size = index // 2, (size + 1) // 2
    return None if rest else leaf
