"""queries: an attacker who only asks, within budgets → reports/queries/<attacker>-<model>.json."""

import project  # noqa: F401

from miface.command import run
from miface.evaluation.tradeoff import Row, query_rows
from miface.evaluation.trials import trials
from miface.files import write_json
from miface.params.schema import load_params


def main(attacker: str, model: str) -> None:
    """Run the stage."""
    rows: list[Row] = []
    for trial in trials(load_params(), f"{attacker} on {model}"):
        rows += query_rows(trial, model, attacker)
    write_json(f"reports/queries/{attacker}-{model}.json", {"rows": rows})


run(main)
