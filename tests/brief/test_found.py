"""Events found in waveforms on the page: read in one sentence, in every language, with how they were made."""

from __future__ import annotations

import json
import re
import shlex
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.brief.catalogue import LANGUAGES
from detente.brief.found import PUBLIC_FROM, chance, found, reading, stored
from detente.brief.held import Held, find, fresh, held, sheet, waves
from detente.brief.page import files
from detente.brief.record import Brief
from detente.brief.speech import spoken
from detente.brief.text import terminal
from detente.brief.tongue import FOREIGN, plain, tongue
from detente.cli._app import run
from detente.errors import DetenteError
from detente.monitor.bulletin.tables import write_json
from detente.monitor.chain.files import inputs, read_data
from detente.monitor.chain.process import data_digest
from detente.monitor.sheets.event import bulletin_sheet, event_sheet
from detente.monitor.waves.miniseed import write_miniseed
from tests.brief._found import made, seconds, shot, write_day
from tests.monitor.character import _scene as scene
from tests.monitor.sheets import test_sheets as sheets

OTHERS = [code for code in LANGUAGES if code != "en"]
DAY = date(2026, 11, 23)


@pytest.fixture
def bulletins(tmp_path: Path) -> tuple[Held, ...]:
    return held([write_day(tmp_path)])


def page_of(bulletins: tuple[Held, ...]) -> Brief:
    """A briefing of these sections alone."""
    none = dict.fromkeys(("headlines", "law", "points", "disputes", "unknowns", "notices"), ())
    return Brief(as_of=DAY, title="", summary="", sections=found(DAY, bulletins), **none)


def test_the_reading_says_where_how_large_what_and_the_threshold() -> None:
    said = reading(shot())
    assert said.startswith(
        "1988-09-14, 49.87° N 78.82° E, at 03:59:57 UTC; 90 % within an ellipse of 14 by 9 km"
    )
    for words in (
        "Semipalatinsk lies within that ellipse", "magnitude mb 5.80 ± 0.10",
        "explosion-like, probability of an explosion 0.999 from a prior of 0.5",
        "its yield was 120 kt (49 to 280 kt with 90 %)",
        "over the 150 kt of the Threshold Test Ban Treaty, then observed voluntarily, with a probability of 0.",
    ):  # fmt: skip
        assert words in said


def test_no_threshold_where_none_bound_and_no_certainty() -> None:
    north = msgspec.structs.replace(shot().origin, lat=41.3, lon=129.1, time=seconds("2017-09-03T03:30:00"))
    assert "Threshold" not in reading(shot(origins=(north,)))
    assert [chance(p) for p in (0.99999, 0.5, 0.0)] == ["> 0.999", "0.500", "< 0.001"]
    bare = shot(magnitudes=(), yields=(), screening=None)
    assert reading(bare).endswith("no body-wave magnitude; cannot be screened.")


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_said_in_the_language(code: str, bulletins: tuple[Held, ...]) -> None:
    for own in ((), bulletins):
        for s in spoken(page_of(own), tongue(code)).sections:
            texts = [s.title, s.lead, *s.marks, *(e.alt for e in s.exhibits)]
            texts += [x for t in s.tables for x in (t.title, *t.columns, t.door.method)]
            texts += [
                c for t in s.tables for row in t.rows for c in row if "Nalyst" not in c and "phases" not in c
            ]
            assert [x for x in texts if FOREIGN in x] == []


@pytest.mark.parametrize("code", [c for c in OTHERS if c != "fr"])
def test_no_english_hides_in_a_slot(code: str, bulletins: tuple[Held, ...]) -> None:
    """A slot that takes any text may swallow a sentence unsaid: in other letters its words stand out."""
    for own in ((), bulletins):
        for s in spoken(page_of(own), tongue(code)).sections:
            words = " ".join((s.title, s.lead, *(t.title for t in s.tables)))
            assert re.findall(r"[A-Za-z]{4,}", words) == [], s.id


def test_the_page_shows_each_event_with_its_sheet_evidence_digests_and_changes(
    bulletins: tuple[Held, ...],
) -> None:
    brief = page_of(bulletins)
    sections = {s.id: s for s in brief.sections}
    assert list(sections) == ["found", "found-1", "found-2", "found-before"]
    table = sections["found"].tables[0]
    assert [r[4] for r in table.rows] == ["explosion-like", "cannot be screened"]
    assert table.door.command.endswith("day/bulletin.json")
    one = {t.title: t for t in sections["found-1"].tables}
    assert ("data", f"SHA-256 {'cd' * 32}") in one["How it was made"].rows
    assert one["The evidence"].rows[0] == ("P/S", "+2.50", "AAA")
    assert sections["found-1"].marks[0].startswith("Waveforms not at hand")
    changed = {t.title: t for t in sections["found-2"].tables}["What analysts changed"]
    assert changed.rows[0][1] == "A. Nalyst"
    page = files(brief, ("en",), bulletins)
    assert {"found-1.svg", "found-2.png"} <= set(page)
    assert page["index.html"].count(b"The sheet of the event of 1988-09-14") == 4
    assert "EVENT OF 1988-09-14" in terminal(brief)


