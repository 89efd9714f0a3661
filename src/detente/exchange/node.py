"""A party's node: its folder, its keys, its log, its mirrors of the others', and what they add up to."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from detente.canonical import canonical_json
from detente.errors import DetenteError
from detente.exchange.body import Opened, open_body, seal_body
from detente.exchange.envelope import (
    ENTRY_TYPE,
    EVERYONE,
    Envelope,
    Ref,
    parse_entry,
    seal_entry,
    signers_of,
    stamp,
)
from detente.exchange.expiry import FREE
from detente.exchange.keys import Annex, PublicKeys, SecretKeys, load_keys, parse_annex, write_private
from detente.exchange.log import Log
from detente.exchange.merkle import leaf_hash
from detente.exchange.mirror import Mirror, get_body, note_acts, put_body
from detente.exchange.store import SPAN, Store

NEXT = "keys.next.json"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node's settings. `store`: a file in the node's folder, or a PostgreSQL URL."""

    party: str
    store: str = "node.db"
    instruments: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 6962


class Act(msgspec.Struct, frozen=True):
    """One entry as this node knows it. Times: `at` the sender's clock, `received` ours (POSIX s)."""

    party: str
    index: int
    leaf: str
    envelope: Envelope
    received: int
    fault: str = ""
    signers: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.party}:{self.index}"

    @property
    def ref(self) -> Ref:
        return Ref(self.party, self.index, self.leaf)


