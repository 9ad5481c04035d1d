"""What holds of every recogniser: a new module of `miface.recognisers` is checked by itself."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import case_of, recipe_of
from torch import Tensor, nn
from trained import NAMES, PEOPLE, PIXELS, SIZE, photos, settings_of, train_small, trained

from miface.attack.access.confidences import Confidences
from miface.attack.costs import Cost
from miface.attack.objectives import OBJECTIVES
from miface.attack.row_space import NearbyProducts, RowSpace, orthonormal_rows
from miface.recognisers import RECOGNISERS, accuracy
from miface.recognisers.recogniser import Coded, Convolutional, Recogniser, Size
from miface.recognisers.store import load, save
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Photos, Trainer, train_classifier

PERCEPTRONS = [name for name, kind in RECOGNISERS.items() if issubclass(kind, Perceptron)]
CODED = [name for name, kind in RECOGNISERS.items() if issubclass(kind, Coded)]
CONVOLUTIONAL = [name for name, kind in RECOGNISERS.items() if issubclass(kind, Convolutional)]
every_recogniser = pytest.mark.parametrize("model", RECOGNISERS)


def make(model: str, size: Size = SIZE, people: int = PEOPLE) -> Recogniser:
    """A recogniser as PyTorch begins it."""
    torch.manual_seed(0)
    return RECOGNISERS[model](size, NAMES[:people], settings_of(model)).eval()


def in_double(model: str) -> Recogniser:
    return copy.deepcopy(trained(model)).double()


# Answers.


@every_recogniser
@pytest.mark.parametrize("size", [SIZE, (33, 27)], ids=str)
@pytest.mark.parametrize("people", [2, 4])
@pytest.mark.parametrize("count", [1, 5])
@torch.no_grad()
def test_there_is_a_logit_for_each_photo_and_person(
    model: str, size: Size, people: int, count: int
) -> None:
    recogniser = make(model, size, people)
    assert recogniser(torch.rand(count, size[0] * size[1])).shape == (count, people)
    assert (recogniser.name(), recogniser.size) == (model, size)
    assert recogniser.title


@every_recogniser
def test_confidences_of_any_image_add_up_to_one(model: str) -> None:
    images = torch.stack(
        [torch.zeros(PIXELS), torch.ones(PIXELS), torch.rand(PIXELS), 1e3 * torch.randn(PIXELS)]
    )
    confidences = Confidences(trained(model)).ask(images, torch.zeros(4, dtype=torch.int64))
    assert (confidences >= 0).all()
    torch.testing.assert_close(confidences.sum(1), torch.ones(4))


@every_recogniser
@torch.no_grad()
def test_an_answer_depends_on_its_photo_alone(model: str) -> None:
    recogniser, x = trained(model), photos().x
    assert not recogniser.training
    torch.testing.assert_close(recogniser(x)[:1], recogniser(x[:1]))
    torch.testing.assert_close(recogniser(x), recogniser(x), rtol=0, atol=0)


@every_recogniser
def test_gradients_of_the_logits_are_finite_differences(model: str) -> None:
    recogniser, step = in_double(model), 1e-6
    x = photos().x[:1].double().requires_grad_()
    for person in range(PEOPLE):
        (gradient,) = torch.autograd.grad(recogniser(x)[0, person], x)
        with torch.no_grad():
            beside = step * torch.eye(PIXELS, dtype=torch.float64)
            higher, lower = recogniser(x + beside), recogniser(x - beside)
        assert gradient.any()
        slope = (higher - lower)[:, person] / (2 * step)
        torch.testing.assert_close(gradient[0], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("model", CODED)
@torch.no_grad()
def test_what_has_codes_sees_them_alone_and_draws_them(model: str) -> None:
    recogniser, x = trained(model), photos().x
    assert isinstance(recogniser, Coded)
    codes = recogniser.encode(x)
    torch.testing.assert_close(recogniser.classifier(codes), recogniser(x), rtol=0, atol=0)
    assert codes.shape == (len(x), recogniser.classifier.first.in_features)
    assert recogniser.decode(codes).shape == x.shape


@pytest.mark.parametrize("model", CONVOLUTIONAL)
@torch.no_grad()
def test_what_is_convolutional_classifies_features_that_are_not_negative(model: str) -> None:
    recogniser, x = trained(model), photos().x
    assert isinstance(recogniser, Convolutional)
    features = recogniser.features(x)
    torch.testing.assert_close(recogniser.classify(features), recogniser(x), rtol=0, atol=0)
    assert features.shape == (len(x), recogniser.hidden.in_features)
    assert recogniser.output.out_features == PEOPLE
    assert (features >= 0).all()


# Training.


@every_recogniser
def test_training_learns_whom_the_photos_show(model: str) -> None:
    measured = photos()
    # Longer steps than shipped: an epoch has 2 of them here, and 28 of the AT&T faces.
    recogniser = train_small(model, max_epochs=60, learning_rate=0.02)
    assert accuracy(recogniser, measured.x, measured.person) == 1


@every_recogniser
def test_a_seed_decides_the_bytes_whatever_was_drawn_before(model: str, tmp_path: Path) -> None:
    one, again, other = (tmp_path / f"{name}.safetensors" for name in ("one", "again", "other"))
    save(train_small(model, seed=5), one)
    torch.rand(3)
    save(train_small(model, seed=5), again)
    save(train_small(model, seed=6), other)
    assert one.read_bytes() == again.read_bytes()
    assert one.read_bytes() != other.read_bytes()


def plain_training(network: nn.Module, given: Photos, settings: Descent) -> None:
    """What everybody writes: PyTorch's SGD on all weights."""
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.SGD(
        network.parameters(),
        settings.learning_rate,
        settings.momentum,
        weight_decay=settings.weight_decay,
    )
    for _ in range(settings.max_epochs):
        order = torch.randperm(given.trained_on, generator=generator)
        for rows in order.split(settings.batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(given.x[rows]), given.person[rows]).backward()
            optimiser.step()


