"""An archive of many days: each day through the whole chain, on this machine or a dask cluster, resumable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import msgspec

from detente import __version__
from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.records import Bulletin
from detente.monitor.bulletin.tables import read_json, write_json
from detente.monitor.chain.process import DEFAULT, Settings, digest, run, told
from detente.monitor.chain.sources import Shelf
from detente.monitor.waves import response, sites
from detente.monitor.waves.masks import read_masks
from detente.monitor.waves.sds import DAY

MARGIN_S: Final = 1800.0  # an event's last phase comes within half an hour of its origin
MANIFEST: Final = "manifest.json"
PARTS: Final = ".parts"
"""What each station gave, of days that are not done."""

Tell = Callable[[str, int, int], None]
"""Progress: the day just done, how many are done, of how many."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker needs to make one day: paths that it can read, and settings."""

    sds: str
    stations: tuple[str, ...]
    out: str
    select: tuple[str, ...] = ("*",)
    masks: tuple[str, ...] = ()
    settings: Settings = DEFAULT


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder of days was made with, and the digest of each day's bulletin."""

    program: str
    settings: str
    stations: str
    select: tuple[str, ...]
    masks: str = ""
    days: dict[str, str] = {}


def day_path(out: Path, day: str) -> Path:
    """Where a day's bulletin lies."""
    return out / f"{day}.json"


def make_day(job: Job, start: float) -> tuple[str, str]:
    """Read, process and write one day, whole or not at all: its name and the digest of its bulletin.

    No more than one station's day is held, then what lies about one event. Signals are looked for half an hour beyond
    midnight on both sides; an event belongs to the day of its origin, an arrival to the day of its time. What each
    station gave is kept until the day is done: a day that was cut off goes on at the next station.
    """
    name, out = _name(start), Path(job.out)
    paths = [Path(p) for p in job.stations]
    with_responses = [p for p in paths if p.suffix.lower() not in (".csv", ".tsv", ".txt")]
    responses = response.load(with_responses) if with_responses else response.Responses({})
    source = Shelf(
        Path(job.sds), start - MARGIN_S, start + DAY + MARGIN_S, job.select,
        masks=read_masks([Path(p) for p in job.masks]), responses=responses,
    )  # fmt: skip
    parts = out / PARTS / _key(job) / name
    made_with = {"masks": json.dumps(job.masks)} if job.masks else {}
    arrays = sites.load(paths, at=start)
    made = run(source, arrays, responses, settings=job.settings, inputs=made_with, parts=parts)
    events = tuple(e for e in made.events if start <= e.origin.time < start + DAY)
    needed = {u.arrival for e in events for u in e.origin.used}
    own = tuple(a for a in made.arrivals if start <= a.time < start + DAY or a.id in needed)
    data = write_json(
        msgspec.structs.replace(
            made,
            start=start,
            end=start + DAY,
            events=events,
            arrivals=own,
            faults=(*map(told, responses.faults), *made.faults),
        )
    )
    write_whole(day_path(out, name), data)
    rmtree(parts, ignore_errors=True)
    return name, hashlib.sha256(data).hexdigest()


