"""An archive's days: the same bytes from one process, from two workers, and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.chain.archive import MANIFEST, Job, day_path, gather, run_archive
from detente.monitor.chain.process import Settings
from detente.monitor.waves.sds import DAY, Archive
from detente.monitor.waves.trace import NS, Trace

START = 1_500_163_200.0  # 2017-07-16, midnight


def _archive(folder: Path, days: int) -> Job:
    """A quiet single channel with a burst a day, and its place."""
    rng = np.random.default_rng(1)
    for day in range(days):
        samples = rng.normal(0, 20, int(DAY) * 4).astype(np.float32).round()
        at = 120_000 + 5000 * day
        samples[at : at + 40] += 900 * np.sin(np.arange(40))
        begin = round((START + day * DAY) * NS)
        Archive(folder / "sds").write([Trace("XX", "AAA", "", "BHZ", begin, 4.0, samples)])
    (folder / "places.csv").write_text("station,lat,lon\nAAA,40.0,80.0\n")
    return Job(sds=str(folder / "sds"), stations=(str(folder / "places.csv"),), out=str(folder / "out"))


def _environment() -> dict[str, str]:
    """This tree first, whatever is installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _bytes(job: Job) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(Path(job.out).glob("*.json"))}


def test_resumes_and_refuses(tmp_path: Path) -> None:
    job = _archive(tmp_path, 2)
    made = run_archive(job, START, START + 2 * DAY)
    assert list(made.days) == ["2017-07-16", "2017-07-17"]
    whole = _bytes(job)
    day_path(Path(job.out), "2017-07-17").unlink()
    told: list[str] = []
    run_archive(job, START, START + 2 * DAY, tell=lambda day, done, many: told.append(f"{day} {done}/{many}"))
    assert told == [" 1/2", "2017-07-17 2/2"]  # only the lost day is made again
    assert _bytes(job) == whole
    assert gather(Path(job.out)).end == START + 2 * DAY
    with pytest.raises(DetenteError, match="other settings"):
        run_archive(msgspec.structs.replace(job, settings=Settings(seed=2)), START, START + DAY)
    day_path(Path(job.out), "2017-07-16").write_bytes(b"{}")
    with pytest.raises(DetenteError, match="has changed"):
        run_archive(job, START, START + DAY)


@pytest.mark.soak
def test_two_workers_give_the_same_bytes(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    job = _archive(tmp_path, 4)
    run_archive(job, START, START + 4 * DAY)
    other = msgspec.structs.replace(job, out=str(tmp_path / "other"))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        run_archive(other, START, START + 4 * DAY, client=client)
    assert _bytes(other) == _bytes(job)


@pytest.mark.soak
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    job = _archive(tmp_path, 4)
    run_archive(job, START, START + 4 * DAY)
    other = msgspec.structs.replace(job, out=str(tmp_path / "other"))
    command = [
        sys.executable, "-m", "detente", "monitor", "archive", "--sds", job.sds, "--stations", job.stations[0],
        "--start", "2017-07-16", "--end", "2017-07-20", "--out", other.out,
    ]  # fmt: skip
    run = subprocess.Popen(command, env=_environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (Path(other.out) / MANIFEST).exists() and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    subprocess.run(command, check=True, env=_environment(), capture_output=True)
    assert _bytes(other) == _bytes(job)
