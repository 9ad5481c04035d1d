"""queries: an attacker who only asks, within budgets → reports/queries/<attacker>-<model>.json."""

import project  # noqa: F401

from miface.command import run
from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import Row, Trial, query_rows
from miface.faces.dataset import load_faces
from miface.files import read_arrays, write_json
from miface.params.schema import load_params
from miface.progress import tracked


def main(attacker: str, model: str) -> None:
    """Run the stage."""
    params, faces = load_params(), load_faces()
    embedded = Embedded(**read_arrays("data/embedded.npz"))
    rows: list[Row] = []
    for seed in tracked(params.queries.seeds, f"{attacker} on {model}", "seed"):
        rows += query_rows(Trial(params, faces, embedded, seed), model, attacker)
    write_json(f"reports/queries/{attacker}-{model}.json", {"rows": rows})


run(main)
