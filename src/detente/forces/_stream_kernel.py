"""The inner loop of streamed evaluation: one pass over a tile of counts while it is in the cache."""

from __future__ import annotations

from typing import Any

import numba


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "nsz"})
def add_over(counts: Any, ceiling: Any, broken: Any, excess: Any, total: Any) -> None:
    """Of `counts` (limit, draw): add to `broken` (limit,) the draws above `ceiling`, to `excess` by how much, to
    `total` the counts themselves. Sums may be taken in any order, so that they are taken several at a time.
    """
    for k in range(counts.shape[0]):
        line, most = counts[k], ceiling[k]
        many, much, whole = 0.0, 0.0, 0.0
        for d in range(line.shape[0]):
            more = line[d] - most
            many += 1.0 if more > 0.0 else 0.0
            much += max(more, 0.0)
            whole += line[d]
        broken[k] += many
        excess[k] += much
        total[k] += whole
