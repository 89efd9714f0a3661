"""Claims as data: who said what, when, where it was read, and the questions that test it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from detente.asof import Span
from detente.assess.questions import Question
from detente.errors import DetenteError, nearest
from detente.monitor.typed_yaml import load as load_yaml
from detente.sources import Quality

DATA = Path(__file__).parent / "data"
Role = Literal["stated", "used", "rival", "beside"]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One part of a claim under one definition.

    `role`: the speaker `stated` the definition; it is `used` here although the speaker stated none; it is a
    `rival` of the one used; or the answer stands `beside`, for the reader, and judges nothing.
    """

    part: str
    definition: str
    question: Question
    role: Role = "used"


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One public statement.

    `party` speaks through `speaker`. `standing`: `computable`, `partly` (some of it is outside every room) or
    `position` (a wish, stance, or event outside the rooms: recorded, not judged). `joins`: `all` parts must
    hold, or the parts are `split`, each with its own word. `like`: another claim's tests hold for this one.
    """

    id: Annotated[str, Meta(pattern=r"^C\d{3}$")]
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
    party: str
    speaker: str
    kind: Literal["assertion", "forecast", "assessment", "denial", "position", "proposal", "report", "event"]
    text: str
    standing: Literal["computable", "partly", "position"]
    sources: tuple[str, ...]
    quality: Quality = Quality.one_source
    joins: Literal["all", "split"] = "all"
    tests: tuple[Trial, ...] = ()
    like: str = ""
    untested: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    note: str = ""

    @property
    def day(self) -> dt.date:
        """The last day on which it can have been said."""
        return Span.parse(self.date).latest - dt.timedelta(days=1)

    def __post_init__(self) -> None:
        tested = bool(self.tests or self.like)
        if tested == (self.standing == "position"):
            fix = "a position has no tests, a computable or partly computable claim has some"
            raise DetenteError(
                f"a '{self.standing}' claim with {len(self.tests)} tests", where=self.id, fix=fix
            )
        if not self.sources:
            raise DetenteError("a claim without a source", where=self.id, fix="give its address")
        if self.standing == "partly" and not self.untested:
            raise DetenteError(
                "partly computable, but nothing untested", where=self.id, fix="say what is left"
            )


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a chance is a word: supported from, contradicted up to; `about`: the width of "about", a fraction."""

    supported_from: float
    contradicted_to: float
    about: float
    basis: str


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of claims, as ``data/*.yaml`` holds them."""

    claims: tuple[Claim, ...]


@cache
def words() -> Words:
    """The stated thresholds, from ``data/words.yaml``."""
    return load_yaml(DATA / "words.yaml", Words)


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim of the package, by id. Raises DetenteError (``file:line``) for a claim that is not well formed."""
    paths = sorted(DATA.glob("claims-*.yaml"))
    return joined(c for p in paths for c in read_claims(p))


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of one YAML file. Raises DetenteError (``file:line``)."""
    try:
        return load_yaml(path, File).claims
    except DetenteError as bad:
        fix = bad.fix.replace("docs/event.md", "docs/claims.md")
        raise DetenteError(bad.what, where=bad.where, fix=fix) from None


def joined(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims by id, each with its tests (its own, or those of the claim it is `like`)."""
    found: dict[str, Claim] = {}
    for c in claims:
        if c.id in found:
            raise DetenteError("appears twice", where=c.id, fix="give each claim its own id")
        found[c.id] = c
    for c in list(found.values()):
        if c.like:
            if c.like not in found:
                raise DetenteError(f"like '{c.like}'", where=c.id, fix=nearest(c.like, found))
            found[c.id] = msgspec.structs.replace(c, tests=(*found[c.like].tests, *c.tests))
    return tuple(found[k] for k in sorted(found))


def claim(name: str) -> Claim:
    """The claim of that id. Raises DetenteError with the nearest one."""
    known = {c.id: c for c in all_claims()}
    if name.upper() not in known:
        raise DetenteError(f"no claim '{name}'", fix=nearest(name, known))
    return known[name.upper()]


def claims_by(speaker: str = "", known: dt.date | None = None) -> tuple[Claim, ...]:
    """The claims made by `known` whose party code, party name or speaker contains `speaker` (any case)."""
    from detente.parties import parties

    names = {k: p.name for k, p in parties().items()}
    wanted = speaker.strip().casefold()
    chosen = [c for c in all_claims() if known is None or c.day <= known]
    if not wanted:
        return tuple(chosen)
    exact = [c for c in chosen if wanted in (c.party.casefold(), names.get(c.party, "").casefold())]
    found = exact or [c for c in chosen if wanted in c.speaker.casefold()]
    if not found and not any(wanted in f"{c.party} {c.speaker}".casefold() for c in all_claims()):
        raise DetenteError(
            f"nobody called '{speaker}' among the speakers",
            fix=nearest(speaker, {c.party for c in all_claims()}),
        )
    return tuple(found)
