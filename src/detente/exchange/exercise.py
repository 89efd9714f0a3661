"""A scripted year between three nodes: data, notices, an inspection, a crisis, and one party that cheats."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from detente.disclosure.group import available
from detente.errors import DetenteError
from detente.exchange import channel, inspection, notices
from detente.exchange.declaration import DECLARATION, Change, Declaration, Declared, Site, apply_changes
from detente.exchange.envelope import parse_entry, stamp
from detente.exchange.evidence import EVIDENCE_TYPE, check_evidence
from detente.exchange.exercise_escrow import HiddenParty
from detente.exchange.exercise_escrow import report as hidden_party_report
from detente.exchange.fsck import fsck
from detente.exchange.keys import ANNEX_TYPE, Annex, new_keys
from detente.exchange.mirror import Push, get_body
from detente.exchange.node import Act, Config, Node, init_node
from detente.exchange.peer import Peers
from detente.exchange.records import dues, law_of
from detente.exchange.service import Bucket, Reply, Service

PARTIES = ("CN", "RU", "US")
TREATY = "exercise"
START = datetime(2030, 1, 1, 8, tzinfo=UTC)
OFFICERS = ("duty-1", "duty-2")
Tell = Callable[[datetime, str], None]


class Side(msgspec.Struct, frozen=True):
    """One party's report at the end of the year, from its own node alone."""

    party: str
    entries: dict[str, int]
    received: dict[str, int]  # acts by kind, addressed to it
    acknowledged: int
    duties: dict[str, dict[str, int]]  # state -> party -> how many
    late: tuple[str, ...]
    imbalances: dict[str, tuple[str, ...]]
    inspections: tuple[str, ...]
    messages: tuple[str, ...]
    evidence: tuple[str, ...]
    escrows: tuple[str, ...]  # roots, proofs and inspections of the hidden party
    fsck: str


class Report(msgspec.Struct, frozen=True):
    """The whole exercise: its seed, who was told to cheat, how many notices, each side's report."""

    seed: int
    cheat: str
    notifications: int
    sides: tuple[Side, ...]
    chance: float | None  # that six inspections of the hidden party find something; None: no libsodium here


