"""Controls: in images of nobody, or of others, the judge from outside must be at chance."""

from collections.abc import Mapping
from typing import Any

from miface.evaluation.baselines import NOBODY
from miface.evaluation.intervals import above_chance


def above(metrics: Mapping[str, Any], pairs: list[tuple[str, str]]) -> list[str]:
    """Name the controls in which the judge names more people than chance gives.

    Parameters
    ----------
    metrics
        What `evaluate` has measured: ``baselines``, ``permuted`` (by model and method), and each
        method's models.
    pairs
        Method and model of each attack, whose images are held to be the next person's.

    Returns
    -------
    list of str
        Empty where the measure holds.
    """
    rate = metrics["chance"]["top1"]
    shares = [(name, metrics["baselines"][name]) for name in NOBODY]
    shares += [
        (f"{method} on {model} with permuted labels", summary)
        for model, methods in metrics["permuted"].items()
        for method, summary in methods.items()
    ]
    named = [(name, m["identified"]["outside"]["top1"], m["people"]) for name, m in shares]
    for method, model in pairs:
        m = metrics[method][model]
        named.append((f"{method} on {model} under others' names", m["swapped"], m["people"]))
    return [name for name, share, n in named if above_chance(round(share * n), n, rate)]
