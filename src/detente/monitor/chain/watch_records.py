"""The records that the watch holds, and the packets they came in; let go of when nothing needs them any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from detente.monitor.waves.masks import Mask, covered, cut_away
from detente.monitor.waves.merge import assemble
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.trace import Recording, Trace

_WORTH_S = 60.0


class Records:
    """Traces by channel, without what is masked; `numbers`: of each station the last packet not needed again."""

    def __init__(self, numbers: dict[str, int], masks: Sequence[Mask] = ()) -> None:
        self.numbers, self._masks = numbers, tuple(masks)
        self._held: dict[str, list[Trace]] = {}
        self._packets: dict[str, list[tuple[int, float]]] = {}
        self._received: dict[str, list[tuple[float, float]]] = {}

    def add(self, packet: Packet, found: Recording, now: float) -> Recording:
        """Hold what a packet was found to hold, received at `now` (s UTC); what is left of it after the masks."""
        end = max((t.end for t in found.traces), default=0.0)
        if packet.number:
            # until anything is released a next watch must begin where this one did, not at "now"
            self.numbers.setdefault(packet.station, packet.number - 1)
            self._packets.setdefault(packet.station, []).append((packet.number, end))
        left = cut_away(found, self._masks)
        for trace in left.traces:
            self._held.setdefault(trace.id, []).append(trace)
            self._received.setdefault(trace.station, []).append((trace.end, now))
        return left

    def joined(self) -> Recording:
        """All that is held, pieces that touch made one; with the gaps and jumps that no mask has made."""
        joined = assemble(t for pieces in self._held.values() for t in pieces)
        self._held = {}
        for trace in joined.traces:
            self._held.setdefault(trace.id, []).append(trace)
        faults = tuple(f for f in joined.faults if f.kind != "gap" or not covered(f, self._masks))
        return structs.replace(joined, faults=faults)

    def forget(self, traces: Iterable[Trace], keep: float) -> None:
        """Let go of one array's records before `keep` (s UTC), and of the packets they came in."""
        traces = list(traces)
        for name in {t.id for t in traces}:
            self._held[name] = [_trimmed(t, keep) for t in self._held.get(name, []) if t.end > keep]
        for station in {t.station for t in traces}:
            self._received[station] = [r for r in self._received.get(station, []) if r[0] > keep]
            for key in [k for k in self._packets if k.partition("_")[2] == station]:
                self._release(key, keep)

    def _release(self, station: str, keep: float) -> None:
        """The server need not send again what comes before the first packet that is still needed."""
        waiting = self._packets[station]
        count = 0
        while count < len(waiting) and waiting[count][1] <= keep:
            count += 1
        if count:
            self.numbers[station] = waiting[count - 1][0]
            del waiting[:count]

    def received(self, station: str, time: float) -> float | None:
        """When the record came that holds a station's sample at `time`, s UTC; None where it is let go of."""
        return next((when for end, when in self._received.get(station, []) if end > time), None)

    def size(self) -> tuple[int, int]:
        """How many samples are held, and how many packets are not released."""
        samples = sum(t.samples.size for pieces in self._held.values() for t in pieces)
        return samples, sum(map(len, self._packets.values()))


def _trimmed(trace: Trace, keep: float) -> Trace:
    """The trace from `keep` on; copied, so that the rest is let go of, once that is worth it."""
    if keep - trace.start < _WORTH_S:
        return trace
    left = trace.cut(keep, trace.end)
    return structs.replace(left, samples=left.samples.copy())
