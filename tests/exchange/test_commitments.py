"""Escrow roots and ceiling proofs in the log: one root an exchange, and a proof that only fits its own place."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.cli import command_names, summary
from detente.cli._app import run
from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Entry, Secrets, commit
from detente.disclosure.group import available
from detente.disclosure.items import item_classes
from detente.disclosure.native import Refused
from detente.disclosure.prove import make_head, prove
from detente.disclosure.secretfile import write_public, write_secret
from detente.disclosure.statement import LogPoint
from detente.errors import DetenteError
from detente.exchange.ceilings import ceilings
from detente.exchange.commitments import (
    commitments,
    describe,
    log_proof,
    log_root,
    prove_logged,
    read_root,
    unchecked,
)
from detente.exchange.envelope import Envelope, seal_entry
from detente.exchange.node import Act
from detente.exchange.notices import acknowledge, fault_of
from detente.exchange.records import trace

from .conftest import Net, party_keys

pytestmark = pytest.mark.skipif(not available(), reason="no libsodium on this machine")
OFFICERS = ("duty-1", "duty-2")
LAW = "three-equal"
DAY = "2030-03-01"


@cache
def escrow(exchange: int = 1, missiles: int = 3, party: str = "CN") -> tuple[Escrow, Secrets]:
    items = [
        Entry(
            "icbm_launcher",
            {"serial": f"m{n}", "site": "one", "type": "silo"},
            {"launcher": 1, "deployed": 1, "warheads": 3},
        )
        for n in range(missiles)
    ]
    return commit(party, exchange, item_classes("strategic"), items, vrf_secret=bytes([7] * 31 + [0]))


@pytest.fixture
def year(net: Net) -> Net:
    net.now = datetime(2030, 3, 1, 12, tzinfo=UTC).timestamp()
    return net


def raw(net: Net, form: str, body: Any, **more: Any) -> Act:
    """What a party writes whose node does not check."""
    act = net.nodes["CN"].publish("commitment", form, ["*"], body, officers=OFFICERS, **more)
    net.sync()
    return act


def raw_proof(net: Net, root: Act, data: bytes) -> Act:
    body = {"type": "detente/ceiling-proof/v1", "proof": base64.b64encode(data).decode()}
    return raw(net, f"{LAW}/ceiling_proof", body, refs=(root.ref,))


def told(net: Net, party: str, label: str) -> str:
    return fault_of(net.nodes[party], net.nodes[party].find(label))


def test_a_root_and_a_proof_are_logged_witnessed_checked_and_recorded(year: Net) -> None:
    cn = year.nodes["CN"]
    public, secrets = escrow()
    root = log_root(cn, public, LAW, OFFICERS)
    year.now += 86400
    assert log_root(cn, public, LAW, OFFICERS) == root, "logging twice logs once"
    proof = log_proof(cn, prove_logged(cn, public, secrets), OFFICERS)
    year.sync(2)
    assert trace(cn, root).missing == () and trace(cn, root).state == "witnessed"
    for p in ("RU", "US"):
        node = year.nodes[p]
        assert [a.label for a in unchecked(node)] == [root.label, proof.label]
        assert commitments(node)[0].finding == "not checked yet"
        for act in unchecked(node):
            ack = acknowledge(node, act)
            assert node.body(ack) == {"form": act.envelope.form, "fault": ""}
        (row,) = commitments(node)
        assert (row.finding, row.proof, row.contradicted_by) == ("PROVED", proof.label, ())
        assert read_root(node, node.find(root.label)) == describe(public, row.root.treaty)
        assert unchecked(node) == []
    year.sync(2)
    assert set(trace(cn, proof).acknowledged) == {"RU", "US"}


def test_a_compact_proof_is_checked_alike(year: Net) -> None:
    pytest.importorskip("numba")
    from detente.disclosure import compact

    cn = year.nodes["CN"]
    public, secrets = escrow()
    log_root(cn, public, LAW, OFFICERS)
    law = ceilings(LAW, "CN", DAY, public.head.classes)
    point = LogPoint(cn.log.origin, cn.log.size)
    head = make_head(public, law.treaty, point, law.limits, law.left_out)
    act = log_proof(cn, compact.prove(head, public.slots, secrets.openings), OFFICERS)
    year.sync()
    assert told(year, "RU", act.label) == ""


def test_a_second_root_is_refused_by_its_own_node_and_seen_by_the_others(year: Net) -> None:
    cn = year.nodes["CN"]
    first = log_root(cn, escrow()[0], LAW, OFFICERS)
    size = cn.log.size
    with pytest.raises(DetenteError, match="committed to another root"):
        log_root(cn, escrow(1, 4)[0], LAW, OFFICERS)
    with pytest.raises(DetenteError, match="committed to another root or law"):
        log_root(cn, escrow()[0], "permanent-1550", OFFICERS)
    assert cn.log.size == size
    log_root(cn, escrow(2, 4)[0], LAW, OFFICERS)
    treaty = read_root(cn, first).treaty
    other = raw(year, f"{LAW}/escrow_root", msgspec.to_builtins(describe(escrow(1, 4)[0], treaty)))
    for p in ("RU", "US"):
        assert f"CONTRADICTION: CN commits exchange 1 to another root in {other.label}" in told(
            year, p, first.label
        )
        assert first.label in told(year, p, other.label)
        assert [(c.root.exchange, bool(c.contradicted_by)) for c in commitments(year.nodes[p])] == [
            (1, True), (1, True), (2, False),
        ]  # fmt: skip


def test_a_contradiction_under_a_repeated_id_does_not_hide(year: Net) -> None:
    cn = year.nodes["CN"]
    first = log_root(cn, escrow()[0], LAW, OFFICERS)
    body = msgspec.to_builtins(describe(escrow(1, 4)[0], read_root(cn, first).treaty))
    other = cn.publish("commitment", f"{LAW}/escrow_root", ["*"], body, officers=OFFICERS)
    again: Envelope = msgspec.structs.replace(other.envelope, id=first.envelope.id)
    keys = party_keys("CN")
    with cn.store.write():
        cn.log.append([seal_entry(again, keys, OFFICERS)], keys.signers("log"), trusted=cn.own.log_keys())
    year.sync(2)
    ru = year.nodes["RU"]
    assert any("repetition" in a.fault for a in ru.acts(faults=True))
    assert len(commitments(ru)[0].contradicted_by) == 2


def test_a_proof_against_a_contradicted_root_is_refused(year: Net) -> None:
    cn = year.nodes["CN"]
    public, secrets = escrow()
    root = log_root(cn, public, LAW, OFFICERS)
    proof = log_proof(cn, prove_logged(cn, public, secrets), OFFICERS)
    year.sync()
    acknowledge(year.nodes["RU"], year.nodes["RU"].find(proof.label))
    treaty = read_root(cn, root).treaty
    raw(year, f"{LAW}/escrow_root", msgspec.to_builtins(describe(escrow(1, 4)[0], treaty)))
    assert "CONTRADICTION" in told(year, "RU", proof.label), "also after it was found in order"


def test_a_proof_fits_only_its_law_log_size_and_root(year: Net) -> None:
    cn = year.nodes["CN"]
    public, secrets = escrow()
    root = log_root(cn, public, LAW, OFFICERS)
    other, other_secrets = escrow(1, 4)
    law = ceilings(LAW, "CN", DAY, public.head.classes)
    here = LogPoint(cn.log.origin, cn.log.size)
    weaker = (msgspec.structs.replace(law.limits[0], bound=9000), *law.limits[1:])

    def made(**changed: Any) -> bytes:
        c = {
            "treaty": law.treaty,
            "log": here,
            "limits": law.limits,
            "of": public,
            "secret": secrets,
        } | changed
        head = make_head(c["of"], c["treaty"], c["log"], c["limits"], law.left_out)
        return prove(head, c["of"].slots, c["secret"].openings)

    good = made()
    broken = good[:-3] + bytes([good[-3] ^ 1]) + good[-2:]
    for data, why in (
        (broken, ""),
        (made(limits=weaker), "not those that three-equal sets"),
        (made(log=LogPoint("records.test/RU", 1)), "another log"),
        (made(log=LogPoint(cn.log.origin, root.index)), "size 0"),
        (made(log=LogPoint(cn.log.origin, 99)), "size 99"),
        (made(of=other, secret=other_secrets), "another escrow root"),
        (made(treaty=msgspec.structs.replace(law.treaty, day="2030-03-02")), "another day"),
        (made(treaty=msgspec.structs.replace(law.treaty, digest="sha256:00")), "another treaty text"),
    ):
        with pytest.raises(Refused, match=why or "."):
            log_proof(cn, data, OFFICERS)
        assert why in told(year, "RU", raw_proof(year, root, data).label) != ""
    assert told(year, "RU", raw_proof(year, root, good).label) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"party": "RU"}, "another party's"),
        ({"root": "ab"}, "malformed"),
        ({"slots": 0}, "malformed"),
        ({"exchange": "one"}, "no escrow root"),
        ({"treaty": {"id": "../node", "digest": "", "day": DAY}}, "filed under another treaty"),
        ({"treaty": {"id": LAW, "digest": "sha256:00", "day": DAY}}, "another text"),
    ],
)
def test_a_malformed_root_is_told_to_its_sender(year: Net, change: dict[str, Any], why: str) -> None:
    treaty = ceilings(LAW, "CN", DAY, item_classes("strategic")).treaty
    body = {**msgspec.to_builtins(describe(escrow()[0], treaty)), **change}
    act = raw(year, f"{LAW}/escrow_root", body)
    ack = acknowledge(year.nodes["RU"], year.nodes["RU"].find(act.label))
    assert why in year.nodes["RU"].body(ack)["fault"]


def test_a_name_that_is_a_path_is_never_opened(year: Net) -> None:
    treaty = msgspec.structs.replace(
        ceilings(LAW, "CN", DAY, item_classes("strategic")).treaty, id="../../x.yaml"
    )
    act = raw(year, "../../x.yaml/escrow_root", msgspec.to_builtins(describe(escrow()[0], treaty)))
    assert "no treaty's id" in told(year, "RU", act.label)


def test_a_proof_without_a_root_another_party_and_a_false_slots_root(year: Net) -> None:
    cn = year.nodes["CN"]
    public, secrets = escrow()
    with pytest.raises(DetenteError, match="no root of CN is logged"):
        prove_logged(cn, public, secrets)
    with pytest.raises(DetenteError, match="an escrow of RU"):
        log_root(cn, escrow(party="RU")[0], LAW, OFFICERS)
    with pytest.raises(DetenteError, match="no limit of new-start binds"):
        log_root(cn, public, "new-start", OFFICERS, day="2025-06-01")
    treaty = ceilings(LAW, "CN", DAY, public.head.classes).treaty
    false = msgspec.structs.replace(describe(public, treaty), slots_root="0" * 128)
    root = raw(year, f"{LAW}/escrow_root", msgspec.to_builtins(false))
    with pytest.raises(Refused, match="slots of the proof"):
        log_proof(cn, prove_logged(cn, public, secrets), OFFICERS)
    lone = raw(year, f"{LAW}/ceiling_proof", {"type": "detente/ceiling-proof/v1", "proof": ""})
    assert told(year, "RU", lone.label) == "the proof names no logged root"
    junk = raw_proof(year, root, b"junk")
    assert told(year, "RU", junk.label)


def test_one_officer_does_not_commit_a_party(year: Net) -> None:
    with pytest.raises(DetenteError, match="needs two officers"):
        log_root(year.nodes["CN"], escrow()[0], LAW, ("duty-1", "duty-1"))


def test_the_commands(year: Net, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a person types at the two nodes, with nobody on the line: entries are mirrored between by hand."""
    public, secrets = escrow()
    folder = tmp_path / "escrow"
    write_public(folder / "escrow.public", public.encode())
    write_secret(folder / "escrow.secret", secrets.encode())
    write_public(tmp_path / "second" / "escrow.public", escrow(1, 4)[0].encode())

    names = {name: summary(name) for name in command_names()}

    def detente(party: str, *words: object) -> int:
        return run(["node", *map(str, words), "--home", str(year.folder / party)], names)

    assert detente("CN", "escrow", "log", folder, "--treaty", LAW, "--as-of", DAY) == 0
    made = ["prove", LAW, "--escrow", folder, "-o", tmp_path / "proof", "--as-of", DAY]
    assert run([*map(str, made), "--log", year.nodes["CN"].log.origin, "--size", "1"], names) == 0
    assert detente("CN", "escrow", "prove", folder, "--proof", tmp_path / "proof") == 0
    assert detente("CN", "escrow", "log", tmp_path / "second", "--treaty", LAW, "--as-of", DAY) == 2
    assert "never replaced" in capsys.readouterr().err
    year.now = time.time()
    year.sync()
    assert detente("RU", "escrow", "check") == 0
    assert capsys.readouterr().out.count("in order; recorded as RU:") == 2
    treaty = read_root(year.nodes["CN"], year.nodes["CN"].find("CN:0")).treaty
    raw(year, f"{LAW}/escrow_root", msgspec.to_builtins(describe(escrow(1, 4)[0], treaty)))
    assert detente("RU", "escrow", "check") == 1
    assert "CONTRADICTION" in capsys.readouterr().out
    assert detente("RU", "escrow", "list") == 1
    assert capsys.readouterr().out.count("CONTRADICTED") == 2
    assert detente("RU", "show", "CN:1") == 0
