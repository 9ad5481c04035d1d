"""What countermeasures cost and leave, and what questions buy, drawn."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray

from miface.attack.access import ACCESSES
from miface.countermeasures import NONE
from miface.recognisers import RECOGNISERS
from miface.report.verdicts import WHO, Row, rate, title

matplotlib.use("svg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito (2008): told apart by the colour-blind.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_MARKS = "osD^vP*X"


def tradeoff_figure(rows: Sequence[Row]) -> Figure:
    """Draw held-out accuracy against the share recovered, a line a countermeasure.

    The scale of accuracy is one of errors, so that 95% and 97% lie as far apart as 50% and 70%.
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    kinds = [kind for kind in dict.fromkeys(r["countermeasure"] for r in rows) if kind != NONE]
    figure = Figure(figsize=(4.6 * len(WHO), 4 * len(models) + 0.9), layout="constrained")
    grid = figure.subplots(len(models), len(WHO), squeeze=False, sharey=True)
    for line, model in zip(grid, models, strict=True):
        for axes, access in zip(line, WHO, strict=True):
            here = [row for row in rows if (row["model"], row["access"]) == (model, access)]
            for without in (row for row in here if row["countermeasure"] == NONE):
                y = 100 * np.array([*without["interval"].values()])
                axes.axhspan(*y, color="#888888", alpha=0.15, linewidth=0)
                axes.axhline(100 * rate(without), color="#555555", linewidth=1, linestyle="--")
            axes.set_xscale("function", functions=(_from_accuracy, _to_accuracy))
            axes.set_xticks([50, 80, 90, 95, 98, 100])
            for index, kind in enumerate(kinds):
                points = [row for row in here if row["countermeasure"] == kind]
                points.sort(key=lambda row: row["strength"])
                _line(axes, points, [100 * p["accuracy"]["test"] for p in points], index, kind)
            axes.set_title(f"{WHO[access].lower()} of {RECOGNISERS[model].title}", fontsize=9)
            axes.set_xlabel("held-out accuracy, %")
        line[0].set_ylabel("people recovered, %")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=7, fontsize=8, frameon=False)
    figure.suptitle("Dashed, and grey: nothing done, and its interval", fontsize=9)
    return figure


_NEAREST = 2.0  # per cent below perfect that are still drawn apart


def _from_accuracy(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.log10(np.maximum(100 - accuracy, 0) + _NEAREST)


def _to_accuracy(place: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 + _NEAREST - 10.0**-place


def query_figure(rows: Sequence[Row]) -> Figure:
    """Draw questions against the share recovered, a line an attacker.

    Drawn through are those whose questions serve everybody; dashed, those who ask for each person.
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    attackers = list(dict.fromkeys((r["method"], r["access"], r["threat_model"]) for r in rows))
    figure = Figure(figsize=(max(9.0, 4.8 * len(models)), 5.6), layout="constrained")
    grid = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axes, model in zip(grid, models, strict=True):
        for index, (method, access, knows) in enumerate(attackers):
            same = {"model": model, "method": method, "access": access, "threat_model": knows}
            points = [row for row in rows if same.items() <= row.items()]
            points.sort(key=lambda row: row["queries"])
            per = "in all" if points and points[0]["per"] == "all" else "a person"
            name = f"{title(method)}, {ACCESSES[access].title} ({knows}; {per})"
            _line(axes, points, [r["queries"] for r in points], index, name, dashed=per != "in all")
        axes.set_xscale("log")
        axes.set_title(RECOGNISERS[model].title, fontsize=10)
        axes.set_xlabel("questions")
    grid[0].set_ylabel("people recovered, %")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1, fontsize=8, frameon=False)
    return figure


def _line(
    axes: Axes, rows: Sequence[Row], x: Sequence[float], index: int, name: str, dashed: bool = False
) -> None:
    """Draw rows as a line with their intervals."""
    y = [100 * rate(row) for row in rows]
    below = [100 * (rate(row) - row["interval"]["low"]) for row in rows]
    above = [100 * (row["interval"]["high"] - rate(row)) for row in rows]
    axes.errorbar(
        x, y, yerr=[below, above], label=name, color=_COLOURS[index % len(_COLOURS)],
        marker=_MARKS[(3 * index + index // len(_COLOURS)) % len(_MARKS)], markersize=6,
        linewidth=1.2, elinewidth=0.6,
        linestyle="--" if dashed else "-", capsize=2, alpha=0.9,
    )  # fmt: skip
    axes.grid(visible=True, linewidth=0.3)
