"""The stored results on real records: recomputed where the records are, and of today's settings everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import real_table
from bench.real_records import waveforms
from detente.brief.found import stored
from detente.monitor.chain.process import Settings, digest


def test_the_table_is_of_the_settings_that_the_chain_has_today() -> None:
    assert {r["settings"] for r in stored()} == {digest(Settings())}, "python -m bench real_table --write"


def test_the_briefing_reads_the_file_that_the_command_writes() -> None:
    assert list(stored()) == real_table.stored()
    assert real_table.STORED.read_bytes() == real_table.encoded(real_table.stored())


def test_the_stored_results_are_those_of_the_records() -> None:
    folder: Path | None = waveforms()
    if folder is None:
        pytest.skip("no real records here: set DETENTE_DATA to the folder that holds seismic/waveforms")
    assert real_table.rows(folder) == real_table.stored(), "python -m bench real_table --write"
