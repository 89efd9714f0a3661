"""C2SP tlog-policy: which logs and witnesses are trusted, and how many must have cosigned."""

from __future__ import annotations

import msgspec

from detente.errors import DetenteError, nearest
from detente.exchange import cosignature as _cosignature  # registers the cosignature algorithms
from detente.exchange.note import COSIGN_ED25519, Note, Verifier, parse_vkey

__all__ = ["Policy", "parse_policy"]
_ = _cosignature


class Policy(msgspec.Struct, frozen=True):
    """Trusted `logs`, named `witnesses`, `groups` (threshold, members), and the name of the `quorum`."""

    logs: tuple[Verifier, ...]
    witnesses: dict[str, Verifier]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str
    urls: dict[str, str] = {}

    def met(self, note: Note) -> bool:
        """Is the quorum of valid cosignatures on the note?"""
        return self._counts(self.quorum, self.signed_by(note))

    def signed_by(self, note: Note) -> set[str]:
        """The names of the witnesses whose cosignature is on the note and right."""
        return {
            name
            for name, key in self.witnesses.items()
            if any(key.check(line, note.text) for line in note.signatures)
        }

    def _counts(self, name: str, signed: set[str]) -> bool:
        if name == "none" or name in signed:
            return True
        if name not in self.groups:
            return False
        need, members = self.groups[name]
        return sum(self._counts(m, signed) for m in members) >= need


def parse_policy(data: bytes | str, *, where: str = "policy") -> Policy:
    """A policy file. Raises DetenteError naming the line."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    for at, byte in enumerate(raw):
        if (byte < 0x20 and byte not in (9, 10)) or byte == 0x7F:
            raise DetenteError(f"control character at byte {at}", where=where)
    text = raw.decode("utf-8", "surrogateescape")
    logs: list[Verifier] = []
    witnesses: dict[str, Verifier] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    urls: dict[str, str] = {}
    quorum: str | None = None
    used: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        here = f"{where}:{number}"
        words = [w for w in line.replace("\t", " ").split(" ") if w]
        if not words or words[0].startswith("#"):
            continue
        match words:
            case ["log", vkey, *rest] if len(rest) < 2:
                logs.append(_fresh(_log_key(vkey, here), logs, here))
                urls |= {str(logs[-1]): u for u in rest}
            case ["witness", name, vkey, *rest] if len(rest) < 2:
                _define(name, witnesses, groups, here)
                witnesses[name] = _fresh(parse_vkey(vkey, where=here), [*witnesses.values()], here)
                urls |= dict.fromkeys([name] if rest else [], "".join(rest))
            case ["group", name, need, *members] if members:
                _define(name, witnesses, groups, here)
                for member in members:
                    if member not in witnesses and member not in groups:
                        raise DetenteError(
                            f"'{member}' is not defined above",
                            where=here,
                            fix=nearest(member, [*witnesses, *groups]),
                        )
                    if member in used or members.count(member) > 1:
                        raise DetenteError(f"'{member}' is a member twice", where=here)
                used |= set(members)
                groups[name] = (_threshold(need, len(members), here), tuple(members))
            case ["quorum", name] if quorum is None:
                if name != "none" and name not in witnesses and name not in groups:
                    raise DetenteError(f"quorum '{name}' is not defined above", where=here)
                quorum = name
            case _:
                raise DetenteError(
                    "not a policy line", where=here, fix="log, witness, group or one quorum line"
                )
    if quorum is None:
        raise DetenteError("no quorum line", where=where, fix="write 'quorum NAME' or 'quorum none'")
    return Policy(tuple(logs), witnesses, groups, quorum, urls)


def _define(
    name: str, witnesses: dict[str, Verifier], groups: dict[str, tuple[int, tuple[str, ...]]], where: str
) -> None:
    if name in witnesses or name in groups or name == "none":
        raise DetenteError(f"'{name}' is defined twice", where=where)


def _log_key(vkey: str, where: str) -> Verifier:
    key = parse_vkey(vkey, where=where)
    if key.kind == COSIGN_ED25519:
        raise DetenteError("a log does not sign with a key of an Ed25519 cosigner", where=where)
    return key


def _fresh(key: Verifier, others: list[Verifier], where: str) -> Verifier:
    if any(key.public == other.public for other in others):
        raise DetenteError("this public key is listed twice", where=where)
    return key


def _threshold(word: str, members: int, where: str) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else members
    if not (word.isascii() and word.isdigit()) or not 1 <= int(word) <= members:
        raise DetenteError(f"'{word}' of {members} members is no threshold", where=where)
    return int(word)
