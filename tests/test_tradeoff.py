"""Countermeasures compared: sums over seeds, verdicts, points of the sweep, and the pipeline."""

import dataclasses
import json
from collections.abc import Callable
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clones import ROOT, SMALL, Clone
from mistakes import mistakes
from numpy.typing import NDArray
from scipy.stats import binomtest
from small import PARAMS
from torch import Tensor, nn

from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.knowledge import nothing
from miface.attack.run import invert
from miface.countermeasures import IN_TRAINING, ON_ANSWERS, parse_point
from miface.countermeasures.noise import Noise
from miface.countermeasures.rounding import Rounding
from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import countermeasure_rows, query_rows, together
from miface.evaluation.trial import Conditions, Row, Trial
from miface.faces.archive import Faces
from miface.faces.rendered import render_faces
from miface.faces.split import pixels
from miface.params.base import Group
from miface.params.file import read_yaml
from miface.params.schema import Params, load_params, params_digest
from miface.recognisers import RECOGNISERS
from miface.recognisers.recogniser import Recogniser
from miface.report.tradeoff_figures import query_figure, tradeoff_figure
from miface.report.verdicts import countermeasure_table, in_words, query_table, verdict
from miface.training.trainer import Descent, Trainer

WriteParams = Callable[..., Path]
POINTS = "countermeasures.sweep.points"
KNOWN = ", ".join([*IN_TRAINING, *ON_ANSWERS])
SPELLED = "should be spelled"
NAMED = f"should be none, or a name among {KNOWN} and a strength, as in rounding=0.01"


def row(**changes: Any) -> Row:
    """What one seed gives."""
    plain: Row = {
        "countermeasure": "none", "strength": 0.0, "model": "softmax", "method": "refined",
        "access": "everything", "threat_model": "nothing but the model", "queries": 0,
        "per": "person", "seed": 0, "accuracy": {"train": 1.0, "test": 0.9}, "recovered": 20,
        "people": 40, "top1": 0.5, "top5": 0.75, "verified": 0.2, "false_match": 0.02,
        "face_found": 1.0, "swapped": 0.05,
    }  # fmt: skip
    return plain | changes


def pooled(**changes: Any) -> Row:
    """What all seeds give, here one."""
    (of_all,) = together([row(**changes)])
    return of_all


def held_out(share: float) -> dict[str, dict[str, float]]:
    return {"accuracy": {"train": 1.0, "test": share}}


# Several seeds.


def test_seeds_are_put_together() -> None:
    first = row(seed=7, recovered=9, people=28, top1=0.3, verified=0.1, **held_out(0.9))
    second = row(seed=2, recovered=1, people=12, top1=0.1, verified=0.4, **held_out(0.8))
    between = row(strength=0.1, countermeasure="dropout", recovered=5)
    got, other = together([first, between, second])
    interval = binomtest(10, 40).proportion_ci(0.95, "wilson")
    assert (got["recovered"], got["people"]) == (10, 40)
    assert got["interval"] == pytest.approx({"low": interval.low, "high": interval.high})
    assert got["accuracy"] == pytest.approx({"train": 1.0, "test": 0.85})
    means = {"top1": 0.2, "top5": 0.75, "verified": 0.25, "false_match": 0.02, "face_found": 1.0}
    assert {name: got[name] for name in means} == pytest.approx(means)
    assert got["swapped"] == pytest.approx(0.05)
    assert (got["seeds"], got["by_seed"]) == ([7, 2], [9, 1])
    assert (other["countermeasure"], other["recovered"], other["seeds"]) == ("dropout", 5, [0])


@pytest.mark.parametrize(
    "differs",
    [{"countermeasure": "noise"}, {"strength": 0.5}, {"model": "mlp"}, {"method": "boundary"},
     {"access": "labels"}, {"threat_model": "answers, and photos of other people"},
     {"queries": 100}, {"per": "all"}],
    ids=str,
)  # fmt: skip
def test_what_differs_but_in_the_seed_is_never_merged(differs: dict[str, Any]) -> None:
    one, other = row(), row(seed=1, recovered=3) | differs
    assert together([one, other]) == [*together([one]), *together([other])]
    assert len(together([one, row(seed=1, recovered=3)])) == 1


