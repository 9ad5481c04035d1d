"""countermeasure: what one costs and leaves → reports/countermeasures/<point>.json."""

import project  # noqa: F401
from trials import trials

from miface.command import run
from miface.countermeasures import parse_point
from miface.errors import MifaceError
from miface.evaluation.tradeoff import countermeasure_rows
from miface.evaluation.trial import Row
from miface.files import write_json
from miface.params.schema import load_params
from miface.progress import tell


def main(point: str) -> None:
    """Run the stage."""
    models, (name, strength) = load_params().countermeasures.sweep.models, parse_point(point)
    rows: list[Row] = []
    refused: dict[str, str] = {}
    for trial in trials(point, models):
        for model in models:
            if model in refused:
                continue
            try:
                rows += countermeasure_rows(trial, model, name, strength)
            except MifaceError as error:  # told here, in the file, and in the table
                refused[model] = str(error)
                tell(f"{point} on {model}: {error}")
    write_json(f"reports/countermeasures/{point}.json", {"rows": rows, "refused": refused})


run(main)
