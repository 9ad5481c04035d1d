"""The page: one file that shows an experiment, or several side by side, and asks for no other."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from ruamel.yaml import YAML

from miface.faces.archive import Faces
from miface.faces.sources import unused
from miface.report.curves import thinned
from miface.report.experiments import Experiment, Pair
from miface.report.given import lined_up, notes_of
from miface.report.pictures import stretch, to_grey, typical_photos
from miface.report.provenance import versions
from miface.report.sheets import LARGEST, frames_of, picture_rules, position
from miface.report.tables import (
    METHOD_NAMES,
    MODEL_NAMES,
    Table,
    accuracy_table,
    attack_table,
    comparison_table,
    identification_table,
    summary_table,
)

_POINTS = 40  # of a person's cost curve


def render(
    experiments: Sequence[Experiment],
    faces: Faces,
    train: NDArray[np.int64],
    charts: Mapping[str, str] | None = None,
) -> str:
    """Write the page as HTML.

    Parameters
    ----------
    experiments
        One to show, or several to compare, of the same people.
    faces, train
        The photos, and int64 [n] which of them trained the recognisers.
    charts
        An SVG element of the training of each model, where there is one experiment.

    Returns
    -------
    str
        A whole document of at most 8 MB. It loads nothing, and runs no script but its own.

    Raises
    ------
    MifaceError
        If there are too many people for 8 MB.
    """
    environment = Environment(
        loader=PackageLoader("miface.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    source = environment.loader
    assert source is not None
    script, _, _ = source.get_source(environment, "page.js")
    style, _, _ = source.get_source(environment, "page.css")
    several = len(experiments) > 1
    made = [
        (e, method)
        for method in dict.fromkeys(m for e in experiments for m in e.methods)
        for e in experiments
        if method in e.methods
    ]
    groups = [_Group(f"g{index}", e, method) for index, (e, method) in enumerate(made)]
    models = list(dict.fromkeys(m for e in experiments for m in e.models))
    attacks = [
        _attack(group, model, faces)
        for group in groups
        for model in models
        if (group.method, model) in group.experiment.inversions
    ]
    data = {
        "names": faces.names.tolist(),
        "attacks": [{k: v for k, v in a.items() if not k.startswith("_")} for a in attacks],
    }
    # No name can end the element: "<" stands for itself nowhere in it.
    embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    embedded = embedded.replace("<", "\\u003c")
    page = environment.get_template("page.html")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    shape = faces.images.shape[1:]
    aligned = lined_up(faces)
    content: dict[str, Any] = dict(
        experiments=experiments,
        several=several,
        groups=groups,
        models=models,
        model_names=MODEL_NAMES,
        answers=_answers(experiments[0], models) if not several else [],
        tables=_tables(experiments),
        changes=_changes(experiments),
        charts={model: Markup(svg) for model, svg in (charts or {}).items()},
        people=_people(faces, attacks),
        aligned=aligned,
        position=position,
        ratio=f"{shape[1]} / {shape[0]}",
        style=Markup(style),
        script=Markup(script),
        script_digest=digest,
        embedded=Markup(embedded),
        versions=versions(),
        notes_of=notes_of,
        unused=unused(experiments[0].source),
    )
    words = len(page.render(content, pictures="").encode())
    photos = {"photos": typical_photos(faces, train)}
    if aligned:
        photos |= {"before": aligned.before, "after": aligned.after}
    pictures = picture_rules(photos, attacks, LARGEST - words)
    return page.render(content, pictures=Markup(pictures))


@dataclass(frozen=True)
class _Group:
    """A method of an experiment: a line of faces for each person."""

    id: str
    experiment: Experiment
    method: str

    @property
    def title(self) -> str:
        of = self.experiment.name
        return METHOD_NAMES[self.method] + (f" · {of}" if of else "")


def _attack(group: _Group, model: str, faces: Faces) -> dict[str, Any]:
    """All that the page tells of one method on one model; what begins with _ stays here."""
    pair: Pair = (group.method, model)
    arrays = group.experiment.inversions[pair]
    rows = group.experiment.rows(pair)
    columns = [str(c) for c in rows]
    answers = [c for c in columns if c.endswith("_top1") and c != "swapped_top1"]
    judges = [c.removesuffix("_top1") for c in answers]
    number = {name: index for index, name in enumerate(faces.names.tolist())}
    people = []
    for i, row in enumerate(rows.to_dict("records")):
        history = arrays["cost_history"][i]
        finite = np.flatnonzero(np.isfinite(history))
        at = finite[thinned(len(finite), _POINTS)]
        people.append(
            {
                "person": number[row["person"]],
                "recovered": bool(row["recovered"]),
                "first": [judge for judge in judges if row[f"{judge}_top1"]],
                "iterations": int(row["iterations"]),
                "stopped": row["stopped"],
                **{key: _number(row[key]) for key in (
                    "cost", "mse", "nrmse", "ssim", "aligned_nrmse", "aligned_ssim")},
                "curve": [[int(n), float(f"{history[n]:.3g}")] for n in at],
            }
        )  # fmt: skip
    return {
        "id": f"{group.id}-{model}",
        "group": group.id,
        "model": model,
        "title": f"{group.title}, {MODEL_NAMES[model]}",
        "at": arrays["snapshot_iterations"].tolist(),
        "people": people,
        "_images": to_grey(stretch(arrays["x"])),
        "_frames": frames_of(arrays["snapshots"]),
    }


def _number(value: float) -> float | None:
    """Round to four digits; what is no number is null in JSON."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _people(faces: Faces, attacks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give for each person the attacks that were made, and the row of each."""
    people: list[dict[str, Any]] = [
        {"name": name, "shown": []} for name in faces.names.tolist()
    ]  # fmt: skip
    for attack in attacks:
        for row, facts in enumerate(attack["people"]):
            people[facts["person"]]["shown"].append((attack, row, facts))
    return people


