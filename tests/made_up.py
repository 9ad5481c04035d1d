"""A made-up run of the pipeline, with names that are no names, for tests of the report."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from miface.faces.archive import Faces
from miface.report.experiments import Experiment

METHODS, MODELS = ("mi_face", "prior"), ("softmax", "cnn")
PAIRS = [(method, model) for method in METHODS for model in MODELS]
SECONDS = dict.fromkeys(PAIRS, 1.23)
SOURCE = {
    "passed_over": [{"name": "gone.zip", "reason": "no such file or folder"}],
    "left_out": [{"name": "<b>notes.txt", "reason": "no image"}],
    "altered": [],
    "persons": [{"name": "s1", "reason": "two folders"}],
    "converted": {"colours became grey": 3},
}


def likeness(**others: Any) -> dict[str, Any]:
    answers = {"top1": 0.25, "top5": 0.75, "lineup": 0.51, "lineup_absent": 0.62}
    sure = {"verified": 0.18, "false_match": 0.04, "face_found": 0.93}
    return {
        "people": 28, "recovered": 7, "interval": {"low": 0.127, "high": 0.434}, "swapped": 0.0,
        "photo_rank": 3.21, "mse": 0.0123, "mse_255": 801.4,
        "nrmse": 0.456, "ssim": -0.0789, "aligned_nrmse": 0.234, "aligned_ssim": 0.5678,
        "identified": {"outside": answers | {"top1": 0.5} | sure, "pixels": answers},
    } | others  # fmt: skip


def attack(**others: Any) -> dict[str, Any]:
    return likeness(
        threat_model="nothing but the model", access="holds the weights", iterations=432.1,
        queries=0.0, cost=0.0991, attack_cost=0.0882,
        stopped={"alpha": 5, "beta": 0, "gamma": 23},
    ) | others  # fmt: skip


def metrics(kind: str = "archive", training: str = "none", answers: str = "none") -> dict[str, Any]:
    photos = likeness()
    del photos["identified"]["pixels"]  # who was fitted on them is not asked
    return {
        "data": {"kind": kind, "name": "faces.zip", "photos": 400, "people": 40, "height": 112,
                 "width": 92, "digest": "2e48", "credit": "whose they are", "seed": 0},
        "variant": "ordinary", "controls_above_chance": [],
        "countermeasures": {"training": training, "answers": answers},
        "chance": {"top1": 0.025, "top5": 0.125, "lineup": 1 / 6, "lineup_absent": 1 / 6},
        "judges": {"outside": 0.99, "pixels": 0.93},
        "baselines": {"noise": likeness(aligned_ssim=0.011), "blank": likeness(),
                      "held_out_photo": photos, "own_mean": likeness()},
        "permuted": {"softmax": {"prior": likeness(threat_model="and photos", photo_rank=9.9)}},
        "softmax": {"accuracy": {"train": 1.0, "test": 0.958}},
        "cnn": {"accuracy": {"train": 0.991, "test": 0.942}},
        "mi_face": {"softmax": attack(), "cnn": attack(cost=0.987)},
        "prior": {"softmax": attack(), "cnn": attack(threat_model="and photos", people=4)},
    }  # fmt: skip


RNG = np.random.default_rng(0)
NASTY = "<img src=x onerror=alert(1)>"
NAMES = ["a|b", NASTY, "</script><script>alert(2)</script>", "_s1", "Zoë", "", "a\nb", "50%", "&"]
FACES = Faces(
    RNG.integers(0, 256, (3 * len(NAMES), 8, 6), np.uint8),
    np.repeat(np.arange(len(NAMES)), 3),
    np.tile(np.arange(3), len(NAMES)),
    np.array(NAMES),
)
TRAIN = np.flatnonzero(FACES.photo != 1)  # photo 1 is held out


def experiment(kind: str = "archive", name: str = "", alpha: int = 5) -> Experiment:
    rng = np.random.default_rng(1)
    label = np.arange(len(NAMES))
    history = np.linspace(1, 0.1, 6, dtype=np.float32)[None].repeat(len(label), 0)
    arrays: dict[str, NDArray[Any]] = {
        "x": rng.normal(size=(len(label), 8, 6)).astype(np.float32),
        "label": label,
        "cost_history": history,
        "snapshots": rng.integers(0, 256, (len(label), 3, 8, 6), np.uint8),
        "snapshot_iterations": np.array([1, 3, 5]),
    }
    people = pd.DataFrame(
        [
            {"method": method, "model": model, "person": who, "cost": 0.1, "iterations": 5,
             "queries": 0, "stopped": "alpha", "mse": 0.1, "nrmse": 0.2, "ssim": 0.3,
             "aligned_nrmse": 0.4, "aligned_ssim": 0.5, "pixels_top1": index % 2 == 0,
             "outside_top1": index % 3 == 0, "swapped_top1": True, "recovered": index % 2 == 0}
            for method, model in PAIRS
            for index, who in enumerate(NAMES)
        ]
    )  # fmt: skip
    params = f"attack:\n  alpha: {alpha}\n  gamma: 0.01\n"
    inversions = dict.fromkeys(PAIRS, arrays)
    return Experiment(name, params, metrics(kind), people, inversions, SECONDS, SOURCE)
