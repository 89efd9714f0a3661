"""The documentation of the format is true: its treaty is sound, and it names every key."""

from __future__ import annotations

import re
from enum import EnumMeta
from pathlib import Path

import msgspec
import pytest

from detente.asof import AsOf
from detente.assess.compliance import assess_law, from_file
from detente.errors import DetenteError
from detente.sources import Quality
from detente.treaty import schema
from detente.treaty.life import State
from detente.treaty.load import load, loads
from detente.verdict import Outcome

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
TREATIES = (DOCS / "treaties.md").read_text("utf-8")
TUTORIAL = (DOCS / "tutorial-encode-a-treaty.md").read_text("utf-8")
SHAPES = [
    v
    for v in vars(schema).values()
    if isinstance(v, type) and issubclass(v, msgspec.Struct) and v is not msgspec.Struct
]
FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
CODE = " ".join([*re.findall(r"`([^`]+)`", FENCED.sub("", TREATIES)), *FENCED.findall(TREATIES)])
WORDS = set(re.findall(r"[A-Za-z_<>=]+", CODE))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.__name__)
def test_every_key_of_the_format_is_documented(shape: type) -> None:
    assert set(shape.__struct_fields__) <= WORDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [schema.Act, Quality, Outcome], ids=lambda w: w.__name__)
def test_every_word_of_the_format_is_documented(words: EnumMeta) -> None:
    assert {str(w) for w in words} <= WORDS


def test_every_choice_of_a_key_is_documented() -> None:
    choices = set(re.findall(r"Literal\[(.*?)\]", Path(schema.__file__).read_text("utf-8"), re.DOTALL))
    found = {word for line in choices for word in re.findall(r'"([^"]+)"', line)}
    assert len(found) > 20 and found <= WORDS


def test_the_tutorial_shows_the_files_it_runs() -> None:
    for name in ("alpine-pact.yaml", "alpine-inventory.csv", "alpine-events.yaml"):
        assert (DOCS / "examples" / name).read_text("utf-8").rstrip() in TUTORIAL
    lines = (DOCS / "examples" / "alpine-pact.yaml").read_text("utf-8").splitlines()
    assert len(lines) < 60
    assert f"{len(lines)} lines" in TUTORIAL


PACT = (DOCS / "examples" / "alpine-pact.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("bounds: {AT", "bound: {AT", "unknown key 'bounds'; did you mean 'bound'?"),
        ("cite: [], quality: assumed, length", "cite: [TEXT], quality: assumed, length", "no citation; cite a"),
        ("deployed valley missiles, unit: missiles", "deployed valley missiles, unit: warheads", "unit mismatch"),
        ("entry_into_force + P3M", "entry_into_force + P3Y", "overlapping intervals: phases must follow each other"),
        ("parties: [AT, GB]", "parties: [AT, CH]", "'GB' is written 'UK' here"),
    ],
)  # fmt: skip
def test_the_errors_shown_are_the_errors_made(wrong: str, right: str, message: str) -> None:
    assert right in PACT
    with pytest.raises(DetenteError, match=re.escape(message)) as bad:
        loads(PACT.replace(right, wrong, 1).encode(), "alpine-pact.yaml")
    assert re.match(r"alpine-pact\.yaml:\d+: ", str(bad.value))
    assert message in TREATIES


@pytest.mark.parametrize(
    ("day", "bound", "outcome"),
    [
        ("2021-09-14", 40, Outcome.not_applicable),
        ("2021-09-15", 40, Outcome.met),
        ("2023-09-14", 40, Outcome.met),
        ("2023-09-15", 25, Outcome.disputed),
        ("2030-09-15", 25, Outcome.not_in_force),
    ],
)
def test_the_alpine_pact_day_by_day(day: str, bound: float, outcome: Outcome) -> None:
    loaded = load(DOCS / "examples" / "alpine-pact.yaml")
    given = from_file(DOCS / "examples" / "alpine-inventory.csv", loaded)
    found = assess_law(loaded, AsOf.on(day, known="2031-01-01"), given=given).verdicts[0]
    assert (found.party, found.bound, found.outcome) == ("AT", bound, outcome)


def test_salt_2_from_the_docs_alone() -> None:
    loaded = load(HERE / "salt_2_placeholder.yaml")
    given = from_file(HERE / "salt_2_rows.csv", loaded, complete=True)
    found = assess_law(loaded, AsOf.on("1984-01-01", known="2030-01-01"), "US", given)
    assert found.status.state is State.observed
    verdicts = {v.provision.split("/")[1]: v for v in found.verdicts if v.party == "US"}
    counts = {k: v.count.low for k, v in verdicts.items() if v.count}
    assert counts == {
        "III": 400 + 200 + 111 + 300,
        "V.1": 511 + 150,
        "V.2": 511,
        "V.3": 400,
        "IV.2": 0,
        "IV.14": (100 * 12 + 50 * 21) / 150,
    }
    outcomes = {k: v.outcome for k, v in verdicts.items()}
    # over V.1; but the observance hangs on the other side's restraint, so it is no established breach
    assert outcomes.pop("V.1") is Outcome.indeterminate
    assert set(outcomes.values()) == {Outcome.met}
    before = assess_law(loaded, AsOf.on("1980-06-01", known="2030-01-01"), "US", given)
    assert before.status.state is State.signed
    after = assess_law(loaded, AsOf.on("1987-01-01", known="2030-01-01"), "US", given)
    assert {v.outcome for v in after.verdicts} == {Outcome.not_in_force}


def test_an_instruments_own_attributes_are_columns_of_an_inventory(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("party,kind,count,strategic,operational,source\nUS,deployed_warhead,9,true,false,x\n")
    rows = from_file(table, load("sort"))["US"]
    assert rows.items[0].attributes == {"strategic": True, "operational": False}
    with pytest.raises(DetenteError, match="unknown column 'operational'"):
        from_file(table, load("inf"))
