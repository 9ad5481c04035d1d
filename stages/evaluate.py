"""evaluate: measures of all models and attacks → reports/*.json, reports/per_label.csv."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import project  # noqa: F401
import torch

from miface.command import run
from miface.countermeasures import in_words
from miface.evaluation.baselines import baseline_images
from miface.evaluation.identification import chance
from miface.evaluation.judges import load_judges
from miface.evaluation.results import (
    Yardstick,
    attack_facts,
    measure_images,
    sameness,
    summarise_attack,
    summarise_images,
)
from miface.faces.dataset import SOURCE, load_faces, load_split
from miface.faces.split import pixels
from miface.files import read_arrays, write_json, written_whole
from miface.params.schema import load_params
from miface.progress import tracked
from miface.recognisers import accuracy, device
from miface.recognisers.store import load


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    sides = dict(zip(("train", "test"), load_split(), strict=True))
    photos = {side: faces.images[rows] / 255.0 for side, rows in sides.items()}
    person = {side: faces.person[rows] for side, rows in sides.items()}
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    plain = {name: fact for name, fact in source.items() if not isinstance(fact, list | dict)}
    metrics: dict[str, Any] = {
        "data": plain | {"seed": params.seed},  # what became of each file stays in source.json
        "countermeasures": {
            "training": in_words(params.countermeasures.training),
            "answers": in_words(params.countermeasures.answers),
        },
        "chance": chance(len(faces.names)),
    }

    x, whose = torch.from_numpy(pixels(faces)).to(device()), torch.from_numpy(faces.person)
    for model in params.attack.models:
        network = load(f"models/{model}.safetensors", device())
        metrics[model] = {
            "accuracy": {
                s: accuracy(network, x[rows], whose[rows].to(device())) for s, rows in sides.items()
            }
        }

    judges = load_judges(Path("models/judges.safetensors"))
    yardstick = Yardstick(photos["train"], person["train"], judges, params.seed)
    metrics["judges"] = yardstick.accuracy
    baselines = baseline_images(
        photos["train"], person["train"], photos["test"], person["test"], params.seed
    )
    metrics["baselines"] = {}
    for name, images in baselines.items():
        everybody, fitted_on = person["train"], name == "held_out_photo"
        table = measure_images(images, pd.unique(everybody), yardstick, identified=not fitted_on)
        metrics["baselines"][name] = summarise_images(table)

    tables = []
    pairs = [(method, model) for method in params.attack.methods for model in params.attack.models]
    for method, model in tracked(pairs, "measuring", "attack"):
        arrays = read_arrays(f"reports/inversions/{method}-{model}.npz")
        facts = attack_facts(arrays, faces.names.tolist())
        measures = measure_images(arrays["x"], arrays["label"], yardstick)
        how = summarise_attack(facts, str(arrays["threat_model"]), str(arrays["access"]))
        summary = how | summarise_images(measures) | {"sameness": sameness(arrays["x"])}
        metrics.setdefault(method, {})[model] = summary
        table = pd.concat([facts, measures], axis=1)
        table.insert(0, "model", model)
        table.insert(0, "method", method)
        tables.append(table)
    with written_whole("reports/per_label.csv") as beside:
        pd.concat(tables).to_csv(beside, index=False, float_format="%.6g")
    write_json("reports/metrics.json", metrics)
    # The counts alone, so that DVC's tables fit a terminal; with the data, whose difference must
    # not be read as one of method.
    data = metrics["data"]
    recovered = {"data": {"source": data["name"], "digest": data["digest"][:12]}}
    recovered |= {method: {model: metrics[method][model]["recovered"]
                           for model in params.attack.models}
                  for method in params.attack.methods}  # fmt: skip
    write_json("reports/recovered.json", recovered)


run(main)