# A verdict.


def fisher(count: int, other: int, n: int) -> float:
    """p of Fisher's exact test of two counts of n each, summed by hand."""
    both = count + other
    ways = [comb(n, k) * comb(n, both - k) for k in range(max(0, both - n), min(n, both) + 1)]
    observed = comb(n, count) * comb(n, other)
    return sum(way for way in ways if way <= observed) / sum(ways)


COMPARED = [
    pooled(),  # 20 of 40
    pooled(countermeasure="dp_sgd", strength=9.0, recovered=0, **held_out(0.1)),
    pooled(countermeasure="dropout", strength=0.3, recovered=8, **held_out(0.879)),
    pooled(countermeasure="weight_decay", strength=0.01, recovered=10, **held_out(0.9)),
    pooled(countermeasure="augmentation", strength=0.03, recovered=9, **held_out(0.88)),
    pooled(countermeasure="early_stopping", strength=0.3, recovered=11, **held_out(0.95)),
    pooled(countermeasure="label_smoothing", strength=-0.05, recovered=31, **held_out(0.92)),
    pooled(countermeasure="label_smoothing", strength=0.1, recovered=29),
    pooled(countermeasure="rounding", strength=0.01, recovered=2),
]


def names_of(rows: list[Row]) -> list[str]:
    return [f"{each['countermeasure']} {each['strength']:g}" for each in rows]


def test_the_verdict_is_of_fishers_test_and_of_the_cost() -> None:
    assert fisher(10, 20, 40) < 0.05 < fisher(11, 20, 40)
    assert fisher(31, 20, 40) < 0.05 < fisher(29, 20, 40)
    v = verdict(COMPARED)
    assert v.without is COMPARED[0]
    assert names_of(v.less) == ["dp_sgd 9", "dropout 0.3", "weight_decay 0.01", "augmentation 0.03"]
    assert names_of(v.same) == ["early_stopping 0.3", "label_smoothing 0.1"]
    assert names_of(v.more) == ["label_smoothing -0.05"]
    assert names_of(v.unmet) == ["rounding 0.01"]
    # Less is left by two, at a cost of more than two points: of 90%, not below 88%.
    assert v.best is COMPARED[4]


@pytest.mark.parametrize("access", ["confidences", "labels"])
def test_who_asks_meets_a_countermeasure_on_the_answers(access: str) -> None:
    v = verdict([each | {"access": access} for each in COMPARED])
    assert v.unmet == []
    assert v.best is not None
    assert names_of([v.best]) == ["rounding 0.01"]


def test_nothing_is_recommended_that_is_not_shown_to_help_or_costs_too_much() -> None:
    for of in ([0, 1], [0, 2], [0, 5], [0, 6], [0, 7], [0, 8], [0]):
        assert verdict([COMPARED[index] for index in of]).best is None


def test_the_verdict_in_words_says_the_numbers() -> None:
    (said,) = in_words(COMPARED).splitlines()
    for part in (
        "- Who holds the weights of softmax regression recovers 20 of 40: 50% (35–65) where",
        " Within two points of accuracy, **augmentation 0.03** leaves least: 9 of 40: 22% (12–38).",
        "Less than nothing done, by Fisher's exact test: dp_sgd 9 (10% held out), dropout 0.3 (88%",
        "More: label_smoothing -0.05 (92% held out).",
        "No difference shown: early_stopping 0.3 (95% held out), label_smoothing 0.1 (90% held",
        "Never met, since this attacker asks nobody: rounding 0.01 (90% held out).",
    ):
        assert part in said
    (said,) = in_words([COMPARED[0], COMPARED[6]]).splitlines()
    assert "Nothing within two points of accuracy is shown to leave less." in said
    assert "**" not in said
    assert "No difference shown" not in said


