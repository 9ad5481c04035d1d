"""What countermeasures cost and leave, and what questions buy: tables, and a verdict in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import fisher_exact
from tabulate import tabulate

from miface.attack.asking import ASKERS
from miface.attack.methods import METHODS
from miface.countermeasures import NONE, ON_ANSWERS
from miface.evaluation.intervals import wilson
from miface.recognisers import RECOGNISERS

Row = dict[str, Any]
TOLERATED = 0.02
"""Loss of held-out accuracy that a countermeasure may cost and still be recommended."""
_CERTAIN = 0.05  # of Fisher's exact test
WHO = {
    "everything": "Who holds the weights",
    "confidences": "Who asks for confidences",
    "labels": "Who asks for labels",
}
"""Attackers by their access, in words."""


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
            lines.append([named(same[0]), train, held_out, *(left.get(a, "") for a in WHO)])
        headers = ["countermeasure", "training photos %", "held out %"]
        headers += [who.lower() for who in WHO.values()]
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
    headers = ["recogniser", "attacker", "is told", "has", "may ask", "recovered"]
    headers.append("judge's first / among five %")
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
        if fisher_exact(np.array(counts)).pvalue >= _CERTAIN:
            kinds["same"].append(row)
        else:
            kinds["less" if rate(row) < rate(without) else "more"].append(row)
    least = without["accuracy"]["test"] - TOLERATED - 1e-9
    cheap = [row for row in kinds["less"] if row["accuracy"]["test"] >= least]
    return Verdict(without, min(cheap, key=rate, default=None), **kinds)


def rate(row: Row) -> float:
    """Give the share recovered."""
    return float(row["recovered"] / row["people"])


def in_words(rows: Sequence[Row]) -> str:
    """Say for each recogniser and access which countermeasure is worth it, and which is not."""
    lines = []
    for (model, access), same in _by(rows, "model", "access"):
        if not any(row["countermeasure"] == NONE for row in same):
            continue
        v = verdict(same)
        who = f"{WHO[access]} of {RECOGNISERS[model].title}"
        what = f"{who} recovers {share(v.without)} where nothing is done."
        if v.best:
            what += f" Within two points of accuracy, **{named(v.best)}** leaves least: "
            what += f"{share(v.best)}."
        else:
            what += " Nothing within two points of accuracy is shown to leave less."
        for name, text in (
            ("less", "Less than nothing done, by Fisher's exact test"),
            ("more", "More"),
            ("same", "No difference shown"),
            ("unmet", "Never met, since this attacker asks nobody"),
        ):
            if of := getattr(v, name):
                what += f" {text}: {', '.join(map(_costing, of))}."
        lines.append(f"- {what}")
    return "\n".join(lines)


def _costing(row: Row) -> str:
    return f"{named(row)} ({100 * row['accuracy']['test']:.0f}% held out)"


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
