"""The claims as data: complete against the collected list, strict on load."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from detente.assess.claims import all_claims, claim, claims_by, joined, read_claims, words
from detente.errors import DetenteError

SHARED = Path(os.environ.get("DETENTE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "claims.csv"


def test_every_collected_claim_is_encoded_with_its_day_party_and_sources() -> None:
    if not SHARED.exists():
        pytest.skip("the collected list is not beside this tree (DETENTE_DATA)")
    mine = {c.id: c for c in all_claims()}
    with SHARED.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 55
    for row in rows:
        found = mine[row["id"]]
        assert (found.date, found.party, found.kind) == (row["date"], row["party"], row["kind"])
        assert list(found.sources) == [s.strip() for s in row["source"].split(" ; ")]


def test_enough_of_them_can_be_tested() -> None:
    standings = [c.standing for c in all_claims()]
    assert standings.count("computable") + standings.count("partly") >= 25
    assert standings.count("computable") >= 10


def test_every_claim_says_in_which_room_and_under_which_definition() -> None:
    for c in all_claims():
        assert (c.standing == "position") == (not c.tests)
        assert all(t.definition and t.part for t in c.tests)
        assert any(t.role in ("stated", "used") for t in c.tests) or not c.tests
        if c.standing == "partly":
            assert c.untested


def test_a_claim_has_no_place_for_a_verdict() -> None:
    from detente.assess.claims import Claim, Trial
    from detente.assess.judge import Word

    keys = {*Claim.__struct_fields__, *Trial.__struct_fields__}
    assert not keys & {"verdict", "word", "answer", "assessment", "p"}
    assert not set(Word) & {c.standing for c in all_claims()}


@pytest.mark.parametrize("word", ["lied", "liar", "propaganda", "so-called", "alleged", "debunked", "regime"])
def test_the_wording_is_neutral(word: str) -> None:
    for c in all_claims():
        said = " ".join((c.text, c.note, *c.untested, *c.settles, *(t.definition for t in c.tests)))
        assert word not in said.lower().replace(",", " ").split()


GOOD = """claims:
  - id: C900
    date: "2026-01-01"
    party: US
    speaker: somebody
    kind: assertion
    text: a sentence
    standing: computable
    sources: [here]
    tests:
      - {part: a, definition: b, question: {ask: member, instrument: new-start, party: CN, says: false}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "claims-x.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_claim_of_ones_own_is_read(tmp_path: Path) -> None:
    (made,) = read_claims(written(tmp_path, GOOD))
    assert made.id == "C900" and made.tests[0].question.says is False  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: assertion", "kind: rumour", "claims-x.yaml:6"),
        ("ask: member", "ask: oracle", "oracle"),
        ("says: false", "says: maybe", "claims-x.yaml:11"),
        ("says: false", "says: false, weight: 3", "weight"),
        ("standing: computable", "standing: position", "C900"),
        ("standing: computable", "standing: partly", "C900"),
        ("sources: [here]", "sources: []", "C900"),
        ('date: "2026-01-01"', 'date: "someday"', "claims-x.yaml:3"),
        ("id: C900", "id: X", "claims-x.yaml:2"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(DetenteError, match=r"claims-x\.yaml") as bad:
        read_claims(written(tmp_path, GOOD.replace(old, new)))
    assert told in str(bad.value) and "\n" not in str(bad.value)


def test_twins_and_unknown_likes_are_refused(tmp_path: Path) -> None:
    (made,) = read_claims(written(tmp_path, GOOD))
    with pytest.raises(DetenteError, match="twice"):
        joined([made, made])
    other = GOOD.replace("C900", "C901").partition("    tests:")[0] + "    like: C777\n"
    with pytest.raises(DetenteError, match="C777"):
        joined(read_claims(written(tmp_path, other)))


def test_claims_are_found_by_speaker_party_and_day() -> None:
    assert {c.party for c in claims_by("Russia")} == {"RU"} == {c.party for c in claims_by("ru")}
    assert {c.speaker.split(",")[0] for c in claims_by("lavrov")} == {"Sergey Lavrov"}
    import datetime as dt

    assert all(c.day <= dt.date(2023, 6, 30) for c in claims_by(known=dt.date(2023, 6, 30)))
    assert claim("c044").id == "C044"
    with pytest.raises(DetenteError, match="did you mean"):
        claim("C04")
    with pytest.raises(DetenteError, match="nobody"):
        claims_by("Nemo")


def test_the_thresholds_are_stated() -> None:
    w = words()
    assert 0 < w.contradicted_to < w.supported_from < 1 and 0 < w.about < 1 and w.basis
