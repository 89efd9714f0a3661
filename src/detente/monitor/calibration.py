"""Magnitude against yield, learnt from shots of known yield: a hierarchical regression by site and rock.

    mb = a + b x + t tectonic + u_site + w_site x + v_rock + e,   x = log10(Y / 10 kt)

with u ~ N(0, tau_u), w ~ N(0, tau_w), v ~ N(0, tau_v), e ~ N(0, sigma_site) and sigma_site about a common
value. All coefficients are drawn jointly (Gibbs, Gaussian block; scales by their conjugate draws).
Priors: a ~ N(5.2, 1), b ~ N(0.8, 0.2), t ~ N(-0.35, 0.3) (Murphy 1981: the NTS lies about 0.35 low); scales
half-t. Leave-one-out is exact within each draw (Gaussian identity), the draws re-weighted by importance.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor.explosions import Explosion, explosions

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

REFERENCE_LOG_YIELD = 1.0  # log10 of 10 kt
_FIXED_MEAN, _FIXED_SD = np.array([5.2, 0.8, -0.35]), np.array([1.0, 0.2, 0.3])
_SCALE_PRIOR = {"u": 0.2, "w": 0.04, "v": 0.2}  # typical size of site, slope and rock effects
_SIGMA_FREEDOM = 4.0  # how tightly sites share a residual scatter


class Calibration(msgspec.Struct, frozen=True, eq=False):
    """Posterior draws. `fixed` (draw, 3): a at 10 kt, b per decade, tectonic shift; `site` (draw, site, 2):
    intercept and slope effects; `rock` (draw, rock); `sigma` (draw, site), magnitude units.

    `loo_log` (shot,): log predictive density; `loo_pit` (shot,): P(predicted mb < observed), shot left out.
    """

    shots: tuple[Explosion, ...]
    sites: tuple[str, ...]
    rocks: tuple[str, ...]
    fixed: Array
    site: Array
    rock: Array
    sigma: Array
    tau: Array  # (draw, 3): u, w, v
    sigma_scale: Array  # (draw,) the common residual scale
    loo_log: Array
    loo_pit: Array
    seed: int

    def coverage(self, level: float = 0.9) -> float:
        """Share of shots whose left-out predictive interval of this level holds them.

        A yield interval at a given magnitude covers exactly when the magnitude interval at the true yield
        does (the two tails are the same event), so this is also the coverage of yields.
        """
        tail = (1 - level) / 2
        return float(np.mean((self.loo_pit > tail) & (self.loo_pit < 1 - tail)))

    def law(self, site: str, rock: str, province: str, rng: np.random.Generator, n: int) -> tuple[Array, ...]:
        """`n` draws of intercept at 1 kt, slope and scatter at a site; one never seen is drawn from all.

        An unseen rock likewise. Magnitude units; slope per decade of yield.
        """
        take = rng.integers(0, len(self.fixed), n)
        a, b, shift = self.fixed[take].T
        a = a + shift * (province == "tectonic")
        if site in self.sites:
            j = self.sites.index(site)
            u, w, sigma = self.site[take, j, 0], self.site[take, j, 1], self.sigma[take, j]
        else:
            u, w = (rng.normal(size=n) * self.tau[take, k] for k in (0, 1))
            sigma = self.sigma_scale[take] * np.sqrt(_SIGMA_FREEDOM / rng.chisquare(_SIGMA_FREEDOM, n))
        if rock in self.rocks:
            v = self.rock[take, self.rocks.index(rock)]
        else:
            v = rng.normal(size=n) * self.tau[take, 2]
        slope = b + w
        return a + u + v - slope * REFERENCE_LOG_YIELD, slope, sigma


class _Design(msgspec.Struct, frozen=True, eq=False):
    """`y` (shot,) mb; `common` (shot, 3 + rocks): 1, x, tectonic, rock; `own` (shot, 2): 1, x of its site;
    `index` (shot,) site number; names of sites and rocks."""

    y: Array
    common: Array
    own: Array
    index: Index
    sites: tuple[str, ...]
    rocks: tuple[str, ...]


def design(shots: tuple[Explosion, ...]) -> _Design:
    """The regression's matrices for shots with magnitude and yield."""
    sites = tuple(sorted({s.site for s in shots}))
    rocks = tuple(sorted({s.rock for s in shots}))
    x = np.log10([s.yield_kt or np.nan for s in shots]) - REFERENCE_LOG_YIELD
    rock = np.eye(len(rocks))[[rocks.index(s.rock) for s in shots]]
    tectonic = np.array([s.province == "tectonic" for s in shots], float)
    one = np.ones_like(x)
    return _Design(
        np.array([s.mb for s in shots], float),
        np.column_stack([one, x, tectonic, rock]),
        np.column_stack([one, x]),
        np.array([sites.index(s.site) for s in shots]),
        sites,
        rocks,
    )


