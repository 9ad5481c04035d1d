"""sharpening: a blurred photo, alone and with the model → reports/sharpening/<model>.json."""

import project  # noqa: F401
from trials import trials

from miface.command import run
from miface.evaluation.blurred import sharpening_rows
from miface.evaluation.trial import Row
from miface.files import write_json
from miface.params.schema import load_params


def main(model: str) -> None:
    """Run the stage."""
    blurs = load_params().sharpening.blurs
    rows: list[Row] = []
    for trial in trials(f"sharpening with {model}", [model]):
        rows += sharpening_rows(trial, model, blurs)
    write_json(f"reports/sharpening/{model}.json", {"rows": rows})


run(main)
