"""Value of information: which further observation would tell the hypotheses of an event apart best."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from detente.monitor.event import Event, Outcome
from detente.monitor.hypotheses import Weighed

Array = npt.NDArray[np.float64]

DECIDED = 0.95  # posterior probability at which a question counts as decided
_GRID = 400
_DRAWS = 20_000


class Worth(msgspec.Struct, frozen=True):
    """`bits`: expected gain of information about sources or readings; `decides`: probability that the answer
    lifts the leading one (explosion kinds of a test taken together) to 0.95; `before`: entropy now, bits."""

    id: str
    text: str
    about: str
    bits: float
    before: float
    decides: float
    basis: str


def worths(event: Event, weighed: Weighed) -> list[Worth]:
    """Each possible observation of the event, best first by bits."""
    found = [_worth(o, *_question(event, weighed, o)) for o in event.could_observe]
    about_sources = [o for o in event.could_observe if o.about == "sources"]
    if len(about_sources) > 1:
        found.append(_together(about_sources, *_question(event, weighed, about_sources[0]), weighed.seed))
    return sorted(found, key=lambda w: -w.bits)


def _question(event: Event, weighed: Weighed, o: Outcome) -> tuple[list[str], Array, list[str]]:
    """Ids, posterior now, and the group each belongs to when asking what is decided."""
    if o.about == "readings":
        ids = list(weighed.readings)
        return ids, weighed.posterior_readings(), ids
    kinds = {h.id: "test" if h.kind.startswith("nuclear") else h.id for h in event.hypotheses}
    return list(weighed.sources), weighed.posterior_sources(), [kinds[i] for i in weighed.sources]


def _worth(o: Outcome, ids: list[str], now: Array, groups: list[str]) -> Worth:
    if o.probability:
        yes = np.array([o.probability[i] for i in ids])
        likelihood = np.stack([yes, 1 - yes])  # (answer, hypothesis)
    else:
        mean = np.array([o.mean[i] for i in ids])
        x = np.linspace(mean.min() - 5 * o.sd, mean.max() + 5 * o.sd, _GRID)
        likelihood = np.exp(-(((x[:, None] - mean) / o.sd) ** 2) / 2)
        likelihood /= likelihood.sum(axis=0)
    joint = likelihood * now
    answer = joint.sum(axis=1)
    after = joint / np.maximum(answer, 1e-300)[:, None]
    before = float(_entropy(now[None, :])[0])
    grouped = after @ _grouping(groups)
    return Worth(
        o.id,
        o.text,
        o.about,
        bits=before - float(answer @ _entropy(after)),
        before=before,
        decides=float(answer @ (grouped.max(axis=1) >= DECIDED)),
        basis=o.basis,
    )


def _together(asked: list[Outcome], ids: list[str], now: Array, groups: list[str], seed: int) -> Worth:
    """All observations at once, independent given the source: simulated answers, exact posteriors."""
    rng = np.random.default_rng([seed, len(asked)])
    truth = rng.choice(len(ids), _DRAWS, p=now)
    log = np.zeros((_DRAWS, len(ids)))
    for o in asked:
        if o.probability:
            yes = np.array([o.probability[i] for i in ids])
            said = rng.random(_DRAWS) < yes[truth]
            log += np.log(np.maximum(np.where(said[:, None], yes, 1 - yes), 1e-12))
        else:
            mean = np.array([o.mean[i] for i in ids])
            shown = mean[truth] + o.sd * rng.normal(size=_DRAWS)
            log -= ((shown[:, None] - mean) / o.sd) ** 2 / 2
    after = now * np.exp(log - log.max(axis=1, keepdims=True))
    after /= after.sum(axis=1, keepdims=True)
    before = float(_entropy(now[None, :])[0])
    return Worth(
        "all-of-these",
        "all observations about the source together",
        "sources",
        bits=before - float(_entropy(after).mean()),
        before=before,
        decides=float(np.mean((after @ _grouping(groups)).max(axis=1) >= DECIDED)),
        basis="taken as independent given the source",
    )


def _grouping(groups: list[str]) -> Array:
    names = sorted(set(groups))
    return np.array([[g == n for n in names] for g in groups], float)


def _entropy(p: Array) -> Array:
    safe = np.where(p > 0, p, 1.0)
    return np.asarray(-(p * np.log2(safe)).sum(axis=1), float)