class Exercise:
    """Three nodes in one process on a simulated clock."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        notifications: int = 200,
        launchers: int = 60,
        tell: Tell | None = None,
    ) -> None:
        self.folder, self.seed, self.wanted = folder, seed, notifications
        self.draw = random.Random(seed)
        self.tell = tell or (lambda moment, line: None)
        self.step: Callable[[datetime, int], None] = lambda moment, done: None
        self.now = START
        self.cheat = self.draw.choice(PARTIES)
        keys = {p: new_keys(p, f"{TREATY}/{p}", OFFICERS) for p in PARTIES}
        annex = Annex(ANNEX_TYPE, TREATY, {p: k.public() for p, k in keys.items()})
        config = {p: Config(p, instruments=(TREATY,)) for p in PARTIES}
        self.nodes = {
            p: init_node(folder / p, keys[p], annex, config[p], clock=lambda: self.now.timestamp())
            for p in PARTIES
        }
        self.services = {p: Service(n, Bucket(1e9, 1e9)) for p, n in self.nodes.items()}
        self.peers = {p: Peers(n, self._send(p)) for p, n in self.nodes.items()}
        self.books: dict[str, dict[str, Declared]] = {p: self._arsenal(p) for p in PARTIES}
        self.sent = 0
        self.hidden: set[str] = set()
        self.vault = self._hidden_party(launchers) if available() else None

    def _hidden_party(self, launchers: int) -> HiddenParty:
        return HiddenParty(
            self.nodes, self.cheat, self.seed, launchers,
            tell=lambda line: self.tell(self.now, line), sync=self._sync, officers=OFFICERS,
        )  # fmt: skip

    def _send(self, sender: str) -> Callable[..., Reply]:
        def send(party: str, method: str, path: str, data: bytes = b"") -> Reply:
            return self.services[party].answer(sender, method, path, data)

        return send

    def _arsenal(self, party: str) -> dict[str, Declared]:
        count = self.draw.randint(14, 20)
        return {
            f"{party}-{n:03d}": Declared(
                f"{party}-{n:03d}", "icbm", f"{party}-base-{n % 3 + 1}", "Model 1", deployed=n % 4 != 0
            )
            for n in range(count)
        }

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()

    def run(self) -> Report:
        """Play the year; the report of every side."""
        plan = self._plan()
        for moment, work in plan:
            self.now = max(self.now, moment)
            work()
            self.step(self.now, self.sent)
        self._sync(2)
        chance = float(self.vault.chance) if self.vault else None
        return Report(self.seed, self.cheat, self.sent, tuple(self._side(p) for p in PARTIES), chance)

    def _plan(self) -> list[tuple[datetime, Callable[[], None]]]:
        """The script: fixed dates for the exchanges, drawn ones for the rest, the fork at the very end."""
        inspector = PARTIES[(PARTIES.index(self.cheat) + 1) % 3]
        plan: list[tuple[datetime, Callable[[], None]]] = []
        for month, label in ((1, "2030-01-01"), (7, "2030-07-01")):
            for n, p in enumerate(PARTIES):
                when = datetime(2030, month, 12 + n, 9, tzinfo=UTC)
                plan.append((when, partial(self._declare, p, label)))
        for _ in range(self.wanted):
            when = START + timedelta(days=20, minutes=self.draw.randrange(330 * 1440))
            plan.append((when, partial(self._notify, self.draw.choice(PARTIES))))
        plan.append((datetime(2030, 5, 6, 7, tzinfo=UTC), lambda: self._inspect(inspector, self.cheat)))
        plan.append((datetime(2030, 9, 14, 3, 12, tzinfo=UTC), self._crisis))
        plan.append((datetime(2030, 6, 20, 12, tzinfo=UTC), lambda: self._late_launch(self.cheat)))
        plan.append((datetime(2030, 6, 25, 12, tzinfo=UTC), lambda: self._hide(self.cheat)))
        if self.vault:
            plan += self.vault.plan(2030)
        plan.append((datetime(2030, 12, 28, 12, tzinfo=UTC), self._fork))
        return sorted(plan, key=lambda item: item[0])

    def _sync(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            for peers in self.peers.values():
                peers.sync()

    def _give(
        self, party: str, form: str, body: Any, event: str, *, act: str = "notification", period: str = ""
    ) -> Act:
        """Draft, second signature, delivery, and the acknowledgment of each recipient."""
        node = self.nodes[party]
        others = [p for p in PARTIES if p != party]
        made = notices.draft(
            node, f"{TREATY}/{form}", others, body, OFFICERS[0], event=event, act=act, period=period
        )
        given = notices.sign(node, made.id, OFFICERS[1], even_so=bool(made.findings))
        for finding in made.findings:
            self.tell(self.now, f"{party} sends {form} although its own node warns: {finding}")
        for p in others:
            self.peers[party].push(p)
        self.now += timedelta(minutes=self.draw.randint(1, 30))
        for p in others:
            notices.acknowledge(self.nodes[p], self.nodes[p].find(given.label))
            self.peers[p].push(party)
        return given

    def _declare(self, party: str, period: str) -> None:
        items = tuple(sorted(self.books[party].values(), key=lambda i: i.id))
        sites = tuple(Site(f"{party}-base-{n}", f"base {n}") for n in (1, 2, 3))
        declared = Declaration(DECLARATION, TREATY, party, str(self.now.date()), sites, items)
        self._give(
            party, "database_update", msgspec.to_builtins(declared), "", act="declaration", period=period
        )
        self.tell(self.now, f"{party} declares {len(items)} items for the period of {period}")

    def _notify(self, party: str) -> None:
        self.sent += 1
        match self.draw.randrange(4):
            case 0:
                self._launch(party, timedelta(hours=self.draw.randint(25, 90)))
            case 1:
                ahead = timedelta(days=self.draw.randint(15, 40))
                start = stamp(self.now + ahead)
                self._give(party, "exercise_notice", {"start": start}, start)
            case _:
                self._change(party, notify=True)

    def _launch(self, party: str, ahead: timedelta) -> None:
        at = stamp((self.now + ahead).replace(microsecond=0))
        body = {
            "missile": "ICBM",
            "launch_area": "range 1",
            "impact_area": {"center": [10, 170], "radius_km": 80},
        }
        self._give(party, "launch_notice", body, at)

    def _change(self, party: str, *, notify: bool) -> None:
        """One item moves to another base, changes its status, or leaves."""
        books = self.books[party]
        name = self.draw.choice(sorted(set(books) - self.hidden))
        self.hidden |= (
            set() if notify else {name}
        )  # a later notice of the same item would put the books right
        old = books[name]
        if self.draw.random() < 0.5 and notify:
            fresh = msgspec.structs.replace(old, deployed=not old.deployed)
        else:
            bases = [f"{party}-base-{n}" for n in (1, 2, 3) if f"{party}-base-{n}" != old.site]
            fresh = msgspec.structs.replace(old, site=self.draw.choice(bases))
        change = Change(name, "changed", fresh)
        apply_changes(books, [change])
        if notify:
            event = stamp((self.now - timedelta(days=self.draw.randint(0, 4))).replace(microsecond=0))
            self._give(party, "data_change_notice", {"changes": [msgspec.to_builtins(change)]}, event)

    def _late_launch(self, party: str) -> None:
        self.sent += 1
        self._launch(party, timedelta(hours=21))

    def _hide(self, party: str) -> None:
        self._change(party, notify=False)
        self.tell(self.now, f"{party} moves an item and notifies nobody")

    def _inspect(self, inspecting: str, inspected: str) -> None:
        node, host = self.nodes[inspecting], self.nodes[inspected]
        quota = "inspection_type_one"
        asked = inspection.request(node, TREATY, quota, inspected, {"site": f"{inspected}-base-2"}, OFFICERS)
        self.tell(self.now, f"{inspecting} requests an inspection of {inspected}")
        self._sync()
        self.now += timedelta(hours=6)
        body = self._pick(inspecting, inspected, asked)
        script: list[tuple[Node, str, dict[str, Any]]] = [(node, "choice", body)]
        script += [
            (host, "escort_report", {"arrived": stamp(self.now), "shown": body["slots"]}),
            (node, "findings", {"as_declared": len(body["slots"]) - 1, "open": 1}),
            (node, "ambiguity", {"slot": body["slots"][-1], "text": "the identifier could not be read"}),
            (host, "consultation", {"text": "photographs of the identifier are given"}),
            (node, "closure", {"text": "settled"}),
        ]
        for side, word, content in script:
            self.now += timedelta(hours=5)
            inspection.step(side, asked.label, word, content, OFFICERS)
            self._sync()
        try:
            again = [
                inspection.request(node, TREATY, quota, inspected, {}, OFFICERS, even_so=n == 0)
                for n in range(2)
            ]
            self.tell(self.now, f"{len(again)} more inspections were granted, which the quota forbids")
        except DetenteError as bad:
            self.tell(self.now, f"the node refuses {inspecting} a further inspection: {bad.what}")
        self._sync()

    def _pick(self, inspecting: str, inspected: str, asked: Act) -> dict[str, Any]:
        """The joint pick, closed by dice that both delegations throw."""
        from detente.disclosure import pick, pick_terms, vrf

        keys = {p: vrf.Key(self.draw.randbytes(32)) for p in sorted((inspecting, inspected))}
        site = [
            i for i in sorted(self.books[inspected]) if self.books[inspected][i].site == f"{inspected}-base-2"
        ]
        log = self.nodes[inspecting].log_of(inspected)
        root = parse_entry_root(log.cosigned(log.size).text)
        digest = law_of(self.nodes[inspecting], TREATY).loaded.digest
        t = self.now.replace(microsecond=0)
        terms = pick_terms.Terms(
            pick_terms.VERSION, TREATY, digest, asked.label, inspecting, inspected,
            tuple(pick_terms.Contributor(p, k.public.hex(), "2030-01-01") for p, k in keys.items()),
            pick_terms.Population(root, log.origin, log.size, len(site)),
            min(2, len(site)), stamp(t + timedelta(hours=1)), stamp(t + timedelta(hours=2)), ("dice",),
        )  # fmt: skip
        records: list[Any] = []
        for p, key in keys.items():
            commit, reveal, _ = pick.contribute(terms, p, key, stamp(t + timedelta(minutes=30)))
            records += [commit, msgspec.structs.replace(reveal, at=stamp(t + timedelta(minutes=90)))]
        digits = "".join(self.draw.choices("0123456789", k=pick_terms.DICE))
        records += [pick_terms.Dice(p, stamp(t + timedelta(hours=3)), digits) for p in keys]
        settled = pick.settle(terms, records)
        slots = [site[s] for chosen in settled.choice for s in chosen.slots]
        self.tell(self.now, f"the joint pick falls on {', '.join(slots)}")
        return {
            "terms": msgspec.to_builtins(terms),
            "records": [msgspec.to_builtins(r) for r in records],
            "seed": settled.seed,
            "slots": slots,
        }

    def _crisis(self) -> None:
        one, two = (p for p in PARTIES if p != self.cheat)
        args = {"what": "sounding rocket", "place": "69.3 N 16.0 E", "time": stamp(self.now)}
        sent = channel.send(self.nodes[one], self.peers[one], "not-an-attack", [two], args, "call us")
        self.now += timedelta(minutes=2)
        channel.send(self.nodes[two], self.peers[two], "received", [one], {})
        delay = (sent.delivered[two] or 0) - int(sent.act.envelope.moment.timestamp())
        self.tell(self.now, f"{one} warns {two} over the channel: delivered after {delay} s, answered")
        self._sync()

    def _fork(self) -> None:
        """The cheat shows its two counterparts two histories from the same point on."""
        node = self.nodes[self.cheat]
        first, second = (p for p in PARTIES if p != self.cheat)
        self._sync()
        twin = self._twin()
        twin.publish("message", "channel/test", [second], {"code": "test", "args": {}, "free": "to one"})
        node.publish("message", "channel/test", [first], {"code": "test", "args": {}, "free": "to the other"})
        self.peers[self.cheat].push(first)
        size = twin.log.size
        entry = twin.log.entry(size - 1)
        body = parse_entry(entry)[0].body
        assert body is not None
        push = Push(str(twin.log.cosigned(size)), size - 1, (entry,), (get_body(twin.store, body.sha256),))
        self.services[second].answer(self.cheat, "POST", "push", msgspec.msgpack.encode(push))
        twin.close()
        self.tell(self.now, f"{self.cheat} shows {first} and {second} two different histories")
        self.now += timedelta(hours=1)
        for p in (first, second):
            self.peers[p].gossip(first if p == second else second)

    def _twin(self) -> Node:
        """A copy of the cheat's node as it stands."""
        import shutil

        here, there = self.folder / self.cheat, self.folder / f"{self.cheat}-twin"
        self.nodes[self.cheat].store.run("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(here, there, ignore=shutil.ignore_patterns("*-shm", "*-wal"))
        return Node.open(there, clock=lambda: self.now.timestamp())

    def _side(self, party: str) -> Side:
        """What one node can say at the end of the year, from what it holds."""
        node = self.nodes[party]
        found = dues(node, now=self.now)
        states: dict[str, Counter[str]] = {}
        for _, duty in found:
            states.setdefault(str(duty.state), Counter())[duty.party] += 1
        late = [
            f"{d.party}: {d.title}, late by {d.late_by}"
            if d.late_by
            else f"{d.party}: {d.title} ({d.trigger}) {d.state}"
            for _, d in found
            if str(d.state) in ("late", "breached")
        ]
        rows = node.store.all("SELECT data FROM evidence WHERE kind = ?", (EVIDENCE_TYPE,))
        report = fsck(node.store.url, (node.home / "annex.json").read_bytes())
        return Side(
            party,
            {p: node.log_of(p).size for p in PARTIES},
            dict(Counter(a.envelope.act for a in node.acts(to=party))),
            sum(1 for _ in node.acts(act="ack", to=party)),
            {s: dict(c) for s, c in states.items()},
            tuple(late),
            {p: tuple(x for _, wrong in notices.balance(node, p, TREATY) for x in wrong) for p in PARTIES},
            tuple(
                f"{i.inspecting} of {i.inspected}: {i.state}"
                for i in inspection.inspections(node)
                if i.instrument == TREATY
            ),
            tuple(f"{a.party}: {channel.read(node, a)}" for a in channel.messages(node)),
            tuple(check_evidence(bytes(r[0])).text for r in rows),
            hidden_party_report(node),
            "sound" if report.clean else "; ".join(report.problems[:3]),
        )


def parse_entry_root(text: str) -> str:
    """The root of a checkpoint's text, in hex."""
    from detente.exchange.checkpoint import parse_text

    return parse_text(text).root.hex()
