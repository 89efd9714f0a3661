"""The commands from a list of items to a checked proof, in a folder of their own."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from detente.cli import command_names, summary
from detente.cli._app import run


def detente(*arguments: str) -> int:
    return run(list(arguments), {name: summary(name) for name in command_names()})


ITEMS = (
    "class,serial,site,type,launcher,deployed,warheads,non_deployed\n"
    + "".join(f"icbm_launcher,I{n},base {n % 2},M3,1,{n % 3 and 1},{(n % 3 and 1) * 2},\n" for n in range(9))
    + "slbm_launcher,S1,boat,D5,1,1,8,\nheavy_bomber,B1,field,B2,,1,,\nheavy_bomber,B2,field,B2,,,,1\n"
)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "items.csv").write_text(ITEMS)
    made = detente(
        "escrow", "commit", str(tmp_path / "items.csv"), "--party", "US", "--exchange", "1", "-o",
        str(tmp_path / "esc"), "--pad", "icbm_launcher=3",
    )  # fmt: skip
    assert made == 0
    capsys.readouterr()
    return tmp_path


def test_secrets_are_private_files(folder: Path) -> None:
    for name in ("escrow.secret", "slots.key"):
        assert stat.S_IMODE((folder / "esc" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("form", [(), ("--compact",)])
def test_new_start_is_proved_and_verified(
    folder: Path, capsys: pytest.CaptureFixture[str], form: tuple[str, ...]
) -> None:
    proof = str(folder / "us.proof")
    made = detente(
        "prove", "new-start", "--escrow", str(folder / "esc"), "-o", proof, "--as-of", "2025-06-01", *form
    )
    assert made == 0
    assert "at most 1 550 warheads (Art. II.1(b))" in capsys.readouterr().out
    assert (
        detente("verify", proof, "--how", "all", "--party", "US", "--exchange", "1", "--treaty", "new-start")
        == 0
    )
    told = capsys.readouterr().out
    assert "PROVED" in told
    assert "Art. II.1(a)" in told
    assert "the limits are those that the text of new-start sets on 2025-06-01" in told
    assert "not shown" in told
    for wrong in (
        ("--party", "RU"),
        ("--exchange", "2"),
        ("--treaty", "start-1"),
        ("--root", "ab"),
        ("--as-of", "2025-06-02"),
        ("--law", "start-1"),
    ):
        assert detente("verify", proof, *wrong) == 1
        assert "NOT PROVED" in capsys.readouterr().out
    data = bytearray(Path(proof).read_bytes())
    data[-3] ^= 1
    Path(proof).write_bytes(data)
    assert detente("verify", proof, proof, "--json") == 1
    assert [f["proved"] for f in json.loads(capsys.readouterr().out)] == [False, False]


def test_a_proof_of_made_up_limits_is_told_from_the_treatys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A valid proof of weaker limits under the treaty's name and digest."""
    import msgspec

    from detente.disclosure.container import read_escrow
    from detente.disclosure.escrow import read_secrets
    from detente.disclosure.prove import make_head, prove
    from detente.disclosure.statement import LogPoint
    from detente.exchange.ceilings import ceilings

    public = read_escrow((folder / "esc" / "escrow.public").read_bytes())
    secrets = read_secrets((folder / "esc" / "escrow.secret").read_bytes())
    law = ceilings("new-start", "US", "2025-06-01", public.head.classes)
    weaker = (msgspec.structs.replace(law.limits[0], bound=9000), *law.limits[1:])
    data = prove(make_head(public, law.treaty, LogPoint("", 0), weaker), public.slots, secrets.openings)
    (folder / "weak").write_bytes(data)
    assert detente("verify", str(folder / "weak")) == 1
    assert "not those that new-start sets" in capsys.readouterr().out
    claimed = make_head(
        public, law.treaty, LogPoint("", 0), law.limits, (("limits/II.1.a", "nothing of note"),)
    )
    (folder / "claims").write_bytes(prove(claimed, public.slots, secrets.openings))
    assert detente("verify", str(folder / "claims")) == 1
    assert "leaves out" in capsys.readouterr().out


def test_a_category_without_a_class_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "i.csv").write_text("class,serial,deployed,warheads\nmissile,A,1,3\n")
    out = str(tmp_path / "e")
    assert detente(
        "escrow", "commit", str(tmp_path / "i.csv"), "--party", "US", "--exchange", "1", "-o", out,
        "--classes", "deployed_missiles",
    ) == 0  # fmt: skip
    assert (
        detente("prove", "new-start", "--escrow", out, "-o", str(tmp_path / "p"), "--as-of", "2025-06-01")
        == 0
    )
    told = capsys.readouterr().out
    assert "taken as none: each deployed heavy bomber counts one" in told


