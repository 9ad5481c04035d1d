"""Means and spreads of metrics over runs that differ by their seed alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def mean_and_spread(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the metrics of several runs together.

    Parameters
    ----------
    runs
        Nested metrics of the same shape, one a seed.

    Returns
    -------
    dict
        The same nesting, with ``{"mean", "spread", "n", "values"}`` in place of each number
        (`spread` is the sample standard deviation, null for one run), of a list what stands in any
        run's, and of what else is no number the first run's.
    """
    first = runs[0]
    together: dict[str, Any] = {}
    for name, value in first.items():
        if isinstance(value, dict):
            together[name] = mean_and_spread([run[name] for run in runs])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            values = [float(run[name]) for run in runs]
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            together[name] = {
                "mean": float(np.mean(values)), "spread": spread, "n": len(values), "values": values
            }  # fmt: skip
        elif isinstance(value, list):
            together[name] = sorted({item for run in runs for item in run[name]})
        else:
            together[name] = value
    return together