def calibrate(
    shots: tuple[Explosion, ...], *, draws: int = 1500, burn: int = 300, seed: int = 1
) -> Calibration:
    """Fit the hierarchy to `shots` with known magnitude and yield; repeats bit for bit for a seed.

    Raises DetenteError for fewer than 10 shots or one without magnitude or yield.
    """
    if len(shots) < 10 or any(s.mb is None or not s.yield_kt for s in shots):
        raise DetenteError("a calibration needs 10 shots or more, each with mb and yield")
    layout = design(shots)
    sampler = _Sampler(layout, np.random.default_rng(seed))
    kept = []
    for step in range(burn + draws):
        sampler.step()
        if step >= burn:
            kept.append(sampler.record())
    common, own, tau, sigma, scale, loo_mean, loo_sd = (np.array(z) for z in zip(*kept, strict=True))
    log_density, below = _leave_one_out(layout.y, loo_mean, loo_sd)
    return Calibration(
        shots,
        layout.sites,
        layout.rocks,
        common[:, :3],
        own,
        common[:, 3:],
        sigma,
        tau,
        scale,
        log_density,
        below,
        seed,
    )


@lru_cache(maxsize=2)
def standard(seed: int = 1) -> Calibration:
    """The calibration on every independent shot of the package's table."""
    return calibrate(tuple(s for s in explosions() if s.calibrates), seed=seed)


