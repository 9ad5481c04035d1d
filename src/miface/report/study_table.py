"""The table of a study: what several seeds gave, mean ± spread."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from miface.report.tables import BASELINE_NAMES, METHOD_NAMES


def study_table(study: dict[str, Any], methods: Sequence[str], models: Sequence[str]) -> str:
    """Write a study as Markdown.

    Parameters
    ----------
    study
        The content of ``reports/study.json``.
    methods, models
        Which to show, in order.
    """
    results = study["results"]
    kinds = list(results["judges"])

    def share(value: dict[str, Any], digits: int = 0) -> str:
        spread = "" if value["spread"] is None else f" ± {100 * value['spread']:.{digits}f}"
        return f"{100 * value['mean']:.{digits}f}{spread}"

    def plain(value: dict[str, Any]) -> str:
        spread = "" if value["spread"] is None else f" ± {value['spread']:.3f}"
        return f"{value['mean']:.3f}{spread}"

    def row(first: list[str], m: dict[str, Any]) -> list[str]:
        answers = m.get("identified", {})
        cells = [
            share(answers[kind][question]) if kind in answers else ""
            for kind in kinds
            for question in ("top1", "top5", "lineup")
        ]
        return [*first, f"{m['people']['mean']:.0f}", *cells, plain(m["aligned_ssim"])]

    rows = [row([BASELINE_NAMES[name], ""], m) for name, m in results["baselines"].items()]
    rows += [
        row([METHOD_NAMES[method], model], results[method][model])
        for method in methods
        for model in models
    ]
    headers = ["images", "model", "people"]
    for kind in kinds:
        headers += [f"{kind}: first, %", "among five, %", "line-up, %"]
    headers.append("aligned SSIM")
    accuracy = [
        [model, share(results[model]["accuracy"]["train"], 1),
         share(results[model]["accuracy"]["test"], 1)]
        for model in models
    ]  # fmt: skip
    judges = [[kind, share(value, 1)] for kind, value in results["judges"].items()]
    seeds = ", ".join(map(str, study["seeds"]))
    changes = "; ".join(study["changes"]) or "none"

    def table(cells: list[list[str]], names: list[str]) -> str:
        return tabulate(cells, names, tablefmt="github", disable_numparse=True)

    return (
        f"# Study\n\nMean ± standard deviation over seeds {seeds} of split, training and attack. "
        f"Changed parameters: {changes}.\n\n"
        + table(rows, headers)
        + "\n\n"
        + table(accuracy, ["model", "training photos right, %", "held-out photos right, %"])
        + "\n\n"
        + table(judges, ["judge", "photos right that it was not fitted on, %"])
        + "\n"
    )
