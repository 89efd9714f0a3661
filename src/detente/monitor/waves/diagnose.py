"""Everything that is wrong with a recording: in its files, its places, its responses, its wiring, its gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from detente.errors import DetenteError
from detente.monitor.waves import inventory, level, orient, response
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
    file that is named and cannot be read; in a folder it is a fault.
    """
    ours = {t.id for t in recording.traces}
    codes = {".".join(i.split(".")[:2]) for i in ours}
    _, lost = by_array(recording, arrays)
    told = list(responses.faults)
    for path in station_files:
        told += _wrongly_described(path)
    described = [f for f in told if f.channel in ours or f.channel in codes or _of_a_file(f)]
    found = [
        *recording.faults,
        *lost,
        *responses.missing(recording),
        *described,
        *orient.orientation(recording, arrays),
        *level.faults(recording.traces, responses),
    ]
    return tuple(dict.fromkeys(found))


def _wrongly_described(path: Path) -> Iterator[Fault]:
    """What the StationXML of a file or folder says of turned channels and doubled stations."""
    for one in response.station_files([path]):
        if one.suffix.lower() in (".xml", ".dataless"):
            try:
                yield from inventory.faults(inventory.read_inventory(one))
            except DetenteError:
                if not path.is_dir():
                    raise


def _of_a_file(fault: Fault) -> bool:
    """Whether a whole station file is at fault, which has no epoch."""
    return fault.kind == "no response" and fault.start == fault.end == 0.0