class Node:
    """An open node. `clock`: POSIX seconds, to be replaced in exercises and tests."""

    def __init__(
        self,
        home: Path,
        config: Config,
        keys: SecretKeys,
        annex: Annex,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.home, self.config, self.keys, self.annex, self.clock = home, config, keys, annex, clock
        self.party = config.party
        here = config.store if "://" in config.store else str(home / config.store)
        self.store = Store(here)
        self.log = Log(self.store, keys.origin)
        signers = keys.signers("mirror")
        self.mirrors = {
            p: Mirror(self.store, annex, p, signers, now=self._now) for p in annex.parties if p != self.party
        }
        self.own = Mirror(self.store, annex, self.party, now=self._now)
        self._keys_from = self._keys_file()
        self._parties = {self.log.n: self.party} | {m.log.n: p for p, m in self.mirrors.items()}

    def _now(self) -> float:
        return self.clock()

    @classmethod
    def open(cls, home: Path, **more: Any) -> Node:
        """The node in a folder. Raises DetenteError where there is none or a file is broken."""
        try:
            config = msgspec.json.decode((home / "node.json").read_bytes(), type=Config)
            annex = parse_annex((home / "annex.json").read_bytes(), where=str(home / "annex.json"))
        except OSError as bad:
            fix = "run 'detente node init --party CODE'"
            raise DetenteError(f"no node here: {bad.strerror}", where=str(home), fix=fix) from None
        except msgspec.DecodeError as bad:
            raise DetenteError(f"broken settings: {bad}", where=str(home / "node.json")) from None
        keys = load_keys(home / "keys.json")
        if keys.party != config.party:
            raise DetenteError("the keys are another party's", where=str(home))
        annex.of(config.party)
        node = cls(home, config, keys, annex, **more)
        if (home / NEXT).exists():
            node.adopt()
        return node

    def change_keys(self, fresh: SecretKeys, form: str, officers: tuple[str, ...]) -> Act:
        """Log new public keys, signed by the old ones, and go over to `fresh`.

        The new secrets are on disk before the entry is: a power cut in between is settled by `adopt`.
        """
        write_private(self.home / NEXT, msgspec.json.encode(fresh))
        text = msgspec.json.encode(fresh.public(self.own.keys.url)).decode()
        act = self.publish(
            "key", form, sorted(set(self.annex.parties) - {self.party}), officers=officers, text=text
        )
        self.adopt()
        return act

    def adopt(self) -> None:
        """Take the waiting keys where the log announced them, drop them where it did not."""
        fresh = load_keys(self.home / NEXT)
        if self.own.keys == fresh.public(self.own.keys.url):
            write_private(self.home / "keys.json", msgspec.json.encode(fresh))
            self._use(fresh)
        (self.home / NEXT).unlink()

    def _use(self, keys: SecretKeys) -> None:
        self.keys, self._keys_from = keys, self._keys_file()
        for mirror in self.mirrors.values():
            mirror.signers = keys.signers("mirror")

    def _keys_file(self) -> tuple[int, int]:
        """Tells one key file from the next: it is always written anew."""
        try:
            found = (self.home / "keys.json").stat()
        except OSError:
            return (0, 0)
        return found.st_ino, found.st_mtime_ns

    def refresh(self) -> None:
        """Take up keys that another process of this node has changed."""
        if self._keys_file() != self._keys_from:
            self._use(load_keys(self.home / "keys.json"))

    @property
    def moment(self) -> datetime:
        """Now, by this node's clock, to the second."""
        return datetime.fromtimestamp(int(self.clock()), UTC)

    def close(self) -> None:
        self.store.close()

    def publish(
        self,
        act: str,
        form: str,
        to: Sequence[str],
        body: Any = None,
        *,
        officers: tuple[str, ...] = (),
        version: int = 1,
        event: str = "",
        refs: tuple[Ref, ...] = (),
        text: str = "",
        identity: str = "",
    ) -> Act:
        """Log one act: body encrypted to `to` and ourselves, entry signed, head signed, all durable.

        A repeated `identity` gives the act logged before, so that a retry never acts twice. Raises DetenteError
        where a recipient is unknown, the two-person rule is not met, our keys have expired or the log is damaged.
        """
        lapsed = self.own.keys.outside(self.moment)
        if lapsed and act not in ("key", *FREE):
            raise DetenteError(lapsed, where=form, fix="make new ones: detente node key rotate")
        identity = identity or secrets.token_hex(16)
        stored, digests = None, None
        if body is not None:
            readers = {} if EVERYONE in to else {p: self.keys_now(p) for p in {*to, self.party}}
            stored, digests = seal_body(canonical_json(body), readers)
        envelope = Envelope(
            type=ENTRY_TYPE,
            id=identity,
            act=act,
            form=form,
            version=version,
            party=self.party,
            to=tuple(sorted(to)),
            at=stamp(self.moment),
            event=event,
            refs=refs,
            body=digests,
            text=text,
        )
        for p in to:
            if p != EVERYONE:
                self.annex.of(p)
        entry = seal_entry(envelope, self.keys, officers)
        with self.store.write():
            before = self.store.one("SELECT at FROM act WHERE log = ? AND id = ?", (self.log.n, identity))
            if before:
                return self.act(self.party, int(before[0]) - self.log.base)
            if stored is not None and digests is not None:
                put_body(self.store, digests.sha256, stored)
            trusted = self.own.log_keys()
            first, _ = self.log.append([entry], self.keys.signers("log"), trusted=trusted)
            note_acts(self.store, self.log, first, [(envelope, "")], int(self.clock()))
            if act == "key":
                sql = "INSERT INTO ring (log, since, keys) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
                self.store.run(sql, (self.log.n, first + 1, text))
        return self.act(self.party, first)

    def keys_now(self, party: str) -> PublicKeys:
        """The keys that speak for a party now: the annex's, or those of its latest key entry."""
        return self.own.keys if party == self.party else self.mirror(party).keys

    def keys_at(self, party: str, index: int) -> PublicKeys:
        """The keys that speak for a party at an entry of its log."""
        return (self.own if party == self.party else self.mirror(party)).keys_at(index)

    def mirror(self, party: str) -> Mirror:
        """Our mirror of a party's log. Raises DetenteError for a party that is not in the annex."""
        self.annex.of(party)
        if party == self.party:
            raise DetenteError(f"{party} is this node's own party")
        return self.mirrors[party]

    def log_of(self, party: str) -> Log:
        """The log of any party as held here."""
        return self.log if party == self.party else self.mirror(party).log

    def act(self, party: str, index: int) -> Act:
        """One act. Raises DetenteError where there is no such entry or it could not be read."""
        log = self.log_of(party)
        row = self.store.one("SELECT received, fault FROM act WHERE at = ?", (log.base + index,))
        data = log.entry(index)
        envelope, note = parse_entry(data, where=f"{party}:{index}")
        received, fault = (int(row[0]), row[1]) if row else (0, "not indexed")
        return Act(party, index, leaf_hash(data).hex(), envelope, received, fault, signers_of(note))

    def acts(
        self, *, act: str = "", form: str = "", party: str = "", to: str = "", faults: bool = False
    ) -> Iterator[Act]:
        """Acts chosen by kind, form (``%`` allowed), sender and recipient, in the order we received them.

        One party's acts come in the order of its log, whatever our clock has done since.
        """
        sql = "SELECT at FROM act WHERE fault = ''" if not faults else "SELECT at FROM act WHERE fault <> ''"
        values: list[Any] = []
        for column, value, sign in (
            ("act", act, "="),
            ("form", form, "LIKE"),
            ("recipients", f"% {to} %" if to else "", "LIKE"),
        ):
            if value:
                sql += f" AND {column} {sign} ?"
                values.append(value)
        if party:
            sql += " AND log = ?"
            values.append(self.log_of(party).n)
        for (at,) in self.store.all(sql + (" ORDER BY at" if party else " ORDER BY received, at"), values):
            who = self._parties.get(at >> SPAN)
            if who:
                try:
                    yield self.act(who, at & ((1 << SPAN) - 1))
                except DetenteError:
                    if not faults:
                        raise

    def find(self, label: str) -> Act:
        """The act written ``RU:12``. Raises DetenteError for another form or an unknown one."""
        party, _, index = label.partition(":")
        if not index.isdecimal():
            raise DetenteError(f"'{label}' names no entry", fix="write PARTY:INDEX, e.g. RU:12")
        return self.act(party, int(index))

    def body(self, act: Act) -> Any:
        """The JSON in an act's body, None where it has none. Raises DetenteError where it is not for us."""
        opened = self.opened(act)
        if opened is None:
            return None
        try:
            return msgspec.json.decode(opened.plain)
        except msgspec.DecodeError:
            raise DetenteError("the body is not JSON", where=act.label) from None

    def opened(self, act: Act) -> Opened | None:
        """The body of an act, decrypted and checked."""
        if act.envelope.body is None:
            return None
        stored = get_body(self.store, act.envelope.body.sha256)
        return open_body(stored, act.envelope.body, self.keys, where=act.label)

    def readable(self, act: Act) -> bool:
        """Is the act addressed to us, to everyone, or ours?"""
        return act.party == self.party or self.party in act.envelope.to or EVERYONE in act.envelope.to

    def urgent(self, data: bytes) -> Act:
        """Take in an entry outside the log's order: shown at once, joined with its place when mirrored."""
        envelope, note = parse_entry(data, where="urgent entry")
        mirror = self.mirror(envelope.party)
        from detente.exchange.envelope import verify_entry

        verify_entry(data, mirror.keys, where="urgent entry")
        leaf, now = leaf_hash(data).hex(), int(self.clock())
        with self.store.write():
            self.store.run(
                "INSERT INTO urgent (leaf, log, data, received) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (leaf, mirror.log.n, data, now),
            )
        return Act(envelope.party, -1, leaf, envelope, now, "", signers_of(note))

    def urgent_acts(self) -> Iterator[Act]:
        """Urgent entries that have not yet been seen in their log."""
        sql = (
            "SELECT u.log, u.leaf, u.data, u.received FROM urgent u WHERE NOT EXISTS (SELECT 1 FROM act a"
            " JOIN entry e ON e.at = a.at WHERE a.log = u.log AND e.data = u.data) ORDER BY u.received"
        )
        for number, leaf, data, received in self.store.all(sql):
            envelope, note = parse_entry(bytes(data))
            yield Act(self._parties[number], -1, leaf, envelope, received, "", signers_of(note))


def init_node(
    home: Path, keys: SecretKeys, annex: Annex, config: Config, *, clock: Callable[[], float] = time.time
) -> Node:
    """Write a node's folder and open it. Raises DetenteError where one is there already."""
    if (home / "node.json").exists() or (home / "keys.json").exists():
        raise DetenteError("there is a node here already", where=str(home), fix="choose another --home")
    write_private(home / "keys.json", msgspec.json.encode(keys))
    write_private(home / "annex.json", msgspec.json.format(msgspec.json.encode(annex), indent=1))
    write_private(home / "node.json", msgspec.json.format(msgspec.json.encode(config), indent=1))
    return Node(home, config, keys, annex, clock=clock)


def annex_digest(annex: Annex) -> str:
    """SHA-256 of an annex's canonical bytes: what officials read to each other when they pin it."""
    return hashlib.sha256(canonical_json(msgspec.to_builtins(annex))).hexdigest()
