"""Whatever the bytes, a reader tells what is wrong and goes on; soak: a coverage-guided search for what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.waves import health
from detente.monitor.waves.miniseed import read_miniseed, record_length, write_miniseed
from detente.monitor.waves.read import finish, read
from detente.monitor.waves.sac import byte_order, read_sac, read_sac_site
from detente.monitor.waves.sacpz import read_sacpz
from detente.monitor.waves.trace import Recording, Trace
from tests.monitor.waves._made import miniseed, noise
from tests.monitor.waves.test_response import STS1

pytest.importorskip("pymseed")
_NOW = 1.8e9


def _sac() -> bytes:
    floats = np.full(70, -12345.0, "<f4")
    ints = np.full(40, -12345, "<i4")
    floats[[0, 5, 31, 32]] = 0.05, 0.25, 44.6, 129.6
    ints[:7] = 2017, 246, 3, 30, 0, 19, 6
    ints[[9, 15, 35]] = 300, 1, 1
    texts = b"MDJ     " + b"-12345  " * 23
    return floats.tobytes() + ints.tobytes() + texts + noise(300).astype("<f4").tobytes()


_WHOLE = (
    miniseed(noise(1500)),
    miniseed(noise(1500), version=3),
    miniseed(noise(700).astype(np.float32), encoding=4),
    _sac(),
    STS1.encode(),
)


def sane(recording: Recording) -> None:
    """What a reader may give: finite times, positive rates, float32 samples, faults in words."""
    for t in recording.traces:
        assert t.samples.dtype == np.float32
        assert t.samples.ndim == 1
        assert 0 < t.rate_hz < 1e7
        assert isinstance(t.start_ns, int)
    assert all(f.channel and f.detail for f in recording.faults)


def read_all(data: bytes) -> None:
    """Every reader on the same bytes."""
    found = read_miniseed(data, "fuzz")
    sane(found)
    checked = finish(found.traces, found.faults, now=_NOW)
    sane(checked)
    for trace in checked.traces:
        assert np.isfinite(trace.samples).all()
        assert trace.end <= _NOW + 61
    again = health.check(checked, now=_NOW)
    assert sum(t.samples.size for t in again.traces) == sum(t.samples.size for t in checked.traces)
    for reader in (read_sac, read_sac_site, read_sacpz):
        with suppress(DetenteError):
            reader(data, "fuzz")
    with suppress(DetenteError):
        record_length(data)
    byte_order(data)


def test_the_made_files_are_sound() -> None:
    assert [len(read_miniseed(d, "x").traces) for d in _WHOLE[:3]] == [1, 1, 1]
    assert read_sac(_WHOLE[3], "x").traces[0].samples.size == 300


@given(st.data())
def test_flipped_cut_and_doubled_bytes(data: st.DataObject) -> None:
    broken = bytearray(data.draw(st.sampled_from(_WHOLE)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(broken) - 1))
        act = data.draw(st.sampled_from(["flip", "cut", "drop", "double", "set"]))
        if act == "flip":
            broken[at] ^= 1 << data.draw(st.integers(0, 7))
        elif act == "set":
            broken[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        elif act == "cut" and at > 40:
            del broken[at:]
        elif act == "drop":
            del broken[at : at + data.draw(st.integers(1, 600))]
        else:
            broken[at:at] = broken[at : at + 64]
        if not broken:
            break
    read_all(bytes(broken))


_RECORDS = miniseed(noise(1500))
_SOUND = sum(t.samples.size for t in read_miniseed(_RECORDS, "x").traces)


@given(st.integers(0, len(_RECORDS) // 512 - 1), st.integers(6, 63), st.integers(1, 255))
def test_a_header_wrong_in_any_byte_loses_nothing_in_silence(record: int, byte: int, flip: int) -> None:
    if 30 <= byte < 32:
        return  # how many samples: a record of none is one of none
    broken = bytearray(_RECORDS)
    broken[512 * record + byte] ^= flip
    found = read_miniseed(bytes(broken), "x")
    sane(found)
    assert sum(t.samples.size for t in found.traces) == _SOUND or found.faults


@given(st.binary(max_size=2000))
def test_random_bytes(data: bytes) -> None:
    read_all(data)
    read_all(b"MS\x03" + data)
    read_all(b"000001D MDJ  00BHZIC" + data)


@given(
    st.lists(st.floats(width=32), max_size=60),
    st.sampled_from([0.1, 1.0, 20.0, 100.0]),
    st.integers(-(2**62), 2**62),
)
def test_any_samples_at_any_time_are_checked(values: list[float], rate: float, start: int) -> None:
    trace = Trace("XX", "A", "", "BHZ", start, rate, np.array(values, np.float32))
    found = finish([trace], now=_NOW)
    sane(found)
    assert sum(t.samples.size for t in found.traces) <= len(values)
    assert all(np.isfinite(t.samples).all() for t in found.traces)


@given(st.lists(st.integers(-(2**24), 2**24), min_size=1, max_size=400), st.sampled_from([2, 3]))
def test_what_is_written_is_read(values: list[int], version: int) -> None:
    trace = Trace("XX", "ABC", "00", "BHZ", 1_504_409_400_019_534_000, 20.0, np.array(values, np.float32))
    (back,) = read_miniseed(write_miniseed([trace], version=version), "x").traces
    assert back.id == trace.id
    assert back.start_ns == trace.start_ns
    assert np.array_equal(back.samples, trace.samples)


@pytest.mark.parametrize("name", ["gse.gse", "seg.segy", "css.wfdisc"])
def test_a_reader_of_others_runs_where_it_can_do_no_harm(tmp_path: Path, name: str) -> None:
    heads = {"gse.gse": b"WID2 2017/09/03", "seg.segy": b"\x00" * 3600, "css.wfdisc": b"MDJ BHZ " * 60}
    (tmp_path / name).write_bytes(heads[name] + os.urandom(2000))
    found = read(tmp_path, now=_NOW)
    assert found.traces == () or found.traces[0].samples.size
    assert [f.kind for f in found.faults] in (["corrupt"], [])


def test_a_reader_that_dies_or_hangs_costs_its_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detente.monitor.waves import foreign

    worker = tmp_path / "worker.py"
    worker.write_text(
        "import os, sys, time\n"
        "for i, path in enumerate(sys.argv[2:]):\n"
        "    path = os.path.basename(path)\n"
        "    if 'die' in path: os.abort()\n"
        "    if 'hang' in path: time.sleep(60)\n"
        "    open(f'{sys.argv[1]}/{i}.txt', 'w').write('not read: plain')\n"
    )
    monkeypatch.setattr(foreign, "_WORKER", worker)
    monkeypatch.setattr(foreign, "SECONDS_PER_FILE", 0.5)
    paths = [tmp_path / n for n in ("a", "die", "b", "hang", "c")]
    found = foreign.read_foreign(paths)
    said = {p.name: r.faults[0].detail for p, r in found.items()}
    assert said["a"] == said["b"] == said["c"] == "not read: plain"
    assert "ended with" in said["die"]
    assert "did not end" in said["hang"]


_HUNT = """
import sys
import atheris
with atheris.instrument_imports(include=["detente.monitor.waves"]):
    from tests.monitor.waves.test_fuzz import read_all
atheris.Setup([sys.argv[0], "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", sys.argv[1], sys.argv[2]], read_all)
atheris.Fuzz()
"""


@pytest.mark.soak
def test_a_long_search_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    for i, data in enumerate(_WHOLE):
        (tmp_path / f"{i}").write_bytes(data[:4096])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _HUNT, "-max_total_time=60", str(tmp_path)]
    for _ in range(
        5
    ):  # the search itself, not the readers, takes 5 kB a run: each goes on from the last one's finds
        ended = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
        assert ended.returncode == 0, ended.stderr[-3000:].decode("utf-8", "replace")
