"""countermeasure: what one costs and leaves → reports/countermeasures/<point>.json."""

import project  # noqa: F401

from miface.command import run
from miface.countermeasures import parse_point
from miface.errors import MifaceError
from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import Row, Trial, countermeasure_rows
from miface.faces.dataset import load_faces
from miface.files import read_arrays, write_json
from miface.params.schema import load_params
from miface.progress import tell, tracked


def main(point: str) -> None:
    """Run the stage."""
    params, faces = load_params(), load_faces()
    embedded = Embedded(**read_arrays("data/embedded.npz"))
    sweep, (name, strength) = params.countermeasures.sweep, parse_point(point)
    rows: list[Row] = []
    refused: dict[str, str] = {}
    for seed in tracked(sweep.seeds, point, "seed"):
        trial = Trial(params, faces, embedded, seed)
        for model in (m for m in sweep.models if m not in refused):
            try:
                rows += countermeasure_rows(trial, model, name, strength)
            except MifaceError as error:
                refused[model] = str(error)
                tell(f"{point} on {model}: {error}")
    write_json(f"reports/countermeasures/{point}.json", {"rows": rows, "refused": refused})


run(main)
