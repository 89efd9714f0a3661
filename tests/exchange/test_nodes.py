"""Nodes among themselves: honest traffic arrives exactly once, tampering is found, nobody waits for the silent."""

from __future__ import annotations

import contextlib
import hashlib
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detente.errors import DetenteError
from detente.exchange import rotation
from detente.exchange.fsck import fsck
from detente.exchange.mirror import Push
from detente.exchange.note import parse_note
from detente.exchange.service import Bucket, Service

from .conftest import Net

OFFICERS = ("duty-1", "duty-2")


def clean(net: Net, party: str) -> list[str]:
    node = net.nodes[party]
    return fsck(node.store.url, msgspec.json.encode(net.annex)).problems


def test_an_act_is_logged_witnessed_mirrored_read_and_acknowledged(net: Net) -> None:
    cn, ru, us = (net.nodes[p] for p in ("CN", "RU", "US"))
    sent = cn.publish("notification", "test/notice", ["RU"], {"range": 5500}, officers=OFFICERS)
    assert net.peers["CN"].push("RU") and net.peers["CN"].push("US")
    got = ru.find(sent.label)
    assert ru.body(got) == {"range": 5500} and ru.readable(got)
    with pytest.raises(DetenteError, match="not encrypted to US"):
        us.body(us.find(sent.label))
    names = {s.name for s in cn.log.witnessed_head(1)[1].signatures}
    assert names == {"records.test/CN", "records.test/RU/mirror", "records.test/US/mirror"}
    ack = ru.publish("ack", "ack", ["CN"], refs=(got.ref,))
    net.sync()
    assert [a.envelope.refs[0].leaf for a in cn.acts(act="ack", to="CN")] == [sent.leaf]
    assert ack.party == "RU" and all(clean(net, p) == [] for p in net.nodes)


def test_the_two_person_rule_holds(net: Net) -> None:
    for officers in ((), ("duty-1",), ("duty-1", "duty-1")):
        with pytest.raises(DetenteError, match="needs two officers"):
            net.nodes["CN"].publish("notification", "x", ["RU"], {}, officers=officers)
    with pytest.raises(DetenteError, match=r"no officer 'duty-9'.*did you mean"):
        net.nodes["CN"].publish("notification", "x", ["RU"], {}, officers=("duty-1", "duty-9"))
    assert net.nodes["CN"].log.size == 0


def test_a_retry_never_acts_twice(net: Net) -> None:
    cn = net.nodes["CN"]
    one = cn.publish("message", "m", ["RU"], {"a": 1}, identity="ab" * 16)
    two = cn.publish("message", "m", ["RU"], {"a": 1}, identity="ab" * 16)
    assert one == two and cn.log.size == 1
    net.wire.lose_reply = True
    assert not net.peers["CN"].push("RU")
    assert net.peers["CN"].silent_since("RU") == int(net.now)
    assert net.peers["CN"].push("RU") and net.peers["CN"].silent_since("RU") is None
    assert len(list(net.nodes["RU"].acts(party="CN"))) == 1


def test_an_urgent_message_passes_a_backlog_and_silent_witnesses(net: Net) -> None:
    cn, ru = net.nodes["CN"], net.nodes["RU"]
    for i in range(30):
        cn.publish("message", "m", ["US"], {"i": i})
    net.wire.down = {"US"}
    hot = cn.publish("message", "crisis", ["RU"], {"text": "not an attack"})
    assert net.peers["CN"].urgent(hot, "RU") == int(net.now)
    shown = list(ru.urgent_acts())
    assert [a.leaf for a in shown] == [hot.leaf] and ru.body(shown[0]) == {"text": "not an attack"}
    assert net.peers["CN"].urgent(hot, "US") is None and ru.log_of("CN").size == 0
    net.peers["CN"].sync()
    assert list(ru.urgent_acts()) == [] and ru.find("CN:30").leaf == hot.leaf
    assert len([a for a in ru.acts(party="CN") if a.leaf == hot.leaf]) == 1


