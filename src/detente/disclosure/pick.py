"""A choice that no party can steer: terms first, contributions nobody can choose, a closing input last.

The last input to the seed (a beacon round, or dice thrown by both delegations) does not exist while anybody
can still withhold something. Stopping is therefore blind: it gains nothing, and it is recorded. The functions
here read records that the parties' logs already hold and witness; every node that has them derives the same
choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from detente.asof import parse_moment
from detente.canonical import canonical_json
from detente.disclosure import beacon as beacons
from detente.disclosure import vrf
from detente.disclosure.choice import Stream, sample, sample_mixed
from detente.disclosure.pick_terms import (
    DICE,
    Commit,
    Contributor,
    Dice,
    Lock,
    Record,
    Reveal,
    Round,
    Terms,
    tagged_hash,
    unhex,
)
from detente.disclosure.sampling import probability
from detente.errors import DetenteError


class Breach(msgspec.Struct, frozen=True, order=True):
    """What a party failed to do; it is recorded and changes nobody's chances."""

    party: str
    what: str


class Chosen(msgspec.Struct, frozen=True):
    """The slots to open, in this order, at one site ("" where the population has no sites)."""

    site: str
    slots: tuple[int, ...]


class Settlement(msgspec.Struct, frozen=True):
    """The outcome that every node derives: the choice, or what is still missing."""

    context: str
    contributions: dict[str, str]
    recovered: tuple[str, ...]
    breaches: tuple[Breach, ...]
    closing: str  # beacon, dice, or "" while open
    seed: str
    choice: tuple[Chosen, ...]
    missing: tuple[str, ...]

    @property
    def settled(self) -> bool:
        return bool(self.seed)


def contribute(terms: Terms, party: str, key: vrf.Key, at: str) -> tuple[Commit, Reveal, Lock | None]:
    """What `party` logs: the commitment now, the reveal later, and the lock (now) where the terms want one.

    Raises DetenteError where the key is not the one registered for the party.
    """
    registered = {c.party: c.key for c in terms.contributors}
    if registered.get(party) != key.public.hex():
        raise DetenteError(f"this is not the key that '{party}' registered", where=terms.inspection)
    proof = key.prove(terms.context)
    output = vrf.verify(key.public, terms.context, proof)
    assert output is not None
    locked = beacons.lock(terms.beacon, proof) if terms.locks and terms.beacon else None
    return (
        Commit(party, at, commitment(terms.context, party, output)),
        Reveal(party, at, proof.hex()),
        Lock(party, at, locked.hex()) if locked else None,
    )


def commitment(context: bytes, party: str, output: bytes) -> str:
    """The digest that a party logs before it reveals."""
    return tagged_hash("commit", [context.hex(), party, output.hex()]).hex()


def settle(terms: Terms, records: Iterable[Record]) -> Settlement:
    """The choice that follows from the witnessed records, in any order, or what is missing for it.

    Contributions count if they were committed by `commit_by`, and revealed by `reveal_by` or recovered from
    their lock. Of the closing inputs the first in the terms' order that is there counts. The clock is the
    latest witnessed time: nobody is late before it has passed the deadline.
    """
    ordered = sorted(set(records), key=lambda r: (parse_moment(r.at), canonical_json(msgspec.to_builtins(r))))
    signature, drawn, awaited = _close(terms, ordered)
    tally = _Tally(terms, ordered, signature)
    source, value = drawn or ("", "")
    seed = seed_of(terms, tally.given, source, value) if drawn else b""
    return Settlement(
        terms.context.hex(),
        tally.given,
        tuple(tally.recovered),
        tuple(sorted(set(tally.breaches))),
        source,
        seed.hex(),
        choose(terms, seed) if seed else (),
        () if seed else (*tally.missing, "; else ".join(awaited)),
    )


def seed_of(terms: Terms, contributions: dict[str, str], closing: str, value: str) -> bytes:
    """64 bytes: SHA3-512 over context, contributions (hex by party) and the closing input."""
    closed = {"kind": closing, "value": value}
    body = {"context": terms.context.hex(), "contributions": contributions, "closing": closed}
    return tagged_hash("seed", body)


