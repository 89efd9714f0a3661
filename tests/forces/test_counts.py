"""The schema: a user's file with one wrong cell is refused by file and line, and nothing is computed on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.forces.catalogue import COUNT_SETS, FACT_SETS, all_counts, card, counts, facts
from detente.forces.counts import COLUMNS, additions, read_counts, to_frame
from detente.sources import Quality

HEAD = "series,party,category,kind,type,status,unit,low,best,high,as_of,published,quality,source\n"
GOOD = "mine,CN,,warhead,,stockpile,warheads,,620,,2026-01,2026-06,one_source,SIPRI YB 2026\n"


def write(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(DetenteError) as caught:
        read_counts(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_good_row_keeps_its_line(tmp_path: Path) -> None:
    (row,) = read_counts(write(tmp_path, GOOD))
    assert (row.party, row.best, row.quality, row.where) == ("CN", 620.0, Quality.one_source, "mine.csv:2")


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (GOOD.replace(",warhead,", ",warheed,"), "unknown kind 'warheed'"),
        (GOOD.replace(",620,", ",-620,"), "a negative count -620"),
        (GOOD.replace(",,620,,", ",700,620,,"), "low 700 is above best 620"),
        (GOOD.replace(",,620,,", ",,620,600,"), "best 620 is above high 600"),
        (GOOD.replace(",SIPRI YB 2026", ","), "a count without a source"),
        (GOOD.replace("mine,CN", "mine,XX"), "unknown party 'XX'"),
        (GOOD.replace(",stockpile,", ",stockpiled,"), "did you mean 'stockpile'"),
        (GOOD.replace(",2026-01,", ",January 2026,"), "is not a date"),
        (GOOD.replace("one_source", "sure"), "unknown quality 'sure'"),
        (GOOD.replace(",620,", ",many,"), "'many' in column 'best' is not a number"),
        (GOOD.replace(",620,", ",nan,"), "is not a number"),
        (GOOD.replace("warheads", ""), "no unit"),
        (GOOD[:-1] + ",more\n", "15 cells under 14 columns"),
        (GOOD + GOOD, "counts the same thing as mine.csv:3"),
    ],
)
def test_a_wrong_cell_names_file_and_line(tmp_path: Path, bad: str, what: str) -> None:
    message = refused(write(tmp_path, GOOD.replace("CN", "RU"), bad))
    line = 4 if bad == GOOD + GOOD else 3
    assert message.startswith(f"mine.csv:{line}: ")
    assert what in message


def test_parts_above_their_total_are_refused(tmp_path: Path) -> None:
    parts = (
        GOOD.replace("warhead,,stockpile", "deployed_warhead,,deployed").replace("620", "400"),
        GOOD.replace("warhead,,stockpile", "reserve_warhead,,reserve").replace("620", "230"),
    )
    message = refused(write(tmp_path, GOOD, *parts))
    assert (
        "the parts (stockpile = deployed + reserve) add to 630, more than the total 620 at mine.csv:2"
        in message
    )
    by_type = [
        GOOD.replace("CN,,warhead,,stockpile", f"CN,land,warhead,{name},assigned").replace("620", "400")
        for name in ("A", "B")
    ]
    assert "stockpile = assigned warheads by category" in refused(write(tmp_path, GOOD, *by_type))


def test_rounded_parts_pass(tmp_path: Path) -> None:
    """A printed sum may be off by half a percent: 4,497 by type for a total of 4,495 (Russia, March 2021)."""
    types = [
        GOOD.replace("CN,,warhead,,stockpile", f"CN,land,warhead,{name},assigned").replace("620", "311")
        for name in ("A", "B")
    ]
    assert len(read_counts(write(tmp_path, GOOD, *types))) == 3


def test_an_unknown_column_and_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEAD.replace("as_of", "asof") + GOOD)
    assert "no column 'as_of'; did you mean 'asof'?" in refused(path)
    path.write_text(HEAD.strip() + ",colour\n" + GOOD.strip() + ",red\n")
    assert "unknown column 'colour'" in refused(path)


def test_parquet_holds_the_same_rows_and_the_same_strictness(tmp_path: Path) -> None:
    rows = counts("cn_forces")
    path = tmp_path / "cn.parquet"
    frame = to_frame(rows)
    frame.write_parquet(path)
    back = read_counts(path)
    assert to_frame(back).equals(frame)
    assert [c.id for c in back] == [c.id for c in rows]
    frame.with_columns(best=-frame["best"]).write_parquet(path)
    assert "cn.parquet: row 1" in refused(path)
    path.write_bytes(b"not parquet")
    assert "cannot be read" in refused(path)


def test_every_embedded_set_has_a_card_and_every_row_a_source() -> None:
    for name in (*COUNT_SETS, *FACT_SETS):
        lines = card(name).lines
        assert {"title", "counts", "credit", "faults"} <= lines.keys(), name
        assert card(name).rows > 0
    assert all(c.source and c.published and c.as_of for c in all_counts())
    assert all(
        r["source"] or r["quality"] in ("recalled", "derived", "assumed") for n in FACT_SETS for r in facts(n)
    )
    assert set(COLUMNS) >= {
        "party",
        "category",
        "type",
        "variant",
        "site",
        "status",
        "warheads_each",
        "low",
        "high",
    }


def test_no_embedded_set_has_parts_above_its_total() -> None:
    assert not [e for e in additions(all_counts()) if e.over]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.text(max_size=12), min_size=14, max_size=14), max_size=4),
    st.integers(0, 13),
    st.text(max_size=20),
)
def test_no_file_makes_a_traceback(tmp_path: Path, rows: list[list[str]], column: int, text: str) -> None:
    """Whatever stands in the cells: rows that pass every rule, or one error of ours."""
    good = GOOD.strip().split(",")
    good[column] = text
    lines = [",".join(f'"{cell}"'.replace("\x00", "") for cell in row) for row in [good, *rows]]
    path = tmp_path / "fuzz.csv"
    path.write_text(HEAD + "\n".join(lines), encoding="utf-8", errors="surrogatepass", newline="")
    try:
        found = read_counts(path)
    except DetenteError as bad:
        assert "fuzz.csv" in str(bad)
    else:
        assert all(c.source and c.party and not c.best < 0 for c in found)
