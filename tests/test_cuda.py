"""On a GPU with CUDA, training and attacks end where they end on the CPU, to rounding."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from small import case_of, recipe_of
from trained import NAMES, PEOPLE, SIZE, photos, settings_of, trained

from miface.attack.access.confidences import Confidences
from miface.attack.run import invert
from miface.recognisers import RECOGNISERS, device, train
from miface.training.trainer import Photos, Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU with CUDA here")
EVERYBODY = np.arange(PEOPLE)
ON_GPU = device()
ATTACKS: dict[tuple[str, str], dict[str, Any]] = {
    ("mi_face", "softmax"): {},
    ("mi_face", "mlp"): {},
    ("mi_face", "dae"): {"process": "identity"},
    ("mi_face", "cnn"): {},
    # Few steps: once p is 1 the gradient is rounding, which steps of one length carry on. So does
    # Adam, by which the CNN is attacked otherwise.
    ("refined", "softmax"): {"alpha": 5},
    ("refined", "mlp"): {"alpha": 5},
    ("refined", "dae"): {},
}


@pytest.mark.parametrize("model", RECOGNISERS)
def test_training_gives_the_same_answers(model: str) -> None:
    # Dropout draws on the device, and so draws differently there.
    changes: dict[str, Any] = {"max_epochs": 20} | ({"dropout": 0.0} if model == "cnn" else {})
    given = photos()
    answers = []
    for place in (torch.device("cpu"), ON_GPU):
        there = Photos(given.x.to(place), given.person.to(place), given.trained_on)
        trainer = Trainer(there, torch.Generator().manual_seed(0), log=lambda measures: None)
        recogniser = train(model, SIZE, NAMES, settings_of(model, **changes), trainer)
        assert next(recogniser.parameters()).device.type == place.type
        answers.append(recogniser(there.x).detach().cpu())
    assert answers[0].std() > 0.01
    torch.testing.assert_close(*answers, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("method", "model"), ATTACKS)
def test_an_attack_recovers_the_same_images(method: str, model: str) -> None:
    recipe = recipe_of(method, model, {"alpha": 60} | ATTACKS[method, model])
    here = trained(model)
    found = [
        invert(case_of(network, recipe), EVERYBODY)
        for network in (here, copy.deepcopy(here).to(ON_GPU))
    ]
    assert found[0].x.std() > 1e-3
    np.testing.assert_allclose(found[0].x, found[1].x, rtol=0, atol=2e-3)
    np.testing.assert_allclose(found[0].cost, found[1].cost, rtol=0, atol=1e-3)
    assert found[0].iterations.tolist() == found[1].iterations.tolist()


def test_who_asks_is_told_the_same() -> None:
    here = trained("mlp")
    images = photos().x
    there = Confidences(copy.deepcopy(here).to(ON_GPU)).ask(images.to(ON_GPU))
    torch.testing.assert_close(Confidences(here).ask(images), there.cpu(), rtol=1e-5, atol=1e-6)
