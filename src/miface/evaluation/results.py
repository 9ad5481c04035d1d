"""The measures of every attack, a row a person, and their means, a group a model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from miface.evaluation.similarity import similarity_to_person

RULES = ("alpha", "beta", "gamma")


@dataclass(frozen=True)
class Recovered:
    """What one method recovered from one model.

    Attributes
    ----------
    method, model
        Their names.
    arrays
        The arrays of ``reports/inversions/<method>-<model>.npz``.
    seconds
        How long the attack took for all labels together.
    """

    method: str
    model: str
    arrays: dict[str, NDArray[Any]]
    seconds: float


def measure_people(
    recovered: Recovered, photos: NDArray[np.float64], person: NDArray[np.int64], names: list[str]
) -> pd.DataFrame:
    """Measure each recovered image against its person's photos.

    Parameters
    ----------
    recovered
        Images and how they came about.
    photos
        [n, H, W], the training photos in [0, 1].
    person
        int64 [n], whose they are.
    names
        Everybody's names.

    Returns
    -------
    DataFrame
        A row for each label: method, model, person, cost, attack_cost, iterations, stopped, and
        the measures of `similarity_to_person`.
    """
    arrays = recovered.arrays
    rows = []
    bar = tqdm(arrays["label"], desc=f"{recovered.method} on {recovered.model}", disable=None)
    for index, label in enumerate(bar):
        facts = {
            "method": recovered.method,
            "model": recovered.model,
            "person": names[label],
            "cost": float(arrays["cost"][index]),
            "attack_cost": float(arrays["attack_cost"][index]),
            "iterations": int(arrays["iterations"][index]),
            "stopped": str(arrays["stopped"][index]),
        }
        measures = similarity_to_person(arrays["x"][index], photos[person == label])
        rows.append(facts | measures)
    return pd.DataFrame(rows)


def summarise(people: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """Average the rows of one method on one model.

    Parameters
    ----------
    people
        Rows of `measure_people`.
    seconds
        How long the attack took for all of them.

    Returns
    -------
    dict
        Means of the numeric columns, ``mse_255`` (the report's scale of 0 to 255),
        ``seconds_per_label``, and under ``stopped`` how many attacks each rule ended.
    """
    means = {str(name): float(value) for name, value in people.mean(numeric_only=True).items()}
    ended = people["stopped"].value_counts()
    return means | {
        "mse_255": means["mse"] * 255**2,
        "people": len(people),
        "seconds_per_label": seconds / len(people),
        "stopped": {rule: int(ended.get(rule, 0)) for rule in RULES},
    }
