"""What a joint choice is made of: the terms that both logs fix beforehand, and the records that follow."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from detente.asof import parse_moment
from detente.canonical import canonical_json
from detente.disclosure import vrf
from detente.disclosure.beacon import Beacon
from detente.disclosure.sampling import probability
from detente.errors import DetenteError

VERSION = "detente-pick/1"
DICE = 20  # ten-sided: 66 bits, as in US election audits
Closing = Literal["beacon", "dice"]


class Contributor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A party that contributes, and the VRF key that it registered long before (`registered`: a date)."""

    party: str
    key: str
    registered: str


class Stratum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A site whose slots are picked after it was itself picked; `chance`: its announced chance of a visit."""

    name: str
    slots: int
    chance: str = ""


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is chosen from, fixed by the escrow's root in a log of known size."""

    root: str
    log: str
    size: int
    slots: int
    sites: tuple[Stratum, ...] = ()


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What both sides' logs fix before anybody contributes; its canonical bytes are the VRF's input.

    `picks`: slots to open, in each chosen site where sites are listed. `visits`: how many sites, unless they
    carry announced chances. Times are ISO 8601, judged on the records' witnessed times.
    """

    version: str
    treaty: str
    treaty_digest: str
    inspection: str
    inspecting: str
    inspected: str
    contributors: tuple[Contributor, ...]
    population: Population
    picks: int
    commit_by: str
    reveal_by: str
    closing: tuple[Closing, ...]
    visits: int = 0
    beacon: Beacon | None = None
    close_by: str = ""  # a beacon round recorded later than this no longer counts
    locks: bool = False  # contributions are also locked to the beacon round

    def __post_init__(self) -> None:
        _check(self)

    @property
    def context(self) -> bytes:
        """SHA3-512 over the canonical JSON of the terms: 64 bytes, the VRF's alpha."""
        return tagged_hash("terms", msgspec.to_builtins(self))


def tagged_hash(purpose: str, value: Any) -> bytes:
    """SHA3-512 over the protocol's name, the purpose and the canonical JSON of `value`."""
    return hashlib.sha3_512(f"{VERSION} {purpose}\x00".encode() + canonical_json(value)).digest()


def _check(t: Terms) -> None:
    """Refuse terms under which the choice could be steered or would not be defined."""

    def bad(what: str, fix: str = "") -> DetenteError:
        return DetenteError(what, where=f"terms of {t.inspection}", fix=fix)

    if t.version != VERSION:
        raise bad(f"version '{t.version}'", f"this program knows {VERSION}")
    names, keys = [c.party for c in t.contributors], {c.key for c in t.contributors}
    if names != sorted(set(names)) or len(keys) != len(names):
        raise bad("contributors are not in order or not distinct", "sort by party; one party, one key")
    if not {t.inspecting, t.inspected} <= set(names) or t.inspecting == t.inspected:
        raise bad("both the inspecting and the inspected party contribute")
    start, end = parse_moment(t.commit_by, where="commit_by"), parse_moment(t.reveal_by, where="reveal_by")
    for c in t.contributors:
        if vrf.decode_public(unhex(c.key)) is None:
            raise bad(f"the key of {c.party} is not a valid VRF key")
        if parse_moment(c.registered, where="registered") >= start:
            raise bad(f"the key of {c.party} was not registered before the pick")
    if not start < end:
        raise bad("reveal_by is not after commit_by")
    if not t.closing:
        raise bad("without a closing input whoever reveals last could steer", "closing: [beacon, dice]")
    if tuple(t.closing) not in (("beacon",), ("beacon", "dice"), ("dice",)):
        # one delegation alone can spoil dice but not a beacon: after dice there must be no second draw
        raise bad("after dice no other input may follow", "closing: [beacon, dice], [beacon] or [dice]")
    if ("beacon" in t.closing) != (t.beacon is not None and t.close_by != "") or (t.locks and not t.beacon):
        raise bad("a closing beacon needs `beacon` and `close_by`, and locks need a beacon")
    if t.beacon and not end.timestamp() < t.beacon.at <= parse_moment(t.close_by).timestamp():
        raise bad("the beacon round does not fall after reveal_by and before close_by", "take a later round")
    _check_population(t, bad)


def _check_population(t: Terms, bad: Any) -> None:
    p = t.population
    chances = [s.chance for s in p.sites if s.chance]
    if not (
        1 <= p.slots <= 2**48 and 1 <= t.picks <= 10**6 and p.size >= 0 and all(s.slots > 0 for s in p.sites)
    ):
        raise bad("slots (to 2**48) and picks (to a million) are at least 1")
    if not p.sites and (t.picks > p.slots or t.visits):
        raise bad(f"{t.picks} picks in {p.slots} slots, {t.visits} visits without sites")
    if p.sites:
        if sum(s.slots for s in p.sites) != p.slots or len({s.name for s in p.sites}) != len(p.sites):
            raise bad("the sites' slots do not add up, or two sites share a name")
        if chances and (len(chances) != len(p.sites) or t.visits):
            raise bad("announced chances are given for every site, and replace `visits`")
        if not chances and not 1 <= t.visits <= len(p.sites):
            raise bad(f"{t.visits} visits to {len(p.sites)} sites")
        for c in chances:
            probability(c)


class Commit(msgspec.Struct, frozen=True, tag_field="kind", tag="commit", forbid_unknown_fields=True):
    """A party binds itself to its contribution: SHA3-512 over context, party and output."""

    party: str
    at: str
    digest: str


class Lock(msgspec.Struct, frozen=True, tag_field="kind", tag="lock", forbid_unknown_fields=True):
    """The proof, readable by all once the beacon round is out."""

    party: str
    at: str
    locked: str


class Reveal(msgspec.Struct, frozen=True, tag_field="kind", tag="reveal", forbid_unknown_fields=True):
    """The VRF proof, from which all compute the contribution."""

    party: str
    at: str
    proof: str


class Round(msgspec.Struct, frozen=True, tag_field="kind", tag="beacon", forbid_unknown_fields=True):
    """A beacon round that some party entered; it proves itself."""

    party: str
    at: str
    round: int
    signature: str


class Dice(msgspec.Struct, frozen=True, tag_field="kind", tag="dice", forbid_unknown_fields=True):
    """What one delegation saw when both threw: the digits of ten-sided dice, in order."""

    party: str
    at: str
    digits: str


Record = Commit | Lock | Reveal | Round | Dice


def unhex(text: str) -> bytes:
    """Bytes of lower-case hex, empty for anything else (which then fails its own check)."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        return b""
    return value if value.hex() == text else b""
