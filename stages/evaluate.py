"""evaluate: measures of all models and attacks → reports/*.json, reports/per_label.csv."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import project  # noqa: F401
import torch

from miface.command import run
from miface.countermeasures import in_words
from miface.evaluation import controls
from miface.evaluation.baselines import NOBODY, baseline_images
from miface.evaluation.identification import chance
from miface.evaluation.judges import load_judges
from miface.evaluation.outside import Embedded, Outside
from miface.evaluation.results import measure_attack, measure_images, summarise_images
from miface.evaluation.yardstick import Yardstick
from miface.faces.dataset import SOURCE, load_faces, load_split
from miface.faces.split import pixels
from miface.files import read_arrays, write_json, written_whole
from miface.params.schema import Params, load_params
from miface.progress import tracked
from miface.recognisers import accuracy, device
from miface.recognisers.store import load


def main() -> None:
    """Run the stage."""
    params = load_params()
    yardstick, baselines = make_yardstick(params.seed)
    metrics = describe(params) | {"judges": yardstick.accuracy, "baselines": {}}
    everybody = np.unique(yardstick.person)
    for name, images in baselines.items():
        table = measure_images(images, everybody, yardstick, photos=name == "held_out_photo")
        metrics["baselines"][name] = summarise_images(table)

    tables = []
    pairs = [(method, model) for method in params.attack.methods for model in params.attack.models]
    for method, model in tracked(pairs, "measuring", "attack"):
        arrays = read_arrays(f"reports/inversions/{method}-{model}.npz")
        table, metrics.setdefault(method, {})[model] = measure_attack(arrays, yardstick)
        table.insert(0, "model", model)
        table.insert(0, "method", method)
        tables.append(table)
    metrics["permuted"] = {"softmax": {}}
    arrays = read_arrays("reports/controls/softmax.npz")
    for method in params.attack.methods:
        table = measure_images(arrays[f"{method}.x"], arrays[f"{method}.label"], yardstick)
        whose = {"threat_model": metrics[method][params.attack.models[0]]["threat_model"]}
        metrics["permuted"]["softmax"][method] = whose | summarise_images(table)
    metrics["controls_above_chance"] = controls.above(metrics, pairs)

    table = pd.concat(tables)
    table.insert(2, "person", load_faces().names[table.pop("label")])
    with written_whole("reports/per_label.csv") as beside:
        table.to_csv(beside, index=False, float_format="%.6g")
    write_json("reports/metrics.json", metrics)
    # The counts alone, so that DVC's tables fit a terminal; with the data, whose difference must
    # not be read as one of method.
    data = metrics["data"]
    recovered = {"data": {"source": data["name"], "digest": data["digest"][:12]}}
    recovered |= {method: {model: metrics[method][model]["recovered"]
                           for model in params.attack.models}
                  for method in params.attack.methods}  # fmt: skip
    write_json("reports/recovered.json", recovered)


def make_yardstick(seed: int) -> tuple[Yardstick, dict[str, np.ndarray]]:
    """Give all that images are measured against, and the baselines."""
    faces, (train, test) = load_faces(), load_split()
    photos, held_out = faces.images[train] / 255.0, faces.images[test] / 255.0
    person, held_out_person = faces.person[train], faces.person[test]
    baselines = baseline_images(photos, person, held_out, held_out_person, seed)
    embedded = read_arrays("data/embedded.npz")
    yardstick = Yardstick(
        photos=photos,
        person=person,
        judges=load_judges(Path("models/judges.safetensors")),
        outside=Outside(embedded["points"][train], person),
        held_out=Embedded(embedded["points"][test], embedded["found"][test]),
        held_out_person=held_out_person,
        nobody=np.concatenate([baselines[name] for name in NOBODY]),
        seed=seed,
    )
    return yardstick, baselines


def describe(params: Params) -> dict[str, Any]:
    """Give the data, what was done to it, and how good the recognisers are."""
    faces, sides = load_faces(), dict(zip(("train", "test"), load_split(), strict=True))
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    plain = {name: fact for name, fact in source.items() if not isinstance(fact, list | dict)}
    metrics: dict[str, Any] = {
        "data": plain | {"seed": params.seed},  # what became of each file stays in source.json
        "variant": params.variant,
        "countermeasures": {
            "training": in_words(params.countermeasures.training),
            "answers": in_words(params.countermeasures.answers),
        },
        "chance": chance(len(faces.names)),
    }
    x, whose = torch.from_numpy(pixels(faces)).to(device()), torch.from_numpy(faces.person)
    for model in params.attack.models:
        network = load(f"models/{model}.safetensors", device())
        right = {s: accuracy(network, x[r], whose[r].to(device())) for s, r in sides.items()}
        metrics[model] = {"accuracy": right}
    return metrics


run(main)
