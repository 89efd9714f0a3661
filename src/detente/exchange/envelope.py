"""Log entries: a small canonical envelope about one act, signed by its party as a C2SP note."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from detente.asof import parse_moment
from detente.canonical import canonical_json
from detente.errors import DetenteError
from detente.exchange.keys import PublicKeys, SecretKeys
from detente.exchange.note import Note, parse_note, parse_vkey, sign_note, verified
from detente.exchange.tiles import MAX_ENTRY

ENTRY_TYPE = "detente/entry/v1"
ACTS = (
    "ack",
    "aggregate",
    "commitment",
    "declaration",
    "inspection",
    "key",
    "message",
    "notification",
)
TWO_PERSON = frozenset({"commitment", "declaration", "notification", "inspection", "aggregate", "key"})
"""Acts that bind the party: a second officer must have signed."""
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
EVERYONE = "*"


class Ref(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another entry: whose log, where in it, and its leaf hash (hex)."""

    party: str
    index: int
    leaf: str


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body beside the log: digests of the stored bytes, and of what they open to (salted)."""

    bytes: int
    sha256: str
    sha3_512: str
    opens_to: str
    sealed: bool


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One act of one party. `at`: its clock when signed; `event`: the time the act speaks of."""

    type: str
    id: str
    act: str
    form: str
    version: int
    party: str
    to: tuple[str, ...]
    at: str
    event: str = ""
    refs: tuple[Ref, ...] = ()
    body: Body | None = None
    text: str = ""  # a short public line, e.g. the key change or a template message's code

    @property
    def moment(self) -> datetime:
        return parse_moment(self.at)


def stamp(moment: datetime) -> str:
    """An instant as entries write it: UTC, to the microsecond where it has one."""
    return (
        moment.strftime("%Y-%m-%dT%H:%M:%S")
        + (f".{moment.microsecond:06d}" if moment.microsecond else "")
        + "Z"
    )


def check_envelope(e: Envelope, *, where: str = "entry") -> Envelope:
    """Itself. Raises DetenteError for an unknown type or act, a bad time, digest, id or recipient."""
    if e.type != ENTRY_TYPE:
        raise DetenteError(f"unknown entry type '{e.type[:60]}'", where=where)
    if e.act not in ACTS:
        raise DetenteError(f"unknown act '{e.act[:60]}'", where=where, fix=f"known: {', '.join(ACTS)}")
    if not (len(e.id) == 32 and _HEX.fullmatch(e.id)) or e.version < 1:
        raise DetenteError("an entry needs an id of 32 hex digits and a version", where=where)
    if (
        not e.to
        or len(set(e.to)) != len(e.to)
        or list(e.to) != sorted(e.to)
        or (EVERYONE in e.to and len(e.to) > 1)
    ):
        raise DetenteError("recipients are named once each, in order", where=where)
    for time in filter(None, (e.at, e.event)):
        if not _STAMP.fullmatch(time):
            raise DetenteError(
                f"'{time[:40]}' is not a UTC time", where=where, fix="write 2026-11-23T12:00:00Z"
            )
        parse_moment(time, where=where)
    if e.body and not (
        0 < e.body.bytes < 1 << 32
        and all(_HEX.fullmatch(d) for d in (e.body.sha256, e.body.sha3_512, e.body.opens_to))
        and (len(e.body.sha256), len(e.body.sha3_512), len(e.body.opens_to)) == (64, 128, 128)
    ):
        raise DetenteError("broken body digests", where=where)
    if any(r.index < 0 or len(r.leaf) != 64 or not _HEX.fullmatch(r.leaf) for r in e.refs):
        raise DetenteError("a broken reference", where=where)
    return e


def seal_entry(e: Envelope, keys: SecretKeys, officers: tuple[str, ...] = ()) -> bytes:
    """The signed entry: envelope, the party's Ed25519 and ML-DSA-87 signatures, and its officers'.

    Raises DetenteError where the two-person rule is not met or the entry is too long.
    """
    check_envelope(e)
    if e.act in TWO_PERSON and len(set(officers)) < 2:
        raise DetenteError(f"a {e.act} needs two officers", where=e.id, fix="have a second officer sign")
    text = canonical_json(msgspec.to_builtins(e)).decode() + "\n"
    data = str(sign_note(text, [*keys.signers("entry"), *map(keys.officer, officers)])).encode()
    if len(data) > MAX_ENTRY:
        raise DetenteError(f"an entry of {len(data)} bytes", where=e.id, fix="put the content in the body")
    return data


def parse_entry(data: bytes, *, where: str = "entry") -> tuple[Envelope, Note]:
    """The envelope of an entry, canonical to the byte; signatures are checked by `verify_entry`."""
    if len(data) > MAX_ENTRY:
        raise DetenteError(f"an entry of {len(data)} bytes", where=where)
    note = parse_note(data, where=where)
    if str(note).encode() != data:
        raise DetenteError("not in its only written form", where=where)
    try:
        envelope = msgspec.json.decode(note.text.encode(), type=Envelope)
    except (msgspec.DecodeError, RecursionError) as bad:
        raise DetenteError(f"malformed envelope: {bad}", where=where) from None
    if canonical_json(msgspec.to_builtins(envelope)).decode() + "\n" != note.text:
        raise DetenteError("the envelope is not canonical JSON (RFC 8785)", where=where)
    return check_envelope(envelope, where=where), note


def verify_entry(data: bytes, keys: PublicKeys, *, where: str = "entry") -> Envelope:
    """The envelope, if the party's keys signed it with both algorithms and two officers where two must.

    Raises DetenteError otherwise.
    """
    envelope, note = parse_entry(data, where=where)
    if envelope.party != keys.party:
        raise DetenteError(f"an act of {envelope.party} among those of {keys.party}", where=where)
    needed = keys.verifiers("entry")
    if len(verified(note, needed, where=where)) != len(needed):
        raise DetenteError("the party's Ed25519 and ML-DSA-87 signatures are not both there", where=where)
    officers = verified(note, map(parse_vkey, keys.officers.values()), where=where)
    if envelope.act in TWO_PERSON and len(officers) < 2:
        raise DetenteError(
            f"a {envelope.act} signed by {len(officers)} officers", where=where, fix="two must sign"
        )
    return envelope


def signers_of(note: Note) -> tuple[str, ...]:
    """The names on an entry's signature lines, e.g. to show who signed."""
    return tuple(dict.fromkeys(s.name for s in note.signatures))
