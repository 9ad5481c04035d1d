"""Initial weights found by their seed, by who knows the code that trained a recogniser."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import case_of, recipe_of
from torch import Tensor
from trained import NAMES, photos, train_small

from miface.attack.case import Case
from miface.attack.row_space import row_space_of
from miface.attack.run import attack, invert
from miface.attack.seeds import first_numbers, first_words, initial_weights, search
from miface.recognisers import RECOGNISERS
from miface.recognisers.mlp import Mlp
from miface.recognisers.recogniser import Begun, Recogniser
from miface.recognisers.softmax import Softmax

LAST = 2**32 - 1
BEGUN = [name for name, kind in RECOGNISERS.items() if issubclass(kind, Begun)]
SEED = 637


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# The generator.


def test_words_are_those_of_the_reference_implementation() -> None:
    seeds = np.array([0, 1, 5489, 2**31, LAST], np.uint32)
    words = first_words(seeds, 227)
    for column, seed in enumerate(seeds):
        twister = np.random.MT19937()
        # As Matsumoto and Nishimura seed it, which numpy does in its former interface alone.
        state: Any = np.random.RandomState(int(seed)).get_state(legacy=False)
        twister.state = state
        np.testing.assert_array_equal(words[:, column], twister.random_raw(227))


@pytest.mark.parametrize("count", [0, 228])
def test_no_more_words_than_are_made_of_the_first_state(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} words, expected 1 to 227"):
        first_words(np.zeros(1, np.uint32), count)


@pytest.mark.parametrize("seed", [0, 1, 637, 2**31, LAST])
@pytest.mark.parametrize("count", [16, 96, 224])
def test_numbers_are_those_of_pytorch(seed: int, count: int) -> None:
    seeds = np.array([3, seed], np.uint32)
    uniform = first_numbers(seeds, count, normal=False)[:, 1]
    # Bit for bit, and the first of whatever tensor is drawn.
    for drawn in (
        torch.rand(count, generator=seeded(seed)),
        torch.rand(9999, generator=seeded(seed)),
    ):
        np.testing.assert_array_equal(uniform, drawn.numpy()[:count] - np.float32(0.5))
    normal = first_numbers(seeds, count, normal=True)[:, 1]
    for drawn in (
        torch.randn(count, generator=seeded(seed)),
        torch.randn(9999, generator=seeded(seed)),
    ):
        np.testing.assert_allclose(normal, drawn.numpy()[:count], atol=1e-6)


@given(st.integers(0, LAST))
def test_uniform_numbers_are_pytorch_s_for_any_seed(seed: int) -> None:
    got = first_numbers(np.array([seed], np.uint32), 96, normal=False)[:, 0]
    drawn = torch.rand(96, generator=seeded(seed)).numpy() - np.float32(0.5)
    np.testing.assert_array_equal(got, drawn)


@pytest.mark.parametrize("normal", [False, True])
@pytest.mark.parametrize("seed", [0, 8191, 8192, 20_000])
def test_a_seed_is_found_among_many_under_what_is_smooth(seed: int, normal: bool) -> None:
    draw = torch.randn if normal else torch.rand
    smooth = 40 * np.cos(np.linspace(0, 1.5, 96)) + 9
    weights = (3 * draw(96, generator=seeded(seed)).numpy() + smooth).astype(np.float32)
    for seeds in range(20_001), range(seed + 1), range(seed, seed + 9):  # in the midst, last, first
        found = search(weights, seeds, normal=normal)
        assert found[0] == seed
        assert len(set(found.tolist())) == min(16, len(seeds))
    last = (1.7 * draw(96, generator=seeded(LAST)).numpy()).astype(np.float32)
    assert search(last, range(LAST - 500, LAST + 1), normal=normal)[0] == LAST
    assert seed not in search(weights, range(seed + 1, seed + 500), normal=normal)


# Recognisers.


@cache
def begun(model: str, seed: int = SEED, initial_weights: str = "default") -> Recogniser:
    return train_small(model, seed=seed, initial_weights=initial_weights)


def first_weights(recogniser: Recogniser) -> Tensor:
    assert isinstance(recogniser, Begun)
    return recogniser.first_linear.weight.detach()


@pytest.mark.parametrize("model", BEGUN)
def test_training_begins_with_what_the_generator_draws_first(model: str) -> None:
    hardly = train_small(model, seed=SEED, max_epochs=1, learning_rate=1e-12)
    assert isinstance(hardly, Begun)
    before = first_weights(hardly).clone()
    hardly.begun(seeded(SEED + 2))  # which leaves it as it was
    torch.testing.assert_close(first_weights(hardly), before, atol=0, rtol=0)
    assert not torch.allclose(hardly.begun(seeded(SEED + 1)), before)
    torch.testing.assert_close(hardly.begun(seeded(SEED)), before, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("distribution", ["default", "xavier", "glorot_x4", "normal"])
@pytest.mark.parametrize("model", BEGUN)
def test_the_seed_is_found_and_the_initial_weights_with_it(model: str, distribution: str) -> None:
    recogniser = begun(model, initial_weights=distribution)
    found = initial_weights(recogniser, range(1000))
    assert found is not None
    seed, weights = found
    assert seed == SEED
    assert isinstance(recogniser, Begun)
    torch.testing.assert_close(weights, recogniser.begun(seeded(SEED)), atol=0, rtol=0)


@pytest.mark.parametrize("model", BEGUN)
def test_a_seed_out_of_range_is_not_found(model: str) -> None:
    assert initial_weights(begun(model), range(SEED)) is None
    assert initial_weights(begun(model), range(SEED + 1, 2000)) is None


@pytest.mark.parametrize("model", BEGUN)
def test_weights_that_begin_at_zero_have_no_seed(model: str) -> None:
    assert initial_weights(begun(model, initial_weights="zeros"), range(1000)) is None


@pytest.mark.parametrize("model", BEGUN)
def test_weights_of_another_origin_have_no_seed(model: str) -> None:
    """One that came by the generator of all of PyTorch, not the trainer's."""
    assert initial_weights(train_small(model, seed=SEED + 10**6), range(1000)) is None


