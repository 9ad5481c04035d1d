"""The measures of every attack, a row a person, and their means, a group a model."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from miface.evaluation.identification import QUESTIONS, fit_threshold, identify
from miface.evaluation.judges.judge import Judge, Scores
from miface.evaluation.similarity import PersonPhotos

RULES = ("alpha", "beta", "gamma")
Images = NDArray[np.floating]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Yardstick:
    """All that images are measured against.

    Attributes
    ----------
    photos, person
        [n, H, W] training photos in [0, 1], and int64 [n] whose they are.
    judges
        Independent recognisers by name.
    seed
        Seed of line-ups.
    """

    photos: Images
    person: Labels
    judges: dict[str, Judge]
    seed: int

    @cached_property
    def _people(self) -> dict[int, PersonPhotos]:
        return {
            int(who): PersonPhotos(self.photos[self.person == who])
            for who in np.unique(self.person)
        }

    def photos_of(self, who: int) -> PersonPhotos:
        """Give a person's photos, to compare images with."""
        return self._people[int(who)]

    @cached_property
    def _scores(self) -> dict[str, Scores]:
        return {name: judge(self.photos) for name, judge in self.judges.items()}

    @cached_property
    def accuracy(self) -> dict[str, float]:
        """How often each judge is right on the training photos, which it never saw."""
        return {
            name: float((scores.argmax(1) == self.person).mean())
            for name, scores in self._scores.items()
        }

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """Below which log-probability each judge says "none of them"."""
        return {
            name: fit_threshold(scores, self.person, self.seed)
            for name, scores in self._scores.items()
        }


def measure_images(
    x: Images, label: Labels, yardstick: Yardstick, *, identified: bool = True
) -> pd.DataFrame:
    """Measure images against the photos of the people they should show.

    Parameters
    ----------
    x, label
        [L, H, W] in pixel units, and int64 [L] whose they are.
    yardstick
        What to measure against.
    identified
        Whether to ask the judges; not of photos that they were fitted on.

    Returns
    -------
    DataFrame
        A row for each image: the measures of `similarity_to_person`, ``photo_rank`` (the person's
        place when people are ordered by their nearest training photo, by the correlation of
        pixels; 1 is first), ``<judge>_<question>`` for the answers of `identify`, and
        ``recovered``: whether more than half of the judges see the person first.
    """
    with ThreadPoolExecutor() as pool:
        alike = pool.map(lambda image, who: yardstick.photos_of(who).compare(image), x, label)
        table = pd.DataFrame(list(alike))
    table["photo_rank"] = photo_rank(x, label, yardstick.photos, yardstick.person)
    for name, judge in yardstick.judges.items() if identified else ():
        answers = identify(judge(x), label, yardstick.thresholds[name], yardstick.seed)
        for question, answer in answers.items():
            table[f"{name}_{question}"] = answer
    if identified:
        first = [table[f"{name}_top1"] for name in yardstick.judges]
        table["recovered"] = np.sum(first, axis=0) > len(first) / 2
    return table


def photo_rank(x: Images, label: Labels, photos: Images, person: Labels) -> Labels:
    """Give each image's person's place when people are ordered by their nearest photo.

    Near is by the correlation of pixels, which knows no brightness or contrast. Ties are lost: a
    blank image, which is as near to everybody, is last.

    Parameters
    ----------
    x, label
        [L, H, W] and int64 [L].
    photos, person
        [n, H, W] and int64 [n].
    """

    def normalised(images: Images) -> Images:
        rows = images.reshape(len(images), -1).astype(np.float64)
        rows = rows - rows.mean(1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)

    correlation = normalised(x) @ normalised(photos).T
    people = np.unique(person)
    nearest = np.column_stack([correlation[:, person == who].max(1) for who in people])
    own = nearest[np.arange(len(label)), np.searchsorted(people, label)]
    return (~(nearest < own[:, None])).sum(1)


def summarise_images(table: pd.DataFrame) -> dict[str, Any]:
    """Average the rows of `measure_images`, judges' answers nested by judge.

    ``people`` and ``recovered`` are counts.
    """
    summary: dict[str, Any] = {"people": len(table)}
    if "recovered" in table:
        summary["recovered"] = int(table["recovered"].sum())
        table = table.drop(columns="recovered")
    for name, value in table.mean(numeric_only=True).items():
        if table[name].dtype == bool:
            question = max((q for q in QUESTIONS if str(name).endswith(f"_{q}")), key=len)
            judge = str(name).removesuffix(f"_{question}")
            summary.setdefault("identified", {}).setdefault(judge, {})[question] = float(value)
        else:
            summary[str(name)] = float(value)
    summary["mse_255"] = summary["mse"] * 255**2
    return summary


def sameness(x: Images) -> float:
    """Give the mean correlation of images [L, H, W] with one another: 1 for one image for all."""
    if len(x) < 2:
        return 1.0
    rows = x.reshape(len(x), -1).astype(np.float64)
    with np.errstate(invalid="ignore"):  # a constant image has no correlation: like any other
        correlation = np.nan_to_num(np.corrcoef(rows), nan=1.0)
    return float(correlation[np.triu_indices(len(x), 1)].mean())


def attack_facts(arrays: dict[str, NDArray[Any]], names: list[str]) -> pd.DataFrame:
    """Tabulate how each attack went: person, cost, attack_cost, iterations, queries, stopped."""
    return pd.DataFrame(
        {
            "person": [names[label] for label in arrays["label"]],
            "cost": arrays["cost"],
            "attack_cost": arrays["attack_cost"],
            "iterations": arrays["iterations"],
            "queries": arrays["queries"],
            "stopped": arrays["stopped"],
        }
    )


def summarise_attack(facts: pd.DataFrame, threat_model: str, access: str) -> dict[str, Any]:
    """Average the rows of `attack_facts`, and count how many attacks each rule ended."""
    means = {str(name): float(v) for name, v in facts.mean(numeric_only=True).items()}
    ended = facts["stopped"].value_counts()
    return means | {
        "threat_model": threat_model,
        "access": access,
        "stopped": {rule: int(ended.get(rule, 0)) for rule in RULES},
    }
