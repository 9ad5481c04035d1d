"""What an attacker may ask of a recogniser, what he is told, and how often he asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import MODELS, PARAMS, PEOPLE, PIXELS, SIZE, case_of, recipe_of, recogniser_of
from torch import Tensor

from miface.attack.access import ACCESSES
from miface.attack.access.access import Access
from miface.attack.access.confidences import Confidences
from miface.attack.access.everything import Everything
from miface.attack.access.labels import Labels
from miface.attack.auxterms import AUXTERMS
from miface.attack.case import Case
from miface.attack.costs import AskedCost, Cost
from miface.attack.knowledge import public_photos
from miface.attack.objectives import OBJECTIVES
from miface.attack.recipe import check_recipe
from miface.attack.run import attack, invert
from miface.countermeasures.countermeasure import Answering
from miface.countermeasures.rounding import Rounding
from miface.errors import MifaceError
from miface.params.schema import load_params
from miface.recognisers.recogniser import Recogniser

ASKING: list[type[Access]] = [Confidences, Labels]


class Mirrored(Answering):
    """What is said of the first person is said of the last, and so on."""

    def answer(self, confidences: Tensor) -> Tensor:
        return confidences.flip(1)


def lively(model: str, **shape: Any) -> Recogniser:
    """A small recogniser that is sure of something: its weights are large."""
    recogniser = recogniser_of(model, seed=1, **shape)
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)  # and biases as they are
    return recogniser


def some_images(count: int = 6) -> Tensor:
    return torch.rand(count, PIXELS, generator=torch.Generator().manual_seed(0))


def confidences_of(recogniser: Recogniser, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.softmax(recogniser(images), 1)


def test_an_access_is_known_by_its_module() -> None:
    assert {"confidences": Confidences, "everything": Everything, "labels": Labels} == ACCESSES


@pytest.mark.parametrize("model", MODELS)
def test_who_asks_for_confidences_is_told_them_after_the_countermeasures(model: str) -> None:
    recogniser, images = lively(model), some_images()
    labels = torch.zeros(len(images), dtype=torch.int64)
    p = confidences_of(recogniser, images)
    torch.testing.assert_close(Confidences(recogniser).ask(images, labels), p)
    told = Confidences(recogniser, [Rounding(0.25)]).ask(images, labels)
    assert set(told.unique().tolist()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert (told - p).abs().max() <= 0.125 + 1e-6


def test_countermeasures_act_one_after_the_other() -> None:
    recogniser, images = lively("mlp"), some_images()
    labels = torch.zeros(len(images), dtype=torch.int64)
    coarse, fine = Rounding(0.4), Rounding(0.25)
    p = confidences_of(recogniser, images)
    told = {}
    for order in ((coarse, fine), (fine, coarse)):
        told[order] = Confidences(recogniser, order).ask(images, labels)
        torch.testing.assert_close(told[order], order[1].answer(order[0].answer(p)))
    assert not torch.equal(*told.values()), "the order makes no difference here: it shows nothing"


@pytest.mark.parametrize("model", MODELS)
def test_who_asks_for_labels_is_told_numbers_after_the_countermeasures(model: str) -> None:
    recogniser, images = lively(model), some_images()
    labels = torch.zeros(len(images), dtype=torch.int64)
    highest = confidences_of(recogniser, images).argmax(1)
    for countermeasures, expected in ([], highest), ([Mirrored(1.0)], PEOPLE - 1 - highest):
        told = Labels(recogniser, countermeasures).ask(images, labels)
        assert told.dtype == torch.int64
        assert told.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ASKING)
def test_who_asks_sees_no_weights(kind: type[Access]) -> None:
    access = kind(recogniser_of("cnn"))
    assert not any(isinstance(getattr(access, name), Recogniser) for name in public(access))
    for changes in {"initial_noise": "filtered"}, {"initial_noise": "kept"}:
        case = case_of(access, recipe_of("refined", "cnn", changes))
        for view in "recogniser", "attacked":
            with pytest.raises(TypeError, match=f"who {access.title} sees no weights"):
                getattr(case, view)
    with pytest.raises(TypeError, match="sees no weights"):
        _ = case_of(kind(recogniser_of("dae")), recipe_of("refined", "dae")).space  # of codes


def public(access: Access) -> list[str]:
    return [name for name in dir(access) if not name.startswith("_")]


def test_who_holds_the_weights_meets_no_countermeasure_and_no_counter() -> None:
    recogniser, images = lively("softmax"), some_images(PEOPLE)
    recipe = recipe_of("mi_face", "softmax", {"alpha": 20})
    access = Everything(recogniser, [Rounding(0.5), Mirrored(1.0)])
    told = access.ask(images, torch.arange(PEOPLE))
    torch.testing.assert_close(told.detach(), confidences_of(recogniser, images))
    assert case_of(access, recipe).recogniser is recogniser
    got = invert(case_of(access, recipe), np.arange(PEOPLE))
    np.testing.assert_array_equal(got.x, invert(case_of(recogniser, recipe), np.arange(PEOPLE)).x)
    assert not got.queries.any()
    assert not access.queries.any()


@pytest.mark.parametrize("kind", ASKING)
def test_every_answer_is_counted_for_its_label(kind: type[Access]) -> None:
    access = kind(recogniser_of("mlp"))
    assert access.queries.tolist() == [0] * PEOPLE
    access.ask(some_images(4), torch.tensor([0, 2, 2, 4]))
    assert access.queries.tolist() == [1, 0, 2, 0, 1]
    access.ask(some_images(2), torch.tensor([1, 2]))
    assert access.queries.tolist() == [1, 1, 3, 0, 1]
    access.reveal(some_images(3))  # for the record, not for the attacker
    assert access.queries.tolist() == [1, 1, 3, 0, 1]


TERMS = {"roughness": 5.0, "out_of_range": 2.0, "symmetry": 1.0}


@pytest.mark.parametrize("auxterms", [{}, TERMS], ids=["objective", "with auxterms"])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_numerical_gradients_are_those_of_autograd(
    model: str, objective: str, auxterms: dict[str, float]
) -> None:
    size = (26, 20)  # more pixels than are asked about at once
    recogniser = lively(model, size=size).double()
    generator = torch.Generator().manual_seed(1)
    x = 1.5 * torch.rand(2, 26 * 20, dtype=torch.float64, generator=generator)
    labels = torch.tensor([3, 1])
    error = {}
    for h in (1e-3, 1e-5):
        changes = {"objective": objective, "difference": h, "auxterms": auxterms}
        recipe = recipe_of("refined", model, changes)
        access = Confidences(recogniser)
        cost, gradient = Cost(case_of(recogniser, recipe))(x, labels)
        asked_cost, asked = AskedCost(case_of(access, recipe))(x, labels)
        torch.testing.assert_close(asked_cost, cost)
        assert access.queries.tolist() == [0, 521, 0, 521, 0]
        error[h] = ((asked - gradient).abs().max() / gradient.abs().max()).item()
        assert error[h] < h
    assert error[1e-5] < max(error[1e-3] / 50, 1e-8)


def asking(model: str, **changes: Any) -> Case:
    """A case, with a new counter, of who may ask and has photos of other people."""
    photos = np.random.default_rng(0).random((8, *SIZE)).astype(np.float32)
    knowledge = public_photos(photos, np.zeros(0, np.int64), 4, 1, seed=0)
    plain = {
        "access": "confidences", "objective": "minus_log_p", "gradient": "as_is", "start": "zero",
        "process": "identity", "space": "frequencies", "initial_noise": "kept", "smoothing": 0.0,
        "estimator": "as_is", "auxterms": dict.fromkeys(AUXTERMS, 0.0), "alpha": 12,
        "gamma": -1.0, "lambda_": 0.1,
    }  # fmt: skip
    recipe = recipe_of("refined", model, plain | changes)
    return case_of(Confidences(lively(model)), recipe, knowledge)


@pytest.mark.parametrize("space", ["frequencies", "prior"])
@pytest.mark.parametrize("model", MODELS)
def test_who_asks_for_confidences_lowers_the_cost_and_knows_his_queries(
    model: str, space: str
) -> None:
    labels = np.array([4, 0, 2])
    everything = invert(asking(model, space=space), labels)
    started = everything.cost_history[:, 0]
    assert (everything.attack_cost < started).all()
    assert (everything.cost < 1 - np.exp(-started)).all()

    case = asking(model, space=space, gamma=np.median(everything.attack_cost).item())
    got = invert(case, labels)
    assert len(set(got.iterations)) > 1, "all rows make as many steps: it shows nothing"
    np.testing.assert_array_equal(got.queries, (case.space.dimensions + 1) * (got.iterations + 1))


def test_queries_are_those_of_all_restarts_together() -> None:
    restarts = {"start": "random", "restarts": 3}
    labels, repeated = np.array([4, 0]), torch.tensor([4, 4, 4, 0, 0, 0])
    case = asking("mlp", **restarts)
    starts = case.starts(2, torch.Generator().manual_seed(0))
    gamma = attack(case, repeated, starts).cost.median().item()
    steps = attack(asking("mlp", **restarts, gamma=gamma), repeated, starts).iterations
    assert len(set(steps[:3])) > 1, "all restarts make as many steps: it shows nothing"
    got = invert(asking("mlp", **restarts, gamma=gamma), labels)
    each = (case.space.dimensions + 1) * (steps + 1)
    assert got.queries.tolist() == [each[:3].sum(), each[3:].sum()]


def test_coarse_rounding_stops_who_asks_and_not_who_holds_the_weights() -> None:
    recogniser, rounded = recogniser_of("softmax"), [Rounding(0.1)]
    changes = {"objective": "one_minus_p", "space": "frequencies", "alpha": 5, "start": "grey"}
    recipe = recipe_of("refined", "softmax", changes | {"difference": 1e-4})
    asking, holding = Confidences(recogniser, rounded), Everything(recogniser, rounded)
    start = case_of(holding, recipe).starts(PEOPLE, torch.Generator())
    _, gradient = AskedCost(case_of(asking, recipe))(start, torch.arange(PEOPLE))
    assert not gradient.any()
    _, gradient = AskedCost(case_of(Confidences(recogniser), recipe))(start, torch.arange(PEOPLE))
    assert gradient.any()

    stopped, went = (invert(case_of(of, recipe), np.arange(PEOPLE)) for of in (asking, holding))
    assert stopped.x == pytest.approx(0.5, abs=1e-5)  # the grey that it began with
    np.testing.assert_array_equal(went.x, invert(case_of(recogniser, recipe), np.arange(PEOPLE)).x)
    assert (went.cost < stopped.cost).all()


OF_THE_WEIGHTS: list[tuple[str, dict[str, Any]]] = [
    ("cnn", {"initial_noise": "filtered"}),
    ("cnn", {"auxterms": {"feature_span": 1.0}}),
    ("cnn", {"auxterms": {"feature_template": 1.0}}),
    ("dae", {"space": "codes"}),
]
NO_WEIGHTS = {
    "initial_noise": "kept", "space": "frequencies", "process": "identity", "smoothing": 0.0,
    "estimator": "as_is", "auxterms": {"feature_span": 0.0, "feature_template": 0.0},
}  # fmt: skip


@pytest.mark.parametrize(("model", "reads"), OF_THE_WEIGHTS, ids=str)
def test_a_recipe_that_reads_the_weights_needs_them(model: str, reads: dict[str, Any]) -> None:
    check_recipe("refined", model, recipe_of("refined", model, NO_WEIGHTS | reads))
    asks = NO_WEIGHTS | reads | {"access": "confidences"}
    with pytest.raises(ValueError, match=r"^refined\.access: found 'confidences', .*weights") as e:
        check_recipe("refined", model, recipe_of("refined", model, asks))
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("space", ["pixels", "frequencies", "prior"])
@pytest.mark.parametrize("model", MODELS)
def test_confidences_do_for_any_recogniser_and_labels_for_none(model: str, space: str) -> None:
    changes = NO_WEIGHTS | {"space": space}
    check_recipe("x", model, recipe_of("refined", model, changes | {"access": "confidences"}))
    with pytest.raises(ValueError, match=r"^x\.access: found 'labels', by which no recipe") as e:
        check_recipe("x", model, recipe_of("refined", model, changes | {"access": "labels"}))
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"refined.mlp.access": "labels"}, "refined.mlp.access: found 'labels'"),
        ({"prior.cnn.access": "confidences"}, "prior.cnn.access: found 'confidences'"),
        ({"recipe.access": "a bribe"}, "recipe.access: found 'a bribe', should be"),
    ],
    ids=["labels", "weights", "no access"],
)
def test_an_access_that_does_not_fit_is_told_in_a_line(
    write_params: Callable[..., Path], changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(MifaceError) as error:
        load_params(write_params(changes))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_countermeasures_on_answers_are_planned_for_who_asks(
    write_params: Callable[..., Path],
) -> None:
    changes = {"countermeasures.answers": {"rounding": 0.05}, "refined.mlp.access": "confidences"}
    params = load_params(write_params(changes))
    assert params.plan("refined", "mlp").answers == {"rounding": 0.05}
    assert params.plan("refined", "softmax").answers == {}
    assert PARAMS.plan("refined", "mlp").answers == {}
