"""Status and resolution through time: laws for any record of statements, and the known lives of instruments."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.asof import AsOf, Duration, Span, shift_span
from detente.errors import DetenteError
from detente.treaty.life import State, status
from detente.treaty.load import Loaded, instrument_ids, load, loads
from detente.treaty.resolve import change_points, resolve
from detente.treaty.times import parse_time, when, within

CITED = {"article": "I", "cite": ["S"], "quality": "text"}
FAR = date(2200, 1, 1)
BOTH = ["US", "RU"]


def treaty(*life: dict[str, Any], **more: Any) -> Loaded:
    statements = [{"id": f"s{n}", "by": BOTH} | CITED | said for n, said in enumerate(life)]
    tree = {
        "id": "x", "title": "X", "kind": "treaty", "parties": BOTH, "summary": "s", "sources": {"S": {"ref": "a"}},
        "life": statements,
    }  # fmt: skip
    return loads(json.dumps(tree | more).encode())


def said(act: str, day: str, **more: Any) -> dict[str, Any]:
    return {"act": act, "date": day} | more


def state(loaded: Loaded, day: str, *, known: date = FAR, party: str = "", viewpoint: str = "") -> State:
    law = resolve(loaded, AsOf.on(day, known=known), viewpoint)
    return law.status(party).state


SIGNED, ENTRY = said("signed", "2010-04-08"), said("entered_into_force", "2011-02-05")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2010-04-07", State.not_signed),
        ("2010-04-08", State.signed),
        ("2011-02-04", State.signed),
        ("2011-02-05", State.in_force),
        ("2021-02-04", State.in_force),
        ("2021-02-05", State.expired),  # half-open: the last day is the day before
        ("2030-01-01", State.expired),
    ],
)
def test_a_term_is_half_open(day: str, expected: State) -> None:
    assert state(treaty(SIGNED, ENTRY, term={"length": "P10Y"} | CITED), day) is expected


def test_an_extension_moves_the_end_only_once_it_is_known() -> None:
    longer = treaty(
        SIGNED, ENTRY, said("extended", "2021-02-03", until="2026-02-05"), term={"length": "P10Y"} | CITED
    )
    assert state(longer, "2026-02-04") is State.in_force
    assert state(longer, "2026-02-05") is State.expired
    assert state(longer, "2021-02-05", known=date(2021, 2, 2)) is State.expired


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2010-12-31", State.signed), ("2011-01-01", State.indeterminate), ("2011-01-30", State.indeterminate),
     ("2011-01-31", State.in_force)],
)  # fmt: skip
def test_a_day_known_to_the_month_leaves_the_month_open(day: str, expected: State) -> None:
    assert state(treaty(SIGNED, said("entered_into_force", "2011-01")), day) is expected


def test_a_withdrawal_takes_effect_when_it_says() -> None:
    left = treaty(
        SIGNED, ENTRY, said("withdrawal_announced", "2019-02-02", by=["US"]),
        said("withdrawn", "2019-02-02", by=["US"], effective="withdrawal_announcement + P6M"),
    )  # fmt: skip
    assert state(left, "2019-08-01") is State.in_force
    assert state(left, "2019-08-02") is State.withdrawn


def test_what_hangs_on_an_event_waits_for_it() -> None:
    """Said before entry into force, effective on it: nothing is suspended until then, or ever."""
    early = said("suspended", "2010-06-01", effective="entry_into_force + P1Y")
    assert state(treaty(SIGNED, early, ENTRY), "2012-02-04") is State.in_force
    assert state(treaty(SIGNED, early, ENTRY), "2012-02-05") is State.suspended
    gone = said("terminated", "2010-06-01", effective="entry_into_force")
    assert state(treaty(SIGNED, gone), "2020-01-01") is State.signed
    assert state(treaty(SIGNED, gone, ENTRY), "2020-01-01") is State.terminated


def test_a_contested_suspension_is_disputed_and_each_side_keeps_its_view() -> None:
    split = treaty(
        SIGNED, ENTRY, said("suspended", "2023-02-21", by=["RU"], id="stop"),
        said("contested", "2023-02-28", by=["US"], effective="2023-02-21", of="stop"),
    )  # fmt: skip
    assert state(split, "2023-02-20") is State.in_force
    assert state(split, "2023-02-21") is State.disputed
    assert state(split, "2023-02-21", viewpoint="RU") is State.suspended
    assert state(split, "2023-02-21", viewpoint="US") is State.in_force
    assert (
        state(split, "2023-02-25", known=date(2023, 2, 25)) is State.suspended
    )  # nobody had contested it yet


def test_a_suspension_ends_when_it_is_resumed_and_an_observance_when_it_says() -> None:
    back = treaty(SIGNED, ENTRY, said("suspended", "2012-01-01"), said("resumed", "2013-01-01"))
    assert [state(back, f"{y}-06-01") for y in (2011, 2012, 2013)] == [
        State.in_force,
        State.suspended,
        State.in_force,
    ]
    kept = treaty(SIGNED, said("observes", "2012-01-01", until="2013-01-01"))
    assert [state(kept, f"{y}-06-01") for y in (2011, 2012, 2013)] == [
        State.signed,
        State.observed,
        State.signed,
    ]


@pytest.mark.parametrize(
    ("life", "before", "within_the_month", "after"),
    [
        ([SIGNED, ENTRY, said("suspended", "2012-01-01"), said("resumed", "2013-05")],
         State.suspended, State.indeterminate, State.in_force),
        ([SIGNED, ENTRY, said("suspended", "2013-05")], State.in_force, State.indeterminate, State.suspended),
        ([SIGNED, said("observes", "2013-05")], State.signed, State.indeterminate, State.observed),
        ([SIGNED, said("observes", "2012-01-01", until="2013-05")],
         State.observed, State.indeterminate, State.signed),
        ([said("offered", "2013-05")], State.not_signed, State.indeterminate, State.offered),
        ([said("offered", "2012-01-01"), said("declined", "2013-05")],
         State.offered, State.indeterminate, State.declined),
        ([SIGNED, ENTRY, said("terminated", "2013-05")], State.in_force, State.indeterminate, State.terminated),
    ],
)  # fmt: skip
def test_a_month_that_leaves_the_status_open_is_said_to(
    life: list[dict[str, Any]], before: State, within_the_month: State, after: State
) -> None:
    loaded = treaty(*life)
    found = [state(loaded, day) for day in ("2013-04-30", "2013-05-15", "2013-05-31")]
    assert found == [before, within_the_month, after]


def test_entry_on_a_condition_waits_for_the_last_of_the_group() -> None:
    group = {
        "groups": {"G": {"members": BOTH} | CITED},
        "entry_condition": {"group": "G", "after": "P30D"} | CITED,
    }
    one = treaty(SIGNED, said("ratified", "2010-06-01", by=["US"]), **group)
    both = treaty(
        SIGNED, said("ratified", "2010-06-01", by=["US"]), said("ratified", "2011-01-01", by=["RU"]), **group
    )
    assert state(one, "2030-01-01") is State.signed
    assert state(both, "2011-01-30") is State.signed
    assert state(both, "2011-01-31") is State.in_force


@pytest.mark.parametrize(
    ("day", "expected"), [("2011-02-04", State.signed), ("2026-02-04", None), ("2026-02-05", State.expired)]
)
def test_the_known_days_of_new_start(day: str, expected: State | None) -> None:
    law = resolve(load("new-start"), AsOf.on(day, known="2026-03-01"))
    assert law.status().in_force is (day == "2026-02-04")
    if expected is not None:
        assert law.status().state is expected


def test_only_a_party_has_a_viewpoint() -> None:
    with pytest.raises(DetenteError, match="'CN' is no party to x"):
        resolve(treaty(SIGNED), AsOf.on("2010-01-01"), "CN")
    assert resolve(treaty(SIGNED), AsOf.on("2010-05-01"), "russia").status().state is State.signed


days = st.dates(date(1990, 1, 1), date(2029, 12, 31))


@st.composite
def moments(draw: Any) -> str:
    """A day, a month or a year."""
    return draw(days).isoformat()[: draw(st.sampled_from([10, 10, 7, 4]))]


@st.composite
def times(draw: Any) -> str:
    """A date or an event, with up to two steps."""
    start = draw(
        moments()
        | st.sampled_from(["entry_into_force", "signature", "term_end", "first_of_next_month(signature)"])
    )
    steps = draw(st.lists(st.sampled_from([" + P7Y", " + P6M", " - P1M", " + P45D", " + P29M"]), max_size=2))
    return start + "".join(steps)


ACTS = ("signed", "ratified", "entered_into_force", "suspended", "resumed", "withdrawn", "terminated", "observes",
        "offered", "declined", "extended", "noted")  # fmt: skip


@st.composite
def lives(draw: Any) -> str:
    """The text of a treaty with any record of statements, phases, windows and a term."""
    life = []
    for n in range(draw(st.integers(0, 6))):
        entry = {"id": f"s{n}", "act": draw(st.sampled_from(ACTS)), "date": draw(moments())} | CITED
        entry["by"] = draw(st.sampled_from([["US"], ["RU"], BOTH]))
        if draw(st.integers(0, 2)) == 0:
            entry["effective"] = draw(times())
        if draw(st.integers(0, 2)) == 0:
            entry["until"] = draw(times())
        suspensions = [e["id"] for e in life if e["act"] == "suspended"]
        if suspensions and draw(st.booleans()):
            entry |= {"act": "contested", "of": draw(st.sampled_from(suspensions))}
        if draw(st.integers(0, 3)) == 0:
            entry["published"] = draw(moments())
        life.append(entry)
    windows = [
        {"since": draw(times()), "until": draw(times())} if draw(st.booleans()) else {} for _ in range(3)
    ]
    rest = {"text": "t", "select": {"kind": "icbm"}} | CITED
    tree = {
        "id": "x", "title": "X", "kind": "treaty", "parties": BOTH, "summary": "s", "sources": {"S": {"ref": "a"}},
        "life": life,
        "counting": [{"id": "r", "unit": "missiles"} | rest],
        "exceptions": [{"id": "e", "of": ["r"]} | rest | windows[0]],
        "limits": [
            {"id": "A", "title": "t", "unit": "missiles", "count": ["r"], "bound": 5} | CITED | windows[1],
            {"id": "B", "title": "t", "unit": "missiles", "count": ["r"],
             "phases": [{"since": f"{start} + P{3 * n}Y", "bound": 9 - n} for n, start in
                        enumerate([draw(st.sampled_from(["entry_into_force", "signature", "2001"]))] * 3)]} | CITED,
        ],
        "obligations": [{"id": "o", "title": "t", "kind": "other", "on": "x", "done_by": "y", "text": "t"} | CITED
                        | windows[2]],
    }  # fmt: skip
    if draw(st.booleans()):
        tree["term"] = {
            "starts": draw(times()),
            "length": draw(st.sampled_from(["P10Y", "P5Y", "P18M"])),
        } | CITED
    return json.dumps(tree)


def sound(text: str) -> Loaded | None:
    """The treaty, or None where what was drawn contradicts itself."""
    try:
        return loads(text.encode())
    except DetenteError as bad:
        assert any(w in str(bad) for w in ("unknown event", "ends before it begins", "overlapping")), str(bad)
        return None


def law_of(loaded: Loaded, day: date, known: date = FAR) -> Any:
    """Everything that resolution says of a day."""
    law = resolve(loaded, AsOf(day, day, known))
    parties = loaded.instrument.parties[:4]
    return (
        [law.status(p) for p in ("", *parties)],
        [law.bound(x, p) for x in loaded.instrument.limits for p in (x.parties or parties)[:4]],
        [e.id for e in law.exceptions()],
        [o.id for o in law.obligations()],
        [r.id for x in loaded.instrument.limits for r in law.readings(x)],
    )


@settings(max_examples=250, deadline=None)
@given(lives(), st.data())
def test_the_law_is_constant_between_change_points(text: str, data: Any) -> None:
    loaded = sound(text)
    if loaded is None:
        return
    points = [date(1980, 1, 1), *change_points(loaded), date(2060, 1, 1)]
    for first, following in itertools.pairwise(sorted(set(points))):
        between = data.draw(st.dates(first, following - timedelta(days=1)))
        assert law_of(loaded, between) == law_of(loaded, first), f"{between} differs from {first}"


@pytest.mark.parametrize("name", instrument_ids())
def test_the_law_of_the_library_is_constant_between_change_points(name: str) -> None:
    loaded = load(name)
    points = change_points(loaded)
    stride = max(1, len(points) // 25)
    for first, following in list(itertools.pairwise(points))[::stride]:
        assert law_of(loaded, following - timedelta(days=1)) == law_of(loaded, first)


@settings(max_examples=150, deadline=None)
@given(lives(), days, days)
def test_what_is_published_later_changes_nothing_now(text: str, day: date, known: date) -> None:
    loaded = sound(text)
    tree = json.loads(text)
    tree["life"] = [s for s in tree["life"] if Span.parse(s.get("published") or s["date"]).earliest <= known]
    kept = {s["id"] for s in tree["life"]}
    earlier = sound(json.dumps(tree)) if all(s.get("of", "") in ("", *kept) for s in tree["life"]) else None
    if loaded is not None and earlier is not None:
        assert law_of(loaded, day, known) == law_of(earlier, day)


@settings(max_examples=150, deadline=None)
@given(lives(), days, st.sampled_from(BOTH))
def test_a_viewpoint_is_one_of_the_views(text: str, day: date, viewer: str) -> None:
    loaded = sound(text)
    if loaded is None:
        return
    clocks = AsOf(day, day, FAR)
    every, mine = status(loaded.instrument, clocks), status(loaded.instrument, clocks, viewpoint=viewer)
    assert mine.views == {viewer: every.views[viewer]}
    assert (every.state is State.disputed) == (len({v.state for v in every.views.values()}) > 1)


@given(
    times(),
    st.dictionaries(
        st.sampled_from(["entry_into_force", "signature", "term_end"]), moments().map(Span.parse)
    ),
)
def test_a_time_is_its_start_and_its_steps(text: str, events: dict[str, Span]) -> None:
    kind, name, steps = parse_time(text)
    span = Span.parse(name) if kind == "date" else events.get(name)
    found = when(text, events)
    if span is None:
        assert found is None
        return
    if kind == "next_month":
        first, last = (
            (d.replace(day=28) + timedelta(days=4)).replace(day=1)
            for d in (span.earliest, span.latest - timedelta(days=1))
        )
        span = Span(first, last + timedelta(days=1))
    for step in steps:
        span = shift_span(span, step)
    assert found == span


@given(days, st.none() | moments().map(Span.parse), st.none() | moments().map(Span.parse))
def test_a_window_is_open_where_every_reading_of_its_dates_is(
    day: date, since: Span | None, until: Span | None
) -> None:
    """[since, until) with each day its imprecise ends allow; where these disagree the answer is None."""

    def ends(span: Span | None, far: date) -> list[date]:
        return [far] if span is None else [span.earliest, span.latest - timedelta(days=1)]

    answers = {a <= day < b for a in ends(since, date.min) for b in ends(until, date.max)}
    expected = answers.pop() if len(answers) == 1 else None
    assert within(day, since, until) is expected


@pytest.mark.parametrize(
    "text", ["", "P7Y", "entry_into_force P7Y", "entry_into_force + 7", "+ P7Y", "entry_into_force ++ P7Y", "Entry",
             "2011-02-05 + P", "first_of_next_month()", "2011-13", "entry_into_force + PT"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        when(text, {"entry_into_force": Span.parse("2011-02-05")})


def test_durations_in_a_time_are_signed() -> None:
    assert parse_time("2011-02-05 + P7Y - P1D") == ("date", "2011-02-05", (Duration(84), Duration(0, -1)))