class _Sampler:
    """State of the Gibbs chain; each step draws all coefficients at once, then each scale.

    Given what all sites share, sites are independent: the joint Gaussian is drawn through the Schur
    complement, in matrices of 9 by 9 and 2 by 2, from sums over each site's shots.
    """

    def __init__(self, layout: _Design, rng: np.random.Generator) -> None:
        self.d, self.rng = layout, rng
        ns, nr = len(layout.sites), len(layout.rocks)
        member = np.eye(ns)[layout.index]  # (shot, site)
        g, h, y = layout.common, layout.own, layout.y
        self.gg, self.gh, self.hh = (
            np.einsum("ks,ki,kj->sij", member, a, b, optimize=False) for a, b in ((g, g), (g, h), (h, h))
        )
        self.gy, self.hy = (np.einsum("ks,ki,k->si", member, a, y, optimize=False) for a in (g, h))
        self.count = np.bincount(layout.index, minlength=ns)
        self.size = np.array([ns, ns, nr])
        self.tau2 = np.array([_SCALE_PRIOR[k] ** 2 for k in "uwv"])
        self.prior2 = self.tau2.copy()
        self.sigma2 = np.full(ns, 0.04)
        self.scale2 = 0.04

    def step(self) -> None:
        d, rng, nr = self.d, self.rng, len(self.d.rocks)
        weight = (1 / self.sigma2)[:, None, None]
        prior = np.concatenate([_FIXED_SD**-2.0, np.full(nr, 1 / self.tau2[2])])
        own = np.linalg.inv(self.hh * weight + np.diag(1 / self.tau2[:2]))  # (site, 2, 2) covariances
        cross = (self.gh * weight) @ own  # (site, common, 2)
        share = (self.gg - cross @ self.gh.transpose(0, 2, 1)) * weight
        covariance = np.linalg.inv(share.sum(axis=0) + np.diag(prior))
        pull = ((self.gy - (cross @ self.hy[:, :, None])[:, :, 0]) * weight[:, :, 0]).sum(axis=0)
        pull[:3] += _FIXED_MEAN / _FIXED_SD**2
        mean = covariance @ pull
        self.common = mean + np.linalg.cholesky(covariance) @ rng.normal(size=len(mean))
        centre = (own @ (self.hy * weight[:, :, 0])[:, :, None])[:, :, 0]  # of the sites if common were zero
        noise = (np.linalg.cholesky(own) @ rng.normal(size=(*self.hy.shape, 1)))[:, :, 0]
        self.own = centre - self.common @ cross + noise
        # mean and variance of each shot's expectation, for leave-one-out
        lever = d.common - (cross[d.index] @ d.own[:, :, None])[:, :, 0]
        self.mean = lever @ mean + (d.own * centre[d.index]).sum(axis=1)
        apart = (d.own[:, None, :] @ own[d.index] @ d.own[:, :, None])[:, 0, 0]
        self.hat = ((lever @ covariance) * lever).sum(axis=1) + apart
        self.noise = self.sigma2[d.index]
        self._scales()

    def _scales(self) -> None:
        rng, d = self.rng, self.d
        squares = np.array([*(self.own**2).sum(axis=0), (self.common[3:] ** 2).sum()])
        # half-t with 3 degrees of freedom as an inverse-gamma mixture (Huang & Wand 2013, Bayesian Anal. 8)
        mix = 1 / rng.gamma((3 + 1) / 2, 1 / (3 / self.tau2 + 1 / self.prior2))
        self.tau2 = 1 / rng.gamma((3 + self.size) / 2, 1 / (3 / mix + squares / 2))
        fitted = d.common @ self.common + (d.own * self.own[d.index]).sum(axis=1)
        residual = np.bincount(d.index, (d.y - fitted) ** 2, minlength=len(self.count))
        freedom = _SIGMA_FREEDOM
        self.sigma2 = 1 / rng.gamma(
            (freedom + self.count) / 2, 2 / (freedom * self.scale2 + residual), size=len(self.count)
        )
        # common scale: Gamma prior of mean 0.2^2, two pseudo-sites
        shape = 2 + freedom * len(self.count) / 2
        rate = 2 / 0.2**2 + freedom / 2 * np.sum(1 / self.sigma2)
        self.scale2 = rng.gamma(shape, 1 / rate)

    def record(self) -> tuple[Array, Array, Array, Array, float, Array, Array]:
        left = 1 - self.hat / self.noise
        return (
            self.common.copy(),
            self.own.copy(),
            np.sqrt(self.tau2),
            np.sqrt(self.sigma2),
            float(np.sqrt(self.scale2)),
            self.d.y - (self.d.y - self.mean) / left,
            np.sqrt(self.noise / left),
        )


def _leave_one_out(y: Array, mean: Array, sd: Array) -> tuple[Array, Array]:
    from scipy.special import ndtr

    z = (y - mean) / sd
    density = np.exp(-(z**2) / 2) / (sd * np.sqrt(2 * np.pi))
    # draws come from the posterior with the shot in it: weight 1 / density takes the shot out; truncation at
    # sqrt(n) times the mean weight keeps the estimate's variance finite (Ionides 2008, JCGS 17)
    weight = 1 / np.maximum(density, 1e-12)
    weight = np.minimum(weight, weight.mean(axis=0) * np.sqrt(len(weight)))
    total = weight.sum(axis=0)
    return np.log(len(weight) / (1 / density).sum(axis=0)), (weight * ndtr(z)).sum(axis=0) / total
