"""The command in other languages: the first page is the index, the JSON is one, a wrong code writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detente.cli._app import run


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    line = ["brief", "--as-of", "1970-01-01", *arguments]
    code = run(line, {"brief": "the briefing"})
    out, err = capsys.readouterr()
    return code, out, err


def test_the_text_is_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--lang", "ru")
    assert code == 0 and out.startswith("СОСТОЯНИЕ КОНТРОЛЯ НАД СТРАТЕГИЧЕСКИМИ ВООРУЖЕНИЯМИ, 1 января 1970")
    assert "Договор о запрещении испытаний в трех средах" in out


def test_the_first_language_is_the_index_and_the_json_is_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = ran(capsys, "--lang", "fr,zh-Hans", "-o", str(tmp_path))
    assert code == 0 and "TRAITÉ" in out.upper()
    assert '<html lang="fr">' in (tmp_path / "index.html").read_text()
    assert '<html lang="zh-Hans">' in (tmp_path / "index.zh-Hans.html").read_text()
    record = json.loads((tmp_path / "brief.json").read_text())
    assert record["title"] == "The state of strategic arms control"


def test_a_language_without_a_catalogue_is_one_error_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ran(capsys, "--lang", "ru,xx", "-o", str(tmp_path / "new"))
    assert (code, out) == (2, "") and len(err.strip().splitlines()) == 1 and "no language 'xx'" in err
    assert not (tmp_path / "new").exists()
