"""The tables of the report, with what the 2020 report says beside ours."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from miface.attack.methods import METHODS
from miface.recognisers import RECOGNISERS

REPORT_FINDINGS = {
    "softmax": "faces; 1.3 steps, 0.525 s, SSIM 0.002, MSE 14552, NRMSE 265",
    "mlp": "noise; 78.6 steps, 15.2 s, SSIM 0.0002, MSE 12596, NRMSE 259",
    "dae": "one image for all; 101 steps, 0.25 s, SSIM −0.0001, MSE 546644, NRMSE 3.69",
    "cnn": "noise; 135 steps, 5.85 s, SSIM 0.0001, MSE 14911, NRMSE 0.54",
}
"""What the 2020 report recovered, in its own measures, means over 40 people. Its NRMSE and MSE mix
scales: an NRMSE of 265 comes from dividing by a norm of grey values in [0, 1]."""
REPORT_ACCURACY = {"softmax": "100%", "mlp": "100%", "dae": "93%", "cnn": "100%"}
"""How often the recognisers of the 2020 report were right, on the photos that they trained on."""

METHOD_NAMES = {name: method.title for name, method in METHODS.items()}

MODEL_NAMES = {name: recogniser.title for name, recogniser in RECOGNISERS.items()}

BASELINE_NAMES = {
    "noise": "noise",
    "blank": "a blank image",
    "another_person": "another person's mean photo",
    "everybody": "the mean of everybody's photos",
    "class_difference": "the person's mean photo minus everybody's",
    "held_out_photo": "a held-out photo of the person",
    "own_mean": "the mean of the person's own training photos",
}


class Table(NamedTuple):
    """Headings, and rows of as many cells."""

    headers: list[str]
    rows: list[list[str]]


def _show(value: float | None, form: str) -> str:
    """Format a mean; a mean over something that is no number is null in JSON."""
    return "—" if value is None else format(value, form)


def accuracy_table(metrics: dict[str, Any], models: Sequence[str]) -> Table:
    """Table 1 of the report: how often each recogniser is right, on both sides of the split."""
    rows = [
        [model, f"{metrics[model]['accuracy']['train']:.1%}",
         f"{metrics[model]['accuracy']['test']:.1%}", REPORT_ACCURACY.get(model, "")]
        for model in models
    ]  # fmt: skip
    headers = ["model", "training photos", "held-out photos", "the 2020 report, training photos"]
    return Table(headers, rows)


def attack_table(
    metrics: dict[str, Any],
    methods: Sequence[str],
    models: Sequence[str],
    seconds: Mapping[tuple[str, str], float],
) -> Table:
    """Table 3 of the report: what each attack took and what it gave, averaged over people."""
    rows = []
    for method in methods:
        for model in models:
            m = metrics[method][model]
            ended = ", ".join(f"{count} {rule}" for rule, count in m["stopped"].items() if count)
            shown = {
                name: _show(m[name], form)
                for name, form in (
                    ("iterations", ".0f"), ("cost", ".3f"),
                    ("attack_cost", ".3f"), ("mse", ".3f"), ("mse_255", ".0f"), ("nrmse", ".2f"),
                    ("ssim", ".3f"), ("aligned_nrmse", ".2f"), ("aligned_ssim", ".3f"),
                )
            }  # fmt: skip
            rows.append(
                [METHOD_NAMES[method], model, _show(seconds.get((method, model)), ".3g"),
                 shown["iterations"],
                 ended, shown["cost"], shown["attack_cost"],
                 f"{shown['mse']} ({shown['mse_255']})", shown["nrmse"], shown["ssim"],
                 shown["aligned_nrmse"], shown["aligned_ssim"],
                 REPORT_FINDINGS.get(model, "") if method == "mi_face" else ""]
            )  # fmt: skip
    headers = ["method", "model", "s a person", "iterations", "ended by", "cost of the image",
               "cost the attack saw", "MSE (0–255)", "NRMSE", "SSIM", "aligned NRMSE",
               "aligned SSIM", "the 2020 report found"]  # fmt: skip
    return Table(headers, rows)


def identification_table(
    metrics: dict[str, Any], methods: Sequence[str], models: Sequence[str]
) -> Table:
    """Whom the judges see, between the baselines below and above."""
    kinds = list(metrics["judges"])

    def row(first: list[str], m: dict[str, Any]) -> list[str]:
        cells = []
        for kind in kinds:
            answers = m.get("identified", {}).get(kind)
            if answers is None:
                cells += ["", "", ""]
                continue
            cells += [
                f"{answers['top1'] * m['people']:.0f}",
                f"{answers['top5'] * m['people']:.0f}",
                f"{answers['lineup']:.0%}, {answers['lineup_absent']:.0%}",
            ]
        outside = m["identified"]["outside"]
        sure = f"{outside['verified']:.0%} ({outside['false_match']:.0%})"
        alike = [_show(m["aligned_ssim"], ".3f"), f"{m['photo_rank']:.1f}"]
        return [*first, str(m["people"]), *cells, sure, f"{outside['face_found']:.0%}", *alike]

    rows = [row([BASELINE_NAMES[name], "", ""], m) for name, m in metrics["baselines"].items()]
    rows += [
        row([f"control: {METHOD_NAMES[method]}, labels permuted", model, m["threat_model"]], m)
        for model, by_method in metrics["permuted"].items()
        for method, m in by_method.items()
    ]
    rows += [
        row([METHOD_NAMES[method], model, metrics[method][model]["threat_model"]],
            metrics[method][model])
        for method in methods
        for model in models
    ]  # fmt: skip
    headers = ["images", "model", "the attacker has", "people"]
    for kind in kinds:
        right = metrics["judges"][kind]
        headers += [f"{kind} ({right:.0%} of photos right): first", "among five", "line-up, none"]
    headers += ["outside: verified (others)", "a face found"]
    headers += ["aligned SSIM", "rank by nearest photo"]
    return Table(headers, rows)


def comparison_table(names: Sequence[str], metrics: Sequence[dict[str, Any]]) -> Table:
    """Give a row a method and model, and a column a run: how many people were recovered."""
    pairs = dict.fromkeys(
        (method, model)
        for m in metrics
        for method in METHOD_NAMES
        if method in m
        for model in m[method]
    )
    rows = [
        [METHOD_NAMES[method], model, *(_recovered(m.get(method, {}).get(model)) for m in metrics)]
        for method, model in pairs
    ]
    return Table(["method", "model", *names], rows)


def _recovered(m: dict[str, Any] | None) -> str:
    if m is None:
        return "—"
    low, high = m["interval"]["low"], m["interval"]["high"]
    return f"{m['recovered']} of {m['people']} ({low:.0%} to {high:.0%})"


def summary_table(metrics: dict[str, Any], methods: Sequence[str], models: Sequence[str]) -> Table:
    """Give a row a model: how good it is, and how many people each method recovered."""
    rows = []
    for model in models:
        cells = [model, f"{metrics[model]['accuracy']['test']:.1%}"]
        for method in methods:
            cells.append(_recovered(metrics[method][model]))
        rows.append(cells)
    return Table(["model", "held-out accuracy", *(METHOD_NAMES[m] for m in methods)], rows)


def recovered_counts(people: pd.DataFrame) -> pd.DataFrame:
    """Count the people recovered by each attack: columns ``attack`` and ``recovered``."""
    counts = people.groupby(["method", "model"], sort=False)["recovered"].sum().reset_index()
    attack = counts["method"] + " " + counts["model"]
    return pd.DataFrame({"attack": attack, "recovered": counts["recovered"]})
