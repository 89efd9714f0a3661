"""Everything that is wrong with a recording: in its files, its places, its responses, its wiring, its gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from detente.monitor.waves import inventory, level, orient
from detente.monitor.waves.response import Responses
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Fault, Recording


def diagnose(
    recording: Recording,
    arrays: Mapping[str, Array],
    responses: Responses,
    station_files: Sequence[Path] = (),
) -> tuple[Fault, ...]:
    """The recording's own faults and all that its stations' places and responses let be seen, by channel.

    Of what station files say wrongly only the recorded channels' part is told. Raises DetenteError for a station
    file that cannot be read.
    """
    ours = {t.id for t in recording.traces}
    codes = {".".join(i.split(".")[:2]) for i in ours}
    _, lost = by_array(recording, arrays)
    told = list(responses.faults)
    for path in station_files:
        if path.suffix.lower() in (".xml", ".dataless"):
            told += inventory.faults(inventory.read_inventory(path))
    described = [
        f for f in told if f.channel in ours or f.channel in codes or f.channel.count(".") not in (1, 3)
    ]
    found = [
        *recording.faults,
        *lost,
        *responses.missing(recording),
        *described,
        *orient.orientation(recording, arrays),
        *level.units(recording, responses),
    ]
    return tuple(dict.fromkeys(found))
