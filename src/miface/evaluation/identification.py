"""Whom judges see in an image: first, among five, and in a line-up."""

import numpy as np
from numpy.typing import NDArray

from miface.evaluation.judges.judge import Scores

LINE_UP = 5
"""People in a line-up, as in Fredrikson et al. (2015), who asked workers to pick one or none."""


ANSWERS = ("top1", "top5", "lineup", "lineup_absent", "verified", "false_match", "face_found")
"""What judges answer: the first four all of them (`identify`), the others the one from outside."""


def rank_of(scores: Scores, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the place of each image's own label among all people: 1 is first, and ties are lost.

    Parameters
    ----------
    scores
        float64 [n, P], log-probabilities.
    label
        int64 [n].
    """
    own = scores[np.arange(len(label)), label]
    return (~(scores < own[:, None])).sum(1)  # so that NaN comes last


def line_ups(
    label: NDArray[np.int64], people: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw a line-up with the person in it, and one without, for each image.

    Returns
    -------
    present, absent
        int64 [n, 5]: the first column of `present` is the label. With fewer than six people a
        line-up is as large as can be.
    """
    rng = np.random.default_rng(seed)
    size = min(LINE_UP, people - 1)
    others = [rng.permutation(np.setdiff1d(np.arange(people), [who]))[:size] for who in label]
    absent = np.stack(others)
    return np.column_stack([label, absent[:, : size - 1]]), absent


def fit_threshold(scores: Scores, label: NDArray[np.int64], seed: int) -> float:
    """Choose the log-probability below which a judge says "none of them".

    Parameters
    ----------
    scores, label
        What the judge makes of real photos.

    Returns
    -------
    float
        The threshold that is right most often over line-ups with and without the person.
    """
    present, absent = line_ups(label, scores.shape[1], seed)
    shown = np.take_along_axis(scores, present, 1)
    right = shown.argmax(1) == 0
    kept = shown.max(1)
    wrong = np.take_along_axis(scores, absent, 1).max(1)
    candidates = np.unique(np.concatenate([kept, wrong]))
    balance = [
        ((kept >= t) & right).mean() + (wrong < t).mean() for t in candidates
    ]  # fmt: skip
    return float(candidates[int(np.argmax(balance))])


def identify(
    scores: Scores, label: NDArray[np.int64], threshold: float, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Say for each image whether a judge finds its person.

    Parameters
    ----------
    scores, label
        What the judge makes of the images, and whose they are.
    threshold
        Of `fit_threshold`.
    seed
        Seed of the line-ups.

    Returns
    -------
    dict of bool [n]
        ``top1``, ``top5``, ``lineup`` (the person is picked among five, with "none of them" as a
        sixth answer) and ``lineup_absent`` ("none of them" is said where the person is missing).
    """
    rank = rank_of(scores, label)
    present, absent = line_ups(label, scores.shape[1], seed)
    shown = np.take_along_axis(scores, present, 1)
    wrong = np.take_along_axis(scores, absent, 1).max(1)
    return {
        "top1": rank == 1,
        "top5": rank <= 5,
        "lineup": (shown.argmax(1) == 0) & (shown.max(1) >= threshold),
        "lineup_absent": wrong < threshold,
    }


def chance(people: int) -> dict[str, float]:
    """Give what guessing gets: the share of right answers of each kind."""
    return {
        "top1": 1 / people,
        "top5": min(1.0, 5 / people),
        "lineup": 1 / (min(LINE_UP, people - 1) + 1),
        "lineup_absent": 1 / (min(LINE_UP, people - 1) + 1),
    }