def test_a_silent_party_catches_up_from_the_others(tmp_path: Path) -> None:
    net = Net(tmp_path, ("CN", "RU", "UK", "US"))
    net.wire.down = {"UK", "US"}
    for i in range(12):
        net.nodes["CN"].publish("message", "m", ["RU", "UK", "US"], {"i": i})
        net.nodes["RU"].publish("message", "m", ["UK"], {"i": -i})
        net.sync()
    assert net.peers["CN"].silent_since("UK") == int(net.now)
    net.now += 7 * 86400
    net.wire.down = {"CN"}  # now the sender is gone: its entries come from who holds them
    net.sync(2)
    assert [net.nodes["UK"].body(a) for a in net.nodes["UK"].acts(party="CN")] == [
        {"i": i} for i in range(12)
    ]
    net.wire.down = set()
    net.sync(2)
    assert all(clean(net, p) == [] for p in net.nodes)
    assert all(n.log_of("CN").size == 12 and n.log_of("RU").size == 12 for n in net.nodes.values())
    assert all(p.silent_since(q) is None for n, p in net.peers.items() for q in net.nodes if q != n)
    net.close()


def test_a_rolled_back_log_is_told_and_signs_no_more(tmp_path: Path) -> None:
    net = Net(tmp_path, ("CN", "RU", "US"))  # an old copy of the file is put back, so the store is a file
    cn = net.nodes["CN"]
    for i in range(3):
        cn.publish("message", "m", ["RU"], {"i": i})
    copy = (net.folder / "CN" / "node.db").read_bytes(), (net.folder / "CN" / "node.db-wal").read_bytes()
    cn.publish("message", "m", ["RU"], {"i": 3})
    net.sync()
    cn.close()
    (net.folder / "CN" / "node.db").write_bytes(copy[0])
    (net.folder / "CN" / "node.db-wal").write_bytes(copy[1])
    (net.folder / "CN" / "node.db-shm").unlink(missing_ok=True)
    net.restart("CN")
    with pytest.raises(DetenteError, match=r"RU holds 4 entries of our log, we hold 3.*retire its keys"):
        net.peers["CN"].push("RU")
    net.nodes["CN"].publish("message", "m", ["RU"], {"i": "another third"})
    assert not net.peers["CN"].push("RU")
    kinds = [r[0] for r in net.nodes["RU"].store.all("SELECT kind FROM evidence")]
    assert kinds == ["detente/equivocation/v1"], "the second history is proven against its signer"


def test_two_victims_of_a_fork_find_each_other(net: Net, tmp_path: Path) -> None:
    cn = net.nodes["CN"]
    cn.publish("message", "m", ["RU", "US"], {"i": 0})
    net.peers["CN"].push("RU")
    twin = Net(tmp_path / "twin", ("CN", "RU", "US"))
    for label in ("x", "y"):
        twin.nodes["CN"].publish("message", "m", ["US"], {"other": label})
    push = Push(str(twin.nodes["CN"].log.cosigned(2)), 0, tuple(twin.nodes["CN"].log.entries(0, 2)))
    bodies = tuple(bytes(r[0]) for r in twin.nodes["CN"].store.all("SELECT data FROM body"))
    data = msgspec.msgpack.encode(msgspec.structs.replace(push, bodies=bodies))
    assert net.wire.services["US"].answer("CN", "POST", "push", data).status == 200
    net.peers["RU"].gossip("US")  # RU holds one entry of CN's log, US two of the other history
    net.peers["US"].gossip("RU")
    for victim in ("RU", "US"):
        rows = net.nodes[victim].store.all("SELECT data FROM evidence WHERE kind = 'detente/equivocation/v1'")
        assert rows and all(msgspec.json.decode(bytes(r[0]))["party"] == "CN" for r in rows)
    twin.close()


