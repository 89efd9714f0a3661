"""Bad input: one line to the sender, a record with the receiver, nothing lost, and the next act goes through."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.canonical import canonical_json
from detente.errors import DetenteError
from detente.exchange import fsck as checker
from detente.exchange import fsck_lines, fsck_tree
from detente.exchange.body import MAX_BODY, seal_body
from detente.exchange.declaration import DECLARATION, Declaration, Declared, Site
from detente.exchange.envelope import ENTRY_TYPE, Envelope, seal_entry, stamp
from detente.exchange.mirror import Push, note_acts, put_body
from detente.exchange.node import Act
from detente.exchange.note import sign_note
from detente.exchange.notices import acknowledge, balance, fault_of
from detente.exchange.records import dues
from detente.exchange.service import MAX_REQUEST
from detente.exchange.store import Store
from detente.exchange.witness import add_checkpoint, format_request

from .conftest import Net, party_keys
from .test_log import Side, World, act

OFFICERS = ("duty-1", "duty-2")
LAUNCH = {"missile": "ICBM", "launch_area": "range", "impact_area": [[0, 0], [0, 1], [1, 1]]}
DAY = 86_400


@pytest.fixture
def year(net: Net) -> Net:
    net.now = datetime(2030, 3, 1, 12, tzinfo=UTC).timestamp()
    return net


def items(n: int) -> Any:
    found = [Declared(id=f"m{i}", kind="icbm", site="b1", deployed=True) for i in range(n)]
    day = Declaration(DECLARATION, "exercise", "CN", "2030-01-01", (Site("b1", "base"),), tuple(found))
    return msgspec.to_builtins(day)


def told(net: Net, act: Act) -> str:
    """The fault that RU records of an act, and that CN then reads in the acknowledgment."""
    ru, cn = net.nodes["RU"], net.nodes["CN"]
    fault = fault_of(ru, act)
    ack = acknowledge(ru, act)
    net.sync(2)
    assert cn.body(cn.find(ack.label))["fault"] == fault and "\n" not in fault
    assert ru.log_of("CN").entry(act.index) == cn.log.entry(act.index), "nothing is lost"
    return fault


def after(net: Net) -> None:
    """The sender is not shut out: its next act arrives and is in order."""
    good = net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    net.sync(2)
    assert net.nodes["RU"].body(net.nodes["RU"].find(good.label)) == {"i": 1}
    assert fault_of(net.nodes["RU"], net.nodes["RU"].find(good.label)) == ""


def plain(**more: Any) -> Envelope:
    base = {
        "type": ENTRY_TYPE, "id": "ab" * 16, "act": "notification", "form": "exercise/launch_notice", "version": 1,
        "party": "CN", "to": ("RU",), "at": "2030-03-01T12:00:00Z",
    }  # fmt: skip
    return Envelope(**{**base, **more})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "detente/entry/v9"}, "unknown entry type"),
        ({"act": "war"}, "unknown act 'war'"),
        ({"id": "short"}, "needs an id"),
        ({"to": ["US", "RU"]}, "recipients are named once each"),
        ({"extra": 1}, "malformed envelope"),
        ({"party": "US"}, "an act of US among those of CN"),
        ({"at": "yesterday"}, "not a UTC time"),
    ],
)
def test_a_malformed_envelope_or_an_unknown_type(year: Net, change: dict[str, Any], fault: str) -> None:
    keys = party_keys("CN")
    text = canonical_json({**msgspec.to_builtins(plain()), **change}).decode() + "\n"
    note = sign_note(text, [*keys.signers("entry"), *map(keys.officer, OFFICERS)])
    rogue_entry(year, str(note).encode())
    ru = year.nodes["RU"]
    row = ru.store.one("SELECT fault FROM act WHERE fault <> ''")
    assert row is not None and fault in row[0] and "\n" not in row[0]
    assert ru.log_of("CN").entry(0) == year.nodes["CN"].log.entry(0), "kept as it came"
    after(year)


def rogue_entry(net: Net, entry: bytes) -> None:
    cn = net.nodes["CN"]
    with cn.store.write():
        first, _ = cn.log.append([entry], cn.keys.signers("log"), trusted=cn.own.log_keys())
        note_acts(cn.store, cn.log, first, [(None, "rogue")], int(cn.clock()))
    net.sync(2)


def test_a_form_that_no_instrument_knows_is_refused_before_it_is_signed(year: Net) -> None:
    from detente.exchange.notices import draft

    with pytest.raises(DetenteError, match=r"exercise knows no 'lunch_notice'.*did you mean 'launch_notice'"):
        draft(year.nodes["CN"], "exercise/lunch_notice", ["RU"], LAUNCH, "duty-1", event="2030-04-01")
    assert year.nodes["CN"].log.size == 0


def test_an_over_long_body(year: Net) -> None:
    cn, ru = year.nodes["CN"], year.nodes["RU"]
    with pytest.raises(DetenteError, match=r"a body of \d+ bytes.*at most 16777216"):
        cn.publish("notification", "x", ["RU"], "x" * (MAX_BODY + 1), officers=OFFICERS)
    assert cn.log.size == 0
    assert year.wire.services["RU"].answer("CN", "POST", "push", bytes(MAX_REQUEST + 1)).status == 413
    keys = party_keys("CN")
    entry = seal_entry(plain(body=seal_body(b"{}", {})[1]), keys, OFFICERS)
    long = Push(
        str(Side(Store(str(year.folder / "x.db")), keys).add(entry)), 0, (entry,), (bytes(2 * MAX_BODY + 1),)
    )
    answer = ru.mirror("CN").receive(long)
    assert (answer.status, answer.body[:12], ru.log_of("CN").size) == (424, "missing body", 0)
    after(year)


def test_a_body_for_somebody_else(year: Net) -> None:
    """Addressed to RU, encrypted to US only."""
    cn, keys = year.nodes["CN"], party_keys("CN")
    stored, body = seal_body(canonical_json(LAUNCH), {"US": year.annex.of("US")})
    e = plain(body=body, event="2030-03-05T00:00:00Z", at=stamp(cn.moment))
    with cn.store.write():
        put_body(cn.store, body.sha256, stored)
        cn.log.append([seal_entry(e, keys, OFFICERS)], keys.signers("log"))
        note_acts(cn.store, cn.log, 0, [(e, "")], int(cn.clock()))
    year.sync(2)
    assert "not encrypted to RU" in told(year, year.nodes["RU"].find("CN:0"))
    after(year)


def test_expired_keys(year: Net) -> None:
    """The table of cases is `test_expiry.py`; here: one line, a record, nothing lost."""
    ru = year.nodes["RU"]
    ru.mirror("CN").first_keys = msgspec.structs.replace(
        year.annex.of("CN"), not_after="2030-02-01T00:00:00Z"
    )
    sent = year.nodes["CN"].publish(
        "notification", "exercise/launch_notice", ["RU"], LAUNCH, officers=OFFICERS
    )
    year.sync(2)
    (held,) = ru.acts(faults=True)
    assert held.label == sent.label and held.fault.startswith("the keys of CN expired on 2030-02-01")
    assert "expired" in told(year, held)


@pytest.mark.parametrize(("event", "state"), [("2030-03-02T09:00Z", "late"), ("2030-03-20T00:00Z", "met")])
def test_a_late_notice_is_on_the_receivers_list_of_duties(year: Net, event: str, state: str) -> None:
    from detente.exchange.notices import draft, sign

    cn = year.nodes["CN"]
    made = draft(cn, "exercise/launch_notice", ["RU", "US"], LAUNCH, "duty-1", event=event)
    if state == "late":
        with pytest.raises(DetenteError, match="late by 3 h"):
            sign(cn, made.id, "duty-2")
    sign(cn, made.id, "duty-2", even_so=True)
    year.sync(2)
    for node in year.nodes.values():
        found = {d.obligation: str(d.state) for _, d in dues(node, ["exercise"]) if d.party == "CN"}
        assert found["launch"] == state


def test_a_premature_notice_is_told_before_it_is_signed(year: Net) -> None:
    from detente.exchange.notices import draft, sign

    changes = {"changes": [{"item": "m1", "change": "removed"}]}
    made = draft(
        year.nodes["CN"], "exercise/data_change_notice", ["RU"], changes, "duty-1", event="2030-03-03T12:00Z"
    )
    with pytest.raises(DetenteError, match=r"premature by 2 d 0 h"):
        sign(year.nodes["CN"], made.id, "duty-2")
    assert year.nodes["CN"].log.size == 0


def test_a_declaration_against_the_law_or_the_last_exchange(year: Net) -> None:
    from detente.exchange.notices import draft, sign

    cn = year.nodes["CN"]
    made = draft(cn, "exercise/database_update", ["RU", "US"], items(30), "duty-1", act="declaration")
    with pytest.raises(DetenteError, match="30 declared against 24 missiles"):
        sign(cn, made.id, "duty-2")
    assert cn.log.size == 0
    sign(cn, made.id, "duty-2", even_so=True)
    again = draft(cn, "exercise/database_update", ["RU", "US"], items(29), "duty-1", act="declaration")
    with pytest.raises(DetenteError, match="m29: gone from the declaration"):
        sign(cn, again.id, "duty-2")
    sign(cn, again.id, "duty-2", even_so=True)
    year.sync(2)
    for party in ("RU", "US"):
        rows = balance(year.nodes[party], "CN", "exercise")
        assert [label for label, _ in rows] == ["CN:0", "CN:1"]
        assert "30 declared against 24" in rows[0][1][0] and any("m29" in line for line in rows[1][1])


def test_many_submitters_never_move_a_witness_back(new_store: Callable[[], Store], world: World) -> None:
    """The race of tlog-witness: check and store are one transaction, whoever comes at the same time."""
    keys, annex = world
    cn, store = Side(new_store(), keys["CN"]), new_store()
    notes = [cn.add(act(keys["CN"], i)) for i in range(24)]
    requests = [
        format_request(old, cn.log.consistency(old, new), notes[new - 1]).encode()
        for old in range(24) for new in range(old + 1, min(old + 4, 25))
    ]  # fmt: skip
    cosigned: list[int] = []

    def submit(part: list[bytes]) -> None:
        for _ in range(6):
            for data in part:
                answer = add_checkpoint(
                    store, data, lambda o: annex.of("CN").verifiers("log"), keys["RU"].signers("witness")
                )
                assert answer.status in (200, 409), answer
                if answer.status == 200:
                    cosigned.append(int(data.partition(b"\n\n")[2].split(b"\n")[1]))

    threads = [threading.Thread(target=submit, args=(requests[n::4],)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    row = store.one("SELECT size FROM witnessed")
    assert row is not None and row[0] == 24 == max(cosigned)
    assert len(cosigned) == len(set(cosigned)), "no size was cosigned twice from two states"


def test_the_checker_shares_no_code_with_the_writer() -> None:
    for module in (checker, fsck_lines, fsck_tree):
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        named = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        named |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        ours = {n for n in named if n.startswith("detente")}
        assert ours <= {"detente.exchange.fsck_lines", "detente.exchange.fsck_tree"}, ours
