"""report: the page, galleries and data of plots → reports/index.html, figures, plots."""

from pathlib import Path

import project  # noqa: F401
import torch
from tabulate import tabulate

from miface.command import run
from miface.faces.dataset import load_split
from miface.faces.sources import unused
from miface.files import written_whole
from miface.progress import tell
from miface.recognisers.recogniser import Coded
from miface.recognisers.store import load
from miface.report.curves import cost_table, read_curves, training_chart
from miface.report.experiments import load_experiment, load_photos
from miface.report.galleries import encoded_twice, everybody, overview
from miface.report.page import render
from miface.report.pictures import typical_photos
from miface.report.tables import recovered_counts, summary_table


def main() -> None:
    """Run the stage."""
    experiment = load_experiment("", lambda path: Path(path).read_bytes())
    faces, train = load_photos("", lambda path: Path(path).read_bytes())
    photos = typical_photos(faces, train) / 255
    with written_whole("reports/figures") as folder:
        folder.mkdir()
        for method, model in experiment.inversions:
            picture = everybody(experiment, (method, model), photos)
            picture.save(folder / f"gallery-{method}-{model}.png")
        for method in experiment.methods:
            overview(experiment, method, photos).save(folder / f"overview-{method}.png")
        for model in experiment.models:
            recogniser = load(f"models/{model}.safetensors", torch.device("cpu"))
            if isinstance(recogniser, Coded):
                _, test = load_split()
                some = test[:: max(1, len(test) // 8)][:8]
                pictures = encoded_twice(recogniser, faces.images[some] / 255)
                pictures.save(folder / f"autoencoder-{model}.png")
    with written_whole("reports/plots") as folder:
        folder.mkdir()
        costs, counts = cost_table(experiment.inversions), recovered_counts(experiment.people)
        costs.to_csv(folder / "cost.csv", index=False, float_format="%.5g")
        counts.to_csv(folder / "recovered.csv", index=False)
    charts = {
        model: training_chart(read_curves(Path(f"reports/training/{model}")), model)
        for model in experiment.models
    }
    with written_whole("reports/index.html") as beside:
        beside.write_text(render([experiment], faces, train, charts), encoding="utf-8")
    headers, rows = summary_table(experiment.metrics, experiment.methods, experiment.models)
    tell(f"\nRecovered people:\n\n{tabulate(rows, headers)}\n")
    for line in unused(experiment.source):  # as fetch said, long ago
        tell(f"NOTE: {line}\n")
    tell(f"The report: {Path('reports/index.html').resolve()}")


run(main)
