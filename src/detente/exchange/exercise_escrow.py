"""The exercise's hidden party: under equal ceilings it shows a root and a proof, and is inspected six times."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial

import msgspec

from detente.disclosure import vrf
from detente.disclosure.opening import Document, Opener, read_document
from detente.disclosure.opening import check as check_opening
from detente.disclosure.pick_terms import Population
from detente.errors import DetenteError
from detente.exchange import aggregate, hidden_party, inspection
from detente.exchange.commitments import (
    commitments,
    log_proof,
    log_root,
    prove_logged,
    read_root,
    unchecked,
)
from detente.exchange.node import Act, Node
from detente.exchange.notices import acknowledge

TREATY = "three-equal"
QUOTA = "joint_inspection"
Plan = list[tuple[datetime, Callable[[], None]]]


class Escort:
    """The hidden party at one inspection: opens what was picked, and keeps what it has given."""

    def __init__(self, opener: Opener, root: str) -> None:
        self.opener, self.root = opener, root
        self.given: list[Document] = []

    def item(self, slot: int) -> Document:
        """The item in a slot."""
        return self._give(self.opener.item(slot))

    def lookup(self, serial: str) -> Document:
        """Whether a serial number is declared."""
        return self._give(self.opener.lookup(serial))

    def _give(self, document: Document) -> Document:
        self.given.append(read_document(document.encode()))
        return self.given[-1]


class HiddenParty:
    """One party's escrow, its proof and six inspections of it, through the three parties' nodes.

    `tell`: a line for who watches. `sync`: a round of every node with every other.
    """

    def __init__(
        self, nodes: Mapping[str, Node], party: str, seed: int, launchers: int, *,
        tell: Callable[[str], None], sync: Callable[[], None], officers: tuple[str, str],
    ) -> None:  # fmt: skip
        self.nodes, self.party, self.officers = nodes, party, officers
        self.tell, self.sync = tell, sync
        self.draw = random.Random(f"{seed} escrow")
        self.keys = {p: vrf.Key(self.draw.randbytes(32)) for p in sorted(nodes)}
        self.there = hidden_party.arsenal(launchers, "uploaded", self.draw, party)
        self.opener = Opener(*hidden_party.escrow_of(self.there, self.draw, party))

    def plan(self, year: int) -> Plan:
        """When what happens: the root in October, then six inspections, one by each inspecting party in turn."""
        others = [p for p in sorted(self.nodes) if p != self.party]
        found: Plan = [(datetime(year, 10, 1, 9, tzinfo=UTC), self.commit)]
        for n in range(hidden_party.INSPECTIONS):
            when = datetime(year, 10 + (n + 1) // 3, 8 + (n + 1) % 3 * 8, 8, tzinfo=UTC)
            found.append((when, partial(self.inspect, others[n % 2])))
        found.append((datetime(year, 12, 27, 9, tzinfo=UTC), self.swap))
        return found

    @property
    def chance(self) -> Fraction:
        """The exact chance, known to the referee only, that the six inspections find something."""
        return hidden_party.chance(self.opener, self.there)

    def commit(self) -> None:
        """Root and proof go into the party's log; the others declare in the open, check and record."""
        for p, open_node in self.nodes.items():
            if p != self.party:
                numbers = dict(zip(("launchers", "deployed", "warheads"), hidden_party.OPEN[p], strict=True))
                aggregate.publish(open_node, TREATY, numbers, self.officers)
                for line in hidden_party.against_limits(TREATY, p, str(open_node.moment.date())):
                    self.tell(line)
        node, escrow = self.nodes[self.party], self.opener.escrow
        log_root(node, escrow, TREATY, self.officers)
        data = prove_logged(node, escrow, self.opener.secrets)
        log_proof(node, data, self.officers)
        self.sync()
        self.tell(
            f"{self.party} commits {len(escrow.slots)} slots under one root and proves that they keep {TREATY}: "
            f"{len(data)} bytes"
        )
        for p, other in self.nodes.items():
            for act in unchecked(other):
                fault = other.body(acknowledge(other, act))["fault"]
                self.tell(f"{p} checks {act.envelope.form}: {fault or 'in order'}")

    def inspect(self, by: str) -> None:
        """One inspection in its steps: the joint pick, what was opened, what the inspectors find."""
        node, host = self.nodes[by], self.nodes[self.party]
        act = next(node.find(c.act) for c in commitments(node) if c.root.party == self.party)
        asked = node.publish(
            "inspection", f"{TREATY}/{QUOTA}", [self.party], {"root": act.label}, officers=self.officers
        )
        self.sync()
        slots = self._choose(node, act, asked)
        escort = Escort(self.opener, read_root(node, act).root)
        seen = hidden_party.Inspectors(escort, self.there, self.draw)
        found = [line for line in map(seen.visit, slots) if line]
        self._step(host, asked, "escort_report", {"opened": [d.encode().decode() for d in escort.given]})
        self._check_openings(node, asked, escort.root)
        self._step(node, asked, "findings", {"found": found, "slots": len(slots)})
        self._step(node, asked, "closure", {"text": "; ".join(found) or "as committed"})
        what = f"FOUND: {'; '.join(found)}" if found else "all as committed"
        self.tell(f"{by} inspects {self.party}, slots {' '.join(map(str, slots))}: {what}")

    def _choose(self, node: Node, act: Act, asked: Act) -> Sequence[int]:
        root, log = read_root(node, act), node.log_of(self.party)
        population = Population(root.root, log.origin, log.size, root.slots)
        terms = hidden_party.terms_of(
            root.treaty, population, asked.label, str(node.moment.date()), (node.party, self.party), self.keys
        )
        records, settled = hidden_party.joint_pick(terms, self.keys, self.draw)
        self._step(
            node, asked, "choice",
            {
                "terms": msgspec.to_builtins(terms), "records": [msgspec.to_builtins(r) for r in records],
                "seed": settled.seed,
            },
        )  # fmt: skip
        return settled.choice[0].slots

    def _step(self, node: Node, asked: Act, word: str, body: dict[str, object]) -> None:
        inspection.step(node, asked.label, word, body, self.officers)
        self.sync()

    def _check_openings(self, node: Node, asked: Act, root: str) -> None:
        """The inspecting node reads what was opened from the log, against the root in the log."""
        steps = next(i.steps for i in inspection.inspections(node) if i.id == asked.label)
        report = next(act for word, act, _ in steps if word == "escort_report")
        for text in node.body(node.find(report))["opened"]:
            check_opening(read_document(text.encode()), root=root)

    def swap(self) -> None:
        """Too late: the party would commit to other numbers for the same exchange."""
        true = [replace(m, declared=m.warheads) for m in self.there]
        other, _ = hidden_party.escrow_of(true, self.draw, self.party)
        try:
            log_root(self.nodes[self.party], other, TREATY, self.officers)
        except DetenteError as bad:
            self.tell(f"the node refuses {self.party} another root: {bad.what}")


def report(node: Node) -> tuple[str, ...]:
    """What one node knows of the roots, the proofs and the inspections of what lies under them."""
    lines = [
        f"{c.root.party}, exchange {c.root.exchange}, {c.root.treaty.id}: {c.finding}"
        + (f", CONTRADICTED by {', '.join(c.contradicted_by)}" if c.contradicted_by else "")
        for c in commitments(node)
    ]
    for i in inspection.inspections(node):
        if i.instrument == TREATY:
            bodies = [node.body(node.find(act)) for word, act, _ in i.steps if word == "findings"]
            told = "; ".join(line for body in bodies for line in body["found"])
            lines.append(f"inspection {i.id} of {i.inspected}: {told or 'all as committed'} ({i.state})")
    return tuple(lines)
