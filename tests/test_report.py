"""The report: tables that show the numbers given, and a page that takes names as data."""

import io
import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from miface.attack.methods import METHODS as ALL_METHODS
from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.recognisers import RECOGNISERS
from miface.report.experiments import Experiment, Read, check_same_people, load_experiment
from miface.report.page import render
from miface.report.tables import (
    METHOD_NAMES,
    MODEL_NAMES,
    Table,
    accuracy_table,
    attack_table,
    comparison_table,
    identification_table,
    recovered_counts,
    summary_table,
)

METHODS, MODELS = ("mi_face", "prior"), ("softmax", "cnn")
PAIRS = [(method, model) for method in METHODS for model in MODELS]
SECONDS = dict.fromkeys(PAIRS, 1.23)
SOURCE = {
    "passed_over": [{"name": "gone.zip", "reason": "no such file or folder"}],
    "left_out": [{"name": "<b>notes.txt", "reason": "no image"}],
    "altered": [],
    "persons": [{"name": "s1", "reason": "two folders"}],
    "converted": {"colours became grey": 3},
}


def likeness(**others: Any) -> dict[str, Any]:
    answers = {"top1": 0.25, "top5": 0.75, "lineup": 0.51, "lineup_absent": 0.62}
    return {
        "people": 28, "recovered": 7, "photo_rank": 3.21, "mse": 0.0123, "mse_255": 801.4,
        "nrmse": 0.456, "ssim": -0.0789, "aligned_nrmse": 0.234, "aligned_ssim": 0.5678,
        "identified": {"pixels": answers},
    } | others  # fmt: skip


def attack(**others: Any) -> dict[str, Any]:
    return likeness(
        threat_model="nothing but the model", access="holds the weights", iterations=432.1,
        queries=0.0, cost=0.0991, attack_cost=0.0882,
        stopped={"alpha": 5, "beta": 0, "gamma": 23},
    ) | others  # fmt: skip


def metrics(kind: str = "archive", training: str = "none", answers: str = "none") -> dict[str, Any]:
    return {
        "data": {"kind": kind, "name": "faces.zip", "photos": 400, "people": 40, "height": 112,
                 "width": 92, "digest": "2e48", "credit": "whose they are", "seed": 0},
        "countermeasures": {"training": training, "answers": answers},
        "chance": {"top1": 0.025, "top5": 0.125, "lineup": 1 / 6, "lineup_absent": 1 / 6},
        "judges": {"pixels": 0.93},
        "baselines": {"noise": likeness(aligned_ssim=0.011),
                      "held_out_photo": likeness() | {"identified": {}}},
        "softmax": {"accuracy": {"train": 1.0, "test": 0.958}},
        "cnn": {"accuracy": {"train": 0.991, "test": 0.942}},
        "mi_face": {"softmax": attack(), "cnn": attack(cost=0.987)},
        "prior": {"softmax": attack(), "cnn": attack(threat_model="and photos", people=4)},
    }  # fmt: skip


def rows_of(table: Table, *first: str) -> list[list[str]]:
    """The rows of a table that begin with these cells."""
    assert all(len(row) == len(table.headers) for row in table.rows)
    return [row for row in table.rows if tuple(row[: len(first)]) == first]


def test_the_table_of_accuracy() -> None:
    table = accuracy_table(metrics(), MODELS)
    assert table.rows == [["softmax", "100.0%", "95.8%"], ["cnn", "99.1%", "94.2%"]]


def test_the_table_of_attacks() -> None:
    table = attack_table(metrics(), METHODS, MODELS, SECONDS)
    (measured,) = rows_of(table, "MI-FACE as published", "cnn")
    assert measured[2:-1] == [
        "1.23", "432", "5 alpha, 23 gamma", "0.987", "0.088", "0.012 (801)", "0.46", "-0.079",
        "0.23", "0.568",
    ]  # fmt: skip
    assert "early stop" in measured[-1]  # what the 2020 report found, beside its own attack alone
    assert rows_of(table, "prior", "cnn")[0][-1] == ""


def test_an_attack_whose_time_was_not_kept_is_shown_without() -> None:
    table = attack_table(metrics(), METHODS, MODELS, {("prior", "cnn"): 0.5})
    assert rows_of(table, "prior", "cnn")[0][2] == "0.5"
    assert rows_of(table, "prior", "softmax")[0][2] == "—"


def test_every_method_and_recogniser_has_a_name_for_people() -> None:
    assert {name: METHOD_NAMES[name] for name in ALL_METHODS} == {
        name: method.title for name, method in ALL_METHODS.items()
    }
    assert {name: MODEL_NAMES[name] for name in RECOGNISERS} == {
        name: kind.title for name, kind in RECOGNISERS.items()
    }


