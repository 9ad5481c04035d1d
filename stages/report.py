"""report: tables and figures → reports/report.md, reports/figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from miface.command import run, tell
from miface.faces.dataset import load_faces, load_split
from miface.faces.split import pixels
from miface.files import read_arrays, written_whole
from miface.models.networks import StackedAutoencoder
from miface.models.recognisers import reconstruct
from miface.models.store import load
from miface.params import load_params
from miface.report.curves import read_curves
from miface.report.figures import training_curves
from miface.report.markdown import markdown
from miface.report.people import (
    autoencoder_figure,
    extremes_figure,
    gallery_figure,
    overview_figure,
)
from miface.report.tables import METHOD_NAMES


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    train, test = load_split()
    models, methods = list(params.attack.models), list(params.attack.methods)
    people = pd.read_csv("reports/per_label.csv", dtype={"person": str}, keep_default_na=False)
    figures: dict[str, tuple[str, Figure]] = {}
    inversions = {
        (method, model): read_arrays(f"reports/inversions/{method}-{model}.npz")
        for method in methods
        for model in models
    }
    for method in methods:
        shown = {model: inversions[method, model] for model in models}
        heading = f"{METHOD_NAMES[method]}: some people"
        pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
            model: (arrays["x"], arrays["label"]) for model, arrays in shown.items()
        }
        figures[f"overview-{method}"] = (heading, overview_figure(pairs, faces, train, heading))
    for model in models:
        curves = read_curves(Path(f"reports/training/{model}"))
        figures[f"training-{model}"] = (f"Training of {model}", training_curves(curves, model))
    if "dae" in models:
        network = load("models/dae.safetensors", torch.device("cpu")).network
        assert isinstance(network, StackedAutoencoder)
        some = test[:: max(1, len(test) // 8)][:8]
        once = reconstruct(network, torch.from_numpy(pixels(faces)[some]))
        stages = [pixels(faces)[some], once.numpy(), reconstruct(network, once).numpy()]
        images = np.stack(stages).reshape(3, len(some), *faces.images.shape[1:])
        heading = "Held-out photos, encoded and decoded once and twice (the report's Figure 3)"
        figures["autoencoder"] = (heading, autoencoder_figure(images, heading))
    for method in methods:
        for model in models:
            arrays = inversions[method, model]
            rows = people[(people["method"] == method) & (people["model"] == model)]
            for kind, draw in (("extremes", extremes_figure), ("gallery", gallery_figure)):
                heading = f"{METHOD_NAMES[method]} on {model}: {kind}"
                figure = draw(arrays["x"], arrays["label"], rows, faces, train, heading)
                figures[f"{kind}-{method}-{model}"] = (heading, figure)
    with written_whole("reports/figures") as folder:
        folder.mkdir()
        for name, (_, figure) in figures.items():
            figure.savefig(folder / f"{name}.png", dpi=100)
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    listed = [(heading, f"figures/{name}.png", heading) for name, (heading, _) in figures.items()]
    with written_whole("reports/report.md") as beside:
        beside.write_text(markdown(metrics, methods, models, listed), encoding="utf-8")
    tell(f"the report: {Path('reports/report.md').resolve()}")


run(main)
