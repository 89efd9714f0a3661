"""Tables: strict CSV, each wrong cell named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.tables import read_table


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_keep_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, '# a comment\n# another, with a comma\na,b\n1,x\n\n2,"two\nlines"\n3, y \n')
    rows = list(read_table(path, ("a",), optional=("b", "c")))
    assert [r.where for r in rows] == ["t.csv:4", "t.csv:7", "t.csv:8"]
    assert [r["a"] for r in rows] == ["1", "2", "3"]
    assert [r["b"] for r in rows] == ["x", "two\nlines", "y"]


def test_windows_files_read_alike(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf# c\r\na,b\r\n1,x\r\n")
    (row,) = read_table(path, ("a", "b"))
    assert (row.cells, row.where) == ({"a": "1", "b": "x"}, "t.csv:3")


def test_a_line_separator_inside_a_comment_ends_nothing(tmp_path: Path) -> None:
    (row,) = read_table(write(tmp_path, "# one\u2028still the comment\x0cand still\na\n1\n"), ("a",))
    assert row.where == "t.csv:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b\n1\n", "t.csv:1: no column 'a'; known: b"),
        ("", "t.csv:1: no column 'a'"),
        ("# only a comment\n", "t.csv:2: no column 'a'"),
        ("a,bb\n1,2\n", "t.csv:1: unknown column 'bb'; did you mean 'b'"),
        ("a,a\n1,2\n", "t.csv:1: a column appears twice"),
        ("a,b\n1\n", "t.csv:2: 1 cells under 2 columns"),
        ("a,b\n1,2\n1,2,3\n", "t.csv:3: 3 cells under 2 columns"),
        ('a,b\n"1,2\n', "broken CSV"),
        ('a,b\n"1"2,3\n', "t.csv:2: broken CSV"),
        (b"a,b\n\xff,1\n", "byte 4 is not UTF-8"),
    ],
)
def test_a_broken_table_says_where(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DetenteError) as bad:
        list(read_table(write(tmp_path, text), ("a",), optional=("b",)))
    assert message in str(bad.value)


def test_a_missing_table_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(DetenteError, match=r"none\.csv: cannot be read"):
        list(read_table(tmp_path / "none.csv", ("a",)))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("", None), ("0", 0.0), ("1550", 1550.0), ("-2.5", -2.5), ("1e3", 1000.0), (" 7 ", 7.0), (".5", 0.5)],
)
def test_numbers(tmp_path: Path, cell: str, value: float | None) -> None:
    (row,) = read_table(write(tmp_path, f"a,b\nx,{cell}\n"), ("a", "b"))
    assert row.number("b") == value


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-Infinity", "1e999", "1_000", "12 000", "many", "١٢", "0x10", "1,5"]
)
def test_what_is_no_number_names_its_cell(tmp_path: Path, cell: str) -> None:
    (row,) = read_table(write(tmp_path, f'a,b\nx,"{cell}"\n'), ("a", "b"))
    with pytest.raises(DetenteError, match=r"t\.csv:2: .* in column 'b' is not a number"):
        row.number("b")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=60) | st.text('a,b\n"#\r\0 ', max_size=30).map(str.encode))
def test_no_bytes_make_a_traceback(tmp_path: Path, data: bytes) -> None:
    try:
        for row in read_table(write(tmp_path, data), ("a",), optional=("b",)):
            row.number("a")
    except DetenteError as bad:
        assert "t.csv" in str(bad)
