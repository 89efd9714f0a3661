"""Declarations, notices, inspections, messages and aggregates over the invented treaty of the exercise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.errors import DetenteError
from detente.exchange import aggregate, channel, inspection, notices, rotation
from detente.exchange.declaration import (
    DECLARATION,
    Change,
    Declaration,
    Declared,
    Site,
    diff,
    parse_declaration,
    reconcile,
    totals,
)
from detente.exchange.forms import UNREVIEWED, check_form, form_of, forms
from detente.exchange.fsck import fsck
from detente.exchange.node import Node
from detente.exchange.records import dues, law_of, policy, trace
from detente.exchange.worldfile import write_file

from .conftest import Net

OFFICERS = ("duty-1", "duty-2")
LAUNCH = {"missile": "ICBM", "launch_area": "range", "impact_area": [[0, 0], [0, 1], [1, 1]]}


@pytest.fixture
def year(net: Net) -> Net:
    """The three nodes on 1 March of the exercise treaty's first year."""
    net.now = datetime(2030, 3, 1, 12, tzinfo=UTC).timestamp()
    return net


def declared(party: str, day: str, *items: Declared) -> dict[str, Any]:
    sites = (Site("b1", "base 1"), Site("b2", "base 2"))
    value: dict[str, Any] = msgspec.to_builtins(
        Declaration(DECLARATION, "exercise", party, day, sites, items)
    )
    return value


def icbm(n: int, **more: Any) -> Declared:
    return Declared(**{"id": f"m{n}", "kind": "icbm", "site": "b1", "deployed": True} | more)


def give(
    net: Net, party: str, form: str, body: Any, event: str = "", act: str = "notification", **more: Any
) -> Any:
    node = net.nodes[party]
    others = [p for p in net.nodes if p != party]
    made = notices.draft(node, f"exercise/{form}", others, body, "duty-1", event=event, act=act, **more)
    sent = notices.sign(node, made.id, "duty-2", even_so=True)
    net.sync()
    return sent


def test_a_notice_goes_from_draft_to_acknowledged_on_both_clocks(year: Net) -> None:
    cn, ru = year.nodes["CN"], year.nodes["RU"]
    made = notices.draft(cn, "exercise/launch_notice", ["RU"], LAUNCH, "duty-1", event="2030-03-04T00:00Z")
    assert made.findings == () and [d.id for d in notices.open_drafts(cn)] == [made.id]
    with pytest.raises(DetenteError, match="another officer's"):
        notices.sign(cn, made.id, "duty-1")
    act = notices.sign(cn, made.id[:8], "duty-2")
    assert notices.sign(cn, made.id, "duty-2") == act, "signing twice sends once"
    assert trace(cn, act).state == "sent" and trace(cn, act).missing == ("RU", "US")
    year.skew["RU"] = 90.0
    year.peers["CN"].push("RU")
    assert trace(cn, act).state == "received" and trace(cn, act).witnessed == ""
    year.peers["CN"].push("US")
    notices.acknowledge(ru, ru.find(act.label))
    year.sync()
    way = trace(cn, act)
    assert (way.state, way.received["RU"]) == ("acknowledged", "2030-03-01T12:01:30Z")
    assert way.witnessed and policy(cn.annex, "CN").met(cn.log.cosigned(cn.log.size))
    assert notices.open_drafts(cn) == [] and trace(ru, ru.find(act.label)).state == "acknowledged"


@pytest.mark.parametrize(
    ("event", "late"),  # 24 hours ahead of each, seen from 12:00 on 1 March
    [("2030-03-02T09:00Z", "3 h"), ("2030-03-02T11:59Z", "1 min"), ("2030-02-28T12:00Z", "2 d 0 h")],
)
def test_a_late_notice_is_told_before_it_is_signed(year: Net, event: str, late: str) -> None:
    cn = year.nodes["CN"]
    made = notices.draft(cn, "exercise/launch_notice", ["RU"], LAUNCH, "duty-1", event=event)
    assert made.findings == (f"this notice is late by {late}: Art. 4.2",)
    with pytest.raises(DetenteError, match=r"late by .*--even-so"):
        notices.sign(cn, made.id, "duty-2")
    assert cn.log.size == 0
    on_time = notices.draft(cn, "exercise/launch_notice", ["RU"], LAUNCH, "duty-1", event="2030-03-02T12:00Z")
    assert on_time.findings == ()