@pytest.mark.parametrize("model", PERCEPTRONS)
@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.1)])
def test_fast_training_is_plain_training(model: str, momentum: float, weight_decay: float) -> None:
    given = replace(photos(), x=photos().x.double())
    settings = settings_of(model, momentum=momentum, weight_decay=weight_decay)
    start, fast, plain = (make(model).double() for _ in range(3))
    generator = torch.Generator().manual_seed(0)
    train_classifier(fast, settings, Trainer(given, generator, log=lambda measures: None))
    plain_training(plain, given, settings)
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(fast.state_dict()[name], weight, rtol=1e-9, atol=1e-12)
        assert not torch.equal(start.state_dict()[name], weight), name


# The attack in the row space of a first linear layer.


@pytest.mark.parametrize("model", [*PERCEPTRONS, *CODED])
@pytest.mark.parametrize("few", [False, True], ids=["all rows", "an orthonormal basis"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_row_space_gives_cost_and_gradient_of_autograd(
    model: str, few: bool, objective: str
) -> None:
    recogniser = in_double(model)
    recipe = recipe_of("mi_face", model, {"objective": objective, "process": "identity"})
    case = case_of(recogniser, recipe)
    network = recogniser.classifier if isinstance(recogniser, Coded) else recogniser
    assert isinstance(network, Perceptron)
    basis = orthonormal_rows(network.first.weight, len(network.first.weight)) if few else None
    generator = torch.Generator().manual_seed(0)
    start = case.starts(1, generator)[0].double() + 0.1
    fast = RowSpace(network, OBJECTIVES[objective], start, basis)
    points = torch.randn(PEOPLE, fast.dimensions, dtype=torch.float64, generator=generator)
    labels = torch.arange(PEOPLE)
    cost, coordinates = fast(points, labels)
    expected, gradient = Cost(case)(fast.expand(points), labels)
    assert gradient.any()
    torch.testing.assert_close(cost, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(coordinates @ fast.basis, gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
def test_products_of_points_on_paths_are_those_of_the_matrix(kind: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    whole, origin, first, second = normal(60, 80), normal(60), normal(7, 80), normal(7, 80)
    matrix = whole.to(kind)
    products = NearbyProducts(matrix, origin.to(kind))
    times = torch.linspace(0, 1, 2000, dtype=torch.float64)
    # A slow bend, a jump, noise, fewer rows: whatever points do, their products are right.
    paths = [t * first + 1e-3 * t**2 * second for t in times]
    paths += [100 * second, *(normal(7, 80) for _ in range(20)), first[:3], 0 * first[:3]]
    begun = 0
    for i, points in enumerate(paths):
        anchor = products.anchor
        z = products(points.double())
        begun += products.anchor is not anchor
        if i == len(times) - 1:
            assert begun == 1  # two directions hold the bend
        error = (z.double() - origin - points @ matrix.double().T).norm(dim=1)
        size = matrix.double().norm() * points.norm(dim=1) + origin.norm()
        assert (error <= 10 * torch.finfo(kind).eps * size).all(), i
        assert z.dtype == kind


# On disk.


@every_recogniser
@torch.no_grad()
def test_a_saved_recogniser_loads_as_it_was(model: str, tmp_path: Path) -> None:
    recogniser, path = trained(model), tmp_path / "model.safetensors"
    save(recogniser, path)
    torch.manual_seed(1)  # the weights come from the file, not from the seed
    loaded, x = load(path, torch.device("cpu")), photos().x
    torch.testing.assert_close(loaded(x), recogniser(x), rtol=0, atol=0)
    assert type(loaded) is type(recogniser)
    assert (loaded.names, loaded.size) == (NAMES, SIZE)
    assert loaded.settings == recogniser.settings
    assert not loaded.training


@every_recogniser
def test_the_same_recogniser_is_the_same_bytes(model: str, tmp_path: Path) -> None:
    one, other, again = (tmp_path / f"{name}.safetensors" for name in ("one", "other", "again"))
    save(trained(model), one)
    save(trained(model), other)
    save(load(one, torch.device("cpu")), again)
    assert one.read_bytes() == other.read_bytes() == again.read_bytes()