def within(rows: Tensor, span: Tensor) -> float:
    """The share of the length of rows that lies in a span."""
    basis = torch.linalg.qr(span.double().T)[0]
    return ((rows.double() @ basis).norm() / rows.double().norm()).item()


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_without_the_initial_weights_photos_are_left(model: str) -> None:
    recogniser, given = begun(model), photos()
    assert isinstance(recogniser, Softmax | Mlp)
    found = initial_weights(recogniser, range(1000))
    assert found is not None
    trained_on = given.x[: given.trained_on]
    assert within(first_weights(recogniser) - found[1], trained_on) == pytest.approx(1, abs=1e-5)
    assert within(first_weights(recogniser), trained_on) < 0.9
    assert within(found[1], trained_on) < 0.4
    held_out = given.x[given.trained_on :]
    assert within(first_weights(recogniser) - found[1], held_out) < 0.95


# In an attack.


def known_code(model: str, seed: int) -> Case:
    recipe = recipe_of("known_code", model, {"alpha": 15})
    assert recipe.initial_noise == "subtracted"
    return case_of(begun(model, seed=seed), recipe)


@pytest.mark.parametrize("model", BEGUN)
def test_who_finds_the_seed_attacks_what_training_added(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = known_code(model, SEED)
    before = first_weights(case.recogniser).clone()
    assert isinstance(case.recogniser, Begun)
    added = before - case.recogniser.begun(seeded(SEED))
    torch.testing.assert_close(first_weights(case.attacked), added, atol=1e-6, rtol=0)
    torch.testing.assert_close(first_weights(case.recogniser), before, atol=0, rtol=0)
    for name, weight in case.recogniser.state_dict().items():
        if not torch.equal(weight, before):
            torch.testing.assert_close(case.attacked.state_dict()[name], weight, msg=name)
    said = capsys.readouterr().err
    assert "1,000 seeds tried" in said
    assert f"{SEED} it was" in said


@pytest.mark.parametrize("model", BEGUN)
def test_who_does_not_find_the_seed_attacks_the_model_as_it_is(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = known_code(model, SEED + 1000)  # 1000 are tried
    assert case.attacked is case.recogniser
    assert "none of them" in capsys.readouterr().err
    x = invert(case, np.arange(2)).x
    kept = case.recipe.model_copy(update={"initial_noise": "kept"})
    np.testing.assert_array_equal(x, invert(case_of(case.recogniser, kept), np.arange(2)).x)


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_the_row_space_is_that_of_what_is_attacked(model: str) -> None:
    case, labels = known_code(model, SEED), torch.arange(len(NAMES))
    fast = row_space_of(case)
    assert fast is not None
    starts = case.starts(len(labels), seeded(0))
    quick, slow = attack(case, labels, starts, fast), attack(case, labels, starts)
    torch.testing.assert_close(quick.points, slow.points, atol=1e-3, rtol=1e-3)
    other = case_of(case.recogniser, case.recipe.model_copy(update={"initial_noise": "kept"}))
    assert not torch.allclose(attack(other, labels, starts).points, slow.points, atol=0.1)
