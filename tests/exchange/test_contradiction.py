"""Two roots for one exchange: one file that convicts on any machine, and nothing less does."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.disclosure.group import available
from detente.errors import DetenteError
from detente.exchange import rotation
from detente.exchange.commitments import describe, log_root, read_root
from detente.exchange.contradiction import CONTRADICTION, Contradiction, check_contradiction, gather
from detente.exchange.node import Act
from detente.exchange.worldfile import write_file

from .conftest import Net
from .test_commitments import LAW, OFFICERS, escrow, raw

pytestmark = pytest.mark.skipif(not available(), reason="no libsodium on this machine")


@pytest.fixture
def year(net: Net) -> Net:
    net.now = datetime(2030, 3, 1, 12, tzinfo=UTC).timestamp()
    return net


def two_roots(year: Net, *, rotated: bool = False) -> tuple[Act, Act]:
    cn = year.nodes["CN"]
    first = log_root(cn, escrow()[0], LAW, OFFICERS)
    if rotated:
        rotation.rotate(cn, OFFICERS)
    treaty = read_root(cn, first).treaty
    return first, raw(year, f"{LAW}/escrow_root", msgspec.to_builtins(describe(escrow(1, 4)[0], treaty)))


@pytest.mark.parametrize("rotated", [False, True])
def test_two_roots_make_one_file_that_needs_nothing_else(year: Net, tmp_path: Path, rotated: bool) -> None:
    first, second = two_roots(year, rotated=rotated)
    for party in ("RU", "US"):
        (data,) = gather(year.nodes[party])
        assert gather(year.nodes[party]) == [data], "kept once"
        found = check_contradiction(data)
        assert (found.party, found.exchange, found.entries) == ("CN", 1, (first.label, second.label))
        assert found.roots[0].root == escrow()[0].root.hex() and found.roots[1].slots == 4
        assert found.log_keys == year.annex.of("CN").log
        kinds = [r[0] for r in year.nodes[party].store.all("SELECT kind FROM evidence")]
        assert kinds == [CONTRADICTION]
    path = tmp_path / "evidence.json"
    path.write_bytes(data)
    bare = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "detente", "verify", str(path)],
        capture_output=True, text=True, cwd=tmp_path, env=bare, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and "PROVEN: CN committed exchange 1 twice" in done.stdout, done.stderr
    assert str(year.annex.of("CN").log[0]) in done.stdout
    wrong = msgspec.json.decode(data, type=Contradiction)
    one = msgspec.structs.replace(wrong.statements[0], after=7)
    path.write_bytes(write_file(msgspec.structs.replace(wrong, statements=(one, wrong.statements[1]))))
    done = subprocess.run(
        [sys.executable, "-m", "detente", "verify", str(path)],
        capture_output=True, text=True, cwd=tmp_path, env=bare, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and "NO PROOF" in done.stdout and "Traceback" not in done.stderr


def test_honest_roots_make_no_evidence(year: Net) -> None:
    cn = year.nodes["CN"]
    log_root(cn, escrow()[0], LAW, OFFICERS)
    log_root(cn, escrow(2, 4)[0], LAW, OFFICERS)
    year.sync(2)
    assert all(gather(node) == [] for node in year.nodes.values())


def test_files_that_prove_nothing_are_refused(year: Net) -> None:
    cn = year.nodes["CN"]
    two_roots(year)
    log_root(cn, escrow(2, 3)[0], LAW, OFFICERS)
    note = raw(year, f"{LAW}/other", {"a": 1})
    year.sync(2)
    ru = year.nodes["RU"]
    (data,) = gather(ru)
    good = msgspec.json.decode(data, type=Contradiction)
    one, two = good.statements

    def statement(label: str) -> Any:
        act = ru.find(label)
        opened = ru.opened(act)
        assert opened is not None
        log = ru.log_of("CN")
        body = base64.b64encode(opened.salted).decode()
        return type(one)(log.entry(act.index).decode(), body, 0, str(log.prove(act.index)))

    other_exchange, no_root = statement("CN:2"), statement(note.label)
    replace = msgspec.structs.replace
    for wrong, match in (
        (replace(good, statements=(one, one)), "the same root"),
        (replace(good, statements=(one, other_exchange)), "two exchanges"),
        (replace(good, statements=(one, no_root)), "not an escrow root"),
        (replace(good, keys=year.annex.of("US")), "an act of CN"),
        (replace(good, statements=(replace(one, body=two.body), two)), "opens to other bytes"),
        (replace(good, statements=(replace(one, proof=two.proof), two)), "path does not lead"),
        (replace(good, statements=(replace(one, after=1), two)), "key change that is not there"),
        (replace(good, changes=(one.entry,)), "a key change that is none"),
        (replace(good, type="detente/contradiction/v2"), "not such an evidence file"),
    ):
        with pytest.raises(DetenteError, match=match):
            check_contradiction(write_file(wrong))
    with pytest.raises(DetenteError, match="damaged"):
        check_contradiction(msgspec.json.encode(good))
    for junk in (b"", b"{}", b"[1]", b"\xff", b"[" * 100_000):
        with pytest.raises(DetenteError):
            check_contradiction(junk)
