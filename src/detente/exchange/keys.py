"""A party's keys, and the treaty's key annex that pins the public ones (no certificate authority)."""

from __future__ import annotations

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from detente.asof import parse_moment
from detente.errors import DetenteError, nearest
from detente.exchange import cosignature as _cosignature  # registers the cosignature algorithms
from detente.exchange.certificates import check_possession, new_certificate, possession
from detente.exchange.note import (
    COSIGN_ED25519,
    COSIGN_MLDSA44,
    ED25519,
    MLDSA87,
    Signer,
    Verifier,
    decode64,
    parse_vkey,
)

_ = _cosignature
_LATEST = 253_402_300_799.0  # 9999-12-31T23:59:59Z
ROLES: dict[str, tuple[bytes, ...]] = {
    "log": (ED25519,),  # signs checkpoints
    "entry": (ED25519, MLDSA87),  # signs entries: both must verify
    "witness": (COSIGN_ED25519, COSIGN_MLDSA44),  # "consistent"
    "mirror": (COSIGN_ED25519, COSIGN_MLDSA44),  # "consistent, and I hold the bytes"
}


def key_name(origin: str, role: str) -> str:
    """The name that a role signs under; a log's key bears its origin (tlog-checkpoint)."""
    return origin if role == "log" else f"{origin}/{role}"


class PublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A party's line in the annex. `seal`: base64 of ML-KEM-1024 (1568 bytes) || P-384 point (97 bytes).

    The keys speak from `not_before` until before `not_after` (UTC; empty: without end). `tls_old` is the certificate
    before `tls`, good until `tls_old_until`. `tls_proof`: the certificate's key signed the origin, so that nobody can
    call another party's certificate its own.
    """

    party: str
    origin: str
    log: tuple[str, ...]
    entry: tuple[str, ...]
    witness: tuple[str, ...]
    mirror: tuple[str, ...]
    officers: dict[str, str]
    seal: str
    tls: str
    tls_proof: str
    url: str = ""
    not_before: str = ""
    not_after: str = ""
    tls_old: str = ""
    tls_old_until: str = ""

    @property
    def expires(self) -> float:
        """When the keys end, POSIX s; infinity where they do not."""
        return parse_moment(self.not_after).timestamp() if self.not_after else float("inf")

    def outside(self, moment: datetime) -> str:
        """Why the keys do not speak at a moment; empty where they do."""
        if self.not_before and moment < parse_moment(self.not_before):
            return f"the keys of {self.party} are not valid before {self.not_before}"
        if self.not_after and moment >= parse_moment(self.not_after):
            return f"the keys of {self.party} expired on {self.not_after}"
        return ""

    def outside_at(self, posix: float) -> str:
        """`outside` for a POSIX time, which may be any number that another party wrote."""
        windowed = self.not_before or self.not_after
        return self.outside(datetime.fromtimestamp(min(posix, _LATEST), UTC)) if windowed else ""

    def certificates(self, now: float) -> tuple[str, ...]:
        """The TLS certificates (PEM) to accept at a POSIX time: the newest, and in the overlap the one before."""
        both = self.tls_old and now < parse_moment(self.tls_old_until).timestamp()
        return (self.tls, self.tls_old) if both else (self.tls,)

    def verifiers(self, role: str) -> tuple[Verifier, ...]:
        """The verifier keys of a role: log, entry, witness or mirror."""
        return tuple(parse_vkey(text, where=f"{self.party} {role} key") for text in getattr(self, role))

    def check(self) -> PublicKeys:
        """Itself. Raises DetenteError where a key is broken, of the wrong type or under another's name."""
        for role, kinds in ROLES.items():
            keys = self.verifiers(role)
            if not keys or not set(kinds) <= {k.kind for k in keys}:
                raise DetenteError(f"the {role} keys lack an algorithm", where=self.party)
            if any(k.name != key_name(self.origin, role) for k in keys):
                raise DetenteError(f"a {role} key bears another name", where=self.party)
        for name, text in self.officers.items():
            if parse_vkey(text).name != f"{self.origin}/{name}":
                raise DetenteError(f"the key of officer '{name}' bears another name", where=self.party)
        for time in filter(None, (self.not_before, self.not_after, self.tls_old_until)):
            if not time.endswith("Z"):
                raise DetenteError(f"'{time[:40]}' is not a UTC time", where=self.party)
            parse_moment(time, where=self.party)
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise DetenteError("the keys end before they begin", where=self.party)
        if bool(self.tls_old) != bool(self.tls_old_until):
            raise DetenteError("an old certificate needs an end, and an end a certificate", where=self.party)
        check_possession(self.tls, self.origin, self.tls_proof, where=self.party)
        seal_public(decode64(self.seal, where=f"{self.party} seal key", length=1568 + 97))
        return self


