"""Training: the span of the inputs against plain PyTorch, early stopping, and reproducibility."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from miface.training.autoencoder import (
    Autoencoder,
    reconstruction_error,
    start_from_principal_components,
)
from miface.training.initial_weights import initialise
from miface.training.optimisers import SGD, Adam
from miface.training.perceptron import LinearClassifier, Perceptron
from miface.training.trainer import Descent, Photos, Trainer, train_classifier

Measures = dict[str, float]


class TwoLayers(Perceptron):
    """A layer of sigmoid units and a linear one."""

    def __init__(self, inputs: int, hidden: int, people: int) -> None:
        super().__init__()
        self.first, self.output = nn.Linear(inputs, hidden), nn.Linear(hidden, people)

    def tail(self, z: Tensor) -> Tensor:
        logits: Tensor = self.output(torch.sigmoid(z))
        return logits


def settings_with(**changes: float) -> Descent:
    base = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0, "batch_size": 4,
            "max_epochs": 4, "patience": 100}  # fmt: skip
    return Descent.model_validate(base | changes)


def photos_like(seed: int, train: int = 18, test: int = 6, inputs: int = 50) -> Photos:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(train + test, inputs, generator=generator, dtype=torch.float64)
    person = torch.arange(train + test) % 3
    return Photos(x, person, train)


def plain_training(network: nn.Module, photos: Photos, settings: Descent, seed: int) -> None:
    """What everybody writes: PyTorch's SGD on all weights."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    for _ in range(settings.max_epochs):
        order = torch.randperm(photos.trained_on, generator=generator)
        for rows in order.split(settings.batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(photos.x[rows]), photos.person[rows]).backward()
            optimiser.step()


@given(
    seed=st.integers(0, 99),
    hidden=st.integers(1, 12),
    batch=st.integers(1, 25),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    weight_decay=st.sampled_from([0.0, 0.01, 0.3]),
    layers=st.sampled_from([1, 2]),
)
@settings(max_examples=40, deadline=None)
def test_training_in_the_span_is_plain_training(
    seed: int, hidden: int, batch: int, momentum: float, weight_decay: float, layers: int
) -> None:
    torch.manual_seed(seed)
    photos = photos_like(seed)
    network = LinearClassifier(50, 3) if layers == 1 else TwoLayers(50, hidden, 3)
    network.double()
    plain = copy.deepcopy(network)
    how = settings_with(batch_size=batch, momentum=momentum, weight_decay=weight_decay)
    measured: list[Measures] = []
    generator = torch.Generator().manual_seed(seed)
    train_classifier(network, how, Trainer(photos, generator, measured.append))
    plain_training(plain, photos, how, seed)
    for (name, weight), expected in zip(
        network.named_parameters(), plain.parameters(), strict=True
    ):
        torch.testing.assert_close(weight, expected, msg=name)
    # What was logged last is what the trained network does.
    with torch.no_grad():
        logits = plain(photos.x)
    loss = nn.functional.cross_entropy(logits[18:], photos.person[18:]).item()
    right = (logits[:18].argmax(1) == photos.person[:18]).float().mean().item()
    assert measured[-1]["test/loss"] == pytest.approx(loss)
    assert measured[-1]["train/accuracy"] == pytest.approx(right)


@given(
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    weight_decay=st.sampled_from([0.0, 0.01, 0.3]),
    steps=st.integers(1, 12),
)
@settings(max_examples=30, deadline=None)
def test_sgd_makes_the_steps_of_pytorch(momentum: float, weight_decay: float, steps: int) -> None:
    ours, theirs = two_alike()
    optimiser = torch.optim.SGD(theirs, lr=0.1, momentum=momentum, weight_decay=weight_decay)
    sgd = SGD(ours, 0.1, momentum, weight_decay)
    for step in range(steps):
        set_gradients(step, ours, theirs)
        sgd.step()
        optimiser.step()
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected)


@given(steps=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_adam_makes_the_steps_of_pytorch_on_its_one_cycle(steps: int) -> None:
    ours, theirs = two_alike()
    optimiser = torch.optim.Adam(theirs, lr=0.3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.3, total_steps=steps)
    adam = Adam(ours, 0.3, steps)
    for step in range(steps):
        set_gradients(step, ours, theirs)
        adam.step()
        optimiser.step()
        schedule.step()
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected)


def two_alike() -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    start = [torch.arange(6.0).view(2, 3), torch.ones(4)]
    ours, theirs = ([nn.Parameter(w.clone()) for w in start] for _ in range(2))
    return ours, theirs


def set_gradients(step: int, *networks: list[nn.Parameter]) -> None:
    for parameters in networks:
        generator = torch.Generator().manual_seed(step)
        for weight in parameters:
            weight.grad = torch.randn(weight.shape, generator=generator)


def test_patience_ends_training_that_does_not_improve() -> None:
    measured: list[Measures] = []
    how = settings_with(learning_rate=1e-300, max_epochs=50, patience=3)
    network = LinearClassifier(50, 3).double()
    generator = torch.Generator().manual_seed(0)
    train_classifier(network, how, Trainer(photos_like(0), generator, measured.append))
    assert len(measured) == 1 + 3


def test_training_goes_on_while_it_improves() -> None:
    measured: list[Measures] = []
    how = settings_with(max_epochs=30, patience=1, learning_rate=0.01)
    network = LinearClassifier(50, 3).double()
    generator = torch.Generator().manual_seed(0)
    train_classifier(network, how, Trainer(photos_like(0), generator, measured.append))
    assert len(measured) == 30


def rank_limited(n: int, d: int, rank: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.rand(n, rank, generator=generator) @ torch.rand(rank, d, generator=generator) / rank
    )


def test_the_start_from_principal_components_reconstructs_like_principal_components() -> None:
    x = rank_limited(40, 60, 5)
    noisy = x + 0.05 * torch.rand(40, 60, generator=torch.Generator().manual_seed(2))
    autoencoder = Autoencoder(60, 8)
    start_from_principal_components(autoencoder, noisy, torch.Generator().manual_seed(0))
    centred = (noisy - noisy.mean(0)).double()
    spread = torch.linalg.svdvals(centred)
    best_linear = (spread[8:].square().sum() / noisy.numel()).item()
    error = reconstruction_error(autoencoder, noisy)
    # tanh bends a little: somewhat worse than the best linear autoencoder, far from the variance.
    assert best_linear <= error < best_linear + 0.1 * centred.square().mean().item()


@pytest.mark.parametrize(
    ("weights", "deviation"),
    [("zeros", 0.0), ("normal", 1.0), ("small_normal", 0.01 * 400**-0.5),
     ("default", (3 * 400) ** -0.5),
     ("xavier", (2 / 1000) ** 0.5), ("glorot_x4", 4 * (2 / 1000) ** 0.5)],
)  # fmt: skip
def test_initial_weights_have_the_spread_that_their_name_says(
    weights: str, deviation: float
) -> None:
    layer = nn.Linear(400, 600)
    initialise(layer, weights, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.02)
