"""evaluate: measures of all models and attacks → reports/*.json, reports/per_label.csv."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from miface.command import run
from miface.evaluation.baselines import baseline_images
from miface.evaluation.identification import chance
from miface.evaluation.recognisers import load_recognisers
from miface.evaluation.results import (
    Judges,
    attack_facts,
    measure_images,
    sameness,
    summarise_attack,
    summarise_images,
)
from miface.faces.dataset import SOURCE, load_faces, load_split
from miface.faces.split import pixels
from miface.files import read_arrays, write_json, written_whole
from miface.models.recognisers import accuracy, device
from miface.models.store import load
from miface.params import load_params


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    sides = dict(zip(("train", "test"), load_split(), strict=True))
    photos = {side: faces.images[rows] / 255.0 for side, rows in sides.items()}
    person = {side: faces.person[rows] for side, rows in sides.items()}
    metrics: dict[str, Any] = {
        "data": json.loads(SOURCE.read_text(encoding="utf-8")) | {"seed": params.seed},
        "chance": chance(len(faces.names)),
    }

    x, whose = torch.from_numpy(pixels(faces)).to(device()), torch.from_numpy(faces.person)
    for model in params.attack.models:
        network = load(f"models/{model}.safetensors", device()).network
        metrics[model] = {
            "accuracy": {
                s: accuracy(network, x[rows], whose[rows].to(device())) for s, rows in sides.items()
            }
        }

    recognisers = load_recognisers(Path("models/judges.safetensors"))
    judges = Judges(photos["train"], person["train"], recognisers, params.seed)
    metrics["recognisers"] = judges.accuracy
    baselines = baseline_images(
        photos["train"], person["train"], photos["test"], person["test"], params.seed
    )
    metrics["baselines"] = {}
    for name, images in baselines.items():
        everybody, fitted_on = person["train"], name == "held_out_photo"
        table = measure_images(images, pd.unique(everybody), judges, identified=not fitted_on)
        metrics["baselines"][name] = summarise_images(table)

    tables = []
    pairs = [(method, model) for method in params.attack.methods for model in params.attack.models]
    for method, model in tqdm(pairs, desc="measuring", disable=None):
        timing = json.loads(Path(f"reports/timing/{method}-{model}.json").read_text())
        arrays = read_arrays(f"reports/inversions/{method}-{model}.npz")
        facts = attack_facts(arrays, faces.names.tolist())
        measures = measure_images(arrays["x"], arrays["label"], judges)
        how = summarise_attack(facts, str(arrays["threat_model"]), timing["seconds"])
        summary = how | summarise_images(measures) | {"sameness": sameness(arrays["x"])}
        metrics.setdefault(method, {})[model] = summary
        table = pd.concat([facts, measures], axis=1)
        table.insert(0, "model", model)
        table.insert(0, "method", method)
        tables.append(table)
    with written_whole("reports/per_label.csv") as beside:
        pd.concat(tables).to_csv(beside, index=False, float_format="%.6g")
    write_json("reports/metrics.json", metrics)
    write_json(
        "reports/recovered.json",
        {method: {model: metrics[method][model]["recovered"] for model in params.attack.models}
         for method in params.attack.methods},
    )  # fmt: skip


run(main)