def run_archive(
    job: Job,
    start: float,
    end: float,
    *,
    client: Any = None,
    tell: Tell | None = None,
) -> Manifest:
    """Every day from `start` to `end` (s UTC) into job.out; days already there are kept and not made again.

    `client`: a dask distributed client; the same bulletins come out of any number of workers. A day is written
    whole under its name only when done, and the manifest after every day, so a killed run goes on where it was.
    Raises DetenteError if the folder was made with other settings or stations, or a day's file has changed.
    """
    out = Path(job.out)
    starts = _days(start, end)
    if not starts:
        raise DetenteError("the last day is before the first", fix="--end is the day after the last")
    if not Path(job.sds).is_dir():
        raise DetenteError("no such archive", where=job.sds, fix="check the path")
    if out.exists() and not out.is_dir():
        raise DetenteError("not a folder", where=job.out, fix="choose another --out")
    manifest = _open(job, out)
    todo = [s for s in starts if _name(s) not in manifest.days]
    done = len(starts) - len(todo)
    say = tell or (lambda *_: None)
    say("", done, len(starts))
    for name, sha in _results(job, todo, client):
        manifest = msgspec.structs.replace(manifest, days=dict(sorted((manifest.days | {name: sha}).items())))
        write_whole(out / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        done += 1
        say(name, done, len(starts))
    rmtree(out / PARTS, ignore_errors=True)
    return manifest


def _results(job: Job, starts: Sequence[float], client: Any) -> Any:
    """Days as they are done: here one by one, or from the cluster in whatever order."""
    if client is None:
        yield from (make_day(job, s) for s in starts)
        return
    from distributed import as_completed

    futures = [client.submit(make_day, job, s, pure=False, retries=2) for s in starts]
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        try:
            yield future.result()
        except DetenteError:
            raise
        except Exception as bad:  # a cluster fails in many ways
            said = " ".join(str(bad).split())[:200] or type(bad).__name__
            raise DetenteError(f"the cluster lost a day: {said}", fix="run it again: it goes on") from None


def _open(job: Job, out: Path) -> Manifest:
    """The folder's manifest, checked against the job and the days that lie there; a new one where there is none."""
    fresh, path = _fresh(job), out / MANIFEST
    if not path.exists():
        return fresh
    try:
        old = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as bad:
        raise DetenteError(f"no manifest of an archive run: {bad}", where=str(path)) from None
    for what in ("program", "settings", "stations", "select", "masks"):
        if getattr(old, what) != getattr(fresh, what):
            raise DetenteError(
                f"the days there were made with other {what}", where=str(path), fix="choose another folder"
            )
    kept = {}
    for name, sha in old.days.items():
        file = day_path(out, name)
        if not file.exists():
            continue  # lost: made again
        if hashlib.sha256(file.read_bytes()).hexdigest() != sha:
            raise DetenteError("the day has changed since it was made", where=str(file), fix="move it away")
        kept[name] = sha
    return msgspec.structs.replace(old, days=kept)


def _fresh(job: Job) -> Manifest:
    """The manifest of a job of which no day is done."""
    return Manifest(
        program=f"detente {__version__}",
        settings=digest(job.settings),
        stations=_of_files(job.stations),
        select=job.select,
        masks=_of_files(job.masks) if job.masks else "",
    )


def _key(job: Job) -> str:
    """A short name of all that shapes a day."""
    return hashlib.sha256(msgspec.json.encode(_fresh(job), order="deterministic")).hexdigest()[:16]


def _of_files(paths: Sequence[str]) -> str:
    """SHA-256 over files, or all files of folders, in order of name."""
    here = hashlib.sha256()
    for name in sorted(paths):
        path = Path(name)
        for one in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            try:
                here.update(one.read_bytes())
            except OSError:
                raise DetenteError("cannot be read", where=str(one), fix="check the path") from None
    return here.hexdigest()


def _days(start: float, end: float) -> list[float]:
    first = start // DAY * DAY
    starts = [first + k * DAY for k in range(int(-(-(end - first) // DAY)))]
    for edge in starts[:1] + starts[-1:]:
        _name(edge)
    return starts


def _name(start: float) -> str:
    try:
        return f"{datetime.fromtimestamp(start - DAY, UTC) + timedelta(days=1):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        raise DetenteError(f"no such day: {start:g} s") from None


def gather(out: Path) -> Bulletin:
    """All days of a folder as one bulletin."""
    manifest = msgspec.json.decode((out / MANIFEST).read_bytes(), type=Manifest)
    days = [read_json(day_path(out, d).read_bytes(), d) for d in sorted(manifest.days)]
    if not days:
        raise DetenteError("no day is done", where=str(out))
    arrivals = {a.id + str(a.time): a for day in days for a in day.arrivals}
    return Bulletin(
        start=days[0].start, end=days[-1].end, arrivals=tuple(arrivals.values()),
        events=tuple(e for day in days for e in day.events),
        stations=tuple(sorted({s for day in days for s in day.stations})),
        faults=tuple(f for day in days for f in day.faults), made_with=days[0].made_with,
    )  # fmt: skip
