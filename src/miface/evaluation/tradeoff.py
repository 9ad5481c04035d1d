"""What a countermeasure costs and what it leaves; what an attacker who only asks gets for it.

Rows of several trials are put together by `together`, with Wilson's interval of the share
recovered of all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from miface.attack.access import ACCESSES
from miface.attack.asking import ASKERS
from miface.countermeasures import IN_TRAINING, NONE, on_answers
from miface.evaluation.intervals import wilson
from miface.evaluation.trial import JUDGED, Row, Trial

_KEY = ("countermeasure", "strength", "model", "method", "access", "threat_model", "queries", "per")


def countermeasure_rows(trial: Trial, model: str, name: str, strength: float) -> list[Row]:
    """Give what a countermeasure costs and leaves, a row an attacker who knows of it.

    Who holds the weights never meets a countermeasure on the answers, and is attacked with none.

    Raises
    ------
    MifaceError
        If the countermeasure cannot act on the recogniser.
    """
    in_training = name in IN_TRAINING
    recogniser = trial.trained(model, {name: strength} if in_training else {})
    answering = on_answers({} if in_training or name == NONE else {name: strength})
    common: Row = {"countermeasure": name, "strength": strength, "model": model}
    common |= {"seed": trial.seed, "accuracy": trial.accuracy(recogniser, answering)}
    few = trial.conditions.budget
    whole = recogniser.pixels + 1
    attackers = [("classification_images", "labels", few, "photos")]
    if answering:  # spoils what equations need: fit what is left
        attackers.append(("classification_images", "confidences", few, "photos"))
    else:
        attackers.append(("equation_solving", "confidences", whole, "model"))
    rows = [trial.held(recogniser, model)]
    for asker, access, budget, knows in attackers:
        told = ACCESSES[access](recogniser, answering)
        rows.append(trial.asked(asker, told, budget, knows))
    return [common | row for row in rows]


def query_rows(trial: Trial, model: str, name: str) -> list[Row]:
    """Give what an attacker who only asks gets, a row an access, a knowledge and a budget."""
    recogniser, kind = trial.trained(model, {}), ASKERS[name]
    common: Row = {"countermeasure": NONE, "strength": 0.0, "model": model}
    common |= {"seed": trial.seed, "accuracy": trial.accuracy(recogniser)}
    knows = [kind.knows] if kind.knows == "photos" or not kind.shared else ["model", "photos"]
    if name == "equation_solving":
        knows = ["model"]
    budgets = trial.conditions.queries.budgets
    return [
        common | trial.asked(name, ACCESSES[access](recogniser), budget, what)
        for access in kind.told
        for what in knows
        for budget in budgets
    ]


def together(rows: Sequence[Row]) -> list[Row]:
    """Put rows of the same attack over several seeds together.

    Shares and ``asked_in_all``, the questions truly asked, are means over seeds;
    ``recovered`` and ``people`` are sums, with Wilson's interval;
    ``by_seed`` has each seed's count, in the order of ``seeds``.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _KEY), []).append(row)
    return [dict(zip(_KEY, key, strict=True)) | _pooled(same) for key, same in groups.items()]


def _pooled(same: Sequence[Mapping[str, Any]]) -> Row:
    recovered, people = (sum(row[name] for row in same) for name in ("recovered", "people"))
    low, high = wilson(recovered, people)

    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    return {
        "accuracy": {
            side: mean([row["accuracy"][side] for row in same]) for side in ("train", "test")
        },
        "recovered": recovered,
        "people": people,
        "interval": {"low": low, "high": high},
        **{name: mean([float(row[name]) for row in same]) for name in (*JUDGED, "swapped")},
        "asked_in_all": mean([row.get("asked_in_all", 0) for row in same]),
        "seeds": [row["seed"] for row in same],
        "by_seed": [row["recovered"] for row in same],
    }