@pytest.mark.parametrize("seed", [2, 8, 10])
def test_a_tampered_wire_changes_nothing(net: Net, seed: int) -> None:
    tampered(net, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_tampered_wire_changes_nothing_at_length(net: Net, seed: int) -> None:
    tampered(net, seed)


def tampered(net: Net, seed: int) -> None:
    """Bits flipped, bytes cut, doubled or swapped in both directions: refused, and the retry goes through."""
    draw = random.Random(seed)
    cn, ru = net.nodes["CN"], net.nodes["RU"]

    def tamper(path: str, way: str, data: bytes) -> bytes:
        if not data or draw.random() < 0.3:
            return data
        at = draw.randrange(len(data))
        how = draw.randrange(4)
        if how == 0:
            return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
        return (data[:at], data + data, data[at:] + data[:at])[how - 1]

    for i in range(8):
        cn.publish("message", "m", ["RU"], {"i": i})
        ru.publish("message", "m", ["CN"], {"i": -i})
        net.wire.tamper = tamper
        for p in net.peers.values():
            p.sync()
        net.wire.tamper = None
    net.sync(2)
    assert [ru.body(a) for a in ru.acts(party="CN")] == [{"i": i} for i in range(8)]
    assert [cn.body(a) for a in cn.acts(party="RU")] == [{"i": -i} for i in range(8)]
    assert all(clean(net, p) == [] for p in net.nodes)
    assert not net.nodes["RU"].store.all("SELECT 1 FROM evidence WHERE kind <> 'suspect'"), (
        "nobody is accused"
    )


def test_clocks_a_day_apart_change_the_claims_only(net: Net) -> None:
    net.skew = {"CN": 86400.0, "US": -86400.0}
    sent = net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    net.sync()
    got = net.nodes["RU"].find(sent.label)
    assert got.envelope.moment.timestamp() - got.received == 86400
    assert all(clean(net, p) == [] for p in net.nodes)


def test_strangers_learn_nothing_and_change_nothing(net: Net) -> None:
    net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    service = net.wire.services["CN"]
    for peer in ("", "XX", "FR", "CN"):
        for method, path in (("GET", "log/CN/checkpoint"), ("POST", "push"), ("POST", "add-checkpoint")):
            reply = service.answer(peer, method, path, b"x")
            assert (reply.status, reply.data) == (403, b"not a party\n")
    for method, path in (
        ("GET", ""),
        ("GET", "log/XX/checkpoint"),
        ("GET", "log/CN/../keys.json"),
        ("PUT", "push"),
        ("GET", "body/x"),
    ):
        assert service.answer("RU", method, path).status == 404
    for path in ("push", "urgent", "gossip", "add-checkpoint"):
        for junk in (b"", b"\xff\x00", b"\x81" * 5000, b"x\n\n"):
            assert service.answer("RU", "POST", path, junk).status == 400
    limited = Service(net.nodes["CN"], Bucket(0.0, 3.0))
    assert [limited.answer("RU", "GET", "log/CN/checkpoint").status for _ in range(4)] == [200, 200, 200, 429]
    assert net.nodes["CN"].log.size == 1


def test_an_entry_of_one_party_cannot_travel_in_anothers_name(net: Net) -> None:
    sent = net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    from detente.exchange.service import Urgent

    data = msgspec.msgpack.encode(Urgent(net.nodes["CN"].log.entry(sent.index)))
    assert net.wire.services["RU"].answer("US", "POST", "urgent", data).status == 403
    note = net.nodes["CN"].log.cosigned(1)
    push = msgspec.msgpack.encode(Push(str(note), 0, (net.nodes["CN"].log.entry(0),)))
    assert net.wire.services["RU"].answer("US", "POST", "push", push).status == 404


class Exchange(RuleBasedStateMachine):
    """Sends, losses, repetitions, late and truncated pushes, key changes, restarts, silence and clock jumps, in any

    order: what was sent arrives once, in order, and nobody is accused.
    """

    @initialize()
    def start(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.net = Net(Path(self.folder.name), ("CN", "RU", "US"))
        self.sent: dict[str, list[str]] = {p: [] for p in self.net.nodes}
        self.recorded: list[tuple[str, str, bytes]] = []

    parties = st.sampled_from(["CN", "RU", "US"])

    @rule(who=parties)
    def send(self, who: str) -> None:
        act = self.net.nodes[who].publish("message", "m", [p for p in self.net.nodes if p != who])
        self.sent[who].append(act.leaf)

    @rule(who=parties, to=parties)
    def push(self, who: str, to: str) -> None:
        if who != to:
            self.net.peers[who].push(to)

    @rule(who=parties, of=parties)
    def pull(self, who: str, of: str) -> None:
        if who != of:
            self.net.peers[who].pull(of)

    @rule(who=parties, to=parties)
    def lose(self, who: str, to: str) -> None:
        if who != to:
            self.net.wire.lose_reply = True
            self.net.peers[who].push(to)
            self.net.wire.lose_reply = False

    @rule(who=parties, to=parties, start=st.integers(0, 30))
    def record(self, who: str, to: str, start: int) -> None:
        """A push that is on its way for longer than the next ones."""
        log = self.net.nodes[who].log
        if who != to and log.size:
            chunk = self.net.peers[who]._chunk(min(start, log.size - 1))
            self.recorded.append((who, to, msgspec.msgpack.encode(chunk)))

    @rule(pick=st.integers(0, 30), times=st.integers(1, 2), cut=st.integers(0, 3))
    def deliver(self, pick: int, times: int, cut: int) -> None:
        """An old push arrives at last: late, repeated, or cut short."""
        if self.recorded:
            who, to, data = self.recorded[pick % len(self.recorded)]
            for _ in range(times):
                data = data[: len(data) - cut * 40]
                status = self.net.wire.services[to].answer(who, "POST", "push", data).status
                assert status in ((200, 409) if not cut else (200, 400, 409))

    @rule(who=parties, days=st.sampled_from([0, 400]))
    def change_keys(self, who: str, days: int) -> None:
        """New keys, then the old ones retired as soon as every other party has seen them."""
        with contextlib.suppress(DetenteError):
            self.sent[who].append(rotation.rotate(self.net.nodes[who], OFFICERS, days).leaf)
        with contextlib.suppress(DetenteError):
            self.sent[who].append(rotation.retire(self.net.nodes[who], OFFICERS).leaf)

    @rule(who=parties)
    def restart(self, who: str) -> None:
        self.net.restart(who)

    @rule(who=st.sets(parties, max_size=2))
    def silence(self, who: set[str]) -> None:
        self.net.wire.down = who

    @rule(who=parties, by=st.sampled_from([-86400.0, 0.0, 86400.0]))
    def jump(self, who: str, by: float) -> None:
        self.net.skew[who] = by

    @invariant()
    def what_is_held_is_a_prefix_of_what_was_sent(self) -> None:
        for node in self.net.nodes.values():
            for p, leaves in self.sent.items():
                log = node.log_of(p)
                held = [hashlib.sha256(b"\0" + e).hexdigest() for e in log.entries(0, log.size)]
                assert held == leaves[: len(held)]

    def teardown(self) -> None:
        if not hasattr(self, "net"):
            return
        self.net.wire.down = set()
        self.net.sync(2)
        for node in self.net.nodes.values():
            for p, leaves in self.sent.items():
                assert [a.leaf for a in node.acts(party=p)] == leaves
            assert not node.store.all("SELECT 1 FROM evidence WHERE kind <> 'suspect'")
            annex = msgspec.json.encode(self.net.annex)
            assert fsck(node.store.url, annex).problems == []
        self.net.close()
        self.folder.cleanup()


TestExchange = Exchange.TestCase
TestExchange.settings = settings(
    max_examples=6, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_cosignatures_are_by_the_peers_keys_only(net: Net) -> None:
    net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    reply = net.wire.services["RU"].answer(
        "CN", "POST", "push", msgspec.msgpack.encode(net.peers["CN"]._chunk(0))
    )
    note = net.nodes["CN"].log.cosigned(1)
    swapped = parse_note(str(note).encode() + reply.data)
    with pytest.raises(DetenteError, match="without a valid cosignature"):
        net.peers["CN"]._keep("US", 1, reply.data)
    net.peers["CN"]._keep("RU", 1, reply.data)
    assert len(swapped.signatures) == 3 and net.peers["CN"]._acknowledged("RU") == 1