def test_a_premature_unknown_or_malformed_notice_is_refused(year: Net) -> None:
    cn = year.nodes["CN"]
    changes = {"changes": [{"item": "m1", "change": "removed"}]}
    early = notices.draft(
        cn, "exercise/data_change_notice", ["RU"], changes, "duty-1", event="2030-03-03T12:00Z"
    )
    assert early.findings == ("this notice is premature by 2 d 0 h: Art. 4.1",)
    for form, body, event, wrong in (
        ("exercise/lanch_notice", LAUNCH, "2030-04-01", "did you mean 'launch_notice'"),
        ("exercise/launch_notice", LAUNCH, "", "time of the event is missing"),
        ("exercise/launch_notice", {**LAUNCH, "missile": "IRBM"}, "2030-04-01", "not a choice"),
        (
            "exercise/launch_notice",
            {**LAUNCH, "impact_area": [[0, 0], [0, 181], [1, 1]]},
            "2030-04-01",
            "off the globe",
        ),
        ("exercise/launch_notice", {**LAUNCH, "colour": 1}, "2030-04-01", "unknown field"),
        ("exercise/launch_notice", {"missile": "ICBM"}, "2030-04-01", "'launch_area' is missing"),
        ("exercise/launch_notice", [], "2030-04-01", "object of fields"),
        ("exercise/launch_notice", LAUNCH, "soon", "not a time"),
        ("no-such/launch_notice", LAUNCH, "2030-04-01", "no-such"),
    ):
        with pytest.raises(DetenteError, match=wrong):
            notices.draft(cn, form, ["RU"], body, "duty-1", event=event)
    with pytest.raises(DetenteError, match="has no keys in the annex"):
        notices.draft(cn, "exercise/launch_notice", ["FR"], LAUNCH, "duty-1", event="2030-04-01")
    with pytest.raises(DetenteError, match="0 drafts match"):
        notices.sign(cn, "ffff", "duty-2")


def test_a_malformed_notice_that_arrives_is_recorded_and_told_to_its_sender(year: Net) -> None:
    cn, ru = year.nodes["CN"], year.nodes["RU"]
    bad = cn.publish("notification", "exercise/launch_notice", ["RU"], {"missile": 7}, officers=OFFICERS)
    year.sync()
    assert "time of the event is missing" in notices.fault_of(ru, ru.find(bad.label))
    ack = notices.acknowledge(ru, ru.find(bad.label))
    year.sync()
    assert "time of the event" in cn.body(cn.find(ack.label))["fault"]
    assert notices.acknowledge(ru, ru.find(bad.label)) == ack
    with pytest.raises(DetenteError, match="own act"):
        notices.acknowledge(cn, bad)


def test_books_balance_from_exchange_to_exchange(year: Net) -> None:
    first = [icbm(n) for n in range(4)]
    give(year, "CN", "database_update", declared("CN", "2030-01-01", *first), act="declaration")
    moved = msgspec.structs.replace(first[1], site="b2")
    change = {"changes": [msgspec.to_builtins(Change("m1", "changed", moved))]}
    give(year, "CN", "data_change_notice", change, "2030-02-27T00:00Z")
    gone = msgspec.structs.replace(first[2], deployed=False)
    second = declared("CN", "2030-07-01", first[0], moved, gone, icbm(9))
    findings = notices.check(year.nodes["CN"], "exercise/database_update", second, "", act="declaration")
    give(year, "CN", "database_update", second, act="declaration")
    for node in year.nodes.values():
        changed = notices.differences(node, "CN", "exercise")
        assert [(label, [d.item for d in ds]) for label, ds in changed] == [
            ("CN:2", ["m1", "m2", "m3", "m9"])
        ]
        rows = notices.balance(node, "CN", "exercise")
        assert [r[0] for r in rows] == ["CN:0", "CN:2"] and rows[0][1] == ()
        assert rows[1][1] == findings == (
            "m2 changed: deployed True -> False, which was not notified",
            "m3: gone from the declaration, but never notified as removed",
            "m9: declared, but never notified as added",
        )  # fmt: skip


