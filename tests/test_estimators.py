"""The face in what an attack found: less noise, and no face where there was none."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from small import case_of, recipe_of, recogniser_of
from torch import Tensor
from trained import trained

from miface.attack.estimators import (
    ESTIMATORS,
    at_each_frequency,
    cosines,
    frequencies,
    noise_power,
    posterior_mean,
    wiener,
)
from miface.attack.knowledge import Knowledge, nothing, public_photos
from miface.attack.run import invert
from miface.recognisers.dae import Dae

SIZE = (56, 46)
PIXELS = SIZE[0] * SIZE[1]
NOBODY = nothing(*SIZE)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def natural(count: int = 20) -> Tensor:
    """Images [n, H·W] whose power falls with the cube of frequency, of deviation 0.2."""
    coefficients = torch.randn(count, *SIZE, generator=seeded(0)) * frequencies(*SIZE) ** -1.5
    x = cosines(SIZE[0]).T @ coefficients @ cosines(SIZE[1])
    return (x * 0.2 / x.std()).flatten(1)


def white(count: int, deviation: float) -> Tensor:
    return deviation * torch.randn(count, PIXELS, generator=seeded(1))


def error(one: Tensor, other: Tensor) -> float:
    return (one - other).square().mean().item()


def test_cosines_are_those_of_scipy() -> None:
    x = torch.rand(2, *SIZE, generator=seeded(0))
    expected = dctn(x.numpy(), axes=(1, 2), norm="ortho")
    np.testing.assert_allclose(cosines(SIZE[0]) @ x @ cosines(SIZE[1]).T, expected, atol=1e-5)


@pytest.mark.parametrize("deviation", [0.03, 0.1, 1.0])
def test_the_power_of_noise_is_seen_beside_a_face(deviation: float) -> None:
    y = (natural(40) + white(40, deviation)).unflatten(1, SIZE)
    power = noise_power(cosines(SIZE[0]) @ y @ cosines(SIZE[1]).T)
    assert power.mean().item() == pytest.approx(deviation**2, rel=0.1)
    assert power.sqrt().std().item() < 0.1 * deviation


@pytest.mark.parametrize(
    ("deviation", "factor"), [(0.02, 2.8), (0.05, 7.0), (0.1, 12.0), (0.3, 25.0)]
)
def test_wiener_comes_nearer_to_the_truth(deviation: float, factor: float) -> None:
    truth, noise = natural(), white(20, deviation)
    estimate = wiener(truth + noise, torch.zeros(PIXELS), SIZE, NOBODY)
    assert error(estimate, truth) < error(truth + noise, truth) / factor


def test_wiener_is_nearly_as_good_as_who_knows_both_powers() -> None:
    truth, noise = natural(), white(20, 0.1)
    down, across = cosines(SIZE[0]), cosines(SIZE[1])
    signal = (down @ truth.unflatten(1, SIZE) @ across.T).square().mean(0)
    kept = (down @ (truth + noise).unflatten(1, SIZE) @ across.T) * signal / (signal + 0.01)
    best = error((down.T @ kept @ across).flatten(1), truth)
    estimate = wiener(truth + noise, torch.zeros(PIXELS), SIZE, NOBODY)
    assert error(estimate, truth) < 1.5 * best


def test_wiener_sees_no_face_in_noise() -> None:
    noise, start = white(50, 1.0), torch.full((PIXELS,), 0.5)
    left = (wiener(noise, start, SIZE, NOBODY) - start).square().mean(1)
    assert left.mean() < 0.01
    assert left.max() < 0.1


@settings(deadline=None, max_examples=30)
@given(scale=st.floats(0.01, 1000), offset=st.floats(-1, 1))
def test_wiener_knows_no_unit_and_adds_the_start_again(scale: float, offset: float) -> None:
    found, start = natural(2) + white(2, 0.1), torch.zeros(PIXELS)
    plain = wiener(found, start, SIZE, NOBODY)
    scaled = wiener(scale * found, start + offset, SIZE, NOBODY) - offset
    torch.testing.assert_close(scaled / scale, plain, atol=0.01, rtol=1e-3)


# The posterior mean, against conditioning of the Gaussian of all pixels.
SPREAD = np.array([6.0, 4.0, 2.0, 1.0, 0.5])
DOWN, ACROSS = 16, 12
STATIONARY = 0.3  # the share of the covariance that is the same wherever one looks


@cache
def people() -> Knowledge:
    """What an attacker knows who has seen that faces vary in five directions, and coarse ones."""
    rng = np.random.default_rng(0)
    coarse = np.zeros((5, DOWN, ACROSS))
    coarse[:, :4, :4] = rng.normal(size=(5, 4, 4))
    images = idctn(coarse, axes=(1, 2), norm="ortho").reshape(5, -1)
    components = SPREAD[:, None] * np.linalg.qr(images.T)[0].T
    mean = rng.random(DOWN * ACROSS)
    photos = (mean + rng.normal(size=(4000, 5)) @ components).reshape(-1, DOWN, ACROSS)
    return Knowledge(
        "photos", photos.astype(np.float32), np.zeros(0, np.int64),
        mean.astype(np.float32), components.astype(np.float32),
    )  # fmt: skip


def covariance() -> NDArray[np.float64]:
    """Of the pixels of a face, by its definition: the photos' own, drawn towards one in cosines."""
    known = people()
    apart = known.photos.reshape(-1, DOWN, ACROSS) - known.mean.reshape(DOWN, ACROSS)
    power = (dctn(apart, axes=(1, 2), norm="ortho") ** 2).mean(0)
    at = at_each_frequency(torch.from_numpy(power), frequencies(DOWN, ACROSS)).numpy()
    rows = dctn(np.eye(DOWN * ACROSS).reshape(-1, DOWN, ACROSS), axes=(1, 2), norm="ortho")
    cosine = rows.reshape(DOWN * ACROSS, -1)  # from pixels to coefficients
    own = known.components.T.astype(float) @ known.components
    return (1 - STATIONARY) * own + STATIONARY * (cosine * at.ravel()) @ cosine.T


