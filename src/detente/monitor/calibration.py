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


def design(shots: tuple[Explosion, ...]) -> tuple[Array, Array, list[str], list[str], Index]:
    """Magnitudes (shot,), matrix (shot, 3 + 2 sites + rocks), site and rock names, site number per shot."""
    sites = sorted({s.site for s in shots})
    rocks = sorted({s.rock for s in shots})
    index = np.array([sites.index(s.site) for s in shots])
    x = np.log10([s.yield_kt or np.nan for s in shots]) - REFERENCE_LOG_YIELD
    one_site = np.eye(len(sites))[index]
    one_rock = np.eye(len(rocks))[[rocks.index(s.rock) for s in shots]]
    tectonic = np.array([s.province == "tectonic" for s in shots], float)
    matrix = np.column_stack([np.ones_like(x), x, tectonic, one_site, one_site * x[:, None], one_rock])
    return np.array([s.mb for s in shots], float), matrix, sites, rocks, index


def calibrate(
    shots: tuple[Explosion, ...], *, draws: int = 1500, burn: int = 300, seed: int = 1
) -> Calibration:
    """Fit the hierarchy to `shots` with known magnitude and yield; repeats bit for bit for a seed.

    Raises DetenteError for fewer than 10 shots or one without magnitude or yield.
    """
    if len(shots) < 10 or any(s.mb is None or not s.yield_kt for s in shots):
        raise DetenteError("a calibration needs 10 shots or more, each with mb and yield")
    y, matrix, sites, rocks, index = design(shots)
    rng = np.random.default_rng(seed)
    sampler = _Sampler(y, matrix, index, len(sites), len(rocks), rng)
    kept = []
    for step in range(burn + draws):
        sampler.step()
        if step >= burn:
            kept.append(sampler.record())
    beta, tau, sigma, scale, loo_mean, loo_sd = (np.array(z) for z in zip(*kept, strict=True))
    log_density, below = _leave_one_out(y, loo_mean, loo_sd)
    ns = len(sites)
    effects = np.stack([beta[:, 3 : 3 + ns], beta[:, 3 + ns : 3 + 2 * ns]], axis=2)
    rock = beta[:, 3 + 2 * ns :]
    return Calibration(
        shots,
        tuple(sites),
        tuple(rocks),
        beta[:, :3],
        effects,
        rock,
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
    """State of the Gibbs chain; each step draws all coefficients at once, then each scale."""

    def __init__(
        self,
        y: Array,
        matrix: Array,
        index: Index,
        ns: int,
        nr: int,
        rng: np.random.Generator,
    ) -> None:
        self.y, self.X, self.index, self.rng = y, matrix, index, rng
        self.group = np.repeat([0, 1, 2], [ns, ns, nr])  # which scale each random effect has
        self.size = np.bincount(self.group)
        self.count = np.bincount(index, minlength=ns)
        self.tau2 = np.array([_SCALE_PRIOR[k] ** 2 for k in "uwv"])
        self.prior2 = self.tau2.copy()
        self.sigma2 = np.full(ns, 0.04)
        self.scale2 = 0.04
        self.beta = np.zeros(matrix.shape[1])

    def step(self) -> None:
        noise = self.sigma2[self.index]
        precision = np.concatenate([_FIXED_SD**-2.0, 1 / self.tau2[self.group]])
        weighted = self.X.T / noise
        information = weighted @ self.X
        information[np.diag_indices_from(information)] += precision
        pull = weighted @ self.y
        pull[:3] += _FIXED_MEAN / _FIXED_SD**2
        root = np.linalg.cholesky(information)
        half = np.linalg.inv(root)  # (root^-1): covariance = half.T @ half
        mean = half.T @ (half @ pull)
        self.beta = mean + half.T @ self.rng.normal(size=len(mean))
        self.mean, self.hat = self.X @ mean, np.sum((self.X @ half.T) ** 2, axis=1)
        self.noise = noise
        self._scales()

    def _scales(self) -> None:
        effects, rng = self.beta[3:], self.rng
        squares = np.bincount(self.group, effects**2)
        # half-t with 3 degrees of freedom as an inverse-gamma mixture (Huang & Wand 2013, Bayesian Anal. 8)
        mix = 1 / rng.gamma((3 + 1) / 2, 1 / (3 / self.tau2 + 1 / self.prior2))
        self.tau2 = 1 / rng.gamma((3 + self.size) / 2, 1 / (3 / mix + squares / 2))
        residual = np.bincount(self.index, (self.y - self.X @ self.beta) ** 2, minlength=len(self.count))
        freedom = _SIGMA_FREEDOM
        self.sigma2 = 1 / rng.gamma(
            (freedom + self.count) / 2, 2 / (freedom * self.scale2 + residual), size=len(self.count)
        )
        # common scale: Gamma prior of mean 0.2^2, two pseudo-sites
        shape = 2 + freedom * len(self.count) / 2
        rate = 2 / 0.2**2 + freedom / 2 * np.sum(1 / self.sigma2)
        self.scale2 = rng.gamma(shape, 1 / rate)

    def record(self) -> tuple[Array, Array, Array, float, Array, Array]:
        left = 1 - self.hat / self.noise
        loo_mean = self.y - (self.y - self.mean) / left
        return (
            self.beta.copy(),
            np.sqrt(self.tau2),
            np.sqrt(self.sigma2),
            float(np.sqrt(self.scale2)),
            loo_mean,
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