def test_a_declaration_over_the_ceiling_says_so(year: Net) -> None:
    over = declared("CN", "2030-01-01", *[icbm(n) for n in range(25)])
    findings = notices.check(year.nodes["CN"], "exercise/database_update", over, "", act="declaration")
    assert findings == ("limits/2.1: 25 declared against 24 missiles",)
    assert (
        notices.check(
            year.nodes["CN"],
            "exercise/database_update",
            declared("CN", "2030-01-01", *[icbm(n) for n in range(24)]),
            "",
            act="declaration",
        )
        == ()
    )


def test_reconciling_is_what_its_definition_says() -> None:
    def d(*items: Declared) -> Declaration:
        return parse_declaration(declared("CN", "2030-01-01", *items))

    a, b = d(icbm(1), icbm(2, warheads=3)), d(icbm(2, warheads=1), icbm(3))
    assert [str(x) for x in diff(a, b)] == ["m1 removed", "m2 changed: warheads 3 -> 1", "m3 added"]
    good = [Change("m1", "removed"), Change("m3", "added", icbm(3))]
    assert reconcile(a, good, b) == (), "warheads change without notice"
    assert reconcile(a, [*good, good[0]], b) == ("m1: notified as removed, but it is not in the books",)
    assert len(reconcile(a, [], b)) == 2 and totals(b) == {"icbm deployed": 2}


def test_declarations_out_of_order_are_refused(year: Net) -> None:
    good = declared("CN", "2030-01-01", icbm(1))
    for wrong, match in (
        ({**good, "type": "x"}, "not a declaration"),
        ({**good, "as_of": "yesterday"}, "not a date"),
        ({**good, "items": good["items"] * 2}, "declared twice"),
        ({**good, "sites": []}, "no site 'b1'"),
        ({**good, "items": [{"id": "x", "kind": "icmb", "site": "b1"}]}, "did you mean 'icbm'"),
        ({**good, "items": [{"id": "x", "kind": "icbm", "site": "b1", "warheads": -1}]}, "negative"),
        ({**good, "extra": 1}, "not a declaration"),
        (b"\xff", "not a declaration"),
    ):
        with pytest.raises(DetenteError, match=match):
            parse_declaration(wrong)
    with pytest.raises(DetenteError, match="declare your own"):
        notices.check(year.nodes["RU"], "exercise/database_update", good, "", act="declaration")


def test_dues_know_what_each_side_owes(year: Net) -> None:
    give(year, "CN", "launch_notice", LAUNCH, "2030-03-05T12:00Z")
    give(year, "RU", "launch_notice", LAUNCH, "2030-03-02T09:00Z")
    for node in year.nodes.values():
        found = {(d.party, d.obligation): (str(d.state), d.late_by) for _, d in dues(node, ["exercise"])}
        assert found["CN", "launch"][0] == "met"
        assert found["RU", "launch"][0] == "late" and str(found["RU", "launch"][1]) == "3:00:00"
        assert found["US", "database"][0] == "breached"


def test_an_inspection_takes_its_steps_in_turn_and_within_quota(year: Net) -> None:
    us, cn, ru = (year.nodes[p] for p in ("US", "CN", "RU"))
    asked = inspection.request(us, "exercise", "inspection_type_one", "CN", {"site": "b1"}, OFFICERS)
    year.sync()
    with pytest.raises(DetenteError, match="under way"):
        inspection.request(us, "exercise", "inspection_type_one", "CN", {}, OFFICERS)
    with pytest.raises(DetenteError, match="findings cannot follow request"):
        inspection.step(us, asked.label, "findings", {}, OFFICERS)
    with pytest.raises(DetenteError, match="escort_report is the inspected party's"):
        inspection.step(us, asked.label, "escort_report", {}, OFFICERS)
    with pytest.raises(DetenteError, match="carries the terms"):
        inspection.step(us, asked.label, "choice", {}, OFFICERS)
    with pytest.raises(DetenteError, match="no inspection 'CN:9'"):
        inspection.step(us, "CN:9", "closure", {}, OFFICERS)
    rogue = cn.publish("inspection", "exercise/closure", ["US"], {}, officers=OFFICERS, refs=(asked.ref,))
    year.sync()
    seen = inspection.inspections(us)[0]
    assert seen.state == "request" and seen.faults == (
        f"{rogue.label}: closure is the inspecting party's to give",
    )
    inspection.request(us, "exercise", "inspection_type_one", "RU", {}, OFFICERS)
    year.sync()
    with pytest.raises(DetenteError, match="quota: 3 of at most 2"):
        inspection.request(us, "exercise", "inspection_type_one", "RU", {}, OFFICERS)
    with pytest.raises(DetenteError, match="no quota 'inspection_type_two'"):
        inspection.right_to_inspect(ru, "exercise", "inspection_type_two")


