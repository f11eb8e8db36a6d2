"""Power: how many paired seeds a gain needs to be seen, and how small a gain so many seeds can see."""

from __future__ import annotations

import math

from scipy import optimize, stats

from mtl_helpers.errors import DataError
from mtl_helpers.evaluation.statistics.repeats import standard_error

MOST_RUNS = 100_000
LARGEST_EFFECT = 30.0  # in standard deviations; beyond it every n of at least 2 or 3 is enough


def runs_needed(sd: float, gain: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """How many paired seeds it takes to show a gain: to find a true mean difference ``gain`` with probability ``power``.

    ``sd`` is the standard deviation of the *differences* over paired seeds, in the unit of ``gain``. The smallest n for which
    the interval of `confidence_interval` excludes 0 with that probability: P(abs(T) > t(n - 1)) ≥ power, where T follows the
    noncentral t distribution with n - 1 degrees of freedom and noncentrality √n gain / sd (Cohen 1988, chapter 2). For
    gain = sd / 2 the tables (and the program G*Power) say 34, for gain = 0.8 sd 15.

    >>> runs_needed(sd=0.02, gain=0.01), runs_needed(sd=0.02, gain=0.016)
    (34, 15)
    >>> runs_needed(sd=0.02, gain=0.002)  # a gain of a tenth of the noise
    787
    """
    if not (math.isfinite(sd) and sd >= 0 and math.isfinite(gain)):
        raise DataError(f"sd and gain must be finite numbers and sd at least 0; found sd={sd!r}, gain={gain!r}.")
    if gain == 0:
        raise DataError("No number of runs shows a gain of 0. Give the smallest gain that would matter to you.")
    if not (0 < power < 1 and 0 < level < 1):
        raise DataError(f"power and level are shares between 0 and 1; found power={power!r}, level={level!r}.")
    effect = min(abs(gain) / sd, LARGEST_EFFECT) if sd else LARGEST_EFFECT
    # The normal distribution in place of t asks for a few runs too few: count up from there.
    enough = (stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)) / effect
    if enough**2 > MOST_RUNS:
        raise DataError(
            f"A gain of {gain:g} in differences that vary by {sd:g} takes more than {MOST_RUNS:,} runs; it can not be shown."
        )
    n = max(2, math.floor(enough**2) if enough > 0 else 2)
    while _power(n, effect, level) < power:
        n += 1
    return n


def smallest_effect(
    sd: float, runs: int, *, power: float = 0.8, level: float = 0.95, shared_rows: float = 0.0
) -> float:
    """The smallest true mean difference that so many paired seeds find with probability ``power``: `runs_needed` inverted.

    In the unit of ``sd``, the standard deviation of the differences. Whoever says "no difference" has to say this number,
    too: what is smaller would have been missed most of the time or more often than that. ``shared_rows`` as in
    `confidence_interval`: where runs re-split one corpus, more of them stop helping.

    >>> round(smallest_effect(sd=0.02, runs=34), 4), round(smallest_effect(sd=0.02, runs=15), 4)
    (0.0099, 0.0156)
    >>> round(smallest_effect(sd=0.02, runs=34, shared_rows=0.25), 4)
    0.0305
    """
    if not (math.isfinite(sd) and sd >= 0):
        raise DataError(f"sd must be a finite number of at least 0; found {sd!r}.")
    if runs < 2:
        raise DataError(f"An effect needs at least two runs to be seen; found {runs}.")
    if not (0 < power < 1 and 0 < level < 1):
        raise DataError(f"power and level are shares between 0 and 1; found power={power!r}, level={level!r}.")
    if power <= 1 - level:
        raise DataError(f"With power={power!r} and level={level!r} chance alone finds it as often.")
    far = 1.0  # in standard errors
    while _power_at(runs, far, level) < power:
        far *= 2
    shift = optimize.brentq(lambda shift: _power_at(runs, shift, level) - power, 0, far)
    return float(sd) * standard_error(1.0, runs, shared_rows) * shift


def _power(n: int, effect: float, level: float) -> float:
    """Probability that a two-sided paired t test on n differences finds an effect of that many standard deviations."""
    return _power_at(n, effect * math.sqrt(n), level)


def _power_at(n: int, shift: float, level: float) -> float:
    """The same for an effect of that many standard errors."""
    bound = stats.t.ppf((1 + level) / 2, n - 1)
    # The lower tail is the upper one of the mirrored distribution: of cdf(-bound) SciPy makes nan here and there.
    return float(stats.nct.sf(bound, n - 1, shift) + stats.nct.sf(bound, n - 1, -shift))
