"""sharpening: a blurred photo, alone and with the model → reports/sharpening/<model>.json."""

import project  # noqa: F401

from miface.command import run
from miface.evaluation.blurred import sharpening_rows
from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import Row, Trial
from miface.faces.dataset import load_faces
from miface.files import read_arrays, write_json
from miface.params.schema import load_params
from miface.progress import tracked


def main(model: str) -> None:
    """Run the stage."""
    params, faces = load_params(), load_faces()
    embedded = Embedded(**read_arrays("data/embedded.npz"))
    rows: list[Row] = []
    for seed in tracked(params.countermeasures.sweep.seeds, f"sharpening with {model}", "seed"):
        rows += sharpening_rows(Trial(params, faces, embedded, seed), model)
    write_json(f"reports/sharpening/{model}.json", {"rows": rows})


run(main)