def test_the_table_of_those_recognised() -> None:
    table = identification_table(metrics(), METHODS, MODELS)
    (identified,) = rows_of(table, "MI-FACE as published", "cnn")
    assert identified[2:] == [
        "nothing but the model", "28", "7", "21", "51%, 62%", "0.568", "3.2"
    ]  # fmt: skip
    (few,) = rows_of(table, "prior", "cnn")
    assert few[2:] == ["and photos", "4", "1", "3", "51%, 62%", "0.568", "3.2"]
    (noise,) = rows_of(table, "noise")
    assert noise[3:] == ["28", "7", "21", "51%, 62%", "0.011", "3.2"]
    (held_out,) = rows_of(table, "a held-out photo of the person")
    assert held_out[3:] == ["28", "", "", "", "0.568", "3.2"]  # nobody was asked
    assert "pixels (93% of photos right): first" in table.headers


def test_the_summary_and_the_comparison_count_the_recovered() -> None:
    table = summary_table(metrics(), METHODS, MODELS)
    assert rows_of(table, "cnn")[0][1:3] == ["94.2%", "7 of 28 (SSIM 0.57)"]
    less = {key: value for key, value in metrics().items() if key != "prior"}
    compared = comparison_table(["a", "b"], [metrics(), less])
    assert compared.headers == ["method", "model", "a", "b"]
    assert rows_of(compared, "prior", "cnn")[0][2:] == ["7 of 4 (SSIM 0.57)", "—"]


# The page.
RNG = np.random.default_rng(0)
NASTY = "<img src=x onerror=alert(1)>"
NAMES = ["a|b", NASTY, "</script><script>alert(2)</script>", "_s1", "Zoë", "", "a\nb", "50%", "&"]
FACES = Faces(
    RNG.integers(0, 256, (3 * len(NAMES), 8, 6), np.uint8),
    np.repeat(np.arange(len(NAMES)), 3),
    np.tile(np.arange(3), len(NAMES)),
    np.array(NAMES),
)
TRAIN = np.flatnonzero(FACES.photo != 1)  # photo 1 is held out


def experiment(kind: str = "archive", name: str = "", alpha: int = 5) -> Experiment:
    rng = np.random.default_rng(1)
    label = np.arange(len(NAMES))
    history = np.linspace(1, 0.1, 6, dtype=np.float32)[None].repeat(len(label), 0)
    arrays: dict[str, NDArray[Any]] = {
        "x": rng.normal(size=(len(label), 8, 6)).astype(np.float32),
        "label": label,
        "cost_history": history,
        "snapshots": rng.integers(0, 256, (len(label), 3, 8, 6), np.uint8),
        "snapshot_iterations": np.array([1, 3, 5]),
    }
    people = pd.DataFrame(
        [
            {"method": method, "model": model, "person": who, "cost": 0.1, "iterations": 5,
             "queries": 0, "stopped": "alpha", "mse": 0.1, "nrmse": 0.2, "ssim": 0.3,
             "aligned_nrmse": 0.4, "aligned_ssim": 0.5, "pixels_top1": index % 2 == 0,
             "recovered": index % 2 == 0}
            for method, model in PAIRS
            for index, who in enumerate(NAMES)
        ]
    )  # fmt: skip
    params = f"attack:\n  alpha: {alpha}\n  gamma: 0.01\n"
    inversions = dict.fromkeys(PAIRS, arrays)
    return Experiment(name, params, metrics(kind), people, inversions, SECONDS, SOURCE)


