"""countermeasure: what one costs and leaves → reports/countermeasures/<point>.json."""

import project  # noqa: F401

from miface.command import run
from miface.countermeasures import parse_point
from miface.errors import MifaceError
from miface.evaluation.tradeoff import Row, countermeasure_rows
from miface.evaluation.trials import trials
from miface.files import write_json
from miface.params.schema import load_params
from miface.progress import tell


def main(point: str) -> None:
    """Run the stage."""
    params, (name, strength) = load_params(), parse_point(point)
    rows: list[Row] = []
    refused: dict[str, str] = {}
    for trial in trials(params, point):
        for model in params.countermeasures.sweep.models:
            if model in refused:
                continue
            try:
                rows += countermeasure_rows(trial, model, name, strength)
            except MifaceError as error:  # told here, in the file, and in the table
                refused[model] = str(error)
                tell(f"{point} on {model}: {error}")
    write_json(f"reports/countermeasures/{point}.json", {"rows": rows, "refused": refused})


run(main)
