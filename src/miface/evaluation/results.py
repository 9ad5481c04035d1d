"""The measures of every attack, a row a person, and their means, a group a model."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from miface.evaluation.identification import ANSWERS, identify, rank_of
from miface.evaluation.intervals import wilson
from miface.evaluation.outside import embed, lead, normalised
from miface.evaluation.yardstick import OUTSIDE, Yardstick

RULES = ("alpha", "beta", "gamma")
SWAPPED = "swapped"
"""What the answers about images under another's name are called."""
Images = NDArray[np.floating]
Labels = NDArray[np.int64]


def measure_images(
    x: Images, label: Labels, yardstick: Yardstick, *, photos: bool = False
) -> pd.DataFrame:
    """Measure images against the photos of the people they should show.

    Parameters
    ----------
    x, label
        [L, H, W] in pixel units, and int64 [L] whose they are.
    yardstick
        What to measure against.
    photos
        Whether these are photos: then the judge from outside sees them as they are, and the others,
        which were fitted on them, are not asked.

    Returns
    -------
    DataFrame
        A row for each image: the measures of `similarity_to_person`, ``photo_rank`` (the person's
        place when people are ordered by their nearest training photo, by the correlation of
        pixels; 1 is first), ``<judge>_<question>`` for the answers of `identify`, the judge from
        outside's ``outside_verified``, ``outside_false_match`` and ``outside_face_found``, and
        ``recovered``.

    Notes
    -----
    *Recovered*: the judge from outside sees the person first of all, and further ahead of the
    second than in any image of nobody. With 40 people the second condition hardly matters; with six
    a blank image, too, has somebody whom it is nearest to.
    """
    with ThreadPoolExecutor() as pool:
        alike = pool.map(lambda image, who: yardstick.photos_of(who).compare(image), x, label)
        table = pd.DataFrame(list(alike))
    table["photo_rank"] = photo_rank(x, label, yardstick.photos, yardstick.person)
    embedded = embed(x if photos else normalised(x))
    scores = {OUTSIDE: yardstick.outside(embedded.points)}
    if not photos:
        scores |= {name: judge(x) for name, judge in yardstick.judges.items()}
    for name, score in scores.items():
        answers = identify(score, label, yardstick.thresholds[name], yardstick.seed)
        for question, answer in answers.items():
            table[f"{name}_{question}"] = answer
    verified, false_match = yardstick.outside.verify(embedded.points, label)
    table[f"{OUTSIDE}_verified"] = verified
    table[f"{OUTSIDE}_false_match"] = false_match
    table[f"{OUTSIDE}_face_found"] = embedded.found
    ahead = lead(scores[OUTSIDE])[np.arange(len(label)), label]
    table["recovered"] = (ahead > 0) & (ahead > yardstick.lead_of_nobody[label])
    # A control: the same images, each held to be the next person's.
    other = np.roll(label, 1)
    table[f"{SWAPPED}_top1"] = (rank_of(scores[OUTSIDE], other) == 1) & (other != label)
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

    ``people`` and ``recovered`` are counts; ``interval`` is Wilson's, of the share recovered.
    """
    count, people = int(table["recovered"].sum()), len(table)
    low, high = wilson(count, people)
    summary: dict[str, Any] = {"people": people, "recovered": count}
    summary["interval"] = {"low": low, "high": high}
    for name, value in table.drop(columns="recovered").mean(numeric_only=True).items():
        answers = [a for a in ANSWERS if str(name).endswith(f"_{a}")]
        if answers:
            question = max(answers, key=len)
            judge = str(name).removesuffix(f"_{question}")
            summary.setdefault("identified", {}).setdefault(judge, {})[question] = float(value)
        else:
            summary[str(name)] = float(value)
    summary[SWAPPED] = summary["identified"].pop(SWAPPED)["top1"]
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


def measure_attack(
    arrays: dict[str, NDArray[Any]], yardstick: Yardstick
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure an attack: a row a person, and their summary.

    Parameters
    ----------
    arrays
        Of an `Inversion`, with ``threat_model`` and ``access`` in words.
    yardstick
        What to measure against.

    Returns
    -------
    table, summary
        label, cost, attack_cost, iterations, queries, stopped and the columns of `measure_images`;
        and their means, how many attacks each rule ended, and how alike the images are.
    """
    names = ("label", "cost", "attack_cost", "iterations", "queries", "stopped")
    facts = pd.DataFrame({name: arrays[name] for name in names})
    measures = measure_images(arrays["x"], arrays["label"], yardstick)
    numbers = facts.drop(columns="label").mean(numeric_only=True)
    ended = facts["stopped"].value_counts()
    summary = {str(name): float(value) for name, value in numbers.items()} | {
        "threat_model": str(arrays["threat_model"]),
        "access": str(arrays["access"]),
        "stopped": {rule: int(ended.get(rule, 0)) for rule in RULES},
    }
    summary |= summarise_images(measures) | {"sameness": sameness(arrays["x"])}
    return pd.concat([facts, measures], axis=1), summary
