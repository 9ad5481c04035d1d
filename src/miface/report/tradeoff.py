"""What countermeasures cost and leave, and what questions buy: tables, figures, and words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from scipy.stats import fisher_exact
from tabulate import tabulate

from miface.attack.access import ACCESSES
from miface.attack.asking import ASKERS
from miface.attack.methods import METHODS
from miface.countermeasures import NONE, ON_ANSWERS
from miface.evaluation.intervals import wilson
from miface.recognisers import RECOGNISERS

matplotlib.use("svg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Row = dict[str, Any]
TOLERATED = 0.02
"""Loss of held-out accuracy that a countermeasure may cost and still be recommended."""
_CERTAIN = 0.05  # of Fisher's exact test
# Okabe and Ito (2008): told apart by the colour-blind.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_MARKS = "osD^vP*X"
_WHO = {
    "everything": "Who holds the weights",
    "confidences": "Who asks for confidences",
    "labels": "Who asks for labels",
}


def named(row: Row) -> str:
    """Name a countermeasure with its strength."""
    if row["countermeasure"] == NONE:
        return NONE
    return f"{row['countermeasure']} {row['strength']:g}"


def title(method: str) -> str:
    """Name a method or an attacker who only asks for people."""
    return METHODS[method].title if method in METHODS else ASKERS[method].title


def share(row: Row) -> str:
    """Write the share recovered with its interval, in per cent."""
    low, high = row["interval"]["low"], row["interval"]["high"]
    of = f"{row['recovered']} of {row['people']}"
    return f"{of}: {100 * row['recovered'] / row['people']:.0f}% ({100 * low:.0f}–{100 * high:.0f})"


def _by(rows: Sequence[Row], *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from groups.items()


def countermeasure_table(rows: Sequence[Row]) -> str:
    """Write a table of countermeasures as Markdown: a line each, a column an access."""
    parts = []
    for (model,), of_model in _by(rows, "model"):
        lines = []
        for _, same in _by(of_model, "countermeasure", "strength"):
            accuracy = same[0]["accuracy"]
            left = {row["access"]: share(row) for row in same}
            held_out, train = (f"{100 * accuracy[side]:.1f}" for side in ("test", "train"))
            lines.append([named(same[0]), train, held_out, *(left.get(a, "") for a in _WHO)])
        headers = ["countermeasure", "training photos %", "held out %", *(w.lower() for w in _WHO.values())]  # fmt: skip
        table = tabulate(lines, headers, tablefmt="github", disable_numparse=True)
        parts.append(f"### {RECOGNISERS[model].title.capitalize()}\n\n{table}\n")
    return "\n".join(parts)


def query_table(rows: Sequence[Row]) -> str:
    """Write a table of attackers who only ask as Markdown."""
    lines = [
        [
            RECOGNISERS[row["model"]].title,
            title(row["method"]),
            row["access"],
            row["threat_model"],
            f"{row['queries']:,} {'in all' if row['per'] == 'all' else 'a person'}",
            share(row),
            f"{100 * row['top1']:.0f} / {100 * row['top5']:.0f}",
        ]
        for row in rows
    ]
    headers = ["recogniser", "attacker", "is told", "has", "may ask", "recovered", "judge's first / among five %"]  # fmt: skip
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


@dataclass(frozen=True)
class Verdict:
    """What the numbers say of all countermeasures, for one recogniser and one access.

    Attributes
    ----------
    without
        The row without a countermeasure.
    best
        Of the rows that cost at most `TOLERATED`, that of the least share recovered, if it is less
        than without.
    less, more, same, unmet
        Countermeasures by what they leave: less or more than none by Fisher's exact test, no
        difference shown, or never met, since the attacker asks nobody.
    """

    without: Row
    best: Row | None
    less: list[Row]
    more: list[Row]
    same: list[Row]
    unmet: list[Row]


def verdict(rows: Sequence[Row]) -> Verdict:
    """Judge the countermeasures in rows of one recogniser and one access."""
    without = next(row for row in rows if row["countermeasure"] == NONE)
    kinds: dict[str, list[Row]] = {"less": [], "more": [], "same": [], "unmet": []}
    for row in rows:
        if row is without:
            continue
        if row["access"] == "everything" and row["countermeasure"] in ON_ANSWERS:
            kinds["unmet"].append(row)
            continue
        counts = [[r["recovered"], r["people"] - r["recovered"]] for r in (row, without)]
        if fisher_exact(counts).pvalue >= _CERTAIN:
            kinds["same"].append(row)
        else:
            kinds["less" if _rate(row) < _rate(without) else "more"].append(row)
    least = without["accuracy"]["test"] - TOLERATED - 1e-9
    cheap = [row for row in kinds["less"] if row["accuracy"]["test"] >= least]
    return Verdict(without, min(cheap, key=_rate, default=None), **kinds)


def _rate(row: Row) -> float:
    return float(row["recovered"] / row["people"])


def in_words(rows: Sequence[Row]) -> str:
    """Say for each recogniser and access which countermeasure is worth it, and which is not."""
    lines = []
    for (model, access), same in _by(rows, "model", "access"):
        if not any(row["countermeasure"] == NONE for row in same):
            continue
        v = verdict(same)
        what = f"{_WHO[access]} of {RECOGNISERS[model].title} recovers {share(v.without)} where nothing is done."  # fmt: skip
        if v.best:
            what += f" At a cost of at most two points of accuracy, **{named(v.best)}** leaves least: {share(v.best)}."  # fmt: skip
        else:
            what += " No countermeasure that keeps accuracy within two points is shown to leave less."  # fmt: skip
        for name, text in (
            ("less", "Less than nothing done, by Fisher's exact test"),
            ("more", "More"),
            ("same", "No difference shown"),
            ("unmet", "Never met, since this attacker asks nobody"),
        ):
            if of := getattr(v, name):
                costs = ", ".join(f"{named(r)} ({100 * r['accuracy']['test']:.0f}% held out)" for r in of)  # fmt: skip
                what += f" {text}: {costs}."
        lines.append(f"- {what}")
    return "\n".join(lines)


def tradeoff_figure(rows: Sequence[Row]) -> Figure:
    """Draw held-out accuracy against the share recovered, a line a countermeasure."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    kinds = list(dict.fromkeys(row["countermeasure"] for row in rows))
    figure = Figure(figsize=(4.2 * len(_WHO), 3.6 * len(models) + 0.9), layout="constrained")
    grid = figure.subplots(len(models), len(_WHO), squeeze=False, sharey=True)
    for line, model in zip(grid, models, strict=True):
        for axes, access in zip(line, _WHO, strict=True):
            here = [row for row in rows if (row["model"], row["access"]) == (model, access)]
            for index, kind in enumerate(kinds):
                points = [row for row in here if row["countermeasure"] == kind]
                points.sort(key=lambda row: row["strength"])
                _line(axes, points, [100 * p["accuracy"]["test"] for p in points], index, kind)
            axes.set_title(f"{_WHO[access].lower()} of {RECOGNISERS[model].title}", fontsize=9)
            axes.set_xlabel("held-out accuracy, %")
        line[0].set_ylabel("people recovered, %")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def query_figure(rows: Sequence[Row]) -> Figure:
    """Draw questions against the share recovered, a line an attacker."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    attackers = list(dict.fromkeys((r["method"], r["access"], r["threat_model"]) for r in rows))
    figure = Figure(figsize=(5.2 * len(models), 5.4), layout="constrained")
    grid = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axes, model in zip(grid, models, strict=True):
        for index, attacker in enumerate(attackers):
            points = [
                row for row in rows
                if (row["model"], row["method"], row["access"], row["threat_model"])
                == (model, *attacker)
            ]  # fmt: skip
            points.sort(key=lambda row: row["queries"])
            if points:
                per = "in all" if points[0]["per"] == "all" else "a person"
                name = f"{title(attacker[0])}, {ACCESSES[attacker[1]].title}\n({attacker[2]}; questions {per})"  # fmt: skip
                _line(axes, points, [row["queries"] for row in points], index, name)
        axes.set_xscale("log")
        axes.set_title(RECOGNISERS[model].title, fontsize=10)
        axes.set_xlabel("questions")
    grid[0].set_ylabel("people recovered, %")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7.5, frameon=False)
    return figure


def _line(axes: Axes, rows: Sequence[Row], x: Sequence[float], index: int, name: str) -> None:
    """Draw rows as a line with their intervals."""
    y = [100 * _rate(row) for row in rows]
    below = [100 * (_rate(row) - row["interval"]["low"]) for row in rows]
    above = [100 * (row["interval"]["high"] - _rate(row)) for row in rows]
    axes.errorbar(
        x, y, yerr=[below, above], label=name, color=_COLOURS[index % len(_COLOURS)],
        marker=_MARKS[index * 3 % len(_MARKS)], markersize=5, linewidth=1.2, elinewidth=0.7,
        capsize=2, alpha=0.9,
    )  # fmt: skip
    axes.set_ylim(-2, 102)
    axes.grid(visible=True, linewidth=0.3)


def sharpening_table(rows: Sequence[Row]) -> str:
    """Write a table of attackers with a blurred photo as Markdown, all seeds together."""
    lines = []
    for (model, blur, method), same in _by(rows, "model", "blur", "method"):
        recovered, people = (sum(row[name] for row in same) for name in ("recovered", "people"))
        low, high = wilson(recovered, people)
        whole = {"recovered": recovered, "people": people, "interval": {"low": low, "high": high}}
        top1, top5 = (100 * sum(row[name] for row in same) / len(same) for name in ("top1", "top5"))
        lines.append(
            [RECOGNISERS[model].title, f"{blur:g}", method, same[0]["threat_model"], share(whole),
             f"{top1:.0f} / {top5:.0f}"]
        )  # fmt: skip
    headers = ["recogniser", "blur, pixels", "what is seen", "its attacker has", "recovered"]
    headers.append("judge's first / among five %")
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)
