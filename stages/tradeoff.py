"""tradeoff: countermeasures and questions put together → reports/*.json, tradeoff.md, tradeoff/."""

import json
from pathlib import Path
from typing import Any

import project  # noqa: F401

from miface.command import run
from miface.evaluation.tradeoff import together
from miface.evaluation.trial import Row
from miface.faces.dataset import SOURCE
from miface.files import write_json, written_whole
from miface.params.schema import Params, load_params
from miface.progress import tell
from miface.report.tradeoff_figures import query_figure, tradeoff_figure
from miface.report.verdicts import countermeasure_table, in_words, query_table, sharpening_table


def main() -> None:
    """Run the stage."""
    params = load_params()
    sweep, queries = params.countermeasures.sweep, params.queries
    points, refused = read([f"countermeasures/{point}" for point in sweep.points])
    pairs = [f"queries/{who}-{model}" for who in queries.attackers for model in sweep.models]
    asked, _ = read(pairs)
    blurred = [row for model in sweep.models for row in load(f"sharpening/{model}")["rows"]]
    write_json("reports/countermeasures.json", points)
    write_json("reports/sharpening.json", blurred)
    write_json("reports/queries.json", asked)
    with written_whole("reports/tradeoff") as folder:
        folder.mkdir()
        tradeoff_figure(points).savefig(folder / "countermeasures.png", dpi=130)
        query_figure(asked).savefig(folder / "queries.png", dpi=130)
    with written_whole("reports/tradeoff.md") as beside:
        beside.write_text(
            text(params, points, asked, refused) + blurred_text(blurred), encoding="utf-8"
        )
    tell(f"{in_words(points)}\n\nTables and figures: {Path('reports/tradeoff.md').resolve()}")


def load(name: str) -> dict[str, Any]:
    """Read what a stage left."""
    content: dict[str, Any] = json.loads(Path(f"reports/{name}.json").read_text(encoding="utf-8"))
    return content


def read(names: list[str]) -> tuple[list[Row], dict[str, dict[str, str]]]:
    """Give the rows of points, seeds put together, and which recognisers each refused."""
    found = {name: load(name) for name in names}
    refused = {Path(n).name: each["refused"] for n, each in found.items() if each.get("refused")}
    return together([row for each in found.values() for row in each["rows"]]), refused


def text(
    params: Params, points: list[Row], asked: list[Row], refused: dict[str, dict[str, str]]
) -> str:
    """Write both tables with what they are of."""
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    seeds = params.countermeasures.sweep.seeds
    lines = [
        "# What countermeasures cost and leave",
        f"Photos: {source['name']}, {source['people']} people; recipes: {params.variant}; seeds "
        f"{', '.join(map(str, seeds))}. Recovered: the judge from outside names the person first; "
        "95% intervals after Wilson, over people and seeds together. Attackers know of the "
        "countermeasure.",
        in_words(points),
        countermeasure_table(points),
        *(f"{p} is not for {m}: {why}" for p, each in refused.items() for m, why in each.items()),
        "# What questions buy",
        query_table(asked),
    ]
    return "\n\n".join(lines) + "\n"


def blurred_text(blurred: list[Row]) -> str:
    """Write the table of blurred photos."""
    return f"\n# What a blurred photo adds\n\n{sharpening_table(blurred)}\n"


run(main)
