"""The parts of an attack: derivatives against finite differences, and each option by its word."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import (
    NON_LOCAL_MEANS,
    PEOPLE,
    PIXELS,
    SIZE,
    case_of,
    recipe_of,
    recogniser_of,
)
from torch import Tensor, nn

from miface.attack.auxterms import AUXTERMS
from miface.attack.candidates import Candidates
from miface.attack.costs import Cost
from miface.attack.evidence import read_evidence, without_initial_noise
from miface.attack.gradients import Adam, Momentum, Unit, blur
from miface.attack.knowledge import fit_components, public_photos
from miface.attack.objectives import OBJECTIVES
from miface.attack.processes import clamp, denoise
from miface.attack.run import loop_of
from miface.attack.spaces import FrequencySpace, PriorSpace
from miface.recognisers.cnn import Cnn
from miface.recognisers.dae import Dae


def finite_difference(f: Callable[[Tensor], Tensor], x: Tensor, step: float = 1e-6) -> Tensor:
    """The gradient of f at x [k] by central differences."""
    eye = torch.eye(len(x), dtype=x.dtype) * step
    return torch.stack([(f(x + e) - f(x - e)) / (2 * step) for e in eye])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_and_their_derivatives(name: str) -> None:
    logits = torch.randn(3, PEOPLE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 2, 4])
    cost, derivative = OBJECTIVES[name](logits, labels)
    p = torch.softmax(logits, 1)
    for row, label in enumerate(labels):
        others = torch.cat([logits[row, :label], logits[row, label + 1 :]])
        expected = {
            "one_minus_p": 1 - p[row, label],
            "minus_log_p": -p[row, label].log(),
            "margin": others.max() - logits[row, label],
        }[name]
        assert cost[row].item() == pytest.approx(expected.item())
        own = labels[row : row + 1]
        slope = finite_difference(
            lambda z, own=own: OBJECTIVES[name](z[None], own)[0][0],  # type: ignore[misc]
            logits[row],
        )
        torch.testing.assert_close(derivative[row], slope, atol=1e-7, rtol=1e-5)


def test_minus_log_p_has_a_gradient_where_one_minus_p_has_none() -> None:
    logits = torch.tensor([[0.0, 200.0]])
    label = torch.tensor([0])
    assert OBJECTIVES["one_minus_p"](logits, label)[1].abs().max() == 0
    assert OBJECTIVES["minus_log_p"](logits, label)[1].abs().max() == 1


@pytest.mark.parametrize("name", AUXTERMS)
def test_each_auxterm_adds_its_weight_and_its_gradient(name: str) -> None:
    network = recogniser_of("cnn").double()
    x = torch.rand(1, PIXELS, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 2
    label = torch.tensor([1])

    def cost(weight: float) -> Cost:
        auxterms = dict.fromkeys(AUXTERMS, 0.0) | {name: weight}
        changes = {"objective": "margin", "initial_noise": "kept", "auxterms": auxterms}
        return Cost(case_of(network, recipe_of("refined", "cnn", changes)))

    def term(z: Tensor) -> Tensor:
        return AUXTERMS[name](Candidates(cost(3.0).case, z[None], label))[0]

    (plain, _), (with_term, gradient) = cost(0.0)(x, label), cost(3.0)(x, label)
    assert (with_term - plain).item() == pytest.approx(3 * term(x[0]).item())
    slope = finite_difference(lambda z: cost(3.0)(z[None], label)[0][0], x[0])
    torch.testing.assert_close(gradient[0], slope, atol=1e-6, rtol=1e-4)


def test_auxterms_of_a_hand_computed_image() -> None:
    x = torch.tensor([[0.0, 1.0], [0.5, 3.0]], dtype=torch.float64).view(1, 4)
    network = recogniser_of("softmax", size=(2, 2), people=2).double()
    c = Candidates(case_of(network, recipe_of("refined", "softmax")), x, torch.tensor([0]))
    expected = {
        "total_variation": (0.5 + 2) / 2 + (1 + 2.5) / 2,
        "roughness": (0.25 + 4) / 2 + (1 + 6.25) / 2,
        "l2": (1 + 0.25 + 9) / 4,
        "symmetry": (1 + 1 + 6.25 + 6.25) / 4,
        "out_of_range": 4 / 4,
        "coefficients": 1 + 0.25 + 9,
    }
    for name, value in expected.items():
        assert AUXTERMS[name](c).item() == pytest.approx(value), name


@given(st.integers(1, 6), st.integers(0, 99))
def test_unit_steps_have_length_one(rows: int, seed: int) -> None:
    g = torch.randn(rows, 7, generator=torch.Generator().manual_seed(seed)) * 1e-6
    torch.testing.assert_close(Unit()(g).norm(dim=1), torch.ones(rows))


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_momentum_and_adam_make_the_steps_of_pytorch_for_the_rows_that_go_on(name: str) -> None:
    gradients = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(0))
    rule = Momentum() if name == "momentum" else Adam()
    leaf = torch.zeros(3, 4, requires_grad=True)
    optimiser: torch.optim.Optimizer = torch.optim.SGD([leaf], lr=1.0, momentum=0.9)
    if name == "adam":
        optimiser = torch.optim.Adam([leaf], lr=1.0, betas=(0.9, 0.99))
    x, on = torch.zeros(3, 4), torch.tensor([True, False, True])
    for step, gradient in enumerate(gradients):
        leaf.grad = gradient.clone()
        optimiser.step()
        if step < 3:
            x = x - rule(gradient)
        else:  # the second row has stopped
            x[on] = x[on] - rule(gradient[on])
        if step == 2:
            rule.keep(on)
    torch.testing.assert_close(x[on], leaf.detach()[on])


def test_blur_is_the_gaussian_filter_of_scipy() -> None:
    from scipy.ndimage import gaussian_filter

    x = torch.rand(2, *SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(x.numpy(), (0, 1.3, 1.3), mode="nearest", truncate=3.0)
    np.testing.assert_allclose(blur(x, 1.3).numpy(), expected, atol=1e-3)


def test_process_dae_decodes_denoises_and_encodes() -> None:
    network = recogniser_of("dae", hidden_units=(20, 6))
    assert isinstance(network, Dae)
    recipe = recipe_of("refined", "dae", {"space": "codes", "process": "process_dae"})
    process = loop_of(case_of(network, recipe)).process
    assert process is not None
    codes = torch.randn(2, 6) * 0.5
    with torch.no_grad():
        images = network.decode(codes).unflatten(1, SIZE)
        smooth = denoise(images, NON_LOCAL_MEANS)
        # Sharpening by its definition: five times the pixel less its four neighbours.
        padded = torch.nn.functional.pad(smooth[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
        neighbours = (
            padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
        )
        sharp = 5 * smooth - neighbours
        torch.testing.assert_close(process(codes), network.encode(sharp.flatten(1)))


def test_clamp_limits_and_nothing_else() -> None:
    x = torch.tensor([[[-0.5, 0.2], [0.7, 1.5]]])
    torch.testing.assert_close(clamp(x), torch.tensor([[[0.0, 0.2], [0.7, 1.0]]]))


def test_the_frequency_space_is_an_orthogonal_projection() -> None:
    space = FrequencySpace(SIZE, torch.device("cpu"))
    points = torch.randn(3, space.dimensions, generator=torch.Generator().manual_seed(0))
    images = space.images(points)
    torch.testing.assert_close(space.points(images), points, atol=1e-4, rtol=1e-4)
    grey = torch.full((1, PIXELS), 0.5)
    torch.testing.assert_close(space.images(space.points(grey)), grey)


def test_the_prior_space_begins_at_the_mean_and_moves_along_components() -> None:
    photos = np.random.default_rng(0).random((6, *SIZE)).astype(np.float32)
    mean, components = (torch.from_numpy(a) for a in fit_components(photos, 3, 2, 0))
    space = PriorSpace(mean, components, SIZE)
    z = torch.zeros(2, space.dimensions)
    z[1, 2] = 1
    images = space.images(z)
    torch.testing.assert_close(images[0], mean)
    torch.testing.assert_close(images[1], mean + components[2])
    elsewhere = torch.full((1, PIXELS), 0.3) + mean
    torch.testing.assert_close(space.images(space.points(elsewhere)), elsewhere, atol=1e-5, rtol=0)


def test_components_have_the_spread_of_the_photos() -> None:
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.normal(size=(PIXELS, 2)))[0].T
    photos = (rng.normal(size=(500, 2)) * [3.0, 1.0]) @ directions
    mean, components = fit_components(photos.reshape(500, *SIZE).astype(np.float32), 2, 0, 0)
    np.testing.assert_allclose(np.linalg.norm(components, axis=1), [3, 1], rtol=0.1)
    np.testing.assert_allclose(mean, photos.mean(0), atol=1e-5)


def test_the_span_is_read_off_weights_that_training_made() -> None:
    network = recogniser_of("cnn").double()
    assert isinstance(network, Cnn)
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(4, network.hidden.in_features, dtype=torch.float64, generator=generator)
    with torch.no_grad():  # four features put into the weights, and noise
        mix = torch.randn(15, 4, dtype=torch.float64, generator=generator)
        noise = torch.randn(network.hidden.weight.shape, dtype=torch.float64, generator=generator)
        network.hidden.weight.copy_(mix @ features + 1e-4 * noise)
    evidence = read_evidence(network)
    assert len(evidence.span) == 4
    inside = (features @ evidence.span.T) @ evidence.span
    torch.testing.assert_close(inside, features, atol=1e-3, rtol=1e-3)
    filtered = without_initial_noise(network)
    assert isinstance(filtered, Cnn)
    torch.testing.assert_close(filtered.hidden.weight, mix @ features, atol=5e-3, rtol=5e-3)


def test_smooth_maps_are_seen_through_the_initial_noise() -> None:
    """As face features are: the error is half that of a cut of singular values, which sees none."""
    small = recogniser_of("cnn")
    assert isinstance(small, Cnn)
    wider = small.settings.model_copy(update={"channels": (8, 16), "hidden_units": 128})
    network = Cnn((112, 92), small.names, wider)
    generator = torch.Generator().manual_seed(0)
    channels, *size = network.maps
    coarse = torch.randn(12, channels, 7, 6, generator=generator)
    maps = nn.functional.interpolate(coarse, size, mode="bicubic").flatten(1)
    strengths = torch.logspace(0, -1, 12)
    added = torch.randn(128, 12, generator=generator) * strengths @ maps
    noise = torch.randn(added.shape, generator=generator) * 2 * added.std()
    with torch.no_grad():
        network.hidden.weight.copy_(added + noise)
        span = read_evidence(network).span
        cut = (network.hidden.weight @ span.T) @ span
        filtered = without_initial_noise(network)
    assert isinstance(filtered, Cnn)
    left = (filtered.hidden.weight - added).square().mean()
    assert left < 0.5 * (cut - added).square().mean()
    assert left < 0.15 * added.square().mean()


def test_starts() -> None:
    network = recogniser_of("softmax")
    generator = torch.Generator().manual_seed(0)
    photos = np.random.default_rng(0).random((4, *SIZE)).astype(np.float32)
    knowledge = public_photos(photos, np.array([0]), 2, 0, 0)

    def start(name: str, restarts: int = 1) -> Tensor:
        recipe = recipe_of("refined", "softmax", {"start": name, "restarts": restarts})
        return case_of(network, recipe, knowledge).starts(2, generator)

    assert start("zero").unique().tolist() == [0.0]
    assert start("grey").unique().tolist() == [0.5]
    torch.testing.assert_close(start("public_mean")[0], torch.from_numpy(photos.mean(0)).flatten())
    noise = start("random", restarts=3)
    assert noise.shape == (6, PIXELS)
    assert len(noise.unique(dim=0)) == 6
