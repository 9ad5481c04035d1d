"""How sure counts are: intervals, and what chance would give."""

from scipy.stats import binomtest

CONFIDENCE = 0.95
_BY_CHANCE = 0.001  # that controls are so far above chance, if they are at it


def wilson(count: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95% interval (1927) of a share, for `count` of `n`; (0, 1) for none of none."""
    if n == 0:
        return 0.0, 1.0
    interval = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def above_chance(count: int, n: int, chance: float) -> bool:
    """Say whether `count` of `n` is more than chance gives: one time in a thousand, if it is."""
    return n > 0 and bool(binomtest(count, n, chance, "greater").pvalue < _BY_CHANCE)