def test_new_start_gives_no_right_to_inspect_after_its_end(year: Net) -> None:
    problems = inspection.right_to_inspect(year.nodes["US"], "new-start", "inspection_type_one")
    assert problems == ("new-start gives US no right to this inspection today",)
    made = notices.draft(
        year.nodes["CN"], "new-start/launch_notice", ["US"], LAUNCH, "duty-1", event="2030-04-01"
    )
    assert made.findings == ("CN is not a party to new-start", "new-start is not a party") or any(
        "CN is not a party" in f for f in made.findings
    )


def test_messages_need_no_translator(year: Net) -> None:
    args = {"what": "W {place}", "place": "P", "time": "T"}
    sent = channel.send(year.nodes["CN"], year.peers["CN"], "not-an-attack", ["RU"], args, "free words")
    ru = year.nodes["RU"]
    got = channel.messages(ru)[0]
    assert sent.delivered == {"RU": int(year.now)}
    assert channel.read(ru, got, "zh") == (
        f"你方所观察到的并非攻击：W {{place}}，P，T。 ({UNREVIEWED})\nfree words"
    )
    assert channel.read(ru, got, "en").startswith("What you see is not an attack: W {place}, P, T.\n")
    assert channel.witnessed_mark(ru, got) == "unwitnessed since 2030-03-01T12:00:00Z"
    year.sync(2)
    assert channel.witnessed_mark(ru, ru.find(sent.act.label)) == ""
    for code, given in (("not-an-atack", {}), ("not-an-attack", {"what": "x"})):
        with pytest.raises(DetenteError):
            channel.send(year.nodes["CN"], None, code, ["RU"], given)


def test_every_template_speaks_all_four_languages_with_the_same_parts() -> None:
    for t in channel.templates().values():
        args = {a: f"<{a}>" for a in t.args}
        for language in channel.LANGUAGES:
            text = t.text(language, args)
            assert all(v in text for v in args.values()) and "{" not in text
        assert len(set(t.texts.values())) == 4
    for form in forms().values():
        assert set(form.title) == set(channel.LANGUAGES)


def test_a_published_aggregate_is_checked_without_a_node(year: Net, tmp_path: Path) -> None:
    us = year.nodes["US"]
    act = aggregate.publish(us, "exercise", {"deployed": 14}, OFFICERS)
    year.sync()
    data = aggregate.export(us, act)
    path = tmp_path / "a.json"
    path.write_bytes(data)
    shown = aggregate.explain_published(path)
    assert shown.body == {"deployed": 14} and shown.quorum and shown.party == "US"
    other = aggregate.export(us, aggregate.publish(us, "exercise", {"deployed": 99}, OFFICERS))
    for field in ("entry", "body", "proof", "keys"):
        mixed = {**msgspec.json.decode(data), field: msgspec.json.decode(other)[field]}
        if mixed != msgspec.json.decode(data):
            with pytest.raises(DetenteError):
                aggregate.check_published(write_file(msgspec.convert(mixed, aggregate.Published)))
    secret = us.publish("message", "x", ["RU"], {"a": 1})
    with pytest.raises(DetenteError, match="not addressed to everybody"):
        aggregate.export(us, secret)


