"""Variants of the training: what each states, and mistakes in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mistakes import mistakes

from miface.attack.methods import METHODS
from miface.params.file import read_yaml
from miface.params.schema import ORDINARY, load_params
from miface.recognisers import RECOGNISERS

WriteParams = Callable[..., Path]


@pytest.fixture(scope="session")
def shipped(project: Path) -> dict[str, Any]:
    """The parameters as the file has them."""
    return read_yaml(project / "params.yaml")


VARIANTS = ("report", "theano", "leaking")


@pytest.mark.parametrize("variant", [ORDINARY, *VARIANTS])
@pytest.mark.parametrize("model", RECOGNISERS)
def test_a_variant_gives_what_it_states_and_else_what_is_ordinary(
    write_params: WriteParams, shipped: dict[str, Any], variant: str, model: str
) -> None:
    assert set(shipped["variants"]) == set(VARIANTS)
    stated = shipped["variants"].get(variant, {}).get(model, {})
    settings = load_params(write_params({"variant": variant})).settings(model)
    assert settings.model_dump(mode="json") == shipped[model] | stated


def test_the_ordinary_training_is_the_one_that_is_shipped(shipped: dict[str, Any]) -> None:
    assert shipped["variant"] == ORDINARY
    for variant, groups in shipped["variants"].items():
        for model, stated in groups.items():
            same = {key for key, value in stated.items() if shipped[model][key] == value}
            assert not same, f"{variant} states of {model} what is ordinary"


@pytest.mark.parametrize("variant", ["report", "leaking"])
def test_a_variant_keeps_the_masking_that_its_results_came_from(
    write_params: WriteParams, variant: str
) -> None:
    """What is ordinary has changed since: docs/what-the-report-found.md shows leaking ones."""
    settings = load_params(write_params({"variant": variant})).settings("dae")
    assert settings.model_dump()["corruption"] == 0.2


def test_a_variant_is_of_training_alone(write_params: WriteParams) -> None:
    ordinary, leaking = (load_params(write_params({"variant": v})) for v in (ORDINARY, "leaking"))
    assert ordinary.settings("mlp") != leaking.settings("mlp")
    for method in METHODS:
        assert ordinary.plan(method, "mlp") == leaking.plan(method, "mlp")


def test_an_unknown_variant_is_told_with_those_there_are(write_params: WriteParams) -> None:
    (told,) = mistakes(write_params({"variant": "2020"}))
    assert told.startswith("variant: found '2020', expected one of ")
    assert all(repr(name) in told for name in (ORDINARY, *VARIANTS))


def test_an_unknown_recogniser_in_a_variant_is_told(write_params: WriteParams) -> None:
    (told,) = mistakes(write_params({"variants.leaking.vgg": {"momentum": 0.5}}))
    assert told.startswith("variants.leaking: found 'vgg', expected one of ")
    assert all(repr(name) in told for name in RECOGNISERS)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("leaking.mlp.units", 7, "found 7, but there is no such key; should be one of learning_r"),
        ("theano.softmax.momentum", 1.5, "found 1.5, should be less than 1"),
        ("report.mlp.initial_weights", "ones", "found 'ones', should be 'default', 'zeros', "),
        ("mine", {"dae": {"pretraining": 5}}, "found 5, should be a valid list"),
    ],
)
def test_a_mistake_in_a_variant_is_told_though_it_is_not_chosen(
    write_params: WriteParams, key: str, value: Any, told: str
) -> None:
    (line,) = mistakes(write_params({f"variants.{key}": value}))
    where = "mine.dae.pretraining" if key == "mine" else key
    assert line.startswith(f"variants.{where}: {told}")


def test_no_variant_is_called_as_the_groups_themselves_are(write_params: WriteParams) -> None:
    (told,) = mistakes(write_params({f"variants.{ORDINARY}": {}}))
    assert told == f"variants: '{ORDINARY}' is what the groups of the recognisers say"