class Annex(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The treaty's key annex: who the parties are and which keys speak for them at the start."""

    type: str
    regime: str
    parties: dict[str, PublicKeys]

    def of(self, party: str) -> PublicKeys:
        """A party's keys. Raises DetenteError with the nearest known party."""
        if party not in self.parties:
            raise DetenteError(f"'{party}' has no keys in the annex", fix=nearest(party, self.parties))
        return self.parties[party]

    def by_origin(self, origin: str) -> PublicKeys | None:
        return next((k for k in self.parties.values() if k.origin == origin), None)


ANNEX_TYPE = "detente/annex/v1"


def parse_annex(data: bytes, *, where: str = "annex") -> Annex:
    """The annex in JSON. Raises DetenteError for another form, a doubled origin or broken keys."""
    try:
        annex = msgspec.json.decode(data, type=Annex)
    except (msgspec.DecodeError, UnicodeDecodeError) as bad:
        raise DetenteError(f"not a key annex: {bad}", where=where) from None
    origins = [k.origin for k in annex.parties.values()]
    if annex.type != ANNEX_TYPE or len(set(origins)) != len(origins):
        raise DetenteError("not a key annex, or two parties share an origin", where=where)
    for party, keys in annex.parties.items():
        if keys.check().party != party:
            raise DetenteError(f"the keys under '{party}' are another party's", where=where)
    return annex


class SecretKeys(msgspec.Struct, forbid_unknown_fields=True):
    """What a node keeps to itself: 32-byte seeds by role (two while a rotation runs), seal and TLS keys."""

    party: str
    origin: str
    seeds: dict[str, list[bytes]]
    officers: dict[str, bytes]
    seal: list[tuple[bytes, bytes]]  # (ML-KEM-1024 seed, P-384 scalar), newest last
    tls_key: str
    tls_cert: str
    not_before: str = ""
    not_after: str = ""
    tls_old: tuple[str, str] | None = (
        None  # the (key, certificate) before, shown until the others know the new one
    )
    tls_old_until: str = ""

    def signers(self, role: str) -> list[Signer]:
        """The signers of a role; entries are signed by the newest seed only, checkpoints by all."""
        seeds = self.seeds[role] if role == "log" else self.seeds[role][-1:]
        return [Signer(key_name(self.origin, role), kind, s) for s in seeds for kind in ROLES[role]]

    def officer(self, name: str) -> Signer:
        """An officer's signer. Raises DetenteError with the nearest known name."""
        if name not in self.officers:
            raise DetenteError(f"no officer '{name}' of {self.party}", fix=nearest(name, self.officers))
        return Signer(f"{self.origin}/{name}", ED25519, self.officers[name])

    def public(self, url: str = "") -> PublicKeys:
        """The annex line."""
        roles = {r: tuple(str(s.verifier) for s in self.signers(r)) for r in ROLES}
        officers = {n: str(self.officer(n).verifier) for n in self.officers}
        seal = base64.b64encode(seal_public_bytes(*self.seal[-1])).decode()
        return PublicKeys(
            self.party,
            self.origin,
            **roles,
            officers=officers,
            seal=seal,
            tls=self.tls_cert,
            tls_proof=possession(self.tls_key, self.origin),
            url=url,
            not_before=self.not_before,
            not_after=self.not_after,
            tls_old=self.tls_old[1] if self.tls_old else "",
            tls_old_until=self.tls_old_until,
        )


def new_keys(party: str, origin: str, officers: tuple[str, ...] = ("duty-1", "duty-2")) -> SecretKeys:
    """Fresh keys for every role, from the system's random numbers."""
    seeds = {role: [secrets.token_bytes(32)] for role in ROLES}
    tls_key, tls_cert = new_certificate()
    people = {name: secrets.token_bytes(32) for name in officers}
    return SecretKeys(party, origin, seeds, people, [new_seal()], tls_key, tls_cert)


def new_seal() -> tuple[bytes, bytes]:
    """A fresh hybrid decryption key: (ML-KEM-1024 seed, P-384 scalar)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    scalar = ec.generate_private_key(ec.SECP384R1()).private_numbers().private_value
    return secrets.token_bytes(64), scalar.to_bytes(48, "big")


def seal_private(seed: bytes, scalar: bytes) -> Any:
    """The hybrid HPKE private key."""
    from cryptography.hazmat.primitives import hpke
    from cryptography.hazmat.primitives.asymmetric import ec, mlkem

    curve = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP384R1())
    return hpke.MLKEM1024P384PrivateKey(mlkem.MLKEM1024PrivateKey.from_seed_bytes(seed), curve)


def seal_public_bytes(seed: bytes, scalar: bytes) -> bytes:
    """ML-KEM-1024 public key || uncompressed P-384 point."""
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec, mlkem

    curve = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP384R1()).public_key()
    point = curve.public_bytes(ser.Encoding.X962, ser.PublicFormat.UncompressedPoint)
    return mlkem.MLKEM1024PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw() + point


def seal_public(data: bytes) -> Any:
    """The hybrid HPKE public key from its bytes. Raises DetenteError for a key not reduced or a point off the curve."""
    from cryptography.hazmat.primitives import hpke
    from cryptography.hazmat.primitives.asymmetric import ec, mlkem

    try:
        if data[1568:1569] != b"\4":  # one written form: the point in full
            raise ValueError
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), data[1568:])
        return hpke.MLKEM1024P384PublicKey(mlkem.MLKEM1024PublicKey.from_public_bytes(data[:1568]), point)
    except ValueError:
        raise DetenteError("a broken encryption key") from None


def write_private(path: Path, data: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load_keys(path: Path) -> SecretKeys:
    """The keys in a file. Raises DetenteError where it is missing, broken or readable by others."""
    try:
        if path.stat().st_mode & 0o077:
            raise DetenteError("others may read the secret keys", where=str(path), fix=f"chmod 600 {path}")
        return msgspec.json.decode(path.read_bytes(), type=SecretKeys)
    except OSError:
        raise DetenteError("no secret keys here", where=str(path), fix="run 'detente node init'") from None
    except msgspec.DecodeError as bad:
        raise DetenteError(f"broken key file: {bad}", where=str(path)) from None
