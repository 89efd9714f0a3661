"""Keys that end: what was signed in time stays, what was signed after is refused, and a date back does not help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.cli import command_names, summary
from detente.cli._app import run
from detente.errors import DetenteError
from detente.exchange import channel, notices, rotation
from detente.exchange.body import seal_body
from detente.exchange.envelope import ENTRY_TYPE, Envelope, seal_entry, stamp
from detente.exchange.expiry import lapses
from detente.exchange.fsck import fsck
from detente.exchange.keys import PublicKeys
from detente.exchange.mirror import note_acts, put_body
from detente.exchange.node import Act

from .conftest import Net, party_keys

OFFICERS = ("duty-1", "duty-2")
END = "2026-10-01T00:00:00Z"
LAST = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.fixture
def ending(tmp_path: Path, new_url: Callable[[], str]) -> Iterator[Net]:
    """Three nodes; the keys of CN end on 1 October 2026, ten days on."""
    made = Net(tmp_path, ("CN", "RU", "US"), new_url, {"CN": END})
    made.now = LAST - 10 * DAY
    yield made
    made.close()


def give(net: Net, i: int) -> Act:
    return net.nodes["CN"].publish("notification", "test/notice", ["RU", "US"], {"i": i}, officers=OFFICERS)


def forge(net: Net, at: float, i: int = 0, act: str = "notification") -> Act:
    """What CN's keys sign when its node does not check the time: an entry that bears the date `at`."""
    cn = net.nodes["CN"]
    stored, body = seal_body(b'{"i":%d}' % i, {p: net.annex.of(p) for p in net.nodes})
    e = Envelope(
        type=ENTRY_TYPE, id=f"{i:032x}", act=act, form="test/notice", version=1, party="CN", to=("RU", "US"),
        at=stamp(datetime.fromtimestamp(at, UTC)), body=body,
    )  # fmt: skip
    with cn.store.write():
        put_body(cn.store, body.sha256, stored)
        first, _ = cn.log.append([seal_entry(e, cn.keys, OFFICERS)], cn.keys.signers("log"))
        note_acts(cn.store, cn.log, first, [(e, "")], int(cn.clock()))
    return cn.act("CN", first)


def told(net: Net, party: str) -> list[str]:
    return [a.fault for a in sorted(net.nodes[party].acts(party="CN", faults=True), key=lambda a: a.index)]


def held(net: Net, party: str) -> list[Any]:
    node = net.nodes[party]
    return [node.body(a)["i"] for a in sorted(node.acts(party="CN"), key=lambda a: a.index)]


def sound(net: Net) -> bool:
    annex = msgspec.json.encode(net.annex)
    return all(fsck(n.store.url, annex).problems == [] for n in net.nodes.values())


def test_what_was_signed_in_time_stays_and_our_own_node_signs_nothing_after(ending: Net) -> None:
    give(ending, 1)
    ending.sync()
    ending.now = LAST
    with pytest.raises(DetenteError, match=r"the keys of CN expired on 2026-10-01.*key rotate"):
        give(ending, 2)
    ending.now = LAST + 500 * DAY
    ending.sync(2)
    for party in ("RU", "US"):
        assert held(ending, party) == [1] and told(ending, party) == []
    assert sound(ending) and ending.nodes["RU"].publish("message", "m", ["CN"], {}).party == "RU"


@pytest.mark.parametrize("back", [False, True], ids=["dated now", "dated back"])
def test_what_is_signed_after_is_refused_recorded_and_told(ending: Net, back: bool) -> None:
    give(ending, 1)
    ending.sync()
    ending.now = LAST + 2 * DAY
    late = forge(ending, LAST - DAY if back else ending.now)
    ending.sync(2)
    for party in ("RU", "US"):
        (line,) = told(ending, party)
        assert line.startswith("the keys of CN expired on 2026-10-01T00:00:00Z; ") and "\n" not in line
        assert ("no other party held it before 2026-10-03" in line) is back
        assert held(ending, party) == [1], "recorded, not counted"
    ru = ending.nodes["RU"]
    assert ru.log_of("CN").size == 2 and ru.log_of("CN").entry(1) == ending.nodes["CN"].log.entry(1)
    ack = notices.acknowledge(ru, ru.find(late.label))
    ending.sync()
    assert "expired on" in ending.nodes["CN"].body(ending.nodes["CN"].find(ack.label))["fault"]
    report = fsck(ru.store.url, msgspec.json.encode(ending.annex))
    assert report.problems == []
    ru.store.run("UPDATE act SET fault = '' WHERE fault <> ''")
    problems = fsck(ru.store.url, msgspec.json.encode(ending.annex)).problems
    assert ("outside the validity" in " ".join(problems)) is not back, (
        "the checker sees the sender's own date"
    )


