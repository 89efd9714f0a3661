"""The checker's own RFC 6962 tree: grows by leaf hashes, knows its root, frontier and tiles; shares no code either."""

from __future__ import annotations

import hashlib


class Tree:
    """A tree of which only the waiting subtrees are held, one a level, and the hashes that tiles hold."""

    def __init__(self) -> None:
        self.levels: list[bytes | None] = []
        self.count = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def push(self, digest: bytes) -> None:
        """Add a leaf hash."""
        level, index = 0, self.count
        self.count += 1
        while True:
            if level and level % 8 == 0:
                self.tiles[level // 8, index] = digest
            if level == len(self.levels):
                self.levels.append(None)
            waiting = self.levels[level]
            if waiting is None:
                self.levels[level] = digest
                return
            digest = hashlib.sha256(b"\1" + waiting + digest).digest()
            self.levels[level] = None
            level, index = level + 1, index >> 1

    def root(self) -> bytes:
        """MTH of the leaves so far (RFC 6962 section 2.1)."""
        folded: bytes | None = None
        for waiting in self.levels:
            if waiting is not None:
                folded = waiting if folded is None else hashlib.sha256(b"\1" + waiting + folded).digest()
        return folded if folded is not None else hashlib.sha256(b"").digest()

    def frontier(self) -> bytes:
        """The waiting subtrees, largest first."""
        return b"".join(w for w in reversed(self.levels) if w is not None)