@pytest.mark.parametrize(("gain", "deviation"), [(1.0, 0.5), (7.0, 2.0), (0.1, 0.3)])
def test_the_posterior_mean_is_that_of_the_gaussian(gain: float, deviation: float) -> None:
    known, rng, of_faces = people(), np.random.default_rng(1), covariance()
    faces = rng.multivariate_normal(np.zeros(DOWN * ACROSS), of_faces, 3000, method="eigh")
    found = gain * faces + deviation * rng.normal(size=faces.shape)
    of_found = gain**2 * of_faces + deviation**2 * np.eye(len(of_faces))
    expected = found @ np.linalg.solve(of_found, gain * of_faces)  # E[face | found]
    start = torch.from_numpy(known.mean)
    size = (DOWN, ACROSS)
    got = posterior_mean(torch.from_numpy(found).float(), start, size, known).numpy() - known.mean
    assert np.linalg.norm(got - expected) < 0.05 * np.linalg.norm(expected)
    # So faces are found at their own size, whatever the gain, but for what noise hides.
    assert np.linalg.norm(got - faces) < 1.03 * np.linalg.norm(expected - faces)


def test_power_at_a_frequency_is_the_mean_of_those_about_it() -> None:
    power = torch.rand(DOWN, ACROSS, generator=seeded(0))
    frequency = frequencies(DOWN, ACROSS)
    at = at_each_frequency(power, frequency)
    assert at.sum().item() == pytest.approx(power.sum().item(), rel=1e-5)
    for value in at.unique():
        alike = at == value
        assert power[alike].mean().item() == pytest.approx(value.item(), rel=1e-4)
        assert frequency[alike].max() <= 1.15 * frequency[alike].min()


