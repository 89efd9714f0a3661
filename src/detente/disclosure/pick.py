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
    their lock. Of the closing inputs the first in the terms' order that is there counts.
    """
    ordered = sorted(set(records), key=lambda r: (parse_moment(r.at), canonical_json(msgspec.to_builtins(r))))
    signature, drawn, missing = _close(terms, ordered)
    given, recovered, breaches = _contributions(terms, ordered, signature)
    source, value = drawn or ("", "")
    seed = seed_of(terms, given, source, value) if drawn else b""
    return Settlement(
        terms.context.hex(),
        given,
        tuple(recovered),
        tuple(sorted(set(breaches))),
        source,
        seed.hex(),
        choose(terms, seed) if seed else (),
        () if seed else tuple(missing),
    )


def seed_of(terms: Terms, contributions: dict[str, str], closing: str, value: str) -> bytes:
    """64 bytes: SHA3-512 over context, contributions (hex by party) and the closing input."""
    closed = {"kind": closing, "value": value}
    body = {"context": terms.context.hex(), "contributions": contributions, "closing": closed}
    return tagged_hash("seed", body)


def _contributions(
    terms: Terms, records: Sequence[Record], signature: bytes | None
) -> tuple[dict[str, str], list[str], list[Breach]]:
    """Outputs by party, who had to be recovered, and what went wrong."""
    start, end = parse_moment(terms.commit_by), parse_moment(terms.reveal_by)
    given: dict[str, str] = {}
    recovered: list[str] = []
    breaches: list[Breach] = []
    for c in terms.contributors:
        own = [r for r in records if r.party == c.party]
        commits = [r.digest for r in own if isinstance(r, Commit) and _by(r, start)]
        locks = [r.locked for r in own if isinstance(r, Lock) and _by(r, start)]
        reveals = [r.proof for r in own if isinstance(r, Reveal) and _by(r, end)]
        if len(set(commits)) > 1:
            breaches.append(Breach(c.party, "committed twice; the first counts"))
        if terms.locks and not locks:
            breaches.append(Breach(c.party, "did not lock its contribution in time"))
        if not commits:
            breaches.append(Breach(c.party, "did not commit in time"))
            continue
        output = _matching(terms, c, commits[0], reveals)
        if output is None:
            wrong = "revealed what does not verify" if reveals else "did not reveal in time"
            breaches.append(Breach(c.party, wrong))
            if signature and locks:
                opened = beacons.unlock(signature, unhex(locks[0]))
                output = _matching(terms, c, commits[0], [opened.hex()] if opened else [])
                if output is None:
                    breaches.append(Breach(c.party, "locked something that is not its contribution"))
                else:
                    recovered.append(c.party)
        if output is not None:
            given[c.party] = output.hex()
    return given, recovered, breaches


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
    if terms.beacon is None:
        return None
    limit = parse_moment(terms.close_by)
    for r in records:
        if isinstance(r, Round) and r.round == terms.beacon.round and _by(r, limit):
            signature = unhex(r.signature)
            if beacons.randomness(terms.beacon, signature):
                return signature
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