def test_a_crisis_message_is_marked_and_never_refused(ending: Net) -> None:
    ending.now = LAST + 3 * DAY
    sent = channel.send(ending.nodes["CN"], ending.peers["CN"], "contact", ["RU"], {})
    assert sent.delivered["RU"] is not None
    ru = ending.nodes["RU"]
    assert "expired on" in channel.witnessed_mark(ru, channel.messages(ru)[0])
    ending.sync(2)
    assert told(ending, "RU") == [] and "expired on" in channel.witnessed_mark(ru, ru.find(sent.act.label))


@pytest.mark.parametrize("by", ["push", "pull", "mirror"])
def test_a_party_away_over_the_end_takes_what_others_saw_in_time(ending: Net, by: str) -> None:
    """US is away for a month. RU's cosignature dates the first entry; nothing dates the one that is dated back."""
    ending.wire.down.add("US")
    give(ending, 1)
    ending.sync()
    ending.now = LAST + 20 * DAY
    forge(ending, LAST - 5 * DAY, 7)
    ending.sync()
    ending.wire.down.clear()
    if by == "push":
        assert ending.peers["CN"].push("US")
    elif by == "pull":
        assert ending.peers["US"].pull("CN") == 2
    else:
        ending.wire.down.add("CN")
        assert ending.peers["US"].pull("CN", "RU") == 2
    assert held(ending, "RU") == held(ending, "US") == [1]
    assert len(told(ending, "RU")) == len(told(ending, "US")) == 1
    assert sound(ending)


