"""evaluate: measures of all models and attacks → reports/metrics.json, reports/per_label.csv."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from miface.command import run
from miface.evaluation.results import Recovered, measure_people, summarise
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
    train, test = load_split()
    x = torch.from_numpy(pixels(faces)).to(device())
    person = torch.from_numpy(faces.person).to(device())
    photos = faces.images[train] / 255.0
    metrics: dict[str, Any] = {"data": json.loads(SOURCE.read_text(encoding="utf-8"))}
    tables = []
    for model in params.attack.models:
        network = load(f"models/{model}.safetensors", device()).network
        sides = {"train": train, "test": test}
        metrics[model] = {
            "accuracy": {s: accuracy(network, x[rows], person[rows]) for s, rows in sides.items()}
        }
    for method in params.attack.methods:
        metrics[method] = {}
        for model in params.attack.models:
            timing = json.loads(Path(f"reports/timing/{method}-{model}.json").read_text())
            arrays = read_arrays(f"reports/inversions/{method}-{model}.npz")
            recovered = Recovered(method, model, arrays, timing["seconds"])
            people = measure_people(recovered, photos, faces.person[train], faces.names.tolist())
            metrics[method][model] = summarise(people, timing["seconds"])
            tables.append(people)
    with written_whole("reports/per_label.csv") as beside:
        pd.concat(tables).to_csv(beside, index=False, float_format="%.6g")
    write_json("reports/metrics.json", metrics)


run(main)
