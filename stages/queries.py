"""queries: an attacker who only asks, within budgets → reports/queries/<attacker>-<model>.json."""

import project  # noqa: F401
from trials import trials

from miface.command import run
from miface.evaluation.tradeoff import query_rows
from miface.evaluation.trial import Row
from miface.files import write_json


def main(attacker: str, model: str) -> None:
    """Run the stage."""
    rows: list[Row] = []
    for trial in trials(f"{attacker} on {model}", [model]):
        rows += query_rows(trial, model, attacker)
    write_json(f"reports/queries/{attacker}-{model}.json", {"rows": rows})


run(main)
