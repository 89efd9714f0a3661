"""A bulletin's own file, and the data behind it: JSON whole, read back strictly; a store of changes beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.records import Bulletin
from detente.monitor.bulletin.tables import read_json, write_json
from detente.monitor.waves import read as waves_read
from detente.monitor.waves import response, sites
from detente.monitor.waves.masks import cut_away, read_masks
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording


class Data(msgspec.Struct, frozen=True, eq=False):
    """What the chain works on: waveforms, places, responses."""

    recording: Recording
    arrays: dict[str, Array]
    responses: Responses


def read_data(waveforms: Sequence[Path], stations: Sequence[Path], masks: Sequence[Path] = ()) -> Data:
    """Waveform files or folders, station files (StationXML, SAC pole-zeros, tables of places), tables of masks.

    Without station files those among the waveforms are taken. A broken file is a fault of the recording.
    Raises DetenteError where nothing can be read or no station has a place.
    """
    recording = cut_away(waves_read.read(waveforms), read_masks(masks))
    if not recording.traces:
        raise DetenteError(waves_read.nothing_in(waveforms, recording.faults))
    where = list(stations) or [p for p in waveforms if sites.knows_places(p)]
    if not where:
        raise DetenteError(
            "no station's place is known", fix="give --stations: StationXML or a table of places"
        )
    with_responses = [p for p in where if p.suffix.lower() not in (".csv", ".tsv", ".txt")]
    responses = response.load(with_responses) if with_responses else Responses({})
    middle = recording.traces[0].start if recording.traces else None
    arrays = sites.load(where, at=middle)
    faults = (*recording.faults, *responses.faults, *responses.missing(recording))
    return Data(msgspec.structs.replace(recording, faults=faults), arrays, responses)


def read_bulletin(path: Path) -> Bulletin:
    """A bulletin.json. Raises DetenteError for a file that is missing or no bulletin."""
    try:
        return read_json(path.read_bytes(), str(path))
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None


def write_bulletin(path: Path, bulletin: Bulletin) -> None:
    """Write bulletin.json whole; equal bulletins are equal files."""
    write_whole(path, write_json(bulletin))


def store_beside(path: Path) -> Path:
    """The store of analysts' changes that belongs to a bulletin.json."""
    return path.with_suffix(".sqlite")


def inputs(waveforms: Sequence[Path], stations: Sequence[Path], masks: Sequence[Path] = ()) -> dict[str, str]:
    """What `made_with` keeps of where the data were, so that an edit finds them again."""
    told = {"waveforms": waveforms, "stations": stations, **({"masks": masks} if masks else {})}
    return {k: json.dumps([str(p) for p in paths]) for k, paths in told.items()}


def data_of(bulletin: Bulletin, folder: Path | None = None) -> Data:
    """The data a bulletin was made from, by the paths it tells (relative ones from `folder`), less what it masked.

    Raises DetenteError where the bulletin tells none or they are gone.
    """
    if "waveforms" not in bulletin.made_with:
        raise DetenteError("the bulletin does not tell its waveforms", fix="name them with --waveforms")
    return read_data(*(_paths(bulletin, k, folder) for k in ("waveforms", "stations", "masks")))


def masks_of(bulletin: Bulletin, folder: Path | None = None) -> list[Path]:
    """The tables of masks that a bulletin was made with: whoever looks at its records again leaves the same out."""
    return _paths(bulletin, "masks", folder)


def _paths(bulletin: Bulletin, what: str, folder: Path | None) -> list[Path]:
    try:
        told = [Path(p) for p in json.loads(bulletin.made_with.get(what, "[]"))]
    except (ValueError, TypeError):
        raise DetenteError("the bulletin's paths cannot be read", fix="name them with --waveforms") from None
    return told if folder is None else [p if p.is_absolute() or p.exists() else folder / p for p in told]