class Reader(HTMLParser):
    """Collects elements, with their attributes, and the text of each kind."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.text.setdefault(self._open[-1], []).append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


PAGE = render([experiment()], FACES, TRAIN, {"cnn": "<svg><text>curve</text></svg>"})


def test_the_page_begins_with_the_answer_for_each_model() -> None:
    answer = PAGE[: PAGE.index('id="gallery"')]
    counts = re.findall(r'figure">(\d+)<span> of (\d+)', answer)
    # softmax: prior knows no more than mi_face in these numbers; cnn: it does.
    assert counts == [("7", "28"), ("7", "28"), ("7", "4")]
    assert "softmax regression" in answer
    assert "400 photos of 40 people, 112 × 92" in answer
    assert "faces.zip" in answer


def test_rendered_people_are_said_to_be_loudly_and_first() -> None:
    said = "These people are drawn by miface; no real photos were used."
    rendered = render([experiment("rendered")], FACES, TRAIN)
    assert rendered.index(said) < rendered.index("<h1>")
    assert said not in PAGE


def test_every_person_and_attack_is_in_the_gallery_with_words_for_the_blind() -> None:
    reader = Reader(PAGE)
    cards = [a for tag, a in reader.elements if tag == "article"]
    assert len(cards) == len(NAMES)
    tiles = [a for tag, a in reader.elements if tag == "span" and a.get("role") == "img"]
    assert len(tiles) == len(NAMES) * (1 + 4)
    assert all(tile["aria-label"] for tile in tiles)
    assert any(tile["aria-label"].startswith(f"{NASTY}: what") for tile in tiles)  # type: ignore[union-attr]
    labelled = [a for tag, a in reader.elements if tag in ("select", "input")]
    assert labelled  # each within a label, or named by one
    for field in (a for tag, a in reader.elements if tag == "input"):
        assert any(a.get("for") == field["id"] for tag, a in reader.elements if tag == "label")


def test_names_are_data() -> None:
    reader = Reader(PAGE)
    assert not [a for tag, a in reader.elements if tag == "img"]
    assert [tag for tag, _ in reader.elements].count("script") == 2
    assert not any(name.startswith("on") for _, a in reader.elements for name in a)
    data = json.loads(reader.text["script"][0])
    assert data["names"] == NAMES
    assert NASTY in reader.text["a"]


def test_the_page_asks_for_nothing() -> None:
    for tag, attributes in Reader(PAGE).elements:
        for name in ("src", "href", "action", "srcset", "poster"):
            target = attributes.get(name) or ""
            if not tag.startswith(("use", "svg")):
                assert target == "" or target.startswith(("#", "data:")), (tag, target)
    assert not re.findall(r"url\((?!data:)", PAGE)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', PAGE)
    assert policy
    assert "default-src 'none'" in policy[1]


def test_what_lies_behind_the_numbers_is_told() -> None:
    behind = PAGE[PAGE.index('id="behind"') :]
    for fact in ("2e48", "whose they are", "alpha: 5", "torch 2", "python 3", "make run"):
        assert fact in behind, fact


@pytest.mark.parametrize(
    ("training", "answers"),
    [("label_smoothing 0.1", "none"), ("none", "rounding 0.01"), ("<b> 1", "rounding 0.05")],
)
def test_countermeasures_are_named_where_there_are_any(training: str, answers: str) -> None:
    guarded = replace(experiment(), metrics=metrics(training=training, answers=answers))
    page = render([guarded], FACES, TRAIN)
    told = f"Countermeasures in the training: {escape(training)}; on the answers: {answers}."
    assert told in page[page.index('id="behind"') :]
    assert "ountermeasures in the training" not in PAGE


def test_what_became_of_the_photos_is_told() -> None:
    behind = PAGE[PAGE.index('id="behind"') :]
    assert "Sources that were not used: 1" in behind
    assert "gone.zip: no such file or folder" in behind
    assert "&lt;b&gt;notes.txt: no image" in behind
    assert "s1: two folders" in behind
    assert "colours became grey: 3 photos" in behind
    assert "Photos that were altered" not in behind


def test_runs_side_by_side_name_the_countermeasures_of_each() -> None:
    before, after = experiment(name="before"), experiment(name="after")
    guarded = replace(after, metrics=metrics(answers="rounding 0.01"))
    older = replace(before, metrics={k: v for k, v in metrics().items() if k != "countermeasures"})
    for first in (before, older):
        page = render([first, guarded], FACES, TRAIN)
        behind = page[page.index('id="behind"') :]
        assert "after: countermeasures in the training: none; on the answers: rounding" in behind
        assert "before: countermeasures" not in behind


def test_curves_and_facts_of_every_person_are_kept_for_their_page() -> None:
    data = json.loads(Reader(PAGE).text["script"][0])
    (one,) = [a for a in data["attacks"] if a["title"] == "prior, convolutional network"]
    assert one["at"] == [1, 3, 5]
    facts = one["people"][2]
    assert facts["curve"][0] == [0, 1.0]
    assert facts["curve"][-1] == [5, 0.1]
    assert facts["first"] == ["pixels"]
    assert facts["recovered"] is True
    assert one["people"][1]["recovered"] is False


def test_a_page_of_many_people_stays_under_eight_megabytes() -> None:
    many = 300
    rng = np.random.default_rng(0)
    faces = Faces(
        rng.integers(0, 256, (many, 112, 92), np.uint8), np.arange(many),
        np.zeros(many, np.int64), np.array([f"s{i}" for i in range(many)]),
    )  # fmt: skip
    small = experiment()
    arrays: dict[str, NDArray[Any]] = {
        "x": rng.normal(size=(many, 112, 92)).astype(np.float32), "label": np.arange(many),
        "cost_history": np.ones((many, 9), np.float32),
        "snapshots": rng.integers(0, 256, (many, 4, 112, 92), np.uint8),
        "snapshot_iterations": np.array([1, 2, 4, 8]),
    }  # fmt: skip
    row = small.people.iloc[:1]
    people = pd.concat(
        [row.assign(method=a, model=b, person=f"s{i}") for a, b in small.inversions
         for i in range(many)]
    )  # fmt: skip
    inversions = dict.fromkeys(small.inversions, arrays)
    whole = replace(small, people=people, inversions=inversions)
    # Noise is the worst there is to compress.
    assert len(render([whole], faces, np.arange(many)).encode()) < 8_000_000


def test_runs_side_by_side_show_what_differs() -> None:
    page = render([experiment(name="before"), experiment(name="after", alpha=9)], FACES, TRAIN)
    text = Reader(page).text
    assert "attack.alpha" in text["th"]
    assert "attack.gamma" not in text["th"]
    assert {"5", "9"} <= set(text["td"])
    assert page.count("<figure data-attack") == 2 * len(NAMES) * 4
    assert any("MI-FACE as published · after" in title for title in text["p"])


def test_runs_on_other_people_are_not_compared() -> None:
    others = Faces(FACES.images, FACES.person, FACES.photo, np.array([*NAMES[:-1], "else"]))
    inverted = Faces(255 - FACES.images, FACES.person, FACES.photo, FACES.names)
    check_same_people(["a", "b"], [FACES, FACES])
    for other in (others, inverted):
        with pytest.raises(MifaceError, match=r"^b: found other photos"):
            check_same_people(["a", "b"], [FACES, other])


def test_a_missing_file_of_a_run_is_named() -> None:
    def read(path: str) -> bytes:
        raise FileNotFoundError(2, "no", path)

    with pytest.raises(MifaceError, match=r"^old: reports/metrics\.json is missing; make it"):
        load_experiment("old", read)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_few_people_with_few_moments_or_none(kept: int) -> None:
    run = experiment()
    for arrays in run.inversions.values():
        arrays["snapshots"] = arrays["snapshots"][:, :kept]
        arrays["snapshot_iterations"] = arrays["snapshot_iterations"][:kept]
    assert "softmax regression" in render([run], FACES, TRAIN)


def test_costs_that_are_no_numbers_are_left_out_of_curves() -> None:
    run = experiment()
    for arrays in run.inversions.values():
        arrays["cost_history"] = np.array(
            [[1, 0.5, np.inf, np.nan, np.nan, np.nan]] * len(NAMES), np.float32
        )
        arrays["cost_history"][1] = np.nan
    data = json.loads(Reader(render([run], FACES, TRAIN)).text["script"][0])
    curves = [person["curve"] for person in data["attacks"][0]["people"]]
    assert curves[0] == [[0, 1.0], [1, 0.5]]
    assert curves[1] == []


def test_a_missing_measure_is_shown_as_missing() -> None:
    blank = metrics() | {"prior": {m: attack(cost=None, aligned_ssim=None) for m in MODELS}}
    (row,) = rows_of(attack_table(blank, METHODS, MODELS, SECONDS), "prior", "cnn")
    assert row[5] == row[11] == "—"


def stored(people: pd.DataFrame, timing: bytes | None = None) -> Read:
    """The files of a run with this table of people, and this timing of each attack if any."""
    buffer = io.BytesIO()
    np.savez(buffer, snapshots=np.zeros(0))
    files = {
        "reports/metrics.json": b"{}", "params.yaml": b"seed: 0", "data/source.json": b"{}",
        "reports/per_label.csv": people.to_csv(index=False).encode(),
    }  # fmt: skip

    def read(path: str) -> bytes:
        if path.startswith("reports/timing/") and timing is None:
            raise FileNotFoundError(2, "no", path)
        return files.get(path) or (timing if path.endswith(".json") else None) or buffer.getvalue()

    return read


def test_a_run_keeps_names_as_text_and_numbers_as_numbers() -> None:
    run = experiment()
    table = run.people.assign(person="007", cost=[np.nan, *run.people["cost"][1:]])
    loaded = load_experiment("", stored(table))
    assert loaded.people["person"].unique().tolist() == ["007"]
    assert np.isnan(loaded.people["cost"][0])
    assert loaded.people["cost"][1] == pytest.approx(0.1)
    with pytest.raises(MifaceError, match=r"^old: its results were made by an older miface"):
        load_experiment("old", stored(table.drop(columns="recovered")))


@pytest.mark.parametrize(
    ("timing", "seconds"),
    [(b'{"seconds": 6.0, "labels": 3}', 2.0), (b'{"labels": 0}', None), (None, None)],
)
def test_seconds_a_person_come_from_what_was_timed(
    timing: bytes | None, seconds: float | None
) -> None:
    loaded = load_experiment("", stored(experiment().people, timing))
    assert loaded.seconds == ({} if seconds is None else dict.fromkeys(PAIRS, seconds))


def test_recovered_people_are_counted_by_attack() -> None:
    counts = recovered_counts(experiment().people)
    assert counts["attack"].tolist()[0] == "mi_face softmax"
    assert counts["recovered"].tolist() == [5, 5, 5, 5]
