"""What range a monthly count may be expected in, from a place's own earlier months.

The constants were calibrated on 646 places of one mile and eight forces of 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PRIOR_MONTHS = 10
"""How many months the prior dispersion counts for: eleven months alone say little of it."""

LONGEST_BASELINE = 24


class Range(NamedTuple):
    """A usual range: the whole counts from `low` to `high`, with what they were made of."""

    low: int
    high: int
    expected: float
    phi: float
    months: int

    def place(self, count: float) -> str:
        """Say where a count lies: "inside", "below" or "above" the range."""
        return "below" if count < self.low else "above" if count > self.high else "inside"


def dispersion(counts: ArrayLike, exposures: ArrayLike, expected: float) -> float:
    """Return the over-dispersion phi of monthly counts, drawn towards its usual size.

    phi_own = sum((y - mu)^2 / mu) / (n - 1) has few degrees of freedom with a dozen months, so
    it is averaged with phi_0 = 1 + 0.12 * sqrt(expected), which counts as ten months; never
    below 1 (Poisson).
    """
    y, e = np.asarray(counts, float), np.asarray(exposures, float)
    n = len(y)
    usual = 1 + 0.12 * np.sqrt(max(expected, 0.0))
    rate = y.sum() / e.sum() if e.sum() else 0.0
    mu = rate * e
    own = float(((y - mu) ** 2 / mu).sum() / (n - 1)) if n > 1 and (mu > 0).all() else 1.0
    return float(max(1.0, ((n - 1) * own + PRIOR_MONTHS * usual) / (n - 1 + PRIOR_MONTHS)))


def usual_range(
    counts: ArrayLike,
    exposures: ArrayLike,
    exposure: float,
    *,
    level: float = 0.95,
) -> Range:
    """Return the range in which a month's count is usual, given the place's earlier months.

    With r = sum(y) / sum(e) and E = r * e_latest, on the square-root scale that makes the
    spread even: s = sqrt(E + 3/8), h = t(nu) * sqrt(phi * (1 + 1/n)) / 2, nu = n + 9;
    range = max(0, s - h)^2 - 3/8 to (s + h)^2 - 3/8, not below 0. The low end is rounded down,
    and so is the high end: the largest whole count that is still inside.

    Parameters
    ----------
    counts
        Counts of the earlier months, oldest first; the last 24 are used.
    exposures
        Their exposures: days in the month, or the rest of the force's count.
    exposure
        The exposure of the month that is judged.
    level
        Two-sided level, 0.95 or 0.998.
    """
    y = np.asarray(counts, float)[-LONGEST_BASELINE:]
    e = np.asarray(exposures, float)[-LONGEST_BASELINE:]
    n = len(y)
    expected = float(y.sum() / e.sum() * exposure) if e.sum() else 0.0
    phi = dispersion(y, e, expected)
    t = float(stdtrit(n + PRIOR_MONTHS - 1, (1 + level) / 2))
    s = np.sqrt(expected + 0.375)
    h = t * np.sqrt(phi * (1 + 1 / n)) / 2
    low = max(0.0, max(0.0, s - h) ** 2 - 0.375)
    high = (s + h) ** 2 - 0.375
    return Range(int(np.floor(low)), int(np.floor(high)), expected, phi, n)