def _answers(experiment: Experiment, models: Sequence[str]) -> list[dict[str, Any]]:
    """Give for each model the most that was recovered, by an attacker of either kind."""
    answers = []
    for model in models:
        by_method = {m: experiment.metrics[m][model] for m in experiment.methods}
        best: dict[str, dict[str, Any]] = {}
        for method, m in by_method.items():
            known = m["threat_model"]
            share = m["recovered"] / m["people"]
            if known not in best or share > best[known]["share"]:
                best[known] = {
                    "known": known, "method": METHOD_NAMES[method], "share": share,
                    "recovered": m["recovered"], "people": m["people"],
                }  # fmt: skip
        answers.append({"model": model, "best": list(best.values())})
    return answers


def _tables(experiments: Sequence[Experiment]) -> list[tuple[str, Table]]:
    if len(experiments) > 1:
        names, metrics = [e.name for e in experiments], [e.metrics for e in experiments]
        return [("Recovered people", comparison_table(names, metrics))]
    of = experiments[0].metrics, experiments[0].methods, experiments[0].models
    return [
        ("Recovered people", summary_table(*of)),
        ("How good the recognisers are", accuracy_table(of[0], of[2])),
        ("Whom one recognises", identification_table(*of)),
        ("What each attack took and gave", attack_table(*of, experiments[0].seconds)),
    ]


def _changes(experiments: Sequence[Experiment]) -> list[list[str]]:
    """Give the parameters in which experiments differ: the key, and the value in each."""

    def flat(content: Any, path: str = "") -> dict[str, str]:
        if isinstance(content, dict):
            parts = [flat(v, f"{path}.{k}" if path else str(k)) for k, v in content.items()]
            return {key: value for part in parts for key, value in part.items()}
        return {path: json.dumps(content, ensure_ascii=False, default=str)}

    each = [flat(YAML(typ="safe", pure=True).load(e.params)) for e in experiments]
    keys = list(dict.fromkeys(key for one in each for key in one))
    rows = [[key, *(one.get(key, "—") for one in each)] for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1]