def test_a_new_mirror_takes_a_long_log_years_after_its_keys_ended(
    ending: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every push ends at a head that dates its entries, however many pushes the log takes."""
    monkeypatch.setattr("detente.exchange.peer.STEP", 8)
    ending.wire.down.add("US")
    for i in range(30):
        ending.nodes["CN"].publish("ack", "ack", ["RU"], {"i": i})
        if i % 5 == 4:
            ending.peers["CN"].push("RU")
    ending.now = LAST + 1000 * DAY
    channel.send(ending.nodes["CN"], None, "test", ["RU"], {})
    ending.wire.down.clear()
    assert ending.peers["CN"].push("US")
    assert ending.nodes["US"].log_of("CN").size == 31 and told(ending, "US") == []
    ending.sync(2)
    assert sound(ending)


def test_what_nobody_saw_in_time_is_refused_whatever_its_date(ending: Net) -> None:
    """The price of the rule: an honest entry that reached nobody before the end, and a day, must be given again."""
    ending.wire.down |= {"RU", "US"}
    give(ending, 1)
    ending.now = LAST + 2 * DAY
    ending.wire.down.clear()
    ending.sync(2)
    assert [len(told(ending, p)) for p in ("RU", "US")] == [1, 1]


@pytest.mark.parametrize("skew", [-DAY + 60, DAY - 60])
def test_a_clock_a_day_wrong_changes_nothing(ending: Net, skew: float) -> None:
    ending.skew["RU"] = skew
    ending.now = LAST - 30
    give(ending, 1)
    ending.sync(2)
    for party in ("RU", "US"):
        assert held(ending, party) == [1] and told(ending, party) == []


def test_a_false_head_among_those_that_date_is_refused(ending: Net) -> None:
    from detente.exchange.checkpoint import Checkpoint
    from detente.exchange.mirror import Push
    from detente.exchange.note import Note, sign_note

    give(ending, 1)
    give(ending, 2)
    ending.now = LAST + 3 * DAY
    chunk = ending.peers["CN"]._chunk(0)
    keys = party_keys("CN"), party_keys("RU")
    false = sign_note(Checkpoint(keys[0].origin, 1, bytes(32)).text, keys[0].signers("log"))
    cosigned = Note(
        false.text,
        (*false.signatures, *(s.sign(false.text, at=int(LAST - 1)) for s in keys[1].signers("mirror"))),
    )
    us = ending.nodes["US"].mirror("CN")
    assert us.receive(msgspec.structs.replace(chunk, heads=(str(cosigned),))).status == 422
    assert us.log.size == 0
    stranger = msgspec.structs.replace(chunk, heads=(str(false),))
    assert us.receive(stranger).status == 200, "a head that nobody cosigned dates nothing"
    assert len(told(ending, "US")) == 2 and isinstance(chunk, Push)


def test_rotating_in_time_loses_nothing(ending: Net) -> None:
    give(ending, 1)
    rotation.rotate(ending.nodes["CN"], OFFICERS, 365)
    give(ending, 2)
    ending.sync(2)
    rotation.retire(ending.nodes["CN"], OFFICERS)
    ending.now = LAST + 30 * DAY
    give(ending, 3)
    ending.sync(2)
    for party in ("RU", "US"):
        node = ending.nodes[party]
        assert told(ending, party) == []
        assert [node.body(a)["i"] for a in node.acts(party="CN", act="notification")] == [1, 2, 3]
        assert node.keys_now("CN").not_after == "2027-09-21T00:00:00Z"
    assert sound(ending)


def test_keys_that_have_ended_are_renewed_by_hand_only(ending: Net) -> None:
    give(ending, 1)
    ending.sync()
    ending.now = LAST + 5 * DAY
    change = rotation.rotate(ending.nodes["CN"], OFFICERS, 365)
    give(ending, 2)
    ending.sync(2)
    for party in ("RU", "US"):
        assert held(ending, party) == [1] and len(told(ending, party)) == 2
        assert ending.nodes[party].keys_now("CN").not_after == END
    with pytest.raises(DetenteError, match="no refused key entry"):
        ending.nodes["RU"].mirror("CN").accept(0)
    fresh = ending.nodes["RU"].mirror("CN").accept(change.index)
    assert fresh == ending.nodes["CN"].own.keys == ending.nodes["RU"].keys_now("CN")
    assert told(ending, "RU") == [] and len(told(ending, "US")) == 2
    assert [
        ending.nodes["RU"].body(a)["i"] for a in ending.nodes["RU"].acts(party="CN", act="notification")
    ] == [1, 2]
    give(ending, 3)
    ending.sync(2)
    assert told(ending, "RU") == [] and sound(ending)


def test_everybody_is_warned_before(ending: Net) -> None:
    ending.now = LAST - 100 * DAY
    assert all(lapses(n) == [] for n in ending.nodes.values())
    ending.now = LAST - 89 * DAY
    for node in ending.nodes.values():
        assert [(x.party, x.not_after, x.left) for x in lapses(node)] == [("CN", END, 89)]
    ending.now = LAST + 1
    assert lapses(ending.nodes["US"])[0].left == -1


def test_the_commands_warn_and_name_the_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {name: summary(name) for name in command_names()}

    def node(*words: str, home: str = "cn") -> tuple[int, str]:
        code = run(["node", *words, "--home", str(tmp_path / home)], names)
        return code, capsys.readouterr().out

    assert node("init", "--party", "RU", "--days", "0", home="ru")[0] == 0
    assert "keys valid until 20" in node("init", "--party", "CN", "--days", "30")[1]
    for command in ("status", "due"):
        code, text = node(command)
        assert code == 0 and ("expire in 29 days" in text or "in 29 d" in text), text
    assert "detente node key rotate" in node("status")[1] and '"not_after"' in node("due", "--json")[1]
    assert node("join", str(tmp_path / "ru" / "card.json"))[0] == 0
    assert node("key", "rotate", "--days", "900")[0] == 0
    assert "expire" not in node("status")[1] and "valid" in node("key", "list")[1]
    assert node("key", "rotate", "--days", "-1")[0] == 2


@pytest.mark.parametrize(
    ("begin", "end", "wrong"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "before they begin"),
        ("", "soon", "not a UTC time"), ("", "2026-13-01Z", "2026-13-01Z"),
    ],
)  # fmt: skip
def test_windows_that_make_no_sense_are_refused(begin: str, end: str, wrong: str) -> None:
    card: PublicKeys = msgspec.structs.replace(party_keys("CN").public(), not_before=begin, not_after=end)
    with pytest.raises(DetenteError, match=wrong):
        card.check()


def test_keys_not_yet_valid_speak_for_nobody(ending: Net) -> None:
    card = msgspec.structs.replace(party_keys("CN").public(), not_before=END)
    ending.nodes["RU"].mirror("CN").first_keys = card
    give(ending, 1)
    ending.sync()
    assert "not valid before" in told(ending, "RU")[0] and told(ending, "US") == []