def test_openings_look_ups_and_the_running_disclosure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    esc = str(folder / "esc")
    root = json.loads(_json(capsys, "escrow", "check", _open(folder, "--serial", "I4"), "--json"))["root"]
    assert (
        detente("escrow", "check", _open(folder, "--serial", "I5", "--field", "warheads"), "--root", root)
        == 0
    )
    assert detente("escrow", "check", _open(folder, "--site", "base 1"), "--root", root) == 0
    capsys.readouterr()
    assert detente("escrow", "check", _open(folder, "--lookup", "I4"), "--root", root) == 0
    assert "IS declared" in capsys.readouterr().out
    assert detente("escrow", "check", _open(folder, "--lookup", "I99"), "--root", root) == 0
    assert "IS NOT declared" in capsys.readouterr().out
    assert detente("escrow", "check", _open(folder, "--slot", "2"), "--root", "00") == 1
    assert "DOES NOT FIT" in capsys.readouterr().out
    (total,) = json.loads(_json(capsys, "escrow", "disclosed", esc, "--json"))
    assert (total["to"], total["openings"], total["look_ups"]) == ("RU", 6, 2)


def _open(folder: Path, *what: str) -> str:
    out = folder / f"opening {'-'.join(what).replace(' ', '')}.json"
    assert detente("escrow", "open", str(folder / "esc"), "--to", "RU", "-o", str(out), *what) == 0
    return str(out)


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert detente(*arguments) == 0
    return capsys.readouterr().out


def test_books_balance_through_the_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = ITEMS.replace("icbm_launcher,I3,base 1,M3,1,0,0,", "icbm_launcher,I3,base 1,M3,1,1,1,")
    assert later != ITEMS
    (folder / "later.csv").write_text(later)
    (folder / "changes.csv").write_text(
        "id,class,quantity,change\nN1,icbm_launcher,deployed,1\nN2,icbm_launcher,warheads,1\n"
    )
    esc, new, proof = (str(folder / n) for n in ("esc", "new", "balance"))
    assert detente(
        "escrow", "commit", str(folder / "later.csv"), "--party", "US", "--exchange", "2", "-o", new,
        "--key", esc + "/slots.key", "--pad", "icbm_launcher=1",
    ) == 0  # fmt: skip
    assert detente("escrow", "balance", esc, new, str(folder / "changes.csv"), "-o", proof) == 0
    assert detente("escrow", "check-balance", esc + "/escrow.public", new + "/escrow.public", proof) == 0
    (folder / "changes.csv").write_text("id,class,quantity,change\nN1,icbm_launcher,deployed,1\n")
    assert detente("escrow", "balance", esc, new, str(folder / "changes.csv"), "-o", proof + "2") == 2
    assert "icbm_launcher/warheads" in capsys.readouterr().err
    assert not Path(proof + "2").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("escrow", "commit", "items.csv", "--party", "Atlantis", "--exchange", "1", "-o", "x"),
        ("escrow", "commit", "none.csv", "--party", "US", "--exchange", "1", "-o", "x"),
        ("escrow", "commit", "items.csv", "--party", "US", "--exchange", "1", "-o", "x", "--pad", "a=b"),
        (
            "escrow",
            "commit",
            "items.csv",
            "--party",
            "US",
            "--exchange",
            "1",
            "-o",
            "x",
            "--classes",
            "strategc",
        ),
        ("escrow", "commit", "items.csv", "--party", "US", "--exchange", "1", "-o", "esc"),
        ("escrow", "open", "esc", "--to", "RU", "-o", "o", "--serial", "I77"),
        ("escrow", "open", "esc", "--to", "RU", "-o", "o", "--slot", "99"),
        ("escrow", "open", "esc", "--to", "RU", "-o", "o"),
        ("escrow", "open", "none", "--to", "RU", "-o", "o", "--slot", "1"),
        ("escrow", "check", "items.csv"),
        ("prove", "new-strt", "--escrow", "esc", "-o", "p"),
        ("prove", "new-start", "--escrow", "esc", "-o", "p", "--as-of", "2026-06-01"),
        ("prove", "ctbt", "--escrow", "esc", "-o", "p", "--as-of", "2025-06-01"),
        ("verify", "none.proof"),
        ("verify", "items.csv", "--how", "natve"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    assert detente(*arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("detente: ")
    assert told.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_what_is_no_proof_is_not_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detente("verify", str(folder / "items.csv")) == 1
    assert "NO PROOF" in capsys.readouterr().out


def test_the_limits_of_a_proposal_are_compared_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = str(folder / "p")
    assert detente("prove", "three-equal", "--escrow", str(folder / "esc"), "-o", proof) == 0
    assert detente("verify", proof) == 0
    assert "the limits are those that the text of three-equal sets" in capsys.readouterr().out
    assert detente("verify", proof, "--law", "third-lower") == 1
    assert "under another text than third-lower" in capsys.readouterr().out