def test_keys_rotate_and_retire_without_a_gap(year: Net) -> None:
    cn = year.nodes["CN"]
    before = cn.publish("message", "m", ["RU"], {"i": 0})
    old = cn.keys
    rotation.rotate(cn, OFFICERS)
    with pytest.raises(DetenteError, match="under way"):
        rotation.rotate(cn, OFFICERS)
    with pytest.raises(DetenteError, match="RU, US has not yet seen"):
        rotation.retire(cn, OFFICERS)
    year.sync()
    rotation.retire(cn, OFFICERS)
    after = cn.publish("message", "m", ["RU"], {"i": 1})
    year.restart("CN")
    year.sync(2)
    cn, ru = year.nodes["CN"], year.nodes["RU"]
    assert cn.keys.seeds != old.seeds and cn.body(cn.find(before.label)) == {"i": 0}
    assert ru.body(ru.find(after.label)) == {"i": 1}
    reply = ru.publish("message", "m", ["CN"], {"i": 2})
    year.sync()
    assert year.nodes["CN"].body(year.nodes["CN"].find(reply.label)) == {"i": 2}
    assert list(ru.acts(faults=True)) == []
    for node in year.nodes.values():
        assert fsck(node.store.url, msgspec.json.encode(year.annex)).problems == []


def test_what_is_proven_and_published_stays_so_over_a_key_change(year: Net, tmp_path: Path) -> None:
    from detente.exchange.records import policy_text
    from detente.exchange.records_file import explain_record

    cn, ru = year.nodes["CN"], year.nodes["RU"]
    act = aggregate.publish(cn, "exercise", {"deployed": 14}, OFFICERS)
    for node in (cn, ru):
        rotation.rotate(node, OFFICERS)
        year.sync(2)
        rotation.retire(node, OFFICERS)
    cn.publish("message", "m", ["RU"], {"i": 1})
    year.sync(2)
    for suffix, data in (
        ("tlog-proof", str(cn.log.prove(act.index)).encode()), ("entry", cn.log.entry(act.index)),
        ("policy", policy_text(cn.annex, "CN", cn.store).encode()),
    ):  # fmt: skip
        (tmp_path / f"p.{suffix}").write_bytes(data)
    shown = explain_record(tmp_path / "p.tlog-proof")
    assert shown is not None and "PROVEN: this is entry 0" in shown[0]
    for node in (cn, ru):
        published = aggregate.check_published(aggregate.export(node, node.find(act.label)))
        assert published.quorum and published.body == {"deployed": 14}


def test_a_crisis_message_right_after_a_key_change_is_delivered_at_once(year: Net) -> None:
    """The recipient has not read the new keys yet: the log comes first, then the message."""
    cn, ru = year.nodes["CN"], year.nodes["RU"]
    rotation.rotate(cn, OFFICERS)
    sent = channel.send(cn, year.peers["CN"], "contact", ["RU"], {})
    assert sent.delivered == {"RU": int(year.now)}
    assert [a.leaf for a in channel.messages(ru)] == [sent.act.leaf]


def test_a_power_cut_in_a_key_change_leaves_one_of_the_two(year: Net) -> None:
    cn = year.nodes["CN"]
    old = cn.keys

    def cut(*a: Any, **k: Any) -> Any:
        raise KeyboardInterrupt

    for name in ("publish", "adopt"):
        whole = getattr(cn, name)
        setattr(cn, name, cut)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(cn, OFFICERS)
        setattr(cn, name, whole)
        year.restart("CN")
        cn = year.nodes["CN"]
        if name == "publish":
            assert cn.keys == old and cn.log.size == 0
    assert cn.keys != old and len(cn.keys.seeds["log"]) == 2
    cn.publish("message", "m", ["RU"], {})


def test_a_form_of_ones_own_treaty_takes_the_content_of_the_like_named_one() -> None:
    assert form_of("exercise/launch_notice") == form_of("launch-notification-1988/launch_notice")
    check_form("exercise/unheard_of", {"text": "words"})
    with pytest.raises(DetenteError, match="'text' is missing"):
        check_form("exercise/unheard_of", {})
    circle = {"center": [10, 20], "radius_km": 5}
    check_form("x/launch_notice", {**LAUNCH, "impact_area": circle}, "2030-01-01")
    for area in (
        {"center": [10, 20]},
        [[0, 0]],
        [[0], [1], [2]],
        "here",
        {"center": [99, 0], "radius_km": 1},
    ):
        with pytest.raises(DetenteError):
            check_form("x/launch_notice", {**LAUNCH, "impact_area": area}, "2030-01-01")


def test_the_law_of_the_exercise_is_found_by_a_node(year: Net) -> None:
    node: Node = year.nodes["CN"]
    assert str(law_of(node, "exercise").status("CN").state) == "in force"