def test_a_page_of_the_past_shows_no_event_after_it(bulletins: tuple[Held, ...]) -> None:
    (only,) = found(date(1988, 9, 13), bulletins)
    assert only.tables == () and ": 0;" in only.lead


def test_a_bulletin_on_disk_is_found_named_and_read_anew_when_it_changes(
    tmp_path: Path, bulletins: tuple[Held, ...]
) -> None:
    assert [b.name for b in bulletins] == ["day"]
    other = tmp_path / "again" / "day"
    other.mkdir(parents=True)
    (other / "bulletin.json").write_bytes(write_json(made(shot(id="other"))))
    both = held([tmp_path])
    assert sorted(b.name for b in both) == ["day", "day-2"]
    (empty := tmp_path / "empty").mkdir()
    path = Path(bulletins[0].path)
    path.write_bytes(write_json(made(shot(id="anew"))))
    path.touch()
    assert [e.id for e in fresh(bulletins)[0].bulletin.events] == ["anew"]
    with pytest.raises(DetenteError, match="no bulletin 'dya'"):
        find(both, "dya")
    with pytest.raises(DetenteError, match=r"no bulletin\.json"):
        held([empty])


def test_waveforms_are_used_only_where_their_digest_is_the_bulletins(tmp_path: Path) -> None:
    arrays = scene.stations([(10.0, 3.0), (120.0, 5.0)])
    event = scene.event(arrays)
    recording = scene.recording(event, arrays)
    waveforms, places = tmp_path / "w.mseed", tmp_path / "places.csv"
    whole = [msgspec.structs.replace(t, samples=np.round(t.samples)) for t in recording.traces]
    waveforms.write_bytes(write_miniseed(whole))
    rows = [f"{code},{a.lat},{a.lon}" for code, a in arrays.items()]
    places.write_text("\n".join(["id,lat,lon", *rows]) + "\n")
    digest = data_digest(read_data([waveforms], [places]).recording)
    told = inputs([waveforms], [places])
    file = tmp_path / "bulletin.json"
    file.write_bytes(write_json(made(event, **{**told, "data": digest})))
    (one,) = held([file])
    data, why = waves(one)
    assert data is not None and why == "" and set(data.arrays) == set(arrays)
    file.write_bytes(write_json(made(event, **told)))  # the digest of other data
    data, why = waves(held([file])[0])
    assert data is None and why == "the waveforms at hand are not those that the bulletin was made from"


def test_the_command_takes_bulletins(
    tmp_path: Path, bulletins: tuple[Held, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["brief", "--as-of", "1990-01-01", "--json", "--bulletin", str(tmp_path)]
    assert run(line, {"brief": "the briefing"}) == 0
    told = json.loads(capsys.readouterr().out)
    assert [s["id"] for s in told["sections"]][-3:] == ["found", "found-1", "found-2"]
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    assert run(["brief", "--bulletin", str(bad)], {"brief": "the briefing"}) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_stored_table_says_where_it_comes_from_and_waits_for_its_yardsticks() -> None:
    assert found(date(2018, 12, 31)) == ()
    (section,) = found(PUBLIC_FROM)
    table = section.tables[0]
    assert len(table.rows) == len(stored()) == 6
    assert "Computed elsewhere" in section.lead and "computed elsewhere" in table.door.method
    for row in stored():
        assert len(row["settings"]) == len(row["data"]) == 64
        assert any(row["data"] in f for f in table.door.facts) and any(
            row["settings"] in f for f in table.door.facts
        )


def test_each_bulletin_alone_has_a_sheet(bulletins: tuple[Held, ...]) -> None:
    data, why = waves(bulletins[0])
    assert data is None and "waveforms" in why
    figure = sheet(bulletins[0], bulletins[0].bulletin.events[0])
    from matplotlib.text import Text

    said = {plain(t.get_text()) for t in figure.findobj(Text)}
    assert any("drawn from the bulletin alone" in x for x in said)


def test_the_command_under_a_sheet_draws_it_again(tmp_path: Path, bulletins: tuple[Held, ...]) -> None:
    """Without the waveforms too: what the bulletin alone allows."""
    section = next(s for s in found(DAY, bulletins) if s.id == "found-1")
    line = shlex.split(section.exhibits[0].command)[1:]
    assert run([*line[:-1], str(tmp_path / "out")], {"monitor": "the chain"}) == 0
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".png", ".svg"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_sheets_own_words_are_said_in_the_language_and_keep_apart(code: str) -> None:
    """All but the screening's reason, which is the chain's own sentence, and the names of scales."""
    from detente.brief.lettering import lettered, said

    bulletin, recording, arrays = sheets.made(sheets.PLACES)
    (event,) = bulletin.events
    for figure in (event_sheet(bulletin, event, recording, arrays), bulletin_sheet(bulletin, event)):
        lines = {x for words, _ in sheets.words_of(figure) for x in words.split("\n")}
        unheard = {x for x in lines if FOREIGN in tongue(code).hear(x)}
        reason = event.screening.why if event.screening else ""
        assert unheard <= {reason, *(m.kind for m in event.magnitudes)}
        told = lettered(figure, tongue(code))
        assert sheets.collisions(told) == [] and sheets.outside(told) == []
    assert said("Yield if an explosion", tongue(code)) != "Yield if an explosion"