def test_words_come_for_each_recogniser_and_access_that_has_a_comparison() -> None:
    others = [each | {"access": "labels", "model": "mlp"} for each in COMPARED]
    lonely = [each | {"access": "confidences"} for each in COMPARED[1:]]
    lines = in_words([*COMPARED, *lonely, *others]).splitlines()
    assert [line.split(" recovers ")[0] for line in lines] == [
        "- Who holds the weights of softmax regression",
        "- Who asks for labels of multilayer perceptron",
    ]


# Tables and figures.


def cells(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_line_a_countermeasure_and_a_column_an_attacker() -> None:
    asked = pooled(access="labels", method="boundary", recovered=4)
    table = countermeasure_table([*COMPARED, asked, COMPARED[0] | {"model": "mlp"}])
    assert table.count("### ") == 2
    of_softmax, of_mlp = table.split("### ")[1:]
    heads, none, *others = cells(of_softmax)
    assert len(others) == len(COMPARED) - 1
    assert heads[3:] == ["who holds the weights", "who asks for confidences", "who asks for labels"]
    assert none == ["none", "100.0", "90.0", "20 of 40: 50% (35–65)", "", "4 of 40: 10% (4–23)"]
    assert others[1] == ["dropout 0.3", "100.0", "87.9", "8 of 40: 20% (10–35)", "", ""]
    assert len(cells(of_mlp)) == 2


QUESTIONS = [
    pooled(method="equation_solving", access="confidences", queries=10305, per="all"),
    pooled(method="equation_solving", access="confidences", queries=100, per="all", recovered=2),
    pooled(method="boundary", access="labels", queries=100, recovered=5, threat_model="photos"),
]


def test_a_line_an_attacker_and_a_budget() -> None:
    heads, *lines = cells(query_table(QUESTIONS))
    assert len(heads) == 7
    assert lines == [
        ["softmax regression", "equation solving", "confidences", "nothing but the model",
         "10,305 in all", "20 of 40: 50% (35–65)", "50 / 75"],
        ["softmax regression", "equation solving", "confidences", "nothing but the model",
         "100 in all", "2 of 40: 5% (1–17)", "50 / 75"],
        ["softmax regression", "boundary repulsion", "labels", "photos", "100 a person",
         "5 of 40: 12% (5–26)", "50 / 75"],
    ]  # fmt: skip


def drawn(axes: Any) -> dict[str, list[list[float]]]:
    """Points of each line that has a name."""
    return {
        each.get_label(): each.lines[0].get_xydata().tolist()
        for each in axes.containers
        if len(each.lines[0].get_xdata())
    }


def test_figures_show_the_shares() -> None:
    figure = tradeoff_figure(COMPARED)
    holds, asks, asks_for_labels = map(drawn, figure.axes)
    assert asks == asks_for_labels == {}
    assert set(holds) == {each["countermeasure"] for each in COMPARED[1:]}
    dashed = [each for each in figure.axes[0].lines if each.get_linestyle() == "--"]
    assert [np.asarray(each.get_ydata()).tolist() for each in dashed] == [[50, 50]]  # nothing done
    assert holds["label_smoothing"] == [[pytest.approx(92), 77.5], [pytest.approx(90), 72.5]]
    (shown,) = map(drawn, query_figure(QUESTIONS).axes)
    solving, boundary = shown.values()
    assert solving == [[100, 5], [10305, 50]]  # by budget
    assert boundary == [[100, 12.5]]


# A trial, without the judge: what is attacked, by whom, and how.


class Unjudged(Trial):
    """A trial that keeps what would be judged."""

    def judged(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> Row:
        vars(self).setdefault("kept", []).append((images, labels))
        return {"recovered": 0, "people": len(labels)}


@pytest.fixture(scope="module")
def trial_of(write_params: WriteParams) -> Callable[[], Unjudged]:
    changes = {
        "countermeasures.sweep.budget": 60, "softmax.max_epochs": 5, "prior.people": 2,
        "prior.components": 5, "prior.copies": 1, "split.train_per_person": 3,
        "queries.budgets": [20, 30], "refined.softmax.alpha": 3,
    }  # fmt: skip
    conditions = conditions_of(load_params(write_params(changes)))
    images = render_faces(6, 5, height=32, width=28).reshape(-1, 32, 28)
    faces, unseen = faces_of(images, np.arange(6).repeat(5)), nothing_seen(30)
    return lambda: Unjudged(conditions, faces, unseen, {}, seed=1)


def conditions_of(params: Params) -> Conditions:
    return Conditions(
        train_per_person=params.split.train_per_person,
        settings={model: params.settings(model) for model in RECOGNISERS},
        plans={model: params.plan("refined", model) for model in RECOGNISERS},
        prior=params.prior,
        queries=params.queries,
        budget=params.countermeasures.sweep.budget,
    )


def faces_of(images: NDArray[np.uint8], person: NDArray[np.int64]) -> Faces:
    """Photos without a source."""
    arrays: dict[str, Any] = {
        name: np.zeros(len(images), np.int64) for name in Faces.__dataclass_fields__
    }
    names = np.array([f"s{n}" for n in range(person.max() + 1)])
    return Faces(**(arrays | {"images": images, "person": person, "names": names}))


def nothing_seen(photos: int) -> Embedded:
    return Embedded(np.zeros((photos, 128), np.float32), np.zeros(photos, np.bool_))


def attacks(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [tuple(each[n] for n in ("method", "access", "queries", "per")) for each in rows]


def test_a_countermeasure_on_answers_is_met_by_who_asks_alone(
    trial_of: Callable[[], Unjudged],
) -> None:
    plain, rounded = trial_of(), trial_of()
    of_plain = countermeasure_rows(plain, "softmax", "none", 0)
    of_rounded = countermeasure_rows(rounded, "softmax", "rounding", 0.5)
    holds, labels = ("refined", "everything", 0, "person"), "classification_images"
    assert attacks(of_plain) == [
        holds, (labels, "labels", 60, "all"), ("equation_solving", "confidences", 897, "all")
    ]  # fmt: skip
    assert attacks(of_rounded) == [
        holds, (labels, "labels", 60, "all"), (labels, "confidences", 60, "all")
    ]  # fmt: skip
    for each in of_plain[1:] + of_rounded[1:]:
        assert each["asked_in_all"] == each["queries"]
    before, after = vars(plain)["kept"], vars(rounded)["kept"]
    assert np.array_equal(before[0][0], after[0][0])  # by who holds the weights: the same
    plan = plain.conditions.plans["softmax"].model_copy(update={"seed": 1})
    holding = Case(Everything(plain.trained("softmax", {})), plan, nothing(32, 28))
    assert np.array_equal(before[0][0], invert(holding, np.arange(6)).x)
    assert not np.array_equal(before[1][0], after[1][0])  # by who asks for labels
    assert [len(whom) for _, whom in before] == [6, 4, 6]  # who has photos of two attacks four
    assert not set(after[2][1]) & set(rounded.public.public)
    # Halves are told of whoever is sure, and the first person of the others.
    recogniser = plain.trained("softmax", {})
    with torch.no_grad():
        confidences = recogniser(torch.from_numpy(pixels(plain.faces))).softmax(1).numpy()
    for rows, told in ((of_plain, confidences), (of_rounded, np.rint(confidences / 0.5) * 0.5)):
        right = told.argmax(1) == plain.faces.person
        sides = zip(("train", "test"), plain.sides, strict=True)
        expected = {side: right[of].mean() for side, of in sides}
        assert [each["accuracy"] for each in rows] == [expected] * 3
    assert of_plain[0]["accuracy"] != of_rounded[0]["accuracy"]


class Shown(Recogniser):
    """A recogniser whose confidences are the grey values of a photo, a pixel a person."""

    title, Settings = "shown", Descent

    def forward(self, x: Tensor) -> Tensor:
        return x.log()

    def fit(self, trainer: Trainer) -> None:
        raise NotImplementedError


def shown(percent: list[list[int]], person: list[int]) -> tuple[Trial, Recogniser]:
    """A trial of photos with these confidences in per cent, two a person, one of which trains."""
    images = np.array(percent, np.uint8)[:, None, :]
    faces = faces_of(images, np.array(person))
    conditions = dataclasses.replace(conditions_of(PARAMS), train_per_person=1)
    recogniser = Shown((1, len(percent[0])), faces.names.tolist(), Group())
    recogniser.register_parameter("somewhere", nn.Parameter(torch.zeros(1)))
    return Trial(conditions, faces, nothing_seen(len(person)), {}, seed=0), recogniser


def of_sides(trial: Trial, right: list[bool]) -> dict[str, float]:
    sides = zip(("train", "test"), trial.sides, strict=True)
    return {side: np.array(right)[rows].mean() for side, rows in sides}


def test_of_equals_after_rounding_the_first_is_told_and_counted() -> None:
    percent = [
        [38, 42, 20], [56, 30, 14],
        [43, 49, 8], [36, 44, 20],
        [36, 10, 54], [30, 34, 36],
    ]  # fmt: skip
    trial, recogniser = shown(percent, [0, 0, 1, 1, 2, 2])
    before = trial.accuracy(recogniser)
    assert before == of_sides(trial, [False, True, True, True, True, True])
    # In tenths 4 4 2 and 6 3 1; 4 5 1 and 4 4 2; 4 1 5 and 3 3 4.
    rounded = trial.accuracy(recogniser, [Rounding(0.1)])
    assert rounded == of_sides(trial, [True, True, True, False, True, True])
    # In multiples of 0.9 0 0 0 and 1 0 0; 0 1 0 and 0 0 0; 0 0 1 and 0 0 0.
    coarse = trial.accuracy(recogniser, [Rounding(0.9)])
    assert coarse == of_sides(trial, [True, True, True, False, True, False])
    assert before != rounded != coarse != before


def test_accuracy_after_noise_is_that_of_the_labels_that_were_told() -> None:
    trial, recogniser = shown([[51, 49], [51, 49], [40, 60], [49, 51]], [0, 0, 1, 1])

    class Known(Noise):
        """Noise that is known: of 0.03 for the one, or for the other."""

        def answer(self, confidences: Tensor) -> Tensor:
            noise = torch.tensor([[-1.0, 1.0], [1.0, -1.0], [1.0, -1.0], [1.0, -1.0]])
            return (confidences + self.strength * noise).clamp(0, 1)

    assert trial.accuracy(recogniser) == {"train": 1.0, "test": 1.0}
    # 51 49 → 48 52: wrong; 51 49 → 54 46; 40 60 → 43 57; 49 51 → 52 48: wrong.
    told = trial.accuracy(recogniser, [Known(0.03)])
    assert told == of_sides(trial, [False, True, True, False])
    # And of the noise itself, as its generator draws it.
    confidences = torch.tensor([[0.51, 0.49], [0.51, 0.49], [0.4, 0.6], [0.49, 0.51]])
    labels = Noise(0.3).answer(confidences).argmax(1)
    right = (labels == torch.tensor([0, 0, 1, 1])).tolist()
    assert not all(right)
    assert trial.accuracy(recogniser, [Noise(0.3)]) == of_sides(trial, right)


def test_a_countermeasure_in_training_is_met_by_everybody(
    trial_of: Callable[[], Unjudged],
) -> None:
    plain, trained = trial_of(), trial_of()
    of_plain = countermeasure_rows(plain, "softmax", "none", 0)
    of_trained = countermeasure_rows(trained, "softmax", "dropout", 0.9)
    assert attacks(of_plain) == attacks(of_trained)
    for (before, _), (after, _) in zip(vars(plain)["kept"], vars(trained)["kept"], strict=True):
        assert not np.array_equal(before, after)
    assert {(each["countermeasure"], each["strength"]) for each in of_trained} == {("dropout", 0.9)}


def test_questions_are_bought_by_access_knowledge_and_budget(
    trial_of: Callable[[], Unjudged],
) -> None:
    rows = query_rows(trial_of(), "softmax", "classification_images")
    told = [tuple(each[n] for n in ("access", "threat_model", "queries")) for each in rows]
    has = ("nothing but answers", "answers, and photos of other people")
    assert told == [(a, h, b) for a in ("confidences", "labels") for h in has for b in (20, 30)]
    (rows, solving) = (
        query_rows(trial_of(), "softmax", name) for name in ("boundary", "equation_solving")
    )
    assert {each["threat_model"] for each in rows} == {has[1]}
    assert {each["threat_model"] for each in solving} == {has[0]}


# Points of the sweep.


@pytest.mark.parametrize(
    ("text", "point"),
    [("none", ("none", 0)), ("rounding=0.01", ("rounding", 0.01)),
     ("noise=0.0123456", ("noise", 0.0123456)), ("top=1", ("top", 1)),
     ("label_smoothing=-0.05", ("label_smoothing", -0.05)), ("noise=1e-07", ("noise", 1e-7))],
)  # fmt: skip
def test_a_point_is_a_name_and_a_strength(text: str, point: tuple[str, float]) -> None:
    got = parse_point(text)
    assert got == point
    assert isinstance(got[1], type(point[1]))


def test_a_strength_of_many_digits_is_kept(write_params: WriteParams) -> None:
    sweep = load_params(write_params({POINTS: ["noise=0.0123456"]})).countermeasures.sweep
    assert sweep.points == ["noise=0.0123456"]


def test_the_shipped_points_begin_with_none_and_are_all_of_them_known() -> None:
    points = PARAMS.countermeasures.sweep.points
    assert points[0] == "none"
    assert {parse_point(point)[0] for point in points[1:]} <= {*IN_TRAINING, *ON_ANSWERS}


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (["none", "prayer=1"], f"{POINTS}.1: found 'prayer=1', {NAMED}"),
        (["rounding=2"], f"{POINTS}.0.rounding: found 2, should be less than 1"),
        (["none", "dropout=1.5"], f"{POINTS}.1.dropout: found 1.5, should be less than 1"),
        (["dp_sgd=-1"], f"{POINTS}.0.dp_sgd: found -1, should be greater than 0"),
        (["top=1.5"], f"{POINTS}.0.top: found 1.5, should be a valid integer"),
        (["rounding"], f"{POINTS}.0: found 'rounding', {NAMED}"),
        (["rounding="], f"{POINTS}.0: found 'rounding=', {NAMED}"),
        (["rounding=much"], f"{POINTS}.0: found 'rounding=much', {NAMED}"),
        (["rounding=1e-2"], f"{POINTS}.0: found 'rounding=1e-2', {SPELLED} rounding=0.01"),
        (["none", "rounding= 0.01"], f"{POINTS}.1: found 'rounding= 0.01', {SPELLED} rounding=0"),
        (["top=1.0"], f"{POINTS}.0: found 'top=1.0', {SPELLED} top=1"),
        (["rounding=nan"], f"{POINTS}.0.rounding: found nan, should be a finite number"),
        (["none=3"], f"{POINTS}.0: found 'none=3', {NAMED}"),
        ([0.1], f"{POINTS}.0: found 0.1, should be a valid string"),
        (["top=1", "none", "top=1"], f"{POINTS}: found ['top=1', 'none', 'top=1'], should name "),
        ([], f"{POINTS}: found [], should have at least 1 item"),
        ("none", f"{POINTS}: found 'none', should be a list, such as [none]"),
    ],
    ids=str,
)
def test_a_mistake_in_a_point_is_told_in_a_line(
    write_params: WriteParams, points: Any, told: str
) -> None:
    (line,) = mistakes(write_params({POINTS: points}))
    assert line.startswith(told)


def test_what_is_compared_is_no_part_of_a_run(write_params: WriteParams) -> None:
    def digest(changes: dict[str, Any]) -> str:
        return params_digest(load_params(write_params(changes)))

    plain = digest({})
    for compared in (
        {POINTS: ["none"]},
        {"countermeasures.sweep.seeds": [3, 4]},
        {"countermeasures.sweep.budget": 7},
        {"queries.budgets": [5]},
        {"queries.attackers": ["boundary"]},
        {"queries.evolution.step": 0.7},
    ):
        assert digest(compared) == plain
    for part in (
        {"countermeasures.training": {"dropout": 0.3}},
        {"countermeasures.answers": {"rounding": 0.1}},
        {"softmax.max_epochs": 3},
    ):
        assert digest(part) != plain


# With DVC.

COMPARING = {"ordinary", "countermeasure", "queries", "sharpening", "tradeoff"}


def stages_of(clone: Clone, *arguments: str) -> set[str]:
    """Run DVC, and give which stages of the comparison it ran, without the name of their file."""
    ran = {name.rpartition(":")[2] for name in clone.stages_run(*arguments)}
    return {name for name in ran if name.partition("@")[0] in COMPARING}


def test_a_new_strength_runs_its_point_alone_and_the_main_pipeline_none(tmp_path: Path) -> None:
    changes = [
        f"{POINTS}=[none,'rounding=0.1','early_stopping=0.3']", "queries.budgets=[30]",
        "countermeasures.sweep.models=[softmax]", "countermeasures.sweep.seeds=[0]",
        "countermeasures.sweep.budget=60", "queries.attackers=[equation_solving]",
    ]  # fmt: skip
    clone = Clone.of_this_checkout(tmp_path / "miface", SMALL + changes)
    main = clone.dvc("stage", "list", "--name-only").split()  # what `dvc repro` runs
    assert "train_softmax" in main
    assert not {name.partition("@")[0] for name in main} & COMPARING

    every = stages_of(clone, "repro", "stages/dvc.yaml")
    points = {f"countermeasure@{point}" for point in ("none", "rounding=0.1", "early_stopping=0.3")}
    assert points | {"queries@equation_solving-softmax", "tradeoff"} <= every
    rows = json.loads((clone.folder / "reports/countermeasures.json").read_text())
    kinds = [(each["countermeasure"], each["strength"]) for each in rows]
    assert list(dict.fromkeys(kinds)) == [("none", 0), ("rounding", 0.1), ("early_stopping", 0.3)]
    assert "What questions buy" in (clone.folder / "reports/tradeoff.md").read_text("utf-8")

    assert stages_of(clone, "repro", "stages/dvc.yaml") == set()
    clone.set_params([f"{POINTS}=[none,'rounding=0.1','early_stopping=0.3','rounding=0.25']"])
    ran = stages_of(clone, "repro", "stages/dvc.yaml")
    assert ran == {"countermeasure@rounding=0.25", "tradeoff"}


def test_every_stage_that_compares_is_in_a_pipeline_of_its_own() -> None:
    ours, main = (set(read_yaml(ROOT / path)["stages"]) for path in ("stages/dvc.yaml", "dvc.yaml"))
    assert ours <= COMPARING
    assert not main & COMPARING


def test_stages_wait_for_all_that_a_trial_reads() -> None:
    # DVC begins a stage before what it does not list, if it so happens.
    stages = read_yaml(ROOT / "stages/dvc.yaml")["stages"]
    trials = [
        stage["deps"] for stage in stages.values() if "stages/trials.py" in stage.get("deps", [])
    ]
    assert len(trials) == 4
    for deps in trials:
        assert {"data/faces.npz", "data/embedded.npz"} <= set(deps)