def test_noise_moves_the_mean_face_less_than_a_face_would() -> None:
    known, rng = people(), np.random.default_rng(1)
    noise = torch.from_numpy(rng.normal(size=(3000, DOWN * ACROSS))).float()
    estimate = posterior_mean(noise, torch.zeros(()), (DOWN, ACROSS), known)
    moved = (estimate - torch.from_numpy(known.mean)).norm(dim=1)
    assert moved.mean() < 0.5 * np.sqrt((SPREAD**2).sum())


@pytest.mark.parametrize("name", ESTIMATORS)
def test_where_nothing_was_found_the_start_is_left(name: str) -> None:
    known = people()
    start = torch.from_numpy(known.mean)
    nothing_found = torch.zeros(3, DOWN * ACROSS)
    left = ESTIMATORS[name](nothing_found, start, (DOWN, ACROSS), known)
    torch.testing.assert_close(left, start.expand(3, -1))


# In an attack.


@pytest.mark.parametrize(("model", "space"), [("softmax", "pixels"), ("dae", "codes")])
@pytest.mark.parametrize(
    ("method", "estimator"), [("refined", "wiener"), ("prior", "posterior_mean")]
)
def test_an_attack_ends_with_its_estimator(
    method: str, estimator: str, model: str, space: str
) -> None:
    recogniser = trained(model)
    photos = np.random.default_rng(0).random((6, *recogniser.size)).astype(np.float32)
    known = nothing(*recogniser.size)
    if method == "prior":
        known = public_photos(photos, np.zeros(0, np.int64), 4, 1, seed=0)
    recipe = recipe_of(method, model, {"alpha": 20})
    assert (recipe.estimator, recipe.space) == (estimator, space)
    labels = np.array([3, 1])
    got = invert(case_of(recogniser, recipe, known), labels)
    as_it_was = recipe.model_copy(update={"estimator": "as_is"})
    case = case_of(recogniser, as_it_was, known)
    plain = invert(case, labels)
    start = case.starts(1, seeded(0))
    if isinstance(recogniser, Dae):
        with torch.no_grad():
            start = recogniser.decode(start)
    found = torch.from_numpy(plain.x).flatten(1) - start
    expected = ESTIMATORS[estimator](found, start[0], recogniser.size, known)
    np.testing.assert_allclose(got.x.reshape(2, -1), expected, atol=1e-5)
    assert not np.allclose(got.x, plain.x)
    # The cost is that of the image that is given; the attack's own stays what it was.
    with torch.no_grad():
        p = torch.softmax(recogniser(torch.from_numpy(got.x).flatten(1)), 1)
    np.testing.assert_allclose(got.cost, 1 - p[[0, 1], labels].numpy(), atol=1e-5)
    np.testing.assert_array_equal(got.attack_cost, plain.attack_cost)


@torch.no_grad()
def test_the_noise_of_a_decoder_is_taken_off_what_it_draws() -> None:
    """The image comes nearer to that of a decoder which began at zero, with the same codes."""
    noisy, clean = (recogniser_of("dae", size=SIZE, hidden_units=(60, 10)) for _ in range(2))
    assert isinstance(noisy, Dae)
    assert isinstance(clean, Dae)
    learnt = natural(60)
    clean.outer.decoder.weight.copy_(learnt.T)
    noisy.outer.decoder.weight.copy_((learnt + white(60, 0.2)).T)
    labels, recipe = np.arange(5), recipe_of("refined", "dae")
    truth = invert(case_of(clean, recipe.model_copy(update={"estimator": "as_is"})), labels)
    plain = invert(case_of(noisy, recipe.model_copy(update={"estimator": "as_is"})), labels)
    got = invert(case_of(noisy, recipe), labels)
    left, before = (np.square(each.x - truth.x).mean() for each in (got, plain))
    assert left < before / 8