class _Tally:
    """Who contributed what, who had to be recovered, who failed, and who may still act."""

    def __init__(self, terms: Terms, records: Sequence[Record], signature: bytes | None) -> None:
        self.terms, self.signature = terms, signature
        self.start, self.end = parse_moment(terms.commit_by), parse_moment(terms.reveal_by)
        self.clock = parse_moment(records[-1].at) if records else None
        self.given: dict[str, str] = {}
        self.recovered: list[str] = []
        self.breaches: list[Breach] = []
        self.missing: list[str] = []
        for who in terms.contributors:
            output = self._output(who, [r for r in records if r.party == who.party])
            if output is not None:
                self.given[who.party] = output.hex()

    def _output(self, who: Contributor, own: Sequence[Record]) -> bytes | None:
        """The output of one party, with what went wrong noted on the way."""
        commits = [r.digest for r in own if isinstance(r, Commit) and _by(r, self.start)]
        locks = [r.locked for r in own if isinstance(r, Lock) and _by(r, self.start)]
        reveals = [r.proof for r in own if isinstance(r, Reveal) and _by(r, self.end)]
        if len(set(commits)) > 1:
            self._breach(who, "committed twice; the first counts")
        if self.terms.locks and not locks:
            self._late(who, "lock its contribution", self.terms.commit_by)
        if not commits:
            self._late(who, "commit", self.terms.commit_by)
            return None
        output = _matching(self.terms, who, commits[0], reveals)
        if output is None:
            if reveals:
                self._breach(who, "revealed what does not verify")
            else:
                self._late(who, "reveal", self.terms.reveal_by)
            if self.signature and locks:
                output = self._recover(who, commits[0], locks[0])
        return output

    def _recover(self, who: Contributor, digest: str, locked: str) -> bytes | None:
        opened = beacons.unlock(self.signature or b"", unhex(locked))
        output = _matching(self.terms, who, digest, [opened.hex()] if opened else [])
        if output is None:
            self._breach(who, "locked something that is not its contribution")
        else:
            self.recovered.append(who.party)
        return output

    def _late(self, who: Contributor, what: str, limit: str) -> None:
        if self.clock and self.clock > parse_moment(limit):
            self._breach(who, f"did not {what} in time")
        else:
            self.missing.append(f"{who.party} to {what} by {limit}")

    def _breach(self, who: Contributor, what: str) -> None:
        self.breaches.append(Breach(who.party, what))


def _matching(terms: Terms, who: Contributor, digest: str, proofs: Sequence[str]) -> bytes | None:
    """The first proof's output that verifies under the registered key and matches the commitment."""
    for proof in proofs:
        output = vrf.verify(unhex(who.key), terms.context, unhex(proof))
        if output is not None and commitment(terms.context, who.party, output) == digest:
            return output
    return None


def _close(terms: Terms, records: Sequence[Record]) -> tuple[bytes | None, tuple[str, str] | None, list[str]]:
    """The beacon signature if there is one, the closing input that counts, and what is awaited."""
    signature = _signature(terms, records)
    awaited: list[str] = []
    earliest = parse_moment(terms.reveal_by)
    for source in terms.closing:
        if source == "beacon" and terms.beacon:
            if signature:
                return signature, ("beacon", hashlib.sha256(signature).hexdigest()), []
            awaited.append(f"round {terms.beacon.round} of {terms.beacon.name}, recorded by {terms.close_by}")
            earliest = parse_moment(terms.close_by)
        elif source == "dice":
            digits = [_dice(records, party, earliest) for party in (terms.inspecting, terms.inspected)]
            if digits[0] and digits[0] == digits[1]:
                return signature, ("dice", digits[0]), []
            told = " (the two delegations recorded different dice)" if all(digits) else ""
            awaited.append(
                f"{DICE} or more dice recorded alike by both delegations after {earliest:%FT%TZ}{told}"
            )
    return signature, None, awaited


def _signature(terms: Terms, records: Sequence[Record]) -> bytes | None:
    """The round's signature; None too where it was out before the contributions closed, which voids it."""
    if terms.beacon is None:
        return None
    open_until, limit = parse_moment(terms.reveal_by), parse_moment(terms.close_by)
    for r in records:
        if isinstance(r, Round) and r.round == terms.beacon.round and _by(r, limit):
            signature = unhex(r.signature)
            if beacons.randomness(terms.beacon, signature):
                return None if _by(r, open_until) else signature
    return None


def _dice(records: Sequence[Record], party: str, after: datetime) -> str:
    """The first dice that a delegation recorded after all else was over, "" if none."""
    for r in records:
        if isinstance(r, Dice) and r.party == party and parse_moment(r.at) > after:
            digits = r.digits.replace(" ", "")
            if len(digits) >= DICE and digits.isascii() and digits.isdigit():
                return digits
    return ""


def _by(record: Record, limit: datetime) -> bool:
    return parse_moment(record.at) <= limit


def choose(terms: Terms, seed: bytes) -> tuple[Chosen, ...]:
    """The slots that a seed picks: sites first where there are any, then slots within each."""
    stream, p = Stream(seed), terms.population
    if not p.sites:
        return (Chosen("", tuple(sample(stream, p.slots, terms.picks))),)
    if p.sites[0].chance:
        visited = sample_mixed(stream, [probability(s.chance) for s in p.sites])
    else:
        visited = sample(stream, len(p.sites), terms.visits)
    return tuple(
        Chosen(p.sites[i].name, tuple(sample(stream, p.sites[i].slots, min(terms.picks, p.sites[i].slots))))
        for i in visited
    )
