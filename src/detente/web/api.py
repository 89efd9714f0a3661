"""The API's paths under /api/v1: reading for everybody, long answers as jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, QueryParameter

from detente.asof import parse_day
from detente.errors import DetenteError
from detente.web import claims, law, numbers, proposals, signals
from detente.web.answer import Answer, Work
from detente.web.export import MEDIA, encode, exported
from detente.web.jobs import TURN, Job, Jobs

Form = Annotated[str, QueryParameter(name="format", description="json, csv, parquet or geojson.")]
Table = Annotated[str, QueryParameter(description="Which table, for csv and parquet; the first if left out.")]
Lang = Annotated[str, QueryParameter(description="Adds `said`: the answer's sentences in fr, ru, ... .")]
Day = Annotated[str, QueryParameter(description="YYYY-MM-DD; today if left out.")]
Draws = Annotated[int, QueryParameter(ge=100, le=50_000, description="Monte-Carlo draws.")]
EventDraws = Annotated[int, QueryParameter(ge=1000, le=200_000, description="Random draws.")]
Seed = Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="Seed of the draws.")]
Year = Annotated[int, QueryParameter(ge=1990, le=2075, description="January of this year.")]
Any_ = Request[Any, Any, Any]


def day_of(text: str) -> date:
    """A day, today if empty. Raises DetenteError."""
    return parse_day(text) if text else date.today()


def given(
    make: Callable[[], Answer], form: str = "json", table: str = "", name: str = "detente", lang: str = ""
) -> Response[bytes]:
    """An answer in the form asked for; a file where it is not JSON. Answers are made one at a time."""
    with TURN:
        answer = make()
        if lang and form in ("", "json"):
            from detente.web.tongues import said

            answer = msgspec.structs.replace(answer, said=said(answer, lang))
    data = exported(answer, form or "json", table)
    headers = {"Vary": "Prefer"}
    if form not in ("", "json"):
        part = f"-{table}" if table else ""
        headers["Content-Disposition"] = f'attachment; filename="{name}{part}.{form}"'
    return Response(data, media_type=MEDIA[form or "json"], headers=headers)


def routes(jobs: Jobs) -> list[Any]:
    """The handlers of the API."""

    def long(
        request: Any_, key: tuple[Any, ...], work: Callable[[], Work], form: str, table: str, lang: str
    ) -> Response[bytes]:
        """The answer now, or, where the caller would rather not wait (RFC 7240), the job that makes it."""
        found = jobs.kept(key)
        if found is None and "respond-async" in request.headers.get("prefer", ""):
            job = jobs.start(key, work)
            place = f"/api/v1/jobs/{job.id}"
            return Response(
                encode(job), status_code=202, media_type=MEDIA["json"],
                headers={"Location": place, "Preference-Applied": "respond-async", "Vary": "Prefer"},
            )  # fmt: skip
        return given(lambda: found or jobs.now(key, work), form, table, key[0], lang)

    @get("/api/v1/overview", sync_to_thread=True)
    def overview(as_of: Day = "", form: Form = "", table: Table = "", lang: Lang = "") -> Response[bytes]:
        """The day at a glance, as it could have been written on it."""
        return given(lambda: law.overview(day_of(as_of)), form, table, "overview", lang)

    @get("/api/v1/treaties", sync_to_thread=True)
    def treaties(
        as_of: Day = "", known: Day = "", form: Form = "", table: Table = "", lang: Lang = ""
    ) -> Response[bytes]:
        """Every instrument of the library with its status on a day."""
        return given(lambda: law.treaties(day_of(as_of), day_of(known)), form, table, "treaties", lang)

    @get("/api/v1/treaties/{name:str}", sync_to_thread=True)
    def treaty(
        name: FromPath[str], as_of: Day = "", known: Day = "", viewpoint: FromQuery[str] = "",
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """One instrument: articles, encoded rules, status in each view through time, verdicts."""
        check_instrument(name)
        return given(
            lambda: law.treaty(name, day_of(as_of), day_of(known), viewpoint), form, table, name, lang
        )

    @get("/api/v1/treaties/{name:str}/why/{limit:str}/{party:str}", sync_to_thread=True)
    def why(
        name: FromPath[str], limit: FromPath[str], party: FromPath[str], as_of: Day = "", known: Day = "",
        viewpoint: FromQuery[str] = "",
    ) -> Response[bytes]:  # fmt: skip
        """The tree behind one verdict."""
        check_instrument(name)
        return given(lambda: law.why(name, limit, party, day_of(as_of), day_of(known), viewpoint))

    @get("/api/v1/forces", sync_to_thread=True)
    def forces(
        parties: Annotated[str, QueryParameter(description="Codes: US,RU; all nuclear-armed if left out.")] = "",
        status: FromQuery[str] = "stockpile", as_of: Day = "", known: Day = "",
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """One quantity of several parties, with every print of it."""
        codes = numbers.codes_of(parties)
        return given(
            lambda: numbers.forces(codes, status, day_of(as_of), day_of(known)), form, table, "forces", lang
        )

    @get("/api/v1/forces/{party:str}", sync_to_thread=True)
    def party_forces(
        party: FromPath[str], by: FromQuery[str] = "type", as_of: Day = "", known: Day = "",
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """The counts of one party by status, category or type."""
        return given(
            lambda: numbers.party_forces(party, by, day_of(as_of), day_of(known)), form, table, f"forces-{party}", lang
        )  # fmt: skip

    @get("/api/v1/projections/{party:str}", sync_to_thread=True)
    def projection(
        request: Any_, party: FromPath[str], to: Year = 2035, known: Day = "",
        limit: FromQuery[list[float] | None] = None, draws: Draws = 5000, seed: Seed = 1,
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """A party's stockpile in each January ahead."""
        asked = (party, to, day_of(known), tuple(limit or ()), draws, seed)
        return long(request, ("projection", *asked), lambda: numbers.projection(*asked), form, table, lang)

    @get("/api/v1/proposals", sync_to_thread=True)
    def library(
        request: Any_, first: Year = 2035, last: Year = 2035, known: Day = "", draws: Draws = 2000, seed: Seed = 1,
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """What each proposal of the library would do to whom."""
        if not first <= last:
            raise DetenteError(f"from {first} to {last} are no years", fix="first <= last")
        asked = (tuple(range(first, last + 1)), day_of(known), draws, seed)
        return long(request, ("proposals", *asked), lambda: proposals.library(*asked), form, table, lang)

    @get("/api/v1/compose", sync_to_thread=True)
    def compose(
        base: FromQuery[str] = "new-start",
        set: Annotated[  # noqa: A002
            list[str] | None, QueryParameter(description="PATH=VALUE (JSON or text); an empty value removes.")
        ] = None,
        yaml: Annotated[str, QueryParameter(description="The patch as text, instead of set.")] = "",
        title: FromQuery[str] = "", as_of: Day = "", known: Day = "", year: Year = 2030,
        draws: Draws = 1000, seed: Seed = 1, form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """A patch over an instrument: its text, verdicts before and after, and what it would do to whom."""
        check_instrument(base)
        pairs = [(p, v) for one in set or () for p, _, v in (one.partition("="),)]
        asked = (base, pairs, yaml, title, day_of(as_of), day_of(known), year, draws, seed)
        return given(lambda: proposals.compose(*asked), form, table, "proposal", lang)

    @get("/api/v1/stations", sync_to_thread=True)
    def stations(
        network: FromQuery[str] = "",
        country: FromQuery[str] = "",
        form: Form = "",
        table: Table = "",
        lang: Lang = "",
    ) -> Response[bytes]:
        """The places of the International Monitoring System."""
        return given(lambda: signals.stations(network, country), form, table, "stations", lang)

    @get("/api/v1/land", sync_to_thread=False)
    def land() -> Response[bytes]:
        """The land as GeoJSON, cut at the date line."""
        return Response(encode(signals.land()), media_type=MEDIA["geojson"])

    @get("/api/v1/capability", sync_to_thread=True)
    def capability(
        request: Any_,
        region: Annotated[str, QueryParameter(description="S,N,W,E in degrees; all if left out.")] = "",
        step: Annotated[float, QueryParameter(gt=0, le=30, description="Cell size, degrees.")] = 3.0,
        k: Annotated[int, QueryParameter(ge=1, le=3, description="Stations that must detect.")] = 3,
        network: FromQuery[str] = "primary",
        without: FromQuery[list[str] | None] = None,
        probability: Annotated[float, QueryParameter(gt=0, lt=1)] = 0.9,
        snr: Annotated[float, QueryParameter(gt=0, le=100)] = 3.5,
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """What the network would see: a grid of magnitudes and tonnes."""
        asked = (_region(region), step, k, network, tuple(without or ()), probability, snr)
        return long(request, ("capability", *asked), lambda: signals.capability(*asked), form, table, lang)

    @get("/api/v1/events", sync_to_thread=True)
    def events(form: Form = "", table: Table = "", lang: Lang = "") -> Response[bytes]:
        """The events of the package."""
        return given(signals.events, form, table, "events", lang)

    @get("/api/v1/events/{name:str}", sync_to_thread=True)
    def event(
        request: Any_, name: FromPath[str], known: Day = "", draws: EventDraws = 10_000, seed: Seed = 1,
        prior: FromQuery[list[str] | None] = None, form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """One event: where it was, what it could be, how large, and whose statements fit."""
        asked = (name, day_of(known), draws, seed, tuple(prior or ()))
        return long(request, ("event", *asked), lambda: signals.event(*asked), form, table, lang)

    @get("/api/v1/claims", sync_to_thread=True)
    def all_claims(
        request: Any_, as_of: Day = "", speaker: FromQuery[str] = "", verdict: FromQuery[str] = "",
        form: Form = "", table: Table = "", lang: Lang = "",
    ) -> Response[bytes]:  # fmt: skip
        """Every public claim made by a day, with its verdict."""
        known = day_of(as_of)
        whole = long(request, ("claims", known), lambda: claims.claims(known), "json", "", lang)
        if not (speaker or verdict or form not in ("", "json")) or whole.status_code == 202:
            return whole
        found = jobs.now(("claims", known), lambda: claims.claims(known))
        return given(lambda: claims.chosen(found, speaker, verdict, known), form, table, "claims", lang)

    @get("/api/v1/claims/{name:str}", sync_to_thread=True)
    def one_claim(
        name: FromPath[str], as_of: Day = "", form: Form = "", table: Table = "", lang: Lang = ""
    ) -> Response[bytes]:
        """One claim in full."""
        return given(lambda: claims.one(name, day_of(as_of)), form, table, name, lang)

    @get("/api/v1/jobs/{name:str}", sync_to_thread=False)
    def job(name: FromPath[str]) -> Job:
        """How far a long answer is; ask the question again when it is done."""
        return _found(jobs.find(name))

    @delete("/api/v1/jobs/{name:str}", sync_to_thread=False, status_code=200)
    def cancel(name: FromPath[str]) -> Job:
        """Stop a long answer at its next step."""
        return _found(jobs.cancel(name))

    return [overview, treaties, treaty, why, forces, party_forces, projection, library, compose, stations,
            land, capability, events, event, all_claims, one_claim, job, cancel]  # fmt: skip


def check_instrument(name: str) -> None:
    """Raises NotFoundException for what is no library id: a path of this machine is none."""
    from detente.treaty import instrument_ids

    if name not in instrument_ids():
        raise NotFoundException(f"no instrument '{name}'")


def _found(job: Job | None) -> Job:
    if job is None:
        raise NotFoundException("no such job: it may have been forgotten")
    return msgspec.structs.replace(job)


def _region(text: str) -> tuple[float, float, float, float]:
    if not text:
        return (-90.0, 90.0, -180.0, 180.0)
    try:
        south, north, west, east = (float(part) for part in text.split(","))
    except ValueError:
        raise DetenteError(
            f"'{text}' is not a region", fix="write south,north,west,east in degrees"
        ) from None
    return south, north, west, east
